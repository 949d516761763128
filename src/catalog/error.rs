//! Why the catalog could not be read.

use postgres::error::SqlState;

use crate::sql::{GUARD, Ident};

/// Why the catalog could not be read, and at which step.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InspectError {
    /// The server refused.
    #[error("{step}: {message} (SQLSTATE {sqlstate})")]
    Server {
        /// What was being done, such as `reading partitions`.
        step: &'static str,
        /// The server's message, with its detail and hint.
        message: String,
        /// Its SQLSTATE.
        sqlstate: String,
    },
    /// The connection broke.
    #[error("{step}: the connection is lost: {message}")]
    Lost {
        /// What was being done.
        step: &'static str,
        /// The driver's reason.
        message: String,
    },
    /// The server answered with something that was not asked for.
    #[error("{step}: the server's answer cannot be read: {message}")]
    Unreadable {
        /// What was being done.
        step: &'static str,
        /// What does not fit.
        message: String,
    },
    /// A login of `connection.owners` is of no use.
    #[error("connection.owners.{owner}: {message}")]
    Login {
        /// Whose login it is meant to be.
        owner: Ident,
        /// What is wrong with it.
        message: String,
    },
    /// A signal came. What had been read by then is no reason to judge: a cancelled question has no answer.
    #[error("interrupted while reading the catalog: nothing was changed")]
    Interrupted,
}

impl InspectError {
    pub(super) fn new(step: &'static str, error: &postgres::Error) -> Self {
        match error.as_db_error() {
            Some(db) => Self::Server { step, message: words(db), sqlstate: db.code().code().to_owned() },
            None => Self::Lost { step, message: chain(error) },
        }
    }

    pub(super) fn unreadable(step: &'static str, message: impl Into<String>) -> Self {
        Self::Unreadable { step, message: message.into() }
    }

    pub(super) fn login(owner: &Ident, message: impl Into<String>) -> Self {
        Self::Login { owner: owner.clone(), message: message.into() }
    }

    /// Whether the session may still be used: the server said no, and did not end the connection with it.
    pub(super) fn leaves_session(&self) -> bool {
        match self {
            // Class 57P is an operator's intervention: the backend goes away after the message.
            Self::Server { sqlstate, .. } => !sqlstate.starts_with("57P"),
            Self::Lost { .. } => false,
            Self::Unreadable { .. } | Self::Login { .. } | Self::Interrupted => true,
        }
    }

    /// Whether the server refused for want of a privilege, or because row security would have hidden rows.
    pub(super) fn is_privilege(&self) -> bool {
        match self {
            Self::Server { sqlstate, .. } => sqlstate == SqlState::INSUFFICIENT_PRIVILEGE.code(),
            Self::Lost { .. } | Self::Unreadable { .. } | Self::Login { .. } | Self::Interrupted => false,
        }
    }

    /// Whether what was asked for cannot be: a syntax error, an unknown name, an unsupported feature, a wrong value.
    pub(super) fn is_mistake(&self) -> bool {
        match self {
            Self::Server { sqlstate, .. } => {
                !self.is_privilege() && ["0A", "22", "42", "54"].iter().any(|class| sqlstate.starts_with(class))
            }
            Self::Lost { .. } | Self::Unreadable { .. } | Self::Login { .. } | Self::Interrupted => false,
        }
    }

    /// Whether a name is not there.
    pub(super) fn is_undefined(&self) -> bool {
        match self {
            Self::Server { sqlstate, .. } => ["42704", "42883", "42P01"].contains(&sqlstate.as_str()),
            Self::Lost { .. } | Self::Unreadable { .. } | Self::Login { .. } | Self::Interrupted => false,
        }
    }

    /// Whether somebody's lock was in the way.
    pub(super) fn is_lock(&self) -> bool {
        match self {
            Self::Server { sqlstate, .. } => sqlstate == SqlState::LOCK_NOT_AVAILABLE.code(),
            Self::Lost { .. } | Self::Unreadable { .. } | Self::Login { .. } | Self::Interrupted => false,
        }
    }

    /// The reason without the step, for [`Answer::Unknown`](super::Answer::Unknown).
    pub(super) fn because(self) -> String {
        match self {
            Self::Server { message, .. } if message.contains(GUARD) => {
                "code of another role hangs on it since the catalog was read".to_owned()
            }
            Self::Server { message, sqlstate, .. } => format!("{message} ({sqlstate})"),
            Self::Lost { message, .. } | Self::Unreadable { message, .. } | Self::Login { message, .. } => message,
            Self::Interrupted => "interrupted".to_owned(),
        }
    }
}

fn words(db: &postgres::error::DbError) -> String {
    let mut words = db.message().to_owned();
    for more in [db.detail(), db.hint()].into_iter().flatten() {
        words.push_str("; ");
        words.push_str(more);
    }
    words
}

/// The driver's own text names only the kind of the error; its sources say what happened.
fn chain(error: &postgres::Error) -> String {
    let mut words = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        words.push_str(": ");
        words.push_str(&cause.to_string());
        source = cause.source();
    }
    words
}
