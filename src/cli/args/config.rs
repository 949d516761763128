//! Arguments of `optimize config`.

use clap::{Args, ValueEnum};

use super::{ConnectArgs, PolicyArgs};

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
