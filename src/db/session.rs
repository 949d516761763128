//! One pinned session.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::{Deref, DerefMut};
use std::sync::Arc;

use postgres::{Client, SimpleQueryMessage};

use super::cancel::CancelHandle;
use super::connector::Connector;
use super::conninfo::Host;
use super::error::describe;
use crate::sql::Ident;

/// The comment that begins every statement of ours that only keeps a session in shape; server logs can be filtered by it.
pub(super) const COMMENT: &str = "/* pgstrata session */";

/// What pins a session, as one simple query: it works as who connected, not as a role that was set for that one; the text of bounds and expressions then depends on no user's settings,
/// names resolve to what they say, and a policy of row security raises an error instead of hiding rows.
pub fn session_setup_sql() -> &'static str {
    "/* pgstrata session */ \
     SET ROLE NONE; \
     SET TimeZone = 'UTC'; \
     SET DateStyle = 'ISO, YMD'; \
     SET IntervalStyle = 'postgres'; \
     SET search_path = pg_catalog, pg_temp; \
     SET row_security = off; \
     SET standard_conforming_strings = on; \
     SET default_tablespace = ''; \
     SET extra_float_digits = 1"
}

/// How a new session is prepared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Setup {
    /// By [`session_setup_sql`], or a statement list of the caller's.
    Sql(String),
    /// Not at all: for servers that are not PostgreSQL, such as PgBouncer's admin console.
    Bare,
}

/// An open session: the driver's client, with what the rest of pgstrata needs to know about the server end.
///
/// It dereferences to [`postgres::Client`].
pub struct Session {
    client: Client,
    cancel: CancelHandle,
    host: Host,
    dbname: String,
    encrypted: bool,
    state: ServerState,
    pooler: Option<Box<Connector>>,
    spent: bool,
    owners: Arc<BTreeMap<Ident, Connector>>,
}

/// What the server says at the start of a session.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct ServerState {
    pub(super) backend_pid: i32,
    pub(super) in_recovery: bool,
    pub(super) read_only: bool,
}

impl Session {
    pub(super) fn new(client: Client, cancel: CancelHandle, host: Host, dbname: String, encrypted: bool) -> Self {
        Self {
            client,
            cancel,
            host,
            dbname,
            encrypted,
            state: ServerState::default(),
            pooler: None,
            spent: false,
            owners: Arc::default(),
        }
    }

    /// The process id of the server's backend; 0 in a session opened by [`Connector::bare`](super::Connector::bare).
    pub fn backend_pid(&self) -> i32 {
        self.state.backend_pid
    }

    /// Whether the server was in recovery (a standby) when the session began.
    pub fn in_recovery(&self) -> bool {
        self.state.in_recovery
    }

    /// Whether the connection is encrypted.
    pub fn is_encrypted(&self) -> bool {
        self.encrypted
    }

    /// The server that this session is with.
    pub fn host(&self) -> &Host {
        &self.host
    }

    /// `database@host:port`
    pub fn target(&self) -> String {
        format!("{}@{}", self.dbname, self.host)
    }

    /// The admin console of the pooler in front of this server, where [`Connector::with_pooler`] named one.
    pub fn pooler(&self) -> Option<&Connector> {
        self.pooler.as_deref()
    }

    pub(super) fn with_pooler(mut self, pooler: Option<&Connector>) -> Self {
        self.pooler = pooler.cloned().map(Box::new);
        self
    }

    /// The logins of owners, where [`Connector::with_owners`] named some.
    pub fn owners(&self) -> Arc<BTreeMap<Ident, Connector>> {
        Arc::clone(&self.owners)
    }

    pub(super) fn with_owners(mut self, owners: &Arc<BTreeMap<Ident, Connector>>) -> Self {
        self.owners = Arc::clone(owners);
        self
    }

    /// The means to cancel what this session runs, from another thread.
    pub fn cancel_handle(&self) -> CancelHandle {
        self.cancel.clone()
    }

    /// The driver's client.
    pub fn client(&mut self) -> &mut Client {
        &mut self.client
    }

    /// Not to be used again, by a pool or otherwise: code of somebody else ran in it and may have left something behind.
    pub fn spend(&mut self) {
        self.spent = true;
    }

    /// Whether it is not to be used again.
    pub fn is_spent(&self) -> bool {
        self.spent
    }

    pub(super) fn state(&self) -> ServerState {
        self.state
    }

    /// Runs the setup and learns the server's state in the same round trip.
    pub(super) fn set_up(&mut self, setup: &Setup) -> Result<(), postgres::Error> {
        let Setup::Sql(sql) = setup else { return Ok(()) };
        let comment = if sql.starts_with(COMMENT) { String::new() } else { format!("{COMMENT} ") };
        let sql = format!(
            "{comment}{sql}; SELECT pg_catalog.pg_backend_pid(), pg_catalog.pg_is_in_recovery(), \
             pg_catalog.current_setting('transaction_read_only')"
        );
        for message in self.client.simple_query(&sql)? {
            if let SimpleQueryMessage::Row(row) = message {
                self.state = ServerState {
                    backend_pid: row.get(0).and_then(|pid| pid.parse().ok()).unwrap_or_default(),
                    in_recovery: row.get(1) == Some("t"),
                    read_only: row.get(2) == Some("on"),
                };
            }
        }
        Ok(())
    }

    /// Lets a cancel request that is still under way hit a statement that does not matter.
    ///
    /// The server acts on a request when it arrives, whatever the session runs by then. Call this after a statement
    /// ended because of an [`Interrupt`](super::Interrupt), before one that must not be cancelled, such as
    /// `DETACH … FINALIZE`. It takes a tenth of a second.
    ///
    /// # Errors
    /// Any error but the cancellation itself, in one line.
    pub fn absorb_cancel(&mut self) -> Result<(), String> {
        match self.client.simple_query("/* pgstrata session */ SELECT pg_catalog.pg_sleep(0.1)") {
            Ok(_) => Ok(()),
            Err(error) if error.code() == Some(&postgres::error::SqlState::QUERY_CANCELED) => Ok(()),
            Err(error) => Err(describe(&error)),
        }
    }
}

impl Deref for Session {
    type Target = Client;

    fn deref(&self) -> &Client {
        &self.client
    }
}

impl DerefMut for Session {
    fn deref_mut(&mut self) -> &mut Client {
        &mut self.client
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session")
            .field("target", &self.target())
            .field("encrypted", &self.encrypted)
            .field("state", &self.state)
            .finish_non_exhaustive()
    }
}
