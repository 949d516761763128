//! The root's index is valid, or the step says that it is not: ATTACH PARTITION of what is attached may do nothing.

use pgstrata::apply::{Event, StepResult};
use pgstrata::db::Interrupt;

use crate::support::database;
use crate::support::drive::desired;
use crate::support::watch::apply_watched;

const TABLES: &str = "
CREATE TABLE events (at timestamptz NOT NULL, actor int) PARTITION BY RANGE (at);
DO $$ DECLARE today timestamptz := date_trunc('day', now(), 'UTC'); BEGIN
  FOR n IN 0 .. 2 LOOP
    EXECUTE format('CREATE TABLE events_%s PARTITION OF events FOR VALUES FROM (%L) TO (%L)',
                   n, today + n * interval '24 hours', today + (n + 1) * interval '24 hours');
  END LOOP;
END $$;
CREATE TABLE events_gone (LIKE events);
ALTER TABLE events ATTACH PARTITION events_gone FOR VALUES FROM ('2001-01-01') TO ('2001-01-02');
CREATE INDEX by_actor ON ONLY events (actor);
";

#[test]
fn what_had_no_effect_is_no_success() {
    let db = database("index_validate");
    db.batch(TABLES);
    for n in 0..3 {
        db.batch(&format!(
            "CREATE INDEX by_actor_{n} ON events_{n} (actor); ALTER INDEX by_actor ATTACH PARTITION by_actor_{n}"
        ));
    }
    db.batch("ALTER TABLE events DETACH PARTITION events_gone");
    let policy = desired(
        "version: 1\ntables:\n  public.events:\n    partition: {key: at, interval: 1 day, timezone: UTC, premake: 2}\n    \
         indexes: {by_actor: {columns: [actor]}}\n",
    );
    // Between the look and the statement another partition's index becomes what it is after a crash.
    let mut other = db.client();
    let outcome = apply_watched(db.url(), &policy, &Interrupt::new(), None, |event| {
        if let Event::Sending { sql, .. } = event
            && sql.starts_with("ALTER INDEX")
        {
            other
                .batch_execute("UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'by_actor_2'::regclass")
                .unwrap();
        }
    });
    let [(step, StepResult::Failed { error, .. })] = &outcome.results[..] else { panic!("{:?}", outcome.results) };
    assert_eq!(step.0, "validate index public.by_actor");
    assert!(error.contains("it had no effect: it is not true that"), "{error}");
    db.batch("REINDEX INDEX by_actor_2");
    let outcome = apply_watched(db.url(), &policy, &Interrupt::new(), None, |_| ());
    assert!(outcome.results.iter().all(|(_, result)| result.is_done()), "{:?}", outcome.results);
    let valid = db.client().query_one("SELECT indisvalid FROM pg_index WHERE indexrelid = 'by_actor'::regclass", &[]);
    assert!(valid.unwrap().get::<_, bool>(0));
}
