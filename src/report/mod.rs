//! What a plan says beyond its steps: pure functions of policy, snapshot and plan.

pub mod drift;
pub mod import;
pub mod items;
pub mod next;
