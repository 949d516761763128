//! What `ALTER SYSTEM` would take without a question: commands, libraries, and values that lose data or weaken a guard.

use pgstrata::sql::{left_to_a_person, loses_safety};
use serde_json::Value;

use crate::settings::{APPLY, Place};

/// What a policy of a stranger might slip in, each for its kind.
const POLICY: &str = "archive_command: 'true %f', restore_command: 'true', recovery_end_command: 'true', \
    archive_cleanup_command: 'true', dynamic_library_path: '/tmp', jit_provider: evil, session_preload_libraries: evil, \
    log_directory: '/tmp/x', full_page_writes: off, fsync: off, synchronous_commit: off, zero_damaged_pages: on, \
    ignore_checksum_failure: on, allow_system_table_mods: on, password_encryption: md5, session_replication_role: replica, \
    work_mem: 9MB";

#[test]
fn commands_are_left_to_a_person_and_safety_is_lost_by_a_grant_only() {
    // A sandbox's are off already: nothing in it is worth a crash.
    let place = Place::new(&[("fsync", "on"), ("full_page_writes", "on"), ("synchronous_commit", "on")]);
    place.policy("alter_system", POLICY);
    let plan = place.json(&place.url);
    let steps: Vec<&Value> = plan["steps"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|step| step["action"]["kind"].as_str().unwrap().contains("setting"))
        .collect();
    let ids: Vec<&str> = steps.iter().map(|step| step["id"].as_str().unwrap()).collect();
    for run in [
        "archive_command",
        "restore_command",
        "recovery_end_command",
        "archive_cleanup_command",
        "dynamic_library_path",
        "jit_provider",
        "session_preload_libraries",
        "log_directory",
    ] {
        assert!(!ids.iter().any(|id| id.ends_with(run)), "{run} in {ids:?}");
        let finding =
            plan["findings"].as_array().unwrap().iter().find(|found| found["object"] == format!("setting {run}"));
        let message = finding.unwrap_or_else(|| panic!("no finding of {run}"))["message"].as_str().unwrap();
        assert!(message.contains("It is not changed: "), "{message}");
    }
    let weak = [
        "full_page_writes",
        "fsync",
        "synchronous_commit",
        "zero_damaged_pages",
        "ignore_checksum_failure",
        "allow_system_table_mods",
        "password_encryption",
        "session_replication_role",
    ];
    for name in weak {
        let step = steps
            .iter()
            .find(|step| step["id"].as_str().unwrap().ends_with(name))
            .unwrap_or_else(|| panic!("no step of {name}: {ids:?}"));
        assert!(step["hazards"].as_array().unwrap().iter().any(|hazard| hazard["kind"] == "LOSES_SAFETY"), "{step}");
        assert_eq!(step["blocked"], true, "{name}");
    }
    place.run(&APPLY, 3);
    assert_eq!(place.auto_conf(), "work_mem=9MB");

    // The way back needs no grant, and a grant is one.
    place.policy("alter_system", "fsync: off, full_page_writes: off, password_encryption: md5");
    place.run(&[&APPLY[..], &["--allow", "loses-safety"]].concat(), 0);
    assert!(place.auto_conf().contains("fsync=off"), "{}", place.auto_conf());
    place.policy("alter_system", "fsync: on, full_page_writes: on, password_encryption: scram-sha-256");
    place.run(&APPLY, 0);
    assert!(place.auto_conf().contains("fsync=on"), "{}", place.auto_conf());
}

#[test]
fn a_policy_of_settings_alone_is_one() {
    let place = Place::new(&[]);
    let text = "version: 1\napply: {settings: alter_system}\ntables: {}\nsettings: {archive_command: 'true %f', zero_damaged_pages: on}\n";
    std::fs::write(place.folder.path().join("pgstrata.yaml"), text).unwrap();
    let plan = place.json(&place.url);
    let ids: Vec<&str> = plan["steps"].as_array().unwrap().iter().map(|step| step["id"].as_str().unwrap()).collect();
    assert_eq!(ids, ["set setting zero_damaged_pages"], "{plan}");
    assert_eq!(plan["steps"][0]["blocked"], true);
    place.run(&["drift"], 2);
    place.run(&APPLY, 3);
}

/// The kind, as this server's version has it: by what its own description says of it.
#[test]
fn every_setting_of_the_kind_is_known() {
    let mut server = crate::support::server().connect("postgres").unwrap();
    let sql = "SELECT name FROM pg_settings WHERE context <> 'internal' AND short_desc ~* \
        'shell command|shared librar|the librar|lists librar|dynamically loadable|provider to use|extension control files'";
    let found: Vec<String> = server.query(sql, &[]).unwrap().iter().map(|row| row.get(0)).collect();
    assert!(found.len() >= 9, "{found:?}");
    for name in found {
        assert!(left_to_a_person(&name, "x").is_some(), "{name}");
    }
    // Developer options that a server's manual warns of, by their category.
    let sql =
        "SELECT name FROM pg_settings WHERE name ~ '^(zero_damaged|ignore_(checksum|invalid))' AND vartype = 'bool'";
    for row in server.query(sql, &[]).unwrap() {
        let name: String = row.get(0);
        assert!(loses_safety(&name, "on").is_some(), "{name}");
    }
}
