//! The examples, as a reader would run them.

#[path = "../../examples/audit_client.rs"]
#[allow(dead_code, unreachable_pub, reason = "a program, whose main is not called")]
mod audit_client;

use std::time::{Duration, SystemTime};

use pgstrata::client::Source;

use self::audit_client::{AuditLog, Event};
use crate::support::{observer, server};

#[test]
fn the_audit_client_reads_what_it_wrote() {
    observer()
        .batch_execute(
            "CREATE SCHEMA audit; CREATE TABLE audit.audit_log (actor_id bigint, action text, occurred_at timestamptz)
               PARTITION BY RANGE (occurred_at); CREATE TABLE audit.audit_log_all PARTITION OF audit.audit_log DEFAULT",
        )
        .unwrap();
    let log = AuditLog::connect(&server().url("postgres")).unwrap();
    let now = SystemTime::UNIX_EPOCH
        + Duration::from_secs(SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs());
    let event = |actor: i64, action: &str| Event { actor, action: action.to_owned(), at: now };
    log.record(&[event(1, "login"), event(2, "login"), event(1, "read")]).unwrap();
    let recent = log.recent(1).unwrap();
    assert_eq!((recent.to_vec(), recent.source()), (vec![event(1, "login"), event(1, "read")], Source::Server));
    assert_eq!(log.recent(1).unwrap().source(), Source::Cache);
    log.record(&[event(1, "write")]).unwrap();
    assert_eq!(log.recent(1).unwrap().len(), 3);
    assert!(log.metrics().contains("pgstrata_client_cache_requests_total{result=\"hit\"} 1"));
    observer().batch_execute("DROP SCHEMA audit CASCADE").unwrap();
}

#[cfg(feature = "tokio")]
#[path = "../../examples/async_client.rs"]
#[allow(dead_code, unreachable_pub, reason = "a program, whose main is not called")]
mod async_client;

#[cfg(feature = "tokio")]
#[test]
fn tasks_share_few_sessions_and_sell_nothing_twice() {
    use self::async_client::{connect, left, order};

    observer()
        .batch_execute(
            "CREATE TABLE public.stock (article bigint PRIMARY KEY, left_over int NOT NULL);
             INSERT INTO public.stock VALUES (1, 15)",
        )
        .unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let db = connect(&server().url("postgres")).await.unwrap();
        assert_eq!(*left(&db, 1).await.unwrap(), [15]);
        let tasks: Vec<_> = (0..20)
            .map(|_| {
                let db = db.clone();
                tokio::spawn(async move { order(&db, 1, 1).await.unwrap() })
            })
            .collect();
        let mut sold = Vec::new();
        for task in tasks {
            sold.extend(task.await.unwrap());
        }
        sold.sort_unstable();
        assert_eq!(sold, (0..15).collect::<Vec<_>>(), "each piece once, and none that is not there");
        assert_eq!(*left(&db, 1).await.unwrap(), [0]);
        assert!(db.stats().opened <= 4);
        assert!(db.shutdown(Duration::from_secs(10)).await);
    });
    observer().batch_execute("DROP TABLE public.stock").unwrap();
}
