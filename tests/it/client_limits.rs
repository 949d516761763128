//! `pgstrata client limits`: what a policy says of clients, as programs read it.

use pgstrata::client::{CacheOptions, ClientLimits, PoolOptions};
use pgstrata::db::Env;
use pgstrata::policy::{Source, client_options, load};
use std::time::Duration;

use crate::support::pgstrata;
use crate::support::place::ran;

const POLICY: &str = "version: 1
tables: {}
client:
  pool: {max_connections: 20, acquire_timeout: 10s, idle_timeout: 30s}
  cache: {max_size: 100MB, ttl: 5min}
environments:
  production: {client: {pool: {max_connections: 40, min_connections: 2}}}
  staging: {}
";

const PRODUCTION: [(&str, &str); 6] = [
    ("PGSTRATA_POOL_MAX", "40"),
    ("PGSTRATA_POOL_MIN", "2"),
    ("PGSTRATA_POOL_ACQUIRE_TIMEOUT_MS", "10000"),
    ("PGSTRATA_POOL_IDLE_TIMEOUT_MS", "30000"),
    ("PGSTRATA_CACHE_MAX_BYTES", "104857600"),
    ("PGSTRATA_CACHE_TTL_MS", "300000"),
];

fn printed(policy: &str, args: &[&str], code: i32) -> (String, String) {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("pgstrata.yaml"), policy).unwrap();
    let ran = ran(pgstrata().current_dir(folder.path()).args(["client", "limits"]).args(args), code);
    (ran.stdout, ran.stderr)
}

#[test]
fn each_format_says_the_same_and_nothing_that_the_policy_does_not() {
    let env = printed(POLICY, &["--env", "production"], 0).0;
    let lines: Vec<(&str, &str)> = env.lines().map(|line| line.split_once('=').unwrap()).collect();
    assert_eq!(lines, PRODUCTION);
    let json: serde_json::Value =
        serde_json::from_str(&printed(POLICY, &["--env", "production", "--format", "json"], 0).0).unwrap();
    let expected = serde_json::json!({
        "pool": {"max": 40, "min": 2, "acquire_timeout_ms": 10_000, "idle_timeout_ms": 30_000},
        "cache": {"max_bytes": 104_857_600, "ttl_ms": 300_000},
    });
    assert_eq!(json, expected);
    let toml = printed(POLICY, &["--env", "production", "--format", "toml"], 0).0;
    assert_eq!(
        toml,
        "[pool]\nmax = 40\nmin = 2\nacquire_timeout_ms = 10000\nidle_timeout_ms = 30000\n\n[cache]\nmax_bytes = 104857600\nttl_ms = 300000\n"
    );
    assert!(printed(POLICY, &["--env", "staging"], 0).0.starts_with("PGSTRATA_POOL_MAX=20\n"));
    let nothing = printed("version: 1\ntables: {}\n", &[], 1).1;
    assert!(nothing.contains("the policy says nothing of clients"), "{nothing}");
}

const EVERYTHING: &str = "version: 1
tables: {}
client:
  pool:
    max_connections: 20
    min_connections: 2
    acquire_timeout: 10s
    idle_timeout: 30s
    max_lifetime: 30min
    lifetime_jitter: 0.25
    check_after_idle: 500ms
    leak_warning: 0
    statement_cache: 64
  cache:
    max_size: 100MB
    max_entries: 1000
    ttl: 5min
    max_entry_size: 4MB
    stale_if_error: 10min
    min_hit_ratio: 1
";

#[test]
fn every_key_of_a_policy_reaches_a_program() {
    let env = printed(EVERYTHING, &[], 0).0;
    let lines: Vec<(&str, &str)> = env.lines().map(|line| line.split_once('=').unwrap()).collect();
    let expected = [
        ("PGSTRATA_POOL_MAX", "20"),
        ("PGSTRATA_POOL_MIN", "2"),
        ("PGSTRATA_POOL_ACQUIRE_TIMEOUT_MS", "10000"),
        ("PGSTRATA_POOL_IDLE_TIMEOUT_MS", "30000"),
        ("PGSTRATA_POOL_MAX_LIFETIME_MS", "1800000"),
        ("PGSTRATA_POOL_LIFETIME_JITTER", "0.25"),
        ("PGSTRATA_POOL_CHECK_AFTER_IDLE_MS", "500"),
        ("PGSTRATA_POOL_LEAK_WARNING_MS", "0"),
        ("PGSTRATA_POOL_STATEMENT_CACHE", "64"),
        ("PGSTRATA_CACHE_MAX_BYTES", "104857600"),
        ("PGSTRATA_CACHE_MAX_ENTRIES", "1000"),
        ("PGSTRATA_CACHE_TTL_MS", "300000"),
        ("PGSTRATA_CACHE_MAX_ENTRY_BYTES", "4194304"),
        ("PGSTRATA_CACHE_STALE_IF_ERROR_MS", "600000"),
        ("PGSTRATA_CACHE_MIN_HIT_RATIO", "1.0"),
    ];
    assert_eq!(lines, expected);
    // The other formats have the same keys, and numbers as numbers.
    let json: serde_json::Value = serde_json::from_str(&printed(EVERYTHING, &["--format", "json"], 0).0).unwrap();
    assert_eq!((&json["pool"]["lifetime_jitter"], &json["cache"]["min_hit_ratio"]), (&0.25.into(), &1.0.into()));
    assert_eq!((&json["pool"]["leak_warning_ms"], &json["cache"]["max_entry_bytes"]), (&0.into(), &4_194_304.into()));
    let toml = printed(EVERYTHING, &["--format", "toml"], 0).0;
    assert!(toml.contains("lifetime_jitter = 0.25\n") && toml.contains("min_hit_ratio = 1.0\n"), "{toml}");
    for (name, value) in expected {
        let (section, key) = name.strip_prefix("PGSTRATA_").unwrap().split_once('_').unwrap();
        let (section, key) = (section.to_lowercase(), key.to_lowercase());
        assert_eq!(json[&section][&key].to_string(), value, "{name}");
        assert!(toml.contains(&format!("\n{key} = {value}\n")), "{name}");
    }

    let limits = ClientLimits::from_env(&Env::from_map(lines)).unwrap();
    let source = Source { name: "pgstrata.yaml".to_owned(), bytes: EVERYTHING.as_bytes().to_vec() };
    let (policy, _) = load(&[source], None, &|_| None).unwrap();
    assert_eq!(client_options(&policy.resolve().unwrap()), limits);
    let pool = limits.pool(PoolOptions::default());
    assert_eq!((pool.lifetime_jitter, pool.check_after_idle.as_millis()), (0.25, 500));
    assert_eq!((pool.leak_warning, pool.statement_cache), (None, 64), "zero switches the warning off");
    let cache = limits.cache(CacheOptions::default());
    assert_eq!((cache.max_entry_bytes, cache.stale_if_error.as_secs(), cache.min_hit_ratio), (4 << 20, 600, Some(1.0)));
    for (name, value) in [
        ("PGSTRATA_POOL_LIFETIME_JITTER", "1.5"),
        ("PGSTRATA_POOL_LIFETIME_JITTER", "NaN"),
        ("PGSTRATA_CACHE_MIN_HIT_RATIO", "80%"),
        ("PGSTRATA_POOL_STATEMENT_CACHE", "0.5"),
    ] {
        let wrong = ClientLimits::from_env(&Env::from_map([(name, value)])).unwrap_err();
        assert!(wrong.to_string().starts_with(name), "{wrong}");
    }
}

#[test]
fn a_role_that_may_not_open_what_its_service_does_is_shown_with_both() {
    let policy = "version: 1
tables: {}
client: {pool: {max_connections: 20}}
limits:
  roles: {api: {connection_limit: 60}}
  services: {shop: {role: api, instances: 4}}
environments:
  test: {client: {pool: {max_connections: 2}}}
  live: {}
";
    let place = tempfile::tempdir().unwrap();
    std::fs::write(place.path().join("pgstrata.yaml"), policy).unwrap();
    let validate = |env: &str, code| ran(pgstrata().current_dir(place.path()).args(["validate", "--env", env]), code);
    let shown = validate("live", 78).stderr;
    for part in [
        "service shop opens up to 4 × 20 = 80 connections, its role api may open 60",
        "pgstrata.yaml:3:34",
        "in each of 4",
        "api may open 60",
    ] {
        assert!(shown.contains(part), "{part} in {shown}");
    }
    let valid = validate("test", 0).stdout;
    assert!(!valid.contains("not yet enforced"), "{valid}");
}

#[test]
fn a_client_takes_them_from_the_variables_and_from_the_policy_alike() {
    let limits = ClientLimits::from_env(&Env::from_map(PRODUCTION)).unwrap();
    let source = Source { name: "pgstrata.yaml".to_owned(), bytes: POLICY.as_bytes().to_vec() };
    let (policy, _) = load(&[source], Some("production"), &|_| None).unwrap();
    assert_eq!(client_options(&policy.resolve().unwrap()), limits);
    let (pool, cache) = (limits.pool(PoolOptions::default()), limits.cache(CacheOptions::default()));
    assert_eq!((pool.max, pool.min, pool.idle_timeout), (40, 2, Some(Duration::from_secs(30))));
    assert_eq!(pool.max_lifetime, PoolOptions::default().max_lifetime, "what nobody says stays");
    assert_eq!((cache.max_bytes, cache.ttl), (100 << 20, Duration::from_secs(300)));
    for (name, value) in
        [("PGSTRATA_POOL_MAX", "many"), ("PGSTRATA_POOL_MIN", "-1"), ("PGSTRATA_POOL_MAX", "4294967296")]
    {
        let wrong = ClientLimits::from_env(&Env::from_map([(name, value)])).unwrap_err();
        assert!(wrong.to_string().starts_with(name), "{wrong}");
    }
}
