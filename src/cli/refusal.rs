//! Why a run did not begin: nothing has happened.

use std::path::Path;

use pgstrata::apply::{BeginError, Refusal, StaleStep};
use pgstrata::db::{Interrupt, Signal};
use pgstrata::plan::Violation;

use super::error::CommandError;
use super::exit::Event;

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
pub(super) fn refused(refusal: &Refusal, saved: Option<&Path>) -> CommandError {
    // Exit 4 speaks of saved plans; a fresh one that may not run is an error.
    let event = if saved.is_some() { Event::Stale } else { Event::Error };
    let again = saved.map(|path| format!("plan and review again: pgstrata plan --out {}", path.display()));
    let error = match refusal {
        Refusal::NotApplyable(because) => CommandError::new(event, format!("the plan is for reading only: {because}")),
        Refusal::OtherDatabase { planned, found } => {
            CommandError::new(event, format!("the plan is for {planned}, and this is {found}"))
        }
        Refusal::OtherPolicy { planned, found } => {
            let message = format!("the plan was made from another policy, or this one has changed since (planned {planned}, found {found})");
            CommandError::new(event, message).hint("give -p and --env as they were given to plan")
        }
        Refusal::Forged(violations) => {
            let rules = violations.iter().map(Violation::to_string).collect::<Vec<_>>().join("; ");
            CommandError::new(event, format!("the plan breaks a rule that no plan may break: {rules}"))
        }
        Refusal::Stale(steps) => {
            let mut error = CommandError::new(event, "the plan is stale; nothing was changed");
            error.report = Some(steps.iter().map(stale_step).collect());
            error
        }
        Refusal::MissingPrivileges(findings) => {
            let missing = findings.iter().map(|finding| match &finding.table {
                Some(table) => format!("{table}: {}", finding.message),
                None => finding.message.clone(),
            });
            let message = format!("privileges are missing, nothing was changed: {}", missing.collect::<Vec<_>>().join("; "));
            let grants = findings.iter().filter_map(|finding| finding.hint.clone());
            return grants.fold(CommandError::new(Event::Blocked, message), CommandError::hint);
        }
    };
    match again {
        Some(again) => error.hint(again),
        None => error,
    }
}

/// As planned, and as found.
fn stale_step(step: &StaleStep) -> String {
    let mut text = format!("{}\n", step.step);
    for fact in &step.facts {
        text.push_str(&format!("  planned: {}\n  found:   {}\n", fact.planned, fact.found));
    }
    if let Some((planned, now)) = &step.sql {
        let indented = |sql: &str| sql.lines().map(|line| format!("    {line}\n")).collect::<String>();
        let now = if now.is_empty() { "    (nothing)\n".to_owned() } else { indented(now) };
        text.push_str(&format!("  planned:\n{}  would be planned now:\n{now}", indented(planned)));
    }
    text
}
