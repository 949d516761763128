//! What a plan says beyond its steps: pure functions of policy, snapshot and plan.

pub mod analyze;
pub mod drift;
pub mod explain;
pub mod find;
pub mod items;
pub mod next;
pub mod timeline;
