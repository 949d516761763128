//! The validated, defaulted, overlaid policy: what must be true. It knows no clock, no server and no URL.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{ClientDesired, LimitsDesired, NewPartitions, SettingsDesired};
use crate::grid::{CalendarSpan, Encoding, Grid, GridError, KeyKind, NameTemplate, Position, Width, Zone};
use crate::plan::HazardKind;
use crate::sql::{Ident, TableName};

/// Everything that planning reads from the policy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Desired {
    /// The tables under policy.
    pub tables: BTreeMap<TableName, TableDesired>,
    /// Legal holds by name.
    pub holds: BTreeMap<String, Hold>,
    /// What the database and its roles may.
    #[serde(default, skip_serializing_if = "LimitsDesired::is_empty")]
    pub limits: LimitsDesired,
    /// What the server's settings are.
    #[serde(default, skip_serializing_if = "SettingsDesired::is_empty")]
    pub settings: SettingsDesired,
    /// What applications' clients keep to.
    #[serde(default, skip_serializing_if = "ClientDesired::is_empty")]
    pub client: ClientDesired,
    /// Which server this policy is for; checked before anything runs.
    pub expect: Expect,
    /// How a plan is carried out.
    pub apply: ApplyDesired,
    /// Policy paths that were parsed and validated, and that this version does not carry out yet.
    pub not_enforced: BTreeSet<String>,
}

/// What one table must look like.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableDesired {
    /// The partition key column.
    pub key: Ident,
    /// Width of a window.
    pub width: Width,
    /// The zone of boundaries; for `timestamp` and `date` keys the zone that the values are in (then mandatory).
    pub timezone: Option<Zone>,
    /// Phase of the grid; without one the grid's default.
    pub anchor: Option<Position>,
    /// How the key's number or uuid encodes time, where the column type does not tell.
    pub encoding: Option<Encoding>,
    /// How far ahead partitions exist.
    pub premake: Premake,
    /// First window wanted when there is none.
    pub start: Option<Position>,
    /// Names of new partitions; without one the interval's default.
    pub name: Option<NameTemplate>,
    /// What else is said of new partitions.
    #[serde(default, skip_serializing_if = "NewPartitions::is_empty")]
    pub new_partitions: NewPartitions,
    /// What the policy says of a default partition.
    pub default_partition: DefaultPartition,
    /// What is said of rows that a default partition should not have for ever.
    #[serde(default, skip_serializing_if = "DefaultRows::is_report")]
    pub default_rows: DefaultRows,
    /// When partitions leave; without one nothing ever leaves.
    pub retention: Option<Retention>,
    /// Storage parameters of every partition.
    pub storage_parameters: BTreeMap<String, String>,
    /// Whether existing partitions get the table's owner, privileges and row security.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub inherit_privileges: bool,
    /// Indexes that must be there, by name.
    pub indexes: BTreeMap<Ident, IndexDesired>,
    /// Indexes that the policy does not name.
    pub other_indexes: OtherIndexes,
    /// Maintenance beyond autovacuum.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub maintenance: Option<MaintenanceDesired>,
}

/// Maintenance beyond autovacuum.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MaintenanceDesired {
    /// How old the root's statistics may get.
    pub analyze_parent_every: Option<CalendarSpan>,
    /// Whether partitions that are over are frozen.
    pub freeze_closed: bool,
    /// From which bloat on a b-tree index of a partition that is over is rebuilt.
    pub reindex_above_bloat: Option<Share>,
    /// How much one run vacuums and rebuilds at most.
    pub max_bytes_per_run: u64,
}

/// A share in hundredths of a percent, from 0 to 10,000.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Share(pub u16);

impl Share {
    /// From a number between 0 and 1.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "from 0 to 10,000")]
    pub fn of(share: f64) -> Self {
        Self((share.clamp(0.0, 1.0) * 10_000.0).round() as u16)
    }

    /// A part of a whole.
    pub fn of_whole(part: u64, whole: u64) -> Self {
        let hundredths = u128::from(part.min(whole)) * 10_000 / u128::from(whole.max(1));
        Self(u16::try_from(hundredths).unwrap_or(10_000))
    }
}

impl fmt::Display for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}%", self.0 / 100)
    }
}

/// An index that must be there. Columns and predicate are SQL as the policy writes it: what they mean, the server says.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct IndexDesired {
    /// The access method.
    pub method: Ident,
    /// Columns or expressions, each with operator class, collation and order.
    pub columns: Vec<String>,
    /// Columns stored beside the key.
    pub include: Vec<Ident>,
    /// Whether it is unique.
    pub unique: bool,
    /// Whether nulls count as equal.
    pub nulls_not_distinct: bool,
    /// The predicate of a partial index.
    pub predicate: Option<String>,
    /// Storage parameters.
    pub with: BTreeMap<String, String>,
    /// Where it is stored; without one where the server puts it.
    pub tablespace: Option<Ident>,
    /// What it is made on.
    #[serde(default, skip_serializing_if = "IndexOn::is_table")]
    pub on: IndexOn,
}

/// What an index of the policy is an index of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IndexOn {
    /// The table, whose index each partition's is attached to.
    #[default]
    Table,
    /// Each partition by itself: a unique index without the partition key, which the table cannot have.
    Partitions,
}

impl IndexOn {
    /// Whether the table has it too.
    #[allow(clippy::trivially_copy_pass_by_ref, reason = "serde's skip_serializing_if passes a reference")]
    pub fn is_table(&self) -> bool {
        match self {
            Self::Table => true,
            Self::Partitions => false,
        }
    }
}

impl IndexDesired {
    /// Whether it may call something outside `pg_catalog`: without a qualified name it cannot, by our search path.
    pub fn reaches_out(&self) -> bool {
        self.columns.iter().chain(&self.predicate).any(|text| text.contains('.'))
    }
}

/// What the policy says of indexes that it does not name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OtherIndexes {
    /// They are not mentioned.
    Ignore,
    /// They are findings.
    Report,
}

impl TableDesired {
    /// The zone of its times: the policy's, or UTC.
    pub fn zone(&self) -> Zone {
        self.timezone.clone().unwrap_or_else(Zone::utc)
    }

    /// The grid for a key of this kind.
    ///
    /// # Errors
    /// See [`GridMismatch`].
    pub fn grid(&self, kind: KeyKind) -> Result<Grid, GridMismatch> {
        let interval = match self.width {
            Width::Calendar(interval) => interval,
            Width::Keys(step) => {
                let anchor = match self.anchor {
                    Some(Position::Key(anchor)) => anchor,
                    Some(Position::Civil(_)) | None => 0,
                };
                return Ok(Grid::keys(kind, step, anchor)?);
            }
        };
        match (kind, self.encoding) {
            (KeyKind::Timestamp | KeyKind::Date, None) if self.timezone.is_none() => {
                return Err(GridMismatch::ZoneMissing(kind));
            }
            (KeyKind::SmallInt | KeyKind::Integer | KeyKind::BigInt | KeyKind::Uuid, None) => {
                return Err(GridMismatch::EncodingMissing(kind));
            }
            (KeyKind::Timestamptz | KeyKind::Timestamp | KeyKind::Date, None) | (_, Some(_)) => {}
        }
        let anchor = match self.anchor {
            Some(Position::Civil(anchor)) => Some(anchor),
            Some(Position::Key(_)) | None => None,
        };
        Ok(Grid::calendar(kind, self.encoding, interval, self.zone(), anchor)?)
    }
}

/// Why a table's policy and its key's type do not go together.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GridMismatch {
    /// A number or uuid, and nothing says what time it is.
    #[error("the key is {}, and nothing says how it tells time: write {}", .0.sql_type(), match .0 {
        KeyKind::Uuid => "`encoding: uuidv7`, if its values are of version 7",
        KeyKind::Timestamptz | KeyKind::Timestamp | KeyKind::Date | KeyKind::SmallInt | KeyKind::Integer | KeyKind::BigInt => "`encoding: epoch_ms` (or epoch_s, epoch_us, epoch_ns), or for ids a number as `interval`",
    })]
    EncodingMissing(KeyKind),
    /// Values without a zone need one named.
    #[error("`timezone` is mandatory for a {} key: name the zone its values are in", .0.sql_type())]
    ZoneMissing(KeyKind),
    /// The grid itself cannot be.
    #[error(transparent)]
    Grid(#[from] GridError),
}

/// How far ahead partitions exist.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Premake {
    /// Whole windows after the current one.
    Windows(u32),
    /// Every window that begins before now plus this.
    Span(CalendarSpan),
}

/// What the policy says of a default partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DefaultPartition {
    /// There should be none; an existing one is reported, never removed.
    None,
    /// May be there.
    Allow,
    /// Must be there; created when missing.
    Require,
}

/// What is said of rows of a default partition that are past retention, or outside the wanted windows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DefaultRows {
    /// They are counted, and drift where they are past retention.
    #[default]
    Report,
    /// They are not mentioned.
    Ignore,
}

impl DefaultRows {
    fn is_report(&self) -> bool {
        *self == Self::Report
    }
}

/// When partitions leave.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Retention {
    /// A partition leaves once its upper bound is at or before now minus this.
    pub keep: Keep,
    /// What happens to it.
    pub then: Then,
    /// Between detach and drop; zero is a drop in the same plan.
    #[serde(with = "crate::grid::or_zero")]
    pub grace: CalendarSpan,
    /// Partitions that fit no grid.
    pub straddling: Straddling,
}

/// How long rows are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Keep {
    /// A calendar duration.
    Span(CalendarSpan),
    /// A distance of keys (integer keys).
    Keys(i64),
}

/// What happens to a partition whose time is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Then {
    /// It becomes a table of its own, and stays.
    Detach,
    /// It is detached, and dropped after the grace.
    Drop,
}

/// What retention does with partitions that fit no grid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Straddling {
    /// They stay.
    Keep,
    /// They leave by their upper bound like any other.
    Remove,
}

/// A legal hold: rows of these tables from `from` to before `to` are never detached and never dropped.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hold {
    /// The tables; empty means every table under policy.
    pub tables: BTreeSet<TableName>,
    /// First moment (in each table's zone) or id held; `None` is since ever.
    pub from: Option<Position>,
    /// First moment or id no longer held; `None` is for ever.
    pub to: Option<Position>,
    /// Why; left out of Markdown.
    pub reason: String,
}

/// Which server this policy is for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Expect {
    /// `current_database()`.
    pub database: Option<String>,
    /// The server's `cluster_name`.
    pub cluster_name: Option<String>,
    /// `pg_control_system()`'s identifier, as text: it is larger than 2^53.
    pub system_identifier: Option<String>,
}

/// How a plan is carried out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApplyDesired {
    /// Tables side by side.
    pub jobs: u32,
    /// The server's `lock_timeout`, for each try.
    #[serde(with = "crate::policy::units::millis")]
    pub lock_timeout: Duration,
    /// Tries after the first; bounded.
    pub lock_retries: u32,
    /// For statements that hold SHARE or stronger on something in use.
    #[serde(with = "crate::policy::units::millis")]
    pub statement_timeout: Duration,
    /// For `… CONCURRENTLY`, which has no `lock_timeout`, and the wait before it.
    #[serde(with = "crate::policy::units::millis")]
    pub concurrent_timeout: Duration,
    /// Hazards accepted without a flag.
    pub allow: BTreeSet<Grant>,
    /// More than both leaving one table at once is blocked.
    pub max_drop: MaxDrop,
    /// More creations than this in one plan are blocked.
    pub max_create: u32,
}

/// A hazard accepted, everywhere or for one table. Text form: `deletes-data` or `deletes-data:audit.audit_log`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Grant {
    /// What is accepted.
    pub hazard: HazardKind,
    /// Where; `None` is everywhere.
    pub table: Option<TableName>,
}

/// The blast radius that needs no grant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MaxDrop {
    /// Partitions leaving one table in one plan.
    pub windows: u32,
    /// What they cover together; zero with zero windows blocks every removal that has no grant.
    #[serde(with = "crate::grid::or_zero")]
    pub span: CalendarSpan,
}
