//! Windows that are wanted and can never be: the key's type ends before the premake horizon, or a partition without an
//! upper end takes their rows. And windows of another width than those there are.

use jiff::Timestamp;

use super::context::{Context, Range, finite};
use super::retired::own;
use super::wanted::{end_in_reach, reach};
use crate::grid::{Bound, End, Fit, Grid, KeyValue, Window};
use crate::plan::{Code, Finding};
use crate::policy::{Keep, Premake};
use crate::render::day;

const HOUR: i64 = 3600;
/// Over less time a rate says nothing.
const DAY: i64 = 24 * HOUR;

/// What is to be said of them.
pub(super) fn findings(context: &Context<'_>) -> Vec<Finding> {
    let end = end_in_reach(context).map(|end| type_ends(context, end));
    end.into_iter().chain(catch_all(context)).chain(other_interval(context)).collect()
}

/// The newest partitions are of another interval than the policy's, which takes effect after them.
fn other_interval(context: &Context<'_>) -> Option<Finding> {
    let mut bounded = context.ranges.iter().rev().filter_map(|range| Some((range, finite(range.from, range.to)?)));
    let (newest, (from, to)) = bounded.next()?;
    let (_, before) = bounded.next()?;
    let window = context.grid.window(context.grid.index_of(from)?)?;
    // Two of one length: a single one is a bridge, or was made by hand. Only moved, they are of the policy's interval.
    let alike = is_as_long(context.grid, (from, to), before)?;
    if !alike || is_as_long(context.grid, (from, to), (window.from, window.to))? {
        return None;
    }
    match context.grid.classify(from.into(), to.into()) {
        Fit::Exact(_) | Fit::Unbounded => return None,
        Fit::Span { .. } | Fit::Part(_) | Fit::Straddling => {}
    }
    let boundary = context.grid.is_boundary(to);
    let at = if boundary { to } else { context.grid.window(context.grid.index_of(to)?)?.to };
    let message = format!(
        "the newest partitions are not {} wide ({from} to {to}): the policy's interval takes effect at {at}",
        context.grid.width()
    );
    Some(context.finding(Code::IntervalDiffers, Some(&newest.leaf.name), message))
}

/// Whether two ranges are of one length, as months are.
fn is_as_long(grid: &Grid, one: (KeyValue, KeyValue), other: (KeyValue, KeyValue)) -> Option<bool> {
    let length = |(from, to): (KeyValue, KeyValue)| match (from, to) {
        (KeyValue::Int(from), KeyValue::Int(to)) if !grid.tells_time() => Some(i128::from(to) - i128::from(from)),
        (from, to) => Some(i128::from(grid.instant(to)?.as_second()) - i128::from(grid.instant(from)?.as_second())),
    };
    let (one, other) = (length(one)?, length(other)?);
    Some(one.max(other) * 100 <= one.min(other) * 115)
}

/// Said until the end of the type is further than premake reaches: a last partition up to MAXVALUE is a delay, no cure.
fn type_ends(context: &Context<'_>, end: End) -> Finding {
    let Some(last) = end.last else {
        let message = format!("premake reaches beyond {}: the calendar ends with the year 9999", end.from);
        return context.finding(Code::KeyTypeEnds, None, message);
    };
    let kind = context.root.key.kind.sql_type();
    let mut message = format!("its key {} is {kind}, which ends at {last}", context.root.key.name);
    if let Some(at) = context.grid.instant(last) {
        message.push_str(&format!(", {}", crate::render::second(at)));
    }
    match (context.current(), last) {
        (Some(now), _) if now >= end.from => message.push_str(": the last window has begun"),
        (Some(now), _) => {
            let fit = whole_windows(context, now, end);
            message.push_str(&match (context.table.premake, fit) {
                (Premake::Windows(count), fit) => {
                    format!(": {fit} of the {count} windows that premake wants {}", if fit == 1 { "is" } else { "are" })
                        + " whole"
                }
                (Premake::Span(span), _) => format!(": premake reaches {span} ahead"),
            });
        }
        (None, _) => message.push_str(": rows of the present have no key any more"),
    }
    if let (false, Some(KeyValue::Int(now)), KeyValue::Int(last)) = (context.grid.tells_time(), context.current(), last)
    {
        let left = last.saturating_sub(now);
        message.push_str(&format!("; {left} keys are left above {now}, {}", used_up(context, now, left)));
    }
    let mut finding = context.finding(Code::KeyTypeEnds, None, message);
    finding.hint = Some(format!(
        "PostgreSQL cannot alter the type of a partition key: make a new table with a wider key ({}), copy the rows and \
         swap the names before the last key is taken; a partition up to MAXVALUE only takes the keys that are left",
        if context.grid.tells_time() { "bigint or timestamptz" } else { "bigint" }
    ));
    finding
}

/// When keys are used up at the rate of late. Ids tell no time: the stamp of a detached table does, for it left as soon as
/// the keys had come as far beyond its end as the policy keeps.
fn used_up(context: &Context<'_>, now: i64, left: i64) -> String {
    let unknown = "when they are used up is not known: ids tell no time".to_owned();
    let Some(Keep::Keys(keep)) = context.table.retention.map(|retention| retention.keep) else { return unknown };
    let stamped = own(context).filter_map(|(_, table)| {
        let Bound::Value(KeyValue::Int(to)) = table.marker.to else { return None };
        Some((table.marker.detached_at?, to))
    });
    // The earliest, and of those that left together the uppermost: the others may have been late.
    let mut stamped: Vec<_> = stamped.collect();
    stamped.sort();
    let Some((first, _)) = stamped.first().copied() else { return unknown };
    let together = stamped.iter().filter(|(at, _)| at.as_second() - first.as_second() < HOUR);
    let Some(upper) = together.map(|(_, to)| *to).max() else { return unknown };
    let keys = i128::from(now) - i128::from(upper) - i128::from(keep);
    let seconds = i128::from(context.now.as_second() - first.as_second());
    if keys <= 0 || seconds < i128::from(DAY) {
        return unknown;
    }
    let then = i128::from(context.now.as_second()) + i128::from(left) * seconds / keys;
    match i64::try_from(then).ok().and_then(|then| Timestamp::from_second(then).ok()) {
        Some(then) => format!("used up about {} at the rate since {}", day(then), day(first)),
        None => "used up after the year 9999 at today's rate".to_owned(),
    }
}

/// How many whole windows after the current one the type can hold, up to those that premake wants.
fn whole_windows(context: &Context<'_>, now: KeyValue, end: End) -> i64 {
    let current = context.grid.index_of(now).unwrap_or(end.index);
    let left = end.index.saturating_sub(current).saturating_sub(1).max(0);
    match context.table.premake {
        Premake::Windows(count) => left.min(i64::from(count)),
        Premake::Span(_) => left,
    }
}

/// A partition without an upper end that takes windows which the policy wants.
fn catch_all(context: &Context<'_>) -> Option<Finding> {
    let range = context.ranges.iter().rev().find(|range| range.to == Bound::MaxValue)?;
    let (low, high) = reach(context)?;
    let taken = taken(context.grid, range, low, high);
    let (first, last) = (taken.first()?, taken.last()?);
    let windows = match taken.len() {
        1 => format!("the wanted window {} to {}", first.from, first.to),
        count => format!("{count} wanted windows ({} to {})", first.from, last.to),
    };
    let message =
        format!("{} takes the rows of {windows}, which cannot be made; retention never removes it", range.leaf.bounds);
    let mut finding = context.finding(Code::CatchAll, Some(&range.leaf.name), message);
    let from = match range.from {
        Bound::Value(from) => format!("'{from}'"),
        Bound::MinValue | Bound::MaxValue => range.from.to_string(),
    };
    let now = context.current().and_then(|now| context.grid.index_of(now)).and_then(|index| context.grid.window(index));
    // Its own rows reach to the current window, if no clock was wrong: from there on windows can be made.
    let to = now.filter(|window| Bound::Value(window.to) > range.from).unwrap_or(*first).to;
    let (root, leaf) = (context.name, &range.leaf.name);
    finding.hint = Some(format!(
        "give it an upper end above its rows, then apply makes the windows: BEGIN; ALTER TABLE {root} DETACH PARTITION {leaf}; \
         ALTER TABLE {root} ATTACH PARTITION {leaf} FOR VALUES FROM ({from}) TO ('{to}'); COMMIT; (it is scanned under \
         ACCESS EXCLUSIVE)"
    ));
    Some(finding)
}

/// The windows from `low` to `high` that a partition takes any of.
fn taken(grid: &Grid, range: &Range<'_>, low: KeyValue, high: KeyValue) -> Vec<Window> {
    /// More are not counted one by one.
    const MOST: usize = 10_000;
    let from = range.from.value().map_or(low, |from| from.max(low));
    let last = high.predecessor().and_then(|last| grid.index_of(last));
    let Some((first, last)) = grid.index_of(from).zip(last) else { return Vec::new() };
    if from >= high {
        return Vec::new();
    }
    grid.windows_between(first, last).take(MOST).collect()
}
