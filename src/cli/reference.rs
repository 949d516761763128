//! `COMMANDS.md`: the help of every command, made from the command line's own definition.

use clap::CommandFactory as _;

use super::args::Cli;
use super::door::Leaving;
use super::error::CommandError;
use super::exit::Events;
use super::ui::Ui;

/// The reference must not depend on whose terminal it was made in.
const WIDTH: usize = 100;

pub(super) fn run(ui: &Ui) -> Result<Events, CommandError> {
    ui.result(&Leaving::own(reference()))?;
    Ok(Events::new())
}

fn reference() -> String {
    let mut text = "# Commands\n\nMade by `pgstrata reference`; `make check` compares.\n".to_owned();
    let mut root = Cli::command().term_width(WIDTH);
    root.build();
    sections(&mut text, &mut root);
    text
}

/// A command, and those in it.
fn sections(text: &mut String, command: &mut clap::Command) {
    section(text, command);
    let inner = command.get_subcommands_mut().filter(|inner| !inner.is_hide_set() && inner.get_name() != "help");
    inner.for_each(|inner| sections(text, inner));
}

fn section(text: &mut String, command: &mut clap::Command) {
    let title = command.get_bin_name().unwrap_or_else(|| command.get_name()).to_owned();
    let help = command.render_long_help().to_string();
    let help = help.lines().map(str::trim_end).collect::<Vec<_>>().join("\n");
    text.push_str(&format!("\n## {title}\n\n```text\n{}\n```\n", help.trim_end()));
}

// Without the sandbox there is no `demo`.
#[cfg(all(test, feature = "sandbox"))]
mod tests {
    #[test]
    fn the_checked_in_reference_is_current() {
        let current = super::reference();
        assert!(current == include_str!("COMMANDS.md"), "cargo run -q -- reference > src/cli/COMMANDS.md");
    }
}
