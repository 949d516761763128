//! What the database has: one read of the catalog, and answers to what planning must ask beyond it.

mod ask;
mod attributes;
mod error;
mod index;
mod inspect;
mod limits;
mod marker;
mod part_config;
mod pooler;
mod question;
mod reader;
mod settings;
mod siblings;
mod snapshot;
mod storage;
mod survey;
mod take;
mod upkeep;

pub use ask::ask;
pub use attributes::{AclItem, Attributes, ReplicaIdentity, RowPolicy, RowSecurity};
pub use error::InspectError;
pub use index::{CopyEnding, CopyName, IndexFacts, IndexKey, IndexShape, IndexSpelling};
pub use inspect::{
    Tree, inspect, inspect_limits, inspect_pooler, inspect_settings, inspect_siblings, inspect_storage, inspect_trees,
    inspect_upkeep,
};
pub use limits::{Capacity, DatabaseFacts, LimitFacts, MayAlter, RoleFacts};
pub use marker::{HOLD_REGEX, MARKER_PREFIX, Marker, holds};
pub use pooler::{PoolerDatabase, PoolerFacts, PoolerState};
pub use question::{Answer, Answers, Bloat, LeafKey, Question, RowCount};
pub use settings::{Absent, SettingContext, SettingFacts, SettingKind, SettingsFacts};
pub use siblings::{NEWEST, Own, OwnDefinition, OwnKind, Sibling, Siblings, bounded};
pub use snapshot::{
    Catalog, Exclusions, KeyColumn, Leaf, LeafKind, Oid, PLAIN_TABLE, Retired, Root, SNAPSHOT_FORMAT, SessionRole,
    Snapshot, TableState, Target,
};
pub use storage::{ColumnStorage, Compression, LeafAttributes, LeafStorage, PolicyMatch, Storage, StorageMode};
pub use survey::{PartConfig, Survey, SurveyScope, survey};
pub use take::{interruptible, take, take_config, take_for_saved, take_survey};
pub use upkeep::{AutovacuumSettings, IndexUpkeep, LeafUpkeep, Upkeep};
