//! Limits of applications' clients.

use std::time::Duration;

use super::super::spec::{Cache, Client, Pool, Timeout, TimeoutOrNone};
use super::super::units::{UnitError, size, timeout};
use super::super::{ClientDesired, Fraction, Label, PolicyError, PolicyPath};
use super::Checks;
use super::limits::or_none;
use super::rest::positive;

pub(super) fn client(checks: &mut Checks, spec: Option<&Client>) -> ClientDesired {
    let mut desired = ClientDesired::default();
    let Some(Client { pool: of_pool, cache: of_cache }) = spec else { return desired };
    let path = PolicyPath::of(["client"]);
    if let Some(spec) = of_pool {
        pool(checks, &path.key("pool"), spec, &mut desired);
    }
    if let Some(spec) = of_cache {
        cache(checks, &path.key("cache"), spec, &mut desired);
    }
    desired
}

fn pool(checks: &mut Checks, path: &PolicyPath, spec: &Pool, desired: &mut ClientDesired) {
    let Pool {
        max_connections,
        min_connections,
        acquire_timeout,
        idle_timeout,
        max_lifetime,
        lifetime_jitter,
        check_after_idle,
        leak_warning,
        statement_cache,
    } = spec;
    desired.acquire_timeout_ms = time(checks, &path.key("acquire_timeout"), acquire_timeout.as_ref());
    desired.idle_timeout_ms = time(checks, &path.key("idle_timeout"), idle_timeout.as_ref());
    desired.max_lifetime_ms = time(checks, &path.key("max_lifetime"), max_lifetime.as_ref());
    desired.check_after_idle_ms = time_or_zero(checks, &path.key("check_after_idle"), check_after_idle.as_ref());
    desired.leak_warning_ms = time_or_zero(checks, &path.key("leak_warning"), leak_warning.as_ref());
    positive(checks, &path.key("max_connections"), *max_connections);
    (desired.max_connections, desired.min_connections) = (*max_connections, *min_connections);
    desired.statement_cache = *statement_cache;
    desired.lifetime_jitter = fraction(checks, &path.key("lifetime_jitter"), *lifetime_jitter);
    // A lifetime shortened by all of it is none.
    if desired.lifetime_jitter.is_some_and(|jitter| f64::from(jitter) >= 1.0) {
        checks.at(&path.key("lifetime_jitter"), "`1` is not from 0 to below 1");
    }
    if let (Some(min), Some(max)) = (min_connections, max_connections)
        && min > max
    {
        let message = format!("{min} is more than `max_connections`, which is {max}");
        checks.push(beside(path, ("min_connections", "at least"), ("max_connections", "at most"), message));
    }
    if let (Some(idle), Some(lifetime)) = (desired.idle_timeout_ms, desired.max_lifetime_ms)
        && idle >= lifetime
    {
        let message = "no session is idle for so long: `max_lifetime` closes it before, or at the same time";
        checks.push(beside(path, ("idle_timeout", ""), ("max_lifetime", "closed at this age"), message));
    }
}

fn cache(checks: &mut Checks, path: &PolicyPath, spec: &Cache, desired: &mut ClientDesired) {
    let Cache { max_size, max_entries, ttl, max_entry_size, stale_if_error, min_hit_ratio } = spec;
    for (key, text, bytes) in [
        ("max_size", max_size, &mut desired.cache_max_bytes),
        ("max_entry_size", max_entry_size, &mut desired.cache_max_entry_bytes),
    ] {
        *bytes = text.as_ref().and_then(|text| checks.keep(&path.key(key), size(text.as_ref())));
        if *bytes == Some(0) {
            checks.at(&path.key(key), "at least one byte");
        }
    }
    if let (Some(entry), Some(all)) = (desired.cache_max_entry_bytes, desired.cache_max_bytes)
        && entry > all
    {
        let message = "one entry may be larger than the whole cache";
        checks.push(beside(path, ("max_entry_size", "one entry"), ("max_size", "the whole cache"), message));
    }
    positive(checks, &path.key("max_entries"), *max_entries);
    desired.cache_max_entries = *max_entries;
    desired.cache_ttl_ms = time(checks, &path.key("ttl"), ttl.as_ref());
    desired.cache_stale_if_error_ms = time_or_zero(checks, &path.key("stale_if_error"), stale_if_error.as_ref());
    desired.cache_min_hit_ratio = fraction(checks, &path.key("min_hit_ratio"), *min_hit_ratio);
}

/// An error at one key's value that shows another's beside it.
fn beside(path: &PolicyPath, at: (&str, &str), other: (&str, &str), message: impl Into<String>) -> PolicyError {
    PolicyError::at(path.key(at.0), message).says(at.1).and(Label::value(path.key(other.0), other.1))
}

fn time(checks: &mut Checks, path: &PolicyPath, text: Option<&Timeout>) -> Option<u64> {
    match timeout(text?.as_ref()) {
        // Of a server's timeout it would be none at all.
        Err(UnitError::ForEver) => {
            checks.at(path, "it must be above zero");
            None
        }
        other => checks.keep(path, other).map(millis),
    }
}

fn time_or_zero(checks: &mut Checks, path: &PolicyPath, text: Option<&TimeoutOrNone>) -> Option<u64> {
    text.and_then(|text| checks.keep(path, or_none(text))).map(millis)
}

fn fraction(checks: &mut Checks, path: &PolicyPath, number: Option<f64>) -> Option<Fraction> {
    number.and_then(|number| checks.keep(path, Fraction::try_from(number)))
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
