//! Who may have a session: permits, first come first served, and who has them.
//!
//! r2d2 wakes whoever it finds first, and a newcomer can take what a waiter was woken for. Here a newcomer queues behind
//! those who wait, and what is given back goes to the first of them.

use std::collections::{BTreeMap, VecDeque};
use std::panic::Location;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, ThreadId};
use std::time::{Duration, Instant};

use super::error::Error;

/// As many permits as there may be sessions.
pub(super) struct Gate {
    max: u32,
    closed: AtomicBool,
    /// Tasks that wait for a thread before they may wait here.
    tasks: AtomicU32,
    state: Mutex<State>,
    /// Told when a permit comes back to an empty queue: somebody waits for the last.
    returned: Condvar,
}

#[derive(Default)]
struct State {
    next: u64,
    loans: BTreeMap<u64, Loan>,
    /// Sessions that nobody uses and that are not ready yet: they are being reset.
    resting: u32,
    queue: VecDeque<(u64, Arc<Condvar>)>,
    /// Tickets that were called, and whose owners have not woken yet.
    called: Vec<u64>,
}

/// Since when, where and by which thread a session is used.
#[derive(Clone, Copy)]
pub(super) struct Loan {
    pub(super) since: Instant,
    pub(super) site: &'static Location<'static>,
    thread: ThreadId,
    /// It has no session yet: one is being opened for it.
    waits: bool,
    pub(super) told: bool,
}

/// A permit; it comes back when dropped.
pub(super) struct Permit {
    gate: Arc<Gate>,
    ticket: u64,
    rests: bool,
}

impl Gate {
    pub(super) fn new(max: u32) -> Arc<Self> {
        Arc::new(Self {
            max,
            closed: AtomicBool::new(false),
            tasks: AtomicU32::new(0),
            state: Mutex::default(),
            returned: Condvar::new(),
        })
    }

    /// A permit, within that time.
    pub(super) fn enter(
        self: &Arc<Self>,
        timeout: Duration,
        site: &'static Location<'static>,
    ) -> Result<Permit, Error> {
        let begun = Instant::now();
        let mut state = self.lock();
        if self.is_closed() {
            return Err(Error::Closed);
        }
        let ticket = state.next;
        state.next += 1;
        if state.queue.is_empty() && state.taken() < self.max {
            return Ok(self.give(&mut state, ticket, site));
        }
        let thread = thread::current().id();
        let own = state.loans.values().filter(|loan| loan.thread == thread).count();
        if u32::try_from(own).is_ok_and(|own| own >= self.max) {
            return Err(Error::WouldDeadlock { max: self.max });
        }
        let woken = Arc::new(Condvar::new());
        state.queue.push_back((ticket, Arc::clone(&woken)));
        loop {
            let left = timeout.saturating_sub(begun.elapsed());
            let (guard, _) = woken.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner);
            state = guard;
            if let Some(at) = state.called.iter().position(|called| *called == ticket) {
                state.called.swap_remove(at);
                return Ok(self.give(&mut state, ticket, site));
            }
            if self.is_closed() {
                return Err(Error::Closed);
            }
            if begun.elapsed() >= timeout {
                state.queue.retain(|(waiting, _)| *waiting != ticket);
                return Err(self.exhausted(&state, begun.elapsed()));
            }
        }
    }

    /// No more permits; whoever waits for one is told so.
    pub(super) fn close(&self) {
        let mut state = self.lock();
        // Under the lock: whoever looked before it queues before those who wait are told.
        self.closed.store(true, Ordering::Release);
        for (_, woken) in state.queue.drain(..) {
            woken.notify_one();
        }
    }

    /// Whether all permits came back within that time.
    pub(super) fn wait_until_empty(&self, timeout: Duration) -> bool {
        let begun = Instant::now();
        let mut state = self.lock();
        while state.taken() > 0 {
            let left = timeout.saturating_sub(begun.elapsed());
            if left.is_zero() {
                return false;
            }
            state = self.returned.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        true
    }

    pub(super) fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Acquire)
    }

    /// How many this thread has.
    pub(super) fn own(&self) -> usize {
        let thread = thread::current().id();
        self.lock().loans.values().filter(|loan| loan.thread == thread).count()
    }

    /// In use, and waiting for one.
    pub(super) fn counts(&self) -> (u32, u32) {
        let state = self.lock();
        let queue = u32::try_from(state.queue.len()).unwrap_or(u32::MAX);
        (state.busy(), queue.saturating_add(self.tasks.load(Ordering::Relaxed)))
    }

    /// A task that waits, until that is dropped.
    #[cfg(feature = "tokio")]
    pub(super) fn task(&self) -> Task<'_> {
        self.tasks.fetch_add(1, Ordering::Relaxed);
        Task(self)
    }

    /// Those in use for longer that were not told of yet; they are from now on.
    pub(super) fn overdue(&self, after: Duration) -> Vec<Loan> {
        let mut state = self.lock();
        let overdue =
            state.loans.values_mut().filter(|loan| !loan.told && !loan.waits && loan.since.elapsed() >= after);
        overdue
            .map(|loan| {
                loan.told = true;
                *loan
            })
            .collect()
    }

    /// What a call is told that waited in vain.
    pub(super) fn why_none(&self, waited: Duration) -> Error {
        self.exhausted(&self.lock(), waited)
    }

    fn exhausted(&self, state: &State, waited: Duration) -> Error {
        let oldest = state.loans.values().min_by_key(|loan| loan.since);
        let oldest_loan = oldest.map(|loan| (loan.since.elapsed(), loan.site));
        Error::Exhausted { waited, max: self.max, busy: state.busy(), oldest_loan }
    }

    fn give(self: &Arc<Self>, state: &mut State, ticket: u64, site: &'static Location<'static>) -> Permit {
        let loan = Loan { since: Instant::now(), site, thread: thread::current().id(), waits: false, told: false };
        state.loans.insert(ticket, loan);
        Permit { gate: Arc::clone(self), ticket, rests: false }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A task that waits.
#[cfg(feature = "tokio")]
pub(super) struct Task<'g>(&'g Gate);

#[cfg(feature = "tokio")]
impl Drop for Task<'_> {
    fn drop(&mut self) {
        self.0.tasks.fetch_sub(1, Ordering::Relaxed);
    }
}

impl State {
    fn busy(&self) -> u32 {
        u32::try_from(self.loans.len()).unwrap_or(u32::MAX)
    }

    fn taken(&self) -> u32 {
        self.busy() + self.resting + u32::try_from(self.called.len()).unwrap_or(u32::MAX)
    }

    /// Calls the first who waits.
    fn call(&mut self) {
        if let Some((ticket, woken)) = self.queue.pop_front() {
            self.called.push(ticket);
            woken.notify_one();
        }
    }
}

impl Permit {
    /// Whether its session is still being opened: until it is there nothing is in use.
    pub(super) fn waits(&self, waits: bool) {
        if let Some(loan) = self.gate.lock().loans.get_mut(&self.ticket) {
            loan.waits = waits;
            loan.since = Instant::now();
        }
    }

    /// Nobody uses its session any more; whoever dropped it does not wait for what is still to be done with it.
    pub(super) fn rest(&mut self) {
        let mut state = self.gate.lock();
        if state.loans.remove(&self.ticket).is_some() {
            state.resting += 1;
            self.rests = true;
        }
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let mut state = self.gate.lock();
        if self.rests {
            state.resting -= 1;
        } else {
            state.loans.remove(&self.ticket);
        }
        state.call();
        if state.taken() == 0 {
            self.gate.returned.notify_all();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn here() -> &'static Location<'static> {
        Location::caller()
    }

    #[test]
    fn who_came_first_is_served_first() {
        let gate = Gate::new(1);
        let first = gate.enter(Duration::ZERO, here()).unwrap();
        let order = Arc::new(Mutex::new(Vec::new()));
        thread::scope(|scope| {
            for number in 0..8 {
                let (gate, order) = (&gate, Arc::clone(&order));
                scope.spawn(move || {
                    let permit = gate.enter(Duration::from_secs(60), here()).unwrap();
                    order.lock().unwrap().push(number);
                    drop(permit);
                });
                while gate.counts().1 <= number {
                    thread::yield_now();
                }
            }
            drop(first);
        });
        assert_eq!(*order.lock().unwrap(), (0..8).collect::<Vec<_>>());
        assert_eq!(gate.counts(), (0, 0));
    }

    #[test]
    fn whoever_waits_in_vain_learns_who_has_them() {
        let gate = Gate::new(2);
        let (one, two) = (gate.enter(Duration::ZERO, here()).unwrap(), gate.enter(Duration::ZERO, here()).unwrap());
        let own = gate.enter(Duration::from_secs(60), here()).err().unwrap();
        assert!(matches!(own, Error::WouldDeadlock { max: 2 }), "{own}");
        thread::scope(|scope| {
            let other = scope.spawn(|| gate.enter(Duration::from_millis(20), here()).err().unwrap()).join().unwrap();
            let Error::Exhausted { max: 2, busy: 2, oldest_loan: Some((_, site)), .. } = other else {
                panic!("{other}")
            };
            assert!(site.file().ends_with("gate.rs"));
            let waiting = scope.spawn(|| gate.enter(Duration::from_secs(60), here()).err().unwrap());
            while gate.counts().1 == 0 {
                thread::yield_now();
            }
            gate.close();
            assert!(matches!(waiting.join().unwrap(), Error::Closed));
        });
        assert!(!gate.wait_until_empty(Duration::ZERO));
        drop((one, two));
        assert!(gate.wait_until_empty(Duration::ZERO));
    }
}
