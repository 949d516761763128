//! The binary as scripts use it: exit codes, streams, formats, files.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Stdio};

use jiff::{Timestamp, ToSpan as _};

use crate::support::pgstrata;
use crate::support::place::{Place, ran, said, signalled, until};

/// Today's partition, and nothing ahead: creations are overdue.
const TABLES: &str = "
CREATE SCHEMA app;
CREATE TABLE app.events (at timestamptz NOT NULL, what text) PARTITION BY RANGE (at);
DO $$ BEGIN
  EXECUTE format('CREATE TABLE app.events_today PARTITION OF app.events FOR VALUES FROM (%L) TO (%L)',
    date_trunc('day', now(), 'UTC'), date_trunc('day', now(), 'UTC') + interval '24 hours');
END $$;";

const POLICY: &str =
    "version: 1\ntables:\n  app.events:\n    partition: {key: at, interval: 1 day, timezone: UTC, premake: 3}\n";

fn place(name: &str) -> Place {
    Place::new(name, TABLES, POLICY)
}

#[test]
fn wrong_usage_is_64_and_help_is_0() {
    for args in [
        vec![],
        vec!["plann"],
        vec!["plan", "--frobnicate"],
        vec!["plan", "--format", "yaml"],
        vec!["plan", "--now", "tomorrow"],
        vec!["plan", "--allow", "index-build"],
        vec!["plan", "--table", "events"],
        vec!["plan", "--lock-timeout", "5m"],
        vec!["plan", "--jobs", "2"],
        vec!["apply", "--jobs", "0"],
        vec!["validate", "--no-probe"],
        vec!["plan", "--report", "plan.md"],
        vec!["plan", "-q", "-v"],
        vec!["apply", "plan.json", "--table", "app.events"],
        vec!["drift", "--fail-on", "everything"],
        vec!["show"],
        vec!["partition"],
        vec!["partition", "list", "app.events", "--table", "app.events"],
        vec!["partition", "create", "plan.json"],
        vec!["explain"],
        vec!["plan", "--snapshot", "s.json", "--url", "postgresql://u@h/d"],
    ] {
        let ran = ran(pgstrata().args(&args), 64);
        assert_eq!(ran.stdout, "", "{args:?}");
        assert!(
            ran.stderr.contains("Usage:") || ran.stderr.contains("For more information"),
            "{args:?} {}",
            ran.stderr
        );
    }
    for args in [vec!["--help"], vec!["-h"], vec!["--version"], vec!["help", "drift"], vec!["check", "--help"]] {
        let ran = ran(pgstrata().args(&args), 0);
        assert!(!ran.stdout.is_empty() && ran.stderr.is_empty(), "{args:?}");
    }
}

#[test]
fn the_short_help_lists_what_there_is() {
    let help = ran(pgstrata().arg("-h").env("COLUMNS", "80"), 0).stdout;
    let commands = help.lines().skip_while(|line| *line != "Commands:").skip(1).take_while(|line| !line.is_empty());
    let names: Vec<&str> =
        commands.filter(|line| !line.starts_with("   ")).filter_map(|line| line.split_whitespace().next()).collect();
    assert_eq!(
        names,
        [
            "plan",
            "apply",
            "drift",
            "explain",
            "hold",
            "unhold",
            "partition",
            "snapshot",
            "validate",
            "import",
            "show",
            "optimize",
            "client",
            "schema",
            "completions",
            "man",
            "demo",
            "help"
        ]
    );
}

#[test]
fn a_bad_or_missing_policy_is_78_before_anything_is_connected() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
    write("bad.yaml", &POLICY.replace("premake", "premakes"));
    write("environments.yaml", &format!("{POLICY}environments: {{test: {{}}}}\n"));
    write("unset.yaml", &format!("{POLICY}connection: {{url: \"${{PG_NOWHERE_SET}}\"}}\n"));
    fs::create_dir(folder.path().join("empty")).unwrap();
    for (policy, said) in [
        ("missing.yaml", "there is no policy missing.yaml"),
        ("empty", "there is no *.yaml in the folder empty"),
        ("bad.yaml", "did you mean `premake`?"),
        ("environments.yaml", "--env"),
        ("unset.yaml", "PG_NOWHERE_SET"),
    ] {
        for command in ["plan", "drift"] {
            let ran = ran(pgstrata().current_dir(&folder).args([command, "-p", policy]), 78);
            assert!(ran.stderr.contains(said), "{policy}: {}", ran.stderr);
            assert_eq!(ran.stdout, "");
        }
    }
    // `validate` looks up nothing: a pull request from a fork has no secrets.
    ran(pgstrata().current_dir(&folder).args(["validate", "-p", "unset.yaml"]), 0);
    ran(pgstrata().current_dir(&folder).args(["validate", "-p", "bad.yaml"]), 78);
    ran(pgstrata().current_dir(&folder).args(["validate", "-p", "environments.yaml", "--env", "tset"]), 78);
}

#[test]
fn validate_checks_every_environment_and_says_what_is_common_once() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("p.yaml");
    let environments = "environments:\n  a: {}\n  b: {tables: {app.events: {retention: {keep: 1 hour}}}}\n";
    fs::write(&file, format!("{POLICY}{environments}")).unwrap();
    let validate = |code| ran(pgstrata().args(["validate", "-p"]).arg(&file), code);
    let refused = validate(78);
    assert!(refused.stderr.contains("keep: 1 hour"), "{}", refused.stderr);
    fs::write(&file, format!("{POLICY}{environments}").replace("1 hour", "30 days")).unwrap();
    let valid = validate(0);
    assert_eq!(valid.stdout, "ok: a: 1 table, 0 holds\nok: b: 1 table, 0 holds\n");
    fs::write(&file, format!("{POLICY}{environments}").replace("premake: 3", "premake: 0")).unwrap();
    assert_eq!(validate(78).stderr.matches("with none inserts fail").count(), 1);
}

#[test]
fn no_session_is_69() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("pgstrata.yaml"), POLICY).unwrap();
    for command in [vec!["plan"], vec!["drift"], vec!["apply", "--auto-approve"]] {
        let mut at = pgstrata();
        at.current_dir(&folder).args(&command).args(["--url", "postgresql://u:hunter2@127.0.0.1:1/nowhere"]);
        let ran = ran(&mut at, 69);
        assert!(ran.stderr.contains("nowhere@127.0.0.1:1") && ran.stderr.contains("hint: "), "{}", ran.stderr);
        assert!(!ran.stderr.contains("hunter2"));
    }
}

#[test]
fn where_nobody_can_be_asked_apply_is_64_before_all_else() {
    let place = ran(pgstrata().args(["apply", "-p", "missing.yaml"]).env("PGSTRATA_AUTO_APPROVE", "1"), 64);
    assert!(place.stderr.contains("--auto-approve"), "{}", place.stderr);
    assert!(place.stderr.contains("PGSTRATA_AUTO_APPROVE has no effect"), "{}", place.stderr);
}

#[test]
fn a_plan_in_every_format_to_stdout_and_files() {
    let place = place("cli_formats");
    let human = place.run(&["plan"], 0);
    assert!(human.stdout.contains("Plan: 3 to create"), "{}", human.stdout);
    assert_eq!(human.stderr, "");
    let json: serde_json::Value = serde_json::from_str(&place.run(&["plan", "--format", "json"], 0).stdout).unwrap();
    assert_eq!(json["format_version"], "1.0");
    assert_eq!(json["steps"].as_array().map(Vec::len), Some(3));
    let sql = place.run(&["plan", "--format", "sql"], 0).stdout;
    assert!(sql.contains("ON_ERROR_STOP") && sql.contains("CREATE TABLE"), "{sql}");
    let markdown = place.run(&["plan", "--format", "markdown"], 0).stdout;
    assert!(markdown.starts_with("<!-- pgstrata"), "{markdown}");

    let args = ["plan", "-q", "--report", "json=r.json", "--report", "sql=r.sql", "--out", "plan.json"];
    place.run(&args, 0);
    assert!(place.read("r.sql").contains("CREATE TABLE"));
    let saved: serde_json::Value = serde_json::from_str(&place.read("plan.json")).unwrap();
    assert_eq!(saved["summary"]["create"], 3);
    assert_eq!(fs::metadata(place.path("plan.json")).unwrap().permissions().mode() & 0o777, 0o600);

    // What was saved shows the same, and offline.
    let show = |args: &[&str]| ran(pgstrata().current_dir(place.path("")).arg("show").args(args), 0);
    assert_eq!(show(&["plan.json", "--format", "sql"]).stdout, place.read("r.sql"));
    assert_eq!(show(&["plan.json", "--format", "json"]).stdout, place.read("plan.json"));
    let old = show(&["plan.json", "--now", "2100-01-01"]);
    assert!(old.stderr.contains("this plan was made for"), "{}", old.stderr);
    place.write("broken.json", &place.read("plan.json")[..500]);
    place.run(&["show", "broken.json"], 4);
    place.run(&["show", "missing.json"], 4);
}

#[test]
fn files_that_cannot_be_written_are_64_before_the_work() {
    for args in [["plan", "--out", "no/plan.json"], ["plan", "--report", "json=."], ["drift", "--report", "json=no/d"]]
    {
        let refused = ran(pgstrata().args(args), 64);
        assert!(refused.stderr.contains("pgstrata: error: "), "{}", refused.stderr);
    }
}

#[test]
fn from_drift_to_agreement() {
    let place = place("cli_story");
    place.run(&["plan", "--detailed-exitcode"], 2);
    place.run(&["drift"], 2);
    place.run(&["check", "--fail-on", "drift"], 0);
    place.run(&["plan", "--out", "plan.json"], 0);
    let applied = place.run(&["apply", "plan.json"], 0);
    assert!(applied.stderr.contains("done in"), "{}", applied.stderr);
    // Again: its effects are there.
    place.run(&["apply", "plan.json"], 0);
    place.run(&["plan", "--detailed-exitcode"], 0);
    place.run(&["drift"], 0);
    place.run(&["apply", "--auto-approve"], 0);
}

#[test]
fn a_saved_plan_that_does_not_fit_is_4() {
    let place = place("cli_stale");
    place.run(&["plan", "--out", "plan.json"], 0);
    let ahead = (Timestamp::now() + 960.hours()).to_string();
    place.run(&["plan", "--out", "ahead.json", "--now", &ahead], 0);
    place.run(&["apply", "ahead.json"], 4);
    let plan = place.read("plan.json");
    place.write("forged.json", &plan.replace("CREATE TABLE", "CREATE UNLOGGED TABLE"));
    place.run(&["apply", "forged.json"], 4);
    place.write("other.yaml", &POLICY.replace("premake: 3", "premake: 4"));
    let other = place.run(&["apply", "plan.json", "-p", "other.yaml"], 4);
    assert!(other.stderr.contains("policy"), "{}", other.stderr);
    place.db.batch("ALTER TABLE app.events RENAME TO events_old; CREATE TABLE app.events (LIKE app.events_old) PARTITION BY RANGE (at)");
    let stale = place.run(&["apply", "plan.json"], 4);
    assert!(stale.stderr.contains("planned:") && stale.stderr.contains("found:"), "{}", stale.stderr);
}

#[test]
fn a_missing_table_is_1_and_the_others_go_on() {
    let place = place("cli_broken_table");
    place.write(
        "pgstrata.yaml",
        &format!("{POLICY}{}", POLICY.lines().skip(2).collect::<Vec<_>>().join("\n").replace("events", "gone")),
    );
    place.run(&["plan", "--detailed-exitcode"], 1);
    place.run(&["drift"], 1);
    place.run(&["apply", "--auto-approve"], 1);
    place.run(&["plan", "--detailed-exitcode", "--table", "app.events"], 0);
    let slip = place.run(&["plan", "--table", "app.event"], 64);
    assert!(slip.stderr.contains("app.events"), "{}", slip.stderr);
}

#[test]
fn a_held_run_lock_is_5_and_a_signal_ends_the_wait_for_it() {
    let place = place("cli_run_lock");
    let mut holder = place.db.client();
    holder.batch_execute("SET application_name = 'the other run'; SELECT pg_advisory_lock(1885827956, 1)").unwrap();
    let busy = place.run(&["apply", "--auto-approve"], 5);
    assert!(busy.stderr.contains("the other run") && busy.stderr.contains("--run-lock-wait"), "{}", busy.stderr);
    let sql = "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE application_name = 'pgstrata/apply'
        AND datname = current_database() AND query ~ 'advisory')";
    for (signal, code) in [("-INT", 130), ("-TERM", 143)] {
        // A backend outlives its client for a moment: the last run's must not be taken for this one's.
        until("the last run's backend has gone", || !holder.query_one(sql, &[]).unwrap().get::<_, bool>(0));
        let child = place.spawn(&["apply", "--auto-approve", "--run-lock-wait", "5min"]);
        until("apply polls the run lock", || holder.query_one(sql, &[]).unwrap().get(0));
        let ended = signalled(child, signal, code);
        assert!(ended.stderr.contains("interrupted before anything"), "{}", ended.stderr);
    }
}

#[test]
fn the_connection_comes_from_the_first_that_names_one() {
    let place = place("cli_precedence");
    let nowhere = "postgresql://127.0.0.1:1/nowhere";
    let plan = |set: &[(&str, &str)], args: &[&str], code: i32| {
        let mut command = pgstrata();
        command.current_dir(place.path("")).arg("plan").args(args).envs(set.iter().copied());
        ran(&mut command, code)
    };
    let here = place.db.url();
    plan(&[("PGSTRATA_URL", nowhere), ("DATABASE_URL", nowhere)], &["--url", here], 0);
    plan(&[("PGSTRATA_URL", here), ("DATABASE_URL", nowhere)], &[], 0);
    plan(&[("DATABASE_URL", here), ("PGHOST", "127.0.0.1")], &[], 0);
    plan(&[("PGSTRATA_URL", ""), ("DATABASE_URL", here)], &[], 0);
    place.write("with.yaml", &format!("{POLICY}connection: {{url: \"${{DATABASE_APP}}\"}}\n"));
    plan(&[("DATABASE_APP", here), ("DATABASE_URL", nowhere)], &["-p", "with.yaml"], 0);
    plan(&[("DATABASE_APP", here), ("PGSTRATA_URL", nowhere)], &["-p", "with.yaml"], 69);
    // Flags have variables, lists of them by commas, and the flag wins.
    plan(&[("PGSTRATA_URL", here), ("PGSTRATA_POLICY", "missing.yaml")], &[], 78);
    plan(&[("PGSTRATA_URL", here), ("PGSTRATA_POLICY", "missing.yaml")], &["-p", "pgstrata.yaml"], 0);
    let json =
        plan(&[("PGSTRATA_URL", here), ("PGSTRATA_FORMAT", "json"), ("PGSTRATA_DETAILED_EXITCODE", "1")], &[], 2);
    assert!(json.stdout.starts_with('{'));
    let wrong = plan(&[("PGSTRATA_FORMAT", "jsn")], &[], 64);
    assert!(wrong.stderr.contains("PGSTRATA_FORMAT"), "{}", wrong.stderr);
}

#[test]
fn colour_is_what_was_asked_for() {
    let place = place("cli_colour");
    let coloured = |args: &[&str], set: &[(&str, &str)]| {
        let mut command = place.command(&["plan"]);
        ran(command.args(args).envs(set.iter().copied()), 0).stdout.contains('\u{1b}')
    };
    assert!(!coloured(&[], &[]));
    assert!(coloured(&["--color", "always"], &[("NO_COLOR", "1")]));
    assert!(coloured(&[], &[("CLICOLOR_FORCE", "1")]));
    assert!(!coloured(&[], &[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")]));
    assert!(!coloured(&["--color=never"], &[("CLICOLOR_FORCE", "1")]));
    let usage = |args: &[&str]| ran(pgstrata().args(args), 64).stderr.contains('\u{1b}');
    assert!(usage(&["plan", "--color", "always", "--nonsense"]));
    assert!(!usage(&["plan", "--nonsense"]));
}

#[test]
fn a_reader_that_leaves_early_is_no_error() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_pgstrata"));
    let mut child = command.args(["schema", "policy"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let ended = said(child.wait_with_output().unwrap(), 0, "schema policy");
    assert_eq!(ended.stderr, "");
    // A full disk is one.
    let full = fs::OpenOptions::new().write(true).open("/dev/full");
    if let Ok(full) = full {
        let mut command = Command::new(env!("CARGO_BIN_EXE_pgstrata"));
        let output = command.args(["schema", "policy"]).stdout(full).stderr(Stdio::piped()).output().unwrap();
        assert!(said(output, 1, "/dev/full").stderr.contains("could not be written"));
    }
}

#[test]
fn a_job_on_github_gets_its_summary() {
    let place = place("cli_github");
    place.write("summary.md", "before\n");
    let mut command = place.command(&["plan", "-q"]);
    ran(command.env("GITHUB_STEP_SUMMARY", place.path("summary.md")), 0);
    let summary = place.read("summary.md");
    assert!(summary.starts_with("before\n") && summary.contains("3 to create"), "{summary}");
    let mut command = place.command(&["plan"]);
    let warned = ran(command.env("GITHUB_STEP_SUMMARY", Path::new("/no/such/folder/summary.md")), 0);
    assert!(warned.stderr.contains("warning: "), "{}", warned.stderr);
}

#[test]
fn schemas_and_completions_are_printed() {
    let checked_in = include_str!("../../policies/policy.schema.json");
    assert_eq!(ran(pgstrata().args(["schema", "policy"]), 0).stdout, checked_in);
    let plan: serde_json::Value = serde_json::from_str(&ran(pgstrata().args(["schema", "plan"]), 0).stdout).unwrap();
    assert_eq!(plan["$schema"], "http://json-schema.org/draft-07/schema#");
    for shell in ["bash", "zsh", "fish"] {
        assert!(ran(pgstrata().args(["completions", shell]), 0).stdout.contains("auto-approve"), "{shell}");
    }
}
