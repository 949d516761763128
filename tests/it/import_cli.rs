//! `pgstrata import` as a command: what it refuses, where it writes, and other tools' configurations without a server.

use crate::import::{bare, set};
use crate::support::pgstrata;
use crate::support::place::{Place, ran};

const TWO: &str = "
    CREATE SCHEMA app; CREATE SCHEMA other;
    CREATE TABLE app.months (at date NOT NULL) PARTITION BY RANGE (at);
    CREATE TABLE app.months_2026_01 PARTITION OF app.months FOR VALUES FROM ('2026-01-01') TO ('2026-02-01');
    CREATE TABLE other.years (at date NOT NULL) PARTITION BY RANGE (at);
    CREATE TABLE other.years_2026 PARTITION OF other.years FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');
    CREATE TABLE app.lists (a int) PARTITION BY LIST (a);
    CREATE TABLE app.hashes (a int) PARTITION BY HASH (a);
    CREATE TABLE app.pairs (a date, b int) PARTITION BY RANGE (a, b);
    CREATE TABLE app.texts (a text) PARTITION BY RANGE (a);
    CREATE TABLE app.empty (at date) PARTITION BY RANGE (at);
    CREATE TABLE app.tree (at date NOT NULL) PARTITION BY RANGE (at);
    CREATE TABLE app.tree_2026 PARTITION OF app.tree FOR VALUES FROM ('2026-01-01') TO ('2027-01-01') PARTITION BY RANGE (at);
    CREATE TABLE app.plain (at timestamptz, id int PRIMARY KEY);";

fn tables(policy: &str) -> Vec<&str> {
    let keys = policy.lines().filter(|line| line.starts_with("  ") && !line.starts_with("   ") && line.ends_with(':'));
    keys.map(|line| line.trim().trim_end_matches(':')).collect()
}

#[test]
fn what_is_found_and_what_is_left_out_with_its_reason() {
    let place = Place::new("import_found", TWO, "");
    let all = place.run(&["import"], 0);
    assert_eq!(tables(&all.stdout), ["app.months", "other.years"]);
    for said in [
        "#   app.hashes: partitioned by HASH",
        "#   app.lists: partitioned by LIST",
        "#   app.pairs: partitioned by 2 columns",
        "#   app.texts: partitioned by a column of type text",
        "#   app.empty: it has no partition with two ends",
        "#   app.tree: its partitions, such as app.tree_2026, are partitioned themselves",
    ] {
        assert!(all.stdout.contains(said), "{said}\n{}", all.stdout);
        assert!(all.stderr.contains(&format!("left out {}", said.trim_start_matches("#   "))), "{}", all.stderr);
    }
    assert!(!all.stdout.contains("app.plain"), "{}", all.stdout);
    assert_eq!(place.run(&["import", "-q"], 0).stderr, "");

    let some = |args: &[&str]| tables(&place.run(&[&["import", "-q"], args].concat(), 0).stdout).join(" ");
    assert_eq!(some(&["--schema", "other"]), "other.years");
    assert_eq!(some(&["--exclude", "other.years"]), "app.months");
    assert_eq!(some(&["--table", "other.years", "--table", "app.months"]), "app.months other.years");
}

#[test]
fn a_named_table_is_imported_or_refused() {
    let place = Place::new("import_refused", TWO, "");
    for (table, said) in [
        ("app.lists", "app.lists cannot be imported: partitioned by LIST"),
        ("app.gone", "app.gone cannot be imported: there is no such table"),
        ("app.months_2026_01", "itself a partition of app.months"),
    ] {
        let refused = place.run(&["import", "--table", table, "--out", "new.yaml"], 1);
        assert!(refused.stderr.contains(said), "{}", refused.stderr);
        assert!(refused.stdout.is_empty() && !place.path("new.yaml").exists());
    }
    for (slip, meant) in [("app.month", "app.months"), ("aap.plain", "app.plain")] {
        let missing = place.run(&["import", "--table", slip], 1).stderr;
        assert!(missing.contains(&format!("hint: did you mean {meant}?")), "{missing}");
    }
    // The way that a plain table becomes one is the same here and in a plan.
    let plain = place.run(&["import", "--table", "app.plain"], 1).stderr;
    place.write("pgstrata.yaml", "version: 1\ntables:\n  app.plain: {partition: {key: at, interval: 1 day}}\n");
    let plan = place.run(&["plan"], 1).stdout;
    for step in [
        "CHECK (KEY IS NOT NULL AND KEY >= OLDEST AND KEY < CUT) NOT VALID",
        "VALIDATE CONSTRAINT",
        "CONCURRENTLY",
        "ATTACH PARTITION app.plain_old FOR VALUES FROM (OLDEST) TO (CUT)",
    ] {
        assert!(plain.contains(step), "{plain}");
        assert!(plan.contains(step), "{plan}");
    }
    let none = place.run(&["import", "--schema", "nowhere"], 1).stderr;
    assert!(none.contains("has no partitioned table to import") && none.contains("import --table"), "{none}");
}

#[test]
fn a_file_that_is_there_is_kept_without_force() {
    let place = Place::new("import_out", TWO, "precious");
    let refused = place.run(&["import", "--out", "pgstrata.yaml"], 64);
    assert!(refused.stderr.contains("pgstrata.yaml is there already") && refused.stderr.contains("--force"));
    assert_eq!(place.read("pgstrata.yaml"), "precious");
    let mut lingering = place.command(&["import", "--out", "pgstrata.yaml"]);
    ran(lingering.env("PGSTRATA_FORCE", "true"), 64);
    let said = place.run(&["import", "--out", "pgstrata.yaml", "--force"], 0);
    assert!(
        said.stdout.is_empty() && said.stderr.contains("next: pgstrata validate -p pgstrata.yaml"),
        "{}",
        said.stderr
    );
    assert!(place.read("pgstrata.yaml").contains("#   pgstrata plan -p pgstrata.yaml\n"));
    place.run(&["import", "--out", "other.yaml"], 0);
    // The same database, the same bytes.
    let again = place.run(&["import"], 0).stdout;
    assert_eq!(again, place.read("pgstrata.yaml"));
    for wrong in [
        &["import", "--from", "ppm"][..],
        &["import", "file.yaml"],
        &["import", "--force"],
        &["import", "--from", "x", "y"],
    ] {
        place.run(wrong, 64);
    }
    place.run(&["import", "--url", "postgresql://127.0.0.1:1/nowhere"], 69);
}

#[test]
fn odd_names_stay_what_they_are() {
    let sql = r#"
        CREATE SCHEMA "S.p ""x""";
        CREATE TABLE "S.p ""x"""."Ev: #1" ("the key" date NOT NULL) PARTITION BY RANGE ("the key");
        CREATE TABLE "S.p ""x"""."Ev: #1_{a}" PARTITION OF "S.p ""x"""."Ev: #1" FOR VALUES FROM ('2026-01-01') TO ('2026-02-01');
        CREATE TABLE public."no" ("on" date NOT NULL) PARTITION BY RANGE ("on");
        CREATE TABLE public."no_${X}2026_01" PARTITION OF public."no" FOR VALUES FROM ('2026-01-01') TO ('2026-02-01');
        CREATE TABLE public."line
end" (at date NOT NULL) PARTITION BY RANGE (at);
        CREATE TABLE public."line
end_2026_01" PARTITION OF public."line
end" FOR VALUES FROM ('2026-01-01') TO ('2026-02-01');
        CREATE TABLE public."lists
# not: a comment" (a int) PARTITION BY LIST (a);"#;
    let place = Place::new("import_odd_names", sql, "");
    place.run(&["import", "--out", "pgstrata.yaml", "--force"], 0);
    let checked = place.run(&["validate"], 0);
    assert!(checked.stdout.contains("ok: 3 tables"), "{}\n{}", checked.stdout, place.read("pgstrata.yaml"));
    let plan = place.run(&["plan", "--format", "json"], 0);
    for name in [r#"\"Ev: #1\""#, "line\\nend", "public.no"] {
        assert!(plan.stdout.contains(name), "{name} {}", place.read("pgstrata.yaml"));
    }
}

#[test]
fn import_waits_for_nobody() {
    let place =
        Place::new("import_waits", &format!("{TWO}{}", set("days", "timestamptz", "day", 4, r#""_"YYYYMMDD"#)), "");
    let mut holder = place.db.client();
    let mut transaction = holder.transaction().unwrap();
    let partition: String = transaction
        .query_one("SELECT relname::text FROM pg_class WHERE relispartition AND relname LIKE 'days%' LIMIT 1", &[])
        .unwrap()
        .get(0);
    transaction.batch_execute(&format!("LOCK TABLE days, app.months, {partition}")).unwrap();
    let start = std::time::Instant::now();
    let found = place.run(&["import"], 0);
    assert!(start.elapsed() < std::time::Duration::from_secs(5), "{:?}", start.elapsed());
    assert_eq!(tables(&found.stdout), ["app.months", "other.years", "public.days"]);
}

const PPM: &str = "
debug: true
connection-url: postgres://app:secret@db1/app
lock-timeout: 300
statement-timeout: 3000
colour: green
partitions:
  logs: {schema: public, table: logs, partitionKey: created_at, interval: daily, retention: 30, preProvisioned: 7, cleanupPolicy: drop}
  weeks: {schema: app, table: weeks, partitionKey: at, interval: weekly, retention: 8, preProvisioned: 4, cleanupPolicy: detach}
  quarters: {schema: app, table: quarters, partitionKey: at, interval: quarterly, retention: 4, preProvisioned: 2, cleanupPolicy: drop}
  near: {schema: app, table: near, partitionKey: at, interval: daily, retention: 2, preProvisioned: 1, cleanupPolicy: drop, extra: 1}
  never: {schema: app, table: never, partitionKey: at, interval: monthly, retention: forever, preProvisioned: 2, cleanupPolicy: drop}
  again: {schema: public, table: logs, partitionKey: created_at, interval: daily, retention: 3, preProvisioned: 7, cleanupPolicy: drop}
  odd: {schema: app, table: odd, partitionKey: at, interval: hourly}
  keyless: {schema: app, table: keyless, interval: daily}
";

/// Imports a text in a folder of its own, without a server in reach, and has the result checked.
fn offline(tool: &str, text: &str) -> (String, String) {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("theirs.yaml"), text).unwrap();
    let run = |args: &[&str], code| ran(pgstrata().current_dir(folder.path()).args(args), code);
    let said = run(&["import", "--from", tool, "theirs.yaml", "--out", "pgstrata.yaml"], 0);
    let checked = run(&["validate"], 0);
    let policy = std::fs::read_to_string(folder.path().join("pgstrata.yaml")).unwrap();
    assert_eq!(checked.stderr, "", "{policy}");
    (policy, said.stderr)
}

#[test]
fn the_configuration_of_ppm() {
    let (policy, said) = offline("ppm", PPM);
    insta::assert_snapshot!(policy);
    assert!(said.contains("imported 4 tables, 4 left out"), "{said}");
    assert!(!policy.contains("secret"));
}

const PARTSMITH: &str = "
version: 1
dsn: postgres://app:secret@db1/app
defaults: {schema: app, tz: Europe/Berlin, granularity: month, create_ahead_count: 3, retention_count: 12}
tables:
  - {table_name: events, partition_column: created_at}
  - {table_name: audit_log, partition_column: logged_at, granularity: day, retention_count: 400, schema_name: audit}
  - table_name: telemetry
    scheme: {method: range, key: id, boundaries: {kind: time, granularity: week, codec: uuidv7}}
    lifecycle:
      creation: {kind: create_ahead, count: 4}
      retention: {kind: keep_for, age: P90D}
      drop: {kind: drop_after, grace: P7D, when: {kind: unreferenced}}
    leaves: {kind: local, tablespace: fast_ssd}
  - table_name: outbox
    scheme: {method: range, key: [id], boundaries: {kind: integer, step: 1000000, cursor_source: sequence}}
    lifecycle:
      creation: {kind: create_ahead, count: 4}
      retention: {kind: keep_behind, distance: 20000000}
      drop: {kind: drop_never}
  - table_name: careful
    partition_column: at
    lifecycle:
      retention: {kind: all_of, members: [{kind: keep_for, age: P90D}, {kind: sql, sql: 'SELECT true'}]}
  - {table_name: shipments, scheme: {method: list, key: region}}
  - {table_name: nested, scheme: {method: range, key: at, boundaries: {granularity: day}, child: {method: hash, key: a, modulus: 4}}}
runtime: {ddl_timezone: Europe/Berlin, drop_max_retries: 3}
hooks: {timeout_seconds: 900, before_drop: [/opt/archive.sh]}
";

#[test]
fn the_document_of_pg_partsmith() {
    let (policy, said) = offline("pg-partsmith", PARTSMITH);
    insta::assert_snapshot!(policy);
    assert!(said.contains("imported 5 tables, 2 left out"), "{said}");
    assert!(!policy.contains("secret"));
}

#[test]
fn what_is_no_configuration_is_said_with_the_file() {
    let folder = tempfile::tempdir().unwrap();
    for (tool, text, said) in [
        ("ppm", "a: [", "theirs.yaml: no YAML: "),
        ("ppm", "tables: []", "theirs.yaml: there is no `partitions` at the top: is this a configuration of PPM?"),
        ("pg-partsmith", "[1]", "theirs.yaml: there is no `tables` at the top"),
        ("ppm", "\u{0}", "theirs.yaml: no YAML"),
    ] {
        std::fs::write(folder.path().join("theirs.yaml"), text).unwrap();
        let args = ["import", "--from", tool, "theirs.yaml"];
        let refused = ran(pgstrata().current_dir(folder.path()).args(args), 78);
        assert!(refused.stderr.contains(said), "{}", refused.stderr);
    }
    let missing = ran(pgstrata().current_dir(folder.path()).args(["import", "--from", "ppm", "none.yaml"]), 78);
    assert!(missing.stderr.contains("none.yaml: No such file"), "{}", missing.stderr);
    std::fs::write(folder.path().join("theirs.yaml"), PPM).unwrap();
    let one = ["import", "--from", "ppm", "theirs.yaml", "--table", "app.weeks"];
    let one = ran(pgstrata().current_dir(folder.path()).args(one), 0);
    assert_eq!(tables(&bare(&one.stdout)), ["app.weeks"]);
    for other in ["app.gone", "public.logs"] {
        let named = ["import", "--from", "ppm", "theirs.yaml", "--table", "app.weeks", "--table", other];
        let refused = ran(pgstrata().current_dir(folder.path()).args(named), 1);
        assert!(refused.stdout.is_empty() && refused.stderr.contains(other), "{}", refused.stderr);
    }
}

#[test]
fn what_a_configuration_merges_is_read_and_lengths_without_end_are_not() {
    let text = "
partitions:
  logs: {<<: &all {schema: public, retention: 30, preProvisioned: 7}, table: logs, partitionKey: at, interval: daily, cleanupPolicy: drop}
  more: {<<: *all, table: more, partitionKey: at, interval: daily, cleanupPolicy: drop, preProvisioned: 1000000}
";
    let (policy, _) = offline("ppm", text);
    assert_eq!(tables(&bare(&policy)), ["public.logs", "public.more"]);
    assert_eq!(policy.matches("keep: 30 days").count(), 2, "{policy}");
    assert!(policy.contains("premake: 10000 "), "{policy}");

    let text = "
version: 1
tables:
  - table_name: queue
    schema_name: app
    scheme: {method: range, key: id, boundaries: {kind: integer, step: 1000000, name_suffix: '{start}'}}
    lifecycle: {creation: {kind: create_ahead, count: 20000}, retention: {kind: keep_behind, distance: 20500000}}
  - table_name: long
    schema_name: app
    partition_column: at
    granularity: day
    lifecycle: {retention: {kind: keep_for, age: P4000000D}}
";
    let (policy, _) = offline("pg-partsmith", text);
    assert!(policy.contains("keep: 21000000 "), "as much as theirs keeps, by whole steps: {policy}");
    assert!(policy.contains("premake: 10000\n") && !policy.contains("keep: 4000000"), "{policy}");
}
