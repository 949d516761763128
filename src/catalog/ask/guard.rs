//! No question about rows runs code of another role: looked up before, and asked once more behind the lock of the query.

use std::collections::BTreeSet;

use super::super::snapshot::{Catalog, Leaf, LeafKind, Oid, Root};
use super::super::trust::{CodeBy, WouldRun};
use crate::sql::{TableName, guard};

/// What is known of all tables.
pub(super) struct Guards<'c> {
    pub(super) catalog: &'c Catalog,
    /// Tables whose owners' code may run.
    pub(super) trusted: &'c BTreeSet<TableName>,
}

/// What keeps queries on one table from running code of others.
pub(super) struct Guard(Option<String>);

impl Guards<'_> {
    /// For the partitions of a root; `Err` says whose code a query would run.
    pub(super) fn of(&self, root: &Root) -> Result<Guard, String> {
        let name = self.catalog.tables.iter().find_map(|(name, state)| state.is(root.oid).then_some(name));
        let Some(name) = name.filter(|name| !self.trusted.contains(*name)) else { return Ok(Guard(None)) };
        let codes = self.catalog.owners_code(name, &CodeBy::QUERIES);
        if codes.is_empty() {
            return Ok(Guard(Some(guard(root.oid, &CodeBy::QUERIES))));
        }
        Err(WouldRun { codes: &codes, whom: &self.catalog.session.name }.to_string())
    }
}

impl Guards<'_> {
    /// For one table by itself, whether or not it is the policy's.
    pub(super) fn of_table(&self, table: Oid) -> Guard {
        let name = self.catalog.tables.iter().find_map(|(name, state)| state.is(table).then_some(name));
        let trusted = name.is_some_and(|name| self.trusted.contains(name));
        Guard((!trusted).then(|| guard(table, &CodeBy::QUERIES)))
    }
}

impl Guard {
    /// The same for a table by its name. Of a partitioned one its partitions are not locked: there may be many.
    pub(super) fn before_table(&self, table: &TableName) -> String {
        let Self(Some(guard)) = self else { return String::new() };
        format!("LOCK TABLE ONLY {table} IN ACCESS SHARE MODE; {guard}; ")
    }

    /// The statements that come before a query on these tables. Against the lock nobody adds a CHECK; an index or
    /// statistics could still be made in the moment between the two, which come in one message.
    pub(super) fn before(&self, tables: &[&Leaf]) -> String {
        let Self(Some(guard)) = self else { return String::new() };
        let items: Vec<String> = tables
            .iter()
            .filter_map(|leaf| match leaf.kind {
                LeafKind::Table => Some(format!("ONLY {}", leaf.name)),
                LeafKind::Partitioned => Some(leaf.name.to_string()),
                // LOCK takes no foreign table.
                LeafKind::Foreign => None,
            })
            .collect();
        let lock = match items.is_empty() {
            true => String::new(),
            false => format!("LOCK TABLE {} IN ACCESS SHARE MODE; ", items.join(", ")),
        };
        format!("{lock}{guard}; ")
    }
}
