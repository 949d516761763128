//! Windows that can never be made, through the binary: until the policy or the table is another, no run ends with 0.

use crate::exits::policy;
use crate::support::place::Place;

const APPLY: [&str; 2] = ["apply", "--auto-approve"];

#[test]
fn the_end_of_a_type_is_an_error_before_and_after_its_last_partition() {
    let place = Place::new(
        "ends_int4",
        "CREATE TABLE message (id int NOT NULL) PARTITION BY RANGE (id);
         CREATE TABLE message_p2146000000 PARTITION OF message FOR VALUES FROM (2146000000) TO (2147000000);
         INSERT INTO message VALUES (2146999990);",
        &policy("", &["  public.message:\n    partition: {key: id, interval: 1_000_000, premake: 4}\n".to_owned()]),
    );
    place.run(&["plan"], 0);
    for (runway, keys) in [("runway 10 keys", 483_657), ("runway 483,657 keys", 483_657)] {
        let drift = place.shows(&["drift"], 1);
        for text in [&drift.human, &drift.markdown] {
            assert!(text.contains("1 thing cannot be as the policy says") && !text.contains("No drift"), "{text}");
            assert!(text.contains(&format!("{keys} keys are left above 2146999990")), "{text}");
        }
        assert!(drift.human.contains(runway), "{}", drift.human);
        assert_eq!(drift.json["impossible"][0]["code"], "KEY_TYPE_ENDS");
        let applied = place.shows(&APPLY, 1);
        assert_eq!(applied.json["matches_policy"], false, "{}", applied.human);
    }
    assert_eq!(place.shows(&["drift"], 1).json["verdict"], "impossible");
    // It takes the last key there is.
    place.db.batch("INSERT INTO message VALUES (2147483647)");
    let metrics = place.run(&["drift", "--format", "prometheus"], 1).stdout;
    assert!(
        metrics.contains("check=\"drift\"} 1\n") && metrics.contains("pgstrata_last_success_timestamp_seconds{"),
        "{metrics}"
    );
    assert!(place.run(&["drift", "--format", "junit"], 1).stdout.contains("errors=\"1\""));
}

#[test]
fn a_catch_all_is_drift_until_it_has_an_end() {
    let place = Place::new(
        "ends_catch_all",
        "CREATE TABLE metric (id int, at timestamptz NOT NULL) PARTITION BY RANGE (at);
         DO $$ DECLARE month timestamptz := date_trunc('month', now(), 'UTC'); next timestamptz; BEGIN
           next := date_trunc('month', month + interval '35 days', 'UTC');
           EXECUTE format('CREATE TABLE metric_now PARTITION OF metric FOR VALUES FROM (%L) TO (%L)', month, next);
           EXECUTE format('CREATE TABLE metric_future PARTITION OF metric FOR VALUES FROM (%L) TO (MAXVALUE)', next);
         END $$;",
        &policy("", &["  public.metric:\n    partition: {key: at, interval: 1 month, premake: 3}\n    retention: {keep: 1 month, then: drop}\n".to_owned()]),
    );
    let drift = place.shows(&["drift"], 2);
    assert_eq!(drift.json["counted"], 1, "{}", drift.human);
    assert!(drift.human.contains("3 wanted windows"), "{}", drift.human);
    assert_eq!(place.shows(&APPLY, 3).json["matches_policy"], false);
    // The way out that the finding tells.
    let hint = drift.json["plan"]["findings"].as_array().unwrap().iter().find(|finding| finding["code"] == "CATCH_ALL");
    let hint = hint.unwrap()["hint"].as_str().unwrap().to_owned();
    let sql = hint.split_once("BEGIN; ").and_then(|(_, rest)| rest.split_once(" COMMIT;")).unwrap().0;
    place.db.batch(&format!("BEGIN; {sql} COMMIT;"));
    assert_eq!(place.shows(&APPLY, 0).json["matches_policy"], true);
    place.shows(&["drift"], 0);
}

#[test]
fn slips_of_the_keyboard_are_usage_errors() {
    let place = Place::new(
        "ends_slips",
        "CREATE TABLE \"Events\" (at timestamptz) PARTITION BY RANGE (at); CREATE SCHEMA app",
        &policy("", &["  public.events:\n    partition: {key: at, interval: 1 day, premake: 1}\n".to_owned()]),
    );
    for args in [
        &["plan", "--allow", "deletes-data:public.event"][..],
        &["apply", "--auto-approve", "--allow", "deletes-data:public.event"],
        &["partition", "cleanup", "--auto-approve", "--allow", "deletes-data:public.event"],
        &["drift", "--table", "public.evnets"],
        &["plan", "--table", "app.events"],
    ] {
        let said = place.run(args, 64).stderr;
        assert!(said.contains("did you mean public.events?") && said.contains("the policy's tables are"), "{said}");
    }
    // A name in quotes is another one.
    let plan = place.run(&["plan"], 1).stdout;
    assert!(plan.contains("did you mean 'public.\"Events\"'? PostgreSQL folds names"), "{plan}");
    let other = "  app.Events:\n    partition: {key: at, interval: 1 day, premake: 1}\n";
    place.write("other.yaml", &policy("", &[other.to_owned()]));
    let plan = place.run(&["plan", "-p", "other.yaml"], 1).stdout;
    assert!(plan.contains("did you mean public.\"Events\"?"), "{plan}");
}
