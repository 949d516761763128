//! The limits of applications' clients.

#[cfg(feature = "client")]
use std::time::Duration;

use serde::{Deserialize, Serialize};

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
    /// Bytes of cached results.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache_max_bytes: Option<u64>,
    /// Cached results.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache_max_entries: Option<u32>,
    /// How old a cached result may be, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache_ttl_ms: Option<u64>,
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
        cache_max_bytes,
        cache_max_entries,
        cache_ttl_ms,
    } = desired.client;
    let time = |millis: Option<u64>| millis.map(Duration::from_millis);
    let mut limits = crate::client::ClientLimits::default();
    (limits.pool_max, limits.pool_min) = (max_connections, min_connections);
    limits.acquire_timeout = time(acquire_timeout_ms);
    (limits.idle_timeout, limits.max_lifetime) = (time(idle_timeout_ms), time(max_lifetime_ms));
    (limits.cache_max_bytes, limits.cache_max_entries) = (cache_max_bytes, cache_max_entries);
    limits.cache_ttl = time(cache_ttl_ms);
    limits
}
