//! Windows of ids: every so many keys, from an anchor. They tell no time.

use super::value::{KeyKind, KeyValue};
use super::zone::Zone;

/// See [`Grid`](super::Grid).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Keys {
    kind: KeyKind,
    step: i64,
    anchor: i64,
    zone: Zone,
}

impl Keys {
    /// `None` for a kind that is no integer, or a step that is not above 0.
    pub(super) fn new(kind: KeyKind, step: i64, anchor: i64) -> Option<Self> {
        (kind.integers().is_some() && step > 0).then(|| Self { kind, step, anchor, zone: Zone::utc() })
    }

    pub(super) fn kind(&self) -> KeyKind {
        self.kind
    }

    pub(super) fn step(&self) -> i64 {
        self.step
    }

    /// UTC: what a grace is counted in.
    pub(super) fn zone(&self) -> &Zone {
        &self.zone
    }

    pub(super) fn anchor(&self) -> i64 {
        self.anchor
    }

    /// The least and greatest index whose boundary the type can hold, or one beyond.
    pub(super) fn indices(&self) -> (i64, i64) {
        let (least, most) = self.kind.integers().unwrap_or_default();
        (self.floor(least).unwrap_or(i64::MIN), self.floor(most).unwrap_or(i64::MAX))
    }

    pub(super) fn index_of(&self, value: KeyValue) -> Option<i64> {
        let KeyValue::Int(key) = value else { return None };
        self.floor(key).filter(|_| self.kind.holds(value))
    }

    pub(super) fn boundary(&self, index: i64) -> Option<KeyValue> {
        let key = index.checked_mul(self.step)?.checked_add(self.anchor)?;
        Some(KeyValue::Int(key)).filter(|value| self.kind.holds(*value))
    }

    fn floor(&self, key: i64) -> Option<i64> {
        // The distance of two i64 may be no i64; with a step of 1 the index may be none either.
        i64::try_from((i128::from(key) - i128::from(self.anchor)).div_euclid(self.step.into())).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Bound, Fit, Grid};
    use super::*;

    fn grid(kind: KeyKind, step: i64, anchor: i64) -> Grid {
        Grid::keys(kind, step, anchor).unwrap()
    }

    #[test]
    fn windows_follow_each_other_on_both_sides_of_zero() {
        let grid = grid(KeyKind::BigInt, 1000, 1);
        for (key, from, to) in [(1, 1, 1001), (1000, 1, 1001), (1001, 1001, 2001), (0, -999, 1), (-999, -999, 1)] {
            let window = grid.window(grid.index_of(KeyValue::Int(key)).unwrap()).unwrap();
            assert_eq!((window.from, window.to), (KeyValue::Int(from), KeyValue::Int(to)), "{key}");
        }
        assert_eq!(grid.index_of(KeyValue::Date(1)), None);
        assert_eq!(grid.instant(KeyValue::Int(1)), None);
    }

    #[test]
    fn the_type_ends_without_overflow() {
        for (kind, least, most) in [
            (KeyKind::SmallInt, i64::from(i16::MIN), i64::from(i16::MAX)),
            (KeyKind::Integer, i32::MIN.into(), i32::MAX.into()),
            (KeyKind::BigInt, i64::MIN, i64::MAX),
        ] {
            for (step, anchor) in [(1, 0), (1000, 7), (i64::MAX, 0), (i64::MAX, i64::MIN), (1, i64::MAX)] {
                let grid = grid(kind, step, anchor);
                for index in [i64::MIN, i64::MAX] {
                    assert!(grid.window(index).is_none_or(|window| window.from < window.to));
                }
                for key in [least, -1, 0, 1, most] {
                    if let Some(window) = grid.index_of(KeyValue::Int(key)).and_then(|index| grid.window(index)) {
                        assert!(window.from <= KeyValue::Int(key) && KeyValue::Int(key) < window.to);
                        assert!(kind.holds(window.to));
                    }
                }
                let windows: Vec<_> = grid.windows_between(i64::MIN, i64::MAX).take(3).collect();
                assert!(windows.windows(2).all(|pair| pair[0].to == pair[1].from));
            }
        }
        assert_eq!(Grid::keys(KeyKind::BigInt, 0, 0).ok(), None);
        assert_eq!(Grid::keys(KeyKind::Uuid, 1, 0).ok(), None);
    }

    #[test]
    fn fits_are_told_as_on_the_calendar() {
        let grid = grid(KeyKind::Integer, 100, 0);
        let fit = |from, to| grid.classify(Bound::Value(KeyValue::Int(from)), Bound::Value(KeyValue::Int(to)));
        assert_eq!(fit(0, 100), Fit::Exact(0));
        assert_eq!(fit(-200, 100), Fit::Span { first: -2, last: 0 });
        assert_eq!(fit(150, 200), Fit::Part(1));
        assert_eq!(fit(150, 250), Fit::Straddling);
        assert_eq!(grid.classify(Bound::MinValue, Bound::Value(KeyValue::Int(0))), Fit::Unbounded);
    }
}
