//! The plan document: written for machines and for `apply`, read back with nothing in it believed.

mod drift;
mod outcome;
mod read;
mod schema;
mod write;

pub use drift::drift;
pub use outcome::outcome;
pub use read::{MAX_PLAN_BYTES, PlanFileError, from_json};
pub use schema::{drift_schema, outcome_schema, plan_schema};
pub(crate) use write::pretty;
pub use write::to_json;
