//! Indexes that most partitions have, each for itself, and the table has not: new partitions will not have them.

use std::collections::BTreeSet;

use serde::Serialize;

use crate::catalog::{Answer, Answers, IndexFacts, LeafKind, Oid, OwnKind, Question, Root};
use crate::grid::LeafBounds;
use crate::policy::TableDesired;
use crate::sql::TableName;

/// One of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct OnMost {
    /// What it is called on the first of the partitions, by name.
    pub name: TableName,
    /// Its method and columns.
    pub definition: String,
    /// Partitions that have it.
    pub on: usize,
    /// Partitions.
    pub of: usize,
}

/// Valid indexes on more than half of the bounded partitions (two at least) that are attached to no index of the table, where
/// neither the table nor the policy has their equal. What a constraint stands on is not among them: a policy cannot name it.
pub(crate) fn on_most(root: &Root) -> Vec<OnMost> {
    let bounded = root.leaves.iter().filter(|(_, leaf)| {
        !leaf.pending && leaf.kind == LeafKind::Table && !matches!(leaf.bounds, LeafBounds::Default)
    });
    let bounded: BTreeSet<Oid> = bounded.map(|(oid, _)| *oid).collect();
    let of_root = |facts: &&IndexFacts| facts.table == root.oid;
    let mut groups: Vec<(&IndexFacts, BTreeSet<Oid>)> = Vec::new();
    let mut all: Vec<&IndexFacts> = root.indexes.values().filter(|facts| bounded.contains(&facts.table)).collect();
    all.sort_by(|one, other| one.name.cmp(&other.name));
    for facts in all {
        if facts.parent.is_some() || !facts.valid || facts.constraint {
            continue;
        }
        match groups.iter_mut().find(|(first, _)| is_equal(first, facts)) {
            Some((_, tables)) => drop(tables.insert(facts.table)),
            None => groups.push((facts, BTreeSet::from([facts.table]))),
        }
    }
    let most = |tables: &BTreeSet<Oid>| tables.len() > 1 && tables.len() * 2 > bounded.len();
    let groups = groups.into_iter().filter(|(facts, tables)| {
        most(tables) && !root.indexes.values().filter(of_root).any(|own| is_equal(own, facts))
    });
    groups
        .map(|(facts, tables)| OnMost {
            name: facts.name.clone(),
            definition: definition(facts),
            on: tables.len(),
            of: bounded.len(),
        })
        .collect()
}

/// Those of them that not all of the newest partitions have: what these have is told with all else of theirs.
pub(crate) fn on_most_not_newest(root: &Root) -> Vec<OnMost> {
    let mut found = on_most(root);
    let Some(siblings) = root.siblings.as_deref() else { return found };
    let newest = siblings.first().map(|first| first.leaf);
    let common: BTreeSet<String> =
        siblings.common().filter(|own| own.kind == OwnKind::Index).map(|own| own.name.clone()).collect();
    let told = root.indexes.values().filter(|facts| Some(facts.table) == newest);
    let told: Vec<&IndexFacts> = told.filter(|facts| common.contains(facts.name.name.as_str())).collect();
    found.retain(|one| {
        let facts = root.indexes.values().find(|facts| facts.name == one.name);
        !facts.is_some_and(|facts| told.iter().any(|told| is_equal(told, facts)))
    });
    found
}

/// Those of them that the policy does not name either.
pub(crate) fn unnamed(root: &Root, table: &TableDesired, answers: &Answers) -> Vec<OnMost> {
    let wanted: Vec<_> = table
        .indexes
        .values()
        .map(|definition| answers.get(&Question::WantedIndex { root: root.oid, definition: definition.clone() }))
        .collect();
    let mut found = on_most(root);
    found.retain(|one| {
        let facts = root.indexes.values().find(|facts| facts.name == one.name);
        facts.is_some_and(|facts| {
            wanted.iter().all(|wanted| match wanted {
                // How one with expressions is spelled was not asked here: it may be the one that is named.
                Answer::Shape(wanted) => !facts.shape.is_like(&wanted.shape) && facts.raw.is_none(),
                Answer::Refused(_)
                | Answer::Withheld(_)
                | Answer::Unknown(_)
                | Answer::Leaf(_)
                | Answer::Keys(_)
                | Answer::Rows(_)
                | Answer::Bytes(_)
                | Answer::DefaultKeys(_)
                | Answer::Bloat(_)
                | Answer::Spelling(_)
                | Answer::Found(_)
                | Answer::Taken(_) => false,
            })
        })
    });
    found
}

fn is_equal(one: &IndexFacts, other: &IndexFacts) -> bool {
    one.shape.is_like(&other.shape) && one.raw == other.raw
}

/// `btree (actor, at)`, `unique btree (an expression) where …`
fn definition(facts: &IndexFacts) -> String {
    let columns: Vec<&str> = facts
        .shape
        .keys
        .iter()
        .map(|key| if key.what.is_empty() { "an expression" } else { key.what.as_str() })
        .collect();
    let unique = if facts.shape.unique { "unique " } else { "" };
    let partial = if facts.raw.is_some() && !columns.contains(&"an expression") { " with a predicate" } else { "" };
    format!("{unique}{} ({}){partial}", facts.shape.method, columns.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::World;

    const TABLE: &str = "public.events";

    fn world(indexes: &str) -> (World, Vec<Oid>) {
        let policy = format!("tables: {{{TABLE}: {{partition: {{key: at, interval: 1 month, premake: 1}}{indexes}}}}}");
        let mut world = World::new("2026-03-14", &policy);
        let leaves = world.windows(TABLE, "2026-01-01", "2026-05-01");
        (world, leaves)
    }

    fn found(world: &mut World) -> Vec<OnMost> {
        let _ = world.plan();
        let (table, answers) = (world.desired.tables.values().next().unwrap().clone(), world.snapshot.answers.clone());
        unnamed(world.root(TABLE), &table, &answers)
    }

    #[test]
    fn an_index_of_most_partitions_is_found_and_one_of_half_is_not() {
        let (mut world, leaves) = world("");
        world.default_partition(TABLE);
        for (n, leaf) in leaves.iter().take(3).enumerate() {
            world.index(TABLE, *leaf, &format!("by_actor_{n}"), &["actor", "at"], None);
        }
        for (n, leaf) in leaves.iter().take(2).enumerate() {
            world.index(TABLE, *leaf, &format!("by_half_{n}"), &["half"], None);
        }
        let all = found(&mut world);
        assert_eq!(all.len(), 1, "{all:?}");
        assert_eq!((all[0].on, all[0].of, all[0].definition.as_str()), (3, 4, "btree (actor, at)"));
        assert_eq!(all[0].name.to_string(), "public.by_actor_0");
    }

    #[test]
    fn what_the_table_or_the_policy_has_is_not_named_again() {
        let (mut world, leaves) = world(", indexes: {by_actor: {columns: [actor]}}");
        for (n, leaf) in leaves.iter().enumerate() {
            world.index(TABLE, *leaf, &format!("by_actor_{n}"), &["actor"], None);
            world.index(TABLE, *leaf, &format!("by_kind_{n}"), &["kind"], None);
        }
        assert_eq!(found(&mut world).len(), 1, "by_kind alone");
        let root = world.root(TABLE).oid;
        world.index(TABLE, root, "by_kind", &["kind"], None);
        assert!(found(&mut world).is_empty());
    }

    #[test]
    fn invalid_ones_and_constraints_do_not_count() {
        let (mut world, leaves) = world("");
        for (n, leaf) in leaves.iter().enumerate() {
            let one = world.index(TABLE, *leaf, &format!("by_actor_{n}"), &["actor"], None);
            let key = world.index(TABLE, *leaf, &format!("key_{n}"), &["id"], None);
            let root = world.root(TABLE);
            root.indexes.get_mut(&one).unwrap().valid = n > 1;
            root.indexes.get_mut(&key).unwrap().constraint = true;
        }
        assert!(found(&mut world).is_empty());
    }
}
