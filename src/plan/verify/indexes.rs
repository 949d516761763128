//! The rules of actions on indexes: only what the policy names is built, and only what is invalid, or replaced, goes.

use super::super::action::{AttachIndex, BuildIndex, CreateIndex, LooseIndex, Relation, SwapIndex};
use super::super::fact::Fact;
use super::rules::{Rules, rule};
use crate::policy::IndexDesired;
use crate::sql::{Ident, TableName};

impl Rules<'_> {
    pub(super) fn create_index(&self, create: &CreateIndex) -> Result<(), String> {
        let CreateIndex { root, owner, index, wanted, definition } = create;
        rule(self.is_root(root), "its root is another table")?;
        rule(*owner == self.root.attributes.owner, "it works as a role that is not the owner")?;
        self.defined(wanted, definition)?;
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

    pub(super) fn rebuild_index(&self, loose: &LooseIndex) -> Result<(), String> {
        self.loose(loose)?;
        self.states(|fact| matches!(fact, Fact::Index { index, valid: Some(false), attached_to: Some(_), .. } if *index == loose.index.name))
    }

    pub(super) fn drop_index(&self, loose: &LooseIndex) -> Result<(), String> {
        self.loose(loose)?;
        self.states(|fact| matches!(fact, Fact::Index { index, valid: Some(false), attached_to: None, .. } if *index == loose.index.name))?;
        let found = self.root.indexes.get(&loose.index.oid);
        rule(
            found.is_none_or(|facts| !facts.valid && !facts.building && !facts.constraint && facts.parent.is_none()),
            "the index is valid, being built, attached, or a constraint's",
        )?;
        self.loses(&loose.index)
    }

    pub(super) fn swap_index(&self, swap: &SwapIndex) -> Result<(), String> {
        let SwapIndex { root, owner, old, new, wanted } = swap;
        rule(self.is_root(root), "its root is another table")?;
        rule(*owner == self.root.attributes.owner, "it works as a role that is not the owner")?;
        rule(self.table.indexes.contains_key(wanted), "the policy names no such index")?;
        rule(old.name.name == *wanted && old.name != *new, "it drops an index of another name")?;
        let with_it = self.root.indexes.iter().filter(|(oid, facts)| **oid == old.oid || facts.parent == Some(old.oid));
        let mut with_it = with_it.map(|(_, facts)| facts);
        rule(with_it.all(|facts| !facts.constraint && !facts.in_use), "a constraint or an identity stands on it")?;
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
