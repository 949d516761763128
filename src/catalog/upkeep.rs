//! How a root and its partitions are kept: what vacuum, analyze and index builds leave in the catalog, and what the
//! server counts meanwhile. What is durable decides; what is counted is lost in a crash, and only ever postpones.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::snapshot::Oid;
use crate::sql::{LockMode, TableName};

/// Of one partitioned table.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Upkeep {
    /// It was analyzed as a whole, ever: `reltuples` of a partitioned table is -1 before.
    pub analyzed: bool,
    /// When it was last analyzed as a whole. Counted: unknown after a crash and on a promoted standby.
    pub analyzed_at: Option<Timestamp>,
    /// Since when the server has counted without a loss, at the latest.
    pub counted_since: Option<Timestamp>,
    /// The strongest lock of somebody else that an ANALYZE would wait for.
    pub busy: Option<LockMode>,
    /// The role that connected has the privilege MAINTAIN (17 and later).
    pub may_maintain: bool,
    /// Age of the oldest transaction that keeps vacuum from removing and freezing, as far as the role may see.
    pub horizon_age: u32,
    /// `block_size`.
    pub block_bytes: u64,
    /// What autovacuum goes by.
    pub autovacuum: AutovacuumSettings,
    /// Its partitions that are ordinary tables.
    pub leaves: BTreeMap<Oid, LeafUpkeep>,
    /// Their valid b-tree indexes of some size, where the policy speaks of bloat.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub indexes: BTreeMap<Oid, IndexUpkeep>,
}

/// Of one partition.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeafUpkeep {
    /// `relpages`: as of the last vacuum or analyze.
    pub pages: u64,
    /// `reltuples`; `None` before the first vacuum or analyze.
    pub rows: Option<u64>,
    /// `relallvisible`.
    pub visible: u64,
    /// `relallfrozen` (18 and later).
    pub frozen: Option<u64>,
    /// `age(relfrozenxid)`, or of its TOAST table where that is older.
    pub xid_age: u32,
    /// `mxid_age(relminmxid)`, or of its TOAST table where that is older.
    pub mxid_age: u32,
    /// The strongest lock of somebody else that a VACUUM would wait for, or that writes.
    pub busy: Option<LockMode>,
    /// The role that connected has the privilege MAINTAIN (17 and later).
    pub may_maintain: bool,
    /// When it was last vacuumed, by hand or by autovacuum. Counted.
    pub vacuumed_at: Option<Timestamp>,
    /// Dead rows. Counted.
    pub dead: u64,
    /// Rows inserted since the last vacuum. Counted.
    pub inserted: u64,
    /// Rows changed since the last analyze. Counted.
    pub modified: u64,
    /// Its own settings of autovacuum.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub parameters: BTreeMap<String, String>,
}

/// A b-tree index of a partition.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IndexUpkeep {
    /// Its name.
    pub name: TableName,
    /// Its partition.
    pub leaf: Oid,
    /// `relpages`: as of the last vacuum or analyze.
    pub pages: u64,
    /// `reltuples`: entries as of the last vacuum or analyze.
    pub entries: Option<u64>,
    /// Bytes of an entry at most, line pointer included, where every column is of a fixed width.
    pub entry_bytes: Option<u64>,
    /// Its fill factor.
    pub fillfactor: u64,
}

/// The server's settings of autovacuum, by name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct AutovacuumSettings(pub BTreeMap<String, String>);

impl AutovacuumSettings {
    /// A setting as a number: a table's own, else the server's. `None` where this server has no such setting.
    pub fn number(&self, own: &BTreeMap<String, String>, name: &str) -> Option<f64> {
        own.get(name).or_else(|| self.0.get(name)).and_then(|value| value.parse().ok())
    }
}

impl Upkeep {
    /// An index's size as of the last vacuum.
    pub fn bytes(&self, index: &IndexUpkeep) -> u64 {
        index.pages.saturating_mul(self.block_bytes)
    }
}
