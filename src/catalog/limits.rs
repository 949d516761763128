//! Facts of connections: limits, settings of roles, and what the server can give.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::sql::Ident;

/// What is known of connections, where the policy speaks of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LimitFacts {
    /// The database.
    pub database: DatabaseFacts,
    /// The roles that the policy names, as far as they exist.
    pub roles: BTreeMap<Ident, RoleFacts>,
    /// What the server can give.
    pub capacity: Capacity,
}

/// The database as its connections see it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DatabaseFacts {
    /// Its name.
    pub name: Ident,
    /// Its owner.
    pub owner: Ident,
    /// `datconnlimit`; -1 is none.
    pub connection_limit: i32,
    /// Client backends in it now; another role's are counted too.
    pub sessions: u32,
    /// How the session may alter it.
    pub may_alter: MayAlter,
    /// `ALTER DATABASE … SET`, as written there.
    pub settings: BTreeMap<String, String>,
}

/// How the session may alter something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MayAlter {
    /// As itself.
    AsItself,
    /// Once it has become the owner.
    AsOwner,
    /// Not at all.
    No,
}

/// A role.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoleFacts {
    /// `rolconnlimit`; -1 is none.
    pub connection_limit: i32,
    /// No limit holds for a superuser.
    pub superuser: bool,
    /// Client backends of it now, in every database.
    pub sessions: u32,
    /// Whether the session may change its limit.
    pub may_limit: bool,
    /// Whether the session may change its settings.
    pub may_set: bool,
    /// `ALTER ROLE … IN DATABASE … SET` for this database, as written there.
    pub settings_here: BTreeMap<String, String>,
    /// `ALTER ROLE … SET` for every database, as written there.
    pub settings: BTreeMap<String, String>,
}

/// What the server can give.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Capacity {
    /// `max_connections`.
    pub max_connections: u32,
    /// `superuser_reserved_connections`.
    pub superuser_reserved: u32,
    /// `reserved_connections` (16 and later; before, none).
    pub reserved: u32,
}

impl Capacity {
    /// What is left for roles without privileges (section 20.3.1): the last slots are kept for others.
    pub fn usable(self) -> u32 {
        self.max_connections.saturating_sub(self.superuser_reserved).saturating_sub(self.reserved)
    }
}

/// What all sessions share of the server's lock table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LockSlots {
    /// `max_locks_per_transaction`.
    pub max_locks_per_transaction: u32,
    /// `max_connections`.
    pub max_connections: u32,
    /// `max_prepared_transactions`.
    pub max_prepared_transactions: u32,
}

impl fmt::Display for LockSlots {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { max_locks_per_transaction: locks, max_connections, max_prepared_transactions: prepared } = self;
        let all = self.all();
        write!(
            f,
            "{all} = max_locks_per_transaction {locks} × ({max_connections} max_connections + {prepared} max_prepared_transactions)"
        )
    }
}
