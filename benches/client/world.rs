//! A server with one table, and the same rows in months.

use std::time::Instant;

use pgstrata::client::{Client, Error, PoolOptions, Query, Row};
use pgstrata::sandbox::{Locator, Options, Sandbox};

use super::figures::{seconds, time};

pub const MONTHS: u32 = 24;

pub struct World {
    pub rows: u64,
    pub smoke: bool,
    pub session: postgres::Client,
    pub server: Sandbox,
    pub tls: bool,
}

impl World {
    pub fn new(rows: u64, smoke: bool) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let certificate = certificate(folder.path());
        let tls = certificate.is_some();
        let mut settings: Vec<(String, String)> = [
            ("shared_buffers", "2GB"),
            ("max_wal_size", "16GB"),
            ("checkpoint_timeout", "1h"),
            ("maintenance_work_mem", "512MB"),
            ("work_mem", "64MB"),
            // A time is of one process, and of the same plan each time.
            ("max_parallel_workers_per_gather", "0"),
            ("max_parallel_maintenance_workers", "2"),
            ("jit", "off"),
            ("autovacuum", "off"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into();
        if tls {
            settings.push(("ssl".to_owned(), "on".to_owned()));
        }
        let locator = Locator {
            pg_bin: std::env::var_os("PGSTRATA_PG_BIN").map(Into::into),
            path: std::env::var_os("PATH"),
            ..Locator::default()
        };
        let options = Options { settings, tcp: Some(0), files: certificate.unwrap_or_default(), ..Options::default() };
        let server = Sandbox::start(&locator.find().expect("a PostgreSQL server"), options).expect("a server");
        let cores = std::thread::available_parallelism().map_or(0, usize::from);
        println!(
            "PostgreSQL {}, {rows} rows of some 100 bytes in {MONTHS} months, unlogged, warm; {cores} cores, which the server shares",
            server.version().version
        );
        let mut session = server.connect("postgres").expect("a session");
        session.batch_execute("SET TimeZone = 'UTC'").unwrap();
        let mut world = Self { rows, smoke, session, server, tls };
        world.make();
        world
    }

    pub fn rounds(&self) -> usize {
        if self.smoke { 2 } else { 7 }
    }

    fn make(&mut self) {
        let rows = self.rows;
        let columns = "id bigint NOT NULL, occurred_at timestamptz NOT NULL, actor_id bigint NOT NULL, place integer NOT NULL, details text NOT NULL";
        self.does("one table", &format!("CREATE UNLOGGED TABLE plain ({columns})"));
        // In the order of time, as a log is; actors and places are spread over all of it.
        self.does(
            "its rows",
            &format!(
                "INSERT INTO plain SELECT i, '2024-01-01'::timestamptz + i * ('731 days'::interval / {rows}), \
                 (i * 7919) % greatest({rows} / 100, 1), (i * 2654435761) % {rows}, 'action ' || repeat('x', 40) \
                 FROM generate_series(0::bigint, {rows} - 1) AS i"
            ),
        );
        let mut parts = format!("CREATE TABLE parted ({columns}) PARTITION BY RANGE (occurred_at);");
        for month in 0..MONTHS {
            let (from, to) = (first_of(month), first_of(month + 1));
            parts.push_str(&format!(
                "CREATE UNLOGGED TABLE parted_{month} PARTITION OF parted FOR VALUES FROM ('{from}') TO ('{to}');"
            ));
        }
        self.does("the same in months", &format!("{parts} INSERT INTO parted SELECT * FROM plain"));
        self.does(
            "indexes on the actor and the id of both",
            "CREATE INDEX ON plain (actor_id); CREATE INDEX ON parted (actor_id); CREATE INDEX ON plain (id)",
        );
        self.does("statistics and visibility", "VACUUM ANALYZE");
    }

    /// What takes the server a while; several statements are sent one by one.
    pub fn does(&mut self, what: &str, sql: &str) {
        let begun = Instant::now();
        for statement in sql.split(';').filter(|statement| !statement.trim().is_empty()) {
            self.session.batch_execute(statement).unwrap();
        }
        println!("  made {what}: {}", time(seconds(begun.elapsed())));
    }

    /// Seconds that a statement takes.
    pub fn takes(&mut self, sql: &str) -> f64 {
        let begun = Instant::now();
        self.session.simple_query(sql).unwrap();
        seconds(begun.elapsed())
    }

    pub fn client(&self) -> Client {
        self.client_at(&self.server.url("postgres"))
    }

    pub fn client_at(&self, url: &str) -> Client {
        let pool =
            PoolOptions { max: 4, check_after_idle: std::time::Duration::from_secs(60), ..PoolOptions::default() };
        let client = Client::builder(url).application_name("bench").pool(pool).build().unwrap();
        client.connect_now().unwrap();
        client
    }

    /// One row by its key.
    pub fn point(&self) -> Query<'static> {
        Query::new("SELECT id FROM plain WHERE id = $1").bind((self.rows / 2).cast_signed()).read_only()
    }
}

pub fn id(row: &Row) -> Result<i64, Error> {
    Ok(row.try_get(0)?)
}

/// Months from January 2024 on.
pub fn first_of(month: u32) -> String {
    format!("{}-{:02}-01 00:00+00", 2024 + month / 12, month % 12 + 1)
}

/// A server's certificate and key, where there is openssl to make them.
fn certificate(folder: &std::path::Path) -> Option<Vec<(String, Vec<u8>)>> {
    let args = "req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost -keyout server.key -out server.crt";
    let made = std::process::Command::new("openssl").args(args.split(' ')).current_dir(folder).output().ok()?;
    let read = |name: &str| Some((name.to_owned(), std::fs::read(folder.join(name)).ok()?));
    made.status.success().then(|| Some(vec![read("server.crt")?, read("server.key")?]))?
}
