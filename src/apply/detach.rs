//! `DETACH … CONCURRENTLY`: started only when nobody old is in its way, never retried, always continued with FINALIZE.

use std::time::Duration;

use super::blockers::{InTheWay, Waited, wait_for_old};
use super::observer::Event;
use super::outcome::StepResult;
use super::unit::{Unit, UnitError, all_hold};
use crate::db::{Interrupt, Session, describe};
use crate::grid::LeafBounds;
use crate::plan::{Action, Class, Fact, Gate, Leaving, ObjectRef, PartitionAction, Stake, Step, StepId, Timeouts};
use crate::policy::ApplyDesired;

/// What a concurrent detach is carried out with, beside its session.
pub(super) struct Detach<'a> {
    pub(super) step: &'a Step,
    pub(super) leaving: &'a Leaving,
    pub(super) apply: &'a ApplyDesired,
    /// For the FINALIZE, should it come to that.
    pub(super) lock: (Duration, u32),
    pub(super) unit: &'a Unit<'a>,
    /// Another session, once the lost one's backend is gone. The error says why there is none.
    pub(super) reconnect: &'a dyn Fn(i32) -> Result<Session, String>,
}

/// How far a detach has come.
enum State {
    Attached,
    /// Committed: its rows are invisible, and no other partition can leave until this one has.
    Pending,
    Detached,
}

impl Detach<'_> {
    /// Detaches on a session of its own. What the statement leaves pending is finalized at once.
    pub(super) fn run(&self, session: &mut Session) -> StepResult {
        let mut waiting =
            |names: &str| self.unit.reporter.tell(&Event::Waiting { step: &self.step.id, because: names });
        let what = InTheWay::of_detach(self.leaving);
        match wait_for_old(session, &what, self.apply.concurrent_timeout, self.unit.stop, &mut waiting) {
            Ok(Waited::Clear) => {}
            Ok(Waited::Interrupted) => return StepResult::NotReached,
            Ok(Waited::Blocked(names)) => {
                return StepResult::Postponed(format!("an old transaction is in its way: {names}"));
            }
            Err(error) => return failed(describe(&error)),
        }
        let error = match self.unit.statement(self.step, session) {
            Ok(()) => {
                self.unit.has_committed();
                return StepResult::Applied { retries: 0 };
            }
            // Nothing was sent that changes anything.
            Err(error @ UnitError::Fact(_)) => return failed(error.words()),
            Err(error @ UnitError::Held(_)) => return held(&error),
            Err(error) => error,
        };
        if matches!(error, UnitError::SessionLost(_)) || session.is_closed() {
            match (self.reconnect)(session.backend_pid()) {
                Ok(other) => *session = other,
                Err(lost) => return failed(format!("{}; how far it came is not known: {lost}", error.words())),
            }
        }
        match self.state(session) {
            // Interrupted, or lost, between the statement and what follows it.
            Ok(State::Detached) => {
                self.unit.has_committed();
                StepResult::Applied { retries: 0 }
            }
            Ok(State::Pending) => self.finish(session),
            Ok(State::Attached) => match error {
                UnitError::Interrupted => StepResult::NotReached,
                UnitError::Held(_) => held(&error),
                UnitError::Fact(_)
                | UnitError::Lock(_)
                | UnitError::Cancelled(_)
                | UnitError::SessionLost(_)
                | UnitError::Server(_) => failed(error.words()),
            },
            Err(lost) => failed(format!("{}; how far it came is not known: {}", error.words(), describe(&lost))),
        }
    }

    fn state(&self, session: &mut Session) -> Result<State, postgres::Error> {
        if all_hold(&[self.pending()], session)? {
            return Ok(State::Pending);
        }
        Ok(if all_hold(&self.step.after, session)? { State::Detached } else { State::Attached })
    }

    fn pending(&self) -> Fact {
        Fact::Attached {
            root: self.leaving.root.clone(),
            partition: self.leaving.partition.name.clone(),
            oid: Some(self.leaving.partition.oid),
            bounds: LeafBounds::Range { from: self.leaving.from, to: self.leaving.to },
            pending: true,
        }
    }

    /// The logical detach has happened; this is the rest of it.
    fn finish(&self, session: &mut Session) -> StepResult {
        self.unit.has_committed();
        let action = Action::Partition(PartitionAction::Finalize(self.leaving.clone()));
        let interrupted = self.unit.stop.is_set();
        let (lock, retries) = self.lock;
        let step = Step {
            id: StepId(format!("{} {}", action.word(), action.object())),
            table: Some(self.leaving.root.name.clone()),
            lane: self.step.lane,
            unit: crate::plan::Unit::Transaction,
            needs: Vec::new(),
            object: ObjectRef::Existing(self.leaving.partition.clone()),
            action,
            acts_as: self.step.acts_as.clone(),
            login: self.step.login.clone(),
            class: Class::Drift,
            reason: "an interrupted detach".to_owned(),
            note: None,
            due_at: None,
            before: vec![self.pending()],
            after: self.step.after.clone(),
            hazards: Vec::new(),
            timeouts: Timeouts {
                lock,
                // After a signal: once.
                lock_retries: if interrupted { 0 } else { retries },
                statement: self.apply.statement_timeout,
                reach_workers: self.step.timeouts.reach_workers,
            },
            stake: Stake::default(),
            gate: Gate::Open,
        };
        // The signal that interrupted the detach must not cancel what cleans up after it.
        let unwatched = Interrupt::new();
        let unit = if interrupted { Unit { stop: &unwatched, ..*self.unit } } else { Unit { ..*self.unit } };
        match unit.transaction(&step, session) {
            Ok(retries) => StepResult::Applied { retries },
            Err(error) => {
                StepResult::Postponed(format!("its detach is pending, and could not be finalized: {}", error.words()))
            }
        }
    }
}

/// It stays, as the policy says of what is held: no reason to keep what is not.
pub(super) fn held(error: &UnitError) -> StepResult {
    StepResult::Superseded { because: error.words(), wanted: false }
}

fn failed(error: String) -> StepResult {
    StepResult::Failed { error, lock_spent: false }
}
