//! What planning could not ask says why: a lock, which passes and which no grant ends; or code of others, which one grant lets
//! run. Once for each table, not for each window.

use crate::exits::policy;
use crate::support::place::Place;

fn managed(more: &str) -> String {
    let key = "key: at, interval: 1 day, timezone: UTC, premake: 6, default_partition: allow";
    policy("", &[format!("  app.events:\n    partition: {{{key}}}\n{more}")])
}

const TABLES: &str = "CREATE SCHEMA app;
    CREATE TABLE app.events (at timestamptz NOT NULL, id bigint) PARTITION BY RANGE (at);
    CREATE TABLE app.events_rest PARTITION OF app.events DEFAULT;
    INSERT INTO app.events VALUES (now() - interval '9 days', 1);";

/// The messages of findings with this code.
fn messages(plan: &serde_json::Value, code: &str) -> Vec<String> {
    let all = plan["findings"].as_array().unwrap().iter().filter(|finding| finding["code"] == code);
    all.map(|finding| finding["message"].as_str().unwrap().to_owned()).collect()
}

fn plan(place: &Place, more: &[&str]) -> (String, serde_json::Value) {
    let mut args = vec!["plan"];
    args.extend(more);
    let human = place.run(&args, 0).stdout;
    args.extend(["--format", "json"]);
    let json = serde_json::from_str(&place.run(&args, 0).stdout).unwrap();
    (human, json)
}

#[test]
fn a_passing_lock_is_named_with_who_holds_it_and_no_grant_is_asked_for() {
    let place = Place::new("passing_lock", TABLES, &managed(""));
    for table in ["app.events_rest", "app.events"] {
        let mut other = place.db.client();
        other.batch_execute("SET application_name = 'nightly report'").unwrap();
        let pid: i32 = other.query_one("SELECT pg_backend_pid()", &[]).unwrap().get(0);
        other.batch_execute(&format!("BEGIN; LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE")).unwrap();
        let (human, json) = plan(&place, &[]);
        let by = format!("app.events_rest is locked by process {pid} (nightly report, idle in transaction); run again");
        let found = messages(&json, "UNKNOWN");
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].ends_with(&format!(" and 6 more windows could not be counted: {by}")), "{found:?}");
        let blocked = format!("whether the default partition has rows in this window is unknown: {by}");
        assert!(human.contains(&format!("No flag allows: {blocked}.")) && !human.contains("--allow"), "{human}");
        let drift = place.run(&["drift"], 1).stdout;
        assert!(drift.contains("1 thing could not be checked") && drift.contains(&by), "{drift}");
        other.batch_execute("COMMIT").unwrap();
    }
    let (human, json) = plan(&place, &[]);
    assert_eq!(messages(&json, "UNKNOWN"), Vec::<String>::new());
    assert!(!human.contains("Blocked:") && !human.contains("locked"), "{human}");
}

#[test]
fn code_of_an_owner_needs_one_grant_which_every_command_names_as_it_takes_it() {
    let place = Place::new("passing_code", TABLES, &managed(""));
    place.db.batch(
        "CREATE ROLE passing_code_writer; GRANT USAGE, CREATE ON SCHEMA app TO passing_code_writer;
         CREATE FUNCTION app.one(bigint) RETURNS bigint LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RETURN 1; END';
         ALTER FUNCTION app.one(bigint) OWNER TO passing_code_writer;
         ALTER TABLE app.events ADD CONSTRAINT ok CHECK (id > -app.one(1)); CREATE INDEX ON app.events ((app.one(id)))",
    );
    let (human, json) = plan(&place, &[]);
    assert!(human.contains("--allow runs-owners-code:app.events") && !human.contains("is unknown"), "{human}");
    let found = messages(&json, "UNKNOWN");
    assert!(found.len() == 1 && found[0].contains(" and 6 more windows could not be counted: "), "{found:?}");
    let (allowed, _) = plan(&place, &["--allow", "runs-owners-code:app.events"]);
    assert!(!allowed.contains("blocked:") && !allowed.contains("could not be counted"), "{allowed}");
    for (command, code) in [(&["drift"][..], 1), (&["explain", "app.events"], 0)] {
        let told = place.run(command, code).stdout.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(told.contains("`connection.owners`"), "{command:?}\n{told}");
        assert!(told.contains("`apply.allow: [runs-owners-code:app.events]` in the policy"), "{command:?}\n{told}");
    }
}

#[test]
fn a_blocking_detach_says_why() {
    let place = Place::new("passing_detach", TABLES, &managed("    retention: {keep: 2 days}\n"));
    place.db.batch(
        "CREATE TABLE app.events_old PARTITION OF app.events FOR VALUES FROM ('2020-01-01Z') TO ('2020-01-02Z')",
    );
    place.db.batch(
        "CREATE TABLE app.events_less_old PARTITION OF app.events FOR VALUES FROM ('2020-01-02Z') TO ('2020-01-03Z')",
    );
    place.db.batch("INSERT INTO app.events VALUES ('2020-01-02Z', 1)");
    let (human, _) = plan(&place, &[]);
    let why = "blocking: PostgreSQL cannot detach concurrently while a default partition exists";
    assert!(human.contains("detach, blocking") && human.contains(why), "{human}");
    place.db.batch("ALTER TABLE app.events DETACH PARTITION app.events_rest");
    let (human, _) = plan(&place, &[]);
    assert!(human.contains("detach") && !human.contains("blocking"), "{human}");
}
