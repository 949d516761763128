//! Which locks an action takes on tables that exist before it, as the server takes them (measured on 14 to 18; a test
//! compares them with `pg_locks` while each action runs).

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::TableName;
use crate::catalog::Attributes;
use crate::plan::{
    Action, Alteration, BuildMode, DetachMode, IndexAction, Leaving, MaintenanceAction, PartitionAction, StorageAction,
    Touches,
};
use LockMode::{AccessExclusive, AccessShare, Share, ShareRowExclusive, ShareUpdateExclusive};

/// A table-level lock mode (section 13.3.1), weakest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum LockMode {
    /// Conflicts with ACCESS EXCLUSIVE only.
    AccessShare,
    /// What `SELECT … FOR UPDATE` takes.
    RowShare,
    /// What writes take.
    RowExclusive,
    /// Blocks other DDL and VACUUM, neither reads nor writes.
    ShareUpdateExclusive,
    /// Blocks writes.
    Share,
    /// Blocks writes.
    ShareRowExclusive,
    /// Blocks writes and `SELECT … FOR UPDATE`.
    Exclusive,
    /// Blocks everything.
    AccessExclusive,
}

impl LockMode {
    /// As `pg_locks.mode` spells it.
    pub fn from_pg_locks(mode: &str) -> Option<Self> {
        Some(match mode {
            "AccessShareLock" => Self::AccessShare,
            "RowShareLock" => Self::RowShare,
            "RowExclusiveLock" => Self::RowExclusive,
            "ShareUpdateExclusiveLock" => Self::ShareUpdateExclusive,
            "ShareLock" => Self::Share,
            "ShareRowExclusiveLock" => Self::ShareRowExclusive,
            "ExclusiveLock" => Self::Exclusive,
            "AccessExclusiveLock" => Self::AccessExclusive,
            _ => return None,
        })
    }

    /// As `pg_locks.mode` spells it.
    pub fn in_pg_locks(self) -> &'static str {
        match self {
            Self::AccessShare => "AccessShareLock",
            Self::RowShare => "RowShareLock",
            Self::RowExclusive => "RowExclusiveLock",
            Self::ShareUpdateExclusive => "ShareUpdateExclusiveLock",
            Self::Share => "ShareLock",
            Self::ShareRowExclusive => "ShareRowExclusiveLock",
            Self::Exclusive => "ExclusiveLock",
            Self::AccessExclusive => "AccessExclusiveLock",
        }
    }

    /// The modes that nobody else may hold on the table meanwhile (section 13.3.1, table 13.2).
    pub fn conflicts(self) -> &'static [Self] {
        use LockMode::{
            AccessExclusive, AccessShare, Exclusive, RowExclusive, RowShare, Share, ShareRowExclusive,
            ShareUpdateExclusive,
        };
        match self {
            Self::AccessShare => &[AccessExclusive],
            Self::RowShare => &[Exclusive, AccessExclusive],
            Self::RowExclusive => &[Share, ShareRowExclusive, Exclusive, AccessExclusive],
            Self::ShareUpdateExclusive => &[ShareUpdateExclusive, Share, ShareRowExclusive, Exclusive, AccessExclusive],
            Self::Share => &[RowExclusive, ShareUpdateExclusive, ShareRowExclusive, Exclusive, AccessExclusive],
            Self::ShareRowExclusive => {
                &[RowExclusive, ShareUpdateExclusive, Share, ShareRowExclusive, Exclusive, AccessExclusive]
            }
            Self::Exclusive => {
                &[RowShare, RowExclusive, ShareUpdateExclusive, Share, ShareRowExclusive, Exclusive, AccessExclusive]
            }
            Self::AccessExclusive => &[
                AccessShare,
                RowShare,
                RowExclusive,
                ShareUpdateExclusive,
                Share,
                ShareRowExclusive,
                Exclusive,
                AccessExclusive,
            ],
        }
    }

    /// What waits while it is held.
    pub fn blocks(self) -> &'static str {
        match self {
            Self::AccessShare | Self::RowShare | Self::RowExclusive => "nothing but DDL",
            Self::ShareUpdateExclusive => "other DDL and VACUUM; reads and writes continue",
            Self::Share | Self::ShareRowExclusive | Self::Exclusive => "writes; reads continue",
            Self::AccessExclusive => "reads and writes",
        }
    }
}

impl fmt::Display for LockMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::AccessShare => "ACCESS SHARE",
            Self::RowShare => "ROW SHARE",
            Self::RowExclusive => "ROW EXCLUSIVE",
            Self::ShareUpdateExclusive => "SHARE UPDATE EXCLUSIVE",
            Self::Share => "SHARE",
            Self::ShareRowExclusive => "SHARE ROW EXCLUSIVE",
            Self::Exclusive => "EXCLUSIVE",
            Self::AccessExclusive => "ACCESS EXCLUSIVE",
        })
    }
}

/// The strongest lock that an action takes on one table. A table's indexes and TOAST follow their table.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Lock {
    /// The table.
    pub relation: TableName,
    /// The mode.
    pub mode: LockMode,
    /// The mode on each of its partitions, at every depth, where they are locked too.
    pub partitions: Option<LockMode>,
}

/// Locks under collection: the strongest of each table wins, and of its partitions.
#[derive(Default)]
struct Locks(BTreeMap<TableName, (LockMode, Option<LockMode>)>);

impl Locks {
    fn take(&mut self, relation: &TableName, mode: LockMode) {
        self.take_all(relation, mode, None);
    }

    fn take_all(&mut self, relation: &TableName, mode: LockMode, partitions: Option<LockMode>) {
        let held = self.0.entry(relation.clone()).or_insert((mode, partitions));
        *held = (held.0.max(mode), held.1.max(partitions));
    }

    /// A partition is made or comes back: foreign keys are copied to it, and from it.
    fn attaching(&mut self, root: &TableName, touches: &Touches, major: u32) {
        self.take(root, ShareUpdateExclusive);
        touches.default.iter().for_each(|table| self.take(table, AccessExclusive));
        for table in &touches.references {
            let partitions = touches.partitioned.contains(table).then_some(ShareRowExclusive);
            self.take_all(table, ShareRowExclusive, partitions);
        }
        // 15 began to lock the referencing table while it adds the partition's action triggers.
        let referencing = if major >= 15 { ShareRowExclusive } else { AccessShare };
        touches.referenced_by.iter().for_each(|table| self.take(table, referencing));
    }

    /// A partition leaves: it gets foreign keys of its own, and those to it go.
    fn detaching(&mut self, leaving: &Leaving, major: u32, scans: bool) {
        let touches = &leaving.touches;
        self.take(&leaving.partition.name, AccessExclusive);
        for table in &touches.references {
            // 14 leaves a detached partition without triggers on a partitioned table that it references.
            match touches.partitioned.contains(table) {
                true if major >= 15 => self.take_all(table, ShareRowExclusive, Some(ShareRowExclusive)),
                true => {}
                false => self.take(table, ShareRowExclusive),
            }
        }
        for table in &touches.referenced_by {
            let partitions = (scans && touches.partitioned.contains(table)).then_some(AccessShare);
            self.take_all(table, AccessExclusive, partitions);
        }
    }
}

/// The locks of an action on a server of this major version, by table. Tables that the action itself makes are left out.
pub fn locks(action: &Action, major: u32) -> Vec<Lock> {
    let mut locks = Locks::default();
    match action {
        Action::Partition(PartitionAction::Create(create)) => {
            locks.attaching(&create.root.name, &create.touches, major);
            reading(&create.attributes).for_each(|table| locks.take(table, AccessShare));
        }
        Action::Partition(PartitionAction::CreateDefault(create)) => {
            locks.attaching(&create.root.name, &create.touches, major);
            reading(&create.attributes).for_each(|table| locks.take(table, AccessShare));
        }
        Action::Partition(PartitionAction::Attach(attach)) => {
            locks.attaching(&attach.root.name, &attach.touches, major);
            locks.take(&attach.retired.partition.name, AccessExclusive);
            // Its foreign keys become parts of the parent's, and their own triggers go.
            for table in attach.touches.references.intersection(&attach.references) {
                let partitions = attach.touches.partitioned.contains(table).then_some(AccessExclusive);
                locks.take_all(table, AccessExclusive, partitions);
            }
        }
        Action::Partition(PartitionAction::Mark(retiring) | PartitionAction::Stamp(retiring)) => {
            locks.take(&retiring.partition.name, ShareUpdateExclusive);
        }
        Action::Partition(PartitionAction::Detach(detach)) => {
            let leaving = &detach.leaving;
            let parent = match detach.mode {
                DetachMode::Concurrently => ShareUpdateExclusive,
                DetachMode::Blocking(_) => AccessExclusive,
            };
            locks.take(&leaving.root.name, parent);
            leaving.touches.default.iter().for_each(|table| locks.take(table, AccessExclusive));
            locks.detaching(leaving, major, true);
        }
        Action::Partition(PartitionAction::Finalize(leaving)) => {
            locks.take(&leaving.root.name, ShareUpdateExclusive);
            locks.detaching(leaving, major, false);
        }
        Action::Partition(PartitionAction::Drop(drop)) => {
            locks.take(&drop.retired.partition.name, AccessExclusive);
            for table in &drop.references {
                match drop.partitioned.contains(table) {
                    true if major >= 15 => locks.take_all(table, AccessExclusive, Some(AccessExclusive)),
                    // See there: no triggers, nothing to remove.
                    true => {}
                    false => locks.take(table, AccessExclusive),
                }
            }
        }
        // ONLY: the root alone, and for no longer than it takes to write the catalog.
        Action::Index(IndexAction::Create(create)) => locks.take(&create.root.name, Share),
        Action::Index(IndexAction::Build(build)) => locks.take(
            &build.partition,
            match build.mode {
                BuildMode::Concurrently => ShareUpdateExclusive,
                BuildMode::Plainly(_) => Share,
            },
        ),
        // The index alone.
        Action::Index(IndexAction::Alter(_)) => {}
        Action::Index(IndexAction::Attach(attach) | IndexAction::Validate(attach)) => {
            locks.take(&attach.root.name, AccessShare);
            locks.take(&attach.partition, AccessShare);
        }
        Action::Index(IndexAction::Rebuild(loose) | IndexAction::Drop(loose)) => {
            locks.take(&loose.partition.name, ShareUpdateExclusive);
        }
        // The parent is never locked.
        Action::Storage(StorageAction::Alter(alter)) => {
            alter.alterations.iter().filter_map(|one| altering(one, major)).for_each(|mode| {
                locks.take(&alter.partition.name, mode);
            });
            let policies = alter.alterations.iter().filter_map(Alteration::policy);
            policies.flat_map(|policy| &policy.reads).for_each(|table| locks.take(table, AccessShare));
        }
        // The root's is held while it samples its partitions; before 18 each of them is analyzed then by itself.
        Action::Maintenance(MaintenanceAction::AnalyzeParent(analyze)) => {
            let partitions = if analyze.only { AccessShare } else { ShareUpdateExclusive };
            locks.take_all(&analyze.root.name, ShareUpdateExclusive, Some(partitions));
        }
        Action::Maintenance(MaintenanceAction::Vacuum(vacuum)) => {
            locks.take(&vacuum.partition.name, ShareUpdateExclusive);
        }
        Action::Maintenance(MaintenanceAction::Reindex(reindex)) => {
            locks.take(&reindex.partition.name, ShareUpdateExclusive);
        }
        // Rows of shared catalogs only.
        Action::Limit(_) | Action::Setting(_) => {}
        Action::Index(IndexAction::Discard(discard)) => {
            locks.take_all(&discard.root.name, AccessExclusive, Some(AccessExclusive));
        }
        Action::Index(IndexAction::Swap(swap)) => {
            locks.take_all(&swap.root.name, AccessExclusive, Some(AccessExclusive));
        }
    }
    let Locks(by_table) = locks;
    by_table.into_iter().map(|(relation, (mode, partitions))| Lock { relation, mode, partitions }).collect()
}

/// Locks on indexes by themselves: all others follow their table. An attached index is locked ACCESS EXCLUSIVE, and whoever
/// plans a query on its partition waits for that moment.
pub fn index_locks(action: &Action) -> Vec<Lock> {
    let one = |relation: &TableName, mode| Lock { relation: relation.clone(), mode, partitions: None };
    match action {
        Action::Index(IndexAction::Alter(alter)) => vec![one(&alter.index.name, ShareUpdateExclusive)],
        Action::Index(IndexAction::Attach(attach) | IndexAction::Validate(attach)) => {
            let mut locks = vec![one(&attach.index, AccessExclusive), one(&attach.to, ShareUpdateExclusive)];
            locks.sort();
            locks
        }
        Action::Partition(_)
        | Action::Index(
            IndexAction::Create(_)
            | IndexAction::Build(_)
            | IndexAction::Rebuild(_)
            | IndexAction::Drop(_)
            | IndexAction::Discard(_)
            | IndexAction::Swap(_),
        )
        | Action::Storage(_)
        | Action::Maintenance(_)
        | Action::Limit(_)
        | Action::Setting(_) => Vec::new(),
    }
}

/// What an alteration takes on its partition.
fn altering(alteration: &Alteration, major: u32) -> Option<LockMode> {
    match (alteration.waits(), alteration) {
        (true, _) => Some(AccessExclusive),
        // 18 began to lock the table that something is granted on.
        (false, Alteration::Grant { .. }) => (major >= 18).then_some(AccessShare),
        (
            false,
            Alteration::Parameter { .. }
            | Alteration::StatisticsTarget { .. }
            | Alteration::Owner { .. }
            | Alteration::Compression { .. }
            | Alteration::Storage { .. }
            | Alteration::ReplicaIdentity { .. }
            | Alteration::Policy { .. }
            | Alteration::RowSecurity
            | Alteration::ForceRowSecurity,
        ) => Some(ShareUpdateExclusive),
    }
}

/// Tables that the copied row security policies name: parsing their expressions opens them.
fn reading(attributes: &Attributes) -> impl Iterator<Item = &TableName> {
    attributes.row_security.policies.iter().flat_map(|policy| &policy.reads)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [LockMode; 8] = [
        LockMode::AccessShare,
        LockMode::RowShare,
        LockMode::RowExclusive,
        LockMode::ShareUpdateExclusive,
        LockMode::Share,
        LockMode::ShareRowExclusive,
        LockMode::Exclusive,
        LockMode::AccessExclusive,
    ];

    #[test]
    fn conflicts_are_mutual_and_names_read_back() {
        for one in ALL {
            assert_eq!(LockMode::from_pg_locks(one.in_pg_locks()), Some(one));
            for other in ALL {
                assert_eq!(one.conflicts().contains(&other), other.conflicts().contains(&one), "{one} and {other}");
            }
        }
        let with_itself: Vec<_> = ALL.into_iter().filter(|mode| !mode.conflicts().contains(mode)).collect();
        assert_eq!(with_itself, [LockMode::AccessShare, LockMode::RowShare, LockMode::RowExclusive, LockMode::Share]);
    }
}
