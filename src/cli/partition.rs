//! `pgstrata partition`

use pgstrata::db::Env;
use pgstrata::plan::Scope;

use super::apply::run_in_scope;
use super::args::{ExplainArgs, PartitionArgs, PartitionCommand};
use super::error::CommandError;
use super::exit::Events;
use super::ui::Ui;

pub(super) fn run(args: PartitionArgs, env: &Env, ui: &Ui) -> Result<Events, CommandError> {
    match args.command {
        PartitionCommand::List(_) | PartitionCommand::Analyze(_) => Err(CommandError::error("soon")),
        PartitionCommand::Create(args) => run_in_scope("partition create", Scope::Creations, &args, env, ui),
        PartitionCommand::Cleanup(args) => run_in_scope("partition cleanup", Scope::Removals, &args, env, ui),
    }
}

pub(super) fn explain(_: &ExplainArgs, _: &Env, _: &Ui) -> Result<Events, CommandError> {
    Err(CommandError::error("soon"))
}
