//! Steps by which a partition becomes a table of its own: marker, detach, stamp; and the end of an interrupted detach.

use super::context::Context;
use super::create::add_block;
use super::in_the_way;
use super::retention::{Leaver, Leaving};
use super::retired::{Keys, bytes_of, drop_after};
use super::unknown;
use crate::catalog::{Leaf, Marker, Oid};
use crate::grid::{Bound, LeafBounds};
use crate::plan::{
    Action, Block, Class, Code, DetachMode, DetachPartition, Fact, Finding, Hazard, HazardKind, PartitionAction,
    Relation, Retiring, Stake, Stamp, Step, StepId, detaches_plainly,
};
use crate::policy::Then;
use crate::sql::TableName;

/// Completes the pending detach, if there is one, and stamps what it was marked with, unless it comes back.
pub(super) fn finalize(context: &Context<'_>, comes_back: bool, findings: &mut Vec<Finding>) -> Vec<Step> {
    let Some((oid, leaf)) = context.pending else { return Vec::new() };
    // A pending leaf is no default partition, and its bounds stay readable until it is finalized.
    let (from, to) = leaf.bounds.coverage().unwrap_or((Bound::MinValue, Bound::MaxValue));
    let partition = Relation { name: leaf.name.clone(), oid };
    let leaving = leaving(context, &partition, from, to, None);
    let mut step =
        context.step(Action::Partition(PartitionAction::Finalize(leaving)), Class::Drift, "an interrupted detach");
    step.before.push(attached(context, &partition, &leaf.bounds, true));
    step.after.push(Fact::Left { root: context.relation(), partition: partition.clone() });
    let detach_id = step.id.clone();
    let Some(marker) = own_marker(context, oid, leaf) else {
        step.note = Some("it carries no marker: it stays as a table of its own".to_owned());
        return vec![step];
    };
    if comes_back {
        return vec![step];
    }
    if leaf.held {
        // The DO block that stamps stops at a hold in the comment: such a step would fail for as long as it is there.
        let message = "its grace does not begin when its detach is complete: its comment holds it".to_owned();
        findings.push(context.finding(Code::Held, Some(&leaf.name), message));
        return vec![step];
    }
    let mut steps = Vec::new();
    let retiring = retiring(&partition, leaf, marker);
    if is_stamped(leaf) {
        // It was attached again by hand, its old stamp with it: grace must not run from there.
        let attached = attached(context, &partition, &leaf.bounds, true);
        let mark = mark(context, retiring.clone(), vec![attached], Class::Drift, "a stamp of an earlier detach");
        step.needs.push(mark.id.clone());
        steps.push(mark);
    }
    steps.push(step);
    let mut stamp = stamp(context, retiring, Class::Drift, "an interrupted detach");
    stamp.needs.push(detach_id);
    steps.push(stamp);
    steps
}

/// Steps by which partitions leave.
#[derive(Debug, Default)]
pub(super) struct Removals {
    /// Marker, detach and stamp of each.
    pub(super) detaches: Vec<Step>,
    /// Drops where the policy gives no grace; after every detach, so that one that is blocked blocks none.
    pub(super) drops: Vec<Step>,
}

/// Steps for each partition that leaves. `default` is the default partition that this plan makes.
pub(super) fn removals(
    context: &Context<'_>,
    leaving: &Leaving<'_>,
    finalizing: Option<&StepId>,
    default: Option<&TableName>,
    earlier: &[Step],
) -> Removals {
    let mut result = Removals::default();
    for leaver in &leaving.leavers {
        let (mut detach, mut drop) = removal(context, leaver, default, earlier);
        // While a detach is pending, no other partition of that parent can be detached concurrently.
        if let Some(first) = detach.first_mut() {
            first.needs.extend(finalizing.cloned());
        }
        if let Some(because) = &leaving.unknown {
            for step in detach.iter_mut().chain(&mut drop) {
                add_block(step, unknown::block(context, because, Block::Unknown { because: because.clone() }));
            }
        }
        result.detaches.extend(detach);
        result.drops.extend(drop);
    }
    result
}

fn removal(
    context: &Context<'_>,
    leaver: &Leaver<'_>,
    default: Option<&TableName>,
    earlier: &[Step],
) -> (Vec<Step>, Option<Step>) {
    let Leaver { oid, leaf, from, to, due_at } = *leaver;
    let partition = Relation { name: leaf.name.clone(), oid };
    let class = context.class_of_removal(due_at, to);
    let marker = new_marker(context, oid, from, to);
    let retiring = retiring(&partition, leaf, marker.clone());
    let not_held = Fact::NotHeld { partition: partition.clone(), root: context.relation() };
    let attached = attached(context, &partition, &leaf.bounds, false);
    let marked = |stamp| Fact::Marked { partition: partition.clone(), marker: marker.clone(), stamp };
    let mut steps = Vec::new();

    if own_marker(context, oid, leaf).as_ref() != Some(&marker) || is_stamped(leaf) {
        steps.push(mark(context, retiring.clone(), vec![attached.clone(), not_held.clone()], class, "retention"));
    }
    let mode = if context.default.is_some() || default.is_some() {
        DetachMode::Blocking("PostgreSQL cannot detach concurrently while a default partition exists".to_owned())
    } else if context.is_distributed() {
        DetachMode::Blocking("Citus cannot detach partitions of a distributed table concurrently".to_owned())
    } else if let Some(because) = detaches_plainly(context.desired, &context.snapshot.catalog, context.name) {
        DetachMode::Blocking(because)
    } else {
        DetachMode::Concurrently
    };
    let leaving = self::leaving(context, &partition, from, to, default);
    let blocking = mode != DetachMode::Concurrently;
    let mut detach =
        context.step(Action::Partition(PartitionAction::Detach(DetachPartition { leaving, mode })), class, "retention");
    detach.before.extend([attached, not_held, marked(Stamp::Absent)]);
    if !blocking {
        // A default partition that was not to be, and is there by then, makes the server refuse it.
        detach.before.push(Fact::NoDefault { root: context.relation() });
    }
    detach.after.push(Fact::Detached { partition: partition.clone() });
    detach.needs.extend(steps.last().map(|mark| mark.id.clone()));
    detach.hazards.push(Hazard {
        kind: HazardKind::DetachesData,
        object: partition.name.clone().into(),
        detail: "its rows leave the table and stay in a table of their own".to_owned(),
    });
    referencing_hazards(context, blocking, &mut detach);
    detach.hazards.extend(context.standby_hazard(&partition.name));
    let stake = Stake { bytes: bytes_of(context, oid), rows: leaf.rows_estimate };
    detach.stake = stake;
    let detach_id = detach.id.clone();
    steps.push(detach);
    for step in &mut steps {
        step.due_at = due_at;
    }
    let obstacles = in_the_way::of_detach(context, (oid, from, to), earlier);
    in_the_way::put(context, &obstacles, earlier, &mut steps);
    let (class, due_at) = steps.last().map_or((class, due_at), |detach| (detach.class, detach.due_at));

    let mut stamp = stamp(context, retiring.clone(), class, "retention");
    stamp.needs.push(detach_id);
    stamp.due_at = due_at;
    let stamp_id = stamp.id.clone();
    steps.push(stamp);
    let mut drop = None;
    let retention = context.table.retention;
    if let Some(retention) = retention.filter(|retention| retention.then == Then::Drop) {
        let leaves = in_the_way::ends(&obstacles, context.now);
        let due = leaves.and_then(|leaves| retention.grace.after(leaves, context.grid.zone()));
        if retention.grace.is_zero() {
            let mut step = drop_after(context, retiring, Stamp::Present, keys_of_root(context), class);
            step.reason = "retention, without grace".to_owned();
            step.due_at = due_at;
            step.stake = stake;
            step.needs.push(stamp_id);
            drop = Some(step);
        } else if let Some(due) = due {
            let note = format!("drop due {}", crate::render::day(due));
            steps
                .iter_mut()
                .filter(|step| step.action.word() == "detach")
                .for_each(|step| step.note = Some(note.clone()));
        }
    }
    (steps, drop)
}

/// The step that writes the marker, without a stamp.
fn mark(context: &Context<'_>, retiring: Retiring, before: Vec<Fact>, class: Class, reason: &str) -> Step {
    let (partition, marker) = (retiring.partition.clone(), retiring.marker.clone());
    let mut step = context.step(Action::Partition(PartitionAction::Mark(retiring)), class, reason);
    step.before.extend(before);
    step.after.push(Fact::Marked { partition, marker, stamp: Stamp::Absent });
    step
}

/// The step that starts the grace.
pub(super) fn stamp(context: &Context<'_>, retiring: Retiring, class: Class, reason: &str) -> Step {
    let (partition, marker) = (retiring.partition.clone(), retiring.marker.clone());
    let mut step = context.step(Action::Partition(PartitionAction::Stamp(retiring)), class, reason);
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
        let mut hazard =
            |kind| step.hazards.push(Hazard { kind, object: table.clone().into(), detail: detail.clone() });
        if blocking {
            hazard(HazardKind::BlocksReads);
        }
        hazard(HazardKind::BlocksWrites);
    }
}

/// The marker that a leaf carries, if it is truly its own: as it was written, under whatever name the root had then.
pub(super) fn own_marker(context: &Context<'_>, oid: Oid, leaf: &Leaf) -> Option<Marker> {
    let marker = leaf.marker.as_ref()?.unstamped();
    let (from, to) = leaf.bounds.coverage()?;
    (Marker { root: context.name.clone(), ..marker.clone() } == new_marker(context, oid, from, to)).then_some(marker)
}

/// Whether the leaf's marker carries the stamp of an earlier detach.
pub(super) fn is_stamped(leaf: &Leaf) -> bool {
    leaf.marker.as_ref().is_some_and(|marker| marker.detached_at.is_some())
}

/// The marker that a leaf would get.
pub(super) fn new_marker(context: &Context<'_>, oid: Oid, from: Bound, to: Bound) -> Marker {
    Marker { root: context.name.clone(), root_oid: context.root.oid, oid, from, to, detached_at: None }
}

fn retiring(partition: &Relation, leaf: &Leaf, marker: Marker) -> Retiring {
    Retiring { partition: partition.clone(), owner: leaf.owner.clone(), marker }
}

fn leaving(
    context: &Context<'_>,
    partition: &Relation,
    from: Bound,
    to: Bound,
    default: Option<&TableName>,
) -> crate::plan::Leaving {
    let mut touches = context.touches();
    touches.default = touches.default.or_else(|| default.cloned());
    crate::plan::Leaving {
        root: context.relation(),
        owner: context.root.attributes.owner.clone(),
        partition: partition.clone(),
        from,
        to,
        touches,
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

/// A partition has its root's foreign keys.
pub(super) fn keys_of_root(context: &Context<'_>) -> Keys {
    Keys { references: context.root.references.clone(), partitioned: context.root.partitioned.clone() }
}
