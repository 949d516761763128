//! An audit log's client: events written in transactions, an actor's recent ones read through the cache.
//!
//! ```text
//! psql postgresql:///app -c 'CREATE SCHEMA audit; CREATE TABLE audit.audit_log (actor_id bigint, action text, occurred_at timestamptz);'
//! cargo run --no-default-features --features client --example audit_client -- postgresql:///app
//! ```

#![allow(clippy::print_stdout, reason = "an example is a program: it prints")]

use std::time::{Duration, SystemTime};

use pgstrata::client::{CacheOptions, Cached, Client, Error, PoolOptions, Query, Row, TxOptions};

/// What the cached reads name and the writes end.
const LOG: &str = "audit.audit_log";

/// One event.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// Who.
    pub actor: i64,
    /// Did what.
    pub action: String,
    /// When.
    pub at: SystemTime,
}

/// Writes and reads events.
pub struct AuditLog {
    db: Client,
}

impl AuditLog {
    /// Opens nothing but one session, to fail now if it must.
    pub fn connect(url: &str) -> Result<Self, Error> {
        let db = Client::builder(url)
            .application_name("audit-api")
            .pool(PoolOptions { max: 20, min: 2, ..PoolOptions::default() })
            .cache(CacheOptions { ttl: Duration::from_secs(30), ..CacheOptions::default() })
            .build()?;
        db.connect_now()?;
        Ok(Self { db })
    }

    /// All of them, or none.
    pub fn record(&self, events: &[Event]) -> Result<(), Error> {
        self.db.transaction(&TxOptions::default().retries(3), |tx| {
            // Once this is committed, no cached read of the log is older.
            tx.writes(LOG);
            for Event { actor, action, at } in events {
                let insert =
                    Query::new("INSERT INTO audit.audit_log (actor_id, action, occurred_at) VALUES ($1, $2, $3)");
                tx.execute(&insert.bind(*actor).bind(action.as_str()).bind(*at))?;
            }
            Ok(())
        })
    }

    /// An actor's events of the last day, at most half a minute old, and older while the database is away.
    pub fn recent(&self, actor: i64) -> Result<Cached<Event>, Error> {
        let query = Query::new(
            "SELECT actor_id, action, occurred_at FROM audit.audit_log
             WHERE actor_id = $1 AND occurred_at >= now() - interval '1 day' ORDER BY occurred_at, action",
        );
        self.db.cached(&query.bind(actor).reads(LOG).stale_if_error(Duration::from_secs(600)), event)
    }

    /// Its counters, for a scrape.
    pub fn metrics(&self) -> String {
        let mut text = Vec::new();
        drop(self.db.stats().write_prometheus(&mut text));
        String::from_utf8_lossy(&text).into_owned()
    }
}

fn event(row: &Row) -> Result<Event, Error> {
    Ok(Event { actor: row.try_get(0)?, action: row.try_get(1)?, at: row.try_get(2)? })
}

#[allow(
    dead_code,
    clippy::disallowed_methods,
    reason = "a test includes this file and calls what is above; a program reads the clock"
)]
fn main() -> Result<(), Error> {
    let log = AuditLog::connect(&std::env::args().nth(1).unwrap_or_default())?;
    log.record(&[Event { actor: 42, action: "login".to_owned(), at: SystemTime::now() }])?;
    for event in log.recent(42)?.iter() {
        println!("{event:?}");
    }
    print!("{}", log.metrics());
    Ok(())
}
