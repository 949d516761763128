//! Saved plans.

use std::path::Path;

use pgstrata::plan::Plan;
use pgstrata::render::json::{MAX_PLAN_BYTES, PlanFileError, from_json, snapshot_from_json, to_json};
use sha2::{Digest as _, Sha256};

use super::error::CommandError;
use super::exit::Event;
use super::files::read_at_most;
use super::paste;

/// SHA-256 of the file, as `sha256sum` prints it.
pub(super) fn digest(path: &Path) -> Result<String, CommandError> {
    let bytes = read_at_most(path, MAX_PLAN_BYTES as u64)
        .map_err(|error| CommandError::new(Event::Stale, format!("{} cannot be read: {error}", path.display())))?;
    Ok(hex(&bytes))
}

/// The same of a plan that was not saved, as `plan --out` would write it.
pub(super) fn digest_of(plan: &Plan) -> String {
    hex(to_json(plan).as_bytes())
}

fn hex(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Reads a saved plan: exit 4 where that is not possible, since nothing can run.
pub(super) fn read(path: &Path) -> Result<Plan, CommandError> {
    let name = path.display();
    // The hint is copied: it must not write over a policy that was named by mistake.
    let again =
        if path.extension().is_some_and(|extension| extension == "json") { path } else { Path::new("plan.json") };
    let refused = |because: String| {
        CommandError::new(Event::Stale, format!("the plan {name} cannot be used: {because}"))
            .hint(format!("make it again: pgstrata plan --out {}", paste::path(again)))
    };
    let bytes = read_at_most(path, MAX_PLAN_BYTES as u64).map_err(|error| refused(error.to_string()))?;
    let text = String::from_utf8(bytes).map_err(|_| refused("the file is not UTF-8".to_owned()))?;
    from_json(&text).map_err(|error| {
        // Its usual hint would write over it.
        if matches!(error, PlanFileError::NotAPlan(_)) && snapshot_from_json(&text).is_ok() {
            return CommandError::new(Event::Stale, format!("{name} is a snapshot, not a plan"))
                .hint(format!("plan with it, to read: pgstrata plan --snapshot {}", paste::path(path)));
        }
        refused(error.to_string())
    })
}
