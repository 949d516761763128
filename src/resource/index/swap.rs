//! The last step of a changed definition: the new one takes the old one's name, comment and statistics targets.

use super::diff::Target;
use super::steps::Wanted;
use super::view::{Seen, View, leaves};
use crate::catalog::{IndexFacts, Oid};
use crate::plan::{Action, Code, Finding, IndexAction, Kept, Step, StepId};
use crate::resource::partition::Context;
use crate::sql::TableName;

/// An index that stands under a name of the policy and is something else, and what takes its place.
pub(super) struct Swap<'s, 'a> {
    pub(super) context: &'s Context<'a>,
    pub(super) view: &'s View<'a>,
    pub(super) one: &'s Wanted<'a>,
    pub(super) target: &'s Target<'a>,
    pub(super) rival: &'s Seen<'a>,
    pub(super) new: &'s TableName,
    pub(super) waits_for: &'s [StepId],
}

impl<'a> Swap<'_, 'a> {
    /// Adds the step, or says why the old one stays.
    pub(super) fn add(&self, steps: &mut Vec<Step>, findings: &mut Vec<Finding>) {
        let Self { context, view: _, one, target: _, rival, new, waits_for } = self;
        let differences = rival.shape.as_ref().map(|shape| shape.differences(&one.shape).join("; "));
        let message = format!("it differs from the policy: {}", differences.unwrap_or_default());
        if let Some(because) = self.stands_on() {
            let message = format!("{message}; {because}, so it stays beside {new}");
            findings.push(context.finding(Code::IndexDiffers, Some(&rival.facts.name), message));
            return;
        }
        let mut step = one.swap(context, rival, new, self.keeps(steps));
        step.needs.extend(waits_for.iter().cloned());
        steps.push(step);
    }

    /// Why a root's index cannot be dropped: its drop takes the partitions' along, and a replica identity or a mark of
    /// CLUSTER is each table's own.
    fn stands_on(&self) -> Option<String> {
        let used = |seen: &Seen<'_>, of: &str| match (seen.facts.constraint, seen.facts.in_use) {
            (true, _) => Some(format!("a constraint stands on {of}")),
            (false, true) => Some(format!("{of} is a replica identity, or what CLUSTER goes by")),
            // It could neither be written back nor be kept without its index.
            (false, false) if seen.facts.comment_is_lossy => {
                Some(format!("the comment of {of} is no UTF-8 and would be lost (COMMENT ON INDEX gives it another)"))
            }
            (false, false) => None,
        };
        used(self.rival, "it")
            .or_else(|| self.children().filter_map(|seen| used(seen, &seen.facts.name.to_string())).min())
    }

    /// The old one's of partitions.
    fn children(&self) -> impl Iterator<Item = &Seen<'a>> {
        self.view.of_leaf.values().flatten().filter(|seen| seen.facts.parent == Some(self.rival.oid))
    }

    /// What a person gave the old one and its partitions' goes on with those that take their places.
    fn keeps(&self, steps: &[Step]) -> Vec<Kept> {
        let mut kept = Vec::new();
        self.keep(self.rival.facts, self.new, &mut kept);
        for (oid, leaf) in leaves(self.context) {
            let Some(old) = self.view.child(oid, self.rival.oid) else { continue };
            if old.facts.comment.is_none() && old.facts.targets.is_empty() {
                continue;
            }
            if let Some(new) = self.successor(oid, &leaf.name, steps) {
                self.keep(old.facts, &new, &mut kept);
            }
        }
        kept
    }

    /// The partition's index that is, or will be, attached to the new one.
    fn successor(&self, leaf: Oid, partition: &TableName, steps: &[Step]) -> Option<TableName> {
        let there = self.target.existing.as_ref().and_then(|seen| self.view.child(leaf, seen.oid));
        there.map(|seen| seen.facts.name.clone()).or_else(|| {
            steps.iter().find_map(|step| match &step.action {
                Action::Index(IndexAction::Attach(attach)) if attach.partition == *partition => {
                    Some(attach.index.clone())
                }
                Action::Index(_)
                | Action::Partition(_)
                | Action::Storage(_)
                | Action::Maintenance(_)
                | Action::Limit(_)
                | Action::Setting(_) => None,
            })
        })
    }

    fn keep(&self, old: &IndexFacts, new: &TableName, kept: &mut Vec<Kept>) {
        if let Some(text) = &old.comment {
            kept.push(Kept::Comment { index: new.clone(), text: text.clone() });
        }
        // Only an expression has one, and it may stand elsewhere among the new columns.
        let shape = self.rival.shape.as_ref();
        for (column, target) in &old.targets {
            let what =
                shape.and_then(|shape| shape.keys.get(usize::from(*column).checked_sub(1)?)).map(|key| &key.what);
            let place = what.and_then(|what| self.one.shape.keys.iter().position(|key| key.what == *what));
            if let Some(column) = place.and_then(|at| u16::try_from(at + 1).ok()) {
                kept.push(Kept::StatisticsTarget { index: new.clone(), column, target: *target });
            }
        }
    }
}
