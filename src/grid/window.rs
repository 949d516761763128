//! The grid itself: windows numbered from an anchor, and the arithmetic between windows, key values and instants.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use jiff::civil::DateTime;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::calendar::Calendar;
use super::clock::{Clock, Encoding};
use super::interval::Interval;
use super::keys::Keys;
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

/// The last boundary: nothing that starts there can have a finite upper end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct End {
    /// Its index.
    pub index: i64,
    /// The boundary.
    pub from: KeyValue,
    /// The greatest value of the key's type, where that is what ends; else the calendar does.
    pub last: Option<KeyValue>,
}

/// Width of a window: a calendar interval, or a distance of keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Width {
    /// `1 month`.
    Calendar(Interval),
    /// `1000000` (integer keys).
    Keys(i64),
}

impl fmt::Display for Width {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Calendar(interval) => interval.fmt(f),
            Self::Keys(1) => f.write_str("1 key"),
            Self::Keys(keys) => write!(f, "{} keys", grouped(*keys)),
        }
    }
}

/// `10,000,000`: ids are long.
fn grouped(number: i64) -> String {
    let digits = number.unsigned_abs().to_string();
    let mut text = String::from(if number < 0 { "-" } else { "" });
    for (at, digit) in digits.char_indices() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A place on a grid as a policy writes it: a civil time, read in the grid's zone, or an id. As text, `2024-03-01T00:00:00`
/// or `1000000`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Position {
    /// A date and time without a zone.
    Civil(DateTime),
    /// A key.
    Key(i64),
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Civil(at) => at.fmt(f),
            Self::Key(key) => key.fmt(f),
        }
    }
}

impl FromStr for Position {
    type Err = jiff::Error;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse().map(Self::Key).or_else(|_| text.parse().map(Self::Civil))
    }
}

impl Serialize for Position {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Position {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// Windows of one width, side by side over the years 1 to 9999 or over all ids.
///
/// Boundaries are the anchor plus whole multiples of the width. On the calendar they are found by civil arithmetic: for
/// keys that are instants (`timestamptz`, epochs, UUIDv7) and intervals of a day or more they are the zone's local times
/// (midnight, unless the anchor has a time of day): where the clock skips it, the instant the gap ends; where it shows it
/// twice, the earlier. Hour grids of instants run on UTC whatever the zone, anchor included: 3,600 seconds are an hour
/// everywhere. For `timestamp` and `date` keys boundaries are civil, and the zone only says which instant a value means.
/// A grid of ids has no clock: [`Grid::instant`] and [`Grid::value_at`] answer `None`.
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
/// let ids = Grid::keys(KeyKind::BigInt, 1_000_000, 0)?;
/// assert_eq!(ids.window(2).unwrap().from.to_string(), "2000000");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Grid(Shape);

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Shape {
    Calendar(Calendar),
    Keys(Keys),
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
    /// The column's values tell no time, or not by this encoding.
    #[error("encoding: `{}` is not for a {} key", .1.map_or("none", Encoding::as_str), .0.sql_type())]
    NoClock(KeyKind, Option<Encoding>),
    /// Only integers are counted in keys.
    #[error("interval: a number of ids, and the key is {}; write a calendar interval such as `1 month`", .0.sql_type())]
    NotCounted(KeyKind),
}

impl Grid {
    /// A calendar grid of dates or times. Without an anchor index 0 starts at 2000-01-01, or for weeks on Monday
    /// 2000-01-03.
    ///
    /// # Errors
    /// See [`GridError`].
    pub fn new(kind: KeyKind, interval: Interval, zone: Zone, anchor: Option<DateTime>) -> Result<Self, GridError> {
        Self::calendar(kind, None, interval, zone, anchor)
    }

    /// A calendar grid of any kind of key that tells time; numbers and UUIDs do by their encoding.
    ///
    /// # Errors
    /// See [`GridError`].
    pub fn calendar(
        kind: KeyKind,
        encoding: Option<Encoding>,
        interval: Interval,
        zone: Zone,
        anchor: Option<DateTime>,
    ) -> Result<Self, GridError> {
        let clock = Clock::new(kind, encoding).ok_or(GridError::NoClock(kind, encoding))?;
        Calendar::new(clock, interval, zone, anchor).map(Shape::Calendar).map(Self)
    }

    /// A grid of ids, every `step` keys.
    ///
    /// # Errors
    /// [`GridError::NotCounted`], or [`GridError::ZeroInterval`] for a step that is not above 0.
    pub fn keys(kind: KeyKind, step: i64, anchor: i64) -> Result<Self, GridError> {
        let because = if step > 0 { GridError::NotCounted(kind) } else { GridError::ZeroInterval };
        Keys::new(kind, step, anchor).map(Shape::Keys).map(Self).ok_or(because)
    }

    /// The key's type.
    pub fn kind(&self) -> KeyKind {
        match &self.0 {
            Shape::Calendar(calendar) => calendar.clock().kind(),
            Shape::Keys(keys) => keys.kind(),
        }
    }

    /// The length of a window.
    pub fn width(&self) -> Width {
        match &self.0 {
            Shape::Calendar(calendar) => Width::Calendar(calendar.interval()),
            Shape::Keys(keys) => Width::Keys(keys.step()),
        }
    }

    /// Whether boundaries follow a calendar: then values are times.
    pub fn tells_time(&self) -> bool {
        match &self.0 {
            Shape::Calendar(_) => true,
            Shape::Keys(_) => false,
        }
    }

    /// The zone of boundaries, or of what the values of a zoneless key mean; UTC for ids.
    pub fn zone(&self) -> &Zone {
        match &self.0 {
            Shape::Calendar(calendar) => calendar.zone(),
            Shape::Keys(keys) => keys.zone(),
        }
    }

    /// Where index 0 starts (on UTC for hour grids of instants).
    pub fn anchor(&self) -> Position {
        match &self.0 {
            Shape::Calendar(calendar) => Position::Civil(calendar.anchor()),
            Shape::Keys(keys) => Position::Key(keys.anchor()),
        }
    }

    /// The window with this index; `None` outside the years 1 to 9999, beyond the key's type, and where it would be
    /// empty.
    pub fn window(&self, index: i64) -> Option<Window> {
        let from = self.boundary(index)?;
        let to = self.boundary(index.checked_add(1)?)?;
        (from < to).then_some(Window { index, from, to })
    }

    /// The windows from one index to another, both included, in order, without those that do not exist.
    pub fn windows_between(&self, first: i64, last: i64) -> impl Iterator<Item = Window> + '_ {
        let (lowest, highest) = match &self.0 {
            Shape::Calendar(calendar) => calendar.indices(),
            Shape::Keys(keys) => keys.indices(),
        };
        (first.max(lowest)..=last.min(highest)).filter_map(|index| self.window(index))
    }

    /// Where windows end, because the key's type or the calendar does; `None` where not even one boundary is known.
    pub fn end(&self) -> Option<End> {
        let index = match &self.0 {
            Shape::Calendar(calendar) => calendar.last_boundary()?,
            Shape::Keys(keys) => keys.indices().1,
        };
        let from = self.boundary(index)?;
        let last = self.kind().integers().map(|(_, most)| KeyValue::Int(most));
        // Of eight bytes of seconds it is the calendar that ends.
        let last = last.filter(|last| !self.tells_time() || self.instant(*last).is_some());
        Some(End { index, from, last })
    }

    /// The index of the window that contains a value; `None` for another kind's value and where there is no window.
    pub fn index_of(&self, value: KeyValue) -> Option<i64> {
        match &self.0 {
            Shape::Calendar(calendar) => calendar.index_of(value),
            Shape::Keys(keys) => keys.index_of(value),
        }
    }

    /// The index of the window that contains what a row written at this instant holds; `None` for ids.
    pub fn index_at(&self, now: Timestamp) -> Option<i64> {
        self.index_of(self.value_at(now)?)
    }

    /// Whether a window starts here (and, but at the calendar's end, another one ends).
    pub fn is_boundary(&self, value: KeyValue) -> bool {
        self.index_of(value).and_then(|index| self.boundary(index)) == Some(value)
    }

    /// The instant that a value means: an instant itself, otherwise the first instant at which the zone's clock
    /// shows that civil time (a date: its midnight) or a later one. So a time in a gap is the gap's end, and of two the
    /// earlier is taken; a greater value is never an earlier instant. `None` for ids.
    pub fn instant(&self, value: KeyValue) -> Option<Timestamp> {
        match &self.0 {
            Shape::Calendar(calendar) => calendar.instant(value),
            Shape::Keys(_) => None,
        }
    }

    /// The least that a row written at this instant holds: the instant, or what the zone's clock or calendar shows.
    /// `None` for ids.
    pub fn value_at(&self, at: Timestamp) -> Option<KeyValue> {
        match &self.0 {
            Shape::Calendar(calendar) => calendar.value_at(at),
            Shape::Keys(_) => None,
        }
    }

    /// The key value of a position written in a policy (`start: 2026-01-01`); `None` where it is a date and the keys are
    /// ids, or the other way round, and beyond the key's type.
    pub fn value_of(&self, at: Position) -> Option<KeyValue> {
        match (&self.0, at) {
            (Shape::Calendar(calendar), Position::Civil(at)) => calendar.value_of_civil(at),
            (Shape::Keys(keys), Position::Key(key)) => {
                Some(KeyValue::Int(key)).filter(|value| keys.kind().holds(*value))
            }
            (Shape::Calendar(_), Position::Key(_)) | (Shape::Keys(_), Position::Civil(_)) => None,
        }
    }

    /// A bound as this grid would write it, where no row tells the two apart: one of a UUIDv7 key may be written with
    /// version and variant, or with zeros.
    pub fn canonical(&self, value: KeyValue) -> KeyValue {
        match &self.0 {
            Shape::Calendar(calendar) => calendar.clock().canonical(value),
            Shape::Keys(_) => value,
        }
    }

    /// A value on the clock that boundaries and names are reckoned in: the zone's, or UTC's for hours of instants. `None`
    /// for ids.
    pub fn civil_time(&self, value: KeyValue) -> Option<DateTime> {
        super::civil::to_datetime(self.civil(value)?)
    }

    /// A value on the clock that boundaries and names are reckoned in; `None` for ids.
    pub(super) fn civil(&self, value: KeyValue) -> Option<i64> {
        match &self.0 {
            Shape::Calendar(calendar) => calendar.civil(value),
            Shape::Keys(_) => None,
        }
    }

    /// Whether boundaries are local times of a zone, as instants.
    pub(super) fn is_local(&self) -> bool {
        match &self.0 {
            Shape::Calendar(calendar) => calendar.is_local(),
            Shape::Keys(_) => false,
        }
    }

    fn boundary(&self, index: i64) -> Option<KeyValue> {
        match &self.0 {
            Shape::Calendar(calendar) => calendar.boundary(index),
            Shape::Keys(keys) => keys.boundary(index),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::civil;
    use super::super::interval::Unit;
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
        for kind in KeyKind::DATES {
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
            let value = grid(kind, "1 day", "Europe/Berlin", None).unwrap().value_of(Position::Civil(at)).unwrap();
            assert_eq!(value.to_string(), text);
        }
    }
}
