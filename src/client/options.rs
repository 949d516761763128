//! The limits of a pool.

use std::time::Duration;

use super::error::Error;

/// How many sessions there are, and for how long. [`ClientBuilder::build`](super::ClientBuilder::build) refuses what makes no
/// sense, by the field's name.
#[derive(Debug, Clone, PartialEq)]
pub struct PoolOptions {
    /// Sessions at most, in use or idle. Default: 10.
    pub max: u32,
    /// Sessions that stay open though idle. They are opened once the first one was needed. Default: 0.
    pub min: u32,
    /// How long a call waits for a session, opening one included; 0: it never waits for one that is in use. While no
    /// session can be opened it is tried again, at most half a second apart, for as long. Default: 10 s.
    pub acquire_timeout: Duration,
    /// A session above `min` that was idle for so long is closed; `None`: never. Default: 5 min.
    pub idle_timeout: Option<Duration>,
    /// A session is closed at this age, when nobody uses it; `None`: never. Default: 30 min.
    pub max_lifetime: Option<Duration>,
    /// Each session's lifetime is shorter by a random part of this share, so that those of a fleet do not all end at once.
    /// Default: 0.2.
    pub lifetime_jitter: f64,
    /// A session that was idle for longer is asked for a sign of life before it is handed out. Default: 500 ms.
    pub check_after_idle: Duration,
    /// Prepared statements that each session keeps, the ones used last; 0: none, for poolers in transaction mode.
    /// Default: 256.
    pub statement_cache: usize,
    /// A session that is in use for longer is told to the observer, once, with the place in the program that took it.
    /// Default: 1 min.
    pub leak_warning: Option<Duration>,
}

impl Default for PoolOptions {
    fn default() -> Self {
        Self {
            max: 10,
            min: 0,
            acquire_timeout: Duration::from_secs(10),
            idle_timeout: Some(Duration::from_secs(300)),
            max_lifetime: Some(Duration::from_secs(1800)),
            lifetime_jitter: 0.2,
            check_after_idle: Duration::from_millis(500),
            statement_cache: 256,
            leak_warning: Some(Duration::from_secs(60)),
        }
    }
}

impl PoolOptions {
    pub(super) fn check(&self) -> Result<(), Error> {
        let Self {
            max,
            min,
            acquire_timeout: _,
            idle_timeout,
            max_lifetime,
            lifetime_jitter,
            check_after_idle: _,
            statement_cache: _,
            leak_warning,
        } = self;
        let invalid = |field, because: &str| Err(Error::Invalid { field, because: because.to_owned() });
        if *max == 0 {
            return invalid("pool.max", "it is 0; a pool has at least one session");
        }
        if min > max {
            return Err(Error::Invalid { field: "pool.min", because: format!("{min} is above max, {max}") });
        }
        for (field, limit) in [
            ("pool.idle_timeout", idle_timeout),
            ("pool.max_lifetime", max_lifetime),
            ("pool.leak_warning", leak_warning),
        ] {
            if limit.is_some_and(|limit| limit.is_zero()) {
                return invalid(field, "it is 0; it must be above zero, or None");
            }
        }
        if let (Some(idle), Some(lifetime)) = (idle_timeout, max_lifetime)
            && idle >= lifetime
        {
            let because = format!("{idle:?} is not below max_lifetime, {lifetime:?}: lower it as well, or set None");
            return Err(Error::Invalid { field: "pool.idle_timeout", because });
        }
        if !(0.0..1.0).contains(lifetime_jitter) {
            return invalid("pool.lifetime_jitter", "it is a share: from 0 to below 1");
        }
        Ok(())
    }
}
