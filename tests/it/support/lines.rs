//! A plan in a line a step: what scenario goldens hold.

use std::fmt::Write as _;

use pgstrata::plan::{Action, DetachMode, Gate, PartitionAction, Plan};

/// One line for each step, then one for each finding. A lane shows where there is more than one.
pub(crate) fn lines(plan: &Plan) -> String {
    let mut text = String::new();
    for step in &plan.steps {
        let gate = match &step.gate {
            Gate::Open => String::new(),
            Gate::Granted(by) => {
                format!(" granted: {}", by.iter().map(|by| by.grant.to_string()).collect::<Vec<_>>().join(", "))
            }
            Gate::Blocked(blocks) => {
                format!(" BLOCKED: {}", blocks.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))
            }
        };
        let hazards: Vec<String> =
            step.hazards.iter().map(|hazard| format!(" !{}@{}", hazard.kind, hazard.object)).collect();
        let mut word = String::new();
        if let Action::Partition(PartitionAction::Detach(detach)) = &step.action
            && let DetachMode::Blocking(because) = &detach.mode
        {
            let _ = write!(word, " blocking: {because};");
        }
        if let Action::Storage(action) = &step.action {
            let _ = write!(word, " {};", action.words());
        }
        if let Some(note) = &step.note {
            let _ = write!(word, " {note};");
        }
        if step.lane > 0 {
            let _ = write!(word, " lane {};", step.lane);
        }
        let (class, hazards) = (step.class.word(), hazards.concat());
        let _ = writeln!(text, "{} [{class}: {}]{word}{hazards}{gate}", step.id, step.reason);
    }
    for finding in &plan.findings {
        let code = serde_json::to_value(finding.code).unwrap();
        let of = finding.object.as_ref().map(ToString::to_string);
        let object = of.or_else(|| finding.table.as_ref().map(ToString::to_string)).unwrap_or_default();
        let _ = writeln!(text, "? {} {object}: {}", code.as_str().unwrap(), finding.message);
    }
    text
}
