//! Limits that come from outside a program: from a policy, or from the environment.

use std::time::Duration;

use super::cache::CacheOptions;
use super::error::Error;
use super::options::PoolOptions;
use crate::db::Env;

/// What a policy's `client:` says, or the variables that `pgstrata client limits` prints; what neither says stays as the
/// program has it.
///
/// ```
/// use pgstrata::client::{ClientLimits, PoolOptions};
/// use pgstrata::db::Env;
/// let env = Env::from_map([("PGSTRATA_POOL_MAX", "20"), ("PGSTRATA_POOL_IDLE_TIMEOUT_MS", "30000")]);
/// let limits = ClientLimits::from_env(&env)?;
/// assert_eq!(limits.pool(PoolOptions::default()).max, 20);
/// # Ok::<(), pgstrata::client::Error>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ClientLimits {
    /// [`PoolOptions::max`]
    pub pool_max: Option<u32>,
    /// [`PoolOptions::min`]
    pub pool_min: Option<u32>,
    /// [`PoolOptions::acquire_timeout`]
    pub acquire_timeout: Option<Duration>,
    /// [`PoolOptions::idle_timeout`]
    pub idle_timeout: Option<Duration>,
    /// [`PoolOptions::max_lifetime`]
    pub max_lifetime: Option<Duration>,
    /// [`CacheOptions::max_bytes`]
    pub cache_max_bytes: Option<u64>,
    /// [`CacheOptions::max_entries`]
    pub cache_max_entries: Option<u32>,
    /// [`CacheOptions::ttl`]
    pub cache_ttl: Option<Duration>,
}

impl ClientLimits {
    /// From `PGSTRATA_POOL_MAX` and the others: whole numbers, times in milliseconds. An empty variable counts as unset.
    ///
    /// # Errors
    /// [`Error::Invalid`], with the variable's name.
    pub fn from_env(env: &Env) -> Result<Self, Error> {
        let number = |field: &'static str| match env.non_empty(field).map(str::parse::<u64>) {
            None => Ok(None),
            Some(Ok(number)) => Ok(Some(number)),
            Some(Err(_)) => Err(Error::Invalid { field, because: "it is a whole number".to_owned() }),
        };
        let count = |field: &'static str| match number(field)?.map(u32::try_from) {
            None => Ok(None),
            Some(Ok(count)) => Ok(Some(count)),
            Some(Err(_)) => Err(Error::Invalid { field, because: format!("it is at most {}", u32::MAX) }),
        };
        let time = |field: &'static str| Ok::<_, Error>(number(field)?.map(Duration::from_millis));
        Ok(Self {
            pool_max: count("PGSTRATA_POOL_MAX")?,
            pool_min: count("PGSTRATA_POOL_MIN")?,
            acquire_timeout: time("PGSTRATA_POOL_ACQUIRE_TIMEOUT_MS")?,
            idle_timeout: time("PGSTRATA_POOL_IDLE_TIMEOUT_MS")?,
            max_lifetime: time("PGSTRATA_POOL_MAX_LIFETIME_MS")?,
            cache_max_bytes: number("PGSTRATA_CACHE_MAX_BYTES")?,
            cache_max_entries: count("PGSTRATA_CACHE_MAX_ENTRIES")?,
            cache_ttl: time("PGSTRATA_CACHE_TTL_MS")?,
        })
    }

    /// Section, key and number of each that is said, in one order; a variable's name is both, in capitals, after `PGSTRATA_`.
    pub fn entries(&self) -> Vec<(&'static str, &'static str, u64)> {
        let Self {
            pool_max,
            pool_min,
            acquire_timeout,
            idle_timeout,
            max_lifetime,
            cache_max_bytes,
            cache_max_entries,
            cache_ttl,
        } = self;
        let count = |count: &Option<u32>| count.map(u64::from);
        let time = |time: &Option<Duration>| time.map(|time| u64::try_from(time.as_millis()).unwrap_or(u64::MAX));
        let all = [
            ("pool", "max", count(pool_max)),
            ("pool", "min", count(pool_min)),
            ("pool", "acquire_timeout_ms", time(acquire_timeout)),
            ("pool", "idle_timeout_ms", time(idle_timeout)),
            ("pool", "max_lifetime_ms", time(max_lifetime)),
            ("cache", "max_bytes", *cache_max_bytes),
            ("cache", "max_entries", count(cache_max_entries)),
            ("cache", "ttl_ms", time(cache_ttl)),
        ];
        all.into_iter().filter_map(|(section, key, number)| Some((section, key, number?))).collect()
    }

    /// The pool's options with these limits.
    #[must_use]
    pub fn pool(&self, mut options: PoolOptions) -> PoolOptions {
        options.max = self.pool_max.unwrap_or(options.max);
        // Not above a limit that says nothing of it.
        options.min = self.pool_min.unwrap_or(options.min.min(options.max));
        options.acquire_timeout = self.acquire_timeout.unwrap_or(options.acquire_timeout);
        options.idle_timeout = self.idle_timeout.or(options.idle_timeout);
        options.max_lifetime = self.max_lifetime.or(options.max_lifetime);
        options
    }

    /// The cache's options with these limits.
    #[must_use]
    pub fn cache(&self, mut options: CacheOptions) -> CacheOptions {
        options.max_bytes = self.cache_max_bytes.unwrap_or(options.max_bytes);
        options.max_entry_bytes = options.max_entry_bytes.min(options.max_bytes);
        let entries = self.cache_max_entries.and_then(|entries| usize::try_from(entries).ok());
        options.max_entries = entries.unwrap_or(options.max_entries);
        options.ttl = self.cache_ttl.unwrap_or(options.ttl);
        options
    }
}
