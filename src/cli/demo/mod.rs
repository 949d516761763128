//! `pgstrata demo`: the whole story on a server of its own, told by the very commands that a user types.

#![allow(clippy::disallowed_methods, reason = "the demo starts a server and this program, in a folder of its own")]

use std::fmt::Display;
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::{Command, ExitStatus};

use pgstrata::db::describe;
use pgstrata::sandbox::{Locator, Options, Sandbox};

const POLICY: &str = include_str!("../../../policies/audit-log.yaml");
const WORLD: &str = include_str!("world.sql");
const TABLE: &str = "audit.audit_log";

/// Why the demo ended early.
#[derive(Debug, thiserror::Error)]
pub(super) enum DemoError {
    /// No server could be started.
    #[error(transparent)]
    Sandbox(#[from] pgstrata::sandbox::SandboxError),
    /// A statement of the demo's own failed.
    #[error("preparing the demo: {}", describe(.0))]
    Server(#[from] postgres::Error),
    /// A file, a process, or the terminal.
    #[error("running the demo: {0}")]
    Io(#[from] io::Error),
    /// A command of the story did not end as the story says.
    #[error("`pgstrata {command}` ended with {status}, the demo expects exit {expected}")]
    Story {
        /// What was run.
        command: String,
        /// How it ended.
        status: ExitStatus,
        /// What it should have been.
        expected: i32,
    },
}

/// Tells the story. `colour` is handed to every command.
pub(super) fn run(locator: &Locator, colour: bool, out: &mut dyn Write) -> Result<(), DemoError> {
    let binaries = locator.find()?;
    let mut story = Story::begin(&binaries, colour, out)?;

    story.say(&format!(
        "PostgreSQL {} of its own, an audit log of a million rows over nine years, partitions made by hand.\n\
         They end with this month: on the first of the next one every insert fails.\n\
         The policy, one of those that come with pgstrata, wants months, six of them ahead, and seven years kept.",
        binaries.version
    ))?;
    story.show_policy()?;
    story.pgstrata("validate -p policies", 0)?;
    story.export("PGSTRATA_ENV", "production")?;

    story.say(
        "What would be done, and why. Nothing is changed. One of the two years that are too old is under a legal hold.",
    )?;
    story.pgstrata("plan -p policies", 0)?;

    story.say(
        "The same, carried out: months ahead are there, the old year is a table of its own, each partition has its indexes.",
    )?;
    story.pgstrata("apply -p policies --auto-approve", 0)?;

    story.say("A cron job asks whether the database still agrees. Exit 0: it does.")?;
    story.pgstrata("drift -p policies", 0)?;

    story.say("Somebody drops the partition of the month after next by hand.")?;
    let victim = story.month_after_next()?;
    story.psql(&format!("DROP TABLE {victim}"))?;
    story.say("The cron job says so by exit 2, weeks before an insert would fail; the next deploy repairs it.")?;
    story.pgstrata("drift -p policies", 2)?;
    story.pgstrata("apply -p policies --auto-approve", 0)?;

    story.say(
        "Thirty days of grace pass (the demo moves the stamp in the table's comment back, as time would).\n\
         Dropping is the one thing that cannot be undone: a reviewer sees it in the plan, and it stays blocked.",
    )?;
    story.thirty_days_pass()?;
    story.pgstrata("plan -p policies --out plan.json", 0)?;

    story.say("The pipeline carries out exactly that plan, and says by a flag that rows may be deleted.")?;
    story.pgstrata(&format!("apply plan.json -p policies --allow deletes-data:{TABLE}"), 0)?;

    story.say("The year under hold is still attached, and that is no drift.")?;
    story.pgstrata("drift -p policies", 0)?;
    story.say("The matter is closed and its hold goes: the next plan says that the year leaves.")?;
    story.remove("policies/holds.yaml")?;
    story.pgstrata("plan -p policies", 0)?;
    let left = story.count()?;
    story.say(&format!("{left} rows are in the table, and inserts are safe for half a year.\nNext: pgstrata plan --help, and the README."))
}

struct Story<'a> {
    server: Sandbox,
    url: String,
    folder: tempfile::TempDir,
    program: PathBuf,
    colour: bool,
    exported: Vec<(&'static str, &'static str)>,
    step: u32,
    out: &'a mut dyn Write,
}

impl<'a> Story<'a> {
    fn begin(binaries: &pgstrata::sandbox::PgBin, colour: bool, out: &'a mut dyn Write) -> Result<Self, DemoError> {
        writeln!(out, "Starting a throw-away server and writing a million rows …")?;
        out.flush()?;
        let server = Sandbox::start(binaries, Options::default())?;
        let url = server.create_database("app")?;
        server.connect("app")?.batch_execute(WORLD)?;
        let folder = tempfile::tempdir()?;
        std::fs::create_dir(folder.path().join("policies"))?;
        std::fs::write(folder.path().join("policies/audit-log.yaml"), POLICY)?;
        let mut story =
            Self { server, url, folder, program: std::env::current_exe()?, colour, exported: Vec::new(), step: 0, out };
        let year = story.first_year()?;
        let hold = format!(
            "version: 1\nholds:\n  matter-4711: {{tables: [{TABLE}], from: {year}-03-01, to: {year}-04-01, reason: discovery}}\n"
        );
        std::fs::write(story.folder.path().join("policies/holds.yaml"), hold)?;
        Ok(story)
    }

    fn say(&mut self, text: &str) -> Result<(), DemoError> {
        self.step += 1;
        let (bold, plain) = self.style("1");
        let (first, rest) = text.split_once('\n').unwrap_or((text, ""));
        writeln!(self.out, "\n{bold}{}. {first}{plain}", self.step)?;
        for line in rest.lines() {
            writeln!(self.out, "{bold}   {line}{plain}")?;
        }
        self.out.flush()?;
        Ok(())
    }

    fn style(&self, code: &str) -> (String, &'static str) {
        if self.colour { (format!("\x1b[{code}m"), "\x1b[0m") } else { (String::new(), "") }
    }

    fn prompt(&mut self, line: &dyn Display) -> Result<(), DemoError> {
        let (cyan, plain) = self.style("36");
        writeln!(self.out, "\n{cyan}$ {line}{plain}")?;
        self.out.flush()?;
        Ok(())
    }

    fn export(&mut self, name: &'static str, value: &'static str) -> Result<(), DemoError> {
        self.exported.push((name, value));
        self.prompt(&format!("export {name}={value}"))
    }

    fn pgstrata(&mut self, arguments: &str, expected: i32) -> Result<(), DemoError> {
        self.prompt(&format!("pgstrata {arguments}"))?;
        let status = Command::new(&self.program)
            .args(arguments.split(' '))
            .args(["--color", if self.colour { "always" } else { "never" }])
            .current_dir(self.folder.path())
            .env("PGSTRATA_URL", &self.url)
            .envs(self.exported.iter().copied())
            .status()?;
        if status.code() != Some(expected) {
            return Err(DemoError::Story { command: arguments.to_owned(), status, expected });
        }
        if expected != 0 {
            writeln!(self.out, "(exit {expected})")?;
        }
        Ok(())
    }

    fn psql(&mut self, sql: &str) -> Result<(), DemoError> {
        self.prompt(&format!("psql -c '{sql}'"))?;
        self.server.connect("app")?.batch_execute(sql)?;
        writeln!(self.out, "{}", sql.split(' ').take(2).collect::<Vec<_>>().join(" "))?;
        Ok(())
    }

    fn remove(&mut self, file: &str) -> Result<(), DemoError> {
        self.prompt(&format!("rm {file}"))?;
        Ok(std::fs::remove_file(self.folder.path().join(file))?)
    }

    /// The part of the policy that the story is about.
    fn show_policy(&mut self) -> Result<(), DemoError> {
        self.prompt(&"sed -n '/^tables/,/grace/p' policies/audit-log.yaml")?;
        let from_tables = POLICY.lines().skip_while(|line| !line.starts_with("tables"));
        for line in from_tables {
            writeln!(self.out, "{line}")?;
            if line.trim_start().starts_with("grace") {
                break;
            }
        }
        Ok(())
    }

    fn ask(&mut self, sql: &str) -> Result<String, DemoError> {
        Ok(self.server.connect("app")?.query_one(sql, &[])?.get(0))
    }

    fn first_year(&mut self) -> Result<String, DemoError> {
        self.ask("SELECT to_char(now() AT TIME ZONE 'UTC' - interval '9 years', 'YYYY')")
    }

    fn month_after_next(&mut self) -> Result<String, DemoError> {
        self.ask(
            "SELECT 'audit.audit_log_p' || to_char(date_trunc('month', now() AT TIME ZONE 'UTC') + interval '2 months', 'YYYYMMDD')",
        )
    }

    fn count(&mut self) -> Result<String, DemoError> {
        self.ask("SELECT to_char(count(*), 'FM9G999G999') FROM audit.audit_log")
    }

    fn thirty_days_pass(&mut self) -> Result<(), DemoError> {
        self.server.connect("app")?.batch_execute(
            "DO $$
             DECLARE r record;
             BEGIN
               FOR r IN SELECT objoid::regclass AS name, description FROM pg_description WHERE description LIKE '%\"detached_at\":%' LOOP
                 EXECUTE format('COMMENT ON TABLE %s IS %L', r.name, regexp_replace(r.description, '\"detached_at\":\"[^\"]*\"',
                   format('\"detached_at\":\"%s\"', to_char((now() - interval '31 days') AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"'))));
               END LOOP;
             END $$",
        )?;
        Ok(())
    }
}
