//! Wanted against there: what is missing is built online, partition by partition, until the root's index is valid.

use std::collections::{BTreeMap, BTreeSet};

use super::again;
use super::names::{leaf_index_name, names_of, successor_names};
use super::of_partitions;
use super::others;
use super::server_names;
use super::steps::{Place, Wanted, odd};
use super::swap;
use super::view::{Seen, View, leaves, representatives, wanted};
use crate::catalog::{Answer, IndexShape, Oid, OwnersCode, Question, WouldRun};
use crate::grid::{Bound, LeafBounds};
use crate::plan::{Action, Block, BuildMode, Code, Finding, Gate, PartitionAction, Step, StepId};
use crate::policy::{IndexDesired, IndexOn};
use crate::resource::partition::{Context, Diff, SMALL_BYTES};
use crate::sql::{Ident, TableName};

/// What must be asked of the server before [`diff`] can judge the table's indexes; `earlier` as there.
pub(crate) fn questions(context: &Context<'_>, earlier: &[Step]) -> BTreeSet<Question> {
    let mut questions = BTreeSet::new();
    if context.table.indexes.is_empty() {
        return questions;
    }
    questions.extend(representatives(context).into_values().map(|index| Question::IndexSpelling { index }));
    let view = View::new(context);
    for (name, definition) in &context.table.indexes {
        questions.insert(wanted(context, definition));
        match definition.on {
            IndexOn::Table => {}
            IndexOn::Partitions => {
                questions.extend(of_partitions::questions(context, &view, (name, definition), earlier));
                continue;
            }
        }
        let Ok(shape) = shape_of(context, definition) else { continue };
        let target = Target::find(context, &view, name, &shape);
        questions.extend(target.names.iter().map(|name| Question::NameTaken { name: name.clone() }));
        for (oid, leaf) in leaves(context) {
            if let State::Missing = state(&view, &target, oid, &shape) {
                let index = leaf_index_name(context, &leaf.name, name);
                questions.extend(names_of(&index).into_iter().map(|name| Question::NameTaken { name }));
                questions.insert(Question::Bytes { relation: oid });
            }
        }
        for place in earlier.iter().filter_map(|step| made_by(&step.action)).filter(|_| target.existing.is_none()) {
            let index = leaf_index_name(context, place.partition, name);
            questions.extend(names_of(&index).into_iter().map(|name| Question::NameTaken { name }));
        }
    }
    questions
}

/// Steps for the table's indexes. `earlier` are its other steps that have an effect: what leaves needs no index, what is made needs one, and
/// builds come last, for they may take hours.
pub(crate) fn diff(context: &Context<'_>, earlier: &[Step], used: &mut BTreeSet<TableName>) -> Diff {
    let mut result = Diff::default();
    if context.table.indexes.is_empty() {
        return result;
    }
    // Partitions come first: what the server calls their own copies is no name for a later build.
    used.extend(server_names::foreseen(context, earlier));
    let view = View::new(context);
    let mut named = others::Named::default();
    for (name, definition) in &context.table.indexes {
        let shape = match shape_of(context, definition) {
            Ok(shape) => shape,
            Err(Unclear::Withheld(codes)) => {
                named.unverified = true;
                let mut one = One { context, view: &view, earlier, used, result: &mut result };
                one.withheld(name, definition, &codes);
                continue;
            }
            Err(finding) => {
                named.unverified |= matches!(finding, Unclear::Unverified(_));
                result.findings.push(finding.named(context, name));
                continue;
            }
        };
        let mut one = One { context, view: &view, earlier, used, result: &mut result };
        named.shapes.push(shape.clone());
        match definition.on {
            IndexOn::Table => named.met.extend(one.judge(name, definition, shape)),
            IndexOn::Partitions => one.judge_each(name, definition, shape),
        }
    }
    result.findings.extend(others::findings(context, &view, &named));
    result
}

/// Why a wanted index cannot be compared.
pub(super) enum Unclear {
    /// It is not what its table can have, and this is what can be had.
    Misplaced(String, &'static str),
    Refused(String),
    Withheld(BTreeSet<OwnersCode>),
    Unverified(String),
}

impl Unclear {
    pub(super) fn named(self, context: &Context<'_>, name: &Ident) -> Finding {
        let index = TableName { schema: context.name.schema.clone(), name: name.clone() };
        let mut hint = None;
        let (code, message) = match self {
            Self::Misplaced(because, instead) => {
                hint = Some(format!("in `tables.{}.indexes.{name}`: {instead}", context.name));
                (Code::IndexRefused, format!("invalid index definition: {because}"))
            }
            Self::Refused(because) => {
                let (because, meant) = because.split_once('\n').unwrap_or((&because, ""));
                let place = format!("`tables.{}.indexes.{name}`", context.name);
                hint = Some(match meant {
                    "" => format!("correct {place} in the policy"),
                    // Of a function that it calls.
                    meant if !meant.starts_with("write ") => meant.to_owned(),
                    meant => format!("{meant} in {place}: an index is built with an empty search_path"),
                });
                (Code::IndexRefused, format!("invalid index definition: {because}"))
            }
            Self::Withheld(codes) => {
                let codes: Vec<&OwnersCode> = codes.iter().collect();
                let would = WouldRun { codes: &codes, whom: context.root.attributes.owner.as_str() };
                (Code::IndexUnverified, format!("not verified: {would}"))
            }
            Self::Unverified(because) => (Code::IndexUnverified, format!("not verified: {because}")),
        };
        let mut finding = context.finding(code, Some(&index), message);
        finding.hint = hint;
        finding
    }
}

pub(super) fn shape_of(context: &Context<'_>, definition: &IndexDesired) -> Result<IndexShape, Unclear> {
    match context.snapshot.answers.get(&wanted(context, definition)) {
        Answer::Shape(wanted) => {
            let shape = wanted.shape;
            let key = context.root.key.name.as_str();
            let has_key = shape.keys.iter().any(|column| column.what == key);
            match definition.on {
                IndexOn::Table if shape.unique && !has_key => {
                    let because = format!("a unique index must have the partition key {key} among its columns");
                    let instead = "`on: partitions` makes it on each partition; uniqueness then holds only within each";
                    return Err(Unclear::Misplaced(because, instead));
                }
                IndexOn::Partitions if has_key => {
                    let because = format!("the partition key {key} is among its columns, so the table can have it");
                    let instead = "leave out `on: partitions`; uniqueness then holds for the whole table";
                    return Err(Unclear::Misplaced(because, instead));
                }
                IndexOn::Table | IndexOn::Partitions => {}
            }
            Ok(shape)
        }
        Answer::Withheld(codes) => Err(Unclear::Withheld(codes)),
        Answer::Refused(because) => Err(Unclear::Refused(because)),
        Answer::Unknown(because) => Err(Unclear::Unverified(because)),
        Answer::Leaf(_)
        | Answer::Keys(_)
        | Answer::Rows(_)
        | Answer::Bytes(_)
        | Answer::DefaultKeys(_)
        | Answer::Bloat(_)
        | Answer::Spelling(_)
        | Answer::Found(_)
        | Answer::Taken(_) => Err(Unclear::Unverified("an answer of another kind".to_owned())),
    }
}

/// The root's index that is, or will be, the wanted one.
pub(super) struct Target<'a> {
    /// It is there.
    pub(super) existing: Option<Seen<'a>>,
    /// One that has the wanted name and is something else.
    pub(super) rival: Option<Seen<'a>>,
    /// Names for it where it is not there, best first.
    names: Vec<TableName>,
    /// An index that may be it, and whose spelling is unknown.
    unclear: Option<Seen<'a>>,
}

impl<'a> Target<'a> {
    fn find(context: &Context<'_>, view: &View<'a>, name: &Ident, shape: &IndexShape) -> Self {
        let wanted = TableName { schema: context.name.schema.clone(), name: name.clone() };
        // The server alters no parameters of a root's index: those of its partitions' count.
        let equal = |seen: &&Seen<'a>| seen.is_like(shape);
        // A valid one before others, its own name before others.
        let rank = |seen: &&Seen<'a>| (!seen.facts.valid, seen.facts.name != wanted);
        let existing = view.of_root.iter().filter(equal).min_by_key(rank).cloned();
        let named = view.of_root.iter().find(|seen| seen.facts.name == wanted);
        let rival = named.filter(|seen| !equal(seen) && seen.shape.is_some()).cloned();
        let unclear = view.of_root.iter().find(|seen| seen.shape.is_none()).filter(|_| existing.is_none()).cloned();
        let names = match (&existing, &rival) {
            (Some(_), _) => Vec::new(),
            (None, Some(_)) => successor_names(&wanted),
            (None, None) => names_of(&wanted),
        };
        Self { existing, rival, names, unclear }
    }
}

/// A partition's part of a wanted index.
enum State<'s, 'a> {
    /// Attached and valid.
    Fine(&'s Seen<'a>),
    /// Attached and invalid.
    Broken(&'s Seen<'a>),
    /// There and valid, and not attached.
    Loose(&'s Seen<'a>),
    /// Being built.
    Building(&'s Seen<'a>),
    /// Not there; an invalid leftover may be.
    Missing,
}

fn state<'s, 'a>(view: &'s View<'a>, target: &Target<'_>, leaf: Oid, shape: &IndexShape) -> State<'s, 'a> {
    if let Some(child) = target.existing.as_ref().and_then(|root| view.child(leaf, root.oid)) {
        return match (child.facts.valid, child.facts.building) {
            (true, _) => State::Fine(child),
            (false, true) => State::Building(child),
            (false, false) => State::Broken(child),
        };
    }
    let mut equal = view.loose(leaf).filter(|seen| seen.is_like(shape) && !seen.facts.constraint);
    if let Some(valid) = equal.find(|seen| seen.facts.valid) {
        return State::Loose(valid);
    }
    let mut equal = view.loose(leaf).filter(|seen| seen.is_like(shape));
    match equal.find(|seen| seen.facts.building) {
        Some(building) => State::Building(building),
        None => State::Missing,
    }
}

/// Judges one wanted index.
pub(super) struct One<'s, 'a> {
    pub(super) context: &'s Context<'a>,
    pub(super) view: &'s View<'a>,
    pub(super) earlier: &'s [Step],
    used: &'s mut BTreeSet<TableName>,
    pub(super) result: &'s mut Diff,
}

impl<'s, 'a> One<'s, 'a> {
    pub(super) fn found(&mut self, code: Code, index: &TableName, message: String) {
        self.result.findings.push(self.context.finding(code, Some(index), message));
    }

    /// Adds the steps of one index. Gives the root's index that meets the policy, if it is there.
    fn judge(&mut self, name: &'a Ident, definition: &'a IndexDesired, shape: IndexShape) -> Option<Oid> {
        let (context, view) = (self.context, self.view);
        let target = Target::find(context, view, name, &shape);
        let own_name = TableName { schema: context.name.schema.clone(), name: name.clone() };
        if let Some(unclear) = &target.unclear {
            let message = format!("not verified: how {} is spelled is unknown", unclear.facts.name);
            self.found(Code::IndexUnverified, &own_name, message);
            return None;
        }
        let met = target.existing.as_ref().map(|seen| seen.oid);
        if let (Some(seen), None) = (&target.existing, &target.rival)
            && seen.facts.name != own_name
        {
            self.found(Code::IndexOtherName, &own_name, format!("met by {}, which is equal", seen.facts.name));
        }
        let whole = target.existing.as_ref().is_some_and(|seen| seen.facts.valid);
        if !whole && let Some(because) = odd(context) {
            let message = format!("it cannot be completed partition by partition: {because}");
            self.found(Code::IndexNotPossible, &own_name, message);
            return met;
        }
        let leaving: BTreeSet<Oid> = self.leaving();
        let leaves: Vec<_> = leaves(context).into_iter().filter(|(oid, _)| !leaving.contains(oid)).collect();
        let states: BTreeMap<Oid, State<'_, 'a>> =
            leaves.iter().map(|(oid, _)| (*oid, state(view, &target, *oid, &shape))).collect();
        let lacking = states.values().filter(|state| !matches!(state, State::Fine(_))).count();
        let reason = reason(&target, &shape, lacking, leaves.len());
        let one = Wanted { name, definition, shape, reason };
        let mut steps = Vec::new();
        let (to, made) = match &target.existing {
            Some(seen) => (seen.facts.name.clone(), None),
            None => {
                let free = self.free(&target.names, &own_name)?;
                let step = one.create(context, &free);
                let id = step.id.clone();
                steps.push(step);
                (free, Some(id))
            }
        };
        // It is whole once those that leave have left.
        let mut waits_for: Vec<StepId> = made.iter().cloned().chain(self.departures()).collect();
        let mut attaches = false;
        for (oid, leaf) in &leaves {
            let place = Place::of(*oid, leaf);
            let state = &states[oid];
            if let State::Fine(seen) | State::Broken(seen) | State::Loose(seen) = state {
                steps.extend(one.leftovers(context, view, &place, *oid, Some(seen)).into_iter().map(|(step, _)| step));
            }
            match state {
                State::Fine(_) => {}
                State::Building(seen) => {
                    let because = format!("another session is building it on {}", leaf.name);
                    // It waits for whoever builds: a client of ours that was killed leaves a server that goes on.
                    let mut step = match seen.facts.parent {
                        Some(_) => one.rebuild(context, &place, *oid, seen, &to),
                        None => one.attach(context, &place, &to, &seen.facts.name),
                    };
                    step.needs.extend(made.clone());
                    step.gate = Gate::Blocked(vec![Block::Busy { because }]);
                    waits_for.push(step.id.clone());
                    attaches = true;
                    steps.push(step);
                }
                State::Broken(seen) => {
                    let step = one.rebuild(context, &place, *oid, seen, &to);
                    waits_for.push(step.id.clone());
                    steps.push(step);
                }
                State::Loose(seen) => {
                    let mut step = one.attach(context, &place, &to, &seen.facts.name);
                    step.needs.extend(made.clone());
                    waits_for.push(step.id.clone());
                    attaches = true;
                    steps.push(step);
                }
                State::Missing => {
                    let dropped = one.leftovers(context, view, &place, *oid, None);
                    let mode = self.mode(*oid, &one);
                    if let Some(built) = self.build(&one, &place, &to, made.as_ref(), mode, dropped, &mut steps) {
                        waits_for.push(built);
                    }
                    attaches = true;
                }
            }
            // What is rebuilt becomes another index: its turn comes next time.
            if let State::Fine(seen) | State::Loose(seen) = state {
                let after = steps.last().filter(|step| step.action.object().is(&seen.facts.name)).map(|step| &step.id);
                let after = after.cloned();
                steps.extend(one.alter(context, &place, *oid, seen, Some(&to), after));
            }
        }
        for (place, made_by) in self.newly_attached(target.existing.is_some()) {
            attaches = true;
            let mode = BuildMode::Plainly("this plan makes it, and it is empty".to_owned());
            let mode = if place.oid.is_some() { BuildMode::Concurrently } else { mode };
            if let Some(attached) = self.build(&one, &place, &to, made.as_ref(), mode, Vec::new(), &mut steps) {
                for step in steps.iter_mut().rev().take(2) {
                    step.needs.push(made_by.clone());
                }
                waits_for.push(attached);
            }
        }
        // What is attached last has the server look whether the whole is whole; where nothing is, it is asked to.
        if let Some(seen) = target.existing.as_ref().filter(|seen| !seen.facts.valid && !attaches) {
            let child = leaves.iter().find_map(|(oid, leaf)| Some((*oid, *leaf, view.child(*oid, seen.oid)?)));
            match (child, again::needs_release(&context.snapshot.target)) {
                (Some(_), Some(release)) => {
                    let message = format!(
                        "invalid, and PostgreSQL {} does not look again once every partition has its own",
                        context.snapshot.target.server_version()
                    );
                    let mut finding = context.finding(Code::IndexNotPossible, Some(&seen.facts.name), message);
                    finding.hint = Some(format!(
                        "update the server to {release} or later, or build it anew on every partition: DROP INDEX {}, then apply",
                        seen.facts.name
                    ));
                    self.result.findings.push(finding);
                }
                (Some((oid, leaf, child)), None) => {
                    let mut step = one.validate(context, &Place::of(oid, leaf), &seen.facts.name, &child.facts.name);
                    step.needs.extend(waits_for.iter().cloned());
                    waits_for.push(step.id.clone());
                    steps.push(step);
                }
                (None, _) => {
                    let message = "invalid, and no partition has its own for PostgreSQL to look again".to_owned();
                    self.found(Code::IndexNotPossible, &seen.facts.name, message);
                }
            }
        }
        if let Some(rival) = &target.rival {
            let swap = swap::Swap { context, view, one: &one, target: &target, rival, new: &to, waits_for: &waits_for };
            swap.add(&mut steps, &mut self.result.findings);
        }
        steps.extend(one.discards(context, view, &target));
        self.result.steps.extend(steps);
        met
    }

    /// Build and attach; gives the attach's id.
    #[expect(clippy::too_many_arguments, reason = "each says something else of one build")]
    fn build(
        &mut self,
        one: &Wanted<'_>,
        place: &Place<'_>,
        to: &TableName,
        made: Option<&StepId>,
        mode: BuildMode,
        dropped: Vec<(Step, TableName)>,
        steps: &mut Vec<Step>,
    ) -> Option<StepId> {
        let name = self.name_for(one, place, &dropped)?;
        let mut build = one.build(self.context, place, &name, mode);
        build.needs.extend(dropped.iter().map(|(step, _)| step.id.clone()));
        let mut attach = one.attach(self.context, place, to, &name);
        attach.needs.push(build.id.clone());
        attach.needs.extend(made.cloned());
        let id = attach.id.clone();
        steps.extend(dropped.into_iter().map(|(step, _)| step));
        steps.extend([build, attach]);
        Some(id)
    }

    /// A name for a partition's index; one of a leftover that goes first is free.
    pub(super) fn name_for(
        &mut self,
        one: &Wanted<'_>,
        place: &Place<'_>,
        dropped: &[(Step, TableName)],
    ) -> Option<TableName> {
        let first = leaf_index_name(self.context, place.partition, one.name);
        let candidates = names_of(&first);
        match candidates.iter().find(|name| dropped.iter().any(|(_, freed)| freed == *name)) {
            Some(name) => Some(name.clone()),
            None => self.free(&candidates, &first),
        }
    }

    fn free(&mut self, names: &[TableName], first: &TableName) -> Option<TableName> {
        let answers = &self.context.snapshot.answers;
        let free = names.iter().find(|name| {
            !self.used.contains(*name)
                && answers.get(&Question::NameTaken { name: (*name).clone() }) != Answer::Taken(true)
        });
        match free {
            Some(name) => {
                self.used.insert(name.clone());
                Some(name.clone())
            }
            None => {
                self.found(Code::NoNameLeft, first, format!("no index is made: {first} and its like are taken"));
                None
            }
        }
    }

    /// Small partitions are built plainly, where that is quick: a few milliseconds under SHARE, and no wait for old
    /// transactions.
    pub(super) fn mode(&self, leaf: Oid, one: &Wanted<'_>) -> BuildMode {
        match self.context.snapshot.answers.get(&Question::Bytes { relation: leaf }) {
            Answer::Bytes(bytes) if bytes <= SMALL_BYTES && one.shape.is_quick() => {
                BuildMode::Plainly(format!("it has {} and is done in a moment", crate::render::bytes(bytes)))
            }
            Answer::Bytes(_)
            | Answer::Unknown(_)
            | Answer::Leaf(_)
            | Answer::Keys(_)
            | Answer::Rows(_)
            | Answer::DefaultKeys(_)
            | Answer::Shape(_)
            | Answer::Withheld(_)
            | Answer::Refused(_)
            | Answer::Bloat(_)
            | Answer::Spelling(_)
            | Answer::Found(_)
            | Answer::Taken(_) => BuildMode::Concurrently,
        }
    }

    /// The steps by which partitions leave.
    fn departures(&self) -> impl Iterator<Item = StepId> + use<'s> {
        self.earlier.iter().filter(|step| departs(&step.action).is_some()).map(|step| step.id.clone())
    }

    /// Partitions that this plan detaches.
    pub(super) fn leaving(&self) -> BTreeSet<Oid> {
        let detached = self.earlier.iter().filter_map(|step| departs(&step.action));
        detached.collect()
    }

    /// Partitions that this plan makes or attaches before the root has the index: with it they would get theirs at once.
    fn newly_attached(&self, index_exists: bool) -> Vec<(Place<'s>, StepId)> {
        if index_exists {
            return Vec::new();
        }
        self.earlier.iter().filter_map(|step| Some((made_by(&step.action)?, step.id.clone()))).collect()
    }
}

/// The partition that an action takes away from its table.
fn departs(action: &Action) -> Option<Oid> {
    match action {
        Action::Partition(PartitionAction::Detach(detach)) => Some(detach.leaving.partition.oid),
        Action::Partition(PartitionAction::Finalize(leaving)) => Some(leaving.partition.oid),
        Action::Partition(
            PartitionAction::Create(_)
            | PartitionAction::CreateDefault(_)
            | PartitionAction::Mark(_)
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

/// The partition that an action makes, or attaches again.
pub(super) fn made_by(action: &Action) -> Option<Place<'_>> {
    match action {
        Action::Partition(PartitionAction::Create(create)) => Some(Place {
            partition: &create.partition,
            oid: None,
            owner: &create.attributes.owner,
            bounds: LeafBounds::Range { from: Bound::Value(create.from), to: create.to },
        }),
        Action::Partition(PartitionAction::CreateDefault(create)) => Some(Place {
            partition: &create.partition,
            oid: None,
            owner: &create.attributes.owner,
            bounds: LeafBounds::Default,
        }),
        Action::Partition(PartitionAction::Attach(attach)) => Some(Place {
            partition: &attach.retired.partition.name,
            oid: Some(attach.retired.partition.oid),
            owner: &attach.retired.owner,
            bounds: LeafBounds::Range { from: attach.retired.marker.from, to: attach.retired.marker.to },
        }),
        Action::Partition(
            PartitionAction::Finalize(_)
            | PartitionAction::Mark(_)
            | PartitionAction::Detach(_)
            | PartitionAction::Stamp(_)
            | PartitionAction::Drop(_),
        )
        | Action::Index(_)
        | Action::Storage(_)
        | Action::Maintenance(_)
        | Action::Limit(_)
        | Action::Setting(_) => None,
    }
}

/// Why an index has steps: `missing on 3 of 99 partitions`.
fn reason(target: &Target<'_>, shape: &IndexShape, lacking: usize, all: usize) -> String {
    if let Some(rival) = &target.rival {
        let differences = rival.shape.as_ref().map(|rival| rival.differences(shape)).unwrap_or_default();
        return format!("differs: {}", differences.join("; "));
    }
    match (&target.existing, lacking) {
        (None, _) => "missing".to_owned(),
        (Some(_), 0) => "invalid".to_owned(),
        (Some(_), lacking) => format!("missing on {lacking} of {all} partitions"),
    }
}
