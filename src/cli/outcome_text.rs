//! An outcome in the formats that `apply` has.

use pgstrata::apply::Outcome;
use pgstrata::render::{Style, human, json, markdown};

use super::args::{OutcomeFormat, Report};
use super::door::Leaving;
use super::error::CommandError;
use super::files::{Mode, write_atomically};
use super::plan_text::written;

pub(super) fn outcome_text(outcome: &Outcome, format: OutcomeFormat, style: Style) -> Result<Leaving, CommandError> {
    match format {
        OutcomeFormat::Human => written(style.colour, |out| human::outcome(outcome, style, out)),
        OutcomeFormat::Json => Ok(Leaving::json(json::outcome(outcome))),
        OutcomeFormat::Markdown => written(false, |out| markdown::outcome(outcome, out)),
    }
}

/// Every `--report`.
pub(super) fn write_reports(outcome: &Outcome, reports: &[Report<OutcomeFormat>]) -> Result<(), CommandError> {
    reports.iter().try_for_each(|report| {
        write_atomically(&report.path, &outcome_text(outcome, report.format, Style::PLAIN)?, Mode::Shared)
    })
}
