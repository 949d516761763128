//! Outcome → document.

use jiff::Timestamp;
use serde::Serialize;

use super::write::{PlanDocument, document, pretty};
use crate::apply::{Ended, Outcome, StepResult};
use crate::plan::{PLAN_FORMAT, StepId};
use crate::policy::PolicyHash;
use crate::render::tally::{Tally, headline, matches_policy, signal_name, tally};

/// What became of a run, as a document: pretty, ending in a newline.
pub fn outcome(outcome: &Outcome) -> String {
    let Outcome { plan, results, ended, committed, remains, due_since } = outcome;
    let (how, because) = match ended {
        Ended::Complete => ("complete", None),
        Ended::Interrupted(signal) => ("interrupted", Some(signal_name(*signal))),
        Ended::Lost(because) => ("lost", Some(because.as_str())),
    };
    pretty(&OutcomeDocument {
        format_version: PLAN_FORMAT,
        evaluated_at: plan.evaluated_at,
        target: plan.target.to_string(),
        policy_hash: &plan.policy_hash,
        message: headline(outcome),
        ended: EndedDocument { how, because },
        committed: *committed,
        matches_policy: matches_policy(outcome),
        summary: tally(outcome),
        results: results.iter().map(|(step, result)| ResultDocument::of(step, result)).collect(),
        due_since,
        remains: remains.as_ref().map(document),
    })
}

#[derive(Serialize)]
struct OutcomeDocument<'a> {
    format_version: &'a str,
    evaluated_at: Timestamp,
    target: String,
    policy_hash: &'a PolicyHash,
    message: String,
    ended: EndedDocument<'a>,
    committed: bool,
    /// `null` where the catalog could not be read again.
    matches_policy: Option<bool>,
    summary: Tally,
    results: Vec<ResultDocument<'a>>,
    due_since: &'a [StepId],
    remains: Option<PlanDocument<'a>>,
}

#[derive(Serialize)]
struct EndedDocument<'a> {
    how: &'a str,
    because: Option<&'a str>,
}

#[derive(Serialize)]
struct ResultDocument<'a> {
    step: &'a StepId,
    result: &'a str,
    because: Vec<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    lock_retries: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    lock_spent: Option<bool>,
}

impl<'a> ResultDocument<'a> {
    fn of(step: &'a StepId, result: &'a StepResult) -> Self {
        let plain = |result: &'a str, because: Vec<&'a str>| Self {
            step,
            result,
            because,
            lock_retries: None,
            lock_spent: None,
        };
        match result {
            StepResult::Applied { retries } => Self { lock_retries: Some(*retries), ..plain("applied", vec![]) },
            StepResult::AlreadySatisfied => plain("already_satisfied", vec![]),
            StepResult::Blocked(because) => plain("blocked", because.iter().map(String::as_str).collect()),
            StepResult::Postponed(because) => plain("postponed", vec![because]),
            StepResult::Skipped(because) => plain("skipped", vec![because]),
            StepResult::Superseded { because, wanted: _ } => plain("superseded", vec![because]),
            StepResult::Failed { error, lock_spent } => {
                Self { lock_spent: Some(*lock_spent), ..plain("failed", vec![error]) }
            }
            StepResult::NotReached => plain("not_reached", vec![]),
        }
    }
}
