//! The binary: arguments, output, signals, exit codes. What is wanted, due and done is decided in the library.

mod apply;
mod args;
mod colour;
mod completions;
mod confirm;
mod connect;
#[cfg(feature = "sandbox")]
mod demo;
mod diagnostics;
mod drift;
mod env;
mod error;
mod exit;
mod files;
mod inspect;
mod parse;
mod plan;
mod plan_text;
mod policy;
mod progress;
mod reference;
mod schema;
mod show;
mod signals;
mod ui;
mod validate;

use std::ffi::OsString;

use pgstrata::db::Env;

use self::args::{Cli, Command};
use self::error::CommandError;
use self::exit::Events;
use self::ui::Ui;

/// Runs the program; gives its exit code.
pub(crate) fn run(args: impl IntoIterator<Item = OsString>) -> u8 {
    let env = env::read();
    let args: Vec<OsString> = args.into_iter().collect();
    let cli = match parse::parse(&args, &env) {
        Ok(cli) => cli,
        Err(code) => return code,
    };
    let ui = Ui::new(&cli.global, &env);
    for (variable, flag) in env::ignored(&env) {
        ui.note(&format!("{variable} has no effect: give --{flag} itself, so that nothing that lingers decides"));
    }
    match dispatch(cli, &env, &ui) {
        Ok(events) => exit::code(&events),
        Err(error) => {
            ui.error(&error);
            exit::code(&Events::from([error.event]))
        }
    }
}

fn dispatch(cli: Cli, env: &Env, ui: &Ui) -> Result<Events, CommandError> {
    match cli.command {
        Command::Plan(args) => plan::run(&args, env, ui),
        Command::Apply(args) => apply::run(&args, env, ui),
        Command::Drift(args) => drift::run(&args, env, ui),
        Command::Validate(args) => validate::run(&args, env, ui),
        Command::Show(args) => show::run(&args, ui),
        Command::Schema(args) => schema::run(&args, ui),
        Command::Completions(args) => completions::run(&args, ui),
        #[cfg(feature = "sandbox")]
        Command::Demo(args) => demo::run(&args, env, ui),
        Command::Reference => reference::run(ui),
    }
}
