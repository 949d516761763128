//! A plan saved without the grant for its default partition, applied with it: then no detach can be concurrent.

use crate::support::place::Place;

const POLICY: &str = "version: 1\ntables:\n  public.ev:\n    \
    partition: {key: at, interval: 1 year, premake: 1, timezone: UTC, default_partition: require}\n    retention: {keep: 1 year}\n";

const BEFORE: &str = "
    DO $$ BEGIN CREATE ROLE saved_default_author; EXCEPTION WHEN duplicate_object THEN NULL; END $$;
    CREATE FUNCTION code(integer) RETURNS integer IMMUTABLE LANGUAGE plpgsql AS 'BEGIN RETURN $1; END';
    ALTER FUNCTION code(integer) OWNER TO saved_default_author;
    CREATE TABLE kinds (id integer PRIMARY KEY);
    CREATE INDEX ON kinds (code(id));
    CREATE TABLE ev (at timestamptz NOT NULL, kind integer REFERENCES kinds) PARTITION BY RANGE (at);
    DO $$ DECLARE year timestamptz; BEGIN
        SET LOCAL timezone = 'UTC';
        FOR ago IN -1 .. 2 LOOP
            year := date_trunc('year', now()) - make_interval(years => ago);
            EXECUTE format('CREATE TABLE ev_%s PARTITION OF ev FOR VALUES FROM (%L) TO (%L)', ago + 2, year, year + interval '1 year');
        END LOOP;
        INSERT INTO ev VALUES (now());
    END $$";

const ATTACHED: &str = "SELECT count(*) FROM pg_inherits WHERE inhparent = 'ev'::regclass";

fn attached(place: &Place) -> i64 {
    place.db.client().query_one(ATTACHED, &[]).unwrap().get(0)
}

#[test]
fn what_was_not_granted_stands_in_no_way() {
    let place = Place::new("saved_default_not", BEFORE, POLICY);
    place.run(&["plan", "--out", "p.json"], 0);
    place.run(&["apply", "p.json"], 3);
    assert_eq!(attached(&place), 3, "the detach of the oldest is concurrent, and done");
}

#[test]
fn granted_at_the_apply_the_concurrent_detach_is_superseded_and_never_sent() {
    let place = Place::new("saved_default_granted", BEFORE, POLICY);
    place.run(&["plan", "--out", "p.json"], 0);
    let ran = place.run(&["apply", "p.json", "--allow", "runs-owners-code", "--format", "json"], 3);
    assert!(ran.stdout.contains("ev_default"), "{}", ran.stdout);
    assert_eq!(attached(&place), 5, "the default is made, and nothing has left: {}", ran.stdout);
    place.run(&["apply", "--auto-approve", "--allow", "runs-owners-code"], 0);
    assert_eq!(attached(&place), 4, "the next plan detaches under a lock, and says so");
}
