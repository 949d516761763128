//! What planning needs to ask, as data.

use std::collections::BTreeSet;

use super::planner::{PlanOptions, judged};
use crate::catalog::{Catalog, Question, Snapshot};
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
                // What the table's partitions will be decides which names are asked for.
                if !table.indexes.is_empty() || table.maintenance.is_some() {
                    let partitions = partition::diff(context, &mut BTreeSet::new());
                    questions.extend(index::questions(context, &partitions.steps));
                    questions.extend(maintenance::questions(context, &partitions.steps));
                }
            });
        }
    }
    questions
}
