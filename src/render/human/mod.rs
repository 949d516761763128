//! For people, on a terminal or in a log.

mod drift;
mod finding;
mod forecast;
mod outcome;
mod plan;
mod refusal;

pub use drift::drift;
pub use forecast::{forecast, maintenance};
pub use outcome::outcome;
pub use plan::plan;
pub use refusal::refusal;
