//! Whether all that a policy wants is so: the one place that decides what "matches", "No drift" and the exit codes say.

use std::collections::{BTreeMap, BTreeSet};

use super::items::Kind;
use crate::plan::{Class, Finding, Plan, Scope, Unmet};
use crate::render::changes_by_class;
use crate::sql::TableName;

/// What a plan says of the policy's wants: by its steps, and by findings that no step stands for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Standing<'a> {
    /// Pending changes of each class; a partition that leaves is one change.
    pub changes: BTreeMap<Class, usize>,
    /// Differences that no step of ours ends, and that something could end: a person, a grant, a later run.
    pub differences: Vec<&'a Finding>,
    /// Scheduled work that waits for something.
    pub later: Vec<&'a Finding>,
    /// What cannot be as the policy says.
    pub impossible: Vec<&'a Finding>,
    /// What could not be checked.
    pub unjudged: Vec<&'a Finding>,
    /// What may be as the policy says, or not.
    pub unverified: Vec<&'a Finding>,
}

impl<'a> Standing<'a> {
    /// What a plan says.
    pub fn of(plan: &'a Plan) -> Self {
        let mut standing = Self { changes: changes_by_class(plan), ..Self::default() };
        for finding in &plan.findings {
            match finding.code.unmet() {
                Unmet::No => {}
                Unmet::Unverified => standing.unverified.push(finding),
                Unmet::Later => standing.later.push(finding),
                Unmet::Drift => standing.differences.push(finding),
                Unmet::Error => standing.impossible.push(finding),
                Unmet::Unjudged => standing.unjudged.push(finding),
            }
        }
        standing
    }

    /// Whether everything wanted is so, but for what is unverified.
    pub fn is_met(&self) -> bool {
        let Self { changes, differences, later, impossible, unjudged, unverified: _ } = self;
        let no_findings = [differences, later, impossible, unjudged].into_iter().all(|findings| findings.is_empty());
        no_findings && changes.values().all(|count| *count == 0)
    }

    /// What is pending of each class, by steps and by findings.
    pub fn by_class(&self) -> BTreeMap<Class, usize> {
        let mut all = self.changes.clone();
        for class in self.differences.iter().chain(&self.later).filter_map(|finding| finding.code.unmet().class()) {
            *all.entry(class).or_default() += 1;
        }
        all
    }

    /// Tables of which something wanted is not so by a finding.
    pub(crate) fn tables(&self) -> BTreeSet<&'a TableName> {
        let Self { changes: _, differences, later, impossible, unjudged, unverified: _ } = self;
        let all = [differences, later, impossible, unjudged].into_iter().flatten();
        all.filter_map(|finding| finding.table.as_ref()).collect()
    }

    /// Differences that no step of ours ends, whenever they end.
    pub(crate) fn beyond_steps(&self) -> usize {
        self.differences.len() + self.later.len()
    }
}

/// Whether a run of this scope is about such things.
pub fn concerns(scope: Scope, kind: Kind) -> bool {
    match scope {
        Scope::All => true,
        Scope::Creations => matches!(kind, Kind::PartitionMissing | Kind::DefaultPartitionMissing),
        Scope::Removals => kind.is_retention() || matches!(kind, Kind::DetachUnfinished | Kind::DetachUnrecorded),
        Scope::Maintenance => kind == Kind::MaintenanceDue,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::{Code, Level, PlanOptions};
    use crate::render::testing::{EVENTS, World, desired, events, now};

    fn finding(code: Code) -> Finding {
        Finding { table: None, code, object: None, message: "as it is".to_owned(), hint: None }
    }

    #[test]
    fn each_finding_that_means_unmet_keeps_a_plan_from_matching() {
        let mut world = World::new();
        world.table(&events());
        world.days(&events(), "2026-03-01", "2026-03-22");
        let mut plan = world.plan(&desired(EVENTS), &PlanOptions::at(now()));
        plan.findings.clear();
        assert!(Standing::of(&plan).is_met());
        for (code, is_met) in [
            (Code::Held, true),
            (Code::IndexUnverified, true),
            (Code::MaintenancePostponed, false),
            (Code::IndexBuilding, false),
            (Code::IndexNotPossible, false),
            (Code::IndexDiffers, false),
            (Code::SettingDiffers, false),
            (Code::LimitRefused, false),
            (Code::NoNameLeft, false),
            (Code::TableMissing, false),
        ] {
            plan.findings = vec![finding(code)];
            assert_eq!(Standing::of(&plan).is_met(), is_met, "{code:?}");
            let fails = code.level() == Level::Error;
            assert_eq!(fails, matches!(code.unmet(), Unmet::Error | Unmet::Unjudged), "{code:?}");
        }
    }
}
