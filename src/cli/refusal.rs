//! Why a run did not begin: nothing has happened.

use std::path::Path;

use pgstrata::apply::{BeginError, Refusal};
use pgstrata::db::{Interrupt, Signal};
use pgstrata::render::human;

use super::error::CommandError;
use super::exit::Event;
use super::paste;
use super::plan_text::written;
use super::ui::Ui;

/// The run lock was not to be had.
pub(super) fn not_begun(error: &BeginError, stop: &Interrupt) -> CommandError {
    match error {
        BeginError::Connect(error) => CommandError::connecting(error, stop.signal()),
        BeginError::Held { holder: _ } => CommandError::new(Event::Busy, error.to_string())
            .hint("run the same command again later, or let it wait: --run-lock-wait 5min"),
        BeginError::Pooler(_) => CommandError::error(error.to_string())
            .hint("apply needs sessions of its own: point --url at the server itself, not at the pooler"),
        BeginError::Interrupted => {
            CommandError::interrupted(stop.signal().unwrap_or(Signal::Int), "interrupted before anything was changed")
        }
        BeginError::Query(_) => CommandError::error(error.to_string()),
    }
}

/// The plan may not run. `saved` is the file it came from, if it came from one.
pub(super) fn refused(refusal: &Refusal, saved: Option<&Path>, ui: &Ui) -> CommandError {
    let of = saved.map_or_else(String::new, |path| format!(" {}", path.display()));
    let again = || saved.map(|path| format!("plan and review again: pgstrata plan --out {}", paste::path(path)));
    // Exit 4 speaks of saved plans; a fresh one that may not run is an error.
    let event = if saved.is_some() { Event::Stale } else { Event::Error };
    let (event, message, hint) = match refusal {
        Refusal::NotApplyable(_) => (event, format!("the plan{of} cannot be applied"), again()),
        Refusal::OtherDatabase { .. } => (
            event,
            format!("the plan{of} is for another database"),
            Some("check --url, or plan for this database".to_owned()),
        ),
        Refusal::OtherPolicy { .. } => (
            event,
            format!("the plan{of} is for another policy"),
            Some(
                "give -p and --env as they were given to plan; if the policy has changed since, plan again".to_owned(),
            ),
        ),
        Refusal::Forged(_) => (event, format!("the plan{of} may not be carried out"), again()),
        Refusal::Stale(_) => (event, format!("the plan{of} is stale"), again()),
        Refusal::MissingPrivileges(_) => (
            Event::Blocked,
            "privileges are missing".to_owned(),
            Some("have the owner of the database run the statements above, or connect as another role".to_owned()),
        ),
    };
    let mut error = CommandError::new(event, message);
    error.hints.extend(hint);
    let style = ui.style_of_notes();
    error.report = written(style.colour, |out| human::refusal(refusal, style, out)).ok();
    error
}
