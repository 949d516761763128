//! What must hold before a step and what will hold after: judged on a snapshot, on the server, and assumed in simulation.

mod attached;
mod index;
mod limits;
mod settings;
mod storage;
mod upkeep;
mod words;

use attached::{attach, detach};
use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use index::{Indexed, assume_index, assume_parameters, find_index, index_like_root, judge_index, judge_parameters};

use super::action::{Alteration, Relation};
use super::object::Object;
use crate::catalog::{
    AclItem, Answer, Catalog, CodeBy, IndexShape, Leaf, LeafKind, Marker, Oid, Question, Retired, Root, Snapshot,
    TableState, WouldRun,
};
use crate::grid::{Bound, LeafBounds};
use crate::sql::{Ident, TableName};

/// One checkable statement about the catalog.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "fact", rename_all = "snake_case")]
pub enum Fact {
    /// It is still that partitioned table.
    Parent {
        /// The table.
        root: Relation,
    },
    /// No relation has this name.
    NameFree {
        /// The name.
        name: TableName,
    },
    /// No partition of the table covers any of this range.
    RangeFree {
        /// The parent.
        root: Relation,
        /// Lower bound.
        from: Bound,
        /// Upper bound.
        to: Bound,
    },
    /// The table has no default partition.
    NoDefault {
        /// The parent.
        root: Relation,
    },
    /// It is a partition with these bounds.
    Attached {
        /// The parent.
        root: Relation,
        /// The partition.
        partition: TableName,
        /// Its OID, once it has one.
        oid: Option<Oid>,
        /// Its bounds.
        bounds: LeafBounds,
        /// Its detach is unfinished.
        pending: bool,
    },
    /// It is a table of its own: no partition, and without children.
    Detached {
        /// The table.
        partition: Relation,
    },
    /// It is no partition of that table any more. Says nothing of what else became of it, which is unknown of a table
    /// without a marker.
    Left {
        /// The table.
        root: Relation,
        /// What was a partition of it.
        partition: Relation,
    },
    /// Its comment carries this marker.
    Marked {
        /// The table.
        partition: Relation,
        /// The marker, without a stamp.
        marker: Marker,
        /// Its stamp.
        stamp: Stamp,
    },
    /// Neither its comment nor the root's has a hold line.
    NotHeld {
        /// The table.
        partition: Relation,
        /// The table it is, or was, a partition of.
        root: Relation,
    },
    /// No code of a role that may do less than the session hangs on the table where the server would come to it.
    NoOwnersCode {
        /// The table.
        root: Relation,
        /// A detached table that is looked at as well.
        detached: Option<Relation>,
        /// By what the server would come to it.
        by: BTreeSet<CodeBy>,
    },
    /// It is not there any more.
    Gone {
        /// The table.
        partition: Relation,
    },
    /// There is an index.
    Index {
        /// Its name.
        index: TableName,
        /// Its table: a root or a partition.
        table: TableName,
        /// Whether it is valid; `None` where that does not matter.
        valid: Option<bool>,
        /// The root's index that it is attached to; `None` is none.
        attached_to: Option<TableName>,
        /// What it is like, where that was compared.
        shape: Option<Box<IndexShape>>,
    },
    /// The index is not there any more.
    NoIndex {
        /// The index.
        index: Relation,
    },
    /// The index has these storage parameters.
    IndexParameters {
        /// The index.
        index: Relation,
        /// With these values.
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        set: BTreeMap<String, String>,
        /// And none of these.
        #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
        reset: BTreeSet<String>,
    },
    /// The partition has all that these alterations lead to.
    Altered {
        /// The parent.
        root: Relation,
        /// The partition.
        partition: TableName,
        /// Its OID, once it has one.
        oid: Option<Oid>,
        /// What was altered; from what does not matter.
        alterations: Vec<Alteration>,
    },
    /// The parent still grants this, and the partition, once it has what its step gives it, hides what the parent hides.
    ParentGrants {
        /// The parent.
        root: Relation,
        /// The partition.
        partition: Relation,
        /// What is to be granted on the partition.
        items: Vec<AclItem>,
        /// The row security policies that the step makes on it.
        makes: Vec<Ident>,
        /// The step enables row security on it.
        secures: bool,
    },
    /// The table was analyzed as a whole.
    Analyzed {
        /// The table.
        root: Relation,
        /// After this moment; `None` is ever.
        after: Option<Timestamp>,
    },
    /// What the partition had when it was last vacuumed is visible to all, and its oldest transaction is no older.
    Frozen {
        /// The partition.
        partition: Relation,
        /// `age(relfrozenxid)` at most.
        max_age: u32,
    },
    /// The index of this name is valid, and still the same one.
    SameIndex {
        /// The index.
        index: Relation,
    },
    /// A database or a role has this connection limit.
    ConnectionLimit {
        /// Which.
        of: Object,
        /// The limit; -1 is none.
        limit: i32,
    },
    /// A role has these settings of its own in a database.
    RoleSettings {
        /// The role.
        role: Ident,
        /// The database.
        database: Ident,
        /// By name; `None` is none.
        values: BTreeMap<String, Option<String>>,
    },
    /// A setting of the server has this value.
    Setting {
        /// Which, in lower case.
        name: String,
        /// The value, as it is seen there.
        value: String,
        /// Where it is seen.
        seen: Seen,
        /// As good: the files say this, and the server has taken it, whatever it made of it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        or_in_files: Option<String>,
    },
    /// The index of this name is valid, and another one than it was: REINDEX … CONCURRENTLY puts a new one in its place.
    Rebuilt {
        /// The index as it was.
        index: Relation,
    },
}

/// Where a setting's value is seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Seen {
    /// New sessions have it: `pg_settings.reset_val`, in the setting's unit.
    InForce,
    /// The configuration files say so, in this text.
    InFiles,
    /// The configuration files say nothing of it.
    NotInFiles,
    /// It is in force, or the files have one that waits for a restart; which one, not every role may see.
    AtRestart,
}

/// What is known of a marker's stamp.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stamp {
    /// With or without one.
    Any,
    /// There is none (yet, or no more).
    Absent,
    /// There is one.
    Present,
    /// It is exactly this one.
    At(Timestamp),
}

impl Stamp {
    /// Whether a marker's stamp is as said.
    pub fn fits(self, stamp: Option<Timestamp>) -> bool {
        match self {
            Self::Any => true,
            Self::Absent => stamp.is_none(),
            Self::Present => stamp.is_some(),
            Self::At(at) => stamp == Some(at),
        }
    }
}

impl Fact {
    /// What must be asked of the server before this fact can be judged on a snapshot.
    pub fn question(&self) -> Option<Question> {
        match self {
            Self::NameFree { name } => Some(Question::NameTaken { name: name.clone() }),
            // The catalog has marked tables only: one that lost its marker is not gone.
            Self::Gone { partition } => Some(Question::Exists { relation: partition.oid }),
            Self::NoIndex { index } | Self::Rebuilt { index } => Some(Question::Exists { relation: index.oid }),
            Self::Parent { .. }
            | Self::RangeFree { .. }
            | Self::NoDefault { .. }
            | Self::Attached { .. }
            | Self::Detached { .. }
            | Self::Left { .. }
            | Self::Marked { .. }
            | Self::NotHeld { .. }
            | Self::NoOwnersCode { .. }
            | Self::Index { .. }
            | Self::IndexParameters { .. }
            | Self::Altered { .. }
            | Self::ParentGrants { .. }
            | Self::Analyzed { .. }
            | Self::Frozen { .. }
            | Self::SameIndex { .. }
            | Self::ConnectionLimit { .. }
            | Self::RoleSettings { .. }
            | Self::Setting { .. } => None,
        }
    }

    /// Judges the fact on a snapshot: `Err` says what was found instead.
    pub fn judge(&self, snapshot: &Snapshot) -> Result<(), String> {
        let catalog = &snapshot.catalog;
        match self {
            Self::Parent { root } => find_root(catalog, root).map(|_| ()),
            Self::NameFree { name } => match snapshot.answers.get(&Question::NameTaken { name: name.clone() }) {
                Answer::Taken(false) => Ok(()),
                Answer::Taken(true) => Err(format!("a relation {name} is there")),
                Answer::Unknown(because) => Err(format!("whether {name} is taken is unknown: {because}")),
                Answer::Leaf(_)
                | Answer::Keys(_)
                | Answer::Rows(_)
                | Answer::Bytes(_)
                | Answer::DefaultKeys(_)
                | Answer::Shape(_)
                | Answer::Withheld(_)
                | Answer::Refused(_)
                | Answer::Bloat(_)
                | Answer::Found(_)
                | Answer::Spelling(_) => Err("an answer of another kind".to_owned()),
            },
            Self::RangeFree { root, from, to } => {
                let leaves = &find_root(catalog, root)?.leaves;
                match leaves.values().find(|leaf| leaf.bounds.overlaps(*from, *to)) {
                    Some(leaf) => Err(format!("{} is attached {}", leaf.name, leaf.bounds)),
                    None => Ok(()),
                }
            }
            Self::NoDefault { root } => match find_root(catalog, root)?.default_leaf() {
                Some((_, leaf)) => Err(format!("{} is the default partition", leaf.name)),
                None => Ok(()),
            },
            Self::Attached { root, partition, oid, bounds, pending } => {
                judge_attached(find_root(catalog, root)?, partition, *oid, bounds, *pending)
            }
            Self::Detached { partition } => judge_detached(catalog, partition),
            Self::Left { root, partition } => match find_root(catalog, root)?.leaves.get(&partition.oid) {
                Some(leaf) if leaf.pending => Err(format!("the detach of {} is pending", partition.name)),
                Some(_) => Err(format!("{} is attached", partition.name)),
                None => Ok(()),
            },
            Self::Marked { partition, marker, stamp } => {
                let found = find_leaf(catalog, partition)
                    .and_then(|leaf| leaf.marker.as_ref())
                    .or_else(|| catalog.retired.get(&partition.oid).map(|table| &table.marker));
                match found {
                    Some(found) if found.unstamped() == *marker && stamp.fits(found.detached_at) => Ok(()),
                    Some(found) => Err(match found.detached_at {
                        Some(at) => format!("its marker is of {} and stamped {at}", found.root),
                        None => format!("its marker is of {} and has no stamp", found.root),
                    }),
                    None => Err("its comment has no marker".to_owned()),
                }
            }
            Self::NotHeld { partition, root } => {
                let own = find_leaf(catalog, partition).map(|leaf| leaf.held);
                let own = own.or_else(|| catalog.retired.get(&partition.oid).map(|table| table.held));
                match (own, find_root(catalog, root)?.held) {
                    (Some(true), _) => Err("its comment holds it".to_owned()),
                    (_, true) => Err(format!("the comment of {} holds it", root.name)),
                    (None, false) => Err(format!("{} is not there", partition.name)),
                    (Some(false), false) => Ok(()),
                }
            }
            // Which of the detached tables something hangs on is not told apart: any of them is reason enough.
            Self::NoOwnersCode { root, detached: _, by } => {
                find_root(catalog, root)?;
                let by: Vec<CodeBy> = by.iter().copied().collect();
                let codes = catalog.owners_code(&root.name, &by);
                match codes.is_empty() {
                    true => Ok(()),
                    false => Err(WouldRun { codes: &codes, whom: &catalog.session_of(&root.name).name }.to_string()),
                }
            }
            Self::Index { index, table, valid, attached_to, shape: _ } => {
                judge_index(catalog, index, table, *valid, attached_to.as_ref())
            }
            Self::IndexParameters { index, set, reset } => judge_parameters(catalog, index, set, reset),
            Self::NoIndex { index } => match find_index(catalog, &index.name) {
                Some((_, oid, _)) if oid == index.oid => Err(format!("{} is still there", index.name)),
                Some(_) | None => Ok(()),
            },
            Self::Altered { root, partition, oid, alterations } => {
                storage::altered(find_root(catalog, root)?, partition, *oid, alterations)
            }
            Self::ParentGrants { root, partition, items, makes, secures } => {
                storage::parent_grants(catalog, root, partition, items, makes, *secures)
            }
            Self::Analyzed { root, after } => upkeep::analyzed(find_root(catalog, root)?, *after),
            Self::Frozen { partition, max_age } => upkeep::frozen(catalog, partition, *max_age),
            Self::SameIndex { index } => upkeep::same_index(catalog, index),
            Self::ConnectionLimit { of, limit } => limits::judge_limit(catalog, of, *limit),
            Self::RoleSettings { role, database, values } => limits::judge_settings(catalog, role, database, values),
            Self::Setting { name, value, seen, or_in_files } => {
                settings::judge(catalog, name, value, *seen, or_in_files.as_deref())
            }
            Self::Rebuilt { index } => upkeep::rebuilt(snapshot, index),
            Self::Gone { partition } => {
                if find_leaf(catalog, partition).is_some() || catalog.retired.contains_key(&partition.oid) {
                    return Err(format!("{} is still there", partition.name));
                }
                match snapshot.answers.get(&Question::Exists { relation: partition.oid }) {
                    Answer::Taken(false) => Ok(()),
                    Answer::Taken(true) => Err(format!("{} is still there, without its marker", partition.name)),
                    Answer::Unknown(because) => {
                        Err(format!("whether {} is gone is unknown: {because}", partition.name))
                    }
                    Answer::Leaf(_)
                    | Answer::Keys(_)
                    | Answer::Rows(_)
                    | Answer::Bytes(_)
                    | Answer::DefaultKeys(_)
                    | Answer::Shape(_)
                    | Answer::Withheld(_)
                    | Answer::Refused(_)
                    | Answer::Bloat(_)
                    | Answer::Found(_)
                    | Answer::Spelling(_) => Err("an answer of another kind".to_owned()),
                }
            }
        }
    }

    /// Changes the snapshot as if the fact had come true. `now` stands in for the server's clock.
    pub fn assume(&self, snapshot: &mut Snapshot, now: Timestamp) {
        match self {
            // Nothing to change: these say what a step relies on, not what it brings about.
            Self::Parent { .. }
            | Self::RangeFree { .. }
            | Self::NoDefault { .. }
            | Self::NotHeld { .. }
            | Self::NoOwnersCode { .. }
            | Self::ParentGrants { .. } => {}
            Self::NameFree { name } => {
                snapshot.answers.put(Question::NameTaken { name: name.clone() }, Answer::Taken(false));
            }
            Self::Attached { root, partition, oid, bounds, pending } => {
                attach(snapshot, root, partition, *oid, bounds, *pending);
            }
            Self::Detached { partition } | Self::Left { root: _, partition } => {
                detach(&mut snapshot.catalog, partition);
            }
            Self::Marked { partition, marker, stamp } => {
                let detached_at = match stamp {
                    Stamp::Any | Stamp::Absent => None,
                    Stamp::Present => Some(now),
                    Stamp::At(at) => Some(*at),
                };
                let marker = Marker { detached_at, ..marker.clone() };
                if let Some(leaf) = find_leaf_mut(&mut snapshot.catalog, partition) {
                    leaf.marker = Some(marker);
                } else if let Some(table) = snapshot.catalog.retired.get_mut(&partition.oid) {
                    table.marker = marker;
                }
            }
            Self::Gone { partition } => {
                snapshot.catalog.retired.remove(&partition.oid);
                snapshot.answers.put(Question::NameTaken { name: partition.name.clone() }, Answer::Taken(false));
                snapshot.answers.put(Question::Exists { relation: partition.oid }, Answer::Taken(false));
            }
            Self::Index { index, table, valid, attached_to, shape } => {
                let known = Indexed { index, table, valid: *valid, attached_to: attached_to.as_ref() };
                assume_index(&mut snapshot.catalog, &known, shape.as_deref());
                snapshot.answers.put(Question::NameTaken { name: index.clone() }, Answer::Taken(true));
            }
            Self::IndexParameters { index, set, reset } => {
                assume_parameters(&mut snapshot.catalog, index, set, reset);
            }
            Self::SameIndex { .. } => {}
            Self::ConnectionLimit { of, limit } => limits::assume_limit(&mut snapshot.catalog, of, *limit),
            Self::RoleSettings { role, database: _, values } => {
                limits::assume_settings(&mut snapshot.catalog, role, values);
            }
            Self::Setting { name, value, seen, or_in_files: _ } => {
                settings::assume(&mut snapshot.catalog, name, value, *seen);
            }
            Self::Altered { root, partition, oid, alterations } => {
                storage::assume(&mut snapshot.catalog, root, partition, *oid, alterations);
            }
            Self::Analyzed { root, after: _ } => upkeep::assume_analyzed(&mut snapshot.catalog, root, now),
            Self::Frozen { partition, max_age: _ } => {
                upkeep::assume_frozen(&mut snapshot.catalog, partition, now);
            }
            Self::Rebuilt { index } => upkeep::assume_rebuilt(snapshot, index),
            Self::NoIndex { index } => {
                for root in roots_mut(&mut snapshot.catalog) {
                    root.indexes.retain(|oid, facts| *oid != index.oid && facts.parent != Some(index.oid));
                }
                snapshot.answers.put(Question::NameTaken { name: index.name.clone() }, Answer::Taken(false));
                snapshot.answers.put(Question::Exists { relation: index.oid }, Answer::Taken(false));
            }
        }
    }
}

fn roots_mut(catalog: &mut Catalog) -> impl Iterator<Item = &mut Root> {
    catalog.tables.values_mut().filter_map(|state| match state {
        TableState::Partitioned(root) => Some(&mut **root),
        TableState::Missing | TableState::Unfit(_) => None,
    })
}

fn judge_attached(
    root: &Root,
    partition: &TableName,
    oid: Option<Oid>,
    bounds: &LeafBounds,
    pending: bool,
) -> Result<(), String> {
    let found = match oid {
        Some(oid) => root.leaves.get(&oid),
        None => root.leaves.values().find(|leaf| leaf.name == *partition),
    };
    let leaf = found.ok_or_else(|| format!("{partition} is not attached"))?;
    if leaf.name != *partition {
        return Err(format!("it is called {} now", leaf.name));
    }
    if leaf.bounds != *bounds {
        return Err(format!("it is attached {}", leaf.bounds));
    }
    match (leaf.pending, pending) {
        (true, false) => Err("its detach is pending".to_owned()),
        (false, true) => Err("its detach is not pending".to_owned()),
        (true, true) | (false, false) => Ok(()),
    }
}

fn find_root<'a>(catalog: &'a Catalog, root: &Relation) -> Result<&'a Root, String> {
    match catalog.tables.get(&root.name) {
        Some(TableState::Partitioned(found)) if found.oid == root.oid => Ok(found),
        Some(TableState::Partitioned(found)) => {
            Err(format!("{} is another table now (OID {}, planned with {})", root.name, found.oid, root.oid))
        }
        Some(TableState::Unfit(what)) => Err(format!("{} is {what}", root.name)),
        Some(TableState::Missing) | None => Err(format!("{} is not there", root.name)),
    }
}

fn find_leaf<'a>(catalog: &'a Catalog, partition: &Relation) -> Option<&'a Leaf> {
    catalog.tables.values().find_map(|state| match state {
        TableState::Partitioned(root) => root.leaves.get(&partition.oid),
        TableState::Missing | TableState::Unfit(_) => None,
    })
}

fn find_leaf_mut<'a>(catalog: &'a mut Catalog, partition: &Relation) -> Option<&'a mut Leaf> {
    catalog.tables.values_mut().find_map(|state| match state {
        TableState::Partitioned(root) => root.leaves.get_mut(&partition.oid),
        TableState::Missing | TableState::Unfit(_) => None,
    })
}

fn judge_detached(catalog: &Catalog, partition: &Relation) -> Result<(), String> {
    if find_leaf(catalog, partition).is_some() {
        return Err(format!("{} is attached", partition.name));
    }
    match catalog.retired.get(&partition.oid) {
        // Tables without a marker are not read; a step that ends with one says no more than that it has left.
        None => Err(format!("no marked table {} is there", partition.name)),
        Some(Retired { name, .. }) if *name != partition.name => Err(format!("it is called {name} now")),
        Some(Retired { in_use_as: Some(what), .. }) => Err(what.clone()),
        Some(Retired { in_use_as: None, .. }) => Ok(()),
    }
}
