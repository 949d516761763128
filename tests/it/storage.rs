//! How partitions are stored, against a real server: what it refuses and takes for equal, what it says of a step before
//! and after, and that looking at it waits for nobody.

use std::path::Path;

use pgstrata::apply::Silent;
use pgstrata::plan::{Action, Fact, Step};
use pgstrata::policy::{Source, is_same_parameter, load, needs_major};
use pgstrata::sql::{Statement, fact_check};

use crate::support::drive::{apply_now, desired, grant_all, plan_now};
use crate::support::lines::lines;
use crate::support::locks::LockWatch;
use crate::support::{TestDb, database, server};

const NUMBERS: [&str; 26] = [
    "-2",
    "-1",
    "0",
    "1",
    "9",
    "10",
    "70",
    "70.4",
    "72.5",
    "7e1",
    "0x46",
    "0106",
    "08",
    "100",
    "101",
    "127",
    "128",
    "1024",
    "8160",
    "8161",
    "10000",
    "100000",
    "1000000000",
    "2000000000",
    "2147483647",
    "2147483648",
];
const WORDS: [&str; 18] =
    ["t", "TRUE", "y", "yes", "on", "o", "1", "f", "False", "n", "no", "off", "of", "2", "auto", "AUTO", "1ms", "0.5"];
const NAMES: [&str; 24] = [
    "autovacuum_analyze_scale_factor",
    "autovacuum_analyze_threshold",
    "autovacuum_enabled",
    "autovacuum_freeze_max_age",
    "autovacuum_freeze_min_age",
    "autovacuum_freeze_table_age",
    "autovacuum_multixact_freeze_max_age",
    "autovacuum_multixact_freeze_min_age",
    "autovacuum_multixact_freeze_table_age",
    "autovacuum_vacuum_cost_delay",
    "autovacuum_vacuum_cost_limit",
    "autovacuum_vacuum_insert_scale_factor",
    "autovacuum_vacuum_insert_threshold",
    "autovacuum_vacuum_max_threshold",
    "autovacuum_vacuum_scale_factor",
    "autovacuum_vacuum_threshold",
    "fillfactor",
    "log_autovacuum_min_duration",
    "parallel_workers",
    "toast_tuple_target",
    "user_catalog_table",
    "vacuum_index_cleanup",
    "vacuum_max_eager_freeze_failure_rate",
    "vacuum_truncate",
];

/// Of indexes, of views, and of nobody.
const OF_NO_TABLE: [&str; 5] = ["buffering", "deduplicate_items", "security_barrier", "nope", "heap_of_mine.mode"];

/// Whether a policy with this parameter is one.
fn is_valid(name: &str, value: &str) -> bool {
    let yaml = format!(
        "version: 1\ntables: {{a.b: {{partition: {{key: at, interval: 1 day}}, storage_parameters: {{{name}: \"{value}\"}}}}}}"
    );
    let (policy, _) = load(&[Source::new("policy.yaml", yaml)], None, &|_| None).expect("the policy loads");
    policy.resolve().is_ok()
}

#[test]
fn a_policy_refuses_the_values_that_the_server_refuses() {
    let db = database("storage_values");
    db.batch("CREATE TABLE t (body text)");
    let mut client = db.client();
    let (mut wrong, mut compared) = (Vec::new(), 0);
    let names = NAMES.into_iter().chain(OF_NO_TABLE);
    for bare in names.filter(|name| needs_major(name).is_none_or(|major| major <= server().version().major)) {
        for name in [bare.to_owned(), format!("toast.{bare}")] {
            for value in NUMBERS.into_iter().chain(WORDS) {
                let taken = client.batch_execute(&format!("ALTER TABLE t SET ({name} = '{value}')")).is_ok();
                compared += 1;
                if taken != is_valid(&name, value) {
                    wrong.push(format!(
                        "{name} = '{value}': the server {}",
                        if taken { "takes it" } else { "refuses it" }
                    ));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(compared > 1800, "{compared}");
}

/// What the server makes of a value shows where it reports it: a table's fill factor decides how many rows a page takes.
#[test]
fn values_are_the_same_where_the_server_makes_the_same_of_them() {
    let db = database("storage_same");
    let mut client = db.client();
    let mut pages = |value: &str| -> i64 {
        let sql = format!(
            "DROP TABLE IF EXISTS t; CREATE TABLE t (n int) WITH (fillfactor = '{value}', autovacuum_enabled = off);
             INSERT INTO t SELECT generate_series(1, 20000)"
        );
        client.batch_execute(&sql).unwrap();
        client.query_one("SELECT pg_relation_size('t') / 8192", &[]).unwrap().get(0)
    };
    let values = ["70", "70.4", "0x46", "0106", "7e1", "71", "72", "72.5", "100"];
    let measured: Vec<i64> = values.map(&mut pages).to_vec();
    for (one, first) in values.iter().zip(&measured) {
        for (other, second) in values.iter().zip(&measured) {
            assert_eq!(is_same_parameter("fillfactor", one, other), first == second, "{one} and {other}");
        }
    }
}

fn altered(db: &TestDb, step: &Step) -> Vec<bool> {
    asked(db, step.after.iter().filter(|fact| matches!(fact, Fact::Altered { .. })))
}

fn asked<'a>(db: &TestDb, facts: impl Iterator<Item = &'a Fact>) -> Vec<bool> {
    let checks = facts.filter_map(fact_check).filter_map(|statement| match statement {
        Statement::Check { expression, .. } => Some(expression),
        Statement::Sql(_) => None,
    });
    checks.map(|sql| db.client().query_one(&format!("SELECT {sql}"), &[]).unwrap().get(0)).collect()
}

/// What is asked of a server after a session is lost: no before the step, yes after it. Every kind of alteration is in one
/// of these scenarios.
#[test]
fn the_server_can_be_asked_whether_a_step_was_done() {
    let mut asked = 0;
    for name in ["parameters", "columns", "row-security", "replica-identity", "leaving", "owner"] {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/scenarios").join(format!("storage-{name}"));
        let read = |file: &str| std::fs::read_to_string(folder.join(file)).unwrap_or_default();
        let db = database(&format!("storage_asked_{}", name.replace('-', "_")));
        for statement in read("cluster.sql").lines() {
            let renamed = statement.replace("scenario_", "asked_");
            server().connect("postgres").unwrap().batch_execute(&renamed).unwrap();
        }
        db.batch(&read("before.sql").replace("scenario_", "asked_"));
        let (desired, now) = (desired(&read("policy.yaml")), Some(read("now").trim().parse().unwrap()));
        let (plan, _) = plan_now(db.url(), &desired, now, &grant_all());
        let steps: Vec<&Step> = plan.steps.iter().filter(|step| matches!(step.action, Action::Storage(_))).collect();
        for step in &steps {
            assert_eq!(altered(&db, step), [false], "{}", step.id);
            asked += 1;
        }
        let mut watch = LockWatch { client: db.client(), plan: &plan, compared: 0, wrong: Vec::new() };
        apply_now(db.url(), &desired, now, &grant_all(), &mut watch);
        for step in &steps {
            assert_eq!(altered(&db, step), [true], "{}", step.id);
        }
    }
    assert!(asked > 20, "{asked}");
}

const SHARED: &str = "
CREATE TABLE events (tenant int, at timestamptz NOT NULL) PARTITION BY RANGE (at);
CREATE TABLE events_mar PARTITION OF events FOR VALUES FROM ('2026-03-01 00:00+00') TO ('2026-04-01 00:00+00');
GRANT SELECT ON events TO pg_monitor;
CREATE POLICY own ON events USING (tenant = 1);
CREATE POLICY own ON events_mar USING (tenant = 1);
";

/// Between the look at the catalog and the grant somebody may take the privilege back, or hide rows: what the partition
/// then granted would go around it.
#[test]
fn a_grant_relies_on_what_its_parent_still_grants_and_hides() {
    let db = database("storage_shared");
    db.batch(SHARED);
    let policy = desired(
        "version: 1\ntables: {public.events: {partition: {key: at, interval: 1 month, premake: 1}, inherit_privileges: true}}",
    );
    let now = Some("2026-03-14T00:00:00Z".parse().unwrap());
    let (plan, before) = plan_now(db.url(), &policy, now, &grant_all());
    let step = plan.steps.iter().find(|step| matches!(step.action, Action::Storage(_))).unwrap();
    let relies = || step.before.iter().filter(|fact| matches!(fact, Fact::ParentGrants { .. }));
    assert_eq!(asked(&db, relies()), [true]);
    let changes = [
        ("REVOKE SELECT ON events FROM pg_monitor", "GRANT SELECT ON events TO pg_monitor"),
        ("ALTER TABLE events ENABLE ROW LEVEL SECURITY", "ALTER TABLE events DISABLE ROW LEVEL SECURITY"),
        (
            "ALTER TABLE events ENABLE ROW LEVEL SECURITY; ALTER TABLE events_mar ENABLE ROW LEVEL SECURITY; CREATE POLICY mine ON events_mar USING (true)",
            "DROP POLICY mine ON events_mar",
        ),
        ("CREATE POLICY narrow ON events AS RESTRICTIVE USING (false)", "DROP POLICY narrow ON events"),
    ];
    for (change, back) in changes {
        db.batch(change);
        assert_eq!(asked(&db, relies()), [false], "{change}");
        let (_, found) = plan_now(db.url(), &policy, now, &grant_all());
        assert!(relies().all(|fact| fact.judge(&found).is_err()), "{change}");
        db.batch(back);
        assert_eq!(asked(&db, relies()), [true], "{back}");
        let (_, found) = plan_now(db.url(), &policy, now, &grant_all());
        assert!(relies().all(|fact| fact.judge(&found).is_ok()), "{back}");
    }
    assert!(relies().all(|fact| fact.judge(&before).is_ok()));
}

/// A function of the row's type takes the parent's row: the policy is on a partition once that is attached, and is then
/// alike.
#[test]
fn a_policy_that_asks_a_function_of_the_whole_row_comes_with_its_partition() {
    let db = database("storage_row_type");
    db.batch(
        "CREATE TABLE events (tenant int, at timestamptz NOT NULL) PARTITION BY RANGE (at);
         CREATE FUNCTION sees(e events) RETURNS boolean LANGUAGE sql STABLE AS 'SELECT e.tenant = 1';
         ALTER TABLE events ENABLE ROW LEVEL SECURITY;
         CREATE POLICY own ON events USING (sees(events.*) AND (events.* IS NOT NULL OR events IS NULL));",
    );
    let policy = desired(
        "version: 1\ntables: {public.events: {partition: {key: at, interval: 1 month, premake: 1}, inherit_privileges: true}}",
    );
    let now = Some("2026-03-14T00:00:00Z".parse().unwrap());
    apply_now(db.url(), &policy, now, &grant_all(), &mut Silent);
    let made = "SELECT count(*) FROM pg_policy WHERE polname = 'own'";
    assert!(db.client().query_one(made, &[]).unwrap().get::<_, i64>(0) > 1);
    let (again, _) = plan_now(db.url(), &policy, now, &grant_all());
    assert_eq!(lines(&again), "");
}

const LOCKED: &str = "
CREATE TABLE events (tenant int, at timestamptz NOT NULL) PARTITION BY RANGE (at);
CREATE TABLE events_mar PARTITION OF events FOR VALUES FROM ('2026-03-01 00:00+00') TO ('2026-04-01 00:00+00');
CREATE TABLE events_apr PARTITION OF events FOR VALUES FROM ('2026-04-01 00:00+00') TO ('2026-05-01 00:00+00');
CREATE FUNCTION sees(e events) RETURNS boolean LANGUAGE sql STABLE AS 'SELECT e.tenant = 1';
CREATE POLICY whole ON events USING (sees(events.*));
CREATE POLICY whole ON events_mar USING (sees(events_mar.*));
CREATE POLICY whole ON events_apr USING (sees(events_apr.*));
";

#[test]
fn looking_at_partitions_waits_for_nobody() {
    let db = database("storage_locked");
    db.batch(LOCKED);
    let policy = desired(
        "version: 1\ntables: {public.events: {partition: {key: at, interval: 1 month, premake: 1}, storage_parameters: {fillfactor: 70}, inherit_privileges: true}}",
    );
    let now = Some("2026-03-14T00:00:00Z".parse().unwrap());
    let (free, _) = plan_now(db.url(), &policy, now, &grant_all());
    assert_eq!(
        lines(&free),
        "set public.events_mar [drift: storage_parameters] fillfactor 70; 2 of 2 partitions;\n\
         set public.events_apr [drift: storage_parameters] fillfactor 70; 2 of 2 partitions;\n"
    );
    let mut holder = db.client();
    holder.batch_execute("BEGIN; LOCK TABLE events_mar, events_apr IN ACCESS EXCLUSIVE MODE").unwrap();
    let (locked, _) = plan_now(db.url(), &policy, now, &grant_all());
    assert_eq!(locked.steps, free.steps);
    let text = lines(&locked);
    let unknown =
        "? PARTITION_UNVERIFIED public.events_apr: whether its row security policy whole is its parent's is unknown: ";
    assert!(text.contains(unknown), "{text}");
}
