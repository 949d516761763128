//! Plans, outcomes and reports as text.

mod detail;
pub mod human;
pub mod json;
mod lock_summary;
mod outline;
pub mod script;
mod style;
#[cfg(test)]
pub(crate) mod testing;
mod words;

pub use style::Style;
pub use words::{bytes, day, duration, rows};
