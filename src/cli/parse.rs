//! From arguments and variables to a command, or to a message and its exit code.

use std::ffi::OsString;

use clap::error::ErrorKind;
use clap::{CommandFactory as _, FromArgMatches as _, ValueEnum as _};
use pgstrata::db::Env;

use super::args::Cli;
use super::colour::{ColorChoice, ColorWhen, Terminals};
use super::door::{self, Leaving};
use super::env;
use super::exit;
use super::paste::Given;

/// The command, or the exit code of what was said instead: help is 0, wrong usage 64.
pub(super) fn parse(args: &[OsString], env: &Env) -> Result<Cli, u8> {
    let mut command = env::defaults(Cli::command(), env);
    let parsed = command.try_get_matches_from_mut(args).and_then(|matches| {
        let mut cli = Cli::from_arg_matches(&matches)?;
        cli.given = Given::of(&command, &matches);
        Ok(cli)
    });
    parsed.map_err(|error| say(&error.format(&mut command), args, env))
}

fn say(error: &clap::Error, args: &[OsString], env: &Env) -> u8 {
    let asked = matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion);
    let choice = ColorChoice::resolve(color_flag(args, env), env, Terminals::detect());
    let colour = if asked { choice.stdout } else { choice.stderr };
    let text = error.render();
    // Arguments stand in it as they were given, and a colour of theirs is none of ours.
    let colour = colour && !args.iter().any(|arg| arg.as_encoded_bytes().contains(&b'\x1b'));
    let text = if colour { text.ansi().to_string() } else { text.to_string() };
    if asked {
        // A pager that was left early is nothing to complain about.
        drop(door::stdout(&Leaving::own(text)));
        return exit::DONE;
    }
    door::stderr(&Leaving::text(&text, colour));
    let variables = env::given(env);
    if !variables.is_empty() {
        let list = variables.join(", ");
        door::stderr(&Leaving::line(&format!("note: variables that stand in for flags are set: {list}")));
    }
    exit::USAGE
}

/// `--color` where the arguments as a whole could not be read.
fn color_flag(args: &[OsString], env: &Env) -> ColorWhen {
    let mut args = args.iter().filter_map(|arg| arg.to_str());
    let mut value = None;
    while let Some(arg) = args.next() {
        value = match arg.strip_prefix("--color") {
            Some("") => args.next(),
            Some(rest) => rest.strip_prefix('='),
            None => continue,
        };
    }
    let value = value.or_else(|| env.non_empty("PGSTRATA_COLOR"));
    value.and_then(|value| ColorWhen::from_str(value, true).ok()).unwrap_or_default()
}
