//! Legal holds.

use std::collections::{BTreeMap, BTreeSet};

use super::super::spec::{HoldSpec, TableText};
use super::super::{Hold, Label, PolicyError, PolicyPath, suggest};
use super::table::{is_number, key_of};
use super::{Checks, Known, moment};
use crate::grid::Position;
use crate::sql::TableName;

pub(super) fn resolve(
    checks: &mut Checks,
    known: &Known<'_>,
    specs: Option<&BTreeMap<String, HoldSpec>>,
) -> BTreeMap<String, Hold> {
    let mut holds = BTreeMap::new();
    for (name, spec) in specs.into_iter().flatten() {
        let path = PolicyPath::of(["holds"]).key(name);
        if let Some(hold) = one(checks, known, &path, spec) {
            // A hold all of whose tables the environment takes out would, without tables, cover everything.
            if spec.tables.is_none() || !hold.tables.is_empty() {
                holds.insert(name.clone(), hold);
            }
        }
    }
    holds
}

fn one(checks: &mut Checks, known: &Known<'_>, path: &PolicyPath, spec: &HoldSpec) -> Option<Hold> {
    let HoldSpec { tables, from, to, reason } = spec;
    let tables = tables_of(checks, known, &path.key("tables"), tables.as_deref());
    let from_path = path.key("from");
    let to_path = path.key("to");
    let from = checks.or(&from_path, from.as_ref(), None, place);
    let to = checks.or(&to_path, to.as_ref(), None, place);
    for (path, end) in [(&from_path, from), (&to_path, to)] {
        fits_tables(checks, known, path, end.flatten(), tables.as_ref())?;
    }
    if let (Some(Some(from)), Some(Some(to))) = (from, to)
        && from >= to
    {
        let error = PolicyError::at(to_path, "the hold ends before it begins").says("first moment no longer held");
        let error = error.and(Label::value(from_path, "first moment held"));
        checks.push(error.help("holds are half-open: one that covers 2024-03-31 as its last day ends on 2024-04-01"));
        return None;
    }
    let reason = match reason.as_deref().map(str::trim) {
        Some(reason) if !reason.is_empty() => Some(reason.to_owned()),
        Some(_) | None => {
            let error = PolicyError::at_key(path.clone(), "a hold needs a `reason`");
            checks.push(error.help("such as the number of the matter; it never appears in Markdown"));
            None
        }
    };
    Some(Hold { tables: tables?, from: from?, to: to?, reason: reason? })
}

/// A moment, or an id.
fn place(text: &str) -> Result<Option<Position>, String> {
    if is_number(text) {
        key_of(text).map(Position::Key).map(Some)
    } else {
        moment(text).map(Position::Civil).map(Some)
    }
}

/// Ids belong to one table, and mean nothing in another; moments mean nothing among ids. `None` means an error.
fn fits_tables(
    checks: &mut Checks,
    known: &Known<'_>,
    path: &PolicyPath,
    end: Option<Position>,
    tables: Option<&BTreeSet<TableName>>,
) -> Option<()> {
    let (Some(end), Some(tables)) = (end, tables) else { return Some(()) };
    let by_ids = matches!(end, Position::Key(_));
    if by_ids && tables.is_empty() {
        let error = PolicyError::at(path.clone(), "an id, and the hold names no tables");
        checks.push(error.help("name the table that the ids are of: `tables: [audit.events]`"));
        return None;
    }
    let Some(wrong) = tables.iter().find(|table| known.of_ids.contains(*table) != by_ids) else { return Some(()) };
    let message = if by_ids {
        format!("an id, and `{wrong}` is partitioned by time")
    } else {
        format!("a moment, and `{wrong}` is partitioned by ids")
    };
    checks.push(PolicyError::at(path.clone(), message).help("make it two holds, each in the terms of its tables"));
    None
}

fn tables_of(
    checks: &mut Checks,
    known: &Known<'_>,
    path: &PolicyPath,
    tables: Option<&[TableText]>,
) -> Option<BTreeSet<TableName>> {
    let Some(tables) = tables else { return Some(BTreeSet::new()) };
    if tables.is_empty() {
        let error = PolicyError::at(path.clone(), "an empty list holds nothing");
        checks.push(error.help("name tables, or leave `tables` out for every table"));
        return None;
    }
    let mut found = Some(BTreeSet::new());
    for (at, text) in tables.iter().enumerate() {
        let path = path.index(at);
        match checks.table_name(&path, false, text.as_ref()) {
            Some(table) if known.tables.contains(&table) => {
                if let Some(found) = &mut found {
                    found.insert(table);
                }
            }
            Some(table) if known.is_removed(&table) => {}
            Some(table) => {
                unknown_table(checks, known, path, &table);
                found = None;
            }
            None => found = None,
        }
    }
    found
}

/// A table that the policy does not have: a typing mistake here would hold, or grant, nothing.
pub(super) fn unknown_table(checks: &mut Checks, known: &Known<'_>, path: PolicyPath, table: &TableName) {
    let names: Vec<String> = known.tables.iter().map(ToString::to_string).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let help =
        suggest::nearest(&table.to_string(), names.iter().copied()).map(|name| format!("did you mean `{name}`?"));
    checks.push(PolicyError::at(path, format!("`{table}` is not under this policy")).maybe_help(help));
}
