//! The plan and snapshot documents: written for machines and for `apply`, read back with nothing in it believed.

mod config;
mod drift;
mod forecast;
mod outcome;
mod read;
mod reports;
mod schema;
mod snapshot;
mod write;

pub use config::config;
pub use drift::drift;
pub use forecast::maintenance;
pub use outcome::outcome;
pub use read::{MAX_PLAN_BYTES, PlanFileError, from_json};
pub use reports::{analyses, story, things, timelines};
pub use schema::{drift_schema, journal_schema, outcome_schema, plan_schema};
pub use snapshot::{MAX_SNAPSHOT_BYTES, SnapshotFileError, snapshot, snapshot_from_json};
pub(crate) use write::pretty;
pub use write::to_json;
