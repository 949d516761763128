//! What the policy wants and is not so, without a step that could end it: never "matches", never exit 0.

use crate::exits::{managed, policy, table};
use crate::support::place::Place;

const APPLY: [&str; 2] = ["apply", "--auto-approve"];

/// A daily table with today's and two more days, the first of them of another kind.
fn tables(first: &str) -> String {
    format!(
        "CREATE SCHEMA app;
         CREATE TABLE app.events (id bigint, at timestamptz NOT NULL, v int NOT NULL, w text) PARTITION BY RANGE (at);
         DO $$ DECLARE today timestamptz := date_trunc('day', now(), 'UTC'); lower text; upper text; BEGIN
           FOR ahead IN 0 .. 4 LOOP
             lower := today + ahead * interval '24 hours'; upper := today + (ahead + 1) * interval '24 hours';
             IF ahead = 0 THEN {first}
             ELSE EXECUTE format('CREATE TABLE app.%I PARTITION OF app.events FOR VALUES FROM (%L) TO (%L)', 'events_' || ahead, lower, upper);
             END IF;
           END LOOP;
         END $$;"
    )
}

const SUBPARTITIONED: &str = "EXECUTE format('CREATE TABLE app.events_0 PARTITION OF app.events FOR VALUES FROM (%L) TO (%L) PARTITION BY LIST (v)', lower, upper);
     CREATE TABLE app.events_0_1 PARTITION OF app.events_0 FOR VALUES IN (1);";
const FOREIGN: &str = "CREATE EXTENSION file_fdw; CREATE SERVER files FOREIGN DATA WRAPPER file_fdw;
     EXECUTE format('CREATE FOREIGN TABLE app.events_0 PARTITION OF app.events FOR VALUES FROM (%L) TO (%L) SERVER files OPTIONS (filename ''/dev/null'')', lower, upper);";
const PLAIN: &str =
    "EXECUTE format('CREATE TABLE app.events_0 PARTITION OF app.events FOR VALUES FROM (%L) TO (%L)', lower, upper);";

fn indexes(rest: &str) -> String {
    policy("", &[managed("events", &format!("    indexes:\n{rest}"))])
}

/// Nothing says that it matches: exit 3 of an apply and 2 of a drift, the count in every report.
fn is_unmet(place: &Place, count: usize, code: &str) {
    let applied = place.shows(&APPLY, 3);
    assert_eq!(applied.json["matches_policy"], false, "{}", applied.human);
    for text in [&applied.human, &applied.markdown] {
        assert!(!text.contains("matches the policy") && text.contains("What remains:"), "{text}");
    }
    let plan = place.shows(&["plan", "--detailed-exitcode"], 2);
    assert_eq!(plan.json["steps"].as_array().unwrap().len(), 0, "{}", plan.human);
    for text in [&plan.human, &plan.markdown] {
        assert!(text.contains("1 table does not match: ") && text.contains("not for apply to end"), "{text}");
    }
    let unmet = |finding: &&serde_json::Value| finding["unmet"] == "drift" && finding["code"] == code;
    assert_eq!(plan.json["findings"].as_array().unwrap().iter().filter(unmet).count(), count, "{}", plan.human);

    let drift = place.shows(&["drift"], 2);
    assert_eq!((&drift.json["verdict"], &drift.json["counted"]), (&"drifted".into(), &count.into()));
    for text in [&drift.human, &drift.markdown] {
        assert!(!text.contains("No drift") && text.contains(&format!("{count} drift")), "{text}");
    }
    let metrics = place.run(&["drift", "--format", "prometheus"], 2).stdout;
    let sample =
        metrics.lines().find(|line| line.starts_with("pgstrata_drift_items{") && line.contains("index_missing"));
    assert!(sample.unwrap().ends_with(&format!(" {count}")), "{metrics}");
    assert!(place.run(&["drift", "--format", "junit"], 2).stdout.contains("failures=\"1\" errors=\"0\""));
    let sarif: serde_json::Value = serde_json::from_str(&place.run(&["drift", "--format", "sarif"], 2).stdout).unwrap();
    let results = sarif["runs"][0]["results"].as_array().unwrap();
    assert_eq!(results.iter().filter(|result| result["ruleId"] == code && result["level"] == "warning").count(), count);
    let gitlab = place.run(&["plan", "--format", "json", "--report", "gitlab=counts.json"], 0);
    assert!(!gitlab.stdout.is_empty() && place.read("counts.json").contains(&format!("\"update\": {count}")));
}

fn is_met(place: &Place) {
    let applied = place.shows(&APPLY, 0);
    assert_eq!(applied.json["matches_policy"], true, "{}", applied.human);
    assert!(applied.human.contains("The catalog matches the policy."), "{}", applied.human);
    assert!(place.shows(&["drift"], 0).human.contains("No drift."));
}

const WANTED: &str =
    "      events_v_idx: {columns: [v]}\n      events_w_idx: {columns: [w]}\n      events_id_idx: {columns: [id]}\n";

#[test]
fn an_index_that_a_subpartitioned_partition_lacks_is_drift() {
    let place = Place::new("unmet_subpartitioned", &tables(SUBPARTITIONED), &indexes(WANTED));
    place.db.batch("CREATE INDEX events_v_idx ON app.events (v); CREATE INDEX events_w_idx ON ONLY app.events (w)");
    is_unmet(&place, 2, "INDEX_NOT_POSSIBLE");
    place.db.batch("DROP INDEX app.events_w_idx; CREATE INDEX events_w_idx ON app.events (w); CREATE INDEX events_id_idx ON app.events (id)");
    is_met(&place);
}

#[test]
fn an_index_beside_a_foreign_partition_is_drift_until_the_root_has_it() {
    let place = Place::new("unmet_foreign", &tables(FOREIGN), &indexes("      events_v_idx: {columns: [v]}\n"));
    is_unmet(&place, 1, "INDEX_NOT_POSSIBLE");
    place.db.batch("CREATE INDEX events_v_idx ON app.events (v)");
    is_met(&place);
}

#[test]
fn an_index_that_cannot_be_replaced_is_drift() {
    let wanted = "      events_v_idx: {columns: [v, w]}\n";
    let place = Place::new("unmet_in_use", &tables(PLAIN), &indexes(wanted));
    place.db.batch("CREATE INDEX events_v_idx ON app.events (v); ALTER TABLE app.events_1 CLUSTER ON events_1_v_idx");
    // The new one is built beside the old one.
    place.run(&[&APPLY[..], &["--allow", "drops-index:app.events"]].concat(), 3);
    is_unmet(&place, 1, "INDEX_DIFFERS");
    place.db.batch("ALTER TABLE app.events_1 SET WITHOUT CLUSTER");
    place.run(&[&APPLY[..], &["--allow", "drops-index:app.events"]].concat(), 0);
    is_met(&place);
}

#[test]
fn what_was_not_compared_is_named_and_no_error() {
    let wanted = "      events_v_idx: {columns: [v], where: \"w <> 'x'\"}\n";
    let place = Place::new("unmet_unverified", &tables(PLAIN), &indexes(wanted));
    place.run(&APPLY, 0);
    is_met(&place);
    let drift = place.shows(&["drift", "--no-probe"], 0);
    assert!(drift.human.contains("1 index is unverified"), "{}", drift.human);
    assert_eq!((&drift.json["verdict"], &drift.json["unverified"]), (&"agrees".into(), &1.into()));
    let applied = place.shows(&[&APPLY[..], &["--no-probe"]].concat(), 0);
    assert_eq!(applied.json["matches_policy"], serde_json::Value::Null);
    assert!(applied.human.contains("as far as it can be compared: 1 index is unverified"), "{}", applied.human);
}

#[test]
fn what_could_not_be_checked_and_drift_are_both_said() {
    let place =
        Place::new("unmet_both", &table("events", 0), &policy("", &[managed("events", ""), managed("gone", "")]));
    let drift = place.shows(&["drift", "--fail-on", "scheduled,drift,overdue"], 1);
    assert_eq!((&drift.json["verdict"], &drift.json["counted"]), (&"unjudged".into(), &3.into()));
    assert_eq!(drift.json["unjudged"].as_array().unwrap().len(), 1);
    for text in [&drift.human, &drift.markdown] {
        assert!(text.contains("1 thing could not be checked, and ") && text.contains(" overdue"), "{text}");
    }
}

#[test]
fn a_default_partition_that_the_policy_wants_none_of_is_drift() {
    let place = Place::new("unmet_default", &tables(PLAIN), &policy("", &[managed("events", "")]));
    place.db.batch("CREATE TABLE app.events_rest PARTITION OF app.events DEFAULT");
    let drift = place.shows(&["drift"], 2);
    assert_eq!(drift.json["counted"], 1, "{}", drift.human);
    assert!(drift.human.contains("1 difference: 1 drift."), "{}", drift.human);
    place.db.batch("DROP TABLE app.events_rest");
    is_met(&place);
}
