//! One table's partitions in time: what each is on the grid, why it is there, and until when. What reports are made of;
//! plans are not.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Serialize, Serializer};

use super::context::Context;
use super::fate::{Fate, fate_of_leaf, fate_of_retired};
use super::hold::{Holder, holders};
use super::in_the_way;
use super::names;
use super::remove::own_marker;
use super::retention::newest_question;
use super::retired;
use super::returning::returning;
use super::wanted::{self, pieces, reach};
use crate::catalog::{Answer, LeafKind, Oid, Question};
use crate::grid::{Bound, Fit, Grid, KeyValue, LeafBounds};
use crate::sql::TableName;

/// A table's partitions in the order of their bounds, with gaps between them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Timeline {
    /// The table.
    pub table: TableName,
    /// Zone of the boundaries.
    pub timezone: String,
    /// Where rows of now go.
    pub current: Option<KeyValue>,
    /// Rows before this may leave.
    pub retention_edge: Option<KeyValue>,
    /// Partitions are wanted up to here.
    pub premake_horizon: Option<KeyValue>,
    /// Partitions, gaps, detached tables.
    pub partitions: Vec<Entry>,
    /// When what happens to them next, by this policy and as they are now.
    pub events: Vec<Event>,
    /// The newest partition with rows, or that none has any; `None` where that is not known.
    #[serde(skip)]
    pub(crate) newest: Option<Option<Oid>>,
    /// Windows on the table's clock, for showing bounds.
    #[serde(skip)]
    pub(crate) grid: Grid,
}

/// One stretch of a timeline.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Entry {
    /// What it is.
    pub kind: EntryKind,
    /// Its name; a gap has none.
    pub name: Option<TableName>,
    /// Its OID.
    pub oid: Option<Oid>,
    /// Lower end, included.
    pub from: Option<Bound>,
    /// Upper end, excluded.
    pub to: Option<Bound>,
    /// The bounds as the catalog prints them, where they are no range.
    pub bounds: Option<String>,
    /// What it is on the grid.
    pub fit: Option<Fit>,
    /// What kind of relation.
    pub relation: Option<LeafKind>,
    /// Where it lies in the policy's time.
    pub phase: Phase,
    /// It takes the rows of now.
    pub current: bool,
    /// It is the newest that has rows.
    pub newest_with_rows: bool,
    /// Its detach is unfinished.
    pub pending: bool,
    /// Its removal has begun: it carries a marker of its own.
    pub marked: bool,
    /// Since when it is a table of its own, by its stamp.
    pub detached_at: Option<Timestamp>,
    /// What holds it, in words.
    pub held_by: Vec<String>,
    /// Why it is a gap.
    pub gap_because: Option<&'static str>,
    /// The server's estimate of its rows.
    #[serde(rename = "rows_estimate")]
    pub rows: Option<u64>,
    /// Its exact size with indexes and TOAST, as far as it was asked.
    pub bytes: Size,
    /// What becomes of it.
    #[serde(flatten)]
    pub fate: Fate,
}

impl Entry {
    /// What will be due of it, soonest first, whether or not that is past.
    pub fn events(&self) -> Vec<Event> {
        let Fate { leaves_at, drops_at, stays_because } = &self.fate;
        let Some(name) = self.name.as_ref().filter(|_| stays_because.is_none()) else { return Vec::new() };
        let event = |at: Option<Timestamp>, what| at.map(|at| Event { at, what, partition: name.clone() });
        let detach = match self.kind {
            EntryKind::Partition => event(*leaves_at, Happens::Detach),
            EntryKind::Gap | EntryKind::Default | EntryKind::Detached => None,
        };
        detach.into_iter().chain(event(*drops_at, Happens::Drop)).collect()
    }
}

/// What a stretch of a timeline is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum EntryKind {
    /// An attached partition, or one whose detach is unfinished.
    Partition,
    /// Windows that the policy wants and nothing covers.
    Gap,
    /// The default partition.
    Default,
    /// A table of its own that carries our marker.
    Detached,
}

/// Where it lies in the policy's time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// Its time is over.
    Over,
    /// It is kept.
    Kept,
    /// Rows of now go there.
    Current,
    /// It waits for rows to come.
    Ahead,
    /// It has no place in time.
    Outside,
}

/// A size, or why there is none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Size {
    /// Exactly so many bytes.
    Exactly(u64),
    /// It could not be found out.
    Unknown(String),
    /// Nobody asked.
    NotAsked,
}

impl Size {
    /// The bytes, if they are known.
    pub fn bytes(&self) -> Option<u64> {
        match self {
            Self::Exactly(bytes) => Some(*bytes),
            Self::Unknown(_) | Self::NotAsked => None,
        }
    }
}

impl Serialize for Size {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.bytes().serialize(serializer)
    }
}

/// Something that will be due.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Event {
    /// When; a run at this time or later does it.
    pub at: Timestamp,
    /// What.
    pub what: Happens,
    /// To which partition.
    pub partition: TableName,
}

/// What will be due.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Happens {
    /// A partition is created.
    Create,
    /// A partition is detached.
    Detach,
    /// A detached table is dropped.
    Drop,
}

/// Events of one kind that are foreseen.
const FORESEEN: usize = 3;

/// The table's timeline.
pub(crate) fn survey(context: &Context<'_>) -> Timeline {
    let known = match context.snapshot.answers.get(&newest_question(context)) {
        Answer::Leaf(newest) => Some(newest),
        Answer::Keys(_)
        | Answer::Rows(_)
        | Answer::Bytes(_)
        | Answer::DefaultKeys(_)
        | Answer::Shape(_)
        | Answer::Withheld(_)
        | Answer::Refused(_)
        | Answer::Spelling(_)
        | Answer::Bloat(_)
        | Answer::Found(_)
        | Answer::Taken(_)
        | Answer::Unknown(_) => None,
    };
    let newest = known.flatten();
    let mut partitions: Vec<Entry> = context.root.leaves.keys().map(|oid| leaf(context, *oid, newest)).collect();
    partitions.extend(retired::own(context).map(|(oid, _)| detached(context, oid)));
    partitions.extend(gaps(context));
    // What has no place in time comes last.
    partitions
        .sort_by(|a, b| (a.from.is_none(), a.from, a.to, &a.name).cmp(&(b.from.is_none(), b.from, b.to, &b.name)));
    let events = events(context, &partitions);
    Timeline {
        table: context.name.clone(),
        timezone: context.grid.zone().name().to_owned(),
        current: context.current(),
        retention_edge: context.edge_value(),
        premake_horizon: reach(context).map(|(_, high)| high),
        partitions,
        events,
        newest: known,
        grid: context.grid.clone(),
    }
}

fn empty(kind: EntryKind) -> Entry {
    Entry {
        kind,
        name: None,
        oid: None,
        from: None,
        to: None,
        bounds: None,
        fit: None,
        relation: None,
        phase: Phase::Outside,
        current: false,
        newest_with_rows: false,
        pending: false,
        marked: false,
        detached_at: None,
        held_by: Vec::new(),
        gap_because: None,
        rows: None,
        bytes: Size::NotAsked,
        fate: Fate::default(),
    }
}

fn leaf(context: &Context<'_>, oid: Oid, newest: Option<Oid>) -> Entry {
    let Some(leaf) = context.root.leaves.get(&oid) else { return empty(EntryKind::Partition) };
    let kind = match leaf.bounds {
        LeafBounds::Default => EntryKind::Default,
        LeafBounds::Range { .. } | LeafBounds::Other(_) => EntryKind::Partition,
    };
    let mut entry = Entry {
        name: Some(leaf.name.clone()),
        oid: Some(oid),
        relation: Some(leaf.kind),
        newest_with_rows: newest == Some(oid),
        pending: leaf.pending,
        marked: own_marker(context, oid, leaf).is_some(),
        rows: leaf.rows_estimate,
        bytes: size(context, oid),
        ..empty(kind)
    };
    if let LeafBounds::Other(text) = &leaf.bounds {
        entry.bounds = Some(text.clone());
    }
    if let Some((from, to)) = leaf.bounds.coverage() {
        place(context, &mut entry, from, to);
        entry.fit = Some(context.grid.classify(from, to));
        entry.held_by = held(context, from, to, leaf.held);
        entry.current = entry.phase == Phase::Current && !leaf.pending;
    } else {
        // Rows of any range may lie in it.
        entry.held_by = held(context, Bound::MinValue, Bound::MaxValue, leaf.held);
    }
    entry.fate = fate_of_leaf(context, oid, leaf, newest);
    if entry.phase == Phase::Over && entry.fate.stays_because.is_none() {
        let range = leaf.bounds.coverage();
        let obstacles = range.map(|(from, to)| in_the_way::of_detach(context, (oid, from, to), &[]));
        entry.fate.stays_because = obstacles.and_then(|obstacles| in_the_way::words(&obstacles));
    }
    entry
}

fn detached(context: &Context<'_>, oid: Oid) -> Entry {
    let Some(table) = context.snapshot.catalog.retired.get(&oid) else { return empty(EntryKind::Detached) };
    let (from, to) = (table.marker.from, table.marker.to);
    let mut entry = Entry {
        name: Some(table.name.clone()),
        oid: Some(oid),
        fit: Some(context.grid.classify(from, to)),
        marked: true,
        detached_at: table.marker.detached_at,
        held_by: held(context, from, to, table.held),
        rows: table.rows_estimate,
        bytes: size(context, oid),
        fate: fate_of_retired(context, table),
        ..empty(EntryKind::Detached)
    };
    place(context, &mut entry, from, to);
    if entry.fate.drops_at.is_some() {
        entry.fate.stays_because = in_the_way::words(&in_the_way::of_drop(context, oid, &[]));
    }
    entry
}

/// Neighbouring pieces that are wanted for the same reason are one gap.
fn gaps(context: &Context<'_>) -> Vec<Entry> {
    let mut gaps: Vec<Entry> = Vec::new();
    for piece in pieces(context, &returning(context)) {
        let (from, to) = (Bound::Value(piece.from), piece.to);
        match gaps.last_mut() {
            Some(last) if last.to == Some(from) && last.gap_because == Some(piece.reason) => last.to = Some(to),
            Some(_) | None => {
                let mut gap = Entry { gap_because: Some(piece.reason), ..empty(EntryKind::Gap) };
                place(context, &mut gap, from, to);
                gaps.push(gap);
            }
        }
    }
    for gap in &mut gaps {
        if let Some((from, to)) = gap.from.zip(gap.to) {
            gap.fit = Some(context.grid.classify(from, to));
            gap.phase = phase(context, from, to);
        }
    }
    gaps
}

fn place(context: &Context<'_>, entry: &mut Entry, from: Bound, to: Bound) {
    entry.from = Some(from);
    entry.to = Some(to);
    entry.phase = phase(context, from, to);
}

fn phase(context: &Context<'_>, from: Bound, to: Bound) -> Phase {
    let Some(current) = context.current().map(Bound::Value) else { return Phase::Kept };
    if context.is_expired(to) {
        Phase::Over
    } else if to <= current {
        Phase::Kept
    } else if from <= current {
        Phase::Current
    } else {
        Phase::Ahead
    }
}

fn held(context: &Context<'_>, from: Bound, to: Bound, by_comment: bool) -> Vec<String> {
    let words = |holder: Holder<'_>| match holder {
        Holder::Comment | Holder::RootComment(_) => holder.to_string(),
        Holder::Named(_, hold) if hold.reason.is_empty() => holder.to_string(),
        Holder::Named(_, hold) => format!("{holder} ({})", hold.reason),
    };
    holders(context, from, to, by_comment).map(words).collect()
}

fn size(context: &Context<'_>, relation: Oid) -> Size {
    let question = Question::Bytes { relation };
    if !context.snapshot.answers.has(&question) {
        return Size::NotAsked;
    }
    match context.snapshot.answers.get(&question) {
        Answer::Bytes(bytes) => Size::Exactly(bytes),
        Answer::Unknown(because) => Size::Unknown(because),
        Answer::Leaf(_)
        | Answer::Keys(_)
        | Answer::Rows(_)
        | Answer::DefaultKeys(_)
        | Answer::Shape(_)
        | Answer::Withheld(_)
        | Answer::Refused(_)
        | Answer::Bloat(_)
        | Answer::Spelling(_)
        | Answer::Found(_)
        | Answer::Taken(_) => Size::Unknown("an answer of another kind".to_owned()),
    }
}

/// What is foreseen, in time: only that which is not due yet.
fn events(context: &Context<'_>, partitions: &[Entry]) -> Vec<Event> {
    let mut by_kind: BTreeMap<Happens, Vec<Event>> = BTreeMap::new();
    for event in partitions.iter().flat_map(Entry::events).filter(|event| event.at > context.now) {
        by_kind.entry(event.what).or_default().push(event);
    }
    for (at, name) in creations_ahead(context) {
        if at > context.now {
            by_kind.entry(Happens::Create).or_default().push(Event { at, what: Happens::Create, partition: name });
        }
    }
    let mut all: Vec<Event> = Vec::new();
    for mut events in by_kind.into_values() {
        events.sort();
        all.extend(events.into_iter().take(FORESEEN));
    }
    all.sort();
    all
}

/// The next windows beyond the horizon, when they become wanted, and what they will be called.
fn creations_ahead(context: &Context<'_>) -> Vec<(Timestamp, TableName)> {
    let Some((_, horizon)) = reach(context) else { return Vec::new() };
    let highest = context.ranges.last().map(|range| range.to);
    let begin = match highest {
        Some(Bound::MaxValue) => return Vec::new(),
        Some(Bound::Value(highest)) => horizon.max(highest),
        Some(Bound::MinValue) | None => horizon,
    };
    let Some(first) = context.grid.index_of(begin) else { return Vec::new() };
    let last = first.saturating_add(FORESEEN as i64 + 1);
    let windows = context.grid.windows_between(first, last);
    let due = windows.filter_map(|window| {
        let at = wanted::due_at(context, window)?;
        Some((at, names::by_template(context, window.from, Bound::Value(window.to))))
    });
    due.take(FORESEEN).collect()
}
