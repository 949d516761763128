//! Steps that make partitions of windows: premake, gaps, bridges; and what a default partition means for them.

use std::collections::BTreeSet;

use super::context::{Context, finite};
use super::making::Maker;
use super::names::{Names, free_name};
use super::returning::Returning;
use super::unknown;
use super::wanted::Piece;
use crate::catalog::{Answer, Question, RowCount, was_locked};
use crate::grid::{Bound, LeafBounds};
use crate::plan::{
    Action, Block, Code, CreatePartition, Fact, Finding, Gate, Hazard, HazardKind, PartitionAction, Step, StepId,
};
use crate::resource::storage::{parameters, promised};
use crate::sql::{Ident, MAX_IDENT_BYTES, TableName};

/// A default partition up to this size is scanned in a few milliseconds (measured: 95 ms for a million rows, about
/// 60 MB): its scan under ACCESS EXCLUSIVE does not count as work that grows with the data.
pub(crate) const SMALL_BYTES: u64 = 8 * 1024 * 1024;

/// Creations and what was found on the way.
#[derive(Debug, Default)]
pub(super) struct Creations {
    pub(super) steps: Vec<Step>,
    pub(super) findings: Vec<Finding>,
}

/// What must be asked before these pieces can become steps.
pub(super) fn questions(context: &Context<'_>, pieces: &[Piece], returning: &[Returning<'_>]) -> BTreeSet<Question> {
    let mut questions = BTreeSet::new();
    let names = Names::of(context, pieces.iter().map(|piece| (piece.from, piece.to)));
    for piece in pieces {
        for name in names.candidates(piece.from, piece.to) {
            questions.insert(Question::NameTaken { name });
        }
    }
    let windows = pieces.iter().map(|piece| (piece.from, piece.to));
    let back = returning.iter().filter_map(|table| finite(table.range().0, table.range().1));
    let back = back.map(|(from, to)| (from, Bound::Value(to)));
    if let Some((leaf, _)) = context.default {
        for (from, to) in windows.chain(back) {
            questions.insert(Question::Bytes { relation: leaf });
            questions.insert(Question::DefaultRows { leaf, from, to });
        }
    }
    questions
}

/// Steps for these pieces. `finalizing` is the step that completes a pending detach, with the range it frees; `used` are
/// names that this plan gives to others.
pub(super) fn creations(
    context: &Context<'_>,
    pieces: &[Piece],
    finalizing: Option<(&StepId, Bound, Bound)>,
    maker: &Maker,
    used: &mut BTreeSet<TableName>,
) -> Creations {
    let mut result = Creations::default();
    let within = within_limit(context, pieces);
    let names = Names::of(context, pieces.iter().map(|piece| (piece.from, piece.to)));
    for (at, piece) in pieces.iter().enumerate() {
        let bounds = LeafBounds::Range { from: Bound::Value(piece.from), to: piece.to };
        let wanted = names.candidates(piece.from, piece.to);
        let Some(name) = free_name(context, &wanted, used, &bounds.to_string(), &mut result.findings) else { continue };
        let action = Action::Partition(PartitionAction::Create(CreatePartition {
            root: context.relation(),
            partition: name.clone(),
            key: context.root.key.clone(),
            from: piece.from,
            to: piece.to,
            attributes: context.root.attributes.clone(),
            storage_parameters: parameters(context),
            making: Box::new(maker.making(&name)),
            touches: context.touches(),
        }));
        let mut step = context.step(action, piece.class, piece.reason);
        step.due_at = piece.due_at;
        let (from, to) = (Bound::Value(piece.from), piece.to);
        step.before.push(Fact::NameFree { name: name.clone() });
        step.before.push(Fact::RangeFree { root: context.relation(), from, to });
        step.after.push(Fact::Attached {
            root: context.relation(),
            partition: name.clone(),
            oid: None,
            bounds: LeafBounds::Range { from, to },
            pending: false,
        });
        step.after.extend(promised(context, &name));
        step.needs.extend(finalizing.filter(|(_, low, high)| *low < to && from < *high).map(|(id, _, _)| id.clone()));
        beside_default(context, (from, to), &mut step, &mut result.findings);
        subscriber_hazard(context, &name, &mut step);
        maker.judge(&name, &mut step);
        if !within.contains(&at) {
            let wanted = u32::try_from(pieces.len()).unwrap_or(u32::MAX);
            add_block(&mut step, Block::MaxCreate { wanted, limit: context.desired.apply.max_create });
        }
        result.steps.push(step);
    }
    result
}

pub(crate) fn suffixed(base: &str, suffix: &str) -> Ident {
    let mut end = base.len().min(MAX_IDENT_BYTES - suffix.len());
    while !base.is_char_boundary(end) {
        end -= 1;
    }
    Ident::new(format!("{}{suffix}", &base[..end]))
}

/// Which pieces fit `apply.max_create`: what inserts need first, then the most recent gaps.
fn within_limit(context: &Context<'_>, pieces: &[Piece]) -> BTreeSet<usize> {
    let limit = usize::try_from(context.desired.apply.max_create).unwrap_or(usize::MAX);
    let now = context.current();
    let (ahead, behind): (Vec<usize>, Vec<usize>) =
        (0..pieces.len()).partition(|at| now.is_some_and(|now| pieces[*at].to > Bound::Value(now)));
    ahead.into_iter().chain(behind.into_iter().rev()).take(limit).collect()
}

/// What a default partition means for a creation: its rows may be in the way, and the attach scans it under its lock.
pub(super) fn beside_default(
    context: &Context<'_>,
    (from, to): (Bound, Bound),
    step: &mut Step,
    findings: &mut Vec<Finding>,
) {
    let Some((oid, leaf)) = context.default else { return };
    let answers = &context.snapshot.answers;
    match unknown::rows_in_default(context, oid, (from, to)) {
        Answer::Rows(rows) if rows.is_zero() => {}
        Answer::Rows(rows) => block_rows(context, step, leaf, Some(rows), findings),
        Answer::Unknown(because) => {
            let because_locked = was_locked(&because).then(|| because.clone());
            let block = Block::RowsInDefault { rows: None, because: because_locked };
            add_block(step, unknown::block(context, &because, block));
        }
        Answer::Leaf(_)
        | Answer::Keys(_)
        | Answer::Bytes(_)
        | Answer::DefaultKeys(_)
        | Answer::Shape(_)
        | Answer::Withheld(_)
        | Answer::Refused(_)
        | Answer::Bloat(_)
        | Answer::Spelling(_)
        | Answer::Found(_)
        | Answer::Taken(_) => {
            add_block(step, Block::RowsInDefault { rows: None, because: None });
        }
    }
    let detail = match answers.get(&Question::Bytes { relation: oid }) {
        Answer::Bytes(bytes) if bytes <= SMALL_BYTES => return,
        Answer::Bytes(bytes) => {
            format!("the attach scans the default partition ({}) under ACCESS EXCLUSIVE", crate::render::bytes(bytes))
        }
        // No grant helps: the next plan knows whether one is needed.
        Answer::Unknown(because) if was_locked(&because) => {
            let block = Block::RowsInDefault { rows: None, because: Some(because) };
            if !matches!(&step.gate, Gate::Blocked(blocks) if blocks.contains(&block)) {
                add_block(step, block);
            }
            return;
        }
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
        | Answer::Taken(_) => {
            "the attach scans the default partition, of unknown size, under ACCESS EXCLUSIVE".to_owned()
        }
    };
    for kind in [HazardKind::BlocksReads, HazardKind::BlocksWrites] {
        step.hazards.push(Hazard { kind, object: leaf.name.clone().into(), detail: detail.clone() });
    }
}

fn block_rows(
    context: &Context<'_>,
    step: &mut Step,
    leaf: &crate::catalog::Leaf,
    rows: Option<RowCount>,
    findings: &mut Vec<Finding>,
) {
    let count = rows.map_or_else(|| "rows".to_owned(), |rows| rows.to_string());
    let lie = if rows == Some(RowCount::Exactly(1)) { "lies" } else { "lie" };
    let message = format!("{count} for {} {lie} in the default partition: move them out first", step.action.object());
    let mut finding = context.finding(Code::RowsInDefault, Some(&leaf.name), message);
    finding.hint = step.action.partition().map(|partition| {
        format!(
            "in one transaction, make {partition} like the default partition, move the rows there and attach it: README, \"Rows in the default partition\""
        )
    });
    findings.push(finding);
    add_block(step, Block::RowsInDefault { rows, because: None });
}

pub(super) fn subscriber_hazard(context: &Context<'_>, partition: &TableName, step: &mut Step) {
    for publication in &context.root.leaf_publications {
        step.hazards.push(Hazard {
            kind: HazardKind::SubscriberNeedsTable,
            object: partition.clone().into(),
            detail: format!(
                "publication {publication} sends it under its own name; create it on each subscriber, then there: ALTER SUBSCRIPTION … REFRESH PUBLICATION"
            ),
        });
    }
}

/// Adds a reason not to run.
pub(super) fn add_block(step: &mut Step, block: Block) {
    match &mut step.gate {
        Gate::Blocked(blocks) => blocks.push(block),
        Gate::Open | Gate::Granted(_) => step.gate = Gate::Blocked(vec![block]),
    }
}
