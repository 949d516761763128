//! A database in memory, for tests and benches: real policy text, a catalog built by hand, and a world that answers what
//! planning asks. A plan is carried out on it by assuming the facts that its steps promise.
#![allow(
    clippy::expect_used,
    clippy::panic,
    missing_docs,
    reason = "fixtures of tests: a wrong one must stop the test, and names say what they build"
)]

mod lines;
mod simulate;
mod world;

pub use lines::{findings, line, lines};
pub use simulate::{run, simulate};
pub use world::{World, at};
