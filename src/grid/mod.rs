//! Which windows (partition ranges) a policy wants, on the calendar or among ids, what they are called, and how an existing
//! partition's bounds relate to them. Pure: every instant is a parameter, zones come from the bundled database.

mod bound;
mod calendar;
mod civil;
mod classify;
mod clock;
mod coverage;
mod interval;
mod keys;
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
pub use clock::Encoding;
pub use interval::{Interval, Unit};
pub use name::{Clash, NameTemplate, TemplateError};
pub use span::{CalendarSpan, or_zero};
pub use value::{KeyKind, KeyValue, KeyValueError};
pub use window::{End, Grid, GridError, Position, Width, Window};
pub use words::DurationError;
pub use zone::{Zone, ZoneError};
