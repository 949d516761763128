//! Through PgBouncer, Debian's: in transaction mode a run is refused and nothing is left behind in the pooler's
//! sessions; in session mode all works.

use std::os::unix::fs::{MetadataExt as _, chown};
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use pgstrata::apply::{BeginError, Ended, Run, Silent};
use pgstrata::db::Interrupt;

use crate::support::drive::{apply_now, connector, desired, grant_all};
use crate::support::{TestDb, database, pgstrata, server};

const POLICY: &str = "version: 1\ntables:\n  app.events:\n    partition: {key: at, interval: 1 month, premake: 2}\n";

struct Pooler {
    child: Child,
    folder: tempfile::TempDir,
}

impl Drop for Pooler {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Pooler {
    /// `None`, said aloud, where there is no PgBouncer: CI installs it.
    fn start(mode: &str, pool_size: u32) -> Option<Self> {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let places = std::env::split_paths(&path).chain(["/usr/sbin".into()]);
        let Some(binary) = places.map(|place| place.join("pgbouncer")).find(|binary| binary.exists()) else {
            eprintln!("SKIPPED: no pgbouncer on PATH or in /usr/sbin; apt-get install pgbouncer");
            return None;
        };
        // Only the server's user can enter the folder of its socket, and PgBouncer refuses to run as root.
        let owner = std::fs::metadata(server().socket_dir()).unwrap();
        let folder = tempfile::tempdir_in("/tmp").unwrap();
        let _ = chown(folder.path(), Some(owner.uid()), Some(owner.gid()));
        let dir = folder.path().display();
        let ini = format!(
            "[databases]\n* = host={} port={} user={}\n[pgbouncer]\nlisten_addr =\nlisten_port = 6432\nunix_socket_dir = {dir}\n\
             auth_type = any\npool_mode = {mode}\ndefault_pool_size = {pool_size}\nlogfile = {dir}/log\nserver_reset_query = DISCARD ALL\n",
            server().socket_dir().display(),
            server().port(),
            server().superuser(),
        );
        let config = folder.path().join("pgbouncer.ini");
        std::fs::write(&config, ini).unwrap();
        let _ = chown(&config, Some(owner.uid()), Some(owner.gid()));
        let mut command = Command::new(binary);
        command.arg("-q").arg(&config).stdout(Stdio::null()).stderr(Stdio::null());
        if std::fs::metadata("/proc/self").is_ok_and(|me| me.uid() == 0) {
            command.gid(owner.gid()).uid(owner.uid());
        }
        let pooler = Self { child: command.spawn().unwrap(), folder };
        let end = Instant::now() + Duration::from_secs(10);
        while !pooler.folder.path().join(".s.PGSQL.6432").exists() {
            let log = std::fs::read_to_string(pooler.folder.path().join("log")).unwrap_or_default();
            assert!(Instant::now() < end, "pgbouncer does not start: {log}");
            std::thread::sleep(Duration::from_millis(20));
        }
        Some(pooler)
    }

    fn url(&self, db: &TestDb) -> String {
        format!("postgresql:///{}?host={}&port=6432&user=postgres", db.name(), self.folder.path().display())
    }
}

fn table(name: &str) -> TestDb {
    let db = database(name);
    db.batch("CREATE SCHEMA app; CREATE TABLE app.events (at timestamptz NOT NULL) PARTITION BY RANGE (at)");
    db
}

fn shown(client: &mut postgres::Client, name: &str) -> String {
    let rows = client.simple_query(&format!("SHOW {name}")).unwrap();
    let value = rows.iter().find_map(|row| {
        let postgres::SimpleQueryMessage::Row(row) = row else { return None };
        row.get(0).map(str::to_owned)
    });
    value.unwrap()
}

#[test]
fn a_transaction_pooler_is_refused_and_left_as_it_was() {
    for pool_size in [1, 20] {
        let Some(pooler) = Pooler::start("transaction", pool_size) else { return };
        let db = table(&format!("pooler_transaction_{pool_size}"));
        for _ in 0..3 {
            let begun = Run::begin(&connector(&pooler.url(&db)), Duration::ZERO, &Interrupt::new());
            assert!(matches!(begun, Err(BeginError::Pooler(_))), "{begun:?}");
        }
        let locks = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";
        assert_eq!(db.client().query_one(locks, &[]).unwrap().get::<_, i64>(0), 0, "no run lock is left behind");
        Run::begin(&connector(db.url()), Duration::ZERO, &Interrupt::new()).expect("a run without the pooler");
        // An application that gets the same backend finds its own settings.
        let mut application = postgres::Client::connect(&pooler.url(&db), postgres::NoTls).unwrap();
        assert_eq!(shown(&mut application, "search_path"), "\"$user\", public");
        assert_eq!(shown(&mut application, "row_security"), "on");
    }
}

#[test]
fn planning_through_a_transaction_pooler_leaves_its_sessions_as_they_were() {
    let Some(pooler) = Pooler::start("transaction", 1) else { return };
    let db = table("pooler_plan");
    let folder = tempfile::tempdir().unwrap();
    let policy = folder.path().join("pgstrata.yaml");
    std::fs::write(&policy, POLICY).unwrap();
    pgstrata().args(["drift", "-q", "--url", &pooler.url(&db), "-p"]).arg(&policy).assert().code(2);
    pgstrata().args(["plan", "-q", "--url", &pooler.url(&db), "-p"]).arg(&policy).assert().success();
    let mut application = postgres::Client::connect(&pooler.url(&db), postgres::NoTls).unwrap();
    assert_eq!(shown(&mut application, "search_path"), "\"$user\", public");
    assert_eq!(shown(&mut application, "row_security"), "on");
}

#[test]
fn a_session_pooler_is_as_good_as_none() {
    let Some(pooler) = Pooler::start("session", 20) else { return };
    let db = table("pooler_session");
    let outcome = apply_now(&pooler.url(&db), &desired(POLICY), None, &grant_all(), &mut Silent);
    assert_eq!(outcome.ended, Ended::Complete);
    assert!(outcome.results.len() == 3 && outcome.results.iter().all(|(_, result)| result.is_done()));
    assert!(outcome.remains.is_some_and(|plan| plan.is_empty()));
}
