//! Commands that are printed to be pasted: in a shell they are of the same database and policy, or nothing.

use std::process::Output;

use crate::exits::{DROPS, managed, policy, table};
use crate::support::place::{Place, Ran, ran, said};

/// The policy is in `own it.yaml`, beside one that would lead elsewhere; `DATABASE_URL` is another database's.
fn place(name: &str) -> Place {
    let place = Place::new(name, &table("events", 3), &policy("", &[managed("elsewhere", "")]));
    place.write("own it.yaml", &policy("", &[managed("events", DROPS)]));
    place
}

/// Runs without a variable that names the database: `--url` does.
fn run(place: &Place, args: &[&str], code: i32) -> Ran {
    let mut command = place.command(args);
    ran(command.env_remove("PGSTRATA_URL").env("DATABASE_URL", "postgresql://127.0.0.1:1/other"), code)
}

/// A line as it stands, in a shell.
fn paste(place: &Place, line: &str, env: &[(&str, &str)]) -> Output {
    let binary = std::path::Path::new(env!("CARGO_BIN_EXE_pgstrata")).parent().unwrap();
    let mut shell = assert_cmd::Command::new("sh");
    shell.env_clear().env("PATH", format!("{}:/usr/bin:/bin", binary.display())).env("HOME", place.path(""));
    shell.env("DATABASE_URL", "postgresql://127.0.0.1:1/other").envs(env.iter().copied());
    shell.current_dir(place.path("")).args(["-c", line]).output().unwrap()
}

fn pasted(place: &Place, line: &str, code: i32) -> Ran {
    said(paste(place, line, &[]), code, line)
}

/// What follows these words, to the end of the line.
fn after<'a>(text: &'a str, words: &str) -> &'a str {
    let (_, rest) = text.split_once(words).unwrap_or_else(|| panic!("`{words}` in {text}"));
    rest.lines().next().unwrap().trim()
}

#[test]
fn a_story_says_which_database_its_drop_is_for() {
    let place = place("pasted_explain");
    let url = place.db.url().to_owned();
    let explain = ["explain", "app.events", "-p", "own it.yaml", "--url", &url];
    let told = run(&place, &explain, 0).stdout;
    let command = after(&told, "  run  ");
    assert!(command.contains("--allow deletes-data:app.events"), "{command}");
    let json: serde_json::Value =
        serde_json::from_str(&run(&place, &[&explain[..], &["--format", "json"]].concat(), 0).stdout).unwrap();
    assert_eq!(json["command"], command);
    // It asks, and says how to go on: by a flag, or by review.
    let unasked = pasted(&place, command, 64).stderr;
    let [flag, plan, apply] =
        ["approve by a flag: ", "or by review: ", "and then: "].map(|words| after(&unasked, words).to_owned());
    pasted(&place, &plan, 0);
    let saved = pasted(&place, "pgstrata show plan.json --format json", 0).stdout;
    let saved: serde_json::Value = serde_json::from_str(&saved).unwrap();
    assert_eq!(saved["target"]["database"], place.db.name(), "{saved}");
    pasted(&place, &apply, 0);
    assert!(pasted(&place, &flag, 0).stdout.contains("matches"), "{flag}");
    let gone = "SELECT to_regclass('app.events_3') IS NULL";
    assert!(place.db.client().query_one(gone, &[]).unwrap().get::<_, bool>(0));
}

#[test]
fn a_password_is_left_out_and_a_missing_variable_is_no_other_database() {
    let place = place("pasted_password");
    let url = format!("{}&password=hunter2", place.db.url());
    let told = run(&place, &["explain", "app.events", "-p", "own it.yaml", "--url", &url], 0);
    let command = after(&told.stdout, "  run  ");
    assert!(command.ends_with(" --url \"$PGSTRATA_URL\"") && !told.stdout.contains("hunter2"), "{command}");
    assert!(told.stderr.contains("set PGSTRATA_URL to the URL first"), "{}", told.stderr);
    let line = format!("{command} --auto-approve");
    // Not set: nothing is connected to.
    assert_eq!(paste(&place, &line, &[]).status.code(), Some(64));
    said(paste(&place, &line, &[("PGSTRATA_URL", &url)]), 0, &line);
    let refused = run(&place, &["apply", "-p", "own it.yaml", "--url", &url], 64).stderr;
    assert!(refused.contains("--url \"$PGSTRATA_URL\" --auto-approve") && !refused.contains("hunter2"), "{refused}");
    assert_eq!(refused.matches("set PGSTRATA_URL").count(), 1, "{refused}");
}

#[test]
fn lifting_a_hold_is_judged_by_the_policy_that_was_given() {
    let place = place("pasted_unhold");
    let url = place.db.url().to_owned();
    let held = policy("holds: {matter-1: {tables: [app.events], reason: x}}\n", &[managed("events", DROPS)]);
    place.write("held2.yaml", &held);
    run(&place, &["hold", "app.events_3", "--reason", "y", "--url", &url, "-p", "own it.yaml"], 0);
    let unhold = ["unhold", "-p", "held2.yaml", "app.events_3", "--journal", "k.log", "--url", &url];
    let unasked = run(&place, &unhold, 64).stderr;
    let command = after(&unasked, "approve by a flag: ");
    assert!(command.contains("--journal k.log"), "{command}");
    assert!(pasted(&place, command, 1).stderr.contains("held by the policy as well: `matter-1`"));
    // By the other policy it may be lifted, and what is then due is of the same database and journal.
    let unhold = ["unhold", "-p", "own it.yaml", "app.events_3", "--journal", "k.log", "--url", &url, "--auto-approve"];
    let lifted = run(&place, &unhold, 0).stdout;
    let command = after(&lifted, "  run  ");
    assert!(command.contains("--journal k.log") && command.contains("-p 'own it.yaml'"), "{command}");
    pasted(&place, &format!("{command} --auto-approve"), 0);
    assert!(place.read("k.log").contains("\"drop\""), "{}", place.read("k.log"));
}

#[test]
fn asked_for_approval_every_command_names_itself_whole() {
    let place = place("pasted_approval");
    let url = place.db.url().to_owned();
    let of = ["-p", "own it.yaml", "--url", &url, "--journal", "j"];
    for (command, code) in [
        (&["partition", "create", "--table", "app.events"][..], 0),
        (&["optimize", "maintenance", "app.events", "--lock-timeout", "300ms"], 0),
        (&["partition", "cleanup", "--allow", "deletes-data:app.events", "--max-drop", "9"], 0),
        (&["apply", "--allow", "deletes-data"], 0),
    ] {
        let unasked = run(&place, &[command, &of[..]].concat(), 64).stderr;
        let line = after(&unasked, "approve by a flag: ");
        for word in command.iter().chain(&of[2..]) {
            assert!(line.contains(word), "{word}: {line}");
        }
        pasted(&place, line, code);
    }
}

#[test]
fn what_is_not_there_is_made_from_the_same_database_and_policy() {
    let place = place("pasted_missing");
    let url = place.db.url().to_owned();
    let of = ["-p", "own it.yaml", "--url", &url];
    let missing = run(&place, &[&["apply", "x y.json", "--journal", "j"][..], &of].concat(), 4).stderr;
    pasted(&place, after(&missing, "make it again: "), 0);
    assert!(place.read("x y.json").contains("app.events"));

    let saved = run(&place, &[&["snapshot", "--out", "my facts.json"][..], &of].concat(), 0).stderr;
    assert!(pasted(&place, after(&saved, "plan from them with: "), 0).stdout.contains("app.events"));
    let missing = run(&place, &["plan", "--snapshot", "none.json", "-p", "own it.yaml"], 4).stderr;
    assert!(after(&missing, "take it again: ").contains("-p 'own it.yaml'"), "{missing}");

    let unknown = run(&place, &[&["explain", "quite-another-thing"][..], &of].concat(), 64).stderr;
    let list = after(&unknown, "hint: `").split('`').next().unwrap();
    assert!(pasted(&place, list, 0).stdout.contains("app.events"), "{list}");

    let missing = run(&place, &["plan", "-p", "new.yaml", "--url", &url], 78).stderr;
    let imported = pasted(&place, after(&missing, "for what the database has: "), 0).stderr;
    assert!(place.read("new.yaml").contains("app.events"));
    pasted(&place, after(&imported, "next: "), 0);
    pasted(&place, after(&imported, "then: "), 0);
    let head = place.read("new.yaml");
    let lines: Vec<&str> = head.lines().filter_map(|line| line.strip_prefix("#   ")).collect();
    assert_eq!(lines.len(), 2, "{head}");
    for line in lines {
        pasted(&place, line, 0);
    }
}

#[test]
fn a_plain_table_is_imported_from_the_same_database() {
    let place = place("pasted_plain");
    place.db.batch("CREATE TABLE app.\"Plain\" (at timestamptz NOT NULL)");
    let url = place.db.url().to_owned();
    let plain = run(&place, &["import", "--table", "app.\"Plain\"", "--url", &url], 1).stderr;
    let import = after(&plain, "5. `").split('`').next().unwrap();
    // It is asked of the same server, which still has a plain table.
    assert!(pasted(&place, import, 1).stderr.contains("app.\"Plain\" is"), "{import}");
}

#[test]
fn where_every_table_is_missing_the_database_may_be_the_wrong_one() {
    let place = place("pasted_wrong");
    let url = place.db.url().to_owned();
    let wrong = "no table of the policy is in database pasted_wrong";
    for args in [&["plan"][..], &["apply", "--auto-approve"]] {
        let said = run(&place, &[args, &["--url", &url]].concat(), 1).stderr;
        assert_eq!(said.matches(wrong).count(), 1, "{said}");
    }
    place.write("pgstrata.yaml", &policy("", &[managed("elsewhere", ""), managed("events", "")]));
    let said = run(&place, &["plan", "--url", &url], 1).stderr;
    assert!(!said.contains(wrong), "{said}");
}
