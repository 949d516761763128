//! What a step does, as data: `sql::render` is the only way from here to SQL and locks.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::catalog::{Attributes, KeyColumn, Marker, Oid};
use crate::grid::{Bound, KeyValue};
use crate::policy::IndexDesired;
use crate::sql::{Ident, TableName};

/// An existing relation: the name that SQL uses, and the OID that says it is still the same one.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Relation {
    /// Its name.
    pub name: TableName,
    /// Its OID.
    pub oid: Oid,
}

/// One thing that a step does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Action {
    /// Makes a table like its parent and attaches it.
    CreatePartition(CreatePartition),
    /// Makes and attaches the default partition that the policy requires.
    CreateDefault(CreateDefault),
    /// Completes a detach that was interrupted.
    FinalizeDetach(Leaving),
    /// Writes the marker into a partition's comment before its detach.
    MarkPartition(Retiring),
    /// Detaches a marked partition.
    DetachPartition(DetachPartition),
    /// Adds the server's clock to the marker: grace runs from here.
    StampPartition(Retiring),
    /// Attaches a marked table again: the policy wants its window back.
    AttachPartition(AttachPartition),
    /// Drops a marked table whose grace is over.
    DropPartition(DropPartition),
    /// Makes an index of the root alone: invalid until every partition has its own.
    CreateIndex(CreateIndex),
    /// Builds a partition's index.
    BuildIndex(BuildIndex),
    /// Attaches a partition's index to the root's.
    AttachIndex(AttachIndex),
    /// Builds an attached index of a partition anew: an invalid one cannot be dropped by itself.
    RebuildIndex(LooseIndex),
    /// Drops an invalid index of a partition that an interruption left behind.
    DropIndex(LooseIndex),
    /// Drops a root's index that the policy defines otherwise, and gives its name to the new one.
    SwapIndex(SwapIndex),
    /// Analyzes a root as a whole.
    AnalyzeParent(AnalyzeParent),
    /// Vacuums, freezes and analyzes a partition that is over.
    VacuumPartition(VacuumPartition),
    /// Builds a bloated index of a partition that is over anew.
    ReindexIndex(ReindexIndex),
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

/// See [`Action::CreatePartition`].
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
    /// Upper bound, exclusive.
    pub to: KeyValue,
    /// What it gets from the parent.
    pub attributes: Attributes,
    /// What the policy adds.
    pub storage_parameters: BTreeMap<String, String>,
    /// What is locked along with the parent.
    pub touches: Touches,
}

/// See [`Action::CreateDefault`].
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
    /// What is locked along with the parent.
    pub touches: Touches,
}

/// A partition and its parent. See [`Action::FinalizeDetach`].
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

/// A partition and its marker. See [`Action::MarkPartition`] and [`Action::StampPartition`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Retiring {
    /// The table.
    pub partition: Relation,
    /// Its owner, who comments and drops.
    pub owner: Ident,
    /// The marker, without a stamp.
    pub marker: Marker,
}

/// See [`Action::DetachPartition`].
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

/// See [`Action::AttachPartition`].
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
    /// What is locked along with the parent.
    pub touches: Touches,
}

/// See [`Action::DropPartition`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DropPartition {
    /// The table.
    pub retired: Retiring,
    /// Tables that its foreign keys reference: locked ACCESS EXCLUSIVE by the drop.
    pub references: BTreeSet<TableName>,
    /// Those of them that are partitioned.
    pub partitioned: BTreeSet<TableName>,
}

/// See [`Action::CreateIndex`].
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

/// See [`Action::BuildIndex`].
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

/// See [`Action::AttachIndex`].
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

/// See [`Action::SwapIndex`].
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
}

/// See [`Action::AnalyzeParent`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AnalyzeParent {
    /// The root.
    pub root: Relation,
    /// Who does it: its owner, or the role that connected where it has the privilege MAINTAIN.
    pub role: Ident,
    /// `ANALYZE ONLY` (18 and later): before, every partition is analyzed along with it.
    pub only: bool,
}

/// See [`Action::VacuumPartition`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VacuumPartition {
    /// The partition.
    pub partition: Relation,
    /// Its bounds.
    pub from: Bound,
    /// Its bounds.
    pub to: Bound,
    /// Who does it: its owner, or the role that connected where it has the privilege MAINTAIN.
    pub role: Ident,
}

/// See [`Action::ReindexIndex`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReindexIndex {
    /// The partition.
    pub partition: Relation,
    /// Who does it: its owner, or the role that connected where it has the privilege MAINTAIN.
    pub role: Ident,
    /// The index.
    pub index: Relation,
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
            Self::CreatePartition(_) | Self::CreateDefault(_) => Verb::Create,
            Self::FinalizeDetach(_) => Verb::Finalize,
            Self::AttachPartition(_)
            | Self::CreateIndex(_)
            | Self::BuildIndex(_)
            | Self::AttachIndex(_)
            | Self::RebuildIndex(_)
            | Self::DropIndex(_)
            | Self::SwapIndex(_)
            | Self::AnalyzeParent(_)
            | Self::VacuumPartition(_)
            | Self::ReindexIndex(_) => Verb::Change,
            // Marker and stamp are part of the detach that they surround.
            Self::MarkPartition(_) | Self::DetachPartition(_) | Self::StampPartition(_) => Verb::Detach,
            Self::DropPartition(_) => Verb::Drop,
        }
    }

    /// The table it works on: a partition, or the root of an index.
    pub fn partition(&self) -> &TableName {
        match self {
            Self::CreatePartition(create) => &create.partition,
            Self::CreateDefault(create) => &create.partition,
            Self::FinalizeDetach(leaving) => &leaving.partition.name,
            Self::MarkPartition(retiring) | Self::StampPartition(retiring) => &retiring.partition.name,
            Self::DetachPartition(detach) => &detach.leaving.partition.name,
            Self::AttachPartition(attach) => &attach.retired.partition.name,
            Self::DropPartition(drop) => &drop.retired.partition.name,
            Self::CreateIndex(create) => &create.root.name,
            Self::BuildIndex(build) => &build.partition,
            Self::AttachIndex(attach) => &attach.partition,
            Self::RebuildIndex(loose) | Self::DropIndex(loose) => &loose.partition.name,
            Self::SwapIndex(swap) => &swap.root.name,
            Self::AnalyzeParent(analyze) => &analyze.root.name,
            Self::VacuumPartition(vacuum) => &vacuum.partition.name,
            Self::ReindexIndex(reindex) => &reindex.partition.name,
        }
    }

    /// What it is about: the partition, or the index.
    pub fn object(&self) -> &TableName {
        match self {
            Self::CreatePartition(_)
            | Self::CreateDefault(_)
            | Self::FinalizeDetach(_)
            | Self::MarkPartition(_)
            | Self::DetachPartition(_)
            | Self::StampPartition(_)
            | Self::AttachPartition(_)
            | Self::DropPartition(_)
            | Self::AnalyzeParent(_)
            | Self::VacuumPartition(_) => self.partition(),
            Self::CreateIndex(create) => &create.index,
            Self::BuildIndex(build) => &build.index,
            Self::AttachIndex(attach) => &attach.index,
            Self::RebuildIndex(loose) | Self::DropIndex(loose) => &loose.index.name,
            Self::SwapIndex(swap) => &swap.old.name,
            Self::ReindexIndex(reindex) => &reindex.index.name,
        }
    }

    /// The policy's name of the index that it serves.
    pub fn wanted_index(&self) -> Option<&Ident> {
        match self {
            Self::CreatePartition(_)
            | Self::CreateDefault(_)
            | Self::FinalizeDetach(_)
            | Self::MarkPartition(_)
            | Self::DetachPartition(_)
            | Self::StampPartition(_)
            | Self::AttachPartition(_)
            | Self::DropPartition(_)
            | Self::AnalyzeParent(_)
            | Self::VacuumPartition(_)
            | Self::ReindexIndex(_) => None,
            Self::CreateIndex(create) => Some(&create.wanted),
            Self::BuildIndex(build) => Some(&build.wanted),
            Self::AttachIndex(attach) => Some(&attach.wanted),
            Self::RebuildIndex(loose) | Self::DropIndex(loose) => Some(&loose.wanted),
            Self::SwapIndex(swap) => Some(&swap.wanted),
        }
    }

    /// Whether it is one statement outside a transaction: PostgreSQL refuses it inside one, or commits it part by part.
    pub fn stands_alone(&self) -> bool {
        self.is_concurrent() || self.is_maintenance()
    }

    /// Whether it keeps the table rather than changing what it is.
    pub fn is_maintenance(&self) -> bool {
        match self {
            Self::AnalyzeParent(_) | Self::VacuumPartition(_) | Self::ReindexIndex(_) => true,
            Self::CreatePartition(_)
            | Self::CreateDefault(_)
            | Self::FinalizeDetach(_)
            | Self::MarkPartition(_)
            | Self::DetachPartition(_)
            | Self::StampPartition(_)
            | Self::AttachPartition(_)
            | Self::DropPartition(_)
            | Self::CreateIndex(_)
            | Self::BuildIndex(_)
            | Self::AttachIndex(_)
            | Self::RebuildIndex(_)
            | Self::DropIndex(_)
            | Self::SwapIndex(_) => false,
        }
    }

    /// Whether it says CONCURRENTLY: a lock timeout would leave it half done.
    pub fn is_concurrent(&self) -> bool {
        match self {
            Self::DetachPartition(detach) => detach.mode == DetachMode::Concurrently,
            Self::BuildIndex(build) => build.mode == BuildMode::Concurrently,
            Self::RebuildIndex(_) | Self::DropIndex(_) | Self::ReindexIndex(_) => true,
            Self::CreatePartition(_)
            | Self::CreateDefault(_)
            | Self::FinalizeDetach(_)
            | Self::MarkPartition(_)
            | Self::StampPartition(_)
            | Self::AttachPartition(_)
            | Self::DropPartition(_)
            | Self::CreateIndex(_)
            | Self::AttachIndex(_)
            | Self::SwapIndex(_)
            | Self::AnalyzeParent(_)
            | Self::VacuumPartition(_) => false,
        }
    }

    /// Its word in a step's id; no two actions of one plan share word and object.
    pub fn word(&self) -> &'static str {
        match self {
            Self::CreatePartition(_) | Self::CreateDefault(_) => "create",
            Self::FinalizeDetach(_) => "finalize",
            Self::MarkPartition(_) => "mark",
            Self::DetachPartition(_) => "detach",
            Self::StampPartition(_) => "stamp",
            Self::AttachPartition(_) => "attach",
            Self::DropPartition(_) => "drop",
            Self::CreateIndex(_) => "create index",
            Self::BuildIndex(_) => "build index",
            Self::AttachIndex(_) => "attach index",
            Self::RebuildIndex(_) => "rebuild index",
            Self::DropIndex(_) => "drop index",
            Self::SwapIndex(_) => "swap index",
            Self::AnalyzeParent(_) => "analyze",
            Self::VacuumPartition(_) => "vacuum",
            Self::ReindexIndex(_) => "reindex",
        }
    }

    /// Whether rows leave, or go.
    pub fn removes(&self) -> bool {
        match self {
            Self::MarkPartition(_) | Self::DetachPartition(_) | Self::DropPartition(_) => true,
            Self::CreatePartition(_)
            | Self::CreateDefault(_)
            | Self::FinalizeDetach(_)
            | Self::StampPartition(_)
            | Self::AttachPartition(_)
            | Self::CreateIndex(_)
            | Self::BuildIndex(_)
            | Self::AttachIndex(_)
            | Self::RebuildIndex(_)
            | Self::DropIndex(_)
            | Self::SwapIndex(_)
            | Self::AnalyzeParent(_)
            | Self::VacuumPartition(_)
            | Self::ReindexIndex(_) => false,
        }
    }
}
