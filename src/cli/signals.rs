//! SIGINT, SIGTERM and SIGHUP: the first one stops in good order, the second one leaves at once.

use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread;

use pgstrata::db::{Interrupt, Signal};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM, SIGXFSZ};
use signal_hook::iterator::Signals;
use signal_hook::low_level;

use super::door::Leaving;
use super::error::CommandError;
use super::exit::{INTERRUPTED, TERMINATED};
use super::ui::Ui;

/// Who is to be told; nobody yet while arguments and policy are read.
type Told = Mutex<Option<(Interrupt, Ui)>>;

static TOLD: Told = Mutex::new(None);
/// Why signals are not received.
static REFUSED: OnceLock<String> = OnceLock::new();

/// Receives signals from now on. One that comes before a command asked for them ends the program with its code: there is
/// nothing to stop yet, and a supervisor that looks for 143 is not to see a process that was killed.
pub(super) fn receive() {
    let listen = || -> std::io::Result<()> {
        let wanted = [Some(SIGINT), Some(SIGTERM), (!hangup_is_ignored()).then_some(SIGHUP)];
        let mut signals = Signals::new(wanted.into_iter().flatten())?;
        let work = move || signals.forever().for_each(received);
        thread::Builder::new().name("pgstrata-signals".to_owned()).spawn(work).map(drop)
    };
    if let Err(error) = listen().and_then(|()| survive_a_full_file()) {
        REFUSED.get_or_init(|| error.to_string());
    }
}

/// A file that may not grow any more (`ulimit -f`) is an error of its write, as a full disk is: the signal that comes with it
/// would end the program in the middle of a unit, its journal without the end of the line.
fn survive_a_full_file() -> std::io::Result<()> {
    signal_hook::flag::register(SIGXFSZ, Arc::new(AtomicBool::new(false))).map(drop)
}

fn received(number: i32) {
    // A terminal that is closed ends what runs in it, as if it had been told to.
    let (signal, code) = if number == SIGINT { (Signal::Int, INTERRUPTED) } else { (Signal::Term, TERMINATED) };
    let told = told().clone();
    let Some((stop, ui)) = told else { low_level::exit(i32::from(code)) };
    if stop.trip(signal) > 1 {
        // No destructor and no flush: whatever hangs must not hold us back.
        low_level::exit(i32::from(code));
    }
    if ui.terminals.stderr {
        // The terminal's echo of the key stands at the end of some line.
        ui.say(&Leaving::own("\n"));
    }
    ui.note("stopping in good order; once more to leave at once");
}

/// The interrupt that the first signal trips, from a thread: it takes locks, which a handler must not.
///
/// The terminal needs no restoring: no command changes its mode.
pub(super) fn install(ui: &Ui) -> Result<Interrupt, CommandError> {
    if let Some(error) = REFUSED.get() {
        return Err(CommandError::error(format!("signals cannot be received: {error}")));
    }
    let stop = Interrupt::new();
    *told() = Some((stop.clone(), ui.clone()));
    Ok(stop)
}

/// The first signal, if there was one.
pub(super) fn first() -> Option<Signal> {
    told().as_ref().and_then(|(stop, _)| stop.signal())
}

fn told() -> MutexGuard<'static, Option<(Interrupt, Ui)>> {
    TOLD.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Whoever was started by `nohup` is to outlive the terminal. Systems without `/proc` do not tell.
#[allow(clippy::disallowed_methods, reason = "what whoever started us had ignored stands in a file")]
fn hangup_is_ignored() -> bool {
    std::fs::read_to_string("/proc/self/status").is_ok_and(|status| ignores_hangup(&status))
}

fn ignores_hangup(status: &str) -> bool {
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:")).map(str::trim);
    mask.and_then(|mask| u64::from_str_radix(mask, 16).ok()).is_some_and(|mask| mask & 1 == 1)
}

#[cfg(test)]
mod tests {
    use super::ignores_hangup;

    #[test]
    fn what_nohup_started_ignores_the_terminal() {
        assert!(ignores_hangup("Name:\tpgstrata\nSigIgn:\t0000000000001001\n"));
        assert!(!ignores_hangup("SigBlk:\t0000000000000001\nSigIgn:\t0000000000001002\n"));
        assert!(!ignores_hangup(""));
    }
}
