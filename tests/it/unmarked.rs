//! A detached partition whose comment was written by hand has lost its marker: it is found, and can be taken back.

use crate::exits::{managed, policy, table};
use crate::support::place::Place;

const KEPT: &str = "    retention: {keep: 2 days, then: drop, grace: 7 days}\n";

fn one(place: &Place, sql: &str) -> String {
    place.db.client().query_one(sql, &[]).unwrap().get::<_, Option<String>>(0).unwrap_or_default()
}

/// The finding of a plan, in JSON.
fn finding(place: &Place) -> Option<serde_json::Value> {
    let plan: serde_json::Value = serde_json::from_str(&place.run(&["plan", "--format", "json"], 0).stdout).unwrap();
    let findings = plan["findings"].as_array().unwrap();
    findings.iter().find(|finding| finding["code"] == "UNMARKED").cloned()
}

#[test]
fn a_comment_by_hand_orphans_nothing_unseen_and_what_is_printed_takes_it_back() {
    let place = Place::new("unmarked_hand", &table("events", 3), &policy("", &[managed("events", KEPT)]));
    place.run(&["apply", "--auto-approve"], 0);
    assert!(one(&place, "SELECT obj_description('app.events_3'::regclass)").contains("retired"));
    assert_eq!(finding(&place), None);

    place.db.batch("COMMENT ON TABLE app.events_3 IS 'pgstrata: hold matter 4711'");
    let found = finding(&place).expect("a finding");
    assert_eq!(found["object"], "app.events_3");
    let message = found["message"].as_str().unwrap();
    assert!(message.contains("has no marker") && message.contains("its hold line changes nothing"), "{message}");
    // Nobody who has locked it keeps a plan waiting.
    let mut other = place.db.client();
    other.batch_execute("BEGIN; LOCK TABLE app.events_3, app.events IN ACCESS EXCLUSIVE MODE").unwrap();
    assert!(finding(&place).is_some());
    other.batch_execute("COMMIT").unwrap();

    // The command, with the bounds that the check has.
    let hint = found["hint"].as_str().unwrap();
    let (_, rest) = hint.split_once("ALTER TABLE").unwrap();
    let (attach, _) = rest.split_once(';').unwrap();
    let bounds = "to_char(date_trunc('day', now(), 'UTC') - interval '72 hours', 'YYYY-MM-DD HH24:MI:SSTZH')";
    let from = one(&place, &format!("SELECT {bounds}"));
    let to = one(&place, &format!("SELECT {}", bounds.replace("72", "48")));
    let attach = attach.replace("FROM (…) TO (…)", &format!("FROM ('{from}') TO ('{to}')"));
    place.db.batch(&format!("ALTER TABLE{attach}"));
    assert_eq!(finding(&place), None);
    // Held by its line, as it is a partition again; without it, it leaves with a marker.
    place.run(&["apply", "--auto-approve"], 0);
    assert_eq!(one(&place, "SELECT relispartition::text FROM pg_class WHERE oid = 'app.events_3'::regclass"), "true");
    place.run(&["unhold", "app.events_3", "--auto-approve"], 0);
    place.run(&["apply", "--auto-approve"], 0);
    assert!(one(&place, "SELECT obj_description('app.events_3'::regclass)").contains("retired"));
    assert_eq!(finding(&place), None);
}

#[test]
fn a_name_of_the_policy_tells_the_bounds_and_many_are_one_finding() {
    let place = Place::new("unmarked_names", &table("events", 0), &policy("", &[managed("events", KEPT)]));
    place.run(&["apply", "--auto-approve"], 0);
    let name = one(&place, "SELECT to_char(now() AT TIME ZONE 'UTC' - interval '10 days', '\"events_p\"YYYYMMDD')");
    place.db.batch(&format!("CREATE TABLE app.{name} (at timestamptz NOT NULL, what text)"));
    let found = finding(&place).expect("a finding");
    assert_eq!(found["object"], format!("app.{name}"));
    let (_, attach) = found["hint"].as_str().unwrap().split_once("ALTER TABLE").unwrap();
    place.db.batch(&format!("ALTER TABLE{}", attach.split_once(';').unwrap().0));
    place.db.batch(&format!("ALTER TABLE app.events DETACH PARTITION app.{name}"));
    place.db.batch(
        "DO $$ BEGIN FOR back IN 20 .. 30 LOOP
           EXECUTE format('CREATE TABLE app.%I (at timestamptz NOT NULL, what text)',
             to_char(now() AT TIME ZONE 'UTC' - back * interval '1 day', '\"events_p\"YYYYMMDD'));
         END LOOP; END $$",
    );
    let found = finding(&place).expect("a finding");
    assert!(found["object"].is_null());
    let message = found["message"].as_str().unwrap();
    assert!(message.starts_with("12 tables look like detached partitions"), "{message}");
    assert!(message.contains("and 9 more"), "{message}");
}

/// What somebody detached by hand is probably the window's data: nothing is put in its place, and nothing is green.
#[test]
fn no_partition_is_made_for_a_window_that_a_table_detached_by_hand_stands_for() {
    let keep = "    retention: {keep: 30 days, then: detach}\n";
    let place = Place::new("unmarked_gap", &table("events", 0), &policy("", &[managed("events", keep)]));
    let name = |days: u32| {
        one(
            &place,
            &format!("SELECT to_char(now() AT TIME ZONE 'UTC' - interval '{days} days', '\"events_p\"YYYYMMDD')"),
        )
    };
    let oldest = "DO $$ DECLARE day timestamptz := date_trunc('day', now(), 'UTC'); BEGIN
        EXECUTE format('CREATE TABLE app.events_oldest PARTITION OF app.events FOR VALUES FROM (%L) TO (%L)',
          day - interval '20 days' , day - interval '19 days'); END $$";
    place.db.batch(oldest);
    place.db.batch(&format!("ALTER TABLE app.events_0 RENAME TO {}", name(0)));
    place.run(&["apply", "--auto-approve"], 0);
    place.run(&["drift"], 0);
    let (past, current) = (name(5), name(0));
    for name in [&past, &current] {
        place.db.batch(&format!("ALTER TABLE app.events DETACH PARTITION app.{name}"));
    }

    // The current window is made, under another name; the one that is over waits for a person.
    let drift = place.run(&["drift"], 2);
    assert!(drift.stdout.contains(&past), "{}", drift.stdout);
    let applied = place.run(&["apply", "--auto-approve"], 3);
    assert!(!applied.stdout.contains(&format!("{past}_2")), "{}", applied.stdout);
    let made = |name: &str| one(&place, &format!("SELECT to_regclass('app.{name}_2')::text"));
    assert_eq!((made(&past).as_str(), made(&current)), ("", format!("app.{current}_2")));
    let drift = place.run(&["drift"], 2);
    let moved = format!("INSERT INTO app.events SELECT * FROM app.{current};");
    assert!(drift.stdout.contains(&moved), "{}", drift.stdout);

    // What is printed takes it back, and then all is as the policy says.
    let plan: serde_json::Value = serde_json::from_str(&place.run(&["plan", "--format", "json"], 0).stdout).unwrap();
    let found = plan["findings"].as_array().unwrap().iter().find(|finding| finding["code"] == "WINDOW_UNMARKED");
    let found = found.expect("a finding");
    assert_eq!(found["object"], format!("app.{past}"));
    let (_, attach) = found["hint"].as_str().unwrap().split_once("ALTER TABLE").unwrap();
    place.db.batch(&format!("ALTER TABLE{}", attach.split_once(';').unwrap().0));
    place.run(&["drift"], 0);
    // And so does its dropping, for who knows that it holds nothing.
    let other = name(7);
    place.db.batch(&format!("ALTER TABLE app.events DETACH PARTITION app.{other}"));
    place.run(&["drift"], 2);
    place.db.batch(&format!("DROP TABLE app.{other}"));
    place.run(&["apply", "--auto-approve"], 0);
    assert_eq!(
        one(&place, &format!("SELECT relispartition::text FROM pg_class WHERE oid = 'app.{other}'::regclass")),
        "true"
    );
    place.run(&["drift"], 0);
}
