//! The pool's own thread: resets what was touched, closes what is over, keeps `min` sessions, and watches for leaks.
//!
//! Whoever gives a session back does not wait for any of it.

use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use postgres::SimpleQueryMessage;

use super::counters::ClosedBy;
use super::gate::Permit;
use super::manager::{Held, Manager, Slot};
use super::observer::Event;
use super::pool::{Inner, Shared};

/// What it is asked to do.
pub(super) enum Task {
    /// Somebody may have left something in it.
    Reset(Box<(r2d2::PooledConnection<Manager>, Permit)>),
    /// It is over.
    Close(Box<Held>),
    /// Looks after the pool now.
    Look,
}

/// How long an answer to a reset, and to a goodbye, is waited for.
const ANSWER: Duration = Duration::from_secs(5);
const GOODBYE: Duration = Duration::from_millis(500);

/// Between two looks at what is idle, at least and at most.
const LOOK: (Duration, Duration) = (Duration::from_millis(10), Duration::from_secs(1));

/// Runs until the client is gone. It keeps nothing of it alive but the sessions that it works on.
pub(super) fn run(tasks: &Receiver<Task>, shared: &Arc<Shared>, pool: &r2d2::Pool<Manager>, inner: &Weak<Inner>) {
    let every = every(shared);
    let mut next = Instant::now() + every;
    let mut asked = None;
    loop {
        match tasks.recv_timeout(next.saturating_duration_since(Instant::now())) {
            Ok(Task::Reset(lent)) => {
                let (mut loan, permit) = *lent;
                if let Slot::Open(held) = &mut *loan {
                    shared.counters.resets.one_more();
                    match reset(held) {
                        Ok(()) => (held.touched, held.since) = (false, Instant::now()),
                        Err(_) => held.closes = Some(ClosedBy::Reset),
                    }
                }
                // First the session, then the right to have one.
                drop(loan);
                drop(permit);
            }
            Ok(Task::Close(held)) => close(shared, held),
            Ok(Task::Look) => look(shared, pool, &mut asked),
            Err(RecvTimeoutError::Timeout) => {
                look(shared, pool, &mut asked);
                next = Instant::now() + every;
            }
            Err(RecvTimeoutError::Disconnected) => break,
        }
        if inner.strong_count() == 0 {
            break;
        }
    }
    // What is left of it: the last sessions say goodbye here, where nobody waits for it.
    while let Some(mut loan) = pool.try_get() {
        if let Slot::Open(held) = &mut *loan {
            held.closes = Some(ClosedBy::Shutdown);
        }
    }
    while let Ok(task) = tasks.try_recv() {
        if let Task::Close(held) = task {
            close(shared, held);
        }
    }
}

fn every(shared: &Shared) -> Duration {
    let options = &shared.options;
    let limits = [options.idle_timeout, options.max_lifetime, options.leak_warning];
    limits.into_iter().flatten().map(|limit| limit / 4).min().unwrap_or(LOOK.1).clamp(LOOK.0, LOOK.1)
}

/// Undoes whatever a session can keep, but what the driver has prepared for itself: `DISCARD ALL` would forget that, too,
/// and `RESET ALL` is no `RESET ROLE`.
fn reset(held: &mut Held) -> Result<(), postgres::Error> {
    held.session.wait_at_most(Some(ANSWER));
    let client = held.session.client();
    client.batch_execute("ROLLBACK")?;
    let prepared = client.simple_query(
        "SET SESSION AUTHORIZATION DEFAULT; RESET ROLE; RESET ALL; CLOSE ALL; UNLISTEN *; \
         SELECT pg_catalog.pg_advisory_unlock_all(); DISCARD SEQUENCES; DISCARD TEMP; \
         SELECT 'DEALLOCATE ' OPERATOR(pg_catalog.||) pg_catalog.quote_ident(name) \
         FROM pg_catalog.pg_prepared_statements WHERE from_sql",
    )?;
    let mut left = String::new();
    for message in prepared {
        if let SimpleQueryMessage::Row(row) = message
            && let Some(statement) = row.get(0).filter(|text| text.starts_with("DEALLOCATE "))
        {
            left.push_str(statement);
            left.push(';');
        }
    }
    if !left.is_empty() {
        client.batch_execute(&left)?;
    }
    held.session.wait_at_most(None);
    Ok(())
}

fn close(shared: &Shared, mut held: Box<Held>) {
    let why = held.closes.unwrap_or(ClosedBy::Shutdown);
    held.session.wait_at_most(Some(GOODBYE));
    drop(held);
    shared.counters.has_closed(why);
    shared.tell(&Event::Closed { why });
}

/// `asked` is how many attempts at sessions there were when it last asked for one.
fn look(shared: &Shared, pool: &r2d2::Pool<Manager>, asked: &mut Option<u64>) {
    if let Some(after) = shared.options.leak_warning {
        for loan in shared.gate.overdue(after) {
            shared.counters.leaks.one_more();
            shared.tell(&Event::Leak { held: loan.since.elapsed(), site: loan.site });
        }
    }
    // For since when it has been as it is.
    drop(shared.judge());
    if shared.gate.is_closed() || !shared.is_started() {
        return;
    }
    let state = pool.state();
    let ends = shared.options.idle_timeout.is_some() || shared.options.max_lifetime.is_some();
    if ends && state.idle_connections > 0 && shared.look_at.is_due() {
        close_idle(shared, pool);
    }
    let (opened, refused) = (shared.counters.opened.get(), shared.counters.refused.get());
    // Not as r2d2 counts them: between an attempt's end and its own count of it, one more would be asked for.
    let missing = opened.saturating_sub(shared.counters.all_closed()) < u64::from(shared.options.min);
    let attempts = opened + refused;
    // One at a time, and none beside what calls have opened; what r2d2 has not opened yet it goes on trying by itself.
    if missing && !shared.is_sought() && shared.down().is_none() && *asked != Some(attempts) {
        *asked = Some(attempts);
        // It has no call to open one. Whoever asks while none is idle has one opened, and need not wait for it.
        let idle: Vec<_> = std::iter::from_fn(|| pool.try_get()).collect();
        drop(pool.get_timeout(Duration::ZERO));
        give_back(idle);
    }
}

/// Takes all that is idle for an instant, since r2d2 shows none of it, and gives back what stays in the same order.
fn close_idle(shared: &Shared, pool: &r2d2::Pool<Manager>) {
    let now = Instant::now();
    let mut idle: Vec<_> = std::iter::from_fn(|| pool.try_get()).collect();
    let mut stay = idle.len();
    let least = usize::try_from(shared.options.min).unwrap_or(usize::MAX);
    let mut next = shared.options.idle_timeout.map(|timeout| now + timeout);
    // The one that was used last comes first: who was idle longest goes.
    for loan in idle.iter_mut().rev() {
        let Slot::Open(held) = &mut **loan else { continue };
        let idle_until = shared.options.idle_timeout.map(|timeout| held.since + timeout);
        if held.is_old() {
            held.closes = Some(ClosedBy::Lifetime);
        } else if stay > least && idle_until.is_some_and(|until| until <= now) {
            held.closes = Some(ClosedBy::Idle);
        } else {
            let ends = [idle_until.filter(|until| *until > now), held.ends, next];
            next = ends.into_iter().flatten().min();
            continue;
        }
        stay -= 1;
    }
    shared.look_at.set(next);
    give_back(idle);
}

fn give_back(idle: Vec<r2d2::PooledConnection<Manager>>) {
    // r2d2 hands out last what came back first.
    idle.into_iter().rev().for_each(drop);
}
