//! Which tables may be worked on side by side: those that lock no common relation.

use std::collections::{BTreeMap, BTreeSet};

use crate::catalog::{Catalog, Root, TableState};
use crate::sql::TableName;

/// A lane for each table: tables that a chain of foreign keys ties together share one, numbered in name order.
pub(super) fn lanes(catalog: &Catalog) -> BTreeMap<TableName, u32> {
    let mut groups: Vec<(BTreeSet<TableName>, BTreeSet<TableName>)> = Vec::new();
    for (name, state) in &catalog.tables {
        let mut relations = BTreeSet::from([name.clone()]);
        match state {
            TableState::Partitioned(root) => {
                relations.extend(root.references.iter().cloned());
                relations.extend(root.referenced_by.iter().cloned());
                // What was a partition of it keeps its keys.
                for table in catalog.retired.values().filter(|table| table.marker.root_oid == root.oid) {
                    relations.insert(table.name.clone());
                    relations.extend(table.references.iter().cloned());
                }
            }
            TableState::Missing | TableState::Unfit(_) => {}
        }
        let mut members = BTreeSet::from([name.clone()]);
        let (joined, apart): (Vec<_>, Vec<_>) =
            groups.into_iter().partition(|(_, locked)| !locked.is_disjoint(&relations));
        groups = apart;
        for (tables, locked) in joined {
            members.extend(tables);
            relations.extend(locked);
        }
        groups.push((members, relations));
    }
    groups.sort();
    let numbered = groups.into_iter().zip(0u32..);
    numbered.flat_map(|((members, _), lane)| members.into_iter().map(move |table| (table, lane))).collect()
}

/// Tables in name order, but that one which references another comes before it: its partitions must be gone before those
/// they reference can leave. In a circle the name decides.
pub(super) fn referencing_first<'a>(
    tables: impl Iterator<Item = &'a TableName>,
    catalog: &Catalog,
) -> Vec<&'a TableName> {
    let mut left: Vec<&TableName> = tables.collect();
    let mut before: BTreeMap<&TableName, BTreeSet<&TableName>> = BTreeMap::new();
    for name in &left {
        let Some(TableState::Partitioned(root)) = catalog.tables.get(*name) else { continue };
        let referencing = left.iter().copied().filter(|other| other != name && references(catalog, other, root));
        before.insert(*name, referencing.collect());
    }
    let mut ordered: Vec<&TableName> = Vec::with_capacity(left.len());
    while !left.is_empty() {
        let waits =
            |name: &&TableName| before.get(name).is_some_and(|first| left.iter().any(|one| first.contains(one)));
        let next = left.iter().position(|name| !waits(name)).unwrap_or(0);
        ordered.push(left.remove(next));
    }
    ordered
}

/// Whether a table of the policy, or one that was a partition of it, references this root.
fn references(catalog: &Catalog, table: &TableName, root: &Root) -> bool {
    let oid = match catalog.tables.get(table) {
        Some(TableState::Partitioned(found)) => found.oid,
        Some(TableState::Missing | TableState::Unfit(_)) | None => return false,
    };
    root.referenced_by.iter().any(|name| {
        name == table || catalog.retired.values().any(|known| known.name == *name && known.marker.root_oid == oid)
    })
}
