//! What the YAML says of clients, roles, pools and reports.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Percent, Size, Span, Timeout, TimeoutOrNone, Url};

/// Limits of `pgstrata::client`, for applications.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[cfg_attr(feature = "cli", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "cli", schemars(deny_unknown_fields))]
pub struct Client {
    /// The connection pool.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pool: Option<Pool>,
    /// The cache of query results.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cache: Option<Cache>,
}

/// The connection pool.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[cfg_attr(feature = "cli", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "cli", schemars(deny_unknown_fields))]
pub struct Pool {
    /// Connections at most.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "cli", schemars(range(min = 1)))]
    pub max_connections: Option<u32>,
    /// Connections kept open when idle.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_connections: Option<u32>,
    /// How long a caller waits for a connection.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub acquire_timeout: Option<Timeout>,
    /// After how long an idle connection is closed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub idle_timeout: Option<Timeout>,
    /// After how long any connection is closed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_lifetime: Option<Timeout>,
    /// By which share of it at most each connection's lifetime is shortened, at random: from 0 to below 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "cli", schemars(range(min = 0), extend("exclusiveMaximum" = 1)))]
    pub lifetime_jitter: Option<f64>,
    /// After how long an idle connection is checked before it is handed out; 0 is always.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub check_after_idle: Option<TimeoutOrNone>,
    /// After how long a connection in use is reported with the place that took it; 0 is never.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub leak_warning: Option<TimeoutOrNone>,
    /// Prepared statements that each connection keeps; 0 for poolers in transaction mode.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub statement_cache: Option<u32>,
}

/// The cache of query results.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[cfg_attr(feature = "cli", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "cli", schemars(deny_unknown_fields))]
pub struct Cache {
    /// Bytes at most.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_size: Option<Size>,
    /// Entries at most.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "cli", schemars(range(min = 1)))]
    pub max_entries: Option<u32>,
    /// How long an entry is used.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ttl: Option<Timeout>,
    /// Bytes of one entry at most; a larger result is not kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_entry_size: Option<Size>,
    /// For how long after its ttl an entry is used while the server is unreachable; 0 is not at all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stale_if_error: Option<TimeoutOrNone>,
    /// Share of hits, from 0 to 1, below which a client's health is degraded.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "cli", schemars(range(min = 0, max = 1)))]
    pub min_hit_ratio: Option<f64>,
}

/// Connection and role limits.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[cfg_attr(feature = "cli", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "cli", schemars(deny_unknown_fields))]
pub struct Limits {
    /// Of the database.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub database: Option<DatabaseLimits>,
    /// Of roles, by name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub roles: Option<BTreeMap<String, RoleLimits>>,
    /// What each service's own pool may open; the sum is judged against the server.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub services: Option<BTreeMap<String, ServiceLimits>>,
    /// Of PgBouncer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pgbouncer: Option<PgBouncer>,
}

/// Limits of the database.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[cfg_attr(feature = "cli", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "cli", schemars(deny_unknown_fields))]
pub struct DatabaseLimits {
    /// `ALTER DATABASE … CONNECTION LIMIT`; -1 is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "cli", schemars(range(min = -1)))]
    pub connection_limit: Option<i32>,
}

/// Limits of one role.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[cfg_attr(feature = "cli", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "cli", schemars(deny_unknown_fields))]
pub struct RoleLimits {
    /// `ALTER ROLE … CONNECTION LIMIT`; -1 is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "cli", schemars(range(min = -1)))]
    pub connection_limit: Option<i32>,
    /// The role's `statement_timeout`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub statement_timeout: Option<TimeoutOrNone>,
    /// The role's `lock_timeout`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lock_timeout: Option<TimeoutOrNone>,
    /// The role's `idle_in_transaction_session_timeout`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub idle_in_transaction_session_timeout: Option<TimeoutOrNone>,
    /// The role's `idle_session_timeout`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub idle_session_timeout: Option<TimeoutOrNone>,
    /// The role's `transaction_timeout` (PostgreSQL 17 and later).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub transaction_timeout: Option<TimeoutOrNone>,
}

/// What one service's pools may open.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[cfg_attr(feature = "cli", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "cli", schemars(deny_unknown_fields))]
pub struct ServiceLimits {
    /// The role it connects as.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
    /// How many run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instances: Option<u32>,
    /// Connections of each one's pool; `client.pool.max_connections` by default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_connections: Option<u32>,
    /// What it connects through; without, it connects to the server itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub through: Option<Through>,
}

/// What PgBouncer is expected to be set to. Only what is written is compared.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[cfg_attr(feature = "cli", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "cli", schemars(deny_unknown_fields))]
pub struct PgBouncer {
    /// URL of its admin console; looked up when used. Empty or without one nothing is compared.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub admin_url: Option<Url>,
    /// Its `pool_mode`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pool_mode: Option<PoolMode>,
    /// Its `default_pool_size`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub default_pool_size: Option<u32>,
    /// Its `reserve_pool_size`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reserve_pool_size: Option<u32>,
    /// Its `max_client_conn`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_client_conn: Option<u32>,
    /// Its `max_db_connections`; 0 is no limit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_db_connections: Option<u32>,
    /// How many PgBouncers of this configuration run (`so_reuseport`, or several hosts); 1 by default.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "cli", schemars(range(min = 1)))]
    pub processes: Option<u32>,
    /// Of entries in its `[databases]`, by name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub databases: Option<BTreeMap<String, PgBouncerDatabase>>,
}

/// What an entry of PgBouncer's `[databases]` is expected to say.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[cfg_attr(feature = "cli", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "cli", schemars(deny_unknown_fields))]
pub struct PgBouncerDatabase {
    /// Its `pool_mode`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pool_mode: Option<PoolMode>,
    /// Its `pool_size`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pool_size: Option<u32>,
    /// Its `reserve_pool_size` (`reserve_pool` before PgBouncer 1.24).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reserve_pool_size: Option<u32>,
    /// Its `max_db_connections`; 0 is no limit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_db_connections: Option<u32>,
}

/// When PgBouncer lets another client have a server connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "cli", derive(schemars::JsonSchema))]
pub enum PoolMode {
    /// After the client disconnects.
    Session,
    /// After each transaction.
    Transaction,
    /// After each statement.
    Statement,
}

impl PoolMode {
    /// As PgBouncer writes it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Session => "session",
            Self::Transaction => "transaction",
            Self::Statement => "statement",
        }
    }
}

/// What stands between a service and the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "cli", derive(schemars::JsonSchema))]
pub enum Through {
    /// `limits.pgbouncer`.
    Pgbouncer,
}

/// Thresholds of the reports.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[cfg_attr(feature = "cli", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "cli", schemars(deny_unknown_fields))]
pub struct Monitoring {
    /// Mean time from which on a query is slow.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub slow_query: Option<Timeout>,
    /// Share of blocks found in shared buffers, from 0 to 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "cli", schemars(range(min = 0, max = 1)))]
    pub min_cache_hit_ratio: Option<f64>,
    /// Share of a pool in use.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_pool_usage: Option<Percent>,
    /// Size of one partition with its indexes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_partition_size: Option<Size>,
    /// For how long an index may go unused.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unused_index_after: Option<Span>,
}
