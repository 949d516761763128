//! What a default partition holds: counted where that is no work, told by the ends of an index or by an estimate elsewhere.

use crate::exits::policy;
use crate::support::place::Place;

const POLICY: &str = "  app.events:\n    partition: {key: at, interval: 1 day, timezone: UTC, premake: 3, default_partition: allow}\n    retention: {keep: 30 days, then: drop}\n";

/// Today's window and the next ones, and a default partition with rows that are 2 to `days` days old.
fn tables(days: u32, wide: bool) -> String {
    let body = if wide { "repeat('x', 7000)" } else { "'x'" };
    format!(
        "CREATE SCHEMA app;
         CREATE TABLE app.events (at timestamptz NOT NULL, body text) PARTITION BY RANGE (at);
         CREATE TABLE app.events_rest PARTITION OF app.events DEFAULT;
         ALTER TABLE app.events_rest ALTER COLUMN body SET STORAGE PLAIN;
         INSERT INTO app.events SELECT now() - interval '12 hours' - (2 + n % ({days} - 1)) * interval '1 day', {body}
           FROM generate_series(0, {rows}) n;
         DO $$ DECLARE today timestamptz := date_trunc('day', now(), 'UTC'); BEGIN
           FOR ahead IN 0 .. 5 LOOP
             EXECUTE format('CREATE TABLE app.%I PARTITION OF app.events FOR VALUES FROM (%L) TO (%L)', 'events_' || ahead,
               today + ahead * interval '24 hours', today + (ahead + 1) * interval '24 hours');
           END LOOP;
         END $$; ANALYZE app.events_rest;",
        rows = if wide { 9_600 } else { days - 2 },
    )
}

fn sample(place: &Place, kind: &str, code: i32) -> Option<f64> {
    let metrics = place.run(&["drift", "--format", "prometheus"], code).stdout;
    let of = |line: &&str| line.starts_with("pgstrata_default_rows{") && line.contains(&format!("kind=\"{kind}\""));
    metrics.lines().find(of).map(|line| line.rsplit_once(' ').unwrap().1.parse().unwrap())
}

#[test]
fn rows_past_retention_are_counted_and_drift_until_somebody_moves_them() {
    let place = Place::new("default_rows", &tables(100, false), &policy("", &[POLICY.to_owned()]));
    let drift = place.shows(&["drift"], 2);
    assert_eq!(drift.json["counted"], 1, "{}", drift.human);
    for text in [&drift.human, &drift.markdown] {
        assert!(text.contains("71 rows are past retention") && !text.contains("No drift"), "{text}");
    }
    let rows = &drift.json["plan"]["tables"][0]["default_rows"];
    assert_eq!(
        (&rows["rows"], &rows["exact"], &rows["expired"], &rows["outside"]),
        (&99.into(), &true.into(), &71.into(), &28.into())
    );
    let samples = ["all", "expired", "outside"].map(|kind| sample(&place, kind, 2).unwrap());
    assert_eq!(samples, [99.0, 71.0, 28.0]);
    let applied = place.shows(&["apply", "--auto-approve"], 3);
    assert_eq!(applied.json["matches_policy"], false, "{}", applied.human);

    place.db.batch("DELETE FROM app.events_rest WHERE at < now() - interval '30 days'");
    let drift = place.shows(&["drift"], 0);
    assert!(
        drift.human.contains("No drift.") && drift.human.contains("28 rows outside the wanted windows"),
        "{}",
        drift.human
    );
    place.shows(&["apply", "--auto-approve"], 0);
}

#[test]
fn who_lives_with_them_says_so() {
    let ignored = POLICY.replace("default_partition: allow", "default_partition: allow, default_rows: ignore");
    let place = Place::new("default_rows_ignored", &tables(100, false), &policy("", &[ignored]));
    let drift = place.shows(&["drift"], 0);
    assert!(!drift.human.contains("events_rest") && sample(&place, "all", 0).is_none(), "{}", drift.human);
}

#[test]
fn a_large_one_is_not_scanned_and_an_index_tells() {
    let place = Place::new("default_rows_large", &tables(100, true), &policy("", &[POLICY.to_owned()]));
    let scans = "SELECT pg_stat_get_numscans('app.events_rest'::regclass)";
    let one = |sql: &str| place.db.client().query_one(sql, &[]).unwrap().get::<_, i64>(0);
    let before = one(scans);
    let drift = place.shows(&["drift"], 0);
    for text in [&drift.human, &drift.markdown] {
        assert!(text.contains("not verified") && text.contains("no index begins with at"), "{text}");
    }
    assert!(drift.human.contains("1 thing is unverified") && drift.json["unverified"] == 1, "{}", drift.human);
    assert_eq!(sample(&place, "all", 0).map(f64::trunc), Some(9601.0));
    assert_eq!(sample(&place, "expired", 0), None);
    std::thread::sleep(std::time::Duration::from_millis(1200));
    assert_eq!(one(scans), before, "nobody asked for a scan");

    place.db.batch("CREATE INDEX ON app.events_rest (left(body, 1), at)");
    place.run(&["drift"], 0);
    place.db.batch("CREATE INDEX ON app.events_rest (at)");
    let drift = place.shows(&["drift"], 2);
    assert!(drift.human.contains(" rows are past retention"), "{}", drift.human);
    let expired = one("SELECT count(*) FROM app.events_rest WHERE at < now() - interval '30 days'");
    assert_eq!(sample(&place, "expired", 2).map(|count| count as i64), Some(expired));
}

#[test]
fn what_may_not_be_read_is_named_and_no_error() {
    let place = Place::new("default_rows_hidden", &tables(100, false), &policy("", &[POLICY.to_owned()]));
    place.db.batch(
        "CREATE ROLE default_rows_app LOGIN; ALTER SCHEMA app OWNER TO default_rows_app; ALTER TABLE app.events OWNER TO default_rows_app;
         DO $$ DECLARE leaf regclass; BEGIN FOR leaf IN SELECT inhrelid FROM pg_inherits WHERE inhparent = 'app.events'::regclass AND inhrelid <> 'app.events_rest'::regclass LOOP
           EXECUTE format('ALTER TABLE %s OWNER TO default_rows_app', leaf); END LOOP; END $$",
    );
    let app = place.db.url().replace("user=postgres", "user=default_rows_app");
    let drift = place.shows(&["drift", "--url", &app], 0);
    assert!(
        drift.human.contains("its rows were not looked at: ") && drift.human.contains("unverified"),
        "{}",
        drift.human
    );
}
