//! Steps of one wanted index, each complete.

use super::view::Seen;
use crate::catalog::{IndexShape, Leaf, LeafKind, Oid};
use crate::grid::LeafBounds;
use crate::plan::{
    Action, AlterIndex, AttachIndex, BuildIndex, BuildMode, Class, CreateIndex, DiscardIndex, Fact, Hazard, HazardKind,
    IndexAction, Kept, LooseIndex, Relation, Step, StepId, SwapIndex,
};
use crate::policy::IndexDesired;
use crate::resource::partition::Context;
use crate::sql::{Ident, TableName, server_time};

/// One index of the policy, and why it has steps.
pub(super) struct Wanted<'a> {
    pub(super) name: &'a Ident,
    pub(super) definition: &'a IndexDesired,
    pub(super) shape: IndexShape,
    pub(super) reason: String,
}

/// A partition that an index is built on.
pub(super) struct Place<'a> {
    pub(super) partition: &'a TableName,
    pub(super) oid: Option<Oid>,
    pub(super) owner: &'a Ident,
    pub(super) bounds: LeafBounds,
}

impl<'a> Place<'a> {
    pub(super) fn of(oid: Oid, leaf: &'a Leaf) -> Self {
        Self { partition: &leaf.name, oid: Some(oid), owner: &leaf.owner, bounds: leaf.bounds.clone() }
    }
}

impl Wanted<'_> {
    fn step(&self, context: &Context<'_>, action: Action) -> Step {
        context.step(action, Class::Drift, &self.reason)
    }

    fn there(
        &self,
        index: &TableName,
        table: &TableName,
        valid: Option<bool>,
        attached_to: Option<&TableName>,
    ) -> Fact {
        Fact::Index {
            index: index.clone(),
            table: table.clone(),
            valid,
            attached_to: attached_to.cloned(),
            shape: Some(Box::new(self.shape.clone())),
        }
    }

    /// The root's index, without those of its partitions.
    pub(super) fn create(&self, context: &Context<'_>, index: &TableName) -> Step {
        let mut step = self.step(
            context,
            Action::Index(IndexAction::Create(CreateIndex {
                root: context.relation(),
                owner: context.root.attributes.owner.clone(),
                index: index.clone(),
                wanted: self.name.clone(),
                definition: self.definition.clone(),
            })),
        );
        step.before.push(Fact::NameFree { name: index.clone() });
        step.after.push(self.there(index, context.name, None, None));
        step
    }

    pub(super) fn build(&self, context: &Context<'_>, place: &Place<'_>, index: &TableName, mode: BuildMode) -> Step {
        let detail = match &mode {
            BuildMode::Concurrently => {
                "built concurrently: reads and writes go on, old transactions are waited for".to_owned()
            }
            BuildMode::Plainly(because) => {
                let longer = server_time(context.desired.apply.statement_timeout);
                format!("built non-concurrently: {because}; concurrently, should that take longer than {longer}")
            }
        };
        let mut step = self.step(
            context,
            Action::Index(IndexAction::Build(BuildIndex {
                partition: place.partition.clone(),
                oid: place.oid,
                owner: place.owner.clone(),
                index: index.clone(),
                wanted: self.name.clone(),
                definition: self.definition.clone(),
                mode,
            })),
        );
        step.before.push(attached(context, place));
        step.before.push(Fact::NameFree { name: index.clone() });
        step.after.push(self.there(index, place.partition, Some(true), None));
        step.hazards.push(Hazard { kind: HazardKind::IndexBuild, object: place.partition.clone().into(), detail });
        step
    }

    pub(super) fn attach(&self, context: &Context<'_>, place: &Place<'_>, to: &TableName, index: &TableName) -> Step {
        let mut step = self.step(
            context,
            Action::Index(IndexAction::Attach(AttachIndex {
                root: context.relation(),
                owner: context.root.attributes.owner.clone(),
                to: to.clone(),
                partition: place.partition.clone(),
                index: index.clone(),
                wanted: self.name.clone(),
            })),
        );
        step.before.push(attached(context, place));
        step.before.push(Fact::Index {
            index: to.clone(),
            table: context.name.clone(),
            valid: None,
            attached_to: None,
            shape: None,
        });
        step.before.push(self.there(index, place.partition, Some(true), None));
        step.after.push(self.there(index, place.partition, Some(true), Some(to)));
        step
    }

    /// The same once more: the server looks at all partitions again, and the root's index is valid if each has its own
    /// (see [`super::again`]). Whether it became so is checked within the unit.
    pub(super) fn validate(&self, context: &Context<'_>, place: &Place<'_>, to: &TableName, index: &TableName) -> Step {
        let mut step = self.step(
            context,
            Action::Index(IndexAction::Validate(AttachIndex {
                root: context.relation(),
                owner: context.root.attributes.owner.clone(),
                to: to.clone(),
                partition: place.partition.clone(),
                index: index.clone(),
                wanted: self.name.clone(),
            })),
        );
        step.before.push(attached(context, place));
        step.before.push(self.there(index, place.partition, Some(true), Some(to)));
        step.after.push(self.there(to, context.name, Some(true), None));
        step
    }

    /// Gives a partition's index the policy's storage parameters, where they differ by meaning.
    pub(super) fn alter(
        &self,
        context: &Context<'_>,
        place: &Place<'_>,
        oid: Oid,
        seen: &Seen<'_>,
        to: Option<&TableName>,
        after: Option<StepId>,
    ) -> Option<Step> {
        let (set, reset) = self.shape.parameters_to_change(&seen.facts.shape.parameters, &self.definition.with);
        if set.is_empty() && reset.is_empty() {
            return None;
        }
        let LooseIndex { partition, owner, index, wanted } = self.loose(place, oid, seen);
        let is = |name: &str| seen.facts.shape.parameters.get(name).map_or("not set", String::as_str).to_owned();
        let all = set.iter().map(|(name, value)| format!("{name} {} instead of {value}", is(name)));
        let all: Vec<String> =
            all.chain(reset.iter().map(|name| format!("{name} {} instead of the default", is(name)))).collect();
        let action = AlterIndex { partition, owner, index: index.clone(), wanted, set, reset };
        let reason = format!("differs: {}", all.join("; "));
        let mut step = context.step(Action::Index(IndexAction::Alter(action.clone())), Class::Drift, &reason);
        step.needs.extend(after);
        step.before.push(attached(context, place));
        step.before.push(Fact::Index {
            index: index.name.clone(),
            table: place.partition.clone(),
            valid: None,
            attached_to: to.cloned(),
            shape: None,
        });
        step.after.push(Fact::IndexParameters { index, set: action.set, reset: action.reset });
        Some(step)
    }

    /// An index that an interruption left behind, and that nobody is building.
    pub(super) fn drop(&self, context: &Context<'_>, place: &Place<'_>, oid: Oid, seen: &Seen<'_>) -> Step {
        let loose = self.loose(place, oid, seen);
        let index = loose.index.clone();
        let mut step = self.step(context, Action::Index(IndexAction::Drop(loose)));
        step.before.push(attached(context, place));
        step.before.push(Fact::Index {
            index: index.name.clone(),
            table: place.partition.clone(),
            valid: Some(seen.facts.valid),
            attached_to: None,
            shape: None,
        });
        step.after.push(Fact::NoIndex { index: index.clone() });
        if seen.facts.valid {
            step.hazards.push(Hazard {
                kind: HazardKind::DropsIndex,
                object: place.partition.clone().into(),
                detail: format!("{} is valid, and named like what an interrupted REINDEX leaves", index.name),
            });
        }
        step
    }

    /// An attached index that is invalid: it cannot be dropped without its parent.
    pub(super) fn rebuild(
        &self,
        context: &Context<'_>,
        place: &Place<'_>,
        oid: Oid,
        seen: &Seen<'_>,
        to: &TableName,
    ) -> Step {
        let loose = self.loose(place, oid, seen);
        let index = loose.index.name.clone();
        let mut step = self.step(context, Action::Index(IndexAction::Rebuild(loose)));
        step.before.push(attached(context, place));
        step.before.push(Fact::Index {
            index: index.clone(),
            table: place.partition.clone(),
            valid: Some(false),
            attached_to: Some(to.clone()),
            shape: None,
        });
        step.after.push(self.there(&index, place.partition, Some(true), Some(to)));
        step.hazards.push(Hazard {
            kind: HazardKind::IndexBuild,
            object: place.partition.clone().into(),
            detail: "built anew concurrently: reads and writes go on, old transactions are waited for".to_owned(),
        });
        step
    }

    fn loose(&self, place: &Place<'_>, oid: Oid, seen: &Seen<'_>) -> LooseIndex {
        LooseIndex {
            partition: Relation { name: place.partition.clone(), oid },
            owner: place.owner.clone(),
            index: Relation { name: seen.facts.name.clone(), oid: seen.oid },
            wanted: self.name.clone(),
        }
    }

    /// The new definition takes the old one's name, and the old one goes.
    pub(super) fn swap(&self, context: &Context<'_>, old: &Seen<'_>, new: &TableName, keeps: Vec<Kept>) -> Step {
        let index = Relation { name: old.facts.name.clone(), oid: old.oid };
        let mut step = self.step(
            context,
            Action::Index(IndexAction::Swap(SwapIndex {
                root: context.relation(),
                owner: context.root.attributes.owner.clone(),
                old: index.clone(),
                new: new.clone(),
                wanted: self.name.clone(),
                keeps,
            })),
        );
        step.before.push(self.there(new, context.name, Some(true), None));
        step.after.push(Fact::NoIndex { index });
        step.after.push(self.there(&old.facts.name, context.name, Some(true), None));
        step.hazards.push(Hazard {
            kind: HazardKind::DropsIndex,
            object: context.name.clone().into(),
            detail: format!("{} as it was goes from every partition, each locked for a moment", old.facts.name),
        });
        step
    }

    /// A root's index that was begun to take another one's place.
    pub(super) fn discard(&self, context: &Context<'_>, begun: &Seen<'_>) -> Step {
        let index = Relation { name: begun.facts.name.clone(), oid: begun.oid };
        let action = DiscardIndex {
            root: context.relation(),
            owner: context.root.attributes.owner.clone(),
            index: index.clone(),
            wanted: self.name.clone(),
        };
        let reason = "begun for another definition, and invalid";
        let mut step = context.step(Action::Index(IndexAction::Discard(action)), Class::Drift, reason);
        step.before.push(Fact::Index {
            index: index.name.clone(),
            table: context.name.clone(),
            valid: Some(false),
            attached_to: None,
            shape: None,
        });
        step.after.push(Fact::NoIndex { index: index.clone() });
        step.hazards.push(Hazard {
            kind: HazardKind::DropsIndex,
            object: context.name.clone().into(),
            detail: format!("{} goes from every partition that has it, each locked for a moment", index.name),
        });
        step
    }
}

pub(super) fn attached(context: &Context<'_>, place: &Place<'_>) -> Fact {
    Fact::Attached {
        root: context.relation(),
        partition: place.partition.clone(),
        oid: place.oid,
        bounds: place.bounds.clone(),
        pending: false,
    }
}

/// Whether any partition is none that an index is built on: it keeps one of the root from becoming valid.
pub(super) fn odd(context: &Context<'_>) -> Option<String> {
    let mut leaves = context.root.leaves.values().filter(|leaf| !leaf.pending);
    let odd = leaves.find(|leaf| leaf.kind != LeafKind::Table)?;
    Some(match odd.kind {
        LeafKind::Foreign => format!("{} is a foreign table, which has no indexes", odd.name),
        LeafKind::Partitioned | LeafKind::Table => format!("{} is partitioned itself", odd.name),
    })
}
