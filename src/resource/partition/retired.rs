//! Detached tables that carry our marker: stamped when the stamp is missing, dropped when their grace is over. A table
//! without a marker of its own is never touched.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::context::Context;
use super::hold::held_by;
use super::in_the_way;
use super::remove::stamp;
use crate::catalog::{Answer, Marker, Oid, Question, Retired, TableState};
use crate::grid::Bound;
use crate::plan::{
    Action, Class, Code, DropPartition, Fact, Finding, Hazard, HazardKind, PartitionAction, Relation, Retiring, Stake,
    Stamp, Step,
};
use crate::policy::{Keep, Then};
use crate::sql::{Ident, TableName};

/// Steps for detached tables, and what was found on the way.
#[derive(Debug, Default)]
pub(super) struct RetiredTables {
    /// Stamps that an interruption left out.
    pub(super) stamps: Vec<Step>,
    /// Drops.
    pub(super) drops: Vec<Step>,
    pub(super) findings: Vec<Finding>,
}

/// Whether the marker speaks of the table it is on, and of this root, whatever that is called since.
fn is_own(context: &Context<'_>, oid: Oid, table: &Retired) -> bool {
    let marker = &table.marker;
    let fits = |bound: Bound| bound.value().is_none_or(|value| context.root.key.kind.holds(value));
    marker.root_oid == context.root.oid
        && marker.oid == oid
        && fits(marker.from)
        && fits(marker.to)
        && ends(marker)
        && table.in_use_as.is_none()
        && is_entitled(context, &table.owner)
}

/// Whether this owner's comments are to be believed: whoever owns a table can write a marker on it, and what it says is
/// acted on. Only who could do the same to the root's partitions, or to everything, is.
fn is_entitled(context: &Context<'_>, owner: &Ident) -> bool {
    *owner == context.root.attributes.owner
        || context.snapshot.catalog.session.superusers.contains(owner)
        || context.root.leaves.values().any(|leaf| leaf.owner == *owner)
}

/// Whether its window was over when it was detached, and is: pgstrata detaches nothing else. A table that says otherwise
/// never takes the place of a partition that rows of now or of later need.
pub(super) fn was_over(context: &Context<'_>, to: Bound, stamp: Option<Timestamp>) -> bool {
    let Bound::Value(end) = to else { return false };
    match context.grid.instant(end) {
        Some(end) => end <= context.now && stamp.is_none_or(|stamp| end <= stamp),
        None => context.current().is_some_and(|current| end <= current),
    }
}

/// Whether a marker is this table's to judge: by the root's OID, which outlives its name, or by the name alone, where no
/// other table of the policy has that OID.
fn speaks_of(context: &Context<'_>, marker: &Marker) -> bool {
    let known = |oid: Oid| {
        context.snapshot.catalog.tables.values().any(|state| match state {
            TableState::Partitioned(root) => root.oid == oid,
            TableState::Missing | TableState::Unfit(_) => false,
        })
    };
    marker.root_oid == context.root.oid || (marker.root == *context.name && !known(marker.root_oid))
}

/// Nothing without an upper bound is ever detached by us: such a marker was written by hand.
fn ends(marker: &Marker) -> bool {
    match marker.to {
        Bound::Value(_) => marker.from != Bound::MaxValue,
        Bound::MinValue | Bound::MaxValue => false,
    }
}

/// Detached tables of this root, whose marker is their own.
pub(super) fn own<'a>(context: &Context<'a>) -> impl Iterator<Item = (Oid, &'a Retired)> {
    let tables = context.snapshot.catalog.retired.iter().map(|(oid, table)| (*oid, table));
    tables.filter(|(oid, table)| is_own(context, *oid, table))
}

/// What must be asked before anything is dropped.
pub(super) fn questions(context: &Context<'_>) -> BTreeSet<Question> {
    own(context).map(|(relation, _)| Question::Bytes { relation }).collect()
}

/// Steps for this root's detached tables. Those that come back are passed over.
pub(super) fn judge(context: &Context<'_>, returning: &BTreeMap<Oid, (Bound, Bound)>) -> RetiredTables {
    let mut result = RetiredTables::default();
    let all = context.snapshot.catalog.retired.iter();
    let mut here: Vec<(&Oid, &Retired)> = all.filter(|(_, table)| speaks_of(context, &table.marker)).collect();
    // Oldest first, whatever their OIDs: a restored copy of the database gives the same plan.
    here.sort_by_key(|(_, table)| (table.marker.from, table.marker.to, &table.name));
    for (oid, table) in here {
        if !is_own(context, *oid, table) {
            result.findings.push(foreign_marker(context, *oid, table));
        } else if !returning.contains_key(oid) {
            judge_one(context, *oid, table, returning, &mut result);
        }
    }
    result
}

fn judge_one(
    context: &Context<'_>,
    oid: Oid,
    table: &Retired,
    returning: &BTreeMap<Oid, (Bound, Bound)>,
    result: &mut RetiredTables,
) {
    let partition = Relation { name: table.name.clone(), oid };
    let retiring = Retiring { partition, owner: table.owner.clone(), marker: table.marker.unstamped() };
    let (from, to) = (table.marker.from, table.marker.to);
    let held = held_by(context, from, to, table.held);
    let mut found = |code, message: String| result.findings.push(context.finding(code, Some(&table.name), message));

    let Some(stamped) = table.marker.detached_at else {
        if table.held {
            // The DO block that stamps stops at a hold in the comment: such a step would fail for as long as it is there.
            found(Code::Held, "detached, and its grace does not begin: its comment holds it".to_owned());
        } else {
            let stamp = stamp(context, retiring, Class::Drift, "an interrupted detach");
            let keys = Keys { references: table.references.clone(), partitioned: table.partitioned.clone() };
            result.drops.extend(drop_without_grace(context, &stamp, table.held, keys));
            result.stamps.push(stamp);
        }
        return;
    };
    let since = crate::render::day(stamped);
    let Some(retention) = context.table.retention else {
        found(Code::Detached, format!("detached {since}; the policy keeps everything, so it stays"));
        return;
    };
    if context.edge.is_none() && matches!(retention.keep, Keep::Keys(_)) {
        found(Code::Detached, format!("detached {since}; how far its ids lie back is not known, so it stays"));
        return;
    }
    if !context.is_expired(to) {
        if !was_over(context, to, Some(stamped)) {
            let message = format!("detached {since}, before its window was over: pgstrata never attaches it again");
            found(Code::ForeignMarker, message);
            return;
        }
        let rival = returning.values().any(|(low, high)| *low < to && from < *high);
        let by = if rival { "another detached table" } else { "another partition" };
        found(Code::WindowTaken, format!("detached {since}; the policy would keep its window, which {by} covers"));
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
                let keys = Keys { references: table.references.clone(), partitioned: table.partitioned.clone() };
                let mut step = drop_after(context, retiring, Stamp::At(stamped), keys, class);
                step.due_at = Some(due_at);
                step.note = Some(format!("detached {since}"));
                step.stake = Stake { bytes: bytes_of(context, oid), rows: table.rows_estimate };
                result.drops.push(step);
            }
            Some(due_at) => {
                let mut message = format!("detached {since}; drop due {}", crate::render::day(due_at));
                if let Some(words) = in_the_way::words(&in_the_way::of_drop(context, oid, &[])) {
                    message.push_str(&format!(", and not possible then: {words}"));
                }
                if !table.cascades_from.is_empty() {
                    let from: Vec<String> = table.cascades_from.iter().map(ToString::to_string).collect();
                    message.push_str(&format!(
                        "; rows deleted from {} still take its rows along (ON DELETE CASCADE)",
                        from.join(" and ")
                    ));
                }
                found(Code::InGrace, message);
            }
            None => found(Code::InGrace, format!("detached {since}; its grace ends beyond the calendar")),
        },
    }
}

/// With `grace: 0 days` the drop follows the stamp in the same plan, also where an interruption left the stamp out.
pub(super) fn drop_without_grace(context: &Context<'_>, stamp: &Step, held: bool, keys: Keys) -> Option<Step> {
    let Action::Partition(PartitionAction::Stamp(retiring)) = &stamp.action else { return None };
    let (retention, edge) = context.retention()?;
    let (from, to) = (retiring.marker.from, retiring.marker.to);
    let at_once = retention.then == Then::Drop && retention.grace.is_zero() && context.at_or_before(to, edge);
    if !at_once || held_by(context, from, to, held).is_some() {
        return None;
    }
    let mut step = drop_after(context, retiring.clone(), Stamp::Present, keys, Class::Drift);
    step.reason = "retention, without grace".to_owned();
    step.needs.push(stamp.id.clone());
    Some(step)
}

/// Tables that a table's foreign keys reference, and those of them that are partitioned.
pub(super) struct Keys {
    pub(super) references: BTreeSet<TableName>,
    pub(super) partitioned: BTreeSet<TableName>,
}

/// A drop of a table that carries this marker.
pub(super) fn drop_after(
    context: &Context<'_>,
    retiring: Retiring,
    stamp: Stamp,
    Keys { references, mut partitioned }: Keys,
    class: Class,
) -> Step {
    let (partition, marker) = (retiring.partition.clone(), retiring.marker.clone());
    partitioned.retain(|table| references.contains(table));
    let action = Action::Partition(PartitionAction::Drop(DropPartition { retired: retiring, references, partitioned }));
    let mut step = context.step(action, class, "grace is over");
    step.before.extend([
        Fact::Detached { partition: partition.clone() },
        Fact::Marked { partition: partition.clone(), marker, stamp },
        Fact::NotHeld { partition: partition.clone(), root: context.relation() },
    ]);
    step.after.push(Fact::Gone { partition: partition.clone() });
    step.hazards.push(Hazard {
        kind: HazardKind::DeletesData,
        object: partition.name.clone().into(),
        detail: "its rows are gone for good".to_owned(),
    });
    step.hazards.extend(context.standby_hazard(&partition.name));
    step
}

fn foreign_marker(context: &Context<'_>, oid: Oid, table: &Retired) -> Finding {
    let marker = &table.marker;
    let what = if let Some(what) = &table.in_use_as {
        format!("it carries a marker, and is {what}: left alone")
    } else if marker.root_oid != context.root.oid {
        "its marker speaks of a table with another OID (restored from a dump?): never dropped".to_owned()
    } else if marker.oid != oid {
        "its marker is another table's (restored or copied?): never dropped".to_owned()
    } else if !ends(marker) {
        "the bounds in its marker have no end, and no such partition ever leaves: never dropped".to_owned()
    } else if !is_entitled(context, &table.owner) {
        format!(
            "its marker names {} as its table, of which its owner {} owns nothing: never attached or dropped",
            context.name, table.owner
        )
    } else {
        "the bounds in its marker are of another type than the key: never dropped".to_owned()
    };
    let mut finding = context.finding(Code::ForeignMarker, Some(&table.name), what);
    let held = held_by(context, Bound::MinValue, Bound::MaxValue, table.held);
    finding.hint = Some(match held {
        Some(by) => format!("look at its comment; do not drop it by hand while it is held by {by}"),
        None => "look at its comment; drop the table or the comment's line by hand".to_owned(),
    });
    finding
}

/// The exact size of what leaves, where the server told it.
pub(super) fn bytes_of(context: &Context<'_>, relation: Oid) -> Option<u64> {
    match context.snapshot.answers.get(&Question::Bytes { relation }) {
        Answer::Bytes(bytes) => Some(bytes),
        Answer::Unknown(_)
        | Answer::Leaf(_)
        | Answer::Keys(_)
        | Answer::Rows(_)
        | Answer::DefaultKeys(_)
        | Answer::Shape(_)
        | Answer::Withheld(_)
        | Answer::Refused(_)
        | Answer::Bloat(_)
        | Answer::Spelling(_)
        | Answer::Found(_)
        | Answer::Taken(_) => None,
    }
}
