//! One folder for each kind of thing a policy speaks of, all with the same file names.

pub(crate) mod index;
pub(crate) mod maintenance;
pub mod partition;
pub(crate) mod storage;
