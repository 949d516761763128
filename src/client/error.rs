//! What a call can end with.

use std::fmt;
use std::panic::Location;
use std::sync::Arc;
use std::time::Duration;

use crate::db::ConnError;

/// Why a call gave no result. No variant carries a password.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// All sessions stayed in use for as long as a call may wait.
    #[error("no session became free within {} s: {busy} of {max} are in use{}", waited.as_secs_f32(), loan(*oldest_loan))]
    Exhausted {
        /// How long the call waited.
        waited: Duration,
        /// [`PoolOptions::max`](super::PoolOptions::max)
        max: u32,
        /// How many were in use.
        busy: u32,
        /// The one that has been in use longest: for how long, and where it was taken.
        oldest_loan: Option<(Duration, &'static Location<'static>)>,
    },
    /// This thread has all the sessions that there may be, and asked for one more.
    #[error("this thread has all {max} sessions of the pool: one more would never come")]
    WouldDeadlock {
        /// [`PoolOptions::max`](super::PoolOptions::max)
        max: u32,
    },
    /// The server refuses sessions for a reason that trying again does not mend: a password, a database, `pg_hba.conf`.
    #[error("{0}")]
    Refused(Box<ConnError>),
    /// No session could be opened in time, or the one in use was lost.
    #[error("{0}")]
    Unreachable(String),
    /// The server's own answer to a statement.
    #[error("{0}")]
    Server(ServerError),
    /// The connection was lost between COMMIT and its answer: the transaction may or may not have happened.
    #[error("whether the transaction was committed is not known: {because}")]
    CommitUnknown {
        /// Its number, where it is known: `pg_xact_status` tells what became of it.
        xid: Option<u64>,
        /// How the connection was lost.
        because: String,
    },
    /// A value does not fit the type that it was asked for as, or a row's function refused it.
    #[error("{0}")]
    Decode(String),
    /// A query gave another number of rows than the call wants.
    #[error("the query gave {found} rows where {wanted} is wanted")]
    RowCount {
        /// How many came.
        found: usize,
        /// How many are wanted, in words.
        wanted: &'static str,
    },
    /// The client was shut down.
    #[error("the client was shut down")]
    Closed,
    /// Called on a thread of a tokio runtime, which it would block.
    #[error(
        "a synchronous call on a thread of a tokio runtime: move it into spawn_blocking, within pgstrata::client::blocking"
    )]
    InAsyncContext,
    /// An option that makes no sense.
    #[error("{field}: {because}")]
    Invalid {
        /// Which.
        field: &'static str,
        /// Why.
        because: String,
    },
    /// What a closure of [`Client::transaction`](super::Client::transaction) ended with.
    #[error("{0}")]
    Other(Arc<dyn std::error::Error + Send + Sync>),
    /// Another call loads the same result, and was not done in time.
    #[error("the result that another call loads did not come within {} s", waited.as_secs_f32())]
    Timeout {
        /// How long the call waited.
        waited: Duration,
    },
    /// Which rows a query gives depends on who asks, and the query does not say whom it is for.
    #[error(
        "row security of {table} decides which rows are seen: a cached query names whom it is for with Query::scope"
    )]
    NeedsScope {
        /// The table.
        table: String,
    },
}

fn loan(oldest: Option<(Duration, &'static Location<'static>)>) -> String {
    oldest.map_or_else(String::new, |(since, at)| {
        format!("; the longest for {:.1} s, taken at {at}", since.as_secs_f32())
    })
}

impl Error {
    /// An error of the program's own, to end a transaction with.
    pub fn other(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Other(Arc::from(error.into()))
    }

    /// The server's SQLSTATE, where it sent one.
    pub fn sqlstate(&self) -> Option<&str> {
        match self {
            Self::Server(error) => Some(error.sqlstate()),
            Self::Refused(error) => error.sqlstate(),
            Self::Exhausted { .. }
            | Self::WouldDeadlock { .. }
            | Self::Unreachable(_)
            | Self::CommitUnknown { .. }
            | Self::Decode(_)
            | Self::RowCount { .. }
            | Self::Closed
            | Self::InAsyncContext
            | Self::Invalid { .. }
            | Self::Timeout { .. }
            | Self::NeedsScope { .. }
            | Self::Other(_) => None,
        }
    }

    /// Whether the session was lost: nobody answers any more, or the server said that it ends it. The next call may find
    /// another.
    pub fn is_lost(&self) -> bool {
        match self {
            Self::Unreachable(_) => true,
            Self::Server(error) => error.ends_the_session(),
            Self::Exhausted { .. }
            | Self::WouldDeadlock { .. }
            | Self::Refused(_)
            | Self::CommitUnknown { .. }
            | Self::Decode(_)
            | Self::RowCount { .. }
            | Self::Closed
            | Self::InAsyncContext
            | Self::Invalid { .. }
            | Self::Timeout { .. }
            | Self::NeedsScope { .. }
            | Self::Other(_) => false,
        }
    }

    /// Whether it says something of this call alone, and nothing of another that waits for the same.
    pub(super) fn is_of_the_call(&self) -> bool {
        match self {
            Self::Exhausted { .. }
            | Self::WouldDeadlock { .. }
            | Self::InAsyncContext
            | Self::Timeout { .. }
            | Self::RowCount { .. } => true,
            Self::Refused(_)
            | Self::Unreachable(_)
            | Self::Server(_)
            | Self::CommitUnknown { .. }
            | Self::Decode(_)
            | Self::Closed
            | Self::Invalid { .. }
            | Self::NeedsScope { .. }
            | Self::Other(_) => false,
        }
    }
}

impl From<postgres::Error> for Error {
    fn from(error: postgres::Error) -> Self {
        match error.as_db_error() {
            Some(said) => Self::Server(ServerError::new(said)),
            // The driver's kinds are private; a value that does not convert is the only one that is the program's own doing.
            None if is_of_a_value(&error) => Self::Decode(crate::db::describe(&error)),
            None => Self::Unreachable(crate::db::describe(&error)),
        }
    }
}

fn is_of_a_value(error: &postgres::Error) -> bool {
    let text = error.to_string();
    ["error serializing parameter", "error deserializing column", "invalid column", "expected "]
        .iter()
        .any(|beginning| text.starts_with(beginning))
}

/// What the server answered, with its fields (PostgreSQL documentation, "Error and Notice Message Fields").
#[derive(Clone, PartialEq, Eq)]
pub struct ServerError(Box<Fields>);

#[derive(Clone, PartialEq, Eq)]
struct Fields {
    sqlstate: String,
    message: String,
    detail: Option<String>,
    hint: Option<String>,
    constraint: Option<String>,
    table: Option<String>,
}

impl ServerError {
    fn new(said: &postgres::error::DbError) -> Self {
        let owned = |field: Option<&str>| field.map(str::to_owned);
        Self(Box::new(Fields {
            sqlstate: said.code().code().to_owned(),
            message: said.message().to_owned(),
            detail: owned(said.detail()),
            hint: owned(said.hint()),
            constraint: owned(said.constraint()),
            table: owned(said.table()),
        }))
    }

    /// Five characters: appendix A of PostgreSQL's documentation.
    pub fn sqlstate(&self) -> &str {
        &self.0.sqlstate
    }

    /// Its primary message.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// Its detail, which may quote values of rows.
    pub fn detail(&self) -> Option<&str> {
        self.0.detail.as_deref()
    }

    /// Its hint.
    pub fn hint(&self) -> Option<&str> {
        self.0.hint.as_deref()
    }

    /// The constraint that was violated.
    pub fn constraint(&self) -> Option<&str> {
        self.0.constraint.as_deref()
    }

    /// The table that it is about.
    pub fn table(&self) -> Option<&str> {
        self.0.table.as_deref()
    }

    /// Class 08, or the server ends it: 57P01 to 57P03.
    pub(super) fn ends_the_session(&self) -> bool {
        self.0.sqlstate.starts_with("08") || ["57P01", "57P02", "57P03"].contains(&self.0.sqlstate.as_str())
    }

    /// Serialization failure, or deadlock: the same transaction may succeed.
    pub(super) fn may_pass(&self) -> bool {
        ["40001", "40P01"].contains(&self.0.sqlstate.as_str())
    }

    /// A statement was prepared before its table's columns changed.
    pub(super) fn is_stale_statement(&self) -> bool {
        self.0.sqlstate == "0A000" && self.0.message.contains("cached plan must not change result type")
    }
}

impl fmt::Display for ServerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (SQLSTATE {})", self.0.message, self.0.sqlstate)?;
        if let Some(detail) = &self.0.detail {
            write!(f, ": {detail}")?;
        }
        if let Some(hint) = &self.0.hint {
            write!(f, "; {hint}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for ServerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for ServerError {}
