//! Steps by which a partition becomes a table of its own: marker, detach, stamp; and the end of an interrupted detach.

use super::context::Context;
use super::create::{add_block, touches_later, wants_default};
use super::retention::{Leaver, Leaving};
use super::retired::{drop_after, drop_without_grace};
use crate::catalog::{Answer, Leaf, Marker, Oid, Question};
use crate::grid::{Bound, LeafBounds};
use crate::plan::{
    Action, Block, Class, DetachMode, DetachPartition, Fact, Hazard, HazardKind, Relation, Retiring, Stake, Stamp,
    Step, StepId,
};
use crate::policy::Then;

/// Completes the pending detach, if there is one, and stamps what it was marked with.
pub(super) fn finalize(context: &Context<'_>) -> Vec<Step> {
    let Some((oid, leaf)) = context.root.pending_leaf() else { return Vec::new() };
    // A pending leaf is no default partition, and its bounds stay readable until it is finalized.
    let (from, to) = leaf.bounds.coverage().unwrap_or((Bound::MinValue, Bound::MaxValue));
    let partition = Relation { name: leaf.name.clone(), oid };
    let leaving = leaving(context, &partition, from, to);
    let mut step = context.step(Action::FinalizeDetach(leaving), Class::Drift, "an interrupted detach");
    step.before.push(attached(context, &partition, &leaf.bounds, true));
    step.after.push(Fact::Left { root: context.relation(), partition: partition.clone() });
    let detach_id = step.id.clone();
    let mut steps = vec![step];
    // The stamp would stop at a hold line.
    if let Some(marker) = own_marker(context, oid, leaf).filter(|_| !leaf.held) {
        let mut stamp = stamp(context, retiring(&partition, leaf, marker), Class::Drift, "an interrupted detach");
        stamp.needs.push(detach_id);
        let drop = drop_without_grace(context, &stamp, leaf.held, &context.root.references);
        steps.push(stamp);
        steps.extend(drop);
    }
    steps
}

/// Marker, detach and stamp for each partition that leaves, and the drop where the policy gives no grace.
pub(super) fn removals(context: &Context<'_>, leaving: &Leaving<'_>, finalizing: Option<&StepId>) -> Vec<Step> {
    let mut steps = Vec::new();
    for leaver in &leaving.leavers {
        let mut group = removal(context, leaver);
        // While a detach is pending, no other partition of that parent can be detached concurrently.
        if let Some(first) = group.first_mut() {
            first.needs.extend(finalizing.cloned());
        }
        if let Some(because) = &leaving.unknown {
            for step in &mut group {
                add_block(step, Block::Unknown { because: because.clone() });
            }
        }
        steps.extend(group);
    }
    steps
}

fn removal(context: &Context<'_>, leaver: &Leaver<'_>) -> Vec<Step> {
    let Leaver { oid, leaf, from, to, due_at } = *leaver;
    let partition = Relation { name: leaf.name.clone(), oid };
    let class = due_at.map_or(Class::Scheduled, |due_at| context.class_by_lateness(due_at, true));
    let marker = new_marker(context, oid, from, to);
    let retiring = retiring(&partition, leaf, marker.clone());
    let not_held = Fact::NotHeld { partition: partition.clone(), root: context.relation() };
    let attached = attached(context, &partition, &leaf.bounds, false);
    let marked = |stamp| Fact::Marked { partition: partition.clone(), marker: marker.clone(), stamp };
    let mut steps = Vec::new();

    // A stamp from before a table was attached again by hand would let its grace begin then.
    if own_marker(context, oid, leaf).is_none() || leaf.marker.as_ref().is_some_and(|own| own.detached_at.is_some()) {
        let mut mark = context.step(Action::MarkPartition(retiring.clone()), class, "retention");
        mark.before.extend([attached.clone(), not_held.clone()]);
        mark.after.push(marked(Stamp::Absent));
        steps.push(mark);
    }
    let mode = if context.root.default_leaf().is_some() || wants_default(context) {
        DetachMode::Blocking("PostgreSQL cannot detach concurrently while a default partition exists".to_owned())
    } else {
        DetachMode::Concurrently
    };
    let leaving = self::leaving(context, &partition, from, to);
    let blocking = mode != DetachMode::Concurrently;
    let mut detach = context.step(Action::DetachPartition(DetachPartition { leaving, mode }), class, "retention");
    detach.before.extend([attached, not_held.clone(), marked(Stamp::Absent)]);
    detach.after.push(Fact::Detached { partition: partition.clone() });
    detach.needs.extend(steps.last().map(|mark| mark.id.clone()));
    detach.hazards.push(Hazard {
        kind: HazardKind::DetachesData,
        relation: partition.name.clone(),
        detail: "its rows leave the table and stay in a table of their own".to_owned(),
    });
    referencing_hazards(context, blocking, &mut detach);
    detach.hazards.extend(context.standby_hazard(&partition.name));
    let stake = stake(context, oid, leaf);
    detach.stake = stake;
    let detach_id = detach.id.clone();
    steps.push(detach);

    let mut stamp = stamp(context, retiring.clone(), class, "retention");
    stamp.needs.push(detach_id);
    let stamp_id = stamp.id.clone();
    steps.push(stamp);
    for step in &mut steps {
        step.due_at = due_at;
    }
    let retention = context.table.retention;
    if let Some(retention) = retention.filter(|retention| retention.then == Then::Drop) {
        let due = retention.grace.after(context.now, context.grid.zone());
        if retention.grace.is_zero() {
            let mut drop = drop_after(context, retiring, Stamp::Present, context.root.references.clone(), class);
            drop.due_at = due_at;
            drop.stake = stake;
            drop.needs.push(stamp_id);
            steps.push(drop);
        } else if let Some(due) = due {
            let note = format!("drop due {}", crate::render::day(due));
            steps
                .iter_mut()
                .filter(|step| step.action.word() == "detach")
                .for_each(|step| step.note = Some(note.clone()));
        }
    }
    steps
}

/// The step that starts the grace.
pub(super) fn stamp(context: &Context<'_>, retiring: Retiring, class: Class, reason: &str) -> Step {
    let (partition, marker) = (retiring.partition.clone(), retiring.marker.clone());
    let mut step = context.step(Action::StampPartition(retiring), class, reason);
    step.before.push(Fact::Detached { partition: partition.clone() });
    step.before.push(Fact::Marked { partition: partition.clone(), marker: marker.clone(), stamp: Stamp::Any });
    step.after.push(Fact::Marked { partition, marker, stamp: Stamp::Present });
    step
}

/// The detach looks for rows that reference the partition, under a lock on the referencing table.
fn referencing_hazards(context: &Context<'_>, blocking: bool, step: &mut Step) {
    for table in &context.root.referenced_by {
        let mode = if blocking { "ACCESS EXCLUSIVE" } else { "SHARE" };
        let detail = format!("the detach looks through it for rows that reference the partition, under {mode}");
        let mut hazard = |kind| step.hazards.push(Hazard { kind, relation: table.clone(), detail: detail.clone() });
        if blocking {
            hazard(HazardKind::BlocksReads);
        }
        hazard(HazardKind::BlocksWrites);
    }
}

/// The marker that a leaf carries, if it is truly its own.
pub(super) fn own_marker(context: &Context<'_>, oid: Oid, leaf: &Leaf) -> Option<Marker> {
    let marker = leaf.marker.as_ref()?.unstamped();
    let (from, to) = leaf.bounds.coverage()?;
    (marker == new_marker(context, oid, from, to)).then_some(marker)
}

/// The marker that a leaf would get.
pub(super) fn new_marker(context: &Context<'_>, oid: Oid, from: Bound, to: Bound) -> Marker {
    Marker { root: context.name.clone(), root_oid: context.root.oid, oid, from, to, detached_at: None }
}

fn retiring(partition: &Relation, leaf: &Leaf, marker: Marker) -> Retiring {
    Retiring { partition: partition.clone(), owner: leaf.owner.clone(), marker }
}

fn leaving(context: &Context<'_>, partition: &Relation, from: Bound, to: Bound) -> crate::plan::Leaving {
    crate::plan::Leaving {
        root: context.relation(),
        owner: context.root.attributes.owner.clone(),
        partition: partition.clone(),
        from,
        to,
        touches: touches_later(context),
    }
}

fn attached(context: &Context<'_>, partition: &Relation, bounds: &LeafBounds, pending: bool) -> Fact {
    Fact::Attached {
        root: context.relation(),
        partition: partition.name.clone(),
        oid: Some(partition.oid),
        bounds: bounds.clone(),
        pending,
    }
}

fn stake(context: &Context<'_>, oid: Oid, leaf: &Leaf) -> Stake {
    let bytes = match context.snapshot.answers.get(&Question::Bytes { relation: oid }) {
        Answer::Bytes(bytes) => Some(bytes),
        Answer::Unknown(_) | Answer::Leaf(_) | Answer::Rows(_) | Answer::Taken(_) => None,
    };
    Stake { bytes, rows: leaf.rows_estimate }
}
