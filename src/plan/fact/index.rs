//! Facts about indexes.

use std::collections::{BTreeMap, BTreeSet};

use super::super::action::Relation;
use super::attached::next_free_oid;
use super::roots_mut;
use crate::catalog::{Catalog, CopyName, IndexFacts, IndexShape, Oid, Root, TableState};
use crate::policy::is_same_of_index;
use crate::sql::TableName;

pub(super) fn find_index<'a>(catalog: &'a Catalog, name: &TableName) -> Option<(&'a Root, Oid, &'a IndexFacts)> {
    catalog.tables.values().find_map(|state| match state {
        TableState::Partitioned(root) => {
            root.indexes.iter().find(|(_, facts)| facts.name == *name).map(|(oid, facts)| (&**root, *oid, facts))
        }
        TableState::Missing | TableState::Unfit(_) => None,
    })
}

pub(super) fn judge_index(
    catalog: &Catalog,
    index: &TableName,
    table: &TableName,
    valid: Option<bool>,
    attached_to: Option<&TableName>,
) -> Result<(), String> {
    let Some((root, _, facts)) = find_index(catalog, index) else { return Err(format!("there is no index {index}")) };
    let own = root.leaves.get(&facts.table).map(|leaf| &leaf.name);
    if let Some(own) = own.filter(|own| *own != table) {
        return Err(format!("it is an index of {own}"));
    }
    let parent = facts.parent.and_then(|parent| root.indexes.get(&parent)).map(|parent| &parent.name);
    match (parent, attached_to) {
        (Some(found), Some(wanted)) if found == wanted => {}
        (None, None) => {}
        (Some(found), _) => return Err(format!("it is attached to {found}")),
        (None, Some(_)) => return Err("it is not attached".to_owned()),
    }
    match (valid, facts.valid) {
        (Some(true), false) => Err("it is invalid".to_owned()),
        (Some(false), true) => Err("it is valid".to_owned()),
        (Some(_) | None, _) => Ok(()),
    }
}

/// By meaning: a saved plan's step is done where the parameter is spelled otherwise, too.
pub(super) fn judge_parameters(
    catalog: &Catalog,
    index: &Relation,
    set: &BTreeMap<String, String>,
    reset: &BTreeSet<String>,
) -> Result<(), String> {
    let found = find_index(catalog, &index.name).filter(|(_, oid, _)| *oid == index.oid);
    let Some((_, _, facts)) = found else { return Err(format!("{} is not there", index.name)) };
    let parameters = &facts.shape.parameters;
    for (name, value) in set {
        match parameters.get(name) {
            Some(is) if is_same_of_index(&facts.shape.method, name, Some(is), Some(value)) => {}
            Some(is) => return Err(format!("its {name} is {is}")),
            None => return Err(format!("it has no {name}")),
        }
    }
    match reset.iter().find_map(|name| Some((name, parameters.get(name)?))) {
        Some((name, is)) => Err(format!("its {name} is {is}")),
        None => Ok(()),
    }
}

pub(super) fn assume_parameters(
    catalog: &mut Catalog,
    index: &Relation,
    set: &BTreeMap<String, String>,
    reset: &BTreeSet<String>,
) {
    for root in roots_mut(catalog) {
        if let Some(facts) = root.indexes.get_mut(&index.oid) {
            facts.shape.parameters.retain(|name, _| !reset.contains(name));
            facts.shape.parameters.extend(set.clone());
        }
    }
}

/// What is assumed of an index.
pub(super) struct Indexed<'a> {
    pub(super) index: &'a TableName,
    pub(super) table: &'a TableName,
    pub(super) valid: Option<bool>,
    pub(super) attached_to: Option<&'a TableName>,
}

pub(super) fn assume_index(catalog: &mut Catalog, known: &Indexed<'_>, shape: Option<&IndexShape>) {
    let next = next_free_oid(catalog);
    let Indexed { index, table, valid, attached_to } = *known;
    let of_root = catalog.tables.iter().find_map(|(name, state)| match state {
        TableState::Partitioned(root) => {
            let leaf = root.leaves.iter().find(|(_, leaf)| leaf.name == *table).map(|(oid, _)| *oid);
            leaf.or((name == table).then_some(root.oid)).map(|table| (root.oid, table))
        }
        TableState::Missing | TableState::Unfit(_) => None,
    });
    let Some((root_oid, table)) = of_root else { return };
    let Some(root) = roots_mut(catalog).find(|root| root.oid == root_oid) else { return };
    let oid = root.indexes.iter().find(|(_, facts)| facts.name == *index).map_or(next, |(oid, _)| *oid);
    let parent =
        attached_to.and_then(|name| root.indexes.iter().find(|(_, facts)| facts.name == *name).map(|(oid, _)| *oid));
    let before = root.indexes.remove(&oid);
    // A swap gives an old name to the index that was built under another.
    let before = before.or_else(|| {
        let renamed = root.indexes.iter().find(|(_, facts)| {
            facts.table == table && facts.parent.is_none() && shape.is_some_and(|shape| facts.shape.is_like(shape))
        });
        let renamed = renamed.filter(|_| table == root_oid).map(|(oid, _)| *oid)?;
        root.indexes.remove(&renamed).inspect(|facts| {
            let facts = IndexFacts { name: index.clone(), ..facts.clone() };
            root.indexes.insert(renamed, facts);
        })
    });
    if let Some(known) = before.as_ref().filter(|known| known.name != *index) {
        // It was renamed just now.
        debug_assert!(known.table == root_oid);
        return;
    }
    let whole = table == root_oid && root.leaves.is_empty();
    let facts = IndexFacts {
        name: index.clone(),
        table,
        parent,
        valid: valid.unwrap_or_else(|| before.as_ref().map_or(whole, |facts| facts.valid)),
        building: false,
        constraint: before.as_ref().is_some_and(|facts| facts.constraint),
        in_use: before.as_ref().is_some_and(|facts| facts.in_use),
        comment: before.as_ref().and_then(|facts| facts.comment.clone()),
        comment_is_lossy: before.as_ref().is_some_and(|facts| facts.comment_is_lossy),
        targets: before.as_ref().map(|facts| facts.targets.clone()).unwrap_or_default(),
        shape: match (shape, before) {
            (Some(shape), _) => shape.clone(),
            (None, Some(facts)) => facts.shape,
            (None, None) => return,
        },
        raw: None,
        copies: CopyName::default(),
    };
    root.indexes.insert(oid, facts);
    if let Some(parent) = parent {
        complete(root, parent);
    }
}

/// The root's index is valid once every partition has attached a valid one.
fn complete(root: &mut Root, parent: Oid) {
    let has = |leaf: &Oid| {
        root.indexes.values().any(|facts| facts.table == *leaf && facts.parent == Some(parent) && facts.valid)
    };
    if root.leaves.keys().all(has)
        && let Some(facts) = root.indexes.get_mut(&parent)
    {
        facts.valid = true;
    }
}

/// A partition that is made like its root, or attached to it, has each of the root's indexes.
pub(super) fn index_like_root(root: &mut Root, leaf: Oid, name: &TableName, mut next: u32) {
    let of_root: Vec<(Oid, IndexFacts)> = root
        .indexes
        .iter()
        .filter(|(parent, facts)| {
            facts.table == root.oid
                && !root.indexes.values().any(|own| own.table == leaf && own.parent == Some(**parent))
        })
        .map(|(oid, facts)| (*oid, facts.clone()))
        .collect();
    for (parent, facts) in of_root {
        next = next.saturating_add(1);
        let own = TableName::new(name.schema.as_str(), format!("{}_{}", name.name.as_str(), facts.name.name.as_str()));
        let own = IndexFacts { name: own, table: leaf, parent: Some(parent), valid: true, building: false, ..facts };
        // ATTACH of a table does not look whether the root's index is whole now (measured on 14 to 18).
        root.indexes.insert(Oid(next), own);
    }
}
