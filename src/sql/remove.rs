//! SQL by which a partition leaves: detach, finalize, drop.

use crate::plan::{DetachMode, DetachPartition, DropPartition, Leaving};

/// The detach itself.
pub(super) fn detach(action: &DetachPartition) -> String {
    let DetachPartition { leaving, mode } = action;
    let concurrently = match mode {
        DetachMode::Concurrently => " CONCURRENTLY",
        DetachMode::Blocking(_) => "",
    };
    format!("ALTER TABLE {} DETACH PARTITION {}{concurrently}", leaving.root.name, leaving.partition.name)
}

/// Completes an interrupted detach.
pub(super) fn finalize(leaving: &Leaving) -> String {
    format!("ALTER TABLE {} DETACH PARTITION {} FINALIZE", leaving.root.name, leaving.partition.name)
}

/// The lock under which a drop checks what it is about to drop.
pub(super) fn lock(action: &DropPartition) -> String {
    format!("LOCK TABLE ONLY {} IN ACCESS EXCLUSIVE MODE", action.retired.partition.name)
}

/// The drop itself: RESTRICT, so that anything that depends on the table stops it.
pub(super) fn drop(action: &DropPartition) -> String {
    format!("DROP TABLE {} RESTRICT", action.retired.partition.name)
}
