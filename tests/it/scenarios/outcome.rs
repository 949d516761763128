//! What became of a scenario's steps, and what is said of the catalog afterwards.

use std::fmt::Write as _;

use pgstrata::apply::{Outcome, Refusal, StepResult};
use pgstrata::plan::{Code, Finding, Plan, Step, StepId, Unmet};
use pgstrata::render::{Style, human, json};

use super::golden::assert_same;
use crate::support::lines::lines;

/// What the outcome says remains is what remains. By the clock of the scenario, in the past, a table that was detached
/// just now is in grace for ever; its drop that was not granted remains all the same.
pub(super) fn same_plan(outcome: &Outcome, again: &Plan) {
    let (mut shown, mut again) = (outcome.remains.clone().expect("the catalog was read again"), again.clone());
    let undone = |id: &StepId| outcome.results.iter().any(|(step, result)| step == id && !result.is_done());
    let (also, same) = shown.steps.into_iter().partition(|step| !again.steps.iter().any(|other| other.id == step.id));
    shown.steps = same;
    let also: Vec<Step> = also;
    for step in also {
        assert!(step.action.word() == "drop" && undone(&step.id), "{}", step.id);
        let graces = again.findings.len();
        again.findings.retain(|finding| finding.object != Some(step.action.object()));
        assert_eq!(again.findings.len(), graces - 1, "{}", step.id);
    }
    assert_same(&lines(&again), &lines(&shown));
}

/// A line for each step that was neither done nor blocked.
pub(super) fn left_over(outcome: &Result<Outcome, Box<Refusal>>) -> String {
    let mut text = String::new();
    match outcome {
        Ok(outcome) => {
            for (id, result) in &outcome.results {
                let _ = match result {
                    StepResult::Applied { .. } | StepResult::AlreadySatisfied | StepResult::Blocked(_) => Ok(()),
                    StepResult::Failed { error, lock_spent: _ } => writeln!(text, "{id}: failed: {error}"),
                    StepResult::Postponed(why) => writeln!(text, "{id}: postponed: {why}"),
                    StepResult::Skipped(why) => writeln!(text, "{id}: skipped: {why}"),
                    StepResult::Superseded { because, wanted: _ } => writeln!(text, "{id}: superseded: {because}"),
                    StepResult::NotReached => writeln!(text, "{id}: not reached"),
                };
            }
        }
        Err(refusal) => match &**refusal {
            Refusal::MissingPrivileges(findings) => {
                for finding in findings {
                    let _ = writeln!(text, "refused: {} ({})", finding.message, finding.hint.as_deref().unwrap_or("-"));
                }
            }
            other @ (Refusal::NotApplyable(_)
            | Refusal::OtherDatabase { .. }
            | Refusal::OtherPolicy { .. }
            | Refusal::Forged(_)
            | Refusal::Stale(_)) => text = format!("refused: {other:?}\n"),
        },
    }
    text
}

/// What stands for something wanted that is not so, whatever the code itself says.
const NEVER_MET: [Code; 10] = [
    Code::TableMissing,
    Code::TableUnfit,
    Code::KeyMismatch,
    Code::IndexRefused,
    Code::IndexNotPossible,
    Code::IndexBuilding,
    Code::IndexDiffers,
    Code::NoNameLeft,
    Code::SettingDiffers,
    Code::LimitRefused,
];

/// Nothing is called a match beside something that is wanted and not so.
pub(super) fn never_green_beside_an_unmet_want(outcome: &Outcome) {
    let mut text = String::new();
    human::outcome(outcome, Style::PLAIN, &mut text).unwrap();
    let document: serde_json::Value = serde_json::from_str(&json::outcome(outcome)).unwrap();
    let says_so = text.contains("The catalog matches the policy") || document["matches_policy"] == true;
    let remains = outcome.remains.as_ref().expect("the catalog was read again");
    if says_so {
        assert!(remains.steps.is_empty(), "{text}");
        let unmet = |finding: &&Finding| match finding.code.unmet() {
            Unmet::No | Unmet::Unverified => NEVER_MET.contains(&finding.code),
            Unmet::Later | Unmet::Drift | Unmet::Error | Unmet::Unjudged => true,
        };
        let unmet: Vec<_> = remains.findings.iter().filter(unmet).collect();
        assert!(unmet.is_empty(), "{text}\n{unmet:?}");
    }
}
