//! One table under judgement: its policy, its catalog, its grid and the clock, and the shape that its steps share.

use jiff::Timestamp;

use super::cursor::{Cursor, less};
use crate::catalog::{Leaf, Oid, Root, Snapshot};
use crate::grid::{Bound, Grid, KeyValue, LeafBounds};
use crate::plan::{
    Action, Class, Code, Fact, Finding, Gate, Hazard, HazardKind, IndexAction, MaintenanceAction, Object, ObjectRef,
    Overrides, PartitionAction, Relation, Stake, Step, StepId, StorageAction, Timeouts, Touches, Unit, Verb,
};
use crate::policy::{Desired, Keep, Retention, TableDesired, Width};
use crate::sql::{Ident, TableName};

/// Everything that judging one table reads.
pub(crate) struct Context<'a> {
    /// The table.
    pub(crate) name: &'a TableName,
    /// Its policy.
    pub(crate) table: &'a TableDesired,
    /// The whole policy.
    pub(crate) desired: &'a Desired,
    /// Its catalog.
    pub(crate) root: &'a Root,
    /// The whole snapshot.
    pub(crate) snapshot: &'a Snapshot,
    /// Its windows.
    pub(crate) grid: &'a Grid,
    /// The clock.
    pub(crate) now: Timestamp,
    /// Its lane.
    pub(crate) lane: u32,
    /// Timeouts by flag.
    pub(crate) overrides: Overrides,
    /// Where rows are written: by the clock, or among ids by the rows that are there.
    pub(crate) cursor: Cursor,
    /// Rows before this may leave; `None` without a retention, where it reaches beyond the calendar or the ids, and where
    /// the cursor is not known.
    pub(crate) edge: Option<Edge>,
    /// Attached partitions with a range, pending ones left out, sorted by bounds. They never overlap.
    pub(crate) ranges: Vec<Range<'a>>,
    /// The attached default partition.
    pub(crate) default: Option<(Oid, &'a Leaf)>,
    /// The partition whose detach is unfinished.
    pub(crate) pending: Option<(Oid, &'a Leaf)>,
}

/// An attached partition and what it covers.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Range<'a> {
    pub(crate) oid: Oid,
    pub(crate) leaf: &'a Leaf,
    pub(crate) from: Bound,
    pub(crate) to: Bound,
}

/// Before what rows may leave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Edge {
    /// An instant.
    Time(Timestamp),
    /// A key.
    Key(KeyValue),
}

/// What judging one table starts from.
#[derive(Clone, Copy)]
pub(crate) struct Subject<'a> {
    /// The table.
    pub(crate) name: &'a TableName,
    /// Its policy.
    pub(crate) table: &'a TableDesired,
    /// The whole policy.
    pub(crate) desired: &'a Desired,
    /// Its catalog.
    pub(crate) root: &'a Root,
    /// The whole snapshot.
    pub(crate) snapshot: &'a Snapshot,
    /// Its windows.
    pub(crate) grid: &'a Grid,
    /// Timeouts by flag.
    pub(crate) overrides: Overrides,
}

/// Work that is late by more than this, or by more than one interval, is overdue (contract, section 3).
const LATE_AT_LEAST_SECONDS: i64 = 26 * 3600;
/// A removal is overdue after this at the latest.
const REMOVAL_LATE_AT_MOST_SECONDS: i64 = 7 * 24 * 3600;

impl<'a> Context<'a> {
    /// Sorts the table's partitions once for all that is asked of them.
    pub(crate) fn new(subject: &Subject<'a>, now: Timestamp, lane: u32) -> Self {
        let Subject { name, table, desired, root, snapshot, grid, overrides } = *subject;
        let attached = root.leaves.iter().filter(|(_, leaf)| !leaf.pending);
        let mut ranges: Vec<Range<'a>> = attached
            .filter_map(|(oid, leaf)| leaf.bounds.coverage().map(|(from, to)| Range { oid: *oid, leaf, from, to }))
            .collect();
        ranges.sort_by_key(|range| (range.from, range.to, range.oid));
        // Found once: looking through ten thousand partitions for each step is what would be slow.
        let (default, pending) = (root.default_leaf(), root.pending_leaf());
        let cursor = Cursor::find(subject, &ranges, now);
        let edge = table.retention.and_then(|retention| match retention.keep {
            Keep::Span(span) => span.before(now, grid.zone()).map(Edge::Time),
            Keep::Keys(distance) => cursor.reached.and_then(|reached| less(reached, distance)).map(Edge::Key),
        });
        Self {
            name,
            table,
            desired,
            root,
            snapshot,
            grid,
            now,
            lane,
            cursor,
            edge,
            ranges,
            default,
            pending,
            overrides,
        }
    }

    /// The root as steps name it.
    pub(crate) fn relation(&self) -> Relation {
        Relation { name: self.name.clone(), oid: self.root.oid }
    }

    /// The schema that new partitions are made in.
    pub(crate) fn new_schema(&self) -> &Ident {
        self.table.new_partitions.schema.as_ref().unwrap_or(&self.name.schema)
    }

    /// What the server locks along with the root.
    pub(crate) fn touches(&self) -> Touches {
        Touches {
            default: self.default.map(|(_, leaf)| leaf.name.clone()),
            references: self.root.references.clone(),
            referenced_by: self.root.referenced_by.clone(),
            partitioned: self.root.partitioned.clone(),
        }
    }

    /// The policy's retention and its edge: nothing leaves without both.
    pub(crate) fn retention(&self) -> Option<(Retention, Edge)> {
        self.table.retention.zip(self.edge)
    }

    /// The key of a row that is written now; `None` where it is not known.
    pub(crate) fn current(&self) -> Option<KeyValue> {
        self.cursor.current
    }

    /// The edge as a key value.
    pub(crate) fn edge_value(&self) -> Option<KeyValue> {
        match self.edge? {
            Edge::Time(at) => self.grid.value_at(at),
            Edge::Key(key) => Some(key),
        }
    }

    /// Whether a bound lies at or before an edge. An unbounded or unreadable bound never does.
    pub(crate) fn at_or_before(&self, bound: Bound, edge: Edge) -> bool {
        match (bound, edge) {
            (Bound::Value(value), Edge::Time(instant)) => self.grid.instant(value).is_some_and(|at| at <= instant),
            (Bound::Value(value), Edge::Key(key)) => self.root.key.kind.holds(value) && value <= key,
            (Bound::MinValue | Bound::MaxValue, _) => false,
        }
    }

    /// Whether the retention, if there is one, is over for what ends here.
    pub(crate) fn is_expired(&self, to: Bound) -> bool {
        self.edge.is_some_and(|edge| self.at_or_before(to, edge))
    }

    /// Whether an attached partition covers any of this range.
    pub(crate) fn is_covered(&self, from: Bound, to: Bound) -> bool {
        // Sorted and without overlaps: the last one that begins before the end is the last that can reach into it.
        let before = self.ranges.partition_point(|range| range.from < to);
        before.checked_sub(1).is_some_and(|last| self.ranges[last].to > from)
    }

    /// Scheduled or, when late, overdue.
    pub(crate) fn class_by_lateness(&self, due_at: Timestamp, removal: bool) -> Class {
        let mut allowed = self.table_interval_seconds().max(LATE_AT_LEAST_SECONDS);
        if removal {
            allowed = allowed.min(REMOVAL_LATE_AT_MOST_SECONDS);
        }
        if self.now.as_second() - due_at.as_second() > allowed { Class::Overdue } else { Class::Scheduled }
    }

    /// The class of a removal that fell due at this time; among ids, at this bound.
    pub(crate) fn class_of_removal(&self, due_at: Option<Timestamp>, to: Bound) -> Class {
        match (due_at, self.grid.width(), self.edge) {
            (Some(due_at), _, _) => self.class_by_lateness(due_at, true),
            (None, Width::Keys(step), Some(Edge::Key(edge))) => {
                let late = less(edge, step).is_some_and(|limit| to < Bound::Value(limit));
                if late { Class::Overdue } else { Class::Scheduled }
            }
            (None, Width::Keys(_) | Width::Calendar(_), _) => Class::Scheduled,
        }
    }

    fn table_interval_seconds(&self) -> i64 {
        match self.grid.width() {
            Width::Calendar(interval) => interval.approx().as_secs(),
            // A grace is over by the clock also among ids.
            Width::Keys(_) => 0,
        }
    }

    /// Whether its rows are on the workers of a Citus cluster.
    pub(crate) fn is_distributed(&self) -> bool {
        self.snapshot.catalog.is_distributed(self.root.oid)
    }

    /// A finding about this table.
    pub(crate) fn finding(&self, code: Code, object: Option<&TableName>, message: String) -> Finding {
        Finding { table: Some(self.name.clone()), code, object: object.cloned().map(Object::from), message, hint: None }
    }

    /// A step of this table, complete but for what depends on its neighbours.
    pub(crate) fn step(&self, action: Action, class: Class, reason: &str) -> Step {
        let apply = &self.desired.apply;
        let lock = self.overrides.lock_timeout.unwrap_or(apply.lock_timeout);
        let lock_retries = self.overrides.lock_retries.unwrap_or(apply.lock_retries);
        let id = StepId(format!("{} {}", action.word(), action.object()));
        let concurrently = action.is_concurrent();
        let reach_workers = self.is_distributed();
        // A lock_timeout inside DETACH CONCURRENTLY would leave it pending (measured): it has none, only a bounded wait.
        let (unit, timeouts) = if concurrently {
            // With foreign keys its second phase queues for a strong lock on a table in use, and everybody behind it: it may
            // do so no longer than any other statement, and FINALIZE goes on with short tries.
            let keys = !(self.root.references.is_empty() && self.root.referenced_by.is_empty());
            let keys = keys && action.verb() == Verb::Detach;
            let statement = if keys { apply.statement_timeout } else { apply.concurrent_timeout };
            let lock = std::time::Duration::ZERO;
            (Unit::Statement, Timeouts { lock, lock_retries: 0, statement, reach_workers })
        } else {
            let statement = match &action {
                // The scan of the table that comes back blocks nobody who uses the parent, unless keys reference it.
                Action::Partition(PartitionAction::Attach(attach)) if attach.touches == Touches::default() => {
                    apply.concurrent_timeout
                }
                Action::Partition(_)
                | Action::Index(_)
                | Action::Storage(_)
                | Action::Limit(_)
                | Action::Setting(_) => apply.statement_timeout,
                // They hold nothing that readers or writers wait for, and grow with the data.
                Action::Maintenance(_) => apply.concurrent_timeout,
            };
            // VACUUM and ANALYZE may give up on a lock at any time: what they have done by then stays done.
            let unit = if action.stands_alone() { Unit::Statement } else { Unit::Transaction };
            (unit, Timeouts { lock, lock_retries, statement, reach_workers })
        };
        let object = match &action {
            Action::Partition(PartitionAction::Create(create)) => {
                ObjectRef::MadeBy(id.clone(), create.partition.clone())
            }
            Action::Partition(PartitionAction::CreateDefault(create)) => {
                ObjectRef::MadeBy(id.clone(), create.partition.clone())
            }
            Action::Partition(PartitionAction::Finalize(leaving)) => ObjectRef::Existing(leaving.partition.clone()),
            Action::Partition(PartitionAction::Mark(retiring) | PartitionAction::Stamp(retiring)) => {
                ObjectRef::Existing(retiring.partition.clone())
            }
            Action::Partition(PartitionAction::Detach(detach)) => ObjectRef::Existing(detach.leaving.partition.clone()),
            Action::Partition(PartitionAction::Attach(attach)) => ObjectRef::Existing(attach.retired.partition.clone()),
            Action::Partition(PartitionAction::Drop(drop)) => ObjectRef::Existing(drop.retired.partition.clone()),
            Action::Index(IndexAction::Create(create)) => ObjectRef::MadeBy(id.clone(), create.index.clone()),
            Action::Index(IndexAction::Build(build)) => ObjectRef::MadeBy(id.clone(), build.index.clone()),
            Action::Index(IndexAction::Attach(attach) | IndexAction::Validate(attach)) => {
                ObjectRef::Existing(attach.root.clone())
            }
            Action::Index(IndexAction::Alter(alter)) => ObjectRef::Existing(alter.index.clone()),
            Action::Index(IndexAction::Rebuild(loose) | IndexAction::Drop(loose)) => {
                ObjectRef::Existing(loose.index.clone())
            }
            Action::Index(IndexAction::Discard(discard)) => ObjectRef::Existing(discard.index.clone()),
            Action::Index(IndexAction::Swap(swap)) => ObjectRef::Existing(swap.old.clone()),
            Action::Storage(StorageAction::Alter(alter)) => ObjectRef::Existing(alter.partition.clone()),
            Action::Maintenance(MaintenanceAction::AnalyzeParent(analyze)) => ObjectRef::Existing(analyze.root.clone()),
            Action::Maintenance(MaintenanceAction::Vacuum(vacuum)) => ObjectRef::Existing(vacuum.partition.clone()),
            Action::Maintenance(MaintenanceAction::Reindex(reindex)) => ObjectRef::Existing(reindex.index.clone()),
            Action::Limit(_) | Action::Setting(_) => ObjectRef::Named(action.object()),
        };
        Step {
            id,
            table: Some(self.name.clone()),
            lane: self.lane,
            unit,
            needs: Vec::new(),
            object,
            action,
            acts_as: None,
            login: self.snapshot.catalog.login_of(self.name).cloned(),
            class,
            reason: reason.to_owned(),
            note: None,
            due_at: None,
            before: vec![Fact::Parent { root: self.relation() }],
            after: Vec::new(),
            hazards: Vec::new(),
            timeouts,
            stake: Stake::default(),
            gate: Gate::Open,
        }
    }

    /// Replay of a detach or drop on a standby waits for, then cancels, what runs there (measured).
    pub(crate) fn standby_hazard(&self, partition: &TableName) -> Option<Hazard> {
        self.snapshot.catalog.has_standbys.then(|| Hazard {
            kind: HazardKind::CancelsStandbyQueries,
            object: partition.clone().into(),
            detail: "a hot standby may cancel queries that read it when it replays this".to_owned(),
        })
    }
}

/// A finite range as key values.
pub(crate) fn finite(from: Bound, to: Bound) -> Option<(KeyValue, KeyValue)> {
    match (from, to) {
        (Bound::Value(from), Bound::Value(to)) => Some((from, to)),
        (Bound::MinValue | Bound::MaxValue, _) | (_, Bound::MinValue | Bound::MaxValue) => None,
    }
}

/// A leaf's bounds, when they are a range as the catalog has it.
pub(crate) fn range_of(leaf: &Leaf) -> Option<(Bound, Bound)> {
    match &leaf.bounds {
        LeafBounds::Range { from, to } => Some((*from, *to)),
        LeafBounds::Default | LeafBounds::Other(_) => None,
    }
}
