//! A plan as readers see it: the steps by which one partition leaves are one change, and runs of like changes one line.

mod index;

use std::collections::{BTreeMap, BTreeSet};

use super::words;
use crate::grid::Bound;
use crate::plan::{
    Action, Block, Class, DetachMode, Finding, Gate, Gating, GrantSource, Hazard, HazardKind, IndexAction,
    MaintenanceAction, Object, PartitionAction, Plan, Stake, Step, StorageAction, TableOverview,
};
use crate::sql::{Ident, TableName};
use index::{build_words, index_words};

/// One thing that happens to one partition: a step, or marker, detach, stamp and, without a grace, drop.
#[derive(Clone, Debug)]
pub(crate) struct Change<'a> {
    /// The step that gives the change its name.
    pub(crate) lead: &'a Step,
    /// All of them, in order.
    pub(crate) steps: Vec<&'a Step>,
}

/// One line: a change, or a run of like ones that follow each other in time.
#[derive(Clone, Debug)]
pub(crate) struct Line<'a> {
    pub(crate) changes: Vec<Change<'a>>,
}

/// A table with its lines and findings.
#[derive(Clone, Debug)]
pub(crate) struct Section<'a> {
    /// `None` is what belongs to no table: limits of the database and its roles, settings of the server.
    pub(crate) table: Option<&'a TableName>,
    pub(crate) overview: Option<&'a TableOverview>,
    pub(crate) lines: Vec<Line<'a>>,
    pub(crate) findings: Vec<&'a Finding>,
}

/// A hazard of a line: its kind and detail, what it endangers beyond the line's own partitions, and what is at stake.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct LineHazard {
    pub(crate) kind: HazardKind,
    /// Rows and bytes for hazards to data; else the relation (unless it is the partition itself) and the detail.
    pub(crate) words: String,
    /// `granted by the policy`.
    pub(crate) granted: Option<&'static str>,
}

/// Sections of a plan, in the order of the plan's tables; tables that could not be judged follow by name, and last what
/// is of no table (findings of that kind are in no section). `fold` joins runs.
pub(crate) fn sections(plan: &Plan, fold: bool) -> Vec<Section<'_>> {
    let mut sections: Vec<Section<'_>> = Vec::new();
    let overviews = plan.tables.iter().map(|overview| (&overview.table, Some(overview)));
    let about_steps = plan.steps.iter().filter_map(|step| Some((step.table.as_ref()?, None)));
    let about_findings = plan.findings.iter().filter_map(|finding| finding.table.as_ref().map(|table| (table, None)));
    let mut steps: BTreeMap<Option<&TableName>, Vec<&Step>> = BTreeMap::new();
    plan.steps.iter().for_each(|step| steps.entry(step.table.as_ref()).or_default().push(step));
    let mut findings: BTreeMap<&TableName, Vec<&Finding>> = BTreeMap::new();
    for finding in &plan.findings {
        if let Some(table) = &finding.table {
            findings.entry(table).or_default().push(finding);
        }
    }
    let mut seen = BTreeSet::new();
    for (table, overview) in overviews.chain(about_steps).chain(about_findings) {
        if seen.insert(table) {
            let table = Some(table);
            let lines = lines(changes(steps.remove(&table).into_iter().flatten()), fold);
            let findings = table.and_then(|table| findings.remove(table)).unwrap_or_default();
            sections.push(Section { table, overview, lines, findings });
        }
    }
    if let Some(of_no_table) = steps.remove(&None) {
        let lines = lines(changes(of_no_table.into_iter()), fold);
        sections.push(Section { table: None, overview: None, lines, findings: Vec::new() });
    }
    sections
}

/// Every change of a plan, in order.
pub(crate) fn all_changes(plan: &Plan) -> Vec<Change<'_>> {
    changes(plan.steps.iter())
}

/// Changes by class.
pub(crate) fn changes_by_class(plan: &Plan) -> BTreeMap<Class, usize> {
    let mut by_class = BTreeMap::new();
    for change in all_changes(plan) {
        *by_class.entry(change.lead.class).or_default() += 1;
    }
    by_class
}

fn changes<'a>(steps: impl Iterator<Item = &'a Step>) -> Vec<Change<'a>> {
    let mut changes: Vec<Change<'a>> = Vec::new();
    let mut open: BTreeMap<(Option<&TableName>, Option<&Ident>), usize> = BTreeMap::new();
    for step in steps {
        // The steps of one index are one change, whatever partitions they are on.
        let key = match step.action.wanted_index() {
            Some(index) => (step.table.as_ref(), Some(index)),
            None => (step.action.partition(), None),
        };
        let before = open.get(&key).copied();
        let joins = before.is_some_and(|at| joins(&changes[at], step));
        match before.filter(|_| joins) {
            Some(at) => {
                changes[at].steps.push(step);
                if matches!(step.action, Action::Partition(PartitionAction::Detach(_))) {
                    changes[at].lead = step;
                }
            }
            None => {
                open.insert(key, changes.len());
                changes.push(Change { lead: step, steps: vec![step] });
            }
        }
    }
    changes
}

/// Whether a step belongs to what an earlier one of its partition began.
fn joins(change: &Change<'_>, step: &Step) -> bool {
    match (&change.lead.action, &step.action) {
        (Action::Partition(PartitionAction::Mark(_)), Action::Partition(PartitionAction::Detach(_))) => true,
        (
            Action::Partition(PartitionAction::Detach(_) | PartitionAction::Finalize(_)),
            Action::Partition(PartitionAction::Stamp(_)),
        ) => true,
        // A drop that is blocked by itself must be seen by itself.
        (Action::Partition(PartitionAction::Detach(_)), Action::Partition(PartitionAction::Drop(_))) => {
            change.lead.gate.is_blocked() == step.gate.is_blocked()
        }
        // What needs a grant is seen by itself.
        (_, Action::Index(IndexAction::Swap(_) | IndexAction::Discard(_))) => !step.gate.is_blocked(),
        (Action::Index(_), _) => true,
        (
            Action::Partition(_) | Action::Storage(_) | Action::Maintenance(_) | Action::Limit(_) | Action::Setting(_),
            _,
        ) => false,
    }
}

fn lines(changes: Vec<Change<'_>>, fold: bool) -> Vec<Line<'_>> {
    let mut lines: Vec<Line<'_>> = Vec::new();
    for change in changes {
        match lines.last_mut() {
            Some(line) if fold && line.changes.last().is_some_and(|last| continues(last, &change)) => {
                line.changes.push(change);
            }
            Some(_) | None => lines.push(Line { changes: vec![change] }),
        }
    }
    lines
}

/// Whether two changes may stand in one line: alike in all that a reviewer judges, and neighbours in time where time is
/// what they are about.
fn continues(last: &Change<'_>, next: &Change<'_>) -> bool {
    let neighbours = match (&last.lead.action, &next.lead.action) {
        (Action::Storage(last), Action::Storage(next)) => last.words() == next.words(),
        (Action::Storage(_), _) | (_, Action::Storage(_)) => false,
        (
            Action::Partition(_) | Action::Index(_) | Action::Maintenance(_) | Action::Limit(_) | Action::Setting(_),
            Action::Partition(_) | Action::Index(_) | Action::Maintenance(_) | Action::Limit(_) | Action::Setting(_),
        ) => last.range().zip(next.range()).is_some_and(|((_, end), (begin, _))| end == begin),
    };
    let grants = |change: &Change<'_>| change.hazards().into_iter().map(|(hazard, by)| (hazard.kind, by)).collect();
    let (ours, theirs): (BTreeSet<_>, BTreeSet<_>) = (grants(last), grants(next));
    neighbours
        && last.verb() == next.verb()
        && (last.lead.class, &last.lead.reason) == (next.lead.class, &next.lead.reason)
        && last.because(false) == next.because(false)
        && last.blocks_because() == next.blocks_because()
        && ours == theirs
}

impl Section<'_> {
    /// Its heading.
    pub(crate) fn title(&self) -> String {
        self.table.map_or_else(|| "limits and settings".to_owned(), ToString::to_string)
    }

    /// Hazards that need no grant and would be said below several lines: said once, with what they concern, counted.
    pub(crate) fn repeated_hazards(&self) -> BTreeMap<LineHazard, String> {
        let mut seen: BTreeMap<LineHazard, (usize, usize)> = BTreeMap::new();
        for line in &self.lines {
            for hazard in line.hazards() {
                match hazard.kind.gating() {
                    Gating::Shown => {
                        let (lines, changes) = seen.entry(hazard).or_default();
                        *lines += 1;
                        *changes += line.changes.len();
                    }
                    Gating::Always | Gating::BeyondMaxDrop => {}
                }
            }
        }
        let repeated = seen.into_iter().filter(|(_, (lines, _))| *lines > 1);
        repeated
            .map(|(hazard, (_, count))| {
                let things = if hazard.kind == HazardKind::IndexBuild { "indexes" } else { "partitions" };
                (hazard, format!("{count} {things}"))
            })
            .collect()
    }
}

impl<'a> Change<'a> {
    /// The partition, where it is about one.
    pub(crate) fn partition(&self) -> Option<&'a TableName> {
        self.lead.action.partition()
    }

    /// What a hazard need not name again: the partition, or what is no relation.
    fn own(&self) -> Object {
        self.partition().map_or_else(|| self.lead.action.object(), |partition| partition.clone().into())
    }

    /// What is done, in words.
    pub(crate) fn verb(&self) -> &'static str {
        let drops = self.steps.iter().any(|step| matches!(step.action, Action::Partition(PartitionAction::Drop(_))));
        match &self.lead.action {
            Action::Partition(PartitionAction::Create(_)) => "create",
            Action::Partition(PartitionAction::CreateDefault(_)) => "create the default partition",
            Action::Partition(PartitionAction::Finalize(_)) => "finalize the interrupted detach",
            Action::Partition(PartitionAction::Mark(_)) => "mark as retired",
            Action::Partition(PartitionAction::Detach(detach)) => match (&detach.mode, drops) {
                (DetachMode::Concurrently, false) => "detach",
                (DetachMode::Concurrently, true) => "detach, then drop",
                (DetachMode::Blocking(_), false) => "detach, blocking",
                (DetachMode::Blocking(_), true) => "detach, blocking, then drop",
            },
            Action::Partition(PartitionAction::Stamp(_)) => "record when it was detached",
            Action::Partition(PartitionAction::Attach(_)) => "attach again",
            Action::Partition(PartitionAction::Drop(_)) => "drop",
            Action::Index(IndexAction::Create(_)) => "build on every partition",
            Action::Index(IndexAction::Build(_)) => "build",
            Action::Index(IndexAction::Attach(_)) => "attach",
            Action::Index(IndexAction::Validate(_)) => "validate",
            Action::Index(IndexAction::Alter(_)) => "set parameters",
            Action::Index(IndexAction::Rebuild(_)) => "rebuild",
            Action::Index(IndexAction::Drop(_)) => "drop what is invalid, and build",
            Action::Index(IndexAction::Discard(_)) => "drop what was begun",
            Action::Index(IndexAction::Swap(_)) => "drop the old one, and take its name",
            Action::Storage(StorageAction::Alter(alter)) => {
                if alter.waits() {
                    "alter"
                } else {
                    "set"
                }
            }
            Action::Maintenance(MaintenanceAction::AnalyzeParent(_)) => "analyze as a whole",
            Action::Maintenance(MaintenanceAction::Vacuum(_)) => "vacuum and freeze",
            Action::Maintenance(MaintenanceAction::Reindex(_)) => "rebuild",
            Action::Limit(limit) => limit.verb(),
            Action::Setting(setting) => setting.verb(),
        }
    }

    /// Why a detach blocks reads and writes of its table.
    pub(crate) fn blocks_because(&self) -> Option<&'a str> {
        self.steps.iter().find_map(|step| match &step.action {
            Action::Partition(PartitionAction::Detach(detach)) => match &detach.mode {
                DetachMode::Blocking(because) => Some(because.as_str()),
                DetachMode::Concurrently => None,
            },
            Action::Partition(
                PartitionAction::Create(_)
                | PartitionAction::CreateDefault(_)
                | PartitionAction::Finalize(_)
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
        })
    }

    /// `+`, `-` or `~`.
    pub(crate) fn symbol(&self) -> char {
        match &self.lead.action {
            Action::Partition(PartitionAction::Create(_) | PartitionAction::CreateDefault(_)) => '+',
            Action::Partition(PartitionAction::Detach(_) | PartitionAction::Drop(_)) => '-',
            Action::Partition(
                PartitionAction::Finalize(_)
                | PartitionAction::Mark(_)
                | PartitionAction::Stamp(_)
                | PartitionAction::Attach(_),
            )
            | Action::Index(_)
            | Action::Storage(_)
            | Action::Maintenance(_)
            | Action::Limit(_)
            | Action::Setting(_) => '~',
        }
    }

    /// The rows that it is about, where they are a range.
    fn range(&self) -> Option<(Bound, Bound)> {
        match &self.lead.action {
            Action::Partition(PartitionAction::Create(create)) => Some((Bound::Value(create.from), create.to)),
            Action::Partition(PartitionAction::CreateDefault(_)) => None,
            Action::Partition(PartitionAction::Finalize(leaving)) => Some((leaving.from, leaving.to)),
            Action::Partition(PartitionAction::Mark(retiring) | PartitionAction::Stamp(retiring)) => {
                Some((retiring.marker.from, retiring.marker.to))
            }
            Action::Partition(PartitionAction::Detach(detach)) => Some((detach.leaving.from, detach.leaving.to)),
            Action::Partition(PartitionAction::Attach(attach)) => {
                Some((attach.retired.marker.from, attach.retired.marker.to))
            }
            Action::Maintenance(MaintenanceAction::Vacuum(vacuum)) => Some((vacuum.from, vacuum.to)),
            Action::Partition(PartitionAction::Drop(drop)) => Some((drop.retired.marker.from, drop.retired.marker.to)),
            Action::Index(_)
            | Action::Maintenance(MaintenanceAction::AnalyzeParent(_) | MaintenanceAction::Reindex(_))
            | Action::Storage(_)
            | Action::Limit(_)
            | Action::Setting(_) => None,
        }
    }

    /// Whether any of it may not run.
    pub(crate) fn is_blocked(&self) -> bool {
        self.steps.iter().any(|step| step.gate.is_blocked())
    }

    /// Why not, in words; `chains` names the steps that it would need, else they are only mentioned.
    fn because(&self, chains: bool) -> BTreeSet<String> {
        let own: BTreeSet<_> = self.steps.iter().map(|step| &step.id).collect();
        let mut because = BTreeSet::new();
        for block in self.blocks() {
            match block {
                Block::Needs { step } if own.contains(step) => {}
                Block::Needs { .. } if !chains => {
                    because.insert("it comes after a step that is blocked".to_owned());
                }
                Block::Needs { .. }
                | Block::Hazard { .. }
                | Block::MaxDrop { .. }
                | Block::MaxCreate { .. }
                | Block::RowsInDefault { .. }
                | Block::ClockSkew { .. }
                | Block::Unknown { .. }
                | Block::ManagedElsewhere { .. }
                | Block::InTheWay { .. }
                | Block::MissingRight { .. }
                | Block::Busy { .. } => {
                    because.insert(block.to_string());
                }
            }
        }
        because
    }

    /// What blocks its steps.
    pub(crate) fn blocks(&self) -> impl Iterator<Item = &'a Block> + use<'a, '_> {
        self.steps.iter().flat_map(|step| match &step.gate {
            Gate::Blocked(blocks) => blocks.as_slice(),
            Gate::Open | Gate::Granted(_) => &[],
        })
    }

    fn hazards(&self) -> Vec<(&'a Hazard, Option<GrantSource>)> {
        let of_step = |step: &&'a Step| {
            let step: &'a Step = step;
            step.hazards.iter().map(|hazard| {
                let granted = match &step.gate {
                    Gate::Granted(all) => all.iter().find(|granted| granted.grant.hazard == hazard.kind),
                    Gate::Open | Gate::Blocked(_) => None,
                };
                (hazard, granted.map(|granted| granted.source))
            })
        };
        self.steps.iter().flat_map(of_step).collect()
    }
}

impl<'a> Line<'a> {
    /// The first change: all of them are alike.
    pub(crate) fn first(&self) -> &Change<'a> {
        &self.changes[0]
    }

    /// The last change.
    fn last(&self) -> &Change<'a> {
        &self.changes[self.changes.len() - 1]
    }

    /// `events_p20260315 … events_p20260321`; the schema only where it is not the table's.
    pub(crate) fn what(&self, table: Option<&TableName>, dots: &str) -> String {
        let partitions = self.first().partition().zip(self.last().partition());
        let Some(((first, last), table)) = partitions.zip(table) else {
            return self.first().lead.action.object().to_string();
        };
        if let Some(index) = self.first().lead.action.wanted_index() {
            return index.to_string();
        }
        // Of several indexes of one partition each is rebuilt by itself.
        if let Action::Maintenance(MaintenanceAction::Reindex(reindex)) = &self.first().lead.action {
            return short(&reindex.index.name, table);
        }
        if self.changes.len() == 1 {
            short(first, table)
        } else {
            format!("{} {dots} {}", short(first, table), short(last, table))
        }
    }

    /// `7 partitions`, `detach; drop due 2026-03-21`, `drop, detached 2026-03-07`.
    pub(crate) fn how(&self, dots: &str) -> String {
        let count = self.changes.len();
        let verb = self.first().verb();
        if self.first().lead.action.wanted_index().is_some() {
            return index_words(self.first());
        }
        if let Action::Storage(action) = &self.first().lead.action {
            return match (count, &self.first().lead.note) {
                (2.., Some(note)) => format!("{} on {note}", action.words()),
                (_, _) => action.words(),
            };
        }
        let creates = matches!(self.first().lead.action, Action::Partition(PartitionAction::Create(_)));
        let many = if count == 1 { "1 partition".to_owned() } else { format!("{count} partitions") };
        let mut how = match (creates, count) {
            (true, _) => many,
            (false, 1) => verb.to_owned(),
            (false, _) => format!("{many}: {verb}"),
        };
        let notes = (self.first().lead.note.as_deref(), self.last().lead.note.as_deref());
        let separator =
            if matches!(self.first().lead.action, Action::Partition(PartitionAction::Drop(_))) { ", " } else { "; " };
        match notes {
            (Some(first), Some(last)) => {
                how.push_str(separator);
                how.push_str(&between(first, last, dots));
            }
            (Some(only), None) | (None, Some(only)) => {
                how.push_str(separator);
                how.push_str(only);
            }
            (None, None) => {}
        }
        how
    }

    /// `scheduled: premake`.
    pub(crate) fn why(&self) -> String {
        let lead = self.first().lead;
        format!("{}: {}", lead.class.word(), lead.reason)
    }

    /// Its class.
    pub(crate) fn class(&self) -> Class {
        self.first().lead.class
    }

    /// Why it may not run, in words; empty when it may.
    pub(crate) fn blocked_because(&self) -> Vec<String> {
        self.first().because(self.changes.len() == 1).into_iter().collect()
    }

    /// Whether it may not run.
    pub(crate) fn is_blocked(&self) -> bool {
        self.first().is_blocked()
    }

    /// Hazards, like ones joined.
    pub(crate) fn hazards(&self) -> Vec<LineHazard> {
        let own: BTreeSet<Object> = self.changes.iter().map(|change| change.own()).collect();
        let mut all: BTreeSet<LineHazard> = BTreeSet::new();
        for change in &self.changes {
            for (hazard, by) in change.hazards() {
                let granted = by.map(|by| match by {
                    GrantSource::Policy => "granted by the policy",
                    GrantSource::Flag => "granted by --allow",
                });
                let words = if hazard.kind == HazardKind::IndexBuild {
                    build_words(change)
                } else if concerns_data(hazard.kind) {
                    self.stake_words(hazard.kind)
                } else if own.contains(&hazard.object) {
                    hazard.detail.clone()
                } else {
                    format!("{}: {}", hazard.object, hazard.detail)
                };
                all.insert(LineHazard { kind: hazard.kind, words, granted });
            }
        }
        all.into_iter().collect()
    }

    fn stake_words(&self, kind: HazardKind) -> String {
        let steps = self.changes.iter().flat_map(|change| &change.steps);
        let stakes = steps.filter(|step| step.hazards.iter().any(|hazard| hazard.kind == kind)).map(|step| step.stake);
        stake_words(&stakes.collect::<Vec<_>>())
    }
}

/// `402 GB, ~1.9e9 rows`: sums, with what is unknown said as such.
pub(crate) fn stake_words(stakes: &[Stake]) -> String {
    let sum = |values: &[Option<u64>], words: &dyn Fn(u64) -> String, unit: &str| {
        let known: Vec<u64> = values.iter().copied().flatten().collect();
        let unknown = values.len() - known.len();
        let total = known.iter().fold(0u64, |sum, value| sum.saturating_add(*value));
        match (known.is_empty(), unknown) {
            (false, 0) => words(total),
            (false, unknown) => format!("at least {} (of {unknown} unknown)", words(total)),
            (true, _) => format!("{unit} unknown"),
        }
    };
    let bytes: Vec<_> = stakes.iter().map(|stake| stake.bytes).collect();
    let rows: Vec<_> = stakes.iter().map(|stake| stake.rows).collect();
    format!("{}, {}", sum(&bytes, &words::bytes, "size"), sum(&rows, &|rows| words::rows(Some(rows)), "rows"))
}

/// Whether a hazard's measure is the data at stake.
fn concerns_data(kind: HazardKind) -> bool {
    match kind {
        HazardKind::DeletesData | HazardKind::DetachesData | HazardKind::AttachesData | HazardKind::MovesData => true,
        HazardKind::DropsIndex
        | HazardKind::LimitsSessions
        | HazardKind::RestartRequired
        | HazardKind::LosesSafety
        | HazardKind::BlocksReads
        | HazardKind::BlocksWrites
        | HazardKind::PlainLeaf
        | HazardKind::RunsOwnersCode
        | HazardKind::IndexBuild
        | HazardKind::SubscriberNeedsTable
        | HazardKind::CancelsStandbyQueries => false,
    }
}

/// A relation's name beside its table: the schema only where it is another.
pub(crate) fn short(name: &TableName, table: &TableName) -> String {
    if name.schema == table.schema { name.name.to_string() } else { name.to_string() }
}

/// The same of anything with a name.
pub(crate) fn short_object(object: &Object, table: &TableName) -> String {
    object.relation().map_or_else(|| object.to_string(), |relation| short(relation, table))
}

/// `events_p20260315 … events_p20260321`: the first and the last of several.
pub(crate) fn run_words(table: Option<&TableName>, partitions: &[&TableName]) -> String {
    let short = |name: &TableName| table.map_or_else(|| name.to_string(), |table| short(name, table));
    match partitions {
        [] => String::new(),
        [only] => short(only),
        [first, .., last] => format!("{} … {}", short(first), short(last)),
    }
}

/// `detached 2026-03-01 … 2026-03-07`: two notes as one, the words that they share said once.
fn between(first: &str, last: &str, dots: &str) -> String {
    if first == last {
        return first.to_owned();
    }
    let (first, last) = (without_times(first), without_times(last));
    match (first.split_once(' '), last.split_once(' ')) {
        _ if first == last => first,
        (Some((one, _)), Some((other, rest))) if one == other => format!("{first} {dots} {rest}"),
        (_, _) => format!("{first} {dots} {last}"),
    }
}

/// A note for many partitions names days, not minutes.
fn without_times(note: &str) -> String {
    let is_time = |word: &&str| word.len() == 6 && word.ends_with('Z') && word.as_bytes().get(2) == Some(&b':');
    note.split(' ').filter(|word| !is_time(word)).collect::<Vec<_>>().join(" ")
}
