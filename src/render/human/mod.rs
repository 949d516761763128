//! For people, on a terminal or in a log.

mod analysis;
mod config;
mod drift;
mod finding;
mod forecast;
mod outcome;
mod plan;
mod refusal;
#[cfg(test)]
mod reports_tests;
mod story;
mod thing;
mod timeline;

pub use analysis::analyses;
pub use config::config;
pub use drift::drift;
pub use forecast::{forecast, maintenance};
pub use outcome::outcome;
pub use plan::plan;
pub use refusal::refusal;
pub use story::story;
pub use thing::things;
pub use timeline::timelines;
