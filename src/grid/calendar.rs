//! Windows of the calendar: numbered from an anchor, by civil arithmetic in a zone.

use jiff::Timestamp;
use jiff::civil::DateTime;

use super::civil::{self, DAY, HOUR, Ymd};
use super::clock::Clock;
use super::interval::{Interval, Unit};
use super::value::KeyValue;
use super::window::GridError;
use super::zone::Zone;

/// See [`Grid`](super::Grid).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Calendar {
    clock: Clock,
    interval: Interval,
    zone: Zone,
    /// Civil microseconds; on UTC for hour grids of instants.
    anchor: i64,
}

/// How boundaries advance.
enum Step {
    /// A fixed civil length in microseconds.
    Fixed(i64),
    /// Calendar months.
    Months(i64),
}

impl Calendar {
    /// Without an anchor index 0 starts at 2000-01-01, or for weeks on Monday 2000-01-03.
    pub(super) fn new(
        clock: Clock,
        interval: Interval,
        zone: Zone,
        anchor: Option<DateTime>,
    ) -> Result<Self, GridError> {
        if interval.count == 0 {
            return Err(GridError::ZeroInterval);
        }
        let day = if interval.unit == Unit::Weeks { 3 } else { 1 };
        let anchor = anchor.unwrap_or_else(|| DateTime::constant(2000, 1, day, 0, 0, 0, 0));
        let in_months = match interval.unit {
            Unit::Months | Unit::Quarters | Unit::Years => true,
            Unit::Hours | Unit::Days | Unit::Weeks => false,
        };
        if interval.is_sub_day() && !clock.has_time() {
            return Err(GridError::HoursOnDate(interval));
        }
        if in_months && anchor.day() > 28 {
            return Err(GridError::AnchorDay { day: anchor.day(), interval });
        }
        if anchor.subsec_nanosecond() != 0 {
            return Err(GridError::AnchorFraction);
        }
        if !clock.has_time() && anchor.time() != jiff::civil::Time::midnight() {
            return Err(GridError::AnchorTime);
        }
        if anchor.year() < 1 {
            return Err(GridError::AnchorYear);
        }
        Ok(Self { clock, interval, zone, anchor: civil::from_datetime(anchor) })
    }

    pub(super) fn clock(&self) -> Clock {
        self.clock
    }

    pub(super) fn interval(&self) -> Interval {
        self.interval
    }

    pub(super) fn zone(&self) -> &Zone {
        &self.zone
    }

    /// As a civil time (on UTC for hour grids of instants).
    pub(super) fn anchor(&self) -> DateTime {
        civil::to_datetime(self.anchor).unwrap_or_default()
    }

    /// Whether boundaries are the zone's local times, as instants.
    pub(super) fn is_local(&self) -> bool {
        self.clock.is_instant() && !self.interval.is_sub_day()
    }

    /// The least and greatest index that a boundary on the calendar can have.
    pub(super) fn indices(&self) -> (i64, i64) {
        (self.civil_index(civil::MIN_CIVIL), self.civil_index(civil::MAX_CIVIL))
    }

    /// The greatest index that has a boundary.
    pub(super) fn last_boundary(&self) -> Option<i64> {
        let of_type = self.clock.kind().integers().and_then(|(_, most)| self.clock.micros(KeyValue::Int(most)));
        let latest = of_type.map_or(civil::MAX_CIVIL, |micros| micros.min(civil::MAX_CIVIL));
        // The guess is off by a zone's offset, and by one at the calendar's end.
        let guess = self.civil_index(latest).saturating_add(3);
        (0..40).map(|back| guess.saturating_sub(back)).find(|index| self.boundary(*index).is_some())
    }

    /// The index of the window that contains a value; `None` for another clock's value and where there is no window.
    pub(super) fn index_of(&self, value: KeyValue) -> Option<i64> {
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

    pub(super) fn instant(&self, value: KeyValue) -> Option<Timestamp> {
        let micros = self.clock.micros(value)?;
        let instant = if self.clock.is_instant() { micros } else { self.zone.first_instant(micros)? };
        Timestamp::from_microsecond(instant).ok()
    }

    pub(super) fn value_at(&self, at: Timestamp) -> Option<KeyValue> {
        // A timestamp has nanoseconds; cut towards the past, so that `now` is never taken for a later window.
        let micros = i64::try_from(at.as_nanosecond().div_euclid(1000)).ok()?;
        self.clock.value(if self.clock.is_instant() { micros } else { self.zone.civil_at(micros)? })
    }

    pub(super) fn value_of_civil(&self, at: DateTime) -> Option<KeyValue> {
        let civil = civil::from_datetime(at);
        self.clock.value(if self.clock.is_instant() { self.zone.first_instant(civil)? } else { civil })
    }

    /// A value on the clock that boundaries and names are reckoned in.
    pub(super) fn civil(&self, value: KeyValue) -> Option<i64> {
        let micros = self.clock.micros(value)?;
        if self.is_local() { self.zone.civil_at(micros) } else { Some(micros) }
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

    pub(super) fn boundary(&self, index: i64) -> Option<KeyValue> {
        let civil = self.civil_boundary(index)?;
        if !self.is_local() {
            return self.clock.value(civil);
        }
        let instant = self.zone.first_instant(civil)?;
        if !(civil::MIN_CIVIL..=civil::MAX_CIVIL).contains(&instant) {
            return None;
        }
        self.clock.value(instant)
    }
}

/// Months since year 0.
fn month_number(date: Ymd) -> i64 {
    date.year * 12 + date.month - 1
}
