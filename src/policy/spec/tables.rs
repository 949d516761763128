//! What the YAML says of one table.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Age, CountOrSpan, Interval, Moment, Percent, Scalar, Size, Span, Template};
use crate::policy::{DefaultPartition, DefaultRows, Encoding, IndexOn, OtherIndexes, Straddling, Then};

/// One table under policy.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[cfg_attr(feature = "cli", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "cli", schemars(deny_unknown_fields))]
pub struct TableSpec {
    /// How it is partitioned.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub partition: Option<PartitionSpec>,
    /// When partitions leave; left out nothing ever leaves.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retention: Option<RetentionSpec>,
    /// Indexes that must be there, by name; any valid equal index will do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub indexes: Option<BTreeMap<String, IndexSpec>>,
    /// Whether indexes that the policy does not name are reported: by default, where it names any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub other_indexes: Option<OtherIndexesSpec>,
    /// Storage parameters of every partition.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub storage_parameters: Option<BTreeMap<String, Scalar>>,
    /// Whether existing partitions get the owner, the privileges and the row security of the table, as new ones do. Without,
    /// what differs is reported. Only who uses partitions directly needs it: access through the table asks the table.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub inherit_privileges: Option<bool>,
    /// Maintenance beyond autovacuum.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub maintenance: Option<Maintenance>,
}

/// How a table is partitioned.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[cfg_attr(feature = "cli", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "cli", schemars(deny_unknown_fields))]
pub struct PartitionSpec {
    /// The partition key: one column.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "cli", schemars(length(min = 1)))]
    pub key: Option<String>,
    /// Width of a partition: `1 month`, or a number for id keys.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub interval: Option<Interval>,
    /// IANA zone of the boundaries; for `timestamp` and `date` keys mandatory: the zone that the values are in.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "cli", schemars(example = &"UTC", example = &"Europe/Berlin"))]
    pub timezone: Option<String>,
    /// Phase of the grid: a date or time (weeks begin on Monday 2000-01-03 by default), or a number for id keys.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub anchor: Option<Scalar>,
    /// How a number or uuid key encodes time, where the column type does not tell.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub encoding: Option<EncodingSpec>,
    /// Whole partitions after the current one, or a duration ahead of now; 4 by default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub premake: Option<CountOrSpan>,
    /// First partition wanted when there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub start: Option<Moment>,
    /// Names of new partitions.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<Template>,
    /// Schema that new partitions are made in; the table's own by default.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "cli", schemars(length(min = 1)))]
    pub schema: Option<String>,
    /// Whether new partitions are UNLOGGED.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unlogged: Option<bool>,
    /// Checks that new partitions get as the newest one has them, by name; `{partition}` stands for the partition's.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "cli", schemars(example = &["amount_positive", "{partition}_amount_check"]))]
    pub checks: Option<Vec<String>>,
    /// Triggers that new partitions get as the newest one has them, by name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub triggers: Option<Vec<String>>,
    /// `none` (the default: an existing one is reported, never removed), `allow` or `require`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub default_partition: Option<DefaultPartitionSpec>,
    /// Rows of a default partition that are past retention, or outside the wanted windows: `report` (the default) or
    /// `ignore`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub default_rows: Option<DefaultRowsSpec>,
}

/// When partitions leave.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[cfg_attr(feature = "cli", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "cli", schemars(deny_unknown_fields))]
pub struct RetentionSpec {
    /// How long rows are kept: a calendar duration, or a key distance for id keys; never a count.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub keep: Option<Age>,
    /// `detach` (the default) or `drop`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub then: Option<ThenSpec>,
    /// Between detach and drop; 7 days by default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub grace: Option<Span>,
    /// Partitions that fit no grid: `keep` (the default) or `remove`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub straddling: Option<StraddlingSpec>,
}

/// An index that must be there.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[cfg_attr(feature = "cli", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "cli", schemars(deny_unknown_fields))]
pub struct IndexSpec {
    /// Columns or expressions, each with what `CREATE INDEX` takes after it: `occurred_at desc`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "cli", schemars(length(min = 1)))]
    pub columns: Option<Vec<String>>,
    /// The access method; `btree` by default.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "cli", schemars(example = &"gin", example = &"brin"))]
    pub using: Option<String>,
    /// The predicate of a partial index.
    #[serde(rename = "where", skip_serializing_if = "Option::is_none")]
    pub predicate: Option<String>,
    /// Whether it is unique; then the partition key must be one of the columns, or it is an index `on: partitions`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unique: Option<bool>,
    /// What it is made on: `table` (the default), or `partitions`, for a unique index without the partition key. Uniqueness
    /// then holds only within each partition.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub on: Option<IndexOnSpec>,
    /// Whether a unique index takes nulls for equal (PostgreSQL 15 and later).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nulls_not_distinct: Option<bool>,
    /// Columns stored beside the key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub include: Option<Vec<String>>,
    /// Storage parameters of the index.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub with: Option<BTreeMap<String, Scalar>>,
    /// Where it is stored.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tablespace: Option<String>,
}

/// Maintenance beyond autovacuum.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[cfg_attr(feature = "cli", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "cli", schemars(deny_unknown_fields))]
pub struct Maintenance {
    /// How old the root's statistics may get: autovacuum never analyzes a partitioned table.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub analyze_parent_every: Option<Span>,
    /// Whether partitions that are over are frozen.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub freeze_closed: Option<bool>,
    /// From which bloat on a b-tree index of a partition that is over is rebuilt: 20% or more.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reindex_above_bloat: Option<Percent>,
    /// How much one run vacuums and rebuilds at most, in this table; 20GB by default. One partition is always done.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_bytes_per_run: Option<Size>,
}

macro_rules! words {
    ($($(#[$doc:meta])* $name:ident => $domain:ident { $($(#[$variant_doc:meta])* $variant:ident,)* })*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        #[cfg_attr(feature = "cli", derive(schemars::JsonSchema))]
        pub enum $name {
            $($(#[$variant_doc])* $variant,)*
        }

        impl From<$name> for $domain {
            fn from(word: $name) -> Self {
                match word {
                    $($name::$variant => Self::$variant,)*
                }
            }
        }
    )*};
}

words! {
    /// What the policy says of a default partition.
    DefaultPartitionSpec => DefaultPartition {
        /// There should be none; an existing one is reported, never removed.
        None,
        /// May be there.
        Allow,
        /// Must be there; created when missing.
        Require,
    }
    /// What is said of rows that a default partition should not have for ever.
    DefaultRowsSpec => DefaultRows {
        /// They are counted, and drift where they are past retention.
        Report,
        /// They are not mentioned.
        Ignore,
    }
    /// Whether indexes that the policy does not name are reported.
    OtherIndexesSpec => OtherIndexes {
        /// They are not mentioned.
        Ignore,
        /// They are findings.
        Report,
    }
    /// What an index is made on.
    IndexOnSpec => IndexOn {
        /// The table, and so each of its partitions.
        Table,
        /// Each partition by itself.
        Partitions,
    }
    /// What happens to a partition whose time is over.
    ThenSpec => Then {
        /// It becomes a table of its own, and stays.
        Detach,
        /// It is detached, and dropped after the grace.
        Drop,
    }
    /// What retention does with partitions that fit no grid.
    StraddlingSpec => Straddling {
        /// They stay.
        Keep,
        /// They leave by their upper bound like any other.
        Remove,
    }
    /// How a number or uuid encodes time.
    EncodingSpec => Encoding {
        /// Seconds since 1970.
        EpochS,
        /// Milliseconds since 1970.
        EpochMs,
        /// Microseconds since 1970.
        EpochUs,
        /// Nanoseconds since 1970.
        EpochNs,
        /// RFC 9562, section 5.7.
        Uuidv7,
    }
}
