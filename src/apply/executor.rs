//! Lanes side by side, steps of a lane one after the other; what fails stops what needs it, and nothing else.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;

use super::control::Control;
use super::detach;
use super::observer::Event;
use super::outcome::{Ended, StepResult};
use super::run::ApplyOptions;
use super::unit::{UnitError, all_hold, run_transaction};
use crate::db::{Connector, Interrupt, Pool, Session, describe};
use crate::plan::{Action, DetachMode, Gate, Plan, Step, StepId, Verb};
use crate::sql::TableName;

/// Hands events from any thread to the one observer.
pub(super) struct Reporter<'a> {
    tell: &'a (dyn Fn(&Event<'_>) + Sync),
}

impl<'a> Reporter<'a> {
    pub(super) fn new(tell: &'a (dyn Fn(&Event<'_>) + Sync)) -> Self {
        Self { tell }
    }

    pub(super) fn tell(&self, event: &Event<'_>) {
        (self.tell)(event);
    }
}

pub(super) fn lock<T: ?Sized>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // What is behind our mutexes stays whole at every step.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What the lanes share.
pub(super) struct Executor<'a> {
    connector: &'a Connector,
    control: Mutex<&'a mut Control>,
    plan: &'a Plan,
    jobs: u32,
    stop: &'a Interrupt,
    reporter: &'a Reporter<'a>,
    done: Mutex<BTreeMap<StepId, StepResult>>,
    lost: Mutex<Option<String>>,
    lanes: Mutex<VecDeque<Vec<&'a Step>>>,
}

impl<'a> Executor<'a> {
    pub(super) fn new(
        connector: &'a Connector,
        control: &'a mut Control,
        plan: &'a Plan,
        satisfied: &[StepId],
        options: &ApplyOptions,
        stop: &'a Interrupt,
        reporter: &'a Reporter<'a>,
    ) -> Self {
        let mut lanes: BTreeMap<u32, Vec<&Step>> = BTreeMap::new();
        for step in &plan.steps {
            lanes.entry(step.lane).or_default().push(step);
        }
        let done = satisfied.iter().map(|id| (id.clone(), StepResult::AlreadySatisfied)).collect();
        Self {
            connector,
            control: Mutex::new(control),
            plan,
            jobs: options.jobs.unwrap_or(plan.policy.apply.jobs).max(1),
            stop,
            reporter,
            done: Mutex::new(done),
            lost: Mutex::new(None),
            lanes: Mutex::new(lanes.into_values().collect()),
        }
    }

    /// Runs every lane. Gives what became of each step, and how the run ended.
    pub(super) fn run(self) -> (BTreeMap<StepId, StepResult>, Ended) {
        let workers = usize::try_from(self.jobs).unwrap_or(usize::MAX).min(lock(&self.lanes).len());
        match self.connector.pool(self.jobs) {
            Ok(pool) => thread::scope(|scope| {
                for _ in 1..workers {
                    scope.spawn(|| self.work(&pool));
                }
                self.work(&pool);
            }),
            Err(error) => self.lose(error.to_string()),
        }
        let ended = match (lock(&self.lost).take(), self.stop.signal()) {
            // A signal that came after the last step stopped nothing.
            (None, Some(_)) if lock(&self.done).len() >= self.plan.steps.len() && self.all_reached() => Ended::Complete,
            (_, Some(signal)) => Ended::Interrupted(signal),
            (Some(lost), None) => Ended::Lost(lost),
            (None, None) => Ended::Complete,
        };
        (self.done.into_inner().unwrap_or_else(PoisonError::into_inner), ended)
    }

    fn all_reached(&self) -> bool {
        lock(&self.done).values().all(|result| *result != StepResult::NotReached)
    }

    fn lose(&self, because: String) {
        lock(&self.lost).get_or_insert(because);
    }

    /// Takes lanes until none is left.
    fn work(&self, pool: &Pool) {
        let mut dedicated = None;
        loop {
            let Some(lane) = lock(&self.lanes).pop_front() else { return };
            // Tables whose later removals must not run any more.
            let mut stopped: BTreeMap<&TableName, &StepId> = BTreeMap::new();
            for step in lane {
                let result = self.step(step, &stopped, pool, &mut dedicated);
                if !result.is_done() {
                    stopped.entry(&step.table).or_insert(&step.id);
                }
                self.reporter.tell(&Event::Finished { step, result: &result });
                lock(&self.done).insert(step.id.clone(), result);
            }
        }
    }

    fn step(
        &self,
        step: &Step,
        stopped: &BTreeMap<&TableName, &StepId>,
        pool: &Pool,
        dedicated: &mut Option<Session>,
    ) -> StepResult {
        if self.stop.is_set() || lock(&self.lost).is_some() {
            return StepResult::NotReached;
        }
        if let Gate::Blocked(blocks) = &step.gate {
            return StepResult::Blocked(blocks.iter().map(ToString::to_string).collect());
        }
        let undone = {
            let done = lock(&self.done);
            let planned: BTreeSet<&StepId> = self.plan.steps.iter().map(|step| &step.id).collect();
            let needed = |id: &&StepId| planned.contains(*id) && !done.get(*id).is_some_and(StepResult::is_done);
            step.needs.iter().find(needed).cloned()
        };
        if let Some(id) = undone {
            return StepResult::Skipped(format!("it needs `{id}`, which was not done"));
        }
        if let Some(id) = stopped.get(&step.table).filter(|_| step.action.removes()) {
            return StepResult::Skipped(format!("nothing more is removed from the table after `{id}`"));
        }
        let control = lock(&self.control).check();
        if let Err(because) = control {
            self.lose(because);
            return StepResult::NotReached;
        }
        self.reporter.tell(&Event::Began { step });
        match &step.action {
            Action::DetachPartition(action) if action.mode == DetachMode::Concurrently => {
                self.detach(step, &action.leaving, dedicated)
            }
            Action::CreatePartition(_)
            | Action::CreateDefault(_)
            | Action::FinalizeDetach(_)
            | Action::MarkPartition(_)
            | Action::DetachPartition(_)
            | Action::StampPartition(_)
            | Action::AttachPartition(_)
            | Action::DropPartition(_) => self.transaction(step, pool),
        }
    }

    /// On a session of its own: CONCURRENTLY waits for every other snapshot, and a pool's may be lent out.
    fn detach(&self, step: &Step, leaving: &crate::plan::Leaving, dedicated: &mut Option<Session>) -> StepResult {
        if dedicated.as_ref().is_none_or(|session| session.is_closed()) {
            match self.connector.connect(self.connector.default_deadline()) {
                Ok(session) => *dedicated = Some(session),
                Err(error) => return failed(error.to_string()),
            }
        }
        let Some(session) = dedicated.as_mut() else { return failed("no session".to_owned()) };
        let (apply, major) = (&self.plan.policy.apply, self.plan.target.major());
        let result = detach::run(step, leaving, apply, major, session, self.stop, self.reporter);
        match result {
            StepResult::Failed { error, lock_spent } if session.is_closed() => self.after_loss(step, error, lock_spent),
            other => other,
        }
    }

    fn transaction(&self, step: &Step, pool: &Pool) -> StepResult {
        let mut session = match pool.get() {
            Ok(session) => session,
            Err(error) => return failed(error.to_string()),
        };
        match run_transaction(step, self.plan.target.major(), &mut session, self.stop, self.reporter) {
            Ok(retries) => StepResult::Applied { retries },
            Err(UnitError::Interrupted) => StepResult::NotReached,
            Err(UnitError::Fact(fact)) => failed(format!("no longer true: {fact}")),
            Err(UnitError::Server(error)) => failed(error),
            // A detach that somebody's snapshot keeps from completing is a matter of time, not an error.
            Err(UnitError::Lock(error)) if step.action.verb() == Verb::Finalize => StepResult::Postponed(error),
            Err(UnitError::Lock(error)) => StepResult::Failed { error, lock_spent: true },
            Err(UnitError::SessionLost(error)) => self.after_loss(step, error, false),
        }
    }

    /// A session that ends in the middle may have ended after its COMMIT: the facts tell.
    fn after_loss(&self, step: &Step, error: String, lock_spent: bool) -> StepResult {
        let session = self.connector.connect(self.connector.default_deadline());
        let asked = session
            .map_err(|error| error.to_string())
            .and_then(|mut session| all_hold(&step.after, &mut session).map_err(|error| describe(&error)));
        match asked {
            Ok(true) => StepResult::Applied { retries: 0 },
            Ok(false) => StepResult::Failed { error, lock_spent },
            Err(unreachable) => {
                self.lose(format!("{error}; {unreachable}"));
                StepResult::Failed { error, lock_spent }
            }
        }
    }
}

fn failed(error: String) -> StepResult {
    StepResult::Failed { error, lock_spent: false }
}
