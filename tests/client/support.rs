//! A server that the tests share, servers of their own, and a line to either on which messages are counted.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::thread;
use std::time::{Duration, Instant};

use pgstrata::client::{Client, Error, PoolOptions, Row};
use pgstrata::sandbox::{Locator, Options, Sandbox};

pub(crate) fn own_server() -> Sandbox {
    let downloads = Path::new(env!("CARGO_MANIFEST_DIR")).join(".pg");
    let locator = Locator {
        pg_bin: std::env::var_os("PGSTRATA_PG_BIN").map(Into::into),
        path: std::env::var_os("PATH"),
        also: ["18", "17", "16", "15", "14"].map(|major| downloads.join(major).join("bin")).into(),
    };
    let bin = locator.find().unwrap_or_else(|error| panic!("{error}"));
    let settings = [("autovacuum", "off"), ("log_connections", "on"), ("log_line_prefix", "%m [%p] %a: ")];
    let settings = settings.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
    Sandbox::start(&bin, Options { settings, tcp: Some(0), durable: true, ..Options::default() })
        .unwrap_or_else(|error| panic!("{error}"))
}

/// A static is never dropped: the sandbox's own shell stops the server when this process ends.
pub(crate) fn server() -> &'static Sandbox {
    static SERVER: OnceLock<Sandbox> = OnceLock::new();
    SERVER.get_or_init(own_server)
}

/// A client of the shared server.
pub(crate) fn client(name: &str, options: PoolOptions) -> Client {
    client_of(&server().url("postgres"), name, options)
}

pub(crate) fn client_of(url: &str, name: &str, options: PoolOptions) -> Client {
    Client::builder(url).application_name(name).pool(options).build().unwrap()
}

pub(crate) fn int(row: &Row) -> Result<i32, Error> {
    Ok(row.try_get(0)?)
}

pub(crate) fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !holds() {
        assert!(begun.elapsed() < Duration::from_secs(60), "{what}: not within a minute");
        thread::sleep(Duration::from_millis(2));
    }
}

/// Sessions by that name, as the server knows them.
pub(crate) fn sessions(observer: &mut postgres::Client, name: &str) -> i64 {
    let sql = "SELECT count(*) FROM pg_stat_activity WHERE application_name = $1";
    observer.query_one(sql, &[&name]).unwrap().get(0)
}

pub(crate) fn observer() -> postgres::Client {
    server().connect("postgres").unwrap()
}

/// How many such lines the shared server has logged.
pub(crate) fn logged(is: impl Fn(&str) -> bool) -> usize {
    std::fs::read_to_string(server().log_path()).unwrap().lines().filter(|line| is(line)).count()
}

/// A proxy to the shared server that counts the bytes which clients send.
pub(crate) struct Counting {
    port: u16,
    sent: Arc<AtomicU64>,
}

impl Counting {
    pub(crate) fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let sent = Arc::new(AtomicU64::new(0));
        let counted = Arc::clone(&sent);
        let to = server().port();
        thread::spawn(move || {
            for client in listener.incoming() {
                let (client, server) = (client.unwrap(), TcpStream::connect(("127.0.0.1", to)).unwrap());
                let (from, into) = (client.try_clone().unwrap(), server.try_clone().unwrap());
                let counted = Arc::clone(&counted);
                thread::spawn(move || copy(from, into, Some(&counted)));
                thread::spawn(move || copy(server, client, None));
            }
        });
        Self { port, sent }
    }

    pub(crate) fn url(&self) -> String {
        format!("postgresql://{}@127.0.0.1:{}/postgres?sslmode=disable", server().superuser(), self.port)
    }

    pub(crate) fn sent(&self) -> u64 {
        self.sent.load(Ordering::SeqCst)
    }
}

fn copy(mut from: TcpStream, mut into: TcpStream, counted: Option<&AtomicU64>) {
    let mut piece = [0; 8192];
    while let Ok(read @ 1..) = from.read(&mut piece) {
        if let Some(counted) = counted {
            counted.fetch_add(read as u64, Ordering::SeqCst);
        }
        if into.write_all(&piece[..read]).is_err() {
            break;
        }
    }
    drop(into.shutdown(Shutdown::Write));
}
