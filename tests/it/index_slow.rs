//! Indexes that are built non-concurrently: only where that is quick, and never twice where it was not.

use pgstrata::apply::{Ended, Event, Silent, StepResult};
use pgstrata::db::Interrupt;
use pgstrata::plan::{Action, BuildMode, IndexAction, Plan};

use crate::support::database;
use crate::support::drive::{apply_now, desired, grant_all, plan_now};
use crate::support::watch::apply_watched;

const TABLE: &str = "
CREATE TABLE t (at timestamptz NOT NULL, v int, w text, tags int[]) PARTITION BY RANGE (at);
CREATE TABLE t_all PARTITION OF t FOR VALUES FROM ('2020-01-01') TO ('2040-01-01');
";

fn modes(plan: &Plan) -> Vec<(&str, bool)> {
    let builds = plan.steps.iter().filter_map(|step| {
        let Action::Index(IndexAction::Build(build)) = &step.action else { return None };
        Some((build.wanted.as_str(), build.mode == BuildMode::Concurrently))
    });
    builds.collect()
}

#[test]
fn small_partitions_are_built_non_concurrently_where_method_and_columns_are_quick() {
    let db = database("index_slow_modes");
    db.batch(TABLE);
    let policy = desired(
        "
version: 1
tables:
  public.t:
    partition: {key: at, interval: 1 month, premake: 1}
    indexes:
      a_plain: {columns: [v, at desc], include: [w]}
      b_hash: {using: hash, columns: [w]}
      c_brin: {using: brin, columns: [at]}
      d_some: {columns: [v], where: \"w in ('x', 'y') and v > 0\"}
      e_gin: {using: gin, columns: [tags]}
      f_expression: {columns: [lower(w)]}
      g_calls: {columns: [v], where: \"lower(w) = 'x'\"}
      h_sum: {columns: [(v + 1)]}
",
    );
    let (plan, _) = plan_now(db.url(), &policy, None, &grant_all());
    let expected = [
        ("a_plain", false),
        ("b_hash", false),
        ("c_brin", false),
        ("d_some", false),
        ("e_gin", true),
        ("f_expression", true),
        ("g_calls", true),
        ("h_sum", true),
    ];
    assert_eq!(modes(&plan), expected);
    let outcome = apply_now(db.url(), &policy, None, &grant_all(), &mut Silent);
    assert!(outcome.ended == Ended::Complete && outcome.remains.is_some_and(|plan| plan.is_empty()));
}

#[test]
fn what_holds_up_writers_for_too_long_goes_on_concurrently() {
    let db = database("index_slow_after_all");
    db.batch(TABLE);
    // Whoever writes keeps it from its lock for longer than the statement may take: as if its rows had.
    let policy = desired(
        "
version: 1
apply: {lock_timeout: 30s, statement_timeout: 300ms}
tables:
  public.t:
    partition: {key: at, interval: 1 month, premake: 1}
    indexes: {t_v: {columns: [v]}}
",
    );
    let (plan, _) = plan_now(db.url(), &policy, None, &grant_all());
    assert_eq!(modes(&plan), [("t_v", false)]);
    let mut writer = Some(db.client());
    writer.as_mut().unwrap().batch_execute("BEGIN; INSERT INTO t_all VALUES ('2026-01-01', 1)").unwrap();
    let mut sent = Vec::new();
    let outcome = apply_watched(db.url(), &policy, &Interrupt::new(), None, |event| {
        if let Event::Sending { sql, .. } = event
            && sql.starts_with("CREATE INDEX")
        {
            sent.push((*sql).to_owned());
        }
        if let Event::Waiting { .. } = event {
            drop(writer.take());
        }
    });
    let built = outcome.results.iter().find(|(id, _)| id.0.starts_with("build index"));
    assert!(matches!(built, Some((_, StepResult::Applied { .. }))), "{:?}", outcome.results);
    let of_leaf: Vec<bool> =
        sent.iter().filter(|sql| sql.contains("t_all")).map(|sql| sql.contains(" CONCURRENTLY ")).collect();
    assert_eq!(of_leaf, [false, true], "once as planned, then without holding up anybody: {sent:?}");
    assert!(outcome.remains.is_some_and(|plan| plan.is_empty()));
}
