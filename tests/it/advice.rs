//! What is held is never to be removed by hand either: no finding advises it, whatever holds the rows.

use crate::exits::policy;
use crate::support::place::Place;

fn table(name: &str, retention: &str) -> String {
    format!(
        "  {name}:\n    partition: {{key: at, interval: 1 day, timezone: UTC, premake: 1, default_partition: allow}}\n{retention}"
    )
}

const KEPT: &str = "    retention: {keep: 30 days, then: drop}\n";

/// The findings with this code: object, message, hint.
fn findings(place: &Place, url: &str, code: &str) -> Vec<(String, String, String)> {
    let command = ["plan", "--format", "json", "--url", url];
    let plan: serde_json::Value = serde_json::from_str(&place.run(&command, 0).stdout).unwrap();
    let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
    let all = plan["findings"].as_array().unwrap().iter().filter(|finding| finding["code"] == code);
    all.map(|finding| (text(&finding["object"]), text(&finding["message"]), text(&finding["hint"]))).collect()
}

const RETIRED: &str = r#"CREATE SCHEMA app;
CREATE TABLE app.events (at timestamptz NOT NULL) PARTITION BY RANGE (at);
CREATE TABLE app.events_all PARTITION OF app.events FOR VALUES FROM ('2020-01-01 00:00+00') TO ('2100-01-01 00:00+00');
CREATE TABLE app.other (at timestamptz NOT NULL) PARTITION BY RANGE (at);
CREATE TABLE app.held (at timestamptz NOT NULL);
CREATE TABLE app.free (at timestamptz NOT NULL);
CREATE FUNCTION pg_temp.mark(t regclass, tail text) RETURNS void LANGUAGE plpgsql AS
  $$ BEGIN EXECUTE format('COMMENT ON TABLE %s IS %L', t, format('pgstrata: retired {"root":"app.other","root_oid":%s,"oid":%s,"from":"2026-01-01 00:00:00+00","to":"2026-02-01 00:00:00+00","detached_at":"2026-03-07T00:00:00Z"}%s', 'app.other'::regclass::oid, t::oid, tail)); END $$;
SELECT pg_temp.mark('app.held', E'\npgstrata: hold matter 4713 (Ms Okafor)');
SELECT pg_temp.mark('app.free', '');"#;

#[test]
fn a_forgotten_table_is_dropped_by_hand_only_where_nothing_holds_it_and_it_is_ones_own() {
    let place = Place::new("advice_forgotten", RETIRED, &policy("", &[table("app.events", "")]));
    let own = findings(&place, place.db.url(), "FORGOTTEN");
    let [free, held] = own.as_slice() else { panic!("{own:?}") };
    assert_eq!((free.0.as_str(), held.0.as_str()), ("app.free", "app.held"));
    assert!(free.2.contains("drop the table by hand only if no other policy manages app.other"), "{free:?}");
    assert!(held.1.contains("held by a line `pgstrata: hold` in its comment"), "{held:?}");
    assert!(
        held.2.contains("do not drop it") && held.2.ends_with("`pgstrata: hold matter 4713 (Ms Okafor)`"),
        "{held:?}"
    );
    let all = "holds:\n  matter-4711: {from: 2026-01-01, to: 2026-03-01, reason: discovery}\n";
    place.write("held.yaml", &format!("{}{all}", policy("", &[table("app.events", "")])));
    let plan = place.run(&["plan", "-p", "held.yaml", "--format", "json"], 0).stdout;
    assert!(plan.contains("held by `matter-4711`") && !plan.contains("drop the table by hand"), "{plan}");
    // A pull request is read by many.
    assert!(!place.run(&["plan", "--format", "markdown"], 0).stdout.contains("Okafor"));

    place.db.batch(
        "CREATE ROLE advice_team LOGIN; CREATE ROLE advice_others; GRANT USAGE ON SCHEMA app TO advice_team;
         ALTER TABLE app.events OWNER TO advice_team; ALTER TABLE app.events_all OWNER TO advice_team;
         ALTER TABLE app.other OWNER TO advice_others; ALTER TABLE app.free OWNER TO advice_others",
    );
    let team = place.db.url().replace("user=postgres", "user=advice_team");
    let others = findings(&place, &team, "FORGOTTEN");
    let free = &others[0];
    assert_eq!(free.2, "it belongs to advice_others: perhaps another policy manages app.other");
    place.db.batch("GRANT advice_others TO advice_team");
    assert!(findings(&place, &team, "FORGOTTEN")[0].2.contains("drop the table by hand only if"));
}

#[test]
fn a_marker_of_another_table_and_a_lost_one_are_not_to_be_dropped_while_they_are_held() {
    let tables = r#"CREATE SCHEMA app;
CREATE TABLE app.events (at timestamptz NOT NULL, body text) PARTITION BY RANGE (at);
CREATE TABLE app.events_all PARTITION OF app.events FOR VALUES FROM ('2020-01-01 00:00+00') TO ('2100-01-01 00:00+00');
CREATE TABLE app.copied (at timestamptz NOT NULL, body text);
CREATE TABLE app.lost (at timestamptz NOT NULL, body text, CHECK (at IS NOT NULL AND at >= '2019-01-01 00:00+00' AND at < '2019-01-02 00:00+00'));
DO $$ BEGIN EXECUTE format('COMMENT ON TABLE app.copied IS %L', format('pgstrata: retired {"root":"app.events","root_oid":%s,"oid":1,"from":"2019-01-01 00:00:00+00","to":"2019-02-01 00:00:00+00","detached_at":"2020-03-07T00:00:00Z"}', 'app.events'::regclass::oid)); END $$;"#;
    let held = "holds:\n  matter-4711: {tables: [app.events], from: 2019-01-01, to: 2019-03-01, reason: discovery}\n";
    let place = Place::new("advice_marker", tables, &policy("", &[table("app.events", KEPT)]));
    let hints = |place: &Place| {
        ["FOREIGN_MARKER", "UNMARKED"].map(|code| {
            let found = findings(place, place.db.url(), code);
            assert_eq!(found.len(), 1, "{code} {found:?}");
            found[0].2.clone()
        })
    };
    let [marker, lost] = hints(&place);
    assert!(marker.contains("; drop the table") && lost.contains("or drop it by hand"), "{marker} {lost}");
    place.write("pgstrata.yaml", &format!("{}{held}", policy("", &[table("app.events", KEPT)])));
    for hint in hints(&place) {
        assert!(hint.contains("do not drop it by hand") && hint.contains("`matter-4711`"), "{hint}");
        assert!(!hint.contains("or drop") && !hint.contains("drop the table"), "{hint}");
    }
}

#[test]
fn rows_past_retention_in_a_default_partition_are_not_to_be_deleted_while_they_are_held() {
    let tables = "CREATE SCHEMA app;
        CREATE TABLE app.events (at timestamptz NOT NULL) PARTITION BY RANGE (at);
        CREATE TABLE app.events_rest PARTITION OF app.events DEFAULT;
        INSERT INTO app.events SELECT now() - n * interval '1 day' FROM generate_series(2, 99) n;";
    let plain = policy("", &[table("app.events", KEPT)]);
    let place = Place::new("advice_default", tables, &plain);
    let hint = |place: &Place| {
        let found = findings(place, place.db.url(), "EXPIRED_IN_DEFAULT");
        assert_eq!(found.len(), 1, "{found:?}");
        (found[0].1.clone(), found[0].2.clone())
    };
    let advised = |place: &Place| hint(place).1.contains("DELETE FROM app.events_rest");
    assert!(advised(&place));
    let held = |place: &Place, by: &str| {
        let (message, hint) = hint(place);
        assert!(message.ends_with(&format!("; held by {by}")), "{message}");
        assert!(!hint.contains("DELETE"), "{hint}");
        let story = place.run(&["explain", "app.events_rest"], 0).stdout;
        assert!(story.contains("held by") && story.contains(by), "{story}");
    };
    for table in ["app.events_rest", "app.events"] {
        place.db.batch(&format!("COMMENT ON TABLE {table} IS E'mine\\npgstrata: hold matter 4711'"));
        let of = if table == "app.events" { "the comment of app.events" } else { "its comment" };
        held(&place, &format!("a line `pgstrata: hold` in {of}"));
        place.db.batch(&format!("COMMENT ON TABLE {table} IS NULL"));
    }
    let with =
        |range: &str| format!("{plain}holds:\n  matter-4711: {{tables: [app.events], {range}, reason: discovery}}\n");
    let day = |ago: i64| {
        let sql = format!("SELECT ((now() - {ago} * interval '1 day') AT TIME ZONE 'UTC')::date::text");
        place.db.client().query_one(&sql, &[]).unwrap().get::<_, String>(0)
    };
    for (from, to, touches) in [(60, 59, true), (120, 98, true), (20, 10, false), (130, 110, false)] {
        place.write("pgstrata.yaml", &with(&format!("from: {}, to: {}", day(from), day(to))));
        match touches {
            true => held(&place, "`matter-4711`"),
            false => assert!(advised(&place), "{from} {to}"),
        }
    }
}
