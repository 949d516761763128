//! What machines read of drift: judged by the tools that read it, where they are installed.

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::support::{TestDb, database, pgstrata};

const TABLES: &str = "
CREATE SCHEMA app;
CREATE TABLE app.events (at timestamptz NOT NULL, what text) PARTITION BY RANGE (at);
CREATE TABLE app.events_default PARTITION OF app.events DEFAULT;
CREATE TABLE app.\"Odd \"\"name\"\" <é>\" (at timestamptz NOT NULL) PARTITION BY RANGE (at);
CREATE TABLE app.old PARTITION OF app.\"Odd \"\"name\"\" <é>\" FOR VALUES FROM ('2020-01-01') TO ('2020-01-02');
INSERT INTO app.events SELECT '2026-03-14 12:00+00'::timestamptz + make_interval(days => n) FROM generate_series(0, 4) n;";

const POLICY: &str = "version: 1
tables:
  app.events:
    partition: {key: at, interval: 1 day, timezone: UTC, premake: 3, default_partition: allow}
  'app.\"Odd \"\"name\"\" <é>\"':
    partition: {key: at, interval: 1 day, timezone: UTC, premake: 1, start: 2026-03-14}
    retention: {keep: 30 days}
";

const NOW: &str = "2026-03-14T00:00:00Z";

struct Place {
    folder: tempfile::TempDir,
    db: TestDb,
}

impl Place {
    fn new(name: &str) -> Self {
        let place = Self { folder: tempfile::tempdir().unwrap(), db: database(name) };
        place.db.batch(TABLES);
        fs::write(place.folder.path().join("pgstrata.yaml"), POLICY).unwrap();
        place
    }

    /// Runs to the end, with GitHub's files; gives stdout.
    fn run(&self, args: &[&str], code: i32) -> String {
        let mut command = pgstrata();
        command.current_dir(self.folder.path()).env("PGSTRATA_URL", self.db.url()).args(args);
        command.env("GITHUB_OUTPUT", self.folder.path().join("outputs"));
        command.env("GITHUB_STEP_SUMMARY", self.folder.path().join("summary.md"));
        let output = command.output().unwrap();
        let (stdout, stderr) = (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
        assert_eq!(output.status.code(), Some(code), "{args:?}\n{stdout}\n{stderr}");
        stdout
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.folder.path().join(name)).unwrap()
    }

    /// What a step left in GitHub's files, and empties them.
    fn taken(&self) -> (String, String) {
        let files = ["outputs", "summary.md"].map(|name| self.folder.path().join(name));
        let [outputs, summary] = files.map(|file| {
            let text = fs::read_to_string(&file).unwrap();
            fs::remove_file(file).unwrap();
            text
        });
        (outputs, summary)
    }
}

/// Runs a tool with `input` where it is installed; otherwise says so past the test harness, which keeps what passing
/// tests print.
pub(crate) fn asked(tool: &str, args: &[&str], input: &str) -> bool {
    let started = Command::new(tool)
        .args(args)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let Ok(mut child) = started else {
        let call = [&[tool], args].concat().join(" ");
        drop(writeln!(std::io::stderr(), "\n*** NOT CHECKED: `{call}`, since {tool} is not installed ***\n"));
        return false;
    };
    // A tool that takes no input may have closed it.
    drop(child.stdin.take().unwrap().write_all(input.as_bytes()));
    let output = child.wait_with_output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    assert!(output.status.success(), "{tool} {args:?}:\n{}\n{input}", String::from_utf8_lossy(&said));
    true
}

#[test]
fn reports_of_drift_are_what_their_readers_take() {
    let place = Place::new("machine_drift");
    let reports = ["prometheus=drift.prom", "sarif=drift.sarif", "junit=drift.xml", "json=drift.json"];
    let mut args = vec!["drift", "-q", "--now", NOW];
    reports.iter().for_each(|report| args.extend(["--report", *report]));
    place.run(&args, 2);

    let metrics = place.read("drift.prom");
    asked("promtool", &["check", "metrics"], &metrics);
    let database = place.db.name();
    let sample = |name: &str, more: &str| {
        let start = format!("{name}{{database=\"{database}\",");
        let mut lines = metrics.lines().filter(|line| line.starts_with(&start) && line.contains(more));
        let (_, value) = lines.next().unwrap_or_else(|| panic!("{name} {more}\n{metrics}")).rsplit_once(' ').unwrap();
        assert_eq!(lines.next(), None);
        value.parse::<i64>().unwrap()
    };
    // Of the five rows four lie in the windows that are wanted now.
    assert_eq!(sample("pgstrata_default_partition_rows", "table=\"app.events\""), 4);
    assert_eq!(sample("pgstrata_blocked_steps", "table=\"app.events\""), 4);
    assert_eq!(sample("pgstrata_partition_runway_seconds", "table=\"app.events\""), 0);
    assert_eq!(sample("pgstrata_retention_overdue_partitions", "Odd "), 1);
    assert_eq!(sample("pgstrata_check_status", ""), 1);
    assert_eq!(sample("pgstrata_last_success_timestamp_seconds", ""), 1_773_446_400);
    assert!(!metrics.contains("events_p"), "no partition is a label");

    let junit = place.read("drift.xml");
    asked("xmllint", &["--noout", "-"], &junit);
    let parse = "import sys, xml.etree.ElementTree as e\nsuites = e.fromstring(sys.stdin.buffer.read())\n\
        assert {s.get('name') for s in suites} >= {'app.events', 'app.\"Odd \"\"name\"\" <\\u00e9>\"'}, [s.get('name') for s in suites]\n\
        for s in suites:\n    assert int(s.get('tests')) == len(s.findall('testcase')), s.get('name')\n    \
        assert int(s.get('failures')) == len(s.findall('testcase/failure')), s.get('name')";
    asked("python3", &["-c", parse], &junit);
    assert!(junit.contains("<testcase name=\"PARTITION_MISSING\" classname=\"app.events\""), "{junit}");

    let sarif: serde_json::Value = serde_json::from_str(&place.read("drift.sarif")).unwrap();
    let results = sarif["runs"][0]["results"].as_array().unwrap();
    let missing = |line: u64| {
        results.iter().any(|result| {
            let place = &result["locations"][0]["physicalLocation"];
            result["ruleId"] == "PARTITION_MISSING"
                && place["artifactLocation"]["uri"] == "pgstrata.yaml"
                && place["region"]["startLine"] == line
        })
    };
    assert!(missing(3) && missing(5), "{sarif:#}");
    // The same on stdout.
    assert_eq!(place.run(&["drift", "--now", NOW, "--format", "prometheus"], 2), metrics);
    assert_eq!(place.run(&["drift", "--now", NOW, "--format", "junit"], 2), junit);
}

#[test]
fn metrics_replace_their_file_as_a_whole() {
    let place = Place::new("machine_atomic");
    let file = place.folder.path().join("pgstrata.prom");
    fs::write(&file, "old 1\n").unwrap();
    let reader = fs::File::open(&file).unwrap();
    place.run(&["drift", "-q", "--now", NOW, "--report", "prometheus=pgstrata.prom"], 2);
    // Who reads the old file reads it to its end; the new one is another.
    assert_eq!(std::io::read_to_string(reader).unwrap(), "old 1\n");
    assert!(place.read("pgstrata.prom").starts_with("# HELP pgstrata_"));
    let names: Vec<_> = fs::read_dir(place.folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(names.iter().all(|name| !name.to_string_lossy().ends_with(".tmp")), "{names:?}");
}

#[test]
fn ci_systems_get_counts_outputs_and_a_summary() {
    let place = Place::new("machine_ci");
    place.run(&["plan", "--now", NOW, "--report", "gitlab=plan.json"], 0);
    let counts: serde_json::Value = serde_json::from_str(&place.read("plan.json")).unwrap();
    assert_eq!(counts, serde_json::json!({"create": 6, "update": 0, "delete": 1}));
    let (outputs, summary) = place.taken();
    assert_eq!(outputs, "changes=7\ndrift=5\nblocked=4\nerrors=0\n");
    assert!(summary.starts_with("<!-- pgstrata:plan -->\n"));

    place.run(&["drift", "--now", NOW], 2);
    let (outputs, summary) = place.taken();
    assert_eq!(outputs, "changes=7\ndrift=5\nblocked=4\nerrors=0\n");
    assert!(summary.starts_with("<!-- pgstrata:drift -->\n"));

    // What remains after a run is what was blocked.
    place.db.batch("DELETE FROM app.events; INSERT INTO app.events VALUES (now())");
    place.run(&["apply", "--auto-approve"], 3);
    let (outputs, summary) = place.taken();
    assert_eq!(outputs, "changes=1\ndrift=1\nblocked=1\nerrors=0\n");
    assert!(summary.starts_with("<!-- pgstrata:apply -->\n"));
}

#[test]
fn alerts_fire_when_they_must_and_only_then() {
    let folder = Path::new("examples/prometheus");
    let (rules, tests) = (folder.join("pgstrata.rules.yaml"), folder.join("pgstrata.rules.test.yaml"));
    asked("promtool", &["check", "rules", rules.to_str().unwrap()], "");
    asked("promtool", &["test", "rules", tests.to_str().unwrap()], "");
    // Each alert has a test that sees it fire.
    let parsed = |path: &Path| -> serde_yaml::Value {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
        serde_yaml::from_str(&fs::read_to_string(path).unwrap()).unwrap()
    };
    let (rules, tests) = (parsed(&rules), parsed(&tests));
    let fired: Vec<&str> = tests["tests"]
        .as_sequence()
        .unwrap()
        .iter()
        .flat_map(|test| test["alert_rule_test"].as_sequence().unwrap())
        .filter(|test| test["exp_alerts"].as_sequence().is_some_and(|alerts| !alerts.is_empty()))
        .map(|test| test["alertname"].as_str().unwrap())
        .collect();
    for rule in rules["groups"][0]["rules"].as_sequence().unwrap() {
        let name = rule["alert"].as_str().unwrap();
        assert!(fired.contains(&name), "{name}");
        assert!(rule["labels"]["severity"].is_string() && rule["annotations"]["description"].is_string(), "{name}");
        // Every metric of a rule is one that `drift` writes.
        let expr = rule["expr"].as_str().unwrap();
        for word in
            expr.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).filter(|w| w.starts_with("pgstrata_"))
        {
            assert!(include_str!("../../src/render/prometheus.rs").contains(&format!("\"{word}\"")), "{word}");
        }
    }
}

#[test]
fn systemd_takes_the_units() {
    let folder = tempfile::tempdir().unwrap();
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/ci");
    let mut units = Vec::new();
    for name in ["pgstrata-drift.service", "pgstrata-drift.timer"] {
        let text = fs::read_to_string(examples.join(name)).unwrap();
        // It looks for the program and for the manual page.
        let text = text.replace("/usr/local/bin/pgstrata", env!("CARGO_BIN_EXE_pgstrata"));
        let path = folder.path().join(name);
        fs::write(&path, text).unwrap();
        units.push(path.to_str().unwrap().to_owned());
    }
    asked("systemd-analyze", &["verify", "--man=no", &units[0], &units[1]], "");
}

#[test]
fn manual_pages_are_written_and_read() {
    let folder = tempfile::tempdir().unwrap();
    let run = |args: &[&str]| pgstrata().current_dir(folder.path()).args(args).output().unwrap();
    let main = run(&["man"]);
    assert!(main.status.success());
    let main = String::from_utf8(main.stdout).unwrap();
    assert!(main.contains(".TH pgstrata 1") && main.contains("pgstrata\\-drift"), "{main}");
    assert_eq!(run(&["man", "--out", "nowhere"]).status.code(), Some(64));
    assert!(run(&["man", "--out", "."]).status.success());
    assert_eq!(fs::read_to_string(folder.path().join("pgstrata.1")).unwrap(), main);
    let drift = fs::read_to_string(folder.path().join("pgstrata-drift.1")).unwrap();
    assert!(drift.contains("\\-\\-fail\\-on"));
    if asked("groff", &["-man", "-Tutf8", "-ww", "-z"], &drift) {
        asked("groff", &["-man", "-Tutf8", "-ww", "-z"], &main);
    }
}
