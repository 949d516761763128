//! The default partition: made where the policy requires one, reported where it wants none, never removed.

use std::collections::BTreeSet;

use super::context::Context;
use super::create::{subscriber_hazard, suffixed};
use super::making::Maker;
use super::names::free_name;
use crate::catalog::Question;
use crate::grid::LeafBounds;
use crate::plan::{Action, Class, Code, CreateDefault, Fact, Finding, PartitionAction, Step};
use crate::policy::DefaultPartition;
use crate::resource::storage::{parameters, promised};
use crate::sql::TableName;

/// The default partition that the policy requires and the table lacks.
pub(super) fn default_partition(
    context: &Context<'_>,
    maker: &Maker,
    used: &mut BTreeSet<TableName>,
    findings: &mut Vec<Finding>,
) -> Option<Step> {
    match (context.table.default_partition, context.default) {
        (DefaultPartition::None, Some((_, leaf))) => {
            let mut finding = context.finding(
                Code::DefaultPartitionPresent,
                Some(&leaf.name),
                "the policy says `default_partition: none`; an existing one is never removed".to_owned(),
            );
            finding.hint = Some(
                "every attach locks it ACCESS EXCLUSIVE and no partition can be detached concurrently: drop it when it is empty, or write `allow`".to_owned(),
            );
            findings.push(finding);
            None
        }
        (DefaultPartition::Require, None) => create_default(context, maker, used, findings),
        (DefaultPartition::None, None) | (DefaultPartition::Allow, _) | (DefaultPartition::Require, Some(_)) => None,
    }
}

/// What must be asked before it can be made.
pub(super) fn questions(context: &Context<'_>) -> BTreeSet<Question> {
    match (context.table.default_partition, context.default) {
        (DefaultPartition::Require, None) => names(context).map(|name| Question::NameTaken { name }).collect(),
        (DefaultPartition::None | DefaultPartition::Allow, _) | (DefaultPartition::Require, Some(_)) => BTreeSet::new(),
    }
}

fn names(context: &Context<'_>) -> impl Iterator<Item = TableName> {
    let suffixes = ["_default", "_default_2", "_default_3"];
    suffixes.into_iter().map(|suffix| TableName {
        schema: context.new_schema().clone(),
        name: suffixed(context.name.name.as_str(), suffix),
    })
}

/// An empty table: it has nothing to scan, and rows that are there already lie in other partitions.
fn create_default(
    context: &Context<'_>,
    maker: &Maker,
    used: &mut BTreeSet<TableName>,
    findings: &mut Vec<Finding>,
) -> Option<Step> {
    let wanted: Vec<TableName> = names(context).collect();
    let name = free_name(context, &wanted, used, "DEFAULT", findings)?;
    let action = Action::Partition(PartitionAction::CreateDefault(CreateDefault {
        root: context.relation(),
        partition: name.clone(),
        attributes: context.root.attributes.clone(),
        storage_parameters: parameters(context),
        making: Box::new(maker.making(&name)),
        touches: context.touches(),
    }));
    let mut step = context.step(action, Class::Drift, "the policy requires a default partition");
    step.before.push(Fact::NameFree { name: name.clone() });
    step.before.push(Fact::NoDefault { root: context.relation() });
    let root = context.relation();
    step.after.push(Fact::Attached {
        root,
        partition: name.clone(),
        oid: None,
        bounds: LeafBounds::Default,
        pending: false,
    });
    step.after.extend(promised(context, &name));
    subscriber_hazard(context, &name, &mut step);
    maker.judge(&name, &mut step);
    Some(step)
}
