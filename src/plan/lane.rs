//! Which tables may be worked on side by side: those that lock no common relation.

use std::collections::{BTreeMap, BTreeSet};

use crate::catalog::{Catalog, TableState};
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
