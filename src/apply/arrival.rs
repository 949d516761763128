//! What a statement did and a session does not see yet.

use std::time::{Duration, Instant};

use super::unit::all_hold;
use crate::db::{Interrupt, Session, describe};
use crate::plan::{Action, Fact, MaintenanceAction, Step};

/// How long counters take to be read.
const COUNTERS: Duration = Duration::from_millis(1200);
/// How long a reload may take to be seen.
const RELOAD: Duration = Duration::from_secs(5);
/// How long of that the value itself has to be seen.
const STRICT: Duration = Duration::from_secs(1);

/// Waits until what the step did can be seen by the look at the end; the error says what keeps it from being seen.
pub(super) fn let_arrive(step: &Step, session: &mut Session, major: u32, stop: &Interrupt) -> Result<(), String> {
    match &step.action {
        // Before 15 the server's counters pass through a process of their own, and are read from a file that may be half
        // a second old: when a table was analyzed would not be seen.
        Action::Maintenance(MaintenanceAction::AnalyzeParent(_)) if major < 15 => {
            stop.sleep(COUNTERS);
            Ok(())
        }
        Action::Setting(_) => reloaded(step, session, stop),
        Action::Partition(_) | Action::Index(_) | Action::Storage(_) | Action::Maintenance(_) | Action::Limit(_) => {
            Ok(())
        }
    }
}

/// A reload is asked of the postmaster, which tells its processes: what they see follows a moment later, or never, where
/// the files have an error somewhere.
fn reloaded(step: &Step, session: &mut Session, stop: &Interrupt) -> Result<(), String> {
    let (end, lenient) = (Instant::now() + RELOAD, Instant::now() + STRICT);
    // The files say it at once: that they were read is seen by the value, where the server does not make another one of it.
    let strict: Vec<Fact> = step.after.iter().map(without_files).collect();
    loop {
        let facts = if Instant::now() < lenient { &strict } else { &step.after };
        if all_hold(facts, session).map_err(|error| describe(&error))? {
            return Ok(());
        }
        if stop.sleep(Duration::from_millis(20)) {
            return Err("it is written; interrupted before the reload was seen".to_owned());
        }
        if Instant::now() >= end {
            return Err(
                "it is written, and not seen after the reload: an error in the configuration files keeps the server \
                        from reading them (pg_file_settings.error), or something goes before them"
                    .to_owned(),
            );
        }
    }
}

fn without_files(fact: &Fact) -> Fact {
    let mut fact = fact.clone();
    if let Fact::Setting { name: _, value: _, seen: _, or_in_files } = &mut fact {
        *or_in_files = None;
    }
    fact
}
