//! The calendar half of the product: which windows (partition ranges) a policy wants, what they are called, and how an
//! existing partition's bounds relate to them. Pure: every instant is a parameter, zones come from the bundled database.

mod bound;
mod civil;
mod classify;
mod coverage;
mod interval;
mod name;
mod span;
#[cfg(test)]
mod tiling;
mod value;
mod window;
mod words;
mod zone;

pub use bound::{Bound, LeafBounds};
pub use classify::Fit;
pub use interval::{Interval, Unit};
pub use name::{NameTemplate, TemplateError};
pub use span::{CalendarSpan, or_zero};
pub use value::{KeyKind, KeyValue, KeyValueError};
pub use window::{Grid, GridError, Window};
pub use words::DurationError;
pub use zone::{Zone, ZoneError};
