//! What is kept, for how long, and who never gets it.

use std::sync::atomic::{AtomicBool, AtomicI32, AtomicU32, Ordering};
use std::sync::{Barrier, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use pgstrata::client::{CacheOptions, Client, Error, PoolOptions, Query, Row, Source, Tag, TxOptions};

use crate::support::{client, client_of, int, logged, observer, own_server, server};

fn with(name: &str, cache: CacheOptions) -> Client {
    let builder = Client::builder(server().url("postgres")).application_name(name).cache(cache);
    builder.pool(PoolOptions { max: 8, ..PoolOptions::default() }).build().unwrap()
}

fn text(row: &Row) -> Result<String, Error> {
    Ok(row.try_get(0)?)
}

#[test]
fn a_result_is_kept_for_its_time_and_no_longer() {
    let db = client("cache_ttl", PoolOptions::default());
    let ttl = Duration::from_millis(400);
    let query = Query::new("SELECT clock_timestamp()::text").ttl(ttl);
    let begun = Instant::now();
    let first = db.cached(&query, text).unwrap();
    assert_eq!((first.source(), first.is_stale(), first.len()), (Source::Server, false, 1));
    loop {
        let again = db.cached(&query, text).unwrap();
        if again[0] != first[0] {
            assert!(begun.elapsed() >= ttl, "it was still young");
            assert_eq!(again.source(), Source::Server);
            break;
        }
        assert_eq!(again.source(), Source::Cache);
        assert!(again.age() < ttl, "{:?}", again.age());
        thread::sleep(Duration::from_millis(10));
    }
    let stats = db.stats();
    assert_eq!((stats.misses, stats.expired, stats.cached_entries), (2, 1, 1));
    assert!(stats.hits > 0 && stats.cached_bytes > 128);
}

#[test]
fn equal_text_is_not_enough() {
    let db = client("cache_keys", PoolOptions::default());
    let typed = |query: Query<'_>| db.cached(&query, text).unwrap()[0].clone();
    let sql = "SELECT pg_typeof($1) || ' ' || coalesce($1::text, 'NULL') || ' ' || coalesce(current_setting('my.tenant', true), '')";
    for _ in 0..2 {
        assert_eq!(typed(Query::new(sql).bind(1_i32)), "integer 1 ");
        assert_eq!(typed(Query::new(sql).bind(1_i64)), "bigint 1 ");
        assert_eq!(typed(Query::new(sql).bind("1")), "text 1 ");
        assert_eq!(typed(Query::new(sql).bind("")), "text  ");
        assert_eq!(typed(Query::new(sql).bind(None::<&str>)), "text NULL ");
        assert_eq!(typed(Query::new(sql).bind(1_i32).setting("my.tenant", "it's a")), "integer 1 it's a");
        assert_eq!(typed(Query::new(sql).bind(1_i32).setting("my.tenant", "b")), "integer 1 b");
        assert_eq!(typed(Query::new(sql).bind(1_i32).scope("b")), "integer 1 ");
    }
    // The same rows through another function are another result, of whatever type.
    let two = Query::new("SELECT 1, 2");
    let (left, right) = (db.cached(&two, int).unwrap(), db.cached(&two, |row| Ok(row.try_get::<_, i32>(1)?)).unwrap());
    assert_eq!((left[0], right[0]), (1, 2));
    assert_eq!((db.stats().misses, db.stats().hits), (10, 8));
}

#[test]
fn many_that_ask_at_once_are_one_query() {
    let db = client("cache_flight", PoolOptions { max: 64, ..PoolOptions::default() });
    // A read-only transaction may not draw from a sequence; the server's log counts.
    observer()
        .batch_execute(
            "CREATE FUNCTION cache_flight() RETURNS text LANGUAGE plpgsql AS
             $$ BEGIN RAISE LOG 'cache_flight was called'; PERFORM pg_sleep(0.2); RETURN 'x'; END $$",
        )
        .unwrap();
    let query = Query::new("SELECT cache_flight()");
    let all = Barrier::new(64);
    let seen: Vec<_> = thread::scope(|scope| {
        let threads: Vec<_> = (0..64)
            .map(|_| {
                scope.spawn(|| {
                    all.wait();
                    db.cached(&query, text).unwrap()
                })
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert!(seen.iter().all(|rows| rows[0] == "x"), "{seen:?}");
    assert_eq!(seen.iter().filter(|rows| rows.source() == Source::Server).count(), 1);
    let stats = db.stats();
    assert_eq!((stats.misses, stats.misses + stats.hits + stats.coalesced), (1, 64));
    assert_eq!(logged(|line| line.contains("cache_flight was called")), 1);
    observer().batch_execute("DROP FUNCTION cache_flight").unwrap();
}

#[test]
fn an_error_goes_to_all_who_wait_and_is_never_kept() {
    let db = client("cache_errors", PoolOptions { max: 8, ..PoolOptions::default() });
    let query = Query::new("SELECT (1 / 0)::text FROM pg_sleep(0.2)");
    let all = Barrier::new(8);
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                all.wait();
                assert_eq!(db.cached(&query, text).unwrap_err().sqlstate(), Some("22012"));
            });
        }
    });
    let asked = db.stats().misses;
    assert!(asked < 8, "they waited for one another");
    assert_eq!(db.cached(&query, text).unwrap_err().sqlstate(), Some("22012"));
    assert_eq!((db.stats().misses, db.stats().cached_entries), (asked + 1, 0));
    // Empty is a value.
    let empty = Query::new("SELECT 'x' WHERE false");
    assert!(db.cached(&empty, text).unwrap().is_empty());
    assert_eq!(db.cached(&empty, text).unwrap().source(), Source::Cache);
}

#[test]
fn whoever_panics_while_loading_leaves_the_load_to_the_next() {
    static PANICS: AtomicU32 = AtomicU32::new(0);
    let db = client("cache_panic", PoolOptions { max: 4, ..PoolOptions::default() });
    let query = Query::new("SELECT 'x' FROM pg_sleep(0.1)");
    let read = |row: &Row| {
        assert!(PANICS.fetch_add(1, Ordering::SeqCst) > 0, "the first panics, on purpose");
        text(row)
    };
    let ended: Vec<bool> = thread::scope(|scope| {
        let threads: Vec<_> = (0..4).map(|_| scope.spawn(|| db.cached(&query, read).unwrap()[0].clone())).collect();
        threads.into_iter().map(|thread| thread.join().is_ok()).collect()
    });
    assert_eq!(ended.iter().filter(|ended| !**ended).count(), 1, "{ended:?}");
    assert_eq!(db.cached(&query, read).unwrap().source(), Source::Cache);
}

#[test]
fn a_write_ends_what_is_kept_and_a_rollback_does_not() {
    observer().batch_execute("CREATE TABLE cache_writes (n int); INSERT INTO cache_writes VALUES (0)").unwrap();
    let db = client("cache_writes", PoolOptions::default());
    let query = Query::new("SELECT n FROM cache_writes").reads("public.cache_writes").ttl(Duration::from_secs(3600));
    let add = Query::new("UPDATE cache_writes SET n = n + 1");
    let read = || db.cached(&query, int).unwrap();
    assert_eq!(read()[0], 0);
    drop(db.transaction(&TxOptions::default(), |tx| {
        tx.writes("public.cache_writes");
        tx.execute(&add)?;
        Err::<(), _>(Error::other("no"))
    }));
    assert_eq!((read()[0], read().source()), (0, Source::Cache));
    db.transaction(&TxOptions::default(), |tx| {
        tx.writes("public.cache_writes");
        tx.execute(&add)
    })
    .unwrap();
    assert_eq!((read()[0], db.stats().invalidated), (1, 1));
    // Somebody else's write is not known of.
    observer().batch_execute("UPDATE cache_writes SET n = 7").unwrap();
    assert_eq!(read()[0], 1);
    db.invalidate(Tag("public.other"));
    assert_eq!(read()[0], 1);
    db.invalidate(Tag("public.cache_writes"));
    assert_eq!(read()[0], 7);
    observer().batch_execute("UPDATE cache_writes SET n = 8").unwrap();
    db.invalidate_key(&query, int).unwrap();
    assert_eq!(read()[0], 8);
    observer().batch_execute("UPDATE cache_writes SET n = 9").unwrap();
    db.invalidate_all();
    assert_eq!(read()[0], 9);
    // A cached read writes nothing, whatever it says.
    let sly = Query::new("UPDATE cache_writes SET n = 0 RETURNING n");
    assert_eq!(db.cached(&sly, int).unwrap_err().sqlstate(), Some("25006"));
    observer().batch_execute("DROP TABLE cache_writes").unwrap();
}

#[test]
fn what_was_loaded_before_a_write_and_comes_after_it_is_not_kept() {
    observer().batch_execute("CREATE TABLE cache_late (n int); INSERT INTO cache_late VALUES (0)").unwrap();
    let db = client("cache_late", PoolOptions::default());
    // Its snapshot is taken before it sleeps.
    let query = || Query::new("SELECT n FROM cache_late, pg_sleep(0.4)").reads("public.cache_late");
    thread::scope(|scope| {
        let before = scope.spawn(|| db.cached(&query(), int).unwrap()[0]);
        crate::support::until("it runs", || {
            let running =
                "SELECT 1 FROM pg_stat_activity WHERE application_name = 'cache_late' AND wait_event = 'PgSleep'";
            !observer().query(running, &[]).unwrap().is_empty()
        });
        db.transaction(&TxOptions::default(), |tx| {
            tx.writes("public.cache_late");
            tx.execute(&Query::new("UPDATE cache_late SET n = 1"))
        })
        .unwrap();
        // It does not wait for the load that began before.
        assert_eq!(db.cached(&query(), int).unwrap()[0], 1);
        assert_eq!(before.join().unwrap(), 0);
    });
    assert_eq!(db.cached(&query(), int).unwrap()[0], 1);
    observer().batch_execute("DROP TABLE cache_late").unwrap();
}

#[test]
fn no_bound_is_passed_and_what_was_used_last_stays() {
    let db = with(
        "cache_bounds",
        CacheOptions { max_entries: 5, max_bytes: 20_000, max_entry_bytes: 8_000, ..CacheOptions::default() },
    );
    let of = |size: i32| db.cached(&Query::new("SELECT repeat('x', $1)").bind(size), text).unwrap();
    for size in 1..=20 {
        of(size);
        of(1);
        assert!(db.stats().cached_entries <= 5 && db.stats().cached_bytes <= 20_000, "{:?}", db.stats());
    }
    assert_eq!(of(1).source(), Source::Cache, "it was used each time");
    assert_eq!(of(10).source(), Source::Server);
    for size in 3_000..3_010 {
        of(size);
        assert!(db.stats().cached_bytes <= 20_000, "{:?}", db.stats());
    }
    assert_eq!(of(9_000)[0].len(), 9_000, "it is given, if not kept");
    assert_eq!((of(9_000).source(), db.stats().too_large), (Source::Server, 2));
}

#[test]
fn stale_results_stand_in_for_a_server_that_is_away_and_for_nothing_else() {
    let server = own_server();
    let options = PoolOptions { acquire_timeout: Duration::from_millis(300), ..PoolOptions::default() };
    let db = client_of(&server.url("postgres"), "cache_stale", options);
    db.execute(&Query::new("CREATE TABLE kept (n int)")).unwrap();
    db.execute(&Query::new("INSERT INTO kept VALUES (1)")).unwrap();
    let ttl = Duration::from_millis(50);
    let long = || Query::new("SELECT n FROM kept").ttl(ttl).stale_if_error(Duration::from_secs(600));
    let none = || Query::new("SELECT n + 1 FROM kept").ttl(ttl);
    let tagged =
        || Query::new("SELECT n + 2 FROM kept").reads("public.kept").ttl(ttl).stale_if_error(Duration::from_secs(600));
    for query in [long(), none(), tagged()] {
        db.cached(&query, int).unwrap();
    }
    thread::sleep(ttl);
    server.kill().unwrap();
    let stale = db.cached(&long(), int).unwrap();
    assert_eq!((stale[0], stale.is_stale(), stale.source()), (1, true, Source::Stale));
    assert!(stale.age() >= ttl);
    assert!(matches!(db.cached(&none(), int), Err(Error::Unreachable(_))));
    db.invalidate(Tag("public.kept"));
    assert!(matches!(db.cached(&tagged(), int), Err(Error::Unreachable(_))), "what was invalidated is gone for good");
    server.restart().unwrap();
    crate::support::until("it is back", || db.cached(&long(), int).is_ok_and(|rows| rows.source() == Source::Server));
    thread::sleep(ttl);
    db.execute(&Query::new("DROP TABLE kept")).unwrap();
    assert_eq!(db.cached(&long(), int).unwrap_err().sqlstate(), Some("42P01"), "what the server says is never hidden");
}

#[test]
fn what_a_query_does_not_say_the_client_does() {
    let server = own_server();
    let options = PoolOptions { acquire_timeout: Duration::from_millis(300), ..PoolOptions::default() };
    let cache = CacheOptions {
        ttl: Duration::from_millis(50),
        stale_if_error: Duration::from_secs(600),
        ..CacheOptions::default()
    };
    let db = Client::builder(server.url("postgres")).pool(options).cache(cache).build().unwrap();
    let (silent, own) = (Query::new("SELECT 1"), Query::new("SELECT 2").stale_if_error(Duration::ZERO));
    db.cached(&silent, int).unwrap();
    db.cached(&own, int).unwrap();
    thread::sleep(Duration::from_millis(50));
    server.kill().unwrap();
    assert_eq!(db.cached(&silent, int).unwrap().source(), Source::Stale);
    assert!(matches!(db.cached(&own, int), Err(Error::Unreachable(_))));
    for ratio in [-0.1, 1.1, f64::NAN] {
        let cache = CacheOptions { min_hit_ratio: Some(ratio), ..CacheOptions::default() };
        let refused = Client::builder("host=nowhere").cache(cache).build().err().unwrap();
        assert!(matches!(refused, Error::Invalid { field: "cache.min_hit_ratio", .. }), "{refused}");
    }
}

#[test]
fn two_tenants_under_row_security_never_cross() {
    observer()
        .batch_execute(
            "CREATE TABLE cache_rls (tenant text, n int); INSERT INTO cache_rls VALUES ('a', 1), ('b', 2);
             ALTER TABLE cache_rls ENABLE ROW LEVEL SECURITY;
             CREATE POLICY own ON cache_rls USING (tenant = current_setting('my.tenant', true));
             CREATE ROLE cache_rls_app LOGIN; GRANT SELECT ON cache_rls TO cache_rls_app",
        )
        .unwrap();
    let url = server().url("postgres").replace(&format!("user={}", server().superuser()), "user=cache_rls_app");
    assert!(url.contains("cache_rls_app"), "{url}");
    let db = client_of(&url, "cache_rls", PoolOptions::default());
    let query = || Query::new("SELECT n FROM cache_rls").reads("public.cache_rls");
    let refused = db.cached(&query(), int).unwrap_err();
    assert!(matches!(&refused, Error::NeedsScope { table } if table == "public.cache_rls"), "{refused}");
    thread::scope(|scope| {
        for (tenant, n) in [("a", 1), ("b", 2)].repeat(4) {
            let (db, query) = (&db, &query);
            scope.spawn(move || {
                for _ in 0..50 {
                    let own = query().scope(tenant).setting("my.tenant", tenant);
                    assert_eq!(*db.cached(&own, int).unwrap(), [n]);
                }
            });
        }
    });
    assert!(db.stats().hits > 300);
    // A table without it, and a role that it does not apply to, need none.
    let owner = client("cache_rls_owner", PoolOptions::default());
    assert_eq!(owner.cached(&query(), int).unwrap().len(), 2);
    observer().batch_execute("DROP TABLE cache_rls; DROP ROLE cache_rls_app").unwrap();
}

#[test]
fn a_thread_with_a_session_in_hand_waits_for_nobodys_load() {
    let db = client(
        "cache_deadlock",
        PoolOptions { max: 1, acquire_timeout: Duration::from_secs(30), ..PoolOptions::default() },
    );
    let held = db.conn().unwrap();
    let query = Query::new("SELECT 1");
    thread::scope(|scope| {
        // It leads the load, and waits for the session in hand.
        let other = scope.spawn(|| db.cached(&query, int).map(|rows| rows[0]));
        crate::support::until("it waits", || db.stats().waiting == 1);
        let begun = Instant::now();
        assert!(matches!(db.cached(&query, int), Err(Error::WouldDeadlock { max: 1 })));
        assert!(begun.elapsed() < Duration::from_secs(10));
        drop(held);
        assert_eq!(other.join().unwrap().unwrap(), 1);
    });
}

#[test]
fn a_load_beside_a_load_is_given_and_not_kept() {
    let db = client("cache_beside", PoolOptions { max: 3, ..PoolOptions::default() });
    let query = || Query::new("SELECT clock_timestamp()::text FROM pg_sleep(0.5)").ttl(Duration::from_secs(600));
    // With a session in hand it may not wait for a load that may be waiting for that session.
    let held = db.conn().unwrap();
    thread::scope(|scope| {
        let leads = scope.spawn(|| db.cached(&query(), text).unwrap());
        crate::support::until("it loads", || db.stats().misses == 1);
        let beside = db.cached(&query(), text).unwrap();
        assert_eq!((beside.source(), db.stats().misses, db.stats().coalesced), (Source::Server, 2, 0));
        let leads = leads.join().unwrap();
        assert_ne!(leads[0], beside[0]);
        let kept = db.cached(&query(), text).unwrap();
        assert_eq!((kept.source(), &kept[0]), (Source::Cache, &leads[0]));
    });
    drop(held);
    assert_eq!((db.stats().cached_entries, db.stats().expired), (1, 0), "the other was never stored");
}

#[test]
fn what_a_value_takes_is_for_the_program_to_say() {
    let db = with("cache_weigh", CacheOptions { max_bytes: 10_000, max_entry_bytes: 5_000, ..CacheOptions::default() });
    let query = |size: i32| Query::new("SELECT repeat('x', $1)").bind(size);
    let bytes = || db.stats().cached_bytes;
    db.cached(&query(2_000), text).unwrap();
    let as_sent = bytes();
    assert!((2_000..2_500).contains(&as_sent), "{as_sent}");
    let light = query(2_001).weigh(|_: &String| 1);
    db.cached(&light, text).unwrap();
    assert!((129..400).contains(&(bytes() - as_sent)), "key and overhead count as well: {}", bytes());
    // Heavier than it was sent as: given, and not kept.
    let heavy = query(3).weigh(|text: &String| text.len() as u64 * 2_000);
    assert_eq!(db.cached(&heavy, text).unwrap()[0], "xxx");
    assert_eq!((db.cached(&heavy, text).unwrap().source(), db.stats().too_large), (Source::Server, 2));
    let other = Query::new("SELECT 1").weigh(|_: &String| 1);
    assert!(matches!(db.cached(&other, int), Err(Error::Invalid { field: "weigh", .. })));
}

#[test]
fn ahead_of_its_end_one_call_loads_it_and_the_others_do_not_wait() {
    let db = client("cache_ahead", PoolOptions { max: 8, ..PoolOptions::default() });
    let query = || {
        Query::new("SELECT clock_timestamp()::text FROM pg_sleep(0.2)").ttl(Duration::from_secs(600)).refresh_ahead(0.0)
    };
    let first = db.cached(&query(), text).unwrap()[0].clone();
    thread::scope(|scope| {
        let ahead = scope.spawn(|| db.cached(&query(), text).unwrap());
        crate::support::until("it loads", || db.stats().misses == 2);
        let others = db.cached(&query(), text).unwrap();
        assert_eq!((others.source(), &others[0]), (Source::Cache, &first));
        assert_eq!(ahead.join().unwrap().source(), Source::Server);
    });
}

/// Random readers, writers, invalidations and writes of other processes: nobody gets what is older than the contract says.
#[test]
fn nothing_is_older_than_what_was_promised() {
    observer().batch_execute("CREATE TABLE cache_model (n int); INSERT INTO cache_model VALUES (0)").unwrap();
    let seed =
        std::env::var("PGSTRATA_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or_else(|| fastrand::u64(..));
    println!("PGSTRATA_SEED={seed}");
    let db = with("cache_model", CacheOptions { max_entries: 3, ..CacheOptions::default() });
    let ttl = Duration::from_millis(30);
    // What this process has written, as far as its calls have returned; and when others' writes were committed.
    let (written, stop) = (AtomicI32::new(0), AtomicBool::new(false));
    let others = Mutex::new(vec![(Instant::now(), 0)]);
    thread::scope(|scope| {
        for thread in 0..6_u64 {
            let (db, written, stop, others) = (&db, &written, &stop, &others);
            scope.spawn(move || {
                let mut draw = fastrand::Rng::with_seed(seed ^ thread);
                let mut outside = observer();
                while !stop.load(Ordering::Relaxed) {
                    let tag = "public.cache_model";
                    match draw.u32(..20) {
                        0 | 1 => {
                            let new = db.transaction(&TxOptions::default().retries(9), |tx| {
                                tx.writes(tag);
                                tx.query_one(&Query::new("UPDATE cache_model SET n = n + 1 RETURNING n"), int)
                            });
                            written.fetch_max(new.unwrap(), Ordering::SeqCst);
                        }
                        2 => {
                            let new: i32 =
                                outside.query_one("UPDATE cache_model SET n = n + 1 RETURNING n", &[]).unwrap().get(0);
                            others.lock().unwrap().push((Instant::now(), new));
                        }
                        3 => {
                            let now: i32 = outside.query_one("SELECT n FROM cache_model", &[]).unwrap().get(0);
                            match draw.u32(..3) {
                                0 => db.invalidate(Tag(tag)),
                                1 => db.invalidate_all(),
                                _ => db.invalidate(Tag(tag)),
                            }
                            written.fetch_max(now, Ordering::SeqCst);
                        }
                        _ => {
                            let least = written.load(Ordering::SeqCst);
                            let asked = Instant::now();
                            let query = Query::new("SELECT n FROM cache_model WHERE $1 >= 0")
                                .bind(draw.i32(0..4))
                                .reads(tag)
                                .ttl(ttl);
                            let rows = db.cached(&query, int).unwrap();
                            assert!(
                                rows[0] >= least,
                                "seed {seed}: {} after {least} was written, {:?}",
                                rows[0],
                                rows.source()
                            );
                            let others = others.lock().unwrap();
                            let known = others.iter().filter(|(at, _)| *at + ttl < asked).map(|(_, n)| *n).max();
                            assert!(
                                known.is_none_or(|known| rows[0] >= known),
                                "seed {seed}: older than its time to live"
                            );
                        }
                    }
                    let stats = db.stats();
                    assert!(stats.cached_entries <= 3, "{stats:?}");
                }
            });
        }
        thread::sleep(Duration::from_secs(3));
        stop.store(true, Ordering::Relaxed);
    });
    let stats = db.stats();
    assert!(stats.hits > 20 && stats.misses > 20 && stats.invalidated > 5, "{stats:?}");
    observer().batch_execute("DROP TABLE cache_model").unwrap();
}
