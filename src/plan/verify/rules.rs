//! The rules of each action, in view of policy, catalog and clock.

use jiff::Timestamp;

use super::super::action::{
    AttachPartition, CopiedCheck, CopiedTrigger, CreateDefault, CreatePartition, DetachMode, DetachPartition, Leaving,
    Making, OwnIndex, Relation, Retiring,
};
use super::super::fact::{Fact, Stamp};
use super::super::step::Step;
use crate::catalog::{Answer, Attributes, Leaf, LeafKind, Marker, OwnDefinition, Question, Root, Snapshot};
use crate::grid::{Bound, Grid, KeyValue, LeafBounds};
use crate::policy::{Desired, Keep, Straddling, TableDesired, Then};
use crate::sql::{Ident, TableName};

/// One step and all that it is judged by.
pub(super) struct Rules<'a> {
    pub(super) name: &'a TableName,
    pub(super) table: &'a TableDesired,
    pub(super) root: &'a Root,
    pub(super) snapshot: &'a Snapshot,
    pub(super) grid: &'a Grid,
    pub(super) desired: &'a Desired,
    pub(super) now: Timestamp,
    pub(super) step: &'a Step,
}

pub(super) fn rule(holds: bool, otherwise: &str) -> Result<(), String> {
    if holds { Ok(()) } else { Err(otherwise.to_owned()) }
}

impl Rules<'_> {
    pub(super) fn creation(&self, create: &CreatePartition) -> Result<(), String> {
        let (from, to) = (Bound::Value(create.from), create.to);
        self.parent(&create.root)?;
        rule(from < to, "its range is empty")?;
        rule(create.key == self.root.key, "its key is not its parent's")?;
        self.like_parent(&create.attributes)?;
        self.made_as_wanted(&create.partition, &create.making)?;
        self.states(|fact| matches!(fact, Fact::NameFree { name } if *name == create.partition))?;
        self.states(|fact| matches!(fact, Fact::RangeFree { root, from: low, to: high } if self.is_root(root) && (*low, *high) == (from, to)))?;
        self.promises(|fact| matches!(fact, Fact::Attached { partition, bounds, .. } if *partition == create.partition && *bounds == LeafBounds::Range { from, to }))
    }

    pub(super) fn default_creation(&self, create: &CreateDefault) -> Result<(), String> {
        self.parent(&create.root)?;
        self.like_parent(&create.attributes)?;
        self.made_as_wanted(&create.partition, &create.making)?;
        self.states(|fact| matches!(fact, Fact::NameFree { name } if *name == create.partition))?;
        self.states(|fact| matches!(fact, Fact::NoDefault { root } if self.is_root(root)))?;
        self.promises(|fact| matches!(fact, Fact::Attached { partition, bounds: LeafBounds::Default, .. } if *partition == create.partition))
    }

    pub(super) fn finalize(&self, leaving: &Leaving) -> Result<(), String> {
        self.parent(&leaving.root)?;
        self.works_as(&leaving.owner, &self.root.attributes.owner)?;
        self.states_attached(&leaving.partition, None, Some(true))?;
        self.promises(|fact| matches!(fact, Fact::Left { root, partition } if self.is_root(root) && *partition == leaving.partition))
    }

    pub(super) fn mark(&self, retiring: &Retiring) -> Result<(), String> {
        let Retiring { partition, owner, marker } = retiring;
        let range = Some((marker.from, marker.to));
        self.marker(partition, marker)?;
        self.owned(partition, owner)?;
        self.states_attached(partition, range, None)?;
        // What has left already, but for its finalize, is only rid of an old stamp.
        if self.states_attached(partition, range, Some(true)).is_err() {
            self.may_leave(marker.from, marker.to)?;
            self.states_not_held(partition)?;
        }
        self.promises(|fact| matches!(fact, Fact::Marked { partition: marked, marker: written, stamp: Stamp::Absent } if marked == partition && written == marker))
    }

    pub(super) fn detach(&self, DetachPartition { leaving, mode }: &DetachPartition) -> Result<(), String> {
        let Leaving { root, owner, partition, from, to, touches: _ } = leaving;
        self.parent(root)?;
        // The server refuses it otherwise.
        match mode {
            DetachMode::Concurrently => {
                self.states(|fact| matches!(fact, Fact::NoDefault { root } if self.is_root(root)))?;
            }
            DetachMode::Blocking(_) => {}
        }
        self.works_as(owner, &self.root.attributes.owner)?;
        self.may_leave(*from, *to)?;
        self.leaf_may_leave(partition, *from, *to)?;
        let marker = Marker {
            root: self.name.clone(),
            root_oid: self.root.oid,
            oid: partition.oid,
            from: *from,
            to: *to,
            detached_at: None,
        };
        self.states_attached(partition, Some((*from, *to)), Some(false))?;
        self.states_marked(partition, &marker, |stamp| stamp == Stamp::Absent)?;
        self.states_not_held(partition)?;
        self.promises_detached(partition)
    }

    pub(super) fn stamp(&self, retiring: &Retiring) -> Result<(), String> {
        let Retiring { partition, owner, marker } = retiring;
        self.marker(partition, marker)?;
        self.owned(partition, owner)?;
        self.states_detached(partition)?;
        self.states_marked(partition, marker, |_| true)?;
        self.promises(|fact| matches!(fact, Fact::Marked { partition: marked, marker: written, stamp: Stamp::Present } if marked == partition && written == marker))
    }

    pub(super) fn attach(&self, attach: &AttachPartition) -> Result<(), String> {
        let AttachPartition { root, owner, key, retired, references: _, rebuilt, touches: _ } = attach;
        let Retiring { partition, owner: _, marker } = retired;
        let (from, to) = (marker.from, marker.to);
        self.parent(root)?;
        self.works_as(owner, &self.root.attributes.owner)?;
        rule(*key == self.root.key, "its key is not its parent's")?;
        self.marker(partition, marker)?;
        let retired = self.snapshot.catalog.retired.get(&partition.oid).map(|table| &table.exclusions);
        let has = retired.unwrap_or(&self.root.exclusions.of_pending);
        let built =
            |name: &Ident| has.get(name).is_some_and(|one| self.root.exclusions.own.values().any(|own| own == one));
        rule(rebuilt.iter().all(built), "it drops a constraint that the attach does not build")?;
        self.states_detached(partition)?;
        self.states_marked(partition, marker, |_| true)?;
        self.states(|fact| matches!(fact, Fact::RangeFree { root, from: low, to: high } if self.is_root(root) && (*low, *high) == (from, to)))?;
        self.promises(|fact| matches!(fact, Fact::Attached { oid, bounds, .. } if *oid == Some(partition.oid) && *bounds == LeafBounds::Range { from, to }))
    }

    pub(super) fn drop(&self, retired: &Retiring) -> Result<(), String> {
        let Retiring { partition, owner, marker } = retired;
        self.marker(partition, marker)?;
        self.owned(partition, owner)?;
        self.may_leave(marker.from, marker.to)?;
        self.leaf_may_leave(partition, marker.from, marker.to)?;
        self.states_detached(partition)?;
        self.states_marked(partition, marker, |stamp| self.grace_is_over(stamp)).map_err(|left_out| {
            if self.marks(partition, marker) { "its grace is not over".to_owned() } else { left_out }
        })?;
        self.states_not_held(partition)?;
        self.promises(|fact| matches!(fact, Fact::Gone { partition: gone } if gone == partition))
    }

    pub(super) fn is_root(&self, root: &Relation) -> bool {
        root.name == *self.name && root.oid == self.root.oid
    }

    fn parent(&self, root: &Relation) -> Result<(), String> {
        rule(self.is_root(root), "its parent is another table")
    }

    fn like_parent(&self, attributes: &Attributes) -> Result<(), String> {
        rule(*attributes == self.root.attributes, "what it makes is not like its parent")
    }

    fn made_as_wanted(&self, partition: &TableName, making: &Making) -> Result<(), String> {
        let Making { indexes_by_attach, unlogged, checks, triggers, indexes } = making;
        let schema = self.table.new_partitions.schema.as_ref().unwrap_or(&self.name.schema);
        rule(partition.schema == *schema, "it makes the partition in another schema")?;
        let wanted = &self.table.new_partitions;
        rule(*unlogged == (wanted.unlogged == Some(true)), "it is not logged as the policy says")?;
        let newest = self.root.siblings.as_ref().and_then(|siblings| siblings.newest.first());
        let has = |definition: &OwnDefinition| {
            newest.is_some_and(|newest| newest.has.iter().any(|own| own.definition.as_ref() == Some(definition)))
        };
        for CopiedCheck { name, definition, of: _ } in checks {
            let named = wanted.checks.iter().any(|wanted| wanted.on(&partition.name) == *name);
            rule(named && has(&OwnDefinition::Check(definition.clone())), "a check is not the newest partition's")?;
        }
        for CopiedTrigger { name, constraint, events, tail, enabled } in triggers {
            let named = wanted.triggers.iter().any(|wanted| wanted.on(&partition.name) == *name);
            let definition = OwnDefinition::Trigger {
                constraint: *constraint,
                events: events.clone(),
                tail: tail.clone(),
                enabled: *enabled,
            };
            rule(named && has(&definition), "a trigger is not the newest partition's")?;
        }
        for OwnIndex { index, wanted, definition } in indexes {
            let defined = self.table.indexes.get(wanted) == Some(definition) && !definition.on.is_table();
            rule(defined, "an index of its own is not the policy's")?;
            self.states(|fact| matches!(fact, Fact::NameFree { name } if name == index))?;
            self.promises(|fact| matches!(fact, Fact::Index { index: made, table, attached_to: None, .. } if made == index && table == partition))?;
        }
        rule(*indexes_by_attach != self.root.exclusions.own.is_empty(), "its indexes come twice, or not at all")
    }

    fn works_as(&self, role: &Ident, owner: &Ident) -> Result<(), String> {
        rule(role == owner, "it works as a role that is not the owner")
    }

    /// The owner of a partition or detached table, where the catalog has it already.
    fn owned(&self, partition: &Relation, owner: &Ident) -> Result<(), String> {
        let leaf = self.root.leaves.get(&partition.oid).map(|leaf| &leaf.owner);
        let known = leaf.or_else(|| self.snapshot.catalog.retired.get(&partition.oid).map(|table| &table.owner));
        known.map_or(Ok(()), |known| self.works_as(owner, known))
    }

    fn marker(&self, partition: &Relation, marker: &Marker) -> Result<(), String> {
        // The name in it is the one that the root had then.
        let ours = marker.root_oid == self.root.oid && marker.oid == partition.oid;
        rule(ours && marker.detached_at.is_none(), "its marker is not that of its table")
    }

    pub(super) fn states(&self, wanted: impl Fn(&Fact) -> bool) -> Result<(), String> {
        rule(self.step.before.iter().any(wanted), "it leaves out a fact that must hold before")
    }

    pub(super) fn promises(&self, wanted: impl Fn(&Fact) -> bool) -> Result<(), String> {
        rule(self.step.after.iter().any(wanted), "it leaves out what will hold after")
    }

    fn promises_detached(&self, leaves: &Relation) -> Result<(), String> {
        self.promises(|fact| matches!(fact, Fact::Detached { partition } if partition == leaves))
    }

    fn states_attached(
        &self,
        leaves: &Relation,
        range: Option<(Bound, Bound)>,
        detaching: Option<bool>,
    ) -> Result<(), String> {
        let range = range.map(|(from, to)| LeafBounds::Range { from, to });
        self.states(|fact| {
            matches!(fact, Fact::Attached { root, partition, oid, bounds, pending }
                if self.is_root(root)
                    && *partition == leaves.name
                    && *oid == Some(leaves.oid)
                    && range.as_ref().is_none_or(|range| range == bounds)
                    && detaching.is_none_or(|detaching| detaching == *pending))
        })
    }

    fn states_detached(&self, leaves: &Relation) -> Result<(), String> {
        self.states(|fact| matches!(fact, Fact::Detached { partition } if partition == leaves))
    }

    fn marks(&self, leaves: &Relation, wanted: &Marker) -> bool {
        self.states_marked(leaves, wanted, |_| true).is_ok()
    }

    /// Nothing leaves without its own marker.
    fn states_marked(&self, leaves: &Relation, wanted: &Marker, stamped: impl Fn(Stamp) -> bool) -> Result<(), String> {
        self.states(|fact| {
            matches!(fact, Fact::Marked { partition, marker, stamp } if partition == leaves && marker == wanted && stamped(*stamp))
        })
    }

    /// Nothing leaves that a comment holds.
    fn states_not_held(&self, leaves: &Relation) -> Result<(), String> {
        self.states(
            |fact| matches!(fact, Fact::NotHeld { partition, root } if partition == leaves && self.is_root(root)),
        )
    }

    /// Past its retention, by policy and clock, and not held.
    fn may_leave(&self, from: Bound, to: Bound) -> Result<(), String> {
        let retention = self.table.retention.ok_or("the policy has no retention for its table")?;
        let (Bound::MinValue | Bound::Value(_), Bound::Value(end)) = (from, to) else {
            return Err("a partition without an upper bound never leaves".to_owned());
        };
        match retention.keep {
            Keep::Span(keep) => {
                let edge =
                    keep.before(self.now, self.grid.zone()).ok_or("its retention reaches beyond the calendar")?;
                if self.grid.instant(end).is_none_or(|end| end > edge) {
                    return Err(format!("its rows are younger than {keep}"));
                }
            }
            Keep::Keys(keep) => {
                let KeyValue::Int(end) = end else { return Err("its retention is of ids".to_owned()) };
                let reached = self.highest_key().ok_or("which is the highest id is unknown")?;
                rule(
                    reached.checked_sub(keep).is_some_and(|edge| end <= edge),
                    "its ids are among those that are kept",
                )?;
            }
        }
        for (name, hold) in &self.desired.holds {
            let concerns = hold.tables.is_empty() || hold.tables.contains(self.name);
            let value = |at| self.grid.value_of(at).map(Bound::Value);
            let begins = hold.from.and_then(value).unwrap_or(Bound::MinValue);
            let ends = hold.to.and_then(value).unwrap_or(Bound::MaxValue);
            if concerns && from < ends && begins < to {
                return Err(format!("hold `{name}` keeps it"));
            }
        }
        Ok(())
    }

    /// An id that rows have reached without leaving out a partition: only what lies far enough below it may leave.
    fn highest_key(&self) -> Option<i64> {
        let Answer::Keys(keys) = self.snapshot.answers.get(&Question::HighestKeys { root: self.root.oid }) else {
            return None;
        };
        let bounds = |at: usize| self.root.leaves.get(&keys.get(at)?.leaf)?.bounds.coverage();
        let reached = (0..keys.len()).find(|at| match (bounds(*at), bounds(at + 1)) {
            (Some((from, _)), Some((_, to))) => from == to,
            (Some(_), None) => at + 1 == keys.len(),
            (None, _) => false,
        })?;
        match keys.get(reached)?.key.or_else(|| bounds(reached)?.0.value())? {
            KeyValue::Int(key) => Some(key),
            KeyValue::Timestamptz(_) | KeyValue::Timestamp(_) | KeyValue::Date(_) | KeyValue::Uuid(_) => None,
        }
    }

    /// What the catalog says of a partition that is still attached.
    fn leaf_may_leave(&self, partition: &Relation, from: Bound, to: Bound) -> Result<(), String> {
        let Some(leaf) = self.root.leaves.get(&partition.oid) else { return Ok(()) };
        let Leaf { name, owner: _, kind, bounds, pending, held, marker: _, rows_estimate: _ } = leaf;
        rule(*name == partition.name, "its name is another partition's")?;
        rule(*bounds == LeafBounds::Range { from, to }, "its bounds are not those of the partition")?;
        rule(!held && !self.root.held, "a comment holds it")?;
        match kind {
            LeafKind::Table => {}
            LeafKind::Foreign | LeafKind::Partitioned => return Err("it is no ordinary table".to_owned()),
        }
        let straddles = self.grid.is_off_grid(from, to);
        let removable = self.table.retention.is_some_and(|retention| retention.straddling == Straddling::Remove);
        rule(!straddles || removable, "it fits no grid, and the policy keeps such partitions")?;
        // A pending one has left: the newest is looked for among the others.
        if self.step.gate.is_blocked() || *pending {
            return Ok(());
        }
        match self.snapshot.answers.get(&Question::NewestNonEmpty { root: self.root.oid }) {
            Answer::Leaf(newest) => rule(newest != Some(partition.oid), "it is the newest partition with rows"),
            Answer::Unknown(_)
            | Answer::Keys(_)
            | Answer::Rows(_)
            | Answer::Bytes(_)
            | Answer::DefaultKeys(_)
            | Answer::Shape(_)
            | Answer::Withheld(_)
            | Answer::Refused(_)
            | Answer::Bloat(_)
            | Answer::Spelling(_)
            | Answer::Found(_)
            | Answer::Taken(_) => Err("which partition is the newest with rows is unknown".to_owned()),
        }
    }

    fn grace_is_over(&self, stamp: Stamp) -> bool {
        let Some(retention) = self.table.retention.filter(|retention| retention.then == Then::Drop) else {
            return false;
        };
        match stamp {
            // Without grace the stamp may be younger than a saved plan that was stopped between the two.
            Stamp::At(at) => {
                retention.grace.is_zero()
                    || retention.grace.after(at, self.grid.zone()).is_some_and(|over| over <= self.now)
            }
            Stamp::Present => retention.grace.is_zero(),
            Stamp::Any | Stamp::Absent => false,
        }
    }
}
