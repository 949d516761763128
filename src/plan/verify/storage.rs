//! The rules of alterations: only what the parent or the policy says, on a partition that stays, and nothing taken away.

use super::super::action::{AlterPartition, Alteration};
use super::super::fact::Fact;
use super::super::step::Class;
use super::rules::{Rules, rule};
use crate::catalog::{LeafKind, ReplicaIdentity};

impl Rules<'_> {
    pub(super) fn alter_partition(&self, alter: &AlterPartition) -> Result<(), String> {
        let AlterPartition { root, partition, owner, alterations } = alter;
        rule(self.is_root(root), "its root is another table")?;
        rule(self.step.class == Class::Drift, "it is no passing of time that a partition is altered for")?;
        rule(!alterations.is_empty(), "it alters nothing")?;
        self.states(|fact| matches!(fact, Fact::Attached { root, partition: leaf, oid, pending: false, .. } if self.is_root(root) && *leaf == partition.name && *oid == Some(partition.oid)))?;
        if let Some(leaf) = self.root.leaves.get(&partition.oid) {
            rule(leaf.name == partition.name && leaf.owner == *owner, "its partition is another one's")?;
            rule(leaf.kind == LeafKind::Table && !leaf.pending, "its partition is no ordinary table, or leaves")?;
        }
        // Whatever is done after it is done by the new owner.
        let later = alterations.iter().skip(1);
        rule(later.clone().all(|one| !matches!(one, Alteration::Owner { .. })), "its owner changes too late")?;
        let privileges = alterations.iter().any(Alteration::is_privilege);
        rule(self.table.inherit_privileges || !privileges, "the policy does not say that privileges are inherited")?;
        alterations.iter().try_for_each(|alteration| self.as_wanted(alteration))?;
        // The parent may have taken it back since.
        if let Some(wanted) = alter.relies_on_grants() {
            self.states(|fact| *fact == wanted)?;
        }
        self.promises(|fact| matches!(fact, Fact::Altered { root, partition: leaf, oid, alterations: promised } if self.is_root(root) && *leaf == partition.name && *oid == Some(partition.oid) && promised == alterations))
    }

    /// What a new partition would get.
    fn as_wanted(&self, alteration: &Alteration) -> Result<(), String> {
        let attributes = &self.root.attributes;
        let columns = self.root.storage.as_ref().map(|storage| &storage.columns);
        match alteration {
            Alteration::Owner { from: _, to } => rule(*to == attributes.owner, "its owner would not be its parent's"),
            Alteration::Parameter { name, from: _, to } => {
                rule(self.table.storage_parameters.get(name) == Some(to), "the policy says otherwise of a parameter")
            }
            Alteration::StatisticsTarget { column, from: _, to } => {
                rule(attributes.statistics_targets.get(column) == Some(to), "the parent has another statistics target")
            }
            Alteration::Compression { column, from: _, to } => rule(
                columns.and_then(|all| all.get(column)).is_some_and(|column| column.compression == Some(*to)),
                "the parent compresses otherwise",
            ),
            Alteration::Storage { column, from: _, to } => rule(
                columns.and_then(|all| all.get(column)).is_some_and(|column| column.storage == Some(*to)),
                "the parent stores otherwise",
            ),
            Alteration::ReplicaIdentity { from: _, to } => {
                let fits = match (to, &attributes.replica_identity) {
                    (ReplicaIdentity::Default, ReplicaIdentity::Default)
                    | (ReplicaIdentity::Full, ReplicaIdentity::Full)
                    | (ReplicaIdentity::Index(_), ReplicaIdentity::Index(_)) => true,
                    (
                        ReplicaIdentity::Default
                        | ReplicaIdentity::Full
                        | ReplicaIdentity::Index(_)
                        // Updates and deletes of what is published would fail.
                        | ReplicaIdentity::Nothing,
                        _,
                    ) => false,
                };
                rule(fits, "its replica identity would not be its parent's")
            }
            Alteration::Policy { policy } => {
                rule(attributes.row_security.policies.contains(policy), "the parent has no such policy")
            }
            Alteration::RowSecurity => rule(attributes.row_security.enabled, "the parent has no row security"),
            Alteration::ForceRowSecurity => rule(attributes.row_security.forced, "the parent does not force it"),
            Alteration::Grant { item } => {
                let granted = |privilege: &String| {
                    attributes.grants.iter().any(|theirs| {
                        theirs.grantee == item.grantee
                            && theirs.column == item.column
                            && (theirs.grantable || !item.grantable)
                            && theirs.privileges.contains(privilege)
                    })
                };
                rule(
                    !item.privileges.is_empty() && item.privileges.iter().all(granted),
                    "the parent has not granted that",
                )
            }
        }
    }
}
