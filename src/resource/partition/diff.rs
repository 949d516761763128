//! One table: desired against actual, as steps in an order that satisfies their needs, and findings.

use std::collections::{BTreeMap, BTreeSet};

use super::context::Context;
use super::create::{self, creations};
use super::cursor;
use super::default;
use super::ends;
use super::in_the_way;
use super::making::Maker;
use super::new_schema;
use super::remove::{finalize, keys_of_root, own_marker, removals};
use super::retention::{Leaver, expired, leaving, newest_question};
use super::retired;
use super::returning::{attach, returning};
use super::rows;
use super::siblings;
use super::unknown;
use super::unmarked;
use super::wanted::pieces;
use crate::catalog::{Oid, Question};
use crate::grid::{Bound, LeafBounds};
use crate::plan::{Action, Code, DropPartition, Finding, PartitionAction, Scope, Step, Verb};
use crate::policy::Then;
use crate::sql::TableName;

/// What one table needs, and what was seen and left alone.
#[derive(Debug, Default)]
pub(crate) struct Diff {
    /// Steps, in order.
    pub(crate) steps: Vec<Step>,
    /// Findings.
    pub(crate) findings: Vec<Finding>,
}

/// What one table is judged beside.
pub(crate) struct Around<'a> {
    /// The steps of tables before this one.
    pub(crate) earlier: &'a [Step],
    /// Whether a step of this table will be carried out: what is blocked has no effect on the rest.
    pub(crate) takes_effect: &'a dyn Fn(&Step) -> bool,
}

/// What must be asked of the server before [`diff`] can judge the table.
pub(crate) fn questions(context: &Context<'_>) -> BTreeSet<Question> {
    let returning = returning(context);
    let mut questions = create::questions(context, &pieces(context, &returning), &returning);
    questions.extend(default::questions(context));
    questions.extend(rows::questions(context));
    questions.extend(new_schema::questions(context));
    if !context.grid.tells_time() {
        questions.insert(cursor::question(context.root.oid));
    }
    let expired = expired(context);
    if !expired.is_empty() {
        questions.insert(newest_question(context));
    }
    questions.extend(expired.iter().map(|leaver| Question::Bytes { relation: leaver.oid }));
    questions.extend(retired::questions(context));
    questions.extend(in_the_way::questions_of_detach(context, &expired));
    let at_once = context.table.retention.is_some_and(|retention| retention.grace.is_zero());
    let dropped = retired::own(context).map(|(oid, _)| oid);
    let dropped = dropped.chain(expired.iter().filter(|_| at_once).map(|leaver| leaver.oid));
    questions.extend(in_the_way::questions_of_drop(context, dropped));
    questions.extend(returning.iter().map(|table| in_the_way::question_of_attach(context, table)));
    questions
}

/// Judges one table: create, finalize, change, detach, drop. `used` are names that this plan gives to partitions of other
/// tables, and of this one after it; `around` is what it is judged beside.
pub(crate) fn diff(
    context: &Context<'_>,
    scope: Scope,
    used: &mut BTreeSet<TableName>,
    Around { earlier, takes_effect }: &Around<'_>,
) -> Diff {
    let expired = expired(context);
    let mut findings = seen(context, &expired);
    let returning = returning(context);
    let back: BTreeMap<Oid, (Bound, Bound)> = returning.iter().map(|table| (table.oid, table.range())).collect();
    let pending = context.pending;
    let finalizing = finalize(context, pending.is_some_and(|(oid, _)| back.contains_key(&oid)), &mut findings);
    let finalize_id = finalizing.iter().find(|step| step.action.verb() == Verb::Finalize).map(|step| &step.id);
    let pending = pending.and_then(|(_, leaf)| leaf.bounds.coverage());
    let blocker = finalize_id.zip(pending).map(|(id, (from, to))| (id, from, to));

    findings.extend(about_cursor(context));
    findings.extend(ends::findings(context));
    findings.extend(rows::findings(context));
    let missing = new_schema::missing(context);
    let wanted = if missing.is_some() { Vec::new() } else { pieces(context, &returning) };
    let (wanted, unmarked) = unmarked::set_aside(context, wanted);
    let maker = Maker::new(context);
    let created = creations(context, &wanted, blocker, &maker, used);
    let (waiting, free): (Vec<Step>, Vec<Step>) = created.steps.into_iter().partition(|step| !step.needs.is_empty());
    findings.extend(created.findings);
    // Last among the creations: none of them then has a default partition to lock and scan.
    let default = default::default_partition(context, &maker, used, &mut findings).filter(|_| missing.is_none());
    findings.extend(missing);
    findings.extend(maker.findings);
    findings.extend(siblings::findings(context));
    // One that this plan does not make stands in no detach's way.
    let default = default.filter(|_| scope != Scope::Removals);
    let made = default.as_ref().filter(|step| takes_effect(step));
    let default_name = made.and_then(|step| step.action.partition().cloned());
    let default_name = default_name.as_ref();
    let attaches: Vec<Step> =
        returning.iter().map(|table| attach(context, table, blocker, default_name, &mut findings)).collect();
    let leaving = leaving(context, &expired);
    let removals = removals(context, &leaving, finalize_id, default_name, earlier);
    let tables = retired::judge(context, &back);
    // A stamped detach that was pending, under a policy without grace.
    let finalized = finalizing.iter().find_map(|step| {
        let held = context.root.pending_leaf().is_some_and(|(_, leaf)| leaf.held);
        retired::drop_without_grace(context, step, held, keys_of_root(context))
    });

    let mut steps = free;
    steps.extend(finalizing.iter().cloned());
    steps.extend(waiting);
    steps.extend(default);
    steps.extend(tables.stamps);
    steps.extend(attaches);
    steps.extend(removals.detaches);
    for mut drop in finalized.into_iter().chain(tables.drops).chain(removals.drops) {
        if let Action::Partition(PartitionAction::Drop(DropPartition { retired, .. })) = &drop.action {
            let obstacles = in_the_way::of_drop(context, retired.partition.oid, earlier);
            in_the_way::put(context, &obstacles, earlier, std::slice::from_mut(&mut drop));
        }
        steps.push(drop);
    }

    findings.extend(cascades(context, !leaving.leavers.is_empty()));
    findings.extend(leaving.findings);
    if let Some(because) = leaving.unknown {
        findings.push(context.finding(Code::Unknown, None, because));
    }
    findings.extend(tables.findings);
    findings.extend(unmarked::findings(context, &unmarked));
    findings.extend(unknown::findings(context, &steps));
    Diff { steps, findings }
}

/// A detached partition keeps the table's foreign keys: no grace protects its rows from a DELETE that cascades. 14 takes
/// the keys to partitioned tables away.
fn cascades(context: &Context<'_>, leaves: bool) -> Option<Finding> {
    let retention = context.table.retention.filter(|_| leaves)?;
    let stays = retention.then == Then::Detach || !retention.grace.is_zero();
    let lost = context.snapshot.target.major() < 15;
    let from = context.root.cascades_from.iter().filter(|table| !(lost && context.root.partitioned.contains(*table)));
    let from: Vec<String> = from.filter(|_| stays).map(ToString::to_string).collect();
    (!from.is_empty()).then(|| {
        let message = format!(
            "detached partitions keep its foreign keys: rows deleted from {} still take theirs along (ON DELETE CASCADE), \
             whatever the grace",
            from.join(" and ")
        );
        context.finding(Code::KeyCascades, None, message)
    })
}

/// Where the rows of ids are, when that is not simply where they end.
fn about_cursor(context: &Context<'_>) -> Option<Finding> {
    if let Some(because) = &context.cursor.unknown {
        let message = format!("how far its ids have come is unknown, so nothing is created or removed: {because}");
        return Some(context.finding(Code::Unknown, None, message));
    }
    let (oid, key) = context.cursor.ahead?;
    let leaf = context.root.leaves.get(&oid)?;
    let reached = context.cursor.reached.map_or_else(String::new, |reached| format!(" from {reached}"));
    let message = format!("it has rows up to {key}, above partitions without any: retention counts{reached}");
    Some(context.finding(Code::RowsAhead, Some(&leaf.name), message))
}

/// What stands out among the attached partitions, whether or not retention speaks of it.
fn seen(context: &Context<'_>, expired: &[Leaver<'_>]) -> Vec<Finding> {
    let expired: BTreeSet<Oid> = expired.iter().map(|leaver| leaver.oid).collect();
    let mut findings = Vec::new();
    for (oid, leaf) in &context.root.leaves {
        let mut found = |code, message: String| findings.push(context.finding(code, Some(&leaf.name), message));
        match &leaf.bounds {
            LeafBounds::Default => {}
            LeafBounds::Other(text) => found(Code::Unbounded, format!("{text}: such bounds never leave")),
            LeafBounds::Range { to: Bound::MaxValue, .. } => {
                found(Code::Unbounded, format!("{}: without an upper bound it never leaves", leaf.bounds));
            }
            LeafBounds::Range { from, to } if !expired.contains(oid) => {
                if context.grid.is_off_grid(*from, *to) {
                    found(Code::Straddling, format!("{} fits no window of the grid", leaf.bounds));
                } else if *from == Bound::MinValue {
                    let leaves = context.table.retention.map_or("", |_| ", and it leaves by its upper bound");
                    found(Code::Unbounded, format!("{} is open below{leaves}", leaf.bounds));
                }
            }
            LeafBounds::Range { .. } => {}
        }
        if !expired.contains(oid) && !leaf.pending && own_marker(context, *oid, leaf).is_some() {
            found(Code::MarkedButWanted, "it is marked as retired, and the policy keeps it: left attached".to_owned());
        }
    }
    findings
}
