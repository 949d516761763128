//! The question whether code of other roles hangs on a table, as an expression and as a guard before a query.

use std::collections::BTreeSet;

use super::{AT_STAKE, Literal, TableName};
use crate::catalog::{CodeBy, Oid};
use crate::plan::{Action, PartitionAction};

/// True while there is none of these kinds.
pub(super) fn none(root: Oid, detached: Option<Oid>, by: &BTreeSet<CodeBy>) -> String {
    let words: Vec<String> = by.iter().map(|by| Literal(by.word()).to_string()).collect();
    format!(
        "NOT EXISTS (SELECT FROM ({}) AS code (root, by) WHERE code.by IN ({}))",
        query(root, detached),
        words.join(", ")
    )
}

/// A statement that gives no row, and fails where there is some: what follows it in one message does not run then.
pub(crate) fn guard(root: Oid, by: &[CodeBy]) -> String {
    let by = by.iter().copied().collect();
    // A setting that nobody has: the server says so only when it is asked for, never while it plans.
    format!("SELECT pg_catalog.current_setting({}) WHERE NOT ({})", Literal(GUARD), none(root, None, &by))
}

/// What the error of a [`guard`] names.
pub(crate) const GUARD: &str = "pgstrata.owners_code_appeared";

fn query(root: Oid, detached: Option<Oid>) -> String {
    let (tables, of) = match detached {
        Some(table) => (table.to_string(), root.to_string()),
        None => (String::new(), String::new()),
    };
    let array = |oids: &str| format!("'{{{oids}}}'::pg_catalog.oid[]");
    // One line, and no comment: it stands inside another statement.
    let lines = AT_STAKE.lines().map(str::trim).filter(|line| !line.starts_with("--") && !line.starts_with("/*"));
    let query = lines.collect::<Vec<_>>().join(" ");
    query.replace("$1", &array(&root.to_string())).replace("$2", &array(&tables)).replace("$3", &array(&of))
}

/// The lock behind which nothing new can hang on a table: CHECK, CREATE INDEX and CREATE STATISTICS conflict with it. ATTACH
/// takes the same, only later.
pub(super) fn lock(action: &Action, root: &TableName, detached: Option<&TableName>) -> Option<String> {
    match action {
        Action::Partition(
            PartitionAction::Create(_) | PartitionAction::CreateDefault(_) | PartitionAction::Attach(_),
        ) => {
            let mut lock = format!("LOCK TABLE ONLY {root} IN SHARE UPDATE EXCLUSIVE MODE");
            if let Some(detached) = detached {
                lock.push_str(&format!("; LOCK TABLE ONLY {detached} IN ACCESS EXCLUSIVE MODE"));
            }
            Some(lock)
        }
        // A plain DETACH runs nothing of the table's own; one that is concurrent stands outside any transaction.
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
