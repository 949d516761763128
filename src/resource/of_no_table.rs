//! Steps and findings about what belongs to no table.

use crate::plan::{
    Action, Class, Code, Finding, Gate, Object, ObjectRef, Overrides, Stake, Step, StepId, Timeouts, Unit,
};
use crate::policy::Desired;

/// What steps of no table have in common.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Setup<'a> {
    /// The policy.
    pub(crate) desired: &'a Desired,
    /// A lane of their own: no table waits for them.
    pub(crate) lane: u32,
    /// Timeouts by flag.
    pub(crate) overrides: Overrides,
}

impl Setup<'_> {
    /// A step, complete but for its facts and hazards.
    pub(crate) fn step(&self, action: Action, reason: &str) -> Step {
        let apply = &self.desired.apply;
        Step {
            id: StepId(format!("{} {}", action.word(), action.object())),
            table: None,
            lane: self.lane,
            unit: if action.stands_alone() { Unit::Statement } else { Unit::Transaction },
            needs: Vec::new(),
            object: ObjectRef::Named(action.object()),
            action,
            acts_as: None,
            login: None,
            class: Class::Drift,
            reason: reason.to_owned(),
            note: None,
            due_at: None,
            before: Vec::new(),
            after: Vec::new(),
            hazards: Vec::new(),
            timeouts: Timeouts {
                lock: self.overrides.lock_timeout.unwrap_or(apply.lock_timeout),
                lock_retries: self.overrides.lock_retries.unwrap_or(apply.lock_retries),
                statement: apply.statement_timeout,
                reach_workers: false,
            },
            stake: Stake::default(),
            gate: Gate::Open,
        }
    }
}

/// A finding about no table.
pub(crate) fn finding(code: Code, object: Object, message: String) -> Finding {
    Finding { table: None, code, object: Some(object), message, hint: None }
}
