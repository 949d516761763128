//! A web service over an audit log, with the standard library alone: cached rows as JSON, health and metrics.
//!
//! ```text
//! psql postgresql:///app -c 'CREATE SCHEMA IF NOT EXISTS audit; CREATE TABLE audit.web_log (actor_id bigint, action text);'
//! cargo run --no-default-features --features client --example web -- postgresql:///app 127.0.0.1:8080
//! curl 127.0.0.1:8080/actors/42
//! ```

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "an example is a program: it prints")]

use std::io::{self, BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

use pgstrata::client::{CacheOptions, Client, Error, HealthStatus, PoolOptions, Query, Row};

/// Sessions are opened by the first request that needs one: a service starts before its database, and says so at `/health`.
pub fn connect(url: &str) -> Result<Client, Error> {
    Client::builder(url)
        .application_name("audit-web")
        .pool(PoolOptions { max: 10, min: 1, acquire_timeout: Duration::from_secs(2), ..PoolOptions::default() })
        .cache(CacheOptions {
            ttl: Duration::from_secs(5),
            stale_if_error: Duration::from_secs(300),
            ..CacheOptions::default()
        })
        .build()
}

/// A thread for each request.
pub fn serve(listener: &TcpListener, db: &Client) {
    for stream in listener.incoming().flatten() {
        let db = db.clone();
        thread::spawn(move || drop(answer(stream, &db)));
    }
}

fn answer(mut stream: TcpStream, db: &Client) -> io::Result<()> {
    let head =
        BufReader::new(stream.try_clone()?).lines().take(100).take_while(|line| !matches!(line.as_deref(), Ok("")));
    let head = head.collect::<io::Result<Vec<_>>>()?;
    let line = head.first().map_or("", String::as_str);
    let path = line.split(' ').nth(1).unwrap_or_default();
    let (status, kind, body) = match path.split('/').skip(1).collect::<Vec<_>>()[..] {
        ["actors", actor] => match actor.parse() {
            Ok(actor) => actions(db, actor),
            Err(_) => ("400 Bad Request", "text/plain", "an actor is a number\n".to_owned()),
        },
        ["health"] => health(db),
        ["metrics"] => metrics(db),
        _ => ("404 Not Found", "text/plain", "not found\n".to_owned()),
    };
    write!(stream, "HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {}\r\n\r\n{body}", body.len())
}

type Answer = (&'static str, &'static str, String);

/// What an actor did, at most five seconds old; older while the database is away, and marked.
fn actions(db: &Client, actor: i64) -> Answer {
    let query = Query::new("SELECT action FROM audit.web_log WHERE actor_id = $1 ORDER BY 1").bind(actor);
    match db.cached(&query.reads("audit.web_log"), action) {
        Ok(rows) => {
            let actions: Vec<String> = rows.iter().map(|action| json(action)).collect();
            let body = format!("{{\"stale\":{},\"actions\":[{}]}}\n", rows.is_stale(), actions.join(","));
            ("200 OK", "application/json", body)
        }
        // The database is away, or too many ask: somebody else may answer, or this one later.
        Err(Error::Refused(_) | Error::Exhausted { .. } | Error::Timeout { .. }) => {
            ("503 Service Unavailable", "text/plain", "try again later\n".to_owned())
        }
        Err(error) if error.is_lost() => ("503 Service Unavailable", "text/plain", "try again later\n".to_owned()),
        // What the server says of a statement is for the log, not for whoever asks.
        Err(error) => {
            eprintln!("{error}");
            ("500 Internal Server Error", "text/plain", "it did not work\n".to_owned())
        }
    }
}

fn action(row: &Row) -> Result<String, Error> {
    Ok(row.try_get(0)?)
}

/// For whoever sends requests here or elsewhere; not for what restarts the service, which mends no database.
fn health(db: &Client) -> Answer {
    let health = db.health();
    let reasons: Vec<String> = health.reasons.iter().map(|reason| json(&reason.to_string())).collect();
    let (status, seconds) = (health.status.as_str(), health.since.as_secs());
    let body = format!("{{\"status\":\"{status}\",\"since_s\":{seconds},\"reasons\":[{}]}}\n", reasons.join(","));
    let code = if health.status == HealthStatus::Unhealthy { "503 Service Unavailable" } else { "200 OK" };
    (code, "application/json", body)
}

fn metrics(db: &Client) -> Answer {
    let mut text = Vec::new();
    drop(db.stats().write_prometheus(&mut text));
    ("200 OK", "text/plain; version=0.0.4", String::from_utf8_lossy(&text).into_owned())
}

/// A string in JSON.
fn json(text: &str) -> String {
    let escaped = text.chars().map(|letter| match letter {
        '"' | '\\' => format!("\\{letter}"),
        letter if letter < ' ' => format!("\\u{:04x}", u32::from(letter)),
        letter => letter.to_string(),
    });
    format!("\"{}\"", escaped.collect::<String>())
}

#[allow(dead_code, reason = "a test includes this file and calls what is above")]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let db = connect(&arguments.next().unwrap_or_default())?;
    let listener = TcpListener::bind(arguments.next().unwrap_or_else(|| "127.0.0.1:8080".to_owned()))?;
    println!("http://{}", listener.local_addr()?);
    serve(&listener, &db);
    Ok(())
}
