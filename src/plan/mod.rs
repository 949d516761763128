//! From policy and catalog to a plan.

mod hazard;

pub use hazard::{Gating, HazardKind, UnknownHazard};
