//! `pgstrata demo`: the whole story on a throw-away server.

use clap::Args;
use pgstrata::db::Env;

use super::error::CommandError;
use super::exit::Events;
use super::ui::Ui;

/// `demo`
#[derive(Debug, Args)]
pub(super) struct DemoArgs {}

pub(super) fn run(_args: &DemoArgs, _env: &Env, _ui: &Ui) -> Result<Events, CommandError> {
    Err(CommandError::error("the demo is not there yet"))
}
