//! Pooled sessions.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use postgres::SimpleQueryMessage;

use super::connector::Connector;
use super::error::{ConnError, describe};
use super::interrupt::Interrupt;
use super::session::{Session, Setup};

/// How long a check-out waits in one go before it looks whether the server refused for good.
const SLICE: Duration = Duration::from_millis(20);
/// How long an idle session is given to show that it is alive.
const ALIVE: Duration = Duration::from_secs(5);

/// A session on loan; it goes back when dropped.
pub type PooledSession = r2d2::PooledConnection<SessionManager>;

/// The limits of a pool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PoolOptions {
    /// Sessions at most.
    pub max_size: u32,
    /// Sessions kept open though idle.
    pub min_idle: u32,
    /// How long a check-out waits for a session, opening one included.
    pub acquire_timeout: Duration,
    /// An idle session is closed after this.
    pub idle_timeout: Option<Duration>,
    /// Any session is replaced after this.
    pub max_lifetime: Option<Duration>,
}

impl Default for PoolOptions {
    fn default() -> Self {
        Self {
            max_size: 2,
            min_idle: 0,
            acquire_timeout: Duration::from_secs(30),
            idle_timeout: Some(Duration::from_secs(300)),
            max_lifetime: None,
        }
    }
}

/// Sessions that are opened when first needed and checked at every check-out: alive, in no transaction, freshly
/// pinned, holding no advisory lock. Cloning shares the pool.
#[derive(Clone)]
pub struct Pool {
    inner: r2d2::Pool<SessionManager>,
    refusal: Refusal,
    target: String,
    acquire_timeout: Duration,
    interrupt: Option<Interrupt>,
}

/// The last error that trying again will not mend, such as a wrong password. r2d2 would try again and again until its
/// timeout, which can lock an account, and then tell only that time ran out.
type Refusal = Arc<Mutex<Option<ConnError>>>;

impl Pool {
    pub(super) fn new(connector: Connector, options: &PoolOptions) -> Result<Self, ConnError> {
        let PoolOptions { max_size, min_idle, acquire_timeout, idle_timeout, max_lifetime } = *options;
        if max_size == 0 || min_idle > max_size || acquire_timeout.is_zero() {
            return Err(ConnError::BadConnInfo(
                "a pool needs room for a session, no more idle ones than that, and time to open one".to_owned(),
            ));
        }
        if [idle_timeout, max_lifetime].into_iter().flatten().any(|limit| limit.is_zero()) {
            return Err(ConnError::BadConnInfo("a pool's idle time and lifetime are above zero".to_owned()));
        }
        let refusal = Refusal::default();
        let target = connector.info().display_target();
        let interrupt = connector.interrupt().cloned();
        let inner = r2d2::Pool::builder()
            .max_size(max_size)
            .min_idle(Some(min_idle))
            .connection_timeout(acquire_timeout)
            .idle_timeout(idle_timeout)
            .max_lifetime(max_lifetime)
            .test_on_check_out(true)
            .error_handler(Box::new(r2d2::NopErrorHandler))
            // `build` would open every session at once.
            .build_unchecked(SessionManager { connector, refusal: Arc::clone(&refusal) });
        Ok(Self { inner, refusal, target, acquire_timeout, interrupt })
    }

    /// A session, within the acquire timeout. What the server refuses for good is reported at once.
    ///
    /// # Errors
    /// [`ConnError::PoolExhausted`] if none became free, or why none could be opened.
    pub fn get(&self) -> Result<PooledSession, ConnError> {
        let end = Instant::now() + self.acquire_timeout;
        *self.refused() = None;
        loop {
            let left = end.saturating_duration_since(Instant::now());
            match self.inner.get_timeout(left.min(SLICE)) {
                Ok(session) => return Ok(session),
                Err(_) => {
                    if let Some(error) = self.refused().clone()
                        && (!error.is_transient() || left <= SLICE)
                    {
                        return Err(error);
                    }
                    if self.interrupt.as_ref().is_some_and(Interrupt::is_set) {
                        return Err(ConnError::Interrupted { target: self.target.clone() });
                    }
                    if left <= SLICE {
                        return Err(ConnError::PoolExhausted {
                            target: self.target.clone(),
                            deadline: self.acquire_timeout,
                        });
                    }
                }
            }
        }
    }

    /// Sessions that are open now, idle or on loan.
    pub fn open_sessions(&self) -> u32 {
        self.inner.state().connections
    }

    /// Sessions that are open and idle now.
    pub fn idle_sessions(&self) -> u32 {
        self.inner.state().idle_connections
    }

    fn refused(&self) -> std::sync::MutexGuard<'_, Option<ConnError>> {
        self.refusal.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool").field("target", &self.target).field("state", &self.inner.state()).finish_non_exhaustive()
    }
}

/// Opens and checks the sessions of a [`Pool`].
#[derive(Debug)]
pub struct SessionManager {
    connector: Connector,
    refusal: Refusal,
}

impl r2d2::ManageConnection for SessionManager {
    type Connection = Session;
    type Error = ConnError;

    fn connect(&self) -> Result<Session, ConnError> {
        let mut refusal = self.refusal.lock().unwrap_or_else(PoisonError::into_inner);
        // Not before somebody asks for a session again.
        if let Some(error) = refusal.as_ref().filter(|error| !error.is_transient()) {
            return Err(error.clone());
        }
        *refusal = None;
        drop(refusal);
        self.connector.connect(self.connector.default_deadline()).inspect_err(|error| {
            *self.refusal.lock().unwrap_or_else(PoisonError::into_inner) = Some(error.clone());
        })
    }

    fn is_valid(&self, session: &mut Session) -> Result<(), ConnError> {
        let target = session.target();
        let broken =
            |error: postgres::Error| ConnError::Unreachable { target: target.clone(), message: describe(&error) };
        session.client().is_valid(ALIVE).map_err(broken)?;
        let Setup::Sql(setup) = self.connector.setup() else { return Ok(()) };
        // Not DISCARD ALL: it would also forget the statements that the driver has prepared for itself. In the first
        // statement of a transaction now() and statement_timestamp() are the same instant: if they differ, somebody
        // left a transaction open, and the session is thrown away.
        let reset = format!(
            "/* pgstrata session */ SELECT pg_catalog.now() = pg_catalog.statement_timestamp(); \
             RESET SESSION AUTHORIZATION; RESET ALL; CLOSE ALL; UNLISTEN *; SELECT pg_catalog.pg_advisory_unlock_all(); \
             {setup}"
        );
        let answer = session.client().simple_query(&reset).map_err(broken)?;
        let mut rows = answer.iter().filter_map(|message| {
            if let SimpleQueryMessage::Row(row) = message { Some(row.get(0) == Some("t")) } else { None }
        });
        match rows.next() {
            Some(true) => Ok(()),
            Some(false) | None => {
                Err(ConnError::Unreachable { target, message: "the session was left in a transaction".to_owned() })
            }
        }
    }

    fn has_broken(&self, session: &mut Session) -> bool {
        session.is_closed() || session.is_spent()
    }
}
