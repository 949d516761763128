//! Facts that stop holding between planning and their unit: the unit checks for itself, changes nothing, and says so.

use pgstrata::apply::{Ended, Event, StepResult};
use pgstrata::db::Interrupt;

use crate::crash_world::{World, batch, connect};
use crate::support::server;
use crate::support::watch::apply_watched;

struct Case {
    /// At the begin of this step …
    at: &'static str,
    /// … somebody does this …
    sql: &'static str,
    /// … the step fails with these words, and nothing it removes is gone.
    says: &'static str,
    /// What is true then: an SQL condition.
    then: &'static str,
}

const HOLD_7: &str = r"DO $$ BEGIN EXECUTE format('COMMENT ON TABLE app.events_7 IS %L', obj_description('app.events_7'::regclass) || E'\npgstrata: hold matter-1'); END $$";

const CASES: [Case; 15] = [
    Case {
        at: "mark app.events_7",
        sql: HOLD_7,
        says: "a comment on app.events_7 or app.events holds it",
        then: "(SELECT relispartition FROM pg_class WHERE oid = 'app.events_7'::regclass)",
    },
    Case {
        at: "mark app.events_7",
        sql: "ALTER TABLE app.events_7 RENAME TO renamed",
        says: "no longer true: app.events_7 is attached",
        then: "(SELECT relispartition AND obj_description(oid) = 'kept words' FROM pg_class WHERE oid = 'app.renamed'::regclass)",
    },
    Case {
        at: "detach app.events_7",
        sql: HOLD_7,
        says: "holds it",
        then: "(SELECT relispartition FROM pg_class WHERE oid = 'app.events_7'::regclass)",
    },
    Case {
        at: "detach app.events_7",
        sql: "COMMENT ON TABLE app.events IS 'pgstrata: hold'",
        says: "holds it",
        then: "(SELECT relispartition FROM pg_class WHERE oid = 'app.events_7'::regclass)",
    },
    Case {
        at: "detach app.events_7",
        sql: "COMMENT ON TABLE app.events_7 IS 'nothing of ours'",
        says: "app.events_7 is marked as retired",
        then: "(SELECT relispartition FROM pg_class WHERE oid = 'app.events_7'::regclass)",
    },
    Case {
        at: "detach app.events_7",
        sql: "CREATE TABLE app.events_rest PARTITION OF app.events DEFAULT",
        says: "app.events has no default partition",
        then: "(SELECT relispartition FROM pg_class WHERE oid = 'app.events_7'::regclass)",
    },
    Case {
        at: "stamp app.events_7",
        sql: HOLD_7,
        says: "app.events_7 is held by its comment",
        then: "obj_description('app.events_7'::regclass) !~ 'detached_at'",
    },
    Case { at: "drop app.events_7", sql: HOLD_7, says: "holds it", then: "(SELECT count(*) = 50 FROM app.events_7)" },
    Case {
        at: "drop app.events_7",
        sql: "COMMENT ON TABLE app.events_7 IS NULL",
        says: "app.events_7 is marked as retired",
        then: "(SELECT count(*) = 50 FROM app.events_7)",
    },
    Case {
        at: "drop app.events_7",
        sql: "DO $$ BEGIN EXECUTE format('ALTER TABLE app.events ATTACH PARTITION app.events_7 FOR VALUES FROM (%L) TO (%L)', app.month(-7), app.month(-6)); END $$",
        says: "app.events_7 is a table of its own",
        then: "(SELECT relispartition FROM pg_class WHERE oid = 'app.events_7'::regclass)",
    },
    Case {
        at: "drop app.events_7",
        sql: "DO $$ DECLARE said text := obj_description('app.events_7'::regclass); BEGIN
                ALTER TABLE app.events_7 RENAME TO elsewhere; CREATE TABLE app.events_7 ();
                EXECUTE format('COMMENT ON TABLE app.events_7 IS %L', said); END $$",
        says: "app.events_7 is a table of its own",
        then: "(SELECT count(*) = 50 FROM app.elsewhere) AND to_regclass('app.events_7') IS NOT NULL",
    },
    Case {
        at: "drop app.events_7",
        sql: "CREATE VIEW app.looks AS SELECT * FROM app.events_7",
        says: "2BP01",
        then: "(SELECT count(*) = 50 FROM app.looks)",
    },
    Case {
        at: "drop app.events_7",
        sql: "CREATE TABLE app.heir () INHERITS (app.events_7)",
        says: "app.events_7 is a table of its own",
        then: "(SELECT count(*) = 50 FROM app.events_7)",
    },
    Case {
        at: "attach app.events_2",
        sql: "DO $$ BEGIN EXECUTE format('CREATE TABLE app.taken PARTITION OF app.events FOR VALUES FROM (%L) TO (%L)', app.month(-2) + interval '1 day', app.month(-1)); END $$",
        says: "would overlap",
        then: "(SELECT NOT relispartition FROM pg_class WHERE oid = 'app.events_2'::regclass) AND obj_description('app.events_2'::regclass) ~ 'retired'",
    },
    Case {
        at: "attach app.events_2",
        sql: "COMMENT ON TABLE app.events_2 IS NULL",
        says: "app.events_2 is marked as retired",
        then: "(SELECT NOT relispartition FROM pg_class WHERE oid = 'app.events_2'::regclass)",
    },
];

#[test]
fn a_fact_that_no_longer_holds_stops_its_step_and_what_needs_it() {
    let world = World::new(server(), "facts");
    for (n, case) in CASES.iter().enumerate() {
        let Case { at, sql, says, then } = case;
        let database = world.copy(&format!("facts_{n}"));
        let mut created = 0;
        let outcome = apply_watched(&server().url(&database), &world.policy, &Interrupt::new(), None, |event| {
            if let Event::Began { step } = event {
                created += u32::from(step.action.word() == "create");
                if step.id.0 == *at {
                    batch(server(), &database, sql);
                }
            }
        });
        let (_, result) = outcome.results.iter().find(|(id, _)| id.0 == *at).unwrap();
        // What is held stays, and is no failure.
        let is_held = sql.contains("pgstrata: hold");
        let error = if is_held {
            let StepResult::Superseded { because, wanted: false } = result else { panic!("{at}, {sql}: {result:?}") };
            because
        } else {
            let StepResult::Failed { error, lock_spent: false } = result else { panic!("{at}, {sql}: {result:?}") };
            error
        };
        assert!(error.contains(says), "{at}, {sql}: {error}");
        let holds: bool = connect(server(), &database).query_one(&format!("SELECT {then}"), &[]).unwrap().get(0);
        assert!(holds, "{at}, {sql}: {then}");
        let failed = usize::from(!is_held);
        assert_eq!((outcome.failed(), outcome.ended), (failed, Ended::Complete), "{:?}", outcome.results);
        assert_eq!(created, 3, "creations go on");
        // The other table is none of its business.
        let strict = outcome.results.iter().filter(|(id, _)| id.0.contains("app.strict"));
        assert!(strict.into_iter().all(|(_, result)| result.is_done()), "{:?}", outcome.results);
        world.drop(&database);
    }
}

#[test]
fn a_creation_that_somebody_else_was_quicker_with_changes_nothing() {
    let world = World::new(server(), "quicker");
    for (n, (sql, says)) in [
        ("CREATE SEQUENCE $NAME", "no relation is called $NAME"),
        (
            "DO $$ BEGIN EXECUTE format('CREATE TABLE app.quick PARTITION OF app.events FOR VALUES FROM (%L) TO (%L)', app.month(2), app.month(2) + interval '3 days'); END $$",
            "would overlap",
        ),
    ]
    .iter()
    .enumerate()
    {
        let database = world.copy(&format!("quicker_{n}"));
        let mut name = None;
        let outcome = apply_watched(&server().url(&database), &world.policy, &Interrupt::new(), None, |event| {
            if let Event::Began { step } = event
                && name.is_none()
            {
                name = Some(step.action.object().to_string());
                batch(server(), &database, &sql.replace("$NAME", name.as_deref().unwrap()));
            }
        });
        let name = name.unwrap();
        let (_, StepResult::Failed { error, lock_spent: false }) = &outcome.results[0] else {
            panic!("{:?}", outcome.results[0])
        };
        assert!(error.contains(&says.replace("$NAME", &name)), "{error}");
        let table = "SELECT count(*) FROM pg_class WHERE relkind = 'r' AND oid = to_regclass($1)";
        let made: i64 = connect(server(), &database).query_one(table, &[&name]).unwrap().get(0);
        assert_eq!(made, 0, "nothing is left behind");
        // A rerun takes another name, or finds the window covered but for a bridge.
        let again = apply_watched(&server().url(&database), &world.policy, &Interrupt::new(), None, |_| {});
        assert!(again.results.iter().all(|(_, result)| result.is_done()), "{:?}", again.results);
        assert!(again.remains.is_some_and(|plan| plan.is_empty()));
        world.drop(&database);
    }
}
