//! Where a table's rows are written: what its premake counts from, and its retention.

use jiff::Timestamp;

use super::context::{Range, Subject};
use crate::catalog::{Answer, LeafKey, Oid, Question};
use crate::grid::{Bound, KeyValue};
use crate::policy::Premake;

/// By the clock both places are now. Among ids only the rows tell, and one absurd id must neither make retention remove
/// what is young nor leave the true rows without partitions: retention counts from the uppermost partition whose lower
/// neighbour has rows too (or the lowest with rows); premake from the uppermost with rows of all, if nothing but premade
/// windows lie between the two, or partitions without a gap: rows that were deleted leave such.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Cursor {
    /// Retention counts from here; `None` where there are no rows, or it is not known.
    pub(crate) reached: Option<KeyValue>,
    /// Premake counts from here; `None` where it is not known.
    pub(crate) current: Option<KeyValue>,
    /// The partition that has rows above windows without any.
    pub(crate) ahead: Option<(Oid, KeyValue)>,
    /// Why it is not known.
    pub(crate) unknown: Option<String>,
}

/// A partition with rows.
#[derive(Clone, Copy)]
struct Occupied<'a> {
    range: Range<'a>,
    key: Option<KeyValue>,
}

impl Occupied<'_> {
    /// The highest key, or one that is certainly not above it.
    fn at_least(self) -> Option<KeyValue> {
        self.key.or_else(|| self.range.from.value())
    }

    /// The highest key, or one that is certainly not below it.
    fn at_most(self) -> Option<KeyValue> {
        self.key.or_else(|| self.range.to.value()?.predecessor())
    }
}

impl Cursor {
    pub(super) fn find(subject: &Subject<'_>, ranges: &[Range<'_>], now: Timestamp) -> Self {
        if subject.grid.tells_time() {
            let now = subject.grid.value_at(now);
            return Self { reached: now, current: now, ..Self::default() };
        }
        match subject.snapshot.answers.get(&question(subject.root.oid)) {
            Answer::Keys(keys) => match occupied(ranges, &keys) {
                Ok(occupied) if occupied.is_empty() => Self { current: first(subject, ranges), ..Self::default() },
                Ok(occupied) => Self::among(subject, &occupied, ranges),
                Err(because) => Self { unknown: Some(because), ..Self::default() },
            },
            Answer::Unknown(because) => Self { unknown: Some(because), ..Self::default() },
            Answer::Leaf(_)
            | Answer::Rows(_)
            | Answer::Bytes(_)
            | Answer::DefaultKeys(_)
            | Answer::Shape(_)
            | Answer::Withheld(_)
            | Answer::Refused(_)
            | Answer::Bloat(_)
            | Answer::Spelling(_)
            | Answer::Found(_)
            | Answer::Taken(_) => Self { unknown: Some("an answer of another kind".to_owned()), ..Self::default() },
        }
    }

    fn among(subject: &Subject<'_>, occupied: &[Occupied<'_>], ranges: &[Range<'_>]) -> Self {
        let touches = |at: usize| occupied.get(at + 1).is_none_or(|lower| lower.range.to == occupied[at].range.from);
        let Some(at) = (0..occupied.len()).find(|at| touches(*at)) else { return Self::default() };
        let (reached, top) = (occupied[at], occupied[0]);
        let window = |value: Option<KeyValue>| value.and_then(|value| subject.grid.index_of(value));
        let premade = match subject.table.premake {
            Premake::Windows(count) => i64::from(count),
            Premake::Span(_) => 0,
        };
        let near = window(top.range.from.value())
            .zip(window(reached.at_least()))
            .is_some_and(|(top, reached)| top.saturating_sub(reached) <= premade);
        Self {
            reached: reached.at_least(),
            current: if near || is_contiguous(ranges, reached.range, top.range) {
                top.at_most()
            } else {
                reached.at_most()
            },
            ahead: (at > 0).then(|| top.at_least().map(|key| (top.range.oid, key))).flatten(),
            unknown: None,
        }
    }
}

/// Whether partitions cover all from one to another; `ranges` are sorted.
fn is_contiguous(ranges: &[Range<'_>], low: Range<'_>, high: Range<'_>) -> bool {
    let mut reached = low.to;
    for range in ranges {
        if range.from == reached {
            reached = range.to;
        }
    }
    reached >= high.to
}

/// What must be asked before the cursor is known.
pub(super) fn question(root: Oid) -> Question {
    Question::HighestKeys { root }
}

fn occupied<'a>(ranges: &[Range<'a>], keys: &[LeafKey]) -> Result<Vec<Occupied<'a>>, String> {
    let find = |LeafKey { leaf, key }: &LeafKey| {
        let range = ranges.iter().find(|range| range.oid == *leaf);
        range
            .map(|range| Occupied { range: *range, key: *key })
            .ok_or_else(|| format!("the partition of the highest key has OID {leaf}, which is not attached"))
    };
    keys.iter().map(find).collect()
}

/// Without any row: where the partitions start, else where the policy does, else at 0.
fn first(subject: &Subject<'_>, ranges: &[Range<'_>]) -> Option<KeyValue> {
    let lowest = ranges.iter().find_map(|range| match (range.from, range.to) {
        (Bound::Value(from), _) => Some(from),
        (Bound::MinValue, Bound::Value(to)) => Some(to),
        (Bound::MinValue | Bound::MaxValue, _) => None,
    });
    let start = subject.table.start.and_then(|start| subject.grid.value_of(start));
    lowest.or(start).or(Some(KeyValue::Int(0)))
}

/// So many keys below; `None` beyond the ids, and for what is no id.
pub(super) fn less(key: KeyValue, distance: i64) -> Option<KeyValue> {
    match key {
        KeyValue::Int(key) => key.checked_sub(distance).map(KeyValue::Int),
        KeyValue::Timestamptz(_) | KeyValue::Timestamp(_) | KeyValue::Date(_) | KeyValue::Uuid(_) => None,
    }
}
