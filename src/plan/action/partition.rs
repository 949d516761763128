//! Steps on partitions: made, detached, attached again, dropped.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::{Relation, Verb};
use crate::catalog::{Attributes, KeyColumn, Marker};
use crate::grid::{Bound, KeyValue};
use crate::policy::IndexDesired;
use crate::sql::{Ident, TableName};

/// One thing that a step does with a partition.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "kind")]
pub enum PartitionAction {
    /// Makes a table like its parent and attaches it.
    #[serde(rename = "create_partition")]
    Create(CreatePartition),
    /// Makes and attaches the default partition that the policy requires.
    #[serde(rename = "create_default")]
    CreateDefault(CreateDefault),
    /// Completes a detach that was interrupted.
    #[serde(rename = "finalize_detach")]
    Finalize(Leaving),
    /// Writes the marker into a partition's comment before its detach.
    #[serde(rename = "mark_partition")]
    Mark(Retiring),
    /// Detaches a marked partition.
    #[serde(rename = "detach_partition")]
    Detach(DetachPartition),
    /// Adds the server's clock to the marker: grace runs from here.
    #[serde(rename = "stamp_partition")]
    Stamp(Retiring),
    /// Attaches a marked table again: the policy wants its window back.
    #[serde(rename = "attach_partition")]
    Attach(AttachPartition),
    /// Drops a marked table whose grace is over.
    #[serde(rename = "drop_partition")]
    Drop(DropPartition),
}

impl PartitionAction {
    /// What it counts as.
    pub fn verb(&self) -> Verb {
        match self {
            Self::Create(_) | Self::CreateDefault(_) => Verb::Create,
            Self::Finalize(_) => Verb::Finalize,
            Self::Attach(_) => Verb::Change,
            // Marker and stamp are part of the detach that they surround.
            Self::Mark(_) | Self::Detach(_) | Self::Stamp(_) => Verb::Detach,
            Self::Drop(_) => Verb::Drop,
        }
    }

    /// The partition.
    pub fn partition(&self) -> &TableName {
        match self {
            Self::Create(create) => &create.partition,
            Self::CreateDefault(create) => &create.partition,
            Self::Finalize(leaving) => &leaving.partition.name,
            Self::Mark(retiring) | Self::Stamp(retiring) => &retiring.partition.name,
            Self::Detach(detach) => &detach.leaving.partition.name,
            Self::Attach(attach) => &attach.retired.partition.name,
            Self::Drop(drop) => &drop.retired.partition.name,
        }
    }

    pub(super) fn is_concurrent(&self) -> bool {
        match self {
            Self::Detach(detach) => detach.mode == DetachMode::Concurrently,
            Self::Create(_)
            | Self::CreateDefault(_)
            | Self::Finalize(_)
            | Self::Mark(_)
            | Self::Stamp(_)
            | Self::Attach(_)
            | Self::Drop(_) => false,
        }
    }

    pub(super) fn word(&self) -> &'static str {
        match self {
            Self::Create(_) | Self::CreateDefault(_) => "create",
            Self::Finalize(_) => "finalize",
            Self::Mark(_) => "mark",
            Self::Detach(_) => "detach",
            Self::Stamp(_) => "stamp",
            Self::Attach(_) => "attach",
            Self::Drop(_) => "drop",
        }
    }

    /// Whether rows leave, or go.
    pub fn removes(&self) -> bool {
        match self {
            Self::Mark(_) | Self::Detach(_) | Self::Drop(_) => true,
            Self::Create(_) | Self::CreateDefault(_) | Self::Finalize(_) | Self::Stamp(_) | Self::Attach(_) => false,
        }
    }
}

/// Relations that the server locks along with a parent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Touches {
    /// The default partition.
    pub default: Option<TableName>,
    /// Tables that the parent's foreign keys reference.
    pub references: BTreeSet<TableName>,
    /// Tables whose foreign keys reference the parent.
    pub referenced_by: BTreeSet<TableName>,
    /// Those of both that are partitioned: what locks them locks their partitions too.
    pub partitioned: BTreeSet<TableName>,
}

/// How a partition is made, beyond what it gets from its parent's attributes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Making {
    /// Its indexes are left out of the `LIKE`, and made by the attach, which would make some of them a second time.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub indexes_by_attach: bool,
    /// It is UNLOGGED.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub unlogged: bool,
    /// Checks that the newest partition has for its own.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub checks: Vec<CopiedCheck>,
    /// Triggers that the newest partition has for its own.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub triggers: Vec<CopiedTrigger>,
    /// Indexes that the policy wants on each partition by itself.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub indexes: Vec<OwnIndex>,
}

/// An index that a partition is made with, and its table has not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OwnIndex {
    /// The index to be.
    pub index: TableName,
    /// The index's name in the policy.
    pub wanted: Ident,
    /// What the policy says of it.
    pub definition: IndexDesired,
}

/// A check as another partition has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CopiedCheck {
    /// Its name here.
    pub name: Ident,
    /// What follows the name, with the other partition's name in it.
    pub definition: String,
    /// The other partition's name.
    pub of: Ident,
}

/// A trigger as another partition has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CopiedTrigger {
    /// Its name here.
    pub name: Ident,
    /// It is a constraint trigger.
    pub constraint: bool,
    /// What stands between its name and the partition's.
    pub events: String,
    /// What stands behind the partition's name.
    pub tail: String,
    /// `O`, `D`, `R` or `A`, as `pg_trigger.tgenabled` has it.
    pub enabled: char,
}

impl Making {
    /// Whether it is made as most are.
    pub fn is_plain(&self) -> bool {
        *self == Self::default()
    }
}

/// See [`PartitionAction::Create`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CreatePartition {
    /// The parent.
    pub root: Relation,
    /// The partition to be.
    pub partition: TableName,
    /// The parent's key.
    pub key: KeyColumn,
    /// Lower bound, inclusive.
    pub from: KeyValue,
    /// Upper bound, exclusive; MAXVALUE where the key's type ends.
    pub to: Bound,
    /// What it gets from the parent.
    pub attributes: Attributes,
    /// What the policy adds.
    pub storage_parameters: BTreeMap<String, String>,
    /// How else it is made.
    #[serde(default, skip_serializing_if = "Making::is_plain")]
    pub making: Box<Making>,
    /// What is locked along with the parent.
    pub touches: Touches,
}

/// See [`PartitionAction::CreateDefault`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CreateDefault {
    /// The parent.
    pub root: Relation,
    /// The partition to be.
    pub partition: TableName,
    /// What it gets from the parent.
    pub attributes: Attributes,
    /// What the policy adds.
    pub storage_parameters: BTreeMap<String, String>,
    /// How else it is made.
    #[serde(default, skip_serializing_if = "Making::is_plain")]
    pub making: Box<Making>,
    /// What is locked along with the parent.
    pub touches: Touches,
}

/// A partition and its parent. See [`PartitionAction::Finalize`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Leaving {
    /// The parent.
    pub root: Relation,
    /// The parent's owner, who detaches.
    pub owner: Ident,
    /// The partition.
    pub partition: Relation,
    /// Its bounds.
    pub from: Bound,
    /// Its bounds.
    pub to: Bound,
    /// What is locked along with the parent.
    pub touches: Touches,
}

/// A partition and its marker. See [`PartitionAction::Mark`] and [`PartitionAction::Stamp`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Retiring {
    /// The table.
    pub partition: Relation,
    /// Its owner, who comments and drops.
    pub owner: Ident,
    /// The marker, without a stamp.
    pub marker: Marker,
}

/// See [`PartitionAction::Detach`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DetachPartition {
    /// What leaves.
    pub leaving: Leaving,
    /// How.
    pub mode: DetachMode,
}

/// How a partition is detached.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DetachMode {
    /// `DETACH … CONCURRENTLY`: reads and writes of the parent go on.
    Concurrently,
    /// Plain `DETACH` under ACCESS EXCLUSIVE, because of this.
    Blocking(String),
}

/// See [`PartitionAction::Attach`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AttachPartition {
    /// The parent.
    pub root: Relation,
    /// The parent's owner.
    pub owner: Ident,
    /// The parent's key.
    pub key: KeyColumn,
    /// The table.
    pub retired: Retiring,
    /// Tables that its own foreign keys reference.
    pub references: BTreeSet<TableName>,
    /// Constraints of its own that the parent has too, and that the attach builds anew: dropped first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rebuilt: Vec<Ident>,
    /// What is locked along with the parent.
    pub touches: Touches,
}

/// See [`PartitionAction::Drop`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DropPartition {
    /// The table.
    pub retired: Retiring,
    /// Tables that its foreign keys reference: locked ACCESS EXCLUSIVE by the drop.
    pub references: BTreeSet<TableName>,
    /// Those of them that are partitioned.
    pub partitioned: BTreeSet<TableName>,
}
