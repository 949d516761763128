//! `pgstrata explain`

use pgstrata::db::Env;

use super::args::ExplainArgs;
use super::error::CommandError;
use super::exit::Events;
use super::ui::Ui;

pub(super) fn run(_: &ExplainArgs, _: &Env, _: &Ui) -> Result<Events, CommandError> {
    Err(CommandError::error("soon"))
}
