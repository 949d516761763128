//! Plans, outcomes and reports as text.

mod bounds;
mod detail;
pub mod github;
pub mod gitlab;
pub mod human;
pub mod json;
pub mod junit;
mod lock_summary;
pub mod markdown;
mod outline;
pub mod prometheus;
pub mod sarif;
pub mod script;
pub(crate) mod sentences;
mod style;
mod tally;
#[cfg(test)]
pub(crate) mod testing;
mod words;
mod xml;

pub use crate::visible::clean;
pub(crate) use outline::{all_changes, changes_by_class, run_words};
pub use style::Style;
pub use words::{bytes, day, duration, rows, runway, second};
