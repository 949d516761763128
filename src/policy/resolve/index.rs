//! Indexes that must be there. Their SQL is the server's to judge; here it is kept from reaching out of its place.

use std::collections::BTreeMap;

use super::super::spec::IndexSpec;
use super::super::{IndexDesired, IndexOn, PolicyError, PolicyPath};
use super::rest::names;
use super::{Checks, expression};
use crate::sql::{Ident, fragment};

pub(super) fn resolve(
    checks: &mut Checks,
    path: &PolicyPath,
    specs: Option<&BTreeMap<String, IndexSpec>>,
) -> BTreeMap<Ident, IndexDesired> {
    let mut indexes = BTreeMap::new();
    for (name, spec) in specs.into_iter().flatten() {
        let path = path.key(name);
        let ident = match Ident::parse(name) {
            Ok(ident) => Some(ident),
            Err(error) => {
                checks.push(PolicyError::at_key(path.clone(), format!("`{name}` is no index name: {error}")));
                None
            }
        };
        let index = one(checks, &path, spec);
        if let (Some(ident), Some(index)) = (ident, index) {
            indexes.insert(ident, index);
        }
    }
    indexes
}

fn one(checks: &mut Checks, path: &PolicyPath, spec: &IndexSpec) -> Option<IndexDesired> {
    let IndexSpec { columns, using, predicate, unique, nulls_not_distinct, include, with, tablespace, on } = spec;
    let found = checks.errors.len();
    if columns.as_ref().is_none_or(Vec::is_empty) {
        let error = PolicyError::at_key(path.clone(), "an index needs `columns`");
        checks.push(error.help("such as `columns: [actor_id, occurred_at desc]`"));
    }
    expression::columns(checks, &path.key("columns"), columns.as_deref().unwrap_or_default());
    if let Some(predicate) = predicate {
        expression::predicate(checks, &path.key("where"), predicate);
    }
    // Whole, they must also stay where they are put.
    if checks.errors.len() == found {
        for (at, column) in columns.iter().flatten().enumerate() {
            if let Err(error) = fragment::column(column) {
                checks.at(&path.key("columns").index(at), error.to_string());
            }
        }
        if let Some(Err(error)) = predicate.as_ref().map(|predicate| fragment::expression(predicate)) {
            checks.at(&path.key("where"), error.to_string());
        }
    }
    let mut included = Vec::new();
    for (at, column) in include.iter().flatten().enumerate() {
        included.extend(checks.ident(&path.key("include").index(at), column));
    }
    let method = match using {
        Some(using) => checks.ident(&path.key("using"), using),
        None => Some(Ident::new("btree")),
    };
    if *nulls_not_distinct == Some(true) && *unique != Some(true) {
        checks.at(&path.key("nulls_not_distinct"), "only a unique index can take nulls for equal");
    }
    let on = on.map_or(IndexOn::Table, IndexOn::from);
    if on == IndexOn::Partitions && *unique != Some(true) {
        let error = PolicyError::at(path.key("on"), "only a unique index is made on partitions alone");
        checks.push(error.help("leave `on` out: an index of the table is one of each partition"));
    }
    let tablespace = tablespace.as_ref().and_then(|name| checks.ident(&path.key("tablespace"), name));
    names(checks, &path.key("with"), "storage parameter", with.as_ref());
    let method = method?;
    (checks.errors.len() == found).then(|| IndexDesired {
        method,
        columns: columns.iter().flatten().map(|column| column.trim().to_owned()).collect(),
        include: included,
        unique: unique.unwrap_or_default(),
        nulls_not_distinct: nulls_not_distinct.unwrap_or_default(),
        predicate: predicate.as_ref().map(|predicate| predicate.trim().to_owned()),
        with: with.iter().flatten().map(|(name, value)| (name.clone(), value.as_ref().trim().to_owned())).collect(),
        tablespace,
        on,
    })
}

/// Refuses what no table can have, whatever its columns are: a unique index must tell rows of different partitions apart by
/// the partition key alone (an expression of it does not count), and one that has the key is the table's.
pub(super) fn fits_the_key(
    checks: &mut Checks,
    path: &PolicyPath,
    key: &Ident,
    indexes: &BTreeMap<Ident, IndexDesired>,
    specs: Option<&BTreeMap<String, IndexSpec>>,
) {
    for name in specs.into_iter().flatten().map(|(name, _)| name) {
        let index = Ident::parse(name).ok().and_then(|ident| indexes.get(&ident));
        let Some(index) = index.filter(|index| index.unique) else { continue };
        let has_key = index.columns.iter().filter_map(|column| plain(column)).any(|column| column == *key);
        let at = path.key(name);
        match index.on {
            IndexOn::Table if !has_key => {
                let message = format!("a unique index must have the partition key {key} among its columns");
                let error = PolicyError::at(at.key("unique"), message);
                checks.push(error.help(format!(
                    "add {key} to `columns`, or say `on: partitions`: uniqueness then holds only within each partition"
                )));
            }
            IndexOn::Partitions if has_key => {
                let message = format!("the partition key {key} is among its columns, so the table can have it");
                let error = PolicyError::at(at.key("on"), message);
                checks.push(error.help("leave `on` out; uniqueness then holds for the whole table"));
            }
            IndexOn::Table | IndexOn::Partitions => {}
        }
    }
}

/// The column that an item is, where it is no expression.
fn plain(column: &str) -> Option<Ident> {
    if fragment::index_expression(column).is_some() {
        return None;
    }
    let text = column.trim();
    let end = match text.strip_prefix('"') {
        Some(quoted) => quoted.replace("\"\"", "__").find('"')? + 2,
        None => text.find(char::is_whitespace).unwrap_or(text.len()),
    };
    Ident::parse(text.get(..end)?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_column_is_told_whatever_follows_it() {
        for (text, column) in [
            ("at", Some("at")),
            (" AT desc nulls last", Some("at")),
            ("\"At \"\"x\" text_ops", Some("At \"x")),
            ("at\tDESC", Some("at")),
            ("(at)", None),
            ("lower(at)", None),
        ] {
            assert_eq!(plain(text), column.map(Ident::new), "{text}");
        }
    }
}
