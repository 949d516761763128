//! Lengths of time as PostgreSQL writes and reads an `interval`, which is how pg_partman keeps its settings.

use super::infer::normal;
use crate::grid::{CalendarSpan, Interval, Unit};

/// Months, days and seconds, as PostgreSQL keeps them apart.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Length {
    months: u32,
    days: u32,
    seconds: u64,
}

impl Length {
    /// Reads `1 mon`, `7 days`, `01:00:00`, `1 year 6 mons`, `2 weeks`, `monthly`; `None` for anything else, negative
    /// lengths included.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let text = text.trim().trim_start_matches('@').to_ascii_lowercase();
        let adverb = match text.as_str() {
            "hourly" => Some("1 hour"),
            "daily" => Some("1 day"),
            "weekly" => Some("1 week"),
            "monthly" => Some("1 month"),
            "quarterly" => Some("3 months"),
            "yearly" => Some("1 year"),
            _ => None,
        };
        let mut words = adverb.unwrap_or(&text).split_whitespace();
        let mut length = Self::default();
        let mut any = false;
        while let Some(word) = words.next() {
            any = true;
            if word.contains(':') {
                length.seconds = length.seconds.checked_add(clock(word)?)?;
                continue;
            }
            let digits = word.find(|c: char| !c.is_ascii_digit()).unwrap_or(word.len());
            let (count, glued) = word.split_at(digits);
            let count: u32 = count.parse().ok()?;
            let unit = if glued.is_empty() { words.next()? } else { glued };
            let (months, days, seconds) = match unit.trim_end_matches('s') {
                "year" | "yr" | "y" => (12, 0, 0),
                "quarter" => (3, 0, 0),
                "month" | "mon" => (1, 0, 0),
                "week" | "w" => (0, 7, 0),
                "day" | "d" => (0, 1, 0),
                "hour" | "hr" | "h" => (0, 0, 3600),
                "minute" | "min" => (0, 0, 60),
                "second" | "sec" => (0, 0, 1),
                _ => return None,
            };
            length.months = length.months.checked_add(count.checked_mul(months)?)?;
            length.days = length.days.checked_add(count.checked_mul(days)?)?;
            length.seconds = length.seconds.checked_add(u64::from(count) * seconds)?;
        }
        any.then_some(length)
    }

    /// As the width of a partition; `None` where it is no whole number of one unit, or finer than an hour.
    pub(super) fn interval(self) -> Option<Interval> {
        let interval = match (self.months, self.days, self.seconds) {
            (0, 0, seconds) if seconds > 0 && seconds % 3600 == 0 => {
                Interval { count: u32::try_from(seconds / 3600).ok()?, unit: Unit::Hours }
            }
            (0, count @ 1.., 0) => Interval { count, unit: Unit::Days },
            (count @ 1.., 0, 0) => Interval { count, unit: Unit::Months },
            _ => return None,
        };
        Some(normal(interval))
    }

    /// As a time to keep rows; `None` where it is nothing at all, finer than an hour, or longer than the calendar.
    pub(super) fn keep(self) -> Option<CalendarSpan> {
        let hours = u32::try_from(self.seconds / 3600).ok().filter(|_| self.seconds.is_multiple_of(3600))?;
        let span = CalendarSpan { years: self.months / 12, months: self.months % 12, weeks: 0, days: self.days, hours };
        // `18 months` is how people say it; years only where they are whole.
        let span = match span.months {
            0 => span,
            _ => CalendarSpan { years: 0, months: self.months, ..span },
        };
        // Through text, which knows how long the calendar is.
        span.to_string().parse().ok()
    }
}

/// `HH:MM:SS`.
fn clock(word: &str) -> Option<u64> {
    let mut parts = word.split(':');
    let hours: u64 = parts.next()?.parse().ok()?;
    let minutes: u64 = parts.next()?.parse().ok()?;
    let seconds: u64 = parts.next().unwrap_or("0").parse().ok()?;
    if parts.next().is_some() || minutes >= 60 || seconds >= 60 {
        return None;
    }
    hours.checked_mul(3600)?.checked_add(minutes * 60 + seconds)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals_are_read_as_postgresql_prints_them() {
        for (text, expected) in [
            ("01:00:00", "1 hour"),
            ("06:00:00", "6 hours"),
            ("1 day", "1 day"),
            ("7 days", "1 week"),
            ("14 days", "2 weeks"),
            ("1 mon", "1 month"),
            ("3 mons", "1 quarter"),
            ("6 mons", "6 months"),
            ("1 year", "1 year"),
            ("24:00:00", "1 day"),
            ("weekly", "1 week"),
            ("quarterly", "1 quarter"),
        ] {
            let interval = Length::parse(text).and_then(Length::interval);
            assert_eq!(interval.map(|interval| interval.to_string()).as_deref(), Some(expected), "{text}");
        }
        for text in ["00:15:00", "-1 day", "1 mon 1 day", "often", "", "10000", "1 day 01:00:00"] {
            assert_eq!(Length::parse(text).and_then(Length::interval), None, "{text}");
        }
    }

    #[test]
    fn retentions_are_read_as_people_type_them() {
        for (text, expected) in [
            ("30 days", "30 days"),
            ("3 months", "3 months"),
            ("18 mons", "18 months"),
            ("7 years", "7 years"),
            ("1 year 6 mons", "18 months"),
            ("2 weeks", "14 days"),
            ("48:00:00", "48 hours"),
            ("90d", "90 days"),
        ] {
            let keep = Length::parse(text).and_then(Length::keep);
            assert_eq!(keep.map(|keep| keep.to_string()).as_deref(), Some(expected), "{text}");
        }
        for text in ["30 minutes", "0 days", "100000 years", "6000000000000000000:00:00", "5124095576030431:00:00"] {
            assert_eq!(Length::parse(text).and_then(Length::keep), None, "{text}");
        }
    }
}
