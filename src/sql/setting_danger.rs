//! Settings that `ALTER SYSTEM` takes without a question, and that then run commands, load code, lose data, weaken who may log
//! in, or keep the server from starting.

use super::setting::setting_bool;
use super::setting_list::{LIBRARIES, SettingList, list_elements, setting_list};

/// How names end whose values are run as commands of the operating system, loaded into the server, or searched for what
/// is: PostgreSQL's (`archive_command`, `archive_library`, `dynamic_library_path`, `extension_control_path`) and those of
/// extensions (`pltcl.start_proc`, `plperl.on_init`), those to come included.
const RUN: [&str; 8] =
    ["_command", "_library", "_libraries", "_library_path", "_control_path", "jit_provider", ".start_proc", ".on_init"];

/// What the server writes, opens or connects to by itself, wherever it is told: files and other servers.
const REACH: [&str; 8] = [
    "external_pid_file",
    "krb_server_keyfile",
    "log_directory",
    "log_filename",
    "primary_conninfo",
    "primary_slot_name",
    "promote_trigger_file",
    "stats_temp_directory",
];

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
    let of_extension = name.contains('.') && name.ends_with("_init");
    if of_extension || RUN.iter().any(|end| name.ends_with(end)) {
        return Some("the server runs it, or loads code from it, as the operating system's user that it is");
    }
    if REACH.contains(&name) || name.starts_with("recovery_target") || name.ends_with("archive_directory") {
        return Some(
            "it says where the server writes, whom it follows or where it stops, which cannot be checked from here",
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

/// What is lost with this value, of data or of what guards it; `None` where nothing is.
pub fn loses_safety(name: &str, to: &str) -> Option<&'static str> {
    let is = |value: bool| setting_bool(to.trim()) == Some(value);
    let word = |word: &str| to.trim().eq_ignore_ascii_case(word);
    match name {
        "fsync" | "full_page_writes" if is(false) => Some("a crash of the machine can leave the whole cluster corrupt"),
        "synchronous_commit" if is(false) || word("local") || word("remote_write") => {
            Some("commits that were confirmed can be lost in a crash or a failover")
        }
        "archive_mode" if is(false) => Some("WAL is not archived any more: no recovery to a point in time after it"),
        "data_sync_retry" if is(true) => Some("what the kernel could not write is taken for written"),
        "zero_damaged_pages" if is(true) => Some("damaged pages are replaced by empty ones, with all rows on them"),
        "ignore_checksum_failure" | "ignore_invalid_pages" if is(true) => {
            Some("damaged pages are read as if they were whole, and damage spreads")
        }
        "ignore_system_indexes" if is(true) => Some("the catalog is read without its indexes"),
        "allow_system_table_mods" if is(true) => Some("superusers can change the catalog itself, and break it"),
        "session_replication_role" if !word("origin") => {
            Some("triggers do not fire and foreign keys are not checked, in any session")
        }
        "event_triggers" if is(false) => Some("event triggers do not fire: what they forbid or record is neither"),
        "password_encryption" if word("md5") || is(true) => Some(
            "passwords set from now on are stored as MD5 hashes, which log in by themselves and are easily guessed",
        ),
        "scram_iterations" if to.trim().parse::<u32>().is_ok_and(|count| count < 4096) => {
            Some("stored passwords are guessed faster than with the default of 4096")
        }
        "krb_caseins_users" if is(true) => Some("principals that differ in case only log in as one user"),
        "gss_accept_delegation" if is(true) => Some("the server can act with credentials of its clients"),
        "lo_compat_privileges" if is(true) => Some("privileges of large objects are not checked"),
        "standard_conforming_strings" if is(false) => Some("strings that clients quote the standard's way end early"),
        "backslash_quote" if is(true) => Some("in some encodings strings that clients quote end early"),
        "log_statement" if word("none") => Some("nothing in the log says any more who ran which statement"),
        "log_connections" | "log_disconnections" if is(false) || to.trim().is_empty() => {
            Some("nothing in the log says any more who connected")
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_runs_or_loads_is_left_to_a_person() {
        for name in [
            "archive_command",
            "restore_command",
            "recovery_end_command",
            "archive_cleanup_command",
            "archive_library",
            "ssl_passphrase_command",
            "session_preload_libraries",
            "oauth_validator_libraries",
            "dynamic_library_path",
            "extension_control_path",
            "jit_provider",
            "pltcl.start_proc",
            "plperl.on_init",
            "plperl.on_plperlu_init",
            "recovery_target_time",
            "primary_conninfo",
            "log_directory",
            "basic_archive.archive_directory",
        ] {
            assert!(left_to_a_person(name, "x").is_some(), "{name}");
        }
        for name in ["search_path", "wal_init_zero", "jit", "archive_timeout", "log_statement", "commit_delay"] {
            assert_eq!(left_to_a_person(name, "x"), None, "{name}");
        }
    }

    #[test]
    fn what_loses_data_or_weakens_a_guard_is_told_by_its_value() {
        for (name, to) in [
            ("fsync", "off"),
            ("full_page_writes", "FALSE"),
            ("full_page_writes", "0"),
            ("synchronous_commit", "off"),
            ("synchronous_commit", "Local"),
            ("zero_damaged_pages", "on"),
            ("ignore_checksum_failure", "yes"),
            ("allow_system_table_mods", "1"),
            ("password_encryption", "MD5"),
            ("scram_iterations", "1"),
            ("session_replication_role", "replica"),
            ("log_statement", "none"),
            ("log_connections", ""),
        ] {
            assert!(loses_safety(name, to).is_some(), "{name} = {to}");
        }
        for (name, to) in [
            ("fsync", "on"),
            ("synchronous_commit", "remote_apply"),
            ("synchronous_commit", "on"),
            ("password_encryption", "scram-sha-256"),
            ("scram_iterations", "10000"),
            ("session_replication_role", "origin"),
            ("log_statement", "ddl"),
            ("log_connections", "receipt"),
            ("work_mem", "off"),
        ] {
            assert_eq!(loses_safety(name, to), None, "{name} = {to}");
        }
    }

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
