//! A root with a foreign partition whose server is away, and what a rebuild says it does.

use crate::support::place::Place;

const FOREIGN: &str = "
    CREATE SCHEMA app;
    CREATE SERVER away FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host '127.0.0.1', port '1', dbname 'none');
    CREATE USER MAPPING FOR PUBLIC SERVER away OPTIONS (user 'nobody');
    CREATE TABLE app.ev (at timestamptz NOT NULL, id bigint) PARTITION BY RANGE (at);
    CREATE FOREIGN TABLE app.ev_old PARTITION OF app.ev FOR VALUES FROM ('2001-01-01 00:00+00') TO ('2002-01-01 00:00+00') SERVER away;
    DO $$ DECLARE year timestamptz; BEGIN
        SET LOCAL timezone = 'UTC';
        FOR ahead IN 0 .. 1 LOOP
            year := date_trunc('year', now()) + make_interval(years => ahead);
            EXECUTE format('CREATE TABLE app.ev_%s PARTITION OF app.ev FOR VALUES FROM (%L) TO (%L)', ahead, year, year + interval '1 year');
        END LOOP;
        INSERT INTO app.ev VALUES (now(), 1);
    END $$;
";

#[test]
fn statistics_wait_for_the_server_of_a_foreign_partition() {
    let policy = "version: 1\ntables:\n  app.ev:\n    partition: {key: at, interval: 1 year, premake: 1, start: 2026-01-01}\n    \
                  maintenance: {analyze_parent_every: 1 day}\n";
    let place = Place::new("maintenance_remote", "", policy);
    // It is linked with the libpq of its own version, and some builds ship without that.
    if let Err(error) = place.db.client().batch_execute("CREATE EXTENSION postgres_fdw") {
        eprintln!("SKIPPED: no postgres_fdw that can be loaded: {}", crate::support::explain(&error));
        return;
    }
    place.db.batch(FOREIGN);
    let ran = place.run(&["apply", "--auto-approve"], 3);
    assert!(ran.stdout.contains("analyze") && ran.stdout.contains("127.0.0.1"), "{}", ran.stdout);
    // It is tried again as long as it is due.
    place.run(&["apply", "--auto-approve"], 3);
    place.db.batch("DROP FOREIGN TABLE app.ev_old");
    place.run(&["apply", "--auto-approve"], 0);
}

#[test]
fn a_rebuild_says_what_it_does() {
    let before = "
        CREATE SCHEMA app;
        CREATE TABLE app.ev (id bigint NOT NULL, at timestamptz NOT NULL) PARTITION BY RANGE (at);
        DO $$ DECLARE year timestamptz; BEGIN
            SET LOCAL timezone = 'UTC';
            FOR ahead IN -1 .. 1 LOOP
                year := date_trunc('year', now()) + make_interval(years => ahead);
                EXECUTE format('CREATE TABLE app.ev_%s PARTITION OF app.ev FOR VALUES FROM (%L) TO (%L)', ahead + 1, year, year + interval '1 year');
            END LOOP;
        END $$;
        CREATE INDEX ev_id ON app.ev (id);
        INSERT INTO app.ev SELECT i, now() - interval '1 year' FROM generate_series(1, 600000) i;
        DELETE FROM app.ev WHERE id % 10 <> 0 OR id > 500000;
    ";
    let policy = "version: 1\ntables:\n  app.ev:\n    partition: {key: at, interval: 1 year, premake: 1}\n    \
                  maintenance: {reindex_above_bloat: 40%}\n";
    let place = Place::new("maintenance_words", before, policy);
    place.db.vacuum(false, "app.ev_0");
    let ran = place.run(&["optimize", "maintenance", "--dry-run"], 0);
    assert!(ran.stdout.contains("rebuilt concurrently: reads and writes go on"), "{}", ran.stdout);
    assert!(!ran.stdout.contains("0 small"), "{}", ran.stdout);
}
