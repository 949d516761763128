//! Arguments of `client`.

use clap::{Args, Subcommand, ValueEnum};

use super::PolicyArgs;

/// `client`
#[derive(Debug, Args)]
pub(in crate::cli) struct ClientArgs {
    #[command(subcommand)]
    pub(in crate::cli) command: ClientCommand,
}

/// What is asked of clients.
#[derive(Debug, Subcommand)]
pub(in crate::cli) enum ClientCommand {
    /// Print the limits of the policy's `client` section, for programs that do not read policies. Offline.
    ///
    /// Whole numbers, times in milliseconds, shares from 0 to 1, and only what the policy says. `pgstrata::client` reads the variables by
    /// `ClientLimits::from_env`; any other program may as well.
    #[command(after_help = "\
Examples:
  pgstrata client limits -p policies/audit-log.yaml --env production > api.env
  pgstrata client limits --format json | jq .pool
  pgstrata client limits --format toml")]
    Limits(ClientLimitsArgs),
}

/// `client limits`
#[derive(Debug, Args)]
pub(in crate::cli) struct ClientLimitsArgs {
    #[command(flatten)]
    pub(in crate::cli) policy: PolicyArgs,
    /// How they are written.
    #[arg(long, value_enum, default_value_t = LimitsFormat::Env, value_name = "FORMAT")]
    pub(in crate::cli) format: LimitsFormat,
}

/// How limits are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum LimitsFormat {
    /// Variables: PGSTRATA_POOL_MAX=20
    Env,
    /// JSON: sections `pool` and `cache`
    Json,
    /// TOML: the same
    Toml,
}
