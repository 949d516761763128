//! A plan with one line a step and a finding: what tests compare.

use std::fmt::Write;

use crate::grid::{Bound, KeyValue};
use crate::plan::{Action, DetachMode, Gate, HazardKind, MaintenanceAction, PartitionAction, Plan, Runway, Step};

/// Every step, every finding, and the runway.
///
/// ```text
/// + public.events_p20260321 [2026-03-21, 2026-03-22) scheduled: premake
/// - mark public.events_20251213 [2025-12-13, 2025-12-14) scheduled: retention
/// ? public.events HELD public.events_20251212: its time is over, and it stays: held by `x`
/// = public.events runway 500000 -> 600000
/// ```
pub fn lines(plan: &Plan) -> String {
    let mut text = String::new();
    for step in &plan.steps {
        text.push_str(&line(step));
        text.push('\n');
    }
    text.push_str(&findings(plan));
    for table in &plan.tables {
        let runway = |runway: Option<Runway>| runway.map_or_else(|| "none".to_owned(), crate::render::runway);
        let (now, after) = (runway(table.runway), runway(table.runway_after));
        let shown = if now == after { now } else { format!("{now} -> {after}") };
        let _ = writeln!(text, "= {} runway {shown}", table.table);
    }
    if let Some(because) = &plan.not_applyable_because {
        let _ = writeln!(text, "! {because}");
    }
    text
}

/// The findings alone.
pub fn findings(plan: &Plan) -> String {
    let mut text = String::new();
    for finding in &plan.findings {
        let table = finding.table.as_ref().map_or_else(|| "*".to_owned(), ToString::to_string);
        let code = serde_json::to_value(finding.code).ok();
        let code = code.as_ref().and_then(|code| code.as_str()).unwrap_or_default();
        let _ = write!(text, "? {table} {code}");
        if let Some(object) = &finding.object {
            let _ = write!(text, " {object}");
        }
        let _ = writeln!(text, ": {}", finding.message);
    }
    text
}

/// One step: what, where, why, and whether it may run.
pub fn line(step: &Step) -> String {
    let (word, range) = match &step.action {
        Action::Index(_) | Action::Maintenance(MaintenanceAction::Reindex(_)) => {
            (step.action.word(), step.action.partition().map(|table| format!("on {table}")).unwrap_or_default())
        }
        Action::Limit(action) => (step.action.word(), action.verb().to_owned()),
        Action::Setting(action) => (step.action.word(), action.verb().to_owned()),
        Action::Storage(action) => (step.action.word(), format!("[{}]", action.words())),
        Action::Partition(PartitionAction::Create(create)) => ("+", range(Bound::Value(create.from), create.to)),
        Action::Partition(PartitionAction::CreateDefault(_)) => ("+", "[default]".to_owned()),
        Action::Partition(PartitionAction::Finalize(leaving)) => ("- finalize", range(leaving.from, leaving.to)),
        Action::Partition(PartitionAction::Mark(retiring)) => {
            ("- mark", range(retiring.marker.from, retiring.marker.to))
        }
        Action::Partition(PartitionAction::Detach(detach)) => {
            let word = match detach.mode {
                DetachMode::Concurrently => "- detach concurrently",
                DetachMode::Blocking(_) => "- detach",
            };
            (word, range(detach.leaving.from, detach.leaving.to))
        }
        Action::Partition(PartitionAction::Stamp(retiring)) => {
            ("- stamp", range(retiring.marker.from, retiring.marker.to))
        }
        Action::Partition(PartitionAction::Attach(attach)) => {
            ("~ attach", range(attach.retired.marker.from, attach.retired.marker.to))
        }
        Action::Maintenance(MaintenanceAction::AnalyzeParent(analyze)) => {
            (step.action.word(), if analyze.only { "[only]" } else { "[all]" }.to_owned())
        }
        Action::Maintenance(MaintenanceAction::Vacuum(vacuum)) => (step.action.word(), range(vacuum.from, vacuum.to)),
        Action::Partition(PartitionAction::Drop(drop)) => {
            ("- drop", range(drop.retired.marker.from, drop.retired.marker.to))
        }
    };
    let mut text = format!("{word} {} {range} {}: {}", step.action.object(), step.class.word(), step.reason);
    if let Some(note) = &step.note {
        let _ = write!(text, " ({note})");
    }
    let plain = [HazardKind::DetachesData, HazardKind::AttachesData, HazardKind::DeletesData];
    let mut hazards: Vec<&str> = step
        .hazards
        .iter()
        .map(|hazard| hazard.kind)
        .filter(|kind| !plain.contains(kind))
        .map(HazardKind::code)
        .collect();
    hazards.dedup();
    if !hazards.is_empty() {
        let _ = write!(text, " !{}", hazards.join(","));
    }
    if !step.needs.is_empty() {
        let needs: Vec<&str> = step.needs.iter().map(|id| id.0.as_str()).collect();
        let _ = write!(text, " needs {}", needs.join(", "));
    }
    match &step.gate {
        Gate::Open => {}
        Gate::Granted(granted) => {
            let granted: Vec<String> =
                granted.iter().map(|granted| format!("{} by {:?}", granted.grant, granted.source)).collect();
            let _ = write!(text, " | granted {}", granted.join(", "));
        }
        Gate::Blocked(blocks) => {
            let blocks: Vec<String> = blocks.iter().map(ToString::to_string).collect();
            let _ = write!(text, " | BLOCKED {}", blocks.join("; "));
        }
    }
    text
}

fn range(from: Bound, to: Bound) -> String {
    format!("[{}, {})", short(from), short(to))
}

/// A bound without what every bound has: midnight, and the offset of UTC.
fn short(bound: Bound) -> String {
    let text = match bound {
        Bound::Value(KeyValue::Int(_) | KeyValue::Uuid(_)) => return bound.to_string(),
        Bound::Value(value @ (KeyValue::Timestamptz(_) | KeyValue::Timestamp(_) | KeyValue::Date(_))) => {
            value.to_string()
        }
        Bound::MinValue | Bound::MaxValue => bound.to_string(),
    };
    let text = text.trim_end_matches("+00");
    text.trim_end_matches(" 00:00:00").trim_end_matches(":00").to_owned()
}
