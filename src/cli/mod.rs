//! The binary: arguments, output, signals, exit codes. What is wanted, due and done is decided in the library.

mod apply;
mod args;
mod at_fault;
#[cfg(test)]
mod ci_examples;
mod client;
mod colour;
mod completions;
mod config;
mod confirm;
mod connect;
#[cfg(feature = "sandbox")]
mod demo;
mod diagnostics;
mod door;
mod drift;
mod env;
mod error;
mod exit;
mod explain;
mod github;
mod hold;
mod import;
mod inspect;
mod journal;
mod locations;
mod machine;
mod maintenance;
mod man;
mod masked;
mod outcome_text;
mod parse;
mod partition;
mod paste;
mod pgbouncer;
mod plan;
mod plan_file;
mod plan_text;
mod policy;
mod progress;
mod reference;
mod refusal;

mod schema;
mod show;
mod signals;
mod snapshot;
mod snapshot_file;
mod ui;
mod validate;

use std::ffi::OsString;

use pgstrata::db::Env;

#[cfg(feature = "sandbox")]
use self::args::DemoArgs;
use self::args::{Cli, Command, OptimizeArgs, OptimizeCommand};
use self::door::files;
use self::error::CommandError;
use self::exit::Events;
use self::ui::Ui;

/// Runs the program; gives its exit code.
pub(crate) fn run(args: impl IntoIterator<Item = OsString>) -> u8 {
    signals::receive();
    let env = pgstrata::db::Env::of_process();
    let args: Vec<OsString> = args.into_iter().collect();
    let cli = match parse::parse(&args, &env) {
        Ok(cli) => cli,
        Err(code) => return code,
    };
    let ui = Ui::new(&cli.global, cli.given.clone(), &env);
    for (variable, flag) in env::ignored(&env) {
        ui.note(&format!("{variable} has no effect: give --{flag} itself, so that nothing that lingers decides"));
    }
    match dispatch(cli, &env, &ui) {
        Ok(events) => exit::code(&events),
        Err(error) => {
            ui.error(&error);
            // A terminal that was closed takes no result any more: that is no failure of its own.
            let signal = signals::first().map(exit::Event::Interrupted);
            exit::code(&[error.event].into_iter().chain(signal).collect())
        }
    }
}

fn dispatch(cli: Cli, env: &Env, ui: &Ui) -> Result<Events, CommandError> {
    match cli.command {
        Command::Plan(args) => plan::run(&args, env, ui),
        Command::Apply(args) => apply::run(&args, env, ui),
        Command::Drift(args) => drift::run(&args, env, ui),
        Command::Explain(args) => explain::run(&args, env, ui),
        Command::Hold(args) => hold::hold(&args, env, ui),
        Command::Unhold(args) => hold::unhold(&args, env, ui),
        Command::Partition(args) => partition::run(&args, env, ui),
        Command::Snapshot(args) => snapshot::run(args, env, ui),
        Command::Validate(args) => validate::run(&args, env, ui),
        Command::Import(args) => import::run(&args, env, ui),
        Command::Show(args) => show::run(&args, ui),
        Command::Optimize(OptimizeArgs { command }) => match command {
            OptimizeCommand::Maintenance(args) => maintenance::run(args, env, ui),
            OptimizeCommand::Config(args) => config::run(&args, env, ui),
            OptimizeCommand::Pgbouncer(args) => pgbouncer::run(&args, env, ui),
        },
        Command::Client(args) => client::run(&args, env, ui),
        Command::Schema(args) => schema::run(&args, ui),
        Command::Completions(args) => completions::run(&args, ui),
        Command::Man(args) => man::run(&args, ui),
        #[cfg(feature = "sandbox")]
        Command::Demo(DemoArgs {}) => tell_demo(env, ui),
        Command::Reference => reference::run(ui),
    }
}

#[cfg(feature = "sandbox")]
fn tell_demo(env: &Env, ui: &Ui) -> Result<Events, CommandError> {
    let locator = pgstrata::sandbox::Locator {
        pg_bin: env.non_empty("PGSTRATA_PG_BIN").map(Into::into),
        path: env.non_empty("PATH").map(Into::into),
        also: Vec::new(),
    };
    match demo::run(&locator, ui.colour.stdout, &mut door::Teller::new(ui.colour.stdout)) {
        Ok(()) => Ok(Events::new()),
        // Whoever left has seen enough of the story.
        Err(demo::DemoError::Io(error)) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(Events::new()),
        Err(error) => Err(CommandError::error(error.to_string())),
    }
}
