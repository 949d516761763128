//! The limits of a cache.

use std::time::Duration;

use super::super::error::Error;

/// How much is kept, and for how long.
#[derive(Debug, Clone, PartialEq)]
pub struct CacheOptions {
    /// Bytes at most, of all results and their keys, as far as their size is known: see
    /// [`Client::cached`](super::super::Client::cached).
    pub max_bytes: u64,
    /// Results at most.
    pub max_entries: usize,
    /// How old a result may be, where its query does not say.
    pub ttl: Duration,
    /// A larger result is given back and not kept.
    pub max_entry_bytes: u64,
    /// For how long beyond its time to live a result is given while no session can be had, where its query does not say; 0:
    /// not at all. See [`Query::stale_if_error`](super::super::Query::stale_if_error).
    pub stale_if_error: Duration,
    /// The share of cached queries that are expected to find a result. With less, and more than one a second, the client's
    /// [health](super::super::Client::health) is degraded; `None`: whatever it is.
    pub min_hit_ratio: Option<f64>,
    /// How long a call waits for a load that another one began.
    pub wait: Duration,
}

impl Default for CacheOptions {
    fn default() -> Self {
        Self {
            max_bytes: 100 << 20,
            max_entries: 1000,
            ttl: Duration::from_secs(300),
            max_entry_bytes: 4 << 20,
            stale_if_error: Duration::ZERO,
            min_hit_ratio: None,
            wait: Duration::from_secs(30),
        }
    }
}

impl CacheOptions {
    pub(in crate::client) fn check(&self) -> Result<(), Error> {
        let Self { max_bytes, max_entries, ttl, max_entry_bytes, stale_if_error: _, min_hit_ratio, wait: _ } = self;
        let invalid = |field, because: &str| Err(Error::Invalid { field, because: because.to_owned() });
        if *max_bytes == 0 {
            return invalid("cache.max_bytes", "it is 0; it must be above zero");
        }
        if *max_entries == 0 {
            return invalid("cache.max_entries", "it is 0; it must be above zero");
        }
        if ttl.is_zero() {
            return invalid("cache.ttl", "it is 0; it must be above zero");
        }
        if max_entry_bytes > max_bytes {
            return invalid("cache.max_entry_bytes", "it is no more than max_bytes");
        }
        if min_hit_ratio.is_some_and(|ratio| !(0.0..=1.0).contains(&ratio)) {
            return invalid("cache.min_hit_ratio", "it is a share: from 0 to 1");
        }
        Ok(())
    }
}
