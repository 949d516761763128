//! Steps that make an existing partition what a new one would be: like its parent, and as the policy says.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::super::fact::Fact;
use super::Relation;
use crate::catalog::{AclItem, Compression, ReplicaIdentity, RowPolicy, StorageMode};
use crate::sql::{Ident, TableName};

/// One thing that a step does with how a partition is stored, whose it is, and who may do what with it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "kind")]
pub enum StorageAction {
    /// Alters a partition.
    #[serde(rename = "alter_partition")]
    Alter(AlterPartition),
}

impl StorageAction {
    /// The partition.
    pub fn partition(&self) -> &TableName {
        let Self::Alter(alter) = self;
        &alter.partition.name
    }

    /// What is altered, in words: alike for partitions that are altered alike.
    pub fn words(&self) -> String {
        let Self::Alter(alter) = self;
        alter.alterations.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
    }

    pub(super) fn word(&self) -> &'static str {
        let Self::Alter(alter) = self;
        if alter.waits() { "alter" } else { "set" }
    }
}

/// See [`StorageAction::Alter`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AlterPartition {
    /// The parent.
    pub root: Relation,
    /// The partition.
    pub partition: Relation,
    /// Its owner, as it is before.
    pub owner: Ident,
    /// What is altered, in the order in which it is.
    pub alterations: Vec<Alteration>,
}

impl AlterPartition {
    /// Whether it takes ACCESS EXCLUSIVE: everybody who uses the partition then waits.
    pub fn waits(&self) -> bool {
        self.alterations.iter().any(Alteration::waits)
    }

    /// What must still be so for its grants: they are the parent's to give, and must not go around its row security.
    pub fn relies_on_grants(&self) -> Option<Fact> {
        let (mut items, mut makes, mut secures) = (Vec::new(), Vec::new(), false);
        for alteration in &self.alterations {
            match alteration {
                Alteration::Grant { item } => items.push(item.clone()),
                Alteration::Policy { policy } => makes.push(policy.name.clone()),
                Alteration::RowSecurity => secures = true,
                Alteration::Owner { .. }
                | Alteration::Parameter { .. }
                | Alteration::StatisticsTarget { .. }
                | Alteration::Compression { .. }
                | Alteration::Storage { .. }
                | Alteration::ReplicaIdentity { .. }
                | Alteration::ForceRowSecurity => {}
            }
        }
        let (root, partition) = (self.root.clone(), self.partition.clone());
        (!items.is_empty()).then_some(Fact::ParentGrants { root, partition, items, makes, secures })
    }

    /// The owner that it gets.
    pub fn new_owner(&self) -> Option<&Ident> {
        self.alterations.iter().find_map(|alteration| match alteration {
            Alteration::Owner { to, from: _ } => Some(to),
            Alteration::Parameter { .. }
            | Alteration::StatisticsTarget { .. }
            | Alteration::Compression { .. }
            | Alteration::Storage { .. }
            | Alteration::ReplicaIdentity { .. }
            | Alteration::Policy { .. }
            | Alteration::RowSecurity
            | Alteration::ForceRowSecurity
            | Alteration::Grant { .. } => None,
        })
    }
}

/// One thing that becomes another: as it was planned from, and to. No grant and no policy is taken away; who owned it keeps
/// what it is granted, and no more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "of", rename_all = "snake_case")]
pub enum Alteration {
    /// `OWNER TO`. What follows is done as the new owner.
    Owner {
        /// As it is.
        from: Ident,
        /// As it will be.
        to: Ident,
    },
    /// A storage parameter.
    Parameter {
        /// Its name; of the TOAST table with `toast.` before it.
        name: String,
        /// As it is, where it is set.
        from: Option<String>,
        /// As it will be.
        to: String,
    },
    /// `ALTER COLUMN … SET STATISTICS`.
    StatisticsTarget {
        /// The column.
        column: Ident,
        /// As it is, where it is set.
        from: Option<i32>,
        /// As it will be.
        to: i32,
    },
    /// `ALTER COLUMN … SET COMPRESSION`: of rows to come.
    Compression {
        /// The column.
        column: Ident,
        /// As it is, where it is set.
        from: Option<Compression>,
        /// As it will be.
        to: Compression,
    },
    /// `ALTER COLUMN … SET STORAGE`: of rows to come.
    Storage {
        /// The column.
        column: Ident,
        /// As it is.
        from: StorageMode,
        /// As it will be.
        to: StorageMode,
    },
    /// `REPLICA IDENTITY`; an index is the partition's own.
    ReplicaIdentity {
        /// As it is.
        from: ReplicaIdentity,
        /// As it will be.
        to: ReplicaIdentity,
    },
    /// A row security policy that it has not.
    Policy {
        /// As the parent has it.
        policy: RowPolicy,
    },
    /// `ENABLE ROW LEVEL SECURITY`.
    RowSecurity,
    /// `FORCE ROW LEVEL SECURITY`.
    ForceRowSecurity,
    /// Privileges that it has not been granted.
    Grant {
        /// As the parent has granted them.
        item: AclItem,
    },
}

impl Alteration {
    /// The row security policy that it makes.
    pub fn policy(&self) -> Option<&RowPolicy> {
        match self {
            Self::Policy { policy } => Some(policy),
            Self::Owner { .. }
            | Self::Parameter { .. }
            | Self::StatisticsTarget { .. }
            | Self::Compression { .. }
            | Self::Storage { .. }
            | Self::ReplicaIdentity { .. }
            | Self::RowSecurity
            | Self::ForceRowSecurity
            | Self::Grant { .. } => None,
        }
    }

    /// Whether it is about whose the partition is and who may do what with it.
    pub fn is_privilege(&self) -> bool {
        match self {
            Self::Owner { .. }
            | Self::Policy { .. }
            | Self::RowSecurity
            | Self::ForceRowSecurity
            | Self::Grant { .. } => true,
            Self::Parameter { .. }
            | Self::StatisticsTarget { .. }
            | Self::Compression { .. }
            | Self::Storage { .. }
            | Self::ReplicaIdentity { .. } => false,
        }
    }

    /// Whether it takes ACCESS EXCLUSIVE; everything else SHARE UPDATE EXCLUSIVE at most (measured on 14 to 18).
    pub fn waits(&self) -> bool {
        match self {
            // What logical decoding must see, and the only parameter that takes it.
            Self::Parameter { name, .. } => name == "user_catalog_table",
            Self::StatisticsTarget { .. } | Self::Grant { .. } => false,
            Self::Owner { .. }
            | Self::Compression { .. }
            | Self::Storage { .. }
            | Self::ReplicaIdentity { .. }
            | Self::Policy { .. }
            | Self::RowSecurity
            | Self::ForceRowSecurity => true,
        }
    }
}

/// `fillfactor 70 (was 90)`.
impl fmt::Display for Alteration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Owner { from, to } => write!(f, "owner {to} (was {from}, who keeps only what it is granted)"),
            Self::Parameter { name, from: None, to } => write!(f, "{name} {to}"),
            Self::Parameter { name, from: Some(from), to } => write!(f, "{name} {to} (was {from})"),
            Self::StatisticsTarget { column, from: None, to } => write!(f, "statistics target {to} of {column}"),
            Self::StatisticsTarget { column, from: Some(from), to } => {
                write!(f, "statistics target {to} of {column} (was {from})")
            }
            Self::Compression { column, from: None, to } => write!(f, "compression {to} of {column}"),
            Self::Compression { column, from: Some(from), to } => {
                write!(f, "compression {to} of {column} (was {from})")
            }
            Self::Storage { column, from, to } => write!(f, "storage {to} of {column} (was {from})"),
            Self::ReplicaIdentity { from, to } => {
                write!(f, "replica identity {} (was {})", identity(to, "an index"), identity(from, "another index"))
            }
            Self::Policy { policy } => write!(f, "row security policy {}", policy.name),
            Self::RowSecurity => f.write_str("row security on"),
            Self::ForceRowSecurity => f.write_str("row security forced on the owner"),
            Self::Grant { item } => {
                let AclItem { grantee, column, grantable, privileges } = item;
                let columns = column.as_ref().map_or_else(String::new, |column| format!(" ({column})"));
                let to = grantee.as_ref().map_or_else(|| "PUBLIC".to_owned(), Ident::to_string);
                let option = if *grantable { " WITH GRANT OPTION" } else { "" };
                write!(f, "{}{columns} to {to}{option}", privileges.join(", "))
            }
        }
    }
}

/// An index is called otherwise on each partition.
fn identity(identity: &ReplicaIdentity, index: &'static str) -> &'static str {
    match identity {
        ReplicaIdentity::Default => "the primary key",
        ReplicaIdentity::Nothing => "nothing",
        ReplicaIdentity::Full => "the whole row",
        ReplicaIdentity::Index(_) => index,
    }
}
