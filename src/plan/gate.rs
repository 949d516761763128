//! Whether a step may run, and if not, what would allow it.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::hazard::HazardKind;
use super::step::StepId;
use crate::catalog::RowCount;
use crate::policy::Grant;

/// Whether a step may run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "state", content = "by")]
pub enum Gate {
    /// Nothing stands in its way.
    Open,
    /// Hazards that were accepted, by these grants.
    Granted(Vec<Granted>),
    /// It may not run.
    Blocked(Vec<Block>),
}

impl Gate {
    /// Whether it is blocked.
    pub fn is_blocked(&self) -> bool {
        matches!(self, Self::Blocked(_))
    }
}

/// A grant, and where it came from. A plan file grants nothing.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Granted {
    /// What was granted.
    pub grant: Grant,
    /// By whom.
    pub source: GrantSource,
}

/// Where a grant comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GrantSource {
    /// The policy's `apply.allow`.
    Policy,
    /// `--allow` on the command that runs.
    Flag,
}

/// Why a step may not run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "why")]
pub enum Block {
    /// A hazard without a grant.
    Hazard {
        /// Which.
        hazard: HazardKind,
        /// The grant that would allow it, in the form flags take.
        allow: Grant,
    },
    /// More leaves one table at once than `apply.max_drop` allows.
    MaxDrop {
        /// Partitions leaving the table in this plan.
        windows: u32,
        /// The grant that would allow it.
        allow: Grant,
    },
    /// More creations than `apply.max_create`.
    MaxCreate {
        /// Creations in this plan.
        wanted: u32,
        /// The limit.
        limit: u32,
    },
    /// Rows of the default partition lie in the window.
    RowsInDefault {
        /// How many; `None` is unknown.
        rows: Option<RowCount>,
        /// Whose lock kept them from being counted, if one did; other reasons are findings.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        because: Option<String>,
    },
    /// The client's clock and the server's disagree: no removal can be judged.
    ClockSkew {
        /// Client minus server, in seconds.
        seconds: i64,
    },
    /// Something that must be known before a removal is unknown.
    Unknown {
        /// What, and why.
        because: String,
    },
    /// Somebody else manages the table.
    ManagedElsewhere {
        /// Who, and the statement that hands it over.
        by: String,
    },
    /// The role that works lacks a right that it needs, and the session cannot do it by its own. It keeps nothing else from
    /// being done; who may not become the owner of a table at all is refused before anything begins.
    MissingRight {
        /// Which, and the statement that gives it.
        because: String,
    },
    /// Something else is in the way, and may go: rows that reference the partition, what depends on it, a difference.
    InTheWay {
        /// What, and what ends it.
        because: String,
        /// When it is out of the way at the earliest, where a clock tells.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        until: Option<Timestamp>,
    },
    /// Somebody is at it already.
    Busy {
        /// With what.
        because: String,
    },
    /// A step that it needs may not run.
    Needs {
        /// Which.
        step: StepId,
    },
}

impl fmt::Display for Block {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Hazard { hazard, allow } => write!(f, "{hazard} needs --allow {allow}"),
            Self::MaxDrop { windows, allow } => {
                let partitions = if *windows == 1 { "partition" } else { "partitions" };
                write!(
                    f,
                    "{windows} {partitions} would leave at once, more than apply.max_drop: --max-drop {windows} or --allow {allow}"
                )
            }
            Self::MaxCreate { wanted, limit } => {
                write!(
                    f,
                    "{wanted} partitions to create, more than apply.max_create ({limit}): raise it, or start later"
                )
            }
            Self::RowsInDefault { rows: Some(rows), because: _ } => {
                write!(f, "the default partition has {rows} in this window: move them first")
            }
            Self::RowsInDefault { rows: None, because } => {
                f.write_str("whether the default partition has rows in this window is unknown")?;
                because.iter().try_for_each(|because| write!(f, ": {because}"))
            }
            Self::ClockSkew { seconds } => {
                write!(f, "{}: no removal can be judged", skew_words(*seconds))
            }
            Self::Unknown { because } => f.write_str(because),
            Self::ManagedElsewhere { by } => f.write_str(by),
            Self::MissingRight { because } | Self::Busy { because } => f.write_str(because),
            Self::InTheWay { because, until: _ } => f.write_str(because),
            Self::Needs { step } => write!(f, "needs `{step}`, which is blocked"),
        }
    }
}

/// What the clocks say of each other: nobody reads 34560000 s as more than a year.
pub(super) fn skew_words(seconds: i64) -> String {
    const UNITS: [(u64, &str); 3] = [(86_400, "d"), (3_600, "h"), (60, "min")];
    let amount = seconds.unsigned_abs();
    // Two of a unit at least, so that rounding hides no more than a third.
    let (divisor, unit) = UNITS.into_iter().find(|(size, _)| amount >= 2 * size).unwrap_or((1, "s"));
    let side = if seconds < 0 { "behind" } else { "ahead of" };
    format!("this machine's clock is {} {unit} {side} the server's", (amount + divisor / 2) / divisor)
}

#[cfg(test)]
mod tests {
    use super::skew_words;

    #[test]
    fn clocks_differ_in_units_that_a_person_reads() {
        for (seconds, expected) in [
            (34_560_000, "400 d ahead of"),
            (-34_560_000, "400 d behind"),
            (-300, "5 min behind"),
            (7_200, "2 h ahead of"),
            (172_799, "48 h ahead of"),
            (119, "119 s ahead of"),
        ] {
            assert_eq!(skew_words(seconds), format!("this machine's clock is {expected} the server's"));
        }
    }
}
