//! The command line. Doc comments are the help.

pub(super) mod client;
mod hold;
mod optimize;
mod read;
mod values;

use std::path::PathBuf;
use std::time::Duration;

use clap::builder::NonEmptyStringValueParser;
use clap::{Args, Parser, Subcommand, ValueEnum};
use jiff::Timestamp;
use pgstrata::plan::Class;
use pgstrata::policy::Grant;
use pgstrata::sql::{Ident, TableName};

pub(super) use self::client::ClientArgs;
pub(super) use self::hold::{HoldArgs, UnholdArgs};
pub(super) use self::optimize::{
    ConfigArgs, ConfigFormat, MaintenanceArgs, MaintenanceFormat, OptimizeArgs, OptimizeCommand, PgbouncerArgs,
};
pub(super) use self::read::{
    AnalyzeArgs, ExplainArgs, ListArgs, PartitionArgs, PartitionCommand, ReportFormat, ReportOutputArgs, SnapshotArgs,
    SourceArgs, TableReportArgs,
};
pub(super) use self::values::Report;
use self::values::{class, instant, report, timeout};
use super::colour::ColorWhen;
use super::exit;
use super::paste::Given;

const EXAMPLES: &str = "\
Examples:
  pgstrata demo                    # the whole story on a throw-away server
  pgstrata plan                    # ./pgstrata.yaml against $PGDATABASE
  pgstrata plan --out plan.json && pgstrata apply plan.json";

/// What the long help ends with, below its examples.
const VARIABLES: &str = "\
Environment:
  PGSTRATA_<FLAG> stands in for a flag, lists separated by commas; not for --allow,
  --auto-approve, --force, --max-drop, --now and --snapshot: nothing that lingers
  approves, or takes an old state for the present.
  The database: --url, else PGSTRATA_URL, else the policy's connection.url, else
  DATABASE_URL, else libpq's variables, files and defaults.";

/// Partition and retention policy as code for PostgreSQL 14 to 18.
///
/// A policy in YAML says what must be true. `plan` compares it with the live catalog and shows every statement, lock
/// and risk; `apply` carries out exactly that; `drift` tells a cron job whether the database still agrees.
#[derive(Debug, Parser)]
#[command(name = "pgstrata", version, propagate_version = false, max_term_width = 120, subcommand_required = true)]
#[command(arg_required_else_help = true, after_help = EXAMPLES)]
#[command(after_long_help = format!("{EXAMPLES}\n\n{}\n\n{VARIABLES}", exit::HELP))]
pub(super) struct Cli {
    #[command(flatten)]
    pub(super) global: GlobalArgs,
    #[command(subcommand)]
    pub(super) command: Command,
    /// What of all this stood on the command line.
    #[arg(skip)]
    pub(super) given: Given,
}

/// What every command takes.
#[derive(Debug, Args)]
pub(super) struct GlobalArgs {
    /// When to colour.
    #[arg(long, global = true, value_enum, default_value_t, value_name = "WHEN", help_heading = "Output")]
    pub(super) color: ColorWhen,
    /// Say more: each step by itself, with SQL, locks, timeouts and facts.
    #[arg(short, long, global = true, help_heading = "Output")]
    pub(super) verbose: bool,
    /// Say nothing but the result and errors.
    #[arg(short, long, global = true, conflicts_with = "verbose", help_heading = "Output")]
    pub(super) quiet: bool,
}

/// What pgstrata does.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Show what the policy wants changed. Changes nothing.
    #[command(after_help = "\
Examples:
  pgstrata plan
  pgstrata plan -p policies --env production --url postgresql://app@db1/app
  # a file for apply, and a comment for the pull request:
  pgstrata plan --out plan.json --report markdown=plan.md
  # one table, as it will be then:
  pgstrata plan --table audit.audit_log --now 2027-01-01
  # offline, to read: a pull request from a fork needs no credentials
  pgstrata plan --snapshot facts.json
  # shows it as granted; apply needs the flag again:
  pgstrata plan --allow deletes-data:audit.audit_log")]
    Plan(PlanArgs),
    /// Carry out a saved plan; without one: plan, show, ask, carry out.
    #[command(after_help = "\
Examples:
  pgstrata apply                   # asks on the terminal
  pgstrata apply --auto-approve    # a cron job: what is due and needs no grant
  # exactly what was reviewed, or nothing:
  pgstrata plan --out plan.json && pgstrata apply plan.json
  pgstrata apply plan.json --allow deletes-data:audit.audit_log")]
    Apply(ApplyArgs),
    /// Say by exit code and report whether the database agrees with the policy. Changes nothing.
    #[command(
        visible_alias = "check",
        after_help = "\
Examples:
  pgstrata drift                   # exit 2: drift, or scheduled work is late
  # also when work is merely due:
  pgstrata drift --fail-on scheduled,drift,overdue
  pgstrata drift -q --report json=drift.json
  # for the node exporter's textfile collector:
  pgstrata drift -q --report prometheus=pgstrata.prom
  # for code scanning, and for a CI system's list of tests:
  pgstrata drift --report sarif=drift.sarif --report junit=drift.xml"
    )]
    Drift(DriftArgs),
    /// Tell the story of a table or partition (why it is kept, what holds it, what happens to it when), of an index, a role, the
    /// database or a setting of the policy.
    #[command(after_help = "\
Examples:
  pgstrata explain audit.audit_log
  pgstrata explain audit_log_p20190301     # the schema may be left out
  # what a plan of that day would do with it:
  pgstrata explain audit_log_p20260301 --now 2033-05-01
  pgstrata explain audit.audit_log --format json | jq '.events'
  # an index or a role of the policy, or a server's setting, by its name:
  #   pgstrata explain 'role app_rw'")]
    Explain(ExplainArgs),
    /// Hold a partition, a detached table, or all partitions of a table: never detached, never dropped.
    ///
    /// Writes a line `pgstrata: hold REASON` into the table's comment, at once, and keeps the rest of the comment. Needs no
    /// policy.
    #[command(after_help = "\
Examples:
  pgstrata hold audit_log_p20190301 --reason 'matter 4711'
  pgstrata hold audit.audit_log --reason audit --journal journal.jsonl")]
    Hold(HoldArgs),
    /// Lift the hold lines of a table's comment: shows what becomes removable and when, and asks.
    #[command(after_help = "\
Examples:
  pgstrata unhold audit_log_p20190301 --auto-approve")]
    Unhold(UnholdArgs),
    /// List, judge, create and remove partitions.
    #[command(after_help = "\
Examples:
  pgstrata partition list audit.audit_log
  pgstrata partition analyze
  pgstrata partition create        # what is missing, and nothing else
  pgstrata partition cleanup --allow deletes-data:audit.audit_log")]
    Partition(PartitionArgs),
    /// Save the facts that a plan needs, for planning where the database is out of reach. Changes nothing.
    #[command(after_help = "\
Examples:
  pgstrata snapshot --out facts.json
  # elsewhere, without credentials, to read:
  pgstrata plan --snapshot facts.json
  pgstrata drift --snapshot facts.json
  pgstrata explain audit.audit_log --snapshot facts.json --now 2027-01-01")]
    Snapshot(SnapshotArgs),
    /// Check policies offline: every environment, each error with its place.
    #[command(after_help = "\
Examples:
  pgstrata validate
  pgstrata validate -p policies
  pgstrata validate -p policies -p holds.yaml --env production")]
    Validate(ValidateArgs),
    /// Write a policy for what the database has. Changes nothing, and never invents a retention.
    #[command(after_help = "\
Examples:
  # every partitioned table, with what pg_partman was told of it:
  pgstrata import --url postgresql://app@db1/app --out new.yaml
  pgstrata import --out new.yaml && pgstrata plan -p new.yaml
  pgstrata import --schema audit --exclude audit.scratch
  pgstrata import --table audit.audit_log
  # from another tool's configuration, without a server:
  pgstrata import --from ppm ppm.yaml
  pgstrata import --from pg-partsmith partitions.yaml --out new.yaml")]
    Import(ImportArgs),
    /// Show a saved plan. Needs no server and does not judge whether the plan is stale.
    #[command(after_help = "\
Examples:
  pgstrata show plan.json
  pgstrata show -v plan.json       # each step with SQL, locks and facts
  pgstrata show plan.json --format sql > plan.sql")]
    Show(ShowArgs),
    /// Maintenance as a plan, and advice on the server's settings.
    #[command(
        subcommand_required = true,
        arg_required_else_help = true,
        after_help = "\
Examples:
  pgstrata optimize maintenance --dry-run
  pgstrata optimize config"
    )]
    Optimize(OptimizeArgs),
    /// What applications keep to.
    #[command(
        subcommand_required = true,
        arg_required_else_help = true,
        after_help = "\
Examples:
  pgstrata client limits --format toml"
    )]
    Client(ClientArgs),
    /// Print the JSON Schema (draft-07) of policies, or of what a command writes as JSON.
    #[command(after_help = "\
Examples:
  pgstrata schema policy > policy.schema.json
  pgstrata schema plan | jq '.properties | keys'")]
    Schema(SchemaArgs),
    /// Print completions for a shell.
    #[command(after_help = "\
Examples:
  pgstrata completions bash > /etc/bash_completion.d/pgstrata
  pgstrata completions zsh > ~/.zfunc/_pgstrata
  pgstrata completions fish > ~/.config/fish/completions/pgstrata.fish")]
    Completions(CompletionsArgs),
    /// Print the manual page, or write one for each command.
    #[command(after_help = "\
Examples:
  pgstrata man | man -l -
  pgstrata man --out /usr/local/share/man/man1")]
    Man(ManArgs),
    /// Show the whole story on a throw-away server of its own.
    #[cfg(feature = "sandbox")]
    #[command(after_help = "\
Examples:
  pgstrata demo
  PGSTRATA_PG_BIN=/usr/lib/postgresql/17/bin pgstrata demo")]
    Demo(DemoArgs),
    /// Print the command reference as Markdown.
    #[command(hide = true)]
    Reference,
}

/// Which policy.
#[derive(Debug, Args)]
pub(super) struct PolicyArgs {
    /// A policy file, or a folder whose *.yaml are read in name order. Repeatable.
    #[arg(short, long, value_name = "PATH", default_value = "pgstrata.yaml", help_heading = "Policy")]
    pub(super) policy: Vec<PathBuf>,
    /// The policy's environment; needed where the policy has some.
    #[arg(long, value_name = "NAME", help_heading = "Policy")]
    pub(super) env: Option<String>,
    /// A variable that the policy may refer to as ${NAME}, besides PG*, DATABASE_* and PGSTRATA_*. Repeatable.
    #[arg(long, value_name = "NAME", help_heading = "Policy")]
    pub(super) policy_env: Vec<String>,
}

/// Which database.
#[derive(Debug, Args)]
pub(super) struct ConnectArgs {
    /// The database, as a URI or key=value list; what it leaves out comes from libpq's variables and files.
    // An empty one would be libpq's default: a variable that is not set is no database.
    #[arg(long, value_name = "URL", value_parser = NonEmptyStringValueParser::new(), help_heading = "Connection")]
    pub(super) url: Option<String>,
}

/// Which tables, and how far they are looked at.
#[derive(Debug, Args)]
pub(super) struct SelectArgs {
    /// Only this table of the policy. Repeatable.
    #[arg(long, value_name = "NAME", help_heading = "Policy")]
    pub(super) table: Vec<TableName>,
    /// Every table of the policy but this. Repeatable.
    #[arg(long, value_name = "NAME", help_heading = "Policy")]
    pub(super) exclude: Vec<TableName>,
    /// Make no temporary table, in a transaction that is rolled back, to compare indexes by: each is unverified then.
    #[arg(long, help_heading = "Policy")]
    pub(super) no_probe: bool,
}

/// What is accepted, and how it is carried out.
#[derive(Debug, Args)]
pub(super) struct CarryArgs {
    /// Accept a hazard, everywhere or in one table. Repeatable.
    #[arg(long, value_name = "HAZARD[:TABLE]", help_heading = "Hazards")]
    pub(super) allow: Vec<Grant>,
    /// Let so many partitions leave one table at once, instead of the policy's apply.max_drop.
    #[arg(long, value_name = "N", help_heading = "Hazards")]
    pub(super) max_drop: Option<u32>,
    #[command(flatten)]
    pub(super) locks: LockArgs,
}

/// How it waits for locks.
#[derive(Debug, Args)]
pub(super) struct LockArgs {
    /// The server's lock_timeout for each try, such as 200ms, instead of the policy's.
    #[arg(long, value_name = "TIME", value_parser = timeout, help_heading = "Execution")]
    pub(super) lock_timeout: Option<Duration>,
    /// Tries after the first for a lock, instead of the policy's.
    #[arg(long, value_name = "N", help_heading = "Execution")]
    pub(super) lock_retries: Option<u32>,
}

/// How a run goes about it.
#[derive(Debug, Args)]
pub(super) struct ExecutionArgs {
    /// Do not ask. Hazards still need their grants.
    #[arg(long, help_heading = "Hazards")]
    pub(super) auto_approve: bool,
    /// Tables side by side, instead of the policy's. A run opens up to 2 × N + 1 connections, or works with fewer where
    /// fewer are free.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=64), help_heading = "Execution")]
    pub(super) jobs: Option<u32>,
    /// Wait this long for another run to end, such as 5min; without it another run is exit 5 at once.
    #[arg(long, value_name = "TIME", value_parser = timeout, help_heading = "Execution")]
    pub(super) run_lock_wait: Option<Duration>,
    /// Append a line of JSON before and after each step that rows or an index go with.
    ///
    /// Mode 0600, flushed to the disk; without the line before it no such step begins. See `pgstrata schema journal`.
    #[arg(long, value_name = "FILE", help_heading = "Output")]
    pub(super) journal: Option<PathBuf>,
}

/// `plan`
#[derive(Debug, Args)]
pub(super) struct PlanArgs {
    #[command(flatten)]
    pub(super) policy: PolicyArgs,
    #[command(flatten)]
    pub(super) source: SourceArgs,
    #[command(flatten)]
    pub(super) select: SelectArgs,
    #[command(flatten)]
    pub(super) carry: CarryArgs,
    #[command(flatten)]
    pub(super) output: PlanOutputArgs,
    /// Save the plan for `apply`; only its owner may read the file.
    #[arg(short, long, value_name = "FILE", help_heading = "Output")]
    pub(super) out: Option<PathBuf>,
    /// Exit 2 when changes are pending.
    #[arg(long, help_heading = "Output")]
    pub(super) detailed_exitcode: bool,
    /// Plan for this instant instead of the server's clock; ahead of it the plan is for reading only.
    #[arg(long, value_name = "INSTANT", value_parser = instant, help_heading = "Policy")]
    pub(super) now: Option<Timestamp>,
}

/// `apply`
#[derive(Debug, Args)]
pub(super) struct ApplyArgs {
    /// A plan saved by `plan --out`; it is carried out with the policy it was made from, or not at all.
    #[arg(value_name = "PLAN", conflicts_with_all = ["table", "exclude"])]
    pub(super) plan: Option<PathBuf>,
    #[command(flatten)]
    pub(super) run: RunArgs,
}

/// What everything takes that carries out a plan.
#[derive(Debug, Args)]
pub(super) struct RunArgs {
    #[command(flatten)]
    pub(super) policy: PolicyArgs,
    #[command(flatten)]
    pub(super) connect: ConnectArgs,
    #[command(flatten)]
    pub(super) select: SelectArgs,
    #[command(flatten)]
    pub(super) carry: CarryArgs,
    /// How the outcome is printed.
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT", help_heading = "Output")]
    pub(super) format: OutcomeFormat,
    /// Also write the outcome to a file. Repeatable.
    #[arg(long, value_name = "FORMAT=PATH", value_parser = report::<OutcomeFormat>, help_heading = "Output")]
    pub(super) report: Vec<Report<OutcomeFormat>>,
    #[command(flatten)]
    pub(super) execution: ExecutionArgs,
}

/// `drift`
#[derive(Debug, Args)]
pub(super) struct DriftArgs {
    #[command(flatten)]
    pub(super) policy: PolicyArgs,
    #[command(flatten)]
    pub(super) source: SourceArgs,
    #[command(flatten)]
    pub(super) select: SelectArgs,
    /// How the report is printed.
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT", help_heading = "Output")]
    pub(super) format: DriftFormat,
    /// Also write the report to a file. Repeatable.
    #[arg(long, value_name = "FORMAT=PATH", value_parser = report::<DriftFormat>, help_heading = "Output")]
    pub(super) report: Vec<Report<DriftFormat>>,
    /// Which classes of steps are exit 2, separated by commas.
    #[arg(
        long,
        value_name = "CLASSES",
        value_parser = class,
        value_delimiter = ',',
        default_value = "drift,overdue",
        help_heading = "Output"
    )]
    pub(super) fail_on: Vec<Class>,
    /// Judge for this instant instead of the server's clock.
    #[arg(long, value_name = "INSTANT", value_parser = instant, help_heading = "Policy")]
    pub(super) now: Option<Timestamp>,
}

/// `validate`
#[derive(Debug, Args)]
pub(super) struct ValidateArgs {
    #[command(flatten)]
    pub(super) policy: PolicyArgs,
}

/// `import`
#[derive(Debug, Args)]
pub(super) struct ImportArgs {
    /// The other tool's configuration, with --from.
    #[arg(value_name = "FILE", requires = "from")]
    pub(super) file: Option<PathBuf>,
    /// Read another tool's configuration FILE instead of a database. Its retention is carried over.
    #[arg(
        long,
        value_enum,
        value_name = "TOOL",
        requires = "file",
        conflicts_with_all = ["url", "schema"],
        help_heading = "Source"
    )]
    pub(super) from: Option<ImportFrom>,
    #[command(flatten)]
    pub(super) connect: ConnectArgs,
    /// Only this table; for a plain one, the steps that would partition it. Repeatable.
    #[arg(long, value_name = "NAME", conflicts_with = "schema", help_heading = "Source")]
    pub(super) table: Vec<TableName>,
    /// Only tables of this schema. Repeatable.
    #[arg(long, value_name = "NAME", value_parser = schema, help_heading = "Source")]
    pub(super) schema: Vec<Ident>,
    /// Every table but this. Repeatable.
    #[arg(long, value_name = "NAME", help_heading = "Source")]
    pub(super) exclude: Vec<TableName>,
    /// Write the policy to a file that is not there yet.
    #[arg(short, long, value_name = "FILE", help_heading = "Output")]
    pub(super) out: Option<PathBuf>,
    /// Replace the file if it is there.
    #[arg(long, requires = "out", help_heading = "Output")]
    pub(super) force: bool,
}

/// Whose configuration is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum ImportFrom {
    /// qonto's PostgreSQL Partition Manager.
    Ppm,
    /// pg-partsmith.
    PgPartsmith,
}

/// `show`
#[derive(Debug, Args)]
pub(super) struct ShowArgs {
    /// A plan saved by `plan --out`, or the output of `plan --format json`.
    #[arg(value_name = "PLAN")]
    pub(super) plan: PathBuf,
    #[command(flatten)]
    pub(super) output: PlanOutputArgs,
    /// Take this for the present when saying how old the plan is.
    #[arg(long, value_name = "INSTANT", value_parser = instant, help_heading = "Output")]
    pub(super) now: Option<Timestamp>,
}

/// `demo`
#[cfg(feature = "sandbox")]
#[derive(Debug, Args)]
pub(super) struct DemoArgs {}

/// `schema`
#[derive(Debug, Args)]
pub(super) struct SchemaArgs {
    /// Of what.
    #[arg(value_enum)]
    pub(super) of: SchemaOf,
}

/// `completions`
#[derive(Debug, Args)]
pub(super) struct CompletionsArgs {
    /// For which shell.
    #[arg(value_enum)]
    pub(super) shell: clap_complete::Shell,
}

/// `man`
#[derive(Debug, Args)]
pub(super) struct ManArgs {
    /// Write the pages of all commands into this folder.
    #[arg(long, value_name = "DIR")]
    pub(super) out: Option<PathBuf>,
}

/// How a plan is shown.
#[derive(Debug, Args)]
pub(super) struct PlanOutputArgs {
    /// How the plan is printed.
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT", help_heading = "Output")]
    pub(super) format: PlanFormat,
    /// Also write it to a file. Repeatable.
    #[arg(long, value_name = "FORMAT=PATH", value_parser = report::<PlanFormat>, help_heading = "Output")]
    pub(super) report: Vec<Report<PlanFormat>>,
}

/// What a plan can be printed as.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum PlanFormat {
    /// For people.
    #[default]
    Human,
    /// For programs.
    Json,
    /// For a pull request's comment.
    Markdown,
    /// For psql.
    Sql,
    /// Counts for GitLab's artifacts:reports:terraform.
    Gitlab,
}

/// What an outcome can be printed as.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum OutcomeFormat {
    /// For people.
    #[default]
    Human,
    /// For programs.
    Json,
    /// For a pull request's comment.
    Markdown,
}

/// What drift can be printed as.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum DriftFormat {
    /// For people.
    #[default]
    Human,
    /// For programs.
    Json,
    /// For a pull request's comment.
    Markdown,
    /// Metrics for a textfile collector.
    Prometheus,
    /// SARIF 2.1.0, for code scanning.
    Sarif,
    /// JUnit XML, for a list of tests.
    Junit,
}

/// What has a schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum SchemaOf {
    /// Policy files.
    Policy,
    /// Plans: `plan --out`, `plan --format json`.
    Plan,
    /// Reports: `drift --format json`.
    Drift,
    /// Outcomes: `apply --format json`.
    Outcome,
    /// A line of a journal: `apply --journal`.
    Journal,
}

fn schema(text: &str) -> Result<Ident, String> {
    Ident::parse(text).map_err(|error| error.to_string())
}
#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }
}
