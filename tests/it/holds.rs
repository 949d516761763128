//! `pgstrata hold` and `unhold`: the line in a table's comment, whatever else stands there.

use pgstrata::apply::{HoldError, change_hold, find_holdable};
use pgstrata::catalog::Target;
use pgstrata::db::{Connector, Env, resolve};
use pgstrata::sql::HoldChange;

use crate::exits::{DROPS, managed, policy, table};
use crate::support::place::{Place, until};
use crate::support::server;

fn comment(place: &Place, name: &str) -> Option<String> {
    let sql = format!("SELECT obj_description('{name}'::regclass, 'pg_class')");
    place.db.client().query_one(&sql, &[]).unwrap().get(0)
}

/// One partition is detached by us, and its drop is due and not granted.
fn place(name: &str) -> Place {
    let place = Place::new(name, &table("events", 3), &policy("", &[managed("events", DROPS)]));
    place.run(&["apply", "--auto-approve"], 3);
    place
}

/// A table that was detached by us: its comment carries the marker.
fn detached(place: &Place) -> String {
    let sql =
        "SELECT c.oid::regclass::text FROM pg_class c JOIN pg_description d ON d.objoid = c.oid AND d.objsubid = 0
               WHERE d.description LIKE '%pgstrata: retired %' ORDER BY 1 LIMIT 1";
    place.db.client().query_one(sql, &[]).unwrap().get(0)
}

#[test]
fn a_hold_keeps_marker_and_text_and_the_table_stays() {
    let place = place("holds_marker");
    let name = detached(&place);
    let before = comment(&place, &name).unwrap();
    let said = place.run(&["hold", &name, "--reason", "matter 4711", "--journal", "j.jsonl"], 0).stdout;
    assert!(said.contains(&format!("{name} is held: pgstrata: hold matter 4711")), "{said}");
    assert_eq!(comment(&place, &name).unwrap(), format!("{before}\npgstrata: hold matter 4711"));
    // Once more changes nothing; another reason is another line.
    assert!(place.run(&["hold", &name, "--reason", "matter 4711"], 0).stdout.contains("is held already"));
    place.run(&["hold", &name, "--reason", "matter 4712"], 0);
    assert_eq!(
        comment(&place, &name).unwrap(),
        format!("{before}\npgstrata: hold matter 4711\npgstrata: hold matter 4712")
    );
    place.run(&["apply", "--auto-approve", "--allow", "deletes-data"], 0);
    assert!(comment(&place, &name).is_some(), "it is still there, with its marker");

    // Without approval nothing happens; with it, what follows is shown first.
    place.run(&["unhold", &name], 64);
    assert!(comment(&place, &name).unwrap().contains("hold"));
    let shown =
        place.run(&["unhold", &name, "--auto-approve", "--reason", "settled", "--journal", "j.jsonl"], 0).stdout;
    assert!(shown.contains("matter 4712") && shown.contains("drop"), "{shown}");
    assert_eq!(comment(&place, &name).unwrap(), before);
    assert!(place.run(&["unhold", &name, "--auto-approve"], 0).stdout.contains("has no line `pgstrata: hold`"));
    let journal = place.read("j.jsonl");
    let actions: Vec<(String, String)> = journal
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap())
        .map(|line| (line["event"].as_str().unwrap().to_owned(), line["action"].as_str().unwrap().to_owned()))
        .collect();
    let pair = |action: &str| [("before".to_owned(), action.to_owned()), ("after".to_owned(), action.to_owned())];
    assert_eq!(actions, [pair("hold"), pair("unhold")].concat());
    place.run(&["apply", "--auto-approve", "--allow", "deletes-data"], 0);
    assert!(place.db.client().query_one("SELECT to_regclass($1)::text IS NULL", &[&name]).unwrap().get::<_, bool>(0));
}

#[test]
fn a_root_is_held_whole_and_its_comment_stays() {
    let place = place("holds_root");
    place.db.batch("COMMENT ON TABLE app.events IS E'what happened\nby the minute'");
    place.run(&["hold", "events", "--reason", "audit"], 0);
    assert_eq!(comment(&place, "app.events").unwrap(), "what happened\nby the minute\npgstrata: hold audit");
    let shown = place.run(&["unhold", "app.events", "--auto-approve"], 0).stdout;
    assert!(shown.contains("due now"), "{shown}");
    assert_eq!(comment(&place, "app.events").unwrap(), "what happened\nby the minute");
}

#[test]
fn what_is_not_there_or_not_ones_own_is_1_and_says_what_to_do() {
    let place = place("holds_refused");
    let missing = place.run(&["hold", "app.evnets", "--reason", "x"], 1).stderr;
    assert!(
        missing.contains("there is no table app.evnets") && missing.contains("did you mean app.events?"),
        "{missing}"
    );
    place.run(&["hold", "app.events", "--reason", "two\nlines"], 64);
    place.db.batch(
        "DO $$ BEGIN CREATE ROLE holds_stranger LOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END $$;
         GRANT USAGE ON SCHEMA app TO holds_stranger;",
    );
    let url = place.db.url().replace(&format!("user={}", server().superuser()), "user=holds_stranger");
    // Nobody is told to make a superuser of somebody.
    let stranger = place.run(&["hold", "app.events", "--reason", "x", "--url", &url], 1).stderr;
    assert!(stranger.contains("holds_stranger may not SET ROLE") && !stranger.contains("GRANT "), "{stranger}");
    for args in [&["hold", "app.events_pkey_not", "--reason", "x"][..], &["unhold", "nothing", "--auto-approve"]] {
        place.run(args, 1);
    }
    place
        .db
        .batch("CREATE VIEW app.looks AS SELECT FROM app.events; CREATE SCHEMA other; CREATE TABLE other.events ()");
    let view = place.run(&["hold", "app.looks", "--reason", "x"], 1).stderr;
    assert!(view.contains("app.looks is neither a table nor a partition"), "{view}");
    let two = place.run(&["hold", "events", "--reason", "x"], 1).stderr;
    assert!(two.contains("events is ambiguous: app.events, other.events"), "{two}");
    assert_eq!(comment(&place, "app.events"), None);
}

#[test]
fn a_hold_of_the_policy_keeps_a_line_from_being_lifted() {
    let place = place("holds_policy");
    let name = detached(&place);
    let holds = "holds: {matter-1: {tables: [app.events], reason: discovery}}\n";
    place.write("pgstrata.yaml", &policy(holds, &[managed("events", DROPS)]));
    for name in [name.as_str(), "app.events"] {
        // What was held before goes on being held.
        place.run(&["hold", name, "--reason", "x"], 0);
        let refused = place.run(&["unhold", name, "--auto-approve"], 1).stderr;
        assert!(refused.contains("held by the policy as well: `matter-1`"), "{refused}");
        assert!(comment(&place, name).unwrap().contains("pgstrata: hold x"));
    }
}

/// Under another name the table's root is none of the policy's: whether a hold of it covers the table cannot be told.
#[test]
fn a_hold_of_the_policy_counts_although_its_table_was_renamed() {
    let place = place("holds_renamed");
    let name = detached(&place);
    place.run(&["hold", &name, "--reason", "x"], 0);
    place.db.batch("ALTER TABLE app.events RENAME TO journal");
    let of = |holds: &str| policy(holds, &[managed("events", DROPS)]);
    place.write(
        "pgstrata.yaml",
        &of("holds: {matter-1: {tables: [app.events], from: 2000-01-01, reason: discovery}}\n"),
    );
    let refused = place.run(&["unhold", &name, "--auto-approve"], 1).stderr;
    assert!(refused.contains("by `matter-1`, cannot be told"), "{refused}");
    assert!(comment(&place, &name).unwrap().contains("pgstrata: hold x"));
    place.write("pgstrata.yaml", &of(""));
    place.run(&["unhold", &name, "--auto-approve"], 0);
}

#[test]
fn a_hold_needs_no_policy_and_a_name_may_be_anything() {
    let place = place("holds_names");
    place.db.batch(
        r#"CREATE TABLE app."Odd ""t"" $pgstrata$" (); COMMENT ON TABLE app."Odd ""t"" $pgstrata$" IS E'it''s\\\n%s'"#,
    );
    std::fs::remove_file(place.path("pgstrata.yaml")).unwrap();
    let name = r#"app."Odd ""t"" $pgstrata$""#;
    let said = place.run(&["hold", name, "--reason", "it's %L $pgstrata$ \\ é"], 0);
    assert!(said.stderr.contains("is no partition and has none"), "{}", said.stderr);
    assert_eq!(comment(&place, name).unwrap(), "it's\\\n%s\npgstrata: hold it's %L $pgstrata$ \\ é");
    place.run(&["unhold", name, "--auto-approve"], 78);
    place.write("pgstrata.yaml", &policy("", &[managed("events", "")]));
    let lifted = place.run(&["unhold", name, "--auto-approve"], 0).stdout;
    assert!(lifted.contains("no plan removes it"), "{lifted}");
    assert_eq!(comment(&place, name).unwrap(), "it's\\\n%s");
}

/// A lock on the table keeps a hold waiting, and only for a while: it is told who holds it, and may be run again.
#[test]
fn what_is_locked_is_5_and_names_who() {
    let place = place("holds_locked");
    let mut other = place.db.client();
    other.batch_execute("BEGIN; LOCK TABLE app.events_1 IN SHARE UPDATE EXCLUSIVE MODE").unwrap();
    let busy = place.run(&["hold", "app.events_1", "--reason", "x"], 5).stderr;
    assert!(busy.contains("in the way now") && busy.contains("run the same command again"), "{busy}");
    other.batch_execute("COMMIT").unwrap();
    place.run(&["hold", "app.events_1", "--reason", "x"], 0);
}

/// While a detach waits for an old transaction somebody sets a hold: the partition stays, whatever the plan says.
#[test]
fn a_hold_that_comes_while_apply_works_is_kept() {
    let place = Place::new("holds_race", &table("events", 3), &policy("", &[managed("events", DROPS)]));
    let mut other = place.db.client();
    other.batch_execute("BEGIN; LOCK TABLE app.events_3 IN ACCESS SHARE MODE").unwrap();
    let apply = place.spawn(&["apply", "--auto-approve", "--allow", "deletes-data"]);
    until("it is marked", || comment(&place, "app.events_3").is_some());
    place.run(&["hold", "app.events_3", "--reason", "just in time"], 0);
    other.batch_execute("COMMIT").unwrap();
    let ended = apply.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&[ended.stdout, ended.stderr].concat()).into_owned();
    assert_eq!(ended.status.code(), Some(0), "{said}");
    assert!(said.contains("held since the plan was made"), "{said}");
    let text = comment(&place, "app.events_3").expect("it is there");
    assert!(text.contains("pgstrata: retired") && text.contains("pgstrata: hold just in time"), "{text}");
    // And is removed once the hold is lifted.
    place.run(&["apply", "--auto-approve", "--allow", "deletes-data"], 0);
    assert!(comment(&place, "app.events_3").is_some());
    place.run(&["unhold", "app.events_3", "--auto-approve"], 0);
    place.run(&["apply", "--auto-approve", "--allow", "deletes-data"], 0);
    let gone: bool = place.db.client().query_one("SELECT to_regclass('app.events_3') IS NULL", &[]).unwrap().get(0);
    assert!(gone);
}

/// Between the question and the answer somebody else sets a hold: that one was not shown, and nothing is lifted.
#[test]
fn a_hold_that_was_not_shown_is_not_lifted() {
    let place = place("holds_unseen");
    place.run(&["hold", "app.events_1", "--reason", "one"], 0);
    let plan: serde_json::Value = serde_json::from_str(&place.run(&["plan", "--format", "json"], 0).stdout).unwrap();
    let target: Target = serde_json::from_value(plan["target"].clone()).unwrap();
    let info = resolve(Some(place.db.url()), &Env::from_map([("HOME", "/")])).unwrap();
    let connector = Connector::new(info, "holds").unwrap();
    let mut session = connector.connect(connector.default_deadline()).unwrap();
    let table = find_holdable(&mut session, "app.events_1").unwrap();
    assert_eq!(table.parent.as_ref().map(ToString::to_string).as_deref(), Some("app.events"));
    let seen: Vec<String> = table.lines().into_iter().map(str::to_owned).collect();
    place.run(&["hold", "app.events_1", "--reason", "two"], 0);
    let refused = change_hold(&mut session, &table, (&HoldChange::Lift { seen }, ""), (&target, None)).unwrap_err();
    assert!(matches!(refused, HoldError::AnotherHold(_)), "{refused}");
    assert_eq!(comment(&place, "app.events_1").unwrap(), "pgstrata: hold one\npgstrata: hold two");
    // Nor is another table's comment changed, which has the name by now.
    place.db.batch("ALTER TABLE app.events_1 RENAME TO was; ALTER TABLE app.events_2 RENAME TO events_1");
    let set = HoldChange::Set { line: "pgstrata: hold three".to_owned() };
    change_hold(&mut session, &table, (&set, ""), (&target, None)).unwrap_err();
    assert_eq!(comment(&place, "app.events_1"), None);
    // Gone is gone.
    place.db.batch("DROP TABLE app.was, app.events_1");
    let gone = change_hold(&mut session, &table, (&set, ""), (&target, None)).unwrap_err();
    assert_eq!(gone.to_string(), "app.events_1 was dropped or renamed meanwhile");
}
