//! A detached partition keeps its parent's foreign keys, as a table of its own: from then on it is one more table that
//! references what its parent references, and later steps there lock it too.

use std::collections::{BTreeMap, BTreeSet};

use super::action::{Action, PartitionAction, Touches};
use super::step::Step;
use super::world::World;
use crate::sql::TableName;

/// Adds to each step what earlier steps made of the tables that reference its root, and takes away what they dropped.
pub(super) fn follow_detached(steps: &mut [Step], world: &World<'_>) {
    let mut detached: BTreeMap<TableName, BTreeSet<TableName>> = BTreeMap::new();
    let mut gone: BTreeSet<TableName> = BTreeSet::new();
    for step in steps.iter_mut() {
        let Some(root) = step.table.clone() else { continue };
        if let Some(touches) = touches(&mut step.action) {
            let joined = detached.iter().filter(|(_, references)| references.contains(&root));
            touches.referenced_by.extend(joined.map(|(table, _)| table.clone()));
            touches.referenced_by.retain(|table| !gone.contains(table));
        }
        if !world.has(step) {
            continue;
        }
        match &step.action {
            Action::Partition(PartitionAction::Finalize(leaving)) => {
                detached.insert(leaving.partition.name.clone(), leaving.touches.references.clone());
            }
            Action::Partition(PartitionAction::Detach(detach)) => {
                let leaving = &detach.leaving;
                detached.insert(leaving.partition.name.clone(), leaving.touches.references.clone());
            }
            Action::Partition(action @ (PartitionAction::Attach(_) | PartitionAction::Drop(_))) => {
                detached.remove(action.partition());
                gone.insert(action.partition().clone());
            }
            Action::Partition(
                PartitionAction::Create(_)
                | PartitionAction::CreateDefault(_)
                | PartitionAction::Mark(_)
                | PartitionAction::Stamp(_),
            )
            | Action::Index(_)
            | Action::Storage(_)
            | Action::Maintenance(_)
            | Action::Limit(_)
            | Action::Setting(_) => {}
        }
    }
}

fn touches(action: &mut Action) -> Option<&mut Touches> {
    match action {
        Action::Partition(PartitionAction::Create(create)) => Some(&mut create.touches),
        Action::Partition(PartitionAction::CreateDefault(create)) => Some(&mut create.touches),
        Action::Partition(PartitionAction::Finalize(leaving)) => Some(&mut leaving.touches),
        Action::Partition(PartitionAction::Detach(detach)) => Some(&mut detach.leaving.touches),
        Action::Partition(PartitionAction::Attach(attach)) => Some(&mut attach.touches),
        Action::Partition(PartitionAction::Mark(_) | PartitionAction::Stamp(_) | PartitionAction::Drop(_))
        | Action::Index(_)
        | Action::Storage(_)
        | Action::Maintenance(_)
        | Action::Limit(_)
        | Action::Setting(_) => None,
    }
}
