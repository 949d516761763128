//! Partition, retention, index and limit policy as code for PostgreSQL.
//!
//! ```text
//! YAML ─ policy::load ─> Policy ─ resolve ─> Desired ──────────────┐
//!                                               │ questions        ├─ plan::plan(now) ─> Plan ─> render ─> text
//! session ─ catalog::inspect ─> Catalog ─ ask ──┴─> Snapshot ──────┘                      └───> apply ─> Outcome
//! ```
//!
//! Planning is pure: the same policy, snapshot and clock give the same bytes. Everything that talks to a server is in
//! [`db`], [`catalog`] and [`apply`]; the library never prints, exits, reads the environment or installs a signal
//! handler.

#[cfg(feature = "planner")]
pub mod apply;
#[cfg(feature = "planner")]
pub mod catalog;
pub mod db;
#[cfg(feature = "planner")]
pub mod grid;
pub mod pg;
#[cfg(feature = "planner")]
pub mod plan;
#[cfg(feature = "planner")]
pub mod policy;
#[cfg(feature = "planner")]
pub mod render;
#[cfg(feature = "planner")]
pub mod report;
#[cfg(feature = "planner")]
pub mod resource;
#[cfg(feature = "sandbox")]
pub mod sandbox;
#[cfg(feature = "planner")]
pub mod sql;
#[cfg(all(feature = "planner", any(test, feature = "testing")))]
pub mod testing;
mod visible;
