//! What was seen and left alone, and why.

use serde::{Deserialize, Serialize};

use super::object::Object;
use crate::sql::TableName;

/// Something seen that no step answers.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Finding {
    /// The policy's table, unless it is about the whole database.
    pub table: Option<TableName>,
    /// What was seen; stable.
    pub code: Code,
    /// The partition or other object.
    pub object: Option<Object>,
    /// What, and why nothing was done.
    pub message: String,
    /// What a person can do about it.
    pub hint: Option<String>,
}

/// How much a finding matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// Good to know.
    Note,
    /// Somebody should look.
    Warning,
    /// The table could not be judged: exit 1 in `drift`.
    Error,
}

/// What was seen; stable across versions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Code {
    /// The table is not there.
    TableMissing,
    /// The table is of a kind that cannot be managed.
    TableUnfit,
    /// Policy and key type do not go together.
    KeyMismatch,
    /// The policy is for another server.
    WrongTarget,
    /// Several statements of one policy contradict the catalog of a standby.
    InRecovery,
    /// pg_partman manages the table.
    ManagedByPgPartman,
    /// A policy section that this version parses but does not carry out.
    NotYetEnforced,
    /// The role that connected lacks a right that a step needs.
    MissingPrivilege,
    /// Something that had to be asked could not be answered.
    Unknown,
    /// The clocks of client and server disagree.
    ClockSkew,
    /// A default partition although the policy says `none`.
    DefaultPartitionPresent,
    /// Rows of the default partition are in the way of a window.
    RowsInDefault,
    /// A partition fits no window of the grid.
    Straddling,
    /// A bound is MINVALUE, MAXVALUE, or something that is no time.
    Unbounded,
    /// A hold keeps a partition that would leave.
    Held,
    /// The newest partition with rows never leaves.
    NewestWithRows,
    /// Among ids: rows lie above windows without any. Retention counts from below them.
    RowsAhead,
    /// A foreign table or a sub-partitioned one would leave; it stays.
    NotRemovable,
    /// A detached table waits for its drop.
    InGrace,
    /// A detached table stays: the policy says `then: detach`.
    Detached,
    /// A marker that does not fit the table it is on.
    ForeignMarker,
    /// A marked partition is attached and no longer due.
    MarkedButWanted,
    /// A detached table whose window the policy wants, and which another partition covers.
    WindowTaken,
    /// There can be no such index, the server says.
    IndexRefused,
    /// Whether an index is as the policy says could not be compared.
    IndexUnverified,
    /// An index of another name is what the policy wants.
    IndexOtherName,
    /// An index cannot be completed partition by partition.
    IndexNotPossible,
    /// Somebody is building an index.
    IndexBuilding,
    /// An index is not what the policy says, and cannot be replaced.
    IndexDiffers,
    /// An index that the policy does not name.
    IndexUnlisted,
    /// An index that another one makes redundant.
    IndexRedundant,
    /// An index that only some partitions have.
    IndexStray,
    /// A partition is not like its parent, and cannot be made so without taking something away.
    PartitionDiffers,
    /// A partition has what its parent has not.
    PartitionHasOwn,
    /// A partition has not the owner, the privileges or the row security of its parent, and the policy does not ask for it.
    PrivilegesNotInherited,
    /// A partition has no equal of a statistics object of its parent.
    PartitionLacksStatistics,
    /// Whether a partition is like its parent could not be compared.
    PartitionUnverified,
    /// A storage parameter that the server is too old for.
    ParameterUnsupported,
    /// Whether maintenance is due could not be found out.
    MaintenanceUnknown,
    /// Maintenance is due, and waits for something.
    MaintenancePostponed,
    /// A limit or a setting of a role cannot be as the policy says.
    LimitRefused,
    /// A limit differs, and the session may not change it.
    LimitNotPermitted,
    /// A limit that does not hold for a superuser.
    LimitExempt,
    /// Services may open more connections than a limit, or the server, has for them.
    ConnectionBudgetExceeded,
    /// What services may open, and what the server has.
    ConnectionBudget,
    /// A setting cannot be as the policy says.
    SettingRefused,
    /// A setting is not as the policy says.
    SettingDiffers,
    /// A setting waits for a restart.
    SettingPendingRestart,
    /// Whether a setting is as the policy says could not be seen.
    SettingUnknown,
    /// A setting differs, and the session may not change it.
    SettingNotPermitted,
    /// PgBouncer is set otherwise than the policy says.
    PoolerDiffers,
    /// PgBouncer was not asked.
    PoolerNotAsked,
    /// A name wanted for a new partition was taken; another was chosen.
    NameTaken,
    /// Every name for a new partition is taken: it cannot be made.
    NoNameLeft,
    /// Whether a name for a new partition is taken was not asked: the snapshot was taken for another policy or time.
    NameUnchecked,
    /// The snapshot was taken for other tables than the policy's.
    NotInSnapshot,
}

impl Code {
    /// How much it matters.
    pub fn level(self) -> Level {
        match self {
            Self::TableMissing
            | Self::TableUnfit
            | Self::KeyMismatch
            | Self::WrongTarget
            | Self::InRecovery
            | Self::ClockSkew
            | Self::NoNameLeft
            | Self::IndexRefused
            | Self::LimitRefused
            | Self::SettingRefused
            | Self::NotInSnapshot
            | Self::Unknown => Level::Error,
            Self::ManagedByPgPartman
            | Self::MissingPrivilege
            | Self::DefaultPartitionPresent
            | Self::RowsInDefault
            | Self::RowsAhead
            | Self::IndexNotPossible
            | Self::IndexDiffers
            | Self::LimitNotPermitted
            | Self::SettingDiffers
            | Self::SettingPendingRestart
            | Self::SettingNotPermitted
            | Self::PoolerDiffers
            | Self::ConnectionBudgetExceeded
            | Self::PartitionDiffers
            | Self::ParameterUnsupported
            | Self::ForeignMarker
            | Self::MarkedButWanted
            | Self::WindowTaken => Level::Warning,
            Self::NotYetEnforced
            | Self::Straddling
            | Self::Unbounded
            | Self::Held
            | Self::NewestWithRows
            | Self::NotRemovable
            | Self::InGrace
            | Self::Detached
            | Self::NameTaken
            | Self::NameUnchecked
            | Self::IndexUnverified
            | Self::IndexOtherName
            | Self::IndexBuilding
            | Self::IndexUnlisted
            | Self::IndexRedundant
            | Self::IndexStray
            | Self::PartitionHasOwn
            | Self::PrivilegesNotInherited
            | Self::PartitionLacksStatistics
            | Self::PartitionUnverified
            | Self::MaintenanceUnknown
            | Self::MaintenancePostponed
            | Self::LimitExempt
            | Self::SettingUnknown
            | Self::PoolerNotAsked
            | Self::ConnectionBudget => Level::Note,
        }
    }
}
