//! Reads through the cache.

use std::any::Any;
use std::panic::Location;
use std::sync::Arc;
use std::time::Duration;

use postgres::Row;
use postgres_protocol::escape::escape_literal;

use super::builder::Client;
use super::cache::{Cached, Found, Key, Load, Loaded, Source, Tag, Wanted};
use super::conn::Conn;
use super::error::Error;
use super::query::Query;
use crate::pg::TableName;

/// How long a call with a stale result at hand waits for a session while the server is known to be away: long enough for one
/// that is near, and too short to be felt.
const AWAY_WAIT: Duration = Duration::from_millis(100);

/// Rows as they are kept, and their bytes as the server sent them.
type Rows<T> = (Arc<Box<[T]>>, u64);

/// What a cached query wants.
pub(super) struct Asked {
    pub(super) key: Key,
    pub(super) wanted: Wanted,
    /// For how long beyond its time to live while the server is away.
    longer: Duration,
}

/// A result, or the duty to load it.
pub(super) enum Given<T> {
    Result(Result<Cached<T>, Error>),
    Load(Load),
}

impl Client {
    /// All rows of a query, kept or asked for: see [`Cached`] for what came of it, and [the module](super) for what may be
    /// relied on. The query runs in a read-only transaction of its own, never in the caller's.
    ///
    /// **The function that reads a row is part of the key**, and each closure in a program's text is one of its own, also where
    /// two read the same: give a named `fn` wherever calls are to share a result. It captures nothing:
    ///
    /// ```compile_fail
    /// # fn of(db: &pgstrata::client::Client) -> Result<(), pgstrata::client::Error> {
    /// let column = 0;
    /// db.cached(&pgstrata::client::Query::new("SELECT 1"), move |row| Ok(row.try_get::<_, i32>(column)?))?;
    /// # Ok(()) }
    /// # let used: fn(&pgstrata::client::Client) -> Result<(), pgstrata::client::Error> = of;
    /// # assert!(used as usize != 0);
    /// ```
    ///
    /// What a result takes of [`CacheOptions::max_bytes`](super::CacheOptions::max_bytes) is its rows as the server sent
    /// them, a value of `T` each, and its key; where a `T` keeps more than that on the heap, [`Query::weigh`] says how much.
    ///
    /// # Errors
    /// As [`query`](Self::query); [`Error::NeedsScope`] where row security of a table that it [reads](Query::reads) applies
    /// to the role and the query has no [scope](Query::scope); [`Error::Timeout`] where another call loads the same for too
    /// long. An error is never kept; all calls that wait for the same answer get it.
    #[track_caller]
    pub fn cached<T, F>(&self, query: &Query<'_>, read: F) -> Result<Cached<T>, Error>
    where
        T: Send + Sync + 'static,
        F: Fn(&Row) -> Result<T, Error> + Copy + 'static,
    {
        const { assert!(size_of::<F>() == 0, "what reads a cached row captures nothing") };
        let asked = self.asked::<F>(query)?;
        let gate = &self.inner.shared.gate;
        match self.given(&asked, self.cache.find(&asked.key, &asked.wanted, || gate.own() == 0)?) {
            Given::Result(result) => result,
            Given::Load(load) => self.load_and_keep(&asked, load, query, read, Location::caller()),
        }
    }

    /// Ends what is kept under a tag: no call that begins afterwards gets anything older.
    pub fn invalidate(&self, tag: Tag<'_>) {
        self.cache.invalidate(tag.0);
    }

    /// Ends what is kept of one query, as that function reads it: the named `fn` that [`cached`](Self::cached) was given. A
    /// closure written here is another function, and ends nothing.
    ///
    /// # Errors
    /// [`Error::Decode`] where a parameter is not of its type.
    pub fn invalidate_key<T, F>(&self, query: &Query<'_>, _read: F) -> Result<(), Error>
    where
        F: Fn(&Row) -> Result<T, Error> + Copy + 'static,
    {
        self.cache.invalidate_key(&Key::new::<F>(query)?);
        Ok(())
    }

    /// Ends all that is kept.
    pub fn invalidate_all(&self) {
        self.cache.invalidate_all();
    }

    /// What a call wants, and under which key.
    pub(super) fn asked<F: 'static>(&self, query: &Query<'_>) -> Result<Asked, Error> {
        if self.inner.shared.gate.is_closed() {
            return Err(Error::Closed);
        }
        let (ttl, longer, refresh_ahead) = query.times();
        let ttl = ttl.unwrap_or(self.cache.options.ttl);
        let longer = longer.unwrap_or(self.cache.options.stale_if_error);
        Ok(Asked { key: Key::new::<F>(query)?, wanted: Wanted { ttl, refresh_ahead }, longer })
    }

    /// What comes of what was found.
    pub(super) fn given<T: Send + Sync + 'static>(&self, asked: &Asked, found: Found) -> Given<T> {
        let counters = &self.inner.shared.counters;
        Given::Result(match found {
            Found::Kept(value, age) => {
                counters.hits.one_more();
                rows(value).map(|rows| Cached::new(rows, age, Source::Cache))
            }
            Found::Shared(value, age) => {
                counters.coalesced.one_more();
                rows(value).map(|rows| Cached::new(rows, age, Source::Shared))
            }
            Found::Failed(error, old) => self.instead(error, old, asked),
            Found::Load(load) => {
                counters.misses.one_more();
                return Given::Load(load);
            }
        })
    }

    pub(super) fn load_and_keep<T: Send + Sync + 'static>(
        &self,
        asked: &Asked,
        load: Load,
        query: &Query<'_>,
        read: impl Fn(&Row) -> Result<T, Error> + Copy,
        site: &'static Location<'static>,
    ) -> Result<Cached<T>, Error> {
        match self.load(query, read, asked, site) {
            Ok((rows, bytes)) => {
                let value: Arc<dyn Any + Send + Sync> = Arc::<Box<[T]>>::clone(&rows);
                let age = load.succeed(Loaded { value, bytes });
                Ok(Cached::new(rows, age, Source::Server))
            }
            Err(error) => self.not_loaded(asked, load, error),
        }
    }

    pub(super) fn not_loaded<T: Send + Sync + 'static>(
        &self,
        asked: &Asked,
        load: Load,
        error: Error,
    ) -> Result<Cached<T>, Error> {
        if error.is_of_the_call() {
            drop(load);
        } else {
            load.fail(&error);
        }
        self.instead(error, self.cache.old(&asked.key), asked)
    }

    /// How long a load waits for a session. Where one was lost or the last attempt at one failed, and there is something to give in its place,
    /// nobody is kept waiting for what will not come.
    fn patience(&self, asked: &Asked, lost: bool) -> Duration {
        let whole = self.inner.shared.options.acquire_timeout;
        if asked.longer.is_zero() || !(lost || self.inner.shared.down().is_some()) {
            return whole;
        }
        let old = self.cache.old(&asked.key);
        let usable = old.is_some_and(|(_, age)| age < asked.wanted.ttl.saturating_add(asked.longer));
        match usable {
            // Who waits for no session in use would still wait until one is open.
            true if whole.is_zero() => AWAY_WAIT,
            true => whole.min(AWAY_WAIT),
            false => whole,
        }
    }

    /// What is given in place of an error: only ever what is kept, and only where nobody answered.
    fn instead<T: Send + Sync + 'static>(
        &self,
        error: Error,
        old: Option<(Arc<dyn Any + Send + Sync>, Duration)>,
        asked: &Asked,
    ) -> Result<Cached<T>, Error> {
        let (ttl, longer) = (asked.wanted.ttl, asked.longer);
        let away = error.is_lost() || matches!(error, Error::Exhausted { .. });
        match old.filter(|(_, age)| away && *age < ttl.saturating_add(longer)) {
            Some((value, age)) if age < ttl => rows(value).map(|rows| Cached::new(rows, age, Source::Cache)),
            Some((value, age)) => {
                self.inner.shared.counters.stale.one_more();
                rows(value).map(|rows| Cached::new(rows, age, Source::Stale))
            }
            None => Err(error),
        }
    }

    fn load<T: 'static>(
        &self,
        query: &Query<'_>,
        read: impl Fn(&Row) -> Result<T, Error> + Copy,
        asked: &Asked,
        site: &'static Location<'static>,
    ) -> Result<Rows<T>, Error> {
        let weighs = query.weighs::<T>()?;
        // Only a session that was there can have been lost: where there is none the wait was long enough.
        let rows = match read_rows(self.inner.take_within(self.patience(asked, false), site)?, query) {
            Err(lost) if lost.is_lost() => {
                self.retries(&lost);
                read_rows(self.inner.take_within(self.patience(asked, true), site)?, query)?
            }
            rows => rows?,
        };
        let values = rows.iter().map(read).collect::<Result<Box<[T]>, Error>>()?;
        if let Some(weigh) = weighs {
            let bytes = values.iter().map(weigh).fold(0, u64::saturating_add);
            return Ok((Arc::new(values), bytes));
        }
        let wire: u64 = rows.iter().map(|row| u64::try_from(row.raw_size_bytes()).unwrap_or(u64::MAX)).sum();
        let own = u64::try_from(std::mem::size_of_val(&*values)).unwrap_or(u64::MAX);
        Ok((Arc::new(values), wire.saturating_add(own)))
    }
}

/// In a read-only transaction of its own.
fn read_rows(mut conn: Conn, query: &Query<'_>) -> Result<Vec<Row>, Error> {
    conn.set_touched(true)?;
    if let Some(table) = conn.simple(&begin(query))?.into_iter().next()
        && query.scope_of().is_none()
    {
        return Err(Error::NeedsScope { table });
    }
    let rows = conn.rows_typed(query)?;
    conn.batch("COMMIT")?;
    conn.set_touched(false)?;
    Ok(rows)
}

fn rows<T: Send + Sync + 'static>(value: Arc<dyn Any + Send + Sync>) -> Result<Arc<Box<[T]>>, Error> {
    // The function that reads a row is part of the key, and gives one type.
    value.downcast().map_err(|_| Error::Decode("another type is kept under the same key".to_owned()))
}

/// Opens the transaction, and gives the tables whose row security applies to the role; one message.
fn begin(query: &Query<'_>) -> String {
    let mut sql = "BEGIN READ ONLY".to_owned();
    for (name, value) in query.settings() {
        let (name, value) = (escape_literal(name), escape_literal(value));
        sql.push_str(&format!("; SELECT NULL FROM pg_catalog.set_config({name}, {value}, true)"));
    }
    // A tag is a table's name where it reads like one.
    let tables = query.tags().iter().filter_map(|tag| tag.parse::<TableName>().ok());
    let tables: Vec<String> = tables.map(|table| format!("({})", escape_literal(&table.in_text()))).collect();
    if !tables.is_empty() {
        sql.push_str(&format!(
            "; SELECT t.name FROM (VALUES {}) AS t (name) \
             WHERE pg_catalog.row_security_active(pg_catalog.to_regclass(t.name)::pg_catalog.oid)",
            tables.join(", ")
        ));
    }
    sql
}
