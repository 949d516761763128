//! How new partitions are made, beyond what they get from their table's attributes: what the policy wants of the newest
//! one is taken from there.

use super::context::Context;
use super::create::add_block;
use crate::catalog::{LeafKind, NEWEST};
use crate::catalog::{Own, OwnDefinition, OwnKind, bounded};
use crate::plan::{Block, Code, CopiedCheck, CopiedTrigger, Finding, Hazard, HazardKind, Making, Step};
use crate::policy::OwnName;
use crate::sql::{Ident, TableName};

/// What all new partitions of a table are made by.
#[derive(Debug, Default)]
pub(super) struct Maker {
    making: Making,
    checks: Vec<(OwnName, String, Ident)>,
    triggers: Vec<(OwnName, CopiedTrigger)>,
    /// Why nothing can be made for now.
    unknown: Option<String>,
    /// What cannot be had.
    pub(super) findings: Vec<Finding>,
    plain_among: Option<String>,
}

impl Maker {
    pub(super) fn new(context: &Context<'_>) -> Self {
        let wanted = &context.table.new_partitions;
        let mut maker = Self {
            making: Making {
                indexes_by_attach: !context.root.exclusions.own.is_empty(),
                unlogged: wanted.unlogged == Some(true),
                ..Making::default()
            },
            plain_among: subpartitioned(context),
            ..Self::default()
        };
        if !wanted.copies() {
            return maker;
        }
        let siblings = context.root.siblings.as_deref();
        let first = siblings.and_then(|siblings| siblings.first());
        let newest = first.and_then(|first| Some((first, &context.root.leaves.get(&first.leaf)?.name)));
        let Some((first, leaf)) = newest else {
            let message = "no partition to take checks and triggers from: new ones go without".to_owned();
            maker.findings.push(context.finding(Code::SiblingLacks, None, message));
            return maker;
        };
        if let Some(because) = siblings.and_then(|siblings| siblings.unread.as_ref()) {
            let because = format!("checks and triggers of {leaf} could not be read: {because}");
            maker.findings.push(context.finding(Code::Unknown, Some(leaf), because.clone()));
            maker.unknown = Some(because);
            return maker;
        }
        let shared = |own: &Own| siblings.is_some_and(|siblings| siblings.common().any(|common| common == own));
        for (kind, name) in wanted
            .checks
            .iter()
            .map(|name| (OwnKind::Check, name))
            .chain(wanted.triggers.iter().map(|name| (OwnKind::Trigger, name)))
        {
            let called = name.on(&leaf.name);
            let own = first.has.iter().find(|own| own.kind == kind && own.name == called.as_str());
            let mut lacks = |message: String| {
                maker.findings.push(context.finding(Code::SiblingLacks, Some(leaf), message));
            };
            match own.map(|own| (own, own.definition.as_ref())) {
                None => {
                    let what = if kind == OwnKind::Check { "check" } else { "trigger" };
                    lacks(format!("it has no {what} {called}: new partitions go without"));
                }
                Some((own, _)) if own.of_key && !shared(own) => {
                    lacks(format!("its check {called} is about the key, and not the same on others: it is not copied"));
                }
                Some((_, Some(OwnDefinition::Check(definition)))) => {
                    maker.checks.push((name.clone(), definition.clone(), leaf.name.clone()));
                }
                Some((_, Some(OwnDefinition::Trigger { constraint, events, tail, enabled }))) => {
                    let copied = CopiedTrigger {
                        name: called,
                        constraint: *constraint,
                        events: events.clone(),
                        tail: tail.clone(),
                        enabled: *enabled,
                    };
                    maker.triggers.push((name.clone(), copied));
                }
                Some((_, Some(OwnDefinition::Unclear) | None)) => {
                    lacks(format!("how its trigger {called} is made for another table is not clear: it is not copied"));
                }
            }
        }
        maker
    }

    /// How this partition is made.
    pub(super) fn making(&self, partition: &TableName) -> Making {
        let checks = self.checks.iter().map(|(name, definition, of)| CopiedCheck {
            name: name.on(&partition.name),
            definition: definition.clone(),
            of: of.clone(),
        });
        let triggers = self
            .triggers
            .iter()
            .map(|(name, trigger)| CopiedTrigger { name: name.on(&partition.name), ..trigger.clone() });
        Making { checks: checks.collect(), triggers: triggers.collect(), ..self.making.clone() }
    }

    /// What this means for the step that makes it.
    pub(super) fn judge(&self, partition: &TableName, step: &mut Step) {
        if let Some(among) = &self.plain_among {
            step.hazards.push(Hazard {
                kind: HazardKind::PlainLeaf,
                object: partition.clone().into(),
                detail: format!("it is a plain table, and {among}"),
            });
        }
        if let Some(because) = &self.unknown {
            add_block(step, Block::Unknown { because: because.clone() });
        }
    }
}

/// What partitions among the newest are partitioned themselves: a plain one is of another kind than they.
fn subpartitioned(context: &Context<'_>) -> Option<String> {
    let newest = bounded(context.root);
    let mut newest = newest.iter().take(NEWEST).filter(|(_, leaf)| leaf.kind == LeafKind::Partitioned);
    newest.next().map(|(_, leaf)| format!("others, such as {}, are partitioned themselves", leaf.name))
}
