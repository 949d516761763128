//! What a client tells of itself.

use std::panic::Location;
use std::time::Duration;

use super::counters::ClosedBy;

/// Something that happened. Events come from the thread that they happen on, and hold it up while they are told.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Event<'a> {
    /// A session was opened.
    Opened {
        /// How long that took.
        took: Duration,
    },
    /// A session could not be opened; what can pass is tried again.
    NotOpened {
        /// Why, without a password.
        because: &'a str,
    },
    /// A session was closed.
    Closed {
        /// Why.
        why: ClosedBy,
    },
    /// A statement took longer than [`ClientBuilder::slow_query`](super::ClientBuilder::slow_query).
    SlowQuery {
        /// Its text, with no value of a parameter.
        sql: &'a str,
        /// How long it took.
        took: Duration,
    },
    /// A session is in use for longer than [`PoolOptions::leak_warning`](super::PoolOptions::leak_warning).
    Leak {
        /// For how long.
        held: Duration,
        /// Where it was taken.
        site: &'static Location<'static>,
    },
    /// A read is tried on another session, or a transaction again.
    Retried {
        /// Why.
        because: &'a str,
    },
}

/// Is told what happens. It must not call the client that it observes.
pub trait Observer: Send + Sync {
    /// Something happened.
    fn observe(&self, event: &Event<'_>);
}

impl<F: Fn(&Event<'_>) + Send + Sync> Observer for F {
    fn observe(&self, event: &Event<'_>) {
        self(event);
    }
}
