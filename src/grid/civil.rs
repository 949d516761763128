//! Proleptic Gregorian arithmetic on plain numbers, total over every `i64` microsecond count.
//!
//! A civil time here is the number of microseconds since 1970-01-01 00:00 on a clock without zones, which is also how
//! PostgreSQL stores a `timestamp` (from another epoch).

use jiff::civil::DateTime;

pub(super) const SECOND: i64 = 1_000_000;
pub(super) const HOUR: i64 = 3600 * SECOND;
pub(super) const DAY: i64 = 24 * HOUR;

/// Days from 0001-01-01 to 1970-01-01.
const UNIX_EPOCH: i64 = 719_162;

/// 0001-01-01 00:00:00 and the last microsecond of year 9999: what the grid hands out and what value texts may say.
pub(super) const MIN_CIVIL: i64 = -UNIX_EPOCH * DAY;
pub(super) const MAX_CIVIL: i64 = 2_932_897 * DAY - 1;

/// A civil day taken apart. Years are astronomical: 0 is 1 BC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Ymd {
    pub(super) year: i64,
    pub(super) month: i64,
    pub(super) day: i64,
}

/// A civil day in ISO 8601's week calendar; Monday is 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct IsoWeek {
    pub(super) year: i64,
    pub(super) week: i64,
    pub(super) weekday: i64,
}

const fn is_leap(year: i64) -> bool {
    year.rem_euclid(4) == 0 && (year.rem_euclid(100) != 0 || year.rem_euclid(400) == 0)
}

const fn days_before_year(year: i64) -> i64 {
    let past = year - 1;
    past * 365 + past.div_euclid(4) - past.div_euclid(100) + past.div_euclid(400) - UNIX_EPOCH
}

pub(super) const fn days_in_month(year: i64, month: i64) -> i64 {
    match month {
        2 if is_leap(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// The day number (0 is 1970-01-01) of a valid date.
pub(super) const fn day_number(date: Ymd) -> i64 {
    let mut days = days_before_year(date.year) + date.day - 1;
    let mut month = 1;
    while month < date.month {
        days += days_in_month(date.year, month);
        month += 1;
    }
    days
}

/// The date with this day number.
pub(super) fn ymd(day: i64) -> Ymd {
    // 400 years are 146,097 days. The guess is off by one at most; days are never near i64's ends, they come from
    // microseconds or an i32.
    let mut year = 1970 + (day * 400).div_euclid(146_097);
    while days_before_year(year) > day {
        year -= 1;
    }
    while days_before_year(year + 1) <= day {
        year += 1;
    }
    let mut rest = day - days_before_year(year);
    let mut month = 1;
    while rest >= days_in_month(year, month) {
        rest -= days_in_month(year, month);
        month += 1;
    }
    Ymd { year, month, day: rest + 1 }
}

/// 1 on 1 January.
pub(super) fn day_of_year(day: i64) -> i64 {
    day - days_before_year(ymd(day).year) + 1
}

/// ISO 8601: a week belongs to the year that its Thursday is in.
pub(super) fn iso_week(day: i64) -> IsoWeek {
    // 1970-01-01 was a Thursday.
    let weekday = (day + 3).rem_euclid(7);
    let thursday = day - weekday + 3;
    let year = ymd(thursday).year;
    IsoWeek { year, week: (thursday - days_before_year(year)) / 7 + 1, weekday: weekday + 1 }
}

/// The civil microsecond count as jiff's type; `None` outside its years -9999 to 9999.
pub(super) fn to_datetime(civil: i64) -> Option<DateTime> {
    let date = ymd(civil.div_euclid(DAY));
    let time = civil.rem_euclid(DAY);
    DateTime::new(
        i16::try_from(date.year).ok()?,
        i8::try_from(date.month).ok()?,
        i8::try_from(date.day).ok()?,
        i8::try_from(time / HOUR).ok()?,
        i8::try_from(time / (60 * SECOND) % 60).ok()?,
        i8::try_from(time / SECOND % 60).ok()?,
        i32::try_from(time % SECOND * 1000).ok()?,
    )
    .ok()
}

/// The civil microsecond count of jiff's type, nanoseconds cut off towards the past.
pub(super) fn from_datetime(at: DateTime) -> i64 {
    let date = Ymd { year: at.year().into(), month: at.month().into(), day: at.day().into() };
    let second = i64::from(at.hour()) * 3600 + i64::from(at.minute()) * 60 + i64::from(at.second());
    day_number(date) * DAY + second * SECOND + i64::from(at.subsec_nanosecond()) / 1000
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agrees_with_jiff_on_every_day() {
        let mut date = jiff::civil::date(-400, 1, 1);
        let mut day = day_number(Ymd { year: -400, month: 1, day: 1 });
        while date < jiff::civil::date(2500, 1, 1) {
            let expected = Ymd { year: date.year().into(), month: date.month().into(), day: date.day().into() };
            assert_eq!(ymd(day), expected);
            assert_eq!(day_number(expected), day);
            if date.day() == 28 || date.day() == 1 {
                let (iso, week) = (date.iso_week_date(), iso_week(day));
                assert_eq!(day_of_year(day), i64::from(date.day_of_year()));
                assert_eq!(week.year, i64::from(iso.year()));
                assert_eq!(week.week, i64::from(iso.week()));
                assert_eq!(week.weekday, i64::from(iso.weekday().to_monday_one_offset()));
            }
            date = date.tomorrow().unwrap();
            day += 1;
        }
    }

    #[test]
    fn the_ends_are_whole_years_and_extremes_do_not_overflow() {
        assert_eq!(ymd(MIN_CIVIL.div_euclid(DAY)), Ymd { year: 1, month: 1, day: 1 });
        assert_eq!(MIN_CIVIL.rem_euclid(DAY), 0);
        assert_eq!(ymd(MAX_CIVIL.div_euclid(DAY)), Ymd { year: 9999, month: 12, day: 31 });
        assert_eq!(ymd((MAX_CIVIL + 1).div_euclid(DAY)), Ymd { year: 10_000, month: 1, day: 1 });
        for day in [i64::MIN.div_euclid(DAY), i64::MAX.div_euclid(DAY), i32::MIN.into(), i32::MAX.into()] {
            assert_eq!(day_number(ymd(day)), day);
        }
    }

    #[test]
    fn datetimes_round_trip() {
        for civil in [MIN_CIVIL, -1, 0, 1, 1_234_567_890_123_456, MAX_CIVIL] {
            assert_eq!(to_datetime(civil).map(from_datetime), Some(civil));
        }
        assert_eq!(to_datetime(i64::MAX), None);
    }
}
