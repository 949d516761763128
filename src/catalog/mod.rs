//! What the database has: one read of the catalog, and answers to what planning must ask beyond it.

mod attributes;
mod marker;
mod question;
mod snapshot;

pub use attributes::{AclItem, Attributes, ReplicaIdentity, RowPolicy, RowSecurity};
pub use marker::{HOLD_REGEX, MARKER_PREFIX, Marker, holds};
pub use question::{Answer, Answers, Question, RowCount};
pub use snapshot::{
    Catalog, KeyColumn, Leaf, LeafKind, Oid, Retired, Root, SNAPSHOT_FORMAT, SessionRole, Snapshot, TableState, Target,
};
