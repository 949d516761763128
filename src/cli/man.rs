//! `pgstrata man`: manual pages, made from the command line's own definition.

use std::io;

use clap::{Command, CommandFactory as _};
use clap_mangen::Man;

use super::args::{Cli, ManArgs};
use super::door::Leaving;
use super::error::CommandError;
use super::exit::Events;
use super::files::{Mode, write_atomically};
use super::ui::Ui;

pub(super) fn run(args: &ManArgs, ui: &Ui) -> Result<Events, CommandError> {
    let pages = pages();
    let Some(folder) = &args.out else {
        if let Some((_, main)) = pages.first() {
            ui.result(&Leaving::own(main))?;
        }
        return Ok(Events::new());
    };
    if !folder.is_dir() {
        let message = format!("there is no folder {}", folder.display());
        return Err(CommandError::usage(message).hint(format!("mkdir -p {}", folder.display())));
    }
    for (name, text) in &pages {
        write_atomically(&folder.join(name), &Leaving::own(text), Mode::Shared)?;
    }
    ui.note(&format!("{} pages written; read them with: man {}/pgstrata.1", pages.len(), folder.display()));
    Ok(Events::new())
}

/// File names and pages, the main one first.
fn pages() -> Vec<(String, String)> {
    let mut root = Cli::command().disable_help_subcommand(true);
    root.build();
    let mut pages = Vec::new();
    add(&root, "pgstrata", &mut pages);
    pages
}

fn add(command: &Command, name: &str, pages: &mut Vec<(String, String)>) {
    let page = command.clone().name(name.to_owned()).bin_name(name.replace('-', " "));
    if let Ok(text) = rendered(&Man::new(page)) {
        pages.push((format!("{name}.1"), text));
    }
    for inner in command.get_subcommands().filter(|inner| !inner.is_hide_set()) {
        add(inner, &format!("{name}-{}", inner.get_name()), pages);
    }
}

fn rendered(page: &Man) -> io::Result<String> {
    let mut bytes = Vec::new();
    page.render(&mut bytes)?;
    String::from_utf8(bytes).map_err(io::Error::other)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_a_page_for_each_command_that_the_help_lists() {
        let pages = pages();
        assert_eq!(pages[0].0, "pgstrata.1");
        let command = Cli::command();
        let listed: Vec<&Command> = command.get_subcommands().filter(|inner| !inner.is_hide_set()).collect();
        assert!(listed.len() > 5);
        for inner in listed {
            let name = format!("pgstrata-{}.1", inner.get_name());
            let (_, page) = pages.iter().find(|(file, _)| *file == name).unwrap_or_else(|| panic!("no {name}"));
            assert!(page.contains(".SH NAME") && page.contains(".SH SYNOPSIS"), "{name}");
            let flags = inner.get_arguments().filter(|arg| !arg.is_hide_set()).filter_map(|arg| arg.get_long());
            for flag in flags {
                assert!(page.contains(&flag.replace('-', "\\-")), "{name} lacks --{flag}");
            }
            // An example of the help is in its page as well.
            assert!(page.contains("Examples:"), "{name}");
        }
        assert!(pages.iter().all(|(name, _)| name != "pgstrata-reference.1" && name != "pgstrata-help.1"));
    }
}
