//! What `DETACH … CONCURRENTLY` and `FINALIZE` lock, against what their steps declare.
//!
//! The first commits in between, so one look at the end does not tell. Each statement runs many times: each time another
//! session holds one lock on one table, and when the statement has to wait, all locks that it then holds or waits for are
//! noted. A lock on a table is met at the latest when somebody has ACCESS EXCLUSIVE there; how strong it gets shows behind
//! the weaker ones. Behind the wait for everybody who uses the parent, an event trigger that waits shows what is held.

use std::collections::BTreeMap;
use std::thread;
use std::time::{Duration, Instant};

use pgstrata::plan::Plan;
use pgstrata::sql::{LockMode, Statement, render};
use postgres::Client;

use crate::support::drive::{desired, grant_all, plan_now};
use crate::support::locks::{declared, held};
use crate::support::{TestDb, database, explain};

/// What the other session holds: conflicts with everything; with SHARE UPDATE EXCLUSIVE and stronger; with SHARE and
/// stronger; with ACCESS EXCLUSIVE only.
pub(crate) const OTHERS: [&str; 4] = ["ACCESS EXCLUSIVE", "SHARE UPDATE EXCLUSIVE", "ROW EXCLUSIVE", "ACCESS SHARE"];

const POLICY: &str = "
version: 1
tables:
  public.events:
    partition: {key: at, interval: 1 month, premake: 1}
    retention: {keep: 1 month}
";

const LEAVES: &str = "
CREATE TABLE events_jan PARTITION OF events FOR VALUES FROM ('2026-01-01 00:00+00') TO ('2026-02-01 00:00+00');
CREATE TABLE events_mar PARTITION OF events FOR VALUES FROM ('2026-02-01 00:00+00') TO ('2026-05-01 00:00+00');
INSERT INTO events (id, at) VALUES (1, '2026-01-05 00:00+00'), (2, '2026-03-05 00:00+00');
";

/// Foreign keys of and to the table, by name.
const KEYS: [(&str, &str, &str); 5] = [
    ("none", "CREATE TABLE events (id integer, at timestamptz NOT NULL) PARTITION BY RANGE (at);", ""),
    (
        "outgoing",
        "CREATE TABLE towns (id integer PRIMARY KEY);
         CREATE TABLE events (id integer, at timestamptz NOT NULL, town integer REFERENCES towns) PARTITION BY RANGE (at);",
        "",
    ),
    (
        "outgoing_to_partitions",
        "CREATE TABLE towns (id integer PRIMARY KEY) PARTITION BY RANGE (id);
         CREATE TABLE towns_low PARTITION OF towns FOR VALUES FROM (0) TO (1000) PARTITION BY RANGE (id);
         CREATE TABLE towns_lowest PARTITION OF towns_low FOR VALUES FROM (0) TO (10);
         CREATE TABLE events (id integer, at timestamptz NOT NULL, town integer REFERENCES towns) PARTITION BY RANGE (at);",
        "",
    ),
    (
        "incoming",
        "CREATE TABLE events (id integer, at timestamptz, PRIMARY KEY (id, at)) PARTITION BY RANGE (at);",
        "CREATE TABLE lines (id integer, at timestamptz, FOREIGN KEY (id, at) REFERENCES events);
         CREATE TABLE parts (id integer, at timestamptz, FOREIGN KEY (id, at) REFERENCES events) PARTITION BY RANGE (id);
         CREATE TABLE parts_low PARTITION OF parts FOR VALUES FROM (0) TO (1000);
         INSERT INTO lines VALUES (2, '2026-03-05 00:00+00');",
    ),
    (
        "to_itself",
        "CREATE TABLE events (id integer, at timestamptz, up integer, up_at timestamptz, PRIMARY KEY (id, at),
           FOREIGN KEY (up, up_at) REFERENCES events) PARTITION BY RANGE (at);",
        "",
    ),
];

/// Waits for an advisory lock once the statement's work is done, before it commits.
const WAIT_AT_THE_END: &str = "
CREATE FUNCTION wait_at_the_end() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_advisory_xact_lock(1); END';
CREATE EVENT TRIGGER at_the_end ON ddl_command_end EXECUTE FUNCTION wait_at_the_end();
";

#[test]
fn a_concurrent_detach_locks_what_its_step_declares() {
    compare("detach", &|_| {});
}

#[test]
fn a_finalize_locks_what_its_step_declares() {
    compare("finalize", &leave_pending);
}

fn compare(word: &str, prepare: &(dyn Fn(&TestDb) + Sync)) {
    let wrong: Vec<String> = thread::scope(|scope| {
        let cases = KEYS.map(|(name, root, others)| {
            scope.spawn(move || {
                let db = database(&format!("locks_{word}_{name}"));
                db.batch(&format!("{root}{LEAVES}{others}"));
                prepare(&db);
                let plan = planned(&db, word);
                let declared = declared(&mut db.client(), &plan.steps[0], plan.target.major());
                let seen = everything(&db, &plan, prepare);
                (seen != declared)
                    .then(|| format!("{word} with keys {name}: declared {declared:?}, pg_locks shows {seen:?}"))
            })
        });
        cases.into_iter().filter_map(|case| case.join().expect("the case")).collect()
    });
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The step's action on its own in a plan.
fn planned(db: &TestDb, word: &str) -> Plan {
    let now = "2026-03-14T00:00:00Z".parse().unwrap();
    let (mut plan, _) = plan_now(db.url(), &desired(POLICY), Some(now), &grant_all());
    plan.steps.retain(|step| step.action.word() == word);
    assert_eq!(plan.steps.len(), 1, "one {word}");
    plan
}

/// Runs the step's statement against every lock of somebody else, and gives the strongest lock seen on each table.
fn everything(db: &TestDb, plan: &Plan, prepare: &dyn Fn(&TestDb)) -> BTreeMap<String, LockMode> {
    let statements = render(&plan.steps[0]);
    let sql = statements.iter().filter_map(Statement::sql).find(|sql| sql.starts_with("ALTER TABLE")).unwrap();
    let mut seen: BTreeMap<String, LockMode> = BTreeMap::new();
    let mut watcher = db.client();
    let tables: Vec<String> = watcher
        .query("SELECT oid::regclass::text FROM pg_class WHERE relkind IN ('r', 'p') AND relnamespace = 'public'::regnamespace", &[])
        .unwrap()
        .iter()
        .map(|row| row.get(0))
        .collect();
    let mut obstacles = vec!["SELECT pg_advisory_xact_lock(1)".to_owned()];
    obstacles
        .extend(tables.iter().flat_map(|table| OTHERS.map(|mode| format!("LOCK TABLE ONLY {table} IN {mode} MODE"))));
    for (at, obstacle) in obstacles.iter().enumerate() {
        if at > 0 {
            db.batch("ALTER TABLE events ATTACH PARTITION events_jan FOR VALUES FROM ('2026-01-01 00:00+00') TO ('2026-02-01 00:00+00')");
            prepare(db);
        }
        if at == 0 {
            db.batch(WAIT_AT_THE_END);
        }
        let mut other = db.client();
        other.batch_execute(&format!("BEGIN; {obstacle}")).unwrap();
        let found = behind(db, sql, &mut watcher, || other.batch_execute("ROLLBACK").unwrap());
        if at == 0 {
            assert!(!found.is_empty(), "the event trigger waits");
            db.batch("DROP EVENT TRIGGER at_the_end");
        }
        for (relation, mode) in found {
            let strongest = seen.entry(relation).or_insert(mode);
            *strongest = (*strongest).max(mode);
        }
    }
    seen
}

/// Runs a statement in a session of its own. Once it waits, notes its locks and lets it go on.
pub(crate) fn behind(
    db: &TestDb,
    sql: &str,
    watcher: &mut Client,
    release: impl FnOnce(),
) -> BTreeMap<String, LockMode> {
    let mut session = db.client();
    let pid = pid(&mut session);
    thread::scope(|scope| {
        let running = scope.spawn(move || session.batch_execute(sql).map_err(|error| explain(&error)));
        let waits = until_waiting(watcher, pid, || running.is_finished());
        let found = if waits { held(watcher, pid) } else { BTreeMap::new() };
        release();
        assert_eq!(running.join().expect("the session"), Ok(()), "{sql}");
        found
    })
}

fn pid(session: &mut Client) -> i32 {
    session.query_one("SELECT pg_backend_pid()", &[]).unwrap().get(0)
}

/// Whether the backend came to wait for somebody before it was done.
fn until_waiting(watcher: &mut Client, pid: i32, done: impl Fn() -> bool) -> bool {
    let end = Instant::now() + Duration::from_secs(20);
    while !done() {
        assert!(Instant::now() < end, "it neither waits nor ends");
        if watcher
            .query_one("SELECT EXISTS (SELECT FROM pg_locks WHERE pid = $1 AND NOT granted)", &[&pid])
            .unwrap()
            .get(0)
        {
            return true;
        }
        thread::sleep(Duration::from_millis(1));
    }
    false
}

/// A detach that was cancelled while it waited for a reader.
fn leave_pending(db: &TestDb) {
    let (mut reader, mut session, mut watcher) = (db.client(), db.client(), db.client());
    reader.batch_execute("BEGIN; SELECT FROM events LIMIT 0").unwrap();
    let (pid, cancel) = (pid(&mut session), session.cancel_token());
    thread::scope(|scope| {
        let sql = "ALTER TABLE events DETACH PARTITION events_jan CONCURRENTLY";
        let running = scope.spawn(move || session.batch_execute(sql).map_err(|error| explain(&error)));
        assert!(until_waiting(&mut watcher, pid, || running.is_finished()), "the reader is in its way");
        cancel.cancel_query(postgres::NoTls).unwrap();
        let error = running.join().expect("the session").expect_err("it was cancelled");
        assert!(error.starts_with("57014"), "{error}");
    });
}
