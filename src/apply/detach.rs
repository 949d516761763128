//! `DETACH … CONCURRENTLY`: started only when nobody old is in its way, never retried, always continued with FINALIZE.

use super::blockers::{Waited, wait_for_old};
use super::control::first_value;
use super::executor::Reporter;
use super::observer::Event;
use super::outcome::StepResult;
use super::unit::{UnitError, run_transaction, send};
use crate::db::{Interrupt, Session, describe};
use crate::grid::LeafBounds;
use crate::plan::{Action, Class, Fact, Leaving, Step, StepId, Timeouts, Unit};
use crate::policy::ApplyDesired;
use crate::sql::{fact_check, render};

/// Detaches concurrently on a session of its own. What the statement leaves pending is finalized at once.
pub(super) fn run(
    step: &Step,
    leaving: &Leaving,
    apply: &ApplyDesired,
    major: u32,
    session: &mut Session,
    stop: &Interrupt,
    reporter: &Reporter<'_>,
) -> StepResult {
    let mut waiting = |names: &str| reporter.tell(&Event::Waiting { step: &step.id, because: names });
    match wait_for_old(session, leaving.root.oid, apply.concurrent_timeout, stop, &mut waiting) {
        Ok(Waited::Clear) => {}
        Ok(Waited::Interrupted) => return StepResult::NotReached,
        Ok(Waited::Blocked(names)) => {
            return StepResult::Postponed(format!("an old transaction is in its way: {names}"));
        }
        Err(error) => return failed(describe(&error)),
    }
    let error = match attempt(step, session, stop, reporter) {
        Ok(()) => return StepResult::Applied { retries: 0 },
        Err(error) => error,
    };
    match is_pending(leaving, session) {
        Ok(true) => finish(leaving, apply, major, session, stop, reporter),
        Ok(false) => match error {
            UnitError::Interrupted => StepResult::NotReached,
            UnitError::Fact(fact) => failed(format!("no longer true: {fact}")),
            UnitError::Lock(error) | UnitError::SessionLost(error) | UnitError::Server(error) => failed(error),
        },
        Err(lost) => {
            failed(format!("{}; whether its detach is pending could not be asked: {}", words(&error), describe(&lost)))
        }
    }
}

fn failed(error: String) -> StepResult {
    StepResult::Failed { error, lock_spent: false }
}

fn words(error: &UnitError) -> String {
    match error {
        UnitError::Interrupted => "interrupted".to_owned(),
        UnitError::Fact(fact) => format!("no longer true: {fact}"),
        UnitError::Lock(error) | UnitError::SessionLost(error) | UnitError::Server(error) => error.clone(),
    }
}

fn attempt(step: &Step, session: &mut Session, stop: &Interrupt, reporter: &Reporter<'_>) -> Result<(), UnitError> {
    let watch = stop.watch(session.cancel_handle()).map_err(|_| UnitError::Interrupted)?;
    let mut statements = render(step).into_iter();
    let result = statements.try_for_each(|statement| send(step, &statement, session, stop, reporter));
    drop(watch);
    if result.is_err() {
        if stop.is_set() {
            let _ = session.absorb_cancel();
        }
        let _ = session.batch_execute("/* pgstrata session */ RESET ROLE; RESET statement_timeout; RESET lock_timeout");
    }
    result
}

fn is_pending(leaving: &Leaving, session: &mut Session) -> Result<bool, postgres::Error> {
    match fact_check(&pending(leaving)) {
        Some(check) => Ok(first_value(session, &check.wire())? == "t"),
        None => Ok(false),
    }
}

fn pending(leaving: &Leaving) -> Fact {
    Fact::Attached {
        root: leaving.root.clone(),
        partition: leaving.partition.name.clone(),
        oid: Some(leaving.partition.oid),
        bounds: LeafBounds::Range { from: leaving.from, to: leaving.to },
        pending: true,
    }
}

/// The logical detach has happened: its rows are invisible, and no other partition can leave until this one has.
fn finish(
    leaving: &Leaving,
    apply: &ApplyDesired,
    major: u32,
    session: &mut Session,
    stop: &Interrupt,
    reporter: &Reporter<'_>,
) -> StepResult {
    let action = Action::FinalizeDetach(leaving.clone());
    let interrupted = stop.is_set();
    let step = Step {
        id: StepId(format!("{} {}", action.word(), action.partition())),
        table: leaving.root.name.clone(),
        lane: 0,
        unit: Unit::Transaction,
        needs: Vec::new(),
        object: crate::plan::ObjectRef::Existing(leaving.partition.clone()),
        action,
        class: Class::Drift,
        reason: "an interrupted detach".to_owned(),
        note: None,
        due_at: None,
        before: vec![pending(leaving)],
        after: vec![Fact::Detached { partition: leaving.partition.clone() }],
        hazards: Vec::new(),
        timeouts: Timeouts {
            lock: apply.lock_timeout,
            // After a signal: once.
            lock_retries: if interrupted { 0 } else { apply.lock_retries },
            statement: apply.statement_timeout,
        },
        stake: crate::plan::Stake::default(),
        gate: crate::plan::Gate::Open,
    };
    // The signal that interrupted the detach must not cancel what cleans up after it.
    let unwatched = Interrupt::new();
    let stop = if interrupted { &unwatched } else { stop };
    match run_transaction(&step, major, session, stop, reporter) {
        Ok(retries) => StepResult::Applied { retries },
        Err(error) => {
            StepResult::Postponed(format!("its detach is pending, and could not be finalized: {}", words(&error)))
        }
    }
}
