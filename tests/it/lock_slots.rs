//! A server whose lock table is small: what it cannot hold is foreseen, and the rest is done.

use pgstrata::apply::StepResult;
use pgstrata::db::Interrupt;
use pgstrata::sandbox::Options;

use crate::support::drive::{desired, grant_all, plan_now};
use crate::support::lines::lines;
use crate::support::watch::apply_watched;
use crate::support::{own_server, settings};

/// Each partition in a transaction of its own.
const TABLE: &str = "
CREATE TABLE events (at timestamptz NOT NULL, actor int, other int) PARTITION BY RANGE (at);
CREATE INDEX by_actor ON events (other);
";
const PARTITIONS: &str = "
DO $$ DECLARE today timestamptz := date_trunc('day', now(), 'UTC'); BEGIN
  FOR n IN -57 .. 2 LOOP
    EXECUTE format('CREATE TABLE events_%s PARTITION OF events FOR VALUES FROM (%L) TO (%L)',
                   n + 57, today + n * interval '24 hours', today + (n + 1) * interval '24 hours');
    COMMIT;
  END LOOP;
END $$;
";

#[test]
fn a_swap_over_many_partitions_is_blocked_and_the_rest_is_done() {
    let few = [("max_locks_per_transaction", "10"), ("max_connections", "10"), ("autovacuum", "off")];
    let server = own_server(Options { settings: settings(&few), ..Options::default() });
    let url = server.create_database("slots").unwrap();
    let mut client = server.connect("slots").unwrap();
    client.batch_execute(TABLE).unwrap();
    client.batch_execute(PARTITIONS).unwrap();
    let policy = desired(
        "version: 1\ntables:\n  public.events:\n    partition: {key: at, interval: 1 day, timezone: UTC, premake: 2}\n    \
         indexes: {by_actor: {columns: [actor]}}\n    maintenance: {analyze_parent_every: 1 day}\n",
    );
    let (plan, _) = plan_now(&url, &policy, None, &grant_all());
    let text = lines(&plan);
    let figures = "100 = max_locks_per_transaction 10 × (10 max_connections + 0 max_prepared_transactions)";
    assert!(
        text.contains(&format!("takes 122 locks at once, more than the server has for all sessions: {figures}")),
        "{text}"
    );
    assert!(text.contains("`analyze public.events` takes 61 locks at once, more than half of what"), "{text}");
    let outcome = apply_watched(&url, &policy, &Interrupt::new(), Some(1), |_| ());
    for (step, result) in &outcome.results {
        let swap = step.0.starts_with("swap index");
        assert_eq!(matches!(result, StepResult::Blocked(_)), swap, "{step}: {result:?}");
        assert!(swap || result.is_done(), "{step}: {result:?}");
    }
    // What a unit takes is what was foreseen.
    client.batch_execute("BEGIN; DROP INDEX by_actor").unwrap();
    let held = "SELECT count(DISTINCT relation) FROM pg_locks WHERE pid = pg_backend_pid() AND relation IN \
                (SELECT relid FROM pg_partition_tree('events') UNION SELECT indexrelid FROM pg_index WHERE indrelid IN \
                 (SELECT relid FROM pg_partition_tree('events')))";
    let tables: i64 = client.query_one(held, &[]).unwrap().get(0);
    let gone = "SELECT count(DISTINCT relation) FROM pg_locks WHERE pid = pg_backend_pid() AND mode = 'AccessExclusiveLock' \
                AND relation IS NOT NULL";
    let all: i64 = client.query_one(gone, &[]).unwrap().get(0);
    assert_eq!((tables, all), (61, 122), "the tables, and the indexes that are gone");
}
