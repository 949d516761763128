//! The shared server, a database a test, and the binary with a clean environment.
#![allow(dead_code, reason = "a harness offers more than every stage of the tests uses")]

pub(crate) mod drive;
pub(crate) mod formats;
pub(crate) mod lines;
pub(crate) mod locks;
pub(crate) mod place;
pub(crate) mod pooler;
pub(crate) mod proxy;
pub(crate) mod watch;

use std::path::Path;
use std::sync::{Mutex, OnceLock, PoisonError};

use pgstrata::sandbox::{Locator, Options, PgBin, Sandbox};

/// The server under test: `PGSTRATA_PG_BIN`, else an installed one, else the newest that `tests/get-postgres` got.
pub(crate) fn server_binaries() -> &'static PgBin {
    static BINARIES: OnceLock<PgBin> = OnceLock::new();
    BINARIES.get_or_init(|| {
        let downloads = Path::new(env!("CARGO_MANIFEST_DIR")).join(".pg");
        let locator = Locator {
            pg_bin: std::env::var_os("PGSTRATA_PG_BIN").map(Into::into),
            path: std::env::var_os("PATH"),
            also: ["18", "17", "16", "15", "14"].map(|major| downloads.join(major).join("bin")).into(),
        };
        locator.find().unwrap_or_else(|error| panic!("{error}"))
    })
}

/// The server that all tests of this binary share. A static is never dropped: the sandbox's own shell stops the server
/// when this process ends, however it ends.
pub(crate) fn server() -> &'static Sandbox {
    static SERVER: OnceLock<Sandbox> = OnceLock::new();
    SERVER.get_or_init(|| {
        own_server(Options {
            settings: settings(&[
                // It would take locks and change statistics under the tests' feet.
                ("autovacuum", "off"),
                ("max_connections", "200"),
                ("allow_in_place_tablespaces", "on"),
                // The database's name, by which a failing test finds its lines.
                ("log_line_prefix", "%m [%p] %d: "),
            ]),
            ..Options::default()
        })
    })
}

/// A server of one's own, for tests that touch roles, server settings, or its life.
pub(crate) fn own_server(options: Options) -> Sandbox {
    Sandbox::start(server_binaries(), options).unwrap_or_else(|error| panic!("{error}"))
}

/// Lines of `postgresql.conf`.
pub(crate) fn settings(settings: &[(&str, &str)]) -> Vec<(String, String)> {
    settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

/// An empty database on the shared server, named after the test. Dropped when the test passes, kept when it panics.
pub(crate) fn database(name: &str) -> TestDb {
    // One at a time: CREATE DATABASE waits for nobody in template1, and checkpoints.
    static CREATING: Mutex<()> = Mutex::new(());
    let _one = CREATING.lock().unwrap_or_else(PoisonError::into_inner);
    let url = server().create_database(name).unwrap_or_else(|error| panic!("{error}"));
    TestDb { name: name.to_owned(), url }
}

pub(crate) struct TestDb {
    name: String,
    url: String,
}

impl TestDb {
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// The superuser's connection string.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// A new session of the superuser.
    pub(crate) fn client(&self) -> postgres::Client {
        server().connect(&self.name).unwrap_or_else(|error| panic!("{error}"))
    }

    /// Runs statements, each in a transaction of its own only where they say so, in a new session.
    pub(crate) fn batch(&self, sql: &str) {
        self.client().batch_execute(sql).unwrap_or_else(|error| panic!("{}\n{sql}", explain(&error)));
    }

    /// Vacuums a table until all of it is visible to all. A session that is being opened, to whatever database, may hold
    /// the horizon back for a moment: until it knows its database it counts for every one (`ComputeXidHorizons`). A page
    /// that the checkpointer is writing is passed over; the dead entries of so few are then left alone for ever, unless
    /// INDEX_CLEANUP is on (vacuumlazy.c, BYPASS_THRESHOLD_PAGES).
    pub(crate) fn vacuum(&self, truncate: bool, table: &str) {
        for _ in 0..400 {
            self.batch(&format!("VACUUM (INDEX_CLEANUP on, TRUNCATE {truncate}) {table}"));
            let sql = format!("SELECT relallvisible >= relpages FROM pg_class WHERE oid = '{table}'::regclass");
            if self.client().query_one(&sql, &[]).unwrap().get(0) {
                return;
            }
            std::thread::sleep(std::time::Duration::from_millis(50));
        }
        panic!("something keeps {table} from being vacuumed");
    }
}

impl Drop for TestDb {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let log = std::fs::read_to_string(server().log_path()).unwrap_or_default();
            let ours: Vec<&str> = log.lines().filter(|line| line.contains(&format!(" {}: ", self.name))).collect();
            let last = ours[ours.len().saturating_sub(10)..].join("\n");
            eprintln!("database {} is kept; the server's last words on it:\n{last}", self.name);
            return;
        }
        let name = postgres_protocol::escape::escape_identifier(&self.name);
        let dropped =
            server().connect("postgres").unwrap().batch_execute(&format!("DROP DATABASE {name} WITH (FORCE)"));
        dropped.unwrap_or_else(|error| panic!("drop {}: {}", self.name, explain(&error)));
    }
}

/// The driver's own text for a server's error is "db error".
pub(crate) fn explain(error: &postgres::Error) -> String {
    error.as_db_error().map_or_else(|| error.to_string(), |db| format!("{}: {}", db.code().code(), db.message()))
}

/// The shipped binary with nothing of our environment but `PATH`, and a home without a `.pgpass` or service file.
pub(crate) fn pgstrata() -> assert_cmd::Command {
    let mut command = assert_cmd::Command::new(env!("CARGO_BIN_EXE_pgstrata"));
    command.env_clear().env("HOME", env!("CARGO_TARGET_TMPDIR"));
    if let Some(path) = std::env::var_os("PATH") {
        command.env("PATH", path);
    }
    command
}
