//! What reads and changes nothing: snapshots and plans from them, lists, analyses and stories; and `partition create` and
//! `partition cleanup`, which do a part of what `apply` does.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use serde_json::Value;

use crate::exits::{DROPS, events, managed, noon, partitions, policy, table};
use crate::support::pgstrata;
use crate::support::place::{Place, Ran, ran};

/// Three days before today, of which one is too old; nothing ahead.
fn place(name: &str) -> Place {
    let place = Place::new(name, &table("events", 3), &policy("", &[managed("events", DROPS)]));
    place.db.batch(
        "INSERT INTO app.events SELECT date_trunc('day', now(), 'UTC') - d * interval '24 hours' + interval '1 hour', repeat('x', 1000)
           FROM generate_series(0, 3) d, generate_series(1, 50)",
    );
    place
}

/// The shipped binary in the place's folder, where no server can be reached.
fn offline(place: &Place, args: &[&str], code: i32) -> Ran {
    let mut command = pgstrata();
    command.current_dir(place.path("")).env("PGHOST", "/nonexistent").args(args);
    let ran = ran(&mut command, code);
    assert!(!ran.stderr.contains("cannot reach"), "{}", ran.stderr);
    ran
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

#[test]
fn a_plan_from_a_snapshot_is_the_plan_from_the_database() {
    let place = place("reads_snapshot");
    place.run(&["snapshot", "--out", "facts.json"], 0);
    let mode = fs::metadata(place.path("facts.json")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let taken = json(&place.read("facts.json"))["taken_at"].as_str().unwrap().to_owned();
    let plans = |now: &str, code: i32| {
        let live = place.run(&["plan", "--format", "json", "--now", now, "--detailed-exitcode"], code);
        let args = ["plan", "--snapshot", "facts.json", "--format", "json", "--now", now, "--detailed-exitcode"];
        let (mut live, mut read) = (json(&live.stdout), json(&offline(&place, &args, code).stdout));
        assert_eq!((&live["applyable"], &read["applyable"]), (&true.into(), &false.into()));
        let because = read["not_applyable_because"].as_str().unwrap();
        assert!(because.contains("from a snapshot of 20"), "{because}");
        for plan in [&mut live, &mut read] {
            plan["applyable"].take();
            plan["not_applyable_because"].take();
        }
        assert_eq!(serde_json::to_string(&live).unwrap(), serde_json::to_string(&read).unwrap());
        assert_eq!(live["summary"]["create"], 3);
        live
    };
    let plan = plans(&taken, 2);
    assert_eq!(plan["summary"]["detach"], 1);
    // The snapshot's own clock is the plan's, where no other is given.
    let read = offline(&place, &["plan", "--snapshot", "facts.json", "--format", "json"], 0);
    assert_eq!(json(&read.stdout)["evaluated_at"], taken.as_str());

    // To read, not to apply.
    offline(&place, &["plan", "-q", "--snapshot", "facts.json", "--out", "plan.json"], 0);
    let refused = place.run(&["apply", "plan.json"], 4);
    for said in ["from a snapshot of", "Nothing ran.", "pgstrata plan --out plan.json"] {
        assert!(refused.stderr.contains(said), "{}", refused.stderr);
    }
    // On standard output it is the same document.
    let printed = json(&place.run(&["snapshot"], 0).stdout);
    assert_eq!(printed["catalog"], json(&place.read("facts.json"))["catalog"]);
}

#[test]
fn nothing_but_the_file_is_read_offline() {
    let place = place("reads_offline");
    place.run(&["snapshot", "--out", "facts.json"], 0);
    place.db.batch("DROP TABLE app.events CASCADE");
    for (args, code, said) in [
        (&["plan"][..], 0, "Plan: 3 to create"),
        (&["drift", "--now", &noon()], 2, "2 overdue"),
        (&["explain", "app.events"], 0, "events_0"),
        (&["explain", "events_3"], 0, "DELETES_DATA needs --allow deletes-data:app.events"),
        (&["partition", "list"], 0, "4 partitions in 1 table"),
        (&["partition", "analyze"], 0, "a day, by 3 closed partitions of 3 days"),
    ] {
        let args = [args, &["--snapshot", "facts.json"]].concat();
        let ran = offline(&place, &args, code);
        assert!(ran.stdout.contains(said) && !ran.stdout.contains('\u{1b}'), "{args:?}: {}", ran.stdout);
    }
    // A month ahead everything was asked that a plan needs.
    let later = (jiff::Timestamp::now() + jiff::SignedDuration::from_hours(20 * 24)).to_string();
    let ahead = offline(&place, &["plan", "--snapshot", "facts.json", "--format", "json", "--now", &later], 0);
    let ahead = json(&ahead.stdout);
    let codes: Vec<&str> =
        ahead["findings"].as_array().unwrap().iter().filter_map(|finding| finding["code"].as_str()).collect();
    assert!(!codes.contains(&"UNKNOWN") && !codes.contains(&"NAME_UNCHECKED"), "{codes:?}");
    // Later names are not known to be free, which is said and is no error.
    offline(&place, &["plan", "--snapshot", "facts.json", "--now", "2100-01-01"], 0);
}

#[test]
fn clocks_that_differ_block_removals_offline_as_well() {
    let place = place("reads_skew");
    place.run(&["snapshot", "--out", "facts.json"], 0);
    let mut facts = json(&place.read("facts.json"));
    facts["clock_skew_ms"] = (-400_000).into();
    place.write("facts.json", &facts.to_string());
    let plan = json(&offline(&place, &["plan", "--snapshot", "facts.json", "--format", "json"], 0).stdout);
    let steps = plan["steps"].as_array().unwrap();
    let removals = steps.iter().filter(|step| step["id"].as_str().unwrap().starts_with("detach "));
    assert!(removals.clone().count() == 1 && removals.clone().all(|step| step["blocked"] == true));
    let findings = plan["findings"].as_array().unwrap();
    assert!(findings.iter().any(|finding| finding["code"] == "CLOCK_SKEW"), "{findings:?}");
    assert_eq!(plan["summary"]["create"], 3, "creations go on");
}

#[test]
fn a_snapshot_holds_no_secret_and_no_url() {
    let place = events("reads_secret");
    let url = format!("{}&password=hunter2", place.db.url());
    place.run(&["snapshot", "--out", "facts.json", "--url", &url], 0);
    let text = place.read("facts.json");
    assert!(!text.contains("hunter2") && !text.contains("user=") && !text.contains("password"), "{text}");
}

#[test]
fn files_that_are_no_snapshot_are_4_in_every_command() {
    let place = events("reads_bad_files");
    place.run(&["snapshot", "--out", "facts.json"], 0);
    place.run(&["plan", "-q", "--out", "plan.json"], 0);
    let facts = place.read("facts.json");
    place.write("truncated.json", &facts[..facts.len() / 2]);
    place.write("newer.json", &facts.replacen("\"1.0\"", "\"2.0\"", 1));
    place.write("shape.json", &facts.replacen("\"answers\"", "\"questions\"", 1));
    fs::write(place.path("binary.json"), [0xff, 0xfe, 0]).unwrap();
    for (file, said, next) in [
        ("missing.json", "No such file", "pgstrata snapshot --out missing.json"),
        ("truncated.json", "was it copied whole?", "pgstrata snapshot --out"),
        ("newer.json", "the snapshot has format 2.0", "pgstrata snapshot --out"),
        ("shape.json", "the file is not a snapshot: missing field `answers`", "pgstrata snapshot --out"),
        ("binary.json", "not UTF-8", "pgstrata snapshot --out"),
        ("pgstrata.yaml", "not JSON", "pgstrata snapshot --out"),
        ("plan.json", "the file is a plan", "pgstrata show plan.json"),
    ] {
        for command in
            [&["plan"][..], &["drift"], &["explain", "events"], &["partition", "list"], &["partition", "analyze"]]
        {
            let ran = offline(&place, &[command, &["--snapshot", file]].concat(), 4);
            assert_eq!(ran.stdout, "", "{command:?}");
            assert!(ran.stderr.contains(said) && ran.stderr.contains(next), "{command:?} {file}: {}", ran.stderr);
        }
    }
    // The other way round its usual hint would write over the snapshot.
    for command in ["show", "apply"] {
        let ran = place.run(&[command, "facts.json"], 4);
        assert!(ran.stderr.contains("is a snapshot, not a plan") && !ran.stderr.contains("--out"), "{}", ran.stderr);
    }
}

#[test]
fn a_table_that_the_snapshot_lacks_is_not_missing() {
    let place = events("reads_other_policy");
    place.run(&["snapshot", "--out", "facts.json"], 0);
    let more = policy("", &[managed("events", "    retention: {keep: 2 days}\n"), managed("later", "")]);
    place.write("pgstrata.yaml", &more);
    let plan = offline(&place, &["plan", "--snapshot", "facts.json", "--format", "json"], 1);
    let findings = json(&plan.stdout)["findings"].as_array().unwrap().clone();
    let of: Vec<&Value> = findings.iter().filter(|finding| finding["table"] == "app.later").collect();
    assert_eq!(of.len(), 1);
    assert_eq!(of[0]["code"], "NOT_IN_SNAPSHOT");
    assert!(of[0]["hint"].as_str().unwrap().contains("pgstrata snapshot --out"), "{}", of[0]);
    let told = offline(&place, &["explain", "app.later", "--snapshot", "facts.json"], 1);
    assert!(told.stdout.contains("the snapshot says nothing of this table"), "{}", told.stdout);
    offline(&place, &["drift", "--snapshot", "facts.json"], 1);
}

#[test]
fn reports_in_every_format() {
    let place = place("reads_formats");
    for (command, array, count) in [
        (&["partition", "list"][..], "partitions", 6),
        (&["partition", "list", "events"], "partitions", 6),
        (&["partition", "list", "--table", "app.events", "--all"], "partitions", 6),
        (&["partition", "analyze", "app.events"], "distribution", 1),
    ] {
        let args = [command, &["--format", "json", "--report", "human=out.txt", "--report", "json=out.json"]].concat();
        let printed = place.run(&args, 0).stdout;
        assert_eq!(place.read("out.json"), printed);
        let document = json(&printed);
        assert_eq!(document["format_version"], "1.0");
        assert_eq!(document["target"]["database"], place.db.name());
        assert_eq!(document["tables"][0]["table"], "app.events");
        assert_eq!(document["tables"][0][array].as_array().unwrap().len(), count, "{printed}");
        let human = place.read("out.txt");
        assert!(human.starts_with("pgstrata partition ") && !human.contains('\u{1b}'), "{human}");
    }
    let list = json(&place.run(&["partition", "list", "--format", "json"], 0).stdout);
    let today = list["tables"][0]["partitions"].as_array().unwrap().iter().find(|one| one["current"] == true).unwrap();
    assert_eq!((&today["name"], &today["newest_with_rows"]), (&"app.events_0".into(), &true.into()));
    assert!(today["bytes"].as_u64().unwrap() > 50_000, "{today}");
    // Without statistics there is no estimate, and no zero in its place.
    assert_eq!(today["rows_estimate"], Value::Null);

    let story = json(&place.run(&["explain", "events_3", "--format", "json", "--report", "human=out.txt"], 0).stdout);
    assert_eq!((&story["what"], &story["of"]), (&"partition".into(), &"app.events".into()));
    assert_eq!(story["command"], "pgstrata apply --table app.events --allow deletes-data:app.events");
    assert_eq!(story["steps"].as_array().unwrap().len(), 4);
    assert!(place.read("out.txt").contains("  run         pgstrata apply --table app.events"));
    let story = json(&place.run(&["explain", "app.events", "--format", "json"], 0).stdout);
    let origin = |key: &str| {
        let settings = story["settings"].as_array().unwrap();
        settings.iter().find(|setting| setting["key"] == key).unwrap()["origin"].clone()
    };
    assert_eq!((origin("interval"), origin("keep")), ("pgstrata.yaml:4".into(), "pgstrata.yaml:5".into()));
    assert_eq!(origin("straddling"), Value::Null);
    assert!(story["events"].as_array().unwrap().len() >= 3, "{story}");
}

#[test]
fn names_that_mean_nothing_are_64_with_what_was_meant() {
    let place = place("reads_names");
    for (args, said, hint) in [
        (&["explain", "events_33"][..], "nothing under policy is called events_33", "did you mean app.events_3?"),
        (&["explain", "app.event"], "nothing under policy is called app.event", "did you mean app.events?"),
        (&["partition", "list", "event"], "nothing under policy is called event", "did you mean app.events?"),
        (&["partition", "analyze", "events_3"], "nothing under policy is called events_3", "app.events"),
        (&["partition", "list", "--table", "app.event"], "--table app.event", "the policy's tables are app.events"),
    ] {
        let ran = place.run(args, 64);
        assert!(ran.stderr.contains(said) && ran.stderr.contains(hint), "{args:?}: {}", ran.stderr);
        assert_eq!(ran.stdout, "");
    }
    // What the next run makes has a story as well.
    let json = json(&place.run(&["plan", "--format", "json"], 0).stdout);
    let made = json["steps"][0]["id"].as_str().unwrap().strip_prefix("create ").unwrap().to_owned();
    assert!(place.run(&["explain", &made], 0).stdout.contains("does not have yet"));
}

#[test]
fn a_name_on_the_command_line_counts_more_than_what_the_environment_excludes() {
    let place = place("reads_named");
    let with = |args: &[&str]| {
        let mut command = place.command(args);
        ran(command.env("PGSTRATA_EXCLUDE", "app.events"), 0).stdout
    };
    for args in [["partition", "list", "events"], ["partition", "analyze", "events"]] {
        assert!(with(&args).contains("app.events"), "{args:?}");
    }
    assert!(!with(&["partition", "list"]).contains("app.events"));
}

#[test]
fn the_command_of_a_story_can_be_copied_and_does_what_the_story_says() {
    let place = place("reads_command");
    fs::create_dir(place.path("my policies")).unwrap();
    place.write("my policies/events.yaml", &place.read("pgstrata.yaml"));
    let explain = ["explain", "app.events", "-p", "my policies"];
    let text = place.run(&explain, 0).stdout;
    let document = json(&place.run(&[&explain[..], &["--format", "json"]].concat(), 0).stdout);
    let command = document["command"].as_str().unwrap();
    assert!(command.ends_with(" -p 'my policies'") && text.contains(command), "{command}\n{text}");
    let script = command.replacen("pgstrata ", "\"$0\" ", 1) + " --auto-approve -q";
    let shell = place.command(&[]);
    let mut done = std::process::Command::new("sh");
    done.args(["-c", &script]).arg(shell.get_program()).current_dir(place.path(""));
    done.envs(shell.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let done = done.output().unwrap();
    assert!(done.status.success(), "{script}: {}", String::from_utf8_lossy(&done.stderr));
    let after = json(&place.run(&["plan", "--format", "json"], 0).stdout);
    assert!(after["steps"].as_array().unwrap().is_empty(), "{after}");

    // A story of a time to come: run now, the command would do something else.
    let later = [&explain[..], &["--now", "2093-05-01", "--format", "json"]].concat();
    let later = json(&place.run(&later, 0).stdout);
    assert!(!later["steps"].as_array().unwrap().is_empty() && later["command"].is_null(), "{later}");
}

#[test]
fn a_table_that_cannot_be_judged_is_1_and_the_others_are_shown() {
    let place = place("reads_broken");
    place.write("pgstrata.yaml", &policy("", &[managed("events", DROPS), managed("gone", "")]));
    for command in ["list", "analyze"] {
        let ran = place.run(&["partition", command], 1);
        assert!(ran.stdout.contains("app.events") && ran.stdout.contains("error: app.gone: there is no such table"));
        place.run(&["partition", command, "events"], 0);
    }
    let told = place.run(&["explain", "gone"], 1);
    assert!(told.stdout.contains("error: there is no such table"), "{}", told.stdout);
    place.run(&["explain", "app.events"], 0);
    // A snapshot says what there is, whatever that is.
    place.run(&["snapshot"], 0);
}

#[test]
fn a_lock_on_a_partition_holds_nobody_up() {
    let place = place("reads_locked");
    let mut holder = place.db.client();
    holder.batch_execute("BEGIN; LOCK TABLE app.events_2 IN ACCESS EXCLUSIVE MODE").unwrap();
    let list = place.run(&["partition", "list", "--format", "json"], 0);
    let partitions = json(&list.stdout)["tables"][0]["partitions"].as_array().unwrap().clone();
    let size = |name: &str| partitions.iter().find(|one| one["name"] == name).unwrap()["bytes"].clone();
    assert!(size("app.events_2").is_null() && size("app.events_1").is_u64(), "{partitions:?}");
    let analysis = place.run(&["partition", "analyze"], 0).stdout;
    assert!(analysis.contains("size unknown of 1"), "{analysis}");
    let told = place.run(&["explain", "events_2"], 0).stdout;
    assert!(told.contains(" is locked by process "), "{told}");
}

#[test]
fn creations_alone_and_removals_alone() {
    let place = place("reads_scopes");
    for command in ["create", "cleanup"] {
        let unasked = place.run(&["partition", command], 64);
        assert!(unasked.stderr.contains(&format!("pgstrata partition {command} --auto-approve")), "{}", unasked.stderr);
    }
    let created = place.run(&["partition", "create", "--auto-approve", "--format", "json"], 0);
    let document = json(&created.stdout);
    let steps: Vec<&str> =
        document["results"].as_array().unwrap().iter().filter_map(|result| result["step"].as_str()).collect();
    assert!(steps.len() == 3 && steps.iter().all(|step| step.starts_with("create ")), "{steps:?}");
    // What is said of the catalog is said of the whole policy.
    assert_eq!(document["matches_policy"], false);
    assert_eq!(document["remains"]["summary"]["detach"], 1);
    assert_eq!(partitions(&place), 7);

    // A drop needs its grant, the detach does not.
    let blocked = place.run(&["partition", "cleanup", "--auto-approve"], 3);
    assert!(blocked.stdout.contains("--allow deletes-data:app.events"), "{}", blocked.stdout);
    let gone = place
        .run(&["partition", "cleanup", "--auto-approve", "--allow", "deletes-data:app.events", "--format", "json"], 0);
    assert_eq!(json(&gone.stdout)["matches_policy"], true);
    assert_eq!(partitions(&place), 6);
    for command in ["create", "cleanup"] {
        let nothing = place.run(&["partition", command, "--auto-approve"], 0);
        assert!(nothing.stdout.contains("there was nothing to do"), "{}", nothing.stdout);
    }
}

#[test]
fn removals_alone_create_nothing() {
    let place = place("reads_cleanup");
    place.run(&["partition", "cleanup", "--auto-approve", "--allow", "deletes-data"], 0);
    assert_eq!(partitions(&place), 3);
    place.run(&["drift"], 2);
}

#[test]
fn a_signal_ends_a_report() {
    use crate::support::place::{signalled, until};
    let place = place("reads_signal");
    let mut holder = place.db.client();
    // Whoever reads the catalog waits for this.
    holder.batch_execute("BEGIN; LOCK TABLE pg_catalog.pg_inherits IN ACCESS EXCLUSIVE MODE").unwrap();
    let child = place.spawn(&["partition", "list"]);
    let sql = "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE application_name = 'pgstrata/partition-list' AND state <> 'idle')";
    let mut watcher = crate::support::server().connect("postgres").unwrap();
    until("the list reads", || watcher.query_one(sql, &[]).unwrap().get(0));
    let ended = signalled(child, "-INT", 130);
    assert_eq!(ended.stdout, "");
}
