//! The change of one index, which is made of many steps on many partitions.

use std::collections::BTreeSet;

use super::Change;
use crate::plan::{Action, BuildMode, Hazard, HazardKind, IndexAction, MaintenanceAction};
use crate::sql::TableName;

/// Steps of an index by what they do, each partition counted once.
#[derive(Default)]
struct Count<'a> {
    concurrently: BTreeSet<&'a TableName>,
    plainly: BTreeSet<&'a TableName>,
    attached: BTreeSet<&'a TableName>,
    swaps: bool,
    validates: bool,
    discards: bool,
    rebuilt: BTreeSet<&'a TableName>,
    altered: BTreeSet<&'a TableName>,
    dropped: BTreeSet<&'a TableName>,
    replaced: BTreeSet<&'a TableName>,
    creates: bool,
}

impl<'a> Count<'a> {
    fn of(change: &Change<'a>) -> Self {
        let mut count = Self::default();
        for step in &change.steps {
            match &step.action {
                Action::Index(IndexAction::Build(build)) => match build.mode {
                    BuildMode::Concurrently => count.concurrently.insert(&build.partition),
                    BuildMode::Plainly(_) => count.plainly.insert(&build.partition),
                },
                Action::Index(IndexAction::Rebuild(loose)) => count.concurrently.insert(&loose.partition.name),
                Action::Index(IndexAction::Attach(attach)) => count.attached.insert(&attach.partition),
                Action::Index(IndexAction::Validate(_)) => std::mem::replace(&mut count.validates, true),
                Action::Index(IndexAction::Discard(_)) => std::mem::replace(&mut count.discards, true),
                Action::Index(IndexAction::Alter(alter)) => count.altered.insert(&alter.partition.name),
                // What goes for a changed definition endangers the table, a leftover its partition alone.
                Action::Index(IndexAction::Drop(loose)) => {
                    let of_table = |hazard: &Hazard| step.table.as_ref().is_some_and(|table| hazard.object.is(table));
                    let replaced = step.hazards.iter().any(|one| one.kind == HazardKind::DropsIndex && of_table(one));
                    if replaced { &mut count.replaced } else { &mut count.dropped }.insert(&loose.partition.name)
                }
                Action::Index(IndexAction::Swap(_)) => std::mem::replace(&mut count.swaps, true),
                Action::Index(IndexAction::Create(_)) => std::mem::replace(&mut count.creates, true),
                Action::Maintenance(MaintenanceAction::Reindex(reindex)) => {
                    count.rebuilt.insert(&reindex.partition.name)
                }
                Action::Partition(_)
                | Action::Storage(_)
                | Action::Maintenance(MaintenanceAction::AnalyzeParent(_) | MaintenanceAction::Vacuum(_))
                | Action::Limit(_)
                | Action::Setting(_) => false,
            };
        }
        count
    }

    fn built(&self) -> usize {
        self.concurrently.len() + self.plainly.len()
    }

    /// Where the index is there already.
    fn only_attached(&self) -> usize {
        let built = |name: &&&TableName| self.concurrently.contains(**name) || self.plainly.contains(**name);
        self.attached.iter().filter(|name| !built(name)).count()
    }
}

/// `build on 3 partitions, attach 1`.
pub(super) fn index_words(change: &Change<'_>) -> String {
    let count = Count::of(change);
    let mut words = Vec::new();
    match count.built() {
        0 => {}
        built => words.push(format!("build on {}", partitions(built))),
    }
    match (count.only_attached(), words.is_empty()) {
        (0, _) => {}
        (attached, true) => words.push(format!("attach that of {}", partitions(attached))),
        (attached, false) => words.push(format!("attach {attached}")),
    }
    if !count.altered.is_empty() {
        words.push(format!("set parameters on {}", partitions(count.altered.len())));
    }
    if count.built() == 0 && !count.dropped.is_empty() {
        words.push(format!("drop a leftover on {}", partitions(count.dropped.len())));
    }
    if count.validates {
        words.push("validate".to_owned());
    }
    match (count.replaced.len(), words.is_empty()) {
        (0, _) => {}
        (old, true) => words.push(format!("drop the old one on {}", partitions(old))),
        (old, false) => words.push(format!("then drop the old one on {}", partitions(old))),
    }
    match (count.swaps, words.is_empty()) {
        (false, _) => {}
        (true, true) => words.push("drop the old one".to_owned()),
        (true, false) => words.push("then drop the old one".to_owned()),
    }
    match words.is_empty() {
        true if count.creates => "create on the table".to_owned(),
        true => "drop what was begun".to_owned(),
        false => words.join(", "),
    }
}

/// `13 partitions concurrently: …; 4 small ones non-concurrently (…)`: what a build means for whoever uses the table.
pub(super) fn build_words(change: &Change<'_>) -> String {
    let Count { concurrently, plainly, rebuilt, .. } = Count::of(change);
    let online = "reads and writes go on, old transactions are waited for";
    let plain = "non-concurrently (writes blocked for milliseconds)";
    match (concurrently.len(), plainly.len()) {
        (0, 0) if !rebuilt.is_empty() => {
            format!("rebuilt concurrently: {online}; a second index takes its room meanwhile")
        }
        (0, 1) => format!("1 small partition {plain}"),
        (0, small) => format!("{small} small partitions {plain}"),
        (large, 0) => format!("{} concurrently: {online}", partitions(large)),
        (large, 1) => format!("{} concurrently: {online}; 1 small one {plain}", partitions(large)),
        (large, small) => format!("{} concurrently: {online}; {small} small ones {plain}", partitions(large)),
    }
}

fn partitions(count: usize) -> String {
    if count == 1 { "1 partition".to_owned() } else { format!("{count} partitions") }
}
