//! Arguments of `hold` and `unhold`.

use std::path::PathBuf;

use clap::Args;

use super::{ConnectArgs, PolicyArgs};

/// `hold`
#[derive(Debug, Args)]
pub(in crate::cli) struct HoldArgs {
    /// A partition, a detached table, or a partitioned table; its schema may be left out where one alone fits.
    #[arg(value_name = "NAME")]
    pub(in crate::cli) name: String,
    /// Why: one line, written into the comment.
    #[arg(long, value_name = "TEXT")]
    pub(in crate::cli) reason: String,
    #[command(flatten)]
    pub(in crate::cli) policy: PolicyArgs,
    #[command(flatten)]
    pub(in crate::cli) connect: ConnectArgs,
    /// Append a line of JSON before and after the change; without the first nothing is changed.
    #[arg(long, value_name = "FILE", help_heading = "Output")]
    pub(in crate::cli) journal: Option<PathBuf>,
}

/// `unhold`
#[derive(Debug, Args)]
pub(in crate::cli) struct UnholdArgs {
    /// What `hold` was given; every hold line of its comment is lifted.
    #[arg(value_name = "NAME")]
    pub(in crate::cli) name: String,
    /// Why: one line, for the journal.
    #[arg(long, value_name = "TEXT")]
    pub(in crate::cli) reason: Option<String>,
    #[command(flatten)]
    pub(in crate::cli) policy: PolicyArgs,
    #[command(flatten)]
    pub(in crate::cli) connect: ConnectArgs,
    /// Do not ask.
    #[arg(long, help_heading = "Hazards")]
    pub(in crate::cli) auto_approve: bool,
    /// Append a line of JSON before and after the change; without the first nothing is changed.
    #[arg(long, value_name = "FILE", help_heading = "Output")]
    pub(in crate::cli) journal: Option<PathBuf>,
}
