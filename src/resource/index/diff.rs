//! Wanted against there: what is missing is built online, partition by partition, until the root's index is valid.

use std::collections::{BTreeMap, BTreeSet};

use super::others;
use super::server_names;
use super::steps::{Place, Wanted, obstacle};
use super::view::{Seen, View, leaves, representatives, wanted};
use crate::catalog::{Answer, IndexShape, Oid, Question};
use crate::grid::{Bound, LeafBounds};
use crate::plan::{Action, BuildMode, Code, Finding, PartitionAction, Step, StepId};
use crate::policy::IndexDesired;
use crate::resource::partition::{Context, Diff, SMALL_BYTES, suffixed};
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

/// Steps for the table's indexes. `earlier` are its other steps: what leaves needs no index, what is made needs one, and
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
            Err(finding) => {
                named.unverified |= matches!(finding, Unclear::Unverified(_));
                result.findings.push(finding.named(context, name));
                continue;
            }
        };
        let mut one = One { context, view: &view, earlier, used, result: &mut result };
        named.shapes.push(shape.clone());
        named.met.extend(one.judge(name, definition, shape));
    }
    result.findings.extend(others::findings(context, &view, &named));
    result
}

/// Why a wanted index cannot be compared.
enum Unclear {
    Refused(String),
    Unverified(String),
}

impl Unclear {
    fn named(self, context: &Context<'_>, name: &Ident) -> Finding {
        let index = TableName { schema: context.name.schema.clone(), name: name.clone() };
        let (code, message) = match self {
            Self::Refused(because) => (Code::IndexRefused, format!("there can be no such index: {because}")),
            Self::Unverified(because) => {
                (Code::IndexUnverified, format!("whether it is there as the policy says is unverified: {because}"))
            }
        };
        let mut finding = context.finding(code, Some(&index), message);
        finding.hint = (code == Code::IndexRefused)
            .then(|| format!("correct `tables.{}.indexes.{name}` in the policy", context.name));
        finding
    }
}

fn shape_of(context: &Context<'_>, definition: &IndexDesired) -> Result<IndexShape, Unclear> {
    match context.snapshot.answers.get(&wanted(context, definition)) {
        Answer::Shape(shape) => {
            let key = context.root.key.name.as_str();
            if shape.unique && !shape.keys.iter().any(|column| column.what == key) {
                let because = format!("a unique index must have the partition key {key} among its columns");
                return Err(Unclear::Refused(because));
            }
            Ok(*shape)
        }
        Answer::Refused(because) => Err(Unclear::Refused(because)),
        Answer::Unknown(because) => Err(Unclear::Unverified(because)),
        Answer::Leaf(_)
        | Answer::Keys(_)
        | Answer::Rows(_)
        | Answer::Bytes(_)
        | Answer::Bloat(_)
        | Answer::Spelling(_)
        | Answer::Taken(_) => Err(Unclear::Unverified("an answer of another kind".to_owned())),
    }
}

/// The root's index that is, or will be, the wanted one.
struct Target<'a> {
    /// It is there.
    existing: Option<Seen<'a>>,
    /// One that has the wanted name and is something else.
    rival: Option<Seen<'a>>,
    /// Names for it where it is not there, best first.
    names: Vec<TableName>,
    /// An index that may be it, and whose spelling is unknown.
    unclear: Option<Seen<'a>>,
}

impl<'a> Target<'a> {
    fn find(context: &Context<'_>, view: &View<'a>, name: &Ident, shape: &IndexShape) -> Self {
        let wanted = TableName { schema: context.name.schema.clone(), name: name.clone() };
        let equal = |seen: &&Seen<'a>| seen.shape.as_ref() == Some(shape);
        // A valid one before others, its own name before others.
        let rank = |seen: &&Seen<'a>| (!seen.facts.valid, seen.facts.name != wanted);
        let existing = view.of_root.iter().filter(equal).min_by_key(rank).cloned();
        let named = view.of_root.iter().find(|seen| seen.facts.name == wanted);
        let rival = named.filter(|seen| !equal(seen) && seen.shape.is_some()).cloned();
        let unclear = view.of_root.iter().find(|seen| seen.shape.is_none()).filter(|_| existing.is_none()).cloned();
        let first = if rival.is_some() {
            TableName { schema: wanted.schema.clone(), name: suffixed(name.as_str(), "_new") }
        } else {
            wanted
        };
        let names = if existing.is_some() { Vec::new() } else { names_of(&first) };
        Self { existing, rival, names, unclear }
    }
}

/// A partition's part of a wanted index.
enum State<'s, 'a> {
    /// Attached and valid, or about to be by somebody else.
    Fine,
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
            (true, _) => State::Fine,
            (false, true) => State::Building(child),
            (false, false) => State::Broken(child),
        };
    }
    let mut equal = view.loose(leaf).filter(|seen| seen.shape.as_ref() == Some(shape) && !seen.facts.constraint);
    if let Some(valid) = equal.find(|seen| seen.facts.valid) {
        return State::Loose(valid);
    }
    let mut equal = view.loose(leaf).filter(|seen| seen.shape.as_ref() == Some(shape));
    match equal.find(|seen| seen.facts.building) {
        Some(building) => State::Building(building),
        None => State::Missing,
    }
}

/// Judges one wanted index.
struct One<'s, 'a> {
    context: &'s Context<'a>,
    view: &'s View<'a>,
    earlier: &'s [Step],
    used: &'s mut BTreeSet<TableName>,
    result: &'s mut Diff,
}

impl<'s, 'a> One<'s, 'a> {
    fn found(&mut self, code: Code, index: &TableName, message: String) {
        self.result.findings.push(self.context.finding(code, Some(index), message));
    }

    /// Adds the steps of one index. Gives the root's index that meets the policy, if it is there.
    fn judge(&mut self, name: &'a Ident, definition: &'a IndexDesired, shape: IndexShape) -> Option<Oid> {
        let (context, view) = (self.context, self.view);
        let target = Target::find(context, view, name, &shape);
        let own_name = TableName { schema: context.name.schema.clone(), name: name.clone() };
        if let Some(unclear) = &target.unclear {
            let message = format!(
                "whether it is there as the policy says is unverified: how {} is spelled is unknown",
                unclear.facts.name
            );
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
        if !whole && let Some(because) = obstacle(context) {
            let message = format!("it cannot be completed partition by partition: {because}");
            self.found(Code::IndexNotPossible, &own_name, message);
            return met;
        }
        let leaving: BTreeSet<Oid> = self.leaving();
        let leaves: Vec<_> = leaves(context).into_iter().filter(|(oid, _)| !leaving.contains(oid)).collect();
        let states: BTreeMap<Oid, State<'_, 'a>> =
            leaves.iter().map(|(oid, _)| (*oid, state(view, &target, *oid, &shape))).collect();
        let lacking = states.values().filter(|state| !matches!(state, State::Fine)).count();
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
        let mut waits_for: Vec<StepId> = made.iter().cloned().collect();
        let building = states.values().any(|state| matches!(state, State::Building(_)));
        for (oid, leaf) in &leaves {
            let place = Place::of(*oid, leaf);
            match &states[oid] {
                State::Fine => {}
                State::Building(seen) => {
                    let message = format!("somebody is building it on {}", leaf.name);
                    self.found(Code::IndexBuilding, &seen.facts.name, message);
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
                    steps.push(step);
                }
                State::Missing => {
                    let dropped = self.leftovers(&one, &place, *oid);
                    let mode = self.mode(*oid);
                    if let Some(built) = self.build(&one, &place, &to, made.as_ref(), mode, dropped, &mut steps) {
                        waits_for.push(built);
                    }
                }
            }
        }
        for (place, made_by) in self.newly_attached(target.existing.is_some()) {
            let mode = BuildMode::Plainly("this plan makes it, and it is empty".to_owned());
            let mode = if place.oid.is_some() { BuildMode::Concurrently } else { mode };
            if let Some(attached) = self.build(&one, &place, &to, made.as_ref(), mode, Vec::new(), &mut steps) {
                for step in steps.iter_mut().rev().take(2) {
                    step.needs.push(made_by.clone());
                }
                waits_for.push(attached);
            }
        }
        if let Some(rival) = &target.rival {
            self.replace(&one, rival, &to, &waits_for, building, &mut steps);
        } else if let (Some(seen), true) = (&target.existing, steps.is_empty() && !building)
            && !seen.facts.valid
        {
            let message = match leaving.len() {
                0 => "every partition has its own, and PostgreSQL still takes it for invalid".to_owned(),
                _ => "every partition that stays has its own; PostgreSQL looks again when one is attached after the others \
                      have left"
                    .to_owned(),
            };
            let mut finding = context.finding(Code::IndexNotPossible, Some(&seen.facts.name), message);
            // Measured: current minor releases look at all partitions again, older ones do nothing.
            finding.hint = leaves.first().and_then(|(leaf, _)| view.child(*leaf, seen.oid)).map(|child| {
                let statement = format!("ALTER INDEX {} ATTACH PARTITION {}", seen.facts.name, child.facts.name);
                format!("{statement}: once more, it has the server look again")
            });
            self.result.findings.push(finding);
        }
        self.result.steps.extend(steps);
        met
    }

    /// The last step of a changed definition.
    fn replace(
        &mut self,
        one: &Wanted<'_>,
        rival: &Seen<'_>,
        new: &TableName,
        waits_for: &[StepId],
        building: bool,
        steps: &mut Vec<Step>,
    ) {
        let differences = rival.shape.as_ref().map(|shape| shape.differences(&one.shape).join("; "));
        let message = format!("it differs from the policy: {}", differences.unwrap_or_default());
        if let Some(because) = self.stands_on(rival) {
            self.found(
                Code::IndexDiffers,
                &rival.facts.name,
                format!("{message}; {because}, so it stays beside {new}"),
            );
            return;
        }
        if !building {
            let mut step = one.swap(self.context, rival, new);
            step.needs.extend(waits_for.iter().cloned());
            steps.push(step);
        }
    }

    /// Why a root's index cannot be dropped: its drop takes the partitions' along, and a replica identity or a mark of
    /// CLUSTER is each table's own.
    fn stands_on(&self, rival: &Seen<'_>) -> Option<String> {
        let used = |seen: &Seen<'_>, of: &str| match (seen.facts.constraint, seen.facts.in_use) {
            (true, _) => Some(format!("a constraint stands on {of}")),
            (false, true) => Some(format!("{of} is a replica identity, or what CLUSTER goes by")),
            (false, false) => None,
        };
        used(rival, "it").or_else(|| {
            let children = self.view.of_leaf.values().flatten().filter(|seen| seen.facts.parent == Some(rival.oid));
            children.filter_map(|seen| used(seen, &seen.facts.name.to_string())).min()
        })
    }

    /// Invalid leftovers of this index on a partition, as steps; their names are free afterwards.
    fn leftovers(&self, one: &Wanted<'_>, place: &Place<'_>, leaf: Oid) -> Vec<(Step, TableName)> {
        let planned = leaf_index_name(self.context, place.partition, one.name);
        let leftover = |seen: &&Seen<'a>| {
            let facts = seen.facts;
            let same = seen.shape.as_ref() == Some(&one.shape) || facts.name == planned;
            same && !facts.valid && !facts.building && !facts.constraint
        };
        let found = self.view.loose(leaf).filter(leftover);
        found.map(|seen| (one.drop(self.context, place, leaf, seen), seen.facts.name.clone())).collect()
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
        let freed: Vec<TableName> = dropped.iter().map(|(_, name)| name.clone()).collect();
        let first = leaf_index_name(self.context, place.partition, one.name);
        let candidates = names_of(&first);
        let name = match candidates.iter().find(|name| freed.contains(name)) {
            Some(name) => name.clone(),
            None => self.free(&candidates, &first)?,
        };
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

    /// Small partitions are built plainly: a few milliseconds under SHARE, and no wait for old transactions.
    fn mode(&self, leaf: Oid) -> BuildMode {
        match self.context.snapshot.answers.get(&Question::Bytes { relation: leaf }) {
            Answer::Bytes(bytes) if bytes <= SMALL_BYTES => {
                BuildMode::Plainly(format!("it has {} and is done in a moment", crate::render::bytes(bytes)))
            }
            Answer::Bytes(_)
            | Answer::Unknown(_)
            | Answer::Leaf(_)
            | Answer::Keys(_)
            | Answer::Rows(_)
            | Answer::Shape(_)
            | Answer::Refused(_)
            | Answer::Bloat(_)
            | Answer::Spelling(_)
            | Answer::Taken(_) => BuildMode::Concurrently,
        }
    }

    /// Partitions that this plan detaches.
    fn leaving(&self) -> BTreeSet<Oid> {
        let open = self.earlier.iter().filter(|step| !step.gate.is_blocked());
        let detached = open.filter_map(|step| match &step.action {
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
        });
        detached.collect()
    }

    /// Partitions that this plan makes or attaches before the root has the index: with it they would get theirs at once.
    fn newly_attached(&self, index_exists: bool) -> Vec<(Place<'s>, StepId)> {
        if index_exists {
            return Vec::new();
        }
        let open = self.earlier.iter().filter(|step| !step.gate.is_blocked());
        open.filter_map(|step| Some((made_by(&step.action)?, step.id.clone()))).collect()
    }
}

/// The partition that an action makes, or attaches again.
fn made_by(action: &Action) -> Option<Place<'_>> {
    match action {
        Action::Partition(PartitionAction::Create(create)) => Some(Place {
            partition: &create.partition,
            oid: None,
            owner: &create.attributes.owner,
            bounds: LeafBounds::Range { from: Bound::Value(create.from), to: Bound::Value(create.to) },
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
        (Some(_), lacking) => format!("missing on {lacking} of {all} partitions"),
    }
}

/// A partition's index is called after both: `audit_log_p20260301_actor_idx` for `audit_log_actor_idx`.
fn leaf_index_name(context: &Context<'_>, partition: &TableName, index: &Ident) -> TableName {
    let table = format!("{}_", context.name.name.as_str());
    let own = index.as_str().strip_prefix(table.as_str()).unwrap_or(index.as_str());
    TableName { schema: partition.schema.clone(), name: suffixed(partition.name.as_str(), &format!("_{own}")) }
}

/// A name, then others, cut so that the suffix survives.
fn names_of(first: &TableName) -> Vec<TableName> {
    let others = (2..=4)
        .map(|n| TableName { schema: first.schema.clone(), name: suffixed(first.name.as_str(), &format!("_{n}")) });
    std::iter::once(first.clone()).chain(others).collect()
}
