//! Which steps of one table may run: hazards against grants, the blast radius, the clocks, and what follows from a block.

use std::collections::{BTreeMap, BTreeSet};

use super::acting;
use super::action::{Action, PartitionAction};
use super::finding::{Code, Finding};
use super::gate::{Block, Gate, GrantSource, Granted, skew_words};
use super::hazard::{Gating, HazardKind};
use super::planner::PlanOptions;
use super::step::{Step, StepId};
use super::{slots, trust};
use crate::policy::{Desired, Grant};
use crate::resource::partition::Context;
use crate::sql::{TableName, hand_over};

/// Clocks further apart than this block every removal.
pub(super) const MAX_CLOCK_SKEW_MS: u64 = 5 * 60 * 1000;

/// Decides each step's gate. Blocks that planning already put there stay.
pub(super) fn gate(context: &Context<'_>, options: &PlanOptions, steps: &mut [Step], findings: &mut Vec<Finding>) {
    let trusted = find_grant(context.desired, options, Some(context.name), HazardKind::RunsOwnersCode).is_some();
    trust::mark(context, trusted, steps);
    acting::choose(context.snapshot, steps);
    managed_elsewhere(context, steps, findings);
    clock_skew(context, steps, findings);
    slots::judge(context, steps, findings);
    let beyond = beyond_max_drop(context, options, steps);
    for step in steps.iter_mut() {
        hazards(context.desired, options, step, beyond);
    }
    together(steps);
    needs(steps);
}

/// Adds a reason not to run.
pub(super) fn block(step: &mut Step, block: Block) {
    match &mut step.gate {
        Gate::Blocked(blocks) if blocks.contains(&block) => {}
        Gate::Blocked(blocks) => blocks.push(block),
        Gate::Open | Gate::Granted(_) => step.gate = Gate::Blocked(vec![block]),
    }
}

fn managed_elsewhere(context: &Context<'_>, steps: &mut [Step], findings: &mut Vec<Finding>) {
    let Some(schema) = &context.root.partman else { return };
    let message = "pg_partman's automatic maintenance manages this table: every step is blocked".to_owned();
    let update = hand_over(schema, context.name);
    let mut finding = context.finding(Code::ManagedByPgPartman, None, message.clone());
    finding.hint = Some(format!("to hand it over: {update}"));
    findings.push(finding);
    for step in steps {
        block(step, Block::ManagedElsewhere { by: message.clone() });
    }
}

fn clock_skew(context: &Context<'_>, steps: &mut [Step], findings: &mut Vec<Finding>) {
    let skew = context.snapshot.clock_skew_ms;
    let seconds = skew / 1000;
    let mut blocked = false;
    for step in steps.iter_mut().filter(|step| step.action.removes() && skew.unsigned_abs() > MAX_CLOCK_SKEW_MS) {
        block(step, Block::ClockSkew { seconds });
        blocked = true;
    }
    if blocked {
        let message = format!("{}: every removal is blocked", skew_words(seconds));
        findings.push(Finding {
            table: None,
            code: Code::ClockSkew,
            object: None,
            message,
            hint: Some("set both by NTP".to_owned()),
        });
    }
}

/// How many partitions would leave, if that is more than needs no grant: more windows and a longer time than both limits.
fn beyond_max_drop(context: &Context<'_>, options: &PlanOptions, steps: &[Step]) -> Option<u32> {
    let limit = context.desired.apply.max_drop;
    let mut windows = 0u32;
    let mut seconds = 0i64;
    for step in steps {
        let Action::Partition(PartitionAction::Detach(detach)) = &step.action else { continue };
        windows += 1;
        let instant = |bound: crate::grid::Bound| bound.value().and_then(|value| context.grid.instant(value));
        // An end that is no instant counts as without end.
        let length = instant(detach.leaving.from).zip(instant(detach.leaving.to));
        let length = length.map_or(i64::MAX, |(from, to)| to.as_second() - from.as_second());
        seconds = seconds.saturating_add(length);
    }
    let span = limit
        .span
        .before(context.now, context.grid.zone())
        .map_or(0, |then| context.now.as_second() - then.as_second());
    let too_many = windows > options.max_drop.unwrap_or(limit.windows);
    // The flag names a number of partitions and replaces both limits.
    let too_long = options.max_drop.is_some() || seconds > span;
    (too_many && too_long).then_some(windows)
}

/// The same of steps that are about no table.
pub(super) fn gate_of_no_table(desired: &Desired, options: &PlanOptions, steps: &mut [Step]) {
    steps.iter_mut().for_each(|step| hazards(desired, options, step, None));
    needs(steps);
}

fn hazards(desired: &Desired, options: &PlanOptions, step: &mut Step, beyond: Option<u32>) {
    let kinds: BTreeSet<HazardKind> = step.hazards.iter().map(|hazard| hazard.kind).collect();
    let mut granted = Vec::new();
    for kind in kinds {
        let gated = match kind.gating() {
            Gating::Always => true,
            Gating::BeyondMaxDrop => beyond.is_some(),
            Gating::Shown => false,
        };
        if !gated {
            continue;
        }
        match find_grant(desired, options, step.table.as_ref(), kind) {
            Some(grant) => granted.push(grant),
            None => {
                let allow = Grant { hazard: kind, table: step.table.clone() };
                let why = match (kind, beyond) {
                    (HazardKind::DetachesData, Some(windows)) => Block::MaxDrop { windows, allow },
                    _ => Block::Hazard { hazard: kind, allow },
                };
                block(step, why);
            }
        }
    }
    if step.gate == Gate::Open && !granted.is_empty() {
        step.gate = Gate::Granted(granted);
    }
}

fn find_grant(
    desired: &Desired,
    options: &PlanOptions,
    table: Option<&TableName>,
    kind: HazardKind,
) -> Option<Granted> {
    let fits = |grant: &Grant| grant.hazard == kind && (grant.table.is_none() || grant.table.as_ref() == table);
    let by_policy = desired.apply.allow.iter().find(|grant| fits(grant));
    let by_policy = by_policy.map(|grant| Granted { grant: grant.clone(), source: GrantSource::Policy });
    by_policy.or_else(|| options.grants.iter().find(|granted| fits(&granted.grant)).cloned())
}

/// A marker alone would be of no use: it is blocked with its detach.
fn together(steps: &mut [Step]) {
    let mut blocked: BTreeMap<TableName, Vec<Block>> = BTreeMap::new();
    for step in steps.iter() {
        if let (Action::Partition(PartitionAction::Detach(detach)), Gate::Blocked(blocks)) = (&step.action, &step.gate)
        {
            blocked.insert(detach.leaving.partition.name.clone(), blocks.clone());
        }
    }
    for step in steps {
        let Action::Partition(PartitionAction::Mark(retiring)) = &step.action else { continue };
        for why in blocked.get(&retiring.partition.name).into_iter().flatten() {
            block(step, why.clone());
        }
    }
}

/// A blocked step blocks what needs it, and nothing else: what one partition lacks is no reason to keep the next one. What
/// concerns all removals of a table (the clocks, `max_drop`, pg_partman, the newest with rows) blocks each by itself.
pub(super) fn needs(steps: &mut [Step]) {
    let mut blocked: BTreeSet<StepId> = BTreeSet::new();
    for step in steps.iter_mut() {
        if !step.gate.is_blocked()
            && let Some(id) = step.needs.iter().find(|id| blocked.contains(*id)).cloned()
        {
            block(step, Block::Needs { step: id });
        }
        if step.gate.is_blocked() {
            blocked.insert(step.id.clone());
        }
    }
}
