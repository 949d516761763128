//! What interrupted builds left behind, of partitions and of the root.

use super::diff::Target;
use super::names::{is_left_by_reindex, leaf_index_name, successor_names};
use super::steps::{Place, Wanted};
use super::view::{Seen, View};
use crate::catalog::{Leaf, Oid};
use crate::plan::Step;
use crate::resource::partition::Context;
use crate::sql::TableName;

impl Wanted<'_> {
    /// Leftovers of this index on a partition, as steps; their names are free afterwards. `own` is the index that the
    /// partition has.
    pub(super) fn leftovers(
        &self,
        context: &Context<'_>,
        view: &View<'_>,
        place: &Place<'_>,
        leaf: Oid,
        own: Option<&Seen<'_>>,
    ) -> Vec<(Step, TableName)> {
        let planned = leaf_index_name(context, place.partition, self.name);
        let is_ours = |seen: &&Seen<'_>| {
            let facts = seen.facts;
            let like = seen.is_like(&self.shape);
            let reindexed = |of: &TableName| is_left_by_reindex(facts.name.name.as_str(), of.name.as_str());
            let of_reindex = like && own.is_some_and(|own| reindexed(&own.facts.name));
            let another = own.is_none_or(|own| own.oid != seen.oid);
            let left = match facts.valid {
                false => like || own.is_none() && facts.name == planned,
                // A valid one is taken for a leftover by its name alone, and needs a grant.
                true => of_reindex && own.is_some_and(|own| own.facts.valid),
            };
            another && left && !facts.building && !facts.constraint && !facts.in_use
        };
        let found = view.loose(leaf).filter(is_ours);
        found
            .map(|seen| {
                let mut step = self.drop(context, place, leaf, seen);
                if own.is_some() {
                    "left behind by an interrupted build".clone_into(&mut step.reason);
                }
                (step, seen.facts.name.clone())
            })
            .collect()
    }

    /// What was begun to take the place of an index and is wanted no more, because the policy changed back, or again.
    pub(super) fn discards(&self, context: &Context<'_>, view: &View<'_>, target: &Target<'_>) -> Vec<Step> {
        let wanted = TableName { schema: context.name.schema.clone(), name: self.name.clone() };
        let names = successor_names(&wanted);
        let kept = target.existing.as_ref().map(|seen| seen.oid);
        let begun = view.of_root.iter().filter(|seen| {
            let facts = seen.facts;
            let children = || view.of_leaf.values().flatten().filter(|child| child.facts.parent == Some(seen.oid));
            let in_use = |seen: &Seen<'_>| seen.facts.constraint || seen.facts.in_use || seen.facts.building;
            // A valid one may be somebody's own; what is half-made under this name is ours.
            Some(seen.oid) != kept
                && !facts.valid
                && names.contains(&facts.name)
                && !context.table.indexes.contains_key(&facts.name.name)
                && !in_use(seen)
                && !children().any(in_use)
        });
        begun.map(|seen| self.discard(context, seen)).collect()
    }
}

/// What stands in the way of rebuilding an index once more.
pub(crate) enum Left {
    /// Its removal, which comes first.
    Cleaned(Box<Step>),
    /// Nobody may remove it but a person, because of this.
    Stays(String),
}

/// What an interrupted `REINDEX … CONCURRENTLY` of a partition's index left: each further one would leave another.
pub(crate) fn left_by_reindex(context: &Context<'_>, (oid, leaf): (Oid, &Leaf), index: Oid) -> Vec<Left> {
    let Some(own) = context.root.indexes.get(&index) else { return Vec::new() };
    let parent = own.parent.and_then(|parent| context.root.indexes.get(&parent));
    let wanted = parent.and_then(|parent| context.table.indexes.get_key_value(&parent.name.name));
    let left = context.root.indexes.iter().filter(|(_, facts)| {
        facts.table == oid
            && facts.parent.is_none()
            && !facts.valid
            && is_left_by_reindex(facts.name.name.as_str(), own.name.name.as_str())
    });
    left.map(|(left, facts)| {
        let name = &facts.name;
        if facts.building {
            return Left::Stays(format!("another session builds {name}"));
        }
        let alike = facts.raw == own.raw && facts.shape.is_like(&own.shape);
        let Some((wanted, definition)) = wanted.filter(|_| alike && !facts.constraint && !facts.in_use) else {
            return Left::Stays(format!("an interrupted REINDEX left {name}: DROP INDEX CONCURRENTLY {name}"));
        };
        let reason = "left behind by an interrupted REINDEX".to_owned();
        let one = Wanted { name: wanted, definition, shape: own.shape.clone(), reason };
        let seen = Seen { oid: *left, facts, shape: None };
        Left::Cleaned(Box::new(one.drop(context, &Place::of(oid, leaf), oid, &seen)))
    })
    .collect()
}
