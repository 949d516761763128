//! Connection service files (PostgreSQL documentation, "The Connection Service File").

use std::io;
use std::path::{Path, PathBuf};

use super::parse::{Settings, put};
use crate::db::env::Env;

/// Where Debian's libpq looks when `PGSYSCONFDIR` is not set; the directory is compiled into libpq elsewhere.
const SYSTEM_DIRECTORY: &str = "/etc/postgresql-common";

/// The settings of a service: the user's file first, then the system's.
pub(super) fn load(name: &str, file: Option<&str>, env: &Env) -> Result<Settings, String> {
    let named = file.map(PathBuf::from);
    let own = named.clone().or_else(|| env.home().map(|home| home.join(".pg_service.conf")));
    let system = Path::new(env.non_empty("PGSYSCONFDIR").unwrap_or(SYSTEM_DIRECTORY)).join("pg_service.conf");
    for path in own.into_iter().chain([system]) {
        match std::fs::read_to_string(&path) {
            Ok(text) => {
                if let Some(settings) = find(&text, name).map_err(|error| format!("{}: {error}", path.display()))? {
                    return Ok(settings);
                }
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound && named.as_ref() != Some(&path) => {}
            Err(error) => return Err(format!("service file {}: {error}", path.display())),
        }
    }
    Err(format!("no service file defines the service \"{name}\""))
}

/// The section `[name]` of a service file, if it has one.
fn find(text: &str, name: &str) -> Result<Option<Settings>, String> {
    let mut found: Option<Settings> = None;
    for (index, line) in text.lines().enumerate() {
        let (line, number) = (line.trim(), index + 1);
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        if let Some(section) = line.strip_prefix('[') {
            if found.is_some() {
                return Ok(found);
            }
            if section.split(']').next() == Some(name) {
                found = Some(Settings::new());
            }
        } else if let Some(settings) = &mut found {
            if line.starts_with("ldap") {
                return Err(format!("line {number}: LDAP lookups are not supported"));
            }
            let Some((key, value)) = line.split_once('=') else {
                return Err(format!("line {number}: no \"=\" in a setting of service \"{name}\""));
            };
            if key == "service" || key == "servicefile" {
                return Err(format!("line {number}: a service cannot name another"));
            }
            // The first of two counts, as in libpq.
            if !settings.contains_key(key) {
                put(settings, key, value.to_owned()).map_err(|error| format!("line {number}: {error}"))?;
            }
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "# services\n[a]\nhost=h1\n  port=1\nport=2\n\n[b]\nhost = x\n[c]\n# only a comment\n[d]\nservice=a\n[e]\nldap://x\n[f]\nnonsense\n";

    #[test]
    fn a_section_ends_at_the_next() {
        let a = find(FILE, "a").unwrap().unwrap();
        assert_eq!(a, Settings::from([("host", "h1".to_owned()), ("port", "1".to_owned())]));
        assert_eq!(find(FILE, "c").unwrap(), Some(Settings::new()));
        assert_eq!(find(FILE, "z").unwrap(), None);
    }

    #[test]
    fn mistakes_are_named_by_line() {
        for (name, part) in [("b", "line 8"), ("d", "another"), ("e", "LDAP"), ("f", "line 16")] {
            let error = find(FILE, name).unwrap_err();
            assert!(error.contains(part), "{error}");
        }
    }
}
