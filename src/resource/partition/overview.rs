//! A table in a line: what its policy asks, and how long inserts are safe.

use std::collections::BTreeSet;

use super::context::Context;
use crate::grid::{Bound, KeyValue};
use crate::plan::{Action, PartitionAction, Runway, Step, TableOverview};
use crate::policy::{Keep, Premake, Then, Width};

/// The table's line, with the runway now and once these steps are done.
pub(crate) fn overview(context: &Context<'_>, steps: &[Step]) -> TableOverview {
    let now: BTreeSet<(Bound, Bound)> =
        context.ranges.iter().filter_map(|range| bounded(context, range.from, range.to)).collect();
    let mut after = now.clone();
    for step in steps.iter().filter(|step| !step.gate.is_blocked()) {
        match &step.action {
            Action::Partition(PartitionAction::Create(create)) => {
                after.extend(bounded(context, Bound::Value(create.from), create.to));
            }
            Action::Partition(PartitionAction::Attach(attach)) => {
                after.insert((attach.retired.marker.from, attach.retired.marker.to));
            }
            Action::Partition(PartitionAction::Detach(detach)) => {
                after.remove(&(detach.leaving.from, detach.leaving.to));
            }
            Action::Partition(
                PartitionAction::CreateDefault(_)
                | PartitionAction::Finalize(_)
                | PartitionAction::Mark(_)
                | PartitionAction::Stamp(_)
                | PartitionAction::Drop(_),
            )
            | Action::Index(_)
            | Action::Storage(_)
            | Action::Maintenance(_)
            | Action::Limit(_)
            | Action::Setting(_) => {}
        }
    }
    TableOverview {
        table: context.name.clone(),
        policy: describe(context),
        partitions: u32::try_from(context.root.leaves.len()).unwrap_or(u32::MAX),
        runway: runway(context, &now),
        runway_after: runway(context, &after),
        default_rows: super::rows::overview(context),
    }
}

/// A range that runway may count on. What has no end takes the last keys of the key's type where it begins at the last
/// boundary, and is a catch-all elsewhere.
fn bounded(context: &Context<'_>, from: Bound, to: Bound) -> Option<(Bound, Bound)> {
    match (from, to) {
        (Bound::Value(_), Bound::Value(_)) => Some((from, to)),
        (Bound::Value(begin), Bound::MaxValue) => {
            let end = context.grid.end().filter(|end| begin >= end.from)?;
            end.last.map(|last| (from, Bound::Value(last)))
        }
        (Bound::MinValue | Bound::MaxValue, _) | (_, Bound::MinValue) => None,
    }
}

fn describe(context: &Context<'_>) -> String {
    let width = context.grid.width().to_string();
    let mut words = vec![format!("every {}", width.strip_prefix("1 ").unwrap_or(&width))];
    match context.table.retention {
        Some(retention) => {
            let keep = match retention.keep {
                Keep::Span(span) => span.to_string(),
                Keep::Keys(keys) => Width::Keys(keys).to_string(),
            };
            words.push(format!("keep {keep}"));
            match retention.then {
                Then::Detach => words.push("then detach".to_owned()),
                Then::Drop if retention.grace.is_zero() => words.push("drop at once".to_owned()),
                Then::Drop => words.push(format!("drop after {}", retention.grace)),
            }
        }
        None => words.push("keep everything".to_owned()),
    }
    match context.table.premake {
        Premake::Windows(count) => words.push(format!("premake {count}")),
        Premake::Span(span) => words.push(format!("premake {span}")),
    }
    words.join(", ")
}

/// Contract, section 3: from now to the first instant (from the highest id to the first) that no attached, bounded
/// partition covers.
fn runway(context: &Context<'_>, ranges: &BTreeSet<(Bound, Bound)>) -> Option<Runway> {
    let start = context.current()?;
    let mut reached = Bound::Value(start);
    let canonical = |bound: Bound| match bound {
        Bound::Value(value) => Bound::Value(context.grid.canonical(value)),
        Bound::MinValue | Bound::MaxValue => bound,
    };
    for &(from, to) in ranges {
        if canonical(from) <= canonical(reached) && to > reached {
            reached = to;
        }
    }
    let Bound::Value(end) = reached else { return None };
    if let (KeyValue::Int(start), KeyValue::Int(end), false) = (start, end, context.grid.tells_time()) {
        return Some(Runway::Keys { keys: end.saturating_sub(start) });
    }
    let seconds = if end == start { 0 } else { context.grid.instant(end)?.as_second() - context.now.as_second() };
    Some(Runway::Seconds(seconds.max(0)))
}
