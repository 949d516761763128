//! A database in SQL_ASCII takes names and comments in any bytes: only what has such a name is left alone, and is named.

use crate::support::place::{Place, ran};
use crate::support::server;

const TABLES: &str = "
    CREATE SCHEMA app;
    CREATE TABLE app.good (at timestamptz NOT NULL, id bigint) PARTITION BY RANGE (at);
    CREATE TABLE app.bad (at timestamptz NOT NULL, id bigint) PARTITION BY RANGE (at);
    CREATE TABLE app.odd (at timestamptz NOT NULL, id bigint) PARTITION BY RANGE (at);
    DO $$ DECLARE name text; bytes text := convert_from('\\351'::bytea, 'SQL_ASCII'); BEGIN
        EXECUTE format('CREATE TABLE app.%I PARTITION OF app.bad FOR VALUES FROM (''2001-01-01'') TO (''2002-01-01'')', 'caf' || bytes);
        EXECUTE format('CREATE INDEX %I ON app.odd (id)', 'nombre_' || bytes);
        EXECUTE format('CREATE TABLE app.%I ()', 'other_' || bytes);
        EXECUTE format('COMMENT ON TABLE app.%I IS %L', 'other_' || bytes, 'pgstrata: retired {}');
        CREATE INDEX good_id ON app.good (id);
        EXECUTE format('COMMENT ON INDEX app.good_id IS %L', bytes);
    END $$;
    CREATE TABLE app.\"größe\" (at timestamptz NOT NULL) PARTITION BY RANGE (at);
";

#[test]
fn only_what_has_a_name_in_other_bytes_is_left_alone() {
    let admin = |sql: &str| server().connect("postgres").unwrap().batch_execute(sql).unwrap();
    admin("CREATE DATABASE encodings_ascii ENCODING 'SQL_ASCII' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0");
    let table = |name: &str, rest: &str| {
        format!("  app.{name}:\n    partition: {{key: at, interval: 1 month, premake: 1}}\n{rest}")
    };
    let policy = format!(
        "version: 1\ntables:\n{}{}{}{}",
        table("good", "    indexes: {good_id: {columns: [id]}}\n"),
        table("bad", ""),
        table("odd", ""),
        table("\\\"größe\\\"", "").replace("app.\\\"größe\\\"", "'app.\"größe\"'"),
    );
    let place = Place::new("encodings_place", "", &policy);
    let mut client = server().connect("encodings_ascii").unwrap();
    client.batch_execute(TABLES).unwrap();
    let url = place.db.url().replace("encodings_place", "encodings_ascii");
    let run = |args: &[&str], code| {
        let mut command = place.command(args);
        ran(command.env("PGSTRATA_URL", &url), code)
    };
    let plan = run(&["plan"], 1);
    let flat = plan.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(flat.contains("names that are not UTF-8 (partition app.caf\\351)"), "{}", plan.stdout);
    assert!(flat.contains("names that are not UTF-8 (index nombre_\\351)"), "{}", plan.stdout);
    run(&["apply", "--auto-approve"], 1);
    let made = |client: &mut postgres::Client, table: &str| -> i64 {
        let sql = format!("SELECT count(*) FROM pg_inherits WHERE inhparent = '{table}'::regclass");
        client.query_one(&sql, &[]).unwrap().get(0)
    };
    assert_eq!((made(&mut client, "app.good"), made(&mut client, "app.bad"), made(&mut client, "app.odd")), (2, 1, 0));
    assert_eq!(made(&mut client, "app.\"größe\""), 2, "what is UTF-8 is managed");
    // Renamed, it is a table like others.
    client
        .batch_execute(
            "DO $$ DECLARE one record; BEGIN
                 FOR one IN SELECT oid::regclass AS name, relkind FROM pg_class
                            WHERE relnamespace = 'app'::regnamespace AND relname ~ '[\\xe9]$' AND relkind <> 'r' OR relname ~ '^caf' LOOP
                     EXECUTE format('ALTER %s %s RENAME TO %I', CASE one.relkind WHEN 'r' THEN 'TABLE' ELSE 'INDEX' END, one.name, 'renamed_' || one.relkind::text);
                 END LOOP;
             END $$",
        )
        .unwrap();
    run(&["apply", "--auto-approve"], 0);
    assert!(made(&mut client, "app.bad") > 1, "and what was missing since is made");
    assert_eq!(made(&mut client, "app.odd"), 2);
    drop(client);
    admin("DROP DATABASE encodings_ascii WITH (FORCE)");
}
