//! What the database and its roles may: connection limits, timeouts of roles, and whether the services' pools fit.

mod budget;
mod diff;
mod pooled;
#[cfg(test)]
mod tests;

pub(crate) use diff::diff;
