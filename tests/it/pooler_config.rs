//! PgBouncer's configuration against the policy's: what differs is drift, what `optimize pgbouncer` prints ends it, and a
//! console that does not answer is unknown and stops nothing else.

use std::io::{Read, Write};

use crate::support::place::Place;
use crate::support::pooler::Pooler;
use crate::support::server;

fn place(name: &str, console: &str, pgbouncer: &str) -> Place {
    let policy = format!(
        "version: 1\ntables:\n  app.events:\n    partition: {{key: at, interval: 1 year, premake: 1}}\nlimits:\n  pgbouncer:\n    admin_url: \"{console}\"\n{pgbouncer}"
    );
    let tables = "CREATE SCHEMA app; CREATE TABLE app.events (at timestamptz NOT NULL) PARTITION BY RANGE (at);";
    let place = Place::new(name, tables, &policy);
    place.run(&["partition", "create", "--auto-approve"], 0);
    place
}

#[test]
fn what_differs_is_drift_until_the_fragment_is_included() {
    let Some(pooler) = Pooler::start("pool_mode = session\ndefault_pool_size = 33") else { return };
    let wanted = "    pool_mode: transaction\n    default_pool_size: 7\n    reserve_pool_size: 2\n    max_client_conn: 60\n    max_db_connections: 8\n  services:\n    api: {instances: 5, max_connections: 10, through: pgbouncer}\n";
    let place = place("pooler_config", &pooler.console(), wanted);
    let drift = place.shows(&["drift"], 2);
    assert_eq!(drift.json["counted"], 5);
    for words in [
        "pgbouncer default_pool_size  warning: it is 33, and the policy says 7",
        "pgbouncer pool_mode  warning: it is session, and the policy says transaction",
        "services may open pgbouncer 8 max_db_connections = 8",
    ] {
        assert!(drift.human.contains(words), "{words}\n{}", drift.human);
    }
    // Nothing that apply could do, and nothing of it fails.
    place.run(&["plan", "--detailed-exitcode"], 2);
    place.run(&["apply", "--auto-approve"], 3);
    let report = format!("prometheus={}", place.path("metrics").display());
    place.run(&["drift", "--report", &report], 2);
    let metrics = place.read("metrics");
    assert!(metrics.lines().any(|line| line.contains("kind=\"pooler_differs\"") && line.ends_with(" 5")), "{metrics}");

    let fragment = place.run(&["optimize", "pgbouncer"], 0).stdout;
    pooler.include(&fragment);
    place.run(&["drift"], 0);
    // The last one counts, also without ours.
    pooler.include("");
    place.run(&["drift"], 2);
}

#[test]
fn an_entry_is_compared_by_its_own_line() {
    let Some(pooler) = Pooler::start("pool_mode = session") else { return };
    let place = place(
        "pooler_entry",
        &pooler.console(),
        "    databases: {pooler_entry: {pool_size: 20}, pgbouncer: {pool_size: 2}}\n",
    );
    let nobody_used_it = place.shows(&["drift"], 2);
    assert_eq!(nobody_used_it.json["counted"], 1);
    assert!(nobody_used_it.human.contains("pgbouncer database pooler_entry"), "{}", nobody_used_it.human);
    // `*` makes one when it is used.
    postgres::Client::connect(&pooler.url(&place.db), postgres::NoTls).unwrap().simple_query("SELECT 1").unwrap();
    place.run(&["drift"], 0);
}

#[test]
fn a_console_that_does_not_answer_stops_nothing() {
    let wanted = "    default_pool_size: 7\n";
    let nobody = place("pooler_nobody", "postgresql://127.0.0.1:1/pgbouncer?user=admin", wanted);
    let drift = nobody.shows(&["drift"], 1);
    assert!(drift.human.contains("PgBouncer could not be asked"), "{}", drift.human);
    nobody.run(&["apply", "--auto-approve"], 1);
    let itself = format!("postgresql:///postgres?host={}&user=postgres", server().socket_dir().display());
    let drift = place("pooler_itself", &itself, wanted).run(&["drift"], 1);
    assert!(drift.stdout.contains("SHOW CONFIG"), "{}", drift.stdout);
    // Without a URL it is not asked; a variable without a default must be set.
    place("pooler_unset", "${PG_NO_SUCH_POOLER_URL:-}", wanted).run(&["drift"], 0);
    let place = Place::new(
        "pooler_missing",
        "",
        &nobody
            .read("pgstrata.yaml")
            .replace("postgresql://127.0.0.1:1/pgbouncer?user=admin", "${PG_NO_SUCH_POOLER_URL}"),
    );
    let missing = place.run(&["plan"], 78);
    assert!(
        missing.stderr.contains("PG_NO_SUCH_POOLER_URL") && missing.stderr.contains("pgstrata.yaml:7"),
        "{}",
        missing.stderr
    );
    // Who speaks of one table asks nobody else.
    place.db.batch("CREATE SCHEMA app; CREATE TABLE app.events (at timestamptz NOT NULL) PARTITION BY RANGE (at);");
    place.run(&["apply", "--auto-approve", "--table", "app.events"], 0);
    place.run(&["drift", "--table", "app.events"], 0);
}

/// It lets its guest in and then says nothing: what waits for it would hold the run lock.
#[test]
fn a_console_that_falls_silent_is_given_a_deadline() {
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = silent.local_addr().unwrap().port();
    std::thread::spawn(move || {
        let mut guests = Vec::new();
        for guest in silent.incoming() {
            let mut guest = guest.unwrap();
            let _ = guest.read(&mut [0; 1024]).unwrap();
            // AuthenticationOk, ReadyForQuery.
            guest.write_all(b"R\0\0\0\x08\0\0\0\0Z\0\0\0\x05I").unwrap();
            guests.push(guest);
        }
    });
    let console = format!("postgresql://127.0.0.1:{port}/pgbouncer?user=admin&sslmode=disable&connect_timeout=2");
    let place = place("pooler_silent", &console, "    default_pool_size: 7\n");
    let found = place.run(&["drift"], 1);
    assert!(found.stdout.contains("PgBouncer could not be asked: no answer within 2 s"), "{}", found.stdout);
}

/// What an entry is to say is a comment of the fragment: its words stand on the entry's line as they are, and the version of
/// PgBouncer that is installed reads them (1.23 and before refuse the whole line over a word they do not know).
#[test]
fn the_words_for_an_entry_are_ones_that_pgbouncer_reads() {
    let wanted = "    databases: {pooler_words: {pool_size: 9, reserve_pool_size: 4, max_db_connections: 0, pool_mode: transaction}}\n";
    let Some(plain) = Pooler::start("") else { return };
    let fragment = place("pooler_words", &plain.console(), wanted).run(&["optimize", "pgbouncer"], 0).stdout;
    drop(plain);
    let line = fragment.lines().find_map(|line| line.strip_prefix("; on the line of pooler_words in [databases]: "));
    let words = line.unwrap_or_else(|| panic!("{fragment}"));
    assert!(words.split(' ').any(|word| word == "reserve_pool=4"), "{words}");
    let entry = format!("pooler_words = host={} {words}", server().socket_dir().display());
    let Some(pooler) = Pooler::start_with(&entry, "") else { return };
    let agrees = place("pooler_words_read", &pooler.console(), wanted);
    agrees.run(&["drift"], 0);
    let other =
        place("pooler_words_other", &pooler.console(), &wanted.replace("reserve_pool_size: 4", "reserve_pool_size: 5"));
    let drift = other.run(&["drift"], 2);
    assert!(drift.stdout.contains("reserve_pool_size  warning: it is 4, and the policy says 5"), "{}", drift.stdout);
}
