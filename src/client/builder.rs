//! A client and what it is made of.

use std::panic::Location;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use postgres::Row;

use super::cache::{Cache, CacheOptions};
use super::conn::{Conn, at_most_one, one};
use super::counters::Stats;
use super::error::Error;
use super::health::HealthOptions;
use super::limits::ClientLimits;
use super::observer::{Event, Observer};
use super::options::PoolOptions;
use super::pool::{Inner, Seen};
use super::query::Query;
use super::trace;
use super::transaction::{Tx, TxOptions, pause};
use crate::db::{ConnError, Connector, Env, resolve};

/// What a transaction is known by afterwards: its number, and whose number that is.
const MARK: &str = "SELECT pg_catalog.pg_current_xact_id_if_assigned()::text::bigint, s.system_identifier, c.timeline_id \
    FROM pg_catalog.pg_control_system() AS s CROSS JOIN pg_catalog.pg_control_checkpoint() AS c";

const WHAT_BECAME: &str = "SELECT pg_catalog.pg_xact_status($1::text::xid8), s.system_identifier, c.timeline_id \
    FROM pg_catalog.pg_control_system() AS s CROSS JOIN pg_catalog.pg_control_checkpoint() AS c";

struct Mark {
    /// `None` where it wrote nothing.
    xid: Option<i64>,
    system: i64,
    timeline: i32,
}

impl Mark {
    fn read(row: &Row) -> Result<Self, Error> {
        Ok(Self { xid: row.try_get(0)?, system: row.try_get(1)?, timeline: row.try_get(2)? })
    }
}

/// Pooled sessions of one database; cloning shares them. See the [module](super) for an example.
#[derive(Clone)]
pub struct Client {
    pub(super) inner: Arc<Inner>,
    pub(super) cache: Arc<Cache>,
}

/// What a [`Client`] is to be.
pub struct ClientBuilder {
    conninfo: String,
    env: Option<Env>,
    application_name: Option<String>,
    pool: PoolOptions,
    cache: CacheOptions,
    health: HealthOptions,
    slow: Option<Duration>,
    observer: Option<Arc<dyn Observer>>,
}

impl Client {
    /// A client for what a connection string says, by libpq's rules: `PG…` variables, service and password files fill in
    /// what it leaves out.
    pub fn builder(conninfo: impl Into<String>) -> ClientBuilder {
        ClientBuilder {
            conninfo: conninfo.into(),
            env: None,
            application_name: None,
            pool: PoolOptions::default(),
            cache: CacheOptions::default(),
            health: HealthOptions::default(),
            slow: None,
            observer: None,
        }
    }

    /// Takes a session and gives it back, to fail at the start of a program and in the server's own words.
    ///
    /// # Errors
    /// [`Error::Refused`], [`Error::Unreachable`].
    #[track_caller]
    pub fn connect_now(&self) -> Result<(), Error> {
        self.conn().map(drop)
    }

    /// A session on loan.
    ///
    /// # Errors
    /// [`Error::Exhausted`], [`Error::WouldDeadlock`], [`Error::Refused`], [`Error::Unreachable`], [`Error::Closed`].
    #[track_caller]
    pub fn conn(&self) -> Result<Conn, Error> {
        self.inner.take(Location::caller()).map(Conn::lent)
    }

    /// All rows of a query, each through a function.
    ///
    /// # Errors
    /// As [`conn`](Self::conn) and [`Conn::query`].
    #[track_caller]
    pub fn query<T>(&self, query: &Query<'_>, read: impl FnMut(&Row) -> Result<T, Error>) -> Result<Vec<T>, Error> {
        self.rows(query, Location::caller())?.iter().map(read).collect()
    }

    pub(super) fn rows(&self, query: &Query<'_>, site: &'static Location<'static>) -> Result<Vec<Row>, Error> {
        let mut conn = self.inner.take(site)?;
        match conn.rows(query) {
            Err(lost) if lost.is_lost() && query.is_read_only() => {
                self.retries(&lost);
                drop(conn);
                self.inner.take(site)?.rows(query)
            }
            rows => rows,
        }
    }

    /// The one row of a query.
    ///
    /// # Errors
    /// As [`query`](Self::query), and [`Error::RowCount`] where there are more or none.
    #[track_caller]
    pub fn query_one<T>(&self, query: &Query<'_>, read: impl FnMut(&Row) -> Result<T, Error>) -> Result<T, Error> {
        one(self.query(query, read)?)
    }

    /// The row of a query, if there is one.
    ///
    /// # Errors
    /// As [`query`](Self::query), and [`Error::RowCount`] where there are more.
    #[track_caller]
    pub fn query_opt<T>(
        &self,
        query: &Query<'_>,
        read: impl FnMut(&Row) -> Result<T, Error>,
    ) -> Result<Option<T>, Error> {
        at_most_one(self.query(query, read)?)
    }

    /// Runs a statement; gives the number of rows that it wrote. It is never tried again.
    ///
    /// # Errors
    /// As [`conn`](Self::conn) and [`Conn::execute`].
    #[track_caller]
    pub fn execute(&self, query: &Query<'_>) -> Result<u64, Error> {
        self.inner.take(Location::caller())?.execute(query)
    }

    /// Runs a closure in a transaction: committed where it gives `Ok`, rolled back where it gives `Err` or panics.
    ///
    /// # Errors
    /// The closure's; [`Error::CommitUnknown`] where the session was lost between COMMIT and its answer.
    #[track_caller]
    pub fn transaction<T>(
        &self,
        options: &TxOptions,
        work: impl FnMut(&mut Tx<'_>) -> Result<T, Error>,
    ) -> Result<T, Error> {
        self.transaction_at(options, work, Location::caller())
    }

    pub(super) fn transaction_at<T>(
        &self,
        options: &TxOptions,
        mut work: impl FnMut(&mut Tx<'_>) -> Result<T, Error>,
        site: &'static Location<'static>,
    ) -> Result<T, Error> {
        let _span = trace::transaction();
        let mut tries = 0;
        loop {
            let mut writes = Vec::new();
            let done = self.attempt(options, &mut work, &mut writes, site);
            // Not before COMMIT: who loads meanwhile would keep what was before it. But also where it may have happened.
            if matches!(done, Ok(_) | Err(Error::CommitUnknown { .. })) {
                writes.iter().for_each(|tag| self.cache.invalidate(tag));
            }
            match done {
                Err(Error::Server(error)) if error.may_pass() && options.retries_left(tries) => {
                    self.retries(&Error::Server(error));
                    thread::sleep(pause(tries));
                    tries += 1;
                }
                done => return done,
            }
        }
    }

    fn attempt<T>(
        &self,
        options: &TxOptions,
        work: &mut impl FnMut(&mut Tx<'_>) -> Result<T, Error>,
        writes: &mut Vec<String>,
        site: &'static Location<'static>,
    ) -> Result<T, Error> {
        let mut conn = self.inner.take(site)?;
        // Until it is over: a panic must not leave it open.
        conn.set_touched(true)?;
        conn.batch(&options.begin())?;
        let done = match work(&mut Tx::new(&mut conn, writes)) {
            Ok(done) => done,
            Err(error) => {
                // What fails here is reset, or closed, by the pool.
                if conn.batch("ROLLBACK").is_ok() {
                    conn.set_touched(false)?;
                }
                return Err(error);
            }
        };
        let mark = if options.resolves() { Some(conn.query_one(&Query::new(MARK), Mark::read)?) } else { None };
        // A COMMIT of what has failed says ROLLBACK, and nothing of an error: the statement before it does.
        match conn.batch("SELECT; COMMIT") {
            Ok(()) => {
                conn.set_touched(false)?;
                Ok(done)
            }
            Err(error) if error.is_lost() => {
                drop(conn);
                match mark {
                    Some(mark) => self.what_became(&mark, &error, site).and_then(|committed| match committed {
                        true => Ok(done),
                        false => Err(Error::Unreachable(format!("rolled back: {error}"))),
                    }),
                    None => Err(Error::CommitUnknown { xid: None, because: error.to_string() }),
                }
            }
            Err(error) => {
                if conn.batch("ROLLBACK").is_ok() {
                    conn.set_touched(false)?;
                }
                Err(error)
            }
        }
    }

    /// Whether a transaction was committed, from another session of the same server.
    fn what_became(&self, mark: &Mark, lost: &Error, site: &'static Location<'static>) -> Result<bool, Error> {
        // It wrote nothing: there is nothing that could have happened or not.
        let Some(xid) = mark.xid else { return Ok(true) };
        let unknown = || Error::CommitUnknown { xid: Some(xid.cast_unsigned()), because: lost.to_string() };
        let asked = Query::new(WHAT_BECAME).bind(xid);
        let end = Instant::now() + self.inner.shared.options.acquire_timeout;
        loop {
            let mut conn = self.inner.take(site).map_err(|_| unknown())?;
            let found = conn
                .query_one(&asked, |row| Ok((row.try_get::<_, Option<String>>(0)?, row.try_get(1)?, row.try_get(2)?)));
            drop(conn);
            let (status, system, timeline): (_, i64, i32) = found.map_err(|_| unknown())?;
            // Another server counts its own transactions; one that was promoted may never have heard of this one.
            if (system, timeline) != (mark.system, mark.timeline) {
                return Err(unknown());
            }
            match status.as_deref() {
                Some("committed") => return Ok(true),
                Some("aborted") => return Ok(false),
                // The server has not noticed yet that its client is gone.
                Some("in progress") if Instant::now() < end => thread::sleep(Duration::from_millis(20)),
                Some(_) | None => return Err(unknown()),
            }
        }
    }

    /// What it did so far, and has now.
    pub fn stats(&self) -> Stats {
        self.inner.stats(&self.cache)
    }

    /// Refuses new calls with [`Error::Closed`], waits for the sessions in use and closes what is idle. Gives whether all
    /// came back in time; those that did not are closed when they do.
    pub fn shutdown(&self, timeout: Duration) -> bool {
        self.inner.shut_down(timeout)
    }

    pub(super) fn retries(&self, because: &Error) {
        self.inner.shared.counters.retried.one_more();
        self.inner.shared.tell(&Event::Retried { because: &because.to_string() });
    }
}

impl ClientBuilder {
    /// The environment to fill in from, instead of the process's own.
    #[must_use]
    pub fn env(mut self, env: Env) -> Self {
        self.env = Some(env);
        self
    }

    /// What sessions are called in `pg_stat_activity`; the program's name by default.
    #[must_use]
    pub fn application_name(mut self, name: impl Into<String>) -> Self {
        self.application_name = Some(name.into());
        self
    }

    /// The limits of its pool.
    #[must_use]
    pub fn pool(mut self, options: PoolOptions) -> Self {
        self.pool = options;
        self
    }

    /// The limits of its cache.
    #[must_use]
    pub fn cache(mut self, options: CacheOptions) -> Self {
        self.cache = options;
        self
    }

    /// From when on it is not [well](Client::health).
    #[must_use]
    pub fn health(mut self, options: HealthOptions) -> Self {
        self.health = options;
        self
    }

    /// Limits from outside the program, over what [`pool`](Self::pool) and [`cache`](Self::cache) were given before.
    #[must_use]
    pub fn limits(mut self, limits: &ClientLimits) -> Self {
        self.pool = limits.pool(self.pool);
        self.cache = limits.cache(self.cache);
        self
    }

    /// Statements that take longer are told to the observer.
    #[must_use]
    pub fn slow_query(mut self, longer_than: Duration) -> Self {
        self.slow = Some(longer_than);
        self
    }

    /// Who is told what happens.
    #[must_use]
    pub fn observer(mut self, observer: Arc<dyn Observer>) -> Self {
        self.observer = Some(observer);
        self
    }

    /// The client. It opens nothing.
    ///
    /// # Errors
    /// [`Error::Invalid`], with the name of the option.
    pub fn build(self) -> Result<Client, Error> {
        let Self { conninfo, env, application_name, pool, cache, health, slow, observer } = self;
        pool.check()?;
        cache.check()?;
        health.check()?;
        let env = env.unwrap_or_else(Env::of_process);
        let invalid = |error: ConnError| Error::Invalid { field: "conninfo", because: error.to_string() };
        let info = resolve(Some(&conninfo), &env).map_err(invalid)?;
        let name = application_name.unwrap_or_else(|| {
            let program = std::env::current_exe().ok();
            let name = program.as_deref().and_then(|path| path.file_name()).and_then(|name| name.to_str());
            name.unwrap_or("pgstrata").to_owned()
        });
        // Its sessions are as the server makes them: what they mean is the application's affair.
        let connector = Connector::new(info, &name).map_err(invalid)?.with_setup("");
        let seen = Seen { slow, observer, health, min_hit_ratio: cache.min_hit_ratio };
        Ok(Client { inner: Inner::new(connector, pool, seen)?, cache: Arc::new(Cache::new(cache)) })
    }
}
