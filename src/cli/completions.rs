//! `pgstrata completions`

use clap::CommandFactory as _;

use super::args::{Cli, CompletionsArgs};
use super::door::Leaving;
use super::error::CommandError;
use super::exit::Events;
use super::ui::Ui;

pub(super) fn run(args: &CompletionsArgs, ui: &Ui) -> Result<Events, CommandError> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "pgstrata", &mut script);
    ui.result(&Leaving::own(String::from_utf8_lossy(&script)))?;
    Ok(Events::new())
}
