//! `apply --journal FILE`: who removed what, and when, on disk before and after.

use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;

use serde_json::Value;

use crate::exits::{DROPS, managed, policy, table};
use crate::support::place::{Place, until};

const APPLY: [&str; 6] = ["apply", "--auto-approve", "--allow", "deletes-data", "--journal", "journal.jsonl"];

fn lines(place: &Place) -> Vec<Value> {
    place.read("journal.jsonl").lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Partitions of three intervals, of which one has left and one is due.
fn place(name: &str) -> Place {
    Place::new(name, &table("events", 3), &policy("apply: {jobs: 1}\n", &[managed("events", DROPS)]))
}

fn tables(place: &Place) -> i64 {
    let sql = "SELECT count(*) FROM pg_class WHERE relnamespace = 'app'::regnamespace AND relkind IN ('r', 'p')";
    place.db.client().query_one(sql, &[]).unwrap().get(0)
}

#[test]
fn each_removal_is_on_disk_before_and_after_with_who_what_and_where() {
    let place = place("journal_run");
    place.run(&["plan", "--out", "plan.json"], 0);
    place.run(&["apply", "plan.json", "--allow", "deletes-data", "--journal", "journal.jsonl"], 0);
    let all = lines(&place);
    assert!(!all.is_empty());
    let mode = std::fs::metadata(place.path("journal.jsonl")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let digest = Command::new("sha256sum").arg(place.path("plan.json")).output().unwrap();
    let digest = String::from_utf8(digest.stdout).unwrap().split(' ').next().unwrap().to_owned();
    let mut events: Vec<String> = Vec::new();
    for line in &all {
        events.push(format!("{} {}", line["event"].as_str().unwrap(), line["step"].as_str().unwrap()));
        assert_eq!(line["plan"], digest.as_str(), "{line}");
        assert_eq!((&line["command"], &line["root"]), (&"apply".into(), &"app.events".into()), "{line}");
        assert_eq!(line["database"], place.db.name());
        for key in ["time", "run", "role", "host", "oid", "from", "to", "bytes", "reason", "os_user"] {
            assert!(!line[key].is_null(), "{key}: {line}");
        }
        assert_eq!(line.get("outcome").is_some(), line["event"] == "after", "{line}");
    }
    for step in all.iter().filter(|line| line["event"] == "after").map(|line| line["step"].as_str().unwrap()) {
        let at = |what: &str| events.iter().position(|event| *event == format!("{what} {step}")).unwrap();
        assert!(at("before") < at("after"), "{events:?}");
    }
    assert!(events.iter().any(|event| event.starts_with("after drop ")), "{events:?}");
    // A second run appends, and has nothing to say.
    let before = all.len();
    place.run(&APPLY, 0);
    assert_eq!(lines(&place).len(), before);
}

#[test]
fn what_cannot_be_opened_is_1_and_nothing_runs() {
    let place = place("journal_closed");
    let before = tables(&place);
    std::fs::create_dir(place.path("folder")).unwrap();
    assert!(std::process::Command::new("mkfifo").arg(place.path("pipe")).status().unwrap().success());
    for journal in ["nowhere/journal.jsonl", "folder", ".", "pipe"] {
        let ran = place.run(&["apply", "--auto-approve", "--allow", "deletes-data", "--journal", journal], 1);
        assert!(
            ran.stderr.contains("cannot be opened") && ran.stderr.contains("nothing was changed"),
            "{}",
            ran.stderr
        );
        assert_eq!(tables(&place), before);
        let held = place.run(&["hold", "app.events_1", "--reason", "x", "--journal", journal], 1).stderr;
        assert!(held.contains("cannot be opened"), "{held}");
    }
    // Before the run lock: whoever holds that is not asked.
    let mut other = place.db.client();
    other.batch_execute("SELECT pg_advisory_lock(1885827956, 1)").unwrap();
    place.run(&["apply", "--auto-approve", "--journal", "nowhere/journal.jsonl"], 1);
    place.run(&["apply", "--auto-approve", "--journal", "journal.jsonl"], 5);
}

#[test]
fn a_line_that_cannot_be_written_stops_what_removes_and_is_6() {
    let place = place("journal_full");
    place.db.batch("INSERT INTO app.events SELECT now(), 1");
    let before: i64 = removed(&place);
    let full = place.run(&["apply", "--auto-approve", "--allow", "deletes-data", "--journal", "/dev/full"], 6);
    assert!(full.stderr.contains("the journal /dev/full cannot be written: No space left"), "{}", full.stderr);
    assert_eq!(removed(&place), before);
    // Nothing is committed by now but what was: still 6, and not 1, which says that nothing is half done.
    place.run(&["apply", "--auto-approve", "--allow", "deletes-data", "--journal", "/dev/full"], 6);
    assert_eq!(removed(&place), before);
    let held = place.run(&["hold", "app.events_1", "--reason", "x", "--journal", "/dev/full"], 1).stderr;
    assert!(held.contains("cannot be written"), "{held}");
    let there: bool =
        place.db.client().query_one("SELECT obj_description('app.events_1'::regclass) IS NULL", &[]).unwrap().get(0);
    assert!(there, "a hold without its line is not set");
    // The file may not grow beyond a block: no signal ends the run for it.
    place.write("journal.jsonl", &format!("{{\"padding\": \"{}\"}}\n", "x".repeat(480)));
    let binary = env!("CARGO_BIN_EXE_pgstrata");
    let command = format!("ulimit -f 1; exec '{binary}' {}", APPLY.join(" "));
    let mut shell = Command::new("bash");
    shell.env_clear().env("PATH", "/usr/bin:/bin").env("HOME", place.path("")).env("PGSTRATA_URL", place.db.url());
    let output = shell.current_dir(place.path("")).args(["-c", &command]).output().unwrap();
    let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    assert_eq!(output.status.code(), Some(6), "{said}");
    assert!(said.contains("the journal journal.jsonl cannot be written: File too large"), "{said}");
    assert_eq!(removed(&place), before, "{said}");
    // With room for it again the half line is ended, and what follows is whole.
    place.run(&APPLY, 0);
    assert_eq!(removed(&place), before - 1);
    let text = place.read("journal.jsonl");
    let whole: Vec<Value> = text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    assert!(whole.len() >= text.lines().count() - 1 && whole.len() > 4, "{text}");
}

/// A link of one's own is followed, and stays one; somebody else's would lead wherever they like.
#[test]
fn a_link_is_followed_where_it_is_ones_own() {
    use std::os::unix::fs::{lchown, symlink};
    let place = place("journal_link");
    let before = removed(&place);
    std::fs::create_dir(place.path("logs")).unwrap();
    std::fs::write(place.path("logs/precious"), "").unwrap();
    std::fs::set_permissions(place.path("logs/precious"), std::fs::Permissions::from_mode(0o644)).unwrap();
    symlink("logs/precious", place.path("theirs")).unwrap();
    match lchown(place.path("theirs"), Some(12345), None) {
        Ok(()) => {
            let args = ["apply", "--auto-approve", "--allow", "deletes-data", "--journal", "theirs"];
            let said = place.run(&args, 1).stderr;
            assert!(said.contains("a symbolic link of another user (12345)"), "{said}");
            assert!(said.contains("nothing was changed"), "{said}");
            assert_eq!(removed(&place), before);
            assert_eq!(place.read("logs/precious"), "");
            let mode = std::fs::metadata(place.path("logs/precious")).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o644);
        }
        Err(error) => println!("left out, links of others: {error}"),
    }
    symlink("logs/ours.jsonl", place.path("journal.jsonl")).unwrap();
    place.run(&APPLY, 0);
    assert!(std::fs::symlink_metadata(place.path("journal.jsonl")).unwrap().is_symlink());
    assert!(place.read("logs/ours.jsonl").lines().count() >= 4);
    let mode = std::fs::metadata(place.path("logs/ours.jsonl")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

/// Killed between the two lines: the second one is missing, and a rerun adds its own.
#[test]
fn a_unit_that_nobody_saw_the_end_of_is_visible() {
    let place = place("journal_killed");
    let mut other = place.db.client();
    other.batch_execute("BEGIN; LOCK TABLE app.events_3 IN ACCESS SHARE MODE").unwrap();
    let mut apply = place.spawn(&APPLY);
    until("the detach has its first line", || {
        std::fs::read_to_string(place.path("journal.jsonl")).is_ok_and(|text| text.ends_with("}\n"))
    });
    apply.kill().unwrap();
    apply.wait().unwrap();
    let alone = lines(&place);
    assert_eq!(alone.len(), 1);
    assert_eq!((&alone[0]["event"], &alone[0]["action"]), (&"before".into(), &"detach".into()));
    assert_eq!(alone[0]["table"], "app.events_3");
    other.batch_execute("COMMIT").unwrap();
    until("its session is gone", || {
        let sql = "SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'pgstrata/apply%' \
                   AND datname = current_database()";
        place.db.client().query_one(sql, &[]).unwrap().get::<_, i64>(0) == 0
    });
    place.run(&APPLY, 0);
    let all = lines(&place);
    let open: Vec<&Value> = all
        .iter()
        .filter(|line| line["event"] == "before")
        .filter(|begun| {
            let ends =
                |line: &&Value| line["event"] == "after" && line["run"] == begun["run"] && line["oid"] == begun["oid"];
            !all.iter().any(|line| ends(&line))
        })
        .collect();
    assert_eq!(open, [&alone[0]], "only that one is without an end");
    assert!(all.iter().any(|line| line["action"] == "drop" && line["outcome"] == "applied"));
}

#[test]
fn lines_are_what_the_printed_schema_says() {
    let place = place("journal_schema");
    place.run(&APPLY, 0);
    place.run(&["hold", "app.events_1", "--reason", "x ##[debug] \u{202e}", "--journal", "journal.jsonl"], 64);
    place.run(&["hold", "app.events_1", "--reason", "x ##[debug]", "--journal", "journal.jsonl"], 0);
    place.run(&["unhold", "app.events_1", "--auto-approve", "--journal", "journal.jsonl"], 0);
    let schema: Value = serde_json::from_str(&place.run(&["schema", "journal"], 0).stdout).unwrap();
    let known = schema["properties"].as_object().unwrap();
    let (mut schemas, mut compiler) = (boon::Schemas::new(), boon::Compiler::new());
    compiler.add_resource("file:///schema.json", schema.clone()).unwrap();
    let index = compiler.compile("file:///schema.json", &mut schemas).unwrap();
    assert!(!place.read("journal.jsonl").contains("##["));
    for line in lines(&place) {
        schemas.validate(&line, index).unwrap_or_else(|error| panic!("{error:#}\n{line}"));
        for key in line.as_object().unwrap().keys() {
            assert!(known.contains_key(key), "{key} is not in the schema");
        }
    }
    let held: Vec<Value> = lines(&place).into_iter().filter(|line| line["action"] == "hold").collect();
    assert!(held.iter().all(|line| line["root"] == "app.events" && line["reason"] == "x ##[debug]"), "{held:?}");
    assert_eq!(lines(&place).len(), 8, "a detach, a drop, a hold and its end");
}

/// Attached and detached partitions that are still there.
fn removed(place: &Place) -> i64 {
    let sql = "SELECT count(*) FROM pg_class WHERE relnamespace = 'app'::regnamespace AND relkind = 'r' \
               AND (NOT relispartition OR relname ~ '_[0-9]$')";
    place.db.client().query_one(sql, &[]).unwrap().get(0)
}
