//! The rules of actions on indexes: only what the policy names is built, and only what is invalid, or replaced, goes.

use super::super::action::{
    AlterIndex, AttachIndex, BuildIndex, CreateIndex, DiscardIndex, LooseIndex, Relation, SwapIndex,
};
use super::super::fact::Fact;
use super::super::hazard::HazardKind;
use super::rules::{Rules, rule};
use crate::policy::IndexDesired;
use crate::resource::index::successor_names;
use crate::sql::{Ident, TableName};

impl Rules<'_> {
    pub(super) fn create_index(&self, create: &CreateIndex) -> Result<(), String> {
        let CreateIndex { root, owner, index, wanted, definition } = create;
        rule(self.is_root(root), "its root is another table")?;
        rule(*owner == self.root.attributes.owner, "it works as a role that is not the owner")?;
        self.defined(wanted, definition)?;
        rule(definition.on.is_table(), "the policy wants it on partitions alone")?;
        self.states(|fact| matches!(fact, Fact::NameFree { name } if name == index))?;
        self.makes(index, self.name, None)
    }

    pub(super) fn build_index(&self, build: &BuildIndex) -> Result<(), String> {
        let BuildIndex { partition, oid, owner, index, wanted, definition, mode: _ } = build;
        self.defined(wanted, definition)?;
        self.states(|fact| matches!(fact, Fact::Attached { root, partition: leaf, oid: found, .. } if self.is_root(root) && leaf == partition && found == oid))?;
        self.states(|fact| matches!(fact, Fact::NameFree { name } if name == index))?;
        if let Some(leaf) = oid.and_then(|oid| self.root.leaves.get(&oid)) {
            rule(leaf.name == *partition && leaf.owner == *owner, "its partition is another one's")?;
        }
        self.makes(index, partition, None)
    }

    pub(super) fn attach_index(&self, attach: &AttachIndex) -> Result<(), String> {
        let AttachIndex { root, owner, to, partition, index, wanted } = attach;
        rule(self.is_root(root), "its root is another table")?;
        rule(*owner == self.root.attributes.owner, "it works as a role that is not the owner")?;
        rule(self.table.indexes.contains_key(wanted), "the policy names no such index")?;
        // The server accepts an invalid one, and would leave the root's invalid for good.
        self.states(|fact| matches!(fact, Fact::Index { index: found, table, valid: Some(true), attached_to: None, .. } if found == index && table == partition))?;
        self.makes(index, partition, Some(to))
    }

    pub(super) fn validate_index(&self, attach: &AttachIndex) -> Result<(), String> {
        let AttachIndex { root, owner, to, partition, index, wanted } = attach;
        rule(self.is_root(root), "its root is another table")?;
        rule(*owner == self.root.attributes.owner, "it works as a role that is not the owner")?;
        rule(self.table.indexes.contains_key(wanted), "the policy names no such index")?;
        self.states(|fact| matches!(fact, Fact::Index { index: found, table, valid: Some(true), attached_to: Some(parent), .. } if found == index && table == partition && parent == to))?;
        self.makes(to, self.name, None)
    }

    pub(super) fn alter_index(&self, alter: &AlterIndex) -> Result<(), String> {
        let AlterIndex { partition, owner, index, wanted, set, reset } = alter;
        let leaf = self.root.leaves.get(&partition.oid);
        rule(
            leaf.is_none_or(|leaf| leaf.name == partition.name && leaf.owner == *owner),
            "its partition is another one's",
        )?;
        let defined = self.table.indexes.get(wanted).ok_or("the policy names no such index")?;
        rule(set.iter().all(|(name, value)| defined.with.get(name) == Some(value)), "the policy sets it otherwise")?;
        rule(reset.iter().all(|name| !defined.with.contains_key(name)), "it resets what the policy sets")?;
        self.states(|fact| matches!(fact, Fact::Index { index: found, table, .. } if *found == index.name && *table == partition.name))?;
        self.promises(|fact| matches!(fact, Fact::IndexParameters { index: found, set: given, reset: taken } if found == index && given == set && taken == reset))
    }

    pub(super) fn rebuild_index(&self, loose: &LooseIndex) -> Result<(), String> {
        self.loose(loose)?;
        self.states(|fact| matches!(fact, Fact::Index { index, valid: Some(false), attached_to: Some(_), .. } if *index == loose.index.name))
    }

    pub(super) fn drop_index(&self, loose: &LooseIndex) -> Result<(), String> {
        self.loose(loose)?;
        // A valid one goes with a grant only.
        let gated = self.step.hazards.iter().any(|hazard| hazard.kind == HazardKind::DropsIndex);
        self.states(|fact| matches!(fact, Fact::Index { index, valid: Some(valid), attached_to: None, .. } if *index == loose.index.name && *valid == gated))?;
        let found = self.root.indexes.get(&loose.index.oid);
        rule(
            found.is_none_or(|facts| {
                facts.valid == gated && !facts.building && !facts.constraint && !facts.in_use && facts.parent.is_none()
            }),
            "the index is valid, being built, attached, or something stands on it",
        )?;
        self.loses(&loose.index)
    }

    pub(super) fn discard_index(&self, discard: &DiscardIndex) -> Result<(), String> {
        let DiscardIndex { root, owner, index, wanted } = discard;
        rule(self.is_root(root), "its root is another table")?;
        rule(*owner == self.root.attributes.owner, "it works as a role that is not the owner")?;
        rule(self.table.indexes.contains_key(wanted), "the policy names no such index")?;
        rule(!self.table.indexes.contains_key(&index.name.name), "the policy names the index itself")?;
        let place = TableName { schema: self.name.schema.clone(), name: wanted.clone() };
        rule(successor_names(&place).contains(&index.name), "its name is none that we give")?;
        self.nothing_stands_on(index)?;
        self.states(|fact| matches!(fact, Fact::Index { index: found, table, valid: Some(false), .. } if *found == index.name && table == self.name))?;
        self.loses(index)
    }

    /// Its drop takes those of the partitions along.
    fn nothing_stands_on(&self, index: &Relation) -> Result<(), String> {
        let with_it =
            self.root.indexes.iter().filter(|(oid, facts)| **oid == index.oid || facts.parent == Some(index.oid));
        let mut with_it = with_it.map(|(_, facts)| facts);
        rule(with_it.all(|facts| !facts.constraint && !facts.in_use), "a constraint or an identity stands on it")
    }

    pub(super) fn swap_index(&self, swap: &SwapIndex) -> Result<(), String> {
        let SwapIndex { root, owner, old, new, wanted, keeps: _ } = swap;
        rule(self.is_root(root), "its root is another table")?;
        rule(*owner == self.root.attributes.owner, "it works as a role that is not the owner")?;
        rule(self.table.indexes.contains_key(wanted), "the policy names no such index")?;
        rule(old.name.name == *wanted && old.name != *new, "it drops an index of another name")?;
        self.nothing_stands_on(old)?;
        self.states(|fact| matches!(fact, Fact::Index { index, table, valid: Some(true), .. } if index == new && table == self.name))?;
        self.loses(old)
    }

    fn loose(&self, loose: &LooseIndex) -> Result<(), String> {
        let LooseIndex { partition, owner, index: _, wanted } = loose;
        rule(self.table.indexes.contains_key(wanted), "the policy names no such index")?;
        let leaf = self.root.leaves.get(&partition.oid);
        rule(
            leaf.is_none_or(|leaf| leaf.name == partition.name && leaf.owner == *owner),
            "its partition is another one's",
        )
    }

    fn defined(&self, wanted: &Ident, definition: &IndexDesired) -> Result<(), String> {
        rule(self.table.indexes.get(wanted) == Some(definition), "the policy defines it otherwise")
    }

    fn makes(&self, made: &TableName, of: &TableName, parent: Option<&TableName>) -> Result<(), String> {
        self.promises(|fact| matches!(fact, Fact::Index { index, table, attached_to, .. } if index == made && table == of && attached_to.as_ref() == parent))
    }

    fn loses(&self, gone: &Relation) -> Result<(), String> {
        self.promises(|fact| matches!(fact, Fact::NoIndex { index } if index == gone))
    }
}
