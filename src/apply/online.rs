//! `… INDEX CONCURRENTLY`: started only when nobody old is in its way. What it leaves half-way is invalid and serves no
//! query. The next run drops what a build left first; what a `REINDEX` left beside a valid index stays, and is named.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::blockers::{InTheWay, Waited, in_the_way, wait_for_old};
use super::control::first_value;
use super::observer::Event;
use super::outcome::StepResult;
use super::unit::{Unit, UnitError};
use crate::db::{Session, describe};
use crate::plan::{Action, IndexAction, MaintenanceAction, Step};
use crate::resource::partition::suffixed;
use crate::sql::{CHECK_COMMENT, Literal, TableName};

/// What a concurrent build or drop of an index is carried out with, beside its session.
pub(super) struct Online<'a> {
    pub(super) step: &'a Step,
    pub(super) unit: &'a Unit<'a>,
    /// How long it waits for others before it begins.
    pub(super) patience: Duration,
    /// One that waited for all of that is enough for a run: a hundred partitions would wait a hundred times.
    pub(super) patience_spent: &'a AtomicBool,
}

impl Online<'_> {
    /// Builds or drops on a session of its own. The error is a lost session's.
    pub(super) fn run(&self, session: &mut Session) -> Result<StepResult, String> {
        let what = InTheWay::of_index(self.step.action.partition());
        let patience = if self.patience_spent.load(Ordering::Relaxed) { Duration::ZERO } else { self.patience };
        let mut waiting =
            |names: &str| self.unit.reporter.tell(&Event::Waiting { step: &self.step.id, because: names });
        match wait_for_old(session, &what, patience, self.unit.stop, &mut waiting) {
            Ok(Waited::Clear) => {}
            Ok(Waited::Interrupted) => return Ok(StepResult::NotReached),
            Ok(Waited::Blocked(names)) => {
                self.patience_spent.store(true, Ordering::Relaxed);
                return Ok(StepResult::Postponed(format!("an old transaction is in its way: {names}")));
            }
            Err(error) => return Ok(failed(describe(&error))),
        }
        let error = match self.unit.statement(self.step, session) {
            Ok(()) => {
                self.unit.has_committed();
                return Ok(StepResult::Applied { retries: 0 });
            }
            Err(error) => error,
        };
        Ok(match error {
            UnitError::SessionLost(lost) => return Err(lost),
            UnitError::Interrupted => {
                self.note_leftover(session);
                StepResult::NotReached
            }
            // Whoever it waited for is still there, or it was just too slow.
            UnitError::Cancelled(error) => {
                let left = self.note_leftover(session);
                match in_the_way(session, &what) {
                    names if names.is_empty() => failed(format!("{error}{left}")),
                    names => StepResult::Postponed(format!("{error}; in the way now: {names}{left}")),
                }
            }
            error @ (UnitError::Fact(_) | UnitError::Lock(_) | UnitError::Server(_)) => {
                let left = self.note_leftover(session);
                failed(format!("{}{left}", error.words()))
            }
        })
    }

    /// What is said of an index that an end half-way left behind; empty where there is none. Then something is committed.
    fn note_leftover(&self, session: &mut Session) -> String {
        match &self.step.action {
            Action::Index(IndexAction::Build(build)) if self.is_left(session, &build.index) => {
                "; the next run drops what it left, which is invalid".to_owned()
            }
            Action::Index(IndexAction::Rebuild(loose)) => self.note_reindex(session, &loose.index.name),
            Action::Maintenance(MaintenanceAction::Reindex(reindex)) => self.note_reindex(session, &reindex.index.name),
            Action::Index(
                IndexAction::Build(_)
                | IndexAction::Create(_)
                | IndexAction::Attach(_)
                | IndexAction::Validate(_)
                | IndexAction::Alter(_)
                | IndexAction::Drop(_)
                | IndexAction::Discard(_)
                | IndexAction::Swap(_),
            )
            | Action::Maintenance(MaintenanceAction::AnalyzeParent(_) | MaintenanceAction::Vacuum(_))
            | Action::Partition(_)
            | Action::Storage(_)
            | Action::Limit(_)
            | Action::Setting(_) => String::new(),
        }
    }

    /// `REINDEX CONCURRENTLY` builds beside the old index (REINDEX, Rebuilding Indexes Concurrently).
    fn note_reindex(&self, session: &mut Session, index: &TableName) -> String {
        let left = TableName { schema: index.schema.clone(), name: suffixed(index.name.as_str(), "_ccnew") };
        if self.is_left(session, &left) {
            format!("; it left {left}, which is invalid: DROP INDEX CONCURRENTLY {left}")
        } else {
            String::new()
        }
    }

    fn is_left(&self, session: &mut Session, index: &TableName) -> bool {
        let sql = format!("{CHECK_COMMENT} SELECT to_regclass({}) IS NOT NULL", Literal(&index.in_text()));
        let left = first_value(session, &sql).is_ok_and(|value| value == "t");
        if left {
            self.unit.has_committed();
        }
        left
    }
}

fn failed(error: String) -> StepResult {
    StepResult::Failed { error, lock_spent: false }
}
