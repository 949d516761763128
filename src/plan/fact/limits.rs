//! What is known of connection limits and of settings of roles.

use std::collections::BTreeMap;

use super::Object;
use crate::catalog::{Catalog, LimitFacts};
use crate::sql::Ident;

fn facts(catalog: &Catalog) -> Result<&LimitFacts, String> {
    catalog.limits.as_ref().ok_or_else(|| "connection limits were not read".to_owned())
}

/// The limit's place, where the object has one.
fn limit_of<'a>(facts: &'a mut LimitFacts, of: &Object) -> Option<&'a mut i32> {
    match of {
        Object::Database(name) if *name == facts.database.name => Some(&mut facts.database.connection_limit),
        Object::Role(role) => facts.roles.get_mut(role).map(|role| &mut role.connection_limit),
        Object::Database(_) | Object::Relation(_) | Object::Service(_) | Object::Setting(_) | Object::Pooler(_) => None,
    }
}

pub(super) fn judge_limit(catalog: &Catalog, of: &Object, limit: i32) -> Result<(), String> {
    match limit_of(&mut facts(catalog)?.clone(), of) {
        Some(found) if *found == limit => Ok(()),
        Some(-1) => Err("it has none".to_owned()),
        Some(found) => Err(format!("it has one of {found}")),
        None => Err(format!("there is no {of}")),
    }
}

pub(super) fn judge_settings(
    catalog: &Catalog,
    role: &Ident,
    database: &Ident,
    values: &BTreeMap<String, Option<String>>,
) -> Result<(), String> {
    let facts = facts(catalog)?;
    if facts.database.name != *database {
        return Err(format!("this is database {}", facts.database.name));
    }
    let Some(found) = facts.roles.get(role) else { return Err(format!("there is no role {role}")) };
    match values.iter().find(|(name, value)| found.settings_here.get(*name) != value.as_ref()) {
        Some((name, _)) => Err(match found.settings_here.get(name) {
            Some(found) => format!("{name} is {found}"),
            None => format!("{name} is not set"),
        }),
        None => Ok(()),
    }
}

pub(super) fn assume_limit(catalog: &mut Catalog, of: &Object, limit: i32) {
    if let Some(place) = catalog.limits.as_mut().and_then(|facts| limit_of(facts, of)) {
        *place = limit;
    }
}

pub(super) fn assume_settings(catalog: &mut Catalog, role: &Ident, values: &BTreeMap<String, Option<String>>) {
    let Some(found) = catalog.limits.as_mut().and_then(|facts| facts.roles.get_mut(role)) else { return };
    for (name, value) in values {
        match value {
            Some(value) => drop(found.settings_here.insert(name.clone(), value.clone())),
            None => drop(found.settings_here.remove(name)),
        }
    }
}
