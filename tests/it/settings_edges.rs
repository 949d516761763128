//! Settings that could keep a server from starting or people from logging in, and what a server makes of a value.

use std::fs;

use crate::settings::{APPLY, POLICY, Place};
use crate::support::pgstrata;
use crate::support::place::ran;

const LOAD: &str = "SELECT pg_reload_conf(), pg_sleep(0.3)";

#[test]
fn what_may_lock_everybody_out_is_a_finding_and_nothing_is_written() {
    let place = Place::new(&[]);
    let of_old = if place.server.version().major < 17 { "db_user_namespace: on, " } else { "" };
    place.policy(
        "alter_system",
        &format!(
            "{of_old}ssl_min_protocol_version: TLSv1.3, ssl_ciphers: HIGH, synchronous_standby_names: nobody, \
             hba_file: /nowhere, ident_file: /nowhere, wal_level: minimal"
        ),
    );
    let (steps, findings) = place.planned(&place.url);
    assert!(steps.is_empty(), "{steps:?}");
    assert_eq!(findings.len(), if of_old.is_empty() { 6 } else { 7 }, "{findings:#?}");
    for finding in &findings {
        assert!(finding.starts_with("SETTING_DIFFERS") && finding.contains(". It is not changed: "), "{finding}");
    }
    place.run(&APPLY, 3);
    assert_eq!(place.auto_conf(), "");
    // With these no connection would be left, on 15 of the one kind and later of both.
    let reserved = if place.server.version().major >= 16 { ", reserved_connections: 2" } else { "" };
    place.policy("alter_system", &format!("max_connections: 3{reserved}"));
    let plan = place.run(&["plan"], 1).stdout;
    assert!(plan.contains("superuser_reserved_connections): the server would not start"), "{plan}");
}

#[test]
fn a_waiting_value_that_only_a_person_sets_breaks_no_plan() {
    let place = Place::new(&[]);
    place.batch("ALTER SYSTEM SET shared_preload_libraries = 'auto_explain'");
    place.batch(LOAD);
    place.policy("alter_system", "shared_preload_libraries: '', random_page_cost: 1.1");
    let (steps, findings) = place.planned(&place.url);
    assert_eq!(steps, ["set setting random_page_cost"]);
    assert!(findings[0].contains("which brings auto_explain. It is not changed"), "{findings:?}");
    place.run(&APPLY, 3);
    assert_eq!(place.one("SHOW random_page_cost"), "1.1");
}

#[test]
fn a_saved_plan_does_not_take_another_pending_value_for_its_own() {
    let place = Place::new(&[]);
    if place.server.version().major < 15 {
        return;
    }
    place.batch(
        "CREATE ROLE app LOGIN; ALTER TABLE events OWNER TO app; GRANT CREATE ON SCHEMA public TO app;
         GRANT ALTER SYSTEM ON PARAMETER max_locks_per_transaction TO app;
         GRANT EXECUTE ON FUNCTION pg_reload_conf() TO app",
    );
    let app = place.url.replace("user=postgres", "user=app");
    place.policy("alter_system", "max_locks_per_transaction: 128");
    place.run_as(&app, &["plan", "-q", "--out", "plan.json"], 0);
    place.batch("ALTER SYSTEM SET max_locks_per_transaction = 512");
    place.batch(LOAD);
    let apply = ["apply", "plan.json", "--auto-approve", "--allow", "restart-required"];
    // The step was blocked when it was reviewed, and is none of today's: it is not run, nor said to be done.
    let superseded = place.run_as(&app, &apply, 3).stdout;
    assert!(superseded.contains("superseded") && !superseded.contains("already there"), "{superseded}");
    assert_eq!(place.auto_conf(), "max_locks_per_transaction=512");
}

#[test]
fn what_is_written_and_not_seen_is_not_nothing() {
    let place = Place::new(&[]);
    place.policy("report", "random_page_cost: 4");
    place.run(&APPLY, 0);
    place.policy("alter_system", "random_page_cost: 1.1");
    let conf = place.server.data_dir().join("postgresql.conf");
    let text = fs::read_to_string(&conf).unwrap();
    fs::write(&conf, format!("{text}\nnonsense without a value\n")).unwrap();
    let failed = place.run(&APPLY, 6).stdout;
    assert!(failed.contains("something is committed") && !failed.contains("nothing was committed"), "{failed}");
    let auto = fs::read_to_string(place.server.data_dir().join("postgresql.auto.conf")).unwrap();
    assert!(auto.contains("random_page_cost = '1.1'"), "{auto}");
}

#[test]
fn a_value_of_several_lines_is_refused_with_its_place() {
    let folder = tempfile::tempdir().unwrap();
    for value in ["\"a\\nb\"", "\"a\\rb\"", "\"a\\0b\""] {
        fs::write(folder.path().join("pgstrata.yaml"), format!("{POLICY}settings: {{cluster_name: {value}}}\n"))
            .unwrap();
        let refused = ran(pgstrata().current_dir(folder.path()).arg("validate"), 78).stderr;
        assert!(refused.contains("a value has one line") && refused.contains("cluster_name"), "{refused}");
    }
    fs::write(folder.path().join("pgstrata.yaml"), format!("{POLICY}settings: {{TimeZone: UTC}}\n")).unwrap();
    let refused = ran(pgstrata().current_dir(folder.path()).arg("validate"), 78).stderr;
    assert!(refused.contains("write it in lower case: `timezone`"), "{refused}");
}

/// What the server keeps is not always the text that it was told: an apply is done, and the next plan has nothing to do.
#[test]
fn what_the_server_makes_of_a_value_is_not_changed_again() {
    let place = Place::new(&[]);
    let major = place.server.version().major;
    let later = match major {
        18.. => ", log_connections: 'authorization,receipt'",
        _ => "",
    };
    place.policy(
        "alter_system",
        &format!(
            "datestyle: 'sql,dmy', autovacuum_work_mem: 100kB, random_page_cost: '011', search_path: 'a$b, public', \
             log_destination: 'csvlog,STDERR', default_text_search_config: pg_catalog.german{later}"
        ),
    );
    let (steps, _) = place.planned(&place.url);
    assert_eq!(steps.len(), if major >= 18 { 7 } else { 6 }, "{steps:?}");
    place.run(&APPLY, 0);
    assert_eq!(place.one("SHOW random_page_cost"), "11");
    assert_eq!(place.one("SHOW search_path"), "\"a$b\", public");
    assert_eq!(place.planned(&place.url), (vec![], vec![]));
    // A lone style, and another order of what is there.
    place.policy(
        "alter_system",
        "datestyle: iso, log_destination: 'stderr,csvlog', default_text_search_config: german, random_page_cost: 11.0",
    );
    assert_eq!(place.planned(&place.url).0, ["set setting datestyle"]);
    place.run(&APPLY, 0);
    assert_eq!(place.one("SHOW datestyle"), "ISO, DMY");
    assert_eq!(place.planned(&place.url), (vec![], vec![]));
    // What is written and not read by the server yet is no met policy.
    std::thread::sleep(std::time::Duration::from_millis(1100));
    place.batch("ALTER SYSTEM SET random_page_cost = 3");
    place.policy("alter_system", "random_page_cost: 3");
    assert_eq!(place.planned(&place.url).0, ["set setting random_page_cost"]);
    place.run(&APPLY, 0);
    assert_eq!(place.planned(&place.url), (vec![], vec![]));
}

#[test]
fn what_the_server_chooses_is_met_by_the_value_that_says_so() {
    let place = Place::new(&[]);
    let of_18 = match place.server.version().major {
        17.. => ", transaction_buffers: 0, subtransaction_buffers: 0, commit_timestamp_buffers: 0",
        _ => "",
    };
    place.policy("alter_system", &format!("wal_buffers: -1{of_18}"));
    assert_eq!(place.planned(&place.url), (vec![], vec![]));
    place.policy("report", "log_connections: off, cluster_name: größe");
    let plan = place.run(&["plan"], 1).stdout;
    assert!(plan.contains("printable ASCII only") && !plan.contains("setting log_connections"), "{plan}");
}
