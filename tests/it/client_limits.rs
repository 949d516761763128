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
