//! Partitions that are over: nothing is written to them any more, by the clock or by the ids.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};

use crate::catalog::{Leaf, LeafKind, LeafUpkeep, Oid};
use crate::grid::{Bound, KeyValue};
use crate::plan::{Action, Fact, PartitionAction, Relation, Step};
use crate::policy::Width;
use crate::resource::partition::Context;
use crate::resource::storage::changes_owner;
use crate::sql::{Ident, TableName};

/// Rows come late: so long after its end a partition is taken for over, or one interval if that is shorter.
const LATE_ROWS: SignedDuration = SignedDuration::from_hours(24);

/// A partition that is over, and how it is kept.
#[derive(Clone, Copy)]
pub(super) struct Closed<'a> {
    pub(super) oid: Oid,
    pub(super) leaf: &'a Leaf,
    pub(super) from: Bound,
    pub(super) to: Bound,
    pub(super) kept: &'a LeafUpkeep,
    /// Since when; `None` among ids.
    pub(super) since: Option<Timestamp>,
}

/// The table's partitions that are over and stay, oldest first.
pub(super) fn closed<'a>(context: &Context<'a>, others: &[Step]) -> Vec<Closed<'a>> {
    let Some(upkeep) = context.root.upkeep.as_deref() else { return Vec::new() };
    // What gets another owner is kept by that one, from the next plan on.
    let changes_hands = |step: &Step| changes_owner(&step.action).is_some();
    let leaving = others.iter().filter(|step| step.action.removes() || changes_hands(step));
    let leaving: BTreeSet<&TableName> = leaving.filter_map(|step| step.action.partition()).collect();
    let stays =
        context.ranges.iter().filter(|range| range.leaf.kind == LeafKind::Table && !leaving.contains(&range.leaf.name));
    let over = stays.filter_map(|range| {
        let since = over_since(context, range.to)?;
        let kept = upkeep.leaves.get(&range.oid)?;
        Some(Closed { oid: range.oid, leaf: range.leaf, from: range.from, to: range.to, kept, since })
    });
    over.collect()
}

/// Since when what ends here is over: `None` where it is not, `Some(None)` among ids.
fn over_since(context: &Context<'_>, to: Bound) -> Option<Option<Timestamp>> {
    let Bound::Value(end) = to else { return None };
    match context.grid.width() {
        Width::Calendar(interval) => {
            let late = interval.approx().min(LATE_ROWS);
            let since = context.grid.instant(end)?.checked_add(late).ok()?;
            (since <= context.now).then_some(Some(since))
        }
        Width::Keys(step) => {
            // A whole window further on, by ids that are not far ahead of the others.
            let KeyValue::Int(reached) = context.cursor.reached? else { return None };
            let limit = KeyValue::Int(reached.checked_sub(step)?);
            (context.root.key.kind.holds(end) && end <= limit).then_some(None)
        }
    }
}

impl Closed<'_> {
    pub(super) fn relation(&self) -> Relation {
        Relation { name: self.leaf.name.clone(), oid: self.oid }
    }

    /// Who keeps it: its owner, or the session itself where that is allowed to and may not become the owner.
    pub(super) fn role(&self, context: &Context<'_>) -> Ident {
        keeper(context, &self.leaf.owner, self.kept.may_maintain)
    }

    pub(super) fn attached(&self, context: &Context<'_>) -> Fact {
        Fact::Attached {
            root: context.relation(),
            partition: self.leaf.name.clone(),
            oid: Some(self.oid),
            bounds: self.leaf.bounds.clone(),
            pending: false,
        }
    }
}

pub(super) fn keeper(context: &Context<'_>, owner: &Ident, may_maintain: bool) -> Ident {
    let session = &context.snapshot.catalog.session;
    let becomes = session.superuser || session.name == owner.as_str() || session.may_become.contains(owner);
    if may_maintain && !becomes { Ident::new(session.name.clone()) } else { owner.clone() }
}

/// Whether a step is a creation.
pub(super) fn creates(step: &Step) -> bool {
    match step.action {
        Action::Partition(
            PartitionAction::Create(_) | PartitionAction::CreateDefault(_) | PartitionAction::Attach(_),
        ) => true,
        Action::Partition(
            PartitionAction::Finalize(_)
            | PartitionAction::Mark(_)
            | PartitionAction::Detach(_)
            | PartitionAction::Stamp(_)
            | PartitionAction::Drop(_),
        )
        | Action::Index(_)
        | Action::Storage(_)
        | Action::Maintenance(_)
        | Action::Limit(_)
        | Action::Setting(_) => false,
    }
}
