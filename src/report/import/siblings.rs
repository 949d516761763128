//! What all of the newest partitions have for their own, as lines of a policy that gives it to new ones too; what no policy
//! can say is said beside it.

use std::collections::BTreeMap;

use super::draft::{IndexDraft, Line};
use crate::catalog::{CopyEnding, LeafKind, Oid, Own, OwnKind, Root, bounded};
use crate::policy::OwnName;
use crate::resource::partition::suffixed;
use crate::sql::{Ident, TableName};

/// What the policy says for it.
#[derive(Default)]
pub(super) struct Shared {
    pub(super) partition: Vec<Line>,
    pub(super) storage_parameters: BTreeMap<String, String>,
    pub(super) indexes: Vec<IndexDraft>,
    pub(super) remarks: Vec<String>,
}

pub(super) fn shared(table: &TableName, root: &Root) -> Shared {
    let mut shared = Shared::default();
    let Some(siblings) = root.siblings.as_deref() else { return shared };
    if let Some(storage) = root.storage.as_deref() {
        shared.storage_parameters =
            siblings.common_parameters(|leaf| storage.leaves.get(&leaf).map(|leaf| &leaf.parameters));
    }
    let Some(first_oid) = siblings.first().map(|first| first.leaf) else { return shared };
    let Some(leaf) = root.leaves.get(&first_oid) else { return shared };
    let (mut checks, mut triggers, mut rest) = (Vec::new(), Vec::new(), Vec::new());
    for own in siblings.common() {
        let OwnName(name) = OwnName::of(&own.name, &leaf.name.name);
        // A name that is the same everywhere is read as an identifier.
        let name = if name == own.name { Ident::new(name).to_string() } else { name };
        match own.kind {
            OwnKind::Unlogged => shared.partition.push(Line::word("unlogged", "true")),
            OwnKind::Check => checks.push(name),
            OwnKind::Trigger => triggers.push(name),
            OwnKind::Index => match own_index(table, root, (first_oid, &leaf.name), own) {
                Some(index) => shared.indexes.push(index),
                None => rest.push(own.to_string()),
            },
            OwnKind::ForeignKey
            | OwnKind::NotNull
            | OwnKind::Tablespace
            | OwnKind::AccessMethod
            | OwnKind::Rule
            | OwnKind::Statistics => rest.push(own.to_string()),
        }
    }
    let said = "as the newest partition has them".to_owned();
    for (key, names) in [("checks", checks), ("triggers", triggers)] {
        if !names.is_empty() {
            shared.partition.push(Line::list(key, names).says(said.clone()));
        }
    }
    if !rest.is_empty() {
        let count = siblings.newest.len();
        shared.remarks.push(format!(
            "The newest {count} partitions have for their own, and new ones will not: {}.",
            rest.join("; ")
        ));
    }
    shared
}

/// A unique index without the partition key that every partition has, as the policy says it.
fn own_index(table: &TableName, root: &Root, (leaf, name): (Oid, &TableName), own: &Own) -> Option<IndexDraft> {
    let of_leaf = |leaf: Oid| root.indexes.values().filter(move |facts| facts.table == leaf && facts.raw.is_none());
    let facts = of_leaf(leaf).find(|facts| facts.name.name.as_str() == own.name)?;
    let shape = &facts.shape;
    let has_key = shape.keys.iter().any(|key| key.what == root.key.name.as_str());
    // New partitions would get a unique index, which is no primary key.
    if !shape.unique || has_key || facts.copies.ending == CopyEnding::Pkey {
        return None;
    }
    let tables = bounded(root).into_iter().filter(|(_, leaf)| leaf.kind == LeafKind::Table);
    let everywhere = |leaf| of_leaf(leaf).any(|other| other.valid && other.shape.is_like(shape));
    if !tables.into_iter().all(|(leaf, _)| everywhere(leaf)) {
        return None;
    }
    let columns = shape.written_columns()?;
    // `reading_id_idx` for `reading_20261130_id_idx`: partitions' own are called after both.
    let after = facts.name.name.as_str().strip_prefix(name.name.as_str()).and_then(|rest| rest.strip_prefix('_'));
    let after = after.filter(|rest| !rest.is_empty()).map_or_else(
        || format!("{}_key", shape.keys.iter().map(|key| key.what.as_str()).collect::<Vec<_>>().join("_")),
        str::to_owned,
    );
    Some(IndexDraft {
        name: suffixed(table.name.as_str(), &format!("_{after}")).to_string(),
        columns,
        include: shape.include.iter().map(|column| Ident::new(column.as_str()).to_string()).collect(),
        nulls_not_distinct: shape.nulls_not_distinct,
        with: shape.parameters.clone(),
        tablespace: shape.tablespace.as_ref().map(ToString::to_string),
    })
}
