//! Builds on several partitions of one table go side by side, at most `apply.jobs` at once, and the server's own progress
//! is told.

use std::collections::BTreeSet;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use pgstrata::apply::{Event, Observer};

use crate::support::drive::{apply_now, desired, grant_all};
use crate::support::{TestDb, database};

/// Two partitions of 9 MB. The index calls a function that sleeps on one row of a hundred: three seconds a partition.
const TABLES: &str = "
CREATE FUNCTION slow(n int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN IF n % 100 = 0 THEN PERFORM pg_catalog.pg_sleep(0.25); END IF; RETURN n; END $$;
CREATE TABLE events (at timestamptz NOT NULL, n int NOT NULL, body text NOT NULL) PARTITION BY RANGE (at);
SET TimeZone = 'UTC';
DO $$ BEGIN
  FOR month IN 1 .. 2 LOOP
    EXECUTE format('CREATE TABLE events_%s PARTITION OF events FOR VALUES FROM (%L) TO (%L)', month,
      make_date(2026, month, 1), make_date(2026, month + 1, 1));
    EXECUTE format('ALTER TABLE events_%s ALTER body SET STORAGE PLAIN', month);
    EXECUTE format('INSERT INTO events_%s SELECT %L::date, n, repeat(''x'', 7900) FROM generate_series(1, 1150) n', month,
      make_date(2026, month, 1));
  END LOOP;
END $$;";

fn policy(jobs: u32) -> String {
    format!(
        "version: 1\napply: {{jobs: {jobs}}}\ntables:\n  public.events:\n    partition: {{key: at, interval: 1 month, premake: 1, start: 2026-01-01}}\n    indexes: {{events_slow_idx: {{columns: [\"public.slow(n)\"]}}}}\n"
    )
}

/// What is told of builds that take long.
#[derive(Default)]
struct Told(Mutex<Vec<String>>);

impl Observer for &Told {
    fn on(&mut self, event: &Event<'_>) {
        if let Event::Working { step, how_far } = event {
            self.0.lock().unwrap().push(format!("{step}: {how_far}"));
        }
    }
}

/// Builds with so many jobs. Gives the most partitions that were seen under construction at once, and what was told.
fn most_at_once(db: &TestDb, jobs: u32) -> (usize, Vec<String>) {
    let over = AtomicBool::new(false);
    let told = Told::default();
    let most = std::thread::scope(|scope| {
        let watch = scope.spawn(|| {
            let mut client = db.client();
            let mut most = 0;
            while !over.load(Ordering::Relaxed) {
                let sql = "SELECT relid FROM pg_stat_progress_create_index WHERE datname = current_database()";
                let at_once: BTreeSet<u32> = client.query(sql, &[]).unwrap().iter().map(|row| row.get(0)).collect();
                most = most.max(at_once.len());
                std::thread::sleep(std::time::Duration::from_millis(20));
            }
            most
        });
        let now = "2026-02-15T00:00:00Z".parse().unwrap();
        let outcome = apply_now(db.url(), &desired(&policy(jobs)), Some(now), &grant_all(), &mut &told);
        over.store(true, Ordering::Relaxed);
        assert!(outcome.results.iter().all(|(_, result)| result.is_done()), "{:?}", outcome.results);
        assert!(outcome.remains.is_some_and(|plan| plan.is_empty()));
        watch.join().unwrap()
    });
    (most, told.0.into_inner().unwrap())
}

#[test]
fn as_many_partitions_at_once_as_there_are_jobs() {
    let db = database("index_parallel");
    db.batch(TABLES);
    let (most, told) = most_at_once(&db, 2);
    assert_eq!(most, 2);
    let scans = told.iter().filter(|line| line.starts_with("build index public.events_") && line.contains('%'));
    assert!(scans.count() > 0, "{told:?}");
    db.batch("DROP INDEX events_slow_idx");
    assert_eq!(most_at_once(&db, 1).0, 1);
}
