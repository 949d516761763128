//! Tables that look like pg_partman's: any role may make one. None is read that is not the extension's, a superuser's or
//! the session's own, none whose reading would run somebody's code, and none is believed.

use crate::support::place::Place;

const SETUP: &str = "
CREATE SCHEMA audit;
CREATE TABLE audit.audit_log (at timestamptz NOT NULL) PARTITION BY RANGE (at);
CREATE TABLE audit.audit_log_2026_11 PARTITION OF audit.audit_log FOR VALUES FROM ('2026-11-01Z') TO ('2026-12-01Z');
CREATE TABLE public.ran (what text);
CREATE SCHEMA corner;
CREATE FUNCTION corner.trap(what text) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $f$ BEGIN
  RAISE EXCEPTION 'code of a stranger runs: %', what; END $f$;
";

const TABLE: &str = "(parent_table text, control text, partition_interval text, premake int, retention text,
  retention_keep_table boolean, automatic_maintenance text)";
const ROW: &str = "VALUES ('audit.audit_log', 'at', '1 mon', 9, '1 day', false, 'on')";

/// What `import` writes and says, and whether any code ran: a trap that springs is an error of the server's.
fn imported(place: &Place) -> (String, String) {
    let ran = place.run(&["import"], 0);
    assert!(!ran.stderr.contains("a stranger runs") && !ran.stdout.contains("a stranger runs"), "{}", ran.stderr);
    (ran.stdout, ran.stderr)
}

#[test]
fn a_stranger_s_lookalike_is_neither_read_nor_believed() {
    let place = Place::new("lookalike_stranger", SETUP, "");
    place.db.batch(&format!(
        "CREATE ROLE lookalike_guest; ALTER SCHEMA corner OWNER TO lookalike_guest;
         CREATE TABLE corner.part_config {TABLE}; INSERT INTO corner.part_config {ROW};
         ALTER TABLE corner.part_config OWNER TO lookalike_guest;
         CREATE INDEX ON corner.part_config ((premake + 1));"
    ));
    let (yaml, said) = imported(&place);
    assert!(!yaml.contains("\n    retention:") && !yaml.contains("premake: 9"), "{yaml}");
    let note =
        "corner.part_config is called like a table of pg_partman's and is not read: it belongs to lookalike_guest";
    assert!(said.contains(note), "{said}");
    place.write(
        "pgstrata.yaml",
        "version: 1\ntables:\n  audit.audit_log: {partition: {key: at, interval: 1 month, timezone: UTC}}\n",
    );
    let plan = place.run(&["plan"], 0);
    assert!(!plan.stdout.contains("pg_partman"), "{}", plan.stdout);
    place.db.batch("DROP OWNED BY lookalike_guest CASCADE; DROP ROLE lookalike_guest");
}

#[test]
fn a_superuser_s_own_is_read_and_named() {
    let place = Place::new("lookalike_superuser", SETUP, "");
    place.db.batch(&format!("CREATE TABLE corner.part_config {TABLE}; INSERT INTO corner.part_config {ROW};"));
    let (yaml, _) = imported(&place);
    assert!(yaml.contains("premake: 9"), "{yaml}");
    assert!(
        yaml.contains("# What pg_partman was told is read from corner.part_config, a superuser's, outside the"),
        "{yaml}"
    );
}

#[test]
fn nor_is_one_whose_reading_would_run_code() {
    for (name, make) in [
        ("lookalike_index", "CREATE INDEX ON corner.part_config (lower(control))"),
        ("lookalike_predicate", "CREATE INDEX ON corner.part_config (control) WHERE lower(control) = 'at'"),
        ("lookalike_statistics", "CREATE STATISTICS corner.st ON lower(control), premake FROM corner.part_config"),
        (
            "lookalike_policy",
            "CREATE POLICY p ON corner.part_config USING (corner.trap(control) = 'x');
             ALTER TABLE corner.part_config ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY",
        ),
        (
            "lookalike_cast",
            "CREATE TYPE corner.odd AS (t text);
             CREATE FUNCTION corner.to_json(corner.odd) RETURNS json LANGUAGE plpgsql AS $f$ BEGIN PERFORM corner.trap('cast'); RETURN 'null'; END $f$;
             CREATE CAST (corner.odd AS json) WITH FUNCTION corner.to_json(corner.odd);
             ALTER TABLE corner.part_config ADD odd corner.odd; UPDATE corner.part_config SET odd = ROW('x')",
        ),
        ("lookalike_child", "CREATE TABLE corner.child () INHERITS (corner.part_config)"),
        (
            "lookalike_generated",
            "ALTER TABLE corner.part_config ADD g text GENERATED ALWAYS AS (lower(control)) STORED",
        ),
    ] {
        let place = Place::new(name, SETUP, "");
        place.db.batch(&format!("CREATE TABLE corner.part_config {TABLE}; INSERT INTO corner.part_config {ROW}; {make};"));
        let (yaml, said) = imported(&place);
        assert!(!yaml.contains("premake: 9"), "{name}\n{yaml}");
        assert!(said.contains("corner.part_config is called like a table of pg_partman's and is not read: "), "{name}\n{said}");
    }
}

#[test]
fn what_is_sub_partitioned_is_believed_from_the_same_hands_only() {
    let place = Place::new("lookalike_sub", SETUP, "");
    place.db.batch(&format!(
        "CREATE ROLE lookalike_subguest; CREATE TABLE corner.part_config {TABLE}; INSERT INTO corner.part_config {ROW};
         CREATE TABLE corner.part_config_sub (sub_parent text); INSERT INTO corner.part_config_sub VALUES ('audit.audit_log');
         ALTER TABLE corner.part_config_sub OWNER TO lookalike_subguest"
    ));
    let (yaml, said) = imported(&place);
    assert!(yaml.contains("premake: 9"), "a stranger's word keeps nothing from being imported: {yaml}");
    assert!(said.contains("corner.part_config_sub is called like"), "{said}");
    place.db.batch("DROP OWNED BY lookalike_subguest CASCADE; DROP ROLE lookalike_subguest");
}
