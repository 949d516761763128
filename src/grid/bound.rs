//! One end of a partition's range, and a leaf's bounds as the catalog prints them.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::value::{KeyKind, KeyValue, KeyValueError};

/// One end of a range. `MINVALUE` is below and `MAXVALUE` above every value, `-infinity` and `infinity` included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Bound {
    /// No lower limit.
    MinValue,
    /// This value: included as a lower bound, excluded as an upper one.
    Value(KeyValue),
    /// No upper limit.
    MaxValue,
}

impl Bound {
    /// The value, where the bound is finite.
    pub fn value(self) -> Option<KeyValue> {
        match self {
            Self::Value(value) => Some(value),
            Self::MinValue | Self::MaxValue => None,
        }
    }

    /// As it stands inside `FROM (…)`.
    fn parse_sql(kind: KeyKind, text: &str) -> Option<Self> {
        match text {
            "MINVALUE" => Some(Self::MinValue),
            "MAXVALUE" => Some(Self::MaxValue),
            // PostgreSQL leaves out the quotes of a non-negative `integer` alone; we, of every integer.
            plain if kind.integers().is_some() && !plain.starts_with('\'') => {
                KeyValue::parse(kind, plain).ok().map(Self::Value)
            }
            quoted => {
                let inner = quoted.strip_prefix('\'')?.strip_suffix('\'')?;
                KeyValue::parse(kind, inner).ok().map(Self::Value)
            }
        }
    }

    fn write_sql(self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            // A constant of each integer type may stand without quotes, though PostgreSQL prints most in quotes.
            Self::Value(value @ KeyValue::Int(_)) => write!(f, "{value}"),
            Self::Value(value) => write!(f, "'{value}'"),
            Self::MinValue | Self::MaxValue => write!(f, "{self}"),
        }
    }
}

impl From<KeyValue> for Bound {
    fn from(value: KeyValue) -> Self {
        Self::Value(value)
    }
}

impl fmt::Display for Bound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::MinValue => f.write_str("MINVALUE"),
            Self::Value(value) => value.fmt(f),
            Self::MaxValue => f.write_str("MAXVALUE"),
        }
    }
}

impl FromStr for Bound {
    type Err = KeyValueError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "MINVALUE" => Ok(Self::MinValue),
            "MAXVALUE" => Ok(Self::MaxValue),
            value => value.parse().map(Self::Value),
        }
    }
}

impl Serialize for Bound {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Bound {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// A leaf's bounds. [`fmt::Display`] writes them back as SQL, explicit UTC offsets included, so that the session's
/// `TimeZone` cannot move them.
///
/// ```
/// use pgstrata::grid::{Bound, KeyKind, KeyValue, LeafBounds};
/// let text = "FOR VALUES FROM ('2026-03-01') TO (MAXVALUE)";
/// let bounds = LeafBounds::parse(KeyKind::Date, text);
/// assert_eq!(bounds, LeafBounds::Range { from: Bound::Value(KeyValue::Date(20_513)), to: Bound::MaxValue });
/// assert_eq!(bounds.to_string(), text);
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LeafBounds {
    /// A range over one column, from included, to excluded.
    Range {
        /// Lower end.
        from: Bound,
        /// Upper end.
        to: Bound,
    },
    /// The default partition.
    Default,
    /// A list, a hash, several columns, `infinity`, BC: kept as the catalog prints it.
    Other(String),
}

impl LeafBounds {
    /// Parses `pg_get_expr(relpartbound, 0)` of a partition whose parent's key has this kind. What is not understood
    /// whole is kept as text, never guessed at.
    pub fn parse(kind: KeyKind, text: &str) -> Self {
        if text == "DEFAULT" {
            return Self::Default;
        }
        Self::parse_range(kind, text).unwrap_or_else(|| Self::Other(text.to_owned()))
    }

    /// Whether an end is an integer.
    pub(crate) fn of_integers(&self) -> bool {
        match self {
            Self::Range { from, to } => [from, to].iter().any(|end| matches!(end, Bound::Value(KeyValue::Int(_)))),
            Self::Default | Self::Other(_) => false,
        }
    }

    fn parse_range(kind: KeyKind, text: &str) -> Option<Self> {
        let inner = text.strip_prefix("FOR VALUES FROM (")?.strip_suffix(')')?;
        let (from, to) = inner.split_once(") TO (")?;
        Some(Self::Range { from: Bound::parse_sql(kind, from)?, to: Bound::parse_sql(kind, to)? })
    }
}

impl fmt::Display for LeafBounds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Range { from, to } => {
                f.write_str("FOR VALUES FROM (")?;
                from.write_sql(f)?;
                f.write_str(") TO (")?;
                to.write_sql(f)?;
                f.write_str(")")
            }
            Self::Default => f.write_str("DEFAULT"),
            Self::Other(text) => f.write_str(text),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_order_around_every_value() {
        let value = Bound::Value(KeyValue::Timestamptz(i64::MIN));
        assert!(Bound::MinValue < value && value < Bound::MaxValue);
        assert!(Bound::Value(KeyValue::Timestamptz(i64::MAX)) < Bound::MaxValue);
    }

    #[test]
    fn reads_ranges_of_each_kind() {
        let march = KeyValue::Timestamptz(1_772_323_200_000_000);
        for (kind, text, from, to) in [
            (
                KeyKind::Timestamptz,
                "FOR VALUES FROM ('2026-03-01 00:00:00+00') TO ('2026-03-01 00:00:01+00')",
                Bound::Value(march),
                Bound::Value(KeyValue::Timestamptz(1_772_323_201_000_000)),
            ),
            (
                KeyKind::Timestamp,
                "FOR VALUES FROM (MINVALUE) TO ('1970-01-01 00:00:00')",
                Bound::MinValue,
                Bound::Value(KeyValue::Timestamp(0)),
            ),
            (
                KeyKind::Date,
                "FOR VALUES FROM ('1970-01-01') TO (MAXVALUE)",
                Bound::Value(KeyValue::Date(0)),
                Bound::MaxValue,
            ),
        ] {
            let bounds = LeafBounds::parse(kind, text);
            assert_eq!(bounds, LeafBounds::Range { from, to });
            assert_eq!(bounds.to_string(), text);
        }
        for (kind, text) in [
            (KeyKind::BigInt, "FOR VALUES FROM ('-1000') TO ('1000')"),
            (KeyKind::SmallInt, "FOR VALUES FROM ('-1000') TO ('1000')"),
            (KeyKind::Integer, "FOR VALUES FROM ('-1000') TO (1000)"),
        ] {
            let bounds = LeafBounds::parse(kind, text);
            let [from, to] = [-1000, 1000].map(|value| Bound::Value(KeyValue::Int(value)));
            assert_eq!(bounds, LeafBounds::Range { from, to });
            assert_eq!(bounds.to_string(), "FOR VALUES FROM (-1000) TO (1000)");
        }
        let text = "FOR VALUES FROM ('01958f3c-0000-0000-0000-000000000000') TO (MAXVALUE)";
        assert_eq!(LeafBounds::parse(KeyKind::Uuid, text).to_string(), text);
        assert_eq!(LeafBounds::parse(KeyKind::Date, "DEFAULT"), LeafBounds::Default);
    }

    #[test]
    fn keeps_what_it_does_not_understand() {
        for text in [
            "FOR VALUES IN ('2026-03-01')",
            "FOR VALUES WITH (modulus 4, remainder 0)",
            "FOR VALUES FROM (1, '2026-03-01') TO (1, MAXVALUE)",
            "FOR VALUES FROM ('2026-03-01', MINVALUE) TO ('2026-04-01', MINVALUE)",
            "FOR VALUES FROM ('-infinity') TO ('2026-03-01')",
            "FOR VALUES FROM ('0044-03-15 BC') TO ('2026-03-01')",
            "FOR VALUES FROM ('2026-03-01 00:00:00+00') TO ('2026-04-01 00:00:00+00')",
            "FOR VALUES FROM ('1') TO ('1000')",
            "for values from ('2026-03-01') to ('2026-04-01')",
            "",
        ] {
            let bounds = LeafBounds::parse(KeyKind::Date, text);
            assert_eq!(bounds, LeafBounds::Other(text.to_owned()));
            assert_eq!(bounds.to_string(), text);
            let json = serde_json::to_string(&bounds).unwrap();
            assert_eq!(serde_json::from_str::<LeafBounds>(&json).unwrap(), bounds);
        }
    }
}
