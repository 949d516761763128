//! What the database has: one read of the catalog, and answers to what planning must ask beyond it.

mod ask;
mod attributes;
mod citus;
mod error;
mod index;
mod index_written;
mod inspect;
mod limits;
mod marker;
mod part_config;
mod pooler;
mod question;
mod reader;
mod rights;
mod settings;
mod siblings;
mod snapshot;
mod storage;
mod survey;
mod take;
mod trust;
mod upkeep;

pub use ask::{ask, ask_trusting};
pub use attributes::{AclItem, Attributes, ReplicaIdentity, RowPolicy, RowSecurity};
pub use citus::Citus;
pub use error::InspectError;
pub use index::{CopyEnding, CopyName, IndexFacts, IndexKey, IndexShape, IndexSpelling, WantedShape};
pub use inspect::{
    Tree, inspect, inspect_limits, inspect_login, inspect_pooler, inspect_settings, inspect_siblings, inspect_storage,
    inspect_trees, inspect_upkeep,
};
pub use limits::{Capacity, DatabaseFacts, LimitFacts, LockSlots, MayAlter, RoleFacts};
pub use marker::{HOLD_PREFIX, HOLD_REGEX, MARKER_PREFIX, Marker, holds};
pub use pooler::{PoolerDatabase, PoolerFacts, PoolerState};
pub use question::{Answer, Answers, Bloat, DefaultCounts, DefaultKeys, Found, LeafKey, Question, RowCount};
pub(crate) use question::{was_locked, was_refused};
pub use rights::SchemaLack;
pub use settings::{Absent, FileError, SettingContext, SettingFacts, SettingKind, SettingsFacts};
pub use siblings::{NEWEST, Own, OwnDefinition, OwnKind, Sibling, Siblings, bounded};
pub use snapshot::{
    Catalog, Exclusions, IncomingKey, KeyColumn, Leaf, LeafKind, NAMES_NOT_UTF8, Oid, PLAIN_TABLE, Retired, Root,
    SNAPSHOT_FORMAT, SessionRole, Snapshot, TableState, Target, Unmarked,
};
pub use storage::{ColumnStorage, Compression, LeafAttributes, LeafStorage, PolicyMatch, Storage, StorageMode};
pub use survey::{PartConfig, Survey, SurveyScope, survey};
pub use take::{ask_each, interruptible, take, take_config, take_for_saved, take_survey};
pub use trust::{CodeBy, OwnersCode, OwnersCodes, WouldRun};
pub use upkeep::{AutovacuumSettings, IndexUpkeep, LeafUpkeep, Upkeep};
