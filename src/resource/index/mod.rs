//! Indexes that the policy names: there on the root, valid, and attached from every partition.

mod diff;
mod others;
mod server_names;
mod steps;
#[cfg(test)]
mod tests;
mod view;

pub(crate) use diff::{diff, questions};
