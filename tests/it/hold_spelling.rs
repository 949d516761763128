//! What is clearly meant as a hold is one, however it is spelled, wherever it stands, and however late it comes.

use pgstrata::catalog::{HOLD_REGEX, holds};

use crate::exits::{DROPS, managed, policy, table};
use crate::support::place::Place;

const SPELLINGS: [&str; 8] = [
    "pgstrata: hold",
    "PGSTRATA: HOLD matter-4711",
    "Pgstrata: hold, see the letter",
    "pgstrata:hold",
    "  pgstrata :\t Hold",
    "\tpgstrata:  hold: discovery",
    "what it is\r\npgstrata: Hold\r\nmore",
    "pgstrata hold",
];

const OTHERS: [&str; 6] =
    ["pgstrata: holder", "PGSTRATA: HOLDING", "pgstrata holds these rows", "no pgstrata: hold", "hold", "pgstratahold"];

fn there(place: &Place, table: &str) -> bool {
    place.db.client().query_one("SELECT to_regclass($1)::text IS NOT NULL", &[&table]).unwrap().get(0)
}

fn attached(place: &Place, table: &str) -> bool {
    let sql = "SELECT relispartition FROM pg_class WHERE oid = to_regclass($1)";
    place.db.client().query_one(sql, &[&table]).unwrap().get(0)
}

/// Adds a line to a table's comment, and keeps the rest.
fn comment(place: &Place, table: &str, line: &str) {
    let line = line.replace('\'', "''");
    place.db.batch(&format!(
        "DO $$ BEGIN EXECUTE format('COMMENT ON TABLE {table} IS %L',
             concat_ws(E'\\n', obj_description('{table}'::regclass, 'pg_class'), '{line}')); END $$"
    ));
}

#[test]
fn the_server_and_we_take_the_same_lines_for_holds() {
    let place = Place::new("hold_spellings", &table("events", 1), &policy("", &[managed("events", DROPS)]));
    let mut client = place.db.client();
    for (texts, is_one) in [(&SPELLINGS[..], true), (&OTHERS[..], false)] {
        for text in texts {
            assert_eq!(holds(text), is_one, "{text:?}");
            let found: bool = client.query_one("SELECT $1::text ~ $2::text", &[text, &HOLD_REGEX]).unwrap().get(0);
            assert_eq!(found, is_one, "{text:?} on the server");
        }
    }
}

#[test]
fn a_partition_and_a_detached_table_stay_by_each_of_them() {
    for (n, line) in SPELLINGS.iter().enumerate() {
        let place =
            Place::new(&format!("hold_spelling_{n}"), &table("events", 3), &policy("", &[managed("events", DROPS)]));
        place.run(&["apply", "--auto-approve"], 3);
        let sql = "SELECT d.objoid::regclass::text FROM pg_description d JOIN pg_class c ON c.oid = d.objoid
                   WHERE d.description LIKE '%pgstrata: retired %' AND NOT c.relispartition ORDER BY 1 LIMIT 1";
        let detached: String = place.db.client().query_one(sql, &[]).unwrap().get(0);
        comment(&place, &detached, line);
        place.run(&["apply", "--auto-approve", "--allow", "deletes-data"], 0);
        assert!(there(&place, &detached), "{line:?}");
        // Lifted as any other.
        place.run(&["unhold", &detached, "--auto-approve"], 0);
        place.run(&["apply", "--auto-approve", "--allow", "deletes-data"], 0);
        assert!(!there(&place, &detached), "{line:?}");
    }
}

#[test]
fn a_table_is_held_whole_by_each_of_them() {
    let place = Place::new("hold_spelling_root", &table("events", 3), &policy("", &[managed("events", DROPS)]));
    for line in SPELLINGS {
        place.db.batch("COMMENT ON TABLE app.events IS NULL");
        comment(&place, "app.events", line);
        place.run(&["apply", "--auto-approve", "--allow", "deletes-data"], 0);
        assert!(attached(&place, "app.events_3"), "{line:?}");
    }
    for line in OTHERS {
        place.db.batch("COMMENT ON TABLE app.events IS NULL");
        comment(&place, "app.events", line);
        let plan = place.run(&["plan"], 0).stdout;
        assert!(plan.contains("events_3") && plan.contains("detach"), "{line:?}: {plan}");
    }
}

/// Set between plan and apply, on one of several that leave: that one stays, and the others go.
#[test]
fn a_late_hold_keeps_its_own_partition_alone() {
    for saved in [true, false] {
        let place = Place::new(
            &format!("hold_late_{saved}"),
            &table("events", 5),
            &policy("apply: {jobs: 1}\n", &[managed("events", DROPS)]),
        );
        let allow = ["--auto-approve", "--allow", "deletes-data"];
        let mut leaving: Vec<String> = Vec::new();
        let plan = place.run(&["plan", "--format", "json", "--out", "plan.json"], 0).stdout;
        let plan: serde_json::Value = serde_json::from_str(&plan).unwrap();
        for step in plan["steps"].as_array().unwrap() {
            let id = step["id"].as_str().unwrap();
            leaving.extend(id.strip_prefix("detach ").map(str::to_owned));
        }
        assert!(leaving.len() > 1, "{leaving:?}");
        comment(&place, &leaving[0], "PGSTRATA: HOLD matter-4711");
        let args: Vec<&str> = if saved {
            ["apply", "plan.json"].into_iter().chain(allow).collect()
        } else {
            ["apply"].into_iter().chain(allow).collect()
        };
        let ran = place.run(&args, 0);
        let said = format!("{}{}", ran.stdout, ran.stderr);
        assert!(attached(&place, &leaving[0]), "{said}");
        for gone in &leaving[1..] {
            assert!(!there(&place, gone) || !attached(&place, gone), "{gone}: {said}");
        }
        if saved {
            assert!(said.contains("held since the plan was made"), "{said}");
        }
    }
}
