//! The facts that planning reads, as plain data.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::attributes::Attributes;
use super::citus::Citus;
use super::index::IndexFacts;
use super::limits::{LimitFacts, LockSlots};
use super::marker::Marker;
use super::pooler::PoolerState;
use super::question::Answers;
use super::rights::SchemaLack;
use super::settings::SettingsFacts;
use super::siblings::Siblings;
use super::storage::Storage;
use super::trust::OwnersCodes;
use super::upkeep::Upkeep;
use crate::grid::{KeyKind, LeafBounds};
use crate::sql::{Ident, TableName};

/// The format of a saved snapshot; a reader refuses another major.
pub const SNAPSHOT_FORMAT: &str = "1.0";

/// Everything that planning reads of a server, taken once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Snapshot {
    /// Format of this document.
    pub format_version: String,
    /// Which server.
    pub target: Target,
    /// The server's clock when the catalog was read.
    pub taken_at: Timestamp,
    /// The client's real clock minus the server's, in milliseconds. Over five minutes blocks every removal.
    pub clock_skew_ms: i64,
    /// What the catalog says.
    pub catalog: Catalog,
    /// What planning had to ask beyond it.
    pub answers: Answers,
}

/// Which server and database; never a URL.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Target {
    /// `current_database()`.
    pub database: String,
    /// The host as the user named it; `[local]` for a socket.
    pub host: String,
    /// `cluster_name`, when set.
    pub cluster_name: Option<String>,
    /// As text: it is larger than 2^53. `None` where the role may not read it.
    pub system_identifier: Option<String>,
    /// OID of the database: tells two databases of one name apart after a restore.
    pub database_oid: Oid,
    /// `server_version_num`, such as 170010.
    pub server_version_num: u32,
    /// On a standby nothing can be carried out.
    pub in_recovery: bool,
    /// The host and port of the pooler whose admin console is asked as well.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pooler: Option<String>,
}

impl Target {
    /// Whom else the policy has asked: said first, since a policy names it.
    pub(crate) fn also_asked(&self) -> Option<String> {
        self.pooler.as_ref().map(|pooler| format!("PgBouncer at {pooler}"))
    }

    /// The server's major version.
    pub fn major(&self) -> u32 {
        self.server_version_num / 10_000
    }

    /// `17.10`.
    pub fn server_version(&self) -> String {
        format!("{}.{}", self.major(), self.server_version_num % 10_000)
    }

    /// The same database of the same cluster: names may differ between two connections, identifiers may not.
    pub fn same_database(&self, other: &Self) -> bool {
        let same_system = match (&self.system_identifier, &other.system_identifier) {
            (Some(a), Some(b)) => a == b,
            (None, _) | (_, None) => true,
        };
        same_system
            && self.database == other.database
            && self.database_oid == other.database_oid
            && self.cluster_name == other.cluster_name
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{} (PostgreSQL {})", self.database, self.host, self.server_version())
    }
}

/// An object's OID.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Oid(pub u32);

impl fmt::Display for Oid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What the catalog says.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Catalog {
    /// Every table of the policy.
    pub tables: BTreeMap<TableName, TableState>,
    /// Tables of their own whose comment carries a marker.
    pub retired: BTreeMap<Oid, Retired>,
    /// The role that connected.
    pub session: SessionRole,
    /// Logins of owners, by owner: what is done with their tables is done in sessions of their own.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub logins: BTreeMap<Ident, SessionRole>,
    /// Logins of roles that own no table that was read.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub idle_logins: BTreeSet<Ident>,
    /// What owners, and the session, lack on the schemas of their tables.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub lacks: BTreeSet<SchemaLack>,
    /// What a table of the policy that is missing may be called.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub similar: BTreeMap<TableName, TableName>,
    /// Standbys are connected: replay there may cancel queries.
    pub has_standbys: bool,
    /// Code of roles that may do less than the session, and that the server would run as the session; only tables on
    /// which some hangs.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub owners_code: OwnersCodes,
    /// What the server's lock table holds; `None` in a snapshot of an older version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lock_slots: Option<LockSlots>,
    /// What Citus says, where the database has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub citus: Option<Citus>,
    /// Connections, where the policy speaks of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limits: Option<LimitFacts>,
    /// Settings, where the policy speaks of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub settings: Option<SettingsFacts>,
    /// PgBouncer's configuration, where the policy names its admin console.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pooler: Option<PoolerState>,
}

impl Catalog {
    /// The role whose session works on a table of the policy: its owner's login, where there is one.
    pub fn session_of(&self, table: &TableName) -> &SessionRole {
        self.login_of(table).and_then(|owner| self.logins.get(owner)).unwrap_or(&self.session)
    }

    /// The owner of a table who has a login.
    pub fn login_of(&self, table: &TableName) -> Option<&Ident> {
        match self.tables.get(table)? {
            TableState::Partitioned(root) => {
                Some(&root.attributes.owner).filter(|owner| self.logins.contains_key(*owner))
            }
            TableState::Missing | TableState::Unfit(_) => None,
        }
    }
}

/// The role that connected, and what it may become.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionRole {
    /// `session_user`.
    pub name: String,
    /// A superuser may do everything.
    pub superuser: bool,
    /// Owners met in the catalog that `SET ROLE` reaches.
    pub may_become: BTreeSet<Ident>,
    /// Owners met in the catalog that are superusers: nobody should be given the right to become one of them.
    pub superusers: BTreeSet<Ident>,
    /// Owners met in the catalog whose privileges it has without SET ROLE: who changes an owner must act as the old one.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub acts_as: BTreeSet<Ident>,
    /// `default_transaction_read_only`: somebody saw to it that nothing is changed as this role or in this database.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub read_only: bool,
}

/// What stands behind a name of the policy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TableState {
    /// Nothing.
    Missing,
    /// Something that cannot be partitioned by range of one column; says what.
    Unfit(String),
    /// A table partitioned by range of one column.
    Partitioned(Box<Root>),
}

impl TableState {
    /// Whether it is the partitioned table with this OID.
    pub fn is(&self, oid: Oid) -> bool {
        match self {
            Self::Partitioned(root) => root.oid == oid,
            Self::Missing | Self::Unfit(_) => false,
        }
    }
}

/// How [`TableState::Unfit`] begins for a table of which anything is called by what is no UTF-8.
pub const NAMES_NOT_UTF8: &str = "a table with names that are not UTF-8";

/// What [`TableState::Unfit`] says of a table that is not partitioned at all.
pub const PLAIN_TABLE: &str = "a plain table";

/// A partitioned table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Root {
    /// Its OID.
    pub oid: Oid,
    /// The partition key.
    pub key: KeyColumn,
    /// What a new partition gets from it.
    pub attributes: Attributes,
    /// A line `pgstrata: hold` in its comment holds every partition.
    pub held: bool,
    /// Its partitions, attached or pending detach.
    pub leaves: BTreeMap<Oid, Leaf>,
    /// Its indexes and those of its partitions, where the policy speaks of indexes.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub indexes: BTreeMap<Oid, IndexFacts>,
    /// How it and its partitions are kept, where the policy speaks of maintenance.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub upkeep: Option<Box<Upkeep>>,
    /// How its partitions are stored, and where they are not like it; `None` where that was not read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub storage: Option<Box<Storage>>,
    /// Tables that its foreign keys reference.
    pub references: BTreeSet<TableName>,
    /// Tables whose foreign keys reference it.
    pub referenced_by: BTreeSet<TableName>,
    /// Those of both that are partitioned: what locks them locks their partitions too.
    pub partitioned: BTreeSet<TableName>,
    /// What its newest partitions have for their own; `None` where that was not read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub siblings: Option<Box<Siblings>>,
    /// The foreign keys that reference it, by the OIDs of their constraints.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub keys_in: BTreeMap<Oid, IncomingKey>,
    /// Tables that its own foreign keys reference with ON DELETE CASCADE.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub cascades_from: BTreeSet<TableName>,
    /// Constraints that a partition cannot bring along: ATTACH builds its own.
    #[serde(default, skip_serializing_if = "Exclusions::is_empty")]
    pub exclusions: Exclusions,
    /// Tables beside its partitions that look like some, and have no marker.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub unmarked: BTreeSet<Unmarked>,
    /// Publications that carry its changes under a leaf's name: a subscriber needs each new table.
    pub leaf_publications: BTreeSet<String>,
    /// The owner may create in the table's schema.
    pub owner_creates_in_schema: bool,
    /// The owner may create in the table's tablespace.
    pub owner_creates_in_tablespace: bool,
    /// A row of pg_partman's `part_config` with automatic maintenance on: the schema that `part_config` is in.
    pub partman: Option<Ident>,
}

/// A table of its own with the columns of a partitioned one, in a schema of its partitions.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Unmarked {
    /// Its name.
    pub name: TableName,
    /// A line `pgstrata: hold` in its comment.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub held: bool,
    /// It has a check of bounds of the key, as a concurrent detach leaves it.
    pub has_bounds: bool,
}

impl Root {
    /// The attached default partition.
    pub fn default_leaf(&self) -> Option<(Oid, &Leaf)> {
        self.leaves.iter().find(|(_, leaf)| matches!(leaf.bounds, LeafBounds::Default)).map(|(oid, leaf)| (*oid, leaf))
    }

    /// The partition whose detach is unfinished.
    pub fn pending_leaf(&self) -> Option<(Oid, &Leaf)> {
        self.leaves.iter().find(|(_, leaf)| leaf.pending).map(|(oid, leaf)| (*oid, leaf))
    }
}

/// A foreign key that references a root.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IncomingKey {
    /// Its name.
    pub name: Ident,
    /// Whose it is.
    pub table: TableName,
    /// That table's OID.
    pub relation: Oid,
    /// That table's owner.
    pub owner: Ident,
    /// That table is partitioned: its rows are in its partitions.
    pub partitioned: bool,
    /// Its columns: a row with a NULL in one of them references nothing.
    pub columns: Vec<Ident>,
    /// The one that references the root's partition key, where it is of the same type.
    pub key: Option<Ident>,
}

/// Exclusion constraints and keys WITHOUT OVERLAPS by name, each with what it means: equal texts mean the same. ATTACH takes
/// none that a partition has for its own, and builds another (CompareIndexInfo() in index.c).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exclusions {
    /// Of the table itself.
    pub own: BTreeMap<Ident, String>,
    /// Of its partition whose detach is unfinished.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub of_pending: BTreeMap<Ident, String>,
}

impl Exclusions {
    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.own.is_empty() && self.of_pending.is_empty()
    }

    /// Those of a table that is to be attached which the table itself has as well.
    pub fn doubled<'a>(&self, of_table: &'a BTreeMap<Ident, String>) -> impl Iterator<Item = &'a Ident> {
        of_table.iter().filter(|(_, meaning)| self.own.values().any(|own| own == *meaning)).map(|(name, _)| name)
    }
}

/// A partition key of one column.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyColumn {
    /// The column.
    pub name: Ident,
    /// Its type.
    pub kind: KeyKind,
    /// `NOT NULL`: the bound's CHECK then needs no `IS NOT NULL`.
    pub not_null: bool,
}

/// A partition.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Leaf {
    /// Its name; never read for decisions.
    pub name: TableName,
    /// Its owner.
    pub owner: Ident,
    /// What it is.
    pub kind: LeafKind,
    /// Its bounds.
    pub bounds: LeafBounds,
    /// `inhdetachpending`: its rows are invisible, inserts into its range fail.
    pub pending: bool,
    /// A line `pgstrata: hold` in its comment.
    pub held: bool,
    /// The marker in its comment: its removal has begun.
    pub marker: Option<Marker>,
    /// `reltuples`, when it was ever counted. Never read for decisions.
    pub rows_estimate: Option<u64>,
}

/// What a partition is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LeafKind {
    /// An ordinary table.
    Table,
    /// A foreign table.
    Foreign,
    /// Partitioned itself.
    Partitioned,
}

/// A table of its own whose comment carries a marker.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Retired {
    /// Its name.
    pub name: TableName,
    /// Its owner.
    pub owner: Ident,
    /// The marker, which may speak of another table (a restored dump keeps comments, not OIDs).
    pub marker: Marker,
    /// A line `pgstrata: hold` in its comment.
    pub held: bool,
    /// That line, as it stands there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hold_line: Option<String>,
    /// Tables that its foreign keys reference: dropping it takes ACCESS EXCLUSIVE on them.
    pub references: BTreeSet<TableName>,
    /// Those of them that are partitioned.
    pub partitioned: BTreeSet<TableName>,
    /// Those of them whose rows take rows of this table along when they are deleted.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub cascades_from: BTreeSet<TableName>,
    /// Its exclusion constraints and keys WITHOUT OVERLAPS, as in [`Exclusions`].
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub exclusions: BTreeMap<Ident, String>,
    /// It is a partition again, of another table, or has children of its own.
    pub in_use_as: Option<String>,
    /// What the root that its marker names by OID is called now, where that is none of the policy's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub root_now: Option<TableName>,
    /// A line `pgstrata: hold` in the comment of that root.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub root_held: bool,
    /// `reltuples`, when it was ever counted. Never read for decisions.
    pub rows_estimate: Option<u64>,
}
