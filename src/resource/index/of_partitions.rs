//! Indexes that the policy wants on each partition by itself, and the table cannot have: unique without the partition key.

use std::collections::{BTreeMap, BTreeSet};

use super::diff::{One, Unclear, made_by, shape_of};
use super::names::{leaf_index_name, names_of};
use super::server_names;
use super::steps::{Place, Wanted, odd};
use super::view::{Seen, View, leaves, wanted};
use crate::catalog::{Answer, IndexShape, Leaf, Oid, Question};
use crate::plan::{
    Action, Block, BuildMode, Code, Fact, Finding, Gate, HazardKind, Making, OwnIndex, PartitionAction, Step,
};
use crate::policy::{IndexDesired, IndexOn};
use crate::resource::partition::Context;
use crate::sql::{Ident, TableName};

/// Those of the policy.
fn own<'a>(context: &Context<'a>) -> impl Iterator<Item = (&'a Ident, &'a IndexDesired)> {
    context.table.indexes.iter().filter(|(_, definition)| definition.on == IndexOn::Partitions)
}

/// What must be asked before [`equip`] can give new partitions theirs.
pub(crate) fn questions_of_new(context: &Context<'_>, steps: &[Step]) -> BTreeSet<Question> {
    let mut questions = BTreeSet::new();
    for (name, definition) in own(context) {
        questions.insert(wanted(context, definition));
        for partition in steps.iter().filter_map(|step| new(&step.action)) {
            let first = leaf_index_name(context, partition, name);
            questions.extend(names_of(&first).into_iter().map(|name| Question::NameTaken { name }));
        }
    }
    questions
}

/// Gives the partitions that these steps make their own indexes, in the same unit: no row may come before.
pub(crate) fn equip(context: &Context<'_>, steps: &mut [Step], used: &mut BTreeSet<TableName>) -> Vec<Finding> {
    let mut findings = Vec::new();
    // The server's own names for the copies of the table's indexes come first.
    let mut taken = match own(context).next() {
        Some(_) => server_names::foreseen(context, steps),
        None => return findings,
    };
    taken.extend(used.iter().cloned());
    for (wanted, definition) in own(context) {
        let shape = match shape_of(context, definition) {
            Ok(shape) => shape,
            // One that calls others' code is in no creation: its own steps say so.
            Err(Unclear::Withheld(_)) => continue,
            Err(unclear) => {
                findings.push(unclear.named(context, wanted));
                continue;
            }
        };
        // ATTACH folds what an index calls, as the session: such a one is built by a step of its own, afterwards.
        if definition.reaches_out() {
            continue;
        }
        for step in steps.iter_mut() {
            let Some(partition) = new(&step.action).cloned() else { continue };
            let first = leaf_index_name(context, &partition, wanted);
            let answers = &context.snapshot.answers;
            let names = names_of(&first);
            let free = names.iter().find(|name| {
                !taken.contains(*name)
                    && answers.get(&Question::NameTaken { name: (*name).clone() }) != Answer::Taken(true)
            });
            let Some(index) = free else {
                let message = format!("{partition} is made without it: {first} and its like are taken");
                findings.push(context.finding(Code::NoNameLeft, Some(&first), message));
                continue;
            };
            taken.insert(index.clone());
            used.insert(index.clone());
            let Some(making) = making(&mut step.action) else { continue };
            making.indexes.push(OwnIndex {
                index: index.clone(),
                wanted: wanted.clone(),
                definition: definition.clone(),
            });
            step.before.push(Fact::NameFree { name: index.clone() });
            step.after.push(Fact::Index {
                index: index.clone(),
                table: partition,
                valid: Some(true),
                attached_to: None,
                shape: Some(Box::new(shape.clone())),
            });
        }
    }
    findings
}

/// The partition that an action makes.
fn new(action: &Action) -> Option<&TableName> {
    match action {
        Action::Partition(PartitionAction::Create(create)) => Some(&create.partition),
        Action::Partition(PartitionAction::CreateDefault(create)) => Some(&create.partition),
        Action::Partition(
            PartitionAction::Finalize(_)
            | PartitionAction::Mark(_)
            | PartitionAction::Detach(_)
            | PartitionAction::Stamp(_)
            | PartitionAction::Attach(_)
            | PartitionAction::Drop(_),
        )
        | Action::Index(_)
        | Action::Storage(_)
        | Action::Maintenance(_)
        | Action::Limit(_)
        | Action::Setting(_) => None,
    }
}

fn making(action: &mut Action) -> Option<&mut Making> {
    match action {
        Action::Partition(PartitionAction::Create(create)) => Some(&mut create.making),
        Action::Partition(PartitionAction::CreateDefault(create)) => Some(&mut create.making),
        Action::Partition(
            PartitionAction::Finalize(_)
            | PartitionAction::Mark(_)
            | PartitionAction::Detach(_)
            | PartitionAction::Stamp(_)
            | PartitionAction::Attach(_)
            | PartitionAction::Drop(_),
        )
        | Action::Index(_)
        | Action::Storage(_)
        | Action::Maintenance(_)
        | Action::Limit(_)
        | Action::Setting(_) => None,
    }
}

/// A partition's own index.
enum State<'s, 'a> {
    /// There and valid, whatever it is called.
    Fine(&'s Seen<'a>),
    /// Being built.
    Building,
    /// One is there that may be it, and its spelling is unknown.
    Unclear(&'s Seen<'a>),
    /// Not there; an invalid leftover may be.
    Missing,
}

fn state<'s, 'a>(view: &'s View<'a>, leaf: Oid, shape: &IndexShape) -> State<'s, 'a> {
    let all = || view.of_leaf.get(&leaf).into_iter().flatten();
    let equal = || all().filter(|seen| seen.is_like(shape));
    if let Some(valid) = equal().find(|seen| seen.facts.valid) {
        return State::Fine(valid);
    }
    if equal().any(|seen| seen.facts.building) {
        return State::Building;
    }
    match all().find(|seen| seen.shape.is_none() && seen.facts.valid && seen.facts.shape.unique) {
        Some(unclear) => State::Unclear(unclear),
        None => State::Missing,
    }
}

/// What must be asked before such an index can be judged.
pub(super) fn questions(
    context: &Context<'_>,
    view: &View<'_>,
    (name, definition): (&Ident, &IndexDesired),
    earlier: &[Step],
) -> BTreeSet<Question> {
    let mut questions = BTreeSet::new();
    let names = |partition: &TableName| {
        names_of(&leaf_index_name(context, partition, name)).into_iter().map(|name| Question::NameTaken { name })
    };
    let Ok(shape) = shape_of(context, definition) else { return questions };
    for (oid, leaf) in leaves(context) {
        match state(view, oid, &shape) {
            State::Missing | State::Building => {
                questions.extend(names(&leaf.name));
                questions.insert(Question::Bytes { relation: oid });
            }
            State::Fine(_) | State::Unclear(_) => {}
        }
    }
    for place in earlier.iter().filter_map(|step| made_by(&step.action)) {
        questions.extend(names(place.partition));
    }
    questions
}

/// Whether an index of a partition stands under a name that we give to one of these, and is something else.
pub(crate) fn is_replaced(context: &Context<'_>, partition: &TableName, index: &TableName) -> bool {
    own(context).any(|(name, _)| names_of(&leaf_index_name(context, partition, name)).contains(index))
}

impl<'s, 'a> One<'s, 'a> {
    /// Adds the steps of one index that each partition has by itself.
    pub(super) fn judge_each(&mut self, name: &'a Ident, definition: &'a IndexDesired, shape: IndexShape) {
        let (context, view) = (self.context, self.view);
        let own_name = TableName { schema: context.name.schema.clone(), name: name.clone() };
        if let Some(because) = odd(context) {
            self.found(Code::IndexNotPossible, &own_name, format!("it cannot be on every partition: {because}"));
        }
        let leaving = self.leaving();
        let leaves: Vec<_> = leaves(context).into_iter().filter(|(oid, _)| !leaving.contains(oid)).collect();
        let states: BTreeMap<Oid, State<'_, 'a>> =
            leaves.iter().map(|(oid, _)| (*oid, state(view, *oid, &shape))).collect();
        let replaced: BTreeMap<Oid, &Seen<'a>> =
            leaves.iter().filter_map(|(oid, leaf)| Some((*oid, self.replaced((*oid, leaf), name, &shape)?))).collect();
        let reason = reason(&states, &replaced, &shape);
        let one = Wanted { name, definition, shape, reason };
        let mut steps = Vec::new();
        for (oid, leaf) in &leaves {
            let place = Place::of(*oid, leaf);
            let mut built = None;
            match &states[oid] {
                State::Fine(seen) => {
                    steps.extend(
                        one.leftovers(context, view, &place, *oid, Some(seen)).into_iter().map(|(step, _)| step),
                    );
                    // An attached one's are its parent's.
                    if seen.facts.parent.is_none() {
                        steps.extend(one.alter(context, &place, *oid, seen, None, None));
                    }
                }
                State::Unclear(seen) => {
                    let message = format!("not verified: how {} is spelled is unknown", seen.facts.name);
                    self.found(Code::IndexUnverified, &own_name, message);
                    continue;
                }
                State::Building => {
                    let because = format!("another session is building it on {}", leaf.name);
                    let mode = BuildMode::Concurrently;
                    if let Some(mut step) = self.build_one(&one, &place, mode, Vec::new(), &mut steps) {
                        step.gate = Gate::Blocked(vec![Block::Busy { because }]);
                        built = Some(step.id.clone());
                        steps.push(step);
                    }
                }
                State::Missing => {
                    let dropped = one.leftovers(context, view, &place, *oid, None);
                    let mode = self.mode(*oid, &one);
                    if let Some(step) = self.build_one(&one, &place, mode, dropped, &mut steps) {
                        built = Some(step.id.clone());
                        steps.push(step);
                    }
                }
            }
            if let Some(old) = replaced.get(oid) {
                if old.facts.in_use {
                    let message =
                        "it differs from the policy; it is a replica identity, or what CLUSTER goes by: left alone";
                    self.found(Code::IndexDiffers, &old.facts.name, message.to_owned());
                    continue;
                }
                let mut step = one.drop(context, &place, *oid, old);
                step.needs.extend(built);
                for hazard in step.hazards.iter_mut().filter(|hazard| hazard.kind == HazardKind::DropsIndex) {
                    // One thing for all of them, and one grant.
                    hazard.object = context.name.clone().into();
                    "the old index of a partition is valid, and goes once the new one is there"
                        .clone_into(&mut hazard.detail);
                }
                steps.push(step);
            }
        }
        for (place, made_by) in self.made_without(name) {
            let mode = BuildMode::Plainly("this plan makes it, and it is empty".to_owned());
            if let Some(mut step) = self.build_one(&one, &place, mode, Vec::new(), &mut steps) {
                step.needs.push(made_by);
                steps.push(step);
            }
        }
        self.result.steps.extend(steps);
    }

    /// Partitions that this plan makes without it. One that comes back may have it: its turn is next time.
    fn made_without(&self, name: &Ident) -> Vec<(Place<'s>, crate::plan::StepId)> {
        let has = |step: &Step| match &step.action {
            Action::Partition(PartitionAction::Create(create)) => {
                create.making.indexes.iter().any(|own| own.wanted == *name)
            }
            Action::Partition(PartitionAction::CreateDefault(create)) => {
                create.making.indexes.iter().any(|own| own.wanted == *name)
            }
            Action::Partition(
                PartitionAction::Finalize(_)
                | PartitionAction::Mark(_)
                | PartitionAction::Detach(_)
                | PartitionAction::Stamp(_)
                | PartitionAction::Attach(_)
                | PartitionAction::Drop(_),
            )
            | Action::Index(_)
            | Action::Storage(_)
            | Action::Maintenance(_)
            | Action::Limit(_)
            | Action::Setting(_) => false,
        };
        let made = self.earlier.iter().filter(|step| new(&step.action).is_some() && !has(step));
        made.filter_map(|step| Some((made_by(&step.action)?, step.id.clone()))).collect()
    }

    /// What a partition has under one of our names for this index, and is another: the policy was changed.
    fn replaced(&self, (oid, leaf): (Oid, &Leaf), name: &Ident, shape: &IndexShape) -> Option<&'s Seen<'a>> {
        let context = self.context;
        let names = names_of(&leaf_index_name(context, &leaf.name, name));
        // Of all others' shapes none may be unknown: it could be that one's.
        let shapes: Option<Vec<IndexShape>> =
            context.table.indexes.values().map(|definition| shape_of(context, definition).ok()).collect();
        let shapes = shapes?;
        self.view.loose(oid).find(|seen| {
            let facts = seen.facts;
            let wanted = shapes.iter().chain([shape]).any(|shape| seen.is_like(shape));
            let named = names.contains(&facts.name) && seen.shape.is_some();
            named && facts.valid && facts.shape.unique && !wanted && !facts.constraint && !facts.building
        })
    }

    /// The build on one partition, behind the steps that free its name.
    fn build_one(
        &mut self,
        one: &Wanted<'_>,
        place: &Place<'_>,
        mode: BuildMode,
        dropped: Vec<(Step, TableName)>,
        steps: &mut Vec<Step>,
    ) -> Option<Step> {
        let name = self.name_for(one, place, &dropped)?;
        let mut build = one.build(self.context, place, &name, mode);
        build.needs.extend(dropped.iter().map(|(step, _)| step.id.clone()));
        steps.extend(dropped.into_iter().map(|(step, _)| step));
        Some(build)
    }
}

/// Why it has steps.
fn reason(states: &BTreeMap<Oid, State<'_, '_>>, replaced: &BTreeMap<Oid, &Seen<'_>>, shape: &IndexShape) -> String {
    let old = replaced.values().next().and_then(|seen| seen.shape.as_ref());
    if let Some(old) = old {
        return format!("differs: {}", old.differences(shape).join("; "));
    }
    let lacking = states.values().filter(|state| match state {
        State::Missing | State::Building => true,
        State::Fine(_) | State::Unclear(_) => false,
    });
    match (lacking.count(), states.len()) {
        (lacking, all) if lacking == all => "missing".to_owned(),
        (lacking, all) => format!("missing on {lacking} of {all} partitions"),
    }
}
