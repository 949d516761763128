//! A server that goes away and comes back.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use pgstrata::client::{Client, Error, Event, Observer, PoolOptions, Query, TxOptions};

use crate::support::{client_of, int, own_server};

#[test]
fn many_threads_live_through_kills_without_a_wrong_answer_or_a_lost_session() {
    let server = own_server();
    let options = PoolOptions {
        max: 20,
        acquire_timeout: Duration::from_secs(20),
        check_after_idle: Duration::from_millis(50),
        ..PoolOptions::default()
    };
    let db = client_of(&server.url("postgres"), "restarts", options);
    db.connect_now().unwrap();
    let (stop, right, failed) = (AtomicBool::new(false), AtomicU64::new(0), AtomicU64::new(0));
    thread::scope(|scope| {
        for number in 0..200_i32 {
            let (db, stop, right, failed) = (&db, &stop, &right, &failed);
            scope.spawn(move || {
                let query = Query::new("SELECT $1 + 1").bind(number).read_only();
                while !stop.load(Ordering::Relaxed) {
                    match db.query_one(&query, int) {
                        Ok(found) => {
                            assert_eq!(found, number + 1);
                            right.fetch_add(1, Ordering::Relaxed);
                        }
                        // A server that comes up and goes down says so; nothing else is an answer.
                        Err(Error::Unreachable(_) | Error::Server(_) | Error::Exhausted { .. }) => {
                            failed.fetch_add(1, Ordering::Relaxed);
                        }
                        Err(other) => panic!("{other:?}"),
                    }
                }
            });
        }
        for _ in 0..2 {
            thread::sleep(Duration::from_millis(300));
            server.kill().unwrap();
            thread::sleep(Duration::from_millis(700));
            server.restart().unwrap();
            let (back, before) = (Instant::now(), right.load(Ordering::Relaxed));
            while right.load(Ordering::Relaxed) == before {
                assert!(back.elapsed() < Duration::from_secs(10), "ten times the goal");
                thread::sleep(Duration::from_millis(5));
            }
        }
        stop.store(true, Ordering::Relaxed);
    });
    let stats = db.stats();
    assert_eq!((stats.busy, stats.waiting), (0, 0), "{} right, {} failed", right.into_inner(), failed.into_inner());
    assert!(stats.open <= 20 && stats.idle == stats.open, "{stats:?}");
}

#[test]
fn a_commit_whose_answer_is_lost_is_unknown_or_asked_for() {
    let server = own_server();
    let url = server.url("postgres");
    let db = client_of(
        &url,
        "restarts_commit",
        PoolOptions { acquire_timeout: Duration::from_secs(20), ..PoolOptions::default() },
    );
    db.execute(&Query::new("CREATE TABLE kept (a int)")).unwrap();
    // Its own trigger, at COMMIT, ends the session before it is committed.
    db.execute(&Query::new(
        "CREATE FUNCTION ends() RETURNS trigger LANGUAGE plpgsql AS
           $$ BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); PERFORM pg_sleep(1); RETURN NULL; END $$",
    ))
    .unwrap();
    db.execute(&Query::new(
        "CREATE CONSTRAINT TRIGGER ends AFTER INSERT ON kept DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION ends()",
    ))
    .unwrap();
    let insert = Query::new("INSERT INTO kept VALUES (1)");
    let unknown = db.transaction(&TxOptions::default().retries(3), |tx| tx.execute(&insert)).unwrap_err();
    assert!(matches!(unknown, Error::CommitUnknown { xid: None, .. }), "{unknown:?}");
    let resolved = TxOptions::default().retries(3).resolve_commit(true);
    let rolled_back = db.transaction(&resolved, |tx| tx.execute(&insert)).unwrap_err();
    assert!(matches!(&rolled_back, Error::Unreachable(said) if said.starts_with("rolled back")), "{rolled_back:?}");
    assert_eq!(db.query_one(&Query::new("SELECT count(*)::int FROM kept"), int).unwrap(), 0);
    assert_eq!(db.stats().retried, 0, "nothing is tried again once COMMIT was sent");
}

#[test]
fn a_read_is_tried_again_on_another_session_and_a_write_is_not() {
    let server = own_server();
    let db = client_of(&server.url("postgres"), "restarts_read", PoolOptions { max: 1, ..PoolOptions::default() });
    let mut other = server.connect("postgres").unwrap();
    for (query, done) in [(Query::new("SELECT 1").read_only(), true), (Query::new("SELECT 1"), false)] {
        let pid = db.query_one(&Query::new("SELECT pg_backend_pid()"), int).unwrap();
        other.execute("SELECT pg_terminate_backend($1)", &[&pid]).unwrap();
        while !other.query("SELECT 1 FROM pg_stat_activity WHERE pid = $1", &[&pid]).unwrap().is_empty() {
            thread::sleep(Duration::from_millis(2));
        }
        let found = db.query_one(&query, int);
        assert_eq!(found.is_ok(), done, "{found:?}");
    }
    assert_eq!(db.stats().retried, 1);
}

/// Whoever has something to give waits for nobody; and what waits for a session has none that could leak.
#[test]
fn a_stale_result_comes_at_once_while_the_server_is_away() {
    let (server, told) = (own_server(), Arc::new(Told::default()));
    let options = PoolOptions {
        acquire_timeout: Duration::from_secs(5),
        leak_warning: Some(Duration::from_millis(200)),
        ..PoolOptions::default()
    };
    let client = Client::builder(server.url("postgres")).pool(options).observer(Arc::<Told>::clone(&told));
    let db = client.build().unwrap();
    let query = Query::new("SELECT 7").ttl(Duration::from_millis(50)).stale_if_error(Duration::from_secs(600));
    assert_eq!(*db.cached(&query, int).unwrap(), [7]);
    server.stop().unwrap();
    thread::sleep(Duration::from_millis(100));
    for _ in 0..4 {
        let begun = Instant::now();
        assert!(db.cached(&query, int).unwrap().is_stale());
        assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
    }
    // Without anything to give it is one wait, not two.
    let (begun, other) = (Instant::now(), Query::new("SELECT 8").stale_if_error(Duration::from_secs(600)));
    assert!(matches!(db.cached(&other, int), Err(Error::Unreachable(_))));
    assert!((4..8).contains(&begun.elapsed().as_secs()), "{:?}", begun.elapsed());
    let told = told.0.lock().unwrap();
    assert!(told.iter().any(|event| event.starts_with("NotOpened")), "{told:?}");
    assert!(!told.iter().any(|event| event.starts_with("Leak")), "{told:?}");
    assert_eq!(db.stats().leaks, 0);
}

/// Also for who waits for no session that is in use: opening one has its own, longer, patience.
#[test]
fn who_never_waits_gets_a_stale_result_as_soon() {
    let server = own_server();
    let options = PoolOptions { acquire_timeout: Duration::ZERO, ..PoolOptions::default() };
    let db = client_of(&server.url("postgres"), "restarts_impatient", options);
    let query = Query::new("SELECT 7").ttl(Duration::from_millis(50)).stale_if_error(Duration::from_secs(600));
    assert_eq!(*db.cached(&query, int).unwrap(), [7]);
    server.stop().unwrap();
    thread::sleep(Duration::from_millis(100));
    let begun = Instant::now();
    assert!(db.cached(&query, int).unwrap().is_stale());
    assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
}

#[derive(Default)]
struct Told(Mutex<Vec<String>>);

impl Observer for Told {
    fn observe(&self, event: &Event<'_>) {
        self.0.lock().unwrap().push(format!("{event:?}"));
    }
}
