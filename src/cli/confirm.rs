//! Asking a person, on the terminal.

use std::io;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use pgstrata::db::{Env, Interrupt};
use pgstrata::plan::Scope;

use super::door::Leaving;
use super::env::in_ci;
use super::error::CommandError;
use super::ui::Ui;

/// How often a waiting question looks for a signal.
const POLL: Duration = Duration::from_millis(50);

/// Exit 64 where nobody can be asked; found out before anything is connected.
pub(super) fn can_ask(scope: Scope, ui: &Ui, env: &Env) -> Result<(), CommandError> {
    let because = if !ui.terminals.stdin {
        "standard input is no terminal"
    } else if !ui.terminals.stderr {
        "standard error, where the question goes, is no terminal"
    } else if in_ci(env) {
        "CI is set"
    } else {
        return Ok(());
    };
    let error = CommandError::usage(format!("nobody can be asked for approval: {because}"))
        .hint(format!("approve by a flag: {}", ui.given.again("--auto-approve")));
    Err(match scope {
        Scope::All => {
            let [plan, apply] = ui.given.by_review();
            error.hint(format!("or by review: {plan}")).hint(format!("and then: {apply}"))
        }
        // A saved plan is of everything that is due, which is more than was asked for.
        Scope::Creations | Scope::Removals | Scope::Maintenance => error,
    })
}

/// Asks; only the word `yes` approves. Anything else, the end of input included, does not.
pub(super) fn ask(question: &str, ui: &Ui, stop: &Interrupt) -> Result<bool, CommandError> {
    ui.say(&Leaving::text(&format!("{question}\nOnly `yes` approves: "), ui.colour.stderr));
    // Reading a terminal cannot be interrupted: it goes on in a thread that the end of the process ends.
    let (sender, receiver) = mpsc::sync_channel(1);
    let reader = thread::Builder::new().name("pgstrata-answer".to_owned()).spawn(move || {
        let mut line = String::new();
        let read = io::stdin().read_line(&mut line).map(|_| line);
        // Nobody listens any more after a signal.
        drop(sender.send(read));
    });
    let failed = |error: io::Error| CommandError::error(format!("the answer could not be read: {error}"));
    drop(reader.map_err(failed)?);
    loop {
        let answer = receiver.recv_timeout(POLL);
        // Before the answer: Ctrl-C may end the input as well.
        if let Some(signal) = stop.signal() {
            return Err(CommandError::interrupted(signal, "interrupted before anything was changed"));
        }
        match answer {
            Ok(answer) => return answer.map(|answer| answer.trim() == "yes").map_err(failed),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return Ok(false),
        }
    }
}
