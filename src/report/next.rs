//! When a table that matches its policy will next need a partition.

use jiff::Timestamp;

use crate::grid::{Grid, KeyKind};
use crate::plan::Plan;
use crate::policy::{Premake, TableDesired};
use crate::sql::TableName;

/// The earliest scheduled creation after this plan is carried out, by policy and runway, and its table.
///
/// Removals are not foreseen: a plan does not list the partitions that stay.
pub fn creation(plan: &Plan) -> Option<(Timestamp, &TableName)> {
    plan.tables
        .iter()
        .filter_map(|overview| {
            let table = plan.policy.tables.get(&overview.table)?;
            let runway = overview.runway_after?;
            let end = Timestamp::from_second(plan.evaluated_at.as_second().checked_add(runway.seconds)?).ok()?;
            Some((due(table, end)?, &overview.table))
        })
        .filter(|(at, _)| *at > plan.evaluated_at)
        .min()
}

/// When the window that begins at `end`, where coverage ends, becomes wanted.
fn due(table: &TableDesired, end: Timestamp) -> Option<Timestamp> {
    // Boundaries are the same instants whatever the key's type: those of the policy's zone.
    let grid: Grid = table.grid(KeyKind::Timestamptz).ok()?;
    let next = grid.index_at(end)?;
    match table.premake {
        Premake::Windows(count) => {
            let window = grid.window(next.checked_sub(i64::from(count))?)?;
            grid.instant(window.from)
        }
        Premake::Span(span) => span.before(grid.instant(grid.window(next)?.from)?, grid.zone()),
    }
}
