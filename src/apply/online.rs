//! `… INDEX CONCURRENTLY`: started only when nobody old is in its way. What it leaves half-way is invalid and serves no
//! query. The next run drops what it left first.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::blockers::{InTheWay, Waited, in_the_way, wait_for_old};
use super::control::first_value;
use super::observer::Event;
use super::outcome::StepResult;
use super::unit::{Unit, UnitError};
use crate::db::{Session, describe};
use crate::plan::{Action, IndexAction, MaintenanceAction, Step};
use crate::resource::index::is_left_by_reindex;
use crate::sql::{CHECK_COMMENT, Ident, Literal, TableName, server_time};

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
                    // It was at work all the time, and will be as long the next time.
                    names if names.is_empty() && rebuilds(&self.step.action) => {
                        let time = server_time(self.step.timeouts.statement);
                        StepResult::Postponed(format!(
                            "{error}: it takes longer than apply.concurrent_timeout ({time}), which may be raised{left}"
                        ))
                    }
                    names if names.is_empty() => failed(format!("{error}{left}")),
                    names => StepResult::Postponed(format!("{error}; in the way now: {names}{left}")),
                }
            }
            error @ (UnitError::Fact(_) | UnitError::Held(_) | UnitError::Lock(_) | UnitError::Server(_)) => {
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
            Action::Index(IndexAction::Rebuild(loose)) => {
                self.note_reindex(session, &loose.partition.name, &loose.index.name)
            }
            Action::Maintenance(MaintenanceAction::Reindex(reindex)) => {
                self.note_reindex(session, &reindex.partition.name, &reindex.index.name)
            }
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
    fn note_reindex(&self, session: &mut Session, partition: &TableName, index: &TableName) -> String {
        let sql = format!(
            "{CHECK_COMMENT} SELECT coalesce(string_agg(c.relname, ',' ORDER BY c.relname), '') FROM pg_index x \
             JOIN pg_class c ON c.oid = x.indexrelid WHERE x.indrelid = to_regclass({}) AND NOT x.indisvalid \
             AND c.relname ~ '_cc(new|old)[0-9]*$'",
            Literal(&partition.to_string())
        );
        let found = first_value(session, &sql).unwrap_or_default();
        let left: Vec<String> = found
            .split(',')
            .filter(|name| is_left_by_reindex(name, index.name.as_str()))
            .map(|name| TableName { schema: index.schema.clone(), name: Ident::new(name) }.to_string())
            .collect();
        if left.is_empty() {
            return String::new();
        }
        self.unit.has_committed();
        format!("; it left {}, which is invalid: the next run drops it", left.join(", "))
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

/// Whether it builds an index anew that is there.
fn rebuilds(action: &Action) -> bool {
    matches!(action, Action::Index(IndexAction::Rebuild(_)) | Action::Maintenance(MaintenanceAction::Reindex(_)))
}

fn failed(error: String) -> StepResult {
    StepResult::Failed { error, lock_spent: false }
}
