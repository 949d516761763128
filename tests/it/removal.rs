//! Removals that something else is in the way of: foreseen where that can be, and no reason to keep another partition.

use pgstrata::apply::{Event, Outcome, Silent, StepResult};
use pgstrata::db::Interrupt;
use pgstrata::policy::Desired;

use crate::support::drive::{apply_now, desired, grant_all};
use crate::support::place::Place;
use crate::support::watch::{apply_watched, begins};
use crate::support::{database, server};

/// Daily partitions of the last days, each with a row; `lines` reference `orders`, day by day.
const TABLES: &str = "
SET TimeZone = 'UTC';
CREATE SCHEMA app;
CREATE TABLE app.orders (id int, at timestamptz, PRIMARY KEY (id, at)) PARTITION BY RANGE (at);
CREATE TABLE app.zlines (id int, at timestamptz NOT NULL, FOREIGN KEY (id, at) REFERENCES app.orders) PARTITION BY RANGE (at);
CREATE TABLE app.notes (id int, at timestamptz, FOREIGN KEY (id, at) REFERENCES app.orders);
DO $$ DECLARE today timestamptz := date_trunc('day', now(), 'UTC'); t text; BEGIN
  FOREACH t IN ARRAY ARRAY['orders', 'zlines'] LOOP
    FOR back IN -4 .. 4 LOOP
      EXECUTE format('CREATE TABLE app.%I PARTITION OF app.%I FOR VALUES FROM (%L) TO (%L)',
        t || '_' || replace(back::text, '-', 'in'), t, today - back * interval '24 hours', today - (back - 1) * interval '24 hours');
      IF back >= 0 THEN
        EXECUTE format('INSERT INTO app.%I VALUES (%s, %L)', t, back, today - back * interval '24 hours');
      END IF;
    END LOOP;
  END LOOP;
END $$;
";

fn policy(of_lines: &str) -> String {
    format!(
        "version: 1
apply: {{allow: [blocks-writes, blocks-reads, deletes-data], jobs: 1, lock_timeout: 50ms, lock_retries: 1, concurrent_timeout: 2s}}
tables:
  app.orders:
    partition: {{key: at, interval: 1 day, timezone: UTC, premake: 3}}
    retention: {{keep: 3 days, then: drop, grace: 0 days}}
  app.zlines:
    partition: {{key: at, interval: 1 day, timezone: UTC, premake: 3}}
    retention: {{keep: 3 days, {of_lines}}}
"
    )
}

fn no_lines(then: &str) -> Desired {
    desired(&policy(then))
}

fn result<'a>(outcome: &'a Outcome, id: &str) -> &'a StepResult {
    let found = outcome.results.iter().find(|(step, _)| step.0 == id);
    &found.unwrap_or_else(|| panic!("no step {id}: {:?}", outcome.results)).1
}

#[test]
fn what_waits_for_another_tables_grace_is_named_with_its_date_and_no_drift() {
    let place = Place::new("removal_waits", TABLES, &policy("then: drop, grace: 7 days"));
    // 14 takes the key away with the detach.
    if server().version().major < 15 {
        place.run(&["apply", "--auto-approve"], 0);
        place.run(&["drift"], 0);
        return;
    }
    let plan = place.shows(&["plan", "--out", "plan.json"], 0);
    for text in [&plan.human, &plan.markdown.replace('\\', "")] {
        assert!(text.contains("waits for app.zlines_4, droppable 20"), "{text}");
    }
    let block = |json: &serde_json::Value| {
        let steps = json["steps"].as_array().unwrap().clone();
        steps.into_iter().find(|step| step["id"] == "detach app.orders_4").expect("the detach")
    };
    let step = block(&plan.json);
    assert_eq!((&step["class"], &step["blocked"]), (&"scheduled".into(), &true.into()), "{step}");
    let done = place.shows(&["apply", "plan.json"], 3);
    assert!(done.human.contains("waits for app.zlines_4, droppable 20"), "{}", done.human);
    // Twice the same, and nobody is woken up for it.
    for _ in 0..2 {
        let again = place.shows(&["apply", "--auto-approve"], 3);
        assert_eq!(block(&again.json["remains"])["class"], "scheduled");
        let drift = place.shows(&["drift"], 0);
        assert!(drift.human.contains("No drift."), "{}", drift.human);
    }
    let told = place.run(&["explain", "app.orders_4"], 0).stdout.replace('\n', " ");
    let told = told.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(told.contains("waits for app.zlines_4, droppable 20"), "{told}");
    let told = place.run(&["explain", "app.zlines_4"], 0).stdout;
    assert!(told.contains("dropped by the first run from 20"), "{told}");
    // When its grace is over, by a clock ahead, both go: the one that references first.
    let later = jiff::Timestamp::now() + jiff::SignedDuration::from_hours(24 * 8);
    let plan = place.shows(&["plan", "--now", &later.to_string()], 0);
    let at = |id: &str| plan.json["steps"].as_array().unwrap().iter().position(|step| step["id"] == id);
    assert!(at("drop app.zlines_4").unwrap() < at("detach app.orders_4").unwrap(), "{}", plan.human);
    assert_eq!(block(&plan.json)["blocked"], false, "{}", plan.human);
}

#[test]
fn rows_of_a_table_that_is_none_of_the_policys_are_named() {
    let place = Place::new("removal_notes", TABLES, &policy("then: drop, grace: 0 days"));
    place.db.batch("INSERT INTO app.notes SELECT * FROM app.orders_4");
    let plan = place.shows(&["plan"], 0);
    assert!(plan.human.contains("rows of app.notes reference it: they must be deleted first"), "{}", plan.human);
    // The other table's partition goes all the same.
    let done = place.shows(&["apply", "--auto-approve"], 3);
    assert_eq!(done.json["summary"]["dropped"], 1, "{}", done.human);
    assert_eq!(done.json["summary"]["failed"], 0, "{}", done.human);
    place.db.batch("DELETE FROM app.notes");
    place.shows(&["apply", "--auto-approve"], 0);
}

/// A row that comes between plan and detach cannot be foreseen: the server refuses, and the next partition leaves.
#[test]
fn a_referencing_row_that_was_not_foreseen_keeps_its_own_partition_only() {
    let db = database("removal_unforeseen");
    db.batch(TABLES);
    db.batch("DELETE FROM app.zlines");
    let policy = desired(&policy("then: drop, grace: 0 days").replace("keep: 3 days", "keep: 1 day"));
    let outcome = apply_watched(db.url(), &policy, &Interrupt::new(), None, |event| {
        if begins(event, "detach app.orders_4") {
            db.batch("INSERT INTO app.notes SELECT * FROM app.orders_4");
        }
    });
    let StepResult::Failed { error, .. } = result(&outcome, "detach app.orders_4") else { panic!("{outcome:?}") };
    assert!(error.contains("23503"), "{error}");
    for id in ["detach app.orders_3", "drop app.orders_3", "drop app.orders_2", "drop app.zlines_4"] {
        assert!(result(&outcome, id).is_done(), "{id}: {:?}", outcome.results);
    }
    let again = apply_now(db.url(), &policy, None, &grant_all(), &mut Silent);
    assert!(matches!(result(&again, "detach app.orders_4"), StepResult::Blocked(_)), "{:?}", again.results);
}

/// The same of a view that comes between plan and drop.
#[test]
fn a_dependant_that_was_not_foreseen_keeps_its_own_table_only() {
    let db = database("removal_dependant");
    db.batch(TABLES);
    db.batch("DELETE FROM app.zlines");
    let policy = desired(&policy("then: drop, grace: 0 days").replace("keep: 3 days", "keep: 1 day"));
    let outcome = apply_watched(db.url(), &policy, &Interrupt::new(), None, |event| {
        if begins(event, "drop app.orders_4") {
            db.batch("CREATE VIEW app.seen AS SELECT * FROM app.orders_4");
        }
    });
    let StepResult::Failed { error, .. } = result(&outcome, "drop app.orders_4") else { panic!("{outcome:?}") };
    assert!(error.contains("2BP01"), "{error}");
    assert!(result(&outcome, "drop app.orders_3").is_done(), "{:?}", outcome.results);
}

#[test]
fn a_vacuum_on_the_partition_that_leaves_postpones_its_marker_and_nothing_else() {
    let place =
        Place::new("removal_vacuum", TABLES, &policy("then: drop, grace: 0 days").replace("keep: 3", "keep: 2"));
    place.db.batch("DELETE FROM app.zlines");
    // What a vacuum holds, for as long as we like.
    let mut other = place.db.client();
    other.batch_execute("BEGIN; LOCK TABLE app.orders_4 IN SHARE UPDATE EXCLUSIVE MODE").unwrap();
    let done = place.shows(&["apply", "--auto-approve"], 3);
    let of = |id: &str| {
        let all = done.json["results"].as_array().unwrap();
        all.iter().find(|result| result["step"] == id).unwrap()["result"].as_str().unwrap().to_owned()
    };
    // The concurrent detach of the next waits for any old transaction, and is postponed by itself.
    let expected = [
        ("mark app.orders_4", "postponed"),
        ("detach app.orders_4", "skipped"),
        ("mark app.orders_3", "applied"),
        ("detach app.orders_3", "postponed"),
    ];
    for (id, result) in expected {
        assert_eq!(of(id), result, "{id}: {}", done.human);
    }
    other.batch_execute("ROLLBACK").unwrap();
    place.shows(&["apply", "--auto-approve"], 0);
}

/// The catalog cannot be read at the end: 6, and no word of "complete".
#[test]
fn what_ends_with_6_is_not_called_complete() {
    let db = database("removal_unread");
    db.batch(TABLES);
    db.batch("DELETE FROM app.zlines");
    let policy = no_lines("then: drop, grace: 0 days");
    let mut outcome = apply_watched(db.url(), &policy, &Interrupt::new(), None, |_: &Event<'_>| {});
    outcome.remains = None;
    let mut text = String::new();
    pgstrata::render::human::outcome(&outcome, pgstrata::render::Style::PLAIN, &mut text).unwrap();
    assert!(text.contains("could not be read again") && !text.contains("complete"), "{text}");
}
