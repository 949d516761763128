//! Partition, retention, index and limit policy as code for PostgreSQL.
//!
//! ```text
//! YAML ─ policy::load ─> Policy ─ resolve ─> Desired ──────────────┐
//!                                               │ questions        ├─ plan::plan(now) ─> Plan ─> render ─> text
//! session ─ catalog::inspect ─> Catalog ─ ask ──┴─> Snapshot ──────┘                      └───> apply ─> Outcome
//! ```
//!
//! Planning is pure: the same policy, snapshot and clock give the same bytes. Everything that talks to a server is in
//! [`db`], [`catalog`] and [`apply`], and in `client`, which applications link. The library never prints, exits or installs
//! a signal handler, and reads the environment only where a client's builder was given none.

#[cfg(feature = "planner")]
pub mod apply;
#[cfg(feature = "planner")]
pub mod catalog;
#[cfg(feature = "client")]
pub mod client;
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
