//! Steps on indexes: made on the root, built and attached on each partition, swapped for one that the policy changed.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::Relation;
use crate::catalog::Oid;
use crate::policy::IndexDesired;
use crate::sql::{Ident, TableName};

/// One thing that a step does with an index that the policy names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "kind")]
pub enum IndexAction {
    /// Makes an index of the root alone: invalid until every partition has its own.
    #[serde(rename = "create_index")]
    Create(CreateIndex),
    /// Builds a partition's index.
    #[serde(rename = "build_index")]
    Build(BuildIndex),
    /// Attaches a partition's index to the root's.
    #[serde(rename = "attach_index")]
    Attach(AttachIndex),
    /// Attaches a partition's index once more: the server then looks again whether the root's is whole.
    #[serde(rename = "validate_index")]
    Validate(AttachIndex),
    /// Gives a partition's index the storage parameters of the policy.
    #[serde(rename = "alter_index")]
    Alter(AlterIndex),
    /// Builds an attached index of a partition anew: an invalid one cannot be dropped by itself.
    #[serde(rename = "rebuild_index")]
    Rebuild(LooseIndex),
    /// Drops an invalid index of a partition that an interruption left behind.
    #[serde(rename = "drop_index")]
    Drop(LooseIndex),
    /// Drops a root's index that we began and the policy wants no more, with those of its partitions.
    #[serde(rename = "discard_index")]
    Discard(DiscardIndex),
    /// Drops a root's index that the policy defines otherwise, and gives its name to the new one.
    #[serde(rename = "swap_index")]
    Swap(SwapIndex),
}

impl IndexAction {
    /// The table it works on: a partition, or the root.
    pub fn table(&self) -> &TableName {
        match self {
            Self::Create(create) => &create.root.name,
            Self::Build(build) => &build.partition,
            Self::Attach(attach) => &attach.partition,
            Self::Validate(attach) => &attach.root.name,
            Self::Alter(alter) => &alter.partition.name,
            Self::Rebuild(loose) | Self::Drop(loose) => &loose.partition.name,
            Self::Discard(discard) => &discard.root.name,
            Self::Swap(swap) => &swap.root.name,
        }
    }

    /// The index.
    pub fn index(&self) -> &TableName {
        match self {
            Self::Create(create) => &create.index,
            Self::Build(build) => &build.index,
            Self::Attach(attach) => &attach.index,
            Self::Validate(attach) => &attach.to,
            Self::Alter(alter) => &alter.index.name,
            Self::Rebuild(loose) | Self::Drop(loose) => &loose.index.name,
            Self::Discard(discard) => &discard.index.name,
            Self::Swap(swap) => &swap.old.name,
        }
    }

    /// The policy's name of the index that it serves.
    pub fn wanted(&self) -> &Ident {
        match self {
            Self::Create(create) => &create.wanted,
            Self::Build(build) => &build.wanted,
            Self::Attach(attach) | Self::Validate(attach) => &attach.wanted,
            Self::Alter(alter) => &alter.wanted,
            Self::Rebuild(loose) | Self::Drop(loose) => &loose.wanted,
            Self::Discard(discard) => &discard.wanted,
            Self::Swap(swap) => &swap.wanted,
        }
    }

    pub(super) fn is_concurrent(&self) -> bool {
        match self {
            Self::Build(build) => build.mode == BuildMode::Concurrently,
            Self::Rebuild(_) | Self::Drop(_) => true,
            Self::Create(_)
            | Self::Attach(_)
            | Self::Validate(_)
            | Self::Alter(_)
            | Self::Discard(_)
            | Self::Swap(_) => false,
        }
    }

    pub(super) fn word(&self) -> &'static str {
        match self {
            Self::Create(_) => "create index",
            Self::Build(_) => "build index",
            Self::Attach(_) => "attach index",
            Self::Validate(_) => "validate index",
            Self::Alter(_) => "alter index",
            Self::Rebuild(_) => "rebuild index",
            Self::Drop(_) => "drop index",
            Self::Discard(_) => "discard index",
            Self::Swap(_) => "swap index",
        }
    }
}

/// See [`IndexAction::Create`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CreateIndex {
    /// The root.
    pub root: Relation,
    /// Its owner.
    pub owner: Ident,
    /// The index to be.
    pub index: TableName,
    /// The index's name in the policy.
    pub wanted: Ident,
    /// What the policy says of it.
    pub definition: IndexDesired,
}

/// See [`IndexAction::Build`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BuildIndex {
    /// The partition.
    pub partition: TableName,
    /// Its OID, once it has one.
    pub oid: Option<Oid>,
    /// Its owner.
    pub owner: Ident,
    /// The index to be.
    pub index: TableName,
    /// The index's name in the policy.
    pub wanted: Ident,
    /// What the policy says of it.
    pub definition: IndexDesired,
    /// How.
    pub mode: BuildMode,
}

/// How an index is built.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BuildMode {
    /// `CREATE INDEX CONCURRENTLY`: writers go on.
    Concurrently,
    /// Plain `CREATE INDEX` under SHARE, because of this.
    Plainly(String),
}

/// See [`IndexAction::Attach`] and [`IndexAction::Validate`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AttachIndex {
    /// The root.
    pub root: Relation,
    /// Its owner.
    pub owner: Ident,
    /// The root's index.
    pub to: TableName,
    /// The partition.
    pub partition: TableName,
    /// Its index.
    pub index: TableName,
    /// The index's name in the policy.
    pub wanted: Ident,
}

/// See [`IndexAction::Alter`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AlterIndex {
    /// The partition.
    pub partition: Relation,
    /// Its owner.
    pub owner: Ident,
    /// The index.
    pub index: Relation,
    /// The index's name in the policy.
    pub wanted: Ident,
    /// Parameters that get a value.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub set: BTreeMap<String, String>,
    /// Parameters that go back to their default.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub reset: BTreeSet<String>,
}

/// One existing index of a partition.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LooseIndex {
    /// The partition.
    pub partition: Relation,
    /// Its owner.
    pub owner: Ident,
    /// The index.
    pub index: Relation,
    /// The index's name in the policy.
    pub wanted: Ident,
}

/// See [`IndexAction::Discard`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DiscardIndex {
    /// The root.
    pub root: Relation,
    /// Its owner.
    pub owner: Ident,
    /// The index.
    pub index: Relation,
    /// The policy's index that it was to become.
    pub wanted: Ident,
}

/// See [`IndexAction::Swap`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SwapIndex {
    /// The root.
    pub root: Relation,
    /// Its owner.
    pub owner: Ident,
    /// The index that goes.
    pub old: Relation,
    /// The one that takes its name.
    pub new: TableName,
    /// The index's name in the policy.
    pub wanted: Ident,
    /// What else of the old one and of its partitions' the new ones get.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub keeps: Vec<Kept>,
}

/// What a person gave an index, and its successor gets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "of")]
pub enum Kept {
    /// Its comment.
    Comment {
        /// The successor.
        index: TableName,
        /// The text.
        text: String,
    },
    /// The statistics target of one of its expressions.
    StatisticsTarget {
        /// The successor.
        index: TableName,
        /// The column's number there.
        column: u16,
        /// The target.
        target: u16,
    },
}
