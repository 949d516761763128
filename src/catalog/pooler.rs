//! Facts of PgBouncer: what its admin console says of its configuration.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// What became of asking PgBouncer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PoolerState {
    /// It answered.
    Read(PoolerFacts),
    /// It could not be asked, because of this.
    Unreadable(String),
}

/// PgBouncer's configuration, as far as a policy may speak of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PoolerFacts {
    /// `SHOW CONFIG`: modes, sizes and limits, by name.
    pub settings: BTreeMap<String, String>,
    /// `SHOW DATABASES`, by the entry's name; what only `*` stands for is shown once it was used.
    pub databases: BTreeMap<String, PoolerDatabase>,
    /// `SHOW USERS`: sizes and limits of single users, by the user's name; what a user has none of is not among them.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub users: BTreeMap<String, BTreeMap<String, String>>,
}

/// An entry of `[databases]`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PoolerDatabase {
    /// The database at the server.
    pub database: String,
    /// `pool_size`, `pool_mode` and so on, under the names that its configuration file has; what it leaves to the
    /// defaults is not among them, but for sizes, which it shows as they are.
    pub settings: BTreeMap<String, String>,
}
