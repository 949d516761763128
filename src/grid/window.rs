//! The grid itself: windows numbered from an anchor, and the arithmetic between windows, key values and instants.

use jiff::Timestamp;
use jiff::civil::DateTime;
use serde::{Deserialize, Serialize};

use super::civil::{self, DAY, HOUR, Ymd};
use super::interval::{Interval, Unit};
use super::value::{KeyKind, KeyValue};
use super::zone::Zone;

/// A partition range that the policy wants: from included, to excluded, never empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Window {
    /// Its number; 0 starts at the anchor.
    pub index: i64,
    /// The first value inside.
    pub from: KeyValue,
    /// The first value after it.
    pub to: KeyValue,
}

/// Windows of one interval, side by side over the years 1 to 9999.
///
/// Boundaries are the anchor plus whole multiples of the interval, by civil arithmetic. For `timestamptz` keys and
/// intervals of a day or more they are the zone's local times (midnight, unless the anchor has a time of day): where
/// the clock skips it, the instant the gap ends; where it shows it twice, the earlier. Hour grids for `timestamptz` run
/// on UTC whatever the zone, anchor included: 3,600 seconds are an hour everywhere. For `timestamp` and `date` keys
/// boundaries are civil, and the zone only says which instant a value means.
///
/// A local day that a zone skipped altogether (2011-12-30 in `Pacific/Apia`) has an index but no window: its range
/// would be empty. [`Grid::window`] answers `None`, iteration passes over it, [`Grid::index_of`] never returns it, and
/// its neighbours touch.
///
/// ```
/// use pgstrata::grid::{Grid, KeyKind};
/// let grid = Grid::new(KeyKind::Timestamptz, "1 month".parse()?, "Europe/Berlin".parse()?, None)?;
/// let march = grid.index_at("2026-03-14T00:00:00Z".parse()?).and_then(|index| grid.window(index)).unwrap();
/// assert_eq!(march.from.to_string(), "2026-02-28 23:00:00+00");
/// assert_eq!(march.to.to_string(), "2026-03-31 22:00:00+00");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "Spelled", into = "Spelled")]
pub struct Grid {
    kind: KeyKind,
    interval: Interval,
    zone: Zone,
    /// Civil microseconds; on UTC for hour grids of instants.
    anchor: i64,
}

/// The grid as its policy spells it.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Spelled {
    kind: KeyKind,
    interval: Interval,
    zone: Zone,
    anchor: DateTime,
}

/// Why these parts make no grid.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GridError {
    /// A window would have no length.
    #[error("interval: zero")]
    ZeroInterval,
    /// A date cannot tell hours apart.
    #[error("interval: `{0}` on a date key; the shortest is `1 day`")]
    HoursOnDate(Interval),
    /// Not every month has it.
    #[error("anchor: day {day} does not exist in every month; with `{interval}` use 1 to 28")]
    AnchorDay {
        /// The anchor's day of the month.
        day: i8,
        /// The interval.
        interval: Interval,
    },
    /// A date has no time of day.
    #[error("anchor: a time of day on a date key")]
    AnchorTime,
    /// Finer than a second.
    #[error("anchor: a fraction of a second")]
    AnchorFraction,
    /// Outside the years 1 to 9999.
    #[error("anchor: outside the years 1 to 9999")]
    AnchorYear,
}

/// How boundaries advance.
enum Step {
    /// A fixed civil length in microseconds.
    Fixed(i64),
    /// Calendar months.
    Months(i64),
}

impl Grid {
    /// A grid. Without an anchor index 0 starts at 2000-01-01, or for weeks on Monday 2000-01-03.
    ///
    /// # Errors
    /// See [`GridError`].
    pub fn new(kind: KeyKind, interval: Interval, zone: Zone, anchor: Option<DateTime>) -> Result<Self, GridError> {
        if interval.count == 0 {
            return Err(GridError::ZeroInterval);
        }
        let day = if interval.unit == Unit::Weeks { 3 } else { 1 };
        let anchor = anchor.unwrap_or_else(|| DateTime::constant(2000, 1, day, 0, 0, 0, 0));
        let in_months = match interval.unit {
            Unit::Months | Unit::Quarters | Unit::Years => true,
            Unit::Hours | Unit::Days | Unit::Weeks => false,
        };
        if interval.is_sub_day() && !kind.has_time() {
            return Err(GridError::HoursOnDate(interval));
        }
        if in_months && anchor.day() > 28 {
            return Err(GridError::AnchorDay { day: anchor.day(), interval });
        }
        if anchor.subsec_nanosecond() != 0 {
            return Err(GridError::AnchorFraction);
        }
        if !kind.has_time() && anchor.time() != jiff::civil::Time::midnight() {
            return Err(GridError::AnchorTime);
        }
        if anchor.year() < 1 {
            return Err(GridError::AnchorYear);
        }
        Ok(Self { kind, interval, zone, anchor: civil::from_datetime(anchor) })
    }

    /// The key's type.
    pub fn kind(&self) -> KeyKind {
        self.kind
    }

    /// The length of a window.
    pub fn interval(&self) -> Interval {
        self.interval
    }

    /// The zone of boundaries, or of what the values of a zoneless key mean.
    pub fn zone(&self) -> &Zone {
        &self.zone
    }

    /// Where index 0 starts, as a civil time (on UTC for hour grids of instants).
    pub fn anchor(&self) -> DateTime {
        civil::to_datetime(self.anchor).unwrap_or_default()
    }

    /// The window with this index; `None` outside the years 1 to 9999 and where it would be empty.
    pub fn window(&self, index: i64) -> Option<Window> {
        let from = self.boundary(index)?;
        let to = self.boundary(index.checked_add(1)?)?;
        (from < to).then_some(Window { index, from, to })
    }

    /// The windows from one index to another, both included, in order, without those that do not exist.
    pub fn windows_between(&self, first: i64, last: i64) -> impl Iterator<Item = Window> + '_ {
        let lowest = self.civil_index(civil::MIN_CIVIL);
        let highest = self.civil_index(civil::MAX_CIVIL);
        (first.max(lowest)..=last.min(highest)).filter_map(|index| self.window(index))
    }

    /// The index of the window that contains a value; `None` for another kind's value and where there is no window.
    pub fn index_of(&self, value: KeyValue) -> Option<i64> {
        if value.kind() != self.kind {
            return None;
        }
        let mut index = self.civil_index(self.civil(value)?);
        // The guess is off before the anchor's day of a month, and where the clock was put back over a boundary or
        // skipped one.
        while self.boundary(index)? > value {
            index = index.checked_sub(1)?;
        }
        while self.boundary(index.checked_add(1)?)? <= value {
            index = index.checked_add(1)?;
        }
        Some(index)
    }

    /// The index of the window that contains what a row written at this instant holds.
    pub fn index_at(&self, now: Timestamp) -> Option<i64> {
        self.index_of(self.value_at(now)?)
    }

    /// Whether a window starts here (and, but at the calendar's end, another one ends).
    pub fn is_boundary(&self, value: KeyValue) -> bool {
        self.index_of(value).and_then(|index| self.boundary(index)) == Some(value)
    }

    /// The instant that a value means: a `timestamptz` itself, otherwise the first instant at which the zone's clock
    /// shows that civil time (a date: its midnight) or a later one. So a time in a gap is the gap's end, and of two the
    /// earlier is taken; a greater value is never an earlier instant.
    pub fn instant(&self, value: KeyValue) -> Option<Timestamp> {
        let micros = match value {
            KeyValue::Timestamptz(instant) => instant,
            KeyValue::Timestamp(civil) => self.zone.first_instant(civil)?,
            KeyValue::Date(day) => self.zone.first_instant(i64::from(day).checked_mul(DAY)?)?,
        };
        Timestamp::from_microsecond(micros).ok()
    }

    /// What a row written at this instant holds: the instant, or what the zone's clock or calendar shows.
    pub fn value_at(&self, at: Timestamp) -> Option<KeyValue> {
        // A timestamp has nanoseconds; cut towards the past, so that `now` is never taken for a later window.
        let micros = i64::try_from(at.as_nanosecond().div_euclid(1000)).ok()?;
        match self.kind {
            KeyKind::Timestamptz => Some(KeyValue::Timestamptz(micros)),
            KeyKind::Timestamp => self.zone.civil_at(micros).map(KeyValue::Timestamp),
            KeyKind::Date => day_value(self.zone.civil_at(micros)?),
        }
    }

    /// The key value of a civil time written in a policy (`start: 2026-01-01`), read in the grid's zone.
    pub fn value_of_civil(&self, at: DateTime) -> Option<KeyValue> {
        let civil = civil::from_datetime(at);
        match self.kind {
            KeyKind::Timestamptz => self.zone.first_instant(civil).map(KeyValue::Timestamptz),
            KeyKind::Timestamp => Some(KeyValue::Timestamp(civil)),
            KeyKind::Date => day_value(civil),
        }
    }

    /// A value on the clock that boundaries and names are reckoned in: the zone's, or UTC's for hours of instants.
    pub fn civil_time(&self, value: KeyValue) -> Option<DateTime> {
        civil::to_datetime(self.civil(value)?)
    }

    /// A value on the clock that boundaries and names are reckoned in.
    pub(super) fn civil(&self, value: KeyValue) -> Option<i64> {
        match value {
            KeyValue::Timestamptz(instant) if self.interval.is_sub_day() => Some(instant),
            KeyValue::Timestamptz(instant) => self.zone.civil_at(instant),
            KeyValue::Timestamp(civil) => Some(civil),
            KeyValue::Date(day) => i64::from(day).checked_mul(DAY),
        }
    }

    fn step(&self) -> Step {
        let count = i64::from(self.interval.count);
        match self.interval.unit {
            Unit::Hours => Step::Fixed(count * HOUR),
            // i64 holds 106 million days; a longer step has no second boundary on the calendar, wherever it saturates.
            Unit::Days => Step::Fixed(count.saturating_mul(DAY)),
            Unit::Weeks => Step::Fixed(count.saturating_mul(7 * DAY)),
            Unit::Months => Step::Months(count),
            Unit::Quarters => Step::Months(count * 3),
            Unit::Years => Step::Months(count * 12),
        }
    }

    /// The civil time at which a window starts; `None` outside the years 1 to 9999.
    fn civil_boundary(&self, index: i64) -> Option<i64> {
        let civil = match self.step() {
            Step::Fixed(step) => index.checked_mul(step)?.checked_add(self.anchor)?,
            Step::Months(step) => {
                let anchor = civil::ymd(self.anchor.div_euclid(DAY));
                let months = index.checked_mul(step)?.checked_add(month_number(anchor))?;
                let year = months.div_euclid(12);
                if !(1..=9999).contains(&year) {
                    return None;
                }
                let day = civil::day_number(Ymd { year, month: months.rem_euclid(12) + 1, day: anchor.day });
                day * DAY + self.anchor.rem_euclid(DAY)
            }
        };
        (civil::MIN_CIVIL..=civil::MAX_CIVIL).contains(&civil).then_some(civil)
    }

    /// The index of the window that a civil time falls in, or for months, where the anchor's day is still to come, the
    /// next.
    fn civil_index(&self, civil: i64) -> i64 {
        match self.step() {
            Step::Fixed(step) => {
                // Both are within i64 microseconds of each other only in i128; the quotient fits again.
                let distance = i128::from(civil) - i128::from(self.anchor);
                i64::try_from(distance.div_euclid(i128::from(step))).unwrap_or(i64::MAX)
            }
            Step::Months(step) => {
                let month = |civil: i64| month_number(civil::ymd(civil.div_euclid(DAY)));
                (month(civil) - month(self.anchor)).div_euclid(step)
            }
        }
    }

    fn boundary(&self, index: i64) -> Option<KeyValue> {
        let civil = self.civil_boundary(index)?;
        match self.kind {
            KeyKind::Timestamptz if self.interval.is_sub_day() => Some(KeyValue::Timestamptz(civil)),
            KeyKind::Timestamptz => {
                let instant = self.zone.first_instant(civil)?;
                (civil::MIN_CIVIL..=civil::MAX_CIVIL).contains(&instant).then_some(KeyValue::Timestamptz(instant))
            }
            KeyKind::Timestamp => Some(KeyValue::Timestamp(civil)),
            KeyKind::Date => day_value(civil),
        }
    }
}

fn day_value(civil: i64) -> Option<KeyValue> {
    i32::try_from(civil.div_euclid(DAY)).ok().map(KeyValue::Date)
}

/// Months since year 0.
fn month_number(date: Ymd) -> i64 {
    date.year * 12 + date.month - 1
}

impl TryFrom<Spelled> for Grid {
    type Error = GridError;

    fn try_from(Spelled { kind, interval, zone, anchor }: Spelled) -> Result<Self, GridError> {
        Self::new(kind, interval, zone, Some(anchor))
    }
}

impl From<Grid> for Spelled {
    fn from(grid: Grid) -> Self {
        let anchor = grid.anchor();
        let Grid { kind, interval, zone, anchor: _ } = grid;
        Self { kind, interval, zone, anchor }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grid(kind: KeyKind, interval: &str, zone: &str, anchor: Option<&str>) -> Result<Grid, GridError> {
        let anchor = anchor.map(|text| text.parse().unwrap());
        Grid::new(kind, interval.parse().unwrap(), zone.parse().unwrap(), anchor)
    }

    #[test]
    fn windows_are_where_the_calendar_has_them() {
        use KeyKind::{Date, Timestamp, Timestamptz};
        for (kind, interval, zone, anchor, now, from, to) in [
            (
                Timestamptz,
                "1 month",
                "UTC",
                None,
                "2026-03-14T00:00:00Z",
                "2026-03-01 00:00:00+00",
                "2026-04-01 00:00:00+00",
            ),
            (
                Timestamptz,
                "1 day",
                "Europe/Berlin",
                None,
                "2026-03-29T12:00:00Z",
                "2026-03-28 23:00:00+00",
                "2026-03-29 22:00:00+00",
            ),
            (
                Timestamptz,
                "1 day",
                "Europe/Berlin",
                None,
                "2026-10-25T12:00:00Z",
                "2026-10-24 22:00:00+00",
                "2026-10-25 23:00:00+00",
            ),
            // Santiago has no midnight on 2024-09-08, and Havana two on 2025-11-02.
            (
                Timestamptz,
                "1 day",
                "America/Santiago",
                None,
                "2024-09-08T12:00:00Z",
                "2024-09-08 04:00:00+00",
                "2024-09-09 03:00:00+00",
            ),
            (
                Timestamptz,
                "1 day",
                "America/Havana",
                None,
                "2025-11-02T12:00:00Z",
                "2025-11-02 04:00:00+00",
                "2025-11-03 05:00:00+00",
            ),
            (
                Timestamptz,
                "6 hours",
                "Asia/Kolkata",
                None,
                "2026-03-14T07:00:00Z",
                "2026-03-14 06:00:00+00",
                "2026-03-14 12:00:00+00",
            ),
            (
                Timestamptz,
                "6 hours",
                "UTC",
                Some("2000-01-01T02:00"),
                "2026-03-14T07:00:00Z",
                "2026-03-14 02:00:00+00",
                "2026-03-14 08:00:00+00",
            ),
            (
                Timestamptz,
                "1 day",
                "UTC",
                Some("2000-01-01T06:00"),
                "2026-03-14T05:00:00Z",
                "2026-03-13 06:00:00+00",
                "2026-03-14 06:00:00+00",
            ),
            (
                Timestamptz,
                "1 week",
                "UTC",
                None,
                "2026-03-14T00:00:00Z",
                "2026-03-09 00:00:00+00",
                "2026-03-16 00:00:00+00",
            ),
            (
                Timestamp,
                "1 hour",
                "Europe/Berlin",
                None,
                "2026-03-14T07:30:00Z",
                "2026-03-14 08:00:00",
                "2026-03-14 09:00:00",
            ),
            (
                Timestamp,
                "1 day",
                "Asia/Tokyo",
                None,
                "2026-03-14T20:00:00Z",
                "2026-03-15 00:00:00",
                "2026-03-16 00:00:00",
            ),
            (Date, "1 day", "America/New_York", None, "2026-03-14T02:00:00Z", "2026-03-13", "2026-03-14"),
            (Date, "2 weeks", "UTC", Some("2026-01-05"), "2026-03-14T00:00:00Z", "2026-03-02", "2026-03-16"),
            (Date, "3 months", "UTC", Some("2025-02-15"), "2026-02-14T00:00:00Z", "2025-11-15", "2026-02-15"),
            (Date, "1 quarter", "UTC", None, "2026-03-14T00:00:00Z", "2026-01-01", "2026-04-01"),
            (Date, "1 year", "UTC", Some("2000-04-01"), "1969-03-14T00:00:00Z", "1968-04-01", "1969-04-01"),
        ] {
            let grid = grid(kind, interval, zone, anchor).unwrap();
            let window = grid.window(grid.index_at(now.parse().unwrap()).unwrap()).unwrap();
            let found = (window.from.to_string(), window.to.to_string());
            assert_eq!(found, (from.to_owned(), to.to_owned()), "{interval} {zone}");
        }
    }

    #[test]
    fn refuses_grids_that_mean_nothing() {
        let month: Interval = "1 month".parse().unwrap();
        let hour: Interval = "1 hour".parse().unwrap();
        for (kind, interval, anchor, error) in [
            (KeyKind::Date, "1 hour", None, GridError::HoursOnDate(hour)),
            (KeyKind::Date, "1 month", Some("2000-01-29"), GridError::AnchorDay { day: 29, interval: month }),
            (KeyKind::Date, "1 day", Some("2000-01-01T06:00"), GridError::AnchorTime),
            (KeyKind::Timestamp, "1 day", Some("2000-01-01T00:00:00.5"), GridError::AnchorFraction),
            (KeyKind::Timestamp, "1 day", Some("0000-01-01T00:00:00"), GridError::AnchorYear),
        ] {
            assert_eq!(grid(kind, interval, "UTC", anchor), Err(error));
        }
        let none = Interval { count: 0, unit: Unit::Days };
        assert_eq!(Grid::new(KeyKind::Date, none, Zone::utc(), None), Err(GridError::ZeroInterval));
        assert!(grid(KeyKind::Date, "1 day", "UTC", Some("2000-01-31")).is_ok());
    }

    #[test]
    fn the_calendar_ends_without_overflow() {
        for kind in KeyKind::ALL {
            for interval in ["1 day", "1 week", "1 month", "1 year", "4294967295 years", "4294967295 weeks"] {
                let grid = grid(kind, interval, "Pacific/Apia", None).unwrap();
                for index in [i64::MIN, i64::MAX, -4_000_000, 4_000_000] {
                    assert_eq!(grid.window(index), None);
                }
                assert!(grid.windows_between(i64::MAX - 2, i64::MAX).next().is_none());
                for micros in [i64::MIN, i64::MAX, civil::MIN_CIVIL, civil::MAX_CIVIL] {
                    for value in [KeyValue::Timestamptz(micros), KeyValue::Timestamp(micros), KeyValue::Date(i32::MAX)]
                    {
                        if let Some(index) = grid.index_of(value) {
                            assert!(grid.window(index).is_some_and(|window| window.from <= value && value < window.to));
                        }
                    }
                }
            }
        }
        let years = grid(KeyKind::Date, "1 year", "UTC", None).unwrap();
        let all: Vec<_> = years.windows_between(i64::MIN, i64::MAX).collect();
        assert_eq!(all.len(), 9998);
        assert_eq!(all.first().map(|window| window.from.to_string()).as_deref(), Some("0001-01-01"));
        assert_eq!(all.last().map(|window| window.to.to_string()).as_deref(), Some("9999-01-01"));
    }

    #[test]
    fn now_is_cut_towards_the_past() {
        let grid = grid(KeyKind::Timestamptz, "1 day", "UTC", None).unwrap();
        let just_before = "1969-12-31T23:59:59.999999999Z".parse().unwrap();
        assert_eq!(grid.value_at(just_before), Some(KeyValue::Timestamptz(-1)));
    }

    #[test]
    fn civil_times_of_a_policy_are_read_in_the_zone() {
        let at: DateTime = "2026-01-01".parse().unwrap();
        for (kind, text) in [
            (KeyKind::Timestamptz, "2025-12-31 23:00:00+00"),
            (KeyKind::Timestamp, "2026-01-01 00:00:00"),
            (KeyKind::Date, "2026-01-01"),
        ] {
            let value = grid(kind, "1 day", "Europe/Berlin", None).unwrap().value_of_civil(at).unwrap();
            assert_eq!(value.to_string(), text);
        }
    }
}
