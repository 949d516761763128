//! The limits of applications' clients.

#[cfg(feature = "client")]
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// A number from 0 to 1, as it was written.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "f64", into = "f64")]
pub struct Fraction(f64);

/// It is no NaN.
impl Eq for Fraction {}

impl TryFrom<f64> for Fraction {
    type Error = String;

    fn try_from(number: f64) -> Result<Self, String> {
        // The absolute value of it is itself, but for a zero with a sign.
        (0.0..=1.0)
            .contains(&number)
            .then(|| Self(number.abs()))
            .ok_or_else(|| format!("`{number}` is not from 0 to 1"))
    }
}

impl From<Fraction> for f64 {
    fn from(fraction: Fraction) -> Self {
        fraction.0
    }
}

/// What applications that use `pgstrata::client`, or read what `pgstrata client limits` prints, keep to. It is no part of
/// what a plan carries out, nor of the policy's hash.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClientDesired {
    /// Sessions at most.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_connections: Option<u32>,
    /// Sessions kept open though idle.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_connections: Option<u32>,
    /// How long a call waits for a session, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub acquire_timeout_ms: Option<u64>,
    /// After how long an idle session is closed, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub idle_timeout_ms: Option<u64>,
    /// After how long any session is closed, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_lifetime_ms: Option<u64>,
    /// By which share at most each lifetime is shorter.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lifetime_jitter: Option<Fraction>,
    /// After how long an idle session is checked before it is handed out, in milliseconds; 0 is always.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub check_after_idle_ms: Option<u64>,
    /// After how long a session in use is reported, in milliseconds; 0 is never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub leak_warning_ms: Option<u64>,
    /// Prepared statements of each session.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub statement_cache: Option<u32>,
    /// Bytes of cached results.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache_max_bytes: Option<u64>,
    /// Cached results.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache_max_entries: Option<u32>,
    /// How old a cached result may be, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache_ttl_ms: Option<u64>,
    /// Bytes of one cached result.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache_max_entry_bytes: Option<u64>,
    /// For how long after that it is used while the server is unreachable, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache_stale_if_error_ms: Option<u64>,
    /// Share of hits below which a client's health is degraded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache_min_hit_ratio: Option<Fraction>,
}

impl ClientDesired {
    pub(crate) fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// The same as a program's client takes them, for programs that link both.
#[cfg(feature = "client")]
pub fn client_options(desired: &super::Desired) -> crate::client::ClientLimits {
    let ClientDesired {
        max_connections,
        min_connections,
        acquire_timeout_ms,
        idle_timeout_ms,
        max_lifetime_ms,
        lifetime_jitter,
        check_after_idle_ms,
        leak_warning_ms,
        statement_cache,
        cache_max_bytes,
        cache_max_entries,
        cache_ttl_ms,
        cache_max_entry_bytes,
        cache_stale_if_error_ms,
        cache_min_hit_ratio,
    } = desired.client;
    let time = |millis: Option<u64>| millis.map(Duration::from_millis);
    let mut limits = crate::client::ClientLimits::default();
    (limits.pool_max, limits.pool_min) = (max_connections, min_connections);
    limits.acquire_timeout = time(acquire_timeout_ms);
    (limits.idle_timeout, limits.max_lifetime) = (time(idle_timeout_ms), time(max_lifetime_ms));
    (limits.cache_max_bytes, limits.cache_max_entries) = (cache_max_bytes, cache_max_entries);
    (limits.lifetime_jitter, limits.statement_cache) = (lifetime_jitter.map(f64::from), statement_cache);
    (limits.check_after_idle, limits.leak_warning) = (time(check_after_idle_ms), time(leak_warning_ms));
    (limits.cache_ttl, limits.cache_max_entry_bytes) = (time(cache_ttl_ms), cache_max_entry_bytes);
    limits.cache_stale_if_error = time(cache_stale_if_error_ms);
    limits.cache_min_hit_ratio = cache_min_hit_ratio.map(f64::from);
    limits
}
