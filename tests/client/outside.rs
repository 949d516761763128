//! What is seen of a client from outside.

use std::process::{Command, Stdio};
use std::time::Duration;

use pgstrata::client::{HealthStatus, PoolOptions, Query, Unwell};

use crate::support::{client, client_of, int, own_server};

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
    assert_eq!((db.health().status, db.health().reasons), (HealthStatus::Degraded, vec![Unwell::AllBusy { max: 1 }]));
    drop(held);
    server.kill().unwrap();
    drop(db.query(&Query::new("SELECT 1"), int));
    let health = db.health();
    assert_eq!(health.status, HealthStatus::Unhealthy);
    assert!(matches!(&health.reasons[..], [Unwell::Away { .. }]), "{health:?}");
    server.restart().unwrap();
    crate::support::until("it is back", || db.query(&Query::new("SELECT 1"), int).is_ok());
    assert_eq!(db.health().status, HealthStatus::Healthy);
    db.shutdown(Duration::ZERO);
    assert_eq!(db.health().reasons, [Unwell::Closed]);
}
