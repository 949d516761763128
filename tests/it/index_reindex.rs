//! A REINDEX that cannot end in its time: postponed, and never more than one leftover of it.

use pgstrata::apply::{Outcome, Silent, StepResult};
use postgres::Client;

use crate::support::database;
use crate::support::drive::{apply_now, desired, grant_all};

const TABLE: &str = "
CREATE FUNCTION slow(int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS
  $$ BEGIN IF current_setting('my.slow', true) = 'on' THEN PERFORM pg_sleep(0.0002); END IF; RETURN $1; END $$;
CREATE TABLE t (at timestamptz NOT NULL, v int NOT NULL) PARTITION BY RANGE (at);
CREATE TABLE t_jan PARTITION OF t FOR VALUES FROM ('2020-01-01 00:00+00') TO ('2020-02-01 00:00+00');
CREATE TABLE t_mar PARTITION OF t FOR VALUES FROM ('2020-02-01 00:00+00') TO ('2020-05-01 00:00+00');
CREATE INDEX t_v_idx ON t (slow(v));
INSERT INTO t SELECT '2020-01-10', i FROM generate_series(1, 600000) i;
DELETE FROM t WHERE v % 10 <> 0;
ANALYZE t;
";

fn policy(indexes: &str, timeout: &str) -> String {
    format!(
        "
version: 1
apply: {{concurrent_timeout: {timeout}}}
tables:
  public.t:
    partition: {{key: at, interval: 1 month, timezone: UTC, premake: 1}}
    {indexes}
    maintenance: {{analyze_parent_every: 1000 days, freeze_closed: false, reindex_above_bloat: 20%}}
"
    )
}

fn result_of<'a>(outcome: &'a Outcome, id: &str) -> Option<&'a StepResult> {
    outcome.results.iter().find(|(step, _)| step.0 == id).map(|(_, result)| result)
}

fn invalid(client: &mut Client) -> Vec<String> {
    let sql = "SELECT c.relname::text FROM pg_index x JOIN pg_class c ON c.oid = x.indexrelid WHERE NOT x.indisvalid";
    client.query(sql, &[]).unwrap().iter().map(|row| row.get(0)).collect()
}

fn run(url: &str, policy: &str) -> Outcome {
    let now = Some("2020-03-14T00:00:00Z".parse().unwrap());
    apply_now(url, &desired(policy), now, &grant_all(), &mut Silent)
}

const REINDEX: &str = "reindex public.t_jan_slow_idx";

#[test]
fn what_it_leaves_is_dropped_before_it_is_tried_again() {
    for (name, indexes) in
        [("index_reindex", "indexes: {t_v_idx: {columns: [public.slow(v)]}}"), ("index_reindex_unnamed", "")]
    {
        let db = database(name);
        db.batch(TABLE);
        db.vacuum(true, "t_jan");
        let mut client = db.client();
        let slow = |value: &str| {
            format!("DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET my.slow = {value}', current_database()); END $$")
        };
        client.batch_execute(&slow("on")).unwrap();
        for _ in 0..3 {
            let outcome = run(db.url(), &policy(indexes, "700ms"));
            match result_of(&outcome, REINDEX) {
                Some(StepResult::Postponed(because)) => {
                    assert!(because.contains("longer than apply.concurrent_timeout (700ms)"), "{because}");
                    assert!(because.contains("t_jan_slow_idx_ccnew, which is invalid"), "{because}");
                }
                // Nobody may clean up what the policy does not name: it is not tried again either.
                None if indexes.is_empty() => {
                    let findings = outcome.remains.as_ref().map(|plan| plan.findings.clone()).unwrap_or_default();
                    let says = |text: &str| findings.iter().any(|finding| finding.message.contains(text));
                    assert!(says("DROP INDEX CONCURRENTLY public.t_jan_slow_idx_ccnew"), "{findings:?}");
                }
                other => panic!("{name}: {other:?} in {:?}", outcome.results),
            }
            assert_eq!(invalid(&mut client), ["t_jan_slow_idx_ccnew"]);
        }
        client.batch_execute(&slow("off")).unwrap();
        if indexes.is_empty() {
            client.batch_execute("DROP INDEX t_jan_slow_idx_ccnew").unwrap();
        }
        let outcome = run(db.url(), &policy(indexes, "10min"));
        assert!(result_of(&outcome, REINDEX).is_some_and(StepResult::is_done), "{:?}", outcome.results);
        assert!(invalid(&mut client).is_empty());
    }
}
