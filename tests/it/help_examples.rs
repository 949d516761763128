//! The examples in the help of each command are run as a reader would: by a shell, in a folder and on a database that
//! have what they name.
//!
//! An example that names a file which nobody has made needs it in [`prepared`]; a path outside the folder, or a tool
//! that not everybody has, needs a line in [`adapted`].

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use crate::support::place::{Place, ran};
use crate::support::{pgstrata, server, server_binaries};

/// A table that `pgstrata.yaml` and `policies/` speak of. Its current month is there, the months ahead are not.
const TABLES: &str = "
CREATE SCHEMA audit;
CREATE TABLE audit.audit_log (occurred_at timestamptz NOT NULL, actor_id bigint, status text, details jsonb)
    PARTITION BY RANGE (occurred_at);
DO $$ DECLARE month timestamptz := date_trunc('month', now(), 'UTC'); BEGIN
  EXECUTE format('CREATE TABLE audit.audit_log_now PARTITION OF audit.audit_log FOR VALUES FROM (%L) TO (%L)',
    month, (month AT TIME ZONE 'UTC' + interval '1 month') AT TIME ZONE 'UTC');
END $$;";

const POLICY: &str = "version: 1
tables:
  audit.audit_log:
    partition: {key: occurred_at, interval: 1 month, timezone: UTC}
    retention: {keep: 7 years, then: drop}
limits: {pgbouncer: {default_pool_size: 20}}
client: {pool: {max_connections: 20}}
";

const ENVIRONMENTS: &str = "environments: {development: {apply: {jobs: 1}}, production: {}}\n";

const HOLDS: &str = "version: 1\nholds: {matter-4711: {tables: [audit.audit_log], reason: discovery}}\n";

/// The configurations of other tools.
const PPM: &str = "partitions:
  logs: {schema: public, table: logs, partitionKey: at, interval: daily, retention: 30, preProvisioned: 7}
";
const PARTSMITH: &str = "tables: [{table_name: logs, partition_column: at, granularity: day, retention_count: 30}]\n";

/// The commands that a command's help lists, and the examples that it gives.
struct Help {
    commands: Vec<String>,
    examples: Vec<String>,
}

impl Help {
    fn of(command: &[&str]) -> Self {
        let help = ran(pgstrata().env("COLUMNS", "100").arg("help").args(command), 0).stdout;
        // Up to the empty line that ends a section.
        let section = |title: &str| {
            let lines = help.lines().skip_while(|line| *line != title).skip(1).take_while(|line| !line.is_empty());
            // What is further in goes on with the line before.
            lines.filter_map(|line| line.strip_prefix("  ")).filter(|line| !line.starts_with(' ')).collect::<Vec<_>>()
        };
        let commands = section("Commands:").into_iter().filter_map(|line| line.split_whitespace().next());
        let examples = section("Examples:").into_iter().filter(|line| !line.starts_with('#'));
        let help = Self {
            commands: commands.filter(|name| *name != "help").map(str::to_owned).collect(),
            examples: examples.map(str::to_owned).collect(),
        };
        assert!(!help.examples.is_empty(), "{command:?} has no example in its help");
        for line in &help.examples {
            assert!(line.contains("pgstrata "), "{command:?}: {line}");
            // The narrowest terminal that help is laid out for.
            assert!(line.len() + 2 <= 80, "{command:?}: {line}");
        }
        help
    }

    /// Every example of this command and of those below it.
    fn gather(command: &[&str], examples: &mut BTreeSet<String>) {
        let help = Self::of(command);
        // Without the remark behind it.
        examples.extend(help.examples.iter().map(|line| line.split(" #").next().unwrap().trim_end().to_owned()));
        for name in &help.commands {
            Self::gather(&[command, &[name]].concat(), examples);
        }
    }
}

/// What cannot run as it stands here: a host, a server's folder, folders of the system, a person, tools of other people.
/// The rest of the line stays.
fn adapted(line: &str, place: &Place) -> String {
    let bin = server_binaries().dir.display().to_string();
    let mut line = line.to_owned();
    for (from, to) in [
        ("postgresql://app@db1/app", format!("'{}'", place.db.url())),
        ("/usr/lib/postgresql/17/bin", bin),
        ("> /etc/", "> etc/".to_owned()),
        ("--out /usr/", "--out usr/".to_owned()),
        // Partitions of a database that is older.
        ("audit_log_p20190301", "audit_log_now".to_owned()),
        ("audit_log_p20260301", "audit_log_now".to_owned()),
        // A pager.
        ("man -l -", "grep -q '^.TH pgstrata'".to_owned()),
    ] {
        line = line.replace(from, &to);
    }
    let asks = ["pgstrata apply", "pgstrata partition create", "pgstrata partition cleanup"];
    if asks.iter().any(|command| line.starts_with(command)) && !line.contains("auto-approve") && !line.contains(".json")
    {
        // A person at a terminal, where util-linux can pretend one.
        line = match installed("script", "--version") {
            true => format!("echo yes | script -qec '{line}' /dev/null"),
            false => format!("{line} --auto-approve"),
        };
    }
    if line.contains("| jq ") && !installed("jq", "--version") {
        line = format!("{}| grep -q '{{'", line.split("| jq ").next().unwrap());
    }
    line
}

fn installed(tool: &str, arg: &str) -> bool {
    let run = Command::new(tool).arg(arg).stdout(Stdio::null()).stderr(Stdio::null()).status();
    run.is_ok_and(|status| status.success())
}

/// A place with whatever an example names.
fn prepared(number: usize) -> Place {
    let place = Place::new(&format!("help_example_{number}"), TABLES, POLICY);
    for folder in
        ["policies", "etc/bash_completion.d", "usr/local/share/man/man1", ".zfunc", ".config/fish/completions"]
    {
        fs::create_dir_all(place.path(folder)).unwrap();
    }
    place.write("policies/audit-log.yaml", &format!("{POLICY}{ENVIRONMENTS}"));
    place.write("holds.yaml", HOLDS);
    place.write("ppm.yaml", PPM);
    place.write("partitions.yaml", PARTSMITH);
    place.run(&["plan", "-q", "--out", "plan.json"], 0);
    place.run(&["snapshot", "-q", "--out", "facts.json"], 0);
    place
}

fn run(line: &str, place: &Place) -> Output {
    let program = Path::new(env!("CARGO_BIN_EXE_pgstrata")).parent().unwrap();
    let path = std::env::var_os("PATH").unwrap_or_default();
    let path = std::env::join_paths(std::iter::once(program.to_owned()).chain(std::env::split_paths(&path))).unwrap();
    let mut shell = Command::new("bash");
    shell.args(["-o", "pipefail", "-c", line]).current_dir(place.path("")).env_clear().env("PATH", path);
    shell.env("HOME", place.path("")).env("PGSTRATA_PG_BIN", &server_binaries().dir);
    // As psql would find the database.
    shell.env("PGHOST", server().socket_dir()).env("PGPORT", server().port().to_string());
    shell.env("PGUSER", server().superuser()).env("PGDATABASE", place.db.name());
    shell.stdin(Stdio::null()).output().unwrap()
}

#[test]
fn every_command_has_examples_and_they_run() {
    let mut examples = BTreeSet::new();
    Help::gather(&[], &mut examples);
    assert!(examples.len() > 20, "{examples:?}");
    let mut failed = String::new();
    for (number, example) in examples.iter().enumerate() {
        let place = prepared(number);
        let line = adapted(example, &place);
        let output = run(&line, &place);
        let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
        // The months ahead are missing: drift is found, where it looks.
        let expected = if example.starts_with("pgstrata drift") { 2 } else { 0 };
        if output.status.code() != Some(expected) || said.contains("panicked") {
            failed.push_str(&format!("{example}\nran as: {line}\n{}\n{said}\n", output.status));
        }
    }
    assert!(failed.is_empty(), "examples that do not run:\n{failed}");
}
