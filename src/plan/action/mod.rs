//! What a step does, as data: `sql::render` is the only way from here to SQL and locks.

mod index;
mod limit;
mod maintenance;
mod partition;
mod setting;
mod storage;
mod wire;

use serde::{Deserialize, Serialize};

pub use self::index::{
    AlterIndex, AttachIndex, BuildIndex, BuildMode, CreateIndex, DiscardIndex, IndexAction, Kept, LooseIndex, SwapIndex,
};
pub use self::limit::{LimitAction, LimitDatabase, LimitRole, RoleSetting, SetRole};
pub use self::maintenance::{AnalyzeParent, MaintenanceAction, ReindexIndex, VacuumPartition};
pub use self::partition::{
    AttachPartition, CopiedCheck, CopiedTrigger, CreateDefault, CreatePartition, DetachMode, DetachPartition,
    DropPartition, Leaving, Making, OwnIndex, PartitionAction, Retiring, Touches,
};
pub use self::setting::{SetSetting, SettingAction};
pub use self::storage::{AlterPartition, Alteration, StorageAction};
use super::object::Object;
use crate::catalog::Oid;
use crate::sql::{Ident, TableName};

/// An existing relation: the name that SQL uses, and the OID that says it is still the same one.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Relation {
    /// Its name.
    pub name: TableName,
    /// Its OID.
    pub oid: Oid,
}

/// One thing that a step does, by the resource that it belongs to. In a document it is flat: `kind`, and what that has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged, from = "wire::Action")]
pub enum Action {
    /// With a partition.
    Partition(PartitionAction),
    /// With an index of the policy.
    Index(IndexAction),
    /// With how a partition is stored, and whose it is.
    Storage(StorageAction),
    /// To keep a table fit.
    Maintenance(MaintenanceAction),
    /// With what the database and its roles may.
    Limit(LimitAction),
    /// With the server's settings.
    Setting(SettingAction),
}

/// The kinds of action, for counts and order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verb {
    /// A partition is made.
    Create,
    /// An interrupted detach is completed.
    Finalize,
    /// Something existing changes.
    Change,
    /// A partition becomes a table of its own.
    Detach,
    /// A table goes.
    Drop,
}

impl Action {
    /// What it counts as.
    pub fn verb(&self) -> Verb {
        match self {
            Self::Partition(action) => action.verb(),
            Self::Index(_) | Self::Storage(_) | Self::Maintenance(_) | Self::Limit(_) | Self::Setting(_) => {
                Verb::Change
            }
        }
    }

    /// The table it works on: a partition, or the root of an index; `None` where it is about no table.
    pub fn partition(&self) -> Option<&TableName> {
        match self {
            Self::Partition(action) => Some(action.partition()),
            Self::Index(action) => Some(action.table()),
            Self::Storage(action) => Some(action.partition()),
            Self::Maintenance(action) => Some(action.table()),
            Self::Limit(_) | Self::Setting(_) => None,
        }
    }

    /// What it is about: the partition, the index, or what is no relation.
    pub fn object(&self) -> Object {
        match self {
            Self::Partition(action) => action.partition().clone().into(),
            Self::Index(action) => action.index().clone().into(),
            Self::Storage(action) => action.partition().clone().into(),
            Self::Maintenance(action) => action.object().clone().into(),
            Self::Limit(action) => action.object(),
            Self::Setting(action) => action.object(),
        }
    }

    /// The policy's name of the index that it serves.
    pub fn wanted_index(&self) -> Option<&Ident> {
        match self {
            Self::Index(action) => Some(action.wanted()),
            Self::Partition(_) | Self::Storage(_) | Self::Maintenance(_) | Self::Limit(_) | Self::Setting(_) => None,
        }
    }

    /// Whether it is one statement outside a transaction: PostgreSQL refuses it inside one, or commits it part by part.
    pub fn stands_alone(&self) -> bool {
        self.is_concurrent() || self.is_maintenance() || matches!(self, Self::Setting(_))
    }

    /// Whether it keeps the table rather than changing what it is.
    pub fn is_maintenance(&self) -> bool {
        match self {
            Self::Maintenance(_) => true,
            Self::Partition(_) | Self::Index(_) | Self::Storage(_) | Self::Limit(_) | Self::Setting(_) => false,
        }
    }

    /// Whether it says CONCURRENTLY: a lock timeout would leave it half done.
    pub fn is_concurrent(&self) -> bool {
        match self {
            Self::Partition(action) => action.is_concurrent(),
            Self::Index(action) => action.is_concurrent(),
            Self::Storage(_) => false,
            Self::Maintenance(action) => action.is_concurrent(),
            Self::Limit(_) | Self::Setting(_) => false,
        }
    }

    /// Its word in a step's id; no two actions of one plan share word and object.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Partition(action) => action.word(),
            Self::Index(action) => action.word(),
            Self::Storage(action) => action.word(),
            Self::Maintenance(action) => action.word(),
            Self::Limit(action) => action.word(),
            Self::Setting(action) => action.word(),
        }
    }

    /// Whether rows leave, or go.
    pub fn removes(&self) -> bool {
        match self {
            Self::Partition(action) => action.removes(),
            Self::Index(_) | Self::Storage(_) | Self::Maintenance(_) | Self::Limit(_) | Self::Setting(_) => false,
        }
    }
}
