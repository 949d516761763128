//! What planning needs to ask, as data.

use std::collections::BTreeSet;

use jiff::SignedDuration;

use super::planner::{PlanOptions, judged};
use crate::catalog::{Catalog, Question, Snapshot, TableState};
use crate::policy::Desired;
use crate::resource::{index, maintenance, partition};

/// Everything that [`plan`](super::plan) with the same arguments will read from the snapshot's answers.
///
/// Pure: [`catalog::ask`](crate::catalog::ask) answers each question in a savepoint of its own.
pub fn questions(desired: &Desired, snapshot: &Snapshot, options: &PlanOptions) -> BTreeSet<Question> {
    let Snapshot { catalog: Catalog { tables, .. }, .. } = snapshot;
    let mut questions = BTreeSet::new();
    for (name, table) in options.selected(desired) {
        if let Some(state) = tables.get(name) {
            let _ = judged(desired, snapshot, options, (name, table, state), 0, &mut |context| {
                questions.extend(partition::questions(context));
                let indexes = options.scope.has_indexes() && !table.indexes.is_empty();
                let upkeep = options.scope.has_maintenance() && table.maintenance.is_some();
                let made = options.scope.has_creations() && !table.indexes.is_empty();
                if !indexes && !upkeep && !made {
                    return;
                }
                // What the table's partitions will be decides which names are asked for.
                let beside = partition::Around { earlier: &[], takes_effect: &|_| true };
                let partitions = partition::diff(context, options.scope, &mut BTreeSet::new(), &beside);
                if made {
                    questions.extend(index::questions_of_new(context, &partitions.steps));
                }
                if indexes {
                    questions.extend(index::questions(context, &partitions.steps));
                }
                if upkeep {
                    questions.extend(maintenance::questions(context, &partitions.steps));
                }
            });
        }
    }
    questions
}

/// A saved snapshot answers for plans of so many days ahead as well.
const DAYS_AHEAD: i64 = 31;

/// What a snapshot that is saved should answer beyond [`questions`]: what plans of the next month by the same policy need,
/// the sizes that reports show, and what a policy that begins to remove partitions must know.
///
/// Rows of a default partition are counted for the present only: each count is a scan.
pub fn snapshot_questions(desired: &Desired, snapshot: &Snapshot, options: &PlanOptions) -> BTreeSet<Question> {
    let mut all = questions(desired, snapshot, options);
    // Day by day: where little is kept, the plan of the last day wants nothing of what the first ones do.
    for day in 1..=DAYS_AHEAD {
        let Ok(ahead) = options.now.checked_add(SignedDuration::from_hours(24 * day)) else { break };
        let later = questions(desired, snapshot, &PlanOptions { now: ahead, ..options.clone() });
        all.extend(later.into_iter().filter(|question| match question {
            // A measure of the present.
            Question::DefaultRows { .. }
            | Question::DefaultKeys { .. }
            | Question::Bloat { .. }
            | Question::References { .. } => false,
            Question::NewestNonEmpty { .. }
            | Question::HighestKeys { .. }
            | Question::Bytes { .. }
            | Question::WantedIndex { .. }
            | Question::IndexSpelling { .. }
            | Question::NameTaken { .. }
            | Question::SchemaExists { .. }
            | Question::CreatesIn { .. }
            | Question::Exists { .. }
            | Question::Dependants { .. }
            | Question::Fits { .. } => true,
        }));
    }
    let Snapshot { catalog: Catalog { tables, retired, .. }, .. } = snapshot;
    let mut roots = BTreeSet::new();
    for state in tables.values() {
        match state {
            TableState::Partitioned(root) => {
                roots.insert(root.oid);
                all.insert(Question::NewestNonEmpty { root: root.oid });
                all.extend(root.leaves.keys().map(|leaf| Question::Bytes { relation: *leaf }));
            }
            TableState::Missing | TableState::Unfit(_) => {}
        }
    }
    let ours = retired.iter().filter(|(_, table)| roots.contains(&table.marker.root_oid));
    all.extend(ours.map(|(oid, _)| Question::Bytes { relation: *oid }));
    all
}
