//! What stands in the way of a step: locks, old transactions, other sessions, lost sessions. Results are values that
//! name who it was; creations go on; and a later run finishes.

use std::sync::Mutex;
use std::time::{Duration, Instant};

use pgstrata::apply::{BeginError, Ended, Event, Outcome, Run, Silent, StepResult};
use pgstrata::db::Interrupt;
use pgstrata::policy::Desired;
use pgstrata::sandbox::Options;
use postgres::Client;

use crate::crash_world::leave_pending;
use crate::support::drive::{apply_now, connector, desired, grant_all, plan_now};
use crate::support::watch::{apply_watched, begins};
use crate::support::{database, own_server, server, settings};

const TABLES: &str = "
CREATE SCHEMA app;
CREATE TABLE app.places (id int PRIMARY KEY);
INSERT INTO app.places VALUES (1);
CREATE TABLE app.events (id bigint NOT NULL, at timestamptz NOT NULL, place int REFERENCES app.places, PRIMARY KEY (id, at))
  PARTITION BY RANGE (at);
CREATE FUNCTION app.month(n int) RETURNS timestamptz LANGUAGE sql STABLE AS
  $$ SELECT (date_trunc('month', now() AT TIME ZONE 'UTC') + make_interval(months => n)) AT TIME ZONE 'UTC' $$;
SET TimeZone = 'UTC';
DO $$
DECLARE n int;
BEGIN
  FOREACH n IN ARRAY ARRAY[-6, -5, -4, -3, -2, -1, 0] LOOP
    EXECUTE format('CREATE TABLE app.%I PARTITION OF app.events FOR VALUES FROM (%L) TO (%L)',
      'events_' || abs(n), app.month(n), app.month(n + 1));
    EXECUTE format('INSERT INTO app.events (id, at) VALUES (%s, %L)', abs(n), app.month(n));
  END LOOP;
END $$;
";

fn policy(retention: &str) -> Desired {
    desired(&format!(
        "
version: 1
apply: {{jobs: 1, lock_timeout: 50ms, lock_retries: 2, concurrent_timeout: 2s}}
tables:
  app.events:
    partition: {{key: at, interval: 1 month, premake: 1}}
{retention}"
    ))
}

fn creations() -> Desired {
    policy("")
}

fn removals() -> Desired {
    policy("    retention: {keep: 2 months}\n")
}

/// Another session with a transaction open.
fn other(url: &str, name: &str, sql: &str) -> Client {
    let mut config: postgres::Config = url.parse().unwrap();
    let mut client = config.application_name(name).connect(postgres::NoTls).unwrap();
    client.batch_execute(&format!("BEGIN; {sql}")).unwrap();
    client
}

fn result_of<'a>(outcome: &'a Outcome, word: &str) -> &'a StepResult {
    let found = outcome.results.iter().find(|(id, _)| id.0.starts_with(word));
    &found.unwrap_or_else(|| panic!("no step {word}: {:?}", outcome.results)).1
}

fn all_done(outcome: &Outcome) -> bool {
    outcome.ended == Ended::Complete && outcome.results.iter().all(|(_, result)| result.is_done())
}

#[test]
fn a_lock_that_is_not_to_be_had_is_given_up_with_its_holder_named() {
    let cases = [
        ("default", "CREATE TABLE app.events_rest PARTITION OF app.events DEFAULT", "SELECT FROM app.events_rest"),
        ("referenced", "", "UPDATE app.places SET id = id"),
        ("parent", "", "LOCK TABLE app.events"),
    ];
    for (name, before, lock) in cases {
        let db = database(&format!("fault_lock_{name}"));
        db.batch(&format!("{TABLES}; {before}"));
        // Planned while nobody is in the way, as a saved plan is.
        let mut blocker = None;
        let mut retried = 0;
        let outcome = apply_watched(db.url(), &creations(), &Interrupt::new(), None, |event| match event {
            Event::Began { .. } => blocker = Some(other(db.url(), "the report", lock)),
            Event::Retrying { tries, .. } => retried = *tries,
            Event::Sending { .. }
            | Event::Sent { .. }
            | Event::Working { .. }
            | Event::Waiting { .. }
            | Event::Finished { .. } => {}
        });
        let StepResult::Failed { error, lock_spent: true } = result_of(&outcome, "create") else {
            panic!("{name}: {:?}", outcome.results)
        };
        assert!(error.contains("55P03") && error.contains("3 tries"), "{error}");
        assert!(error.contains("(the report as postgres)"), "{name}: the holder is named: {error}");
        assert_eq!((retried, outcome.committed, outcome.lock_spent()), (2, false, 1), "{name}");
        assert_eq!(outcome.remains.as_ref().map(|plan| plan.steps.len()), Some(1), "{name}: nothing happened");

        // The lock goes away between two tries.
        let mut gone = false;
        let outcome = apply_watched(db.url(), &creations(), &Interrupt::new(), None, |event| {
            if matches!(event, Event::Working { .. } | Event::Retrying { .. }) {
                blocker = None;
                gone = true;
            }
        });
        assert!(gone && all_done(&outcome), "{name}: {:?}", outcome.results);
        assert!(matches!(result_of(&outcome, "create"), StepResult::Applied { retries: 1.. }), "{:?}", outcome.results);
    }
}

#[test]
fn an_old_transaction_postpones_a_detach_and_never_a_creation() {
    // A role that may see neither what others run nor what kind of backend they are.
    let server = own_server(Options { settings: settings(&[("autovacuum", "off")]), ..Options::default() });
    let url = server.create_database("old").unwrap();
    let mut admin = server.connect("old").unwrap();
    admin.batch_execute(TABLES).unwrap();
    admin.batch_execute(
        "CREATE ROLE keeper LOGIN; CREATE TABLE app.other (); GRANT ALL ON SCHEMA app TO keeper; ALTER TABLE app.places OWNER TO keeper;
         DO $$ DECLARE t text; BEGIN FOR t IN SELECT oid::regclass FROM pg_class WHERE relname LIKE 'events%' AND relkind IN ('r', 'p')
           LOOP EXECUTE format('ALTER TABLE %s OWNER TO keeper', t); END LOOP; END $$",
    ).unwrap();
    let keeper = url.replace("user=postgres", "user=keeper");
    let old = other(&url, "the report", "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ; SELECT FROM app.other");
    let mut waited = Vec::new();
    let start = Instant::now();
    let outcome = apply_watched(&keeper, &removals(), &Interrupt::new(), None, |event| {
        if let Event::Waiting { because, .. } = event {
            waited.push((*because).to_owned());
        }
    });
    assert!(start.elapsed() > Duration::from_secs(2), "it waits for concurrent_timeout");
    assert!(result_of(&outcome, "create").is_done(), "{:?}", outcome.results);
    let StepResult::Postponed(because) = result_of(&outcome, "detach app.events_6") else { panic!("{outcome:?}") };
    assert!(because.contains("(the report as postgres)"), "{because}");
    assert_eq!(waited.len(), 1, "told once: {waited:?}");
    assert!(matches!(result_of(&outcome, "mark app.events_5"), StepResult::Skipped(_)), "{:?}", outcome.results);
    assert!(matches!(result_of(&outcome, "stamp app.events_6"), StepResult::Skipped(_)), "{:?}", outcome.results);
    assert_eq!((outcome.failed(), outcome.held_back(), outcome.ended.clone()), (0, 1, Ended::Complete));
    drop(old);
    let outcome = apply_now(&keeper, &removals(), None, &grant_all(), &mut Silent);
    assert!(all_done(&outcome), "{:?}", outcome.results);
}

#[test]
fn a_prepared_transaction_is_in_the_way_too() {
    let server =
        own_server(Options { settings: settings(&[("max_prepared_transactions", "2")]), ..Options::default() });
    let url = server.create_database("prepared").unwrap();
    let mut client = server.connect("prepared").unwrap();
    client.batch_execute(TABLES).unwrap();
    client.batch_execute("BEGIN; LOCK TABLE app.events_6 IN ACCESS SHARE MODE; PREPARE TRANSACTION 'left'").unwrap();
    let outcome = apply_now(&url, &removals(), None, &grant_all(), &mut Silent);
    let StepResult::Postponed(because) = result_of(&outcome, "detach app.events_6") else { panic!("{outcome:?}") };
    assert!(because.contains("pg_prepared_xacts"), "{because}");
    client.batch_execute("ROLLBACK PREPARED 'left'").unwrap();
    assert!(all_done(&apply_now(&url, &removals(), None, &grant_all(), &mut Silent)));
}

#[test]
fn a_detach_that_somebody_else_left_pending_fails_ours_and_is_finalized_by_the_next_run() {
    let db = database("fault_pending");
    db.batch(TABLES);
    let outcome = apply_watched(db.url(), &removals(), &Interrupt::new(), None, |event| {
        if begins(event, "detach app.events_6") {
            leave_pending(server(), db.name(), "app.events", "app.events_2");
        }
    });
    let StepResult::Failed { error, lock_spent: false } = result_of(&outcome, "detach app.events_6") else {
        panic!("{:?}", outcome.results)
    };
    assert!(error.contains("already pending detach"), "{error}");
    let again = apply_now(db.url(), &removals(), None, &grant_all(), &mut Silent);
    assert!(result_of(&again, "finalize app.events_2").is_done(), "{:?}", again.results);
    assert!(all_done(&again), "{:?}", again.results);
}

#[test]
fn a_second_applier_is_refused_and_told_who_runs() {
    let db = database("fault_two");
    db.batch(TABLES);
    let first = Run::begin(&connector(db.url()), Duration::ZERO, &Interrupt::new()).unwrap();
    let start = Instant::now();
    let second = Run::begin(&connector(db.url()), Duration::from_millis(400), &Interrupt::new());
    assert!(start.elapsed() >= Duration::from_millis(400), "it waits as long as it may");
    let Err(BeginError::Held { holder }) = second else { panic!("{second:?}") };
    assert!(holder.contains("(pgstrata/test as postgres, since "), "{holder}");
    // Another database has its own.
    let other = database("fault_two_other");
    Run::begin(&connector(other.url()), Duration::ZERO, &Interrupt::new()).unwrap();
    drop(first);
    Run::begin(&connector(db.url()), Duration::from_secs(5), &Interrupt::new()).expect("free again");
}

#[test]
fn without_its_run_lock_a_run_starts_nothing_more() {
    let db = database("fault_lost");
    db.batch(TABLES);
    let (mut finished, mut killed) = (Vec::new(), false);
    let outcome = apply_watched(db.url(), &removals(), &Interrupt::new(), None, |event| {
        if let Event::Finished { step, .. } = event {
            finished.push(step.id.clone());
            if !killed {
                db.batch("SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND database = (SELECT oid FROM pg_database WHERE datname = current_database())");
                std::thread::sleep(Duration::from_millis(200));
                killed = true;
            }
        }
    });
    assert!(
        matches!(&outcome.ended, Ended::Lost(because) if because.contains("control session")),
        "{:?}",
        outcome.ended
    );
    assert_eq!(outcome.not_reached() + 1, outcome.results.len(), "{:?}", outcome.results);
    assert_eq!(finished.len(), 1, "what was not reached is not over: {finished:?}");
    assert!(outcome.committed && outcome.remains.is_none());
    assert!(all_done(&apply_now(db.url(), &removals(), None, &grant_all(), &mut Silent)));
}

#[test]
fn a_commit_that_was_cut_off_is_settled_by_the_facts() {
    // Nobody confirms: each COMMIT waits, done already on this server, until its session is ended.
    let confirmed = settings(&[("autovacuum", "off"), ("synchronous_commit", "on")]);
    let server = own_server(Options { settings: confirmed, ..Options::default() });
    let url = server.create_database("commit").unwrap();
    let mut admin = server.connect("commit").unwrap();
    admin.batch_execute(TABLES).unwrap();
    let killer: Mutex<Option<std::thread::JoinHandle<()>>> = Mutex::new(None);
    let outcome = apply_watched(&url, &creations(), &Interrupt::new(), None, |event| {
        let Event::Sending { sql: "COMMIT", backend_pid, .. } = event else { return };
        admin.batch_execute("ALTER SYSTEM SET synchronous_standby_names = 'nobody'").unwrap();
        admin.batch_execute("SELECT pg_reload_conf()").unwrap();
        std::thread::sleep(Duration::from_millis(300));
        let (mut client, pid) = (server.connect("commit").unwrap(), *backend_pid);
        *killer.lock().unwrap() = Some(std::thread::spawn(move || {
            let waits = "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE pid = $1 AND wait_event = 'SyncRep')";
            let end = Instant::now() + Duration::from_secs(10);
            while !client.query_one(waits, &[&pid]).unwrap().get::<_, bool>(0) {
                assert!(Instant::now() < end, "the COMMIT does not wait for a standby");
                std::thread::sleep(Duration::from_millis(10));
            }
            client.batch_execute("ALTER SYSTEM RESET synchronous_standby_names").unwrap();
            client.query("SELECT pg_terminate_backend($1)", &[&pid]).unwrap();
            client.batch_execute("SELECT pg_reload_conf()").unwrap();
        }));
    });
    killer.into_inner().unwrap().expect("it struck").join().unwrap();
    assert!(all_done(&outcome) && outcome.committed, "{:?}", outcome.results);
    assert!(plan_now(&url, &creations(), None, &grant_all()).0.is_empty());
}

#[test]
fn a_full_lock_table_fails_one_step_and_not_the_next() {
    let server = own_server(Options {
        settings: settings(&[("max_locks_per_transaction", "10"), ("max_connections", "12"), ("autovacuum", "off")]),
        ..Options::default()
    });
    let url = server.create_database("full").unwrap();
    server.connect("full").unwrap().batch_execute(TABLES).unwrap();
    let mut hog = server.connect("full").unwrap();
    let policy = policy("    retention: {keep: 2 months}\n");
    let outcome = apply_watched(&url, &policy, &Interrupt::new(), None, |event| match event {
        Event::Began { step } if step.id.0.starts_with("create") => {
            hog.batch_execute("BEGIN").unwrap();
            for n in 0.. {
                hog.batch_execute("SAVEPOINT one").unwrap();
                if let Err(error) = hog.query("SELECT pg_advisory_xact_lock($1)", &[&i64::from(n)]) {
                    assert_eq!(error.code().unwrap().code(), "53200");
                    hog.batch_execute("ROLLBACK TO SAVEPOINT one").unwrap();
                    break;
                }
            }
        }
        Event::Finished { step, .. } if step.id.0.starts_with("create") => hog.batch_execute("ROLLBACK").unwrap(),
        Event::Began { .. }
        | Event::Finished { .. }
        | Event::Sending { .. }
        | Event::Sent { .. }
        | Event::Waiting { .. }
        | Event::Working { .. }
        | Event::Retrying { .. } => {}
    });
    let StepResult::Failed { error, lock_spent: false } = result_of(&outcome, "create") else {
        panic!("{:?}", outcome.results)
    };
    assert!(error.contains("53200"), "{error}");
    assert_eq!(outcome.ended, Ended::Complete);
    // A failed step stops its table's later removals.
    assert!(matches!(result_of(&outcome, "mark"), StepResult::Skipped(_)), "{:?}", outcome.results);
    assert!(all_done(&apply_now(&url, &policy, None, &grant_all(), &mut Silent)));
}

#[test]
fn what_a_unit_leaves_in_its_session_does_not_reach_the_next() {
    let server = own_server(Options { settings: settings(&[("autovacuum", "off")]), ..Options::default() });
    let url = server.create_database("poisoned").unwrap();
    let mut admin = server.connect("poisoned").unwrap();
    admin.batch_execute(TABLES).unwrap();
    // Somebody's event trigger changes the session for good: role, names, timeouts.
    admin.batch_execute(
        "CREATE ROLE nobody_much; CREATE TABLE public.places (); CREATE SCHEMA trap; CREATE TABLE trap.seen (who name, path text);
         CREATE FUNCTION trap.poison() RETURNS event_trigger LANGUAGE plpgsql SECURITY DEFINER AS $$ BEGIN
           INSERT INTO trap.seen VALUES (session_user, current_setting('search_path') || ' ' || current_setting('lock_timeout'));
         END $$;
         CREATE FUNCTION trap.poison_more() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN
           IF pg_has_role(session_user, 'nobody_much', 'MEMBER') AND tg_tag = 'ALTER TABLE' THEN
             PERFORM set_config('search_path', 'trap', false), set_config('lock_timeout', '1ms', false),
               set_config('TimeZone', 'Asia/Tokyo', false), set_config('role', 'nobody_much', false);
           END IF;
         END $$;
         CREATE EVENT TRIGGER one ON ddl_command_start EXECUTE FUNCTION trap.poison();
         CREATE EVENT TRIGGER two ON ddl_command_end EXECUTE FUNCTION trap.poison_more();",
    ).unwrap();
    let policy = desired(
        "
version: 1
apply: {jobs: 1}
tables:
  app.events:
    partition: {key: at, interval: 1 month, premake: 4}
",
    );
    // The role is taken away in the middle of the unit: that unit fails, and the next has a clean session.
    let mut pids = std::collections::BTreeSet::new();
    let outcome = apply_watched(&url, &policy, &Interrupt::new(), None, |event| {
        if let Event::Sent { backend_pid, .. } = event {
            pids.insert(*backend_pid);
        }
    });
    assert_eq!(outcome.failed(), outcome.results.len(), "each as it would alone: {:?}", outcome.results);
    admin.batch_execute("DROP EVENT TRIGGER two").unwrap();
    let outcome = apply_now(&url, &policy, None, &grant_all(), &mut Silent);
    assert!(all_done(&outcome), "{:?}", outcome.results);
    let rows = admin.query("SELECT DISTINCT path FROM trap.seen WHERE path !~ '^ 200ms'", &[]).unwrap();
    assert_eq!(rows.len(), 1, "the administrator's own alone: {rows:?}");
    assert_eq!(pids.len(), 1, "one job, one session, healed each time");
}

#[test]
fn tables_are_worked_on_side_by_side_and_a_failure_stays_at_home() {
    let db = database("fault_lanes");
    db.batch("CREATE SCHEMA app");
    let mut yaml = "version: 1\napply: {jobs: 3, lock_timeout: 50ms, lock_retries: 1}\ntables:\n".to_owned();
    for name in ["a", "b", "c"] {
        db.batch(&format!("CREATE TABLE app.{name} (at timestamptz NOT NULL) PARTITION BY RANGE (at)"));
        yaml.push_str(&format!("  app.{name}:\n    partition: {{key: at, interval: 1 month, premake: 2}}\n"));
    }
    let blocker = other(db.url(), "the report", "LOCK TABLE app.b");
    let mut pids = std::collections::BTreeSet::new();
    let outcome = apply_watched(db.url(), &desired(&yaml), &Interrupt::new(), None, |event| {
        if let Event::Sent { backend_pid, .. } = event {
            pids.insert(*backend_pid);
        }
    });
    drop(blocker);
    assert_eq!((outcome.lock_spent(), outcome.failed(), outcome.results.len()), (3, 3, 9), "{:?}", outcome.results);
    assert!(pids.len() >= 2, "{pids:?}");
    // A pool of one does the same.
    let outcome = apply_watched(db.url(), &desired(&yaml), &Interrupt::new(), Some(1), |_| {});
    assert!(all_done(&outcome) && outcome.results.len() == 3, "{:?}", outcome.results);
}
