//! What is said of the partitions that are there: how far they reach, and which of them do not follow the rule.

use jiff::Timestamp;
use jiff::civil::Time;

use super::infer::Piece;
use crate::catalog::{Leaf, LeafKind, Root};
use crate::grid::{Bound, Fit, Grid, KeyValue, LeafBounds};
use crate::sql::{Ident, TableName};

/// Names in one remark.
const NAMED: usize = 3;

/// Attached partitions by what their bounds are on the grid, oldest first.
#[derive(Default)]
struct Kinds<'a> {
    exact: usize,
    wider: Vec<&'a TableName>,
    narrower: Vec<&'a TableName>,
    odd: Vec<&'a TableName>,
    unbounded: Vec<&'a TableName>,
    foreign: Vec<&'a TableName>,
    partitioned: Vec<&'a TableName>,
    elsewhere: Vec<&'a TableName>,
}

/// Remarks about a table's partitions.
pub(super) fn remarks(schema: &Ident, root: &Root, grid: &Grid, pieces: &[Piece], now: Timestamp) -> Vec<String> {
    let kinds = sort(schema, root, grid);
    let interval = grid.width();
    let mut remarks = vec![extent(grid, pieces)];
    let mut say = |names: &[&TableName], one: &str, many: &str| match names {
        [] => {}
        [name] => remarks.push(format!("{} {one}.", name.name)),
        names => remarks.push(format!("{} {many}.", list(names))),
    };
    let wider = format!("wider than {interval}: as a whole, by the upper bound, is how such partitions leave");
    say(&kinds.wider, &format!("is {wider}"), &format!("are {wider}"));
    let narrower = format!("narrower than {interval}");
    say(
        &kinds.narrower,
        &format!("is {narrower}, and leaves by its upper bound"),
        &format!("are {narrower}, and leave by their upper bounds"),
    );
    say(
        &kinds.odd,
        "fits no window: it stays, unless a retention says `straddling: remove`",
        "fit no window: they stay, unless a retention says `straddling: remove`",
    );
    say(
        &kinds.unbounded,
        "is unbounded, or has no time for a bound: it never leaves",
        "are unbounded, or have no time for a bound: they never leave",
    );
    say(&kinds.foreign, "is a foreign table: it never leaves", "are foreign tables: they never leave");
    say(&kinds.partitioned, "is partitioned itself: it never leaves", "are partitioned themselves: they never leave");
    let here = format!("; new partitions are made in {schema}");
    say(&kinds.elsewhere, &format!("is in another schema{here}"), &format!("are in another schema{here}"));
    if let Some((_, leaf)) = root.pending_leaf() {
        remarks.push(format!("{} is half detached: `plan` finishes that.", leaf.name.name));
    }
    remarks.extend(gaps(grid, pieces));
    let current = grid.index_at(now).and_then(|index| grid.window(index));
    if let Some(window) = current
        && reach(root, grid, window.from) == Bound::Value(window.from)
    {
        remarks.push(format!("The current window, from {}, is missing: `plan` makes it.", shown(grid, window.from)));
    }
    remarks
}

/// How far attached partitions cover the key without a gap, from `low` on.
pub(super) fn reach(root: &Root, grid: &Grid, low: KeyValue) -> Bound {
    let canonical = |bound: Bound| bound.value().map_or(bound, |value| Bound::Value(grid.canonical(value)));
    let attached = root.leaves.values().filter(|leaf| !leaf.pending);
    let coverage = attached.filter_map(|leaf| leaf.bounds.coverage());
    let mut ranges: Vec<(Bound, Bound)> = coverage.map(|(from, to)| (canonical(from), canonical(to))).collect();
    ranges.sort();
    let low = Bound::Value(low);
    let touching = |reached: Bound, (from, to): (Bound, Bound)| if from <= reached { reached.max(to) } else { reached };
    ranges.into_iter().fold(low, touching)
}

/// A value on the grid's clock, as short as it can be.
pub(super) fn shown(grid: &Grid, value: KeyValue) -> String {
    match grid.civil_time(value) {
        Some(at) if at.time() == Time::midnight() => at.date().to_string(),
        Some(at) => at.strftime("%Y-%m-%d %H:%M").to_string(),
        None => value.to_string(),
    }
}

fn sort<'a>(schema: &Ident, root: &'a Root, grid: &Grid) -> Kinds<'a> {
    let mut kinds = Kinds::default();
    let mut leaves: Vec<&Leaf> = root.leaves.values().filter(|leaf| !leaf.pending).collect();
    leaves.sort_by_key(|leaf| (leaf.bounds.coverage(), &leaf.name));
    for Leaf { name, kind, bounds, .. } in leaves {
        match kind {
            LeafKind::Table => {}
            LeafKind::Foreign => kinds.foreign.push(name),
            LeafKind::Partitioned => kinds.partitioned.push(name),
        }
        if name.schema != *schema {
            kinds.elsewhere.push(name);
        }
        match bounds {
            LeafBounds::Default => {}
            LeafBounds::Other(_) => kinds.unbounded.push(name),
            LeafBounds::Range { from, to } => match grid.classify(*from, *to) {
                Fit::Exact(_) => kinds.exact += 1,
                Fit::Span { .. } => kinds.wider.push(name),
                Fit::Part(_) => kinds.narrower.push(name),
                Fit::Straddling => kinds.odd.push(name),
                Fit::Unbounded => kinds.unbounded.push(name),
            },
        }
    }
    kinds
}

fn extent(grid: &Grid, pieces: &[Piece]) -> String {
    let ends = pieces.last().zip(pieces.first()).map(|(oldest, newest)| (oldest.from, newest.to));
    match (pieces.len(), ends) {
        (0, _) | (_, None) => "No partition yet.".to_owned(),
        (1, Some((from, to))) => format!("1 partition, {} to {}.", shown(grid, from), shown(grid, to)),
        (count, Some((from, to))) => format!("{count} partitions, {} to {}.", shown(grid, from), shown(grid, to)),
    }
}

/// Holes between partitions, which newest-first pieces have between the end of one and the beginning of the one before.
fn gaps(grid: &Grid, pieces: &[Piece]) -> Option<String> {
    let mut holes: Vec<_> = pieces
        .windows(2)
        .filter_map(|pair| match pair {
            [newer, older] if older.to < newer.from => Some((older.to, newer.from)),
            _ => None,
        })
        .collect();
    holes.reverse();
    let (from, to) = *holes.first()?;
    let first = format!("{} to {}", shown(grid, from), shown(grid, to));
    Some(match holes.len() {
        1 => format!("Nothing covers {first}: `plan` fills that, unless its time is over."),
        count => format!("There are {count} gaps, the first from {first}: `plan` fills those whose time is not over."),
    })
}

fn list(names: &[&TableName]) -> String {
    let shown: Vec<String> = names.iter().take(NAMED).map(|name| name.name.to_string()).collect();
    match (names.len().saturating_sub(NAMED), shown.split_last()) {
        (0, Some((last, first))) if !first.is_empty() => format!("{} and {last}", first.join(", ")),
        (0, _) => shown.concat(),
        (more, _) => format!("{} and {more} more", shown.join(", ")),
    }
}
