//! A signal starts no new unit, has the server cancel what runs, finalizes once, and the result says so.

use std::sync::Mutex;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use pgstrata::apply::{Ended, Event, Outcome, StepResult};
use pgstrata::db::{Interrupt, Signal};
use postgres::Client;

use crate::crash_world::{World, connect};
use crate::support::server;
use crate::support::watch::{apply_watched, begins};

fn result_of<'a>(outcome: &'a Outcome, id: &str) -> &'a StepResult {
    &outcome.results.iter().find(|(step, _)| step.0 == id).unwrap().1
}

/// A run stopped by a signal, and how long it took from there.
fn interrupted(
    world: &World<'_>,
    database: &str,
    mut strike: impl FnMut(&Event<'_>, &dyn Fn()) + Send,
) -> (Outcome, Duration) {
    let stop = Interrupt::new();
    let at = Mutex::new(None);
    let trip = || {
        at.lock().unwrap().get_or_insert_with(Instant::now);
        stop.trip(Signal::Int);
    };
    let outcome = apply_watched(&world.server.url(database), &world.policy, &stop, None, |event| strike(event, &trip));
    let at = at.into_inner().unwrap().unwrap_or_else(Instant::now);
    (outcome, at.elapsed())
}

#[test]
fn between_units_and_while_waiting_nothing_new_begins() {
    let world = World::new(server(), "interrupt");
    let first = world.points[0].step.clone();

    // Between two units.
    let database = world.copy("interrupt_between");
    let (outcome, _) = interrupted(&world, &database, |event, trip| {
        if matches!(event, Event::Finished { .. }) {
            trip();
        }
    });
    assert_eq!(outcome.ended, Ended::Interrupted(Signal::Int));
    assert!(result_of(&outcome, &first).is_done() && outcome.committed);
    assert_eq!(outcome.not_reached() + 1, outcome.results.len());
    assert!(
        outcome.remains.as_ref().is_some_and(|plan| plan.steps.len() == outcome.not_reached()),
        "it says what remains"
    );
    world.converge(&database);

    // While a lock is waited for, and between two tries.
    for waits in ["lock", "pause"] {
        let database = world.copy(&format!("interrupt_{waits}"));
        let mut holder = None;
        let (outcome, took) = interrupted(&world, &database, |event, trip| match event {
            Event::Began { .. } if holder.is_none() => {
                let mut client = connect(server(), &database);
                client.batch_execute("BEGIN; LOCK TABLE app.events").unwrap();
                holder = Some(client);
            }
            // The server waits at most 200 ms: the signal comes in the midst of it.
            Event::Sending { sql, .. } if waits == "lock" && sql.contains(" ATTACH PARTITION ") => trip(),
            Event::Sending { sql, .. } if waits == "lock" && sql.starts_with("CREATE TABLE") => trip(),
            Event::Working { .. } | Event::Retrying { .. } => trip(),
            Event::Began { .. }
            | Event::Sending { .. }
            | Event::Sent { .. }
            | Event::Waiting { .. }
            | Event::Finished { .. } => {}
        });
        assert_eq!(outcome.ended, Ended::Interrupted(Signal::Int), "{waits}");
        assert!(outcome.results.iter().all(|(_, result)| *result == StepResult::NotReached), "{:?}", outcome.results);
        assert!(!outcome.committed && took < Duration::from_secs(5), "{waits}: {took:?}");
        drop(holder);
        world.converge(&database);
    }

    // While an old transaction is waited for.
    let database = world.copy("interrupt_old");
    let mut old = connect(server(), &database);
    old.batch_execute("SET application_name = 'the report'; BEGIN; SELECT FROM pg_class").unwrap();
    let (outcome, took) = interrupted(&world, &database, |event, trip| {
        if matches!(event, Event::Waiting { .. }) {
            trip();
        }
    });
    assert_eq!(outcome.ended, Ended::Interrupted(Signal::Int), "{:?}", outcome.results);
    assert_eq!(*result_of(&outcome, "detach app.events_7"), StepResult::NotReached);
    assert!(result_of(&outcome, "mark app.events_7").is_done() && took < Duration::from_secs(5), "{took:?}");
    drop(old);
    world.converge(&database);

    // After the last step there is nothing to stop.
    let database = world.copy("interrupt_last");
    let last = world.points.last().unwrap().step.clone();
    let (outcome, _) = interrupted(&world, &database, |event, trip| {
        if matches!(event, Event::Finished { step, .. } if step.id.0 == last) {
            trip();
        }
    });
    assert_eq!((outcome.not_reached(), outcome.ended), (0, Ended::Complete));
    world.converge(&database);
}

#[test]
fn a_detach_that_waits_is_cancelled_on_the_server_and_finalized_once() {
    let world = World::new(server(), "cancel");
    // Who it waits for, and whether FINALIZE gets through while they are there.
    let cases = [
        ("phase_one", "SELECT FROM app.events WHERE at = '2999-01-01'", true),
        ("leaf", "SELECT FROM app.events", false),
        ("phase_two", "UPDATE app.places SET id = id", false),
    ];
    for (name, sql, finalized) in cases {
        let database = world.copy(&format!("cancel_{name}"));
        let other: Mutex<Option<JoinHandle<()>>> = Mutex::new(None);
        let blocker: Mutex<Option<Client>> = Mutex::new(None);
        let stop = Interrupt::new();
        let mut cancelled_pid = 0;
        let outcome = apply_watched(&world.server.url(&database), &world.policy, &stop, None, |event| {
            let Event::Sending { sql: sent, backend_pid, .. } = event else { return };
            if !sent.ends_with(" CONCURRENTLY") {
                return;
            }
            cancelled_pid = *backend_pid;
            let mut client = connect(server(), &database);
            client.batch_execute(&format!("BEGIN; {sql}")).unwrap();
            *blocker.lock().unwrap() = Some(client);
            let (stop, mut client) = (stop.clone(), connect(server(), &database));
            *other.lock().unwrap() = Some(std::thread::spawn(move || {
                let pending = "SELECT EXISTS (SELECT FROM pg_inherits WHERE inhdetachpending AND inhrelid = 'app.events_7'::regclass)";
                let end = Instant::now() + Duration::from_secs(10);
                while !client.query_one(pending, &[]).unwrap().get::<_, bool>(0) {
                    assert!(Instant::now() < end, "the detach does not become pending");
                    std::thread::sleep(Duration::from_millis(10));
                }
                stop.trip(Signal::Term);
            }));
        });
        other.into_inner().unwrap().expect("it struck").join().unwrap();
        assert_eq!(outcome.ended, Ended::Interrupted(Signal::Term), "{name}");
        assert!(outcome.committed, "{name}: the pending state is");
        let detached = result_of(&outcome, "detach app.events_7");
        match detached {
            StepResult::Applied { .. } => assert!(finalized, "{name}"),
            StepResult::Postponed(because) => {
                assert!(!finalized && because.contains("pending"), "{name}: {because}");
                assert!(because.contains("(pgstrata/sandbox as postgres)"), "{name}: the blocker is named: {because}");
            }
            StepResult::AlreadySatisfied
            | StepResult::Blocked(_)
            | StepResult::Skipped(_)
            | StepResult::Superseded { .. }
            | StepResult::Failed { .. }
            | StepResult::NotReached => panic!("{name}: {detached:?}"),
        }
        assert_eq!(*result_of(&outcome, "stamp app.events_7"), StepResult::NotReached, "{name}");
        let mut client = connect(server(), &database);
        let left: bool = client.query_one("SELECT bool_or(inhdetachpending) FROM pg_inherits", &[]).unwrap().get(0);
        assert_eq!(left, !finalized, "{name}");
        let active = "SELECT count(*) FROM pg_stat_activity WHERE pid = $1 AND state = 'active'";
        assert_eq!(client.query_one(active, &[&cancelled_pid]).unwrap().get::<_, i64>(0), 0, "{name}: still at work");
        drop(blocker);
        drop(client);
        world.converge(&database);
        world.drop(&database);
    }
}

#[test]
fn a_signal_before_the_first_statement_runs_nothing() {
    let world = World::new(server(), "before");
    let database = world.copy("before_any");
    let (outcome, _) = interrupted(&world, &database, |event, trip| {
        if begins(event, &world.points[0].step) {
            trip();
        }
    });
    assert_eq!(outcome.ended, Ended::Interrupted(Signal::Int));
    assert_eq!((outcome.not_reached(), outcome.committed), (outcome.results.len(), false));
    world.converge(&database);
}
