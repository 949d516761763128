//! Maintenance on a real server: what it locks, whom it gives way to, and the command that does nothing else.

use std::collections::BTreeMap;
use std::time::Duration;

use pgstrata::apply::StepResult;
use pgstrata::db::Interrupt;
use pgstrata::sandbox::Options;
use pgstrata::sql::{LockMode, Statement, render};

use crate::locks::{OTHERS, behind};
use crate::support::drive::{desired, grant_all, plan_now};
use crate::support::lines::lines;
use crate::support::locks::declared;
use crate::support::place::{Place, ran, until};
use crate::support::watch::{apply_watched, begins};
use crate::support::{database, own_server, settings};

const KEPT: &str = "
CREATE TABLE events (id bigint NOT NULL, at timestamptz NOT NULL) PARTITION BY RANGE (at);
CREATE TABLE events_jan PARTITION OF events FOR VALUES FROM ('2026-01-01 00:00+00') TO ('2026-02-01 00:00+00');
CREATE TABLE events_mar PARTITION OF events FOR VALUES FROM ('2026-03-01 00:00+00') TO ('2026-04-01 00:00+00');
CREATE TABLE events_apr PARTITION OF events FOR VALUES FROM ('2026-04-01 00:00+00') TO ('2026-05-01 00:00+00');
CREATE INDEX events_id_idx ON events (id);
INSERT INTO events SELECT i, '2026-01-02 00:00+00' FROM generate_series(1, 600000) i;
DELETE FROM events WHERE id % 10 <> 0 OR id > 500000;
";

const KEEPING: &str = "version: 1
tables:
  public.events:
    partition: {key: at, interval: 1 month, premake: 1, start: 2026-03-01}
    maintenance: {analyze_parent_every: 1 day, freeze_closed: true, reindex_above_bloat: 40%}
";

#[test]
fn maintenance_locks_what_its_steps_declare() {
    let db = database("locks_maintenance");
    db.batch(KEPT);
    let now = "2026-03-14T00:00:00Z".parse().unwrap();
    let (mut plan, _) = plan_now(db.url(), &desired(KEEPING), Some(now), &grant_all());
    plan.steps.retain(|step| step.action.is_maintenance());
    // The index is bloated once the deleted entries are gone.
    db.vacuum(false, "events_jan");
    let size = |watcher: &mut postgres::Client| -> i64 {
        watcher.query_one("SELECT pg_relation_size('events_jan')", &[]).unwrap().get(0)
    };
    let (again, _) = plan_now(db.url(), &desired(KEEPING), Some(now), &grant_all());
    plan.steps.extend(again.steps.into_iter().filter(|step| step.action.word() == "reindex"));
    let words: Vec<&str> = plan.steps.iter().map(|step| step.action.word()).collect();
    assert_eq!(words, ["analyze", "vacuum", "reindex"]);
    let mut watcher = db.client();
    let before = size(&mut watcher);
    for step in &plan.steps {
        let declared = declared(&mut watcher, step, plan.target.major());
        let statements = render(step);
        let word = step.action.word().to_uppercase();
        let sql = statements.iter().filter_map(Statement::sql).find(|sql| sql.starts_with(&word)).unwrap();
        let mut seen: BTreeMap<String, LockMode> = BTreeMap::new();
        for table in ["events", "events_jan", "events_mar", "events_apr"] {
            for mode in OTHERS {
                let mut other = db.client();
                other.batch_execute(&format!("BEGIN; LOCK TABLE ONLY {table} IN {mode} MODE")).unwrap();
                for (relation, mode) in behind(&db, sql, &mut watcher, || other.batch_execute("ROLLBACK").unwrap()) {
                    let strongest = seen.entry(relation).or_insert(mode);
                    *strongest = (*strongest).max(mode);
                }
            }
        }
        assert_eq!(seen, declared, "{}", step.id);
    }
    // A shorter one was locked ACCESS EXCLUSIVE for a moment that no watcher is sure to see.
    assert_eq!(size(&mut watcher), before);
}

#[test]
fn maintenance_gives_way_to_whoever_holds_the_partition() {
    let db = database("maintenance_gives_way");
    db.batch(KEPT);
    let mut policy = desired(KEEPING);
    policy.apply.lock_timeout = Duration::from_millis(50);
    policy.apply.lock_retries = 1;
    // As autovacuum does, from after the plan on.
    let mut other = db.client();
    let stop = Interrupt::new();
    let outcome = apply_watched(db.url(), &policy, &stop, None, |event| {
        if begins(event, "vacuum public.events_jan") {
            other.batch_execute("BEGIN; LOCK TABLE events_jan IN SHARE UPDATE EXCLUSIVE MODE").unwrap();
        }
    });
    let result = &outcome.results.iter().find(|(id, _)| id.0 == "vacuum public.events_jan").expect("a vacuum").1;
    assert!(matches!(result, StepResult::Postponed(because) if because.contains("2 tries")), "{result:?}");
    // While it is held, none is planned.
    let (plan, _) = plan_now(db.url(), &policy, None, &grant_all());
    assert!(plan.steps.iter().all(|step| step.id.0 != "vacuum public.events_jan"), "{}", lines(&plan));
    let held = plan.findings.iter().any(|finding| finding.message.contains("somebody holds SHARE UPDATE EXCLUSIVE"));
    assert!(held, "{}", lines(&plan));
}

#[test]
fn a_reindex_waits_for_old_transactions_before_it_begins_and_leaves_nothing() {
    let db = database("maintenance_reindex_waits");
    db.batch(KEPT);
    db.vacuum(true, "events_jan");
    let mut policy = desired(&KEEPING.replace("analyze_parent_every: 1 day, freeze_closed: true, ", ""));
    policy.apply.concurrent_timeout = Duration::from_secs(2);
    let mut old = db.client();
    old.batch_execute("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM events_jan").unwrap();
    let reindex = |outcome: &pgstrata::apply::Outcome| {
        outcome.results.iter().find(|(id, _)| id.0.starts_with("reindex ")).expect("a reindex").1.clone()
    };
    let waits = reindex(&apply_watched(db.url(), &policy, &Interrupt::new(), None, |_| {}));
    assert!(matches!(&waits, StepResult::Postponed(because) if because.contains("old transaction")), "{waits:?}");
    let invalid = "SELECT count(*) FROM pg_index WHERE NOT indisvalid";
    assert_eq!(db.client().query_one(invalid, &[]).unwrap().get::<_, i64>(0), 0);
    old.batch_execute("COMMIT").unwrap();
    let done = reindex(&apply_watched(db.url(), &policy, &Interrupt::new(), None, |_| {}));
    assert!(done.is_done(), "{done:?}");
}

#[test]
fn the_command_shows_what_is_due_and_does_it_alone() {
    let place = Place::new("optimize_maintenance", KEPT, KEEPING);
    place.db.batch("ALTER TABLE events_jan SET (autovacuum_vacuum_threshold = 0, autovacuum_vacuum_scale_factor = 0)");
    let command = ["optimize", "maintenance"];
    let with = |more: &[&'static str]| [&command[..], more].concat();
    let shown = place.run(&with(&["--dry-run"]), 0).stdout;
    assert!(shown.contains("vacuum and freeze") && !shown.contains("\n  + "), "{shown}");
    assert!(shown.contains("Autovacuum by itself:") && shown.contains("vacuum is forced at 200000000"), "{shown}");
    let json = place.run(&with(&["--dry-run", "--format", "json", "public.events"]), 0).stdout;
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["forecast"][0]["table"], "public.events");
    assert_eq!(json["forecast"][0]["partitions"], 3);
    assert!(json["plan"]["steps"].as_array().unwrap().len() >= 2, "{json}");
    // Nobody can be asked; and another table is a slip.
    let refused = place.run(&command, 64).stderr;
    assert!(refused.contains("optimize maintenance --auto-approve"), "{refused}");
    place.run(&with(&["--dry-run", "public.others"]), 64);
    // What the environment excludes is left alone here as everywhere.
    let mut excluded = place.command(&with(&["--auto-approve"]));
    let excluded = ran(excluded.env("PGSTRATA_EXCLUDE", "public.events"), 0).stdout;
    assert!(!excluded.contains("vacuum and freeze"), "{excluded}");
    // By the server's clock partitions are missing: its statistics wait for them, the rest does not.
    let done = place.run(&with(&["--auto-approve"]), 0).stdout;
    assert!(done.contains("Apply complete"), "{done}");
    let again = place.run(&with(&["--dry-run"]), 0).stdout;
    assert!(!again.contains("vacuum and freeze") && again.contains("comes first"), "{again}");
    // The index is seen to be bloated once its dead entries are gone.
    assert!(done.contains("rebuild") && again.contains("events_jan_id_idx"), "{done}{again}");
    place.run(&with(&["--auto-approve", "-q"]), 0);
    let rest = place.run(&with(&["--dry-run"]), 0).stdout;
    assert!(!rest.contains("rebuild"), "{rest}");
}

#[test]
fn drift_counts_maintenance_as_scheduled() {
    let policy = "version: 1
tables:
  public.events:
    partition: {key: at, interval: 1 month, premake: 1, start: 2026-03-01}
    maintenance: {analyze_parent_every: 1 day, freeze_closed: true}
";
    let place = Place::new("maintenance_and_drift", KEPT, policy);
    place.run(&["apply", "--auto-approve", "-q"], 0);
    place.run(&["drift"], 0);
    place.db.batch("CREATE TABLE events_dec PARTITION OF events FOR VALUES FROM ('2025-12-01 00:00+00') TO ('2026-01-01 00:00+00')");
    let drift = place.run(&["drift", "-v"], 0).stdout;
    assert!(drift.contains("vacuum and freeze"), "{drift}");
    place.run(&["drift", "--fail-on", "scheduled"], 2);
}

#[test]
fn after_a_crash_the_age_of_statistics_is_unknown_and_nothing_is_done_for_it() {
    let server = own_server(Options { settings: settings(&[("autovacuum", "off")]), ..Options::default() });
    let url = server.create_database("crashed").unwrap();
    server.connect("crashed").unwrap().batch_execute(&KEPT.replace("600000", "100")).unwrap();
    let policy = desired(&KEEPING.replace(", freeze_closed: true, reindex_above_bloat: 40%", ""));
    let analyzes = |plan: &pgstrata::plan::Plan| plan.steps.iter().any(|step| step.action.word() == "analyze");
    let unknown = |plan: &pgstrata::plan::Plan| lines(plan).contains("because the server's counters begin at");
    let outcome = apply_watched(&url, &policy, &Interrupt::new(), None, |_| {});
    assert_eq!(outcome.failed(), 0);
    let (plan, _) = plan_now(&url, &policy, None, &grant_all());
    assert!(!analyzes(&plan) && !unknown(&plan), "{}", lines(&plan));

    // One backend that dies takes all others along, and every counter.
    let mut victim = server.connect("crashed").unwrap();
    // The server commits without waiting: what it did so far is to survive.
    victim.batch_execute("CHECKPOINT").unwrap();
    let pid: i32 = victim.query_one("SELECT pg_backend_pid()", &[]).unwrap().get(0);
    // Sessions are let in until the server has noticed; that it has, its new processes tell.
    let checkpointer = || -> Option<i32> {
        let sql = "SELECT pid FROM pg_stat_activity WHERE backend_type = 'checkpointer'";
        Some(server.connect("crashed").ok()?.query_one(sql, &[]).ok()?.get(0))
    };
    let before = checkpointer();
    std::process::Command::new("kill").args(["-9", &pid.to_string()]).status().unwrap();
    until("the server is back", || victim.is_closed() || victim.simple_query("SELECT").is_err());
    until("the server is back", || checkpointer().is_some_and(|now| Some(now) != before));
    let (plan, _) = plan_now(&url, &policy, None, &grant_all());
    assert!(!analyzes(&plan) && unknown(&plan), "{}", lines(&plan));
}

#[test]
fn maintenance_that_has_to_wait_does_not_make_a_saved_plan_stale() {
    let place = Place::new("maintenance_saved", &KEPT.replace("600000", "100"), KEEPING);
    place.run(&["plan", "-q", "--out", "plan.json"], 0);
    let mut other = place.db.client();
    other.batch_execute("BEGIN; LOCK TABLE events_jan IN SHARE UPDATE EXCLUSIVE MODE").unwrap();
    let done = place.run(&["apply", "-v", "plan.json"], 0);
    // Before 18 an ANALYZE of the whole would wait for this partition as well.
    assert!(!done.stderr.contains("vacuum public.events_jan"), "{}", done.stderr);
    assert!(done.stderr.contains("vacuum public.events_mar: done"), "{}", done.stderr);
    assert!(done.stderr.contains("create public.events_p20261201: done"), "{}", done.stderr);
    assert!(done.stdout.contains("somebody holds SHARE UPDATE EXCLUSIVE"), "{}", done.stdout);
}
