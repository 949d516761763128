//! Why a command ended early, for a person: what is wrong, and what to do next.

use pgstrata::db::{ConnError, Signal};

use super::door::Leaving;
use super::exit::Event;

/// Ends a command. Printed as `pgstrata: error: …` and `hint: …`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct CommandError {
    /// The exit code.
    pub(super) event: Event,
    /// What is wrong, in a lower-case fragment.
    pub(super) message: String,
    /// What to do, the next command by name.
    pub(super) hints: Vec<String>,
    /// A rendered report with excerpts, shown before the message.
    pub(super) report: Option<Leaving>,
}

impl CommandError {
    pub(super) fn new(event: Event, message: impl Into<String>) -> Self {
        Self { event, message: message.into(), hints: Vec::new(), report: None }
    }

    /// Exit 1.
    pub(super) fn error(message: impl Into<String>) -> Self {
        Self::new(Event::Error, message)
    }

    /// Exit 64.
    pub(super) fn usage(message: impl Into<String>) -> Self {
        Self::new(Event::Usage, message)
    }

    /// Exit 130 or 143.
    pub(super) fn interrupted(signal: Signal, message: impl Into<String>) -> Self {
        Self::new(Event::Interrupted(signal), message)
    }

    #[must_use]
    pub(super) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }

    /// Exit 69, or the signal's, with what usually helps.
    pub(super) fn connecting(error: &ConnError, signal: Option<Signal>) -> Self {
        if let (ConnError::Interrupted { .. }, Some(signal)) = (error, signal) {
            return Self::interrupted(signal, error.to_string());
        }
        let this = Self::new(Event::Unavailable, error.to_string());
        match connection_hint(error) {
            Some(hint) => this.hint(hint),
            None => this,
        }
    }
}

fn connection_hint(error: &ConnError) -> Option<&'static str> {
    match error {
        ConnError::BadConnInfo(_) => {
            Some("name the database with --url postgresql://user@host/database, or in the policy's connection.url")
        }
        ConnError::Unreachable { .. } | ConnError::Mute { .. } => {
            Some("check host and port (--url, PGHOST, PGPORT), and that the server listens there")
        }
        ConnError::AuthFailed { .. } => Some("check role and password (PGUSER, PGPASSWORD, ~/.pgpass) and pg_hba.conf"),
        ConnError::UnknownDatabase { .. } => Some("check the database's name (--url, PGDATABASE)"),
        ConnError::PoolerExhausted { .. } => {
            Some("raise its default_pool_size or max_db_connections, or point --url at the server itself")
        }
        ConnError::TooManyConnections { .. } => Some("it may pass: run the same command again"),
        ConnError::WrongServer { .. } => Some("point --url at the primary"),
        ConnError::NoHost(tried) => tried.last().and_then(connection_hint),
        // The message says what to do.
        ConnError::Tls { .. }
        | ConnError::Refused { .. }
        | ConnError::AnotherServer { .. }
        | ConnError::PoolExhausted { .. }
        | ConnError::Interrupted { .. } => None,
        // The enum may grow.
        #[allow(
            clippy::wildcard_enum_match_arm,
            reason = "it is non-exhaustive for users of the library, which we are"
        )]
        _ => None,
    }
}
