//! Facts of maintenance.

use jiff::Timestamp;

use super::super::action::Relation;
use super::{TableState, roots_mut};
use crate::catalog::{Answer, Catalog, IndexUpkeep, LeafUpkeep, Question, Root, Snapshot, Upkeep};

fn upkeeps(catalog: &Catalog) -> impl Iterator<Item = &Upkeep> {
    catalog.tables.values().filter_map(|state| match state {
        TableState::Partitioned(root) => root.upkeep.as_deref(),
        TableState::Missing | TableState::Unfit(_) => None,
    })
}

fn leaf<'a>(catalog: &'a Catalog, partition: &Relation) -> Result<&'a LeafUpkeep, String> {
    let found = upkeeps(catalog).find_map(|upkeep| upkeep.leaves.get(&partition.oid));
    found.ok_or_else(|| format!("how {} is kept was not read", partition.name))
}

fn index<'a>(catalog: &'a Catalog, index: &Relation) -> Option<&'a IndexUpkeep> {
    upkeeps(catalog).find_map(|upkeep| upkeep.indexes.get(&index.oid))
}

pub(super) fn analyzed(root: &Root, after: Option<Timestamp>) -> Result<(), String> {
    let Some(upkeep) = &root.upkeep else { return Err("how it is kept was not read".to_owned()) };
    match (upkeep.analyzed, after, upkeep.analyzed_at) {
        (false, _, _) => Err("it never was".to_owned()),
        (true, None, _) => Ok(()),
        (true, Some(after), Some(at)) if at > after => Ok(()),
        (true, Some(_), Some(at)) => Err(format!("it was at {at}")),
        (true, Some(_), None) => Err("when is not known".to_owned()),
    }
}

pub(super) fn frozen(catalog: &Catalog, partition: &Relation, max_age: u32) -> Result<(), String> {
    let LeafUpkeep { pages, rows, visible, xid_age, .. } = leaf(catalog, partition)?;
    if rows.is_none() {
        return Err("it was never vacuumed".to_owned());
    }
    if visible < pages {
        return Err(format!("{visible} of {pages} pages are visible to all"));
    }
    if *xid_age > max_age { Err(format!("its age is {xid_age}")) } else { Ok(()) }
}

pub(super) fn same_index(catalog: &Catalog, wanted: &Relation) -> Result<(), String> {
    match index(catalog, wanted) {
        Some(found) if found.name == wanted.name => Ok(()),
        Some(found) => Err(format!("it is called {} now", found.name)),
        None => Err("it is another one now, invalid, or small".to_owned()),
    }
}

pub(super) fn rebuilt(snapshot: &Snapshot, wanted: &Relation) -> Result<(), String> {
    if index(&snapshot.catalog, wanted).is_some() {
        return Err("it is still the same one".to_owned());
    }
    match snapshot.answers.get(&Question::Exists { relation: wanted.oid }) {
        Answer::Taken(false) => Ok(()),
        Answer::Taken(true) => Err("it is still there".to_owned()),
        Answer::Unknown(because) => Err(format!("whether it is still there is unknown: {because}")),
        Answer::Leaf(_)
        | Answer::Keys(_)
        | Answer::Rows(_)
        | Answer::Bytes(_)
        | Answer::DefaultKeys(_)
        | Answer::Shape(_)
        | Answer::Withheld(_)
        | Answer::Refused(_)
        | Answer::Bloat(_)
        | Answer::Found(_)
        | Answer::Spelling(_) => Err("an answer of another kind".to_owned()),
    }
}

pub(super) fn assume_analyzed(catalog: &mut Catalog, root: &Relation, now: Timestamp) {
    for found in roots_mut(catalog).filter(|found| found.oid == root.oid) {
        if let Some(upkeep) = &mut found.upkeep {
            upkeep.analyzed = true;
            upkeep.analyzed_at = Some(now);
        }
    }
}

pub(super) fn assume_frozen(catalog: &mut Catalog, partition: &Relation, now: Timestamp) {
    for root in roots_mut(catalog) {
        let Some(upkeep) = &mut root.upkeep else { continue };
        let Some(leaf) = upkeep.leaves.get_mut(&partition.oid) else { continue };
        leaf.rows = leaf.rows.or(Some(0));
        leaf.visible = leaf.pages;
        leaf.frozen = leaf.frozen.map(|_| leaf.pages);
        leaf.xid_age = 0;
        leaf.vacuumed_at = Some(now);
    }
}

pub(super) fn assume_rebuilt(snapshot: &mut Snapshot, index: &Relation) {
    for root in roots_mut(&mut snapshot.catalog) {
        // A rebuilt index has another OID; how large it is, is not known here.
        if let Some(upkeep) = &mut root.upkeep {
            upkeep.indexes.remove(&index.oid);
        }
        if let Some(facts) = root.indexes.remove(&index.oid) {
            let next = root.indexes.last_key_value().map_or(index.oid.0, |(oid, _)| oid.0.max(index.oid.0));
            root.indexes.insert(crate::catalog::Oid(next.saturating_add(1)), facts);
        }
    }
    snapshot.answers.put(Question::Exists { relation: index.oid }, Answer::Taken(false));
}
