//! Facts of how a partition is stored and whose it is.

use std::collections::BTreeSet;

use super::super::action::{Alteration, Relation};
use super::{find_root, roots_mut};
use crate::catalog::{
    AclItem, Attributes, Catalog, Compression, Leaf, LeafAttributes, LeafStorage, Oid, PolicyMatch, ReplicaIdentity,
    Root, StorageMode,
};
use crate::policy::{is_of_toast, is_same_parameter};
use crate::sql::{Ident, TableName};

fn find<'a>(root: &'a Root, partition: &TableName, oid: Option<Oid>) -> Option<(Oid, &'a Leaf)> {
    match oid {
        Some(oid) => root.leaves.get(&oid).map(|leaf| (oid, leaf)),
        None => root.leaves.iter().find(|(_, leaf)| leaf.name == *partition).map(|(oid, leaf)| (*oid, leaf)),
    }
}

/// Whether the partition has all that these alterations lead to.
pub(super) fn altered(
    root: &Root,
    partition: &TableName,
    oid: Option<Oid>,
    alterations: &[Alteration],
) -> Result<(), String> {
    let (oid, leaf) = find(root, partition, oid).ok_or_else(|| format!("{partition} is not attached"))?;
    let storage = root.storage.as_ref().ok_or("how it is stored was not read")?;
    let like_root = LeafStorage::default();
    let stored = storage.leaves.get(&oid).unwrap_or(&like_root);
    alterations.iter().try_for_each(|alteration| one(leaf, stored, alteration))
}

fn one(leaf: &Leaf, stored: &LeafStorage, alteration: &Alteration) -> Result<(), String> {
    let is = |holds: bool, found: String| if holds { Ok(()) } else { Err(found) };
    // What says nothing of its own is like its parent.
    let own = stored.own.as_deref();
    match alteration {
        Alteration::Owner { from: _, to } => is(leaf.owner == *to, format!("its owner is {}", leaf.owner)),
        Alteration::Parameter { name, from: _, to } => {
            let found = stored.parameters.get(name);
            // Without a TOAST table its parameters are forgotten.
            let none = is_of_toast(name) && !stored.toasted;
            is(
                none || found.is_some_and(|found| is_same_parameter(name, found, to)),
                found.map_or_else(|| format!("{name} is not set"), |found| format!("{name} is {found}")),
            )
        }
        Alteration::StatisticsTarget { column, from: _, to } => {
            let found = own.map(|own| own.statistics_targets.get(column).copied());
            is(found.is_none_or(|found| found == Some(*to)), format!("the statistics target of {column} is another"))
        }
        Alteration::Compression { column, from: _, to } => {
            let found = own.map(|own| own.columns.get(column).and_then(|column| column.compression));
            is(found.is_none_or(|found| found == Some(*to)), format!("the compression of {column} is another"))
        }
        Alteration::Storage { column, from: _, to } => {
            let found = own.map(|own| own.columns.get(column).and_then(|column| column.storage));
            is(found.is_none_or(|found| found == Some(*to)), format!("the storage of {column} is another"))
        }
        Alteration::ReplicaIdentity { from: _, to } => {
            is(own.is_none_or(|own| own.replica_identity == *to), "its replica identity is another".to_owned())
        }
        Alteration::Policy { policy } => {
            let there = own.is_none_or(|own| own.policies.contains_key(&policy.name));
            is(there, format!("there is no policy {}", policy.name))
        }
        Alteration::RowSecurity => is(own.is_none_or(|own| own.row_security), "row security is off".to_owned()),
        Alteration::ForceRowSecurity => {
            is(own.is_none_or(|own| own.force_row_security), "row security is not forced".to_owned())
        }
        Alteration::Grant { item } => {
            is(own.is_none_or(|own| has_granted(&own.grants, item)), format!("{alteration} is not granted"))
        }
    }
}

/// Whether the parent still grants this, and shows no less through itself than the partition would.
pub(super) fn parent_grants(
    catalog: &Catalog,
    root: &Relation,
    partition: &Relation,
    items: &[AclItem],
    makes: &[Ident],
    secures: bool,
) -> Result<(), String> {
    let found = find_root(catalog, root)?;
    let Attributes { grants, row_security, .. } = &found.attributes;
    if let Some(item) = items.iter().find(|item| !has_granted(grants, item)) {
        return Err(format!("{} does not grant {}", root.name, Alteration::Grant { item: item.clone() }));
    }
    let storage = found.storage.as_ref().ok_or("how its partitions are stored was not read")?;
    let own = storage.leaves.get(&partition.oid).and_then(|leaf| leaf.own.as_deref());
    let Some(own) = own.filter(|_| row_security.enabled) else { return Ok(()) };
    if !own.row_security && !secures {
        return Err(format!("row security is on for {} and off for {}", root.name, partition.name));
    }
    let theirs: BTreeSet<&Ident> = row_security.policies.iter().map(|policy| &policy.name).collect();
    let own: BTreeSet<&Ident> = own.policies.keys().chain(makes).collect();
    match theirs.symmetric_difference(&own).next() {
        Some(name) => {
            Err(format!("{} and {} do not both have the row security policy {name}", root.name, partition.name))
        }
        None => Ok(()),
    }
}

fn has_granted(grants: &[AclItem], wanted: &AclItem) -> bool {
    wanted.privileges.iter().all(|privilege| {
        grants.iter().any(|item| {
            item.grantee == wanted.grantee
                && item.column == wanted.column
                && (item.grantable || !wanted.grantable)
                && item.privileges.contains(privilege)
        })
    })
}

pub(super) fn assume(
    catalog: &mut Catalog,
    root: &Relation,
    partition: &TableName,
    oid: Option<Oid>,
    alterations: &[Alteration],
) {
    let Some(root) = roots_mut(catalog).find(|found| found.oid == root.oid) else { return };
    let Some((oid, _)) = find(root, partition, oid) else { return };
    let (Some(leaf), Some(storage)) = (root.leaves.get_mut(&oid), root.storage.as_mut()) else { return };
    let stored = storage.leaves.entry(oid).or_default();
    for alteration in alterations {
        match alteration {
            Alteration::Owner { from: _, to } => leaf.owner = to.clone(),
            Alteration::Parameter { name, from: _, to } => {
                if stored.toasted || !is_of_toast(name) {
                    stored.parameters.insert(name.clone(), to.clone());
                }
            }
            Alteration::StatisticsTarget { .. }
            | Alteration::Compression { .. }
            | Alteration::Storage { .. }
            | Alteration::ReplicaIdentity { .. }
            | Alteration::Policy { .. }
            | Alteration::RowSecurity
            | Alteration::ForceRowSecurity
            | Alteration::Grant { .. } => {
                if let Some(own) = stored.own.as_deref_mut() {
                    become_like(own, alteration);
                }
            }
        }
    }
}

fn become_like(own: &mut LeafAttributes, alteration: &Alteration) {
    match alteration {
        Alteration::Owner { .. } | Alteration::Parameter { .. } => {}
        Alteration::StatisticsTarget { column, from: _, to } => {
            own.statistics_targets.insert(column.clone(), *to);
        }
        Alteration::Compression { column, from: _, to } => compress(own, column, *to),
        Alteration::Storage { column, from: _, to } => store(own, column, *to),
        Alteration::ReplicaIdentity { from: _, to } => own.replica_identity = ReplicaIdentity::clone(to),
        Alteration::Policy { policy } => {
            own.policies.insert(policy.name.clone(), PolicyMatch::Alike);
        }
        Alteration::RowSecurity => own.row_security = true,
        Alteration::ForceRowSecurity => own.force_row_security = true,
        Alteration::Grant { item } => own.grants.push(item.clone()),
    }
}

fn compress(own: &mut LeafAttributes, column: &Ident, to: Compression) {
    own.columns.entry(column.clone()).or_default().compression = Some(to);
}

fn store(own: &mut LeafAttributes, column: &Ident, to: StorageMode) {
    own.columns.entry(column.clone()).or_default().storage = Some(to);
}
