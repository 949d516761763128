//! Pooled PostgreSQL sessions for applications.
//!
//! A [`Client`] is a handle to sessions that are opened when first needed and shared by the threads of a program. Cloning
//! it shares them. Calls are synchronous; on a thread of a tokio runtime they say so ([`Error::InAsyncContext`]) instead of
//! panicking. With the feature `tokio`, `AsyncClient` has the same calls for tasks.
//!
//! ```no_run
//! use pgstrata::client::{Client, Error, PoolOptions, Query, TxOptions};
//! use std::time::Duration;
//!
//! # fn main() -> Result<(), Error> {
//! let db = Client::builder("service=audit")
//!     .application_name("audit-api")
//!     .pool(PoolOptions { max: 20, min: 2, acquire_timeout: Duration::from_secs(10), ..PoolOptions::default() })
//!     .slow_query(Duration::from_secs(1))
//!     .build()?;
//! db.connect_now()?;
//!
//! let recent = Query::new("SELECT id, action FROM audit.audit_log WHERE actor_id = $1").bind(42_i64).read_only();
//! let rows: Vec<(i64, String)> = db.query(&recent, |row| Ok((row.try_get(0)?, row.try_get(1)?)))?;
//!
//! let insert = Query::new("INSERT INTO audit.audit_log (actor_id, action) VALUES ($1, $2)").bind(42_i64).bind("login");
//! db.transaction(&TxOptions::serializable().retries(5), |tx| tx.execute(&insert))?;
//! # drop(rows);
//! # Ok(())
//! # }
//! ```
//!
//! # What a call costs
//!
//! A session that was in use within [`PoolOptions::check_after_idle`] is handed out as it is: no round trip. A query whose
//! statement the session knows is one round trip; the first time it is two. Behind a pooler in transaction mode set
//! [`PoolOptions::statement_cache`] to 0: statements are then sent unnamed, in one round trip each.
//!
//! # What is left behind, and what is not
//!
//! Typed calls leave nothing in a session. [`Conn::raw`] gives the driver whole: the session counts as touched, and is
//! reset once it is given back, by a thread of the pool, before anybody gets it again. A transaction that was left open
//! ends then, and its locks with it.
//!
//! # What is tried again
//!
//! Only what cannot have happened twice: opening a session; a query that is [`Query::read_only`] outside a transaction,
//! once, on another session, after its own was lost; the closure of [`Client::transaction`] after a serialization failure
//! or a deadlock, as often as [`TxOptions::retries`] says. Nothing is after COMMIT was sent: see [`Error::CommitUnknown`].
//!
//! # What is seen of it
//!
//! Counters, always on, as [`Client::stats`]; [`Client::health`]; events for an [`Observer`]. With the feature `tracing`, spans
//! `query`, `acquire` and `transaction`, and the same events, all of target `pgstrata::client`: texts of statements, and never
//! a value of a parameter.
//!
//! # What a cached result is
//!
//! What one committed snapshot said no longer ago than its time to live ([`Query::ttl`]), counted from before the query was
//! sent, by the monotonic clock and the wall clock, whichever expires first.
//!
//! Once a transaction that [`Tx::writes`] a tag has returned, or [`Client::invalidate`] of that tag, no call that begins
//! afterwards in this process sees anything older of what is [read](Query::reads) under it. Each tag has a generation: a load
//! reads it before it asks the server, and its result is kept, and found, only while the generation is the same. It goes up
//! after COMMIT, and also where it is not known whether COMMIT happened; after a rollback it does not. What was invalidated is
//! gone, also while the server is away. What other processes write is seen after the time to live at the latest.
//!
//! Beyond its time to live a result is given only where [`Query::stale_if_error`] or [`CacheOptions::stale_if_error`] says
//! so, only while no session can be had, and [marked](Cached::is_stale). An error of the server's is never hidden, and never
//! kept; a result without rows is a result. Calls that ask for the same at once are one query; an error goes to all of them,
//! and where whoever loads gives up, the next one loads. The bounds of [`CacheOptions`] hold at every instant; what is larger
//! than [`CacheOptions::max_entry_bytes`] is given and not kept.
//!
//! A call that has a stale result at hand waits a tenth of a second for a session once it is known that none can be had; any
//! other call waits for [`PoolOptions::acquire_timeout`].
//!
//! # Types
//!
//! [`Query::bind`] takes what has one obvious type on the server: numbers, `bool`, text, bytes, `SystemTime`, and `Option` and
//! arrays of them. Anything else is [bound with its type](Query::bind_as), if the driver can write it: `jsonb`, `uuid` and
//! the types of `chrono` and `time` come with features of the crate `postgres-types` (`with-serde_json-1`, `with-uuid-1`,
//! `with-chrono-0_4` …), which the program names in its own Cargo.toml, in the version that [`Type`] is of. Without them text
//! can be cast by the server: `$1::text::jsonb`.
//!
//! # Timeouts of statements
//!
//! They are the server's: `options=-c statement_timeout=5s` in the connection string, or `ALTER ROLE`. [`Error::Timeout`] is
//! about waiting for another call's load.
//!
//! # Traps
//!
//! - **The function that reads a row is part of a cached result's key.** Each closure in a program's text is one of its own:
//!   calls that are to share a result, and [`Client::invalidate_key`], name the same `fn`.
//! - **Tags are for the program to get right.** A query that reads three tables names three tags; a write that forgets to name
//!   one is seen after the time to live. A function or a view reads tables that its query does not name, and a foreign key
//!   with `ON DELETE CASCADE` or a trigger writes them.
//! - **Row security** decides by role and settings which rows are seen. A query of such a table is refused with
//!   [`Error::NeedsScope`] until it says whom it is for ([`Query::scope`]), and gives the server what its policies ask for
//!   with [`Query::setting`]. That is looked up for the tags that are names of tables: another tag is not recognised.
//! - **A cached read runs in a read-only transaction of its own**, never in the caller's: within [`Client::transaction`] it
//!   does not see what that has written so far.
//! - **Closed partitions get no longer time to live**: late rows go into them through their parent.
//! - **A thread that holds sessions and asks for more** than the pool has gets [`Error::WouldDeadlock`]. Two threads that hold
//!   some each, and each wait for more, wait until [`PoolOptions::acquire_timeout`].
//! - **A closure of a transaction may run more than once**: what it does besides the database must bear that.
//! - **Pools add up**: `max` times the number of processes must stay below what the server, or the role, may have.
//!
//! # What it does not do
//!
//! There are no read replicas: every session is one of the servers that the connection string names, as libpq chooses it. No
//! result is shared between processes, and nobody else's write is noticed before the time to live is over. It is no pooler for
//! other programs. Programs that are asynchronous throughout and need no cache are better served by `deadpool-postgres`.

#![allow(
    clippy::disallowed_methods,
    reason = "a pool needs a clock; an application's settings are in its environment, as libpq's are"
)]

#[cfg(feature = "tokio")]
mod asynchronous;
mod builder;
mod cache;
mod conn;
mod counters;
mod error;
mod gate;
mod health;
mod helper;
mod limits;
mod manager;
mod observer;
mod options;
mod pool;
mod prometheus;
mod query;
mod reads;
mod statements;
mod trace;
mod transaction;

#[cfg(feature = "tokio")]
pub use asynchronous::AsyncClient;
pub use builder::{Client, ClientBuilder};
pub use cache::{CacheOptions, Cached, Source, Tag};
pub use conn::Conn;
#[cfg(feature = "testing")]
#[doc(hidden)]
pub use counters::Counting;
pub use counters::{Bucket, ClosedBy, Histogram, Stats};
pub use error::{Error, ServerError};
pub use health::{Health, HealthOptions, HealthStatus, LastError, Unwell};
pub use limits::{ClientLimits, LimitValue};
pub use observer::{Event, Observer};
pub use options::PoolOptions;
pub use postgres::Row;
pub use postgres::types::Type;
pub use query::{Bind, Query};
pub use transaction::{Isolation, Tx, TxOptions};

/// Calls a function on a thread that may block although a tokio runtime is about: within `tokio::task::spawn_blocking`,
/// where calls would otherwise be refused with [`Error::InAsyncContext`].
pub fn blocking<T>(call: impl FnOnce() -> T) -> T {
    pool::blocking(call)
}
