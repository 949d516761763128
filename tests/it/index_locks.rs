//! What `CREATE`, `DROP` and `REINDEX INDEX CONCURRENTLY` lock while they run, against what their steps declare. They commit
//! in between: each runs behind one lock or one snapshot of somebody else at a time, and what it holds there is noted.

use std::collections::BTreeMap;
use std::thread;

use pgstrata::sql::{LockMode, Statement, render};

use crate::locks::{OTHERS, behind};
use crate::support::database;
use crate::support::drive::{desired, grant_all, plan_now};
use crate::support::locks::declared;

const TABLES: &str = "
CREATE TABLE events (at timestamptz NOT NULL, actor int, body text) PARTITION BY RANGE (at);
CREATE TABLE events_mar PARTITION OF events FOR VALUES FROM ('2026-03-01 00:00+00') TO ('2026-05-01 00:00+00');
ALTER TABLE events_mar ALTER body SET STORAGE PLAIN;
INSERT INTO events_mar SELECT '2026-03-02 00:00+00', i, repeat('x', 7900) FROM generate_series(1, 1150) i;
";

const POLICY: &str = "
version: 1
tables:
  public.events:
    partition: {key: at, interval: 1 month, premake: 1}
    indexes:
      events_actor_idx: {columns: [actor]}
";

/// The step's word, what is there before, and what brings that about again.
const KINDS: [(&str, &str, &str); 3] = [
    ("build index", "", "DROP INDEX IF EXISTS events_mar_actor_idx"),
    (
        "drop index",
        "",
        "CREATE INDEX events_mar_actor_idx ON events_mar (actor);
         UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'events_mar_actor_idx'::regclass",
    ),
    (
        "rebuild index",
        "CREATE INDEX events_actor_idx ON events (actor)",
        "UPDATE pg_index SET indisvalid = false WHERE indexrelid IN ('events_actor_idx'::regclass, 'events_mar_actor_idx'::regclass)",
    ),
];

#[test]
fn concurrent_statements_lock_what_their_steps_declare() {
    let wrong: Vec<String> = thread::scope(|scope| {
        let cases = KINDS.map(|(word, once, again)| {
            scope.spawn(move || {
                let db = database(&format!("index_locks_{}", word.split(' ').next().unwrap()));
                db.batch(&format!("{TABLES}; {once}"));
                db.batch(again);
                let now = "2026-03-14T00:00:00Z".parse().unwrap();
                let (plan, _) = plan_now(db.url(), &desired(POLICY), Some(now), &grant_all());
                let step = plan.steps.iter().find(|step| step.action.word() == word).unwrap();
                let statements = render(step);
                let sql = statements.iter().filter_map(Statement::sql).find(|sql| sql.contains("INDEX CONCURRENTLY"));
                let sql = sql.unwrap_or_else(|| panic!("{word} is not concurrent"));
                let mut watcher = db.client();
                let declared = declared(&mut watcher, step, plan.target.major());
                let mut obstacles = vec!["SELECT FROM pg_class".to_owned()];
                let tables = ["events", "events_mar"];
                obstacles.extend(
                    tables
                        .iter()
                        .flat_map(|table| OTHERS.map(|mode| format!("LOCK TABLE ONLY {table} IN {mode} MODE"))),
                );
                let mut seen: BTreeMap<String, LockMode> = BTreeMap::new();
                for obstacle in obstacles {
                    let mut other = db.client();
                    other.batch_execute(&format!("BEGIN ISOLATION LEVEL REPEATABLE READ; {obstacle}")).unwrap();
                    for (table, mode) in behind(&db, sql, &mut watcher, || other.batch_execute("ROLLBACK").unwrap()) {
                        let strongest = seen.entry(table).or_insert(mode);
                        *strongest = (*strongest).max(mode);
                    }
                    db.batch(again);
                }
                (seen != declared).then(|| format!("{word}: declared {declared:?}, pg_locks shows {seen:?}"))
            })
        });
        cases.into_iter().filter_map(|case| case.join().expect("the case")).collect()
    });
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
