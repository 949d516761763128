//! Retention and grace: a length of time on the calendar, whose seconds depend on when it is counted from.

use std::fmt;
use std::str::FromStr;

use jiff::{Span, Timestamp};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::interval::Unit;
use super::words::{self, DurationError};
use super::zone::Zone;

/// A calendar span, such as `7 years` or `1 year 6 months`.
///
/// ```
/// use pgstrata::grid::{CalendarSpan, Zone};
/// let keep: CalendarSpan = "7 years".parse()?;
/// let now = "2026-02-28T12:00:00Z".parse()?;
/// assert_eq!(keep.before(now, &Zone::utc()), Some("2019-02-28T12:00:00Z".parse()?));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CalendarSpan {
    /// Calendar years.
    pub years: u32,
    /// Calendar months; quarters are counted here.
    pub months: u32,
    /// Weeks of seven days.
    pub weeks: u32,
    /// Calendar days, of 23 to 25 hours.
    pub days: u32,
    /// Hours of 3,600 seconds.
    pub hours: u32,
}

/// The hours of 9,999 leap years, beyond which nothing is on any calendar.
const MAX_HOURS: u64 = 9_999 * 366 * 24;

impl CalendarSpan {
    /// No time at all: a grace that is over at once. Reading it from text takes [`or_zero`].
    pub const ZERO: Self = Self { years: 0, months: 0, weeks: 0, days: 0, hours: 0 };

    /// Whether it is no time at all.
    pub fn is_zero(self) -> bool {
        self == Self::ZERO
    }

    /// The instant this long before `now`. Years to days are counted on the zone's calendar from the local time of
    /// `now` (a day that its month lacks becomes the month's last), hours on the clock after that. `None` beyond the
    /// calendar.
    pub fn before(&self, now: Timestamp, zone: &Zone) -> Option<Timestamp> {
        Some(now.to_zoned(zone.time_zone().clone()).checked_sub(self.to_jiff()?).ok()?.timestamp())
    }

    /// The instant this long after `start`, counted like [`CalendarSpan::before`].
    pub fn after(&self, start: Timestamp, zone: &Zone) -> Option<Timestamp> {
        Some(start.to_zoned(zone.time_zone().clone()).checked_add(self.to_jiff()?).ok()?.timestamp())
    }

    /// Like [`FromStr`], but `0 days` is [`CalendarSpan::ZERO`].
    ///
    /// # Errors
    /// See [`DurationError`].
    pub fn parse_or_zero(text: &str) -> Result<Self, DurationError> {
        let too_long = || DurationError::TooLong(text.trim().to_owned());
        let mut span = Self::ZERO;
        let mut seen = Vec::new();
        for (count, unit) in words::pairs(text)? {
            if seen.contains(&unit) {
                return Err(DurationError::Repeated(unit.plural()));
            }
            seen.push(unit);
            let (field, factor) = match unit {
                Unit::Hours => (&mut span.hours, 1),
                Unit::Days => (&mut span.days, 1),
                Unit::Weeks => (&mut span.weeks, 1),
                Unit::Months => (&mut span.months, 1),
                Unit::Quarters => (&mut span.months, 3),
                Unit::Years => (&mut span.years, 1),
            };
            *field = count.checked_mul(factor).and_then(|n| field.checked_add(n)).ok_or_else(too_long)?;
        }
        if span.longest_hours() > MAX_HOURS { Err(too_long()) } else { Ok(span) }
    }

    fn longest_hours(self) -> u64 {
        let Self { years, months, weeks, days, hours } = self;
        let days = u64::from(years) * 366 + u64::from(months) * 31 + u64::from(weeks) * 7 + u64::from(days);
        days * 24 + u64::from(hours)
    }

    fn to_jiff(self) -> Option<Span> {
        let Self { years, months, weeks, days, hours } = self;
        Span::new()
            .try_years(years)
            .and_then(|span| span.try_months(months))
            .and_then(|span| span.try_weeks(weeks))
            .and_then(|span| span.try_days(days))
            .and_then(|span| span.try_hours(hours))
            .ok()
    }
}

impl fmt::Display for CalendarSpan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { years, months, weeks, days, hours } = *self;
        let parts = [
            (years, Unit::Years),
            (months, Unit::Months),
            (weeks, Unit::Weeks),
            (days, Unit::Days),
            (hours, Unit::Hours),
        ];
        let mut written = false;
        for (count, unit) in parts {
            if count > 0 {
                write!(f, "{}{}", if written { " " } else { "" }, unit.counted(count))?;
                written = true;
            }
        }
        if written { Ok(()) } else { f.write_str("0 days") }
    }
}

impl FromStr for CalendarSpan {
    type Err = DurationError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let span = Self::parse_or_zero(text)?;
        if span.is_zero() { Err(DurationError::Zero) } else { Ok(span) }
    }
}

impl Serialize for CalendarSpan {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for CalendarSpan {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// For `#[serde(with = "…::or_zero")]` on a field such as `grace`, where `0 days` makes sense. A plain
/// [`CalendarSpan`] refuses zero, because `keep: 0 days` would remove everything.
pub mod or_zero {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use super::CalendarSpan;

    /// Writes the span's text.
    ///
    /// # Errors
    /// The serializer's own.
    pub fn serialize<S: Serializer>(span: &CalendarSpan, serializer: S) -> Result<S::Ok, S::Error> {
        span.serialize(serializer)
    }

    /// Reads a span or `0 days`.
    ///
    /// # Errors
    /// Those of [`CalendarSpan::parse_or_zero`].
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<CalendarSpan, D::Error> {
        CalendarSpan::parse_or_zero(&String::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}
