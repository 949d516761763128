//! SIGINT and SIGTERM: the first one stops in good order, the second one leaves at once.

use std::thread;

use pgstrata::db::{Interrupt, Signal};
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use signal_hook::low_level;

use super::door::Leaving;
use super::error::CommandError;
use super::exit::{INTERRUPTED, TERMINATED};
use super::ui::Ui;

/// Trips the returned interrupt at the first signal, from a thread: it takes locks, which a handler must not.
///
/// The terminal needs no restoring: no command changes its mode.
pub(super) fn install(ui: &Ui) -> Result<Interrupt, CommandError> {
    let ui = ui.clone();
    let stop = Interrupt::new();
    let refused = |error: std::io::Error| CommandError::error(format!("signals cannot be received: {error}"));
    let mut signals = Signals::new([SIGINT, SIGTERM]).map_err(refused)?;
    let tripped = stop.clone();
    let receive = move || {
        for number in &mut signals {
            let (signal, code) =
                if number == SIGTERM { (Signal::Term, TERMINATED) } else { (Signal::Int, INTERRUPTED) };
            if tripped.trip(signal) > 1 {
                // No destructor and no flush: whatever hangs must not hold us back.
                low_level::exit(i32::from(code));
            }
            if ui.terminals.stderr {
                // The terminal's echo of the key stands at the end of some line.
                ui.say(&Leaving::own("\n"));
            }
            ui.note("stopping in good order; once more to leave at once");
        }
    };
    thread::Builder::new().name("pgstrata-signals".to_owned()).spawn(receive).map_err(refused)?;
    Ok(stop)
}
