//! Carrying out a plan in memory: each step's facts before must hold, and its facts after come true.

use super::World;
use crate::plan::{Action, PartitionAction, Plan, PlanOptions, verify};

/// Carries out every step that may run. `taken_at` of the snapshot is the clock that stamps.
///
/// # Panics
/// When the plan breaks a rule, or a step's facts do not hold where it comes.
pub fn simulate(world: &mut World, plan: &Plan) {
    if let Err(violations) = verify(plan, &world.desired, &world.snapshot) {
        panic!("{violations:?}\n{}", super::lines(plan));
    }
    let now = world.snapshot.taken_at;
    for step in plan.steps.iter().filter(|step| !step.gate.is_blocked()) {
        for fact in &step.before {
            if let Err(found) = fact.judge(&world.snapshot) {
                panic!("before `{}`: {fact}; found: {found}\nin\n{}", step.id, super::lines(plan));
            }
        }
        step.after.iter().for_each(|fact| fact.assume(&mut world.snapshot, now));
        for fact in &step.after {
            if let Err(found) = fact.judge(&world.snapshot) {
                panic!("after `{}`: {fact}; found: {found}\nin\n{}", step.id, super::lines(plan));
            }
        }
        if let Action::Partition(PartitionAction::Drop(drop)) = &step.action {
            // A simulated table may get the OID again.
            let oid = drop.retired.partition.oid;
            world.rows.remove(&oid);
            world.highest.remove(&oid);
            world.bytes.remove(&oid);
        }
    }
}

/// Plans with these options and carries out what may run; the plan, to look at.
pub fn run(world: &mut World, options: &PlanOptions) -> Plan {
    let plan = world.plan_with(options);
    simulate(world, &plan);
    plan
}
