//! The heaviest lock on each relation in use, and apart from them the locks on the partitions that come and go.

use std::collections::{BTreeMap, BTreeSet};

use crate::plan::{Action, IndexAction, PartitionAction, Plan, Step, StorageAction, Verb};
use crate::sql::{LockMode, TableName, locks};

/// The locks of a plan.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct LockSummary {
    /// Relations that others use, by mode, heaviest first.
    pub(crate) in_use: Vec<(LockMode, BTreeSet<TableName>)>,
    /// Whether each of [`Self::in_use`] is taken by blocked steps only.
    pub(crate) only_if_allowed: BTreeSet<TableName>,
    /// Partitions that leave, go or come back, locked ACCESS EXCLUSIVE themselves.
    pub(crate) own: BTreeSet<TableName>,
    /// Whether any of [`Self::own`] comes back.
    pub(crate) comes_back: bool,
    /// Partitions whose index is built plainly: small ones.
    pub(crate) built: BTreeSet<TableName>,
    /// Partitions whose index is attached, and locked itself for it.
    pub(crate) attached: BTreeSet<TableName>,
    /// Partitions that are altered: whoever uses one waits for that moment.
    pub(crate) altered: BTreeSet<TableName>,
    /// Partitions on which something is set while reads and writes go on.
    pub(crate) set: BTreeSet<TableName>,
    /// Tables whose partitions are locked as they are.
    pub(crate) with_partitions: BTreeSet<TableName>,
}

/// What a step locks that is its own: the partition that it is about.
fn is_own(step: &Step, relation: &TableName) -> bool {
    // An index of the root is nobody's partition.
    step.action.partition() == Some(relation) && step.table.as_ref() != Some(relation)
}

/// Sums up a plan's locks; blocked steps count, and are marked, because a grant would let them run.
pub(crate) fn lock_summary(plan: &Plan) -> LockSummary {
    let mut heaviest: BTreeMap<TableName, (LockMode, bool)> = BTreeMap::new();
    let mut summary = LockSummary::default();
    for step in &plan.steps {
        summary.comes_back |= matches!(step.action, Action::Partition(PartitionAction::Attach(_)));
        for lock in locks(&step.action, plan.target.major()) {
            if is_own(step, &lock.relation) {
                match &step.action {
                    Action::Index(IndexAction::Build(build)) if lock.mode == LockMode::Share => {
                        summary.built.insert(build.partition.clone());
                    }
                    Action::Index(IndexAction::Attach(attach) | IndexAction::Validate(attach)) => {
                        summary.attached.insert(attach.partition.clone());
                    }
                    Action::Storage(StorageAction::Alter(alter)) => {
                        let kind = if alter.waits() { &mut summary.altered } else { &mut summary.set };
                        kind.insert(lock.relation);
                        continue;
                    }
                    Action::Partition(_)
                    | Action::Index(
                        IndexAction::Create(_)
                        | IndexAction::Build(_)
                        | IndexAction::Alter(_)
                        | IndexAction::Rebuild(_)
                        | IndexAction::Drop(_)
                        | IndexAction::Discard(_)
                        | IndexAction::Swap(_),
                    )
                    | Action::Maintenance(_)
                    | Action::Limit(_)
                    | Action::Setting(_) => {}
                }
                match step.action.verb() {
                    Verb::Detach | Verb::Drop | Verb::Finalize | Verb::Change
                        if lock.mode == LockMode::AccessExclusive =>
                    {
                        summary.own.insert(lock.relation);
                    }
                    Verb::Detach | Verb::Drop | Verb::Finalize | Verb::Change | Verb::Create => {}
                }
                continue;
            }
            if matches!(step.action, Action::Index(IndexAction::Swap(_) | IndexAction::Discard(_))) {
                summary.with_partitions.insert(lock.relation.clone());
            }
            let blocked = step.gate.is_blocked();
            let held = heaviest.entry(lock.relation).or_insert((lock.mode, blocked));
            *held = match held.0.cmp(&lock.mode) {
                std::cmp::Ordering::Less => (lock.mode, blocked),
                std::cmp::Ordering::Equal => (lock.mode, held.1 && blocked),
                std::cmp::Ordering::Greater => *held,
            };
        }
    }
    let mut by_mode: BTreeMap<LockMode, BTreeSet<TableName>> = BTreeMap::new();
    for (relation, (mode, blocked)) in heaviest {
        if blocked {
            summary.only_if_allowed.insert(relation.clone());
        }
        by_mode.entry(mode).or_default().insert(relation);
    }
    summary.in_use = by_mode.into_iter().rev().collect();
    summary
}

impl LockSummary {
    /// Sentences, heaviest first: `at worst SHARE UPDATE EXCLUSIVE on public.events: blocks …`.
    pub(crate) fn sentences(&self) -> Vec<String> {
        let mut sentences = Vec::new();
        for (mode, relations) in &self.in_use {
            let names: Vec<String> = relations
                .iter()
                .map(|name| {
                    let too = if self.with_partitions.contains(name) { " and its partitions" } else { "" };
                    let allowed = if self.only_if_allowed.contains(name) { " (if allowed)" } else { "" };
                    format!("{name}{too}{allowed}")
                })
                .collect();
            let worst = if sentences.is_empty() { "at worst " } else { "" };
            sentences.push(format!("{worst}{mode} on {}; {}.", listed(&names), consequence(*mode)));
        }
        let (leaves, leave) =
            if self.comes_back { ("leaves or comes back", "leave or come back") } else { ("leaves", "leave") };
        match self.own.len() {
            0 => {}
            1 => sentences.push(format!("ACCESS EXCLUSIVE on the partition that {leaves}, itself.")),
            count => sentences.push(format!("ACCESS EXCLUSIVE on the {count} partitions that {leave}, themselves.")),
        }
        match self.built.len() {
            0 => {}
            1 => sentences
                .push("SHARE on 1 small partition while its index is built; its writes wait a moment.".to_owned()),
            count => sentences.push(format!(
                "SHARE on {count} small partitions while the index of each is built; its writes wait a moment."
            )),
        }
        match self.attached.len() {
            0 => {}
            1 => sentences.push("ACCESS EXCLUSIVE on 1 partition's index as it is attached; its queries wait a moment.".to_owned()),
            count => sentences.push(format!(
                "ACCESS EXCLUSIVE on the index of each of {count} partitions as it is attached; its queries wait a moment."
            )),
        }
        match self.altered.len() {
            0 => {}
            1 => sentences
                .push("ACCESS EXCLUSIVE on 1 partition as it is altered; its queries wait a moment.".to_owned()),
            count => sentences.push(format!(
                "ACCESS EXCLUSIVE on each of {count} partitions as it is altered; its queries wait a moment."
            )),
        }
        match self.set.len() {
            0 => {}
            1 => sentences.push(
                "SHARE UPDATE EXCLUSIVE at most on 1 partition whose settings change; reads and writes continue.".to_owned(),
            ),
            count => sentences.push(format!(
                "SHARE UPDATE EXCLUSIVE at most on each of {count} partitions whose settings change; reads and writes continue."
            )),
        }
        sentences
    }
}

/// What goes on and what waits, as the end of a sentence.
fn consequence(mode: LockMode) -> &'static str {
    match mode {
        LockMode::AccessShare | LockMode::RowShare | LockMode::RowExclusive | LockMode::ShareUpdateExclusive => {
            "reads and writes continue"
        }
        LockMode::Share | LockMode::ShareRowExclusive | LockMode::Exclusive => "writes wait, reads continue",
        LockMode::AccessExclusive => "reads and writes wait",
    }
}

/// At most a handful of names, the rest counted.
fn listed(names: &[String]) -> String {
    const SHOWN: usize = 5;
    match names.len() {
        0..=SHOWN => names.join(", "),
        count => format!("{} and {} more", names[..SHOWN].join(", "), count - SHOWN),
    }
}
