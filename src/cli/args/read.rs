//! Arguments of the commands that read, and of `partition`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use jiff::Timestamp;

use super::values::{Report, instant, report};
use super::{ConnectArgs, PolicyArgs, RunArgs, SelectArgs};

/// A database, or a file in its place.
#[derive(Debug, Args)]
pub(in crate::cli) struct SourceArgs {
    #[command(flatten)]
    pub(in crate::cli) connect: ConnectArgs,
    /// Read what `pgstrata snapshot` saved instead of a database: no connection is opened.
    #[arg(long, value_name = "FILE", conflicts_with = "url", help_heading = "Connection")]
    pub(in crate::cli) snapshot: Option<PathBuf>,
}

/// `snapshot`
#[derive(Debug, Args)]
pub(in crate::cli) struct SnapshotArgs {
    #[command(flatten)]
    pub(in crate::cli) policy: PolicyArgs,
    #[command(flatten)]
    pub(in crate::cli) connect: ConnectArgs,
    #[command(flatten)]
    pub(in crate::cli) select: SelectArgs,
    /// Write it to this file instead of standard output; only its owner may read it.
    #[arg(short, long, value_name = "FILE", help_heading = "Output")]
    pub(in crate::cli) out: Option<PathBuf>,
    /// Also ask what a plan for this instant needs; the present and the next 31 days are asked anyway.
    #[arg(long, value_name = "INSTANT", value_parser = instant, help_heading = "Policy")]
    pub(in crate::cli) now: Option<Timestamp>,
}

/// `explain`
#[derive(Debug, Args)]
pub(in crate::cli) struct ExplainArgs {
    /// A table of the policy, a partition, or a detached table; the schema may be left out where one fits.
    #[arg(value_name = "NAME")]
    pub(in crate::cli) name: String,
    #[command(flatten)]
    pub(in crate::cli) policy: PolicyArgs,
    #[command(flatten)]
    pub(in crate::cli) source: SourceArgs,
    #[command(flatten)]
    pub(in crate::cli) select: SelectArgs,
    #[command(flatten)]
    pub(in crate::cli) output: ReportOutputArgs,
    /// Tell it as of this instant instead of the server's clock.
    #[arg(long, value_name = "INSTANT", value_parser = instant, help_heading = "Policy")]
    pub(in crate::cli) now: Option<Timestamp>,
}

/// `partition`
#[derive(Debug, Args)]
#[command(subcommand_required = true, arg_required_else_help = true)]
pub(in crate::cli) struct PartitionArgs {
    #[command(subcommand)]
    pub(in crate::cli) command: PartitionCommand,
}

/// What can be done with partitions.
#[derive(Debug, Subcommand)]
pub(in crate::cli) enum PartitionCommand {
    /// Show each table's partitions in time: bounds, fit, sizes, gaps, holds, retention edge. Changes nothing.
    #[command(after_help = "\
Examples:
  pgstrata partition list
  pgstrata partition list audit.audit_log
  # each one, where runs of many are folded otherwise:
  pgstrata partition list audit.audit_log --all
  pgstrata partition list --format json | jq -r '.tables[].partitions[].name'")]
    List(ListArgs),
    /// Judge each table's partitions: sizes, skew, growth, and whether the interval fits. Changes nothing.
    #[command(after_help = "\
Examples:
  pgstrata partition analyze
  pgstrata partition analyze audit.audit_log
  pgstrata partition analyze --format json | jq '.tables[].interval'")]
    Analyze(AnalyzeArgs),
    /// Create the partitions that the policy wants: `apply`, and nothing but creations.
    #[command(after_help = "\
Examples:
  pgstrata partition create        # asks on the terminal
  pgstrata partition create --auto-approve --table audit.audit_log")]
    Create(RunArgs),
    /// Remove the partitions whose time is over: `apply`, and nothing but finalize, detach and drop.
    #[command(after_help = "\
Examples:
  pgstrata partition cleanup       # asks; drops need their grant
  pgstrata partition cleanup --auto-approve --allow deletes-data:audit.audit_log")]
    Cleanup(RunArgs),
}

/// `partition list`
#[derive(Debug, Args)]
pub(in crate::cli) struct ListArgs {
    #[command(flatten)]
    pub(in crate::cli) report: TableReportArgs,
    /// Show each partition: runs of many are folded otherwise.
    #[arg(long, help_heading = "Output")]
    pub(in crate::cli) all: bool,
}

/// `partition analyze`
#[derive(Debug, Args)]
pub(in crate::cli) struct AnalyzeArgs {
    #[command(flatten)]
    pub(in crate::cli) report: TableReportArgs,
}

/// What reports on tables take.
#[derive(Debug, Args)]
pub(in crate::cli) struct TableReportArgs {
    /// Only this table of the policy, like --table; the schema may be left out where one fits.
    #[arg(value_name = "TABLE", conflicts_with_all = ["table", "exclude"])]
    pub(in crate::cli) name: Option<String>,
    #[command(flatten)]
    pub(in crate::cli) policy: PolicyArgs,
    #[command(flatten)]
    pub(in crate::cli) source: SourceArgs,
    #[command(flatten)]
    pub(in crate::cli) select: SelectArgs,
    #[command(flatten)]
    pub(in crate::cli) output: ReportOutputArgs,
    /// Judge for this instant instead of the server's clock.
    #[arg(long, value_name = "INSTANT", value_parser = instant, help_heading = "Policy")]
    pub(in crate::cli) now: Option<Timestamp>,
}

/// How a report is shown.
#[derive(Debug, Args)]
pub(in crate::cli) struct ReportOutputArgs {
    /// How the report is printed.
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT", help_heading = "Output")]
    pub(in crate::cli) format: ReportFormat,
    /// Also write the report to a file. Repeatable.
    #[arg(long, value_name = "FORMAT=PATH", value_parser = report::<ReportFormat>, help_heading = "Output")]
    pub(in crate::cli) report: Vec<Report<ReportFormat>>,
}

/// What a report can be printed as.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum ReportFormat {
    /// For people.
    #[default]
    Human,
    /// For programs.
    Json,
}

impl ReportOutputArgs {
    /// Whether this format is printed or written anywhere.
    pub(in crate::cli) fn wants(&self, format: ReportFormat) -> bool {
        self.format == format || self.report.iter().any(|report| report.format == format)
    }
}
