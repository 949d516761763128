//! What a policy says of applications' clients, and of services that take it over.

use super::*;

const HEAD: &str = "version: 1\ntables: {}\n";

fn desired(rest: &str) -> Desired {
    let sources = [Source::new("a.yaml", format!("{HEAD}{rest}"))];
    load(&sources, None, &|_| None).unwrap().0.resolve().unwrap()
}

/// Messages, each with the texts that it points at.
fn refused(rest: &str) -> Vec<(String, Vec<String>)> {
    let text = format!("{HEAD}{rest}");
    let (policy, places) = load(&[Source::new("a.yaml", text.clone())], None, &|_| None).unwrap();
    let errors = places.locate(policy.resolve().expect_err(rest));
    let at = |label: &Label| text[label.place.clone().unwrap().span].to_owned();
    errors.iter().map(|error| (error.to_string(), error.labels.iter().map(at).collect())).collect()
}

#[test]
fn what_zero_and_one_mean() {
    let client = desired(
        "client: {pool: {lifetime_jitter: 0, check_after_idle: 0, leak_warning: '0', statement_cache: 0}, cache: {stale_if_error: 0, min_hit_ratio: 1}}",
    )
    .client;
    assert_eq!(
        (client.check_after_idle_ms, client.leak_warning_ms, client.statement_cache),
        (Some(0), Some(0), Some(0))
    );
    assert_eq!((client.lifetime_jitter.map(f64::from), client.cache_stale_if_error_ms), (Some(0.0), Some(0)));
    assert_eq!(client.cache_min_hit_ratio.map(f64::from), Some(1.0));
    let json = serde_json::to_string(&client).unwrap();
    assert_eq!(serde_json::from_str::<ClientDesired>(&json).unwrap(), client, "a plan file carries it");
    assert!(serde_json::from_str::<ClientDesired>("{\"lifetime_jitter\": 1.5}").is_err());
}

#[test]
fn what_makes_no_sense_is_refused_where_it_stands() {
    for (pool, path, message, places) in [
        ("pool: {lifetime_jitter: 1}", "pool.lifetime_jitter", "`1` is not from 0 to below 1", vec!["1"]),
        ("pool: {lifetime_jitter: 1.5}", "pool.lifetime_jitter", "`1.5` is not from 0 to 1", vec!["1.5"]),
        ("pool: {lifetime_jitter: -0.1}", "pool.lifetime_jitter", "`-0.1` is not from 0 to 1", vec!["-0.1"]),
        (
            "pool: {leak_warning: 60}",
            "pool.leak_warning",
            "`60` has no unit: did you mean `60ms` or `60s` or `60min`?",
            vec!["60"],
        ),
        (
            "pool: {check_after_idle: 5m}",
            "pool.check_after_idle",
            "`5m` could be minutes or months: did you mean `5min` or `5 months`?",
            vec!["5m"],
        ),
        (
            "pool: {max_lifetime: 30s, idle_timeout: 1min}",
            "pool.idle_timeout",
            "no session is idle for so long: `max_lifetime` closes it before, or at the same time",
            vec!["1min", "30s"],
        ),
        (
            "pool: {max_connections: 2, min_connections: 3}",
            "pool.min_connections",
            "3 is more than `max_connections`, which is 2",
            vec!["3", "2"],
        ),
        ("cache: {min_hit_ratio: 80}", "cache.min_hit_ratio", "`80` is not from 0 to 1", vec!["80"]),
        ("cache: {min_hit_ratio: .nan}", "cache.min_hit_ratio", "`NaN` is not from 0 to 1", vec![".nan"]),
        ("cache: {max_entry_size: 0B}", "cache.max_entry_size", "at least one byte", vec!["0B"]),
        (
            "cache: {max_size: 1MB, max_entry_size: 4MB}",
            "cache.max_entry_size",
            "one entry may be larger than the whole cache",
            vec!["4MB", "1MB"],
        ),
    ] {
        let expected = (format!("client.{path}: {message}"), places.into_iter().map(str::to_owned).collect());
        assert_eq!(refused(&format!("client: {{{pool}}}")), [expected], "{pool}");
    }
    let (policy, _) = load(&[Source::new("a.yaml", format!("{HEAD}client: {{}}"))], None, &|_| None).unwrap();
    assert!(policy.resolve().unwrap().client.is_empty());
    for (pool, message) in [
        ("statement_cache: -1", "client.pool.statement_cache: `-1` is out of range"),
        ("lifetime_jitter: 20%", "client.pool.lifetime_jitter: expected a number, found `20%`"),
        ("statements_cache: 1", "client.pool.statements_cache: unknown key `statements_cache`"),
    ] {
        let wrong = Source::new("a.yaml", format!("{HEAD}client: {{pool: {{{pool}}}}}"));
        let errors = load(&[wrong], None, &|_| None).unwrap_err();
        assert_eq!(errors.iter().map(ToString::to_string).collect::<Vec<_>>(), [message]);
        assert!(!pool.ends_with('%') || errors[0].help.as_deref() == Some("did you mean `0.2`?"), "{errors:?}");
    }
}

#[test]
fn nothing_of_it_is_in_the_hash() {
    let service = "limits: {services: {api: {instances: 2}}}\n";
    let one = desired(&format!("{service}client: {{pool: {{max_connections: 3}}}}"));
    assert_eq!(one.limits.services["api"].connections(), 6);
    for other in [
        "client: {pool: {max_connections: 4}}",
        "client: {pool: {max_connections: 3, min_connections: 1, acquire_timeout: 1s, idle_timeout: 1s, max_lifetime: 2s}}",
        "client: {pool: {max_connections: 3, lifetime_jitter: 0.5, check_after_idle: 1s, leak_warning: 1s, statement_cache: 1}}",
        "client: {pool: {max_connections: 3}, cache: {max_size: 1MB, max_entries: 1, ttl: 1s}}",
        "client: {pool: {max_connections: 3}, cache: {max_entry_size: 1MB, stale_if_error: 1s, min_hit_ratio: 0.5}}",
    ] {
        let other = desired(&format!("{service}{other}"));
        assert_ne!(other, one);
        assert_eq!(other.hash(), one.hash(), "{other:?}");
        assert!(other.not_enforced.is_empty());
    }
    let own = desired("limits: {services: {api: {instances: 2, max_connections: 3}}}\n");
    assert_ne!(own.hash(), one.hash(), "what the service itself says is in it");
    assert_ne!(own.hash(), desired("limits: {services: {api: {instances: 2, max_connections: 4}}}\n").hash());
}

#[test]
fn a_service_opens_no_more_than_its_role_may() {
    let roles = |services: &str| {
        format!(
            "client: {{pool: {{max_connections: 20}}}}\nlimits:\n  roles: {{a: {{connection_limit: 30}}, '\"B b\"': {{connection_limit: 9}}, c: {{connection_limit: -1}}, d: {{lock_timeout: 1s}}}}\n  pgbouncer: {{default_pool_size: 5}}\n  services: {{{services}}}\n"
        )
    };
    for services in [
        "api: {role: a, instances: 3, max_connections: 10}",
        "api: {role: a, instances: 2, max_connections: 14}, job: {role: a, instances: 2, max_connections: 1}",
        "api: {role: A, instances: 1}",
        "api: {role: a, instances: 9, max_connections: 20, through: pgbouncer}, job: {role: a, instances: 30, max_connections: 1}",
        "api: {role: c, instances: 1000}, job: {role: d, instances: 1000}, other: {role: e, instances: 1000}",
        "api: {instances: 1000}",
    ] {
        assert_eq!(desired(&roles(services)).limits.roles.len(), 4, "{services}");
    }
    for (services, message, places) in [
        (
            "api: {role: a, instances: 3, max_connections: 11}",
            "limits.services.api.max_connections: service api opens up to 3 × 11 = 33 connections, its role a may open 30",
            vec!["11", "30"],
        ),
        (
            "api: {role: a, instances: 2}",
            "client.pool.max_connections: service api opens up to 2 × 20 = 40 connections, its role a may open 30",
            vec!["20", "30"],
        ),
        (
            "api: {role: '\"B b\"', instances: 10, max_connections: 1}",
            "limits.services.api.max_connections: service api opens up to 10 × 1 = 10 connections, its role \"B b\" may open 9",
            vec!["1", "9"],
        ),
        (
            "api: {role: a, instances: 1}, job: {role: a, instances: 11, max_connections: 1}",
            "limits.roles.a.connection_limit: services of a open up to api 1 × 20 + job 11 × 1 = 31 connections, it may open 30",
            vec!["30", "20", "1"],
        ),
    ] {
        let places = places.into_iter().map(str::to_owned).collect();
        assert_eq!(refused(&roles(services)), [(message.to_owned(), places)]);
    }
    let missing = refused("limits: {services: {api: {instances: 1}}}");
    assert_eq!(missing[0].0, "limits.services.api: `max_connections` is missing");
}
