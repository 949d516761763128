//! What was seen and left alone, and why.

use serde::{Deserialize, Serialize};

use super::object::Object;
use super::step::Class;
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
    /// It could not be checked, or cannot be as the policy says: exit 1 in `drift`.
    Error,
}

/// Whether something that the policy wants is not so, and no step of the plan stands for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unmet {
    /// Nothing: it is as the policy says, or beside it, or steps of the plan stand for it.
    No,
    /// It may be so, or not: named beside "matches", and never exit 1.
    Unverified,
    /// Scheduled work that has to wait: not as it is wanted, and no drift.
    Later,
    /// Something could end it (a person, a grant, a later run): drift, exit 2.
    Drift,
    /// It cannot be as the policy says: exit 1.
    Error,
    /// It could not be checked: exit 1.
    Unjudged,
}

impl Unmet {
    /// Whether it counts among the changes of a class, where something could end it.
    pub fn class(self) -> Option<Class> {
        match self {
            Self::Later => Some(Class::Scheduled),
            Self::Drift => Some(Class::Drift),
            Self::No | Self::Unverified | Self::Error | Self::Unjudged => None,
        }
    }
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
    /// The server is a worker of a Citus cluster: its tables are changed on the coordinator.
    CitusWorker,
    /// pg_partman manages the table.
    ManagedByPgPartman,
    /// A policy section that this version parses but does not carry out.
    NotYetEnforced,
    /// The role that connected lacks a right that a step needs.
    MissingPrivilege,
    /// The role that connected may not read something that planning asks.
    ReadRefused,
    /// A login of `connection.owners` is of a role that owns no table of the policy.
    OwnerLoginUnused,
    /// Code of a role that may do less than the session hangs on the table, and would run as the session.
    RunsOwnersCode,
    /// A step takes a large part of the server's lock table.
    LockSlots,
    /// Something that had to be asked could not be answered.
    Unknown,
    /// The clocks of client and server disagree.
    ClockSkew,
    /// A default partition although the policy says `none`.
    DefaultPartitionPresent,
    /// Rows of the default partition are in the way of a window.
    RowsInDefault,
    /// Rows of the default partition are past retention.
    ExpiredInDefault,
    /// Rows of the default partition lie outside the wanted windows.
    RowsOutsideWindows,
    /// Rows of the default partition are in the way of a window to come.
    WindowWillBeBlocked,
    /// What the default partition holds was not counted.
    DefaultRowsUnverified,
    /// A partition fits no window of the grid.
    Straddling,
    /// A bound is MINVALUE, MAXVALUE, or something that is no time.
    Unbounded,
    /// The key's type ends before the premake horizon.
    KeyTypeEnds,
    /// A partition without an upper end takes windows that the policy wants.
    CatchAll,
    /// The newest partitions are of another interval than the policy's.
    IntervalDiffers,
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
    /// Rows of detached tables can still be deleted through their foreign keys.
    KeyCascades,
    /// A detached table whose root is not in the policy, or gone: nothing drops it.
    Forgotten,
    /// A table that looks like a detached partition, and has no marker.
    Unmarked,
    /// A window that the policy wants, and that such a table stands for.
    WindowUnmarked,
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
    /// An index that is invalid and that the policy does not name.
    IndexInvalid,
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
    /// A line of the server's configuration files is wrong.
    SettingFileError,
    /// Whether a setting is as the policy says could not be seen.
    SettingUnknown,
    /// A setting differs, and the session may not change it.
    SettingNotPermitted,
    /// PgBouncer is set otherwise than the policy says.
    PoolerDiffers,
    /// PgBouncer was not asked.
    PoolerNotAsked,
    /// PgBouncer was asked, and did not answer.
    PoolerUnreadable,
    /// A name wanted for a new partition was taken; another was chosen.
    NameTaken,
    /// Every name for a new partition is taken: it cannot be made.
    NoNameLeft,
    /// The newest partitions all have something that new ones will not get.
    SiblingsHaveMore,
    /// The newest partition lacks what the policy wants new ones to get from it.
    SiblingLacks,
    /// The schema that the policy wants new partitions in is not there.
    SchemaMissing,
    /// Whether a name for a new partition is taken was not asked: the snapshot was taken for another policy or time.
    NameUnchecked,
    /// The snapshot was taken for other tables than the policy's.
    NotInSnapshot,
}

/// What a code stands for.
#[derive(Clone, Copy, Debug)]
struct About {
    level: Level,
    unmet: Unmet,
    /// A table of the policy, or the policy's server, is not what it says: exit 1 in every command.
    broken: bool,
    description: &'static str,
}

const fn note(unmet: Unmet, description: &'static str) -> About {
    About { level: Level::Note, unmet, broken: false, description }
}

const fn warning(unmet: Unmet, description: &'static str) -> About {
    About { level: Level::Warning, unmet, broken: false, description }
}

const fn error(unmet: Unmet, description: &'static str) -> About {
    About { level: Level::Error, unmet, broken: false, description }
}

const fn broken(unmet: Unmet, description: &'static str) -> About {
    About { level: Level::Error, unmet, broken: true, description }
}

impl Code {
    /// How much it matters.
    pub fn level(self) -> Level {
        self.about().level
    }

    /// Whether a table of the policy, or the policy's server, is not what it says: exit 1, while other tables go on.
    pub fn is_broken(self) -> bool {
        self.about().broken
    }

    /// Whether something that the policy wants is not so, and no step stands for it.
    pub fn unmet(self) -> Unmet {
        self.about().unmet
    }

    /// What it means, in a sentence.
    pub fn description(self) -> &'static str {
        self.about().description
    }

    fn about(self) -> About {
        use Unmet::{Drift, Error, Later, No, Unjudged, Unverified};
        match self {
            Self::TableMissing => broken(Unjudged, "A table of the policy does not exist."),
            Self::TableUnfit => broken(Unjudged, "A table of the policy is of a kind that cannot be managed."),
            Self::KeyMismatch => broken(Unjudged, "The policy and the table's partition key do not go together."),
            Self::WrongTarget => broken(Unjudged, "The policy is for another server or database."),
            Self::InRecovery => error(Unjudged, "The server is a standby: nothing can be carried out there."),
            Self::CitusWorker => {
                error(Unjudged, "The server is a worker of a Citus cluster: the coordinator changes tables.")
            }
            Self::ManagedByPgPartman => warning(No, "pg_partman manages the table."),
            Self::NotYetEnforced => note(No, "A section of the policy is understood and not yet carried out."),
            Self::MissingPrivilege => warning(No, "The role that connected lacks a right that a step needs."),
            Self::OwnerLoginUnused => {
                warning(No, "A login of `connection.owners` is of a role that owns no table here.")
            }
            Self::ReadRefused => warning(No, "The role that connected may not read what planning asks."),
            Self::RunsOwnersCode => warning(
                No,
                "Functions of a role that may do less than the session hang on the table, and would run as the session.",
            ),
            Self::LockSlots => warning(No, "A step takes a large part of the server's lock table."),
            Self::Unknown => error(Unjudged, "Something that had to be known could not be found out."),
            Self::ClockSkew => error(Unjudged, "The clocks of client and server disagree."),
            Self::DefaultPartitionPresent => {
                warning(Drift, "There is a default partition although the policy wants none.")
            }
            Self::RowsInDefault => warning(No, "Rows of the default partition are in the way of a wanted partition."),
            Self::ExpiredInDefault => warning(Drift, "Rows of the default partition are past retention."),
            Self::RowsOutsideWindows => note(No, "Rows of the default partition lie outside the wanted windows."),
            Self::WindowWillBeBlocked => {
                warning(No, "Rows of the default partition will be in the way of a partition that is not wanted yet.")
            }
            Self::DefaultRowsUnverified => note(Unverified, "What the default partition holds was not counted."),
            Self::Straddling => note(No, "A partition fits no window of the policy's grid."),
            Self::Unbounded => note(No, "A partition's bound is no finite point in time."),
            Self::KeyTypeEnds => error(Error, "The key's type ends before the premake horizon."),
            Self::IntervalDiffers => note(No, "The newest partitions are of another interval than the policy's."),
            Self::CatchAll => warning(Drift, "A partition without an upper end takes windows that the policy wants."),
            Self::Held => note(No, "A hold keeps a partition that would leave."),
            Self::NewestWithRows => note(No, "The newest partition with rows never leaves."),
            Self::RowsAhead => warning(No, "Ids lie far above the others: retention counts from below them."),
            Self::NotRemovable => warning(Drift, "A foreign or sub-partitioned partition would leave and stays."),
            Self::InGrace => note(No, "A detached table waits for its grace to end."),
            Self::Detached => note(No, "A detached table stays, as the policy says."),
            Self::KeyCascades => warning(No, "Rows of a detached table can still be deleted through its foreign key."),
            Self::Unmarked => {
                warning(No, "A table looks like a detached partition and has no marker: nothing drops it.")
            }
            Self::WindowUnmarked => {
                warning(Drift, "A wanted window has no partition, and a table that looks like it has no marker.")
            }
            Self::Forgotten => warning(No, "A detached table belongs to no table of the policy: nothing drops it."),
            Self::ForeignMarker => warning(No, "A table carries a marker that belongs to another table."),
            Self::MarkedButWanted => warning(No, "A partition is marked for removal and no longer due."),
            Self::WindowTaken => {
                warning(Drift, "A detached table is wanted back, and another partition covers its window.")
            }
            Self::IndexRefused => broken(Error, "There can be no such index as the policy names."),
            Self::IndexUnverified => note(Unverified, "Whether an index is as the policy says could not be compared."),
            Self::IndexOtherName => note(No, "An index of another name is what the policy wants."),
            Self::IndexNotPossible => warning(Drift, "An index cannot be completed partition by partition."),
            Self::IndexBuilding => warning(Drift, "Somebody is building an index."),
            Self::IndexDiffers => warning(Drift, "An index is not what the policy says, and cannot be replaced."),
            Self::IndexUnlisted => note(No, "An index that the policy does not name."),
            Self::IndexRedundant => note(No, "An index that another one makes redundant."),
            Self::IndexStray => note(No, "An index that only some partitions have."),
            Self::IndexInvalid => warning(No, "An index is invalid, and the policy does not name it."),
            Self::PartitionDiffers => warning(Drift, "A partition is not like its parent, and is left alone."),
            Self::PartitionHasOwn => note(No, "A partition has what its parent has not."),
            Self::PrivilegesNotInherited => {
                note(No, "A partition has not the owner, privileges or row security of its parent.")
            }
            Self::PartitionLacksStatistics => {
                note(No, "A partition has no equal of a statistics object of its parent.")
            }
            Self::PartitionUnverified => {
                note(Unverified, "Whether a partition is like its parent could not be compared.")
            }
            Self::ParameterUnsupported => {
                warning(Drift, "The server is too old for a storage parameter of the policy.")
            }
            Self::MaintenanceUnknown => note(Unverified, "Whether maintenance is due could not be found out."),
            Self::MaintenancePostponed => note(Later, "Maintenance is due, and waits for something."),
            Self::LimitRefused => broken(Error, "A limit or a setting of a role cannot be as the policy says."),
            Self::LimitNotPermitted => warning(No, "A limit differs, and the role that connected may not change it."),
            Self::LimitExempt => note(No, "A connection limit does not hold for a superuser."),
            Self::ConnectionBudgetExceeded => {
                warning(No, "Services may open more connections than there are for them.")
            }
            Self::ConnectionBudget => note(No, "What services may open, and what the server has."),
            Self::SettingRefused => broken(Error, "A setting cannot be as the policy says."),
            Self::SettingDiffers => warning(Drift, "A setting of the server is not as the policy says."),
            Self::SettingPendingRestart => warning(Drift, "A setting of the server waits for a restart."),
            Self::SettingFileError => warning(No, "A line of the server's configuration files is wrong."),
            Self::SettingUnknown => note(Unverified, "Whether a setting is as the policy says could not be seen."),
            Self::SettingNotPermitted => {
                warning(No, "A setting differs, and the role that connected may not change it.")
            }
            Self::PoolerDiffers => warning(Drift, "PgBouncer is set otherwise than the policy says."),
            Self::PoolerUnreadable => error(Unjudged, "PgBouncer did not say how it is set."),
            Self::PoolerNotAsked => note(Unverified, "PgBouncer was not asked for its configuration."),
            Self::NameTaken => note(No, "A name wanted for a new partition was taken; another one was chosen."),
            Self::NoNameLeft => broken(Error, "Every name for a new partition is taken."),
            Self::SiblingsHaveMore => {
                warning(No, "The newest partitions all have something that new ones will not get.")
            }
            Self::SiblingLacks => error(Error, "The newest partition lacks what new ones are to get from it."),
            Self::SchemaMissing => broken(Error, "The schema that new partitions are to be made in does not exist."),
            Self::NameUnchecked => note(No, "Whether a name for a new partition is taken was not asked."),
            Self::NotInSnapshot => broken(Unjudged, "The snapshot was taken for other tables than the policy's."),
        }
    }
}
