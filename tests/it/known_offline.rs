//! What no server takes is refused before one is asked, and a database that is not the policy's is told by each command.

use crate::exits::{managed, policy};
use crate::support::pgstrata;
use crate::support::place::{Place, ran};

#[test]
fn units_of_settings_are_checked_without_a_server() {
    let folder = tempfile::tempdir().unwrap();
    let validated = |settings: &str, code: i32| {
        std::fs::write(
            folder.path().join("pgstrata.yaml"),
            policy(&format!("settings: {{{settings}}}\n"), &[managed("events", "")]),
        )
        .unwrap();
        ran(pgstrata().current_dir(folder.path()).arg("validate"), code)
    };
    for (settings, says) in [
        ("work_mem: 64XB", "`XB` is no unit of work_mem"),
        ("work_mem: 64mb", "did you mean `64MB`?"),
        ("lock_timeout: 5MB", "`MB` is no unit of lock_timeout"),
    ] {
        let said = validated(settings, 78).stderr;
        assert!(said.contains(says) && said.contains("pgstrata.yaml:2:"), "{settings}: {said}");
    }
    validated("work_mem: 64MB, lock_timeout: 2s, cluster_name: 64XB, random_page_cost: 1.1", 0);
}

#[test]
fn a_wrong_database_is_told_by_each_command_that_reads_it() {
    let place = Place::new("known_wrong", "", &policy("", &[managed("events", ""), managed("others", "")]));
    for args in [&["plan"][..], &["drift"], &["explain", "app.events"]] {
        let mut command = place.command(args);
        let output = command.output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(said.contains("it may be the wrong one; check --url"), "{args:?}: {said}");
    }
}
