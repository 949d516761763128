//! What calls give, and how they fail.

use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use pgstrata::client::{Client, Error, Event, PoolOptions, Query, Type};
use pgstrata::db::Env;

use crate::support::{client, int, server};

#[test]
fn values_go_there_and_come_back() {
    let db = client("calls_values", PoolOptions::default());
    let now = SystemTime::UNIX_EPOCH + Duration::from_micros(1_700_000_000_123_456);
    let query = Query::new("SELECT $1, $2, $3, $4, $5, $6, $7")
        .bind(7_i16)
        .bind("größe")
        .bind(now)
        .bind(vec![1_i64, 2])
        .bind(None::<bool>)
        .bind(&b"\0\xff"[..])
        .bind_as("{\"a\": 1}".to_owned(), Type::TEXT);
    let row = db
        .query_one(&query, |row| {
            let array: Vec<i64> = row.try_get(3)?;
            let bytes: Vec<u8> = row.try_get(5)?;
            Ok((row.try_get(0)?, row.try_get(1)?, row.try_get(2)?, array, row.try_get(4)?, bytes, row.try_get(6)?))
        })
        .unwrap();
    let expected = (7_i16, "größe".to_owned(), now, vec![1, 2], None::<bool>, vec![0, 255], "{\"a\": 1}".to_owned());
    assert_eq!(row, expected);
}

#[test]
fn the_same_text_with_another_type_is_another_statement() {
    let db = client("calls_types", PoolOptions { max: 1, ..PoolOptions::default() });
    let of = |query: Query<'_>| db.query_one(&query, |row| Ok(row.try_get::<_, String>(0)?)).unwrap();
    for _ in 0..3 {
        assert_eq!(of(Query::new("SELECT pg_typeof($1)::text").bind(1_i32)), "integer");
        assert_eq!(of(Query::new("SELECT pg_typeof($1)::text").bind(1_i64)), "bigint");
    }
}

#[test]
fn the_number_of_rows_is_what_the_call_says() {
    let db = client("calls_rows", PoolOptions::default());
    let none = Query::new("SELECT 1 WHERE false");
    let two = Query::new("SELECT generate_series(1, 2)");
    assert!(matches!(db.query_one(&none, int), Err(Error::RowCount { found: 0, .. })));
    assert!(matches!(db.query_one(&two, int), Err(Error::RowCount { found: 2, .. })));
    assert_eq!(db.query_opt(&none, int).unwrap(), None);
    assert!(matches!(db.query_opt(&two, int), Err(Error::RowCount { found: 2, .. })));
    assert_eq!(db.query(&two, int).unwrap(), [1, 2]);
}

#[test]
fn the_servers_own_error_comes_with_its_fields() {
    let db = client("calls_errors", PoolOptions::default());
    let error = db.query(&Query::new("SELECT 1 / 0"), int).unwrap_err();
    assert_eq!(error.sqlstate(), Some("22012"));
    assert_eq!(error.to_string(), "division by zero (SQLSTATE 22012)");
    let wrong = db.query(&Query::new("SELECT 'x'::text"), int).unwrap_err();
    assert!(matches!(&wrong, Error::Decode(said) if said.contains("column")), "{wrong:?}");
    let wrong = db.query(&Query::new("SELECT $1").bind_as("x", Type::INT4), int).unwrap_err();
    assert!(matches!(&wrong, Error::Decode(said) if said.contains("parameter")), "{wrong:?}");
    // None of them costs the session; a value that does not come out is no statement that failed.
    assert_eq!((db.stats().opened, db.stats().failed), (1, 2));
}

#[test]
fn a_statement_whose_table_changed_is_prepared_anew() {
    let db = client("calls_stale", PoolOptions { max: 1, ..PoolOptions::default() });
    db.execute(&Query::new("CREATE TABLE stale (a int)")).unwrap();
    db.execute(&Query::new("INSERT INTO stale VALUES (1)")).unwrap();
    let all = Query::new("SELECT * FROM stale");
    assert_eq!(db.query_one(&all, |row| Ok(row.len())).unwrap(), 1);
    db.execute(&Query::new("ALTER TABLE stale ADD b int")).unwrap();
    assert_eq!(db.query_one(&all, |row| Ok(row.len())).unwrap(), 2);
    db.execute(&Query::new("DROP TABLE stale")).unwrap();
    assert_eq!(db.stats().opened, 1);
}

#[test]
fn statements_that_give_way_are_closed_on_the_server() {
    let db = client("calls_statements", PoolOptions { max: 1, statement_cache: 4, ..PoolOptions::default() });
    for number in 0..20 {
        db.query(&Query::new(format!("SELECT {number}")), int).unwrap();
    }
    let kept = Query::new("SELECT count(*)::int FROM pg_prepared_statements");
    assert!(db.query_one(&kept, int).unwrap() <= 5);
    let none = client("calls_no_statements", PoolOptions { max: 1, statement_cache: 0, ..PoolOptions::default() });
    assert_eq!(none.query_one(&Query::new("SELECT $1").bind(5_i32), int).unwrap(), 5);
    assert_eq!(none.query_one(&kept, int).unwrap(), 0);
}

#[test]
fn what_makes_no_sense_is_refused_by_name() {
    let build = |options: PoolOptions| Client::builder("host=nowhere").pool(options).build();
    let secs = |secs| Some(Duration::from_secs(secs));
    for (field, options) in [
        ("pool.max", PoolOptions { max: 0, ..PoolOptions::default() }),
        ("pool.min", PoolOptions { max: 1, min: 2, ..PoolOptions::default() }),
        ("pool.idle_timeout", PoolOptions { idle_timeout: secs(0), ..PoolOptions::default() }),
        ("pool.max_lifetime", PoolOptions { max_lifetime: secs(0), ..PoolOptions::default() }),
        ("pool.idle_timeout", PoolOptions { idle_timeout: secs(9), max_lifetime: secs(9), ..PoolOptions::default() }),
        ("pool.lifetime_jitter", PoolOptions { lifetime_jitter: 1.0, ..PoolOptions::default() }),
        ("pool.lifetime_jitter", PoolOptions { lifetime_jitter: f64::NAN, ..PoolOptions::default() }),
        ("pool.leak_warning", PoolOptions { leak_warning: secs(0), ..PoolOptions::default() }),
    ] {
        let Err(Error::Invalid { field: found, .. }) = build(options) else { panic!("{field} is taken") };
        assert_eq!(found, field);
    }
    let Err(Error::Invalid { field: "conninfo", because }) = Client::builder("host=h sslmode=maybe").build() else {
        panic!("the connection string is taken")
    };
    assert!(because.contains("sslmode"), "{because}");
}

#[test]
fn what_the_server_refuses_for_good_is_said_at_once_in_its_words() {
    let url = server().url("no_such_database");
    let db = Client::builder(url).env(Env::default()).build().unwrap();
    for _ in 0..2 {
        let begun = std::time::Instant::now();
        let refused = db.connect_now().unwrap_err();
        assert_eq!(refused.sqlstate(), Some("3D000"), "{refused}");
        assert!(refused.to_string().contains("\"no_such_database\" does not exist"), "{refused}");
        assert!(begun.elapsed() < Duration::from_secs(5));
    }
    // The second call asked nobody: what locks an account is not tried again within the second.
    assert_eq!(db.stats().refused, 1);
}

#[test]
fn slow_statements_are_told_without_their_values() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let told = Arc::clone(&seen);
    let db = Client::builder(server().url("postgres"))
        .slow_query(Duration::from_millis(20))
        .observer(Arc::new(move |event: &Event<'_>| {
            if let Event::SlowQuery { sql, took } = event {
                told.lock().unwrap().push(((*sql).to_owned(), *took));
            }
        }))
        .build()
        .unwrap();
    db.query(&Query::new("SELECT 1"), int).unwrap();
    db.query(&Query::new("SELECT 1 FROM pg_sleep($1)").bind(0.05_f64), int).unwrap();
    let seen = seen.lock().unwrap();
    assert!(
        seen.iter().any(|(sql, took)| sql.contains("pg_sleep($1)") && *took >= Duration::from_millis(50)),
        "{seen:?}"
    );
    let stats = db.stats();
    assert_eq!((stats.query.count, stats.acquire.count), (2, 2));
}

#[test]
fn on_a_thread_of_a_runtime_it_says_so() {
    let db = client("calls_async", PoolOptions::default());
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let refused = runtime.block_on(async { db.query(&Query::new("SELECT 1"), int) }).unwrap_err();
    assert!(matches!(refused, Error::InAsyncContext), "{refused}");
    let call = move || pgstrata::client::blocking(|| db.query_one(&Query::new("SELECT 1"), int));
    let one = runtime.block_on(async { tokio::task::spawn_blocking(call).await.unwrap() });
    assert_eq!(one.unwrap(), 1);
}
