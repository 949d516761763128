//! Existing partitions against their parent and the policy: at most two steps each, one that nobody waits for and one
//! that everybody does.

use std::collections::{BTreeMap, BTreeSet};

use super::identity::Beside;
use super::parameters::{parameters, to_set, unsupported};
use super::remarks::Remarks;
use crate::catalog::{Leaf, LeafKind, LeafStorage, Oid, Storage};
use crate::plan::{Action, AlterPartition, Alteration, Class, Code, Fact, Relation, Step, StorageAction};
use crate::resource::partition::{Context, Diff};
use crate::sql::TableName;

/// Steps that make partitions what new ones would be; `earlier` are the table's other steps that have an
/// effect: what may not leave stays.
pub(crate) fn diff(context: &Context<'_>, earlier: &[Step]) -> Diff {
    let mut result = Diff::default();
    let Some(storage) = context.root.storage.as_deref() else {
        let message = "how its partitions are stored was not read: they are not compared with it".to_owned();
        result.findings.push(context.finding(Code::PartitionUnverified, None, message));
        return result;
    };
    result.findings.extend(unsupported(context));
    let (wanted, mut remarks) = (parameters(context), Remarks::default());
    let leaves = staying(context, earlier);
    let mut steps: Vec<(bool, String, Step)> = Vec::new();
    for (oid, leaf) in &leaves {
        let (set, alter) = judge(context, storage, &wanted, (*oid, leaf), &mut remarks);
        let of_set = (!set.is_empty()).then(|| step(context, (*oid, leaf), set));
        if !alter.is_empty() {
            let mut step = step(context, (*oid, leaf), alter);
            let changes_owner = changes_owner(&step.action).is_some();
            // What the old owner does comes before there is a new one.
            step.needs.extend(of_set.iter().filter(|_| changes_owner).map(|set| set.id.clone()));
            step.hazards.extend(context.standby_hazard(&leaf.name));
            steps.push((true, words(&step), step));
        }
        steps.extend(of_set.map(|step| (false, words(&step), step)));
    }
    // Like ones beside each other, each kind in the order of its partitions.
    steps.sort_by(|(waits, words, _), (other_waits, other_words, _)| (waits, words).cmp(&(other_waits, other_words)));
    let mut counts: BTreeMap<(bool, String), usize> = BTreeMap::new();
    for (waits, words, _) in &steps {
        *counts.entry((*waits, words.clone())).or_default() += 1;
    }
    result.steps.extend(steps.into_iter().map(|(waits, words, mut step)| {
        let count = counts.get(&(waits, words)).copied().unwrap_or_default();
        step.note = (count > 1).then(|| format!("{count} of {} partitions", leaves.len()));
        step
    }));
    result.findings.extend(remarks.findings(context));
    result
}

/// Ordinary partitions that this plan does not remove, in the order of their bounds, the default last.
fn staying<'a>(context: &Context<'a>, earlier: &[Step]) -> Vec<(Oid, &'a Leaf)> {
    let leaving: BTreeSet<&TableName> =
        earlier.iter().filter(|step| step.action.removes()).filter_map(|step| step.action.partition()).collect();
    let ranges = context.ranges.iter().map(|range| (range.oid, range.leaf));
    let ordered: BTreeSet<Oid> = ranges.clone().map(|(oid, _)| oid).collect();
    let others = context.root.leaves.iter().filter(|(oid, _)| !ordered.contains(*oid)).map(|(oid, leaf)| (*oid, leaf));
    ranges
        .chain(others)
        .filter(|(_, leaf)| leaf.kind == LeafKind::Table && !leaf.pending && !leaving.contains(&leaf.name))
        .collect()
}

/// What is set while reads and writes go on, and what everybody waits for.
fn judge(
    context: &Context<'_>,
    storage: &Storage,
    wanted: &BTreeMap<String, String>,
    (oid, leaf): (Oid, &Leaf),
    remarks: &mut Remarks,
) -> (Vec<Alteration>, Vec<Alteration>) {
    let like_parent = LeafStorage::default();
    let stored = storage.leaves.get(&oid).unwrap_or(&like_parent);
    let parent = &context.root.attributes;
    let mut all = Vec::new();
    if leaf.owner != parent.owner {
        all.push(Alteration::Owner { from: leaf.owner.clone(), to: parent.owner.clone() });
    }
    all.extend(to_set(wanted, stored));
    if let Some(own) = stored.own.as_deref() {
        let inherits = context.table.inherit_privileges;
        all.extend(Beside { parent, columns: &storage.columns, leaf, own, inherits }.alterations(remarks));
    }
    if !context.table.inherit_privileges {
        let (privileges, others): (Vec<_>, Vec<_>) = all.into_iter().partition(Alteration::is_privilege);
        all = others;
        not_inherited(leaf, &privileges, remarks);
    }
    let with_guard = all.iter().any(|alteration| match alteration {
        Alteration::Owner { .. }
        | Alteration::Policy { .. }
        | Alteration::RowSecurity
        | Alteration::ForceRowSecurity => true,
        Alteration::Parameter { .. }
        | Alteration::StatisticsTarget { .. }
        | Alteration::Compression { .. }
        | Alteration::Storage { .. }
        | Alteration::ReplicaIdentity { .. }
        | Alteration::Grant { .. } => false,
    });
    // A privilege comes no sooner than the row security that narrows it, nor from an owner that is about to change.
    let (alter, set) = all
        .into_iter()
        .partition(|alteration| alteration.waits() || (with_guard && matches!(alteration, Alteration::Grant { .. })));
    (set, alter)
}

/// Who may do what with a partition is its own affair until the policy says otherwise: nothing becomes readable, or hidden,
/// because a table came under policy.
fn not_inherited(leaf: &Leaf, privileges: &[Alteration], remarks: &mut Remarks) {
    if !privileges.is_empty() {
        let words: Vec<String> = privileges.iter().map(ToString::to_string).collect();
        let message = format!(
            "not inherited from its parent: {}; access through the parent does not need it, `inherit_privileges: true` sets it",
            words.join(", ")
        );
        remarks.add(Code::PrivilegesNotInherited, &leaf.name, message);
    }
}

fn step(context: &Context<'_>, (oid, leaf): (Oid, &Leaf), alterations: Vec<Alteration>) -> Step {
    let is_parameter = |alteration: &Alteration| matches!(alteration, Alteration::Parameter { .. });
    let reason = match (alterations.iter().any(is_parameter), alterations.iter().all(is_parameter)) {
        (_, true) => "storage_parameters",
        (false, false) => "not like its parent",
        (true, false) => "storage_parameters, and not like its parent",
    };
    let partition = Relation { name: leaf.name.clone(), oid };
    let root = context.relation();
    let altered = Fact::Altered {
        root: root.clone(),
        partition: leaf.name.clone(),
        oid: Some(oid),
        alterations: alterations.clone(),
    };
    let alter = AlterPartition { root: root.clone(), partition, owner: leaf.owner.clone(), alterations };
    let relies = alter.relies_on_grants();
    let mut step = context.step(Action::Storage(StorageAction::Alter(alter)), Class::Drift, reason);
    step.before.push(Fact::Attached {
        root,
        partition: leaf.name.clone(),
        oid: Some(oid),
        bounds: leaf.bounds.clone(),
        pending: false,
    });
    step.before.extend(relies);
    step.after.push(altered);
    step
}

fn words(step: &Step) -> String {
    storage_action(&step.action).map(StorageAction::words).unwrap_or_default()
}

fn storage_action(action: &Action) -> Option<&StorageAction> {
    match action {
        Action::Storage(action) => Some(action),
        Action::Partition(_) | Action::Index(_) | Action::Maintenance(_) | Action::Limit(_) | Action::Setting(_) => {
            None
        }
    }
}

/// The partition whose owner an action changes: whatever works as its owner must come before, or in the next plan.
pub(crate) fn changes_owner(action: &Action) -> Option<&TableName> {
    let StorageAction::Alter(alter) = storage_action(action)?;
    alter.new_owner().map(|_| &alter.partition.name)
}
