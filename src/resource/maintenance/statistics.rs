//! The root's own statistics: autovacuum never gathers them.

use super::closed::{creates, keeper};
use super::diff::Around;
use crate::catalog::Upkeep;
use crate::grid::CalendarSpan;
use crate::plan::{Action, AnalyzeParent, Class, Code, Fact, MaintenanceAction, StepId};
use crate::resource::partition::{Context, Diff};
use crate::sql::LockMode;

/// Why the statistics are due, and the moment after which they will have been gathered.
enum Age {
    Never,
    /// Gathered then.
    At(jiff::Timestamp),
    /// The server has counted since then, and has not seen it.
    NotSince(jiff::Timestamp),
    /// The server has not counted for long enough to know.
    Unknown(String),
}

fn age(upkeep: &Upkeep) -> Age {
    match (upkeep.analyzed, upkeep.analyzed_at, upkeep.counted_since) {
        (false, _, _) => Age::Never,
        (true, Some(at), _) => Age::At(at),
        (true, None, Some(since)) => Age::NotSince(since),
        (true, None, None) => Age::Unknown("the server does not say since when it counts".to_owned()),
    }
}

pub(super) fn judge(
    context: &Context<'_>,
    upkeep: &Upkeep,
    every: CalendarSpan,
    around: &Around<'_>,
    result: &mut Diff,
) {
    // Of no partitions there are no statistics; of those that this plan makes there are.
    if context.root.leaves.values().all(|leaf| leaf.pending) && !around.planned.iter().any(creates) {
        return;
    }
    let zone = context.grid.zone();
    let due_at = |since| every.after(since, zone);
    let (due, note, after) = match age(upkeep) {
        Age::Never => (None, "never before".to_owned(), None),
        Age::At(at) => match due_at(at) {
            Some(due) if due <= context.now => (Some(due), format!("last at {at:.0}"), Some(at)),
            Some(_) | None => return,
        },
        Age::NotSince(since) => match due_at(since) {
            Some(due) if due <= context.now => (Some(due), format!("not since {since:.0}"), Some(since)),
            Some(due) => {
                let message = format!(
                    "how old its statistics are is unknown, because the server's counters begin at {since:.0}: \
                     it is analyzed at {due:.0}, unless that is seen before"
                );
                result.findings.push(context.finding(Code::MaintenanceUnknown, None, message));
                return;
            }
            None => return,
        },
        Age::Unknown(because) => {
            let message = format!("how old its statistics are is unknown, because {because}");
            result.findings.push(context.finding(Code::MaintenanceUnknown, None, message));
            return;
        }
    };
    let mut waits = |because: String| {
        let message = format!("its statistics are due ({note}), and wait: {because}");
        result.findings.push(context.finding(Code::MaintenancePostponed, None, message));
    };
    if let Some(mode) = upkeep.busy {
        return waits(format!("somebody holds {mode} on it, such as another ANALYZE"));
    }
    let only = context.snapshot.target.major() >= 18;
    // Without ONLY each partition is analyzed as well, and waits for whoever maintains it now.
    let mut leaves = upkeep.leaves.iter().filter_map(|(oid, kept)| Some((context.root.leaves.get(oid)?, kept.busy?)));
    if let Some((leaf, mode)) = leaves.find(|(_, mode)| !only && *mode > LockMode::RowExclusive) {
        return waits(format!("somebody holds {mode} on {}, which is analyzed along with it", leaf.name));
    }
    // It holds SHARE UPDATE EXCLUSIVE on the root, which ATTACH needs: partitions come first.
    let runs = |id: &StepId| around.planned.iter().any(|step| step.id == *id);
    let creations: Vec<&StepId> = around.whole.iter().filter(|step| creates(step)).map(|step| &step.id).collect();
    if let Some(id) = creations.iter().find(|id| !runs(id)) {
        waits(format!("`{id}` comes first, which it would keep waiting"));
        if let Some(finding) = result.findings.last_mut() {
            finding.hint = Some("`apply` makes what is missing".to_owned());
        }
        return;
    }
    let role = keeper(context, &context.root.attributes.owner, upkeep.may_maintain);
    let action =
        Action::Maintenance(MaintenanceAction::AnalyzeParent(AnalyzeParent { root: context.relation(), role, only }));
    let mut step = context.step(action, Class::Scheduled, "analyze_parent_every");
    step.note = Some(note);
    step.due_at = due;
    step.needs.extend(creations.into_iter().cloned());
    step.after.push(Fact::Analyzed { root: context.relation(), after });
    result.steps.push(step);
}
