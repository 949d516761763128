//! Builds an index over two hundred partitions while rows come in, and kills the run twenty times on the way: the process,
//! its backend, or the statement, in the midst of concurrent builds and everywhere else. No insert fails, and one
//! undisturbed run makes the index whole. `PGSTRATA_KILLS` sets another number.

use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::time::Duration;

use jiff::Timestamp;
use pgstrata::apply::{Ended, Event, Observer, Run, Silent};
use pgstrata::db::{Interrupt, Signal};
use postgres::Client;

use crate::support::drive::{apply_now, connector, desired, grant_all, options};
use crate::support::watch::On;
use crate::support::{TestDb, database, explain};

const NOW: &str = "2026-07-18T12:00:00Z";

const POLICY: &str = "
version: 1
tables:
  public.events:
    partition: {key: at, interval: 1 day, premake: 1}
    indexes:
      events_actor_idx: {columns: [actor, at desc], where: \"body <> ''\"}
";

/// Days from 2026-01-01; each twentieth has more than 8 MB, one row a page, and is built concurrently.
const TABLES: &str = "
CREATE TABLE events (at timestamptz NOT NULL, actor int NOT NULL, body text NOT NULL) PARTITION BY RANGE (at);
ALTER TABLE events ALTER body SET STORAGE PLAIN;
SET TimeZone = 'UTC';
DO $$
DECLARE day date;
BEGIN
  FOR n IN 0 .. 199 LOOP
    day := date '2026-01-01' + n;
    EXECUTE format('CREATE TABLE events_%s PARTITION OF events FOR VALUES FROM (%L) TO (%L)', to_char(n, 'FM000'), day, day + 1);
    IF n % 20 = 10 THEN
      EXECUTE format('ALTER TABLE events_%s ALTER body SET STORAGE PLAIN', to_char(n, 'FM000'));
      EXECUTE format('INSERT INTO events_%s SELECT %L::date, i, repeat(''x'', 7900) FROM generate_series(1, 1150) i', to_char(n, 'FM000'), day);
    END IF;
  END LOOP;
END $$;
";

/// What one row of the world is: known beforehand, and added by the writer.
const BIG_ROWS: i64 = 10 * 1150;

/// What is killed, and when.
#[derive(Clone, Copy, Debug)]
struct Kill {
    how: How,
    /// Steps that may begin before.
    after: usize,
    /// Only in a statement outside a transaction: a concurrent build or drop.
    concurrent: bool,
    /// From the statement's beginning.
    delay: Duration,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum How {
    Process,
    Backend,
    Statement,
}

impl Kill {
    /// The n-th of a fixed sequence. Ten concurrent builds are met first, and again what they left behind.
    fn nth(n: u64) -> Self {
        let mut random = fastrand::Rng::with_seed(0x6b69_6c6c + n);
        let how = [How::Process, How::Backend, How::Statement][usize::try_from(n % 3).unwrap()];
        Self {
            how,
            after: random.usize(0..6),
            concurrent: random.u8(0..2) == 0,
            delay: Duration::from_micros(random.u64(0..8_000)),
        }
    }
}

/// Counts the steps, and strikes at a statement.
struct Striking<F> {
    kill: Kill,
    begun: usize,
    struck: Option<String>,
    act: F,
}

impl<F: FnMut(i32, Duration) + Send> Observer for Striking<F> {
    fn on(&mut self, event: &Event<'_>) {
        match event {
            Event::Began { .. } => self.begun += 1,
            Event::Sending { step, backend_pid, sql } if self.begun > self.kill.after && self.struck.is_none() => {
                let concurrent = sql.contains("INDEX CONCURRENTLY");
                if concurrent || (!self.kill.concurrent && sql.contains(" INDEX ")) {
                    self.struck = Some(step.to_string());
                    (self.act)(*backend_pid, self.kill.delay);
                }
            }
            Event::Sending { .. }
            | Event::Sent { .. }
            | Event::Waiting { .. }
            | Event::Working { .. }
            | Event::Retrying { .. }
            | Event::Finished { .. } => {}
        }
    }
}

fn now() -> Option<Timestamp> {
    Some(NOW.parse().unwrap())
}

#[test]
#[ignore = "the process that an_index_is_completed_whatever_is_killed_on_the_way kills"]
fn dies_on_the_way() {
    let url = std::env::var("PGSTRATA_CRASH_URL").expect("run by another test only");
    let kill = Kill::nth(std::env::var("PGSTRATA_CRASH_AT").unwrap().parse().unwrap());
    let act = |_, delay| {
        std::thread::spawn(move || {
            std::thread::sleep(delay);
            std::process::abort();
        });
    };
    apply_now(&url, &desired(POLICY), now(), &grant_all(), &mut Striking { kill, begun: 0, struck: None, act });
}

/// Runs this very binary as a process of its own. Whether it died: near the end there may be nothing left to strike at.
fn kill_process(url: &str, n: u64) -> bool {
    let child = Command::new(std::env::current_exe().unwrap())
        .args(["index_kill::dies_on_the_way", "--exact", "--ignored", "--nocapture"])
        .env("PGSTRATA_CRASH_URL", url)
        .env("PGSTRATA_CRASH_AT", n.to_string())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .unwrap();
    child.code().is_none()
}

/// Ends or cancels the backend in the midst of its work; what comes after is the next run's.
fn kill_backend(db: &TestDb, kill: Kill) -> bool {
    let stop = Interrupt::new();
    let function = if kill.how == How::Backend { "pg_terminate_backend" } else { "pg_cancel_backend" };
    let mut killer = db.client();
    let mut at_work = None;
    let act = |pid: i32, delay: Duration| {
        let mut killer = std::mem::replace(&mut killer, db.client());
        at_work = Some(std::thread::spawn(move || {
            // A build has begun, or is over in no time.
            let building = "SELECT EXISTS (SELECT FROM pg_stat_progress_create_index WHERE pid = $1)";
            for _ in 0..if kill.concurrent { 20 } else { 0 } {
                if killer.query_one(building, &[&pid]).unwrap().get(0) {
                    break;
                }
                std::thread::sleep(Duration::from_millis(1));
            }
            std::thread::sleep(delay);
            killer.query(&format!("SELECT {function}($1)"), &[&pid]).unwrap();
        }));
    };
    let mut strike = Striking { kill, begun: 0, struck: None, act };
    let mut run = Run::begin(&connector(db.url()), Duration::from_secs(10), &stop).expect("the run lock");
    let policy = desired(POLICY);
    let (snapshot, options) = run.inspect(&policy, &options(now(), &grant_all()), now()).expect("a snapshot");
    let planned = pgstrata::plan::plan(&policy, &snapshot, &options);
    let judged = Run::accept(planned, &policy, &snapshot).expect("a plan that may run");
    let mut watch = On(|event: &Event<'_>| {
        strike.on(event);
        let over = matches!(event, Event::Finished { .. }) && strike.struck.is_some();
        if over {
            stop.trip(Signal::Term);
        }
    });
    let outcome = run.carry_out(judged, &options, &pgstrata::apply::ApplyOptions::default(), &mut watch);
    assert!(!matches!(outcome.ended, Ended::Lost(_)), "the control session lives on: {:?}", outcome.ended);
    let struck = strike.struck.is_some();
    if let Some(at_work) = at_work {
        at_work.join().unwrap();
    }
    struck
}

/// Inserts until it is told to end. Gives the longest that one insert took.
fn write(db: &TestDb, end: &AtomicBool, written: &AtomicI64) -> Duration {
    let mut client = db.client();
    // Nobody's lock may keep a writer: an insert that waits so long fails. A kill must not reach it at all.
    client.batch_execute("SET lock_timeout = '5s'; SET default_transaction_isolation = 'repeatable read'").unwrap();
    let insert =
        "INSERT INTO events SELECT timestamptz '2026-01-01 12:00+00' + make_interval(days => $1), $1, 'written'";
    let insert = client.prepare(insert).unwrap();
    let mut random = fastrand::Rng::with_seed(7);
    let mut longest = Duration::ZERO;
    while !end.load(Ordering::Relaxed) {
        let began = std::time::Instant::now();
        let mut transaction = client.transaction().unwrap();
        let big = random.i32(0..10) * 20 + 10;
        for day in [random.i32(0..200), big] {
            let done = transaction.execute(&insert, &[&day]).unwrap_or_else(|error| panic!("{}", explain(&error)));
            assert_eq!(done, 1);
        }
        longest = longest.max(began.elapsed());
        // A build waits for our snapshot: there is something to kill it in.
        std::thread::sleep(Duration::from_millis(15));
        transaction.commit().unwrap();
        written.fetch_add(2, Ordering::Relaxed);
    }
    longest
}

#[test]
fn an_index_is_completed_whatever_is_killed_on_the_way() {
    let kills: u64 = std::env::var("PGSTRATA_KILLS").ok().map_or(20, |kills| kills.parse().expect("a number"));
    let db = database("index_kill");
    db.batch(TABLES);
    let (end, written) = (AtomicBool::new(false), AtomicI64::new(0));
    let (mut struck, mut leftovers) = (0, 0);
    let longest = std::thread::scope(|scope| {
        let writer = scope.spawn(|| write(&db, &end, &written));
        let run = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            for n in 0..kills {
                let kill = Kill::nth(n);
                let killed = match kill.how {
                    How::Process => kill_process(db.url(), n),
                    How::Backend | How::Statement => kill_backend(&db, kill),
                };
                struck += u64::from(killed);
                if !killed {
                    // It is complete already: begun anew.
                    db.batch("SET lock_timeout = '5s'; DROP INDEX IF EXISTS events_actor_idx");
                }
                // A backend without a client finishes its statement: the next run must not meet the last one's.
                leftovers += i64::from(settled(&mut db.client()) > 0);
            }
            let last = apply_now(db.url(), &desired(POLICY), now(), &grant_all(), &mut Silent);
            assert!(last.results.iter().all(|(_, result)| result.is_done()), "{:?}", last.results);
            assert!(last.ended == Ended::Complete && last.remains.is_some_and(|plan| plan.is_empty()));
        }));
        end.store(true, Ordering::Relaxed);
        let longest = writer.join().expect("no insert fails");
        run.unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        longest
    });
    whole(&mut db.client(), BIG_ROWS + written.into_inner());
    eprintln!("{struck} kills, {leftovers} left an invalid index behind; the longest insert took {longest:?}");
    assert!(struck >= kills * 3 / 4, "{struck} of {kills} struck");
    assert!(kills < 20 || leftovers >= 2, "{leftovers} of {kills} kills came in the midst of a build");
}

/// Waits until nobody builds any more. Gives the number of invalid indexes of partitions.
fn settled(client: &mut Client) -> i64 {
    let busy = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'pgstrata/test' AND datname = current_database()";
    for _ in 0..500 {
        if client.query_one(busy, &[]).unwrap().get::<_, i64>(0) == 0 {
            break;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    let invalid =
        "SELECT count(*) FROM pg_index JOIN pg_class c ON c.oid = indexrelid WHERE NOT indisvalid AND relkind = 'i'";
    client.query_one(invalid, &[]).unwrap().get(0)
}

/// One valid index of the root, a valid and attached one of each partition, nothing else, and every row.
fn whole(client: &mut Client, rows: i64) {
    let found = client
        .query_one(
            "SELECT count(*) FILTER (WHERE c.relkind = 'I'), count(*) FILTER (WHERE c.relkind = 'i'),
               count(*) FILTER (WHERE NOT (x.indisvalid AND x.indisready AND x.indislive)),
               count(*) FILTER (WHERE h.inhparent = 'events_actor_idx'::regclass)
             FROM pg_index x JOIN pg_class c ON c.oid = x.indexrelid
             LEFT JOIN pg_inherits h ON h.inhrelid = x.indexrelid
             WHERE x.indrelid = 'events'::regclass OR x.indrelid IN (SELECT inhrelid FROM pg_inherits WHERE inhparent = 'events'::regclass)",
            &[],
        )
        .unwrap();
    let counts: [i64; 4] = [0, 1, 2, 3].map(|at| found.get(at));
    assert_eq!(counts, [1, 200, 0, 200], "the root's, its partitions', invalid ones, attached ones");
    let heap: i64 = client.query_one("SELECT count(*) FROM events", &[]).unwrap().get(0);
    client.batch_execute("SET enable_seqscan = off").unwrap();
    let index: i64 = client.query_one("SELECT count(*) FROM events WHERE body <> ''", &[]).unwrap().get(0);
    assert_eq!((heap, index), (rows, rows), "rows as inserted, and each of them in the index");
}
