//! Saved plans.

use std::path::Path;

use pgstrata::plan::Plan;
use pgstrata::render::json::{MAX_PLAN_BYTES, PlanFileError, from_json, snapshot_from_json};

use super::error::CommandError;
use super::exit::Event;
use super::files::read_at_most;

/// Reads a saved plan: exit 4 where that is not possible, since nothing can run.
pub(super) fn read(path: &Path) -> Result<Plan, CommandError> {
    let name = path.display();
    // The hint is copied: it must not write over a policy that was named by mistake.
    let again =
        if path.extension().is_some_and(|extension| extension == "json") { path } else { Path::new("plan.json") };
    let refused = |because: String| {
        CommandError::new(Event::Stale, format!("the plan {name} cannot be used: {because}"))
            .hint(format!("make it again: pgstrata plan --out {}", again.display()))
    };
    let bytes = read_at_most(path, MAX_PLAN_BYTES as u64).map_err(|error| refused(error.to_string()))?;
    let text = String::from_utf8(bytes).map_err(|_| refused("the file is not UTF-8".to_owned()))?;
    from_json(&text).map_err(|error| {
        // Its usual hint would write over it.
        if matches!(error, PlanFileError::NotAPlan(_)) && snapshot_from_json(&text).is_ok() {
            return CommandError::new(Event::Stale, format!("{name} is a snapshot, not a plan"))
                .hint(format!("plan with it, to read: pgstrata plan --snapshot {name}"));
        }
        refused(error.to_string())
    })
}
