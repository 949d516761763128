//! Steps that make partitions: premake, gaps, bridges, and the default partition where the policy requires one.

use std::collections::BTreeSet;

use super::context::Context;
use super::wanted::Piece;
use crate::catalog::{Answer, Question, RowCount};
use crate::grid::{Bound, KeyValue, LeafBounds, NameTemplate};
use crate::plan::{
    Action, Block, Class, Code, CreateDefault, CreatePartition, Fact, Finding, Gate, Hazard, HazardKind, Step, StepId,
    Touches,
};
use crate::policy::DefaultPartition;
use crate::sql::{Ident, MAX_IDENT_BYTES, TableName};

/// Names tried for a new partition before giving up: the template's, then `_2`, `_3`, `_4` behind it.
const NAME_TRIES: u32 = 4;

/// A default partition up to this size is scanned in a few milliseconds (measured: 95 ms for a million rows, about
/// 60 MB): its scan under ACCESS EXCLUSIVE does not count as work that grows with the data.
const SMALL_DEFAULT_BYTES: u64 = 8 * 1024 * 1024;

/// Creations and what was found on the way.
#[derive(Debug, Default)]
pub(super) struct Creations {
    pub(super) steps: Vec<Step>,
    pub(super) findings: Vec<Finding>,
}

/// What must be asked before these pieces can become steps.
pub(super) fn questions(context: &Context<'_>, pieces: &[Piece]) -> BTreeSet<Question> {
    let mut questions = BTreeSet::new();
    for piece in pieces {
        for name in names(context, piece.from, piece.to) {
            questions.insert(Question::NameTaken { name });
        }
    }
    if let Some((leaf, _)) = context.root.default_leaf().filter(|_| !pieces.is_empty()) {
        questions.insert(Question::Bytes { relation: leaf });
        for piece in pieces {
            questions.insert(Question::DefaultRows { leaf, from: piece.from, to: piece.to });
        }
    }
    if wants_default(context) {
        questions.insert(Question::NameTaken { name: default_name(context) });
    }
    questions
}

/// Steps for these pieces. `finalizing` is the step that completes a pending detach, with the range it frees.
pub(super) fn creations(
    context: &Context<'_>,
    pieces: &[Piece],
    finalizing: Option<(&StepId, Bound, Bound)>,
) -> Creations {
    let mut result = Creations::default();
    let mut used = BTreeSet::new();
    let within = within_limit(context, pieces);
    for (at, piece) in pieces.iter().enumerate() {
        let bounds = LeafBounds::Range { from: Bound::Value(piece.from), to: Bound::Value(piece.to) };
        let candidates = names(context, piece.from, piece.to);
        let free = |name: &TableName| {
            !used.contains(name)
                && context.snapshot.answers.get(&Question::NameTaken { name: name.clone() }) != Answer::Taken(true)
        };
        let Some(name) = candidates.iter().find(|name| free(name)).cloned() else {
            let message = format!(
                "no partition for {bounds}: the names {} to {} are taken",
                candidates[0],
                candidates[candidates.len() - 1]
            );
            result.findings.push(context.finding(Code::NameTaken, candidates.first(), message));
            continue;
        };
        if name != candidates[0] {
            let message = format!("a relation of this name is there: the partition for {bounds} is called {name}");
            result.findings.push(context.finding(Code::NameTaken, candidates.first(), message));
        }
        used.insert(name.clone());
        let action = Action::CreatePartition(CreatePartition {
            root: context.relation(),
            partition: name.clone(),
            key: context.root.key.clone(),
            from: piece.from,
            to: piece.to,
            attributes: context.root.attributes.clone(),
            storage_parameters: context.table.storage_parameters.clone(),
            touches: context.touches(),
        });
        let mut step = context.step(action, piece.class, piece.reason);
        step.due_at = piece.due_at;
        let (from, to) = (Bound::Value(piece.from), Bound::Value(piece.to));
        step.before.push(Fact::NameFree { name: name.clone() });
        step.before.push(Fact::RangeFree { root: context.relation(), from, to });
        step.after.push(Fact::Attached {
            root: context.relation(),
            partition: name.clone(),
            oid: None,
            bounds: LeafBounds::Range { from, to },
            pending: false,
        });
        step.needs.extend(finalizing.filter(|(_, low, high)| *low < to && from < *high).map(|(id, _, _)| id.clone()));
        beside_default(context, piece, &mut step, &mut result.findings);
        subscriber_hazard(context, &name, &mut step);
        if !within.contains(&at) {
            let wanted = u32::try_from(pieces.len()).unwrap_or(u32::MAX);
            add_block(&mut step, Block::MaxCreate { wanted, limit: context.desired.apply.max_create });
        }
        result.steps.push(step);
    }
    result
}

/// The default partition that the policy requires and the table lacks.
pub(super) fn default_partition(context: &Context<'_>, findings: &mut Vec<Finding>) -> Option<Step> {
    match (context.table.default_partition, context.root.default_leaf()) {
        (DefaultPartition::None, Some((_, leaf))) => {
            let mut finding = context.finding(
                Code::DefaultPartitionPresent,
                Some(&leaf.name),
                "the policy says `default_partition: none`; an existing one is never removed".to_owned(),
            );
            finding.hint = Some(
                "every attach locks it ACCESS EXCLUSIVE and no partition can be detached concurrently: drop it when it is empty, or write `allow`".to_owned(),
            );
            findings.push(finding);
            None
        }
        (DefaultPartition::Require, None) => Some(create_default(context)),
        (DefaultPartition::None, None) | (DefaultPartition::Allow, _) | (DefaultPartition::Require, Some(_)) => None,
    }
}

/// Whether this plan makes a default partition.
pub(super) fn wants_default(context: &Context<'_>) -> bool {
    context.table.default_partition == DefaultPartition::Require && context.root.default_leaf().is_none()
}

/// What the server locks along with the root once the default partition that this plan makes is there.
pub(super) fn touches_later(context: &Context<'_>) -> Touches {
    let mut touches = context.touches();
    if wants_default(context) {
        touches.default.get_or_insert_with(|| default_name(context));
    }
    touches
}

fn default_name(context: &Context<'_>) -> TableName {
    TableName { schema: context.name.schema.clone(), name: suffixed(context.name.name.as_str(), "_default") }
}

fn create_default(context: &Context<'_>) -> Step {
    let name = default_name(context);
    let action = Action::CreateDefault(CreateDefault {
        root: context.relation(),
        partition: name.clone(),
        attributes: context.root.attributes.clone(),
        storage_parameters: context.table.storage_parameters.clone(),
        touches: context.touches(),
    });
    let mut step = context.step(action, Class::Drift, "the policy requires a default partition");
    step.before.push(Fact::NameFree { name: name.clone() });
    step.before.push(Fact::NoDefault { root: context.relation() });
    let root = context.relation();
    step.after.push(Fact::Attached {
        root,
        partition: name.clone(),
        oid: None,
        bounds: LeafBounds::Default,
        pending: false,
    });
    subscriber_hazard(context, &name, &mut step);
    step
}

/// The template's name, then others, cut so that the suffix survives.
fn names(context: &Context<'_>, from: KeyValue, to: KeyValue) -> Vec<TableName> {
    let template = context.table.name.clone().unwrap_or_else(|| NameTemplate::default_for(context.grid.interval()));
    let first = template.render(context.name.name.as_str(), from, to, context.grid);
    let others = (2..=NAME_TRIES).map(|n| suffixed(&first, &format!("_{n}")));
    std::iter::once(Ident::new(first.clone()))
        .chain(others)
        .map(|name| TableName { schema: context.name.schema.clone(), name })
        .collect()
}

fn suffixed(base: &str, suffix: &str) -> Ident {
    let mut end = base.len().min(MAX_IDENT_BYTES - suffix.len());
    while !base.is_char_boundary(end) {
        end -= 1;
    }
    Ident::new(format!("{}{suffix}", &base[..end]))
}

/// Which pieces fit `apply.max_create`: what inserts need first, then the most recent gaps.
fn within_limit(context: &Context<'_>, pieces: &[Piece]) -> BTreeSet<usize> {
    let limit = usize::try_from(context.desired.apply.max_create).unwrap_or(usize::MAX);
    let now = context.grid.value_at(context.now);
    let (ahead, behind): (Vec<usize>, Vec<usize>) =
        (0..pieces.len()).partition(|at| now.is_some_and(|now| pieces[*at].to > now));
    ahead.into_iter().chain(behind.into_iter().rev()).take(limit).collect()
}

/// What a default partition means for a creation: its rows may be in the way, and the attach scans it under its lock.
fn beside_default(context: &Context<'_>, piece: &Piece, step: &mut Step, findings: &mut Vec<Finding>) {
    let Some((oid, leaf)) = context.root.default_leaf() else { return };
    let answers = &context.snapshot.answers;
    let rows = answers.get(&Question::DefaultRows { leaf: oid, from: piece.from, to: piece.to });
    match rows {
        Answer::Rows(rows) if rows.is_zero() => {}
        Answer::Rows(rows) => block_rows(context, step, leaf, Some(rows), findings),
        Answer::Unknown(because) => {
            let message = format!("rows for {} to {} could not be counted: {because}", piece.from, piece.to);
            findings.push(context.finding(Code::Unknown, Some(&leaf.name), message));
            add_block(step, Block::RowsInDefault { rows: None });
        }
        Answer::Leaf(_) | Answer::Bytes(_) | Answer::Taken(_) => add_block(step, Block::RowsInDefault { rows: None }),
    }
    let detail = match answers.get(&Question::Bytes { relation: oid }) {
        Answer::Bytes(bytes) if bytes <= SMALL_DEFAULT_BYTES => return,
        Answer::Bytes(bytes) => {
            format!("the attach scans the default partition ({}) under ACCESS EXCLUSIVE", crate::render::bytes(bytes))
        }
        Answer::Unknown(_) | Answer::Leaf(_) | Answer::Rows(_) | Answer::Taken(_) => {
            "the attach scans the default partition, of unknown size, under ACCESS EXCLUSIVE".to_owned()
        }
    };
    for kind in [HazardKind::BlocksReads, HazardKind::BlocksWrites] {
        step.hazards.push(Hazard { kind, relation: leaf.name.clone(), detail: detail.clone() });
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
    let message = format!("{count} for {} lie in the default partition: move them out first", step.action.partition());
    findings.push(context.finding(Code::RowsInDefault, Some(&leaf.name), message));
    add_block(step, Block::RowsInDefault { rows });
}

fn subscriber_hazard(context: &Context<'_>, partition: &TableName, step: &mut Step) {
    for publication in &context.root.leaf_publications {
        step.hazards.push(Hazard {
            kind: HazardKind::SubscriberNeedsTable,
            relation: partition.clone(),
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
