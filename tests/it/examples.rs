//! What stands in `examples/` does what it says.

use crate::support::database;

#[allow(unreachable_pub, reason = "the example is a program of its own")]
#[path = "../../examples/plan.rs"]
mod plan;

#[test]
fn the_planning_example_lists_what_a_policy_wants() {
    let db = database("example_plan");
    db.batch("CREATE TABLE public.events (created_at timestamptz NOT NULL) PARTITION BY RANGE (created_at)");
    let policy = concat!(env!("CARGO_MANIFEST_DIR"), "/policies/minimal.yaml");
    let due = plan::what_is_due(policy, db.url()).unwrap();
    assert_eq!(due.len(), 5, "today and four days ahead: {due:?}");
    assert!(due.iter().all(|line| line.starts_with("create public.events_p")), "{due:?}");
}
