//! Limits that come from outside a program: from a policy, or from the environment.

use std::fmt;
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
#[derive(Debug, Clone, Default, PartialEq)]
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
    /// [`PoolOptions::lifetime_jitter`]
    pub lifetime_jitter: Option<f64>,
    /// [`PoolOptions::check_after_idle`]
    pub check_after_idle: Option<Duration>,
    /// [`PoolOptions::leak_warning`]; zero is none.
    pub leak_warning: Option<Duration>,
    /// [`PoolOptions::statement_cache`]
    pub statement_cache: Option<u32>,
    /// [`CacheOptions::max_bytes`]
    pub cache_max_bytes: Option<u64>,
    /// [`CacheOptions::max_entries`]
    pub cache_max_entries: Option<u32>,
    /// [`CacheOptions::ttl`]
    pub cache_ttl: Option<Duration>,
    /// [`CacheOptions::max_entry_bytes`]
    pub cache_max_entry_bytes: Option<u64>,
    /// [`CacheOptions::stale_if_error`]
    pub cache_stale_if_error: Option<Duration>,
    /// [`CacheOptions::min_hit_ratio`]
    pub cache_min_hit_ratio: Option<f64>,
}

/// A limit as variables, JSON and TOML write it.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum LimitValue {
    /// A count, bytes or milliseconds.
    Whole(u64),
    /// From 0 to 1.
    Fraction(f64),
}

impl fmt::Display for LimitValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Whole(number) => number.fmt(f),
            // TOML tells numbers by their point.
            Self::Fraction(number) if number.fract() == 0.0 => write!(f, "{number}.0"),
            Self::Fraction(number) => number.fmt(f),
        }
    }
}

impl ClientLimits {
    /// From `PGSTRATA_POOL_MAX` and the others: whole numbers, times in milliseconds, shares as decimals from 0 to 1. An
    /// empty variable counts as unset.
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
        let share = |field: &'static str| match env.non_empty(field).map(str::parse::<f64>) {
            None => Ok(None),
            Some(Ok(share)) if (0.0..=1.0).contains(&share) => Ok(Some(share)),
            Some(Ok(_) | Err(_)) => Err(Error::Invalid { field, because: "it is a decimal from 0 to 1".to_owned() }),
        };
        Ok(Self {
            pool_max: count("PGSTRATA_POOL_MAX")?,
            pool_min: count("PGSTRATA_POOL_MIN")?,
            acquire_timeout: time("PGSTRATA_POOL_ACQUIRE_TIMEOUT_MS")?,
            idle_timeout: time("PGSTRATA_POOL_IDLE_TIMEOUT_MS")?,
            max_lifetime: time("PGSTRATA_POOL_MAX_LIFETIME_MS")?,
            lifetime_jitter: share("PGSTRATA_POOL_LIFETIME_JITTER")?,
            check_after_idle: time("PGSTRATA_POOL_CHECK_AFTER_IDLE_MS")?,
            leak_warning: time("PGSTRATA_POOL_LEAK_WARNING_MS")?,
            statement_cache: count("PGSTRATA_POOL_STATEMENT_CACHE")?,
            cache_max_bytes: number("PGSTRATA_CACHE_MAX_BYTES")?,
            cache_max_entries: count("PGSTRATA_CACHE_MAX_ENTRIES")?,
            cache_ttl: time("PGSTRATA_CACHE_TTL_MS")?,
            cache_max_entry_bytes: number("PGSTRATA_CACHE_MAX_ENTRY_BYTES")?,
            cache_stale_if_error: time("PGSTRATA_CACHE_STALE_IF_ERROR_MS")?,
            cache_min_hit_ratio: share("PGSTRATA_CACHE_MIN_HIT_RATIO")?,
        })
    }

    /// Section, key and value of each that is said, in one order; a variable's name is both, in capitals, after `PGSTRATA_`.
    pub fn entries(&self) -> Vec<(&'static str, &'static str, LimitValue)> {
        let Self {
            pool_max,
            pool_min,
            acquire_timeout,
            idle_timeout,
            max_lifetime,
            lifetime_jitter,
            check_after_idle,
            leak_warning,
            statement_cache,
            cache_max_bytes,
            cache_max_entries,
            cache_ttl,
            cache_max_entry_bytes,
            cache_stale_if_error,
            cache_min_hit_ratio,
        } = self;
        let whole = |number: &Option<u64>| number.map(LimitValue::Whole);
        let count = |count: &Option<u32>| whole(&count.map(u64::from));
        let time =
            |time: &Option<Duration>| whole(&time.map(|time| u64::try_from(time.as_millis()).unwrap_or(u64::MAX)));
        let share = |share: &Option<f64>| share.map(LimitValue::Fraction);
        let all = [
            ("pool", "max", count(pool_max)),
            ("pool", "min", count(pool_min)),
            ("pool", "acquire_timeout_ms", time(acquire_timeout)),
            ("pool", "idle_timeout_ms", time(idle_timeout)),
            ("pool", "max_lifetime_ms", time(max_lifetime)),
            ("pool", "lifetime_jitter", share(lifetime_jitter)),
            ("pool", "check_after_idle_ms", time(check_after_idle)),
            ("pool", "leak_warning_ms", time(leak_warning)),
            ("pool", "statement_cache", count(statement_cache)),
            ("cache", "max_bytes", whole(cache_max_bytes)),
            ("cache", "max_entries", count(cache_max_entries)),
            ("cache", "ttl_ms", time(cache_ttl)),
            ("cache", "max_entry_bytes", whole(cache_max_entry_bytes)),
            ("cache", "stale_if_error_ms", time(cache_stale_if_error)),
            ("cache", "min_hit_ratio", share(cache_min_hit_ratio)),
        ];
        all.into_iter().filter_map(|(section, key, value)| Some((section, key, value?))).collect()
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
        options.lifetime_jitter = self.lifetime_jitter.unwrap_or(options.lifetime_jitter);
        options.check_after_idle = self.check_after_idle.unwrap_or(options.check_after_idle);
        options.leak_warning = match self.leak_warning {
            Some(warning) => Some(warning).filter(|warning| !warning.is_zero()),
            None => options.leak_warning,
        };
        let statements = self.statement_cache.and_then(|count| usize::try_from(count).ok());
        options.statement_cache = statements.unwrap_or(options.statement_cache);
        options
    }

    /// The cache's options with these limits.
    #[must_use]
    pub fn cache(&self, mut options: CacheOptions) -> CacheOptions {
        options.max_bytes = self.cache_max_bytes.unwrap_or(options.max_bytes);
        // Nor here.
        options.max_entry_bytes = self.cache_max_entry_bytes.unwrap_or(options.max_entry_bytes.min(options.max_bytes));
        let entries = self.cache_max_entries.and_then(|entries| usize::try_from(entries).ok());
        options.max_entries = entries.unwrap_or(options.max_entries);
        options.ttl = self.cache_ttl.unwrap_or(options.ttl);
        options.stale_if_error = self.cache_stale_if_error.unwrap_or(options.stale_if_error);
        options.min_hit_ratio = self.cache_min_hit_ratio.or(options.min_hit_ratio);
        options
    }
}
