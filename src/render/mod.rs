//! Plans, outcomes and reports as text.

mod words;

pub use words::{bytes, day, duration, rows};
