//! Whether a client is well, and since when.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::builder::Client;
use super::error::Error;
use super::pool::Shared;

/// An answer counts for as long against an attempt at a session that failed: they are told apart by who came later, and
/// those are tried about twice a second.
const ANSWERED: Duration = Duration::from_secs(1);

/// From when on a client is not well.
///
/// ```
/// let options = pgstrata::client::HealthOptions::default().max_pool_usage(0.8);
/// # drop(options);
/// ```
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct HealthOptions {
    max_pool_usage: f64,
    window: Duration,
}

impl Default for HealthOptions {
    fn default() -> Self {
        Self { max_pool_usage: 0.9, window: Duration::from_secs(60) }
    }
}

impl HealthOptions {
    /// The share of [`PoolOptions::max`](super::PoolOptions::max) that may be in use: from it on the client is degraded. By
    /// default 0.9; above 1: never.
    #[must_use]
    pub fn max_pool_usage(mut self, share: f64) -> Self {
        self.max_pool_usage = share;
        self
    }

    /// How long the hit ratio is counted for, one to two times, before
    /// [`CacheOptions::min_hit_ratio`](super::CacheOptions::min_hit_ratio) judges it: a minute by default. With no more
    /// cached queries than it has seconds it is not judged.
    #[must_use]
    pub fn window(mut self, window: Duration) -> Self {
        self.window = window;
        self
    }

    pub(super) fn check(&self) -> Result<(), Error> {
        let Self { max_pool_usage, window } = self;
        let invalid = |field, because: &str| Err(Error::Invalid { field, because: because.to_owned() });
        if max_pool_usage.is_nan() || *max_pool_usage <= 0.0 {
            return invalid("health.max_pool_usage", "it is a share, above zero");
        }
        if window.is_zero() {
            return invalid("health.window", "it is 0; it must be above zero");
        }
        Ok(())
    }
}

/// How a client is.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Health {
    /// The worst of its reasons.
    pub status: HealthStatus,
    /// For how long it has been so, to about a second.
    pub since: Duration,
    /// What is not as it should be; empty where all is well.
    pub reasons: Vec<Unwell>,
    /// What went wrong last with its sessions, if anything ever did: one could not be opened, was lost, or did not become
    /// free in time. What the server answers to a statement is not among it.
    pub last_error: Option<LastError>,
}

/// What went wrong last.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct LastError {
    /// In words, without a password.
    pub text: String,
    /// How long ago.
    pub since: Duration,
}

/// In one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum HealthStatus {
    /// All is well, as far as it knows.
    Healthy,
    /// Calls succeed, and something is near its limit.
    Degraded,
    /// Calls fail, or are about to.
    Unhealthy,
}

/// One thing that is not as it should be.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Unwell {
    /// It was shut down.
    Closed,
    /// The last attempt at a session failed, and no other session has answered since.
    Away {
        /// Why, without a password.
        because: String,
        /// How long ago.
        since: Duration,
    },
    /// The last attempt at a session failed, while those that are open answer.
    NoNewSessions {
        /// Why, without a password.
        because: String,
        /// How long ago.
        since: Duration,
    },
    /// Calls wait for a session.
    Waiting {
        /// How many.
        calls: u32,
    },
    /// Nearly all sessions are in use: [`HealthOptions::max_pool_usage`].
    Busy {
        /// How many are.
        busy: u32,
        /// How many there may be.
        max: u32,
    },
    /// Fewer cached queries find a result than [`CacheOptions::min_hit_ratio`](super::CacheOptions::min_hit_ratio) says.
    FewHits {
        /// The share that did.
        ratio: f64,
        /// The share that should.
        wanted: f64,
    },
}

impl HealthStatus {
    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Healthy => "healthy",
            Self::Degraded => "degraded",
            Self::Unhealthy => "unhealthy",
        }
    }
}

impl Unwell {
    fn status(&self) -> HealthStatus {
        match self {
            Self::Closed | Self::Away { .. } => HealthStatus::Unhealthy,
            Self::NoNewSessions { .. } | Self::Waiting { .. } | Self::Busy { .. } | Self::FewHits { .. } => {
                HealthStatus::Degraded
            }
        }
    }
}

impl fmt::Display for Unwell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Closed => f.write_str("the client was shut down"),
            Self::Away { because, since } => {
                write!(f, "no session could be opened {:.0} s ago: {because}", since.as_secs_f32())
            }
            Self::NoNewSessions { because, since } => write!(
                f,
                "no further session could be opened {:.0} s ago, the open ones answer: {because}",
                since.as_secs_f32()
            ),
            Self::Waiting { calls: 1 } => f.write_str("1 call waits for a session"),
            Self::Waiting { calls } => write!(f, "{calls} calls wait for a session"),
            Self::Busy { busy, max } => write!(f, "{busy} of {max} sessions are in use"),
            Self::FewHits { ratio, wanted } => {
                write!(f, "{:.0} % of cached queries find a result, wanted {:.0} %", ratio * 100.0, wanted * 100.0)
            }
        }
    }
}

/// What is known of how a client was.
pub(super) struct History {
    begun: Instant,
    /// When a statement last succeeded, in nanoseconds since it began; 0 where a session was lost since.
    answered: AtomicU64,
    state: Mutex<State>,
}

struct State {
    status: (HealthStatus, Instant),
    error: Option<(String, Instant)>,
    /// Cached queries as they were counted one to two windows ago, and less than one.
    samples: [Sample; 2],
}

#[derive(Clone, Copy)]
struct Sample {
    at: Instant,
    found: u64,
    asked: u64,
}

impl Default for History {
    fn default() -> Self {
        let now = Instant::now();
        let state = State {
            status: (HealthStatus::Healthy, now),
            error: None,
            samples: [Sample { at: now, found: 0, asked: 0 }; 2],
        };
        Self { begun: now, answered: AtomicU64::new(0), state: Mutex::new(state) }
    }
}

impl History {
    pub(super) fn answered(&self, at: Instant) {
        let nanos = at.saturating_duration_since(self.begun).as_nanos();
        self.answered.store(u64::try_from(nanos).unwrap_or(u64::MAX).max(1), Ordering::Relaxed);
    }

    pub(super) fn failed(&self, error: &dyn fmt::Display) {
        let error = Some((error.to_string(), Instant::now()));
        self.state.lock().unwrap_or_else(PoisonError::into_inner).error = error;
    }

    pub(super) fn lost(&self, error: &dyn fmt::Display) {
        self.answered.store(0, Ordering::Relaxed);
        self.failed(error);
    }

    /// Whether a session answered after that, or hardly before.
    fn answered_since(&self, at: Instant) -> bool {
        let nanos = self.answered.load(Ordering::Relaxed);
        nanos > 0 && self.begun + Duration::from_nanos(nanos) + ANSWERED > at
    }
}

impl Sample {
    /// The share that was found between the two, if enough was asked.
    fn ratio(self, now: Self, window: Duration) -> Option<f64> {
        let asked = now.asked.saturating_sub(self.asked);
        let seconds = now.at.saturating_duration_since(self.at).max(window).as_secs_f64();
        #[allow(clippy::cast_precision_loss, reason = "a share")]
        let (asked, found) = (asked as f64, now.found.saturating_sub(self.found) as f64);
        (asked > seconds).then(|| found / asked)
    }
}

impl Shared {
    /// How the client is now; called often enough, also since when.
    pub(super) fn judge(&self) -> Health {
        let (busy, waiting) = self.gate.counts();
        let max = self.options.max;
        let mut reasons = Vec::new();
        if self.gate.is_closed() {
            reasons.push(Unwell::Closed);
        }
        if let Some((error, at)) = self.down() {
            let (because, since) = (error.to_string(), at.elapsed());
            reasons.push(match self.history.answered_since(at) {
                true => Unwell::NoNewSessions { because, since },
                false => Unwell::Away { because, since },
            });
        }
        if waiting > 0 {
            reasons.push(Unwell::Waiting { calls: waiting });
        }
        if f64::from(busy) >= f64::from(max) * self.health.max_pool_usage {
            reasons.push(Unwell::Busy { busy, max });
        }
        let mut state = self.history.state.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        let found = self.counters.hits.get() + self.counters.coalesced.get();
        let sample = Sample { at: now, found, asked: found + self.counters.misses.get() };
        let [before, recent] = state.samples;
        if recent.at + self.health.window <= now {
            state.samples = [recent, sample];
        }
        if let (Some(ratio), Some(wanted)) = (before.ratio(sample, self.health.window), self.min_hit_ratio)
            && ratio < wanted
        {
            reasons.push(Unwell::FewHits { ratio, wanted });
        }
        let status = reasons.iter().map(Unwell::status).max().unwrap_or(HealthStatus::Healthy);
        if state.status.0 != status {
            state.status = (status, now);
        }
        let last_error = state.error.as_ref().map(|(text, at)| LastError { text: text.clone(), since: at.elapsed() });
        Health { status, since: state.status.1.elapsed(), reasons, last_error }
    }
}

impl Client {
    /// How it is now. It asks nobody: a server that went away is known of once a call has noticed.
    pub fn health(&self) -> Health {
        self.inner.shared.judge()
    }
}
