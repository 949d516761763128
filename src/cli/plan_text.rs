//! A plan in the formats that `plan` and `show` have.

use std::fmt;

use pgstrata::plan::Plan;
use pgstrata::render::{Style, gitlab, human, json, markdown, script};

use super::args::{PlanFormat, Report};
use super::door::Leaving;
use super::error::CommandError;
use super::files::{Mode, write_atomically};

/// The plan as text. Only human output has a style.
pub(super) fn plan_text(plan: &Plan, format: PlanFormat, style: Style) -> Result<Leaving, CommandError> {
    match format {
        PlanFormat::Human => written(style.colour, |out| human::plan(plan, style, out)),
        PlanFormat::Json => Ok(Leaving::json(json::to_json(plan))),
        PlanFormat::Markdown => written(false, |out| markdown::plan(plan, out)),
        PlanFormat::Sql => {
            let mut text = String::new();
            script::plan(plan, &mut text).map_err(given_up)?;
            Ok(Leaving::sql(&text))
        }
        PlanFormat::Gitlab => Ok(Leaving::json(gitlab::plan(plan))),
    }
}

/// Every `--report`.
pub(super) fn write_reports(plan: &Plan, reports: &[Report<PlanFormat>]) -> Result<(), CommandError> {
    reports.iter().try_for_each(|report| {
        write_atomically(&report.path, &plan_text(plan, report.format, Style::PLAIN)?, Mode::Shared)
    })
}

/// What a renderer writes. A string takes everything; should a renderer give up all the same, nothing half is shown.
pub(super) fn written(
    colour: bool,
    write: impl FnOnce(&mut dyn fmt::Write) -> fmt::Result,
) -> Result<Leaving, CommandError> {
    let mut text = String::new();
    write(&mut text).map_err(given_up)?;
    Ok(Leaving::text(&text, colour))
}

fn given_up(error: fmt::Error) -> CommandError {
    CommandError::error(format!("rendering: {error}"))
}
