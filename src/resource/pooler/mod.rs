//! PgBouncer: whether it is set as the policy says. Its configuration is a file on another host, so nothing is changed
//! here: what differs is a finding, and [`fragment`] is what the file should include.

mod diff;
mod fragment;
#[cfg(test)]
mod tests;

pub(crate) use diff::findings;
pub use fragment::fragment;
