//! A database with work for every kind of step, made once and copied for each crash; and what must be true of a copy
//! whatever happened to it.

use std::time::Duration;

use pgstrata::apply::{Ended, Event, Observer, Silent};
use pgstrata::policy::Desired;
use pgstrata::sandbox::Sandbox;
use postgres::Client;

use crate::support::drive::{apply_now, desired, grant_all, plan_now};
use crate::support::explain;
use crate::support::locks::LockWatch;

/// Monthly partitions around the server's clock: what leaves, comes back, is finalized and made.
pub(crate) const POLICY: &str = "
version: 1
apply: {jobs: 1}
tables:
  app.events:
    partition: {key: at, interval: 1 month, premake: 2}
    retention: {keep: 3 months, then: drop, grace: 0 days}
  app.strict:
    partition: {key: at, interval: 1 month, premake: 1, default_partition: require}
    retention: {keep: 3 months, then: drop, grace: 0 days}
";

/// The same tables while they keep next to nothing, and drop nothing: leaves detached, marked tables behind.
const BEFORE: &str = "
version: 1
tables:
  app.events:
    partition: {key: at, interval: 1 month, premake: 1}
    retention: {keep: 1 month, then: detach}
";

const TABLES: &str = "
CREATE SCHEMA app;
CREATE TABLE app.places (id int PRIMARY KEY);
INSERT INTO app.places VALUES (1);
CREATE TABLE app.events (id bigint NOT NULL, at timestamptz NOT NULL, place int REFERENCES app.places, body text NOT NULL,
  PRIMARY KEY (id, at)) PARTITION BY RANGE (at);
CREATE TABLE app.strict (id bigint NOT NULL, at timestamptz NOT NULL, body text) PARTITION BY RANGE (at);
CREATE FUNCTION app.month(n int) RETURNS timestamptz LANGUAGE sql STABLE AS
  $$ SELECT (date_trunc('month', now() AT TIME ZONE 'UTC') + make_interval(months => n)) AT TIME ZONE 'UTC' $$;
CREATE PROCEDURE app.add(parent text, n int) LANGUAGE plpgsql AS $$
BEGIN
  EXECUTE format('CREATE TABLE app.%I PARTITION OF app.%I FOR VALUES FROM (%L) TO (%L)',
    parent || '_' || abs(n), parent, app.month(n), app.month(n + 1));
  EXECUTE format('INSERT INTO app.%I (id, at, body) SELECT %s + i, %L::timestamptz + i * interval ''1 hour'', md5(i::text) FROM generate_series(1, 50) i',
    parent, 1000 * abs(n), app.month(n));
END $$;
SET TimeZone = 'UTC';
CALL app.add('events', -9); CALL app.add('events', -2); CALL app.add('events', 0);
";

const MORE_TABLES: &str = "
SET TimeZone = 'UTC';
CALL app.add('events', -8); CALL app.add('events', -7); CALL app.add('events', -3); CALL app.add('events', -1);
CALL app.add('strict', -7); CALL app.add('strict', -3); CALL app.add('strict', -2); CALL app.add('strict', -1);
CALL app.add('strict', 0);
COMMENT ON TABLE app.events_7 IS 'kept words';
";

/// Partitions whose drop the policy asks for and the grants allow; every other row must be there for ever.
const MAY_GO: [&str; 3] = ["app.events_9", "app.events_7", "app.strict_7"];
const ALL: [&str; 12] = [
    "app.events_9",
    "app.events_8",
    "app.events_7",
    "app.events_3",
    "app.events_2",
    "app.events_1",
    "app.events_0",
    "app.strict_7",
    "app.strict_3",
    "app.strict_2",
    "app.strict_1",
    "app.strict_0",
];

/// The database that crashes are copied from, and what an undisturbed run makes of it.
pub(crate) struct World<'a> {
    pub(crate) server: &'a Sandbox,
    template: String,
    pub(crate) policy: Desired,
    /// The catalog and the rows after an undisturbed run.
    pub(crate) end: String,
    /// The events of an undisturbed run at which something may strike.
    pub(crate) points: Vec<Point>,
}

/// One event of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Point {
    pub(crate) step: String,
    pub(crate) what: String,
}

impl<'a> World<'a> {
    pub(crate) fn new(server: &'a Sandbox, name: &str) -> Self {
        let template = format!("{name}_template");
        let url = server.create_database(&template).unwrap();
        batch(server, &template, TABLES);
        let before = apply_now(&url, &desired(BEFORE), None, &grant_all(), &mut Silent);
        assert_eq!((before.failed(), before.ended), (0, Ended::Complete), "{:?}", before.results);
        batch(server, &template, MORE_TABLES);
        leave_pending(server, &template, "app.events", "app.events_8");

        let mut world = Self { server, template, policy: desired(POLICY), end: String::new(), points: Vec::new() };
        let copy = world.copy(&format!("{name}_undisturbed"));
        let (plan, _) = plan_now(&server.url(&copy), &world.policy, None, &grant_all());
        let locks = LockWatch { client: connect(server, &copy), plan: &plan, compared: 0, wrong: Vec::new() };
        let mut all = Undisturbed { points: Vec::new(), locks };
        let outcome = apply_now(&server.url(&copy), &world.policy, None, &grant_all(), &mut all);
        let Undisturbed { points, locks } = all;
        assert!(locks.wrong.is_empty(), "declared locks: {}", locks.wrong.join("\n"));
        assert!(outcome.results.iter().all(|(_, result)| result.is_done()), "{:?}", outcome.results);
        let kinds: std::collections::BTreeSet<&str> =
            outcome.plan.steps.iter().map(|step| step.action.word()).collect();
        let every = ["attach", "create", "detach", "drop", "finalize", "mark", "stamp"];
        assert_eq!(kinds.into_iter().collect::<Vec<_>>(), every, "the world has every kind of step");
        assert!(outcome.plan.steps.iter().any(|step| step.id.0 == "create app.strict_default"));
        world.points = points;
        world.end = state(server, &copy);
        world.check(&copy);
        world.drop(&copy);
        world
    }

    /// A fresh copy.
    pub(crate) fn copy(&self, name: &str) -> String {
        let strategy = if self.server.version().major >= 15 { " STRATEGY file_copy" } else { "" };
        let sql = format!("CREATE DATABASE {name} TEMPLATE {}{strategy}", self.template);
        batch(self.server, "postgres", &sql);
        name.to_owned()
    }

    pub(crate) fn drop(&self, name: &str) {
        batch(self.server, "postgres", &format!("DROP DATABASE {name} WITH (FORCE)"));
    }

    /// No row is lost: each partition still has its own, attached or not, but for those whose drop was granted.
    pub(crate) fn check(&self, database: &str) {
        let mut client = connect(self.server, database);
        for name in ALL {
            let there: bool = client.query_one("SELECT to_regclass($1) IS NOT NULL", &[&name]).unwrap().get(0);
            if there {
                let rows: i64 = client.query_one(&format!("SELECT count(*) FROM {name}"), &[]).unwrap().get(0);
                assert_eq!(rows, 50, "rows of {name}");
            } else {
                assert!(MAY_GO.contains(&name), "{name} is gone");
            }
        }
    }

    /// Applies again until nothing remains, and compares with an undisturbed run.
    pub(crate) fn converge(&self, database: &str) {
        self.check(database);
        let url = self.server.url(database);
        let outcome = apply_now(&url, &self.policy, None, &grant_all(), &mut Silent);
        assert_eq!(outcome.ended, Ended::Complete);
        assert!(outcome.results.iter().all(|(_, result)| result.is_done()), "one rerun does it: {:?}", outcome.results);
        let remains = outcome.remains.expect("the catalog was read again");
        assert!(remains.is_empty(), "one rerun is enough: {:?}", remains.steps);
        self.check(database);
        let end = state(self.server, database);
        if end != self.end {
            let diff = similar::TextDiff::from_lines(&self.end, &end);
            panic!("{}", diff.unified_diff().context_radius(2).header("undisturbed", "after the crash"));
        }
    }
}

/// The catalog, markers masked, and every row with the table that holds it.
fn state(server: &Sandbox, database: &str) -> String {
    let mut client = connect(server, database);
    let mut text = String::new();
    for row in client.query(include_str!("support/describe.sql"), &[]).unwrap() {
        let line: String = row.get(0);
        for line in line.lines() {
            // The stamp is the server's clock; OIDs are those of the template.
            let line = line.split_once(",\"detached_at\":").map_or(line, |(before, _)| before);
            text.push_str(line);
            text.push('\n');
        }
    }
    for table in ["app.events", "app.strict"] {
        let sum = "SELECT tableoid::regclass::text, count(*), md5(string_agg(id || body, ',' ORDER BY id)) FROM";
        for row in client.query(&format!("{sum} {table} GROUP BY 1 ORDER BY 1"), &[]).unwrap() {
            let (leaf, rows, sum): (String, i64, String) = (row.get(0), row.get(1), row.get(2));
            text.push_str(&format!("{leaf} has {rows} rows {sum}\n"));
        }
    }
    text
}

/// Where a strike tells something about a unit: after BEGIN, around COMMIT, and around what runs outside a transaction.
pub(crate) fn point(event: &Event<'_>) -> Option<(Point, i32)> {
    let concurrently = |sql: &str| sql.ends_with(" CONCURRENTLY");
    let all = std::env::var_os("PGSTRATA_CRASH_ALL").is_some();
    let (step, pid, sql, sent) = match event {
        Event::Sending { step, backend_pid, sql } if all || *sql == "COMMIT" || concurrently(sql) => {
            (step, backend_pid, sql, "before")
        }
        Event::Sent { step, backend_pid, sql } if all || matches!(*sql, "BEGIN" | "COMMIT") || concurrently(sql) => {
            (step, backend_pid, sql, "after")
        }
        Event::Sending { .. }
        | Event::Sent { .. }
        | Event::Began { .. }
        | Event::Waiting { .. }
        | Event::Working { .. }
        | Event::Retrying { .. }
        | Event::Finished { .. } => return None,
    };
    let sql: String = sql.chars().take(60).collect();
    Some((Point { step: step.to_string(), what: format!("{sent} {sql}") }, *pid))
}

/// Collects them, and compares each unit's locks with what its step declares.
struct Undisturbed<'a> {
    points: Vec<Point>,
    locks: LockWatch<'a>,
}

impl Observer for Undisturbed<'_> {
    fn on(&mut self, event: &Event<'_>) {
        self.points.extend(point(event).map(|(point, _)| point));
        self.locks.on(event);
    }
}

/// Does something at the n-th of them.
pub(crate) struct Strike<F> {
    pub(crate) left: usize,
    pub(crate) act: F,
}

impl<F: FnMut(i32) + Send> Observer for Strike<F> {
    fn on(&mut self, event: &Event<'_>) {
        let Some((_, pid)) = point(event) else { return };
        if self.left == 0 {
            (self.act)(pid);
        }
        self.left = self.left.wrapping_sub(1);
    }
}

/// A detach that somebody began and did not finish.
pub(crate) fn leave_pending(server: &Sandbox, database: &str, parent: &str, partition: &str) {
    let mut reader = connect(server, database);
    let mut transaction = reader.transaction().unwrap();
    transaction.query(&format!("SELECT FROM {parent} LIMIT 1"), &[]).unwrap();
    let mut other = connect(server, database);
    other.batch_execute("SET statement_timeout = '200ms'").unwrap();
    let error = other.batch_execute(&format!("ALTER TABLE {parent} DETACH PARTITION {partition} CONCURRENTLY"));
    assert_eq!(error.unwrap_err().code().unwrap().code(), "57014", "it waits for the reader");
    transaction.rollback().unwrap();
}

pub(crate) fn batch(server: &Sandbox, database: &str, sql: &str) {
    connect(server, database).batch_execute(sql).unwrap_or_else(|error| panic!("{}\n{sql}", explain(&error)));
}

/// A session; after a crash the server may still be recovering.
pub(crate) fn connect(server: &Sandbox, database: &str) -> Client {
    for _ in 0..100 {
        if let Ok(client) = server.connect(database) {
            return client;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    server.connect(database).unwrap_or_else(|error| panic!("{error}"))
}

/// While a concurrent detach waits, its pending state committed, does something; the reader it waits for then goes.
pub(crate) struct MidDetach {
    pub(crate) url: String,
    pub(crate) act: fn(i32),
    pub(crate) waiting: Option<std::thread::JoinHandle<()>>,
}

impl Observer for MidDetach {
    fn on(&mut self, event: &Event<'_>) {
        let Event::Sending { backend_pid, sql, .. } = event else { return };
        if !sql.ends_with(" CONCURRENTLY") || self.waiting.is_some() {
            return;
        }
        let mut reader = Client::connect(&self.url, postgres::NoTls).unwrap();
        reader.batch_execute("BEGIN; SELECT FROM app.events LIMIT 1").unwrap();
        let (url, act, pid) = (self.url.clone(), self.act, *backend_pid);
        self.waiting = Some(std::thread::spawn(move || {
            let mut client = Client::connect(&url, postgres::NoTls).unwrap();
            let pending = "SELECT EXISTS (SELECT FROM pg_inherits WHERE inhdetachpending AND inhrelid = 'app.events_7'::regclass)";
            let end = std::time::Instant::now() + Duration::from_secs(10);
            while !client.query_one(pending, &[]).unwrap().get::<_, bool>(0) {
                assert!(std::time::Instant::now() < end, "the detach does not become pending");
                std::thread::sleep(Duration::from_millis(10));
            }
            act(pid);
            let _ = reader.batch_execute("ROLLBACK");
        }));
    }
}
