//! Lanes side by side, steps of a lane one after the other; what fails stops what needs it, and nothing else.

use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use super::arrival::let_arrive;
use super::control::{Control, first_value};
use super::detach::{Detach, held};
use super::journal::{Deed, Journal, Who};
use super::observer::Event;
use super::online::Online;
use super::outcome::{Ended, StepResult};
use super::progress::watched;
use super::run::ApplyOptions;
use super::stretch::{Stretch, stretches};
use super::unit::{self, UnitError, all_hold};
use crate::db::{ConnError, Connector, Interrupt, Pool, Session, describe};
use crate::plan::{
    Action, BuildMode, DetachMode, Gate, HazardKind, IndexAction, Leaving, PartitionAction, Plan, Step, StepId,
    StorageAction, Timeouts, Unit, Verb,
};
use crate::policy::Desired;
use crate::sql::{Ident, TableName};

/// How long a lost session's backend may take to end by itself, and again once it was told to.
const BACKEND_ENDS: Duration = Duration::from_secs(5);

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

/// Tables whose later removals must not run any more, and since which step.
type Stopped<'a> = Mutex<BTreeMap<Option<&'a TableName>, &'a StepId>>;

/// A lane's own session, and whose login it is.
type Dedicated = Option<(Option<Ident>, Session)>;

/// What the lanes share.
pub(super) struct Executor<'a> {
    connector: &'a Connector,
    control: Mutex<&'a mut Control>,
    plan: &'a Plan,
    jobs: u32,
    stop: &'a Interrupt,
    reporter: &'a Reporter<'a>,
    journal: Option<Arc<Journal>>,
    who: Who,
    done: Mutex<BTreeMap<StepId, StepResult>>,
    lost: Mutex<Option<String>>,
    committed: AtomicBool,
    /// Some build has waited for others as long as it may.
    patience_spent: AtomicBool,
    lanes: Mutex<VecDeque<Vec<&'a Step>>>,
    /// Of the logins of owners.
    own_pools: Mutex<BTreeMap<Ident, Arc<Pool>>>,
    /// How many more may work at once, of `jobs`.
    free: AtomicU32,
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
            journal: options.journal.clone(),
            who: Who::new(connector.info().user(), &plan.target),
            done: Mutex::new(done),
            lost: Mutex::new(None),
            committed: AtomicBool::new(false),
            patience_spent: AtomicBool::new(false),
            lanes: Mutex::new(lanes.into_values().collect()),
            own_pools: Mutex::default(),
            free: AtomicU32::new(0),
        }
    }

    /// Runs every lane. Gives what became of each step, how the run ended, and whether anything is committed.
    pub(super) fn run(self) -> (BTreeMap<StepId, StepResult>, Ended, bool) {
        let lanes = u32::try_from(lock(&self.lanes).len()).unwrap_or(u32::MAX);
        let workers = self.jobs.min(lanes);
        self.free.store(self.jobs - workers, Ordering::Relaxed);
        match self.connector.clone().with_interrupt(self.stop).pool(self.jobs) {
            Ok(pool) => thread::scope(|scope| {
                for _ in 1..workers {
                    scope.spawn(|| self.work(&pool));
                }
                self.work(&pool);
            }),
            Err(error) => self.lose(error.to_string()),
        }
        let done = self.done.into_inner().unwrap_or_else(PoisonError::into_inner);
        let lost = self.lost.into_inner().unwrap_or_else(PoisonError::into_inner);
        // A signal that came after the last step stopped nothing.
        let cut_short = done.values().any(|result| match result {
            StepResult::NotReached | StepResult::Postponed(_) => true,
            StepResult::Applied { .. }
            | StepResult::AlreadySatisfied
            | StepResult::Blocked(_)
            | StepResult::Skipped(_)
            | StepResult::Superseded { .. }
            | StepResult::Failed { .. } => false,
        });
        let ended = match (lost, self.stop.signal()) {
            (Some(_), Some(signal)) => Ended::Interrupted(signal),
            (None, Some(signal)) if cut_short => Ended::Interrupted(signal),
            (Some(lost), None) => Ended::Lost(lost),
            (None, Some(_) | None) => Ended::Complete,
        };
        (done, ended, self.committed.into_inner())
    }

    /// The login of the table's owner, where there is one.
    fn connector_of(&self, step: &Step) -> &Connector {
        step.login.as_ref().and_then(|owner| self.connector.owner(owner)).unwrap_or(self.connector)
    }

    /// The pool of an owner's login: a session of one owner is never another's.
    fn own_pool(&self, step: &Step) -> Result<Option<Arc<Pool>>, ConnError> {
        let Some(owner) = step.login.as_ref() else { return Ok(None) };
        let mut pools = lock(&self.own_pools);
        if let Some(pool) = pools.get(owner) {
            return Ok(Some(Arc::clone(pool)));
        }
        let pool = Arc::new(self.connector_of(step).clone().with_interrupt(self.stop).pool(self.jobs)?);
        pools.insert(owner.clone(), Arc::clone(&pool));
        Ok(Some(pool))
    }

    fn lose(&self, because: String) {
        lock(&self.lost).get_or_insert(because);
    }

    /// Takes lanes until none is left.
    fn work(&self, pool: &Pool) {
        let mut dedicated = None;
        loop {
            let Some(lane) = lock(&self.lanes).pop_front() else {
                self.free.fetch_add(1, Ordering::Relaxed);
                return;
            };
            let stopped = Stopped::default();
            for stretch in stretches(&lane) {
                match stretch {
                    Stretch::InTurn(step) => self.step(step, &stopped, pool, &mut dedicated),
                    Stretch::SideBySide(chains) => self.side_by_side(chains, &stopped, pool, &mut dedicated),
                }
            }
        }
    }

    /// Runs chains, several at once while fewer than `jobs` are at work; lanes that end meanwhile make room.
    fn side_by_side(&self, chains: Vec<Vec<&'a Step>>, stopped: &Stopped<'a>, pool: &Pool, dedicated: &mut Dedicated) {
        let left = Mutex::new(VecDeque::from(chains));
        thread::scope(|scope| {
            loop {
                while lock(&left).len() > 1 && self.has_room() {
                    scope.spawn(|| {
                        let mut dedicated = None;
                        while let Some(chain) = { lock(&left).pop_front() } {
                            chain.into_iter().for_each(|step| self.step(step, stopped, pool, &mut dedicated));
                        }
                        self.free.fetch_add(1, Ordering::Relaxed);
                    });
                }
                let Some(chain) = ({ lock(&left).pop_front() }) else { return };
                chain.into_iter().for_each(|step| self.step(step, stopped, pool, dedicated));
            }
        });
    }

    /// Takes the place of one more at work, if there is one.
    fn has_room(&self) -> bool {
        self.free.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |free| free.checked_sub(1)).is_ok()
    }

    fn step(&self, step: &'a Step, stopped: &Stopped<'a>, pool: &Pool, dedicated: &mut Dedicated) {
        let of_its_own = AtomicBool::new(false);
        let (began, result) = match self.obstacle(step, stopped) {
            Some(result) => (false, result),
            None => {
                self.reporter.tell(&Event::Began { step });
                (true, self.on_record(step, || self.carry_out(step, &of_its_own, pool, dedicated)))
            }
        };
        if stops_removals(step, &result) && !of_its_own.into_inner() {
            lock(stopped).entry(step.table.as_ref()).or_insert(&step.id);
        }
        // What never began and was not reached is not over.
        if began || result != StepResult::NotReached {
            self.reporter.tell(&Event::Finished { step, result: &result });
        }
        lock(&self.done).insert(step.id.clone(), result);
    }

    /// Why a step does not begin.
    fn obstacle(&self, step: &Step, stopped: &Stopped<'a>) -> Option<StepResult> {
        if self.stop.is_set() || lock(&self.lost).is_some() {
            return Some(StepResult::NotReached);
        }
        if let Gate::Blocked(blocks) = &step.gate {
            return Some(StepResult::Blocked(blocks.iter().map(ToString::to_string).collect()));
        }
        let undone = {
            let done = lock(&self.done);
            step.needs.iter().find(|id| !done.get(*id).is_some_and(StepResult::is_done))
        };
        if let Some(id) = undone {
            return Some(StepResult::Skipped(format!("it needs `{id}`, which was not done")));
        }
        if let Some(id) = lock(stopped).get(&step.table.as_ref()).filter(|_| step.action.removes()) {
            return Some(StepResult::Skipped(format!("nothing more is removed from the table after `{id}`")));
        }
        let control = lock(&self.control).check();
        if let Err(because) = control {
            self.lose(because);
            return Some(StepResult::NotReached);
        }
        None
    }

    /// What goes for good is written down before and after. Without the first line it does not happen.
    fn on_record(&self, step: &Step, work: impl FnOnce() -> StepResult) -> StepResult {
        let Some((journal, deed)) = self.journal.as_deref().zip(Deed::of(step)) else { return work() };
        let who = self.who.with_login(step.login.as_ref());
        if let Err(because) = journal.begins(&who, &deed) {
            return failed(because);
        }
        let result = work();
        journal.ended(&who, &deed, &result);
        result
    }

    fn carry_out(&self, step: &Step, of_its_own: &AtomicBool, pool: &Pool, dedicated: &mut Dedicated) -> StepResult {
        let unit = unit::Unit {
            major: self.plan.target.major(),
            stop: self.stop,
            reporter: self.reporter,
            committed: &self.committed,
            of_its_own,
        };
        match &step.action {
            Action::Partition(PartitionAction::Detach(action)) if action.mode == DetachMode::Concurrently => {
                self.detach(step, &action.leaving, &unit, dedicated)
            }
            action if action.stands_alone() => self.statement(step, &unit, pool, dedicated),
            Action::Partition(_)
            | Action::Index(_)
            | Action::Storage(_)
            | Action::Maintenance(_)
            | Action::Limit(_)
            | Action::Setting(_) => match self.transaction(step, &unit, pool) {
                Err(result) => result,
                Ok(()) => self.statement(&concurrently(step, &self.plan.policy), &unit, pool, dedicated),
            },
        }
    }

    /// The lane's own session: CONCURRENTLY waits for every other snapshot, and a pool's may be lent out.
    fn dedicated<'d>(&self, step: &Step, dedicated: &'d mut Dedicated) -> Result<&'d mut Session, StepResult> {
        let fits = |(login, session): &(Option<Ident>, Session)| {
            *login == step.login && !session.is_closed() && !session.is_spent()
        };
        if !dedicated.as_ref().is_some_and(fits) {
            let connector = self.connector_of(step).clone().with_interrupt(self.stop);
            let mut session = connector.connect(connector.default_deadline()).map_err(|error| no_session(&error))?;
            // It is idle from one statement to the next.
            session
                .batch_execute("/* pgstrata session */ SET idle_session_timeout = 0")
                .map_err(|error| failed(describe(&error)))?;
            *dedicated = Some((step.login.clone(), session));
        }
        dedicated.as_mut().map(|(_, session)| session).ok_or_else(|| failed("no session".to_owned()))
    }

    /// A concurrent build or drop of an index, or maintenance.
    fn statement(&self, step: &Step, unit: &unit::Unit<'_>, pool: &Pool, dedicated: &mut Dedicated) -> StepResult {
        let session = match self.dedicated(step, dedicated) {
            Ok(session) => session,
            Err(result) => return result,
        };
        spend_after(step, session);
        if !step.action.is_concurrent() {
            return match unit.statement_with_retries(step, session) {
                Ok(retries) => {
                    unit.has_committed();
                    match let_arrive(step, session, self.plan.target.major(), self.stop) {
                        Ok(()) => StepResult::Applied { retries },
                        Err(error) => failed(error),
                    }
                }
                Err(UnitError::Interrupted) => StepResult::NotReached,
                // Whoever is in the way of maintenance (mostly autovacuum at the same work) goes first.
                Err(UnitError::Lock(error)) => StepResult::Postponed(error),
                Err(UnitError::SessionLost(error)) => self.after_loss(step, error, session.backend_pid()),
                // ANALYZE of a root reads its foreign partitions where they are.
                Err(UnitError::Server(error)) if step.action.is_maintenance() && is_of_remote(&error) => {
                    StepResult::Postponed(format!("the server of a foreign partition is away: {error}"))
                }
                Err(error) => failed(error.words()),
            };
        }
        let patience = self.plan.policy.apply.concurrent_timeout;
        let online = Online { step, unit, patience, patience_spent: &self.patience_spent };
        let pid = session.backend_pid();
        match watched(step, pid, unit, pool, || online.run(session)) {
            Ok(result) => result,
            Err(lost) => self.after_loss(step, lost, session.backend_pid()),
        }
    }

    fn detach(&self, step: &Step, leaving: &Leaving, unit: &unit::Unit<'_>, dedicated: &mut Dedicated) -> StepResult {
        let session = match self.dedicated(step, dedicated) {
            Ok(session) => session,
            Err(result) => return result,
        };
        spend_after(step, session);
        let apply = &self.plan.policy.apply;
        let by_flag = self.plan.overrides;
        let lock =
            (by_flag.lock_timeout.unwrap_or(apply.lock_timeout), by_flag.lock_retries.unwrap_or(apply.lock_retries));
        let reconnect = |lost| self.reconnect(step, lost).inspect_err(|error| self.lose(error.clone()));
        Detach { step, leaving, apply, lock, unit, reconnect: &reconnect }.run(session)
    }

    /// What came of it; nothing where the work was too much for a transaction, and may go on without one.
    fn transaction(&self, step: &Step, unit: &unit::Unit<'_>, pool: &Pool) -> Result<(), StepResult> {
        let own = match self.own_pool(step) {
            Ok(own) => own,
            Err(error) => return Err(no_session(&error)),
        };
        let mut session = match own.as_deref().unwrap_or(pool).get() {
            Ok(session) => session,
            Err(error) => return Err(no_session(&error)),
        };
        spend_after(step, &mut session);
        Err(match unit.transaction(step, &mut session) {
            Ok(retries) => StepResult::Applied { retries },
            Err(UnitError::Interrupted) => StepResult::NotReached,
            // A detach that somebody's snapshot keeps from completing is a matter of time, not an error.
            Err(UnitError::Lock(error)) if step.action.verb() == Verb::Finalize => StepResult::Postponed(error),
            // Mostly autovacuum, which never ends for one who waits less than a second: nobody needs a parameter that soon.
            Err(UnitError::Lock(error)) if waits_for_nobody(&step.action) => StepResult::Postponed(error),
            Err(UnitError::Lock(error)) => StepResult::Failed { error, lock_spent: true },
            Err(UnitError::SessionLost(error)) => self.after_loss(step, error, session.backend_pid()),
            // It held up writers for as long as it may: the partition is small, and its rows are not.
            Err(UnitError::Cancelled(_)) if is_small_build(&step.action) => return Ok(()),
            Err(error @ UnitError::Held(_)) => held(&error),
            Err(error @ (UnitError::Fact(_) | UnitError::Cancelled(_) | UnitError::Server(_))) => failed(error.words()),
        })
    }

    /// A session that ends in the middle may have ended after its COMMIT: the facts tell.
    fn after_loss(&self, step: &Step, error: String, backend_pid: i32) -> StepResult {
        let asked = self
            .reconnect(step, backend_pid)
            .and_then(|mut session| all_hold(&step.after, &mut session).map_err(|error| describe(&error)));
        match asked {
            Ok(true) => {
                self.committed.store(true, Ordering::Relaxed);
                StepResult::Applied { retries: 0 }
            }
            Ok(false) => failed(error),
            Err(unreachable) => {
                self.lose(unreachable);
                failed(format!("{error}; whether it is committed is not known"))
            }
        }
    }

    /// Another session, once the lost one's backend is gone: a server that has not noticed yet may still be at work,
    /// and commit after we looked. Not interruptible: it is asked what happened, not to do more.
    fn reconnect(&self, step: &Step, lost: i32) -> Result<Session, String> {
        if self.stop.is_silent() {
            return Err("interrupted, and the server does not answer".to_owned());
        }
        let connector = self.connector_of(step).after_a_restart();
        let mut session = connector.connect(connector.default_deadline()).map_err(|error| error.to_string())?;
        // A role may end its own backends; the name tells ours from whoever got the same process id since.
        let ours = format!(
            "FROM pg_stat_activity WHERE pid = {lost} AND usename = session_user \
             AND application_name = current_setting('application_name')"
        );
        for tell in [false, true] {
            if tell {
                let sql = format!("/* pgstrata session */ SELECT pg_terminate_backend(pid) {ours}");
                first_value(&mut session, &sql).map_err(|error| describe(&error))?;
            }
            let end = Instant::now() + BACKEND_ENDS;
            while Instant::now() < end {
                let sql = format!("/* pgstrata session */ SELECT count(*) {ours}");
                if first_value(&mut session, &sql).map_err(|error| describe(&error))? == "0" {
                    return Ok(session);
                }
                thread::sleep(Duration::from_millis(50));
            }
        }
        Err(format!("the backend {lost} of a lost session does not end"))
    }
}

/// Whether its table's later removals are not to be tried either. What one partition lacks is no reason to keep the next
/// one; what nobody foresaw is, and so is a detach that is pending or waits for old transactions: the next would too.
fn stops_removals(step: &Step, result: &StepResult) -> bool {
    match result {
        StepResult::Applied { .. } | StepResult::AlreadySatisfied | StepResult::Blocked(_) | StepResult::Skipped(_) => {
            false
        }
        StepResult::Postponed(_) => matches!(step.action.verb(), Verb::Detach | Verb::Finalize) && !marks(&step.action),
        StepResult::Superseded { .. } => false,
        StepResult::Failed { .. } | StepResult::NotReached => true,
    }
}

/// Whether it writes a partition's comment.
fn marks(action: &Action) -> bool {
    matches!(action, Action::Partition(PartitionAction::Mark(_) | PartitionAction::Stamp(_)))
}

/// One session for each owner's code: what it leaves behind (temporary objects, prepared statements) meets nobody else.
fn spend_after(step: &Step, session: &mut Session) {
    if step.hazards.iter().any(|hazard| hazard.kind == HazardKind::RunsOwnersCode) {
        session.spend();
    }
}

/// Whether it takes no lock that readers or writers wait for, and nothing waits for it.
fn waits_for_nobody(action: &Action) -> bool {
    match action {
        Action::Storage(StorageAction::Alter(alter)) => !alter.waits(),
        // Mostly a vacuum: the partition leaves when that is over. A stamp is written by the next run; grace begins later.
        Action::Partition(PartitionAction::Mark(_) | PartitionAction::Stamp(_)) => true,
        Action::Partition(
            PartitionAction::Create(_)
            | PartitionAction::CreateDefault(_)
            | PartitionAction::Finalize(_)
            | PartitionAction::Detach(_)
            | PartitionAction::Attach(_)
            | PartitionAction::Drop(_),
        )
        | Action::Index(_)
        | Action::Maintenance(_)
        | Action::Limit(_)
        | Action::Setting(_) => false,
    }
}

/// Whether it builds a partition's index under SHARE.
fn is_small_build(action: &Action) -> bool {
    matches!(action, Action::Index(IndexAction::Build(build)) if build.oid.is_some() && build.mode != BuildMode::Concurrently)
}

/// The same build, concurrently.
fn concurrently(step: &Step, policy: &Desired) -> Step {
    let mut step = step.clone();
    if let Action::Index(IndexAction::Build(build)) = &mut step.action {
        build.mode = BuildMode::Concurrently;
        step.unit = Unit::Statement;
        let statement = policy.apply.concurrent_timeout;
        step.timeouts = Timeouts { lock: Duration::ZERO, lock_retries: 0, statement, ..step.timeouts };
    }
    step
}

/// Whether another server is why: class 08 is a connection that is not there, class HV a foreign data wrapper's.
fn is_of_remote(error: &str) -> bool {
    ["(SQLSTATE 08", "(SQLSTATE HV"].iter().any(|class| error.contains(class))
}

fn failed(error: String) -> StepResult {
    StepResult::Failed { error, lock_spent: false }
}

fn no_session(error: &ConnError) -> StepResult {
    if matches!(error, ConnError::Interrupted { .. }) { StepResult::NotReached } else { failed(error.to_string()) }
}
