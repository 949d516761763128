//! What a plan says beyond its steps, and a policy for what is there: pure functions of policy, snapshot and plan.

pub mod analyze;
pub mod config;
pub mod drift;
pub mod explain;
pub mod find;
pub mod forecast;
pub mod import;
pub mod items;
pub mod next;
pub mod standing;
pub mod thing;
pub mod timeline;
