//! What stands in the way of an index: old transactions, missing rights, signals, a catalog that moved on, forgers.

use std::time::{Duration, Instant};

use pgstrata::apply::{Ended, Event, Outcome, Silent, StepResult};
use pgstrata::db::{Interrupt, Signal};
use pgstrata::plan::{Block, Gate};
use pgstrata::policy::Desired;
use pgstrata::sandbox::Options;
use postgres::Client;
use serde_json::{Value, json};

use crate::support::drive::{apply_now, desired, grant_all, plan_now};
use crate::support::place::{Place, until};
use crate::support::watch::apply_watched;
use crate::support::{TestDb, database, own_server};

/// Today's partition is small and built plainly; tomorrow's has more than 8 MB.
const TABLES: &str = "
CREATE TABLE events (at timestamptz NOT NULL, actor int, body text) PARTITION BY RANGE (at);
CREATE TABLE other ();
DO $$ DECLARE today timestamptz := date_trunc('day', now(), 'UTC'); BEGIN
  EXECUTE format('CREATE TABLE events_small PARTITION OF events FOR VALUES FROM (%L) TO (%L)', today, today + interval '24 hours');
  EXECUTE format('CREATE TABLE events_big PARTITION OF events FOR VALUES FROM (%L) TO (%L)', today + interval '24 hours', today + interval '48 hours');
  ALTER TABLE events_big ALTER body SET STORAGE PLAIN;
  EXECUTE format('INSERT INTO events_big SELECT %L, i, repeat(''x'', 7900) FROM generate_series(1, 1150) i', today + interval '24 hours');
END $$;
";

const POLICY: &str = "
version: 1
apply: {concurrent_timeout: 2s}
tables:
  public.events:
    partition: {key: at, interval: 1 day, timezone: UTC, premake: 1}
    indexes:
      events_actor_idx: {columns: [actor]}
";

fn policy() -> Desired {
    desired(POLICY)
}

fn result_of<'a>(outcome: &'a Outcome, id: &str) -> &'a StepResult {
    let found = outcome.results.iter().find(|(step, _)| step.0 == id);
    &found.unwrap_or_else(|| panic!("no step {id}: {:?}", outcome.results)).1
}

/// Another session with a transaction open.
fn other(db: &TestDb, sql: &str) -> Client {
    let mut client = db.client();
    client.batch_execute(&format!("SET application_name = 'the report'; {sql}")).unwrap();
    client
}

const SNAPSHOT: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT FROM other";

/// A rerun does all the rest.
fn converges(db: &TestDb) {
    let last = apply_now(db.url(), &policy(), None, &grant_all(), &mut Silent);
    assert!(last.results.iter().all(|(_, result)| result.is_done()), "{:?}", last.results);
    assert!(last.ended == Ended::Complete && last.remains.is_some_and(|plan| plan.is_empty()));
    let invalid: i64 = db.client().query_one("SELECT count(*) FROM pg_index WHERE NOT indisvalid", &[]).unwrap().get(0);
    assert_eq!(invalid, 0);
}

#[test]
fn an_old_transaction_postpones_a_concurrent_build_and_nothing_else() {
    let db = database("index_old");
    db.batch(TABLES);
    let old = other(&db, SNAPSHOT);
    let start = Instant::now();
    let outcome = apply_now(db.url(), &policy(), None, &grant_all(), &mut Silent);
    assert!(start.elapsed() > Duration::from_secs(2), "it waits for concurrent_timeout");
    let StepResult::Postponed(because) = result_of(&outcome, "build index public.events_big_actor_idx") else {
        panic!("{:?}", outcome.results)
    };
    assert!(because.contains("old transaction") && because.contains("(the report as postgres)"), "{because}");
    assert!(matches!(result_of(&outcome, "attach index public.events_big_actor_idx"), StepResult::Skipped(_)));
    assert!(result_of(&outcome, "attach index public.events_small_actor_idx").is_done(), "{:?}", outcome.results);
    assert_eq!((outcome.failed(), outcome.held_back(), outcome.ended.clone()), (0, 1, Ended::Complete));
    drop(old);

    // Who idles without a snapshot is nobody whom a build waits for.
    let idle = other(&db, "BEGIN; SELECT FROM other");
    let start = Instant::now();
    converges(&db);
    assert!(start.elapsed() < Duration::from_secs(2), "{:?}", start.elapsed());
    drop(idle);
}

#[test]
fn a_build_that_times_out_names_whom_it_waited_for_and_is_begun_anew() {
    let db = database("index_timeout");
    db.batch(TABLES);
    let mut old = None;
    let outcome = apply_watched(db.url(), &policy(), &Interrupt::new(), None, |event| {
        if let Event::Sending { sql, .. } = event
            && sql.starts_with("CREATE INDEX CONCURRENTLY")
        {
            old = Some(other(&db, SNAPSHOT));
        }
    });
    let StepResult::Postponed(because) = result_of(&outcome, "build index public.events_big_actor_idx") else {
        panic!("{:?}", outcome.results)
    };
    assert!(because.contains("57014") && because.contains("(the report as postgres)"), "{because}");
    assert!(because.contains("next run drops what it left"), "{because}");
    assert!(outcome.committed && outcome.failed() == 0 && outcome.held_back() == 1);
    drop(old);
    let (plan, _) = plan_now(db.url(), &policy(), None, &grant_all());
    let ids: Vec<&str> = plan.steps.iter().map(|step| step.id.0.as_str()).collect();
    let expected = [
        "drop index public.events_big_actor_idx",
        "build index public.events_big_actor_idx",
        "attach index public.events_big_actor_idx",
    ];
    assert_eq!(ids, expected);
    converges(&db);
}

#[test]
fn an_index_that_another_role_builds_is_no_leftover() {
    // The one who plans may not see what the other one builds.
    let server = own_server(Options::default());
    let url = server.create_database("building").unwrap();
    let mut admin = server.connect("building").unwrap();
    admin.batch_execute(TABLES).unwrap();
    admin
        .batch_execute(
            "CREATE ROLE keeper LOGIN; ALTER TABLE events OWNER TO keeper; ALTER TABLE events_big OWNER TO keeper;
             ALTER TABLE events_small OWNER TO keeper; GRANT ALL ON SCHEMA public TO keeper",
        )
        .unwrap();
    let mut old = server.connect("building").unwrap();
    old.batch_execute(SNAPSHOT).unwrap();
    let mut builder = server.connect("building").unwrap();
    let cancel = builder.cancel_token();
    let building = std::thread::spawn(move || {
        builder.batch_execute("CREATE INDEX CONCURRENTLY events_big_actor_idx ON events_big (actor)")
    });
    until("the index is there", || {
        admin.query_one("SELECT to_regclass('events_big_actor_idx') IS NOT NULL", &[]).unwrap().get(0)
    });
    let keeper = url.replace("user=postgres", "user=keeper");
    let (plan, _) = plan_now(&keeper, &policy(), None, &grant_all());
    assert!(plan.steps.iter().all(|step| step.action.word() != "drop index"), "{:?}", plan.steps);
    let attach = plan.steps.iter().find(|step| step.id.0 == "attach index public.events_big_actor_idx");
    let blocked = attach.map(|step| step.gate.clone());
    let Some(Gate::Blocked(blocks)) = blocked else { panic!("{:?}", plan.steps) };
    assert!(
        matches!(&blocks[..], [Block::Busy { because }] if because.contains("another session is building")),
        "{blocks:?}"
    );
    // Left behind, it is one.
    cancel.cancel_query(postgres::NoTls).unwrap();
    building.join().unwrap().unwrap_err();
    let (plan, _) = plan_now(&keeper, &policy(), None, &grant_all());
    assert!(plan.steps.iter().any(|step| step.action.word() == "drop index"), "{:?}", plan.steps);
}

#[test]
fn what_may_not_be_probed_is_unverified_and_no_error() {
    // Whether this is the wanted one is unknown as well: it is not called another.
    let place = Place::new("index_unverified", &format!("{TABLES} CREATE INDEX by_actor ON events (actor)"), POLICY);
    let unverified = |args: &[&str], code: i32, because: &str| {
        let shown = place.shows(args, code);
        let findings = [&shown.json["findings"], &shown.json["plan"]["findings"], &shown.json["remains"]["findings"]];
        let findings = findings.into_iter().find_map(Value::as_array).unwrap_or_else(|| panic!("{}", shown.json));
        let found: Vec<_> = findings.iter().filter(|finding| finding["code"] == "INDEX_UNVERIFIED").collect();
        assert_eq!(found.len(), 1, "{}", shown.json);
        assert!(found[0]["message"].as_str().unwrap().contains(because), "{}", found[0]);
        assert!(shown.human.contains("unverified") && !shown.human.contains("not in the policy"), "{}", shown.human);
        shown
    };
    let plan = unverified(&["plan", "--no-probe"], 0, "turned off");
    assert_eq!(plan.json["summary"]["change"], 0);
    unverified(&["drift", "--no-probe"], 0, "turned off");
    unverified(&["apply", "--auto-approve", "--no-probe"], 0, "turned off");
    place.db.batch("DROP INDEX by_actor");
    // A saved plan with its steps is not carried out on trust.
    place.run(&["plan", "--out", "plan.json"], 0);
    let refused = place.run(&["apply", "plan.json", "--no-probe"], 64);
    assert!(refused.stderr.contains("cannot be judged"), "{}", refused.stderr);

    let (mut client, name) = (place.db.client(), place.db.name().to_owned());
    client.batch_execute(&format!("ALTER DATABASE {name} SET default_transaction_read_only = on")).unwrap();
    unverified(&["plan"], 0, "read-only transaction");
    unverified(&["drift"], 0, "read-only transaction");
    client.batch_execute(&format!("SET default_transaction_read_only = off; ALTER DATABASE {name} RESET ALL")).unwrap();

    client
        .batch_execute(&format!(
            "DROP ROLE IF EXISTS index_reader; CREATE ROLE index_reader LOGIN; GRANT SELECT ON ALL TABLES IN SCHEMA public TO index_reader;
             REVOKE TEMPORARY ON DATABASE {name} FROM PUBLIC"
        ))
        .unwrap();
    let url = place.db.url().replace("user=postgres", "user=index_reader");
    unverified(&["plan", "--url", &url], 0, "permission denied");
    unverified(&["drift", "--url", &url], 0, "permission denied");
    client
        .batch_execute("REVOKE ALL ON ALL TABLES IN SCHEMA public FROM index_reader; DROP ROLE index_reader")
        .unwrap();
}

#[test]
fn a_saved_plan_is_carried_out_satisfied_or_refused() {
    let place = Place::new("index_saved", TABLES, POLICY);
    place.run(&["plan", "--out", "plan.json"], 0);
    let forged = |change: &dyn Fn(&mut Value)| {
        let mut plan: Value = serde_json::from_str(&place.read("plan.json")).unwrap();
        plan["steps"].as_array_mut().unwrap().iter_mut().for_each(change);
        place.write("forged.json", &plan.to_string());
        place.run(&["apply", "forged.json"], 4)
    };
    // The SQL alone, and the definition that it is rendered from.
    forged(&|step| {
        let text = step["sql"].to_string().replace("(actor)", "(body)");
        step["sql"] = serde_json::from_str(&text).unwrap();
    });
    forged(&|step| {
        let text = step.to_string().replace("\"actor\"", "\"body\"").replace("(actor)", "(body)");
        *step = serde_json::from_str(&text).unwrap();
    });
    forged(&|step| {
        let text = step
            .to_string()
            .replace("\"unique\":false", "\"unique\":true")
            .replace("CREATE INDEX", "CREATE UNIQUE INDEX");
        *step = serde_json::from_str(&text).unwrap();
    });
    // Somebody made one of the partitions' indexes meanwhile; then the whole.
    place.db.batch("CREATE INDEX events_small_actor_idx ON events_small (actor)");
    let applied = place.shows(&["apply", "plan.json"], 0);
    let result = |id: &str| {
        let steps = applied.json["results"].as_array().unwrap_or_else(|| panic!("{}", applied.json));
        steps.iter().find(|step| step["step"] == id).unwrap_or_else(|| panic!("{}", applied.json))["result"].clone()
    };
    assert_eq!(result("build index public.events_small_actor_idx"), json!("already_satisfied"));
    assert_eq!(result("build index public.events_big_actor_idx"), json!("applied"));
    assert_eq!(applied.json["matches_policy"], true);
    let again = place.shows(&["apply", "plan.json"], 0);
    assert_eq!(again.json["committed"], false);
}

#[test]
fn a_signal_in_the_midst_of_a_build_cancels_it_and_a_rerun_converges() {
    let db = database("index_signal");
    db.batch(TABLES);
    let stop = Interrupt::new();
    let (mut old, mut tripping) = (None, None);
    let outcome = apply_watched(db.url(), &policy(), &stop, None, |event| {
        let Event::Sending { sql, backend_pid, .. } = event else { return };
        if !sql.starts_with("CREATE INDEX CONCURRENTLY") {
            return;
        }
        old = Some(other(&db, SNAPSHOT));
        let (stop, mut client, pid) = (stop.clone(), db.client(), *backend_pid);
        tripping = Some(std::thread::spawn(move || {
            let waits =
                "SELECT EXISTS (SELECT FROM pg_locks WHERE pid = $1 AND locktype = 'virtualxid' AND NOT granted)";
            until("the build waits", || client.query_one(waits, &[&pid]).unwrap().get(0));
            stop.trip(Signal::Int);
            pid
        }));
    });
    let pid = tripping.expect("it came to the build").join().unwrap();
    assert_eq!(outcome.ended, Ended::Interrupted(Signal::Int));
    assert_eq!(*result_of(&outcome, "build index public.events_big_actor_idx"), StepResult::NotReached);
    assert!(outcome.committed, "the root's index is, and what the build left");
    let active = "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE pid = $1 AND state = 'active')";
    assert!(!db.client().query_one(active, &[&pid]).unwrap().get::<_, bool>(0), "the server still works");
    let (plan, _) = plan_now(db.url(), &policy(), None, &grant_all());
    assert_eq!(plan.steps[0].id.0, "drop index public.events_big_actor_idx");
    drop(old);
    converges(&db);
}
