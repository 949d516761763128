//! Why no session could be opened, in terms a person can act on.

use std::error::Error as _;
use std::time::Duration;

use postgres::error::SqlState;

use super::dial::DialError;

/// Why no session could be opened. No variant ever carries a password.
///
/// Messages from the server keep its detail, hint and SQLSTATE. `target` is `database@host:port`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ConnError {
    /// The connection string, service file, password file or environment does not resolve.
    #[error("connection settings: {0}")]
    BadConnInfo(String),
    /// Nothing listens there, the name does not resolve, or the connection broke before the session was up.
    #[error("cannot reach {target}: {message}")]
    Unreachable {
        /// `database@host:port`
        target: String,
        /// The operating system's or driver's reason.
        message: String,
    },
    /// Something accepted the connection and then did not answer in time.
    #[error("no answer from {target} within {} s", .deadline.as_secs_f32())]
    Mute {
        /// `database@host:port`
        target: String,
        /// How long it was given.
        deadline: Duration,
    },
    /// The server refused the role, the password or the address (SQLSTATE class 28).
    #[error("authentication failed at {target} as {user}: {message}")]
    AuthFailed {
        /// `database@host:port`
        target: String,
        /// The role.
        user: String,
        /// The server's message, and why a password file was passed over.
        message: String,
        /// Its SQLSTATE; `None` where the driver gave up before the server did.
        sqlstate: Option<String>,
    },
    /// TLS could not be agreed on, or the certificate was not accepted.
    #[error("tls with {target}: {message}")]
    Tls {
        /// `database@host:port`
        target: String,
        /// What failed, with a hint where there is one.
        message: String,
    },
    /// The server has no such database (SQLSTATE `3D000`).
    #[error("unknown database at {target}: {message}")]
    UnknownDatabase {
        /// `database@host:port`
        target: String,
        /// The server's message.
        message: String,
    },
    /// The server, the database or the role has no connection left (SQLSTATE `53300`).
    #[error("too many connections at {target}: {message}")]
    TooManyConnections {
        /// `database@host:port`
        target: String,
        /// The server's message.
        message: String,
    },
    /// The server answered with another error: it is starting up, or rejected an option.
    #[error("{target} refused the session: {message}")]
    Refused {
        /// `database@host:port`
        target: String,
        /// The server's message.
        message: String,
        /// The server's SQLSTATE, where it sent one.
        sqlstate: Option<String>,
    },
    /// The server is not what `target_session_attrs` asks for.
    #[error("{target} is not what target_session_attrs={wanted} asks for")]
    WrongServer {
        /// `database@host:port`
        target: String,
        /// The value of `target_session_attrs`.
        wanted: String,
    },
    /// Several hosts were tried, and none gave a session.
    #[error("no host gave a session: {}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    NoHost(Vec<ConnError>),
    /// The pool handed out no session in time; all of them are in use.
    #[error("no pooled session to {target} became free within {} s", .deadline.as_secs_f32())]
    PoolExhausted {
        /// `database@host:port`
        target: String,
        /// How long was waited.
        deadline: Duration,
    },
    /// A pooler between here and the server has no connection of its own left for the session.
    #[error("a connection pooler in front of {target} (PgBouncer) has no server connection free: {message}")]
    PoolerExhausted {
        /// `database@host:port`
        target: String,
        /// What it said, or did not.
        message: String,
    },
    /// Another server answers at the address that the first session had.
    #[error("another server answers at {target}: {because}")]
    AnotherServer {
        /// `database@host:port`
        target: String,
        /// What differs.
        because: String,
    },
    /// The program was interrupted while the session was being opened.
    #[error("interrupted while connecting to {target}")]
    Interrupted {
        /// `database@host:port`
        target: String,
    },
}

impl ConnError {
    /// Whether trying again with the same settings may help: false for wrong settings, credentials and certificates.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Unreachable { .. }
            | Self::Mute { .. }
            | Self::TooManyConnections { .. }
            | Self::PoolerExhausted { .. }
            | Self::PoolExhausted { .. } => true,
            // Starting up, shutting down, recovering, or closing the connection by an administrator's hand.
            Self::Refused { sqlstate, .. } => sqlstate.as_deref().is_some_and(|code| code.starts_with("57P")),
            Self::WrongServer { .. } => true,
            Self::NoHost(tried) => tried.iter().any(Self::is_transient),
            Self::BadConnInfo(_)
            | Self::AuthFailed { .. }
            | Self::Tls { .. }
            | Self::UnknownDatabase { .. }
            | Self::AnotherServer { .. }
            | Self::Interrupted { .. } => false,
        }
    }

    /// The server's SQLSTATE, where that is known.
    pub fn sqlstate(&self) -> Option<&str> {
        match self {
            Self::Refused { sqlstate, .. } | Self::AuthFailed { sqlstate, .. } => sqlstate.as_deref(),
            Self::UnknownDatabase { .. } => Some(SqlState::INVALID_CATALOG_NAME.code()),
            Self::TooManyConnections { .. } => Some(SqlState::TOO_MANY_CONNECTIONS.code()),
            Self::BadConnInfo(_)
            | Self::Unreachable { .. }
            | Self::Mute { .. }
            | Self::Tls { .. }
            | Self::WrongServer { .. }
            | Self::NoHost(_)
            | Self::PoolExhausted { .. }
            | Self::PoolerExhausted { .. }
            | Self::AnotherServer { .. }
            | Self::Interrupted { .. } => None,
        }
    }

    /// Sorts a driver's error from an attempt to open a session.
    pub(super) fn from_driver(error: &postgres::Error, target: &str, user: &str) -> Self {
        let (target, user, message) = (target.to_owned(), user.to_owned(), describe(error));
        if let Some(code) = error.code() {
            return match *code {
                SqlState::INVALID_CATALOG_NAME => Self::UnknownDatabase { target, message },
                SqlState::TOO_MANY_CONNECTIONS => Self::TooManyConnections { target, message },
                // PgBouncer's own words; it has no code for them.
                SqlState::PROTOCOL_VIOLATION
                    if ["query_wait_timeout", "no more connections allowed", "client_login_timeout"]
                        .iter()
                        .any(|words| message.contains(words)) =>
                {
                    Self::PoolerExhausted { target, message }
                }
                ref code if code.code().starts_with("28") => {
                    Self::AuthFailed { target, user, message, sqlstate: Some(code.code().to_owned()) }
                }
                ref code => Self::Refused { target, message, sqlstate: Some(code.code().to_owned()) },
            };
        }
        match error.source().and_then(|source| source.downcast_ref::<DialError>()) {
            Some(DialError::Socket(cause)) => {
                return Self::Unreachable { target, message: format!("error connecting to server: {cause}") };
            }
            // No TLS, and no reason to do without.
            Some(strange @ (DialError::NoAnswer { .. } | DialError::WrongPeer { .. })) => {
                return Self::Unreachable { target, message: strange.to_string() };
            }
            Some(DialError::NoTls | DialError::Handshake(_)) | None => {}
        }
        // The driver's kinds are private; its texts are all there is to go by.
        match error.to_string().as_str() {
            "error performing TLS handshake" => Self::Tls { target, message: with_tls_hint(message) },
            "authentication error" => Self::AuthFailed { target, user, message, sqlstate: None },
            "invalid configuration" if message.contains("password missing") => Self::AuthFailed {
                target,
                user,
                message: "the server asks for a password, and none was given (PGPASSWORD, .pgpass)".to_owned(),
                sqlstate: None,
            },
            "invalid configuration" | "invalid connection string" => Self::BadConnInfo(message),
            _ => Self::Unreachable { target, message },
        }
    }
}

/// What to do about certificates that OpenSSL takes and this TLS library does not, and the usual mistakes.
fn with_tls_hint(message: String) -> String {
    const HINTS: [(&str, &str); 7] = [
        (
            "UnsupportedCertVersion",
            "the server's certificate is X.509 version 1; issue one of version 3, with extensions",
        ),
        (
            "CaUsedAsEndEntity",
            "the server presents a CA's certificate; put that very certificate into sslrootcert, or issue one for the server",
        ),
        ("UnknownIssuer", "no certificate in sslrootcert issued the server's"),
        ("NotValidForName", "its subjectAltName must name the host; the common name does not count"),
        ("not valid for name", "its subjectAltName must name the host; the common name does not count"),
        ("server does not support TLS", "turn ssl on in the server, or use sslmode=prefer or disable"),
        ("CertificateRequired", "the server wants a client certificate: sslcert and sslkey"),
    ];
    match HINTS.iter().find(|(sign, _)| message.contains(sign)) {
        Some((_, hint)) => format!("{message}; hint: {hint}"),
        None => message,
    }
}

/// One line for any error of the driver: the server's message with detail, hint and SQLSTATE, or the chain of causes.
///
/// The driver's own `Display` says no more than `db error`.
pub fn describe(error: &postgres::Error) -> String {
    let text = match error.as_db_error() {
        Some(db) => {
            let mut text = format!("{} (SQLSTATE {})", db.message(), db.code().code());
            for (label, part) in [("detail", db.detail()), ("hint", db.hint()), ("where", db.where_())] {
                if let Some(part) = part {
                    text.push_str("; ");
                    text.push_str(label);
                    text.push_str(": ");
                    text.push_str(part);
                }
            }
            text
        }
        None => {
            let mut text = error.to_string();
            let mut cause = error.source();
            while let Some(next) = cause {
                let line = next.to_string();
                // An io::Error that wraps another repeats its text.
                if !text.ends_with(&line) {
                    text.push_str(": ");
                    text.push_str(&line);
                }
                cause = next.source();
            }
            text
        }
    };
    text.lines().map(str::trim).collect::<Vec<_>>().join(" ")
}
