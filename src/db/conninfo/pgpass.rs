//! The password file (PostgreSQL documentation, "The Password File").

use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// What a server and a session are looked up by.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wanted<'a> {
    pub(super) host: &'a str,
    pub(super) port: &'a str,
    pub(super) dbname: &'a str,
    pub(super) user: &'a str,
}

/// The text of a password file, or why it is passed over. A file that does not exist is neither.
pub(super) fn read(path: &Path) -> Result<Option<String>, String> {
    let Ok(metadata) = std::fs::metadata(path) else { return Ok(None) };
    if !metadata.is_file() {
        return Err(format!("password file {} is not a plain file and was not used", path.display()));
    }
    if metadata.mode() & 0o077 != 0 {
        return Err(format!(
            "password file {} has group or world access and was not used; its mode should be 0600",
            path.display()
        ));
    }
    match std::fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) => Err(format!("password file {} was not used: {error}", path.display())),
    }
}

/// The password of the first line that matches.
pub(super) fn find(text: &str, wanted: Wanted<'_>) -> Option<String> {
    let Wanted { host, port, dbname, user } = wanted;
    text.lines().filter(|line| !line.starts_with('#')).find_map(|line| {
        let mut rest = line;
        for value in [host, port, dbname, user] {
            let (pattern, after) = split_field(rest)?;
            if pattern != "*" && unescape(pattern) != value {
                return None;
            }
            rest = after;
        }
        Some(unescape(rest))
    })
}

/// Up to the first colon that no backslash precedes, and what follows it.
fn split_field(text: &str) -> Option<(&str, &str)> {
    let mut escaped = false;
    for (at, c) in text.char_indices() {
        match c {
            ':' if !escaped => return Some((&text[..at], &text[at + 1..])),
            '\\' => escaped = !escaped,
            _ => escaped = false,
        }
    }
    None
}

fn unescape(text: &str) -> String {
    let mut chars = text.chars();
    let mut plain = String::with_capacity(text.len());
    while let Some(c) = chars.next() {
        if c == '\\' { plain.extend(chars.next()) } else { plain.push(c) }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_matching_line_with_wildcards_and_escapes() {
        let file = "# host:port:db:user:password\n\
                    short:line\n\
                    h1:5432:app:ana:first\n\
                    h1:5432:*:ana:any database\r\n\
                    *:*:we\\:ird:bob:co\\:lon\\\\slash\n\
                    *:*:*:raw:a:b:c\n\
                    ::1:5432:app:v6:never\n\
                    \\:\\:1:5432:app:v6:escaped\n\
                    \\*:*:*:star:literal\n\
                    *:*:*:*:last\n";
        for (host, port, dbname, user, expected) in [
            ("h1", "5432", "app", "ana", "first"),
            ("h1", "5432", "other", "ana", "any database"),
            ("h1", "5433", "app", "ana", "last"),
            ("h9", "1", "we:ird", "bob", "co:lon\\slash"),
            ("h9", "1", "x", "raw", "a:b:c"),
            ("::1", "5432", "app", "v6", "escaped"),
            ("*", "1", "x", "star", "literal"),
            ("h9", "1", "x", "star", "last"),
        ] {
            assert_eq!(find(file, Wanted { host, port, dbname, user }).as_deref(), Some(expected), "{host} {user}");
        }
        assert_eq!(find("h:1:d:u:p", Wanted { host: "h", port: "1", dbname: "d", user: "x" }), None);
    }
}
