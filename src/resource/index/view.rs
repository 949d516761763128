//! What the catalog says of a root's indexes, with the server's spelling where it was asked for.

use std::collections::BTreeMap;

use crate::catalog::{Answer, IndexFacts, IndexShape, Leaf, LeafKind, Oid, Question};
use crate::policy::IndexDesired;
use crate::resource::partition::Context;

/// An index and how it compares; `None` where its spelling is unknown.
#[derive(Clone)]
pub(super) struct Seen<'a> {
    pub(super) oid: Oid,
    pub(super) facts: &'a IndexFacts,
    pub(super) shape: Option<IndexShape>,
}

impl Seen<'_> {
    /// Whether it is this index, parameters aside: those are altered where they are.
    pub(super) fn is_like(&self, shape: &IndexShape) -> bool {
        self.shape.as_ref().is_some_and(|own| own.is_like(shape))
    }
}

/// The indexes of one root and of its partitions.
pub(super) struct View<'a> {
    /// Of the root itself, by name.
    pub(super) of_root: Vec<Seen<'a>>,
    /// Of each partition, by name.
    pub(super) of_leaf: BTreeMap<Oid, Vec<Seen<'a>>>,
}

impl<'a> View<'a> {
    pub(super) fn new(context: &Context<'a>) -> Self {
        let representatives = representatives(context);
        let mut view = View { of_root: Vec::new(), of_leaf: BTreeMap::new() };
        let mut all: Vec<(Oid, &'a IndexFacts)> =
            context.root.indexes.iter().map(|(oid, facts)| (*oid, facts)).collect();
        all.sort_by_key(|(oid, facts)| (&facts.name, *oid));
        for (oid, facts) in all {
            let shape = match &facts.raw {
                None => Some(facts.shape.clone()),
                Some(raw) => representatives.get(raw).and_then(|index| {
                    match context.snapshot.answers.get(&Question::IndexSpelling { index: *index }) {
                        Answer::Spelling(spelling) => Some(facts.spelled(&spelling)),
                        Answer::Unknown(_)
                        | Answer::Leaf(_)
                        | Answer::Keys(_)
                        | Answer::Rows(_)
                        | Answer::Bytes(_)
                        | Answer::DefaultKeys(_)
                        | Answer::Shape(_)
                        | Answer::Withheld(_)
                        | Answer::Refused(_)
                        | Answer::Bloat(_)
                        | Answer::Found(_)
                        | Answer::Taken(_) => None,
                    }
                }),
            };
            let seen = Seen { oid, facts, shape };
            if facts.table == context.root.oid {
                view.of_root.push(seen);
            } else {
                view.of_leaf.entry(facts.table).or_default().push(seen);
            }
        }
        view
    }

    /// The partition's index that is attached to this one of the root.
    pub(super) fn child(&self, leaf: Oid, parent: Oid) -> Option<&Seen<'a>> {
        self.of_leaf.get(&leaf)?.iter().find(|seen| seen.facts.parent == Some(parent))
    }

    /// Indexes of a partition that are attached to nothing.
    pub(super) fn loose(&self, leaf: Oid) -> impl Iterator<Item = &Seen<'a>> {
        self.of_leaf.get(&leaf).into_iter().flatten().filter(|seen| seen.facts.parent.is_none())
    }
}

/// One index for each distinct text of expressions and predicate: its spelling is that of all others. What is attached
/// is like its parent, the server has made sure.
pub(super) fn representatives<'a>(context: &Context<'a>) -> BTreeMap<&'a String, Oid> {
    let mut first = BTreeMap::new();
    for (oid, facts) in &context.root.indexes {
        if let Some(raw) = &facts.raw
            && facts.parent.is_none()
        {
            first.entry(raw).or_insert(*oid);
        }
    }
    first
}

/// The question behind a wanted index.
pub(super) fn wanted(context: &Context<'_>, definition: &IndexDesired) -> Question {
    Question::WantedIndex { root: context.root.oid, definition: definition.clone() }
}

/// Attached partitions that need every index, by name. Foreign tables have none, and a partition that is partitioned
/// itself is nobody's single build.
pub(super) fn leaves<'a>(context: &Context<'a>) -> Vec<(Oid, &'a Leaf)> {
    let leaves = context.root.leaves.iter().filter(|(_, leaf)| !leaf.pending && leaf.kind == LeafKind::Table);
    let mut leaves: Vec<_> = leaves.map(|(oid, leaf)| (*oid, leaf)).collect();
    leaves.sort_by_key(|(_, leaf)| &leaf.name);
    leaves
}
