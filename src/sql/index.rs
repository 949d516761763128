//! SQL of indexes: of a root alone, of a partition, and what joins the two.

use std::collections::BTreeMap;

use super::{Ident, Literal, TableName};
use crate::plan::{
    AlterIndex, AttachIndex, BuildIndex, BuildMode, CreateIndex, DiscardIndex, Kept, LooseIndex, OwnIndex, SwapIndex,
};
use crate::policy::IndexDesired;

/// What follows the table's name in `CREATE INDEX`. Columns and predicate stand as the policy has them.
///
/// ```
/// use pgstrata::{policy::{IndexDesired, IndexOn}, sql::{Ident, index_definition}};
/// let index = IndexDesired {
///     method: Ident::new("btree"),
///     columns: vec!["actor_id".to_owned(), "occurred_at desc".to_owned()],
///     include: vec![],
///     unique: false,
///     nulls_not_distinct: false,
///     predicate: Some("status = 'failed'".to_owned()),
///     with: [("fillfactor".to_owned(), "70".to_owned())].into(),
///     tablespace: None,
///     on: IndexOn::Table,
/// };
/// assert_eq!(
///     index_definition(&index),
///     "USING btree (actor_id, occurred_at desc) WITH (fillfactor = '70') WHERE status = 'failed'"
/// );
/// ```
pub fn index_definition(index: &IndexDesired) -> String {
    let IndexDesired { method, columns, include, unique: _, nulls_not_distinct, predicate, with, tablespace, on: _ } =
        index;
    let mut sql = format!("USING {method} ({})", columns.join(", "));
    if !include.is_empty() {
        let include: Vec<String> = include.iter().map(Ident::to_string).collect();
        sql.push_str(&format!(" INCLUDE ({})", include.join(", ")));
    }
    if *nulls_not_distinct {
        sql.push_str(" NULLS NOT DISTINCT");
    }
    if !with.is_empty() {
        sql.push_str(&format!(" WITH ({})", parameters(with)));
    }
    if let Some(tablespace) = tablespace {
        sql.push_str(&format!(" TABLESPACE {tablespace}"));
    }
    if let Some(predicate) = predicate {
        sql.push_str(&format!(" WHERE {predicate}"));
    }
    sql
}

fn parameters(with: &BTreeMap<String, String>) -> String {
    let all: Vec<String> =
        with.iter().map(|(name, value)| format!("{} = {}", Ident::new(name.as_str()), Literal(value))).collect();
    all.join(", ")
}

fn head(index: &IndexDesired) -> &'static str {
    if index.unique { "CREATE UNIQUE INDEX" } else { "CREATE INDEX" }
}

/// ONLY: the index of a root with partitions is made at once, and is invalid until each of them has attached its own.
pub(super) fn create(action: &CreateIndex) -> String {
    let CreateIndex { root, owner: _, index, wanted: _, definition } = action;
    format!("{} {} ON ONLY {} {}", head(definition), index.name, root.name, index_definition(definition))
}

pub(super) fn build(action: &BuildIndex) -> String {
    let BuildIndex { partition, oid: _, owner: _, index, wanted: _, definition, mode } = action;
    let concurrently = match mode {
        BuildMode::Concurrently => " CONCURRENTLY",
        BuildMode::Plainly(_) => "",
    };
    format!("{}{concurrently} {} ON {partition} {}", head(definition), index.name, index_definition(definition))
}

/// On a partition that is made by the same unit.
pub(super) fn own(partition: &TableName, own: &OwnIndex) -> String {
    let OwnIndex { index, wanted: _, definition } = own;
    format!("{} {} ON {partition} {}", head(definition), index.name, index_definition(definition))
}

pub(super) fn attach(action: &AttachIndex) -> String {
    format!("ALTER INDEX {} ATTACH PARTITION {}", action.to, action.index)
}

pub(super) fn alter(action: &AlterIndex) -> Vec<String> {
    let AlterIndex { partition: _, owner: _, index, wanted: _, set, reset } = action;
    let mut statements = Vec::new();
    if !set.is_empty() {
        statements.push(format!("ALTER INDEX {} SET ({})", index.name, parameters(set)));
    }
    if !reset.is_empty() {
        let names: Vec<String> = reset.iter().map(|name| Ident::new(name.as_str()).to_string()).collect();
        statements.push(format!("ALTER INDEX {} RESET ({})", index.name, names.join(", ")));
    }
    statements
}

pub(super) fn rebuild(action: &LooseIndex) -> String {
    format!("REINDEX INDEX CONCURRENTLY {}", action.index.name)
}

pub(super) fn drop(action: &LooseIndex) -> String {
    format!("DROP INDEX CONCURRENTLY {}", action.index.name)
}

pub(super) fn discard(action: &DiscardIndex) -> String {
    format!("DROP INDEX {}", action.index.name)
}

pub(super) fn swap(action: &SwapIndex) -> Vec<String> {
    let SwapIndex { root: _, owner: _, old, new, wanted: _, keeps } = action;
    let mut statements = vec![format!("DROP INDEX {}", old.name)];
    statements.extend(keeps.iter().map(|kept| match kept {
        Kept::Comment { index, text } => format!("COMMENT ON INDEX {index} IS {}", Literal(text)),
        Kept::StatisticsTarget { index, column, target } => {
            format!("ALTER INDEX {index} ALTER COLUMN {column} SET STATISTICS {target}")
        }
    }));
    statements.push(format!("ALTER INDEX {new} RENAME TO {}", old.name.name));
    statements
}
