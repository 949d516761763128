//! An outcome in the formats that `apply` has.

use pgstrata::apply::Outcome;
use pgstrata::render::Style;

use super::args::{OutcomeFormat, Report};
use super::error::CommandError;
use super::files::{Mode, write_atomically};

pub(super) fn outcome_text(outcome: &Outcome, _format: OutcomeFormat, _style: Style) -> Result<String, CommandError> {
    let mut text = String::new();
    for (step, result) in &outcome.results {
        text.push_str(&format!("{step}: {result:?}\n"));
    }
    Ok(text)
}

/// Every `--report`.
pub(super) fn write_reports(outcome: &Outcome, reports: &[Report<OutcomeFormat>]) -> Result<(), CommandError> {
    reports.iter().try_for_each(|report| {
        write_atomically(&report.path, &outcome_text(outcome, report.format, Style::PLAIN)?, Mode::Shared)
    })
}
