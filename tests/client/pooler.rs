//! Behind PgBouncer in transaction mode, where each transaction may meet another session of the server.

use std::os::unix::fs::{MetadataExt as _, chown};
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicI32, Ordering};
use std::thread;

use pgstrata::client::{Error, PoolOptions, Query, Row, Source, TxOptions};

use crate::support::{client_of, int, observer, server, until};

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
    #[allow(clippy::print_stdout, reason = "a test that is left out says so")]
    /// `None`, said aloud, where there is none: CI installs it.
    fn start(lines: &str) -> Option<Self> {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let places = std::env::split_paths(&path).chain(["/usr/sbin".into()]);
        let Some(binary) = places.map(|place| place.join("pgbouncer")).find(|binary| binary.exists()) else {
            println!("SKIPPED: no pgbouncer on PATH or in /usr/sbin; apt-get install pgbouncer");
            return None;
        };
        // Only the server's user can enter the folder of its socket, and PgBouncer refuses to run as root.
        let owner = std::fs::metadata(server().socket_dir()).unwrap();
        let folder = tempfile::tempdir_in("/tmp").unwrap();
        let _ = chown(folder.path(), Some(owner.uid()), Some(owner.gid()));
        let (dir, config) = (folder.path().display(), folder.path().join("pgbouncer.ini"));
        let ini = format!(
            "[databases]\n* = host={} port={} user={}\n[pgbouncer]\nlisten_addr =\nlisten_port = 6432\n\
             unix_socket_dir = {dir}\nauth_type = any\nlogfile = {dir}/log\npool_mode = transaction\n{lines}\n",
            server().socket_dir().display(),
            server().port(),
            server().superuser(),
        );
        std::fs::write(&config, ini).unwrap();
        let _ = chown(&config, Some(owner.uid()), Some(owner.gid()));
        let mut command = Command::new(binary);
        command.arg("-q").arg(&config).stdout(Stdio::null()).stderr(Stdio::null());
        if std::fs::metadata("/proc/self").is_ok_and(|me| me.uid() == 0) {
            command.gid(owner.gid()).uid(owner.uid());
        }
        let pooler = Self { child: command.spawn().unwrap(), folder };
        until("it listens", || pooler.folder.path().join(".s.PGSQL.6432").exists());
        Some(pooler)
    }

    fn url(&self) -> String {
        format!("postgresql:///postgres?host={}&port=6432&user=postgres", self.folder.path().display())
    }
}

#[test]
fn eight_sessions_share_two_of_the_server_and_leave_no_statement() {
    let Some(pooler) = Pooler::start("default_pool_size = 2") else { return };
    observer().batch_execute("CREATE TABLE pooler (n int NOT NULL); INSERT INTO pooler VALUES (0)").unwrap();
    let options = PoolOptions { max: 8, statement_cache: 0, ..PoolOptions::default() };
    let db = client_of(&pooler.url(), "pooler", options);
    let pid = |row: &Row| Ok::<_, Error>((row.try_get::<_, i32>(0)?, row.try_get::<_, i32>(1)?));
    let most = AtomicI32::new(0);
    thread::scope(|scope| {
        for number in 0..8_i32 {
            let (db, most) = (&db, &most);
            scope.spawn(move || {
                for round in 0..50 {
                    let query = Query::new("SELECT $1 + $2, pg_backend_pid()").bind(number).bind(round);
                    assert_eq!(db.query_one(&query, pid).unwrap().0, number + round);
                    let cached = Query::new("SELECT $1 * 2").bind(round).reads("public.pooler");
                    assert_eq!(*db.cached(&cached, int).unwrap(), [round * 2]);
                    if round % 10 == 0 {
                        let add = Query::new("UPDATE pooler SET n = n + $1 RETURNING n").bind(1_i32);
                        let sum = db.transaction(&TxOptions::default().retries(5), |tx| {
                            let before = tx.query_one(&Query::new("SELECT n FROM pooler FOR UPDATE"), int)?;
                            let after = tx.query_one(&add, int)?;
                            assert_eq!(after, before + 1, "one session of the server throughout");
                            tx.writes("public.pooler");
                            Ok(after)
                        });
                        most.fetch_max(sum.unwrap(), Ordering::SeqCst);
                    }
                }
            });
        }
    });
    assert_eq!(most.into_inner(), 40);
    let cached = Query::new("SELECT n FROM pooler").reads("public.pooler");
    assert_eq!(db.cached(&cached, int).unwrap().source(), Source::Server);
    assert_eq!(*db.cached(&cached, int).unwrap(), [40]);
    assert_eq!(db.stats().failed, 0);
    // What was left open ends here as well.
    db.conn().unwrap().raw().unwrap().batch_execute("BEGIN; LOCK pooler IN ACCESS EXCLUSIVE MODE").unwrap();
    until("the lock is gone", || observer().batch_execute("SET lock_timeout = '10ms'; SELECT n FROM pooler").is_ok());
    let statements = Query::new("SELECT count(*)::int FROM pg_prepared_statements");
    for _ in 0..10 {
        assert_eq!(db.query_one(&statements, int).unwrap(), 0);
    }
    observer().batch_execute("DROP TABLE pooler").unwrap();
}
