//! Sessions with real servers: every sslmode, wrong passwords, mute servers, cancellation, the pool.

use std::io::Read as _;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use pgstrata::db::{ConnError, Connector, Env, Interrupt, PoolOptions, Session, Signal, resolve, session_setup_sql};
use pgstrata::sandbox::{Options, Sandbox};

use crate::support::{database, own_server, server, settings};

const DEADLINE: Duration = Duration::from_secs(10);

fn connector(explicit: &str) -> Result<Connector, ConnError> {
    // A home without .pgpass, service file or certificates.
    let env = Env::from_map([("HOME", env!("CARGO_TARGET_TMPDIR"))]).with_user("nobody");
    Connector::new(resolve(Some(explicit), &env)?, "pgstrata/test")
}

fn connect(explicit: &str) -> Result<Session, ConnError> {
    connector(explicit)?.connect(DEADLINE)
}

fn show(session: &mut Session, sql: &str) -> String {
    session.query_one(sql, &[]).unwrap().get(0)
}

// ------------------------------------------------------------------------------------------------ certificates

fn openssl(folder: &Path, command: &str) {
    let output = Command::new("openssl").args(command.split(' ')).current_dir(folder).output().unwrap();
    assert!(output.status.success(), "openssl {command}: {}", String::from_utf8_lossy(&output.stderr));
}

/// A CA; a server's certificate for db.test; a client's for cert_user; a self-signed CA certificate and one of
/// X.509 version 1 for db.test.
fn certificates() -> &'static Path {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("certificates-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join("san"), "subjectAltName=DNS:db.test\n").unwrap();
        std::fs::write(folder.join("plain"), "basicConstraints=CA:FALSE\n").unwrap();
        let key = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes";
        let self_signed = |name: &str, extra: &str| {
            openssl(
                &folder,
                &format!("req -x509 {key} -days 2 -subj /CN={name} -keyout {name}.key -out {name}.crt{extra}"),
            );
        };
        self_signed("ca", "");
        self_signed("other_ca", "");
        self_signed("self", " -addext subjectAltName=DNS:db.test");
        for (name, subject, extensions) in [
            ("server", "db.test", " -extfile san"),
            ("cert_user", "cert_user", " -extfile plain"),
            ("v1", "db.test", ""),
        ] {
            openssl(&folder, &format!("req -new {key} -subj /CN={subject} -keyout {name}.key -out {name}.csr"));
            let sign =
                format!("x509 -req -in {name}.csr -CA ca.crt -CAkey ca.key -CAcreateserial -days 2 -out {name}.crt");
            openssl(&folder, &format!("{sign}{extensions}"));
        }
        folder
    })
}

fn file(name: &str) -> String {
    certificates().join(name).to_string_lossy().into_owned()
}

fn tls_server(certificate: &str) -> Sandbox {
    let read = |name: &str| std::fs::read(certificates().join(name)).unwrap();
    let sandbox = own_server(Options {
        tcp: Some(0),
        hba: Some(
            "local all all trust\n\
             hostssl all cert_user 127.0.0.1/32 cert\n\
             hostssl all tls_only 127.0.0.1/32 trust\n\
             hostnossl all plain_only 127.0.0.1/32 trust\n\
             host all keeper,pooled,limited 127.0.0.1/32 scram-sha-256\n\
             host all postgres 127.0.0.1/32 trust\n"
                .to_owned(),
        ),
        files: vec![
            ("server.crt".to_owned(), read(&format!("{certificate}.crt"))),
            ("server.key".to_owned(), read(&format!("{certificate}.key"))),
            ("ca.crt".to_owned(), read("ca.crt")),
        ],
        settings: settings(&[("ssl", "on"), ("ssl_ca_file", "ca.crt")]),
        ..Options::default()
    });
    let roles = "CREATE ROLE cert_user LOGIN; CREATE ROLE tls_only LOGIN; CREATE ROLE plain_only LOGIN; \
                 CREATE ROLE keeper LOGIN PASSWORD 'right'; CREATE ROLE pooled LOGIN PASSWORD 'right'; \
                 CREATE ROLE limited LOGIN PASSWORD 'right' CONNECTION LIMIT 0";
    sandbox.connect("postgres").unwrap().batch_execute(roles).unwrap();
    sandbox
}

/// The one with a good certificate, for all tests that need nothing else.
fn good_server() -> &'static Sandbox {
    static SERVER: OnceLock<Sandbox> = OnceLock::new();
    SERVER.get_or_init(|| tls_server("server"))
}

/// What came of a connection: `tls`, `plain` as the server sees it, or the kind of error.
fn outcome(result: Result<Session, ConnError>) -> &'static str {
    match result {
        Ok(mut session) => {
            let row = session.query_one("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()", &[]).unwrap();
            let tls = row.get(0);
            assert_eq!(session.is_encrypted(), tls);
            if tls { "tls" } else { "plain" }
        }
        Err(ConnError::Tls { .. }) => "tls error",
        Err(ConnError::AuthFailed { .. }) => "auth error",
        Err(other) => panic!("{other}"),
    }
}

// ----------------------------------------------------------------------------------------------------- tests

#[test]
fn a_session_over_a_socket_is_pinned_and_named() {
    let db = database("connect_socket");
    let mut session = connect(db.url()).unwrap();
    for (setting, value) in [
        ("TimeZone", "UTC"),
        ("DateStyle", "ISO, YMD"),
        ("IntervalStyle", "postgres"),
        ("search_path", "pg_catalog, pg_temp"),
        ("row_security", "off"),
        ("extra_float_digits", "1"),
        ("application_name", "pgstrata/test"),
    ] {
        assert_eq!(show(&mut session, &format!("SELECT current_setting('{setting}')")), value, "{setting}");
    }
    let pid: i32 = session.query_one("SELECT pg_backend_pid()", &[]).unwrap().get(0);
    assert_eq!((session.backend_pid(), session.in_recovery(), session.is_encrypted()), (pid, false, false));
    assert!(session_setup_sql().starts_with("/* pgstrata session */"));
    // TLS does not exist on sockets: no sslmode is an error there.
    assert_eq!(outcome(connect(&format!("{}&sslmode=require", db.url()))), "plain");
}

#[test]
fn a_bare_session_is_left_as_the_server_makes_it() {
    let db = database("connect_bare");
    let connector = connector(&format!("{}&options=-c%20TimeZone%3DAsia/Tokyo", db.url())).unwrap();
    let mut bare = connector.clone().bare().connect(DEADLINE).unwrap();
    assert_eq!((bare.backend_pid(), show(&mut bare, "SELECT current_setting('TimeZone')").as_str()), (0, "Asia/Tokyo"));
    let mut own = connector.with_setup("SET work_mem = '5MB'").connect(DEADLINE).unwrap();
    assert_eq!(show(&mut own, "SELECT current_setting('TimeZone') || current_setting('work_mem')"), "Asia/Tokyo5MB");
    assert_ne!(own.backend_pid(), 0);
}

#[test]
fn every_sslmode_with_a_server_that_has_tls() {
    let sandbox = good_server();
    let (ca, other) = (file("ca.crt"), file("other_ca.crt"));
    let missing = file("missing.crt");
    for (user, host, mode, root, expected) in [
        ("postgres", "db.test", "disable", None, "plain"),
        ("postgres", "db.test", "allow", None, "plain"),
        ("postgres", "db.test", "prefer", None, "tls"),
        ("postgres", "db.test", "require", None, "tls"),
        ("postgres", "db.test", "verify-ca", Some(&ca), "tls"),
        ("postgres", "db.test", "verify-full", Some(&ca), "tls"),
        // The name matters to verify-full alone.
        ("postgres", "localhost", "verify-ca", Some(&ca), "tls"),
        ("postgres", "localhost", "verify-full", Some(&ca), "tls error"),
        // Somebody else's root: an error, and for prefer the way to a plain session.
        ("postgres", "db.test", "verify-full", Some(&other), "tls error"),
        ("postgres", "db.test", "verify-ca", Some(&other), "tls error"),
        ("postgres", "db.test", "require", Some(&other), "tls error"),
        ("postgres", "db.test", "require", Some(&ca), "tls"),
        ("postgres", "db.test", "require", Some(&missing), "tls"),
        ("postgres", "db.test", "prefer", Some(&other), "plain"),
        // No root, or none at that path: the modes that promise a check fail before they connect.
        ("postgres", "db.test", "verify-full", None, "tls error"),
        ("postgres", "db.test", "verify-ca", Some(&missing), "tls error"),
        // pg_hba.conf decides: allow and prefer try the other kind.
        ("tls_only", "db.test", "allow", None, "tls"),
        ("tls_only", "db.test", "disable", None, "auth error"),
        ("plain_only", "db.test", "prefer", None, "plain"),
        ("plain_only", "db.test", "require", None, "auth error"),
    ] {
        let root = root.map(|path| format!(" sslrootcert={path}")).unwrap_or_default();
        let explicit = format!(
            "host={host} hostaddr=127.0.0.1 port={} dbname=postgres user={user} sslmode={mode}{root}",
            sandbox.port()
        );
        assert_eq!(outcome(connect(&explicit)), expected, "{user} {host} {mode}{root}");
    }

    let base = format!("hostaddr=127.0.0.1 port={} dbname=postgres", sandbox.port());
    // Client certificates.
    let (certificate, key) = (file("cert_user.crt"), file("cert_user.key"));
    let with = format!("{base} user=cert_user sslmode=require sslcert={certificate} sslkey={key}");
    assert_eq!(outcome(connect(&with)), "tls");
    assert_eq!(outcome(connect(&format!("{with} sslcertmode=disable"))), "auth error");
    assert_eq!(outcome(connect(&format!("{base} user=postgres sslrootcert=system"))), "tls error");
    // A key that others can read, and one that belongs to another certificate.
    let loose = file("loose.key");
    std::fs::copy(&key, &loose).unwrap();
    std::fs::set_permissions(&loose, std::fs::Permissions::from_mode(0o644)).unwrap();
    for (key, part) in [(loose, "0600"), (file("ca.key"), "client certificate"), (file("none.key"), "none.key")] {
        let error = connect(&format!("{base} user=cert_user sslmode=require sslcert={certificate} sslkey={key}"));
        let error = error.unwrap_err().to_string();
        assert!(error.contains(part), "{error}");
    }
    // One protocol version.
    for version in ["TLSv1.2", "TLSv1.3"] {
        let limits = format!("ssl_min_protocol_version={version} ssl_max_protocol_version={version}");
        let mut session = connect(&format!("{base} user=postgres sslmode=require {limits}")).unwrap();
        let sql = "SELECT version FROM pg_stat_ssl WHERE pid = pg_backend_pid()";
        assert_eq!(show(&mut session, sql), version);
    }
    // SCRAM bound to the TLS channel.
    let bound = format!("{base} user=keeper password=right sslmode=require channel_binding=require");
    assert_eq!(outcome(connect(&bound)), "tls");
    // A request to cancel takes the session's TLS settings.
    let session = connect(&format!("{base} user=postgres sslmode=require")).unwrap();
    assert_cancelled_within_two_seconds(session);
}

#[test]
fn every_sslmode_with_a_server_that_has_none() {
    let sandbox = own_server(Options { tcp: Some(0), ..Options::default() });
    for (mode, expected) in [
        ("disable", "plain"),
        ("allow", "plain"),
        ("prefer", "plain"),
        ("require", "tls error"),
        ("verify-ca", "tls error"),
        ("verify-full", "tls error"),
    ] {
        let explicit =
            format!("{}?sslmode={mode}&sslrootcert={}", sandbox.tcp_url("postgres").unwrap(), file("ca.crt"));
        assert_eq!(outcome(connect(&explicit)), expected, "{mode}");
    }
}

#[test]
fn a_self_signed_certificate_is_its_own_root_even_if_it_is_a_ca() {
    let sandbox = tls_server("self");
    let base = format!("hostaddr=127.0.0.1 port={} dbname=postgres user=postgres", sandbox.port());
    for (host, mode, root, expected) in [
        ("db.test", "verify-full", "self.crt", "tls"),
        ("localhost", "verify-full", "self.crt", "tls error"),
        ("localhost", "verify-ca", "self.crt", "tls"),
        ("db.test", "verify-ca", "other_ca.crt", "tls error"),
    ] {
        let explicit = format!("{base} host={host} sslmode={mode} sslrootcert={}", file(root));
        assert_eq!(outcome(connect(&explicit)), expected, "{host} {mode} {root}");
    }
}

#[test]
fn a_certificate_of_version_1_is_refused_with_the_reason() {
    let shown = Command::new("openssl").args(["x509", "-noout", "-text", "-in", &file("v1.crt")]).output().unwrap();
    if !String::from_utf8_lossy(&shown.stdout).contains("Version: 1") {
        eprintln!("this openssl makes no certificates of version 1");
        return;
    }
    let sandbox = tls_server("v1");
    let base = format!("host=db.test hostaddr=127.0.0.1 port={} dbname=postgres user=postgres", sandbox.port());
    let error = connect(&format!("{base} sslmode=require")).unwrap_err().to_string();
    assert!(error.contains("X.509 version 1") && error.contains("db.test:"), "{error}");
    assert_eq!(outcome(connect(&format!("{base} sslmode=prefer"))), "plain");
}

#[test]
fn refusals_are_told_apart_at_once() {
    let sandbox = good_server();
    let base = format!("host=127.0.0.1 port={} sslmode=disable", sandbox.port());
    let start = Instant::now();

    let error = connect(&format!("{base} dbname=postgres user=keeper password=wrong-secret")).unwrap_err();
    assert!(matches!(error, ConnError::AuthFailed { .. }) && !error.is_transient(), "{error:?}");
    let text = error.to_string();
    assert!(text.contains("28P01") && text.contains("127.0.0.1:") && !text.contains("wrong-secret"), "{text}");

    let error = connect(&format!("{base} dbname=postgres user=keeper")).unwrap_err();
    assert!(matches!(&error, ConnError::AuthFailed { message, .. } if message.contains("PGPASSWORD")), "{error:?}");

    let error = connect(&format!("{base} dbname=nowhere user=postgres")).unwrap_err();
    assert!(matches!(&error, ConnError::UnknownDatabase { message, .. } if message.contains("3D000")), "{error:?}");

    let error = connect(&format!("{base} dbname=postgres user=limited password=right")).unwrap_err();
    assert!(matches!(error, ConnError::TooManyConnections { .. }) && error.is_transient(), "{error:?}");

    let error = connect(&format!("{base} dbname=postgres user=postgres options='-c nonsense=1'")).unwrap_err();
    assert!(matches!(&error, ConnError::Refused { message, .. } if message.contains("nonsense")), "{error:?}");

    let error = connect("host=127.0.0.1 port=1 dbname=app user=x").unwrap_err();
    assert!(matches!(error, ConnError::Unreachable { .. }) && error.to_string().contains("app@127.0.0.1:1"), "{error}");
    assert!(start.elapsed() < Duration::from_secs(25), "{:?}", start.elapsed());
}

#[test]
fn a_mute_server_is_given_up_on() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    for mode in ["disable", "prefer", "require"] {
        let start = Instant::now();
        let connector = connector(&format!("host=127.0.0.1 port={port} dbname=app user=x sslmode={mode}")).unwrap();
        let error = connector.connect(Duration::from_millis(300)).unwrap_err();
        assert!(matches!(error, ConnError::Mute { .. }), "{error:?}");
        assert!(start.elapsed() < Duration::from_secs(25), "{mode}: {:?}", start.elapsed());
    }
    // A signal does not wait for the deadline.
    let stop = Interrupt::new();
    let connector = connector(&format!("host=127.0.0.1 port={port} dbname=app user=x")).unwrap().with_interrupt(&stop);
    let connecting = std::thread::spawn(move || connector.connect(Duration::from_secs(60)).map(drop));
    std::thread::sleep(Duration::from_millis(100));
    stop.trip(Signal::Int);
    let start = Instant::now();
    assert!(matches!(connecting.join().unwrap(), Err(ConnError::Interrupted { .. })));
    assert!(start.elapsed() < Duration::from_secs(25));
}

#[test]
fn hosts_are_tried_in_order_until_one_is_right() {
    let mute = TcpListener::bind("127.0.0.1:0").unwrap();
    let mute_port = mute.local_addr().unwrap().port();
    let socket = server().socket_dir().display();
    let (superuser, port) = (server().superuser(), server().port());
    let base = format!("host=127.0.0.1,127.0.0.1,{socket} port=1,{mute_port},{port} dbname=postgres user={superuser}");
    for attrs in ["any", "read-write", "primary", "prefer-standby"] {
        let connector = connector(&format!("{base} target_session_attrs={attrs}")).unwrap();
        let session = connector.connect(Duration::from_millis(500)).unwrap();
        assert!(session.host().is_socket(), "{attrs}");
        assert_eq!(connector.pinned_to(&session).info().hosts(), [session.host().clone()]);
    }
    for attrs in ["standby", "read-only"] {
        let base = format!("host={socket} port={port} dbname=postgres user={superuser} target_session_attrs={attrs}");
        let error = connect(&base).unwrap_err();
        assert!(matches!(&error, ConnError::WrongServer { wanted, .. } if wanted == attrs), "{error:?}");
        let read_only = connect(&format!("{base} options='-c default_transaction_read_only=on'"));
        assert_eq!(read_only.is_ok(), attrs == "read-only");
    }
    let error = connector(&base.replace(&format!("{socket}"), "127.0.0.1").replace(&format!(",{port} "), ",2 "))
        .unwrap()
        .connect(Duration::from_millis(200))
        .unwrap_err();
    assert!(matches!(&error, ConnError::NoHost(tried) if tried.len() == 3), "{error}");
}

fn assert_cancelled_within_two_seconds(mut session: Session) {
    let stop = Interrupt::new();
    let watch = stop.watch(session.cancel_handle()).unwrap();
    let tripping = std::thread::spawn({
        let stop = stop.clone();
        move || {
            std::thread::sleep(Duration::from_millis(100));
            let start = Instant::now();
            stop.trip(Signal::Term);
            assert!(start.elapsed() < Duration::from_secs(2), "trip must not wait for the server");
        }
    });
    let start = Instant::now();
    let error = session.batch_execute("SELECT pg_sleep(60)").unwrap_err();
    assert!(start.elapsed() < Duration::from_secs(25), "{:?}", start.elapsed());
    assert_eq!(error.code().map(|code| code.code()), Some("57014"));
    assert!(pgstrata::db::describe(&error).contains("canceling statement due to user request (SQLSTATE 57014)"));
    tripping.join().unwrap();
    drop(watch);
    assert!(stop.watch(session.cancel_handle()).is_err(), "nothing new after a signal");
    session.absorb_cancel().unwrap();
    assert_eq!(show(&mut session, "SELECT 'still usable'"), "still usable");
}

#[test]
fn an_interrupt_cancels_the_statement_on_the_server() {
    let db = database("connect_cancel");
    assert_cancelled_within_two_seconds(connect(db.url()).unwrap());
}

#[test]
fn a_cancellation_that_comes_before_its_statement_is_repeated() {
    let db = database("connect_cancel_early");
    let mut session = connect(db.url()).unwrap();
    let stop = Interrupt::new();
    let watch = stop.watch(session.cancel_handle()).unwrap();
    stop.trip(Signal::Int);
    std::thread::sleep(Duration::from_millis(200));
    let start = Instant::now();
    assert!(session.batch_execute("SELECT pg_sleep(60)").is_err());
    assert!(start.elapsed() < Duration::from_secs(25) && watch.cancelled());
}

#[test]
fn a_pool_hands_out_clean_sessions_only() {
    let db = database("connect_pool");
    let pool = connector(db.url()).unwrap().pool(1).unwrap();
    assert_eq!(pool.open_sessions(), 0, "nothing is opened before it is needed");
    let pid = {
        let mut session = pool.get().unwrap();
        session.batch_execute("SET search_path = public; SET lock_timeout = 1; SELECT pg_advisory_lock(7)").unwrap();
        session.batch_execute("SET ROLE pg_monitor").unwrap();
        session.backend_pid()
    };
    {
        let mut session = pool.get().unwrap();
        assert_eq!(session.backend_pid(), pid, "the session is used again");
        let sql = "SELECT current_setting('search_path') || current_setting('lock_timeout') || \
                   (SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid())";
        assert_eq!(show(&mut session, sql), "pg_catalog, pg_temp00");
        assert_eq!(show(&mut session, "SELECT current_user::text"), server().superuser());
        session.batch_execute("BEGIN; CREATE TEMP TABLE left_open ()").unwrap();
    }
    let again = {
        let session = pool.get().unwrap();
        assert_ne!(session.backend_pid(), pid, "a session left in a transaction is thrown away");
        session.backend_pid()
    };
    {
        let mut session = pool.get().unwrap();
        assert!(session.batch_execute("BEGIN; SELECT 1/0").is_err());
    }
    assert_ne!(pool.get().unwrap().backend_pid(), again, "so is one in a failed transaction");

    let killed = pool.get().unwrap().backend_pid();
    db.client().execute("SELECT pg_terminate_backend($1, 5000)", &[&killed]).unwrap();
    assert_ne!(pool.get().unwrap().backend_pid(), killed, "and one whose backend is gone");
}

#[test]
fn a_full_pool_and_a_wrong_password_say_so() {
    let db = database("connect_pool_full");
    let short = PoolOptions { max_size: 1, acquire_timeout: Duration::from_millis(200), ..PoolOptions::default() };
    let pool = connector(db.url()).unwrap().pool_with(&short).unwrap();
    let held = pool.get().unwrap();
    assert!(matches!(pool.get().unwrap_err(), ConnError::PoolExhausted { .. }));
    drop(held);
    pool.get().unwrap();

    let sandbox = good_server();
    let url =
        format!("host=127.0.0.1 port={} dbname=postgres user=pooled password=wrong sslmode=disable", sandbox.port());
    let pool = connector(&url).unwrap().pool(2).unwrap();
    let start = Instant::now();
    assert!(matches!(pool.get().unwrap_err(), ConnError::AuthFailed { .. }));
    assert!(start.elapsed() < Duration::from_secs(25), "{:?}", start.elapsed());
    // No storm: the background does not go on trying a password that is known to be wrong.
    std::thread::sleep(Duration::from_millis(1500));
    let mut log = String::new();
    std::fs::File::open(sandbox.log_path()).unwrap().read_to_string(&mut log).unwrap();
    let failures = log.matches("password authentication failed for user \"pooled\"").count();
    assert!((1..=2).contains(&failures), "{failures} failures\n{log}");
}
