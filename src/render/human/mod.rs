//! For people, on a terminal or in a log.

mod drift;
mod finding;
mod outcome;
mod plan;
mod refusal;

pub use drift::drift;
pub use outcome::outcome;
pub use plan::plan;
pub use refusal::refusal;
