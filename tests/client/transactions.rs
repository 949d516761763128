//! Transactions: what is committed, tried again, or not known.

use std::panic::AssertUnwindSafe;
use std::sync::Barrier;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;

use pgstrata::client::{Error, PoolOptions, Query, TxOptions};

use crate::support::{client, int, observer};

fn table(name: &str) {
    observer().batch_execute(&format!("CREATE TABLE {name} (id int PRIMARY KEY, n int NOT NULL)")).unwrap();
}

fn all(name: &str) -> Vec<(i32, i32)> {
    let rows = observer().query(&format!("SELECT id, n FROM {name} ORDER BY id"), &[]).unwrap();
    rows.iter().map(|row| (row.get(0), row.get(1))).collect()
}

#[test]
fn what_gives_ok_is_committed_and_nothing_else() {
    table("tx_ends");
    let db = client("tx_ends", PoolOptions { max: 1, ..PoolOptions::default() });
    let insert = |id: i32| Query::new("INSERT INTO tx_ends VALUES ($1, 0)").bind(id);
    let options = TxOptions::default();
    assert_eq!(db.transaction(&options, |tx| tx.execute(&insert(1))).unwrap(), 1);
    let own = db.transaction(&options, |tx| {
        tx.execute(&insert(2))?;
        Err::<(), _>(Error::other("no"))
    });
    assert_eq!(own.unwrap_err().to_string(), "no");
    let failed = db.transaction(&options, |tx| {
        tx.execute(&insert(3))?;
        tx.execute(&insert(1))
    });
    assert_eq!(failed.unwrap_err().sqlstate(), Some("23505"));
    // An error that the closure passes over: the server has given the transaction up, and COMMIT alone would not say so.
    let passed_over = db.transaction(&options, |tx| {
        tx.execute(&insert(4))?;
        drop(tx.execute(&insert(1)));
        Ok(())
    });
    assert_eq!(passed_over.unwrap_err().sqlstate(), Some("25P02"));
    let panicked = std::panic::catch_unwind(AssertUnwindSafe(|| {
        db.transaction(&options, |tx| {
            tx.execute(&insert(5))?;
            if tx.query_one(&Query::new("SELECT 1"), int)? == 1 {
                panic!("on purpose");
            }
            Ok(())
        })
    }));
    assert!(panicked.is_err());
    assert_eq!(db.transaction(&options, |tx| tx.execute(&insert(6))).unwrap(), 1);
    assert_eq!(all("tx_ends"), [(1, 0), (6, 0)]);
    assert_eq!(db.stats().opened, 1, "one session saw all of it");
    let refused = db.transaction(&options.read_only(), |tx| tx.execute(&insert(7)));
    assert_eq!(refused.unwrap_err().sqlstate(), Some("25006"));
}

#[test]
fn serialization_failures_are_tried_again_as_often_as_wanted() {
    table("tx_serial");
    observer().batch_execute("INSERT INTO tx_serial VALUES (1, 0), (2, 0)").unwrap();
    let db = client("tx_serial", PoolOptions { max: 2, ..PoolOptions::default() });
    let (both, tries) = (Barrier::new(2), AtomicU32::new(0));
    // Each reads what the other writes: one of two must fail, and succeeds the second time.
    let swap = |own: i32, options: TxOptions| {
        let mut first = true;
        db.transaction(&options, |tx| {
            tries.fetch_add(1, Ordering::SeqCst);
            let sum = tx.query_one(&Query::new("SELECT sum(n)::int FROM tx_serial"), int)?;
            if std::mem::take(&mut first) {
                both.wait();
            }
            tx.execute(&Query::new("UPDATE tx_serial SET n = $2 WHERE id = $1").bind(own).bind(sum + own))
        })
    };
    let run = |retries: u32| {
        let options = TxOptions::serializable().retries(retries);
        thread::scope(|scope| {
            let one = scope.spawn(|| swap(1, options.clone()));
            let two = scope.spawn(|| swap(2, options.clone()));
            [one.join().unwrap(), two.join().unwrap()]
        })
    };
    assert!(run(5).iter().all(Result::is_ok));
    assert_eq!((tries.load(Ordering::SeqCst), db.stats().retried), (3, 1));
    let failed: Vec<_> = run(0).into_iter().filter_map(Result::err).collect();
    assert_eq!(failed.iter().map(Error::sqlstate).collect::<Vec<_>>(), [Some("40001")]);
}
