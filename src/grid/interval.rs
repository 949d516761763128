//! The length of a partition: one number and one calendar unit.

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

use jiff::SignedDuration;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::words::{self, DurationError};

/// A calendar unit, finest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Unit {
    /// 3,600 seconds.
    Hours,
    /// From midnight to midnight.
    Days,
    /// Seven days.
    Weeks,
    /// From one day of the month to the same day of the next.
    Months,
    /// Three months.
    Quarters,
    /// Twelve months.
    Years,
}

impl Unit {
    /// Every unit, finest first.
    pub const ALL: [Self; 6] = [Self::Hours, Self::Days, Self::Weeks, Self::Months, Self::Quarters, Self::Years];

    pub(super) fn singular(self) -> &'static str {
        match self {
            Self::Hours => "hour",
            Self::Days => "day",
            Self::Weeks => "week",
            Self::Months => "month",
            Self::Quarters => "quarter",
            Self::Years => "year",
        }
    }

    pub(super) fn plural(self) -> &'static str {
        match self {
            Self::Hours => "hours",
            Self::Days => "days",
            Self::Weeks => "weeks",
            Self::Months => "months",
            Self::Quarters => "quarters",
            Self::Years => "years",
        }
    }

    pub(super) fn counted(self, count: u32) -> String {
        format!("{count} {}", if count == 1 { self.singular() } else { self.plural() })
    }
}

/// A partition interval, such as `1 month`.
///
/// ```
/// use pgstrata::grid::{Interval, Unit};
/// let interval: Interval = "3 months".parse()?;
/// assert_eq!(interval, Interval { count: 3, unit: Unit::Months });
/// assert!("3m".parse::<Interval>().is_err());
/// # Ok::<(), pgstrata::grid::DurationError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Interval {
    /// How many units; at least 1.
    pub count: u32,
    /// Of what.
    pub unit: Unit,
}

impl Interval {
    /// Whether windows are shorter than a day, and so counted in hours of 3,600 seconds.
    pub fn is_sub_day(self) -> bool {
        self.unit == Unit::Hours
    }

    /// A length that no single window of this interval exceeds: 31 days for a month, 366 for twelve of them, and an
    /// hour more for everything from a day up, since a clock may be put back.
    pub fn approx(self) -> SignedDuration {
        let count = i64::from(self.count);
        let months = |months: i64| (months * 31).min((months + 11) / 12 * 366) * 24 + 1;
        SignedDuration::from_hours(match self.unit {
            Unit::Hours => count,
            Unit::Days => count * 24 + 1,
            Unit::Weeks => count * 7 * 24 + 1,
            Unit::Months => months(count),
            Unit::Quarters => months(count * 3),
            Unit::Years => months(count * 12),
        })
    }

    /// Shorter intervals first, by [`Interval::approx`]; `12 months` and `1 year` are equal here.
    pub fn cmp_length(self, other: Self) -> Ordering {
        self.approx().cmp(&other.approx())
    }
}

impl fmt::Display for Interval {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.unit.counted(self.count))
    }
}

impl FromStr for Interval {
    type Err = DurationError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match words::pairs(text)?.as_slice() {
            [(0, _)] => Err(DurationError::Zero),
            &[(count, unit)] => Ok(Self { count, unit }),
            _ => Err(DurationError::Several(text.trim().to_owned())),
        }
    }
}

impl Serialize for Interval {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Interval {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(text: &str) -> String {
        text.parse::<Interval>().unwrap_err().to_string()
    }

    #[test]
    fn reads_numbers_with_spelled_out_units() {
        for (text, count, unit) in [
            ("1 month", 1, Unit::Months),
            (" 3  months ", 3, Unit::Months),
            ("3 MONTHS", 3, Unit::Months),
            ("2weeks", 2, Unit::Weeks),
            ("6 hours", 6, Unit::Hours),
            ("1 days", 1, Unit::Days),
            ("1 quarter", 1, Unit::Quarters),
            ("10 years", 10, Unit::Years),
        ] {
            assert_eq!(text.parse(), Ok(Interval { count, unit }), "{text}");
        }
        assert_eq!(Interval { count: 1, unit: Unit::Days }.to_string(), "1 day");
        assert_eq!(Interval { count: 3, unit: Unit::Quarters }.to_string(), "3 quarters");
    }

    #[test]
    fn says_what_was_probably_meant() {
        for (text, expected) in [
            ("3m", "`3m` could be months or minutes: did you mean `3 months` or `3min`?"),
            ("1 M", "did you mean `1 month` or `1min`?"),
            ("1mon", "`mon` is not a unit: did you mean `1 month`?"),
            ("3 mons", "`mons` is not a unit: did you mean `3 months`?"),
            ("90d", "did you mean `90 days`?"),
            ("2 moths", "did you mean `2 months`?"),
            ("30min", "`min` is too fine: hours are the finest unit here"),
            ("30 parsecs", "`parsecs` is not a unit: use hours, days,"),
            ("monthly", "`monthly` needs a number: did you mean `1 month`?"),
            ("P1M", "`P1M` is not a whole number followed by a unit"),
            ("1.5 months", "`1.5` is not a whole number"),
            ("-1 month", "negative"),
            ("0 days", "zero"),
            ("7", "`7` has no unit"),
            ("1 month 2 days", "an interval is one number and one unit; `1 month 2 days` has more"),
            ("1 month,", "empty"),
            ("99999999999 days", "`99999999999 days` is longer than the calendar"),
            ("", "empty"),
        ] {
            assert!(message(text).contains(expected), "{text}: {}", message(text));
        }
    }

    #[test]
    fn no_window_is_longer_than_the_approximation() {
        use super::super::{Grid, KeyKind};
        for text in ["1 hour", "1 day", "1 week", "1 month", "2 months", "11 months", "1 quarter", "1 year", "3 years"]
        {
            let interval: Interval = text.parse().unwrap();
            let zone = "Europe/Berlin".parse().unwrap();
            let grid = Grid::new(KeyKind::Timestamptz, interval, zone, None).unwrap();
            for window in grid.windows_between(0, 600) {
                let [from, to] = [window.from, window.to].map(|value| grid.instant(value).unwrap());
                assert!(to.duration_since(from) <= interval.approx(), "{text} {window:?}");
            }
        }
    }

    #[test]
    fn orders_by_length() {
        let interval = |text: &str| text.parse::<Interval>().unwrap();
        let sorted = ["1 hour", "1 day", "1 week", "30 days", "1 month", "1 quarter", "1 year", "5 quarters"];
        for pair in sorted.windows(2) {
            assert_eq!(interval(pair[0]).cmp_length(interval(pair[1])), Ordering::Less, "{pair:?}");
        }
        assert_eq!(interval("12 months").cmp_length(interval("1 year")), Ordering::Equal);
    }
}
