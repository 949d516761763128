//! The examples, as a reader would run them.

#[path = "../../examples/audit_client.rs"]
#[allow(dead_code, unreachable_pub, reason = "a program, whose main is not called")]
mod audit_client;

#[path = "../../examples/batch.rs"]
#[allow(dead_code, unreachable_pub, reason = "a program, whose main is not called")]
mod batch;
#[path = "../../examples/web.rs"]
#[allow(dead_code, unreachable_pub, reason = "a program, whose main is not called")]
mod web;

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::time::{Duration, SystemTime};

use pgstrata::client::Source;

use self::audit_client::{AuditLog, Event};
use crate::support::{observer, own_server, server};

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

#[test]
fn the_batch_job_writes_each_reading_once() {
    observer()
        .batch_execute("CREATE TABLE public.readings (sensor text, value double precision, UNIQUE (sensor, value))")
        .unwrap();
    let lines: String = (0..2500).map(|number| format!("s{},{}\n", number % 7, number / 7)).collect();
    let db = batch::connect(&server().url("postgres")).unwrap();
    assert_eq!(batch::import(&db, lines.as_bytes()).unwrap(), 2500);
    assert_eq!(batch::import(&db, format!("{lines}s1,0.5\ns1,0.5\n").as_bytes()).unwrap(), 1, "the rest is there");
    assert_eq!(db.stats().opened, 1);
    let wrong = batch::import(&db, &b"s1,1\ns1,many\n"[..]).unwrap_err();
    assert_eq!(wrong.to_string(), "line 2: s1,many");
    assert!(db.shutdown(Duration::from_secs(10)));
    observer().batch_execute("DROP TABLE public.readings").unwrap();
}

#[test]
fn the_web_service_answers_from_its_cache_and_says_how_it_is() {
    let own = own_server();
    own.connect("postgres")
        .unwrap()
        .batch_execute(
            "CREATE SCHEMA audit; CREATE TABLE audit.web_log (actor_id bigint, action text);
             INSERT INTO audit.web_log VALUES (42, 'said \"a\\b\"'), (42, 'login'), (7, 'logout')",
        )
        .unwrap();
    let db = web::connect(&own.url("postgres")).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || web::serve(&listener, &db));
    let get = |path: &str| {
        let mut stream = TcpStream::connect(address).unwrap();
        write!(stream, "GET {path} HTTP/1.1\r\nHost: here\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        (head.split(' ').nth(1).unwrap().to_owned(), body.to_owned())
    };
    let ok = |body: &str| ("200".to_owned(), body.to_owned());
    for _ in 0..3 {
        let body = r#"{"stale":false,"actions":["login","said \"a\\b\""]}"#;
        assert_eq!(get("/actors/42"), ok(&format!("{body}\n")));
    }
    assert_eq!(get("/actors/8"), ok("{\"stale\":false,\"actions\":[]}\n"));
    assert_eq!((get("/actors/x").0, get("/nowhere").0), ("400".to_owned(), "404".to_owned()));
    let (code, health) = get("/health");
    assert!(code == "200" && health.starts_with("{\"status\":\"healthy\""), "{health}");
    let metrics = get("/metrics").1;
    assert!(metrics.contains("pgstrata_client_cache_requests_total{result=\"hit\"} 2\n"), "{metrics}");
    own.kill().unwrap();
    // What was never asked for cannot be given.
    assert_eq!(get("/actors/7").0, "503");
    let (code, health) = get("/health");
    assert!(code == "503" && health.starts_with("{\"status\":\"unhealthy\""), "{health}");
    assert!(get("/actors/42").1.contains("login"), "what is kept is given");
}
