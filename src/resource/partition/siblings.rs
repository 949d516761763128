//! What all of the newest partitions have, and a new one would not get: said, and how to want it.

use std::collections::BTreeMap;

use super::context::Context;
use crate::catalog::{Answer, CopyEnding, IndexShape, Own, OwnKind, Question, Siblings, bounded};
use crate::plan::{Code, Finding};
use crate::policy::OwnName;
use crate::resource::index::is_replaced;
use crate::sql::{Ident, TableName};

/// What stands out, one finding for each thing.
pub(super) fn findings(context: &Context<'_>) -> Vec<Finding> {
    let mut found = Vec::new();
    let Some(siblings) = context.root.siblings.as_deref() else { return found };
    let (who, one) = who(context, siblings);
    let mut say = |(is, what): (Is, String), hint: Option<String>| {
        let message = match is {
            Is::Has => format!("{who} {} {what}; new ones will not", if one { "has" } else { "have" }),
            Is::In => format!("{who} {} {what}; new ones will not be", if one { "is" } else { "are" }),
        };
        let mut finding = context.finding(Code::SiblingsHaveMore, None, message);
        finding.hint = hint;
        found.push(finding);
    };
    if let Some(schema) = elsewhere(context) {
        say((Is::In, format!("in schema {schema}")), Some(format!("partition: {{schema: {schema}}}")));
    }
    let parameters = parameters(context, siblings);
    if !parameters.is_empty() {
        let list = |between: &str| {
            parameters.iter().map(|(name, value)| format!("{name}{between}{value}")).collect::<Vec<_>>().join(", ")
        };
        let hint = format!("storage_parameters: {{{}}}", list(": "));
        say((Is::Has, format!("the storage parameters {}", list(" = "))), Some(hint));
    }
    for own in siblings.common() {
        if is_wanted(context, siblings, own) {
            continue;
        }
        let (shown, hint) = shown(context, siblings, own);
        say(shown, hint);
    }
    if context.table.new_partitions.unlogged == Some(true) {
        found.extend(logged(context, siblings));
    }
    found
}

/// How a finding goes on after whom it is about.
enum Is {
    /// It has something.
    Has,
    /// It is somehow, or somewhere.
    In,
}

/// `all 7 partitions`, or the newest of more, and whether that is one.
fn who(context: &Context<'_>, siblings: &Siblings) -> (String, bool) {
    let (compared, all) = (siblings.newest.len(), bounded(context.root).len());
    match (compared, all) {
        (1, 1) => ("the one partition".to_owned(), true),
        (compared, all) if compared == all => (format!("all {all} partitions"), false),
        (1, all) => (format!("the newest 1 of {all} partitions"), true),
        (compared, all) => (format!("the newest {compared} of {all} partitions"), false),
    }
}

/// The schema that all of them are in, where new ones will be in another and the policy does not say so.
fn elsewhere<'a>(context: &Context<'a>) -> Option<&'a Ident> {
    if context.table.new_partitions.schema.is_some() {
        return None;
    }
    let mut schemas = context.ranges.iter().rev().map(|range| &range.leaf.name.schema);
    let first = schemas.next()?;
    (first != context.new_schema() && schemas.all(|schema| schema == first)).then_some(first)
}

/// Storage parameters that all have alike, and that the policy does not set.
fn parameters(context: &Context<'_>, siblings: &Siblings) -> BTreeMap<String, String> {
    let Some(storage) = context.root.storage.as_deref() else { return BTreeMap::new() };
    let wanted = &context.table.storage_parameters;
    siblings
        .common_parameters(|leaf| storage.leaves.get(&leaf).map(|leaf| &leaf.parameters))
        .into_iter()
        .filter(|(name, _)| !wanted.contains_key(name))
        .collect()
}

/// Whether the policy already says that new partitions get it, or that they do not.
fn is_wanted(context: &Context<'_>, siblings: &Siblings, own: &Own) -> bool {
    let wanted = &context.table.new_partitions;
    let leaf = leaf_name(context, siblings);
    let named =
        |names: &[OwnName]| leaf.is_some_and(|leaf| names.iter().any(|name| name.on(&leaf.name).as_str() == own.name));
    match own.kind {
        OwnKind::Unlogged => wanted.unlogged.is_some(),
        OwnKind::Check => named(&wanted.checks),
        OwnKind::Trigger => named(&wanted.triggers),
        OwnKind::Index => leaf.is_some_and(|leaf| is_policys_index(context, leaf, own)),
        OwnKind::ForeignKey
        | OwnKind::NotNull
        | OwnKind::Tablespace
        | OwnKind::AccessMethod
        | OwnKind::Rule
        | OwnKind::Statistics => false,
    }
}

/// Whether an index is one of the policy's; where that is not known it may be.
fn is_policys_index(context: &Context<'_>, leaf: &TableName, own: &Own) -> bool {
    if context.table.indexes.is_empty() {
        return false;
    }
    let facts = context
        .root
        .indexes
        .values()
        .find(|facts| facts.name.schema == leaf.schema && facts.name.name.as_str() == own.name);
    // One that the policy defines otherwise now has a step of its own.
    if facts.is_some_and(|facts| is_replaced(context, leaf, &facts.name)) {
        return true;
    }
    let Some(facts) = facts.filter(|facts| facts.raw.is_none()) else { return true };
    // A unique index is no primary key.
    if facts.copies.ending == CopyEnding::Pkey {
        return false;
    }
    context.table.indexes.values().any(|definition| {
        let question = Question::WantedIndex { root: context.root.oid, definition: definition.clone() };
        match context.snapshot.answers.get(&question) {
            Answer::Shape(wanted) => alike(&wanted.shape, &facts.shape),
            Answer::Unknown(_) | Answer::Withheld(_) => definition.unique == facts.shape.unique,
            Answer::Refused(_)
            | Answer::Leaf(_)
            | Answer::Keys(_)
            | Answer::Rows(_)
            | Answer::Bytes(_)
            | Answer::DefaultKeys(_)
            | Answer::Bloat(_)
            | Answer::Spelling(_)
            | Answer::Found(_)
            | Answer::Taken(_) => false,
        }
    })
}

fn alike(wanted: &IndexShape, found: &IndexShape) -> bool {
    IndexShape { parameters: found.parameters.clone(), ..wanted.clone() } == *found
}

fn leaf_name<'a>(context: &Context<'a>, siblings: &Siblings) -> Option<&'a TableName> {
    Some(&context.root.leaves.get(&siblings.first()?.leaf)?.name)
}

/// How it is said, and what in the policy would want it.
fn shown(context: &Context<'_>, siblings: &Siblings, own: &Own) -> ((Is, String), Option<String>) {
    let everywhere =
        leaf_name(context, siblings).map_or_else(|| own.name.clone(), |leaf| OwnName::of(&own.name, &leaf.name).0);
    match own.kind {
        OwnKind::Unlogged => ((Is::In, "UNLOGGED".to_owned()), Some("partition: {unlogged: true}".to_owned())),
        OwnKind::Check => {
            ((Is::Has, format!("a check {everywhere}")), Some(format!("partition: {{checks: [\"{everywhere}\"]}}")))
        }
        OwnKind::Trigger => {
            ((Is::Has, format!("a trigger {everywhere}")), Some(format!("partition: {{triggers: [\"{everywhere}\"]}}")))
        }
        OwnKind::Index => ((Is::Has, format!("an own {own}")), index_hint(context, own)),
        OwnKind::ForeignKey | OwnKind::Statistics | OwnKind::Rule => ((Is::Has, format!("an own {own}")), None),
        OwnKind::NotNull => ((Is::Has, format!("NOT NULL on column {}", own.name)), None),
        OwnKind::Tablespace | OwnKind::AccessMethod => ((Is::In, format!("in {own}")), None),
    }
}

/// Partitions that are there stay as they are: SET UNLOGGED rewrites one under ACCESS EXCLUSIVE.
fn logged(context: &Context<'_>, siblings: &Siblings) -> Option<Finding> {
    let is_logged = |has: &[Own]| !has.iter().any(|own| own.kind == OwnKind::Unlogged);
    let first = siblings.newest.iter().find(|sibling| is_logged(&sibling.has))?;
    let leaf = context.root.leaves.get(&first.leaf)?;
    let message = "it is logged, and new ones are UNLOGGED (`partition.unlogged`): left alone".to_owned();
    let mut finding = context.finding(Code::PartitionHasOwn, Some(&leaf.name), message);
    finding.hint = Some(format!("ALTER TABLE {} SET UNLOGGED rewrites it while reads and writes wait", leaf.name));
    Some(finding)
}

/// A unique index without the key can be had; what the policy would call it is its reader's choice.
fn index_hint(context: &Context<'_>, own: &Own) -> Option<String> {
    let columns = own.shown.as_deref()?.strip_prefix("unique index (")?.strip_suffix(')')?;
    let all: Vec<&str> = columns.split(", ").collect();
    // Included columns are shown as well, and an expression is not.
    let keys: usize = own.meaning.split('|').nth(3)?.parse().ok()?;
    let key = context.root.key.name.to_string();
    let can_be_had = all.len() == keys && !all.contains(&"(expression)") && !all.contains(&key.as_str());
    can_be_had.then(|| format!("indexes: {{NAME: {{columns: [{columns}], unique: true, on: partitions}}}}"))
}
