//! Indexes as the catalog has them, in a form that can be compared: the server's spelling of each part.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::snapshot::Oid;
use super::trust::OwnersCode;
use crate::policy::is_same_of_index;
use crate::sql::{Ident, TableName};

/// What makes two indexes equal: everything but the name and the table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IndexShape {
    /// The access method.
    pub method: String,
    /// Whether it is unique.
    pub unique: bool,
    /// Whether nulls count as equal.
    pub nulls_not_distinct: bool,
    /// Its key columns.
    pub keys: Vec<IndexKey>,
    /// Columns stored beside the key.
    pub include: Vec<String>,
    /// The predicate, as the server spells it.
    pub predicate: Option<String>,
    /// Storage parameters.
    pub parameters: BTreeMap<String, String>,
    /// The tablespace; `None` is the database's.
    pub tablespace: Option<Ident>,
}

/// A wanted index as the server would make it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WantedShape {
    /// How it compares.
    #[serde(flatten)]
    pub shape: IndexShape,
    /// Code of other roles that it would hang on its table.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub code: BTreeSet<OwnersCode>,
}

impl From<IndexShape> for WantedShape {
    fn from(shape: IndexShape) -> Self {
        Self { shape, code: BTreeSet::new() }
    }
}

/// One key column.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IndexKey {
    /// The column, or the expression as the server spells it.
    pub what: String,
    /// The operator class, with its schema. Of several that are the same (`varchar_ops`, `text_ops`) the first.
    pub opclass: String,
    /// Options of the operator class.
    pub opclass_options: Vec<String>,
    /// The collation, with its schema.
    pub collation: Option<String>,
    /// Descending.
    pub descending: bool,
    /// Nulls first.
    pub nulls_first: bool,
}

/// An index of a root or of a partition.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IndexFacts {
    /// Its name.
    pub name: TableName,
    /// Its table: the root or a partition.
    pub table: Oid,
    /// The index of the root that it is attached to.
    pub parent: Option<Oid>,
    /// Queries use it. A root's index is valid once every partition has its own.
    pub valid: bool,
    /// Somebody is building it.
    pub building: bool,
    /// A constraint stands on it: a primary key, a unique or an exclusion constraint, or a foreign key that references it.
    pub constraint: bool,
    /// It is its table's replica identity, or what the table is clustered by.
    pub in_use: bool,
    /// Its comment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
    /// The comment is in bytes that are no UTF-8, which a database in SQL_ASCII takes: it is here for reading only.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub comment_is_lossy: bool,
    /// Statistics targets of its expressions, by the column's number.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub targets: BTreeMap<u16, u16>,
    /// How it compares. Expressions and the predicate are empty where `raw` is set: the server's spelling of them has to be
    /// asked for.
    pub shape: IndexShape,
    /// Expressions and predicate as the catalog stores them: equal texts mean the same.
    pub raw: Option<String>,
    /// What the server calls a copy of it by.
    #[serde(default)]
    pub copies: CopyName,
}

/// What the server makes the name of an index's copy of, beside the name of the copy's table.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CopyName {
    /// Names of the index's own columns.
    pub columns: Vec<String>,
    /// How it ends.
    pub ending: CopyEnding,
}

/// How the name of an index's copy ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CopyEnding {
    /// No constraint stands on it.
    #[default]
    Idx,
    /// A primary key.
    Pkey,
    /// A unique constraint.
    Key,
    /// An exclusion constraint.
    Excl,
}

impl CopyEnding {
    /// As `pg_constraint.contype` has the constraint that stands on the index.
    pub fn of_constraint(contype: Option<u8>) -> Self {
        match contype {
            Some(b'p') => Self::Pkey,
            Some(b'u') => Self::Key,
            Some(b'x') => Self::Excl,
            Some(_) | None => Self::Idx,
        }
    }

    /// As it stands in a name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Idx => "idx",
            Self::Pkey => "pkey",
            Self::Key => "key",
            Self::Excl => "excl",
        }
    }
}

impl IndexShape {
    /// Whether it is the same index, parameters aside: the server alters those of a partition's index where it is, and
    /// those of a root's not at all.
    pub fn is_like(&self, other: &Self) -> bool {
        let Self { method, unique, nulls_not_distinct, keys, include, predicate, parameters: _, tablespace } = self;
        *method == other.method
            && *unique == other.unique
            && *nulls_not_distinct == other.nulls_not_distinct
            && *keys == other.keys
            && *include == other.include
            && *predicate == other.predicate
            && *tablespace == other.tablespace
    }

    /// What must be set and reset where an index of this method has these parameters and should have those.
    pub fn parameters_to_change(
        &self,
        found: &BTreeMap<String, String>,
        wanted: &BTreeMap<String, String>,
    ) -> (BTreeMap<String, String>, BTreeSet<String>) {
        let differs = |name: &String| {
            let [is, wants] = [found.get(name), wanted.get(name)].map(|value| value.map(String::as_str));
            !is_same_of_index(&self.method, name, is, wants)
        };
        let set = wanted.iter().filter(|(name, _)| differs(name));
        let reset = found.keys().filter(|name| !wanted.contains_key(*name) && differs(name));
        (set.map(|(name, value)| (name.clone(), value.clone())).collect(), reset.cloned().collect())
    }

    /// Whether a small table's is built in a moment, whatever its rows are: by a method that does little for each row, on
    /// columns as they are, with operators of the server's own.
    pub fn is_quick(&self) -> bool {
        let method = matches!(self.method.as_str(), "btree" | "hash" | "brin");
        let plain = |key: &IndexKey| !key.what.contains('(') && key.opclass.starts_with("pg_catalog.");
        method && self.keys.iter().all(plain) && self.predicate.as_deref().is_none_or(calls_nothing)
    }

    /// What is different, in words; empty where nothing is.
    pub fn differences(&self, wanted: &Self) -> Vec<String> {
        let Self { method, unique, nulls_not_distinct, keys, include, predicate, parameters, tablespace } = self;
        let mut found = Vec::new();
        let mut differs = |what: &str, is: String, wants: String| {
            if is != wants {
                found.push(format!("{what} {is} instead of {wants}").trim_start().to_owned());
            }
        };
        differs("method", method.clone(), wanted.method.clone());
        let columns = |keys: &[IndexKey]| listed(&keys.iter().map(|key| key.what.clone()).collect::<Vec<_>>());
        differs("columns", columns(keys), columns(&wanted.keys));
        if columns(keys) == columns(&wanted.keys) {
            for (key, wants) in keys.iter().zip(&wanted.keys) {
                let IndexKey { what, opclass, opclass_options, collation, descending: _, nulls_first: _ } = key;
                differs(&format!("{what} with"), short(opclass), short(&wants.opclass));
                differs(&format!("{what} with options"), listed(opclass_options), listed(&wants.opclass_options));
                let collations = [collation, &wants.collation].map(|name| or_none(name.as_deref().map(short).as_ref()));
                let [is, wanted] = collations;
                differs(&format!("{what} with collation"), is, wanted);
                differs(what, order(key), order(wants));
            }
        }
        differs("included columns", listed(include), listed(&wanted.include));
        differs("predicate", or_none(predicate.as_ref()), or_none(wanted.predicate.as_ref()));
        let uniqueness = |unique| if unique { "unique" } else { "not unique" }.to_owned();
        differs("", uniqueness(*unique), uniqueness(wanted.unique));
        let nulls = |equal| if equal { "not distinct" } else { "distinct" }.to_owned();
        differs("nulls", nulls(*nulls_not_distinct), nulls(wanted.nulls_not_distinct));
        let (set, reset) = self.parameters_to_change(parameters, &wanted.parameters);
        if !(set.is_empty() && reset.is_empty()) {
            differs("parameters", listed_map(parameters), listed_map(&wanted.parameters));
        }
        let place = |name: &Option<Ident>| name.as_ref().map_or_else(|| "default".to_owned(), ToString::to_string);
        differs("tablespace", place(tablespace), place(&wanted.tablespace));
        found
    }

    /// Whether this index serves all that the other one does: a b-tree whose first columns are the other's, in the same
    /// order, for the same rows. A unique index is covered by none but its equal.
    pub fn covers(&self, other: &Self) -> bool {
        let same = self.method == "btree" && other.method == "btree" && self.predicate == other.predicate;
        let prefix = self.keys.len() > other.keys.len() && self.keys.starts_with(&other.keys);
        same && prefix && !other.unique && other.include.iter().all(|column| self.has_column(column))
    }

    fn has_column(&self, column: &String) -> bool {
        self.include.contains(column) || self.keys.iter().any(|key| key.what == *column)
    }
}

/// Whether no function is called there, as the server spells it: `lower(a)`, while keywords keep a space (`ANY (…)`).
fn calls_nothing(predicate: &str) -> bool {
    let mut before = ' ';
    predicate.chars().all(|c| {
        let called = c == '(' && (before.is_alphanumeric() || matches!(before, '_' | '"'));
        before = c;
        !called
    })
}

/// A name without the schema that everybody has in their path.
fn short(name: &str) -> String {
    name.strip_prefix("pg_catalog.").unwrap_or(name).to_owned()
}

fn order(key: &IndexKey) -> String {
    match (key.descending, key.nulls_first) {
        (false, false) => "ascending",
        (true, true) => "descending",
        (false, true) => "ascending, nulls first",
        (true, false) => "descending, nulls last",
    }
    .to_owned()
}

fn listed(items: &[String]) -> String {
    format!("({})", items.join(", "))
}

fn listed_map(items: &BTreeMap<String, String>) -> String {
    listed(&items.iter().map(|(name, value)| format!("{name} = {value}")).collect::<Vec<_>>())
}

fn or_none<T: std::fmt::Display>(value: Option<&T>) -> String {
    value.map_or_else(|| "none".to_owned(), ToString::to_string)
}

/// The server's spelling of an index's expressions, in column order, and of its predicate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IndexSpelling {
    /// Each key column that is an expression.
    pub expressions: Vec<String>,
    /// The predicate.
    pub predicate: Option<String>,
}

impl IndexFacts {
    /// The shape with its expressions and predicate spelled out.
    pub fn spelled(&self, spelling: &IndexSpelling) -> IndexShape {
        let mut shape = self.shape.clone();
        let mut expressions = spelling.expressions.iter();
        for key in shape.keys.iter_mut().filter(|key| key.what.is_empty()) {
            key.what = expressions.next().cloned().unwrap_or_default();
        }
        shape.predicate.clone_from(&spelling.predicate);
        shape
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(what: &str) -> IndexKey {
        IndexKey {
            what: what.to_owned(),
            opclass: "pg_catalog.int4_ops".to_owned(),
            opclass_options: Vec::new(),
            collation: None,
            descending: false,
            nulls_first: false,
        }
    }

    fn shape(columns: &[&str]) -> IndexShape {
        IndexShape {
            method: "btree".to_owned(),
            unique: false,
            nulls_not_distinct: false,
            keys: columns.iter().map(|what| key(what)).collect(),
            include: Vec::new(),
            predicate: None,
            parameters: BTreeMap::new(),
            tablespace: None,
        }
    }

    #[test]
    fn a_longer_index_covers_its_prefix_and_nothing_else() {
        let long = shape(&["a", "b"]);
        assert!(long.covers(&shape(&["a"])));
        for other in [shape(&["b"]), shape(&["a", "b"]), shape(&["a", "b", "c"])] {
            assert!(!long.covers(&other));
        }
        assert!(!long.covers(&IndexShape { unique: true, ..shape(&["a"]) }));
        assert!(!long.covers(&IndexShape { predicate: Some("(a > 0)".to_owned()), ..shape(&["a"]) }));
        assert!(!long.covers(&IndexShape { include: vec!["c".to_owned()], ..shape(&["a"]) }));
        let mut descending = shape(&["a"]);
        descending.keys[0].descending = true;
        assert!(!long.covers(&descending));
    }

    #[test]
    fn quick_is_what_does_little_for_each_row() {
        let with = |predicate: &str| IndexShape { predicate: Some(predicate.to_owned()), ..shape(&["a"]) };
        for quick in [shape(&["a", "b"]), with("((name)::text = ANY ((ARRAY['new'::text])::text[]))"), with("(a > 0)")]
        {
            assert!(quick.is_quick(), "{quick:?}");
        }
        let mut of_extension = shape(&["a"]);
        of_extension.keys[0].opclass = "public.slow_ops".to_owned();
        let gin = IndexShape { method: "gin".to_owned(), ..shape(&["a"]) };
        for slow in [shape(&["lower(a)"]), shape(&["(a + 1)"]), with("(slow(a) > 0)"), of_extension, gin] {
            assert!(!slow.is_quick(), "{slow:?}");
        }
    }

    #[test]
    fn parameters_differ_by_meaning() {
        let map = |pairs: &[(&str, &str)]| -> BTreeMap<String, String> {
            pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
        };
        let index = shape(&["a"]);
        let change =
            |found: &[(&str, &str)], wanted: &[(&str, &str)]| index.parameters_to_change(&map(found), &map(wanted));
        let nothing = (BTreeMap::new(), BTreeSet::new());
        assert_eq!(change(&[("deduplicate_items", "on")], &[("deduplicate_items", "true")]), nothing);
        assert_eq!(change(&[("fillfactor", "90")], &[]), nothing);
        assert_eq!(
            change(&[("fillfactor", "50")], &[("fillfactor", "70")]),
            (map(&[("fillfactor", "70")]), BTreeSet::new())
        );
        assert_eq!(change(&[("fillfactor", "50")], &[]), (BTreeMap::new(), BTreeSet::from(["fillfactor".to_owned()])));
    }

    #[test]
    fn differences_are_named() {
        let mut other = shape(&["a"]);
        other.keys[0].descending = true;
        other.keys[0].nulls_first = true;
        assert_eq!(other.differences(&shape(&["a"])), ["a descending instead of ascending"]);
        assert!(shape(&["a"]).differences(&shape(&["a"])).is_empty());
    }
}
