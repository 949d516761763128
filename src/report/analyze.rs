//! Whether a table's partitions are of a good size: spread, growth, and the interval that fits.
//!
//! Sizes are exact where the server told them. Rows are the server's estimates, growth and everything projected from it
//! are estimates as well, and are named so; what is not known is `None`, never zero.

mod interval;

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::Serialize;

use self::interval::{Times, judge};
use super::timeline::timelines;
use crate::catalog::{Question, Snapshot, TableState};
use crate::grid::{Bound, Fit, Grid, Interval};
use crate::plan::PlanOptions;
use crate::policy::{Desired, TableDesired};
use crate::resource::index::unnamed;
use crate::resource::partition::{Entry, EntryKind, Phase, Timeline};
use crate::sql::TableName;

pub use crate::resource::index::OnMost;

/// The largest that a partition should get where `monitoring.max_partition_size` says nothing: beyond this one
/// partition's vacuum, index build or restore no longer fits a night.
pub const MAX_PARTITION_BYTES: u64 = 50 << 30;

/// More attached partitions than this are too many: every query without the key plans and locks all of them, and each
/// further creation costs the server more (measured: 4 ms at the first, 49 ms at the ten-thousandth).
pub const MOST_PARTITIONS: u64 = 1000;

/// Growth is measured over the latest so many closed partitions and at least so many days, where there are as many: a
/// week has a rhythm, and a month may be an odd one. More would miss what has changed.
const GROWTH_PARTITIONS: usize = 3;
const GROWTH_DAYS: f64 = 28.0;

const DAY: f64 = 86_400.0;

/// What one table's partitions are like.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Analysis {
    /// The table.
    pub table: TableName,
    /// Attached partitions, the default one left out.
    pub partitions: usize,
    /// Stretches that the policy wants and nothing covers.
    pub gaps: usize,
    /// Detached tables that carry our marker.
    pub detached: usize,
    /// The default partition.
    pub default: Option<DefaultFacts>,
    /// Partitions without an end in time.
    pub unbounded: Vec<TableName>,
    /// Partitions that fit no window.
    pub straddling: Vec<TableName>,
    /// Sizes of closed partitions: no more rows are expected there.
    pub sizes: Option<Spread>,
    /// Closed partitions by size, smallest first.
    pub distribution: Vec<Bucket>,
    /// Attached partitions whose size is not known.
    pub sizes_unknown: usize,
    /// The exact size of everything attached, where every size is known.
    pub total_bytes: Option<u64>,
    /// Partitions above the newest one with rows: they are empty. `None` where that is not known.
    pub empty_ahead: Option<usize>,
    /// Closed partitions in which the server's statistics count no row: an estimate.
    pub empty_by_statistics: Vec<TableName>,
    /// Partitions larger than the limit.
    pub oversized: Vec<Oversized>,
    /// The limit.
    pub limit: Limit,
    /// How fast it grows; `None` where closed partitions do not tell.
    pub growth: Option<Growth>,
    /// What it will come to, at this rate.
    pub projection: Option<Projection>,
    /// Indexes of most partitions that neither the table nor the policy has: new partitions will not have them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub unnamed_indexes: Vec<OnMost>,
    /// Whether the interval fits.
    pub interval: IntervalVerdict,
}

/// The default partition.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DefaultFacts {
    /// Its name.
    pub name: TableName,
    /// The server's estimate of its rows.
    pub rows_estimate: Option<u64>,
    /// Its exact size.
    pub bytes: Option<u64>,
}

/// Exact sizes of several partitions.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Spread {
    /// How many.
    pub partitions: usize,
    /// The smallest.
    pub min: u64,
    /// The one in the middle.
    pub median: u64,
    /// Nine of ten are no larger.
    pub p90: u64,
    /// The largest.
    pub max: u64,
    /// Which that is.
    pub largest: TableName,
    /// The largest as a multiple of the median; `None` where the median is nothing.
    pub skew: Option<f64>,
}

/// Partitions up to a size, and above the bucket before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Bucket {
    /// Up to so many bytes.
    pub up_to: u64,
    /// So many partitions.
    pub partitions: usize,
}

/// A partition larger than the limit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Oversized {
    /// Which.
    pub name: TableName,
    /// Its exact size.
    pub bytes: u64,
}

/// How large a partition should be at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Limit {
    /// In bytes.
    pub bytes: u64,
    /// Whether the policy says so.
    pub from_policy: bool,
}

impl Limit {
    /// The policy's `monitoring.max_partition_size`, else the default.
    pub fn of(policy: Option<u64>) -> Self {
        Self { bytes: policy.unwrap_or(MAX_PARTITION_BYTES), from_policy: policy.is_some() }
    }
}

/// How fast a table grows: an estimate from closed partitions.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Growth {
    /// Bytes a day.
    pub bytes_per_day: u64,
    /// Rows a day, from the server's estimates; `None` where one of the partitions has none.
    pub rows_per_day: Option<u64>,
    /// From so many partitions.
    pub partitions: usize,
    /// Over so many days.
    pub days: f64,
}

/// What a table will come to: an estimate.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Projection {
    /// Attached partitions.
    pub partitions: u64,
    /// Bytes.
    pub bytes: u64,
    /// Over so many days: what the policy keeps, or ten years where it keeps everything.
    pub days: f64,
    /// Whether a retention ends the growth.
    pub bounded: bool,
}

/// Whether the interval fits.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct IntervalVerdict {
    /// The verdict.
    pub verdict: Verdict,
    /// Why, in words.
    pub because: String,
    /// What a full partition will hold: an estimate.
    pub expected_bytes: Option<u64>,
    /// An interval that fits, where this one does not.
    pub better: Option<Interval>,
    /// What a full partition of that interval would hold.
    pub better_bytes: Option<u64>,
    /// How many of them there would be.
    pub better_partitions: Option<u64>,
}

/// Whether an interval fits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// It does.
    Fits,
    /// Partitions get larger than the limit.
    TooWide,
    /// There will be too many of them.
    TooMany,
    /// There are many small ones, and fewer would do.
    FinerThanNeeded,
    /// The growth is not known.
    Unknown,
}

/// What to ask beyond what planning asks: every size, and the newest partition with rows.
pub fn analysis_questions(desired: &Desired, snapshot: &Snapshot, options: &PlanOptions) -> BTreeSet<Question> {
    super::timeline::timeline_questions(desired, snapshot, options, true)
}

/// Analyses the tables that can be judged.
///
/// The interval fits when a full partition stays below `limit` and no more than [`MOST_PARTITIONS`] are attached once
/// retention has set in. What is expected of a full partition is the growth a day, measured over the latest closed
/// partitions, times the interval. Where it does not fit, the longest usual interval is proposed whose partitions take at
/// most half of the limit and whose length is at most a sixth of what is kept: as few partitions as possible, none too
/// large, and not much more stored than asked.
///
/// ```
/// use pgstrata::report::analyze::{Limit, Verdict, analyses};
/// use pgstrata::{catalog::Snapshot, plan::PlanOptions, policy::Desired};
///
/// fn all_fit(desired: &Desired, snapshot: &Snapshot) -> bool {
///     let found = analyses(desired, snapshot, &PlanOptions::at(snapshot.taken_at), Limit::of(None));
///     found.iter().all(|table| table.interval.verdict == Verdict::Fits)
/// }
/// ```
pub fn analyses(desired: &Desired, snapshot: &Snapshot, options: &PlanOptions, limit: Limit) -> Vec<Analysis> {
    let timelines = timelines(desired, snapshot, options);
    let tables = timelines.iter().filter_map(|timeline| Some((timeline, desired.tables.get(&timeline.table)?)));
    let judged = tables.map(|(timeline, table)| {
        let unnamed_indexes = match snapshot.catalog.tables.get(&timeline.table) {
            Some(TableState::Partitioned(root)) => unnamed(root, table, &snapshot.answers),
            Some(TableState::Missing | TableState::Unfit(_)) | None => Vec::new(),
        };
        Analysis { unnamed_indexes, ..analysis(timeline, table, options.now, limit) }
    });
    judged.collect()
}

fn analysis(timeline: &Timeline, table: &TableDesired, now: Timestamp, limit: Limit) -> Analysis {
    let count = |kind| timeline.partitions.iter().filter(|entry| entry.kind == kind).count();
    let named = |is: &dyn Fn(&Entry) -> bool| -> Vec<TableName> {
        timeline.attached().filter(|entry| is(entry)).filter_map(|entry| entry.name.clone()).collect()
    };
    let closed: Vec<&Entry> = timeline.attached().filter(|entry| is_closed(entry)).collect();
    let sizes: Vec<u64> = closed.iter().filter_map(|entry| entry.bytes.bytes()).collect();
    let held: Vec<&Entry> = timeline
        .partitions
        .iter()
        .filter(|entry| matches!(entry.kind, EntryKind::Partition | EntryKind::Default))
        .collect();
    let known = held.iter().map(|entry| entry.bytes.bytes());
    let oversized = held.iter().filter_map(|entry| {
        let bytes = entry.bytes.bytes().filter(|bytes| *bytes > limit.bytes)?;
        Some(Oversized { name: entry.name.clone()?, bytes })
    });
    let default = timeline.partitions.iter().find(|entry| entry.kind == EntryKind::Default).and_then(|entry| {
        Some(DefaultFacts { name: entry.name.clone()?, rows_estimate: entry.rows, bytes: entry.bytes.bytes() })
    });
    let growth = growth(&closed, &timeline.grid);
    let times = Times::of(table, &timeline.grid, now);
    Analysis {
        table: timeline.table.clone(),
        partitions: count(EntryKind::Partition),
        gaps: count(EntryKind::Gap),
        detached: count(EntryKind::Detached),
        default,
        unbounded: named(&|entry| matches!(entry.fit, None | Some(Fit::Unbounded))),
        straddling: named(&|entry| entry.fit == Some(Fit::Straddling)),
        sizes: spread(&closed),
        distribution: distribution(&sizes),
        sizes_unknown: known.clone().filter(Option::is_none).count(),
        total_bytes: known
            .collect::<Option<Vec<u64>>>()
            .map(|all| all.iter().fold(0, |sum: u64, one| sum.saturating_add(*one))),
        empty_ahead: empty_ahead(timeline),
        empty_by_statistics: named(&|entry| is_closed(entry) && entry.rows == Some(0)),
        oversized: oversized.collect(),
        limit,
        unnamed_indexes: Vec::new(),
        projection: times.as_ref().zip(growth.as_ref()).map(|(times, growth)| times.projection(growth)),
        interval: judge(times.as_ref(), growth.as_ref(), limit),
        growth,
    }
}

/// A finite part of the past: only stragglers write there.
fn is_closed(entry: &Entry) -> bool {
    matches!(entry.phase, Phase::Over | Phase::Kept)
        && matches!(entry.fit, Some(Fit::Exact(_) | Fit::Part(_) | Fit::Span { .. } | Fit::Straddling))
}

fn empty_ahead(timeline: &Timeline) -> Option<usize> {
    let newest = timeline.newest?;
    let end =
        timeline.partitions.iter().find(|entry| newest.is_some() && entry.oid == newest).and_then(|entry| entry.to);
    let is_bounded = |entry: &&Entry| matches!(entry.to, Some(Bound::Value(_))) && !entry.pending;
    Some(timeline.attached().filter(is_bounded).filter(|entry| end.is_none_or(|end| entry.to > Some(end))).count())
}

fn spread(closed: &[&Entry]) -> Option<Spread> {
    let mut sizes: Vec<(u64, &TableName)> =
        closed.iter().filter_map(|entry| Some((entry.bytes.bytes()?, entry.name.as_ref()?))).collect();
    sizes.sort();
    let at = |share: usize| sizes.get((sizes.len() * share).div_ceil(100).saturating_sub(1)).map(|(bytes, _)| *bytes);
    let (max, largest) = *sizes.last()?;
    let median = at(50)?;
    let skew = (median > 0).then(|| rounded(max as f64 / median as f64));
    let (min, p90) = (sizes.first()?.0, at(90)?);
    Some(Spread { partitions: sizes.len(), min, median, p90, max, largest: largest.clone(), skew })
}

/// Two decimals: more would only pretend.
fn rounded(value: f64) -> f64 {
    (value * 100.0).round() / 100.0
}

/// Buckets of a factor of four, those at the ends that have none left out.
fn distribution(sizes: &[u64]) -> Vec<Bucket> {
    let of = |bytes: u64| (0..32).find(|power| bytes <= 1u64 << (2 * power)).unwrap_or(32);
    let (Some(least), Some(most)) = (sizes.iter().copied().map(of).min(), sizes.iter().copied().map(of).max()) else {
        return Vec::new();
    };
    let buckets = (least..=most).map(|power| Bucket {
        up_to: if power < 32 { 1u64 << (2 * power) } else { u64::MAX },
        partitions: sizes.iter().filter(|bytes| of(**bytes) == power).count(),
    });
    buckets.collect()
}

fn growth(closed: &[&Entry], grid: &Grid) -> Option<Growth> {
    let (mut bytes, mut rows, mut days, mut partitions) = (0u64, Some(0u64), 0.0, 0);
    for entry in closed.iter().rev() {
        if partitions >= GROWTH_PARTITIONS && days >= GROWTH_DAYS {
            break;
        }
        let instant = |bound: Option<Bound>| bound.and_then(Bound::value).and_then(|value| grid.instant(value));
        let (Some(from), Some(to), Some(size)) = (instant(entry.from), instant(entry.to), entry.bytes.bytes()) else {
            continue;
        };
        bytes = bytes.saturating_add(size);
        rows = rows.zip(entry.rows).map(|(sum, rows)| sum.saturating_add(rows));
        days += (to.as_second() - from.as_second()) as f64 / DAY;
        partitions += 1;
    }
    if days <= 0.0 {
        return None;
    }
    let per_day = |sum: u64| (sum as f64 / days) as u64;
    Some(Growth { bytes_per_day: per_day(bytes), rows_per_day: rows.map(per_day), partitions, days: rounded(days) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::World;

    fn world(interval: &str, keep: &str, bytes: impl Fn(usize) -> u64) -> World {
        let policy = format!(
            "tables: {{public.events: {{partition: {{key: at, interval: {interval}, premake: 4}}, retention: {{keep: {keep}}}}}}}"
        );
        let mut world = World::new("2026-03-14 07:00", &policy);
        let from = if interval.ends_with("month") { "2024-03-01" } else { "2026-01-01" };
        let to = if interval.ends_with("month") { "2026-06-01" } else { "2026-03-17" };
        for (at, oid) in world.windows("public.events", from, to).into_iter().enumerate() {
            world.bytes.insert(oid, bytes(at));
            world.leaf_mut(oid).rows_estimate = Some(bytes(at) / 100);
            if bytes(at) == 0 {
                world.rows.remove(&oid);
            }
        }
        world
    }

    fn analyse(world: &mut World, limit: Limit) -> Analysis {
        let options = world.options();
        world.ask(&options);
        world.ask_also(&analysis_questions(&world.desired, &world.snapshot, &options));
        analyses(&world.desired, &world.snapshot, &options, limit).remove(0)
    }

    #[test]
    fn what_grows_too_fast_for_its_interval_is_told_a_shorter_one() {
        let mut world = world("1 month", "2 years", |at| if at <= 24 { 60 << 30 } else { 0 });
        let found = analyse(&mut world, Limit::of(None));
        assert_eq!(
            (found.interval.verdict, found.interval.better),
            (Verdict::TooWide, Some("1 week".parse().unwrap()))
        );
        assert_eq!(found.oversized.len(), 25);
        assert_eq!(found.sizes.as_ref().unwrap().skew, Some(1.0));
        assert_eq!(found.empty_ahead, Some(2));
        let projection = found.projection.unwrap();
        assert!((27..=31).contains(&projection.partitions) && projection.bytes > 1400 << 30, "{projection:?}");
        // The policy's own limit.
        let roomy = analyse(&mut world, Limit::of(Some(200 << 30)));
        assert_eq!((roomy.interval.verdict, roomy.interval.better, roomy.oversized.len()), (Verdict::Fits, None, 0));
    }

    #[test]
    fn many_small_partitions_are_told_a_longer_interval() {
        let mut world = world("1 day", "2 years", |at| if at % 7 == 0 { 40 << 20 } else { 10 << 20 });
        let found = analyse(&mut world, Limit::of(None));
        assert_eq!(found.interval.verdict, Verdict::FinerThanNeeded);
        assert_eq!(found.interval.better, Some("1 quarter".parse().unwrap()));
        assert_eq!(found.sizes.as_ref().unwrap().skew, Some(4.0));
        let buckets: Vec<usize> = found.distribution.iter().map(|bucket| bucket.partitions).collect();
        assert_eq!(buckets, [61, 11]);
        let growth = found.growth.unwrap();
        // Four whole weeks, whatever their rhythm.
        assert!((growth.bytes_per_day as f64 / (100u64 << 20) as f64 * 7.0 - 1.0).abs() < 0.01, "{growth:?}");
        assert_eq!((growth.partitions, growth.rows_per_day.is_some()), (28, true));
    }

    #[test]
    fn what_is_not_known_is_not_guessed() {
        let mut world = world("1 month", "2 years", |_| 1 << 30);
        for oid in world.root("public.events").leaves.keys().copied().collect::<Vec<_>>() {
            world.unknown.insert(Question::Bytes { relation: oid }, "it is locked".to_owned());
            world.leaf_mut(oid).rows_estimate = None;
        }
        let found = analyse(&mut world, Limit::of(None));
        assert_eq!((found.growth, found.sizes, found.total_bytes, found.projection), (None, None, None, None));
        assert_eq!((found.interval.verdict, found.sizes_unknown), (Verdict::Unknown, 27));
        assert_eq!(found.empty_by_statistics, []);
    }
}
