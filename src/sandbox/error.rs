//! What can go wrong between looking for a server and a sandbox that accepts connections.

use std::fmt::Write as _;
use std::io;
use std::path::PathBuf;

/// A place where a server was looked for, and why it was not taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The folder, as looked at.
    pub dir: PathBuf,
    /// Where the folder came from: `PATH`, `pg_config`, a packager's name.
    pub source: &'static str,
    /// Why it was not taken.
    pub because: String,
}

/// Why there is no sandbox.
#[derive(Debug, thiserror::Error)]
pub enum SandboxError {
    /// No usable server among the places looked at.
    #[error("no PostgreSQL server found; looked at:\n{}\n{NEXT}", places(.0))]
    NotFound(Vec<Place>),
    /// A folder was named, and it holds no usable server.
    #[error("no usable PostgreSQL server in {}: {because}", .dir.display())]
    Unusable {
        /// The folder named.
        dir: PathBuf,
        /// What is wrong with it.
        because: String,
    },
    /// Started by root, and there is nobody else to run the server as.
    #[error("started as root, and /etc/passwd has no user postgres, _postgres or nobody to run the server as")]
    NoUser,
    /// `initdb` or the server ended before it was ready.
    #[error("{step} ended with status {status}; the end of its log:\n{log}")]
    Ended {
        /// The program: `initdb` or `postgres`.
        step: &'static str,
        /// Its exit status, as a shell gives it.
        status: i32,
        /// The last lines of the log.
        log: String,
    },
    /// The watching shell ended, or a step took longer than a minute.
    #[error("{step} gave no answer; the end of its log:\n{log}")]
    Silent {
        /// The step waited for.
        step: &'static str,
        /// The last lines of the log.
        log: String,
    },
    /// The server runs, and a statement or connection failed.
    #[error("{step}: {}", postgres_error(.source))]
    Sql {
        /// What was being done.
        step: String,
        /// The driver's error.
        #[source]
        source: postgres::Error,
    },
    /// A file or process operation failed.
    #[error("{step}: {source}")]
    Io {
        /// What was being done.
        step: String,
        /// The operating system's error.
        #[source]
        source: io::Error,
    },
}

const NEXT: &str = "install one (Debian: apt-get install postgresql), or in a checkout run `tests/get-postgres 18` and \
                    set PGSTRATA_PG_BIN to the bin folder it prints (`make demo` and `make test` do both)";

impl SandboxError {
    pub(super) fn io(step: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        let step = step.into();
        move |source| Self::Io { step, source }
    }

    pub(super) fn sql(step: impl Into<String>) -> impl FnOnce(postgres::Error) -> Self {
        let step = step.into();
        move |source| Self::Sql { step, source }
    }
}

fn places(places: &[Place]) -> String {
    let mut text = String::new();
    for Place { dir, source, because } in places {
        let _ = writeln!(text, "  {} ({source}): {because}", dir.display());
    }
    text.truncate(text.trim_end().len());
    text
}

/// The driver's own text for a server's error is "db error".
fn postgres_error(error: &postgres::Error) -> String {
    match error.as_db_error() {
        Some(db) => db.message().to_owned(),
        None => std::error::Error::source(error).map_or_else(|| error.to_string(), |cause| format!("{error}: {cause}")),
    }
}
