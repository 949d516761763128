//! Calls of tasks: as those of threads, and a future that is dropped leaves nothing behind.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use pgstrata::client::{AsyncClient, ClosedBy, Error, HealthStatus, PoolOptions, Query, Source, Tag, TxOptions};

use crate::support::{client, int, observer, sessions, until};

fn async_client(name: &str, options: PoolOptions) -> AsyncClient {
    AsyncClient::new(client(name, options))
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
}

async fn holds(what: &str, mut holds: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !holds() {
        assert!(begun.elapsed() < Duration::from_secs(60), "{what}: not within a minute");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

#[test]
fn every_call_gives_what_the_synchronous_one_gives() {
    let db = async_client("async_calls", PoolOptions { max: 2, ..PoolOptions::default() });
    runtime().block_on(async {
        db.connect_now().await.unwrap();
        assert_eq!(db.execute(Query::new("CREATE TABLE async_calls (n int)")).await.unwrap(), 0);
        let insert = Arc::new(Query::new("INSERT INTO async_calls VALUES ($1)").bind(1_i32));
        for _ in 0..2 {
            assert_eq!(db.execute(Arc::clone(&insert)).await.unwrap(), 1);
        }
        let all = Arc::new(Query::new("SELECT n FROM async_calls ORDER BY n").reads("public.async_calls"));
        assert_eq!(db.query(Arc::clone(&all), int).await.unwrap(), [1, 1]);
        assert!(matches!(db.query_one(Arc::clone(&all), int).await, Err(Error::RowCount { found: 2, .. })));
        let none = Query::new("SELECT n FROM async_calls WHERE false");
        assert_eq!(db.query_opt(none, int).await.unwrap(), None);
        assert_eq!(db.cached(Arc::clone(&all), int).await.unwrap().source(), Source::Server);
        assert_eq!(db.cached(Arc::clone(&all), int).await.unwrap().source(), Source::Cache);
        let sum = db
            .transaction(&TxOptions::serializable().retries(3), |tx| {
                tx.writes("public.async_calls");
                tx.execute(&Query::new("INSERT INTO async_calls VALUES (40)"))?;
                tx.query_one(&Query::new("SELECT sum(n)::int FROM async_calls"), int)
            })
            .await;
        assert_eq!(sum.unwrap(), 42);
        assert_eq!(*db.cached(Arc::clone(&all), int).await.unwrap(), [1, 1, 40]);
        db.invalidate(Tag("public.async_calls"));
        assert_eq!(db.cached(Arc::clone(&all), int).await.unwrap().source(), Source::Server);
        db.invalidate_key(&all, int).unwrap();
        assert_eq!(db.cached(Arc::clone(&all), int).await.unwrap().source(), Source::Server);
        let raw = db.run(|db| Ok(db.conn()?.raw()?.query("SELECT 7", &[])?[0].get::<_, i32>(0))).await;
        assert_eq!(raw.unwrap(), 7);
        assert_eq!(db.query(Query::new("SELECT 1 / 0"), int).await.unwrap_err().sqlstate(), Some("22012"));
        assert_eq!(db.execute(Query::new("DROP TABLE async_calls")).await.unwrap(), 0);
        // The synchronous client of a task still says where it may be called.
        assert!(matches!(db.client().query(&Query::new("SELECT 1"), int), Err(Error::InAsyncContext)));
        assert_eq!(db.health().status, HealthStatus::Healthy);
        assert!(db.shutdown(Duration::from_secs(10)).await);
        assert!(matches!(db.query(Query::new("SELECT 1"), int).await, Err(Error::Closed)));
        assert!(matches!(db.cached(all, int).await, Err(Error::Closed)), "what is kept is not given either");
        drop(db);
    });
}

#[test]
fn a_future_that_is_dropped_leaves_no_loan() {
    let db = async_client("async_dropped", PoolOptions { max: 2, ..PoolOptions::default() });
    let mut other = observer();
    other.batch_execute("CREATE TABLE async_dropped (n int)").unwrap();
    let begun = Arc::new(AtomicU32::new(0));
    runtime().block_on(async {
        let sleep = || db.query(Query::new("SELECT 1 FROM pg_sleep(0.3)"), int);
        // Never polled; dropped while it waits for a thread; dropped while its query runs; dropped within a transaction.
        drop(sleep());
        let (first, second) = (
            tokio::spawn({
                let db = db.clone();
                async move { db.query(Query::new("SELECT 1 FROM pg_sleep(0.3)"), int).await }
            }),
            tokio::spawn({
                let (db, begun) = (db.clone(), Arc::clone(&begun));
                async move {
                    db.transaction(&TxOptions::default(), move |tx| {
                        tx.execute(&Query::new("INSERT INTO async_dropped VALUES (1)"))?;
                        begun.fetch_add(1, Ordering::SeqCst);
                        tx.query_one(&Query::new("SELECT 1 FROM pg_sleep(0.3)"), int)
                    })
                    .await
                }
            }),
        );
        holds("both run", || db.stats().busy == 2 && begun.load(Ordering::SeqCst) == 1).await;
        let waits = tokio::time::timeout(Duration::from_millis(20), sleep()).await;
        assert!(waits.is_err());
        first.abort();
        second.abort();
        assert!(first.await.unwrap_err().is_cancelled() && second.await.unwrap_err().is_cancelled());
        holds("all came back", || db.stats().busy == 0).await;
        let stats = db.stats();
        assert_eq!((stats.waiting, stats.opened, stats.idle), (0, 2, 2), "the one that only waited ran nothing");
        assert_eq!(stats.query.count, 3);
        // Both places are there again.
        let (one, two) = tokio::join!(sleep(), sleep());
        assert_eq!((one.unwrap(), two.unwrap()), (vec![1], vec![1]));
    });
    assert_eq!(other.query_one("SELECT count(*) FROM async_dropped", &[]).unwrap().get::<_, i64>(0), 1);
    other.batch_execute("DROP TABLE async_dropped").unwrap();
    assert_eq!(db.stats().closed.iter().map(|(_, count)| count).sum::<u64>(), 0);
}

#[test]
fn tasks_that_wait_are_counted_and_told_who_has_the_sessions() {
    let options = PoolOptions { max: 1, acquire_timeout: Duration::from_millis(200), ..PoolOptions::default() };
    let db = async_client("async_exhausted", options);
    runtime().block_on(async {
        let long = tokio::spawn({
            let db = db.clone();
            async move { db.query(Query::new("SELECT 1 FROM pg_sleep(1)"), int).await }
        });
        holds("it runs", || db.stats().busy == 1).await;
        let (waited, ()) = tokio::join!(db.query(Query::new("SELECT 1"), int), async {
            holds("it is counted", || db.stats().waiting == 1).await;
        });
        let waited = waited.unwrap_err();
        let Error::Exhausted { max: 1, busy: 1, waited, oldest_loan: Some((_, site)) } = waited else {
            panic!("{waited}")
        };
        assert!(
            waited >= Duration::from_millis(200) && site.file().ends_with("tests/client/asynchronous.rs"),
            "{site}"
        );
        assert_eq!((db.stats().timeouts, db.stats().waiting, db.stats().acquire.count), (1, 0, 2));
        assert_eq!(long.await.unwrap().unwrap(), [1]);
    });
}

#[test]
fn many_tasks_that_ask_for_the_same_are_one_query_and_hold_up_nobody() {
    let db = async_client("async_flight", PoolOptions { max: 2, ..PoolOptions::default() });
    let slow = || Query::new("SELECT 1 FROM pg_sleep(0.4)").ttl(Duration::from_secs(600));
    runtime().block_on(async {
        let tasks: Vec<_> = (0..64)
            .map(|_| {
                let db = db.clone();
                tokio::spawn(async move { db.cached(slow(), int).await.unwrap() })
            })
            .collect();
        holds("it loads", || db.stats().misses == 1 && db.stats().busy == 1).await;
        // The second session is free although 63 wait for what the first one loads.
        assert_eq!(db.query(Query::new("SELECT 2"), int).await.unwrap(), [2]);
        assert_eq!(db.stats().busy, 1, "it still loads");
        for task in tasks {
            assert_eq!(*task.await.unwrap(), [1]);
        }
        let stats = db.stats();
        assert_eq!((stats.misses, stats.hits + stats.coalesced, stats.query.count), (1, 63, 2));
    });
}

#[test]
fn a_load_whose_task_is_dropped_goes_on_or_is_left_to_the_next() {
    let db = async_client("async_load", PoolOptions { max: 1, ..PoolOptions::default() });
    runtime().block_on(async {
        let slow = || Query::new("SELECT 1 FROM pg_sleep(0.2)").ttl(Duration::from_secs(600));
        let leads = tokio::spawn({
            let db = db.clone();
            async move { db.cached(slow(), int).await }
        });
        holds("it loads", || db.stats().busy == 1).await;
        // This one leads the load of another query, and waits for the session.
        let other = || Query::new("SELECT 2").ttl(Duration::from_secs(600));
        let waits = tokio::spawn({
            let db = db.clone();
            async move { db.cached(other(), int).await }
        });
        holds("it waits", || db.stats().waiting == 1).await;
        let joins = tokio::spawn({
            let db = db.clone();
            async move { db.cached(other(), int).await }
        });
        leads.abort();
        waits.abort();
        assert_eq!(*joins.await.unwrap().unwrap(), [2]);
        assert_eq!(db.cached(slow(), int).await.unwrap().source(), Source::Cache, "nobody waited, and it is kept");
        assert_eq!(db.stats().query.count, 2);
    });
}

#[test]
fn a_panic_is_the_callers_and_costs_no_session() {
    let db = async_client("async_panic", PoolOptions { max: 1, ..PoolOptions::default() });
    runtime().block_on(async {
        let task = tokio::spawn({
            let db = db.clone();
            async move {
                db.transaction(&TxOptions::default(), |tx| {
                    tx.execute(&Query::new("CREATE TABLE async_panic (n int)"))?;
                    if tx.query_one(&Query::new("SELECT 1"), int)? == 1 {
                        panic!("on purpose");
                    }
                    Ok(())
                })
                .await
            }
        });
        assert!(task.await.unwrap_err().is_panic());
        let made = db.query_one(Query::new("SELECT to_regclass('async_panic') IS NOT NULL"), |row| {
            Ok(row.try_get::<_, bool>(0)?)
        });
        assert!(!made.await.unwrap(), "it was rolled back");
    });
    let lost = db.stats().closed.into_iter().filter(|(why, _)| *why != ClosedBy::Shutdown).map(|(_, n)| n).sum::<u64>();
    assert_eq!((db.stats().opened, lost), (1, 0));
    // The last handle, dropped on a thread of a runtime.
    runtime().block_on(async move { drop(db) });
    until("no session is left", || sessions(&mut observer(), "async_panic") == 0);
}
