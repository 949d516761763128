//! A network that falls silent in the middle of a unit: the lock is gone on the server before long, the command ends with
//! its code, and a rerun converges.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use pgstrata::sandbox::{Options, Sandbox};
use tempfile::TempDir;

use crate::crash_world::{batch, connect};
use crate::support::place::{Ran, ran, until};
use crate::support::proxy::{Proxy, Silence};
use crate::support::{own_server, pgstrata, settings};

/// A blocking detach (there is a default partition) of what is past its time.
const POLICY: &str = "
version: 1
apply: {jobs: 1, statement_timeout: 1s, concurrent_timeout: 1s}
tables:
  app.events:
    partition: {key: at, interval: 1 month, premake: 1, default_partition: allow}
    retention: {keep: 3 months}
";

const TABLES: &str = "
SET TimeZone = 'UTC';
CREATE SCHEMA app;
CREATE TABLE app.events (at timestamptz NOT NULL, body text) PARTITION BY RANGE (at);
DO $$
DECLARE m timestamptz := date_trunc('month', now());
BEGIN
  FOR n IN -5 .. 1 LOOP
    CONTINUE WHEN n BETWEEN -4 AND -1;
    EXECUTE format('CREATE TABLE app.%I PARTITION OF app.events FOR VALUES FROM (%L) TO (%L)', 'events_' || abs(n) ||
      CASE WHEN n > 0 THEN 'next' ELSE '' END, m + make_interval(months => n), m + make_interval(months => n + 1));
  END LOOP;
  EXECUTE format('CREATE TABLE app.events_between PARTITION OF app.events FOR VALUES FROM (%L) TO (%L)',
    m - interval '4 months', m);
END $$;
CREATE TABLE app.events_default PARTITION OF app.events DEFAULT;
INSERT INTO app.events SELECT date_trunc('month', now()) - interval '5 months' + n * interval '1 hour', 'row' FROM generate_series(1, 50) n;
INSERT INTO app.events VALUES (now(), 'now');
";

fn tcp_server() -> &'static Sandbox {
    static SERVER: OnceLock<Sandbox> = OnceLock::new();
    SERVER.get_or_init(|| {
        let quiet = settings(&[("autovacuum", "off"), ("max_connections", "100")]);
        own_server(Options { tcp: Some(0), settings: quiet, ..Options::default() })
    })
}

/// A database with work in it, and a folder with its policy.
struct World {
    database: String,
    folder: TempDir,
}

impl World {
    fn new(name: &str) -> Self {
        tcp_server().create_database(name).unwrap();
        batch(tcp_server(), name, TABLES);
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("pgstrata.yaml"), POLICY).unwrap();
        Self { database: name.to_owned(), folder }
    }

    fn command(&self, port: u16) -> assert_cmd::Command {
        let url = format!("postgresql://postgres@127.0.0.1:{port}/{}?connect_timeout=2", self.database);
        let mut command = pgstrata();
        command.current_dir(self.folder.path()).env("PGSTRATA_URL", url).args(["apply", "--auto-approve"]);
        command
    }

    fn apply(&self, port: u16, code: i32) -> Ran {
        ran(&mut self.command(port), code)
    }

    fn finds(&self, sql: &str) -> bool {
        connect(tcp_server(), &self.database).query_one(sql, &[]).unwrap().get(0)
    }

    /// No lock of a unit is left, the rows are all there, and one more run does the rest: once the network is back, for the
    /// proxy answers for a client that is gone, and what it holds open has the run lock.
    fn converges(&self, what: &str, proxy: Proxy) {
        let free = "SELECT NOT EXISTS (SELECT FROM pg_locks WHERE relation = 'app.events'::regclass AND mode = 'AccessExclusiveLock')";
        until(&format!("{what}: the lock is gone"), || self.finds(free));
        drop(proxy);
        let mut command = self.command(tcp_server().port());
        let end = ran(command.args(["--run-lock-wait", "10s"]), 0);
        assert!(end.stdout.contains("matches the policy"), "{what}: {}", end.stdout);
        assert!(self.finds("SELECT count(*) = 50 FROM app.events_5"), "{what}");
        assert!(self.finds("SELECT NOT relispartition FROM pg_class WHERE oid = 'app.events_5'::regclass"), "{what}");
    }
}

/// Whether it is a statement of a unit, not of what surrounds them.
fn of_a_unit(sql: &str) -> bool {
    !["session", "control", "inspect"].iter().any(|word| sql.starts_with(&format!("/* pgstrata {word} */")))
}

fn detaches(sql: &str) -> bool {
    sql.contains(" DETACH PARTITION ") && !sql.starts_with("DO ")
}

/// The statements of an undisturbed run's units, and where the one that detaches begins and ends among them.
fn undisturbed() -> &'static (Vec<String>, usize, usize) {
    static UNDISTURBED: OnceLock<(Vec<String>, usize, usize)> = OnceLock::new();
    UNDISTURBED.get_or_init(look)
}

fn look() -> (Vec<String>, usize, usize) {
    let world = World::new("network_undisturbed");
    let proxy = Proxy::start(tcp_server().port(), |_| None);
    world.apply(proxy.port(), 0);
    let sent: Vec<String> = proxy.seen().into_iter().filter(|sql| of_a_unit(sql)).collect();
    let at = sent.iter().position(|sql| detaches(sql)).unwrap();
    assert!(!sent[at].contains("CONCURRENTLY"), "{}", sent[at]);
    let first = sent[..at].iter().rposition(|sql| sql == "BEGIN").unwrap();
    let last = at + sent[at..].iter().position(|sql| sql == "COMMIT").unwrap();
    (sent, first, last)
}

/// A proxy that falls silent at the n-th statement of a unit.
fn silent_at(n: usize, how: Silence) -> Proxy {
    let count = AtomicUsize::new(0);
    Proxy::start(tcp_server().port(), move |sql| {
        (of_a_unit(sql) && count.fetch_add(1, Ordering::SeqCst) == n).then_some(how)
    })
}

#[test]
fn an_answer_swallowed_at_any_statement_of_a_unit_leaves_no_lock_behind() {
    let (sent, first, last) = undisturbed();
    let (first, last) = (*first, *last);
    assert!(last - first >= 8, "{sent:#?}");
    let cases = (first..=last).map(|n| (n, Silence::SwallowsOne));
    let all = (first..=last).filter(|n| detaches(&sent[*n]) || *n == last).map(|n| (n, Silence::SwallowsAll));
    let cases: Vec<_> = cases.chain(all).collect();
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..6 {
            scope.spawn(|| {
                while let Some((n, how)) = cases.get(next.fetch_add(1, Ordering::SeqCst)) {
                    let what = format!("{how:?} at {}", sent[*n]);
                    let world = World::new(&format!("network_{n}_{how:?}").to_lowercase());
                    let proxy = silent_at(*n, *how);
                    // What was committed is seen by asking again, where that is answered.
                    let code = if *n == last && *how == Silence::SwallowsOne { 0 } else { 6 };
                    let end = world.apply(proxy.port(), code);
                    if code == 6 {
                        assert!(end.stdout.contains("no answer within 6 s"), "{what}: {}\n{}", end.stdout, end.stderr);
                    }
                    world.converges(&what, proxy);
                }
            });
        }
    });
}

#[test]
fn a_client_that_stops_reading_leaves_no_lock_behind() {
    let (sent, _, _) = undisturbed();
    let world = World::new("network_unread");
    // More than the buffers of both ends hold.
    batch(
        tcp_server(),
        "network_unread",
        "CREATE FUNCTION app.loud() RETURNS event_trigger LANGUAGE plpgsql AS
           $$ BEGIN FOR i IN 1 .. 64 LOOP RAISE NOTICE '%', repeat('x', 1 << 20); END LOOP; END $$;
         CREATE EVENT TRIGGER loud ON ddl_command_end WHEN TAG IN ('ALTER TABLE') EXECUTE FUNCTION app.loud()",
    );
    let at = sent.iter().position(|sql| detaches(sql)).unwrap();
    let proxy = silent_at(at, Silence::StopsReading);
    let end = world.apply(proxy.port(), 6);
    assert!(end.stdout.contains("no answer within 6 s"), "{}", end.stdout);
    batch(tcp_server(), "network_unread", "DROP EVENT TRIGGER loud");
    world.converges("stops reading", proxy);
}

#[test]
fn after_a_signal_a_mute_server_is_left_within_seconds() {
    let (sent, _, _) = undisturbed();
    let at = sent.iter().position(|sql| detaches(sql)).unwrap();
    for (signal, code) in [("-INT", 130), ("-TERM", 143), ("-HUP", 143)] {
        let world = World::new(&format!("network_signal{}", signal.to_lowercase().replace('-', "_")));
        let text = POLICY.replace("statement_timeout: 1s", "statement_timeout: 10min");
        std::fs::write(world.folder.path().join("pgstrata.yaml"), text).unwrap();
        let proxy = silent_at(at, Silence::SwallowsAll);
        let url = format!("postgresql://postgres@127.0.0.1:{}/{}", proxy.port(), world.database);
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_pgstrata"));
        command.env_clear().env("HOME", world.folder.path()).env("PGSTRATA_URL", url).current_dir(world.folder.path());
        command.args(["apply", "--auto-approve"]).stdin(std::process::Stdio::null());
        command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped());
        let child = command.spawn().unwrap();
        until("it has sent the statement", || proxy.seen().iter().any(|sql| detaches(sql)));
        std::thread::sleep(Duration::from_millis(300));
        let end = crate::support::place::signalled(child, signal, code);
        assert!(end.stdout.contains("Interrupted by"), "{}\n{}", end.stdout, end.stderr);
        std::fs::write(world.folder.path().join("pgstrata.yaml"), POLICY).unwrap();
        world.converges(signal, proxy);
    }
}
