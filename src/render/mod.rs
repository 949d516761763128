//! Plans, outcomes and reports as text.

mod detail;
pub mod human;
pub mod json;
mod lock_summary;
pub mod markdown;
mod outline;
pub mod script;
mod sentences;
mod style;
mod tally;
#[cfg(test)]
pub(crate) mod testing;
mod words;

pub(crate) use outline::changes_by_class;
pub use style::Style;
pub use words::{bytes, day, duration, rows, second};
