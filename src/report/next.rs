//! When a table that matches its policy will next need a partition.

use jiff::Timestamp;

use crate::grid::{Grid, KeyKind};
use crate::plan::Plan;
use crate::policy::{Position, Premake, TableDesired, Width};
use crate::sql::TableName;

/// The earliest scheduled creation after this plan is carried out, by policy and runway, and its table.
///
/// Removals are not foreseen: a plan does not list the partitions that stay.
pub fn creation(plan: &Plan) -> Option<(Timestamp, &TableName)> {
    plan.tables
        .iter()
        .filter_map(|overview| {
            let table = plan.policy.tables.get(&overview.table)?;
            // How fast ids are used, nobody knows.
            let seconds = overview.runway_after?.seconds()?;
            let end = Timestamp::from_second(plan.evaluated_at.as_second().checked_add(seconds)?).ok()?;
            Some((due(table, end)?, &overview.table))
        })
        .filter(|(at, _)| *at > plan.evaluated_at)
        .min()
}

/// When the window that begins at `end`, where coverage ends, becomes wanted.
fn due(table: &TableDesired, end: Timestamp) -> Option<Timestamp> {
    // Boundaries are the same instants whatever the key's type: those of the policy's zone.
    let Width::Calendar(interval) = table.width else { return None };
    let anchor = match table.anchor {
        Some(Position::Civil(anchor)) => Some(anchor),
        Some(Position::Key(_)) | None => None,
    };
    let grid = Grid::new(KeyKind::Timestamptz, interval, table.zone(), anchor).ok()?;
    let next = grid.index_at(end)?;
    match table.premake {
        Premake::Windows(count) => {
            let window = grid.window(next.checked_sub(i64::from(count))?)?;
            grid.instant(window.from)
        }
        Premake::Span(span) => span.before(grid.instant(grid.window(next)?.from)?, grid.zone()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::PlanOptions;
    use crate::render::testing::{World, desired, events, now};

    fn next(partition: &str, until: &str) -> Option<String> {
        let mut world = World::new();
        world.table(&events());
        world.days(&events(), "2026-03-01", until);
        let yaml = format!("version: 1\ntables:\n  public.events:\n    partition: {{key: at, {partition}}}\n");
        let plan = world.plan(&desired(&yaml), &PlanOptions::at(now()));
        creation(&plan).map(|(at, _)| at.to_string())
    }

    #[test]
    fn the_next_creation_is_when_the_next_window_becomes_wanted() {
        // Whole windows: when the current one ends.
        assert_eq!(next("interval: 1 day, premake: 7", "2026-03-22").as_deref(), Some("2026-03-15T00:00:00Z"));
        // Partitions further ahead than the policy asks put it off.
        assert_eq!(next("interval: 1 day, premake: 7", "2026-04-01").as_deref(), Some("2026-03-25T00:00:00Z"));
        // Planned ones count as made.
        assert_eq!(next("interval: 1 day, premake: 2", "2026-03-15").as_deref(), Some("2026-03-15T00:00:00Z"));
        // A duration: when the window begins less than that from now.
        assert_eq!(next("interval: 1 day, premake: 10 days", "2026-04-01").as_deref(), Some("2026-03-22T00:00:00Z"));
        // Boundaries lie in the policy's zone.
        assert_eq!(
            next("interval: 1 day, premake: 2, timezone: Asia/Kolkata", "2026-04-01").as_deref(),
            Some("2026-03-29T18:30:00Z")
        );
    }
}
