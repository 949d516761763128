//! Which grid explains a set of partitions: from their bounds alone, newest first.
//!
//! A partition proposes the intervals that its own two ends allow; what counts is how many partitions before it lie
//! exactly on the same grid. So a single February does not become `4 weeks`, and a set whose interval was changed is
//! read by its newest part.

use jiff::civil::{Date, DateTime, Time};

use super::reading::Reading;
use crate::grid::{Bound, Fit, Grid, Interval, KeyKind, KeyValue, Unit, Width, Zone};

/// A finite range.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Piece {
    pub(super) from: KeyValue,
    pub(super) to: KeyValue,
}

impl Piece {
    pub(super) fn is_exact(self, grid: &Grid) -> bool {
        matches!(grid.classify(Bound::Value(self.from), Bound::Value(self.to)), Fit::Exact(_))
    }
}

/// Partitions at the newest end that may be odd (a bridge, one made by hand) before the set is given up.
const SEEDS: usize = 16;

/// A grid and what speaks for it.
#[derive(Clone, Debug)]
pub(super) struct Choice {
    pub(super) grid: Grid,
    /// Where the partition stands that proposed it; 0 is the newest.
    pub(super) seed: usize,
    /// How many partitions from there on lie exactly on it, one after the other.
    pub(super) run: usize,
    pub(super) phase: Phase,
}

/// Where the boundaries of a grid lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Phase {
    /// Where they lie without an anchor.
    Default,
    /// At midnight, on other days; among ids at other keys.
    OtherDay,
    /// At another time of day.
    OtherTime,
}

/// The best grid of one zone for pieces sorted newest first. `hint` is an interval that somebody wrote down: it decides
/// between grids that explain equally much.
pub(super) fn best(reading: Reading, zone: &Zone, pieces: &[Piece], hint: Option<Width>) -> Option<Choice> {
    let mut alone: Option<Choice> = None;
    for (seed, piece) in pieces.iter().enumerate().take(SEEDS) {
        let older = pieces.get(seed..).unwrap_or_default();
        let choices = candidates(reading, zone, *piece).into_iter().map(|(grid, phase)| {
            let run = older.iter().take_while(|piece| piece.is_exact(&grid)).count();
            Choice { grid, seed, run, phase }
        });
        let Some(choice) = choices.max_by_key(|choice| {
            let width = choice.grid.width();
            let unit = match width {
                Width::Calendar(interval) => Some(interval.unit),
                Width::Keys(_) => None,
            };
            (choice.run, hint == Some(width), unit, std::cmp::Reverse(choice.phase))
        }) else {
            continue;
        };
        if choice.run >= 2 {
            return Some(choice);
        }
        // One partition alone says little: the most regular of them, or else the newest.
        if alone.as_ref().is_none_or(|other| choice.phase < other.phase) {
            alone = Some(choice);
        }
    }
    alone
}

/// The grids on which this piece is one whole window.
fn candidates(reading: Reading, zone: &Zone, piece: Piece) -> Vec<(Grid, Phase)> {
    if let Reading::Ids(kind) = reading {
        return ids(kind, piece).into_iter().collect();
    }
    let mut found = Vec::new();
    if let Some((from, to)) = reading.civil(piece, zone, Unit::Days) {
        found.extend(months(from, to));
        found.extend(days(from, to));
    }
    // Hours of instants are UTC's, whatever the zone.
    if let Some((from, to)) = reading.civil(piece, zone, Unit::Hours) {
        found.extend(hours(from, to));
    }
    found
        .into_iter()
        .filter_map(|(interval, start)| {
            let plain = reading.grid(interval, zone, None)?;
            if piece.is_exact(&plain) {
                return Some((plain, Phase::Default));
            }
            let grid = reading.grid(interval, zone, Some(early(interval, start)))?;
            let phase = if start.time() == Time::midnight() { Phase::OtherDay } else { Phase::OtherTime };
            piece.is_exact(&grid).then_some((grid, phase))
        })
        .collect()
}

fn ids(kind: KeyKind, piece: Piece) -> Option<(Grid, Phase)> {
    let (KeyValue::Int(from), KeyValue::Int(to)) = (piece.from, piece.to) else { return None };
    let step = to.checked_sub(from).filter(|step| *step > 0)?;
    let anchor = from.rem_euclid(step);
    let phase = if anchor == 0 { Phase::Default } else { Phase::OtherDay };
    Some((Grid::keys(kind, step, anchor).ok()?, phase))
}

fn months(from: DateTime, to: DateTime) -> Option<(Interval, DateTime)> {
    let months = (i32::from(to.year()) - i32::from(from.year())) * 12 + i32::from(to.month()) - i32::from(from.month());
    let count = u32::try_from(months).ok().filter(|count| *count > 0)?;
    (from.day() == to.day() && from.time() == to.time()).then(|| (normal(Interval { count, unit: Unit::Months }), from))
}

fn days(from: DateTime, to: DateTime) -> Option<(Interval, DateTime)> {
    let count = u32::try_from(days_between(from.date(), to.date())).ok().filter(|count| *count > 0)?;
    (from.time() == to.time()).then(|| (normal(Interval { count, unit: Unit::Days }), from))
}

fn hours(from: DateTime, to: DateTime) -> Option<(Interval, DateTime)> {
    let seconds = to.duration_since(from).as_secs();
    let count = u32::try_from(seconds / 3600).ok().filter(|count| *count > 0)?;
    // Whole days are days.
    (seconds % 3600 == 0 && seconds % 86_400 != 0 && from.subsec_nanosecond() == to.subsec_nanosecond())
        .then_some((Interval { count, unit: Unit::Hours }, from))
}

/// The same length in the words that people use: `1 week` for 7 days, `1 quarter` for 3 months, years for 12.
pub(super) fn normal(interval: Interval) -> Interval {
    let Interval { count, unit } = interval;
    let in_months = match unit {
        Unit::Hours if count % 24 == 0 => return normal(Interval { count: count / 24, unit: Unit::Days }),
        Unit::Days if count % 7 == 0 => return Interval { count: count / 7, unit: Unit::Weeks },
        Unit::Hours | Unit::Days | Unit::Weeks => return interval,
        Unit::Months => Some(count),
        Unit::Quarters => count.checked_mul(3),
        Unit::Years => count.checked_mul(12),
    };
    match in_months {
        Some(months) if months % 12 == 0 => Interval { count: months / 12, unit: Unit::Years },
        Some(3) => Interval { count: 1, unit: Unit::Quarters },
        Some(months) => Interval { count: months, unit: Unit::Months },
        None => interval,
    }
}

impl Choice {
    /// Whether windows are hours: those of instants are UTC's in every zone.
    pub(super) fn is_sub_day(&self) -> bool {
        match self.grid.width() {
            Width::Calendar(interval) => interval.is_sub_day(),
            Width::Keys(_) => false,
        }
    }
}

/// The first boundary in or after 2000 of the grid that has one at `start`.
fn early(interval: Interval, start: DateTime) -> DateTime {
    let base = DateTime::constant(2000, 1, 1, 0, 0, 0, 0);
    let count = i64::from(interval.count);
    let seconds = match interval.unit {
        Unit::Hours => count * 3600,
        Unit::Days => count * 86_400,
        Unit::Weeks => count * 7 * 86_400,
        Unit::Months => return early_month(start, count),
        Unit::Quarters => return early_month(start, count * 3),
        Unit::Years => return early_month(start, count * 12),
    };
    let phase = start.duration_since(base).as_secs().rem_euclid(seconds);
    let fraction = i64::from(start.subsec_nanosecond());
    base.checked_add(jiff::SignedDuration::from_secs(phase))
        .and_then(|at| at.checked_add(jiff::SignedDuration::from_nanos(fraction)))
        .unwrap_or(start)
}

fn early_month(start: DateTime, months: i64) -> DateTime {
    let since = (i64::from(start.year()) - 2000) * 12 + i64::from(start.month()) - 1;
    let phase = since.rem_euclid(months);
    let (year, month) = (2000 + phase / 12, phase % 12 + 1);
    let date = i16::try_from(year).ok().zip(i8::try_from(month).ok());
    let date = date.and_then(|(year, month)| Date::new(year, month, start.day()).ok());
    date.map_or(start, |date| date.to_datetime(start.time()))
}

fn days_between(from: Date, to: Date) -> i64 {
    to.duration_since(from).as_hours() / 24
}
