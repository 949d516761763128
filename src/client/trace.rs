//! Spans and events of calls, for programs that collect them with `tracing`; nothing without that feature.

use super::observer::Event;

/// A span that ends when it is dropped.
#[cfg(feature = "tracing")]
pub(super) type Span = tracing::span::EnteredSpan;
#[cfg(not(feature = "tracing"))]
pub(super) struct Span;

#[cfg(feature = "tracing")]
mod on {
    use tracing::{debug, debug_span, warn};

    use super::{Event, Span};

    const TARGET: &str = "pgstrata::client";

    /// Its text has no value of a parameter.
    pub(in super::super) fn query(sql: &str) -> Span {
        debug_span!(target: TARGET, "query", sql).entered()
    }

    pub(in super::super) fn acquire() -> Span {
        debug_span!(target: TARGET, "acquire").entered()
    }

    pub(in super::super) fn transaction() -> Span {
        debug_span!(target: TARGET, "transaction").entered()
    }

    pub(in super::super) fn event(event: &Event<'_>) {
        match event {
            Event::Opened { took } => debug!(target: TARGET, ?took, "session opened"),
            Event::NotOpened { because } => warn!(target: TARGET, because, "session not opened"),
            Event::Closed { why } => debug!(target: TARGET, why = why.as_str(), "session closed"),
            Event::SlowQuery { sql, took } => warn!(target: TARGET, sql, ?took, "slow query"),
            Event::Leak { held, site } => warn!(target: TARGET, ?held, %site, "session in use for long"),
            Event::Retried { because } => warn!(target: TARGET, because, "tried again"),
        }
    }
}

#[cfg(not(feature = "tracing"))]
mod off {
    use super::{Event, Span};

    pub(in super::super) fn query(_: &str) -> Span {
        Span
    }

    pub(in super::super) fn acquire() -> Span {
        Span
    }

    pub(in super::super) fn transaction() -> Span {
        Span
    }

    pub(in super::super) fn event(_: &Event<'_>) {}
}

#[cfg(not(feature = "tracing"))]
pub(super) use off::{acquire, event, query, transaction};
#[cfg(feature = "tracing")]
pub(super) use on::{acquire, event, query, transaction};
