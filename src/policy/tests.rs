use super::*;
use crate::grid::{CalendarSpan, Interval, Unit};
use crate::plan::HazardKind;
use crate::sql::TableName;

/// The whole language, as README and contract show it.
const WHOLE: &str = r#"
version: 1
connection:
  url: "${DATABASE_URL}"
  expect: {database: "${PGDATABASE:-app}", cluster_name: main, system_identifier: 7301234567890123456}
client:
  pool:
    max_connections: 20
    min_connections: 2
    acquire_timeout: 10s
    idle_timeout: 30s
    max_lifetime: 30min
    lifetime_jitter: 0.25
    check_after_idle: 500ms
    leak_warning: 1min
    statement_cache: 256
  cache: {max_size: 100MB, max_entries: 1000, ttl: 5min, max_entry_size: 4MB, stale_if_error: 10min, min_hit_ratio: 0.9}
apply:
  jobs: 3
  lock_timeout: 100ms
  lock_retries: 5
  statement_timeout: 6s
  concurrent_timeout: 1h
  allow: ["deletes-data:audit.audit_log", DETACHES_DATA]
  max_drop: {windows: 0, span: 0 days}
  max_create: 10
  settings: alter_system
tables:
  audit.audit_log:
    partition:
      key: occurred_at
      interval: 1 month
      timezone: europe/berlin
      anchor: 2000-01-01
      encoding: epoch_ms
      premake: 90 days
      start: 2026-01-01
      name: "{table}_p{start:%Y%m%d}"
      default_partition: require
    retention: {keep: 7 years, then: drop, grace: 0 days, straddling: remove}
    indexes:
      audit_log_actor_idx:   {columns: [actor_id, occurred_at desc]}
      audit_log_failed_idx:  {columns: [occurred_at], where: "status = 'failed'"}
      audit_log_details_idx: {using: gin, columns: [details jsonb_path_ops], with: {fastupdate: off}}
    other_indexes: report
    storage_parameters: {autovacuum_vacuum_scale_factor: 0.02, toast.autovacuum_enabled: false}
    maintenance: {analyze_parent_every: 1 day, freeze_closed: true, reindex_above_bloat: 40%}
  public.ids:
    partition: {key: '"Id"', interval: 1000000, anchor: 0}
    retention: {keep: 50000000}
holds:
  matter-4711: {tables: [audit.audit_log], from: 2024-03-01, to: 2024-04-01 12:30, reason: "discovery"}
limits:
  database: {connection_limit: 90}
  roles:
    audit_writer: {connection_limit: 40, statement_timeout: 30s, idle_in_transaction_session_timeout: 1min}
  services:
    audit-api: {role: audit_writer, instances: 4, max_connections: 8}
  pgbouncer: {admin_url: "${PGBOUNCER_URL:-}", default_pool_size: 20, max_client_conn: 500}
settings: {random_page_cost: 1.1, jit: off}
monitoring: {slow_query: 1s, min_cache_hit_ratio: 0.99, max_pool_usage: 80%, max_partition_size: 50GB, unused_index_after: 30 days}
"#;

fn loaded(files: &[&str], env: Option<&str>) -> (Policy, SourceMap) {
    let sources: Vec<Source> =
        files.iter().enumerate().map(|(at, text)| Source::new(format!("{at}.yaml"), *text)).collect();
    load(&sources, env, &|_| None).unwrap()
}

fn desired(files: &[&str], env: Option<&str>) -> Desired {
    loaded(files, env).0.resolve().unwrap()
}

fn table(schema: &str, name: &str) -> TableName {
    TableName::new(schema, name)
}

#[test]
fn the_whole_language_is_read() {
    let desired = desired(&[WHOLE], None);
    insta::assert_snapshot!("whole_language", serde_json::to_string_pretty(&desired).unwrap());
    let json = serde_json::to_string(&desired).unwrap();
    assert_eq!(serde_json::from_str::<Desired>(&json).unwrap(), desired, "a plan file carries the policy");
}

#[test]
fn defaults_are_the_documented_ones() {
    let desired = desired(
        &["version: 1\ntables: {a.b: {partition: {key: at, interval: 1 week}, retention: {keep: 3 weeks}}}"],
        None,
    );
    let ApplyDesired {
        jobs,
        lock_timeout,
        lock_retries,
        statement_timeout,
        concurrent_timeout,
        allow,
        max_drop,
        max_create,
    } = &desired.apply;
    assert_eq!((*jobs, *lock_retries, *max_create, max_drop.windows), (2, 30, 500, 3));
    assert_eq!((lock_timeout.as_millis(), statement_timeout.as_millis()), (200, 5_000));
    assert_eq!(concurrent_timeout.as_secs(), 600);
    assert!(allow.is_empty() && desired.not_enforced.is_empty());
    assert_eq!(max_drop.span.to_string(), "8 days");
    let table = &desired.tables[&table("a", "b")];
    assert_eq!(table.premake, Premake::Windows(4));
    assert_eq!(table.width, Width::Calendar(Interval { count: 1, unit: Unit::Weeks }));
    assert_eq!(table.default_partition, DefaultPartition::None);
    let retention = table.retention.unwrap();
    assert_eq!((retention.then, retention.straddling), (Then::Detach, Straddling::Keep));
    assert_eq!(retention.grace, CalendarSpan { days: 7, ..CalendarSpan::ZERO });
}

#[test]
fn an_environment_merges_replaces_removes_and_adds() {
    let base = "
version: 1
apply: {jobs: 4, allow: [detaches-data]}
tables:
  a.b: {partition: {key: at, interval: 1 day}, retention: {keep: 90 days, then: drop}}
  a.c: {partition: {key: at, interval: 1 day}}
holds:
  one: {tables: [a.c], reason: x}
  two: {tables: [a.b], reason: x}
settings: {jit: off, work_mem: 4MB}
environments:
  production: ~
  test:
    apply: {jobs: null, allow: [deletes-data]}
    tables:
      A.B: {retention: {keep: 2 days}, storage_parameters: {fillfactor: 90}}
      a.c: null
    holds:
      three: {reason: x}
    settings: {jit: null}
";
    let production = desired(&[base], Some("production"));
    assert_eq!(production.tables.len(), 2);
    assert_eq!(production.apply.jobs, 4);

    let (policy, places) = loaded(&[base], Some("test"));
    let test = policy.resolve().unwrap();
    assert_eq!(test.tables.keys().collect::<Vec<_>>(), [&table("a", "b")]);
    assert_eq!(test.apply.jobs, 2, "removed, so the default");
    let grants: Vec<_> = test.apply.allow.iter().map(|grant| grant.hazard).collect();
    assert_eq!(grants, [HazardKind::DeletesData, HazardKind::DetachesData]);
    let retention = test.tables[&table("a", "b")].retention.unwrap();
    assert_eq!((retention.keep, retention.then), (Keep::Span("2 days".parse().unwrap()), Then::Drop));
    assert_eq!(test.holds.keys().collect::<Vec<_>>(), ["three", "two"], "what only held `a.c` holds nothing any more");
    assert!(test.holds["three"].tables.is_empty());
    assert_eq!(policy.spec().settings.as_ref().unwrap().keys().collect::<Vec<_>>(), ["work_mem"]);

    let at = |path: PolicyPath| base[places.value(&path).unwrap().span].to_owned();
    let table = PolicyPath::of(["tables", "a.b", "retention"]);
    assert_eq!(at(table.key("keep")), "2 days", "from the overlay");
    assert_eq!(at(table.key("then")), "drop", "from the base");
    assert_eq!(at(PolicyPath::of(["apply", "allow"]).index(1)), "deletes-data");
    assert_eq!(at(table.key("keep").key("no").key("such")), "2 days", "else what it would be in");
}

#[test]
fn files_add_tables_holds_and_environments_to_each_other() {
    let tables =
        "version: 1\ntables: {a.b: {partition: {key: at, interval: 1 day}}}\nenvironments: {x: {settings: {a: null}}}";
    let more = "version: 1\ntables: {a.c: {partition: {key: at, interval: 1 day}}}\nsettings: {a: 1, b: 2}\nenvironments: {x: {settings: {b: 3}}, y: {}}";
    let holds = "version: 1\nholds: {m: {tables: [a.c], reason: z}}\nsettings: {b: 1}";
    let (policy, places) = loaded(&[tables, more, holds], Some("x"));
    assert_eq!(policy.spec().settings.as_ref().unwrap()["b"].as_ref(), "3");
    assert_eq!(policy.spec().settings.as_ref().unwrap().len(), 1);
    let desired = policy.resolve().unwrap();
    assert_eq!((desired.tables.len(), desired.holds.len()), (2, 1));
    assert_eq!(places.key(&PolicyPath::of(["holds", "m"])).unwrap().source, "2.yaml");
    let sources = [tables, more, holds].map(|text| Source::new("x", text));
    assert_eq!(environments(&sources).unwrap(), ["x", "y"]);
}

#[test]
fn urls_stay_references_until_they_are_used() {
    let (policy, _) = loaded(&[WHOLE], None);
    assert_eq!(policy.spec().connection.as_ref().unwrap().url.as_ref().unwrap().as_ref(), "${DATABASE_URL}");
    let vars = |name: &str| (name == "DATABASE_URL").then(|| "postgres://db".to_owned());
    assert_eq!(policy.connection_url(&vars).unwrap().as_deref(), Some("postgres://db"));
    let error = policy.connection_url(&|_| None).unwrap_err();
    assert_eq!(error.to_string(), "connection.url: `DATABASE_URL` is not set, and `${DATABASE_URL}` has no default");
    assert_eq!(policy.pgbouncer_admin_url(&|_| None).unwrap(), None);
}

#[test]
fn the_hash_is_of_what_is_meant() {
    let one = "version: 1\ntables: {a.b: {partition: {key: at, interval: 1 day, timezone: utc, premake: 4}}}\n";
    let same = "# a comment\nversion: 1\nconnection: {url: x, expect: {database: y}}\nclient: {pool: {max_connections: 3}}\n\
                monitoring: {slow_query: 2s}\ntables:\n  A.B:\n    partition: {interval: 1 days, key: AT, timezone: UTC}\n";
    let hash = desired(&[one], None).hash();
    assert_eq!(hash, desired(&[same], None).hash());
    assert_eq!(hash.as_str().len(), 64);
    for other in [
        one.replace("premake: 4", "premake: 5"),
        one.replace("1 day", "2 days"),
        format!("{one}holds: {{h: {{reason: x}}}}\n"),
        format!("{one}apply: {{max_create: 1}}\n"),
    ] {
        assert_ne!(hash, desired(&[&other], None).hash(), "{other}");
    }
}

#[test]
fn the_order_of_keys_makes_no_difference() {
    let mut keys: Vec<&str> = vec![
        "tables: {a.b: {partition: {key: at, interval: 1 day}}, a.a: {partition: {interval: 1 day, key: at}}}",
        "apply: {allow: [detaches-data, deletes-data]}",
        "version: 1",
    ];
    let one = desired(&[&keys.join("\n")], None);
    keys.reverse();
    assert_eq!(one, desired(&[&keys.join("\n")], None));
}

#[test]
fn a_short_horizon_is_warned_of() {
    let horizon = |interval: &str, premake: &str| {
        let text = format!(
            "version: 1\ntables: {{a.b: {{partition: {{key: at, interval: {interval}, premake: {premake}}}}}}}"
        );
        warnings(&desired(&[&text], None)).len()
    };
    assert_eq!(horizon("1 hour", "47"), 1);
    assert_eq!(horizon("1 hour", "48"), 0);
    assert_eq!(horizon("1 day", "1"), 1);
    assert_eq!(horizon("1 day", "2"), 0);
    assert_eq!(horizon("1 month", "1"), 0);
    assert_eq!(horizon("1 day", "1 day"), 1);
    assert_eq!(horizon("1 day", "1 month"), 0);
    assert_eq!(horizon("1000", "1"), 0);
}

#[test]
fn keeping_less_than_one_partition_is_refused_only_when_it_is_certain() {
    let kept = |interval: &str, keep: &str| {
        let text = format!(
            "version: 1\ntables: {{a.b: {{partition: {{key: at, interval: {interval}}}, retention: {{keep: {keep}}}}}}}"
        );
        loaded(&[&text], None).0.resolve().is_ok()
    };
    for (interval, keep, fits) in [
        ("1 month", "30 days", true),
        ("1 month", "27 days", false),
        ("1 year", "365 days", true),
        ("1 year", "11 months", false),
        ("1 year", "12 months", true),
        ("1 quarter", "3 months", true),
        ("1 quarter", "2 months", false),
        ("1 week", "7 days", true),
        ("1 week", "6 days 23 hours", false),
        ("1 day", "23 hours", false),
        ("6 hours", "6 hours", true),
    ] {
        assert_eq!(kept(interval, keep), fits, "{interval}, {keep}");
    }
}

#[test]
fn names_are_read_as_postgresql_reads_them() {
    let policy = |name: &str, key: &str| {
        format!("version: 1\ntables:\n  {name}:\n    partition: {{key: {key}, interval: 1 day}}\n")
    };
    for (name, key, expected, column) in [
        ("Audit.Audit_LOG", "Occurred_AT", table("audit", "audit_log"), "occurred_at"),
        ("'\"Audit\".\"Audit LOG\"'", "'\"At\"'", table("Audit", "Audit LOG"), "At"),
        // YAML's quotes alone are none of PostgreSQL's.
        ("\"Audit.Log\"", "\"At\"", table("audit", "log"), "at"),
        // Beyond ASCII nothing is folded.
        ("Prüfung.Größe", "Änderung", table("prüfung", "größe"), "Änderung"),
        ("'app.\"a.b\"'", "'\"x\"\"y\"'", table("app", "a.b"), "x\"y"),
    ] {
        let text = policy(name, key);
        let found = desired(&[&text], None);
        let (found, spec) = found.tables.first_key_value().unwrap();
        assert_eq!((found, spec.key.as_str()), (&expected, column), "{text}");
    }
}

#[test]
fn holds_in_a_file_of_their_own_are_those_of_the_policy() {
    let tables = "version: 1\ntables:\n  a.b:\n    partition: {key: at, interval: 1 day}\nholds: {one: {reason: x}}\n";
    let holds = "version: 1\nholds:\n  two: {tables: [A.B], from: 2024-03-01, reason: y}\n";
    for files in [[tables, holds], [holds, tables]] {
        let desired = desired(&files, None);
        assert_eq!(desired.holds.keys().collect::<Vec<_>>(), ["one", "two"]);
        assert_eq!(desired.hash(), self::desired(&[tables, holds], None).hash(), "the order of files means nothing");
    }
}
