//! The sandbox itself: it runs, it comes back after a crash, and it leaves nothing behind.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use pgstrata::sandbox::Options;

use crate::support::{self, own_server, server, server_binaries, settings};

#[test]
fn a_test_has_an_empty_database_of_its_own_on_the_shared_server() {
    let db = support::database("sandbox_own_database");
    db.batch("CREATE TABLE t (id int); INSERT INTO t VALUES (1)");
    let row = db.client().query_one("SELECT count(*), current_setting('server_version') FROM t", &[]).unwrap();
    assert_eq!(row.get::<_, i64>(0), 1);
    assert!(row.get::<_, String>(1).starts_with(&server_binaries().version));

    let mut through_the_url = postgres::Client::connect(db.url(), postgres::NoTls).unwrap();
    let row = through_the_url.query_one("SELECT current_database()", &[]).unwrap();
    assert_eq!(row.get::<_, &str>(0), db.name());
}

#[test]
fn a_panicking_test_keeps_its_database_and_a_passing_one_does_not() {
    let exists = |name: &str| {
        let mut client = server().connect("postgres").unwrap();
        !client.query("SELECT 1 FROM pg_database WHERE datname = $1", &[&name]).unwrap().is_empty()
    };
    drop(support::database("sandbox_dropped"));
    assert!(!exists("sandbox_dropped"));
    let panicked = std::thread::spawn(|| {
        let _db = support::database("sandbox_kept");
        std::panic::resume_unwind(Box::new(()));
    });
    assert!(panicked.join().is_err());
    assert!(exists("sandbox_kept"));
}

#[test]
fn nobody_else_can_enter_the_folder_and_the_server_does_not_listen() {
    use std::os::unix::fs::MetadataExt as _;
    let sandbox = server();
    assert_eq!(std::fs::metadata(sandbox.socket_dir()).unwrap().mode() & 0o777, 0o700);
    let row = sandbox.connect("postgres").unwrap().query_one("SHOW listen_addresses", &[]).unwrap();
    assert_eq!(row.get::<_, &str>(0), "");
    assert_eq!(sandbox.tcp_url("postgres"), None);
}

#[test]
fn a_durable_server_keeps_commits_through_a_crash() {
    let options = Options { durable: true, settings: settings(&[("work_mem", "7MB")]), ..Options::default() };
    let sandbox = own_server(options);
    let mut client = sandbox.connect("postgres").unwrap();
    client.batch_execute("CREATE TABLE t (id int); INSERT INTO t VALUES (42)").unwrap();
    let before = sandbox.postmaster_pid().unwrap();

    sandbox.kill().unwrap();
    assert_eq!(sandbox.postmaster_pid(), None);
    assert!(client.simple_query("SELECT 1").is_err());
    assert!(!is_running(before));
    sandbox.kill().unwrap();

    sandbox.restart().unwrap();
    let mut client = sandbox.connect("postgres").unwrap();
    let row = client.query_one("SELECT id, current_setting('work_mem') FROM t", &[]).unwrap();
    assert_eq!((row.get(0), row.get(1)), (42, "7MB".to_owned()));
    let log = std::fs::read_to_string(sandbox.log_path()).unwrap();
    assert!(log.contains("automatic recovery in progress"), "{log}");
}

#[test]
fn tcp_passwords_and_files_where_they_are_asked_for() {
    let sandbox = own_server(Options {
        tcp: Some(0),
        hba: Some("local all all trust\nhost all all 127.0.0.1/32 scram-sha-256\n".to_owned()),
        files: vec![("extra.conf".to_owned(), b"deadlock_timeout = 2s".to_vec())],
        settings: settings(&[("search_path", r"a\b, 'c'")]),
        ..Options::default()
    });
    let mut client = sandbox.connect("postgres").unwrap();
    client.batch_execute("ALTER ROLE postgres PASSWORD 'sésame'").unwrap();
    let shown = client.query_one("SELECT current_setting('search_path'), pg_read_file('extra.conf')", &[]).unwrap();
    assert_eq!((shown.get(0), shown.get(1)), (r"a\b, 'c'", "deadlock_timeout = 2s"));

    let url = sandbox.tcp_url("postgres").unwrap();
    let refused = postgres::Client::connect(&url, postgres::NoTls).err().unwrap();
    assert!(!refused.to_string().contains("connect"), "{refused}");
    postgres::Client::connect(&url.replace("postgres@", "postgres:s%C3%A9same@"), postgres::NoTls).unwrap();
}

#[test]
fn a_server_that_does_not_start_says_why_and_leaves_nothing() {
    let base = tempfile::tempdir_in("/tmp").unwrap();
    open_to_everybody(base.path());
    let options = Options {
        settings: settings(&[("shared_preload_libraries", "no_such_library")]),
        base: Some(base.path().to_owned()),
        ..Options::default()
    };
    let error = pgstrata::sandbox::Sandbox::start(server_binaries(), options).unwrap_err().to_string();
    assert!(error.contains("no_such_library"), "{error}");
    assert_eq!(std::fs::read_dir(base.path()).unwrap().count(), 0);
}

#[test]
fn stopped_or_dropped_it_leaves_no_process_and_no_folder() {
    for stop in [true, false] {
        let sandbox = own_server(Options::default());
        let (folder, pid) = (sandbox.socket_dir().to_owned(), sandbox.postmaster_pid().unwrap());
        let _open = sandbox.connect("postgres").unwrap();
        assert!(is_running(pid));
        if stop {
            sandbox.stop().unwrap();
        } else {
            drop(sandbox);
        }
        assert!(!folder.exists());
        assert!(!is_running(pid));
    }
}

/// A base folder that is too long for a socket's path still gives a server.
#[test]
fn a_long_temporary_folder_is_not_used() {
    let base = tempfile::tempdir().unwrap();
    let long = base.path().join("x".repeat(100));
    std::fs::create_dir(&long).unwrap();
    let sandbox = own_server(Options { base: Some(long), ..Options::default() });
    assert!(sandbox.connect("postgres").is_ok());
    assert_eq!(sandbox.socket_dir().parent(), Some(Path::new("/tmp")));
}

/// A checkout below a root's home: the server's user cannot run what is there. (Debian's server cannot be moved, and
/// never lies in such a place.)
#[test]
fn binaries_that_the_servers_user_cannot_reach_are_copied() {
    use std::os::unix::fs::PermissionsExt as _;
    let prefix = server_binaries().dir.parent().unwrap();
    if prefix.join("share").is_dir() && prefix.join("lib").is_dir() && prefix != Path::new("/usr") {
        let closed = tempfile::tempdir().unwrap();
        std::fs::set_permissions(closed.path(), std::fs::Permissions::from_mode(0o700)).unwrap();
        let copied = Command::new("cp").arg("-R").arg(prefix).arg(closed.path().join("pg")).status().unwrap();
        assert!(copied.success());
        let bin = pgstrata::sandbox::PgBin::at(&closed.path().join("pg/bin")).unwrap();
        let sandbox = pgstrata::sandbox::Sandbox::start(&bin, Options::default()).unwrap();
        assert!(sandbox.connect("postgres").is_ok());
        let folder = sandbox.socket_dir().to_owned();
        drop(sandbox);
        assert!(!folder.exists());
    }
}

/// Runs itself again as the owner to kill.
#[test]
fn an_owner_killed_by_sigkill_leaves_no_process_and_no_folder() {
    const OWNER: &str = "PGSTRATA_TEST_OWNER";
    if std::env::var_os(OWNER).is_some() {
        let sandbox = own_server(Options::default());
        println!("started {} {}", sandbox.postmaster_pid().unwrap(), sandbox.socket_dir().display());
        std::thread::sleep(Duration::from_secs(60));
    }
    let mut owner = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "sandbox::an_owner_killed_by_sigkill_leaves_no_process_and_no_folder", "--nocapture"])
        .env(OWNER, "1")
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(owner.stdout.take().unwrap()).lines();
    let started = lines.map(Result::unwrap).find_map(|line| {
        let (_, facts) = line.split_once("started ")?;
        let (pid, folder) = facts.split_once(' ')?;
        Some((pid.parse::<u32>().unwrap(), PathBuf::from(folder)))
    });
    let (pid, folder) = started.unwrap();
    assert!(is_running(pid) && folder.exists());
    owner.kill().unwrap();
    owner.wait().unwrap();
    let deadline = Instant::now() + Duration::from_secs(20);
    while is_running(pid) || folder.exists() {
        assert!(Instant::now() < deadline, "server {pid} or {} is still there", folder.display());
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn is_running(pid: u32) -> bool {
    let mut kill = Command::new("/bin/sh");
    kill.args(["-c", "kill -0 \"$1\"", "sh", &pid.to_string()]).stderr(Stdio::null()).status().unwrap().success()
}

fn open_to_everybody(folder: &Path) {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o777)).unwrap();
}
