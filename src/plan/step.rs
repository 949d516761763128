//! A step: everything a reviewer reads and the executor obeys, as self-contained data.

use std::fmt;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::action::{Action, Relation};
use super::fact::Fact;
use super::gate::Gate;
use super::hazard::HazardKind;
use super::object::Object;
use crate::policy::units::millis;
use crate::sql::{Ident, TableName};

/// A step's name within its plan: `create public.events_p20260321`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct StepId(pub String);

impl fmt::Display for StepId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// One unit of work.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// Its name within the plan.
    pub id: StepId,
    /// The policy's table that it serves; `None` where it changes the database, a role or the server.
    pub table: Option<TableName>,
    /// Tables that lock a common relation share a lane and run one after the other.
    pub lane: u32,
    /// One transaction, or one statement outside.
    pub unit: Unit,
    /// Steps that must be done before.
    pub needs: Vec<StepId>,
    /// What it is about.
    pub object: ObjectRef,
    /// What it does.
    pub action: Action,
    /// Who works, where the owner lacks a right for it that the session has: then the session itself, and what it makes is
    /// the owner's in the same unit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub acts_as: Option<Ident>,
    /// The owner whose own login it runs in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub login: Option<Ident>,
    /// Why now.
    pub class: Class,
    /// Why at all.
    pub reason: String,
    /// What a reader wants to know beside it: when a drop is due, since when a table is detached.
    pub note: Option<String>,
    /// When it became due.
    pub due_at: Option<Timestamp>,
    /// What must hold before; checked again inside the unit.
    pub before: Vec<Fact>,
    /// What will hold after.
    pub after: Vec<Fact>,
    /// What a reviewer must know.
    pub hazards: Vec<Hazard>,
    /// How long it may wait and work.
    pub timeouts: Timeouts,
    /// What is at stake.
    pub stake: Stake,
    /// Whether it may run.
    pub gate: Gate,
}

/// How a step is committed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    /// All of it or nothing.
    Transaction,
    /// One statement that PostgreSQL refuses inside a transaction.
    Statement,
}

/// What a step is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ObjectRef {
    /// Something that exists.
    Existing(Relation),
    /// Something that this plan makes.
    MadeBy(StepId, TableName),
    /// Something that is no relation.
    Named(Object),
}

/// Why a step is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Class {
    /// Time passed.
    Scheduled,
    /// The catalog left the policy.
    Drift,
    /// Scheduled work that is late.
    Overdue,
}

impl Class {
    /// Its word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Scheduled => "scheduled",
            Self::Drift => "drift",
            Self::Overdue => "overdue",
        }
    }
}

/// A danger of one step.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Hazard {
    /// Its kind.
    pub kind: HazardKind,
    /// What is in danger.
    #[serde(alias = "relation")]
    pub object: Object,
    /// What exactly, in words.
    pub detail: String,
}

/// How long a step may wait and work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Timeouts {
    /// The server's `lock_timeout` for each try; zero for `… CONCURRENTLY`, which it would leave half done.
    #[serde(with = "millis")]
    pub lock: Duration,
    /// Tries after the first.
    pub lock_retries: u32,
    /// The server's `statement_timeout`; never zero.
    #[serde(with = "millis")]
    pub statement: Duration,
    /// They hold on the workers of a Citus cluster too, as far as Citus hands them on: in a transaction.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub reach_workers: bool,
}

/// What is at stake.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stake {
    /// Exact size of what leaves, with indexes and TOAST; `None` is unknown.
    pub bytes: Option<u64>,
    /// The server's estimate of its rows; `None` is unknown.
    pub rows: Option<u64>,
}
