//! How many sessions there are, for how long, and what is left in them.

use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use pgstrata::client::{Client, ClosedBy, Error, Event, PoolOptions, Query};

use crate::support::{Counting, client, client_of, int, logged, observer, server, sessions, until};

const ONE: PoolOptions = PoolOptions {
    max: 1,
    min: 0,
    acquire_timeout: Duration::from_secs(30),
    idle_timeout: None,
    max_lifetime: None,
    lifetime_jitter: 0.0,
    check_after_idle: Duration::from_secs(3600),
    statement_cache: 16,
    leak_warning: None,
};

fn closed(db: &Client, why: ClosedBy) -> u64 {
    db.stats().closed.iter().find(|(by, _)| *by == why).unwrap().1
}

#[test]
fn a_warm_check_out_sends_nothing() {
    let proxy = Counting::new();
    let db = client_of(&proxy.url(), "pool_warm", ONE);
    let query = Query::new("SELECT 1");
    db.query(&query, int).unwrap();
    let before = proxy.sent();
    for _ in 0..100 {
        drop(db.conn().unwrap());
    }
    assert_eq!(proxy.sent(), before, "taking and giving back a session sends nothing");
    db.query(&query, int).unwrap();
    let once = proxy.sent() - before;
    for _ in 0..10 {
        db.query(&query, int).unwrap();
    }
    assert_eq!(proxy.sent() - before, 11 * once, "one message a query");
    assert!(once < 64, "Bind, Execute and Sync alone: {once} bytes");
    assert_eq!((db.stats().checks, db.stats().opened), (0, 1));
}

#[test]
fn what_was_idle_is_asked_for_a_sign_of_life_and_a_dead_one_is_replaced() {
    let db = client("pool_idle_check", PoolOptions { check_after_idle: Duration::ZERO, ..ONE });
    let pid = Query::new("SELECT pg_backend_pid()");
    let first = db.query_one(&pid, int).unwrap();
    let before = db.stats().checks;
    assert_eq!(db.query_one(&pid, int).unwrap(), first);
    assert_eq!(db.stats().checks, before + 1);
    observer().execute("SELECT pg_terminate_backend($1)", &[&first]).unwrap();
    until("its backend has gone", || {
        observer().query("SELECT 1 FROM pg_stat_activity WHERE pid = $1", &[&first]).unwrap().is_empty()
    });
    assert_ne!(db.query_one(&pid, int).unwrap(), first);
    assert_eq!((db.stats().opened, db.stats().failed), (2, 0), "the caller noticed nothing");
    until("the first is counted", || closed(&db, ClosedBy::Lost) == 1);
}

#[test]
fn an_open_transaction_ends_when_its_session_comes_back() {
    let db = client("pool_abandoned", ONE);
    let mut other = observer();
    other.batch_execute("CREATE TABLE pool_abandoned (a int)").unwrap();
    let mut conn = db.conn().unwrap();
    conn.raw().unwrap().batch_execute("BEGIN; LOCK pool_abandoned IN ACCESS EXCLUSIVE MODE").unwrap();
    let locked = "SELECT count(*) FROM pg_locks WHERE relation = 'pool_abandoned'::regclass AND granted";
    assert_eq!(other.query_one(locked, &[]).unwrap().get::<_, i64>(0), 1);
    let returned = Instant::now();
    drop(conn);
    assert!(returned.elapsed() < Duration::from_secs(1), "whoever gives it back does not wait for the reset");
    // Nobody asks for the session.
    until("the lock is gone", || other.query_one(locked, &[]).unwrap().get::<_, i64>(0) == 0);
    assert!(returned.elapsed() < Duration::from_secs(1), "ten times the goal: {:?}", returned.elapsed());
    other.batch_execute("DROP TABLE pool_abandoned").unwrap();
    assert_eq!(db.stats().resets, 1);
}

#[test]
fn nothing_of_what_a_session_can_keep_reaches_the_next() {
    let db = client("pool_reset", ONE);
    observer().batch_execute("CREATE ROLE pool_reset; CREATE SEQUENCE pool_reset_seq").unwrap();
    let pid = Query::new("SELECT pg_backend_pid()");
    let first = db.query_one(&pid, int).unwrap();
    let mut conn = db.conn().unwrap();
    conn.raw()
        .unwrap()
        .batch_execute(
            "SET SESSION AUTHORIZATION pool_reset; RESET SESSION AUTHORIZATION; SET ROLE pool_reset; SET work_mem = '1MB';
             RESET ROLE; SET ROLE pool_reset; SET search_path = nowhere; PREPARE mine AS SELECT 1;
             SELECT pg_catalog.pg_advisory_lock(4711); LISTEN something; RESET ROLE;
             SELECT nextval('public.pool_reset_seq'); CREATE TEMP TABLE left_here (a int); SET ROLE pool_reset;
             DECLARE c CURSOR WITH HOLD FOR SELECT 1",
        )
        .unwrap();
    drop(conn);
    let left = Query::new(
        "SELECT concat_ws(' ', current_user = session_user, current_setting('work_mem'), current_setting('search_path'),
            (SELECT count(*) FROM pg_prepared_statements WHERE from_sql),
            (SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()),
            (SELECT count(*) FROM pg_listening_channels()), to_regclass('pg_temp.left_here'),
            (SELECT count(*) FROM pg_cursors WHERE name = 'c'))",
    );
    let found: String = db.query_one(&left, |row| Ok(row.try_get(0)?)).unwrap();
    assert_eq!(found, "t 4MB \"$user\", public 0 0 0 0");
    let unknown = db.query(&Query::new("SELECT currval('pool_reset_seq')"), int).unwrap_err();
    assert_eq!(unknown.sqlstate(), Some("55000"), "{unknown}");
    assert_eq!(db.query_one(&pid, int).unwrap(), first, "it is the same session");
    observer().batch_execute("DROP ROLE pool_reset; DROP SEQUENCE pool_reset_seq").unwrap();
}

#[test]
fn idle_sessions_above_min_are_closed_and_min_are_neither_closed_nor_reopened() {
    let options = PoolOptions { max: 6, min: 2, idle_timeout: Some(Duration::from_millis(120)), ..ONE };
    let db = client("pool_min", options);
    let all: Vec<_> = (0..6).map(|_| db.conn().unwrap()).collect();
    assert_eq!((db.stats().busy, db.stats().open), (6, 6));
    drop(all);
    until("four were closed", || db.stats().open == 2 && closed(&db, ClosedBy::Idle) == 4);
    // As the server counts; ten minutes and idle timeouts of half a minute, a two hundred and fiftieth of them: twenty idle
    // timeouts, and eighty looks of the pool's own thread.
    let opened = || logged(|line| line.contains("connection authorized") && line.contains("application_name=pool_min"));
    assert_eq!(opened(), 6);
    thread::sleep(Duration::from_millis(2400));
    assert_eq!(opened(), 6);
    let stats = db.stats();
    assert_eq!((stats.open, stats.idle, stats.opened), (2, 2, 6), "nothing was opened or closed meanwhile");
    assert_eq!(sessions(&mut observer(), "pool_min"), 2);
}

#[test]
fn min_is_opened_once_the_first_was_needed_and_no_more() {
    let db =
        client("pool_opens_min", PoolOptions { max: 6, min: 3, leak_warning: Some(Duration::from_millis(40)), ..ONE });
    thread::sleep(Duration::from_millis(100));
    assert_eq!(db.stats().opened, 0, "building opens nothing");
    db.connect_now().unwrap();
    until("three are open", || db.stats().open == 3);
    thread::sleep(Duration::from_millis(200));
    assert_eq!((db.stats().opened, db.stats().open), (3, 3));
}

#[test]
fn sessions_end_at_different_ages_idle_or_on_their_way_back() {
    let life = Some(Duration::from_millis(400));
    let db = client("pool_lifetime", PoolOptions { max: 8, max_lifetime: life, lifetime_jitter: 0.5, ..ONE });
    let begun = Instant::now();
    drop((0..8).map(|_| db.conn().unwrap()).collect::<Vec<_>>());
    until("all have ended", || closed(&db, ClosedBy::Lifetime) == 8);
    assert!(begun.elapsed() >= Duration::from_millis(200), "none before half its lifetime");
    let mut conn = db.conn().unwrap();
    thread::sleep(Duration::from_millis(450));
    conn.execute(&Query::new("SELECT 1")).unwrap();
    drop(conn);
    until("it ended with its return", || closed(&db, ClosedBy::Lifetime) == 9);
}

#[test]
fn whoever_waits_in_vain_learns_who_has_the_sessions() {
    let db = client("pool_exhausted", PoolOptions { acquire_timeout: Duration::from_millis(50), ..ONE });
    let held = db.conn().unwrap();
    assert!(matches!(db.conn().err().unwrap(), Error::WouldDeadlock { max: 1 }));
    thread::scope(|scope| {
        let other = scope.spawn(|| db.query(&Query::new("SELECT 1"), int).unwrap_err()).join().unwrap();
        let text = other.to_string();
        let Error::Exhausted { max: 1, busy: 1, oldest_loan: Some((_, site)), waited } = other else {
            panic!("{text}")
        };
        assert!(site.file().ends_with("pool.rs") && waited >= Duration::from_millis(50), "{text}");
    });
    drop(held);
    assert_eq!(db.query_one(&Query::new("SELECT 1"), int).unwrap(), 1);
    assert_eq!(db.stats().timeouts, 1);
}

#[test]
fn a_leak_is_told_once_with_its_place() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let told = Arc::clone(&seen);
    let db = Client::builder(server().url("postgres"))
        .pool(PoolOptions { leak_warning: Some(Duration::from_millis(40)), ..ONE })
        .observer(Arc::new(move |event: &Event<'_>| {
            if let Event::Leak { held, site } = event {
                told.lock().unwrap().push((*held, site.line()));
            }
        }))
        .build()
        .unwrap();
    let (held, line) = (db.conn().unwrap(), line!());
    until("it is told", || !seen.lock().unwrap().is_empty());
    thread::sleep(Duration::from_millis(150));
    let seen = seen.lock().unwrap();
    assert_eq!(seen.len(), 1, "{seen:?}");
    assert!(seen[0].0 >= Duration::from_millis(40) && seen[0].1 == line, "{seen:?}");
    assert_eq!(db.stats().leaks, 1);
    drop(held);
}

#[test]
fn after_a_shutdown_every_call_says_so_and_no_session_is_left() {
    let db = client("pool_shutdown", PoolOptions { max: 3, ..ONE });
    let (kept, back) = (db.conn().unwrap(), db.conn().unwrap());
    drop(back);
    thread::scope(|scope| {
        let ended = scope.spawn(|| db.shutdown(Duration::from_secs(30)));
        until("it refuses calls", || matches!(db.conn(), Err(Error::Closed)));
        drop(kept);
        assert!(ended.join().unwrap(), "all came back");
    });
    assert!(matches!(db.query(&Query::new("SELECT 1"), int), Err(Error::Closed)));
    until("no session is left", || sessions(&mut observer(), "pool_shutdown") == 0);
    assert_eq!(closed(&db, ClosedBy::Shutdown), 2);
}

#[test]
fn the_last_handle_takes_the_sessions_with_it() {
    let db = client("pool_dropped", PoolOptions { max: 3, ..ONE });
    drop((0..3).map(|_| db.conn().unwrap()).collect::<Vec<_>>());
    let begun = Instant::now();
    drop(db);
    assert!(begun.elapsed() < Duration::from_secs(1));
    until("no session is left", || sessions(&mut observer(), "pool_dropped") == 0);
}
