//! Rules that no plan may break, checked by code that does not make plans: on a fresh plan, and again on a loaded one.

mod indexes;
mod limits;
mod maintenance;
mod rules;
mod settings;
mod storage;

use std::collections::BTreeSet;
use std::fmt;

use super::action::{Action, IndexAction, MaintenanceAction, PartitionAction, Relation, SettingAction, StorageAction};
use super::document::Plan;
use super::fact::Fact;
use super::gate::{Gate, GrantSource};
use super::hazard::{Gating, HazardKind};
use super::step::{Step, StepId, Unit};
use super::trust;
use crate::catalog::{Snapshot, TableState};
use crate::policy::Desired;
use crate::sql::loses_safety;
use rules::Rules;

/// A rule that a plan breaks. Such a plan is never applied.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Violation {
    /// The step that breaks it, if it is one.
    pub step: Option<StepId>,
    /// What is wrong.
    pub rule: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.step {
            Some(step) => write!(f, "step `{step}`: {}", self.rule),
            None => f.write_str(&self.rule),
        }
    }
}

/// Checks a plan against the policy and the catalog it is to be carried out on.
///
/// # Errors
/// Every rule that the plan breaks.
pub fn verify(plan: &Plan, desired: &Desired, snapshot: &Snapshot) -> Result<(), Vec<Violation>> {
    let mut found = BTreeSet::new();
    let mut of_plan = |broken: bool, rule: &str| {
        if broken {
            found.insert(Violation { step: None, rule: rule.to_owned() });
        }
    };
    of_plan(plan.policy_hash != desired.hash() || plan.policy != *desired, "it was made from another policy");
    of_plan(plan.applyable != plan.not_applyable_because.is_none(), "it says both that it may be applied and why not");
    of_plan(plan.applyable && plan.evaluated_at > snapshot.taken_at, "it was made ahead of the server's clock");
    let mut earlier: BTreeSet<&StepId> = BTreeSet::new();
    let mut blocked: BTreeSet<&StepId> = BTreeSet::new();
    for step in &plan.steps {
        let mut broken = Vec::new();
        if step.needs.iter().any(|need| !earlier.contains(need)) {
            broken.push("it needs a step that does not come before it".to_owned());
        }
        if !step.gate.is_blocked() && step.needs.iter().any(|need| blocked.contains(need)) {
            broken.push("it needs a step that is blocked".to_owned());
        }
        if step.gate.is_blocked() {
            blocked.insert(&step.id);
        }
        if !earlier.insert(&step.id) {
            broken.push("two steps share this id".to_owned());
        }
        if step.acts_as.as_ref().is_some_and(|who| {
            step.table.as_ref().is_none_or(|table| who.as_str() != snapshot.catalog.session_of(table).name)
        }) {
            broken.push("it works as another than the owner and the session".to_owned());
        }
        let says = step.hazards.iter().any(|hazard| hazard.kind == HazardKind::RunsOwnersCode);
        if !says && !trust::hazards(step, desired, snapshot).is_empty() {
            broken.push("it would run code of another role, and does not say so".to_owned());
        }
        if !says && !relies_on_nobody(step, snapshot) {
            broken.push("it leaves out a fact that must hold before".to_owned());
        }
        if step.timeouts.reach_workers != is_distributed(step, snapshot) {
            broken.push("its timeouts do not reach where its table's rows are".to_owned());
        }
        shape(step, &mut broken);
        gate(step, desired, snapshot, &mut broken);
        broken.extend(judge(plan, desired, snapshot, step).err());
        found.extend(broken.into_iter().map(|rule| Violation { step: Some(step.id.clone()), rule }));
    }
    if found.is_empty() { Ok(()) } else { Err(found.into_iter().collect()) }
}

/// Whether its table's rows are on the workers of a Citus cluster.
fn is_distributed(step: &Step, snapshot: &Snapshot) -> bool {
    step.table.as_ref().is_some_and(|table| match snapshot.catalog.tables.get(table) {
        Some(TableState::Partitioned(root)) => snapshot.catalog.is_distributed(root.oid),
        Some(TableState::Missing | TableState::Unfit(_)) | None => false,
    })
}

/// Whether a step that runs what hangs on its table as the session looks again, inside its unit, that nothing of others does.
fn relies_on_nobody(step: &Step, snapshot: &Snapshot) -> bool {
    let root = step.table.as_ref().and_then(|table| match snapshot.catalog.tables.get(table)? {
        TableState::Partitioned(root) => Some(Relation { name: table.clone(), oid: root.oid }),
        TableState::Missing | TableState::Unfit(_) => None,
    });
    root.and_then(|root| trust::relies_on(&step.action, &root)).is_none_or(|fact| step.before.contains(&fact))
}

/// What holds of every step by itself.
fn shape(step: &Step, broken: &mut Vec<String>) {
    if step.id.0 != format!("{} {}", step.action.word(), step.action.object()) {
        broken.push("its id does not name its action".to_owned());
    }
    if step.timeouts.statement.is_zero() {
        broken.push("it has no statement timeout".to_owned());
    }
    let unit = if step.action.stands_alone() { Unit::Statement } else { Unit::Transaction };
    if step.unit != unit || step.action.is_concurrent() != step.timeouts.lock.is_zero() {
        broken.push("its unit or lock timeout does not fit its action".to_owned());
    }
    let must_say = match &step.action {
        Action::Partition(PartitionAction::Detach(_)) => Some(HazardKind::DetachesData),
        Action::Partition(PartitionAction::Attach(_)) => Some(HazardKind::AttachesData),
        Action::Partition(PartitionAction::Drop(_)) => Some(HazardKind::DeletesData),
        Action::Index(IndexAction::Swap(_) | IndexAction::Discard(_)) => Some(HazardKind::DropsIndex),
        Action::Index(IndexAction::Build(_) | IndexAction::Rebuild(_))
        | Action::Maintenance(MaintenanceAction::Reindex(_)) => Some(HazardKind::IndexBuild),
        Action::Partition(
            PartitionAction::Create(_)
            | PartitionAction::CreateDefault(_)
            | PartitionAction::Finalize(_)
            | PartitionAction::Mark(_)
            | PartitionAction::Stamp(_),
        )
        | Action::Index(
            IndexAction::Create(_)
            | IndexAction::Attach(_)
            | IndexAction::Validate(_)
            | IndexAction::Alter(_)
            | IndexAction::Drop(_),
        )
        | Action::Storage(StorageAction::Alter(_))
        | Action::Maintenance(MaintenanceAction::AnalyzeParent(_) | MaintenanceAction::Vacuum(_)) => None,
        Action::Limit(limit) => limit.lowers().then_some(HazardKind::LimitsSessions),
        Action::Setting(setting) => setting.needs_restart().then_some(HazardKind::RestartRequired),
    };
    if must_say.is_some_and(|kind| !step.hazards.iter().any(|hazard| hazard.kind == kind)) {
        broken.push("it hides a hazard of its action".to_owned());
    }
    if let Action::Setting(SettingAction::Set(set)) = &step.action
        && loses_safety(&set.name, &set.to).is_some()
        && !step.hazards.iter().any(|hazard| hazard.kind == HazardKind::LosesSafety)
    {
        broken.push("it hides that safety is lost".to_owned());
    }
}

/// No hazard without a grant that fits it, and nothing at all where everything is blocked.
fn gate(step: &Step, desired: &Desired, snapshot: &Snapshot, broken: &mut Vec<String>) {
    let granted = match &step.gate {
        Gate::Blocked(_) => return,
        Gate::Open => &[][..],
        Gate::Granted(granted) => granted,
    };
    for hazard in step.hazards.iter().filter(|hazard| hazard.kind.gating() == Gating::Always) {
        let fits = granted.iter().any(|granted| {
            let grant = &granted.grant;
            let known = match granted.source {
                GrantSource::Policy => desired.apply.allow.contains(grant),
                GrantSource::Flag => true,
            };
            known && grant.hazard == hazard.kind && (grant.table.is_none() || grant.table == step.table)
        });
        if !fits {
            broken.push(format!("{} stands open without a grant", hazard.kind));
        }
    }
    let managed = match step.table.as_ref().and_then(|table| snapshot.catalog.tables.get(table)) {
        Some(TableState::Partitioned(root)) => root.partman.is_some(),
        Some(TableState::Missing | TableState::Unfit(_)) | None => false,
    };
    if managed {
        broken.push("pg_partman manages its table".to_owned());
    }
    if step.action.removes() && snapshot.clock_skew_ms.unsigned_abs() > super::gating::MAX_CLOCK_SKEW_MS {
        broken.push("it removes while the clocks disagree".to_owned());
    }
}

/// What holds of a step in view of policy, catalog and clock.
fn judge(plan: &Plan, desired: &Desired, snapshot: &Snapshot, step: &Step) -> Result<(), String> {
    let Some(name) = &step.table else {
        return match &step.action {
            Action::Setting(_) => settings::judge(desired, snapshot, step),
            Action::Partition(_)
            | Action::Index(_)
            | Action::Storage(_)
            | Action::Maintenance(_)
            | Action::Limit(_) => limits::judge(desired, snapshot, step),
        };
    };
    let table = desired.tables.get(name).ok_or("its table is not in the policy")?;
    let Some(TableState::Partitioned(root)) = snapshot.catalog.tables.get(name) else {
        return Err(format!("{name} is no partitioned table"));
    };
    let grid = table.grid(root.key.kind).map_err(|error| error.to_string())?;
    // The earlier of the two clocks: neither a plan from the future nor a lagging server makes anything older. A plan
    // for reading is judged by the clock it speaks of.
    let now = if plan.applyable { plan.evaluated_at.min(snapshot.taken_at) } else { plan.evaluated_at };
    let own = Rules { name, table, root, snapshot, grid: &grid, desired, now, step };
    own.states(|fact| matches!(fact, Fact::Parent { root } if own.is_root(root)))?;
    match &step.action {
        Action::Partition(PartitionAction::Create(create)) => own.creation(create),
        Action::Partition(PartitionAction::CreateDefault(create)) => own.default_creation(create),
        Action::Partition(PartitionAction::Finalize(leaving)) => own.finalize(leaving),
        Action::Partition(PartitionAction::Mark(retiring)) => own.mark(retiring),
        Action::Partition(PartitionAction::Stamp(retiring)) => own.stamp(retiring),
        Action::Partition(PartitionAction::Detach(detach)) => own.detach(detach),
        Action::Partition(PartitionAction::Attach(attach)) => own.attach(attach),
        Action::Partition(PartitionAction::Drop(drop)) => own.drop(&drop.retired),
        Action::Index(IndexAction::Create(create)) => own.create_index(create),
        Action::Index(IndexAction::Build(build)) => own.build_index(build),
        Action::Index(IndexAction::Attach(attach)) => own.attach_index(attach),
        Action::Index(IndexAction::Validate(attach)) => own.validate_index(attach),
        Action::Index(IndexAction::Alter(alter)) => own.alter_index(alter),
        Action::Index(IndexAction::Rebuild(loose)) => own.rebuild_index(loose),
        Action::Index(IndexAction::Drop(loose)) => own.drop_index(loose),
        Action::Index(IndexAction::Discard(discard)) => own.discard_index(discard),
        Action::Index(IndexAction::Swap(swap)) => own.swap_index(swap),
        Action::Storage(StorageAction::Alter(alter)) => own.alter_partition(alter),
        Action::Maintenance(MaintenanceAction::AnalyzeParent(analyze)) => own.analyze(plan, analyze),
        Action::Maintenance(MaintenanceAction::Vacuum(vacuum)) => own.vacuum(vacuum),
        Action::Maintenance(MaintenanceAction::Reindex(reindex)) => own.reindex(reindex),
        Action::Limit(_) | Action::Setting(_) => Err("a limit or a setting is no table's".to_owned()),
    }
}

#[cfg(test)]
mod tests;
