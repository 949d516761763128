//! Rules that no plan may break, checked by code that does not make plans: on a fresh plan, and again on a loaded one.

use std::collections::BTreeSet;
use std::fmt;

use jiff::Timestamp;

use super::action::{Action, DetachMode, Relation};
use super::document::Plan;
use super::fact::{Fact, Stamp};
use super::gate::Gate;
use super::hazard::{Gating, HazardKind};
use super::step::{Step, StepId, Unit};
use crate::catalog::{Marker, Root, Snapshot, TableState};
use crate::grid::{Bound, Grid};
use crate::policy::{Desired, Keep, TableDesired, Then};
use crate::sql::TableName;

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
    if plan.policy_hash != desired.hash() || plan.policy != *desired {
        found.insert(Violation { step: None, rule: "it was made from another policy".to_owned() });
    }
    let mut earlier: BTreeSet<&StepId> = BTreeSet::new();
    for step in &plan.steps {
        let mut broken = Vec::new();
        if step.needs.iter().any(|need| !earlier.contains(need)) {
            broken.push("it needs a step that does not come before it".to_owned());
        }
        if !earlier.insert(&step.id) {
            broken.push("two steps share this id".to_owned());
        }
        shape(step, &mut broken);
        match judge(plan, desired, snapshot, step) {
            Ok(()) => {}
            Err(rule) => broken.push(rule),
        }
        found.extend(broken.into_iter().map(|rule| Violation { step: Some(step.id.clone()), rule }));
    }
    if found.is_empty() { Ok(()) } else { Err(found.into_iter().collect()) }
}

/// What holds of every step by itself.
fn shape(step: &Step, broken: &mut Vec<String>) {
    if step.id.0 != format!("{} {}", step.action.word(), step.action.partition()) {
        broken.push("its id does not name its action".to_owned());
    }
    if step.timeouts.statement.is_zero() {
        broken.push("it has no statement timeout".to_owned());
    }
    let concurrently =
        matches!(&step.action, Action::DetachPartition(detach) if detach.mode == DetachMode::Concurrently);
    if concurrently != (step.unit == Unit::Statement) || concurrently != step.timeouts.lock.is_zero() {
        broken.push("its unit or lock timeout does not fit its action".to_owned());
    }
    let must_say = match &step.action {
        Action::DetachPartition(_) => Some(HazardKind::DetachesData),
        Action::AttachPartition(_) => Some(HazardKind::AttachesData),
        Action::DropPartition(_) => Some(HazardKind::DeletesData),
        Action::CreatePartition(_)
        | Action::CreateDefault(_)
        | Action::FinalizeDetach(_)
        | Action::MarkPartition(_)
        | Action::StampPartition(_) => None,
    };
    if must_say.is_some_and(|kind| !step.hazards.iter().any(|hazard| hazard.kind == kind)) {
        broken.push("it hides a hazard of its action".to_owned());
    }
    let gated = step.hazards.iter().any(|hazard| hazard.kind.gating() == Gating::Always);
    if gated && step.gate == Gate::Open {
        broken.push("a hazard that needs a grant stands open".to_owned());
    }
}

/// What holds of a step in view of policy, catalog and clock.
fn judge(plan: &Plan, desired: &Desired, snapshot: &Snapshot, step: &Step) -> Result<(), String> {
    let table = desired.tables.get(&step.table).ok_or("its table is not in the policy")?;
    let Some(TableState::Partitioned(root)) = snapshot.catalog.tables.get(&step.table) else {
        return Err(format!("{} is no partitioned table", step.table));
    };
    let grid = table.grid(root.key.kind).map_err(|error| error.to_string())?;
    // The earlier of the two clocks: neither a plan from the future nor a lagging server makes anything older.
    let now = plan.evaluated_at.min(snapshot.taken_at);
    let own = Rules { name: &step.table, table, root, grid: &grid, desired, now, step };
    match &step.action {
        Action::CreatePartition(create) => {
            own.parent(&create.root)?;
            if create.from >= create.to { Err("its range is empty".to_owned()) } else { Ok(()) }
        }
        Action::CreateDefault(create) => own.parent(&create.root),
        Action::FinalizeDetach(leaving) => {
            own.parent(&leaving.root)?;
            own.states(
                |fact| matches!(fact, Fact::Attached { pending: true, oid, .. } if *oid == Some(leaving.partition.oid)),
            )
        }
        Action::MarkPartition(retiring) => {
            own.marker(&retiring.partition, &retiring.marker)?;
            own.may_leave(retiring.marker.from, retiring.marker.to)
        }
        Action::StampPartition(retiring) => own.marker(&retiring.partition, &retiring.marker),
        Action::DetachPartition(detach) => {
            let leaving = &detach.leaving;
            own.parent(&leaving.root)?;
            own.may_leave(leaving.from, leaving.to)?;
            own.states_marked(&leaving.partition)?;
            own.states(|fact| matches!(fact, Fact::Attached { pending: false, oid, .. } if *oid == Some(leaving.partition.oid)))
        }
        Action::AttachPartition(attach) => {
            own.parent(&attach.root)?;
            own.marker(&attach.retired.partition, &attach.retired.marker)?;
            own.states(|fact| matches!(fact, Fact::Marked { partition, .. } if *partition == attach.retired.partition))
        }
        Action::DropPartition(drop) => {
            let retired = &drop.retired;
            own.marker(&retired.partition, &retired.marker)?;
            own.may_leave(retired.marker.from, retired.marker.to)?;
            own.states_marked(&retired.partition)?;
            own.states(|fact| matches!(fact, Fact::Detached { partition } if *partition == retired.partition))?;
            own.grace_is_over(&retired.partition)
        }
    }
}

struct Rules<'a> {
    name: &'a TableName,
    table: &'a TableDesired,
    root: &'a Root,
    grid: &'a Grid,
    desired: &'a Desired,
    now: Timestamp,
    step: &'a Step,
}

impl Rules<'_> {
    fn parent(&self, root: &Relation) -> Result<(), String> {
        if root.name == *self.name && root.oid == self.root.oid {
            Ok(())
        } else {
            Err("its parent is another table".to_owned())
        }
    }

    fn marker(&self, partition: &Relation, marker: &Marker) -> Result<(), String> {
        let ours = marker.root == *self.name && marker.root_oid == self.root.oid && marker.oid == partition.oid;
        if ours && marker.detached_at.is_none() {
            Ok(())
        } else {
            Err("its marker is not that of its table".to_owned())
        }
    }

    fn states(&self, wanted: impl Fn(&Fact) -> bool) -> Result<(), String> {
        if self.step.before.iter().any(wanted) {
            Ok(())
        } else {
            Err("it leaves out a fact that must hold before".to_owned())
        }
    }

    /// Nothing leaves without a marker, and nothing that a comment holds.
    fn states_marked(&self, leaves: &Relation) -> Result<(), String> {
        self.states(|fact| matches!(fact, Fact::Marked { partition, .. } if partition == leaves))?;
        self.states(|fact| matches!(fact, Fact::NotHeld { partition, root } if partition == leaves && root.oid == self.root.oid))
    }

    /// Past its retention, by policy and clock, and not held.
    fn may_leave(&self, from: Bound, to: Bound) -> Result<(), String> {
        let retention = self.table.retention.ok_or("the policy has no retention for its table")?;
        let Bound::Value(end) = to else { return Err("an unbounded partition never leaves".to_owned()) };
        let Bound::Value(_) = from else { return Err("an unbounded partition never leaves".to_owned()) };
        let Keep::Span(keep) = retention.keep else { return Err("its retention is no time".to_owned()) };
        let edge = keep.before(self.now, self.grid.zone()).ok_or("its retention reaches beyond the calendar")?;
        if self.grid.instant(end).is_none_or(|end| end > edge) {
            return Err(format!("its rows are younger than {keep}"));
        }
        for (name, hold) in &self.desired.holds {
            let concerns = hold.tables.is_empty() || hold.tables.contains(self.name);
            let value = |at| self.grid.value_of_civil(at).map(Bound::Value);
            let begins = hold.from.and_then(value).unwrap_or(Bound::MinValue);
            let ends = hold.to.and_then(value).unwrap_or(Bound::MaxValue);
            if concerns && from < ends && begins < to {
                return Err(format!("hold `{name}` keeps it"));
            }
        }
        Ok(())
    }

    fn grace_is_over(&self, partition: &Relation) -> Result<(), String> {
        let retention = self.table.retention.ok_or("the policy has no retention for its table")?;
        if retention.then != Then::Drop {
            return Err("the policy drops nothing of its table".to_owned());
        }
        let over = self.step.before.iter().any(|fact| match fact {
            Fact::Marked { partition: marked, stamp: Stamp::At(at), .. } if marked == partition => {
                // Without grace the stamp may be younger than a saved plan that was stopped between the two.
                retention.grace.is_zero()
                    || retention.grace.after(*at, self.grid.zone()).is_some_and(|over| over <= self.now)
            }
            Fact::Marked { partition: marked, stamp: Stamp::Present, .. } if marked == partition => {
                retention.grace.is_zero()
            }
            Fact::Marked { .. }
            | Fact::Parent { .. }
            | Fact::NameFree { .. }
            | Fact::RangeFree { .. }
            | Fact::NoDefault { .. }
            | Fact::Attached { .. }
            | Fact::Detached { .. }
            | Fact::Left { .. }
            | Fact::NotHeld { .. }
            | Fact::Gone { .. } => false,
        });
        if over { Ok(()) } else { Err("its grace is not over".to_owned()) }
    }
}
