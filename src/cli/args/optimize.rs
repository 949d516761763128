//! Arguments of `optimize`.

use clap::{Args, Subcommand, ValueEnum};
use pgstrata::sql::TableName;

use super::{ConnectArgs, ExecutionArgs, LockArgs, PolicyArgs, SelectArgs};

/// `optimize`
#[derive(Debug, Args)]
pub(in crate::cli) struct OptimizeArgs {
    #[command(subcommand)]
    pub(in crate::cli) command: OptimizeCommand,
}

/// What is optimized.
#[derive(Debug, Subcommand)]
pub(in crate::cli) enum OptimizeCommand {
    /// Analyze, freeze and reindex what the policy's `maintenance` says is due, and nothing else.
    ///
    /// Shows the steps, asks, and carries them out; with --dry-run it shows for each table as well when autovacuum comes by
    /// itself and how far transaction ids have run. The same steps are part of every `apply`, at the end of each table's.
    #[command(after_help = "\
Examples:
  # what is due, and a forecast of autovacuum and wraparound:
  pgstrata optimize maintenance --dry-run
  pgstrata optimize maintenance audit.audit_log --dry-run -v
  pgstrata optimize maintenance --dry-run --format json | jq '.forecast'
  # at night:
  pgstrata optimize maintenance --auto-approve")]
    Maintenance(MaintenanceArgs),
    /// Advise on the server's settings. Changes nothing.
    ///
    /// From the policy's `hardware`, or from the server's own control group where the server is a process of this machine; a
    /// remote machine is never guessed. Each value comes with its formula and where that is from. Locks and autovacuum are
    /// counted by the partitions and indexes of the policy's tables. What is advised can be pasted as the policy's `settings`.
    #[command(after_help = "\
Examples:
  pgstrata optimize config
  pgstrata optimize config --format json | jq '.change[].setting'
  # as a section of the policy, with each formula beside its value:
  pgstrata optimize config --format yaml > settings.yaml")]
    Config(ConfigArgs),
    /// Print the part of PgBouncer's configuration that `limits.pgbouncer` decides, for the main file to include.
    ///
    /// Nothing is connected to and nothing is written: PgBouncer's host may be another one. Once its RELOAD is done, `drift`
    /// compares what its admin console says with the policy.
    #[command(after_help = "\
Examples:
  pgstrata optimize pgbouncer > pgstrata.ini
  # as the last line of [pgbouncer] in pgbouncer.ini:
  #   %include /etc/pgbouncer/pgstrata.ini")]
    Pgbouncer(PgbouncerArgs),
}

/// `optimize pgbouncer`
#[derive(Debug, Args)]
pub(in crate::cli) struct PgbouncerArgs {
    #[command(flatten)]
    pub(in crate::cli) policy: PolicyArgs,
}

/// `optimize maintenance`
#[derive(Debug, Args)]
pub(in crate::cli) struct MaintenanceArgs {
    /// Only these tables of the policy, like --table.
    #[arg(value_name = "TABLE", conflicts_with_all = ["table", "exclude"])]
    pub(in crate::cli) tables: Vec<TableName>,
    #[command(flatten)]
    pub(in crate::cli) policy: PolicyArgs,
    #[command(flatten)]
    pub(in crate::cli) connect: ConnectArgs,
    #[command(flatten)]
    pub(in crate::cli) select: SelectArgs,
    #[command(flatten)]
    pub(in crate::cli) locks: LockArgs,
    /// How the plan and the forecast, or the outcome, are printed.
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT", help_heading = "Output")]
    pub(in crate::cli) format: MaintenanceFormat,
    /// Show what is due and the forecast. Changes nothing.
    #[arg(long, conflicts_with = "auto_approve", help_heading = "Execution")]
    pub(in crate::cli) dry_run: bool,
    #[command(flatten)]
    pub(in crate::cli) execution: ExecutionArgs,
}

/// `optimize config`
#[derive(Debug, Args)]
pub(in crate::cli) struct ConfigArgs {
    #[command(flatten)]
    pub(in crate::cli) policy: PolicyArgs,
    #[command(flatten)]
    pub(in crate::cli) connect: ConnectArgs,
    /// How the advice is printed.
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT", help_heading = "Output")]
    pub(in crate::cli) format: ConfigFormat,
}

/// What maintenance can be printed as.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum MaintenanceFormat {
    /// For people.
    #[default]
    Human,
    /// For programs.
    Json,
}

/// What advice can be printed as.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum ConfigFormat {
    /// For people.
    #[default]
    Human,
    /// For programs.
    Json,
    /// A `settings` section for the policy.
    Yaml,
}
