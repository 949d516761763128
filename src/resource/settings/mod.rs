//! The server's settings: which differ, and how they are changed where the policy lets them be.

mod diff;
#[cfg(test)]
mod tests;
pub(crate) mod value;

pub(crate) use diff::{diff, names};
