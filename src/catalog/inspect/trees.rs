//! How many relations and indexes a table is made of.

use std::collections::BTreeMap;

use postgres::Client;
use postgres::types::Type;

use super::super::error::InspectError;
use super::super::reader::{Reader, field};
use super::super::snapshot::{Oid, Snapshot, TableState};
use super::BEGIN;
use crate::sql::TableName;

const STEP: &str = "counting partitions and indexes";

/// What a statement that touches all of a table opens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tree {
    /// The table and its partitions, at every depth.
    pub relations: u64,
    /// The indexes of all of them.
    pub indexes: u64,
}

/// Counts what the snapshot's tables are made of.
///
/// # Errors
/// The server's refusal or a lost connection.
pub fn inspect_trees(client: &mut Client, snapshot: &Snapshot) -> Result<BTreeMap<TableName, Tree>, InspectError> {
    let roots: BTreeMap<Oid, &TableName> = snapshot
        .catalog
        .tables
        .iter()
        .filter_map(|(name, state)| match state {
            TableState::Partitioned(root) => Some((root.oid, name)),
            TableState::Missing | TableState::Unfit(_) => None,
        })
        .collect();
    let oids: Vec<u32> = roots.keys().map(|oid| oid.0).collect();
    Reader::transaction(client, BEGIN, |reader| {
        let rows = reader.query(STEP, include_str!("trees.sql"), &[(&oids, Type::OID_ARRAY)])?;
        let mut trees = BTreeMap::new();
        for row in &rows {
            let (oid, relations, indexes): (u32, i64, i64) =
                (field(STEP, row, 0)?, field(STEP, row, 1)?, field(STEP, row, 2)?);
            let count = |count: i64| u64::try_from(count).unwrap_or_default();
            if let Some(name) = roots.get(&Oid(oid)) {
                trees.insert((*name).clone(), Tree { relations: count(relations), indexes: count(indexes) });
            }
        }
        Ok(trees)
    })
}
