//! Time partitions: which are wanted, which leave, and the steps between what is and what must be.

mod context;
mod create;
mod cursor;
mod default;
mod diff;
mod encoding;
mod ends;
mod fate;
mod hold;
mod in_the_way;
mod making;
mod names;
mod new_schema;
mod overview;
mod remove;
mod retention;
mod retired;
mod returning;
mod rows;
mod siblings;
mod survey;
#[cfg(test)]
mod tests;
mod unknown;
mod unmarked;
mod wanted;

pub(crate) use context::{Context, Subject};
pub(crate) use create::{SMALL_BYTES, suffixed};
pub(crate) use diff::{Around, Diff, diff, questions};
pub(crate) use encoding::misread;
pub use fate::Fate;
pub(crate) use overview::overview;
pub(crate) use survey::survey;
pub use survey::{Entry, EntryKind, Event, Happens, Phase, Size, Timeline};
