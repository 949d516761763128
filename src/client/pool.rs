//! Taking a session out of the pool.

use std::cell::Cell;
use std::panic::Location;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use super::cache::Cache;
use super::conn::Conn;
use super::counters::{ClosedBy, Counters, Stats};
use super::error::Error;
use super::gate::{Gate, Permit};
use super::health::{HealthOptions, History};
use super::helper::{self, Task};
use super::manager::{Closer, Manager, Slot};
use super::observer::{Event, Observer};
use super::options::PoolOptions;
use super::trace;
use crate::db::{ConnError, Connector, DEFAULT_DEADLINE};

/// Half of it is the longest that r2d2 waits between two attempts to open a session.
const R2D2_TIMEOUT: Duration = Duration::from_millis(800);
/// How long an idle session is given to show that it is alive.
const ALIVE: Duration = Duration::from_secs(5);

/// What the parts of a pool know in common.
pub(super) struct Shared {
    pub(super) options: PoolOptions,
    pub(super) counters: Counters,
    pub(super) gate: Arc<Gate>,
    pub(super) slow: Option<Duration>,
    observer: Option<Arc<dyn Observer>>,
    started: AtomicBool,
    /// Calls that look for a session, and have one opened where none is idle.
    seeking: AtomicU32,
    down: Mutex<Option<(ConnError, Instant)>>,
    pub(super) look_at: Due,
    pub(super) health: HealthOptions,
    pub(super) min_hit_ratio: Option<f64>,
    pub(super) history: History,
}

/// How a client is seen from outside.
pub(super) struct Seen {
    pub(super) slow: Option<Duration>,
    pub(super) observer: Option<Arc<dyn Observer>>,
    pub(super) health: HealthOptions,
    pub(super) min_hit_ratio: Option<f64>,
}

/// When something is to be looked at again.
#[derive(Default)]
pub(super) struct Due(Mutex<Option<Instant>>);

impl Due {
    pub(super) fn is_due(&self) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).is_none_or(|at| at <= Instant::now())
    }

    pub(super) fn set(&self, at: Option<Instant>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = at;
    }
}

impl Shared {
    pub(super) fn tell(&self, event: &Event<'_>) {
        trace::event(event);
        if let Some(observer) = &self.observer {
            observer.observe(event);
        }
    }

    pub(super) fn is_started(&self) -> bool {
        self.started.load(Ordering::Acquire)
    }

    /// Whether a call may be having a session opened now.
    pub(super) fn is_sought(&self) -> bool {
        self.seeking.load(Ordering::Relaxed) > 0
    }

    /// Why the last attempt at a session failed, and when, if it did.
    pub(super) fn down(&self) -> Option<(ConnError, Instant)> {
        self.down.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn set_down(&self, error: Option<(ConnError, Instant)>) {
        if let Some((error, _)) = &error {
            self.history.failed(error);
        }
        *self.down.lock().unwrap_or_else(PoisonError::into_inner) = error;
    }
}

/// The pool of one client.
pub(super) struct Inner {
    pub(super) shared: Arc<Shared>,
    pool: r2d2::Pool<Manager>,
    helper: mpsc::Sender<Task>,
}

impl Inner {
    pub(super) fn new(connector: Connector, options: PoolOptions, seen: Seen) -> Result<Arc<Self>, Error> {
        let (max, Seen { slow, observer, health, min_hit_ratio }) = (options.max, seen);
        let shared = Arc::new(Shared {
            options,
            counters: Counters::default(),
            gate: Gate::new(max),
            slow,
            observer,
            started: AtomicBool::new(false),
            seeking: AtomicU32::new(0),
            down: Mutex::new(None),
            look_at: Due::default(),
            health,
            min_hit_ratio,
            history: History::default(),
        });
        let (helper, tasks) = mpsc::channel();
        // Its own idle timeout would close and open `min` sessions every half minute.
        let pool = r2d2::Pool::builder()
            .max_size(max)
            .min_idle(Some(0))
            .connection_timeout(R2D2_TIMEOUT)
            .idle_timeout(None)
            .max_lifetime(None)
            .test_on_check_out(false)
            .error_handler(Box::new(r2d2::NopErrorHandler))
            .connection_customizer(Box::new(Closer(helper.clone())))
            .build_unchecked(Manager::new(connector, Arc::clone(&shared)));
        let inner = Arc::new(Self { shared: Arc::clone(&shared), pool: pool.clone(), helper });
        let weak = Arc::downgrade(&inner);
        let run = move || helper::run(&tasks, &shared, &pool, &weak);
        match thread::Builder::new().name("pgstrata-pool".to_owned()).spawn(run) {
            Ok(_) => Ok(inner),
            Err(error) => Err(Error::Unreachable(format!("no thread to look after the pool: {error}"))),
        }
    }

    /// A session, within [`PoolOptions::acquire_timeout`].
    pub(super) fn take(self: &Arc<Self>, site: &'static Location<'static>) -> Result<Conn, Error> {
        self.take_within(self.shared.options.acquire_timeout, site)
    }

    /// The same, for whoever waits no longer than that.
    pub(super) fn take_within(
        self: &Arc<Self>,
        timeout: Duration,
        site: &'static Location<'static>,
    ) -> Result<Conn, Error> {
        refuse_async_context()?;
        let now = Instant::now();
        let begun = now.checked_sub(WAITED.take()).unwrap_or(now);
        let _span = trace::acquire();
        let taken = self.take_from(timeout, begun, site);
        let ended = taken.as_ref().ok().and_then(Conn::begins).unwrap_or_else(Instant::now);
        self.shared.counters.acquire.took(ended.saturating_duration_since(begun));
        if let Err(error @ Error::Exhausted { .. }) = &taken {
            self.shared.counters.timeouts.one_more();
            self.shared.history.failed(error);
        }
        taken
    }

    fn take_from(
        self: &Arc<Self>,
        timeout: Duration,
        begun: Instant,
        site: &'static Location<'static>,
    ) -> Result<Conn, Error> {
        let shared = &self.shared;
        let permit = shared.gate.enter(timeout.saturating_sub(begun.elapsed()), site)?;
        // Whoever does not wait for others still waits until a session of its own is open.
        let patience = if timeout.is_zero() { DEFAULT_DEADLINE } else { timeout };
        loop {
            let left = patience.saturating_sub(begun.elapsed());
            shared.seeking.fetch_add(1, Ordering::Relaxed);
            shared.started.store(true, Ordering::Release);
            // What is idle is no wait; what is opened is in use from then on.
            let got = self.pool.try_get().map_or_else(
                || {
                    permit.waits(true);
                    let got = self.pool.get_timeout(left);
                    permit.waits(false);
                    got
                },
                Ok,
            );
            shared.seeking.fetch_sub(1, Ordering::Relaxed);
            let Ok(mut loan) = got else {
                return Err(match shared.down() {
                    Some((error, _)) => Error::Unreachable(error.to_string()),
                    // A session that somebody gave up is being opened or closed for as long.
                    None => shared.gate.why_none(begun.elapsed()),
                });
            };
            // One look at the clock serves all that follows, the counters among it.
            let mut now = Instant::now();
            match &mut *loan {
                // It may have waited here since another call; what it says of then is not what is now.
                Slot::Refused(error, at) => {
                    if *at + Manager::REFUSED_FOR >= begun {
                        return Err(Error::Refused(Box::new(error.clone())));
                    }
                }
                Slot::Open(held) => {
                    if held.session.is_closed() || held.is_old_at(now) {
                        continue;
                    }
                    if now.saturating_duration_since(held.since) >= shared.options.check_after_idle {
                        shared.counters.checks.one_more();
                        if held.session.client().is_valid(ALIVE.min(left)).is_err() {
                            held.closes = Some(ClosedBy::Lost);
                            continue;
                        }
                        now = Instant::now();
                    }
                    return Ok(Conn::new(Arc::clone(self), loan, permit, now));
                }
            }
        }
    }

    /// Takes back what was lent, and used last at that time.
    pub(super) fn give_back(&self, mut loan: r2d2::PooledConnection<Manager>, mut permit: Permit, used: Instant) {
        if let Slot::Open(held) = &mut *loan {
            held.since = used;
            if held.touched && held.closes.is_none() && !held.session.is_closed() {
                permit.rest();
                // With the helper gone the client is, too, and the session is closed here.
                drop(self.helper.send(Task::Reset(Box::new((loan, permit)))));
                return;
            }
        }
        // First the session, then the right to have one.
        drop(loan);
        drop(permit);
    }

    pub(super) fn stats(&self, cache: &Cache) -> Stats {
        let state = self.pool.state();
        self.shared.counters.read(cache, (state.connections, state.idle_connections), self.shared.gate.counts())
    }

    /// No new calls; waits for those that run, then closes what is idle. Whether all came back in time.
    pub(super) fn shut_down(&self, timeout: Duration) -> bool {
        self.shared.gate.close();
        let all = self.shared.gate.wait_until_empty(timeout);
        while let Some(mut loan) = self.pool.try_get() {
            if let Slot::Open(held) = &mut *loan {
                held.closes = Some(ClosedBy::Shutdown);
            }
        }
        all
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.shared.gate.close();
        drop(self.helper.send(Task::Look));
    }
}

thread_local! {
    static MAY_BLOCK: Cell<bool> = const { Cell::new(false) };
    /// How long the call that runs here has waited elsewhere.
    static WAITED: Cell<Duration> = const { Cell::new(Duration::ZERO) };
}

/// As [`blocking`], for a call that has waited for so long already.
#[cfg(feature = "tokio")]
pub(super) fn blocking_after<T>(waited: Duration, call: impl FnOnce() -> T) -> T {
    WAITED.set(waited);
    let done = blocking(call);
    WAITED.set(Duration::ZERO);
    done
}

pub(super) fn blocking<T>(call: impl FnOnce() -> T) -> T {
    /// Also when the call panics.
    struct Restore(bool);
    impl Drop for Restore {
        fn drop(&mut self) {
            MAY_BLOCK.set(self.0);
        }
    }
    let _restore = Restore(MAY_BLOCK.replace(true));
    call()
}

/// The driver waits by entering a runtime of its own, and panics where that cannot be. Which threads of a runtime may
/// block tokio does not tell: those of `spawn_blocking` have to say so.
fn refuse_async_context() -> Result<(), Error> {
    if !MAY_BLOCK.get() && tokio::runtime::Handle::try_current().is_ok() {
        return Err(Error::InAsyncContext);
    }
    Ok(())
}
