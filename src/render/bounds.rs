//! Key values as people say them: on the clock of the table's zone, midnight left out.

use crate::grid::{Bound, Grid, KeyValue};

/// `2026-03-01`, or with the time where it is not midnight in the grid's zone; what is no time, as it is.
pub(crate) fn value(value: KeyValue, grid: &Grid) -> String {
    let Some(at) = grid.instant(value) else { return value.to_string() };
    let civil = at.to_zoned(grid.zone().time_zone().clone()).datetime();
    match (civil.hour(), civil.minute(), civil.second()) {
        (0, 0, 0) => civil.date().to_string(),
        (_, _, 0) => civil.strftime("%Y-%m-%d %H:%M").to_string(),
        _ => civil.strftime("%Y-%m-%d %H:%M:%S").to_string(),
    }
}

/// The same to the minute, for what is now and moves.
pub(crate) fn minute(at: KeyValue, grid: &Grid) -> String {
    let mut text = value(at, grid);
    if grid.instant(at).is_some() {
        text.truncate("2026-03-01 07:00".len());
    }
    text
}

/// The same of an end.
pub(crate) fn bound(bound: Bound, grid: &Grid) -> String {
    match bound {
        Bound::Value(at) => value(at, grid),
        Bound::MinValue | Bound::MaxValue => bound.to_string(),
    }
}
