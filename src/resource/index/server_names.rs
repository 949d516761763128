//! Names that the server gives by itself: a partition that is made like its parent, or attached to it, gets copies of the
//! parent's indexes before any step builds one, and none of them may have the name that such a step was given.

use std::collections::BTreeSet;

use crate::catalog::{CopyEnding, IndexFacts};
use crate::plan::{Action, PartitionAction, Step};
use crate::resource::partition::Context;
use crate::sql::{Ident, MAX_IDENT_BYTES, TableName};

/// Numbers that the server may have to try behind a name, beyond one for each index: for names that are taken already.
const TAKEN: usize = 4;

/// Names that indexes of the partitions made or attached by these steps may get.
pub(super) fn foreseen(context: &Context<'_>, earlier: &[Step]) -> BTreeSet<TableName> {
    let of_root: Vec<&IndexFacts> =
        context.root.indexes.values().filter(|facts| facts.table == context.root.oid).collect();
    let mut names = BTreeSet::new();
    for partition in earlier.iter().filter_map(|step| gets_copies(&step.action)) {
        for facts in &of_root {
            for number in 0..=of_root.len() + TAKEN {
                let name = Ident::new(copy_name(partition.name.as_str(), facts, number));
                names.insert(TableName { schema: partition.schema.clone(), name });
            }
        }
    }
    names
}

/// The partition that an action makes or attaches.
fn gets_copies(action: &Action) -> Option<&TableName> {
    match action {
        Action::Partition(
            action @ (PartitionAction::Create(_) | PartitionAction::CreateDefault(_) | PartitionAction::Attach(_)),
        ) => Some(action.partition()),
        Action::Partition(
            PartitionAction::Finalize(_)
            | PartitionAction::Mark(_)
            | PartitionAction::Detach(_)
            | PartitionAction::Stamp(_)
            | PartitionAction::Drop(_),
        )
        | Action::Index(_)
        | Action::Storage(_)
        | Action::Maintenance(_)
        | Action::Limit(_)
        | Action::Setting(_) => None,
    }
}

/// ChooseIndexName() in indexcmds.c: the table, the columns unless it is a primary key, what it is, and a number where
/// that is taken.
fn copy_name(table: &str, facts: &IndexFacts, number: usize) -> String {
    let columns = match facts.copies.ending {
        CopyEnding::Pkey => None,
        CopyEnding::Idx | CopyEnding::Key | CopyEnding::Excl => Some(addition(&facts.copies.columns)),
    };
    let number = if number == 0 { String::new() } else { number.to_string() };
    object_name(table, columns.as_deref(), &format!("{}{number}", facts.copies.ending.as_str()))
}

/// ChooseIndexNameAddition(): no more columns once a name's length is reached.
fn addition(columns: &[String]) -> String {
    let mut joined = String::new();
    for column in columns {
        if !joined.is_empty() {
            joined.push('_');
        }
        joined.push_str(column);
        if joined.len() > MAX_IDENT_BYTES {
            break;
        }
    }
    joined
}

/// makeObjectName(): of the first two parts the longer one gives way, byte by byte; the ending stays whole.
fn object_name(first: &str, second: Option<&str>, ending: &str) -> String {
    let room = MAX_IDENT_BYTES.saturating_sub(ending.len() + 1 + usize::from(second.is_some()));
    let (mut one, mut two) = (first.len(), second.map_or(0, str::len));
    while one + two > room {
        if one > two { one -= 1 } else { two -= 1 }
    }
    let clipped = |text: &str, mut end: usize| {
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        text.get(..end).unwrap_or_default().to_owned()
    };
    match second {
        Some(second) => format!("{}_{}_{ending}", clipped(first, one), clipped(second, two)),
        None => format!("{}_{ending}", clipped(first, one)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longer_part_gives_way() {
        assert_eq!(object_name("t_p20261101", Some("v"), "idx"), "t_p20261101_v_idx");
        assert_eq!(object_name("t_p20261101", None, "pkey1"), "t_p20261101_pkey1");
        let long = "a".repeat(60);
        assert_eq!(object_name(&long, Some("v"), "idx"), format!("{}_v_idx", "a".repeat(57)));
        assert_eq!(
            object_name(&long, Some(&"b".repeat(40)), "idx"),
            format!("{}_{}_idx", "a".repeat(29), "b".repeat(29))
        );
        // A character is kept whole or left out.
        assert_eq!(object_name(&"é".repeat(31), Some("v"), "idx"), format!("{}_v_idx", "é".repeat(28)));
    }
}
