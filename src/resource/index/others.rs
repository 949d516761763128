//! Indexes that the policy does not name: reported, never dropped.

use std::collections::{BTreeMap, BTreeSet};

use super::names::successor_names;
use super::of_partitions::is_replaced;
use super::view::{Seen, View};
use crate::catalog::{IndexFacts, IndexShape, Oid};
use crate::plan::{Code, Finding};
use crate::policy::OtherIndexes;
use crate::resource::partition::Context;
use crate::sql::TableName;

/// What the policy names.
#[derive(Default)]
pub(super) struct Named {
    /// The root's indexes that meet it.
    pub(super) met: Vec<Oid>,
    /// How they compare.
    pub(super) shapes: Vec<IndexShape>,
    /// How some compare is unknown: any other may be one of them.
    pub(super) unverified: bool,
}

/// What stands out among the others.
pub(super) fn findings(context: &Context<'_>, view: &View<'_>, named: &Named) -> Vec<Finding> {
    match context.table.other_indexes {
        OtherIndexes::Ignore => return Vec::new(),
        OtherIndexes::Report => {}
    }
    let mut findings = Vec::new();
    let wanted: BTreeSet<&str> = context.table.indexes.keys().map(|name| name.as_str()).collect();
    for seen in &view.of_root {
        let facts = seen.facts;
        // What a constraint or the policy stands on is no stray; what has a wanted name is judged there.
        if facts.constraint || named.met.contains(&seen.oid) || wanted.contains(facts.name.name.as_str()) {
            continue;
        }
        let discarded = facts.parent.is_none() && !facts.valid && is_begun(context, facts);
        let (code, message) = match redundant(view, seen) {
            _ if discarded => continue,
            _ if !facts.valid => {
                (Code::IndexInvalid, "invalid, and not in the policy: no query of the table uses it".to_owned())
            }
            Some(message) => (Code::IndexRedundant, message),
            None if named.unverified => continue,
            None => (Code::IndexUnlisted, "it is not in the policy: left alone".to_owned()),
        };
        findings.push(context.finding(code, Some(&facts.name), message));
    }
    if !named.unverified {
        findings.extend(strays(context, view, named));
    }
    findings.extend(invalid(context, view, named));
    findings
}

/// Another index of the root that does all that this one does.
fn redundant(view: &View<'_>, seen: &Seen<'_>) -> Option<String> {
    let shape = seen.shape.as_ref()?;
    let others = view.of_root.iter().filter(|other| other.oid != seen.oid && other.facts.valid);
    others.filter_map(|other| Some((other, other.shape.as_ref()?))).find_map(|(other, theirs)| {
        if theirs.is_like(shape) {
            Some(format!("it is not in the policy, and {} is its equal", other.facts.name))
        } else if theirs.covers(shape) {
            Some(format!("it is not in the policy, and {} covers it", other.facts.name))
        } else {
            None
        }
    })
}

/// Whether it was begun by us to take the place of an index of the policy, which has a step of its own for it.
fn is_begun(context: &Context<'_>, facts: &IndexFacts) -> bool {
    context.table.indexes.keys().any(|name| {
        successor_names(&TableName { schema: context.name.schema.clone(), name: name.clone() }).contains(&facts.name)
    })
}

/// Invalid indexes of partitions that are no leftover of what the policy names: they cost writers and serve nobody.
fn invalid(context: &Context<'_>, view: &View<'_>, named: &Named) -> Vec<Finding> {
    let left = view.of_leaf.values().flatten().filter(|seen| {
        let facts = seen.facts;
        let wanted = named.shapes.iter().any(|shape| seen.is_like(shape)) || named.unverified && seen.shape.is_none();
        facts.parent.is_none() && !facts.valid && !facts.building && !facts.constraint && !wanted
    });
    let mut names: Vec<&TableName> = left.map(|seen| &seen.facts.name).collect();
    names.sort();
    let Some(first) = names.first() else { return Vec::new() };
    let message = match names.len() {
        1 => "invalid: writes maintain it, no query uses it".to_owned(),
        count => format!("invalid, and {} more: writes maintain them, no query uses them", count - 1),
    };
    let mut finding = context.finding(Code::IndexInvalid, Some(first), message);
    finding.hint = Some(format!("DROP INDEX CONCURRENTLY {first}, or REINDEX INDEX CONCURRENTLY {first}"));
    vec![finding]
}

/// Indexes that only some partitions have, and that nothing of the root's or of the policy's is like.
fn strays(context: &Context<'_>, view: &View<'_>, named: &Named) -> Vec<Finding> {
    let mut by_table: BTreeMap<Oid, Vec<&TableName>> = BTreeMap::new();
    for (leaf, all) in &view.of_leaf {
        for seen in all.iter().filter(|seen| seen.facts.parent.is_none() && seen.facts.valid && !seen.facts.constraint)
        {
            let Some(shape) = &seen.shape else { continue };
            let known = view.of_root.iter().any(|root| root.is_like(shape));
            let table = context.root.leaves.get(leaf).map(|leaf| &leaf.name);
            let known = known || table.is_some_and(|table| is_replaced(context, table, &seen.facts.name));
            if !known && !named.shapes.iter().any(|named| named.is_like(shape)) {
                by_table.entry(*leaf).or_default().push(&seen.facts.name);
            }
        }
    }
    let names: Vec<&TableName> = by_table.values().flatten().copied().collect();
    let Some(first) = names.iter().min() else { return Vec::new() };
    let message = match (names.len(), by_table.len()) {
        (1, _) => "one partition alone has it: left alone".to_owned(),
        (indexes, partitions) => format!("{indexes} such indexes stand on {partitions} partitions alone: left alone"),
    };
    vec![context.finding(Code::IndexStray, Some(first), message)]
}
