//! Sets that pg_partman made and configured: its extension where it is installed (version 4 in Debian), and the shape of
//! version 5.

use serde_json::Value;

use crate::import::{Imported, imported};
use crate::support::place::Place;
use crate::support::server;

/// Whether the server under test has version 4 of the extension; said aloud where it has not: CI installs it.
fn installed() -> bool {
    let sql = "SELECT default_version FROM pg_available_extensions WHERE name = 'pg_partman'";
    let found = server().connect("postgres").unwrap().query_opt(sql, &[]).unwrap();
    let version = found.map_or_else(|| "none".to_owned(), |row| row.get::<_, String>(0));
    let is_4 = version.starts_with("4.");
    if !is_4 {
        eprintln!("SKIPPED: of pg_partman this server has {version}, not 4; apt-get install postgresql-15-partman");
    }
    is_4
}

const EXTENSION: &str = "CREATE SCHEMA partman; CREATE EXTENSION pg_partman SCHEMA partman;";

/// A set of pg_partman's with rows of the last days, maintained once.
fn set(table: &str, interval: &str, back: &str) -> String {
    format!(
        "CREATE TABLE {table} (at timestamptz NOT NULL, what int);
         SELECT partman.create_parent('public.{table}', 'at', 'native', '{interval}',
             p_start_partition := (now() - interval '{back}')::text);
         INSERT INTO {table} SELECT now() - n * interval '{back}' / 50, n FROM generate_series(0, 40) AS n;
         SELECT partman.run_maintenance('public.{table}');"
    )
    .replacen("what int)", "what int) PARTITION BY RANGE (at)", 1)
}

/// Runs the statement that the note names for this table.
fn hand_over(imported: &Imported, table: &str) {
    let note = imported.said.stderr.lines().find(|line| line.contains(&format!("{table}: "))).unwrap();
    let update = note.split_once("hand it over with: ").unwrap().1;
    imported.place.db.batch(update);
}

fn ids(plan: &Value) -> Vec<&str> {
    steps(plan).iter().filter_map(|step| step["id"].as_str()).collect()
}

fn steps(plan: &Value) -> &Vec<Value> {
    plan["steps"].as_array().unwrap()
}

#[test]
fn every_interval_of_version_4_is_carried_on_with_its_names() {
    if !installed() {
        return;
    }
    let sets = [
        ("hours", "hourly", "3 days", "1 hour", r#"name: "{table}_p{start:%Y_%m_%d_%H%M}""#),
        ("days", "daily", "20 days", "1 day", r#"name: "{table}_p{start:%Y_%m_%d}""#),
        ("weeks", "weekly", "100 days", "1 week", r#"name: "{table}_p{start:%Gw%V}""#),
        ("months", "monthly", "1 year", "1 month", r#"name: "{table}_p{start:%Y_%m}""#),
        ("quarters", "quarterly", "3 years", "1 quarter", r#"name: "{table}_p{start:%Yq%q}""#),
        ("years", "yearly", "5 years", "1 year", r#"name: "{table}_p{start:%Y}""#),
        ("fortnights", "2 weeks", "100 days", "2 weeks", r#"name: "{table}_p{start:%Y_%m_%d}""#),
    ];
    let sql: String = sets.iter().map(|(table, interval, back, ..)| set(table, interval, back)).collect();
    let imported = imported("import_partman_4", &format!("{EXTENSION}{sql}"), &["-v"]);
    for (table, _, _, interval, name) in sets {
        let bare = crate::import::bare(&imported.policy);
        let section = bare.split_once(&format!("  public.{table}:\n")).unwrap().1;
        let section = section.split("\n\n").next().unwrap();
        assert!(section.contains(&format!("      key: at\n      interval: {interval}\n")), "{section}");
        assert!(section.contains(name) && section.contains("default_partition: allow"), "{section}");
        assert!(!section.contains("retention:") && !section.contains("timezone:"), "{section}");

        // Until it is handed over nothing runs.
        let only = format!("public.{table}");
        let before = imported.plan(&["--table", &only]);
        assert!(before["findings"].to_string().contains("MANAGED_BY_PG_PARTMAN"), "{before:#}");
        hand_over(&imported, &only);
        let plan = imported.plan(&["--table", &only]);
        if table == "hours" {
            // pg_partman's four hours are too few for a daily job: two days are made.
            assert!(section.contains("premake: 48"), "{section}");
            assert!(ids(&plan).iter().all(|id| id.starts_with("create public.hours_p2")), "{:?}", ids(&plan));
        } else {
            assert!(section.contains("premake: 4\n"), "{section}");
            assert_eq!(ids(&plan), [""; 0], "{table} {}", imported.policy);
        }
        if table == "hours" {
            let names = "SELECT string_agg(relname, ' ' ORDER BY relname) FROM pg_class WHERE relname LIKE 'hours%'";
            let before = imported.sql(names);
            imported.place.run(&["apply", "--auto-approve", "--table", &only], 0);
            let after = imported.sql(names);
            assert!(before.split(' ').all(|name| after.split(' ').any(|found| found == name)), "{before}\n{after}");
            assert_eq!(ids(&imported.plan(&["--table", &only])), [""; 0]);
        }
        // What is made next has the name that pg_partman would have given it.
        let later = imported.sql(
            &format!("SELECT to_char(now() AT TIME ZONE 'UTC' + interval '{interval}', 'YYYY-MM-DD\"T\"HH24:MI:SSZ')")
                .replace("1 quarter", "3 months"),
        );
        let plan = imported.plan(&["--table", &only, "--now", &later]);
        let ahead = if table == "hours" { 49 } else { 5 };
        let expected = imported.sql(&format!(
            "SELECT partition_table FROM partman.show_partition_name('public.{table}',
                (now() + {ahead} * interval '{}')::text)",
            interval.replace("1 quarter", "3 months")
        ));
        let expected = format!("create public.{expected}");
        assert!(steps(&plan).iter().any(|step| step["id"] == expected), "{table}: {expected} in {:?}", ids(&plan));
    }
}

#[test]
fn ids_and_epochs_of_version_4() {
    if !installed() {
        return;
    }
    let sql = format!(
        "{EXTENSION}
         CREATE TABLE ids (id bigint NOT NULL PRIMARY KEY, what text) PARTITION BY RANGE (id);
         SELECT partman.create_parent('public.ids', 'id', 'native', '10000', p_start_partition := '0');
         INSERT INTO ids SELECT n FROM generate_series(1, 35000) AS n;
         SELECT partman.run_maintenance('public.ids');
         UPDATE partman.part_config SET retention = '20000' WHERE parent_table = 'public.ids';
         CREATE TABLE epochs (at integer NOT NULL, what text) PARTITION BY RANGE (at);
         SELECT partman.create_parent('public.epochs', 'at', 'native', 'daily', p_epoch := 'seconds');
         INSERT INTO epochs SELECT extract(epoch FROM now())::int - n * 3600 FROM generate_series(0, 50) AS n;
         SELECT partman.run_maintenance('public.epochs');
         UPDATE partman.part_config SET automatic_maintenance = 'off';"
    );
    let imported = imported("import_partman_4_numbers", &sql, &[]);
    imported.says(
        "public.ids",
        &[
            "partition:",
            "key: id",
            "interval: 10000",
            "premake: 4",
            "default_partition: allow",
            "retention:",
            "keep: 20000",
            "then: detach",
        ],
    );
    imported.says(
        "public.epochs",
        &[
            "partition:",
            "key: at",
            "interval: 1 day",
            "encoding: epoch_s",
            "premake: 4",
            r#"name: "{table}_p{start:%Y_%m_%d}""#,
            "default_partition: allow",
        ],
    );
    let plan = imported.plan(&[]);
    // 35000 - 20000 is 15000: the first partition is over by pg_partman's own rule as well.
    assert_eq!(
        ids(&plan),
        ["mark public.ids_p0", "detach public.ids_p0", "stamp public.ids_p0"],
        "{}",
        imported.policy
    );
}

#[test]
fn the_days_of_a_database_in_another_zone() {
    if !installed() {
        return;
    }
    let place =
        Place::new("import_partman_zone", "ALTER DATABASE import_partman_zone SET TimeZone = 'Europe/Berlin'", "");
    place.db.batch(&format!("{EXTENSION}{}{}", set("days", "daily", "20 days"), set("months", "monthly", "2 years")));
    place.db.batch("UPDATE partman.part_config SET automatic_maintenance = 'off'");
    place.run(&["import", "--out", "pgstrata.yaml", "--force"], 0);
    let policy = place.read("pgstrata.yaml");
    assert_eq!(policy.matches("timezone: Europe/Berlin").count(), 2, "{policy}");
    assert!(policy.contains(r#"name: "{table}_p{start:%Y_%m_%d}""#), "{policy}");
    assert!(policy.contains(r#"name: "{table}_p{start:%Y_%m}""#), "{policy}");
    place.run(&["validate"], 0);
    place.run(&["plan", "--detailed-exitcode"], 0);
}

/// pg_partman 5's columns, as far as any version of it has them.
const VERSION_5: &str = "
    CREATE SCHEMA partman;
    CREATE TABLE partman.part_config (
        parent_table text PRIMARY KEY, control text NOT NULL, time_encoder text, time_decoder text,
        partition_interval text NOT NULL, partition_type text NOT NULL DEFAULT 'range', premake int NOT NULL DEFAULT 4,
        automatic_maintenance text NOT NULL DEFAULT 'on', template_table text, retention text, retention_schema text,
        retention_keep_index boolean NOT NULL DEFAULT true, retention_keep_table boolean NOT NULL DEFAULT true,
        epoch text NOT NULL DEFAULT 'none', constraint_cols text[], optimize_constraint int NOT NULL DEFAULT 30,
        infinite_time_partitions boolean NOT NULL DEFAULT false, datetime_string text, jobmon boolean NOT NULL DEFAULT true,
        sub_partition_set_full boolean NOT NULL DEFAULT false, undo_in_progress boolean NOT NULL DEFAULT false,
        inherit_privileges boolean DEFAULT false, constraint_valid boolean NOT NULL DEFAULT true,
        ignore_default_data boolean NOT NULL DEFAULT true, date_trunc_interval text, maintenance_order int,
        retention_keep_publication boolean NOT NULL DEFAULT false, maintenance_last_run timestamptz,
        detach_before_drop boolean DEFAULT false, maintenance_role text DEFAULT current_user,
        async_partitioning_in_progress text, child_table_prefix text NOT NULL DEFAULT '_p');
    CREATE TABLE partman.part_config_sub (sub_parent text PRIMARY KEY, sub_control text);";

#[test]
fn the_shape_of_version_5_is_understood_without_the_extension() {
    let mut sql = VERSION_5.to_owned();
    sql.push_str(&crate::import::set("hours", "timestamptz", "hour", 50, r#""_p"YYYYMMDD"_"HH24MISS"#));
    sql.push_str(&crate::import::set("weeks", "timestamptz", "week", 4, r#""_p"YYYYMMDD"#));
    sql.push_str(&crate::import::set("months", "date", "month", 4, r#""_p"YYYYMMDD"#));
    sql.push_str(
        "CREATE TABLE months_default PARTITION OF months DEFAULT;
         CREATE TABLE uuids (id uuid NOT NULL) PARTITION BY RANGE (id);
         DO $$ DECLARE low timestamptz := date_trunc('day', now(), 'UTC'); BEGIN FOR n IN -3 .. 4 LOOP
             EXECUTE format('CREATE TABLE %I PARTITION OF uuids FOR VALUES FROM (%L) TO (%L)',
               'uuids_p' || to_char((low + n * interval '24 hours') AT TIME ZONE 'UTC', 'YYYYMMDD'),
               rpad(lpad(to_hex((extract(epoch FROM low)::bigint + n * 86400) * 1000), 12, '0'), 32, '0')::uuid,
               rpad(lpad(to_hex((extract(epoch FROM low)::bigint + (n + 1) * 86400) * 1000), 12, '0'), 32, '0')::uuid);
         END LOOP; END $$;
         CREATE TABLE subbed (at date NOT NULL) PARTITION BY RANGE (at);
         CREATE TABLE subbed_p20260101 PARTITION OF subbed FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');
         INSERT INTO partman.part_config_sub VALUES ('public.subbed', 'at');
         INSERT INTO partman.part_config (parent_table, control, partition_interval, premake) VALUES
             ('public.hours', 'at', '01:00:00', 50), ('public.subbed', 'at', '1 year', 4);
         INSERT INTO partman.part_config (parent_table, control, partition_interval, retention, retention_keep_table,
             constraint_cols, automatic_maintenance, template_table) VALUES
             ('public.weeks', 'at', '7 days', '26 weeks', false, '{what}', 'off', 'partman.template_weeks');
         INSERT INTO partman.part_config (parent_table, control, partition_interval, retention, retention_schema) VALUES
             ('public.months', 'at', '1 mon', '2 years', 'archive');
         INSERT INTO partman.part_config (parent_table, control, partition_interval, time_encoder, time_decoder) VALUES
             ('public.uuids', 'id', '1 day', 'partman.uuid7_time_encoder', 'partman.uuid7_time_decoder');",
    );
    let imported = imported("import_partman_5", &sql, &[]);
    imported.wants_nothing();
    imported.says("public.hours", &["partition:", "key: at", "interval: 1 hour", "premake: 50"]);
    imported.says(
        "public.weeks",
        &["partition:", "key: at", "interval: 1 week", "premake: 4", "retention:", "keep: 182 days", "then: detach"],
    );
    imported.says(
        "public.months",
        &[
            "partition:",
            "key: at",
            "interval: 1 month",
            "timezone: UTC",
            "premake: 4",
            "default_partition: allow",
            "retention:",
            "keep: 2 years",
            "then: detach",
        ],
    );
    imported.says("public.uuids", &["partition:", "key: id", "interval: 1 day", "encoding: uuidv7", "premake: 4"]);
    for said in [
        "pg_partman dropped them",
        "pg_partman moved them to the schema archive",
        "pg_partman's constraint_cols (what)",
        "pg_partman's template_table (partman.template_weeks)",
        "UPDATE partman.part_config SET automatic_maintenance = 'off' WHERE parent_table = 'public.hours';",
        "public.subbed: pg_partman partitions its partitions",
    ] {
        assert!(imported.policy.contains(said), "{said}\n{}", imported.policy);
    }
    // Those that are handed over already are not spoken of.
    assert!(!imported.said.stderr.contains("public.weeks: "), "{}", imported.said.stderr);
    assert!(imported.said.stderr.contains("public.months: pg_partman maintains it"), "{}", imported.said.stderr);
}
