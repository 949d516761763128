//! The operating system's users, as far as connections must know them.

use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

/// The number of a user of this machine.
pub(super) fn uid_of(name: &str) -> Option<u32> {
    entries()?.lines().find_map(|line| number_of(line, name))
}

/// Its name, or the number where it has none here.
pub(super) fn name_of(uid: u32) -> String {
    let named = entries().and_then(|text| {
        text.lines().find_map(|line| {
            let name = line.split(':').next()?;
            number_of(line, name).filter(|found| *found == uid).map(|_| name.to_owned())
        })
    });
    named.unwrap_or_else(|| format!("number {uid}"))
}

fn entries() -> Option<String> {
    std::fs::read_to_string("/etc/passwd").ok()
}

fn number_of(line: &str, name: &str) -> Option<u32> {
    let mut fields = line.split(':');
    if fields.next()? != name {
        return None;
    }
    fields.nth(1)?.parse().ok()
}

/// Whoever we are; `std` does not tell, the owner of what is ours does.
pub(crate) fn own_uid(home: Option<&Path>) -> Option<u32> {
    let own = std::fs::metadata("/proc/self").ok().or_else(|| home.and_then(|home| std::fs::metadata(home).ok()));
    own.map(|own| own.uid())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_the_user_list_has_name_and_number() {
        assert_eq!(number_of("postgres:x:105:110:PostgreSQL:/var/lib/postgresql:/bin/bash", "postgres"), Some(105));
        assert_eq!(number_of("postgres:x:105:110::/:/bin/sh", "postgre"), None);
        assert_eq!((number_of("", ""), number_of("a:b", "a")), (None, None));
        assert_eq!((uid_of("root"), name_of(0).as_str()), (Some(0), "root"));
    }
}
