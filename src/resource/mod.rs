//! One folder for each kind of thing a policy speaks of, all with the same file names.

pub(crate) mod index;
pub(crate) mod limits;
pub(crate) mod maintenance;
mod of_no_table;
pub mod partition;
pub mod pooler;
pub(crate) mod settings;
pub(crate) mod storage;

pub(crate) use of_no_table::Setup;
