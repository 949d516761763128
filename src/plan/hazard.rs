//! What a reviewer must know before a step runs, as stable codes.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A kind of danger. Text form in plans: `DELETES_DATA`; in flags and policies `deletes-data` is read too.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum HazardKind {
    /// Rows are gone for good.
    DeletesData,
    /// Rows leave the table and become a table of their own; gated beyond `max_drop`.
    DetachesData,
    /// Rows of a table of its own become visible through the parent.
    AttachesData,
    /// A valid index goes.
    DropsIndex,
    /// Live sessions may be refused.
    LimitsSessions,
    /// Takes effect at a restart only.
    RestartRequired,
    /// A setting that risks data, or weakens who may log in and what is checked.
    LosesSafety,
    /// Rows are rewritten elsewhere.
    MovesData,
    /// Readers wait while work that grows with the data is done.
    BlocksReads,
    /// Writers wait while work that grows with the data is done.
    BlocksWrites,
    /// A plain partition is made among partitions that are partitioned themselves.
    PlainLeaf,
    /// Functions or domains of a role that may do less would run as the session, or as the table's owner.
    RunsOwnersCode,
    /// An index is built; reads and writes go on.
    IndexBuild,
    /// A logical subscriber needs the table as well.
    SubscriberNeedsTable,
    /// Replay on a hot standby may cancel queries there.
    CancelsStandbyQueries,
}

/// When a hazard needs a grant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gating {
    /// Always.
    Always,
    /// Beyond `apply.max_drop`.
    BeyondMaxDrop,
    /// Never: shown only.
    Shown,
}

impl HazardKind {
    /// All kinds, in the order they are shown.
    pub const ALL: [Self; 15] = [
        Self::DeletesData,
        Self::DetachesData,
        Self::AttachesData,
        Self::DropsIndex,
        Self::LimitsSessions,
        Self::RestartRequired,
        Self::LosesSafety,
        Self::MovesData,
        Self::BlocksReads,
        Self::BlocksWrites,
        Self::PlainLeaf,
        Self::RunsOwnersCode,
        Self::IndexBuild,
        Self::SubscriberNeedsTable,
        Self::CancelsStandbyQueries,
    ];

    /// The stable code.
    pub fn code(self) -> &'static str {
        match self {
            Self::DeletesData => "DELETES_DATA",
            Self::DetachesData => "DETACHES_DATA",
            Self::AttachesData => "ATTACHES_DATA",
            Self::DropsIndex => "DROPS_INDEX",
            Self::LimitsSessions => "LIMITS_SESSIONS",
            Self::RestartRequired => "RESTART_REQUIRED",
            Self::LosesSafety => "LOSES_SAFETY",
            Self::MovesData => "MOVES_DATA",
            Self::BlocksReads => "BLOCKS_READS",
            Self::BlocksWrites => "BLOCKS_WRITES",
            Self::PlainLeaf => "PLAIN_LEAF",
            Self::RunsOwnersCode => "RUNS_OWNERS_CODE",
            Self::IndexBuild => "INDEX_BUILD",
            Self::SubscriberNeedsTable => "SUBSCRIBER_NEEDS_TABLE",
            Self::CancelsStandbyQueries => "CANCELS_STANDBY_QUERIES",
        }
    }

    /// The form that flags take: `deletes-data`.
    pub fn flag(self) -> String {
        self.code().to_ascii_lowercase().replace('_', "-")
    }

    /// When this kind needs a grant.
    pub fn gating(self) -> Gating {
        match self {
            Self::DeletesData
            | Self::AttachesData
            | Self::DropsIndex
            | Self::LimitsSessions
            | Self::RestartRequired
            | Self::LosesSafety
            | Self::MovesData
            | Self::BlocksReads
            | Self::BlocksWrites
            | Self::PlainLeaf
            | Self::RunsOwnersCode => Gating::Always,
            Self::DetachesData => Gating::BeyondMaxDrop,
            Self::IndexBuild | Self::SubscriberNeedsTable | Self::CancelsStandbyQueries => Gating::Shown,
        }
    }
}

impl fmt::Display for HazardKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

/// No hazard has this name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no hazard is called `{0}`; there are {all}", all = HazardKind::ALL.map(HazardKind::flag).join(", "))]
pub struct UnknownHazard(pub String);

impl FromStr for HazardKind {
    type Err = UnknownHazard;

    fn from_str(text: &str) -> Result<Self, UnknownHazard> {
        let code = text.trim().to_ascii_uppercase().replace('-', "_");
        Self::ALL.into_iter().find(|kind| kind.code() == code).ok_or_else(|| UnknownHazard(text.to_owned()))
    }
}
