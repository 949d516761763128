//! Every exit code of the contract through the binary, each format valid on each of them: what changes nothing.

use std::net::TcpListener;
use std::time::{Duration, Instant};

use pgstrata::sandbox::Options;

use crate::support::formats::{psql, run_psql};
use crate::support::place::{Place, ran};
use crate::support::{database, own_server, pgstrata};

/// A table `app.<name>` with a partition for today, and one for each of so many days before.
pub(crate) fn table(name: &str, days_before: u32) -> String {
    format!(
        "CREATE SCHEMA IF NOT EXISTS app;
         CREATE TABLE app.{name} (at timestamptz NOT NULL, what text) PARTITION BY RANGE (at);
         DO $$ DECLARE today timestamptz := date_trunc('day', now(), 'UTC'); BEGIN
           FOR back IN 0 .. {days_before} LOOP
             EXECUTE format('CREATE TABLE app.%I PARTITION OF app.{name} FOR VALUES FROM (%L) TO (%L)',
               '{name}_' || back, today - back * interval '24 hours', today - (back - 1) * interval '24 hours');
           END LOOP;
         END $$;"
    )
}

/// What a policy says of a table.
pub(crate) fn managed(name: &str, rest: &str) -> String {
    format!("  app.{name}:\n    partition: {{key: at, interval: 1 day, timezone: UTC, premake: 3}}\n{rest}")
}

pub(crate) fn policy(head: &str, tables: &[String]) -> String {
    format!("version: 1\n{head}tables:\n{}", tables.concat())
}

/// One partition is too old where there are three days before; it would be dropped at once, which needs a grant.
pub(crate) const DROPS: &str = "    retention: {keep: 2 days, then: drop, grace: 0 days}\n";

/// Today at noon, by which a daily partition that should have been made yesterday is late: 26 hours are its grace.
pub(crate) fn noon() -> String {
    format!("{}T12:00:00Z", &jiff::Timestamp::now().to_string()[..10])
}

pub(crate) fn events(name: &str) -> Place {
    Place::new(name, &table("events", 0), &policy("", &[managed("events", "")]))
}

#[test]
fn plan_and_drift_from_pending_to_done_in_every_format() {
    let place = events("exits_plan");
    let pending = place.shows(&["plan", "--out", "plan.json"], 0);
    assert_eq!(pending.json["summary"]["create"], 3);
    assert!(pending.human.contains("Plan: 3 to create") && pending.markdown.contains("3 to create"));
    let detailed = place.shows(&["plan", "--detailed-exitcode"], 2);
    let script = detailed.sql.unwrap();
    assert_eq!(place.shows(&["show", "plan.json"], 0).json, pending.json);

    let overdue = place.shows(&["drift", "--now", &noon()], 2);
    assert_eq!((&overdue.json["verdict"], &overdue.json["counted"]), (&"drifted".into(), &2.into()));
    for (fail_on, code) in [("drift", 0), ("scheduled", 2), ("scheduled,overdue", 2), ("overdue", 2)] {
        // The window after the next is scheduled, the two before are late.
        let drift = place.shows(&["drift", "--now", &noon(), "--fail-on", fail_on], code);
        assert_eq!(drift.json["verdict"], if code == 0 { "agrees" } else { "drifted" }, "{fail_on}");
        assert_eq!(drift.stderr, "");
    }

    // The script does what the plan says, and what is left is a script that does nothing.
    if !runs(&place, &script) {
        place.run(&["apply", "plan.json"], 0);
    }
    let done = place.shows(&["plan", "--detailed-exitcode"], 0);
    assert!(done.human.contains("No changes. 1 table matches"), "{}", done.human);
    runs(&place, done.sql.as_deref().unwrap());
    assert_eq!(partitions(&place), 4);
    assert_eq!(place.shows(&["drift"], 0).json["verdict"], "agrees");
    assert_eq!(place.shows(&["show", "plan.json", "--now", "2100-01-01"], 0).json, pending.json);
}

/// Has psql run a script to its end, where there is a psql.
fn runs(place: &Place, script: &str) -> bool {
    let Some(psql) = psql() else { return false };
    let output = run_psql(&psql, &place.db, script);
    assert!(output.status.success(), "{}\n{script}", String::from_utf8_lossy(&output.stderr));
    true
}

#[test]
fn a_table_that_cannot_be_judged_is_1_before_pending_changes() {
    let place = events("exits_unjudged");
    place.write("pgstrata.yaml", &policy("", &[managed("events", ""), managed("gone", "")]));
    let plan = place.shows(&["plan", "--detailed-exitcode"], 1);
    assert_eq!(plan.json["summary"]["create"], 3, "the other goes on");
    assert!(plan.human.contains("app.gone") && plan.markdown.contains("app.gone"));
    let drift = place.shows(&["drift", "--now", &noon()], 1);
    assert_eq!((&drift.json["verdict"], &drift.json["counted"]), (&"unjudged".into(), &2.into()));
    runs(&place, plan.sql.as_deref().unwrap());
    place.run(&["plan", "--table", "app.events"], 0);
}

#[test]
fn a_plan_that_cannot_be_applied_is_4_and_nothing_runs() {
    let place = events("exits_stale");
    place.run(&["plan", "--out", "plan.json"], 0);
    let tomorrow = (jiff::Timestamp::now() + jiff::SignedDuration::from_hours(24)).to_string();
    place.run(&["plan", "--out", "ahead.json", "--now", &tomorrow], 0);
    let plan = place.read("plan.json");
    place.write("truncated.json", &plan[..plan.len() / 2]);
    place.write("forged.json", &plan.replace("CREATE TABLE", "CREATE UNLOGGED TABLE"));
    place.write("newer.json", &plan.replace("\"format_version\": \"1.0\"", "\"format_version\": \"2.0\""));
    place.write("policy.json", &plan.replace("\"max_create\": 500", "\"max_create\": 501"));
    place.write("other.yaml", &policy("apply: {max_create: 7}\n", &[managed("events", "")]));
    for forged in ["forged.json", "newer.json", "policy.json"] {
        assert_ne!(place.read(forged), plan, "{forged}");
    }
    for (file, said) in [
        ("truncated.json", "was it copied whole?"),
        ("forged.json", "the plan was changed after it was made"),
        ("newer.json", "the plan has format 2.0"),
        ("policy.json", "the policy's hash"),
        ("missing.json", "No such file"),
        ("pgstrata.yaml", "not JSON"),
    ] {
        for command in ["apply", "show"] {
            let stderr = place.refuses(&[command, file], 4);
            assert!(stderr.contains(said) && stderr.contains(file), "{command} {file}: {stderr}");
            assert!(stderr.contains("hint: make it again: pgstrata plan --out"), "{stderr}");
        }
    }
    // Readable, and not for here and now.
    let ahead = place.refuses(&["apply", "ahead.json"], 4);
    assert!(ahead.contains("ahead of the server's clock") && ahead.contains("plan --out ahead.json"), "{ahead}");
    place.shows(&["show", "ahead.json"], 0);
    let other = place.refuses(&["apply", "plan.json", "-p", "other.yaml"], 4);
    assert!(other.contains("another policy") && other.contains("give -p and --env"), "{other}");
    let elsewhere = database("exits_stale_elsewhere");
    let other = place.refuses(&["apply", "plan.json", "--url", elsewhere.url()], 4);
    assert!(other.contains("another database") && other.contains("check --url"), "{other}");
    assert!(other.contains("exits_stale@[local]") && other.contains("exits_stale_elsewhere@[local]"), "{other}");
    assert_eq!(partitions(&place), 1);

    place
        .db
        .batch("ALTER TABLE app.events RENAME TO old; CREATE TABLE app.events (LIKE app.old) PARTITION BY RANGE (at)");
    let stale = place.refuses(&["apply", "plan.json"], 4);
    assert!(
        stale.contains("planned:") && stale.contains("found:") && stale.contains("plan and review again"),
        "{stale}"
    );
}

/// How many partitions there are in the schema `app`.
pub(crate) fn partitions(place: &Place) -> i64 {
    let sql =
        "SELECT count(*) FROM pg_class WHERE relispartition AND relkind = 'r' AND relnamespace = 'app'::regnamespace";
    place.db.client().query_one(sql, &[]).unwrap().get(0)
}

#[test]
fn wrong_usage_is_64_before_everything() {
    let place = events("exits_usage");
    let nowhere = "postgresql://127.0.0.1:1/nowhere";
    for args in [
        // Before a policy that is missing, and a server that is not there.
        &["plan", "-p", "missing.yaml", "--frobnicate"][..],
        &["plan", "--table", "app.event", "--url", nowhere],
        &["drift", "--exclude", "app.event", "--url", nowhere],
        &["drift", "--fail-on", "all", "--url", nowhere],
        &["plan", "--out", "no/plan.json", "-p", "missing.yaml"],
        // Nobody can be asked.
        &["apply", "-p", "missing.yaml"],
        &["apply", "--auto-approve", "--table", "app.event", "--url", nowhere],
        &["apply", "plan.json", "--table", "app.events"],
        &["show"],
    ] {
        let stderr = place.refuses(args, 64);
        let next = ["hint: ", "Usage: ", "For more information"].iter().any(|next| stderr.contains(next));
        assert!(next, "{args:?}: {stderr}");
    }
    let slip = place.refuses(&["plan", "--table", "app.event"], 64);
    assert!(slip.contains("--table app.event") && slip.contains("the policy's tables are app.events"), "{slip}");
    let unasked = place.refuses(&["apply"], 64);
    assert!(unasked.contains("standard input is no terminal") && unasked.contains("--auto-approve"), "{unasked}");
}

#[test]
fn a_policy_that_is_missing_or_invalid_is_78_before_a_session() {
    let place = events("exits_policy");
    place.write("empty.yaml", "");
    place.write("bad.yaml", &policy("", &[managed("events", "    retention: {keep: 3m}\n")]));
    place.write("broken.json", "{");
    for file in ["missing.yaml", "empty.yaml", "bad.yaml"] {
        for args in [&["plan"][..], &["drift"], &["apply", "--auto-approve"], &["apply", "broken.json"]] {
            // The server is not there either, nor is the saved plan a plan.
            let args = [args, &["-p", file, "--url", "postgresql://127.0.0.1:1/nowhere"]].concat();
            let stderr = place.refuses(&args, 78);
            assert!(stderr.contains(file), "{args:?}: {stderr}");
        }
    }
}

#[test]
fn no_session_is_69() {
    let server = own_server(Options {
        tcp: Some(0),
        hba: Some("local all all trust\nhost all all 127.0.0.1/32 scram-sha-256\n".to_owned()),
        ..Options::default()
    });
    server.connect("postgres").unwrap().batch_execute("CREATE ROLE keeper LOGIN PASSWORD 'right'").unwrap();
    let mute = TcpListener::bind("127.0.0.1:0").unwrap();
    let mute = format!("host=127.0.0.1 port={} dbname=app user=u connect_timeout=1", mute.local_addr().unwrap().port());
    let tcp = format!("host=127.0.0.1 port={} user=keeper", server.port());
    let wrong = format!("{tcp} dbname=postgres password=hunter2");
    let unknown = format!("{tcp} dbname=nowhere password=right");
    let place = Place::new("exits_no_session", "", &policy("", &[managed("events", "")]));
    for (url, said, hint) in [
        ("postgresql://u:hunter2@127.0.0.1:1/nowhere", "cannot reach nowhere@127.0.0.1:1", "check host and port"),
        (&wrong, "authentication failed at postgres@127.0.0.1", "check role and password"),
        (&unknown, "unknown database at nowhere@127.0.0.1", "check the database's name"),
        ("postgresql://u@db1/app?sslmode=perhaps", "sslmode", "name the database with --url"),
    ] {
        for args in [&["plan"][..], &["drift"], &["apply", "--auto-approve"]] {
            let stderr = place.refuses(&[args, &["--url", url]].concat(), 69);
            assert!(stderr.contains(said) && stderr.contains(&format!("hint: {hint}")), "{args:?} {url}: {stderr}");
            assert!(!stderr.contains("hunter2"), "{stderr}");
        }
    }
    for args in [&["plan"][..], &["drift"], &["apply", "--auto-approve"]] {
        let start = Instant::now();
        let mut command = pgstrata();
        let args = [args, &["--url", &mute]].concat();
        let gave_up = ran(command.current_dir(place.path("")).args(&args), 69);
        assert!(start.elapsed() < Duration::from_secs(25), "{args:?}: {:?}", start.elapsed());
        assert!(gave_up.stderr.contains("no answer from app@127.0.0.1") && gave_up.stderr.contains("within 1 s"));
        assert_eq!(gave_up.stdout, "");
    }
}
