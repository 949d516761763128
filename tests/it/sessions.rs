//! Whatever a role, a database or the client's environment set for a session reaches neither plan nor apply; which server
//! answers, how many connections it has, and what the terminal does.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use pgstrata::db::{ConnError, Connector, Env, Interrupt, resolve};
use pgstrata::sandbox::Options;

use crate::exits::{managed, policy, table};
use crate::support::drive::connector;
use crate::support::place::{Place, said, signalled, until};
use crate::support::pooler::Pooler;
use crate::support::{database, own_server, pgstrata, server, settings};

/// Settings that change what text means, or when a session ends.
const STRANGE: [&str; 13] = [
    "standard_conforming_strings = off",
    "quote_all_identifiers = on",
    "transform_null_equals = on",
    "extra_float_digits = -3",
    "bytea_output = 'escape'",
    "TimeZone = 'Asia/Kathmandu'",
    "DateStyle = 'German, DMY'",
    "IntervalStyle = 'sql_standard'",
    "default_transaction_isolation = 'serializable'",
    "search_path = 'app'",
    "idle_in_transaction_session_timeout = '300ms'",
    "row_security = on",
    "jit = on",
];

const EVENTS: &str = "
CREATE SCHEMA app;
CREATE TABLE app.events (at timestamptz NOT NULL, w text, d date, b bytea, f float8) PARTITION BY RANGE (at);
SET TimeZone = 'UTC';
DO $$ BEGIN EXECUTE format('CREATE TABLE app.events_1 PARTITION OF app.events FOR VALUES FROM (%L) TO (%L)',
  date_trunc('month', now()), date_trunc('month', now()) + interval '1 month'); END $$;
CREATE INDEX events_w ON app.events (w) WHERE at > '2026-01-01 00:00:00+00' AND d > '2026-02-03' AND w = 'x\\y'
  AND b = '\\x0102' AND f > 0.1;
";

const EVENTS_POLICY: &str = r#"version: 1
tables:
  app.events:
    partition: {key: at, interval: 1 month, premake: 1}
    indexes: {events_w: {columns: [w], where: "at > '2026-01-01 00:00:00+00' and d > '2026-02-03' and w = 'x\\y' and b = '\\x0102' and f > 0.1"}}
"#;

#[test]
fn what_a_role_sets_for_its_sessions_reaches_neither_plan_nor_apply() {
    let place = Place::new("sessions_strange", EVENTS, EVENTS_POLICY);
    let name = place.db.name().to_owned();
    let of = |command: &mut assert_cmd::Command| {
        let ran = crate::support::place::ran(command, 0);
        serde_json::from_str::<serde_json::Value>(&ran.stdout).unwrap()
    };
    let plan = || {
        let mut plan = of(&mut place.command(&["plan", "--format", "json"]));
        plan["steps"].take()
    };
    let steps = |plan: &serde_json::Value| {
        let all = plan.as_array().unwrap().iter();
        all.map(|step| step["id"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let plain = plan();
    assert!(!steps(&plain).iter().any(|id| id.contains("index")), "the index is as the policy says: {plain:#}");
    let mut client = place.db.client();
    let mut strange: Vec<String> = STRANGE.map(str::to_owned).to_vec();
    if server().version().major >= 17 {
        strange.push("transaction_timeout = '150ms'".to_owned());
    }
    for setting in &strange {
        client.batch_execute(&format!("ALTER DATABASE {name} SET {setting}")).unwrap();
    }
    client
        .batch_execute(&format!("CREATE ROLE sessions_other; ALTER DATABASE {name} SET role = 'sessions_other'"))
        .unwrap();
    assert_eq!(plan(), plain, "no setting changes a plan");
    // An index that is built for longer than the role's transactions may last. Compiling a unit's questions to the catalog
    // takes seconds where the server can: they are not compiled.
    client
        .batch_execute(
            "RESET ROLE; SET standard_conforming_strings = on;
             CREATE FUNCTION app.slow(text) RETURNS text LANGUAGE plpgsql IMMUTABLE AS
               $$ BEGIN ASSERT current_setting('jit') = 'off'; PERFORM pg_sleep(0.4); RETURN $1; END $$;
             INSERT INTO app.events (at, w) VALUES (now(), 'x')",
        )
        .unwrap();
    place.write(
        "pgstrata.yaml",
        &EVENTS_POLICY.replace("indexes: {", "indexes: {slow_w: {columns: [\"app.slow(w)\"]}, "),
    );
    let applied = place.run(&["apply", "--auto-approve"], 0);
    assert!(applied.stdout.contains("matches the policy"), "{}", applied.stdout);
    client.batch_execute(&format!("ALTER DATABASE {name} RESET ALL; DROP ROLE sessions_other")).unwrap();
}

#[test]
fn sessions_that_are_read_only_are_told_by_plan() {
    let place = Place::new("sessions_read_only", &table("events", 1), &policy("", &[managed("events", "")]));
    let name = place.db.name().to_owned();
    place.db.batch(&format!("ALTER DATABASE {name} SET default_transaction_read_only = on"));
    let because = "default_transaction_read_only is on";
    let plan = place.run(&["plan", "--out", "plan.json"], 0);
    assert!(format!("{}{}", plan.stdout, plan.stderr).contains(because), "{}\n{}", plan.stdout, plan.stderr);
    let refused = place.run(&["apply", "--auto-approve"], 1);
    assert!(refused.stderr.contains(because), "{}", refused.stderr);
    // To look is no reason to be told so, and the way out that is named is one.
    place.run(&["drift", "-q"], 2);
    let mut command = place.command(&["apply", "--auto-approve"]);
    crate::support::place::ran(command.env("PGOPTIONS", "-c default_transaction_read_only=off"), 0);
}

#[test]
fn comments_in_another_encoding_are_read_and_kept() {
    let admin = |sql: &str| server().connect("postgres").unwrap().batch_execute(sql).unwrap();
    admin("CREATE DATABASE sessions_ascii ENCODING 'SQL_ASCII' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0");
    let place =
        Place::new("sessions_ascii_place", "", &policy("", &[managed("events", "    retention: {keep: 2 days}\n")]));
    let mut client = server().connect("sessions_ascii").unwrap();
    client.batch_execute(&table("events", 3)).unwrap();
    for (table, bytes) in [
        ("app.events", "convert_from('caf\\351'::bytea, 'SQL_ASCII')"),
        ("app.events_3", "convert_from('\\351 kept'::bytea, 'SQL_ASCII')"),
        // A hold is read beside it.
        ("app.events_2", "convert_from('\\351'::bytea, 'SQL_ASCII') || E'\\npgstrata: hold'"),
    ] {
        client
            .batch_execute(&format!("DO $$ BEGIN EXECUTE format('COMMENT ON TABLE {table} IS %L', {bytes}); END $$"))
            .unwrap();
    }
    let url = place.db.url().replace("sessions_ascii_place", "sessions_ascii");
    let mut command = place.command(&["apply", "--auto-approve"]);
    crate::support::place::ran(command.env("PGSTRATA_URL", &url), 0);
    let kept = |client: &mut postgres::Client, table: &str| -> (bool, bool) {
        let sql = format!(
            "SELECT position('\\xe9'::bytea IN convert_to(obj_description('{table}'::regclass, 'pg_class'), 'SQL_ASCII')) > 0,
               relispartition FROM pg_class WHERE oid = '{table}'::regclass"
        );
        let row = client.query_one(&sql, &[]).unwrap();
        (row.get(0), row.get(1))
    };
    assert_eq!(kept(&mut client, "app.events_3"), (true, false), "detached, with its words");
    assert_eq!(kept(&mut client, "app.events_2"), (true, true), "held");
    drop(client);
    admin("DROP DATABASE sessions_ascii WITH (FORCE)");
}

#[test]
fn as_many_jobs_as_the_role_has_connections_for() {
    let tables: Vec<String> = ["a", "b", "c", "d"].iter().map(|name| table(name, 1)).collect();
    let tables = tables.join("\n").replace("CREATE SCHEMA app", "CREATE SCHEMA IF NOT EXISTS app");
    let managed: Vec<String> =
        ["a", "b", "c", "d"].iter().map(|name| managed(name, "    retention: {keep: 2 days}\n")).collect();
    let place = Place::new("sessions_room", &tables, &policy("apply: {jobs: 4}\n", &managed));
    place.db.batch(
        "CREATE ROLE sessions_few LOGIN CONNECTION LIMIT 4; GRANT CREATE ON DATABASE sessions_room TO sessions_few;
         ALTER SCHEMA app OWNER TO sessions_few;
         DO $$ DECLARE t regclass; BEGIN FOR t IN SELECT oid FROM pg_class WHERE relnamespace = 'app'::regnamespace AND relkind IN ('r', 'p')
         LOOP EXECUTE format('ALTER TABLE %s OWNER TO sessions_few', t); END LOOP; END $$",
    );
    let url = place.db.url().replace("user=postgres", "user=sessions_few").replace("postgres@", "sessions_few@");
    let mut command = place.command(&["apply", "--auto-approve"]);
    let ran = crate::support::place::ran(command.env("PGSTRATA_URL", &url), 0);
    assert!(ran.stderr.contains("jobs: 4 would open up to") && ran.stderr.contains("working with"), "{}", ran.stderr);
    place.db.batch("REASSIGN OWNED BY sessions_few TO postgres; DROP OWNED BY sessions_few; DROP ROLE sessions_few");
}

#[test]
fn prefer_stops_at_an_answer_that_is_neither_yes_nor_no() {
    for (answer, part) in [(&b"E"[..], "\"E\""), (b"\x00", "\"\\x00\""), (b"H", "\"H\"")] {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let sessions = thread::spawn(move || {
            let (mut client, _) = listener.accept().unwrap();
            client.read_exact(&mut [0; 8]).unwrap();
            client.write_all(answer).unwrap();
            listener.set_nonblocking(true).unwrap();
            thread::sleep(Duration::from_millis(300));
            usize::from(listener.accept().is_ok())
        });
        let info = resolve(
            Some(&format!("host=127.0.0.1 port={port} dbname=app user=u sslmode=prefer password=secret")),
            &Env::from_map([("USER", "u")]),
        );
        let error =
            Connector::new(info.unwrap(), "pgstrata/test").unwrap().connect(Duration::from_secs(5)).unwrap_err();
        assert!(matches!(&error, ConnError::Unreachable { message, .. } if message.contains(part)), "{error}");
        assert_eq!(sessions.join().unwrap(), 0, "no second connection, in clear");
    }
}

#[test]
fn a_socket_is_whose_requirepeer_says() {
    let db = database("sessions_peer");
    let owner = std::fs::metadata(server().socket_dir()).unwrap().uid();
    let users = std::fs::read_to_string("/etc/passwd").unwrap();
    let name_of = |uid: u32| {
        users
            .lines()
            .find(|line| line.split(':').nth(2) == Some(&uid.to_string()))
            .map(|line| line.split(':').next().unwrap().to_owned())
    };
    let Some(right) = name_of(owner) else { return };
    let wrong = if right == "root" { "nobody" } else { "root" };
    let connect = |peer: &str| connector(&format!("{}&requirepeer={peer}", db.url())).connect(Duration::from_secs(5));
    connect(&right).unwrap();
    let error = connect(wrong).unwrap_err().to_string();
    assert!(error.contains("requirepeer"), "{error}");
}

#[test]
fn a_list_of_revoked_certificates_is_not_passed_over() {
    let home = tempfile::tempdir().unwrap();
    let folder = home.path().join(".postgresql");
    std::fs::create_dir(&folder).unwrap();
    std::fs::write(folder.join("root.crl"), "").unwrap();
    let connector = |explicit: &str| {
        let env = Env::from_map([("HOME", home.path().to_str().unwrap())]).with_user("nobody");
        Connector::new(resolve(Some(explicit), &env).unwrap(), "pgstrata/test")
    };
    assert!(connector("host=db1 sslmode=prefer").is_ok(), "without a root certificate it has no part");
    std::fs::write(folder.join("root.crt"), PEM).unwrap();
    let error = connector("host=db1 sslmode=prefer").unwrap_err().to_string();
    assert!(error.contains("root.crl"), "{error}");
    assert!(connector("host=db1 sslmode=disable").is_ok());
    assert!(connector("host=/tmp sslmode=verify-full").is_ok(), "no TLS on a socket");
}

const PEM: &str = "-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n";

#[test]
fn a_run_stays_with_the_server_that_it_began_with() {
    let options = || Options { tcp: Some(0), settings: settings(&[("autovacuum", "off")]), ..Options::default() };
    let (one, other) = (own_server(options()), own_server(options()));
    let url = |port: u16| format!("postgresql://postgres@127.0.0.1:{port}/postgres");
    let first = connector(&url(one.port()));
    let mut session = first.connect(Duration::from_secs(5)).unwrap();
    let identity = session.identity().unwrap();
    let bound = first.bound_to(&session, identity.clone());
    bound.connect(Duration::from_secs(5)).unwrap();
    // Another server behind the same address, as after a failover; and the same one, restarted.
    let second = connector(&url(other.port()));
    let there = second.connect(Duration::from_secs(5)).unwrap();
    let error = second.bound_to(&there, identity).connect(Duration::from_secs(5)).unwrap_err();
    assert!(
        matches!(&error, ConnError::AnotherServer { because, .. } if because.contains("system identifier")),
        "{error}"
    );
    drop(session);
    one.kill().unwrap();
    one.restart().unwrap();
    let error = bound.connect(Duration::from_secs(20)).unwrap_err();
    assert!(matches!(&error, ConnError::AnotherServer { because, .. } if because.contains("running since")), "{error}");
}

#[test]
fn a_name_is_pinned_by_the_address_that_answered() {
    let sandbox = own_server(Options { tcp: Some(0), ..Options::default() });
    let named = connector(&format!("postgresql://postgres@localhost:{}/postgres", sandbox.port()));
    let session = named.connect(Duration::from_secs(5)).unwrap();
    assert_eq!(session.host().address, Some("127.0.0.1".parse().unwrap()));
    assert_eq!(session.host().name, "localhost", "certificates are checked against the name");
    assert_eq!(named.pinned_to(&session).info().hosts(), [session.host().clone()]);
}

#[test]
fn a_pooler_without_a_free_connection_is_named() {
    let lines = "pool_mode = session\ndefault_pool_size = 1\nquery_wait_timeout = 2";
    let Some(pooler) = Pooler::start(lines) else { return };
    let db = database("sessions_pooler");
    let mut holder = postgres::Client::connect(&pooler.url(&db), postgres::NoTls).unwrap();
    holder.batch_execute("SELECT 1").unwrap();
    for wait in ["", "&connect_timeout=1"] {
        let mut command = pgstrata();
        let url = format!("{}{wait}", pooler.url(&db));
        let ran = crate::support::place::ran(command.args(["import", "--url", &url]), 69);
        assert!(ran.stderr.contains("PgBouncer") && ran.stderr.contains("no server connection free"), "{}", ran.stderr);
    }
}

// ---------------------------------------------------------------------------------------------------- signals

/// c02: an index that builds while its terminal is closed.
#[test]
fn a_closed_terminal_stops_a_run_like_sigterm() {
    let indexed = "    indexes: {events_slow: {columns: [\"app.slow(at)\"]}}\n";
    let place = Place::new("sessions_hangup", &table("events", 1), &policy("", &[managed("events", indexed)]));
    place.db.batch(
        "CREATE FUNCTION app.slow(timestamptz) RETURNS timestamptz LANGUAGE plpgsql IMMUTABLE AS
           $$ BEGIN PERFORM pg_sleep(60); RETURN $1; END $$;
         INSERT INTO app.events (at) SELECT now()",
    );
    let mut client = place.db.client();
    let builds = "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() AND query ~ '^CREATE INDEX' AND wait_event = 'PgSleep')";
    let child = place.spawn(&["apply", "--auto-approve"]);
    until("it builds", || client.query_one(builds, &[]).unwrap().get(0));
    let ended = signalled(child, "-HUP", 143);
    assert!(ended.stdout.contains("Interrupted by SIGTERM"), "{}", ended.stdout);
    until("the server builds no more", || !client.query_one(builds, &[]).unwrap().get::<_, bool>(0));
    // What nohup starts goes on.
    let mut command = Command::new("/bin/sh");
    command.args(["-c", "trap '' HUP; exec \"$0\" apply --auto-approve", env!("CARGO_BIN_EXE_pgstrata")]);
    command.env_clear().env("HOME", "/nonexistent").env("PGSTRATA_URL", place.db.url()).current_dir(place.path("."));
    let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    until("it builds again", || client.query_one(builds, &[]).unwrap().get(0));
    let id = child.id().to_string();
    assert!(Command::new("kill").args(["-HUP", &id]).status().unwrap().success());
    thread::sleep(Duration::from_millis(500));
    assert!(client.query_one(builds, &[]).unwrap().get::<_, bool>(0), "it goes on");
    signalled(child, "-TERM", 143);
}

#[test]
fn sigterm_before_anything_has_begun_is_143_too() {
    let place = Place::new("sessions_early", "", "");
    // It reads its policy from a pipe that nobody writes to: no command has asked for signals yet.
    let pipe = place.path("pgstrata.yaml");
    std::fs::remove_file(&pipe).unwrap();
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    for (signal, code) in [("-TERM", 143), ("-HUP", 143), ("-INT", 130)] {
        let child = place.spawn(&["plan"]);
        let waits = format!("/proc/{}/status", child.id());
        until("it receives signals", || {
            let status = std::fs::read_to_string(&waits).unwrap_or_default();
            let caught =
                status.lines().find_map(|line| line.strip_prefix("SigCgt:")).map(|mask| mask.trim().to_owned());
            caught.and_then(|mask| u64::from_str_radix(&mask, 16).ok()).is_some_and(|mask| mask & (1 << 14) != 0)
        });
        assert!(Command::new("kill").args([signal, &child.id().to_string()]).status().unwrap().success());
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.signal(), None, "{signal}: it exits, and is not killed");
        said(output, code, signal);
    }
}

#[test]
fn a_silent_server_is_left_soon_after_a_signal() {
    // Accepts, and never says a word once the session is up.
    let db = database("sessions_silent");
    let stop = Interrupt::new();
    let mut session = connector(db.url()).with_interrupt(&stop).connect(Duration::from_secs(5)).unwrap();
    let pid = session.backend_pid().to_string();
    assert!(Command::new("kill").args(["-STOP", &pid]).status().unwrap().success());
    let trip = {
        let stop = stop.clone();
        thread::spawn(move || {
            thread::sleep(Duration::from_millis(100));
            stop.trip(pgstrata::db::Signal::Int);
        })
    };
    let error = session.batch_execute("SELECT pg_sleep(600)").unwrap_err();
    assert!(pgstrata::db::describe(&error).contains("no answer after the signal"), "{error}");
    assert!(stop.is_silent() && session.is_given_up());
    trip.join().unwrap();
    assert!(Command::new("kill").args(["-CONT", &pid]).status().unwrap().success());
}

#[test]
fn each_answer_has_a_deadline_on_every_kind_of_connection() {
    let db = database("sessions_deadline");
    let mut session = connector(db.url()).connect(Duration::from_secs(5)).unwrap();
    session.wait_at_most(Some(Duration::from_secs(2)));
    session.batch_execute("SELECT pg_sleep(0.05)").unwrap();
    thread::sleep(Duration::from_millis(2500));
    session.batch_execute("SELECT 1").expect("idle is not late");
    let rows = session.query_typed("SELECT n, repeat('x', 1000) FROM generate_series(1, 500) n", &[]).unwrap();
    assert_eq!(rows.len(), 500);
    let error = session.batch_execute("SELECT pg_sleep(60)").unwrap_err();
    assert!(pgstrata::db::describe(&error).contains("no answer within 2 s"), "{error}");
    assert!(session.is_closed() || session.batch_execute("SELECT 1").is_err());
}

#[test]
fn a_socket_that_anybody_may_have_put_there_is_not_trusted() {
    let folder = std::fs::metadata("/tmp").unwrap();
    let me = std::fs::metadata("/proc/self").unwrap().uid();
    if me != 0
        || folder.permissions().mode() & 0o002 == 0
        || std::path::Path::new("/var/run/postgresql/.s.PGSQL.54329").exists()
    {
        eprintln!("SKIPPED: only root can put a stranger's socket into /tmp");
        return;
    }
    let path = std::path::Path::new("/tmp/.s.PGSQL.54329");
    let _ = std::fs::remove_file(path);
    let _listener = std::os::unix::net::UnixListener::bind(path).unwrap();
    let resolved = |extra: &str| {
        resolve(Some(&format!("port=54329 dbname=app user=u {extra}")), &Env::from_map([("HOME", "/nonexistent")]))
    };
    assert_eq!(resolved("").unwrap().hosts()[0].name, "/tmp", "one's own");
    std::os::unix::fs::chown(path, Some(65_534), None).unwrap();
    let error = resolved("").unwrap_err().to_string();
    assert!(error.contains("nobody") && error.contains("host=/tmp"), "{error}");
    assert!(resolved("host=/tmp").is_ok() && resolved("requirepeer=nobody").is_ok());
    std::fs::remove_file(path).unwrap();
}
