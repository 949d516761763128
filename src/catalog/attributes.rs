//! What a new partition gets from its parent beyond what `LIKE` copies.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::sql::{Ident, TableName};

/// What neither `LIKE` nor `PARTITION OF` copies (measured on 14 to 18), and the owner's role in creating it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attributes {
    /// `SET ROLE` to it before creating makes it the owner.
    pub owner: Ident,
    /// `LIKE` ignores the parent's.
    pub tablespace: Option<Ident>,
    /// Table and column grants, the owner's own left out.
    pub grants: Vec<AclItem>,
    /// Row-level security.
    pub row_security: RowSecurity,
    /// Without it a published partition may reject every UPDATE and DELETE.
    pub replica_identity: ReplicaIdentity,
    /// `ALTER COLUMN … SET STATISTICS`, where set.
    pub statistics_targets: BTreeMap<Ident, i32>,
}

/// One grant.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct AclItem {
    /// To whom; `None` is PUBLIC.
    pub grantee: Option<Ident>,
    /// On one column, or on the table.
    pub column: Option<Ident>,
    /// `WITH GRANT OPTION`.
    pub grantable: bool,
    /// `SELECT`, `INSERT` and so on, sorted.
    pub privileges: Vec<String>,
}

/// Row-level security of a table.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RowSecurity {
    /// `ENABLE ROW LEVEL SECURITY`.
    pub enabled: bool,
    /// `FORCE ROW LEVEL SECURITY`.
    pub forced: bool,
    /// Its policies.
    pub policies: Vec<RowPolicy>,
}

/// One row-level security policy, its expressions as the server spells them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RowPolicy {
    /// Its name.
    pub name: Ident,
    /// `AS PERMISSIVE` or `AS RESTRICTIVE`.
    pub permissive: bool,
    /// `ALL`, `SELECT`, `INSERT`, `UPDATE` or `DELETE`.
    pub command: String,
    /// For whom; `None` is PUBLIC.
    pub roles: Vec<Option<Ident>>,
    /// `USING`.
    pub using: Option<String>,
    /// `WITH CHECK`.
    pub check: Option<String>,
    /// Other tables that the expressions name: creating the policy locks them ACCESS SHARE.
    pub reads: BTreeSet<TableName>,
}

/// What logical replication identifies rows by.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReplicaIdentity {
    /// The primary key.
    Default,
    /// Nothing.
    Nothing,
    /// The whole row.
    Full,
    /// The partition's copy of this index of the parent.
    Index(Ident),
}

impl ReplicaIdentity {
    /// From `pg_class.relreplident` and the index that stands for it.
    pub(super) fn of(letter: u8, index: Option<Ident>) -> Self {
        match (letter, index) {
            (b'f', _) => Self::Full,
            (b'i', Some(index)) => Self::Index(index),
            // USING INDEX without the index (it was dropped) acts like NOTHING: ALTER TABLE, "REPLICA IDENTITY".
            (b'n', _) | (b'i', None) => Self::Nothing,
            (_, _) => Self::Default,
        }
    }
}
