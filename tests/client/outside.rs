//! What is seen of a client from outside.

use std::process::{Command, Stdio};
use std::time::Duration;

use pgstrata::client::{CacheOptions, Client, Error, HealthOptions, HealthStatus, PoolOptions, Query, Unwell};

use crate::support::{client, client_of, int, own_server, server, until};

#[test]
fn its_counters_are_what_prometheus_reads() {
    let db = client("outside_metrics", PoolOptions { max: 2, ..PoolOptions::default() });
    for _ in 0..3 {
        db.query(&Query::new("SELECT 1"), int).unwrap();
        db.cached(&Query::new("SELECT 1"), int).unwrap();
    }
    drop(db.query(&Query::new("SELECT 1 / 0"), int));
    let mut text = Vec::new();
    db.stats().write_prometheus(&mut text).unwrap();
    let text = String::from_utf8(text).unwrap();
    for line in [
        "pgstrata_client_sessions{state=\"idle\"} 1",
        "pgstrata_client_sessions_opened_total 1",
        "pgstrata_client_sessions_closed_total{reason=\"lost\"} 0",
        "pgstrata_client_errors_total 1",
        "pgstrata_client_cache_requests_total{result=\"hit\"} 2",
        "pgstrata_client_cache_requests_total{result=\"miss\"} 1",
        "pgstrata_client_query_seconds_count 5",
        "pgstrata_client_query_seconds_bucket{le=\"+Inf\"} 5",
    ] {
        assert!(text.lines().any(|found| found == line), "{line} is missing in\n{text}");
    }
    // Its own parser, where it is installed.
    let Ok(mut tool) = Command::new("promtool").args(["check", "metrics"]).stdin(Stdio::piped()).spawn() else {
        println!("SKIPPED: promtool is not installed");
        return;
    };
    std::io::Write::write_all(&mut tool.stdin.take().unwrap(), text.as_bytes()).unwrap();
    assert!(tool.wait().unwrap().success());
}

#[test]
fn its_health_says_what_is_wrong() {
    let server = own_server();
    let options = PoolOptions {
        max: 1,
        acquire_timeout: Duration::from_millis(200),
        check_after_idle: Duration::ZERO,
        ..PoolOptions::default()
    };
    let db = client_of(&server.url("postgres"), "outside_health", options);
    assert_eq!((db.health().status, db.health().reasons), (HealthStatus::Healthy, vec![]));
    let held = db.conn().unwrap();
    assert_eq!(
        (db.health().status, db.health().reasons),
        (HealthStatus::Degraded, vec![Unwell::Busy { busy: 1, max: 1 }])
    );
    drop(held);
    server.kill().unwrap();
    drop(db.query(&Query::new("SELECT 1"), int));
    let health = db.health();
    assert_eq!(health.status, HealthStatus::Unhealthy);
    assert!(matches!(&health.reasons[..], [Unwell::Away { .. }]), "{health:?}");
    let last = health.last_error.unwrap();
    assert!(health.reasons[0].to_string().ends_with(&last.text), "{last:?}");
    // Its own thread notes since when.
    until("it has been so for a while", || db.health().since >= Duration::from_millis(100));
    server.restart().unwrap();
    crate::support::until("it is back", || db.query(&Query::new("SELECT 1"), int).is_ok());
    assert_eq!((db.health().status, db.health().reasons), (HealthStatus::Healthy, vec![]));
    assert!(db.health().last_error.is_some(), "what was is still said");
    db.shutdown(Duration::ZERO);
    assert_eq!(db.health().reasons, [Unwell::Closed]);
}

#[test]
fn a_server_that_takes_no_more_sessions_is_not_away() {
    let server = own_server();
    let options = PoolOptions { max: 3, acquire_timeout: Duration::from_millis(400), ..PoolOptions::default() };
    let mut other = server.connect("postgres").unwrap();
    other.batch_execute("CREATE ROLE few LOGIN CONNECTION LIMIT 1").unwrap();
    let url = server.url("postgres").replace(&format!("user={}", server.superuser()), "user=few");
    let db = client_of(&url, "outside_few", options);
    let mut first = db.conn().unwrap();
    first.execute(&Query::new("SELECT 1")).unwrap();
    drop(std::thread::scope(|scope| scope.spawn(|| db.conn().map(drop)).join().unwrap()));
    first.execute(&Query::new("SELECT 1")).unwrap();
    let health = db.health();
    assert_eq!(health.status, HealthStatus::Degraded, "{health:?}");
    assert!(
        matches!(&health.reasons[..], [Unwell::NoNewSessions { because, .. }] if because.contains("too many connections")),
        "{health:?}"
    );
    // Now the open one is lost as well.
    other
        .batch_execute(
            "ALTER ROLE few NOLOGIN; SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'few'",
        )
        .unwrap();
    until("it is gone", || first.execute(&Query::new("SELECT 1")).is_err());
    drop(first);
    until("it is known", || db.connect_now().is_err() && db.health().status == HealthStatus::Unhealthy);
    assert!(matches!(&db.health().reasons[..], [Unwell::Away { .. }]), "{:?}", db.health());
    other.batch_execute("ALTER ROLE few LOGIN").unwrap();
    until("it is back", || db.query(&Query::new("SELECT 1"), int).is_ok());
    assert_eq!(db.health().status, HealthStatus::Healthy, "{:?}", db.health());
}

#[test]
fn few_hits_are_told_once_there_was_enough_to_tell_by() {
    let window = Duration::from_secs(2);
    let db = Client::builder(server().url("postgres"))
        .cache(CacheOptions { min_hit_ratio: Some(0.5), ..CacheOptions::default() })
        .health(HealthOptions::default().window(window))
        .build()
        .unwrap();
    let ask = |number: i32| drop(db.cached(&Query::new("SELECT $1").bind(number), int).unwrap());
    ask(1);
    ask(2);
    assert_eq!(db.health().reasons, [], "one a second, and no more, is not judged");
    ask(3);
    assert_eq!(db.health().reasons, [Unwell::FewHits { ratio: 0.0, wanted: 0.5 }]);
    assert_eq!(db.health().reasons[0].to_string(), "0 % of cached queries find a result, wanted 50 %");
    assert_eq!(db.health().status, HealthStatus::Degraded);
    (0..3).for_each(|_| ask(1));
    assert_eq!(db.health().reasons, [], "half of six");
    // What was asked before the window says nothing of now.
    std::thread::sleep(2 * window + Duration::from_millis(200));
    assert_eq!(db.health().reasons, []);
    (10..20).for_each(ask);
    assert!(matches!(&db.health().reasons[..], [Unwell::FewHits { ratio, .. }] if *ratio < 0.01), "{:?}", db.health());
}

#[test]
fn how_much_of_the_pool_may_be_in_use_is_for_the_program_to_say() {
    let build = |share: f64| {
        let builder = Client::builder(server().url("postgres"));
        builder
            .pool(PoolOptions { max: 4, ..PoolOptions::default() })
            .health(HealthOptions::default().max_pool_usage(share))
            .build()
    };
    let db = build(0.5).unwrap();
    let one = db.conn().unwrap();
    assert_eq!(db.health().status, HealthStatus::Healthy);
    let two = db.conn().unwrap();
    assert_eq!(db.health().reasons, [Unwell::Busy { busy: 2, max: 4 }]);
    drop((one, two));
    assert_eq!(db.health().status, HealthStatus::Healthy);
    for share in [0.0, -1.0, f64::NAN] {
        let refused = build(share).err().unwrap();
        assert!(matches!(refused, Error::Invalid { field: "health.max_pool_usage", .. }), "{refused}");
    }
}

#[test]
fn a_role_that_the_server_does_not_know_is_refused_with_its_sqlstate() {
    let url = server().url("postgres").replace(&format!("user={}", server().superuser()), "user=nobody_knows_me");
    let refused = client_of(&url, "outside_refused", PoolOptions::default()).connect_now().unwrap_err();
    assert!(matches!(refused, Error::Refused(_)), "{refused:?}");
    assert_eq!(refused.sqlstate(), Some("28000"));
}
