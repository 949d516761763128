//! Kills pgstrata, its backend, and the server at the boundaries of every unit of every kind of step; one rerun
//! converges, and no row is lost. `PGSTRATA_CRASH_ALL=1` strikes at every statement instead.

use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use pgstrata::apply::{Ended, StepResult};
use pgstrata::sandbox::Options;

use crate::crash_world::{MidDetach, POLICY, Strike, World, batch};
use crate::support::drive::{apply_now, desired, grant_all};
use crate::support::{own_server, server, settings};

/// Runs `crash` for each point, on as many threads as there are processors.
fn everywhere(count: usize, crash: impl Fn(usize) + Sync) {
    let next = AtomicUsize::new(0);
    let threads = std::thread::available_parallelism().map_or(2, usize::from).min(4);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let n = next.fetch_add(1, Ordering::Relaxed);
                    if n >= count {
                        return;
                    }
                    crash(n);
                }
            });
        }
    });
}

#[test]
fn killed_pgstrata_is_continued_by_a_rerun() {
    let world = World::new(server(), "crash_pgstrata");
    everywhere(world.points.len(), |n| {
        let database = world.copy(&format!("crash_pgstrata_{n}"));
        die(&world.server.url(&database), &n.to_string());
        converge(&world, n, &database);
    });
    assert!(world.points.len() > 30, "{}", world.points.len());

    let database = world.copy("crash_pgstrata_in_detach");
    die(&world.server.url(&database), "detach");
    world.converge(&database);
    world.drop(&database);
}

#[test]
#[ignore = "the process that killed_pgstrata_is_continued_by_a_rerun kills"]
fn dies_at_a_point() {
    let url = std::env::var("PGSTRATA_CRASH_URL").expect("run by another test only");
    let at = std::env::var("PGSTRATA_CRASH_AT").unwrap();
    if at == "detach" {
        let mut strike = MidDetach { url: url.clone(), act: |_| std::process::abort(), waiting: None };
        apply_now(&url, &desired(POLICY), None, &grant_all(), &mut strike);
    } else {
        let mut strike = Strike { left: at.parse().unwrap(), act: |_| std::process::abort() };
        apply_now(&url, &desired(POLICY), None, &grant_all(), &mut strike);
    }
}

/// Runs this very binary as a process of its own that runs the shipped apply and aborts.
fn die(url: &str, at: &str) {
    let child = Command::new(std::env::current_exe().unwrap())
        .args(["crash::dies_at_a_point", "--exact", "--ignored", "--nocapture"])
        .env("PGSTRATA_CRASH_URL", url)
        .env("PGSTRATA_CRASH_AT", at)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .unwrap();
    assert!(!child.success() && child.code().is_none(), "{child}: it must die by a signal at {at}");
}

#[test]
fn killed_backends_are_continued_by_a_rerun() {
    let world = World::new(server(), "crash_backend");
    let told = Mutex::new(Vec::new());
    everywhere(world.points.len(), |n| {
        let database = world.copy(&format!("crash_backend_{n}"));
        let mut strike = Strike {
            left: n,
            act: |pid| {
                let sql = format!(
                    "DO $$ BEGIN PERFORM pg_terminate_backend({pid}); \
                     FOR i IN 1..500 LOOP PERFORM pg_stat_clear_snapshot(); \
                     EXIT WHEN NOT EXISTS (SELECT FROM pg_stat_activity WHERE pid = {pid}); PERFORM pg_sleep(0.01); END LOOP; END $$"
                );
                batch(world.server, "postgres", &sql);
            },
        };
        let outcome = apply_now(&world.server.url(&database), &world.policy, None, &grant_all(), &mut strike);
        let point = &world.points[n];
        assert_eq!(outcome.ended, Ended::Complete, "the control session lives on: {point:?}");
        let (_, struck) = outcome.results.iter().find(|(id, _)| id.0 == point.step).unwrap();
        if point.what == "before COMMIT" || point.what == "after BEGIN" {
            let StepResult::Failed { error, lock_spent: false } = struck else { panic!("{point:?}: {struck:?}") };
            assert!(error.contains("57P01") || error.contains("closed"), "{error}");
        } else if point.what == "after COMMIT" {
            assert!(struck.is_done(), "{point:?}: {struck:?}");
        }
        told.lock().unwrap().push(struck.clone());
        converge(&world, n, &database);
    });
    // Lost while it waits, a detach is continued by the same run, on another session.
    let database = world.copy("crash_backend_in_detach");
    let act = |pid| batch(server(), "postgres", &format!("SELECT pg_terminate_backend({pid})"));
    let mut strike = MidDetach { url: world.server.url(&database), act, waiting: None };
    let outcome = apply_now(&world.server.url(&database), &world.policy, None, &grant_all(), &mut strike);
    strike.waiting.expect("it struck").join().unwrap();
    assert!(outcome.results.iter().all(|(_, result)| result.is_done()), "{:?}", outcome.results);
    world.converge(&database);
    world.drop(&database);

    let told = told.into_inner().unwrap();
    assert!(told.iter().any(|result| !result.is_done()) && told.iter().any(StepResult::is_done));
}

#[test]
fn a_killed_server_is_continued_by_a_rerun() {
    let quick = settings(&[("autovacuum", "off"), ("checkpoint_timeout", "1h")]);
    let server = own_server(Options { durable: true, settings: quick, ..Options::default() });
    let world = World::new(&server, "crash_server");
    for n in 0..world.points.len() {
        // Nothing is written yet: the other tests kill there.
        if world.points[n].what == "after BEGIN" {
            continue;
        }
        let database = world.copy(&format!("crash_server_{n}"));
        let mut strike = Strike { left: n, act: |_| server.kill().unwrap() };
        let outcome = apply_now(&server.url(&database), &world.policy, None, &grant_all(), &mut strike);
        let point = &world.points[n];
        if n + 1 < world.points.len() {
            assert!(matches!(outcome.ended, Ended::Lost(_)), "{point:?}: {:?}", outcome.ended);
            assert!(outcome.not_reached() > 0 || outcome.failed() > 0, "{point:?}: {:?}", outcome.results);
        }
        server.restart().unwrap();
        if point.what == "after COMMIT" {
            let (_, struck) = outcome.results.iter().find(|(id, _)| id.0 == point.step).unwrap();
            assert!(struck.is_done() && outcome.committed, "{point:?}: {struck:?}");
        }
        converge(&world, n, &database);
    }
}

fn converge(world: &World<'_>, n: usize, database: &str) {
    let done = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| world.converge(database)));
    if let Err(panic) = done {
        eprintln!("struck {:?}; the database {database} is kept", world.points[n]);
        std::panic::resume_unwind(panic);
    }
    world.drop(database);
}
