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

#[cfg(test)]
mod tests {
    use super::*;

    fn span(text: &str) -> CalendarSpan {
        text.parse().unwrap()
    }

    #[test]
    fn reads_and_writes_spans() {
        for (text, canonical) in [
            ("7 years", "7 years"),
            ("90 days", "90 days"),
            ("1 year 6 months", "1 year 6 months"),
            ("1 year, 2 months", "1 year 2 months"),
            ("2 days 1 week", "1 week 2 days"),
            ("2 quarters", "6 months"),
            ("1 quarter 1 month", "4 months"),
            ("36 HOURS", "36 hours"),
            ("0 years 3 days", "3 days"),
        ] {
            assert_eq!(span(text).to_string(), canonical, "{text}");
        }
    }

    #[test]
    fn zero_is_read_only_where_it_is_asked_for() {
        for text in ["0 days", "0 hours", "0 years 0 months"] {
            assert_eq!(text.parse::<CalendarSpan>(), Err(DurationError::Zero));
            assert_eq!(CalendarSpan::parse_or_zero(text), Ok(CalendarSpan::ZERO));
        }
        #[derive(Debug, PartialEq, Serialize, Deserialize)]
        struct Spec {
            keep: CalendarSpan,
            #[serde(with = "or_zero")]
            grace: CalendarSpan,
        }
        let spec = Spec { keep: span("1 day"), grace: CalendarSpan::ZERO };
        let json = serde_json::to_string(&spec).unwrap();
        assert_eq!(json, r#"{"keep":"1 day","grace":"0 days"}"#);
        assert_eq!(serde_json::from_str::<Spec>(&json).unwrap(), spec);
        assert!(serde_json::from_str::<Spec>(r#"{"keep":"0 days","grace":"0 days"}"#).is_err());
    }

    #[test]
    fn refuses_what_could_be_misread() {
        for (text, expected) in [
            ("3m", "did you mean `3 months` or `3min`?"),
            ("3min", "too fine"),
            ("3 mons", "did you mean `3 months`?"),
            ("-7 years", "negative"),
            ("7 years -1 day", "negative"),
            ("7 years 1 year", "`years` are given twice"),
            ("7 years 1", "`1` has no unit"),
            ("10000 years", "longer than the calendar"),
            ("4294967295 quarters", "longer than the calendar"),
            ("forever", "is not a whole number"),
        ] {
            let message = text.parse::<CalendarSpan>().unwrap_err().to_string();
            assert!(message.contains(expected), "{text}: {message}");
        }
    }

    #[test]
    fn counts_on_the_calendar_of_the_zone() {
        for (text, zone, now, before) in [
            ("7 years", "UTC", "2026-02-28T00:00:00Z", "2019-02-28T00:00:00Z"),
            ("1 year", "UTC", "2024-02-29T00:00:00Z", "2023-02-28T00:00:00Z"),
            ("1 month", "UTC", "2026-03-31T12:00:00Z", "2026-02-28T12:00:00Z"),
            // 2026-03-29 has 23 hours in Berlin.
            ("1 day", "Europe/Berlin", "2026-03-29T10:00:00Z", "2026-03-28T11:00:00Z"),
            ("24 hours", "Europe/Berlin", "2026-03-29T10:00:00Z", "2026-03-28T10:00:00Z"),
            // In Berlin it is already 1 March, so a month before is 1 February and not the last of January.
            ("1 month", "Europe/Berlin", "2026-02-28T23:30:00Z", "2026-01-31T23:30:00Z"),
            ("1 month", "UTC", "2026-02-28T23:30:00Z", "2026-01-28T23:30:00Z"),
            ("1 year 1 week 1 hour", "UTC", "2026-03-14T00:00:00Z", "2025-03-06T23:00:00Z"),
        ] {
            let zone = zone.parse().unwrap();
            let found = span(text).before(now.parse().unwrap(), &zone);
            assert_eq!(found, Some(before.parse().unwrap()), "{text} before {now} in {zone}");
        }
        let after = span("1 month").after("2026-01-31T00:00:00Z".parse().unwrap(), &Zone::utc());
        assert_eq!(after, Some("2026-02-28T00:00:00Z".parse().unwrap()));
        assert_eq!(span("9999 years").after(Timestamp::UNIX_EPOCH, &Zone::utc()), None);
        let huge = CalendarSpan { years: u32::MAX, ..CalendarSpan::ZERO };
        assert_eq!(huge.before(Timestamp::UNIX_EPOCH, &Zone::utc()), None);
    }
}
