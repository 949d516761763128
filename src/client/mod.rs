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
