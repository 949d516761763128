//! 130 and 143: the statement in flight is cancelled on the server, and what happened is told in every format.

use std::net::TcpListener;

use postgres::Client;

use crate::exits::{managed, policy, table};
use crate::support::formats::{Shown, in_every_format, shown};
use crate::support::place::{Place, signalled, until};

const SIGNALS: [(&str, i32, &str); 2] = [("-INT", 130, "SIGINT"), ("-TERM", 143, "SIGTERM")];
const PATIENT: &str = "apply: {lock_timeout: 5min, concurrent_timeout: 5min, jobs: 1}\n";

/// Runs apply until a backend of its waits so, then sends the signal. Nothing of it is left on the server.
fn interrupted_while(
    place: &Place,
    client: &mut Client,
    waits: &str,
    (signal, code, name): (&str, i32, &str),
) -> Shown {
    let child = place.spawn(&in_every_format(&["apply", "--auto-approve"]));
    let sql = format!(
        "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE application_name = 'pgstrata/apply'
           AND datname = current_database() AND {waits})"
    );
    until(waits, || client.query_one(&sql, &[]).unwrap().get(0));
    let ended = shown(place, "apply", signalled(child, signal, code));
    let left = "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE application_name = 'pgstrata/apply' AND datname = current_database())";
    until("its backends have gone", || !client.query_one(left, &[]).unwrap().get::<_, bool>(0));
    assert_eq!(ended.json["ended"], serde_json::json!({"how": "interrupted", "because": name}));
    for text in [&ended.human, &ended.markdown] {
        assert!(text.contains(&format!("Interrupted by {name}")) && text.contains("What remains:"), "{text}");
    }
    assert!(ended.stderr.contains("stopping in good order"), "{}", ended.stderr);
    ended
}

#[test]
fn while_it_waits_for_a_lock() {
    let place = Place::new("exits_signal_lock", &table("events", 0), &policy(PATIENT, &[managed("events", "")]));
    for signal in SIGNALS {
        let mut other = place.db.client();
        other.batch_execute("BEGIN; LOCK TABLE app.events IN SHARE UPDATE EXCLUSIVE MODE").unwrap();
        let ended = interrupted_while(&place, &mut place.db.client(), "wait_event_type = 'Lock'", signal);
        assert_eq!((&ended.json["committed"], &ended.json["matches_policy"]), (&false.into(), &false.into()));
        assert!(ended.human.contains("nothing was committed"), "{}", ended.human);
        // It is the interruption that ended it, not the lock: who held it still does.
        other.batch_execute("ROLLBACK").unwrap();
    }
    place.shows(&["apply", "--auto-approve"], 0);
}

#[test]
fn while_a_detach_waits_with_something_committed_before() {
    let detach = "    retention: {keep: 2 days}\n";
    for (signal, name) in SIGNALS.into_iter().zip(["exits_signal_int", "exits_signal_term"]) {
        let place = Place::new(name, &table("events", 3), &policy(PATIENT, &[managed("events", detach)]));
        let mut reader = place.db.client();
        reader.batch_execute("BEGIN; SELECT FROM app.events LIMIT 0").unwrap();
        // 130 before 6: creations and the marker are committed. It waits for the old transaction between two looks.
        let looks = "query ~ 'pg_locks' AND query !~ 'advisory' AND state = 'idle'";
        let ended = interrupted_while(&place, &mut place.db.client(), looks, signal);
        assert_eq!(ended.json["committed"], true);
        assert_eq!(ended.json["summary"]["created"], 3);
        assert!(ended.human.contains("4 committed"), "{}", ended.human);
        reader.batch_execute("ROLLBACK").unwrap();
        place.shows(&["apply", "--auto-approve"], 0);
    }
}

#[test]
fn while_the_detach_itself_waits() {
    let detach = "    retention: {keep: 2 days}\n";
    let place = Place::new("exits_signal_detach", &table("events", 3), &policy(PATIENT, &[managed("events", detach)]));
    place.shows(&["apply", "--auto-approve", "--jobs", "1"], 0);
    // The next one: the lock on the partition is somebody's who came after the look for old transactions.
    place.db.batch(&format!("DROP TABLE app.events_3; {}", "ALTER TABLE app.events DETACH PARTITION app.events_2"));
    place.db.batch(
        "DO $$ BEGIN EXECUTE format('ALTER TABLE app.events ATTACH PARTITION app.events_2 FOR VALUES FROM (%L) TO (%L)',
           date_trunc('day', now(), 'UTC') - interval '96 hours', date_trunc('day', now(), 'UTC') - interval '72 hours'); END $$",
    );
    place.db.batch(
        "CREATE FUNCTION slow() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(60); END';
        CREATE EVENT TRIGGER slow ON ddl_command_start WHEN TAG IN ('ALTER TABLE') EXECUTE FUNCTION slow()",
    );
    let waits = "query ~ 'DETACH' AND wait_event = 'PgSleep'";
    let ended = interrupted_while(&place, &mut place.db.client(), waits, SIGNALS[0]);
    let detach =
        ended.json["results"].as_array().unwrap().iter().find(|of| of["step"].as_str().unwrap().starts_with("detach"));
    assert_eq!(detach.unwrap()["result"], "not_reached");
}

#[test]
fn while_it_connects() {
    let mute = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("host=127.0.0.1 port={} dbname=app user=u connect_timeout=60", mute.local_addr().unwrap().port());
    let place = Place::new("exits_signal_connect", "", &policy("", &[managed("events", "")]));
    mute.set_nonblocking(true).unwrap();
    for (args, (signal, code, _)) in
        [&["plan"][..], &["drift"], &["apply", "--auto-approve"]].into_iter().zip([SIGNALS[0], SIGNALS[1], SIGNALS[0]])
    {
        let child = place.spawn(&[args, &["--url", &url, "--format", "json"]].concat());
        let mut met = None;
        until("it connects", || {
            met = mute.accept().ok();
            met.is_some()
        });
        let ended = signalled(child, signal, code);
        assert_eq!(ended.stdout, "", "{args:?}");
        assert!(ended.stderr.contains("pgstrata: error: ") && ended.stderr.contains("interrupted"), "{}", ended.stderr);
    }
}
