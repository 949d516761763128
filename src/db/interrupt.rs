//! How a signal reaches what is running.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::thread;
use std::time::{Duration, Instant};

use super::cancel::CancelHandle;
use super::line::Patience;

/// A request can arrive before its statement has begun, and is then lost: it is repeated while the statement runs.
const REPEAT: Duration = Duration::from_millis(500);
/// How long the end of a statement waits for a request that is just being sent.
const LINGER: Duration = Duration::from_secs(2);

/// How long after the first signal a server may take for an answer that was asked for before it, and any later one.
const LAST_ANSWER: Duration = Duration::from_secs(4);
/// How long one may take that is asked for after some server did not give one: then it is over before five seconds are.
const AFTER_SILENCE: Duration = Duration::from_millis(300);
/// How often the lines are looked at after a signal.
const ATTENTION: Duration = Duration::from_millis(50);

/// What interrupted the program.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Signal {
    /// SIGINT: Ctrl-C.
    Int,
    /// SIGTERM, or SIGHUP: the terminal was closed.
    Term,
}

/// Nothing new is started: the program was interrupted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("interrupted")]
pub struct Interrupted(
    /// By what.
    pub Signal,
);

/// Whether, by what and how often the program was interrupted; every clone is the same one.
///
/// The binary's signal thread calls [`trip`](Self::trip), not an asynchronous handler: it takes a lock. Whoever runs a
/// long statement holds a [`Watch`] meanwhile, and the first trip has the server cancel it.
///
/// ```
/// use pgstrata::db::{Interrupt, Signal};
/// use std::time::Duration;
/// let stop = Interrupt::new();
/// assert!(!stop.sleep(Duration::from_millis(1)));
/// assert_eq!(stop.trip(Signal::Term), 1);
/// assert_eq!(stop.signal(), Some(Signal::Term));
/// assert!(stop.sleep(Duration::from_secs(3600)), "returns at once");
/// ```
#[derive(Clone, Default)]
pub struct Interrupt(Arc<Shared>);

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    first: Option<Signal>,
    trips: u32,
    next: u64,
    watched: BTreeMap<u64, CancelHandle>,
    /// Requests on their way to the server at this moment.
    sending: BTreeSet<u64>,
    /// Requests that were sent.
    sent: BTreeSet<u64>,
    /// The lines of every session that was opened with this interrupt.
    lines: Vec<Patience>,
    /// Some server did not answer after the signal.
    silent: bool,
}

impl Interrupt {
    /// One that is not set.
    pub fn new() -> Self {
        Self::default()
    }

    /// Records a signal and returns how many there were. The first cancels every watched statement, from threads of
    /// their own, and wakes sleepers; at the second the binary should leave at once.
    pub fn trip(&self, signal: Signal) -> u32 {
        let mut state = self.lock();
        state.first.get_or_insert(signal);
        state.trips = state.trips.saturating_add(1);
        let trips = state.trips;
        let watched = if trips == 1 { state.watched.clone() } else { BTreeMap::new() };
        drop(state);
        self.0.changed.notify_all();
        if trips == 1 {
            let shared = Arc::downgrade(&self.0);
            let attend = move || leave_the_silent(&shared);
            drop(thread::Builder::new().name("pgstrata-silence".to_owned()).spawn(attend));
        }
        for (id, handle) in watched {
            let this = self.clone();
            // Without a thread the statement runs to its end, or to the second signal.
            drop(thread::Builder::new().name("pgstrata-cancel".to_owned()).spawn(move || this.cancel(id, &handle)));
        }
        trips
    }

    /// Whether there was a signal.
    pub fn is_set(&self) -> bool {
        self.lock().trips > 0
    }

    /// The first signal.
    pub fn signal(&self) -> Option<Signal> {
        self.lock().first
    }

    /// How many signals there were.
    pub fn trips(&self) -> u32 {
        self.lock().trips
    }

    /// `Err` once there was a signal: for the head of a loop.
    ///
    /// # Errors
    /// [`Interrupted`], with the first signal.
    pub fn check(&self) -> Result<(), Interrupted> {
        self.signal().map_or(Ok(()), |signal| Err(Interrupted(signal)))
    }

    /// Waits, and wakes early at a signal. Returns [`is_set`](Self::is_set): true if the wait was cut short.
    pub fn sleep(&self, duration: Duration) -> bool {
        let end = Instant::now().checked_add(duration);
        let mut state = self.lock();
        while state.trips == 0 {
            let left = match end {
                Some(end) => end.saturating_duration_since(Instant::now()),
                None => duration,
            };
            if left.is_zero() {
                break;
            }
            state = self.wait(state, left);
        }
        state.trips > 0
    }

    /// Has the statements of this session cancelled at the first signal, until the watch is dropped.
    ///
    /// # Errors
    /// [`Interrupted`] if that signal has come already: start nothing. What must run nevertheless runs unwatched.
    pub fn watch(&self, handle: CancelHandle) -> Result<Watch, Interrupted> {
        let mut state = self.lock();
        if let Some(signal) = state.first {
            return Err(Interrupted(signal));
        }
        let id = state.next;
        state.next += 1;
        state.watched.insert(id, handle);
        Ok(Watch { interrupt: self.clone(), id })
    }

    /// Whether a server gave no answer after the first signal: nothing more is asked of it.
    pub fn is_silent(&self) -> bool {
        self.lock().silent
    }

    /// After the first signal this line is not waited on for longer than a few seconds.
    pub(super) fn attend(&self, line: &Patience) {
        let mut state = self.lock();
        state.lines.retain(|line| !line.is_last());
        state.lines.push(line.clone());
    }

    /// Sends requests until nobody watches any more.
    fn cancel(&self, id: u64, handle: &CancelHandle) {
        let mut state = self.lock();
        while state.watched.contains_key(&id) {
            state.sending.insert(id);
            drop(state);
            // A request that cannot be sent is tried again as long as the statement runs.
            let result = handle.cancel();
            state = self.lock();
            state.sending.remove(&id);
            if result.is_ok() {
                state.sent.insert(id);
            }
            self.0.changed.notify_all();
            state = self.wait_while_watched(state, id);
        }
    }

    fn wait_while_watched<'a>(&'a self, mut state: MutexGuard<'a, State>, id: u64) -> MutexGuard<'a, State> {
        let end = Instant::now() + REPEAT;
        while state.watched.contains_key(&id) {
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            state = self.wait(state, left);
        }
        state
    }

    fn wait<'a>(&'a self, state: MutexGuard<'a, State>, time: Duration) -> MutexGuard<'a, State> {
        self.0.changed.wait_timeout(state, time).unwrap_or_else(PoisonError::into_inner).0
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // The state stays whole at every step: a panic elsewhere is no reason to ignore a signal.
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Ends, one by one, the waits that no answer ends.
fn leave_the_silent(shared: &Weak<Shared>) {
    let signal = Instant::now();
    // Until whoever was interrupted is gone.
    while let Some(shared) = shared.upgrade() {
        let mut state = shared.state.lock().unwrap_or_else(PoisonError::into_inner);
        let allowed = if state.silent { AFTER_SILENCE } else { LAST_ANSWER };
        let overdue = |line: &&Patience| line.waits_since().is_some_and(|since| since.max(signal).elapsed() >= allowed);
        let silent: Vec<Patience> = state.lines.iter().filter(overdue).cloned().collect();
        state.lines.retain(|line| !silent.iter().any(|gone| gone.is_same(line)));
        state.silent |= !silent.is_empty();
        drop(state);
        for line in silent {
            line.give_up("no answer after the signal".to_owned());
            shared.changed.notify_all();
        }
        drop(shared);
        thread::sleep(ATTENTION);
    }
}

impl fmt::Debug for Interrupt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.lock();
        f.debug_struct("Interrupt").field("first", &state.first).field("trips", &state.trips).finish_non_exhaustive()
    }
}

/// While it lives, a signal cancels the session's statement on the server.
///
/// Dropping it waits a little for a request that is just being sent, so that it does not hit the next statement; see
/// [`Session::absorb_cancel`](super::Session::absorb_cancel) for one that is on its way within the server.
#[derive(Debug)]
#[must_use = "a watch ends when it is dropped"]
pub struct Watch {
    interrupt: Interrupt,
    id: u64,
}

impl Watch {
    /// Whether a request to cancel was sent to the server.
    pub fn cancelled(&self) -> bool {
        self.interrupt.lock().sent.contains(&self.id)
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        let mut state = self.interrupt.lock();
        state.watched.remove(&self.id);
        self.interrupt.0.changed.notify_all();
        let end = Instant::now() + LINGER;
        while state.sending.contains(&self.id) && !state.silent {
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            state = self.interrupt.wait(state, left);
        }
        state.sent.remove(&self.id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trip_wakes_sleepers_and_counts() {
        let stop = Interrupt::new();
        let other = stop.clone();
        let sleeper = thread::spawn(move || other.sleep(Duration::from_secs(60)));
        assert_eq!(stop.trip(Signal::Int), 1);
        assert!(sleeper.join().unwrap());
        assert_eq!(stop.trip(Signal::Term), 2);
        assert_eq!((stop.signal(), stop.check()), (Some(Signal::Int), Err(Interrupted(Signal::Int))));
    }

    #[test]
    fn an_undisturbed_sleep_lasts() {
        let stop = Interrupt::new();
        let start = Instant::now();
        assert!(!stop.sleep(Duration::from_millis(30)));
        assert!(start.elapsed() >= Duration::from_millis(30));
        assert_eq!(stop.check(), Ok(()));
    }
}
