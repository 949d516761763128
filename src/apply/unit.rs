//! One unit of one step: its statements in order on one session, tried again while only locks are in the way.

use std::time::Duration;

use postgres::error::SqlState;

use super::blockers::holders;
use super::control::first_value;
use super::executor::Reporter;
use super::observer::Event;
use crate::db::{Interrupt, Session, describe};
use crate::plan::{Fact, Step};
use crate::sql::{Statement, fact_check, locks, render};

/// Why a unit changed nothing, or may have.
#[derive(Debug)]
pub(super) enum UnitError {
    /// A lock was not to be had in time.
    Lock(String),
    /// What must hold before does not.
    Fact(Fact),
    /// The statement was cancelled by our own signal.
    Interrupted,
    /// The session is gone; whether its last statement took effect is not known.
    SessionLost(String),
    /// Anything else that the server said.
    Server(String),
}

/// Runs a transaction, at most `1 + lock_retries` times. Gives the number of retries.
pub(super) fn run_transaction(
    step: &Step,
    major: u32,
    session: &mut Session,
    stop: &Interrupt,
    reporter: &Reporter<'_>,
) -> Result<u32, UnitError> {
    let mut tries = 0;
    loop {
        match run_once(step, session, stop, reporter) {
            Ok(()) => return Ok(tries),
            Err(UnitError::Lock(error)) if tries < step.timeouts.lock_retries => {
                tries += 1;
                reporter.tell(&Event::Retrying { step: &step.id, tries, because: &error });
                if stop.sleep(pause(step.timeouts.lock, tries)) {
                    return Err(UnitError::Interrupted);
                }
            }
            Err(UnitError::Lock(error)) => {
                let relations: Vec<String> =
                    locks(&step.action, major).into_iter().map(|lock| lock.relation.to_string()).collect();
                let names = holders(session, &relations);
                let names = if names.is_empty() { String::new() } else { format!("; in the way now: {names}") };
                return Err(UnitError::Lock(format!("{error} ({} tries){names}", tries + 1)));
            }
            Err(error) => return Err(error),
        }
    }
}

/// Between tries the queue behind us drains: half to one and a half lock timeouts, growing to ten times that.
fn pause(lock_timeout: Duration, tries: u32) -> Duration {
    let base = lock_timeout.max(Duration::from_millis(20)) * tries.min(10);
    base.mul_f64(0.5 + fastrand::f64())
}

fn run_once(step: &Step, session: &mut Session, stop: &Interrupt, reporter: &Reporter<'_>) -> Result<(), UnitError> {
    let watch = stop.watch(session.cancel_handle()).map_err(|_| UnitError::Interrupted)?;
    let result = send_all(step, session, stop, reporter);
    drop(watch);
    if let Err(error) = &result {
        let lost = matches!(error, UnitError::SessionLost(_)) || session.is_closed();
        if !lost {
            // A cancel still under way would hit the ROLLBACK otherwise.
            if stop.is_set() {
                let _ = session.absorb_cancel();
            }
            let _ = session.batch_execute("/* pgstrata session */ ROLLBACK");
        }
    }
    result
}

fn send_all(step: &Step, session: &mut Session, stop: &Interrupt, reporter: &Reporter<'_>) -> Result<(), UnitError> {
    for statement in render(step) {
        send(step, &statement, session, stop, reporter)?;
    }
    Ok(())
}

/// Sends one statement; a check that is not true is an error.
pub(super) fn send(
    step: &Step,
    statement: &Statement,
    session: &mut Session,
    stop: &Interrupt,
    reporter: &Reporter<'_>,
) -> Result<(), UnitError> {
    let sql = statement.wire();
    let backend_pid = session.backend_pid();
    reporter.tell(&Event::Sending { step: &step.id, backend_pid, sql: &sql });
    match statement {
        Statement::Sql(_) => session.batch_execute(&sql).map_err(|error| classify(&error, session, stop))?,
        Statement::Check { fact, .. } => {
            let value = first_value(session, &sql).map_err(|error| classify(&error, session, stop))?;
            if value != "t" {
                return Err(UnitError::Fact(fact.clone()));
            }
        }
    }
    reporter.tell(&Event::Sent { step: &step.id, backend_pid, sql: &sql });
    Ok(())
}

pub(super) fn classify(error: &postgres::Error, session: &Session, stop: &Interrupt) -> UnitError {
    let text = describe(error);
    match error.code() {
        Some(code) if *code == SqlState::LOCK_NOT_AVAILABLE || *code == SqlState::T_R_DEADLOCK_DETECTED => {
            UnitError::Lock(text)
        }
        Some(code) if *code == SqlState::QUERY_CANCELED && stop.is_set() => UnitError::Interrupted,
        Some(code) if *code == SqlState::ADMIN_SHUTDOWN || *code == SqlState::CRASH_SHUTDOWN => {
            UnitError::SessionLost(text)
        }
        None => UnitError::SessionLost(text),
        Some(_) if session.is_closed() => UnitError::SessionLost(text),
        Some(_) => UnitError::Server(text),
    }
}

/// Whether all these facts hold, asked on any session; facts that the server cannot be asked about do not count.
pub(super) fn all_hold(facts: &[Fact], session: &mut Session) -> Result<bool, postgres::Error> {
    for statement in facts.iter().filter_map(fact_check) {
        if first_value(session, &statement.wire())? != "t" {
            return Ok(false);
        }
    }
    Ok(true)
}
