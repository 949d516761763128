//! Time partitions: which are wanted, which leave, and the steps between what is and what must be.

mod context;
mod create;
mod diff;
mod hold;
mod overview;
mod remove;
mod retention;
mod retired;
mod wanted;

pub(crate) use context::Context;
pub(crate) use diff::{diff, questions};
pub(crate) use overview::overview;
