//! One unit of one step: its statements in order on one session, tried again while only locks are in the way.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use postgres::error::{Severity, SqlState};

use super::blockers::{InTheWay, holders, in_the_way};
use super::control::first_value;
use super::executor::Reporter;
use super::observer::Event;
use crate::db::{Interrupt, Session, describe};
use crate::plan::{Action, Fact, PartitionAction, Step};
use crate::sql::{HELD, Statement, fact_check, index_locks, locks, render, writes_a_setting};

const ROLLBACK: &str = "/* pgstrata session */ ROLLBACK";
/// How much longer than the server may work on a statement its answer may take.
const ON_THE_WAY: Duration = Duration::from_secs(5);

/// Why a unit changed nothing, or may have.
#[derive(Debug)]
pub(super) enum UnitError {
    /// A lock was not to be had in time.
    Lock(String),
    /// What must hold before does not.
    Fact(String),
    /// Somebody holds it since the plan was made: it stays, and nothing is wrong.
    Held(String),
    /// The statement was cancelled by our own signal.
    Interrupted,
    /// The statement was cancelled by its timeout, or by somebody else.
    Cancelled(String),
    /// The session is gone; whether its last statement took effect is not known.
    SessionLost(String),
    /// Anything else that the server said.
    Server(String),
}

impl UnitError {
    pub(super) fn words(&self) -> String {
        match self {
            Self::Interrupted => "interrupted".to_owned(),
            Self::Fact(fact) => format!("no longer true: {fact}"),
            Self::Held(fact) => format!("held since the plan was made: {fact}"),
            Self::Lock(error) | Self::Cancelled(error) | Self::SessionLost(error) | Self::Server(error) => {
                error.clone()
            }
        }
    }
}

/// What every unit of a run is carried out with.
pub(super) struct Unit<'a> {
    /// The server's major version: locks differ.
    pub(super) major: u32,
    pub(super) stop: &'a Interrupt,
    pub(super) reporter: &'a Reporter<'a>,
    /// Set once anything is committed.
    pub(super) committed: &'a AtomicBool,
    /// Set once the server refuses for a reason that is this partition's own.
    pub(super) of_its_own: &'a AtomicBool,
}

impl Unit<'_> {
    pub(super) fn has_committed(&self) {
        self.committed.store(true, Ordering::Relaxed);
    }

    /// Runs a transaction, at most `1 + lock_retries` times. Gives the number of retries.
    pub(super) fn transaction(&self, step: &Step, session: &mut Session) -> Result<u32, UnitError> {
        let retries = self.with_retries(step, session, &|session| self.once(step, session))?;
        self.has_committed();
        Ok(retries)
    }

    /// The same for a statement outside a transaction. One that says CONCURRENTLY has no lock timeout, and no second try.
    pub(super) fn statement_with_retries(&self, step: &Step, session: &mut Session) -> Result<u32, UnitError> {
        self.with_retries(step, session, &|session| self.statement(step, session))
    }

    fn with_retries(
        &self,
        step: &Step,
        session: &mut Session,
        once: &dyn Fn(&mut Session) -> Result<(), UnitError>,
    ) -> Result<u32, UnitError> {
        let mut tries = 0;
        loop {
            match once(session) {
                Ok(()) => return Ok(tries),
                Err(UnitError::Lock(error)) if tries < step.timeouts.lock_retries => {
                    tries += 1;
                    self.reporter.tell(&Event::Retrying { step: &step.id, tries, because: &error });
                    if self.stop.sleep(pause(step.timeouts.lock, tries)) {
                        return Err(UnitError::Interrupted);
                    }
                }
                Err(UnitError::Lock(error)) => {
                    let names = self.who(step, session);
                    let names = if names.is_empty() { String::new() } else { format!("; in the way now: {names}") };
                    let times = if tries == 0 { "1 try".to_owned() } else { format!("{} tries", tries + 1) };
                    return Err(UnitError::Lock(format!("{error} ({times}){names}")));
                }
                Err(error) => return Err(error),
            }
        }
    }

    fn who(&self, step: &Step, session: &mut Session) -> String {
        match &step.action {
            // It waits for snapshots, too, which show as no lock on anything.
            Action::Partition(PartitionAction::Finalize(leaving)) => in_the_way(session, &InTheWay::of_detach(leaving)),
            Action::Partition(
                PartitionAction::Create(_)
                | PartitionAction::CreateDefault(_)
                | PartitionAction::Mark(_)
                | PartitionAction::Detach(_)
                | PartitionAction::Stamp(_)
                | PartitionAction::Attach(_)
                | PartitionAction::Drop(_),
            )
            | Action::Index(_)
            | Action::Storage(_)
            | Action::Maintenance(_)
            | Action::Limit(_)
            | Action::Setting(_) => {
                let mut wanted = locks(&step.action, self.major);
                wanted.extend(index_locks(&step.action));
                holders(session, &wanted)
            }
        }
    }

    fn once(&self, step: &Step, session: &mut Session) -> Result<(), UnitError> {
        let watch = self.stop.watch(session.cancel_handle()).map_err(|_| UnitError::Interrupted)?;
        session.wait_at_most(answer_limit(step));
        let result = render(step).iter().try_for_each(|statement| self.send(step, statement, session));
        session.wait_as_usual();
        drop(watch);
        if let Err(error) = &result {
            let lost = matches!(error, UnitError::SessionLost(_)) || session.is_closed();
            if !lost {
                let _ = session.batch_execute(ROLLBACK);
                // A cancel still under way may have hit the ROLLBACK: outside a transaction it finds something to end.
                if self.stop.is_set() {
                    let _ = session.absorb_cancel();
                    let _ = session.batch_execute(ROLLBACK);
                }
            }
        }
        result
    }

    /// Runs a statement that PostgreSQL refuses inside a transaction, once; the session is as before whatever comes of it.
    pub(super) fn statement(&self, step: &Step, session: &mut Session) -> Result<(), UnitError> {
        let watch = self.stop.watch(session.cancel_handle()).map_err(|_| UnitError::Interrupted)?;
        session.wait_at_most(answer_limit(step));
        let result = render(step).iter().try_for_each(|statement| {
            self.send(step, statement, session)?;
            // It is in its file whatever becomes of the reload.
            if statement.sql().is_some_and(writes_a_setting) {
                self.has_committed();
            }
            Ok(())
        });
        session.wait_as_usual();
        drop(watch);
        if result.is_err() && !session.is_closed() {
            // A cancel still under way would hit what follows otherwise.
            if self.stop.is_set() {
                let _ = session.absorb_cancel();
            }
            let _ =
                session.batch_execute("/* pgstrata session */ RESET ROLE; RESET statement_timeout; RESET lock_timeout");
        }
        result
    }

    /// Sends one statement; a check that is not true is an error.
    pub(super) fn send(&self, step: &Step, statement: &Statement, session: &mut Session) -> Result<(), UnitError> {
        let sql = statement.wire();
        let backend_pid = session.backend_pid();
        self.reporter.tell(&Event::Sending { step: &step.id, backend_pid, sql: &sql });
        match statement {
            Statement::Sql(_) => session.batch_execute(&sql).map_err(|error| {
                self.of_its_own.fetch_or(is_of_its_own(&error), Ordering::Relaxed);
                classify(&error, session, self.stop)
            })?,
            Statement::Check { fact, .. } => {
                let value = first_value(session, &sql).map_err(|error| classify(&error, session, self.stop))?;
                if value != "t" && step.after.contains(fact) {
                    return Err(UnitError::Server(format!("taken back, it had no effect: it is not true that {fact}")));
                }
                if value != "t"
                    && let Fact::NotHeld { partition, root } = &**fact
                {
                    return Err(UnitError::Held(format!("a comment on {} or {} holds it", partition.name, root.name)));
                }
                if value != "t" {
                    return Err(UnitError::Fact(fact.to_string()));
                }
            }
        }
        self.reporter.tell(&Event::Sent { step: &step.id, backend_pid, sql: &sql });
        Ok(())
    }
}

/// A client that waits for longer than the server works holds its place, and maybe locks, for an answer that a network
/// has swallowed. None where the server may work for as long as it likes.
fn answer_limit(step: &Step) -> Option<Duration> {
    let statement = step.timeouts.statement;
    (!statement.is_zero()).then(|| statement.saturating_add(ON_THE_WAY))
}

/// Between tries the queue behind us drains: half to one and a half lock timeouts, growing to ten times that.
fn pause(lock_timeout: Duration, tries: u32) -> Duration {
    let base = lock_timeout.max(Duration::from_millis(20)) * tries.min(10);
    base.mul_f64(0.5 + fastrand::f64())
}

/// A referencing row, a dependant, a right: no reason to keep another partition.
fn is_of_its_own(error: &postgres::Error) -> bool {
    let own =
        [SqlState::FOREIGN_KEY_VIOLATION, SqlState::DEPENDENT_OBJECTS_STILL_EXIST, SqlState::INSUFFICIENT_PRIVILEGE];
    error.code().is_some_and(|code| own.contains(code))
}

fn classify(error: &postgres::Error, session: &Session, stop: &Interrupt) -> UnitError {
    let text = describe(error);
    let Some(db) = error.as_db_error() else { return UnitError::SessionLost(text) };
    let fatal = match db.parsed_severity() {
        Some(Severity::Panic | Severity::Fatal) => true,
        Some(
            Severity::Error | Severity::Warning | Severity::Notice | Severity::Debug | Severity::Info | Severity::Log,
        )
        | None => false,
    };
    // Nothing of the transaction is left, and the next try sees what the other one did.
    let passing = [SqlState::LOCK_NOT_AVAILABLE, SqlState::T_R_DEADLOCK_DETECTED, SqlState::T_R_SERIALIZATION_FAILURE];
    if fatal || session.is_closed() {
        UnitError::SessionLost(text)
    } else if db.code().code() == HELD {
        UnitError::Held(text)
    } else if passing.contains(db.code()) {
        UnitError::Lock(text)
    } else if *db.code() == SqlState::QUERY_CANCELED {
        if stop.is_set() { UnitError::Interrupted } else { UnitError::Cancelled(text) }
    } else {
        UnitError::Server(text)
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
