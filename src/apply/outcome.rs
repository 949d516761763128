//! What became of a run: results are values, and a failure carries what was already done.

use crate::db::Signal;
use crate::plan::{Plan, StepId};

/// What became of one step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StepResult {
    /// It is committed.
    Applied {
        /// How often a lock was not to be had first.
        retries: u32,
    },
    /// What it would bring about was there already.
    AlreadySatisfied,
    /// It may not run: each reason.
    Blocked(Vec<String>),
    /// Somebody is in its way; a later run goes on.
    Postponed(String),
    /// Something that it needs was not done.
    Skipped(String),
    /// It failed, and changed nothing.
    Failed {
        /// What the server said, or which fact no longer holds.
        error: String,
        /// Only locks were in the way: safe to run again.
        lock_spent: bool,
    },
    /// A step of a saved plan that is planned otherwise now, or is not needed any more: nothing was done.
    Superseded {
        /// Why.
        because: String,
        /// What it was for is still wanted: a new plan says how.
        wanted: bool,
    },
    /// The run ended before it.
    NotReached,
}

impl StepResult {
    /// Whether what it brings about is there now.
    pub fn is_done(&self) -> bool {
        match self {
            Self::Applied { .. } | Self::AlreadySatisfied => true,
            Self::Blocked(_)
            | Self::Postponed(_)
            | Self::Skipped(_)
            | Self::Failed { .. }
            | Self::Superseded { .. }
            | Self::NotReached => false,
        }
    }
}

/// How a run ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ended {
    /// Every step was reached.
    Complete,
    /// By a signal: the statement in flight was cancelled on the server.
    Interrupted(Signal),
    /// The run lock, its session or the server was lost.
    Lost(String),
}

/// What became of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// The plan that was carried out.
    pub plan: Plan,
    /// Each step's result, in the plan's order.
    pub results: Vec<(StepId, StepResult)>,
    /// How it ended.
    pub ended: Ended,
    /// Something is committed that was not before.
    pub committed: bool,
    /// What the policy still wants, by the catalog as it is now; `None` when it could not be read again.
    pub remains: Option<Plan>,
    /// Steps that became due since a saved plan was made, or that its review did not see: listed, not run.
    pub due_since: Vec<StepId>,
}

impl Outcome {
    /// How many results are of a kind.
    pub fn count(&self, kind: impl Fn(&StepResult) -> bool) -> usize {
        self.results.iter().filter(|(_, result)| kind(result)).count()
    }

    /// Steps that failed.
    pub fn failed(&self) -> usize {
        self.count(|result| matches!(result, StepResult::Failed { .. }))
    }

    /// Steps that failed for no other reason than locks.
    pub fn lock_spent(&self) -> usize {
        self.count(|result| matches!(result, StepResult::Failed { lock_spent: true, .. }))
    }

    /// Steps that were not reached.
    pub fn not_reached(&self) -> usize {
        self.count(|result| *result == StepResult::NotReached)
    }

    /// Steps that may not run, have to wait for a later run, or for a new plan.
    pub fn held_back(&self) -> usize {
        self.count(|result| {
            matches!(
                result,
                StepResult::Blocked(_) | StepResult::Postponed(_) | StepResult::Superseded { wanted: true, .. }
            )
        })
    }
}
