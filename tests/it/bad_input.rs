//! Bad input through the binary: the exit code, the object by name, the place in the policy, and what to do next.
//! Plan files and servers that are no use are among the exit codes, in `exits`.

use std::fs;
use std::time::{Duration, Instant};

use crate::exits::{managed, policy, table};
use crate::support::pgstrata;
use crate::support::place::{Place, ran};

/// Everything is refused by each command before a server is looked for.
#[test]
fn a_bad_policy_is_78_with_its_place_and_what_to_write() {
    let events = |rest: &str| policy("", &[managed("events", rest)]).into_bytes();
    let partition = |rest: &str| format!("version: 1\ntables:\n  app.events:\n    partition:\n{rest}").into_bytes();
    let cases: Vec<(&str, Vec<u8>, &str, &[&str])> = vec![
        ("empty", Vec::new(), "bad.yaml:1:1", &["help: "]),
        ("only a comment", b"# later\n".to_vec(), "bad.yaml:1:", &["help: "]),
        ("brackets", "[".repeat(1 << 20).into_bytes(), "bad.yaml:1:", &["nested deeper than 32 levels"]),
        ("not UTF-8", b"version: 1\n# caf\xe9\n".to_vec(), "bad.yaml:2:6", &["byte 16 is not UTF-8"]),
        ("unknown version", b"version: 2\ntables: {}\n".to_vec(), "bad.yaml:1:10", &["`2`", "version: 1"]),
        (
            "duplicate table",
            policy("", &[managed("events", ""), managed("EVENTS", "")]).into_bytes(),
            "bad.yaml:5:3",
            &["`app.events` is here twice", "first here"],
        ),
        ("duplicate key", partition("      key: at\n      key: on\n"), "bad.yaml:6:7", &["key"]),
        ("unknown key", events("    retension: {keep: 1 year}\n"), "bad.yaml:5:5", &["did you mean `retention`?"]),
        (
            "minutes or months",
            events("    retention: {keep: 3m}\n"),
            "bad.yaml:5:23",
            &["did you mean `3 months` or `3min`?"],
        ),
        (
            "shorter than the interval",
            events("    retention: {keep: 12 hours}\n"),
            "bad.yaml:5:23",
            &["12 hours", "interval: 1 day"],
        ),
    ];
    let folder = tempfile::tempdir().unwrap();
    let nowhere = "postgresql://127.0.0.1:1/nowhere";
    for (name, bytes, place, says) in cases {
        fs::write(folder.path().join("bad.yaml"), &bytes).unwrap();
        for args in [&["validate"][..], &["plan", "--url", nowhere], &["drift", "--url", nowhere]] {
            let start = Instant::now();
            let mut command = pgstrata();
            let refused = ran(command.current_dir(&folder).args(args).args(["-p", "bad.yaml"]), 78);
            assert_eq!(refused.stdout, "", "{name}");
            assert!(start.elapsed() < Duration::from_secs(25), "{name}: {:?}", start.elapsed());
            assert!(refused.stderr.contains(place), "{name}: {place} is not in\n{}", refused.stderr);
            for said in says {
                assert!(refused.stderr.contains(said), "{name}: {said} is not in\n{}", refused.stderr);
            }
            assert!(refused.stderr.contains("pgstrata: error: the policy is invalid"), "{name}: {}", refused.stderr);
            assert!(refused.stderr.len() < 8_000, "{name}: an excerpt, not the file");
        }
    }
    for args in [&["validate"][..], &["plan"], &["drift"], &["apply", "--auto-approve"]] {
        let missing = ran(pgstrata().current_dir(&folder).args(args), 78);
        assert!(missing.stderr.contains("there is no policy pgstrata.yaml"), "{}", missing.stderr);
        assert!(missing.stderr.contains("hint: name it with --policy PATH"), "{}", missing.stderr);
    }
}

const UNFIT: [(&str, &str, &str); 8] = [
    ("missing", "", "there is no such table"),
    ("plain", "CREATE TABLE app.plain (at timestamptz);", "a plain table"),
    ("seen", "CREATE VIEW app.seen AS SELECT now() AS at;", "a view"),
    ("list", "CREATE TABLE app.list (at date) PARTITION BY LIST (at);", "partitioned by LIST"),
    ("hash", "CREATE TABLE app.hash (at date) PARTITION BY HASH (at);", "partitioned by HASH"),
    (
        "expression",
        "CREATE TABLE app.expression (at timestamp) PARTITION BY RANGE (date_trunc('day', at));",
        "partitioned by an expression",
    ),
    ("two", "CREATE TABLE app.two (at date, id int) PARTITION BY RANGE (at, id);", "partitioned by 2 columns"),
    ("other_key", "CREATE TABLE app.other_key (day date) PARTITION BY RANGE (day);", "partitioned by day"),
];

#[test]
fn a_table_that_cannot_be_managed_is_1_by_name_with_a_hint() {
    let tables: String = std::iter::once(table("events", 0)).chain(UNFIT.map(|(_, sql, _)| sql.to_owned())).collect();
    let mut policies: Vec<String> = UNFIT.iter().map(|(name, _, _)| managed(name, "")).collect();
    policies.push(managed("events", ""));
    let place = Place::new("bad_tables", &tables, &policy("", &policies));
    let plan = place.shows(&["plan"], 1);
    assert_eq!(plan.json["summary"]["create"], 3, "the one that is fit goes on");
    for (name, _, because) in UNFIT {
        let findings = plan.json["findings"].as_array().unwrap();
        let of: Vec<_> = findings.iter().filter(|finding| finding["table"] == format!("app.{name}")).collect();
        assert_eq!(of.len(), 1, "{name}: {of:?}");
        assert!(of[0]["message"].as_str().unwrap().contains(because), "{}", of[0]);
        assert!(of[0]["hint"].is_string() && of[0]["level"] == "error", "{}", of[0]);
        for text in [&plan.human, &plan.markdown] {
            assert!(text.contains(&format!("app.{name}")) && text.contains(because), "{name}: {text}");
        }
        // Alone it is no better.
        place.run(&["drift", "--table", &format!("app.{name}")], 1);
    }
}

#[test]
fn unbounded_partitions_are_named_and_stay() {
    let place = Place::new(
        "bad_bounds",
        "CREATE SCHEMA app;
         CREATE TABLE app.events (at timestamptz NOT NULL) PARTITION BY RANGE (at);
         CREATE TABLE app.past PARTITION OF app.events FOR VALUES FROM ('-infinity') TO ('2001-01-01 00:00+00');
         CREATE TABLE app.old PARTITION OF app.events FOR VALUES FROM ('2001-01-01 00:00+00') TO ('2001-01-02 00:00+00');
         CREATE TABLE app.future PARTITION OF app.events FOR VALUES FROM ('2100-01-01 00:00+00') TO ('infinity');
         CREATE TABLE app.lines (at timestamptz NOT NULL) PARTITION BY RANGE (at);
         CREATE TABLE app.all_of_it PARTITION OF app.lines FOR VALUES FROM (MINVALUE) TO (MAXVALUE);",
        &policy("", &["events", "lines"].map(|name| managed(name, "    retention: {keep: 2 days}\n"))),
    );
    let plan = place.shows(&["plan"], 0);
    let unbounded: Vec<&str> = plan.json["findings"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|finding| finding["code"] == "UNBOUNDED")
        .map(|finding| finding["object"].as_str().unwrap())
        .collect();
    assert_eq!(unbounded, ["app.future", "app.past", "app.all_of_it"]);
    let removed: Vec<&str> = plan.json["steps"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|step| step["id"].as_str().unwrap().strip_prefix("detach "))
        .collect();
    assert_eq!(removed, ["app.old"]);
    // A partition without an upper end takes the wanted windows: all the rest is done, and that is no match.
    place.run(&["apply", "--auto-approve"], 3);
}

#[test]
fn a_privilege_that_is_missing_is_named_with_its_grant() {
    let place = Place::new(
        "bad_privilege",
        &table("events", 0),
        &policy("", &[managed("events", "    inherit_privileges: true\n")]),
    );
    place.db.batch("CREATE ROLE bad_owner; CREATE ROLE bad_low LOGIN; ALTER TABLE app.events OWNER TO bad_owner");
    place.db.batch("ALTER TABLE app.events_0 OWNER TO bad_owner");
    let low = place.db.url().replace("user=postgres", "user=bad_low");
    let refused = place.refuses(&["apply", "--auto-approve", "--url", &low], 3);
    for said in [
        "app.events: bad_low may not SET ROLE bad_owner, which owns it",
        "hint: GRANT bad_owner TO bad_low",
        "app.events: its owner bad_owner may not create tables in schema app",
        "hint: GRANT CREATE ON SCHEMA app TO bad_owner;",
        "Nothing ran.",
    ] {
        assert!(refused.contains(said), "{said} is not in\n{refused}");
    }
    // Doing what it says helps.
    place.db.batch("GRANT bad_owner TO bad_low; GRANT CREATE, USAGE ON SCHEMA app TO bad_owner");
    place.run(&["apply", "--auto-approve", "--url", &low], 0);
    // A partition of somebody else's is no reason to do nothing.
    place.db.batch("ALTER TABLE app.events_0 OWNER TO postgres");
    place.db.batch(
        "DO $$ BEGIN EXECUTE 'DROP TABLE ' || (SELECT max(inhrelid::regclass::text) FROM pg_inherits \
         WHERE inhparent = 'app.events'::regclass); END $$",
    );
    let blocked = place.run(&["apply", "--auto-approve", "--url", &low], 3);
    for said in ["1 created", "bad_low may not SET ROLE postgres, which owns it and is a superuser"] {
        assert!(blocked.stdout.contains(said), "{said} is not in\n{}", blocked.stdout);
    }
}
