//! Tables that Citus has distributed: what is planned, and what is sent.

use crate::catalog::{Citus, Oid};
use crate::plan::{Action, Code, DetachMode, PartitionAction, PlanOptions, Timeouts, Unit};
use crate::sql::render;
use crate::testing::World;

const TABLE: &str = "public.events";
const HANDS_ON: &str = "SET LOCAL citus.propagate_set_commands = 'local'";

fn world(distributed: bool) -> World {
    let policy = format!(
        "tables: {{{TABLE}: {{partition: {{key: at, interval: 1 month, premake: 2}}, retention: {{keep: 1 month}}}}}}"
    );
    let mut world = World::new("2026-03-14", &policy);
    world.windows(TABLE, "2026-01-01", "2026-05-01");
    world.retired(TABLE, "2025-12-01", "2026-01-01", Some("2026-01-02"));
    let root = world.root(TABLE).oid;
    let distributed = if distributed { [root].into() } else { [Oid(7)].into() };
    world.snapshot.catalog.citus = Some(Citus { worker: false, distributed, has_sizes: true });
    world
}

#[test]
fn a_distributed_table_is_never_detached_concurrently_and_the_plan_says_why() {
    let modes = |distributed| -> Vec<DetachMode> {
        let plan = world(distributed).plan();
        let detaches = plan.steps.into_iter().filter_map(|step| {
            let Action::Partition(PartitionAction::Detach(detach)) = step.action else { return None };
            Some(detach.mode)
        });
        detaches.collect()
    };
    let because = "Citus cannot detach partitions of a distributed table concurrently".to_owned();
    assert_eq!(modes(true), [DetachMode::Blocking(because)]);
    assert_eq!(modes(false), [DetachMode::Concurrently]);
}

#[test]
fn timeouts_of_its_units_reach_the_workers_before_anything_waits() {
    let plan = world(true).plan();
    assert!(plan.steps.len() > 3);
    for step in &plan.steps {
        let statements = render(step);
        let sql: Vec<&str> = statements.iter().filter_map(|statement| statement.sql()).collect();
        match step.unit {
            Unit::Transaction => assert_eq!(sql[..2], ["BEGIN", HANDS_ON], "{}", step.id),
            Unit::Statement => assert!(!sql.contains(&HANDS_ON), "{}", step.id),
        }
    }
    for step in &world(false).plan().steps {
        assert!(!render(step).iter().any(|statement| statement.sql() == Some(HANDS_ON)), "{}", step.id);
    }
}

#[test]
fn a_saved_plan_whose_timeouts_stay_here_is_refused() {
    let mut world = world(true);
    let mut plan = world.plan();
    let timeouts = plan.steps[0].timeouts;
    plan.steps[0].timeouts = Timeouts { reach_workers: false, ..timeouts };
    let broken = crate::plan::verify(&plan, &world.desired, &world.snapshot).unwrap_err();
    assert!(broken.iter().any(|violation| violation.rule.contains("do not reach")), "{broken:?}");
}

#[test]
fn a_worker_is_for_reading() {
    let mut world = world(true);
    world.snapshot.catalog.citus.as_mut().unwrap().worker = true;
    let plan = world.plan();
    assert_eq!(plan.not_applyable_because.as_deref(), Some("the server is a worker of a Citus cluster"));
    assert!(!plan.applyable && plan.findings.iter().any(|finding| finding.code == Code::CitusWorker));
    // Of a worker's own tables nothing is distributed.
    let mut own = self::world(true);
    own.snapshot.catalog.citus = Some(Citus { worker: true, ..Citus::default() });
    let options = PlanOptions::at(own.snapshot.taken_at);
    assert!(own.plan_with(&options).applyable);
}
