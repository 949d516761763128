//! `COMMANDS.md`: the help of every command, made from the command line's own definition.

use clap::CommandFactory as _;

use super::args::Cli;
use super::error::CommandError;
use super::exit::Events;
use super::ui::Ui;

/// The reference must not depend on whose terminal it was made in.
const WIDTH: usize = 100;

pub(super) fn run(ui: &Ui) -> Result<Events, CommandError> {
    ui.result(&reference())?;
    Ok(Events::new())
}

fn reference() -> String {
    let mut text = "# Commands\n\nMade by `pgstrata reference`; `make check` compares.\n".to_owned();
    let mut root = Cli::command().term_width(WIDTH);
    root.build();
    section(&mut text, &mut root);
    let names: Vec<String> = root
        .get_subcommands()
        .filter(|command| !command.is_hide_set() && command.get_name() != "help")
        .map(|command| command.get_name().to_owned())
        .collect();
    for name in names {
        if let Some(command) = root.find_subcommand_mut(&name) {
            section(&mut text, command);
            for inner in command.get_subcommands_mut().filter(|inner| inner.get_name() != "help") {
                section(&mut text, inner);
            }
        }
    }
    text
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
