//! What README tells people to run by hand is run as it stands there.

use std::fs;
use std::path::Path;

use crate::exits::{managed, policy};
use crate::support::place::Place;

/// The first SQL block behind these words.
fn sql_behind(words: &str) -> String {
    let readme = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md")).unwrap();
    let (_, behind) = readme.split_once(words).expect("the words are in README");
    let (_, block) = behind.split_once("```sql\n").unwrap();
    block.split_once("```").unwrap().0.to_owned()
}

#[test]
fn rows_of_a_default_partition_are_moved_into_a_partition_of_their_own() {
    let keep = "    retention: {keep: 1 year}\n";
    let rest = managed("events", keep).replace("interval: 1 day", "default_partition: allow, interval: 1 month");
    let table = "CREATE SCHEMA app;
        CREATE TABLE app.events (id bigint GENERATED ALWAYS AS IDENTITY, at timestamptz NOT NULL, what text) PARTITION BY RANGE (at);
        CREATE TABLE app.events_default PARTITION OF app.events DEFAULT;
        INSERT INTO app.events (at) SELECT now() FROM generate_series(1, 3);
        INSERT INTO app.events (at) VALUES (now() - interval '3 months')";
    let place = Place::new("recipe_default", table, &policy("", &[rest]));
    let one = |sql: &str| place.db.client().query_one(sql, &[]).unwrap().get::<_, String>(0);
    let applied = place.run(&["apply", "--auto-approve"], 3);
    let said = format!("{}{}", applied.stdout, applied.stderr);
    assert!(
        said.contains("3 rows for app.events_p") && said.contains("README, \"Rows in the default partition\""),
        "{said}"
    );

    let month = |months: u32| {
        one(&format!(
            "SELECT to_char(date_trunc('month', now() AT TIME ZONE 'UTC') + interval '{months} months', 'YYYY-MM-DD')"
        ))
    };
    let (this, next) = (month(0), month(1));
    let recipe = sql_behind("**Rows in the default partition**")
        .replace("events_p20261201", &format!("events_p{}", this.replace('-', "")))
        .replace("2026-12-01", &this)
        .replace("2027-01-01", &next);
    place.db.batch(&recipe);
    assert_eq!(one("SELECT count(*)::text || (SELECT count(*) FROM app.events_default) FROM app.events"), "41");
    place.run(&["apply", "--auto-approve"], 0);
    place.db.batch("INSERT INTO app.events (at) VALUES (now())");
}
