//! Detached tables that come back: the policy keeps their window again, and nothing else covers it. They carry our
//! marker; a table without a marker of its own is never attached.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::context::Context;
use super::create::{SMALL_BYTES, add_block, beside_default};
use super::in_the_way;
use super::remove::own_marker;
use super::retired::{self, bytes_of};
use super::wanted::reach;
use crate::catalog::{Marker, Oid};
use crate::grid::{Bound, LeafBounds};
use crate::plan::{
    Action, AttachPartition, Class, Fact, Finding, Hazard, HazardKind, PartitionAction, Relation, Retiring, Stake,
    Stamp, Step, StepId,
};
use crate::policy::{Keep, Retention};
use crate::sql::{Ident, TableName};

/// A table whose window the policy wants back.
#[derive(Clone, Debug)]
pub(super) struct Returning<'a> {
    pub(super) oid: Oid,
    name: &'a TableName,
    owner: &'a Ident,
    marker: Marker,
    stamp: Option<Timestamp>,
    rows: Option<u64>,
    references: &'a BTreeSet<TableName>,
    exclusions: &'a BTreeMap<Ident, String>,
}

impl Returning<'_> {
    /// What it will cover: not to be covered by a new, empty partition.
    pub(super) fn range(&self) -> (Bound, Bound) {
        (self.marker.from, self.marker.to)
    }
}

/// Tables that come back, sorted by bounds; of two that overlap the earlier.
pub(super) fn returning<'a>(context: &Context<'a>) -> Vec<Returning<'a>> {
    let detached = retired::own(context).map(|(oid, table)| Returning {
        oid,
        name: &table.name,
        owner: &table.owner,
        marker: table.marker.unstamped(),
        stamp: table.marker.detached_at,
        rows: table.rows_estimate,
        references: &table.references,
        exclusions: &table.exclusions,
    });
    let pending = context.pending.and_then(|(oid, leaf)| {
        let marker = own_marker(context, oid, leaf)?;
        let stamp = leaf.marker.as_ref().and_then(|marker| marker.detached_at);
        Some(Returning {
            oid,
            name: &leaf.name,
            owner: &leaf.owner,
            marker,
            stamp,
            rows: leaf.rows_estimate,
            references: &context.root.references,
            exclusions: &context.root.exclusions.of_pending,
        })
    });
    let mut candidates: Vec<Returning<'a>> =
        detached.chain(pending).filter(|table| is_wanted(context, table)).collect();
    candidates.sort_by_key(|table| (table.range(), table.name));
    let mut reached = Bound::MinValue;
    candidates.retain(|table| {
        let (from, to) = table.range();
        let free = from >= reached;
        if free {
            reached = to;
        }
        free
    });
    candidates
}

/// Whether the policy would keep this window, which was over when the table left, and nothing covers it.
fn is_wanted(context: &Context<'_>, table: &Returning<'_>) -> bool {
    let (from, to) = table.range();
    // What is open below left for good: windows are wanted from the oldest partition on, never without end.
    if from == Bound::MinValue {
        return false;
    }
    let kept = match context.table.retention {
        // Among ids without an edge nobody knows whether it would be kept.
        Some(Retention { keep: Keep::Keys(_), .. }) => context.edge.is_some() && !context.is_expired(to),
        Some(Retention { keep: Keep::Span(_), .. }) => !context.is_expired(to),
        // A policy that keeps everything says nothing of what left before, except where it wants a window there now.
        None => reach(context).is_some_and(|(low, high)| from < Bound::Value(high) && Bound::Value(low) < to),
    };
    kept && retired::was_over(context, to, table.stamp) && !context.is_covered(from, to)
}

/// The step that attaches it. `finalizing` completes a pending detach, with the range it frees.
pub(super) fn attach(
    context: &Context<'_>,
    table: &Returning<'_>,
    finalizing: Option<(&StepId, Bound, Bound)>,
    default: Option<&TableName>,
    findings: &mut Vec<Finding>,
) -> Step {
    let Returning { oid, name, owner, marker, stamp, rows, references, exclusions } = table;
    let (from, to) = table.range();
    let partition = Relation { name: (*name).clone(), oid: *oid };
    let mut touches = context.touches();
    touches.default = touches.default.or_else(|| default.cloned());
    let action = Action::Partition(PartitionAction::Attach(AttachPartition {
        root: context.relation(),
        owner: context.root.attributes.owner.clone(),
        key: context.root.key.clone(),
        retired: Retiring { partition: partition.clone(), owner: (*owner).clone(), marker: marker.clone() },
        references: (*references).clone(),
        rebuilt: context.root.exclusions.doubled(exclusions).cloned().collect(),
        touches,
    }));
    let mut step = context.step(action, Class::Drift, "retention keeps this window again");
    step.before.extend([
        Fact::Detached { partition: partition.clone() },
        Fact::Marked {
            partition: partition.clone(),
            marker: marker.clone(),
            stamp: stamp.map_or(Stamp::Any, Stamp::At),
        },
        Fact::RangeFree { root: context.relation(), from, to },
    ]);
    step.after.push(Fact::Attached {
        root: context.relation(),
        partition: partition.name.clone(),
        oid: Some(*oid),
        bounds: LeafBounds::Range { from, to },
        pending: false,
    });
    // Overlapping its own pending leaf, too: only what is detached can be attached.
    step.needs.extend(finalizing.filter(|(_, low, high)| *low < to && from < *high).map(|(id, _, _)| id.clone()));
    step.hazards.push(Hazard {
        kind: HazardKind::AttachesData,
        object: partition.name.into(),
        detail: "its rows become visible through the parent again".to_owned(),
    });
    let bytes = bytes_of(context, *oid);
    scan_hazards(context, bytes, references, &mut step);
    rebuild_hazards(context, bytes, &mut step);
    beside_default(context, (from, to), &mut step, findings);
    if let Some(block) = in_the_way::of_attach(context, table) {
        add_block(&mut step, block);
    }
    step.stake = Stake { bytes, rows: *rows };
    step
}

/// The attach builds the table's exclusion constraints: a partition cannot bring them along.
fn rebuild_hazards(context: &Context<'_>, bytes: Option<u64>, step: &mut Step) {
    let constraints: Vec<String> = context.root.exclusions.own.keys().map(ToString::to_string).collect();
    let (false, Some(partition)) = (constraints.is_empty(), step.action.partition().cloned()) else { return };
    let size = bytes.map_or_else(|| "of unknown size".to_owned(), crate::render::bytes);
    let what = format!("the attach builds {} anew on the partition ({size})", constraints.join(", "));
    step.hazards.push(Hazard {
        kind: HazardKind::IndexBuild,
        object: partition.into(),
        detail: format!("{what}, under ACCESS EXCLUSIVE on it"),
    });
    let locked = context.default.map(|(_, leaf)| &leaf.name).filter(|_| bytes.is_none_or(|bytes| bytes > SMALL_BYTES));
    for (table, kind) in
        locked.into_iter().flat_map(|table| [(table, HazardKind::BlocksReads), (table, HazardKind::BlocksWrites)])
    {
        let detail = format!("{what} while {table} is locked ACCESS EXCLUSIVE");
        step.hazards.push(Hazard { kind, object: table.clone().into(), detail });
    }
}

/// The attach scans a table whose CHECK does not tell that its rows are in range, while it holds the locks of its keys.
fn scan_hazards(context: &Context<'_>, bytes: Option<u64>, references: &BTreeSet<TableName>, step: &mut Step) {
    if bytes.is_some_and(|bytes| bytes <= SMALL_BYTES) {
        return;
    }
    let size = bytes.map_or_else(|| "of unknown size".to_owned(), crate::render::bytes);
    let mut hazard = |kind, table: &TableName, mode: &str| {
        let detail = format!("the attach may scan the partition ({size}) while {table} is locked {mode}");
        step.hazards.push(Hazard { kind, object: table.clone().into(), detail });
    };
    for table in context.root.references.intersection(references) {
        hazard(HazardKind::BlocksReads, table, "ACCESS EXCLUSIVE");
        hazard(HazardKind::BlocksWrites, table, "ACCESS EXCLUSIVE");
    }
    let share = context.root.references.difference(references).chain(&context.root.referenced_by);
    share.for_each(|table| hazard(HazardKind::BlocksWrites, table, "SHARE ROW EXCLUSIVE"));
}
