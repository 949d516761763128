//! What a policy says of connections: limits of the database and its roles, and what each service's pools may open.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::sql::Ident;

/// Connection limits, settings of roles, and the services that share the connections.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct LimitsDesired {
    /// `ALTER DATABASE … CONNECTION LIMIT`; -1 is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub database: Option<i32>,
    /// Of roles.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub roles: BTreeMap<Ident, RoleDesired>,
    /// What each service's own pools may open.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub services: BTreeMap<String, ServiceDesired>,
    /// What PgBouncer is expected to be set to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pgbouncer: Option<PoolerDesired>,
}

impl LimitsDesired {
    /// Whether the policy says nothing of them.
    pub fn is_empty(&self) -> bool {
        let Self { database, roles, services, pgbouncer } = self;
        database.is_none() && roles.is_empty() && services.is_empty() && pgbouncer.is_none()
    }

    /// Every role that it names.
    pub fn named_roles(&self) -> impl Iterator<Item = &Ident> {
        self.roles.keys().chain(self.services.values().filter_map(|service| service.role.as_ref()))
    }
}

/// What one role may.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoleDesired {
    /// `ALTER ROLE … CONNECTION LIMIT`; -1 is none. It counts in every database of the cluster.
    pub connection_limit: Option<i32>,
    /// Timeouts of its sessions in this database, by the setting's name.
    pub timeouts: BTreeMap<String, RoleTimeout>,
}

/// A timeout as a role may have it; zero is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RoleTimeout(#[serde(with = "super::units::millis")] pub Duration);

/// What one service opens at most: so many connections in each of so many pools.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServiceDesired {
    /// The role it connects as.
    pub role: Option<Ident>,
    /// How many run.
    pub instances: u32,
    /// Connections of each one's pool.
    pub max_connections: u32,
    /// That is what `client.pool` says.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub as_client: bool,
    /// It connects to PgBouncer, not to the server.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub through_pgbouncer: bool,
}

impl ServiceDesired {
    /// What all its pools open together.
    pub fn connections(&self) -> u64 {
        u64::from(self.instances) * u64::from(self.max_connections)
    }
}

/// What PgBouncer is expected to be set to: its own words, since it has no types.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PoolerDesired {
    /// By name, as `SHOW CONFIG` has them.
    pub settings: BTreeMap<String, String>,
    /// Of entries in its `[databases]`, by the entry's name.
    pub databases: BTreeMap<String, BTreeMap<String, String>>,
    /// How many of it run.
    pub processes: u32,
}
