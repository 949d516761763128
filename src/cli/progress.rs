//! What `apply` says while it works: a line for each step that is over, and whom it waits for.
#![allow(clippy::disallowed_methods, reason = "says how long each step took")]

use std::collections::BTreeMap;
use std::time::Instant;

use pgstrata::apply::{Event, Observer, StepResult};
use pgstrata::plan::{Action, StepId};

use super::ui::Ui;

/// Lines on stderr.
#[derive(Debug)]
pub(super) struct Progress<'a> {
    ui: &'a Ui,
    began: BTreeMap<StepId, Instant>,
    /// Whom a step waits for changes less often than it is looked at.
    waiting: BTreeMap<StepId, String>,
}

impl<'a> Progress<'a> {
    pub(super) fn new(ui: &'a Ui) -> Self {
        Self { ui, began: BTreeMap::new(), waiting: BTreeMap::new() }
    }

    /// How long a step took, in words, and whether nobody would have noticed.
    fn took(&mut self, step: &StepId) -> (String, bool) {
        let Some(began) = self.began.remove(step) else { return (String::new(), true) };
        let millis = began.elapsed().as_millis();
        let words = if millis < 10_000 { format!(" in {millis} ms") } else { format!(" in {} s", millis / 1_000) };
        (words, millis < 1_000)
    }
}

/// Whether it is what a plan says in one line for many partitions. What comes, leaves or goes is named each.
fn is_one_of_many(action: &Action) -> bool {
    match action {
        Action::Index(_) | Action::Storage(_) | Action::Maintenance(_) => true,
        Action::Partition(_) | Action::Limit(_) | Action::Setting(_) => false,
    }
}

impl Observer for Progress<'_> {
    fn on(&mut self, event: &Event<'_>) {
        match event {
            Event::Began { step } => {
                self.began.insert(step.id.clone(), Instant::now());
            }
            Event::Sending { step, backend_pid, sql } => {
                self.ui.sql(&format!("{step}: backend {backend_pid}"), sql.trim());
            }
            Event::Sent { .. } => {}
            Event::Waiting { step, because } => {
                if self.waiting.get(*step).map(String::as_str) != Some(because) {
                    self.ui.note(&format!("{step}: waiting for {because}"));
                    self.waiting.insert((*step).clone(), (*because).to_owned());
                }
            }
            Event::Working { step, how_far } => self.ui.note(&format!("{step}: {how_far}")),
            Event::Retrying { step, tries, because } => {
                if self.ui.verbose {
                    self.ui.note(&format!("{step}: try {tries}: {because}"));
                }
            }
            Event::Finished { step, result } => {
                let (took, quick) = self.took(&step.id);
                let silent = match result {
                    // Nothing happened: the result says why, once for all of them.
                    StepResult::Blocked(_) | StepResult::NotReached => true,
                    // On each of hundreds of partitions, and the result counts them.
                    StepResult::Applied { retries: 0 } => quick && is_one_of_many(&step.action),
                    StepResult::Applied { .. }
                    | StepResult::AlreadySatisfied
                    | StepResult::Postponed(_)
                    | StepResult::Skipped(_)
                    | StepResult::Superseded { .. }
                    | StepResult::Failed { .. } => false,
                };
                if silent && !self.ui.verbose {
                    return;
                }
                let line = match result {
                    StepResult::Applied { retries: 0 } => format!("done{took}"),
                    StepResult::Applied { retries: 1 } => format!("done{took}, after 1 retry"),
                    StepResult::Applied { retries } => format!("done{took}, after {retries} retries"),
                    StepResult::AlreadySatisfied => "already so".to_owned(),
                    StepResult::Blocked(_) => "blocked".to_owned(),
                    StepResult::Postponed(because) => format!("postponed: {because}"),
                    StepResult::Skipped(because) => format!("skipped: {because}"),
                    StepResult::Superseded { because, wanted: _ } => format!("superseded: {because}"),
                    StepResult::Failed { error, lock_spent: _ } => format!("failed{took}: {error}"),
                    StepResult::NotReached => "not reached".to_owned(),
                };
                self.ui.note(&format!("{}: {line}", step.id));
            }
        }
    }
}
