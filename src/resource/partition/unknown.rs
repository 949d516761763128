//! What could not be asked: what that blocks, and what is said of it, once for each table and reason.

use std::collections::BTreeMap;

use super::context::Context;
use crate::catalog::{Answer, CodeBy, Oid, Question, WouldRun};
use crate::grid::Bound;
use crate::plan::{Action, Block, Code, Finding, HazardKind, PartitionAction, Step};
use crate::policy::Grant;

/// How many rows of the default partition lie in a range.
pub(super) fn rows_in_default(context: &Context<'_>, leaf: Oid, (from, to): (Bound, Bound)) -> Answer {
    match from.value() {
        Some(from) => context.snapshot.answers.get(&Question::DefaultRows { leaf, from, to }),
        None => Answer::Unknown("its range has no lower end".to_owned()),
    }
}

/// Where only code of another role keeps the question from being asked, its grant is what is missing: with it the question
/// is asked. Else `otherwise`.
pub(super) fn block(context: &Context<'_>, because: &str, otherwise: Block) -> Block {
    let catalog = &context.snapshot.catalog;
    let codes = catalog.owners_code(context.name, &CodeBy::QUERIES);
    let names = [&catalog.session.name, &catalog.session_of(context.name).name];
    let said = |whom: &String| because.contains(&WouldRun { codes: &codes, whom }.to_string());
    if codes.is_empty() || !names.into_iter().any(said) {
        return otherwise;
    }
    let hazard = HazardKind::RunsOwnersCode;
    Block::Hazard { hazard, allow: Grant { hazard, table: Some(context.name.clone()) } }
}

/// Windows whose rows in the default partition could not be counted.
pub(super) fn findings(context: &Context<'_>, steps: &[Step]) -> Vec<Finding> {
    let Some((oid, leaf)) = context.default else { return Vec::new() };
    let mut windows: BTreeMap<String, ((Bound, Bound), usize)> = BTreeMap::new();
    for step in steps {
        let range = match &step.action {
            Action::Partition(PartitionAction::Create(create)) => (Bound::Value(create.from), create.to),
            Action::Partition(PartitionAction::Attach(attach)) => {
                (attach.retired.marker.from, attach.retired.marker.to)
            }
            Action::Partition(
                PartitionAction::CreateDefault(_)
                | PartitionAction::Finalize(_)
                | PartitionAction::Mark(_)
                | PartitionAction::Detach(_)
                | PartitionAction::Stamp(_)
                | PartitionAction::Drop(_),
            )
            | Action::Index(_)
            | Action::Storage(_)
            | Action::Maintenance(_)
            | Action::Limit(_)
            | Action::Setting(_) => continue,
        };
        if let Answer::Unknown(because) = rows_in_default(context, oid, range) {
            let (first, count) = windows.entry(because).or_insert((range, 0));
            *first = (*first).min(range);
            *count += 1;
        }
    }
    let say = |(because, ((from, to), count)): (String, ((Bound, Bound), usize))| {
        let more = match count {
            0 | 1 => String::new(),
            2 => " and 1 more window".to_owned(),
            count => format!(" and {} more windows", count - 1),
        };
        let message = format!("rows for {from} to {to}{more} could not be counted: {because}");
        context.finding(Code::Unknown, Some(&leaf.name), message)
    };
    windows.into_iter().map(say).collect()
}
