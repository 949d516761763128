//! One table: desired against actual, as steps in an order that satisfies their needs, and findings.

use std::collections::BTreeSet;

use super::context::Context;
use super::create::{self, creations};
use super::remove::{finalize, own_marker, removals};
use super::retention::{expired, leaving, newest_question};
use super::retired;
use super::wanted::pieces;
use crate::catalog::Question;
use crate::grid::{Bound, Fit, LeafBounds};
use crate::plan::{Action, Code, Finding, Step};
use crate::sql::TableName;

/// What one table needs, and what was seen and left alone.
#[derive(Debug, Default)]
pub(crate) struct Diff {
    /// Steps, in order.
    pub(crate) steps: Vec<Step>,
    /// Findings.
    pub(crate) findings: Vec<Finding>,
}

/// What must be asked of the server before [`diff`] can judge the table.
pub(crate) fn questions(context: &Context<'_>) -> BTreeSet<Question> {
    let mut questions = create::questions(context, &pieces(context));
    let expired = expired(context);
    if !expired.is_empty() {
        questions.insert(newest_question(context));
    }
    questions.extend(expired.iter().map(|leaver| Question::Bytes { relation: leaver.oid }));
    questions.extend(retired::questions(context));
    questions
}

/// Judges one table: create, finalize, change, detach, drop.
pub(crate) fn diff(context: &Context<'_>) -> Diff {
    let mut findings = seen(context);
    let finalizing = finalize(context);
    let pending = context.root.pending_leaf().and_then(|(_, leaf)| leaf.bounds.coverage());
    let blocker = finalizing.first().zip(pending).map(|(step, (from, to))| (&step.id, from, to));
    let created = creations(context, &pieces(context), blocker);
    let leaving = leaving(context);
    let tables = retired::judge(context);
    let (waiting, free): (Vec<Step>, Vec<Step>) = created.steps.into_iter().partition(|step| !step.needs.is_empty());

    let mut steps = free;
    steps.extend(create::default_partition(context, &mut findings));
    steps.extend(finalizing.iter().cloned());
    steps.extend(waiting);
    steps.extend(tables.changes);
    steps.extend(removals(context, &leaving, finalizing.first().map(|step| &step.id)));
    steps.extend(tables.drops);
    default_joins(&mut steps);

    findings.extend(created.findings);
    findings.extend(leaving.findings);
    if let Some(because) = leaving.unknown {
        findings.push(context.finding(Code::Unknown, None, because));
    }
    findings.extend(tables.findings);
    Diff { steps, findings }
}

/// The default partition that a step makes is locked by every attach and detach behind it.
fn default_joins(steps: &mut [Step]) {
    let mut made: Option<TableName> = None;
    for step in steps {
        let touches = match &mut step.action {
            Action::CreateDefault(create) => {
                made = Some(create.partition.clone());
                continue;
            }
            Action::CreatePartition(create) => &mut create.touches,
            Action::AttachPartition(attach) => &mut attach.touches,
            Action::DetachPartition(detach) => &mut detach.leaving.touches,
            Action::FinalizeDetach(_)
            | Action::MarkPartition(_)
            | Action::StampPartition(_)
            | Action::DropPartition(_) => continue,
        };
        if made.is_some() {
            touches.default.clone_from(&made);
        }
    }
}

/// What stands out among the attached partitions, whether or not retention speaks of it.
fn seen(context: &Context<'_>) -> Vec<Finding> {
    let expired: BTreeSet<_> = expired(context).iter().map(|leaver| leaver.oid).collect();
    let mut findings = Vec::new();
    for (oid, leaf) in &context.root.leaves {
        let mut found = |code, message: String| findings.push(context.finding(code, Some(&leaf.name), message));
        match &leaf.bounds {
            LeafBounds::Default => {}
            LeafBounds::Other(text) => found(Code::Unbounded, format!("{text}: such bounds never leave")),
            LeafBounds::Range { from: Bound::MinValue, .. } | LeafBounds::Range { to: Bound::MaxValue, .. } => {
                found(Code::Unbounded, format!("{}: unbounded partitions never leave", leaf.bounds));
            }
            LeafBounds::Range { from, to } if !expired.contains(oid) => match context.grid.classify(*from, *to) {
                Fit::Exact(_) | Fit::Part(_) | Fit::Span { .. } | Fit::Unbounded => {}
                Fit::Straddling => found(Code::Straddling, format!("{} fits no window of the grid", leaf.bounds)),
            },
            LeafBounds::Range { .. } => {}
        }
        if !expired.contains(oid) && !leaf.pending && own_marker(context, *oid, leaf).is_some() {
            found(Code::MarkedButWanted, "it is marked as retired, and the policy keeps it: left attached".to_owned());
        }
    }
    findings
}
