//! How an existing partition's bounds relate to the grid: the catalog decides what a partition is, never its name.

use serde::{Deserialize, Serialize};

use super::bound::Bound;
use super::window::Grid;

/// What a leaf's bounds are on a grid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fit {
    /// One whole window.
    Exact(i64),
    /// Inside one window, and not all of it: a bridge.
    Part(i64),
    /// Several whole windows: an older, wider interval.
    Span {
        /// The first window inside.
        first: i64,
        /// The last window inside.
        last: i64,
    },
    /// Fits no window: it crosses a boundary and at least one end is off the grid, or is not of the grid's kind or
    /// calendar.
    Straddling,
    /// `MINVALUE` or `MAXVALUE` on either side.
    Unbounded,
}

impl Grid {
    /// What a leaf with these bounds is on this grid.
    ///
    /// ```
    /// use pgstrata::grid::{Bound, Fit, Grid, KeyKind, KeyValue, Zone};
    /// let grid = Grid::new(KeyKind::Date, "1 month".parse()?, Zone::utc(), None)?;
    /// let day = |text| KeyValue::parse(KeyKind::Date, text).map(Bound::Value);
    /// assert_eq!(grid.classify(day("2000-01-01")?, day("2000-02-01")?), Fit::Exact(0));
    /// assert_eq!(grid.classify(day("2000-01-10")?, day("2000-02-01")?), Fit::Part(0));
    /// assert_eq!(grid.classify(day("2000-01-01")?, day("2000-04-01")?), Fit::Span { first: 0, last: 2 });
    /// assert_eq!(grid.classify(day("2000-01-10")?, day("2000-03-01")?), Fit::Straddling);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn classify(&self, from: Bound, to: Bound) -> Fit {
        let (Bound::Value(from), Bound::Value(to)) = (from, to) else { return Fit::Unbounded };
        let (from, to) = (self.canonical(from), self.canonical(to));
        // PostgreSQL refuses empty ranges; a snapshot read from a file may still hold one.
        if from >= to {
            return Fit::Straddling;
        }
        let ends = (self.index_of(from), to.predecessor().and_then(|inside| self.index_of(inside)));
        let (Some(first), Some(last)) = ends else { return Fit::Straddling };
        let (Some(head), Some(tail)) = (self.window(first), self.window(last)) else { return Fit::Straddling };
        match (head.from == from && tail.to == to, first == last) {
            (true, true) => Fit::Exact(first),
            (true, false) => Fit::Span { first, last },
            (false, true) => Fit::Part(first),
            (false, false) => Fit::Straddling,
        }
    }

    /// Whether bounds lie off the grid: retention leaves such a partition alone unless the policy says otherwise. One that
    /// is open below ends on a boundary, or does not.
    pub fn is_off_grid(&self, from: Bound, to: Bound) -> bool {
        match (from, to) {
            (Bound::MinValue, Bound::Value(to)) => !self.is_boundary(self.canonical(to)),
            (Bound::Value(_), _)
            | (Bound::MinValue | Bound::MaxValue, Bound::MinValue | Bound::MaxValue)
            | (Bound::MaxValue, Bound::Value(_)) => self.classify(from, to) == Fit::Straddling,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{KeyKind, KeyValue, LeafBounds, Zone};
    use super::*;

    fn fit(grid: &Grid, from: &str, to: &str) -> Fit {
        match LeafBounds::parse(grid.kind(), &format!("FOR VALUES FROM ({from}) TO ({to})")) {
            LeafBounds::Range { from, to } => grid.classify(from, to),
            other @ (LeafBounds::Default | LeafBounds::Other(_)) => panic!("{other}"),
        }
    }

    #[test]
    fn local_midnights_are_the_grid_and_utc_ones_are_not() {
        let zone: Zone = "Europe/Berlin".parse().unwrap();
        let grid = Grid::new(KeyKind::Timestamptz, "1 day".parse().unwrap(), zone, None).unwrap();
        let day = grid.index_at("2026-03-29T12:00:00Z".parse().unwrap()).unwrap();
        for (from, to, expected) in [
            ("'2026-03-28 23:00:00+00'", "'2026-03-29 22:00:00+00'", Fit::Exact(day)),
            ("'2026-03-28 23:00:00+00'", "'2026-03-29 23:00:00+00'", Fit::Straddling),
            ("'2026-03-29 00:00:00+00'", "'2026-03-30 00:00:00+00'", Fit::Straddling),
            ("'2026-03-29 00:00:00+00'", "'2026-03-29 22:00:00+00'", Fit::Part(day)),
            ("'2026-03-28 23:00:00+00'", "'2026-03-29 12:00:00+00'", Fit::Part(day)),
            ("'2026-03-29 01:00:00+00'", "'2026-03-29 12:00:00+00'", Fit::Part(day)),
            ("'2026-03-27 23:00:00+00'", "'2026-03-30 22:00:00+00'", Fit::Span { first: day - 1, last: day + 1 }),
            ("'2026-03-27 23:00:00+00'", "'2026-03-30 21:00:00+00'", Fit::Straddling),
            ("MINVALUE", "'2026-03-29 22:00:00+00'", Fit::Unbounded),
            ("'2026-03-28 23:00:00+00'", "MAXVALUE", Fit::Unbounded),
            ("MINVALUE", "MAXVALUE", Fit::Unbounded),
            ("'2026-03-29 22:00:00+00'", "'2026-03-28 23:00:00+00'", Fit::Straddling),
        ] {
            assert_eq!(fit(&grid, from, to), expected, "{from} {to}");
        }
    }

    #[test]
    fn another_kind_or_an_end_off_the_calendar_fits_nothing() {
        let grid = Grid::new(KeyKind::Date, "1 day".parse().unwrap(), Zone::utc(), None).unwrap();
        let classify = |from, to| grid.classify(Bound::Value(from), Bound::Value(to));
        assert_eq!(classify(KeyValue::Date(0), KeyValue::Timestamp(0)), Fit::Straddling);
        assert_eq!(classify(KeyValue::Timestamp(0), KeyValue::Timestamp(1)), Fit::Straddling);
        assert_eq!(classify(KeyValue::Date(i32::MIN), KeyValue::Date(0)), Fit::Straddling);
        assert_eq!(classify(KeyValue::Date(0), KeyValue::Date(i32::MAX)), Fit::Straddling);
    }
}
