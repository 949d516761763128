//! Debian's PgBouncer in front of the shared server.

use std::os::unix::fs::{MetadataExt as _, chown};
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::{TestDb, server};

/// One in front of the shared server, stopped when it is dropped.
pub(crate) struct Pooler {
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
    /// With these lines in `[pgbouncer]`. `None`, said aloud, where there is no PgBouncer: CI installs it.
    pub(crate) fn start(lines: &str) -> Option<Self> {
        Self::start_with("", lines)
    }

    /// The same, with these lines before the entry for all databases.
    pub(crate) fn start_with(databases: &str, lines: &str) -> Option<Self> {
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
            "[databases]\n{databases}\n* = host={} port={} user={}\n[pgbouncer]\nlisten_addr =\nlisten_port = 6432\nunix_socket_dir = {dir}\n\
             auth_type = any\nadmin_users = admin\nlogfile = {dir}/log\nserver_reset_query = DISCARD ALL\n{lines}\n\
             %include {dir}/pgstrata.ini\n",
            server().socket_dir().display(),
            server().port(),
            server().superuser(),
        );
        let config = folder.path().join("pgbouncer.ini");
        for (file, text) in [(&config, ini.as_str()), (&folder.path().join("pgstrata.ini"), "")] {
            std::fs::write(file, text).unwrap();
            let _ = chown(file, Some(owner.uid()), Some(owner.gid()));
        }
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

    pub(crate) fn url(&self, db: &TestDb) -> String {
        format!("postgresql:///{}?host={}&port=6432&user=postgres", db.name(), self.folder.path().display())
    }

    /// Its admin console.
    pub(crate) fn console(&self) -> String {
        format!("postgresql:///pgbouncer?host={}&port=6432&user=admin", self.folder.path().display())
    }

    /// Replaces the file that its configuration includes, and has it read.
    pub(crate) fn include(&self, text: &str) {
        std::fs::write(self.folder.path().join("pgstrata.ini"), text).unwrap();
        postgres::Client::connect(&self.console(), postgres::NoTls).unwrap().simple_query("RELOAD").unwrap();
    }
}
