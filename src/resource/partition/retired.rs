//! Detached tables that carry our marker: stamped when the stamp is missing, dropped when their grace is over, attached
//! again when the policy wants their window back. A table without a marker of its own is never touched.

use std::collections::BTreeSet;

use super::context::Context;
use super::create::touches_later;
use super::hold::held_by;
use super::remove::stamp;
use crate::catalog::{Answer, Oid, Question, Retired};
use crate::grid::{Bound, LeafBounds};
use crate::plan::{
    Action, AttachPartition, Class, Code, DropPartition, Fact, Finding, Hazard, HazardKind, Relation, Retiring, Stake,
    Stamp, Step,
};
use crate::policy::Then;
use crate::sql::TableName;

/// Steps for detached tables, and what was found on the way.
#[derive(Debug, Default)]
pub(super) struct RetiredTables {
    /// Stamps that an interruption left out, and tables that come back.
    pub(super) changes: Vec<Step>,
    /// Drops.
    pub(super) drops: Vec<Step>,
    pub(super) findings: Vec<Finding>,
}

/// Detached tables of this root, whose marker is their own.
fn own<'a>(context: &Context<'a>) -> impl Iterator<Item = (Oid, &'a Retired)> {
    let (root, oid) = (context.name, context.root.oid);
    context.snapshot.catalog.retired.iter().map(|(oid, table)| (*oid, table)).filter(move |(own, table)| {
        table.marker.root == *root
            && table.marker.root_oid == oid
            && table.marker.oid == *own
            && table.in_use_as.is_none()
    })
}

/// Ranges of detached tables that the policy wants back: they are not to be covered by a new, empty partition.
pub(super) fn coming_back(context: &Context<'_>) -> Vec<(Bound, Bound)> {
    own(context)
        .filter(|(_, table)| wanted_back(context, table))
        .map(|(_, table)| (table.marker.from, table.marker.to))
        .collect()
}

/// Whether retention would keep this window if it were attached: it was lengthened since, or taken out.
fn wanted_back(context: &Context<'_>, table: &Retired) -> bool {
    let expired = context.edge().is_some_and(|edge| context.at_or_before(table.marker.to, edge));
    let free = !context.ranges().iter().any(|(_, _, from, to)| *from < table.marker.to && table.marker.from < *to);
    context.table.retention.is_some() && !expired && free
}

/// What must be asked before anything is dropped or comes back.
pub(super) fn questions(context: &Context<'_>) -> BTreeSet<Question> {
    own(context).map(|(relation, _)| Question::Bytes { relation }).collect()
}

/// Steps for this root's detached tables.
pub(super) fn judge(context: &Context<'_>) -> RetiredTables {
    let mut result = RetiredTables::default();
    for (oid, table) in &context.snapshot.catalog.retired {
        if table.marker.root == *context.name && !own(context).any(|(own, _)| own == *oid) {
            result.findings.push(foreign_marker(context, table));
        }
    }
    for (oid, table) in own(context) {
        judge_one(context, oid, table, &mut result);
    }
    result
}

fn judge_one(context: &Context<'_>, oid: Oid, table: &Retired, result: &mut RetiredTables) {
    let partition = Relation { name: table.name.clone(), oid };
    let retiring = Retiring { partition, owner: table.owner.clone(), marker: table.marker.unstamped() };
    let (from, to) = (table.marker.from, table.marker.to);
    let held = held_by(context, from, to, table.held);
    let mut found = |code, message: String| result.findings.push(context.finding(code, Some(&table.name), message));
    let expired = context.edge().is_some_and(|edge| context.at_or_before(to, edge));

    if wanted_back(context, table) {
        result.changes.push(attach(context, oid, table, retiring));
        return;
    }
    let Some(stamped) = table.marker.detached_at else {
        // The stamp would stop at the hold line, run after run; without one nothing is dropped.
        if table.held {
            found(
                Code::Held,
                "detached without a stamp, and it stays: its comment has a line `pgstrata: hold`".to_owned(),
            );
            return;
        }
        let stamp = stamp(context, retiring, Class::Drift, "an interrupted detach");
        result.drops.extend(drop_without_grace(context, &stamp, table.held, &table.references));
        result.changes.push(stamp);
        return;
    };
    let since = crate::render::day(stamped);
    let Some(retention) = context.table.retention else {
        found(Code::Detached, format!("detached {since}; the policy keeps everything, so it stays"));
        return;
    };
    if !expired {
        found(
            Code::WindowTaken,
            format!("detached {since}; the policy would keep its window, which another partition covers"),
        );
        return;
    }
    if let Some(by) = held {
        found(Code::Held, format!("detached {since}, and it stays: held by {by}"));
        return;
    }
    match retention.then {
        Then::Detach => found(Code::Detached, format!("detached {since}; the policy says `then: detach`, so it stays")),
        Then::Drop => match retention.grace.after(stamped, context.grid.zone()) {
            Some(due_at) if due_at <= context.now => {
                let class = context.class_by_lateness(due_at, true);
                let mut step = drop_after(context, retiring, Stamp::At(stamped), table.references.clone(), class);
                step.due_at = Some(due_at);
                step.note = Some(format!("detached {since}"));
                step.stake = stake(context, oid, table);
                result.drops.push(step);
            }
            Some(due_at) => found(Code::InGrace, format!("detached {since}; drop due {}", crate::render::day(due_at))),
            None => found(Code::InGrace, format!("detached {since}; its grace ends beyond the calendar")),
        },
    }
}

/// With `grace: 0 days` the drop follows the stamp in the same plan, also where an interruption left the stamp out.
pub(super) fn drop_without_grace(
    context: &Context<'_>,
    stamp: &Step,
    held: bool,
    references: &BTreeSet<TableName>,
) -> Option<Step> {
    let Action::StampPartition(retiring) = &stamp.action else { return None };
    let retention = context.table.retention?;
    let (from, to) = (retiring.marker.from, retiring.marker.to);
    let expired = context.edge().is_some_and(|edge| context.at_or_before(to, edge));
    if retention.then != Then::Drop || !retention.grace.is_zero() || !expired {
        return None;
    }
    if held_by(context, from, to, held).is_some() {
        return None;
    }
    let mut step = drop_after(context, retiring.clone(), Stamp::Present, references.clone(), Class::Drift);
    step.needs.push(stamp.id.clone());
    Some(step)
}

/// A drop of a table that carries this marker.
pub(super) fn drop_after(
    context: &Context<'_>,
    retiring: Retiring,
    stamp: Stamp,
    references: BTreeSet<TableName>,
    class: Class,
) -> Step {
    let (partition, marker) = (retiring.partition.clone(), retiring.marker.clone());
    let mut step =
        context.step(Action::DropPartition(DropPartition { retired: retiring, references }), class, "grace is over");
    step.before.extend([
        Fact::Detached { partition: partition.clone() },
        Fact::Marked { partition: partition.clone(), marker, stamp },
        Fact::NotHeld { partition: partition.clone(), root: context.relation() },
    ]);
    step.after.push(Fact::Gone { partition: partition.clone() });
    step.hazards.push(Hazard {
        kind: HazardKind::DeletesData,
        relation: partition.name.clone(),
        detail: "its rows are gone for good".to_owned(),
    });
    step.hazards.extend(context.standby_hazard(&partition.name));
    step
}

fn attach(context: &Context<'_>, oid: Oid, table: &Retired, retiring: Retiring) -> Step {
    let partition = retiring.partition.clone();
    let (from, to) = (table.marker.from, table.marker.to);
    let stamp = table.marker.detached_at.map_or(Stamp::Any, Stamp::At);
    let marked = Fact::Marked { partition: partition.clone(), marker: retiring.marker.clone(), stamp };
    let action = Action::AttachPartition(AttachPartition {
        root: context.relation(),
        owner: context.root.attributes.owner.clone(),
        key: context.root.key.clone(),
        retired: retiring,
        touches: touches_later(context),
    });
    let mut step = context.step(action, Class::Drift, "retention keeps this window again");
    step.before.extend([
        Fact::Detached { partition: partition.clone() },
        marked,
        Fact::RangeFree { root: context.relation(), from, to },
    ]);
    step.after.push(Fact::Attached {
        root: context.relation(),
        partition: partition.name.clone(),
        oid: Some(oid),
        bounds: LeafBounds::Range { from, to },
        pending: false,
    });
    step.hazards.push(Hazard {
        kind: HazardKind::AttachesData,
        relation: partition.name,
        detail: "its rows become visible through the parent again".to_owned(),
    });
    step.stake = stake(context, oid, table);
    step
}

fn foreign_marker(context: &Context<'_>, table: &Retired) -> Finding {
    let what = match &table.in_use_as {
        Some(use_) => format!("it carries a marker, and is {use_}: left alone"),
        None => "its marker speaks of a table with another OID (restored from a dump?): never dropped".to_owned(),
    };
    let mut finding = context.finding(Code::ForeignMarker, Some(&table.name), what);
    finding.hint = Some("look at its comment; drop the table or the comment's line by hand".to_owned());
    finding
}

fn stake(context: &Context<'_>, oid: Oid, table: &Retired) -> Stake {
    let bytes = match context.snapshot.answers.get(&Question::Bytes { relation: oid }) {
        Answer::Bytes(bytes) => Some(bytes),
        Answer::Unknown(_) | Answer::Leaf(_) | Answer::Rows(_) | Answer::Taken(_) => None,
    };
    Stake { bytes, rows: table.rows_estimate }
}
