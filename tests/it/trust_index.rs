//! Code that the policy itself hangs on a table, by an index that it names: whose it is shows once the index is there.

use crate::trust::House;

const INDEXES: &str =
    "    indexes: {events_x: {columns: [id], where: 'id > app.one(1)'}, events_y: {columns: ['(id + app.one(2))']}}\n";
const PLAIN: &str = "    indexes: {events_x: {columns: [id], where: 'id > 1'}, events_y: {columns: [id]}}\n";

fn policy(indexes: &str) -> String {
    format!(
        "version: 1\ntables:\n  app.events:\n    partition: {{key: at, interval: 1 month, timezone: UTC, premake: 2}}\n{indexes}"
    )
}

/// The owner's two partitions, as `trust` has them.
fn house() -> House {
    House::new(&crate::trust::events("timestamptz", ""))
}

#[test]
fn an_index_that_the_plan_makes_runs_its_owners_code_as_nobody_else() {
    for role in ["deployer", "postgres"] {
        let house = house();
        house.write(&policy(INDEXES));
        house.clear();
        // The first apply finds out at the latest when it attaches; nothing of it has run by then.
        for _ in 0..2 {
            let (code, text) = house.run(role, &["apply", "--auto-approve"]);
            assert_ne!(code, 0, "{role}: {text}");
            assert!(text.contains("would run as"), "{role}: {text}");
            assert_eq!(house.told(), Vec::<String>::new(), "{role}: {text}");
        }
        let (code, text) = house.run(role, &["drift"]);
        assert_ne!(code, 0, "{role}: {text}");
        // The owner has nothing at stake.
        let (code, text) = house.run("writer", &["apply", "--auto-approve", "--allow", "drops-index"]);
        assert_eq!(code, 0, "{text}");
        assert_eq!(house.told(), Vec::<String>::new());
    }
}

#[test]
fn nor_does_one_that_takes_anothers_place() {
    let house = house();
    house.write(&policy(PLAIN));
    let (code, text) = house.run("deployer", &["apply", "--auto-approve"]);
    assert_eq!(code, 0, "{text}");
    house.write(&policy(INDEXES));
    house.clear();
    for role in ["deployer", "postgres"] {
        let (code, text) = house.run(role, &["apply", "--auto-approve", "--allow", "drops-index"]);
        assert_ne!(code, 0, "{role}: {text}");
        assert_eq!(house.told(), Vec::<String>::new(), "{role}: {text}");
    }
}
