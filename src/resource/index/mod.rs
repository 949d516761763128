//! Indexes that the policy names: there on the root, valid, and attached from every partition.

mod again;
mod diff;
mod leftovers;
mod most;
mod names;
mod of_partitions;
mod others;
mod server_names;
mod steps;
mod swap;
#[cfg(test)]
mod tests;
mod view;
mod withheld;

pub(crate) use diff::{diff, questions};
pub(crate) use leftovers::{Left, left_by_reindex};
pub use most::OnMost;
pub(crate) use most::{on_most_not_newest, unnamed};
pub(crate) use names::is_left_by_reindex;
pub(crate) use names::successor_names;
pub(crate) use of_partitions::{equip, is_replaced, questions_of_new};
