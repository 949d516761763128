//! One pinned session.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::{Deref, DerefMut};
use std::sync::Arc;
use std::time::Duration;

use postgres::{Client, SimpleQueryMessage, SimpleQueryRow};

use super::cancel::CancelHandle;
use super::connector::Connector;
use super::conninfo::Host;
use super::error::describe;
use super::line::{ANSWER, Patience};
use crate::pg::Ident;

/// The comment that begins every statement of ours that only keeps a session in shape; server logs can be filtered by it.
pub(super) const COMMENT: &str = "/* pgstrata session */";

/// What plan and apply rely on, whatever the role, the database or the client's environment set for a session: the text of
/// bounds and expressions, what names and literals mean, where new objects lie, and that a policy of row security raises
/// an error instead of hiding rows.
macro_rules! pins {
    ($set:literal) => {
        concat!(
            // As who connected, not as a role that was set for that one.
            $set,
            " ROLE NONE; ",
            $set,
            " TimeZone = 'UTC'; ",
            $set,
            " DateStyle = 'ISO, YMD'; ",
            $set,
            " IntervalStyle = 'postgres'; ",
            $set,
            " search_path = pg_catalog, pg_temp; ",
            $set,
            " row_security = off; ",
            $set,
            " standard_conforming_strings = on; ",
            $set,
            " transform_null_equals = off; ",
            $set,
            " quote_all_identifiers = off; ",
            $set,
            " bytea_output = 'hex'; ",
            $set,
            " extra_float_digits = 1; ",
            $set,
            " default_tablespace = ''",
        )
    };
}

/// What pins a session, as one simple query.
pub fn session_setup_sql() -> &'static str {
    concat!(
        "/* pgstrata session */ ",
        pins!("SET"),
        // A unit looks again behind its lock: under another isolation it would see what was before it.
        "; SET default_transaction_isolation = 'read committed'; \
         SET default_transaction_deferrable = off; ",
        // Compiling what a unit asks of the catalog takes longer than the answer: seconds, with locks held.
        "SET jit = off; ",
        // A session whose client is gone without a word holds the run lock until the server notices.
        "SET tcp_keepalives_idle = 10; SET tcp_keepalives_interval = 3; SET tcp_keepalives_count = 3; ",
        // 17 and later: a build of hours is one transaction after the other, each with its own timeouts.
        "SELECT pg_catalog.set_config('transaction_timeout', '0', false) \
         WHERE pg_catalog.current_setting('server_version_num')::int >= 170000"
    )
}

/// The same within a transaction, which leaves nothing of it behind: a pooler may give the session to somebody else next.
/// The transaction is not over before its reader is; one that a lost client left open is, after a while.
#[cfg(feature = "planner")]
pub(crate) fn transaction_pins_sql() -> &'static str {
    concat!(
        pins!("SET LOCAL"),
        "; SET LOCAL idle_in_transaction_session_timeout = '35s'; SET LOCAL tcp_user_timeout = '35s'; \
         SELECT pg_catalog.set_config('transaction_timeout', '0', true) \
         WHERE pg_catalog.current_setting('server_version_num')::int >= 170000"
    )
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
    patience: Patience,
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

/// Which server a session is with, and since when that has been running.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// Drawn when the cluster was made; a promoted copy has its primary's. `None` where the role may not read it.
    system_identifier: Option<String>,
    /// The postmaster's start, as text.
    started: String,
}

impl Identity {
    /// Why the other one is not the same server, if it is not.
    pub(super) fn differs(&self, other: &Self, restarted_too: bool) -> Option<String> {
        // An owner's login may not read what the session may.
        if let (Some(own), Some(others)) = (&self.system_identifier, &other.system_identifier)
            && own != others
        {
            return Some(format!("its system identifier is {others}, the first session's {own}"));
        }
        (restarted_too && self.started != other.started)
            .then(|| format!("it has been running since {}, the first session's since {}", other.started, self.started))
    }
}

impl Session {
    /// Asks which server this is.
    ///
    /// # Errors
    /// The driver's, when the session is lost.
    pub fn identity(&mut self) -> Result<Identity, postgres::Error> {
        let rows = self.rows(
            "/* pgstrata session */ SELECT pg_catalog.pg_postmaster_start_time(), \
             pg_catalog.has_function_privilege('pg_catalog.pg_control_system()', 'EXECUTE')",
        )?;
        let started = rows.first().and_then(|row| row.get(0)).unwrap_or_default().to_owned();
        // A function that may not be executed fails a query even where it is not reached.
        let may = rows.first().and_then(|row| row.get(1)) == Some("t");
        let system_identifier = if may {
            let sql = "/* pgstrata session */ SELECT system_identifier FROM pg_catalog.pg_control_system()";
            self.rows(sql)?.first().and_then(|row| row.get(0)).map(str::to_owned)
        } else {
            None
        };
        Ok(Identity { system_identifier, started })
    }

    fn rows(&mut self, sql: &str) -> Result<Vec<SimpleQueryRow>, postgres::Error> {
        let rows = self.client.simple_query(sql)?.into_iter();
        Ok(rows
            .filter_map(|message| if let SimpleQueryMessage::Row(row) = message { Some(row) } else { None })
            .collect())
    }

    pub(super) fn new(
        client: Client,
        (cancel, patience): (CancelHandle, Patience),
        host: Host,
        dbname: String,
        encrypted: bool,
    ) -> Self {
        Self {
            client,
            cancel,
            patience,
            host,
            dbname,
            encrypted,
            state: ServerState::default(),
            pooler: None,
            spent: false,
            owners: Arc::default(),
        }
    }

    /// Waits no longer than this for each answer; `None` waits as long as it takes. A new session waits 35 seconds.
    ///
    /// Where no answer comes in time the session is over, and the server's end of it is left to the server's own timeouts:
    /// a network that swallows an answer is no reason to hold a lock, nor whoever started us.
    pub fn wait_at_most(&mut self, limit: Option<Duration>) {
        self.patience.set_limit(limit);
    }

    /// Waits as long for each answer as a new session does.
    pub fn wait_as_usual(&mut self) {
        self.patience.set_limit(Some(ANSWER));
    }

    /// Whether it is over because the server did not answer.
    pub fn is_given_up(&self) -> bool {
        self.patience.is_given_up()
    }

    pub(super) fn patience(&self) -> &Patience {
        &self.patience
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
        // The last row: the setup's own statements may give some.
        for message in self.client.simple_query(&sql)?.into_iter().rev() {
            if let SimpleQueryMessage::Row(row) = message {
                self.state = ServerState {
                    backend_pid: row.get(0).and_then(|pid| pid.parse().ok()).unwrap_or_default(),
                    in_recovery: row.get(1) == Some("t"),
                    read_only: row.get(2) == Some("on"),
                };
                break;
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
