//! Which windows the policy wants and no partition covers.

use jiff::Timestamp;

use super::context::{Context, finite};
use super::returning::Returning;
use crate::grid::{Bound, End, KeyValue, Window};
use crate::plan::Class;
use crate::policy::Premake;

/// A range to create a partition for: a whole window, or the part of one that nothing covers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Piece {
    pub(super) window: Window,
    pub(super) from: KeyValue,
    /// MAXVALUE where the key's type ends.
    pub(super) to: Bound,
    pub(super) class: Class,
    pub(super) reason: &'static str,
    pub(super) due_at: Option<Timestamp>,
}

impl Piece {
    fn is_bridge(&self) -> bool {
        self.from != self.window.from || (self.to != Bound::Value(self.window.to) && self.to != Bound::MaxValue)
    }
}

/// Every piece that is wanted and not covered, oldest first. What comes back covers its range already.
pub(super) fn pieces(context: &Context<'_>, returning: &[Returning<'_>]) -> Vec<Piece> {
    let Some((low, high)) = reach(context) else { return Vec::new() };
    let attached = context.ranges.iter().map(|range| (range.from, range.to));
    let mut covered: Vec<(Bound, Bound)> = attached.chain(returning.iter().map(Returning::range)).collect();
    covered.sort();
    // What begins beyond the horizon was made by hand, or by a clock that was wrong: a window that becomes due below it
    // was not forgotten.
    let highest = covered.iter().filter(|(from, _)| *from < Bound::Value(high)).map(|(_, to)| *to).max();
    let mut pieces = Vec::new();
    if let Some(end) = end_in_reach(context) {
        // It has no upper end, and so takes the last keys of the type.
        let window = Window { index: end.index, from: end.from, to: end.last.unwrap_or(end.from) };
        let above = gaps_above(&covered, end.from.max(low)).into_iter().rev();
        pieces.extend(above.map(|(from, to)| judge(context, window, from, to, highest)));
    }
    // From the newest down: what is beyond the limit is the oldest.
    for (from, to) in gaps(&covered, low, high).into_iter().rev() {
        let ends = context.grid.index_of(from).zip(to.predecessor().and_then(|last| context.grid.index_of(last)));
        let Some((first, last)) = ends else { continue };
        for window in (first..=last).rev().filter_map(|index| context.grid.window(index)) {
            if pieces.len() >= MOST_PIECES {
                pieces.reverse();
                return pieces;
            }
            let (from, to) = (from.max(window.from), to.min(window.to));
            // No row lies between two ways of writing one bound.
            let has_room = context.grid.canonical(from) < context.grid.canonical(to);
            if has_room && !context.is_expired(Bound::Value(to)) {
                pieces.push(judge(context, window, from, Bound::Value(to), highest));
            }
        }
    }
    pieces.reverse();
    pieces
}

/// No plan is about more partitions of one table at once; `apply.max_create` blocks far fewer.
pub(super) const MOST_PIECES: usize = 20_000;

/// The next window that exists: a zone may have skipped a whole day.
fn next_window(context: &Context<'_>, index: &mut i64) -> Option<Window> {
    (0..3).find_map(|_| {
        let window = context.grid.window(*index);
        *index = index.saturating_add(1);
        window
    })
}

/// From the oldest unexpired partition (without one from `start`, without either from the current window) to the
/// premake horizon.
pub(super) fn reach(context: &Context<'_>) -> Option<(KeyValue, KeyValue)> {
    let now = context.current()?;
    let window = context.grid.index_of(now).and_then(|index| context.grid.window(index));
    // In the last one, which has no end, no further windows are wanted.
    let (current, last) = match window {
        Some(window) => (window, false),
        None => {
            let end = context.grid.end().filter(|end| end.from <= now)?;
            (Window { index: end.index, from: end.from, to: end.from }, true)
        }
    };
    let begin = context.table.start.and_then(|start| context.grid.value_of(start));
    let first_window =
        begin.and_then(|start| context.grid.window(context.grid.index_of(start)?)).map_or(current.from, |w| w.from);
    let oldest = context.ranges.iter().filter(|range| !context.is_expired(range.to)).find_map(|range| {
        match (range.from, range.to) {
            (Bound::Value(from), _) => Some(from),
            // Unbounded below: nothing older can be missing, so the first gap is at its end.
            (Bound::MinValue, Bound::Value(to)) => Some(to),
            (Bound::MinValue | Bound::MaxValue, _) => None,
        }
    });
    let low = match oldest {
        // Only future partitions: the current window is missing as well, unless the policy starts later.
        Some(oldest) if oldest > now => oldest.min(first_window.max(current.from)),
        Some(oldest) => oldest,
        None => first_window,
    };
    // Never before the retention edge, whatever `start` says.
    let low = match context.edge_value() {
        Some(edge) => {
            let at = context.grid.window(context.grid.index_of(edge)?).map_or(edge, |window| window.from);
            low.max(at)
        }
        None => low,
    };
    let high = match context.table.premake {
        _ if last => current.from,
        Premake::Windows(count) => nth_after(context, current.index, count)?,
        Premake::Span(span) => {
            let until = span.after(context.now, context.grid.zone()).and_then(|until| context.grid.value_at(until));
            match until {
                Some(until) if context.grid.end().is_none_or(|end| until < end.from) => {
                    context.grid.window(context.grid.index_of(until)?).map_or(until, |window| window.to)
                }
                // Four bytes of seconds end in 2038: up to what exists.
                Some(_) | None => nth_after(context, current.index, u32::MAX)?,
            }
        }
    };
    (low < high || (last && low == high)).then_some((low, high))
}

/// Where the key's type (or the calendar) ends, if the premake horizon reaches there.
pub(super) fn end_in_reach(context: &Context<'_>) -> Option<End> {
    let end = context.grid.end()?;
    let Some(now) = context.current() else {
        // Rows of now have no key any more; among ids nobody knows where they are.
        return context.grid.tells_time().then_some(end);
    };
    let current = if now >= end.from { end.index } else { context.grid.index_of(now)? };
    let wanted = match context.table.premake {
        Premake::Windows(count) => current.saturating_add(i64::from(count)) >= end.index,
        Premake::Span(span) => {
            let until = span.after(context.now, context.grid.zone()).and_then(|until| context.grid.value_at(until));
            context.grid.tells_time() && until.is_none_or(|until| until >= end.from)
        }
    };
    (wanted || now >= end.from).then_some(end)
}

/// What none of the sorted ranges covers from here on.
fn gaps_above(covered: &[(Bound, Bound)], start: KeyValue) -> Vec<(KeyValue, Bound)> {
    let mut gaps = Vec::new();
    let mut reached = Bound::Value(start);
    for (from, to) in covered {
        if let (Bound::Value(begin), true) = (reached, *from > reached) {
            gaps.push((begin, *from));
        }
        reached = reached.max(*to);
    }
    gaps.extend(reached.value().map(|begin| (begin, Bound::MaxValue)));
    gaps
}

/// The end of the window `count` after this one, windows that do not exist not counted.
fn nth_after(context: &Context<'_>, current: i64, count: u32) -> Option<KeyValue> {
    let mut index = current.saturating_add(1);
    let mut end = context.grid.window(current)?.to;
    for _ in 0..count {
        // The calendar ends, or the key's type.
        let Some(window) = next_window(context, &mut index) else { break };
        end = window.to;
    }
    Some(end)
}

/// The parts of `low..high` that none of the sorted ranges covers.
fn gaps(covered: &[(Bound, Bound)], low: KeyValue, high: KeyValue) -> Vec<(KeyValue, KeyValue)> {
    let mut gaps = Vec::new();
    let mut reached = Bound::Value(low);
    for (from, to) in covered {
        if *from > reached {
            gaps.extend(finite(reached, (*from).min(Bound::Value(high))).filter(|(from, to)| from < to));
        }
        reached = reached.max(*to);
    }
    gaps.extend(finite(reached, Bound::Value(high)).filter(|(from, to)| from < to));
    gaps
}

/// When the policy begins to want this window; `None` where no clock tells.
pub(super) fn due_at(context: &Context<'_>, window: Window) -> Option<Timestamp> {
    match context.table.premake {
        Premake::Windows(count) => context
            .grid
            .window(window.index.checked_sub(i64::from(count))?)
            .and_then(|due| context.grid.instant(due.from)),
        Premake::Span(span) => {
            context.grid.instant(window.from).and_then(|begins| span.before(begins, context.grid.zone()))
        }
    }
}

fn judge(context: &Context<'_>, window: Window, from: KeyValue, to: Bound, highest: Option<Bound>) -> Piece {
    let due_at = due_at(context, window);
    let inside = highest.is_some_and(|highest| highest > to);
    // Since when, and how far: windows up to the one after the current one are late however young the policy is.
    let current = context.current().and_then(|current| {
        let end = context.grid.end().filter(|end| end.from <= current);
        end.map_or_else(|| context.grid.index_of(current), |end| Some(end.index))
    });
    let ahead = current.map_or(0, |current| window.index.saturating_sub(current));
    let late_by_more_than_one = match context.table.premake {
        Premake::Windows(count) => !context.grid.tells_time() && ahead.saturating_add(1) < i64::from(count),
        Premake::Span(_) => false,
    };
    let class = match due_at {
        // Something later exists: this one was there, or was forgotten.
        _ if inside => Class::Drift,
        _ if ahead <= 1 || late_by_more_than_one => Class::Overdue,
        Some(due_at) => context.class_by_lateness(due_at, false),
        None => Class::Scheduled,
    };
    let mut piece = Piece { window, from, to, class, reason: "premake", due_at };
    piece.reason = match (inside, piece.is_bridge(), ahead) {
        (_, true, _) => "bridge to the grid",
        (true, false, _) => "gap",
        (false, false, ..=-1) if highest.is_none() => "start",
        (false, false, ..=-1) => "gap",
        (false, false, 0) => "the current window is missing",
        (false, false, 1) => "the next window is missing",
        (false, false, _) => "premake",
    };
    piece
}
