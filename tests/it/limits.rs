//! Limits of the database and its roles through the binary: what is shown, granted, saved, applied and found again.

use crate::support::place::Place;

const TABLE: &str = "CREATE SCHEMA app; CREATE TABLE app.events (at timestamptz NOT NULL) PARTITION BY RANGE (at);";

fn policy(limits: &str) -> String {
    format!(
        "version: 1\ntables:\n  app.events:\n    partition: {{key: at, interval: 1 year, premake: 1}}\nlimits:\n{limits}"
    )
}

/// A place with a role of its own, whose table is complete.
fn place(name: &str, limits: &str) -> Place {
    let place = Place::new(name, &format!("{TABLE} CREATE ROLE {name};"), &policy(limits));
    place.run(&["partition", "create", "--auto-approve"], 0);
    place
}

/// The role's limit and its settings in this database.
fn found(place: &Place, role: &str) -> (i32, Vec<String>) {
    let row = place
        .db
        .client()
        .query_one(
            "SELECT r.rolconnlimit, coalesce((SELECT s.setconfig FROM pg_db_role_setting s
               JOIN pg_database d ON d.oid = s.setdatabase WHERE s.setrole = r.oid AND d.datname = current_database()), '{}')
             FROM pg_roles r WHERE r.rolname = $1",
            &[&role],
        )
        .unwrap();
    (row.get(0), row.get(1))
}

#[test]
fn a_limit_is_planned_granted_and_carried_out_in_every_format() {
    let limits = "  roles: {limits_apply: {connection_limit: 4, statement_timeout: 30s}}\n  services:\n    api: {role: limits_apply, instances: 2, max_connections: 2}\n";
    let place = place("limits_apply", limits);
    let plan = place.shows(&["plan", "--detailed-exitcode"], 2);
    assert_eq!(plan.json["summary"]["change"], 2);
    assert_eq!(plan.json["steps"][0]["table"], serde_json::Value::Null);
    assert_eq!(plan.json["steps"][0]["hazards"][0]["object"], "role limits_apply");
    for text in [&plan.human, &plan.markdown] {
        assert!(text.contains("limits and settings") && text.contains("--allow limits-sessions"), "{text}");
    }
    assert!(
        plan.sql.unwrap().contains("ALTER ROLE limits_apply IN DATABASE limits_apply SET statement_timeout = '30s';")
    );
    let drift = place.shows(&["drift"], 2);
    assert_eq!(drift.json["counted"], 2);

    // The timeout needs no grant.
    place.shows(&["apply", "--auto-approve"], 3);
    assert_eq!(found(&place, "limits_apply"), (-1, vec!["statement_timeout=30s".to_owned()]));
    place.shows(&["apply", "--auto-approve", "--allow", "limits-sessions"], 0);
    assert_eq!(found(&place, "limits_apply").0, 4);
    let after = place.shows(&["plan", "--detailed-exitcode"], 0);
    assert!(after.human.contains("api 2 × 2 = 4, and the server has"), "{}", after.human);
    place.run(&["drift"], 0);
}

#[test]
fn machines_count_what_is_of_no_table_once() {
    let place = place("limits_machines", "  roles: {limits_machines: {lock_timeout: 2s}}\n");
    let report = |format: &str| format!("{format}={}", place.path(format).display());
    let args = [report("prometheus"), report("junit"), report("sarif")];
    place.run(&["drift", "--report", &args[0], "--report", &args[1], "--report", &args[2]], 2);
    let text = place.read("prometheus");
    let lines: Vec<&str> = text.lines().filter(|line| line.contains("limit_differs")).collect();
    assert!(matches!(lines[..], [line] if line.ends_with(" 1") && !line.contains("table=")), "{text}");
    let junit = place.read("junit");
    assert!(junit.contains("<testcase name=\"LIMIT_DIFFERS\" classname=\"database limits_machines\""), "{junit}");
    let sarif: serde_json::Value = serde_json::from_str(&place.read("sarif")).unwrap();
    let rules: Vec<&serde_json::Value> =
        sarif["runs"][0]["results"].as_array().unwrap().iter().map(|result| &result["ruleId"]).collect();
    assert!(rules.contains(&&"LIMIT_DIFFERS".into()), "{rules:?}");
}

#[test]
fn a_saved_plan_is_stale_once_somebody_has_changed_the_limit() {
    let place = place("limits_saved", "  roles: {limits_saved: {connection_limit: 7, lock_timeout: 2s}}\n");
    place.run(&["plan", "--out", "plan.json"], 0);
    place.db.batch("ALTER ROLE limits_saved CONNECTION LIMIT 9");
    let stale = place.run(&["apply", "plan.json", "--allow", "limits-sessions"], 4);
    assert!(stale.stderr.contains("role limits_saved has no connection limit"), "{}", stale.stderr);
    assert_eq!(found(&place, "limits_saved"), (9, vec![]));
    place.db.batch("ALTER ROLE limits_saved CONNECTION LIMIT -1");
    place.run(&["apply", "plan.json", "--allow", "limits-sessions"], 0);
    assert_eq!(found(&place, "limits_saved"), (7, vec!["lock_timeout=2s".to_owned()]));
    // What is done is not done again.
    let again = place.run(&["apply", "plan.json"], 0);
    assert!(again.stdout.contains("already"), "{}", again.stdout);
}

#[test]
fn a_plan_of_one_table_says_nothing_of_roles_and_applies_nothing_of_them() {
    let place = place("limits_one_table", "  roles: {limits_one_table: {lock_timeout: 2s}}\n");
    place.run(&["plan", "--table", "app.events", "--out", "plan.json", "--detailed-exitcode"], 0);
    place.run(&["apply", "plan.json"], 0);
    place.run(&["apply", "--table", "app.events", "--auto-approve"], 0);
    place.run(&["partition", "cleanup", "--auto-approve"], 0);
    assert_eq!(found(&place, "limits_one_table"), (-1, vec![]));
    place.run(&["plan", "--detailed-exitcode"], 2);
}

#[test]
fn what_cannot_be_is_an_error_with_its_place_and_the_rest_goes_on() {
    let limits = "  database: {connection_limit: 100000}\n  roles: {limits_refused_by: {lock_timeout: 2s}, limits_none: {lock_timeout: 2s}}\n";
    let place = place("limits_refused_by", limits);
    let plan = place.shows(&["plan"], 1);
    let text = &plan.human;
    assert!(text.contains("max_connections") && text.contains("limits.database.connection_limit"), "{text}");
    assert!(text.contains("there is no such role") && text.contains("limits.roles.limits_none"), "{text}");
    // What the server refuses is shown where the policy says it, as what is invalid by itself.
    let excerpt = place.run(&["drift"], 1).stderr;
    for words in ["pgstrata.yaml:6:32", "pgstrata.yaml:7:50", "max_connections", "there is no such role"] {
        assert!(excerpt.contains(words), "{words}\n{excerpt}");
    }
    place.run(&["apply", "--auto-approve"], 1);
    assert_eq!(found(&place, "limits_refused_by").1, ["lock_timeout=2s"]);
    place.write("pgstrata.yaml", &policy("  roles: {r: {lock_timeout: 5m, connection_limit: -2}}\n"));
    let invalid = place.run(&["plan"], 78);
    assert!(invalid.stderr.contains("min") && invalid.stderr.contains("-1 for no limit"), "{}", invalid.stderr);
}

#[test]
fn what_is_no_table_has_a_story_too() {
    let limits =
        "  database: {connection_limit: 150}\n  roles: {limits_story: {connection_limit: 3, lock_timeout: 2s}}\n";
    let place = place("limits_story", limits);
    let policy = place
        .read("pgstrata.yaml")
        .replace("    partition:", "    indexes: {events_at_idx: {columns: [at]}}\n    partition:");
    place.write("pgstrata.yaml", &format!("{policy}settings: {{work_mem: 5MB}}\n"));
    place.db.batch("ALTER ROLE limits_story SET lock_timeout = '1s'");
    for (name, words) in [
        (
            "limits_story",
            &[
                "role limits_story\n",
                "connection_limit 3  pgstrata.yaml:8\n",
                "lock_timeout = 1s in every database\n",
                "x blocked: LIMITS_SESSIONS",
                "set lock_timeout 2s: drift",
                "run         pgstrata apply --allow limits-sessions\n",
            ][..],
        ),
        ("role limits_story", &["role limits_story\n"]),
        (
            "database limits_story",
            &["database limits_story\n", "connection_limit 150  pgstrata.yaml:7\n", "connection limit none\n"],
        ),
        (
            "work_mem",
            &[
                "setting work_mem\n",
                "work_mem 5MB  pgstrata.yaml:9\n",
                "4096 × kB, from default\n",
                "plan        nothing to do\n",
            ],
        ),
        (
            "events_at_idx",
            &[
                "an index of app.events\n",
                "index USING btree (at)  pgstrata.yaml:4\n",
                "there is no index of this name\n",
                "5 steps: drift, missing\n",
                "run         pgstrata apply --table app.events\n",
            ],
        ),
    ] {
        let story = place.run(&["explain", name], 0).stdout;
        words.iter().for_each(|words| assert!(story.contains(words), "{words}\n{story}"));
    }
    let json = place.run(&["explain", "limits_story", "--format", "json"], 0).stdout;
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    // Role and database have one name: both are meant.
    assert_eq!(
        (&json["things"][0]["name"], &json["things"][1]["name"]),
        (&"database limits_story".into(), &"role limits_story".into())
    );
    assert_eq!(json["things"][1]["steps"].as_array().unwrap().len(), 2);
    place.run(&["apply", "--auto-approve", "--allow", "limits-sessions"], 3);
    let built = place.run(&["explain", "app.events_at_idx"], 0).stdout;
    assert!(built.contains("valid, with an index of its own on 2 of 2 partitions"), "{built}");
    let plan = place.run(&["plan"], 0).stdout;
    assert!(plan.contains("No changes. 1 table matches, but 1 difference is not for apply to end"), "{plan}");
    place.run(&["explain", "nobody"], 64);
}

/// user.c, IsReservedName: not even a superuser may.
#[test]
fn a_predefined_role_is_refused_before_anything_runs() {
    let place = Place::new("limits_reserved", TABLE, &policy("  roles: {pg_monitor: {connection_limit: 4}}\n"));
    let plan = place.run(&["plan"], 1);
    assert!(plan.stdout.contains("role pg_monitor") && plan.stdout.contains("predefined role"), "{}", plan.stdout);
    assert!(!plan.stdout.contains("ALTER ROLE"), "{}", plan.stdout);
}
