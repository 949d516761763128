//! Maintenance beyond autovacuum: the root's statistics, freezing of what is over, bloated indexes.
//!
//! What makes a step due, and done, are facts that survive a crash: `relfrozenxid`, `relallvisible`, `reltuples`, the
//! index itself. The server's counters are lost in one, and only ever postpone.

mod closed;
mod diff;
mod freeze;
mod reindex;
mod statistics;
#[cfg(test)]
mod tests;

pub(crate) use diff::{Around, diff, questions};
