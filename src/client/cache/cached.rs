//! A result that may have been kept.

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

/// Rows that may have been kept; they are shared, not copied.
pub struct Cached<T> {
    rows: Arc<Box<[T]>>,
    age: Duration,
    source: Source,
}

/// Where a result comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Source {
    /// This call asked the server.
    Server,
    /// Another call asked, and this one waited for it.
    Shared,
    /// It was kept.
    Cache,
    /// It was kept, is older than its time to live, and the server is away.
    Stale,
}

impl<T> Cached<T> {
    pub(in crate::client) fn new(rows: Arc<Box<[T]>>, age: Duration, source: Source) -> Self {
        Self { rows, age, source }
    }

    /// How long ago the query was sent, when this was handed out.
    pub fn age(&self) -> Duration {
        self.age
    }

    /// Whether it is older than its time to live: [`Query::stale_if_error`](super::super::Query::stale_if_error).
    pub fn is_stale(&self) -> bool {
        self.source == Source::Stale
    }

    /// Where it comes from.
    pub fn source(&self) -> Source {
        self.source
    }
}

impl<T> Clone for Cached<T> {
    fn clone(&self) -> Self {
        Self { rows: Arc::clone(&self.rows), age: self.age, source: self.source }
    }
}

impl<T> Deref for Cached<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        &self.rows
    }
}

impl<T: fmt::Debug> fmt::Debug for Cached<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cached")
            .field("rows", &self.rows)
            .field("age", &self.age)
            .field("source", &self.source)
            .finish()
    }
}
