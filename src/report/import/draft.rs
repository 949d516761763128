//! A policy to be written, with what has to be said beside each line.

use std::collections::BTreeMap;

use crate::sql::TableName;

/// A policy to be written, and what should be said about it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Draft {
    /// Where it comes from, for the first line.
    pub(super) origin: String,
    /// Tables under policy.
    pub(super) tables: Vec<TableDraft>,
    /// Tables that were left out, and why.
    pub(super) skipped: Vec<(String, String)>,
    /// What concerns no single table.
    pub(super) remarks: Vec<String>,
    /// What has to be done elsewhere.
    pub(super) notes: Vec<String>,
}

/// One table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct TableDraft {
    pub(super) name: TableName,
    /// Above its lines, one comment each.
    pub(super) remarks: Vec<String>,
    pub(super) partition: Vec<Line>,
    pub(super) retention: Vec<Line>,
    /// What all partitions have.
    pub(super) storage_parameters: BTreeMap<String, String>,
    /// Unique indexes that all partitions have, and the table cannot.
    pub(super) indexes: Vec<IndexDraft>,
    /// Existing partitions are to have the table's owner and privileges.
    pub(super) inherit_privileges: bool,
}

/// A unique index that each partition has by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct IndexDraft {
    pub(super) name: String,
    pub(super) columns: Vec<String>,
    pub(super) include: Vec<String>,
    pub(super) nulls_not_distinct: bool,
    pub(super) with: BTreeMap<String, String>,
    pub(super) tablespace: Option<String>,
}

/// A key, its value and what is said of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Line {
    pub(super) key: &'static str,
    pub(super) value: Value,
    pub(super) comment: Option<String>,
}

/// A value as YAML writes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Value {
    /// Plain where YAML allows it.
    Text(String),
    /// Always in double quotes: templates begin with a brace.
    Quoted(String),
    /// A word of YAML, as it is.
    Word(&'static str),
    /// A list, each in double quotes.
    List(Vec<String>),
}

impl Line {
    #[allow(clippy::needless_pass_by_value, reason = "callers build the value in place")]
    pub(super) fn new(key: &'static str, value: impl ToString) -> Self {
        Self { key, value: Value::Text(value.to_string()), comment: None }
    }

    #[allow(clippy::needless_pass_by_value, reason = "callers build the value in place")]
    pub(super) fn quoted(key: &'static str, value: impl ToString) -> Self {
        Self { key, value: Value::Quoted(value.to_string()), comment: None }
    }

    pub(super) fn word(key: &'static str, word: &'static str) -> Self {
        Self { key, value: Value::Word(word), comment: None }
    }

    pub(super) fn list(key: &'static str, items: Vec<String>) -> Self {
        Self { key, value: Value::List(items), comment: None }
    }

    #[must_use]
    pub(super) fn says(mut self, comment: impl Into<Option<String>>) -> Self {
        self.comment = comment.into();
        self
    }
}

impl Draft {
    /// Takes tables as the entries of another tool's configuration describe them. Of two entries for one table neither is
    /// taken: they may differ in what they remove.
    pub(super) fn take(&mut self, entries: Vec<(String, Result<TableDraft, String>)>) {
        let names = entries.iter().filter_map(|(_, read)| read.as_ref().ok().map(|table| table.name.clone()));
        let mut count = BTreeMap::<TableName, usize>::new();
        names.for_each(|name| *count.entry(name).or_default() += 1);
        for (entry, read) in entries {
            match read {
                Ok(table) if count.get(&table.name) == Some(&1) => self.tables.push(table),
                Ok(table) => self.skipped.push((entry, format!("{} is described more than once", table.name))),
                Err(why) => self.skipped.push((entry, why)),
            }
        }
        self.tables.sort_by(|a, b| a.name.cmp(&b.name));
    }

    /// Whether it has this table.
    pub fn has(&self, name: &TableName) -> bool {
        self.tables.iter().any(|table| table.name == *name)
    }

    /// How many tables it has.
    pub fn tables(&self) -> usize {
        self.tables.len()
    }

    /// With these tables only.
    #[must_use]
    pub fn only(mut self, wanted: impl Fn(&TableName) -> bool) -> Self {
        self.tables.retain(|table| wanted(&table.name));
        self
    }

    /// Tables that were left out, and why.
    pub fn skipped(&self) -> impl Iterator<Item = (&str, &str)> {
        self.skipped.iter().map(|(name, why)| (name.as_str(), why.as_str()))
    }

    /// What has to be done elsewhere before the policy can take over, such as a statement for pg_partman.
    pub fn notes(&self) -> &[String] {
        &self.notes
    }
}
