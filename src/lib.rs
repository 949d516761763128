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

pub mod apply;
pub mod catalog;
pub mod db;
pub mod grid;
pub mod plan;
pub mod policy;
pub mod render;
pub mod report;
pub mod resource;
#[cfg(feature = "sandbox")]
pub mod sandbox;
pub mod sql;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
mod visible;
