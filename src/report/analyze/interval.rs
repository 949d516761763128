//! Whether an interval fits: what a full partition will hold, how many there will be, and which would be better.

use jiff::Timestamp;

use super::{DAY, Growth, IntervalVerdict, Limit, MOST_PARTITIONS, Projection, Verdict, rounded};
use crate::grid::{Grid, Interval, Unit};
use crate::policy::{Keep, Premake, TableDesired};

/// Partitions below this share of the limit are finer than they need be, where there are more than [`MANY`] of them.
const SMALL_SHARE: u64 = 100;
/// Up to so many partitions nobody minds that they are small.
const MANY: u64 = 100;
/// A proposed interval leaves room to grow: partitions of half the limit.
const ROOM_TO_GROW: u64 = 2;
/// A proposed interval is no more than this part of what is kept: only whole partitions leave, so that much more is
/// stored than asked.
const PARTS_OF_KEEP: f64 = 6.0;
/// Without a retention partitions are counted over so many years.
const YEARS_KEPT: f64 = 10.0;

/// The lengths that a policy speaks of, in days.
#[derive(Clone, Copy, Debug)]
pub(super) struct Times {
    interval: f64,
    keep: Option<f64>,
    /// How far ahead partitions are made.
    ahead: f64,
}

impl Times {
    /// `None` where no clock tells the key's time.
    pub(super) fn of(table: &TableDesired, grid: &Grid, now: Timestamp) -> Option<Self> {
        let window = grid.window(grid.index_at(now)?)?;
        let seconds = grid.instant(window.to)?.as_second() - grid.instant(window.from)?.as_second();
        let length = |from: Timestamp, to: Timestamp| (to.as_second() - from.as_second()) as f64 / DAY;
        let keep = match table.retention.map(|retention| retention.keep) {
            Some(Keep::Span(span)) => Some(length(span.before(now, grid.zone())?, now)),
            Some(Keep::Keys(_)) => return None,
            None => None,
        };
        let interval = seconds as f64 / DAY;
        let ahead = match table.premake {
            Premake::Windows(count) => f64::from(count) * interval,
            Premake::Span(span) => length(now, span.after(now, grid.zone())?),
        };
        Some(Self { interval, keep, ahead })
    }

    /// Attached partitions once retention has set in, or after ten years.
    fn partitions(&self, interval: f64) -> u64 {
        // A month is a little longer or shorter than another: that makes no window more.
        let windows = |days: f64| (days / interval - 0.01).ceil().max(0.0) as u64;
        windows(self.days()).saturating_add(windows(self.ahead)).saturating_add(1)
    }

    fn days(&self) -> f64 {
        self.keep.unwrap_or(YEARS_KEPT * 365.25)
    }

    pub(super) fn projection(&self, growth: &Growth) -> Projection {
        // The oldest partition leaves as a whole, when its last row is too old.
        let days = self.days() + if self.keep.is_some() { self.interval } else { 0.0 };
        Projection {
            partitions: self.partitions(self.interval),
            bytes: (growth.bytes_per_day as f64 * days) as u64,
            days: rounded(self.days()),
            bounded: self.keep.is_some(),
        }
    }
}

/// Intervals that people choose, longest first, with their mean length in days.
const USUAL: [(u32, Unit, f64); 7] = [
    (1, Unit::Years, 365.25),
    (1, Unit::Quarters, 91.3125),
    (1, Unit::Months, 30.4375),
    (1, Unit::Weeks, 7.0),
    (1, Unit::Days, 1.0),
    (6, Unit::Hours, 0.25),
    (1, Unit::Hours, 1.0 / 24.0),
];

/// Judges the interval by what is expected, and proposes another.
pub(super) fn judge(times: Option<&Times>, growth: Option<&Growth>, limit: Limit) -> IntervalVerdict {
    let unknown = |because: &str| IntervalVerdict {
        verdict: Verdict::Unknown,
        because: because.to_owned(),
        expected_bytes: None,
        better: None,
        better_bytes: None,
        better_partitions: None,
    };
    let Some(times) = times else { return unknown("ids tell no time, so how fast they are used is not known") };
    let Some(growth) = growth else { return unknown("no closed partition with a known size tells how fast it grows") };
    let expected = |days: f64| (growth.bytes_per_day as f64 * days) as u64;
    let (bytes, partitions) = (expected(times.interval), times.partitions(times.interval));
    let proposal = USUAL.into_iter().find(|(_, _, days)| {
        let kept_well = times.keep.is_none_or(|keep| *days <= keep / PARTS_OF_KEEP);
        expected(*days) <= limit.bytes / ROOM_TO_GROW && times.partitions(*days) <= MOST_PARTITIONS && kept_well
    });
    let (verdict, because) = if bytes > limit.bytes {
        (Verdict::TooWide, "full partitions get larger than the limit".to_owned())
    } else if partitions > MOST_PARTITIONS {
        (Verdict::TooMany, format!("there will be {partitions} partitions, more than {MOST_PARTITIONS}"))
    } else if partitions > MANY && bytes < limit.bytes / SMALL_SHARE {
        (Verdict::FinerThanNeeded, format!("{partitions} partitions, each less than a hundredth of the limit"))
    } else {
        (Verdict::Fits, format!("at most {partitions} partitions, below the limit"))
    };
    // The same length would be no better.
    let longer_or_shorter = |days: f64| match verdict {
        Verdict::TooWide => days < times.interval * 0.9,
        Verdict::TooMany | Verdict::FinerThanNeeded => days > times.interval * 1.1,
        Verdict::Fits | Verdict::Unknown => false,
    };
    let better = proposal.filter(|(_, _, days)| longer_or_shorter(*days));
    let verdict = match (verdict, better) {
        // Nothing longer would do: what is kept is too short for it.
        (Verdict::FinerThanNeeded, None) => Verdict::Fits,
        (verdict, _) => verdict,
    };
    IntervalVerdict {
        verdict,
        because,
        expected_bytes: Some(bytes),
        better: better.map(|(count, unit, _)| Interval { count, unit }),
        better_bytes: better.map(|(_, _, days)| expected(days)),
        better_partitions: better.map(|(_, _, days)| times.partitions(days)),
    }
}
