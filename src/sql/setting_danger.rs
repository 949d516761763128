//! Settings that `ALTER SYSTEM` takes without a question, and the server then does not start with, or locks people out.

use super::setting_list::{LIBRARIES, SettingList, list_elements, setting_list};

/// Why only a person should set it, to this value; `None` where it may be done by `ALTER SYSTEM`.
pub fn left_to_a_person(name: &str, to: &str) -> Option<&'static str> {
    if LIBRARIES.contains(&name) {
        return Some(
            "whether its libraries are there cannot be asked, and without one the server does not start, or takes no session",
        );
    }
    // Files, ciphers, curves and versions are looked at when the server starts (be-secure-openssl.c).
    if name.starts_with("ssl") {
        return Some(
            "whether it suits the server's certificates and its TLS library cannot be asked, and where it does not the server \
             does not start again",
        );
    }
    match name {
        "allow_alter_system" | "data_directory" => {
            Some("ALTER SYSTEM refuses it: it is set where the server is started")
        }
        "db_user_namespace" => Some("from the reload on it makes other names of the roles that log in, and nobody can"),
        "hba_file" | "ident_file" => Some(
            "whether the file is there and who it lets in cannot be asked: the server does not start without it, or lets \
             nobody in",
        ),
        "synchronous_standby_names" => Some(
            "every commit waits for a standby of such a name, for ever where there is none, and without names for nobody",
        ),
        "wal_level" if to.eq_ignore_ascii_case("minimal") => Some(
            "with it the server does not start where max_wal_senders is above 0, and archives and standbys end there",
        ),
        // An empty list of names in quotes is written as one empty name.
        _ if setting_list(name) == Some(SettingList::Quoted) && list_elements(name, to).is_empty() => Some(
            "ALTER SYSTEM writes an empty list as a list of one empty name; ALTER SYSTEM RESET may be what is meant",
        ),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_lock_people_out_is_left_to_them() {
        for (name, to) in [
            ("db_user_namespace", "on"),
            ("ssl", "on"),
            ("ssl_ciphers", "x"),
            ("ssl_groups", "x"),
            ("ssl_min_protocol_version", "TLSv1.3"),
            ("synchronous_standby_names", "nobody"),
            ("hba_file", "/x"),
            ("ident_file", "/x"),
            ("wal_level", "Minimal"),
            ("shared_preload_libraries", "x"),
            ("data_directory", "/x"),
            ("allow_alter_system", "off"),
            ("temp_tablespaces", " "),
        ] {
            assert!(left_to_a_person(name, to).is_some(), "{name}");
        }
        for (name, to) in [("wal_level", "logical"), ("work_mem", "8MB"), ("temp_tablespaces", "a"), ("timezone", "")] {
            assert_eq!(left_to_a_person(name, to), None, "{name}");
        }
    }
}
