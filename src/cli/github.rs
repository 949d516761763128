//! What GitHub Actions takes from a step: a summary page, and outputs for later steps.

use std::path::Path;

use pgstrata::db::Env;
use pgstrata::plan::Plan;
use pgstrata::render::github;

use super::door::Leaving;
use super::error::CommandError;
use super::files::append;
use super::ui::Ui;

/// Appends the page to the job's summary, and the counts of `plan` to the step's outputs: what is pending, and after
/// `apply` what remains. Work is not worth less where it cannot be shown.
pub(super) fn report(page: impl FnOnce() -> Result<Leaving, CommandError>, plan: Option<&Plan>, env: &Env, ui: &Ui) {
    if let Some(path) = env.non_empty("GITHUB_STEP_SUMMARY") {
        let shown = page()
            .map_err(|error| error.message)
            .and_then(|text| append(Path::new(path), &text).map_err(|error| error.to_string()));
        if let Err(error) = shown {
            ui.warn(&format!("the job's summary could not be written: {error}"));
        }
    }
    let outputs = env.non_empty("GITHUB_OUTPUT").zip(plan);
    let written =
        outputs.map_or(Ok(()), |(path, plan)| append(Path::new(path), &Leaving::text(&github::outputs(plan), false)));
    if let Err(error) = written {
        ui.warn(&format!("the step's outputs could not be written: {error}"));
    }
}
