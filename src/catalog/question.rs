//! What planning must ask beyond the catalog, and what the server answered.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::{Deserialize, Serialize};

use super::index::{IndexSpelling, WantedShape};
use super::snapshot::{Oid, TableState};
use super::trust::OwnersCode;
use crate::grid::{Bound, KeyValue};
use crate::policy::IndexDesired;
use crate::sql::{Ident, TableName};

/// Something only the server can say. Listed by planning (pure), answered by [`super::ask`].
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "ask")]
pub enum Question {
    /// Which bounded partition is the newest that has rows? It never retires.
    NewestNonEmpty {
        /// The root.
        root: Oid,
    },
    /// Which are the uppermost partitions of ids that have rows, and how far do they reach? The table's cursor.
    HighestKeys {
        /// The root.
        root: Oid,
    },
    /// How many rows of a default partition lie in a window? They are in the way of a partition for it.
    DefaultRows {
        /// The default partition.
        leaf: Oid,
        /// From this key value.
        from: KeyValue,
        /// To before this one.
        to: Bound,
    },
    /// What is in a default partition that should not be there for ever: rows past retention, and outside the wanted
    /// windows. Never by a scan of a large table without an index that begins with the key.
    DefaultKeys {
        /// The default partition.
        leaf: Oid,
        /// Rows before this are past retention.
        edge: Option<KeyValue>,
        /// The first wanted window begins here.
        low: KeyValue,
        /// The last one ends here.
        high: KeyValue,
    },
    /// How large is a relation with its indexes and TOAST, exactly?
    Bytes {
        /// The relation.
        relation: Oid,
    },
    /// How does the server spell this index on a table like this root?
    WantedIndex {
        /// The root.
        root: Oid,
        /// The index.
        definition: IndexDesired,
    },
    /// How does the server spell the expressions and the predicate of an index?
    IndexSpelling {
        /// The index.
        index: Oid,
    },
    /// How much of this b-tree would a rebuild give back?
    Bloat {
        /// The index.
        index: Oid,
    },
    /// Is a relation's name taken?
    NameTaken {
        /// The name.
        name: TableName,
    },
    /// Is there a schema of this name?
    SchemaExists {
        /// The schema.
        schema: Ident,
    },
    /// May a role make tables in a schema?
    CreatesIn {
        /// The role.
        role: Ident,
        /// The schema.
        schema: Ident,
    },
    /// Is there still a relation with this OID?
    Exists {
        /// The relation.
        relation: Oid,
    },
    /// Which tables have rows that reference rows between these bounds? No partition leaves from under them.
    References {
        /// The root.
        root: Oid,
        /// The foreign key, by the OID of its constraint.
        key: Oid,
        /// From this value of the root's partition key.
        from: KeyValue,
        /// To before this one.
        to: KeyValue,
    },
    /// What depends on this table, and does not go with it? There its drop stops.
    Dependants {
        /// The table.
        relation: Oid,
    },
    /// In what is this table no longer like its root? There its attach stops.
    Fits {
        /// The table.
        relation: Oid,
        /// What it was a partition of.
        root: Oid,
    },
}

impl Question {
    /// Whether it is about this table, a partition or an index of it.
    pub(crate) fn is_about(&self, state: &TableState) -> bool {
        let TableState::Partitioned(root) = state else { return false };
        match self {
            Self::NewestNonEmpty { root: oid }
            | Self::References { root: oid, .. }
            | Self::HighestKeys { root: oid }
            | Self::WantedIndex { root: oid, .. } => root.oid == *oid,
            Self::DefaultRows { leaf, .. } | Self::DefaultKeys { leaf, .. } | Self::Bytes { relation: leaf } => {
                root.leaves.contains_key(leaf)
            }
            Self::IndexSpelling { index } | Self::Bloat { index } => root.indexes.contains_key(index),
            // Any session can tell.
            Self::NameTaken { .. }
            | Self::Exists { .. }
            | Self::SchemaExists { .. }
            | Self::CreatesIn { .. }
            | Self::Dependants { .. }
            | Self::Fits { .. } => false,
        }
    }
}

/// What the server answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// The partition, or that none has rows.
    Leaf(Option<Oid>),
    /// Partitions with rows from the uppermost down, to the first two that touch each other, or to the last.
    Keys(Vec<LeafKey>),
    /// A number of rows.
    Rows(RowCount),
    /// What is in a default partition.
    DefaultKeys(Box<DefaultKeys>),
    /// A size.
    Bytes(u64),
    /// A wanted index.
    Shape(Box<WantedShape>),
    /// To look at a wanted index would run this code of other roles, which nobody has allowed.
    Withheld(BTreeSet<OwnersCode>),
    /// There can be no such index, the server says; on a second line what may have been meant.
    Refused(String),
    /// An existing index's expressions and predicate.
    Spelling(IndexSpelling),
    /// What a rebuild of an index gives back.
    Bloat(Bloat),
    /// Yes or no.
    Taken(bool),
    /// All that is in the way.
    Found(Vec<Found>),
    /// It could not be asked, because of this.
    Unknown(String),
}

/// How the reason of [`Answer::Unknown`] ends where a lock was in the way.
pub(super) const RUN_AGAIN: &str = "; run again";

/// Whether somebody's lock is why there is no answer: it passes, and nothing that is granted makes it do so.
pub(crate) fn was_locked(because: &str) -> bool {
    because.ends_with(RUN_AGAIN)
}

/// Whether the server refused it for want of a right (42501, `insufficient_privilege`): a GRANT changes that.
pub(crate) fn was_refused(because: &str) -> bool {
    because.ends_with("(42501)")
}

/// Something that is in the way.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Found {
    /// The table that it is, or belongs to.
    pub relation: Option<Oid>,
    /// What it is or does, in words.
    pub what: String,
}

/// A partition that has rows, and the highest key among them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeafKey {
    /// The partition.
    pub leaf: Oid,
    /// Its highest key; `None` where finding it takes too long (no index begins with the key).
    pub key: Option<KeyValue>,
}

/// What is in a default partition.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DefaultKeys {
    /// How many rows, by a count or by the server's estimate.
    pub rows: Option<u64>,
    /// Whether `rows` is counted.
    pub exact: bool,
    /// Rows by where they lie, counted; `None` where that would be a scan that nobody asked for.
    pub counts: Option<DefaultCounts>,
    /// The least key as the server prints it; `None` without rows, and where no index tells.
    pub least: Option<String>,
    /// The greatest.
    pub most: Option<String>,
    /// Whether the least one is past retention; `None` where that is not known.
    pub least_is_expired: Option<bool>,
}

/// Rows of a default partition by where they lie.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DefaultCounts {
    /// Past retention.
    pub expired: u64,
    /// Kept, and before the first wanted window.
    pub below: u64,
    /// After the last wanted window.
    pub above: u64,
    /// Without a key.
    pub without_key: u64,
    /// The least key after the last wanted window, where it is one of the calendar.
    pub first_above: Option<KeyValue>,
}

/// What of an index is there for nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bloat {
    /// Its size.
    pub bytes: u64,
    /// What a rebuild gives back; the room that its fill factor asks for is none of it.
    pub wasted: u64,
}

/// A number of rows, counted no further than is worth the wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RowCount {
    /// Exactly so many.
    Exactly(u64),
    /// At least so many.
    AtLeast(u64),
}

impl RowCount {
    /// None at all.
    pub fn is_zero(self) -> bool {
        self == Self::Exactly(0)
    }
}

impl fmt::Display for RowCount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exactly(1) => f.write_str("1 row"),
            Self::Exactly(n) => write!(f, "{n} rows"),
            Self::AtLeast(n) => write!(f, "{n} rows or more"),
        }
    }
}

/// Answers by question, sorted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Vec<(Question, Answer)>", into = "Vec<(Question, Answer)>")]
pub struct Answers(Vec<(Question, Answer)>);

impl From<Vec<(Question, Answer)>> for Answers {
    /// A file may have them in any order.
    fn from(answers: Vec<(Question, Answer)>) -> Self {
        answers.into_iter().collect()
    }
}

impl From<Answers> for Vec<(Question, Answer)> {
    fn from(answers: Answers) -> Self {
        answers.0
    }
}

impl Answers {
    /// The answer to a question; a question that was never asked is unknown, never a guess.
    pub fn get(&self, question: &Question) -> Answer {
        match self.0.binary_search_by(|(asked, _)| asked.cmp(question)) {
            Ok(at) => self.0[at].1.clone(),
            Err(_) => Answer::Unknown("it was not asked".to_owned()),
        }
    }

    /// Whether it was asked at all.
    pub fn has(&self, question: &Question) -> bool {
        self.0.binary_search_by(|(asked, _)| asked.cmp(question)).is_ok()
    }

    /// All that was asked, in order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&Question, &Answer)> {
        self.0.iter().map(|(question, answer)| (question, answer))
    }

    /// Keeps an answer; a later one to the same question replaces it.
    pub fn put(&mut self, question: Question, answer: Answer) {
        match self.0.binary_search_by(|(asked, _)| asked.cmp(&question)) {
            Ok(at) => self.0[at].1 = answer,
            Err(at) => self.0.insert(at, (question, answer)),
        }
    }
}

impl FromIterator<(Question, Answer)> for Answers {
    fn from_iter<I: IntoIterator<Item = (Question, Answer)>>(answers: I) -> Self {
        // The last answer to a question counts, and inserting one by one would be slow for ten thousand.
        Self(answers.into_iter().collect::<BTreeMap<_, _>>().into_iter().collect())
    }
}
