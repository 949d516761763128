//! What the YAML says, in types: optional everywhere, values with units still as text. Reading it decides nothing;
//! [`Policy::resolve`](super::Policy::resolve) does.

mod hardware;
mod limits;
mod schema;
mod tables;
mod text;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub use hardware::{HardwareSpec, StorageSpec, WorkloadSpec};
pub use limits::{
    Cache, Client, DatabaseLimits, Limits, Monitoring, PgBouncer, PgBouncerDatabase, Pool, PoolMode, RoleLimits,
    ServiceLimits, Through,
};
pub use tables::{
    DefaultPartitionSpec, DefaultRowsSpec, EncodingSpec, IndexOnSpec, IndexSpec, Maintenance, OtherIndexesSpec,
    PartitionSpec, RetentionSpec, StraddlingSpec, TableSpec, ThenSpec,
};
pub use text::{
    Age, Count, CountOrSpan, GrantText, Interval, Moment, Percent, Scalar, Size, Span, TableText, Template, Timeout,
    TimeoutOrNone, Url,
};

/// A whole policy file.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[cfg_attr(feature = "cli", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "cli", schemars(deny_unknown_fields, title = "pgstrata policy"))]
pub struct PolicySpec {
    /// Version of the policy language: 1.
    #[cfg_attr(feature = "cli", schemars(required, schema_with = "schema::version"))]
    pub version: Option<u64>,
    /// Where the database is, and which one it must be.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub connection: Option<Connection>,
    /// Limits of `pgstrata::client`, for applications.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client: Option<Client>,
    /// How plans are carried out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub apply: Option<Apply>,
    /// The tables under policy, by `schema.table`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tables: Option<BTreeMap<String, TableSpec>>,
    /// Legal holds by name: what they cover is never detached and never dropped.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub holds: Option<BTreeMap<String, HoldSpec>>,
    /// Connection and role limits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limits: Option<Limits>,
    /// Expected server settings; see `apply.settings`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub settings: Option<BTreeMap<String, Scalar>>,
    /// The server's machine, for `optimize config`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hardware: Option<HardwareSpec>,
    /// Thresholds of the reports.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub monitoring: Option<Monitoring>,
    /// Overlays by name; with any, `--env` is required.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub environments: Option<BTreeMap<String, Option<EnvironmentSpec>>>,
}

/// An overlay: maps merge, scalars and lists replace, `null` removes; `holds` and `apply.allow` only ever add.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[cfg_attr(feature = "cli", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "cli", schemars(deny_unknown_fields))]
pub struct EnvironmentSpec {
    /// Where the database is, and which one it must be.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub connection: Option<Connection>,
    /// Limits of `pgstrata::client`, for applications.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client: Option<Client>,
    /// How plans are carried out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub apply: Option<Apply>,
    /// The tables under policy; `null` takes one out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tables: Option<BTreeMap<String, Option<TableSpec>>>,
    /// More legal holds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub holds: Option<BTreeMap<String, HoldSpec>>,
    /// Connection and role limits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limits: Option<Limits>,
    /// Expected server settings.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub settings: Option<BTreeMap<String, Option<Scalar>>>,
    /// The server's machine, for `optimize config`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hardware: Option<HardwareSpec>,
    /// Thresholds of the reports.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub monitoring: Option<Monitoring>,
}

/// Where the database is, and which one it must be.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[cfg_attr(feature = "cli", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "cli", schemars(deny_unknown_fields))]
pub struct Connection {
    /// A PostgreSQL URL or conninfo, usually `${DATABASE_URL}`; looked up when used.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<Url>,
    /// Logins of owners, by role: steps and questions on the tables that a role owns run in sessions of that login.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub owners: Option<BTreeMap<String, Url>>,
    /// Which server this policy is for; checked before anything runs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expect: Option<ExpectSpec>,
}

/// Which server this policy is for.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[cfg_attr(feature = "cli", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "cli", schemars(deny_unknown_fields))]
pub struct ExpectSpec {
    /// `current_database()`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub database: Option<String>,
    /// The server's `cluster_name`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cluster_name: Option<String>,
    /// `system_identifier` of `pg_control_system()`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "cli", schemars(with = "Count"))]
    pub system_identifier: Option<String>,
}

/// How plans are carried out.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[cfg_attr(feature = "cli", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "cli", schemars(deny_unknown_fields))]
pub struct Apply {
    /// Tables side by side; 2 by default.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "cli", schemars(range(min = 1, max = 64)))]
    pub jobs: Option<u32>,
    /// The server's `lock_timeout` for each try; 200ms by default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lock_timeout: Option<Timeout>,
    /// Tries after the first; 30 by default.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "cli", schemars(range(max = 1000)))]
    pub lock_retries: Option<u32>,
    /// For statements that hold SHARE or a stronger lock on something in use; 5s by default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub statement_timeout: Option<Timeout>,
    /// For `… CONCURRENTLY`, which has no `lock_timeout`, and the wait before it; 10min by default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub concurrent_timeout: Option<Timeout>,
    /// Hazards accepted without a flag: `deletes-data`, or `deletes-data:schema.table`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allow: Option<Vec<GrantText>>,
    /// What may leave one table at once without a grant; more than both is blocked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_drop: Option<MaxDropSpec>,
    /// More creations than this in one plan are blocked; 500 by default.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "cli", schemars(range(min = 1)))]
    pub max_create: Option<u32>,
    /// What is done about `settings` that differ: `report` (the default) or `alter_system`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub settings: Option<SettingsMode>,
}

/// What may leave one table at once without a grant.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[cfg_attr(feature = "cli", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "cli", schemars(deny_unknown_fields))]
pub struct MaxDropSpec {
    /// Partitions leaving one table in one plan; 3 by default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub windows: Option<u32>,
    /// What they cover together; 8 days by default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub span: Option<Span>,
}

/// What is done about server settings that differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "cli", derive(schemars::JsonSchema))]
pub enum SettingsMode {
    /// They are findings.
    Report,
    /// They are changed with `ALTER SYSTEM`.
    AlterSystem,
}

/// A legal hold, half-open like a partition's bounds.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[cfg_attr(feature = "cli", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "cli", schemars(deny_unknown_fields))]
pub struct HoldSpec {
    /// The tables; left out it is every table under policy.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tables: Option<Vec<TableText>>,
    /// First moment held, in each table's zone; left out it is since ever.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<Moment>,
    /// First moment no longer held; left out it is for ever.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<Moment>,
    /// Why; never shown in Markdown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}
