//! The plan as a value: what a file holds and what every renderer reads.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::action::Verb;
use super::finding::{Finding, Level};
use super::hazard::HazardKind;
use super::planner::Overrides;
use super::step::{Class, Step};
use crate::catalog::Target;
use crate::policy::{Desired, PolicyHash};
use crate::sql::TableName;

/// The format of a plan document: a minor version only adds.
pub const PLAN_FORMAT: &str = "1.0";

/// What must be done, in order, and what was seen and left alone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// Format of this document.
    pub format_version: String,
    /// The clock that the plan was made with.
    pub evaluated_at: Timestamp,
    /// Which server; never a URL.
    pub target: Target,
    /// Hash of the policy it was made from.
    pub policy_hash: PolicyHash,
    /// The policy it was made from.
    pub policy: Desired,
    /// It is of tables alone: nothing of it speaks of limits and settings.
    #[serde(default)]
    pub tables_only: bool,
    /// Timeouts that flags set.
    #[serde(default)]
    pub overrides: Overrides,
    /// The policy's tables that it speaks of.
    pub only: Vec<TableName>,
    /// Whether it may be applied.
    pub applyable: bool,
    /// Why it may not.
    pub not_applyable_because: Option<String>,
    /// Counts.
    pub summary: Summary,
    /// A line for each table.
    pub tables: Vec<TableOverview>,
    /// The steps, in an order that satisfies their needs.
    pub steps: Vec<Step>,
    /// What was seen and left alone, and why.
    pub findings: Vec<Finding>,
}

impl Plan {
    /// Nothing to do.
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    /// The highest level among the findings.
    pub fn worst_finding(&self) -> Option<Level> {
        self.findings.iter().map(|finding| finding.code.level()).max()
    }
}

/// Counts over a plan.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Summary {
    /// Partitions to make.
    pub create: u32,
    /// Interrupted detaches to complete, and other changes.
    pub change: u32,
    /// Partitions to detach.
    pub detach: u32,
    /// Tables to drop.
    pub drop: u32,
    /// Steps that may not run.
    pub blocked: u32,
    /// Steps by class.
    pub by_class: BTreeMap<Class, u32>,
    /// Steps by hazard.
    pub by_hazard: BTreeMap<HazardKind, u32>,
    /// Bytes that the drops free; `None` when any of them is unknown.
    pub bytes_freed: Option<u64>,
}

impl Summary {
    /// Counts steps. Marker and stamp belong to the detach that they surround, and count with it; a stamp by itself
    /// (after an interruption) is a change.
    pub fn of(steps: &[Step]) -> Self {
        let mut summary = Self { bytes_freed: Some(0), ..Self::default() };
        let leaves = |step: &&Step| matches!(step.action.word(), "detach" | "finalize");
        let leaving: BTreeSet<&TableName> =
            steps.iter().filter(leaves).filter_map(|step| step.action.partition()).collect();
        let mut indexes = BTreeSet::new();
        for step in steps {
            match step.action.verb() {
                Verb::Create => summary.create += 1,
                // The steps of one index are one change.
                Verb::Finalize | Verb::Change => match step.action.wanted_index() {
                    Some(index) if !indexes.insert((&step.table, index)) => {}
                    Some(_) | None => summary.change += 1,
                },
                Verb::Detach if step.action.word() == "detach" => summary.detach += 1,
                Verb::Detach if step.action.partition().is_some_and(|partition| leaving.contains(partition)) => {
                    continue;
                }
                Verb::Detach => summary.change += 1,
                Verb::Drop => {
                    summary.drop += 1;
                    let sum = summary.bytes_freed.zip(step.stake.bytes);
                    summary.bytes_freed = sum.map(|(sum, bytes)| sum.saturating_add(bytes));
                }
            }
            summary.blocked += u32::from(step.gate.is_blocked());
            *summary.by_class.entry(step.class).or_default() += 1;
            let kinds: BTreeSet<HazardKind> = step.hazards.iter().map(|hazard| hazard.kind).collect();
            for kind in kinds {
                *summary.by_hazard.entry(kind).or_default() += 1;
            }
        }
        summary
    }
}

/// What a table's policy asks, and how long inserts are safe.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableOverview {
    /// The table.
    pub table: TableName,
    /// `every month, keep 7 years, premake 4`.
    pub policy: String,
    /// Partitions attached now.
    pub partitions: u32,
    /// Runway now.
    pub runway: Option<Runway>,
    /// Runway once every step that may run is done.
    pub runway_after: Option<Runway>,
    /// What its default partition holds, if that was looked at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default_rows: Option<DefaultRowsOverview>,
}

/// What a default partition holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DefaultRowsOverview {
    /// How many rows, by a count or by the server's estimate; `None` is unknown.
    pub rows: Option<u64>,
    /// Whether `rows` is counted.
    pub exact: bool,
    /// Past retention; `None` where they were not counted.
    pub expired: Option<u64>,
    /// Kept, and outside the wanted windows.
    pub outside: Option<u64>,
    /// The least key, as the server prints it.
    pub least: Option<String>,
    /// The greatest.
    pub most: Option<String>,
}

/// From now to the first instant that no attached, bounded partition covers. In JSON a number of seconds, or
/// `{"keys": …}`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Runway {
    /// In seconds; zero when inserts of now already find no partition.
    Seconds(i64),
    /// Among ids: from the highest to the first that no partition covers.
    Keys {
        /// How many.
        keys: i64,
    },
}

impl Runway {
    /// Whether inserts of this moment find no partition.
    pub fn is_none(self) -> bool {
        match self {
            Self::Seconds(left) | Self::Keys { keys: left } => left == 0,
        }
    }

    /// The seconds, where ids are not what is counted.
    pub fn seconds(self) -> Option<i64> {
        match self {
            Self::Seconds(seconds) => Some(seconds),
            Self::Keys { .. } => None,
        }
    }
}
