//! How partitions are stored, whose they are, and who may do what with them: what a new one gets from its parent and
//! from the policy, on those that exist.
//!
//! What the parent or the policy says is set. What a partition has beyond that somebody may have wanted: it is reported,
//! and never taken away.

mod diff;
mod identity;
mod parameters;
mod remarks;
#[cfg(test)]
mod tests;

pub(crate) use diff::{changes_owner, diff};
pub(crate) use parameters::{parameters, promised};
