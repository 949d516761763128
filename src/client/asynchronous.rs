//! The client's calls for programs that run on tokio.

use std::future::Future;
use std::panic::{Location, resume_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

use postgres::Row;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::spawn_blocking;
use tokio::time::timeout;

use super::builder::Client;
use super::cache::{Cached, Look, Tag};
use super::conn::{at_most_one, one};
use super::counters::Stats;
use super::error::Error;
use super::health::Health;
use super::pool::blocking_after;
use super::query::Query;
use super::reads::Given;
use super::transaction::{Tx, TxOptions};

/// A [`Client`] for tasks of a tokio runtime, whose timers must be on: its calls run on the runtime's blocking threads, as
/// many at once as there may be sessions. A cached result that is there takes no thread.
///
/// A future that is dropped before its call has a thread does nothing. After that the call goes on to its end, gives its
/// session back, and commits what it was to commit.
///
/// ```no_run
/// use pgstrata::client::{AsyncClient, Client, Error, Query, TxOptions};
///
/// # async fn of() -> Result<(), Error> {
/// let db = AsyncClient::new(Client::builder("service=audit").build()?);
/// let query = Query::new("SELECT action FROM audit.audit_log WHERE actor_id = $1").bind(42_i64).reads("audit.audit_log");
/// let actions = db.cached(query, |row| Ok(row.try_get::<_, String>(0)?)).await?;
///
/// db.transaction(&TxOptions::serializable().retries(5), |tx| {
///     tx.writes("audit.audit_log");
///     tx.execute(&Query::new("INSERT INTO audit.audit_log (actor_id, action) VALUES ($1, $2)").bind(42_i64).bind("login"))
/// })
/// .await?;
/// # drop(actions);
/// # Ok(())
/// # }
/// ```
///
/// Each call takes a thread for as long as it lasts: a program that is asynchronous throughout and needs neither the cache
/// nor what else is here is better served by `deadpool-postgres`.
#[derive(Clone)]
pub struct AsyncClient {
    client: Client,
    /// No more threads than sessions: the others would only wait for those.
    places: Arc<Semaphore>,
}

impl From<Client> for AsyncClient {
    fn from(client: Client) -> Self {
        Self::new(client)
    }
}

impl AsyncClient {
    /// The same sessions and the same cache, for tasks.
    pub fn new(client: Client) -> Self {
        let max = usize::try_from(client.inner.shared.options.max).unwrap_or(usize::MAX);
        Self { client, places: Arc::new(Semaphore::new(max.min(Semaphore::MAX_PERMITS))) }
    }

    /// The client itself, for threads that may block.
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// As [`Client::connect_now`].
    ///
    /// # Errors
    /// As there.
    #[track_caller]
    pub fn connect_now(&self) -> impl Future<Output = Result<(), Error>> + Send {
        let site = Location::caller();
        self.call(move |client| client.inner.take(site).map(drop))
    }

    /// Runs a function on a thread that may block: for [`Client::conn`], and for calls that belong together.
    ///
    /// # Errors
    /// The function's; [`Error::Exhausted`] where no thread became free within
    /// [`PoolOptions::acquire_timeout`](super::PoolOptions::acquire_timeout).
    pub fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Client) -> Result<T, Error> + Send + 'static,
    ) -> impl Future<Output = Result<T, Error>> + Send {
        self.call(work)
    }

    /// As [`Client::query`].
    ///
    /// # Errors
    /// As there.
    #[track_caller]
    pub fn query<T: Send + 'static>(
        &self,
        query: impl Into<Arc<Query<'static>>>,
        read: impl FnMut(&Row) -> Result<T, Error> + Send + 'static,
    ) -> impl Future<Output = Result<Vec<T>, Error>> + Send {
        let (query, site) = (query.into(), Location::caller());
        self.call(move |client| client.rows(&query, site)?.iter().map(read).collect())
    }

    /// As [`Client::query_one`].
    ///
    /// # Errors
    /// As there.
    #[track_caller]
    pub fn query_one<T: Send + 'static>(
        &self,
        query: impl Into<Arc<Query<'static>>>,
        read: impl FnMut(&Row) -> Result<T, Error> + Send + 'static,
    ) -> impl Future<Output = Result<T, Error>> + Send {
        let rows = self.query(query, read);
        async { one(rows.await?) }
    }

    /// As [`Client::query_opt`].
    ///
    /// # Errors
    /// As there.
    #[track_caller]
    pub fn query_opt<T: Send + 'static>(
        &self,
        query: impl Into<Arc<Query<'static>>>,
        read: impl FnMut(&Row) -> Result<T, Error> + Send + 'static,
    ) -> impl Future<Output = Result<Option<T>, Error>> + Send {
        let rows = self.query(query, read);
        async { at_most_one(rows.await?) }
    }

    /// As [`Client::execute`].
    ///
    /// # Errors
    /// As there.
    #[track_caller]
    pub fn execute(&self, query: impl Into<Arc<Query<'static>>>) -> impl Future<Output = Result<u64, Error>> + Send {
        let (query, site) = (query.into(), Location::caller());
        self.call(move |client| client.inner.take(site)?.execute(&query))
    }

    /// As [`Client::transaction`]; the closure runs on a thread that may block, and what it calls is synchronous.
    ///
    /// # Errors
    /// As there.
    #[track_caller]
    pub fn transaction<T: Send + 'static>(
        &self,
        options: &TxOptions,
        work: impl FnMut(&mut Tx<'_>) -> Result<T, Error> + Send + 'static,
    ) -> impl Future<Output = Result<T, Error>> + Send {
        let (options, site) = (options.clone(), Location::caller());
        self.call(move |client| client.transaction_at(&options, work, site))
    }

    /// As [`Client::cached`]. Tasks that wait for the same result take no thread.
    ///
    /// # Errors
    /// As there.
    #[track_caller]
    pub fn cached<T, F>(
        &self,
        query: impl Into<Arc<Query<'static>>>,
        read: F,
    ) -> impl Future<Output = Result<Cached<T>, Error>> + Send
    where
        T: Send + Sync + 'static,
        F: Fn(&Row) -> Result<T, Error> + Copy + Send + 'static,
    {
        const { assert!(size_of::<F>() == 0, "what reads a cached row captures nothing") };
        let (query, site) = (query.into(), Location::caller());
        async move {
            let (cache, begun) = (&self.client.cache, Instant::now());
            let asked = self.client.asked::<F>(&query)?;
            let load = loop {
                let found = match cache.look(&asked.key, &asked.wanted) {
                    Look::Found(found) => Some(found),
                    Look::Wait(flight) => {
                        let left = cache.options.wait.saturating_sub(begun.elapsed());
                        match timeout(left, flight.ended()).await {
                            Ok(end) => cache.ended(&asked.key, end),
                            Err(_) => return Err(Error::Timeout { waited: begun.elapsed() }),
                        }
                    }
                };
                match found.map(|found| self.client.given(&asked, found)) {
                    Some(Given::Result(result)) => return result,
                    Some(Given::Load(load)) => break load,
                    None => {}
                }
            };
            let waits = Instant::now();
            match self.place().await {
                Ok(place) => {
                    let load = move |client: &Client| client.load_and_keep(&asked, load, &query, read, site);
                    self.on_thread(place, waits, load).await
                }
                Err(error) => self.client.not_loaded(&asked, load, error),
            }
        }
    }

    /// As [`Client::invalidate`].
    pub fn invalidate(&self, tag: Tag<'_>) {
        self.client.invalidate(tag);
    }

    /// As [`Client::invalidate_key`].
    ///
    /// # Errors
    /// As there.
    pub fn invalidate_key<T, F>(&self, query: &Query<'_>, read: F) -> Result<(), Error>
    where
        F: Fn(&Row) -> Result<T, Error> + Copy + 'static,
    {
        self.client.invalidate_key(query, read)
    }

    /// As [`Client::invalidate_all`].
    pub fn invalidate_all(&self) {
        self.client.invalidate_all();
    }

    /// As [`Client::stats`].
    pub fn stats(&self) -> Stats {
        self.client.stats()
    }

    /// As [`Client::health`].
    pub fn health(&self) -> Health {
        self.client.health()
    }

    /// As [`Client::shutdown`]. Tasks that wait for a thread are refused as well.
    pub async fn shutdown(&self, timeout: Duration) -> bool {
        let client = self.client.clone();
        self.places.close();
        spawn_blocking(move || client.shutdown(timeout)).await.unwrap_or(false)
    }

    async fn call<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Client) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let begun = Instant::now();
        let place = self.place().await?;
        self.on_thread(place, begun, work).await
    }

    /// The right to a thread, which comes back with the session: a call that nobody waits for any more still has it.
    async fn place(&self) -> Result<OwnedSemaphorePermit, Error> {
        let shared = &self.client.inner.shared;
        if shared.gate.is_closed() {
            return Err(Error::Closed);
        }
        if let Ok(place) = Arc::clone(&self.places).try_acquire_owned() {
            return Ok(place);
        }
        let begun = Instant::now();
        let _waits = shared.gate.task();
        match timeout(shared.options.acquire_timeout, Arc::clone(&self.places).acquire_owned()).await {
            Ok(place) => place.map_err(|_| Error::Closed),
            Err(_) => {
                shared.counters.acquire.took(begun.elapsed());
                shared.counters.timeouts.one_more();
                let exhausted = shared.gate.why_none(begun.elapsed());
                shared.history.failed(&exhausted);
                Err(exhausted)
            }
        }
    }

    async fn on_thread<T: Send + 'static>(
        &self,
        place: OwnedSemaphorePermit,
        since: Instant,
        work: impl FnOnce(&Client) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let client = self.client.clone();
        let task = spawn_blocking(move || {
            let done = blocking_after(since.elapsed(), || work(&client));
            drop(place);
            done
        });
        match task.await {
            Ok(done) => done,
            Err(panicked) if panicked.is_panic() => resume_unwind(panicked.into_panic()),
            // The runtime ends.
            Err(_) => Err(Error::Closed),
        }
    }
}
