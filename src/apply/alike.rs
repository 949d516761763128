//! Whether a step that was reviewed and the one that is planned today are the same thing.

use crate::plan::{Action, AlterPartition, BuildIndex, BuildMode, IndexAction, Step, StorageAction};
use crate::sql::render;

/// Whether today's step is what was reviewed. Everything that reaches the server must be; hazards, gates and reasons are
/// today's.
pub(super) fn alike(reviewed: &Step, today: &Step) -> bool {
    reviewed.table == today.table
        && reviewed.unit == today.unit
        && reviewed.timeouts == today.timeouts
        && (reviewed.action == today.action || still(&reviewed.action, &today.action))
}

/// Whether both send the same statements.
pub(super) fn same_sql(reviewed: &Step, today: &Step) -> bool {
    text(reviewed) == text(today)
}

/// A step's statements.
pub(super) fn text(step: &Step) -> String {
    let statements = render(step);
    statements.iter().filter_map(|statement| statement.sql()).map(|sql| format!("{sql};\n")).collect()
}

/// What is measured and no part of the statement, or a part of an alteration that is done already.
fn still(reviewed: &Action, today: &Action) -> bool {
    match (reviewed, today) {
        (Action::Index(IndexAction::Build(reviewed)), Action::Index(IndexAction::Build(today))) => {
            same_build(reviewed, today) && is_plain(reviewed) == is_plain(today)
        }
        (Action::Storage(StorageAction::Alter(reviewed)), Action::Storage(StorageAction::Alter(today))) => {
            let AlterPartition { root, partition, owner, alterations } = today;
            (root, partition, owner) == (&reviewed.root, &reviewed.partition, &reviewed.owner)
                && alterations.iter().all(|one| reviewed.alterations.contains(one))
        }
        (
            Action::Partition(_)
            | Action::Index(_)
            | Action::Storage(_)
            | Action::Maintenance(_)
            | Action::Limit(_)
            | Action::Setting(_),
            _,
        ) => false,
    }
}

/// Why today's step of the same name is another one, where that comes of rows or of alterations that were made since: no
/// more than this step is out of date by it.
pub(super) fn moved(reviewed: &Step, today: &Step) -> Option<String> {
    if reviewed.table != today.table {
        return None;
    }
    match (&reviewed.action, &today.action) {
        (Action::Index(IndexAction::Build(then)), Action::Index(IndexAction::Build(now))) if same_build(then, now) => {
            let (verb, how) = if is_plain(now) { ("shrunk", "plainly") } else { ("grown", "concurrently") };
            Some(format!("{} has {verb} since: its index is built {how} now, which was not reviewed", now.partition))
        }
        (Action::Storage(StorageAction::Alter(then)), Action::Storage(StorageAction::Alter(now)))
            if (&then.root, &then.partition) == (&now.root, &now.partition) =>
        {
            Some(format!(
                "{} was altered since the plan was made: {} was not reviewed",
                now.partition.name,
                StorageAction::Alter(now.clone()).words()
            ))
        }
        (
            Action::Partition(_)
            | Action::Index(_)
            | Action::Storage(_)
            | Action::Maintenance(_)
            | Action::Limit(_)
            | Action::Setting(_),
            _,
        ) => None,
    }
}

fn is_plain(build: &BuildIndex) -> bool {
    match build.mode {
        BuildMode::Plainly(_) => true,
        BuildMode::Concurrently => false,
    }
}

fn same_build(reviewed: &BuildIndex, today: &BuildIndex) -> bool {
    BuildIndex { mode: today.mode.clone(), ..reviewed.clone() } == *today
}
