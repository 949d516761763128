//! What attaching and detaching make of a catalog, where a step that is still to run is assumed.

use super::*;

pub(super) fn attach(
    snapshot: &mut Snapshot,
    root: &Relation,
    partition: &TableName,
    oid: Option<Oid>,
    bounds: &LeafBounds,
    pending: bool,
) {
    let catalog = &mut snapshot.catalog;
    let next = next_free_oid(catalog);
    let retired = oid.and_then(|oid| catalog.retired.remove(&oid));
    if let Some(TableState::Partitioned(state)) = catalog.tables.get_mut(&root.name) {
        let oid = oid.or_else(|| state.leaves.iter().find(|(_, leaf)| leaf.name == *partition).map(|(oid, _)| *oid));
        let known = oid.and_then(|oid| state.leaves.remove(&oid));
        let rows_estimate = retired.and_then(|table| table.rows_estimate);
        let owner = state.attributes.owner.clone();
        let leaf = known.unwrap_or_else(|| Leaf {
            name: partition.clone(),
            owner,
            kind: LeafKind::Table,
            bounds: bounds.clone(),
            pending,
            held: false,
            marker: None,
            rows_estimate,
        });
        let leaf_oid = oid.unwrap_or(next);
        state.leaves.insert(leaf_oid, Leaf { bounds: bounds.clone(), pending, ..leaf });
        index_like_root(state, leaf_oid, partition, next.0);
    }
    snapshot.answers.put(Question::NameTaken { name: partition.clone() }, Answer::Taken(true));
}

pub(super) fn detach(catalog: &mut Catalog, partition: &Relation) {
    for state in catalog.tables.values_mut() {
        let TableState::Partitioned(root) = state else { continue };
        let Some(leaf) = root.leaves.remove(&partition.oid) else { continue };
        root.indexes.retain(|_, facts| facts.table != partition.oid);
        // An unmarked table that is detached is no longer ours to know.
        if let Some(marker) = leaf.marker {
            let retired = Retired {
                name: leaf.name,
                owner: leaf.owner,
                marker,
                held: leaf.held,
                references: root.references.clone(),
                partitioned: root.partitioned.intersection(&root.references).cloned().collect(),
                cascades_from: root.cascades_from.clone(),
                exclusions: root.exclusions.of_pending.clone(),
                in_use_as: None,
                root_now: None,
                root_held: false,
                hold_line: None,
                rows_estimate: leaf.rows_estimate,
            };
            catalog.retired.insert(partition.oid, retired);
        }
        return;
    }
}

/// An OID that nothing in the catalog has: what a simulation gives to a table that it makes.
pub(super) fn next_free_oid(catalog: &Catalog) -> Oid {
    let leaves = catalog.tables.values().filter_map(|state| match state {
        TableState::Partitioned(root) => {
            let highest = root.leaves.last_key_value().map(|(oid, _)| *oid);
            highest.max(root.indexes.last_key_value().map(|(oid, _)| *oid)).max(Some(root.oid))
        }
        TableState::Missing | TableState::Unfit(_) => None,
    });
    let highest = leaves.chain(catalog.retired.last_key_value().map(|(oid, _)| *oid)).max().unwrap_or_default();
    Oid(highest.0.saturating_add(1))
}
