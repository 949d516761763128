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

/// The owner's current partition, as `trust` has it.
fn house() -> House {
    House::new(&crate::trust::events("timestamptz", "DROP TABLE app.events_old;"))
}

#[test]
fn an_index_that_the_plan_makes_runs_its_owners_code_as_nobody_else() {
    for role in ["deployer", "postgres"] {
        let house = house();
        house.write(&policy(INDEXES));
        house.clear();
        let (code, text) = house.run(role, &["plan", "--out", "plan.json"]);
        assert_eq!(code, 0, "{role}: {text}");
        assert!(text.contains(&format!("app.one(integer) of writer would run as {role}")), "{role}: {text}");
        assert!(text.contains("--allow runs-owners-code:app.events"), "{role}: {text}");
        // Nothing of it is begun, and nothing but it waits.
        for args in [&["apply", "plan.json", "--auto-approve"][..], &["apply", "--auto-approve"]] {
            let (code, text) = house.run(role, args);
            assert_eq!(code, 3, "{role} {args:?}: {text}");
            assert!(text.contains("would run as"), "{role}: {text}");
            assert_eq!(house.indexes(), 0, "{role}: {text}");
            assert_eq!(house.partitions(), 3, "{role}: {text}");
            assert_eq!(house.told(), Vec::<String>::new(), "{role}: {text}");
        }
        let (code, text) = house.run(role, &["drift"]);
        assert_eq!(code, 2, "{role}: {text}");
        // The owner has nothing at stake.
        let (code, text) = house.run("writer", &["apply", "--auto-approve"]);
        assert_eq!(code, 0, "{text}");
        assert_eq!(house.told(), Vec::<String>::new());
    }
}

#[test]
fn with_the_grant_it_is_made_along_with_others_that_call_nothing() {
    let with_plain =
        INDEXES.replace("{events_x", "{events_a: {columns: [id]}, events_z: {columns: [id, at]}, events_x");
    for role in ["deployer", "postgres"] {
        // The grant may come after the plan was saved.
        for saved in [false, true] {
            let house = house();
            house.write(&policy(&with_plain));
            let grant = ["--auto-approve", "--allow", "runs-owners-code:app.events"];
            let file = if saved {
                let (code, text) = house.run(role, &["plan", "--out", "plan.json"]);
                assert_eq!(code, 0, "{role}: {text}");
                vec!["apply", "plan.json"]
            } else {
                vec!["apply"]
            };
            let (code, text) = house.run(role, &[&file[..], &grant[..]].concat());
            assert_eq!(code, 0, "{role} {saved}: {text}");
            assert_eq!(house.indexes(), 4 * 4, "{role} {saved}: {text}");
            let (code, text) = house.run(role, &["drift"]);
            assert_eq!(code, 0, "{role} {saved}: {text}");
        }
    }
}

/// `keeper` is neither the table's owner nor anybody who becomes it; an index is made as the table's owner.
#[test]
fn code_of_a_third_role_runs_not_even_while_the_plan_is_made() {
    for index in [
        "events_x: {columns: [id], where: \"types.ok('2026-01-01')\"}",
        "events_x: {columns: [\"(types.ok('2026-01-01')) desc\", id]}",
        "events_x: {columns: [\"types.ok('2026-01-01'::timestamptz)\"], unique: true, on: partitions}",
    ] {
        for role in ["deployer", "postgres", "writer"] {
            let house = house();
            house.write(&policy(&format!("    indexes: {{{index}}}\n")));
            house.clear();
            let (code, text) = house.run(role, &["plan", "--out", "plan.json"]);
            assert_eq!(code, 0, "{role} {index}: {text}");
            let says = "types.ok(timestamp with time zone) of keeper would run as";
            assert!(text.contains(says), "{role} {index}: {text}");
            for args in [&["apply", "plan.json", "--auto-approve"][..], &["apply", "--auto-approve"]] {
                let (code, text) = house.run(role, args);
                assert_eq!(code, 3, "{role} {index} {args:?}: {text}");
                assert_eq!(house.indexes(), 0, "{role}: {text}");
                assert_eq!(house.partitions(), 3, "{role}: {text}");
                assert_eq!(house.told(), Vec::<String>::new(), "{role} {index} {args:?}: {text}");
            }
            let (code, text) = house.run(role, &["drift"]);
            assert_eq!(code, 2, "{role} {index}: {text}");
            let grant = ["apply", "--auto-approve", "--allow", "runs-owners-code"];
            let (code, text) = house.run(role, &grant);
            assert_eq!(code, 0, "{role} {index}: {text}");
            assert!(house.indexes() >= 3, "{role}: {text}");
        }
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
