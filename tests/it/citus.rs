//! Tables that Citus has distributed. Citus itself is not here: its catalog is, with the columns and in the schema that it
//! has, and its setting is one that any server takes. So what is read, planned and sent runs; what Citus makes of it is not
//! tested.

use pgstrata::apply::Event;
use pgstrata::db::Interrupt;
use serde_json::Value;

use crate::support::drive::desired;
use crate::support::place::Place;
use crate::support::watch::apply_watched;

const POLICY: &str = "version: 1\ntables:\n  app.ev:\n    \
    partition: {key: at, interval: 1 year, premake: 1, timezone: UTC}\n    retention: {keep: 1 year, then: drop, grace: 0 days}\n    \
    indexes: {ev_id: {columns: [id]}}\n";

/// As in Citus 12: the tables are made elsewhere and moved, which a superuser may.
const CITUS: &str = "
    CREATE TABLE pg_dist_partition (logicalrelid regclass NOT NULL PRIMARY KEY, partmethod \"char\" NOT NULL, partkey text,
                                    colocationid integer NOT NULL DEFAULT 0, repmodel \"char\" NOT NULL DEFAULT 'c',
                                    autoconverted boolean NOT NULL DEFAULT false);
    CREATE TABLE pg_dist_local_group (groupid integer NOT NULL PRIMARY KEY);
    CREATE FUNCTION citus_total_relation_size(logicalrelid regclass, fail_on_error boolean DEFAULT true) RETURNS bigint
        LANGUAGE sql STRICT AS 'SELECT 123456789::bigint';
    ALTER TABLE pg_dist_partition SET SCHEMA pg_catalog;
    ALTER TABLE pg_dist_local_group SET SCHEMA pg_catalog;
    ALTER FUNCTION citus_total_relation_size(regclass, boolean) SET SCHEMA pg_catalog;
    GRANT SELECT ON pg_dist_partition, pg_dist_local_group TO PUBLIC;
    INSERT INTO pg_dist_local_group VALUES (0);
";

const TABLES: &str = "
    CREATE SCHEMA app;
    CREATE TABLE app.ev (at timestamptz NOT NULL, id bigint) PARTITION BY RANGE (at);
    DO $$ DECLARE year timestamptz; BEGIN
        SET LOCAL timezone = 'UTC';
        FOR ago IN 0 .. 2 LOOP
            year := date_trunc('year', now()) - make_interval(years => ago);
            EXECUTE format('CREATE TABLE app.ev_%s PARTITION OF app.ev FOR VALUES FROM (%L) TO (%L)', ago, year, year + interval '1 year');
        END LOOP;
        INSERT INTO app.ev VALUES (now(), 1), (now() - interval '2 years', 2);
    END $$;
";

const DISTRIBUTED: &str =
    "INSERT INTO pg_dist_partition (logicalrelid, partmethod) SELECT relid, 'h' FROM pg_partition_tree('app.ev')";

fn planned(place: &Place, code: i32) -> Value {
    let ran = place.run(&["plan", "--format", "json"], code);
    serde_json::from_str(&ran.stdout).unwrap()
}

fn step<'a>(plan: &'a Value, word: &str) -> &'a Value {
    let steps = plan["steps"].as_array().unwrap();
    let found = steps.iter().find(|step| step["id"].as_str().unwrap().starts_with(word));
    found.unwrap_or_else(|| panic!("no {word}: {plan:#}"))
}

#[test]
fn a_distributed_table_is_read_planned_and_carried_out() {
    let place = Place::new("citus_coordinator", &format!("{TABLES}{CITUS}{DISTRIBUTED}"), POLICY);
    let plan = planned(&place, 0);
    let detach = step(&plan, "detach ");
    assert!(
        detach.to_string().contains("Citus cannot detach partitions of a distributed table concurrently"),
        "{detach:#}"
    );
    assert_eq!(detach["stake"]["bytes"].to_string().trim_matches('"'), "123456789", "{detach:#}");
    let mut handed_on = 0;
    let outcome = apply_watched(place.db.url(), &desired(POLICY), &Interrupt::new(), None, |event| {
        if let Event::Sent { sql, .. } = event {
            handed_on += usize::from(*sql == "SET LOCAL citus.propagate_set_commands = 'local'");
        }
    });
    assert!(outcome.results.iter().all(|(_, result)| result.is_done()), "{:?}", outcome.results);
    assert!(handed_on > 4, "{handed_on}");
    let place_again = place.run(&["drift"], 0);
    assert!(place_again.stdout.contains("No drift"), "{}", place_again.stdout);
}

#[test]
fn a_table_that_is_not_distributed_is_as_everywhere() {
    let place = Place::new("citus_local", &format!("{TABLES}{CITUS}"), POLICY);
    let plan = planned(&place, 0);
    assert!(!plan.to_string().contains("citus.propagate"), "{plan:#}");
    assert!(step(&plan, "detach ").to_string().contains("CONCURRENTLY"));
    // What somebody calls like it elsewhere is not Citus's.
    let lookalike = Place::new(
        "citus_lookalike",
        &format!("{TABLES} CREATE TABLE public.pg_dist_partition (logicalrelid regclass); {DISTRIBUTED_ELSEWHERE}"),
        POLICY,
    );
    assert!(step(&planned(&lookalike, 0), "detach ").to_string().contains("CONCURRENTLY"));
}

const DISTRIBUTED_ELSEWHERE: &str =
    "INSERT INTO public.pg_dist_partition SELECT relid FROM pg_partition_tree('app.ev')";

#[test]
fn on_a_worker_nothing_is_carried_out() {
    let place = Place::new(
        "citus_worker",
        &format!("{TABLES}{CITUS}{DISTRIBUTED}; UPDATE pg_dist_local_group SET groupid = 3"),
        POLICY,
    );
    let plan = planned(&place, 0);
    assert_eq!(plan["applyable"], false, "{plan:#}");
    let ran = place.run(&["plan"], 0);
    assert!(ran.stdout.contains("worker of a Citus cluster"), "{}", ran.stdout);
    place.run(&["apply", "--auto-approve"], 1);
    let left: i64 = place
        .db
        .client()
        .query_one("SELECT count(*) FROM pg_inherits WHERE inhparent = 'app.ev'::regclass", &[])
        .unwrap()
        .get(0);
    assert_eq!(left, 3);
}
