//! Steps that keep a table rather than change what it is: each one statement outside a transaction.

use serde::{Deserialize, Serialize};

use super::Relation;
use crate::grid::Bound;
use crate::sql::{Ident, TableName};

/// One thing that a step does to keep a table fit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "kind")]
pub enum MaintenanceAction {
    /// Analyzes a root as a whole.
    #[serde(rename = "analyze_parent")]
    AnalyzeParent(AnalyzeParent),
    /// Vacuums, freezes and analyzes a partition that is over.
    #[serde(rename = "vacuum_partition")]
    Vacuum(VacuumPartition),
    /// Builds a bloated index of a partition that is over anew.
    #[serde(rename = "reindex_index")]
    Reindex(ReindexIndex),
}

impl MaintenanceAction {
    /// The table it works on: a partition, or the root.
    pub fn table(&self) -> &TableName {
        match self {
            Self::AnalyzeParent(analyze) => &analyze.root.name,
            Self::Vacuum(vacuum) => &vacuum.partition.name,
            Self::Reindex(reindex) => &reindex.partition.name,
        }
    }

    pub(super) fn object(&self) -> &TableName {
        match self {
            Self::AnalyzeParent(_) | Self::Vacuum(_) => self.table(),
            Self::Reindex(reindex) => &reindex.index.name,
        }
    }

    pub(super) fn is_concurrent(&self) -> bool {
        match self {
            Self::Reindex(_) => true,
            Self::AnalyzeParent(_) | Self::Vacuum(_) => false,
        }
    }

    pub(super) fn word(&self) -> &'static str {
        match self {
            Self::AnalyzeParent(_) => "analyze",
            Self::Vacuum(_) => "vacuum",
            Self::Reindex(_) => "reindex",
        }
    }
}

/// See [`MaintenanceAction::AnalyzeParent`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AnalyzeParent {
    /// The root.
    pub root: Relation,
    /// Who does it: its owner, or the role that connected where it has the privilege MAINTAIN.
    pub role: Ident,
    /// `ANALYZE ONLY` (18 and later): before, every partition is analyzed along with it.
    pub only: bool,
}

/// See [`MaintenanceAction::Vacuum`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VacuumPartition {
    /// The partition.
    pub partition: Relation,
    /// Its bounds.
    pub from: Bound,
    /// Its bounds.
    pub to: Bound,
    /// Who does it: its owner, or the role that connected where it has the privilege MAINTAIN.
    pub role: Ident,
}

/// See [`MaintenanceAction::Reindex`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReindexIndex {
    /// The partition.
    pub partition: Relation,
    /// Who does it: its owner, or the role that connected where it has the privilege MAINTAIN.
    pub role: Ident,
    /// The index.
    pub index: Relation,
}
