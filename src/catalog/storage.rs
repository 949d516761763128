//! How the partitions of a table are stored, and where each is not like its parent: what the catalog says now of that
//! which a new partition gets from [`Attributes`](super::Attributes) and from the policy.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::{Deserialize, Serialize};

use super::attributes::{AclItem, ReplicaIdentity};
use super::snapshot::Oid;
use crate::sql::{Ident, TableName};

/// Of one partitioned table.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Storage {
    /// Columns whose storage or compression the table itself sets.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub columns: BTreeMap<Ident, ColumnStorage>,
    /// Its partitions. One that is not here has a TOAST table and no parameters, and is like its parent.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub leaves: BTreeMap<Oid, LeafStorage>,
}

/// Of one partition.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeafStorage {
    /// It has a TOAST table: without one, parameters of it are accepted and forgotten.
    pub toasted: bool,
    /// Its storage parameters, as they were written; those of its TOAST table begin with `toast.`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub parameters: BTreeMap<String, String>,
    /// What it is by itself, where it may not be like its parent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub own: Option<Box<LeafAttributes>>,
}

impl Default for LeafStorage {
    fn default() -> Self {
        Self { toasted: true, parameters: BTreeMap::new(), own: None }
    }
}

/// What a partition has where its parent has [`Attributes`](super::Attributes); its owner is in the
/// [`Leaf`](super::Leaf).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeafAttributes {
    /// Where it is stored, unless that is the database's tablespace.
    pub tablespace: Option<Ident>,
    /// Table and column grants, the owner's own left out.
    pub grants: Vec<AclItem>,
    /// `ENABLE ROW LEVEL SECURITY`.
    pub row_security: bool,
    /// `FORCE ROW LEVEL SECURITY`.
    pub force_row_security: bool,
    /// Its policies, each compared with that of the same name on the parent.
    pub policies: BTreeMap<Ident, PolicyMatch>,
    /// Its replica identity; an index is its own.
    pub replica_identity: ReplicaIdentity,
    /// Its valid index that belongs to the parent's replica identity.
    pub identity_index: Option<Ident>,
    /// It has a primary key.
    pub primary_key: bool,
    /// `ALTER COLUMN … SET STATISTICS`, where set.
    pub statistics_targets: BTreeMap<Ident, i32>,
    /// Storage and compression of the columns that the parent sets, and of those that have a compression of their own.
    pub columns: BTreeMap<Ident, ColumnStorage>,
    /// Publications that list it, and not its parent.
    pub publications: BTreeSet<String>,
    /// Statistics objects of the parent that it has no equal of.
    pub lacks_statistics: BTreeSet<TableName>,
    /// The parent's owner may create in its schema.
    pub owner_creates_in_schema: bool,
}

/// How a column is stored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ColumnStorage {
    /// `SET STORAGE`; of the parent only where it is not the type's own.
    pub storage: Option<StorageMode>,
    /// `SET COMPRESSION`; `None` goes by `default_toast_compression`.
    pub compression: Option<Compression>,
}

/// `SET STORAGE`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StorageMode {
    /// Inline, uncompressed.
    Plain,
    /// Out of line, uncompressed.
    External,
    /// Compressed, then out of line.
    Extended,
    /// Compressed, out of line as a last resort.
    Main,
}

/// `SET COMPRESSION`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Compression {
    /// PostgreSQL's own.
    Pglz,
    /// LZ4, where the server was built with it.
    Lz4,
}

impl StorageMode {
    /// As `pg_attribute.attstorage` has it.
    pub fn from_catalog(letter: u8) -> Option<Self> {
        match letter {
            b'p' => Some(Self::Plain),
            b'e' => Some(Self::External),
            b'x' => Some(Self::Extended),
            b'm' => Some(Self::Main),
            _ => None,
        }
    }

    /// As `pg_attribute.attstorage` has it.
    pub fn in_catalog(self) -> char {
        match self {
            Self::Plain => 'p',
            Self::External => 'e',
            Self::Extended => 'x',
            Self::Main => 'm',
        }
    }
}

impl fmt::Display for StorageMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Plain => "PLAIN",
            Self::External => "EXTERNAL",
            Self::Extended => "EXTENDED",
            Self::Main => "MAIN",
        })
    }
}

impl Compression {
    /// As `pg_attribute.attcompression` has it.
    pub fn from_catalog(letter: u8) -> Option<Self> {
        match letter {
            b'p' => Some(Self::Pglz),
            b'l' => Some(Self::Lz4),
            _ => None,
        }
    }

    /// As `pg_attribute.attcompression` has it.
    pub fn in_catalog(self) -> char {
        match self {
            Self::Pglz => 'p',
            Self::Lz4 => 'l',
        }
    }
}

impl fmt::Display for Compression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Pglz => "pglz",
            Self::Lz4 => "lz4",
        })
    }
}

/// How a partition's row security policy compares with its parent's of the same name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PolicyMatch {
    /// It says the same.
    Alike,
    /// It says something else.
    Differs,
    /// The parent has none of this name.
    Own,
    /// Not known, because of this.
    Unknown(String),
}
