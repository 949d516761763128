//! The plan document: written for machines and for `apply`, read back with nothing in it believed.

mod read;
mod write;

pub use read::{MAX_PLAN_BYTES, PlanFileError, from_json};
pub use write::to_json;
