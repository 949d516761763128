//! Through PgBouncer, Debian's: in transaction mode a run is refused and nothing is left behind in the pooler's
//! sessions; in session mode all works.

use std::time::Duration;

use pgstrata::apply::{BeginError, Ended, Run, Silent};
use pgstrata::db::Interrupt;

use crate::support::drive::{apply_now, connector, desired, grant_all};
use crate::support::pooler::Pooler;
use crate::support::{TestDb, database, pgstrata};

const POLICY: &str = "version: 1\ntables:\n  app.events:\n    partition: {key: at, interval: 1 month, premake: 2}\n";

fn table(name: &str) -> TestDb {
    let db = database(name);
    db.batch("CREATE SCHEMA app; CREATE TABLE app.events (at timestamptz NOT NULL) PARTITION BY RANGE (at)");
    db
}

fn shown(client: &mut postgres::Client, name: &str) -> String {
    let rows = client.simple_query(&format!("SHOW {name}")).unwrap();
    let value = rows.iter().find_map(|row| {
        let postgres::SimpleQueryMessage::Row(row) = row else { return None };
        row.get(0).map(str::to_owned)
    });
    value.unwrap()
}

#[test]
fn a_transaction_pooler_is_refused_and_left_as_it_was() {
    for pool_size in [1, 20] {
        let Some(pooler) = Pooler::start(&format!("pool_mode = transaction\ndefault_pool_size = {pool_size}")) else {
            return;
        };
        let db = table(&format!("pooler_transaction_{pool_size}"));
        for _ in 0..3 {
            let begun = Run::begin(&connector(&pooler.url(&db)), Duration::ZERO, &Interrupt::new());
            assert!(matches!(begun, Err(BeginError::Pooler(_))), "{begun:?}");
        }
        let locks = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";
        assert_eq!(db.client().query_one(locks, &[]).unwrap().get::<_, i64>(0), 0, "no run lock is left behind");
        Run::begin(&connector(db.url()), Duration::ZERO, &Interrupt::new()).expect("a run without the pooler");
        // An application that gets the same backend finds its own settings.
        let mut application = postgres::Client::connect(&pooler.url(&db), postgres::NoTls).unwrap();
        assert_eq!(shown(&mut application, "search_path"), "\"$user\", public");
        assert_eq!(shown(&mut application, "row_security"), "on");
    }
}

#[test]
fn planning_through_a_transaction_pooler_leaves_its_sessions_as_they_were() {
    let Some(pooler) = Pooler::start("pool_mode = transaction\ndefault_pool_size = 1") else { return };
    let db = table("pooler_plan");
    let folder = tempfile::tempdir().unwrap();
    let policy = folder.path().join("pgstrata.yaml");
    std::fs::write(&policy, POLICY).unwrap();
    pgstrata().args(["drift", "-q", "--url", &pooler.url(&db), "-p"]).arg(&policy).assert().code(2);
    pgstrata().args(["plan", "-q", "--url", &pooler.url(&db), "-p"]).arg(&policy).assert().success();
    let mut application = postgres::Client::connect(&pooler.url(&db), postgres::NoTls).unwrap();
    assert_eq!(shown(&mut application, "search_path"), "\"$user\", public");
    assert_eq!(shown(&mut application, "row_security"), "on");
}

#[test]
fn a_session_pooler_is_as_good_as_none() {
    let Some(pooler) = Pooler::start("pool_mode = session") else { return };
    let db = table("pooler_session");
    let outcome = apply_now(&pooler.url(&db), &desired(POLICY), None, &grant_all(), &mut Silent);
    assert_eq!(outcome.ended, Ended::Complete);
    assert!(outcome.results.len() == 3 && outcome.results.iter().all(|(_, result)| result.is_done()));
    assert!(outcome.remains.is_some_and(|plan| plan.is_empty()));
}
