//! Time partitions: which are wanted, which leave, and the steps between what is and what must be.

mod context;
mod create;
mod cursor;
mod default;
mod diff;
mod encoding;
mod hold;
mod overview;
mod remove;
mod retention;
mod retired;
mod returning;
#[cfg(test)]
mod tests;
mod wanted;

pub(crate) use context::{Context, Subject};
pub(crate) use diff::{diff, questions};
pub(crate) use encoding::misread;
pub(crate) use overview::overview;
