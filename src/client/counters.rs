//! What a client counts, always: a few atomic additions a call.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::cache::{Cache, Evicted};

/// Bounds of the histograms' buckets: 2⁰ to 2²⁶ microseconds, and beyond.
const BUCKETS: usize = 28;

/// Why a session was closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum ClosedBy {
    /// It was lost, or gave no sign of life.
    Lost,
    /// Idle for longer than `idle_timeout`.
    Idle,
    /// As old as it may become.
    Lifetime,
    /// What was left in it could not be undone.
    Reset,
    /// The client was shut down.
    Shutdown,
}

impl ClosedBy {
    pub(super) const ALL: [Self; 5] = [Self::Lost, Self::Idle, Self::Lifetime, Self::Reset, Self::Shutdown];

    /// The word for it in metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Lost => "lost",
            Self::Idle => "idle",
            Self::Lifetime => "lifetime",
            Self::Reset => "reset",
            Self::Shutdown => "shutdown",
        }
    }
}

#[derive(Default)]
pub(super) struct Counters {
    pub(super) opened: Count,
    pub(super) refused: Count,
    pub(super) closed: [Count; ClosedBy::ALL.len()],
    pub(super) timeouts: Count,
    pub(super) resets: Count,
    pub(super) leaks: Count,
    pub(super) failed: Count,
    pub(super) retried: Count,
    pub(super) checks: Count,
    pub(super) hits: Count,
    pub(super) misses: Count,
    pub(super) coalesced: Count,
    pub(super) stale: Count,
    pub(super) acquire: Times,
    pub(super) query: Times,
}

#[derive(Default)]
pub(super) struct Count(AtomicU64);

impl Count {
    pub(super) fn one_more(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// A histogram under collection.
#[derive(Default)]
pub(super) struct Times {
    buckets: [Count; BUCKETS],
    nanos: AtomicU64,
}

impl Times {
    pub(super) fn took(&self, time: Duration) {
        let micros = u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        // The first power of two that is not below it.
        let bucket =
            usize::try_from(micros.saturating_sub(1).checked_ilog2().map_or(0, |log| log + 1)).unwrap_or(BUCKETS);
        if let Some(count) = self.buckets.get(bucket.min(BUCKETS - 1)) {
            count.one_more();
        }
        self.nanos.fetch_add(u64::try_from(time.as_nanos()).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    fn read(&self) -> Histogram {
        let mut sum = 0;
        let buckets = self.buckets.iter().enumerate().map(|(log, count)| {
            sum += count.get();
            Bucket { up_to: (log + 1 < BUCKETS).then(|| Duration::from_micros(1 << log)), count: sum }
        });
        let buckets = buckets.collect();
        Histogram { buckets, count: sum, sum: Duration::from_nanos(self.nanos.load(Ordering::Relaxed)) }
    }
}

/// How long something took, in buckets that each count what the ones before count as well.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Histogram {
    /// From the shortest.
    pub buckets: Vec<Bucket>,
    /// How many there were.
    pub count: u64,
    /// How long all of them took.
    pub sum: Duration,
}

/// One bucket of a [`Histogram`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bucket {
    /// Its upper bound; `None` for the last, which has none.
    pub up_to: Option<Duration>,
    /// How many took no longer.
    pub count: u64,
}

/// What a client did so far, and has now.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    /// Sessions open now.
    pub open: u32,
    /// Sessions that nobody uses now.
    pub idle: u32,
    /// Sessions in use now.
    pub busy: u32,
    /// Calls that wait for a session now.
    pub waiting: u32,
    /// Sessions opened so far.
    pub opened: u64,
    /// Attempts at a session that failed.
    pub refused: u64,
    /// Sessions closed so far, by why.
    pub closed: Vec<(ClosedBy, u64)>,
    /// Calls that found no session in time.
    pub timeouts: u64,
    /// Sessions that were reset when they came back.
    pub resets: u64,
    /// Sessions that were in use for longer than `leak_warning`.
    pub leaks: u64,
    /// Idle sessions that were asked for a sign of life.
    pub checks: u64,
    /// Statements that ended with an error.
    pub failed: u64,
    /// What was tried again: reads on another session, and transactions.
    pub retried: u64,
    /// Cached queries that found a result.
    pub hits: u64,
    /// Cached queries that asked the server.
    pub misses: u64,
    /// Cached queries that waited for another's answer.
    pub coalesced: u64,
    /// Cached queries that were given what is too old, because the server was away.
    pub stale: u64,
    /// Results that are kept now, outdated ones that nobody asked for since included.
    pub cached_entries: usize,
    /// Bytes that they take.
    pub cached_bytes: u64,
    /// Results that gave way to others.
    pub evicted: u64,
    /// Results that were invalidated.
    pub invalidated: u64,
    /// Results that another took the place of, because they were too old.
    pub expired: u64,
    /// Results that were too large to be kept.
    pub too_large: u64,
    /// How long calls waited for a session.
    pub acquire: Histogram,
    /// How long statements took, from the call to the last row.
    pub query: Histogram,
}

impl Counters {
    pub(super) fn read(&self, cache: &Cache, (open, idle): (u32, u32), (busy, waiting): (u32, u32)) -> Stats {
        let Self {
            opened,
            refused,
            closed,
            timeouts,
            resets,
            leaks,
            failed,
            retried,
            checks,
            hits,
            misses,
            coalesced,
            stale,
            acquire,
            query,
        } = self;
        let (cached_entries, cached_bytes, gone) = cache.counts();
        let Evicted { for_room, invalidated, expired, too_large } = gone;
        Stats {
            open,
            idle,
            busy,
            waiting,
            opened: opened.get(),
            refused: refused.get(),
            closed: ClosedBy::ALL.into_iter().zip(closed.iter().map(Count::get)).collect(),
            timeouts: timeouts.get(),
            resets: resets.get(),
            leaks: leaks.get(),
            checks: checks.get(),
            failed: failed.get(),
            retried: retried.get(),
            hits: hits.get(),
            misses: misses.get(),
            coalesced: coalesced.get(),
            stale: stale.get(),
            cached_entries,
            cached_bytes,
            evicted: for_room,
            invalidated,
            expired,
            too_large,
            acquire: acquire.read(),
            query: query.read(),
        }
    }

    pub(super) fn all_closed(&self) -> u64 {
        self.closed.iter().map(Count::get).sum()
    }

    pub(super) fn has_closed(&self, why: ClosedBy) {
        let at = ClosedBy::ALL.iter().position(|one| *one == why);
        if let Some(count) = at.and_then(|at| self.closed.get(at)) {
            count.one_more();
        }
    }
}

/// What a query costs for being counted, for the benches: no part of the public contract.
#[cfg(feature = "testing")]
#[doc(hidden)]
#[derive(Default)]
pub struct Counting(Counters);

#[cfg(feature = "testing")]
impl Counting {
    /// What is added up between a call and its rows. When it began, had a session and gave it back the pool asks anyway, for
    /// its deadline, the session's age and since when it is idle.
    pub fn one_query(&self, [begun, taken, ended]: [std::time::Instant; 3]) {
        self.0.acquire.took(taken.saturating_duration_since(begun));
        self.0.query.took(ended.saturating_duration_since(taken));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_time_is_in_the_first_bucket_that_is_not_below_it() {
        for (nanos, up_to) in [(0, 1), (1_000, 1), (1_999, 1), (2_000, 2), (3_000, 4), (4_000, 4), (1_000_000, 1_024)] {
            let times = Times::default();
            times.took(Duration::from_nanos(nanos));
            let read = times.read();
            let first = read.buckets.iter().find(|bucket| bucket.count == 1).unwrap();
            assert_eq!(first.up_to, Some(Duration::from_micros(up_to)), "{nanos} ns");
            assert_eq!((read.count, read.sum), (1, Duration::from_nanos(nanos)));
        }
        let times = Times::default();
        times.took(Duration::from_secs(86_400));
        let last = times.read().buckets.pop().unwrap();
        assert_eq!((last.up_to, last.count), (None, 1));
    }
}
