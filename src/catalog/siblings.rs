//! What the newest partitions of a table have for their own: what neither their table has, nor a new partition gets.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::snapshot::{Leaf, LeafKind, Oid, Root};
use crate::grid::{Bound, LeafBounds};
use crate::sql::TableName;

/// So many of the newest partitions with two ends are compared.
pub const NEWEST: usize = 7;

/// The newest partitions of one table.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Siblings {
    /// Each with what it has, the newest first.
    pub newest: Vec<Sibling>,
    /// Why definitions on the newest could not be read, where the policy wants any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unread: Option<String>,
}

/// One of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sibling {
    /// The partition.
    pub leaf: Oid,
    /// What it has for its own, sorted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub has: Vec<Own>,
}

/// Something that a partition has for its own.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Own {
    /// What kind of thing it is.
    pub kind: OwnKind,
    /// What it is called, or what it is about where it has no name.
    pub name: String,
    /// What it means: equal texts of one kind mean the same, on partitions whose columns have the same numbers.
    pub meaning: String,
    /// How it is shown, where its name does not say enough.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shown: Option<String>,
    /// It is about the partition key: no two partitions may share it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub of_key: bool,
    /// Its definition, of the newest partition and where the policy wants it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub definition: Option<OwnDefinition>,
}

/// What a partition has for its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OwnKind {
    /// It is UNLOGGED.
    Unlogged,
    /// A CHECK.
    Check,
    /// A trigger.
    Trigger,
    /// An index that is attached to none of its table's.
    Index,
    /// A foreign key.
    ForeignKey,
    /// A column that is NOT NULL.
    NotNull,
    /// A tablespace.
    Tablespace,
    /// A table access method.
    AccessMethod,
    /// A rewrite rule.
    Rule,
    /// A statistics object.
    Statistics,
}

impl OwnKind {
    /// As the query spells it.
    pub(super) fn from_query(word: &str) -> Option<Self> {
        Some(match word {
            "unlogged" => Self::Unlogged,
            "check" => Self::Check,
            "trigger" => Self::Trigger,
            "index" => Self::Index,
            "foreign_key" => Self::ForeignKey,
            "not_null" => Self::NotNull,
            "tablespace" => Self::Tablespace,
            "access_method" => Self::AccessMethod,
            "rule" => Self::Rule,
            "statistics" => Self::Statistics,
            _ => return None,
        })
    }

    fn word(self) -> &'static str {
        match self {
            Self::Unlogged => "UNLOGGED",
            Self::Check => "check",
            Self::Trigger => "trigger",
            Self::Index => "index",
            Self::ForeignKey => "foreign key",
            Self::NotNull => "NOT NULL on",
            Self::Tablespace => "tablespace",
            Self::AccessMethod => "access method",
            Self::Rule => "rule",
            Self::Statistics => "statistics object",
        }
    }
}

impl fmt::Display for Own {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.shown, self.kind) {
            (Some(shown), _) => f.write_str(shown),
            (None, OwnKind::Unlogged) => f.write_str(self.kind.word()),
            (None, kind) => write!(f, "{} {}", kind.word(), self.name),
        }
    }
}

/// How something is made.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OwnDefinition {
    /// A CHECK, as it follows its name.
    Check(String),
    /// A trigger, before and after the partition's name, and how it is enabled (`pg_trigger.tgenabled`).
    Trigger {
        /// A constraint trigger.
        constraint: bool,
        /// `BEFORE INSERT`.
        events: String,
        /// `FOR EACH ROW …`.
        tail: String,
        /// `O`, `D`, `R` or `A`.
        enabled: char,
    },
    /// A trigger whose definition names its partition more than once.
    Unclear,
}

impl Siblings {
    /// The newest partition with two ends.
    pub fn first(&self) -> Option<&Sibling> {
        self.newest.first()
    }

    /// What all of them have, as the newest has it. One alone says nothing.
    pub fn common(&self) -> impl Iterator<Item = &Own> {
        let (newest, others) = self.newest.split_first().map_or((None, [].as_slice()), |(one, all)| (Some(one), all));
        let newest = newest.filter(|_| !others.is_empty());
        newest.into_iter().flat_map(|newest| &newest.has).filter(|own| others.iter().all(|other| other.has_like(own)))
    }
}

impl Siblings {
    /// Storage parameters that all of them have alike. One alone says nothing.
    pub fn common_parameters<'a>(
        &self,
        of: impl Fn(Oid) -> Option<&'a BTreeMap<String, String>>,
    ) -> BTreeMap<String, String> {
        let Some((first, others)) = self.newest.split_first().filter(|(_, others)| !others.is_empty()) else {
            return BTreeMap::new();
        };
        let mut common = of(first.leaf).cloned().unwrap_or_default();
        for other in others {
            let theirs = of(other.leaf);
            common.retain(|name, value| theirs.and_then(|theirs| theirs.get(name)) == Some(&*value));
        }
        common
    }
}

impl Sibling {
    fn has_like(&self, own: &Own) -> bool {
        self.has.iter().any(|other| other.kind == own.kind && other.meaning == own.meaning)
    }
}

/// Attached partitions with two ends, newest first; of these the newest are compared.
pub fn bounded(root: &Root) -> Vec<(Oid, &Leaf)> {
    let leaves = root.leaves.iter().filter(|(_, leaf)| !leaf.pending);
    let mut found: Vec<(Bound, Oid, &Leaf)> = leaves
        .filter_map(|(oid, leaf)| match leaf.bounds {
            LeafBounds::Range { from: Bound::Value(_), to: to @ Bound::Value(_) } => Some((to, *oid, leaf)),
            LeafBounds::Range { .. } | LeafBounds::Default | LeafBounds::Other(_) => None,
        })
        .collect();
    found.sort_by_key(|(to, oid, _)| std::cmp::Reverse((*to, *oid)));
    found.into_iter().map(|(_, oid, leaf)| (oid, leaf)).collect()
}

/// Those of them that may be compared: what is no ordinary table is of another kind altogether.
pub(super) fn comparable(root: &Root) -> Vec<(Oid, TableName)> {
    let tables = bounded(root).into_iter().filter(|(_, leaf)| leaf.kind == LeafKind::Table);
    tables.take(NEWEST).map(|(oid, leaf)| (oid, leaf.name.clone())).collect()
}
