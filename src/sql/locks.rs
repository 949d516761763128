//! Which locks an action takes on tables that exist before it, as the server takes them (measured on 14 to 18; a test
//! compares them with `pg_locks` while each action runs).

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::TableName;
use crate::plan::{Action, DetachMode, Touches};

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
}

/// The locks of an action on a server of this major version, by table. Tables that the action itself makes are left out.
pub fn locks(action: &Action, major: u32) -> Vec<Lock> {
    use LockMode::{AccessExclusive, AccessShare, Share, ShareRowExclusive, ShareUpdateExclusive};
    let mut locks = BTreeMap::new();
    let mut take = |relation: &TableName, mode: LockMode| {
        let held = locks.entry(relation.clone()).or_insert(mode);
        *held = (*held).max(mode);
    };
    let mut attaching = |root: &TableName, touches: &Touches| {
        take(root, ShareUpdateExclusive);
        touches.default.iter().for_each(|table| take(table, AccessExclusive));
        touches.references.iter().for_each(|table| take(table, ShareRowExclusive));
        // 15 began to lock the referencing table while it adds the partition's action triggers.
        let referencing = if major >= 15 { ShareRowExclusive } else { AccessShare };
        touches.referenced_by.iter().for_each(|table| take(table, referencing));
    };
    match action {
        Action::CreatePartition(create) => attaching(&create.root.name, &create.touches),
        Action::CreateDefault(create) => attaching(&create.root.name, &create.touches),
        Action::AttachPartition(attach) => {
            attaching(&attach.root.name, &attach.touches);
            // The table kept its foreign keys; attached, they become the parent's, and their triggers on the other side
            // are dropped.
            attach.touches.references.iter().for_each(|table| take(table, AccessExclusive));
            take(&attach.retired.partition.name, AccessExclusive);
        }
        Action::MarkPartition(retiring) | Action::StampPartition(retiring) => {
            take(&retiring.partition.name, ShareUpdateExclusive);
        }
        Action::DetachPartition(detach) => {
            let leaving = &detach.leaving;
            let (parent, referencing) = match detach.mode {
                DetachMode::Concurrently => (ShareUpdateExclusive, Share),
                DetachMode::Blocking(_) => (AccessExclusive, AccessExclusive),
            };
            take(&leaving.root.name, parent);
            take(&leaving.partition.name, AccessExclusive);
            leaving.touches.default.iter().for_each(|table| take(table, AccessExclusive));
            leaving.touches.references.iter().for_each(|table| take(table, ShareRowExclusive));
            leaving.touches.referenced_by.iter().for_each(|table| take(table, referencing));
        }
        Action::FinalizeDetach(leaving) => {
            take(&leaving.root.name, ShareUpdateExclusive);
            take(&leaving.partition.name, AccessExclusive);
            leaving.touches.references.iter().for_each(|table| take(table, ShareRowExclusive));
        }
        Action::DropPartition(drop) => {
            take(&drop.retired.partition.name, AccessExclusive);
            drop.references.iter().for_each(|table| take(table, AccessExclusive));
        }
    }
    locks.into_iter().map(|(relation, mode)| Lock { relation, mode }).collect()
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
