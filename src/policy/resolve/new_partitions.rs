//! `partition.schema`, and names that were meant to be one.

use super::super::new_partitions::PARTITION;
use super::super::spec::PartitionSpec;
use super::super::{NewPartitions, OwnName, PolicyError, PolicyPath};
use super::Checks;
use crate::grid::{NameTemplate, TemplateError};
use crate::sql::{Ident, MAX_IDENT_BYTES};

pub(super) fn new_partitions(checks: &mut Checks, at: &PolicyPath, spec: &PartitionSpec) -> Option<NewPartitions> {
    let schema = match &spec.schema {
        Some(text) => Some(schema(checks, &at.key("schema"), text)?),
        None => None,
    };
    let checks_of = own_names(checks, &at.key("checks"), "check", spec.checks.as_deref().unwrap_or_default());
    let triggers = own_names(checks, &at.key("triggers"), "trigger", spec.triggers.as_deref().unwrap_or_default());
    Some(NewPartitions { schema, unlogged: spec.unlogged, checks: checks_of?, triggers: triggers? })
}

/// Names as they stand on partitions: plain ones are identifiers, others hold the partition's.
fn own_names(checks: &mut Checks, path: &PolicyPath, what: &str, names: &[String]) -> Option<Vec<OwnName>> {
    let mut found: Vec<OwnName> = Vec::new();
    let mut whole = true;
    for (at, text) in names.iter().enumerate() {
        let path = path.index(at);
        let rest = text.replacen(PARTITION, "", 1);
        let name = if rest.len() < text.len() {
            let fits = !rest.contains(['{', '}', '\0']) && rest.len() < MAX_IDENT_BYTES;
            fits.then(|| OwnName(text.clone())).or_else(|| {
                let message = format!("`{}` is no name of a {what}", crate::policy::tree::shortened(text));
                checks.push(PolicyError::at(path.clone(), message).help("such as `{partition}_amount_check`"));
                None
            })
        } else {
            checks.ident(&path, text).map(|ident| OwnName(ident.as_str().to_owned()))
        };
        match name {
            Some(name) if found.contains(&name) => {
                checks.at(&path, "it is named twice");
                whole = false;
            }
            Some(name) => found.push(name),
            None => whole = false,
        }
    }
    whole.then_some(found)
}

fn schema(checks: &mut Checks, path: &PolicyPath, text: &str) -> Option<Ident> {
    let schema = checks.ident(path, text)?;
    let system = schema.as_str().starts_with("pg_") || schema.as_str() == "information_schema";
    if system {
        let error = PolicyError::at(path.clone(), format!("`{schema}` is a schema of PostgreSQL itself"));
        checks.push(error.help("name a schema of your own"));
        return None;
    }
    Some(schema)
}

/// The template of names; a dot in one was meant to set off a schema.
pub(super) fn template(checks: &mut Checks, at: &PolicyPath, text: Option<&str>) -> Option<Option<NameTemplate>> {
    let Some(text) = text else { return Some(None) };
    let error = match text.parse::<NameTemplate>() {
        Ok(template) => return Some(Some(template)),
        Err(error) => error,
    };
    let help = match (&error, text.split_once('.')) {
        (TemplateError::Dot(_), Some((schema, name))) if Ident::parse(schema).is_ok() => {
            Some(format!("partitions in another schema: `partition: {{schema: {schema}, name: \"{name}\"}}`"))
        }
        (TemplateError::Dot(_), _) => Some("partitions in another schema: `partition.schema`".to_owned()),
        _ => None,
    };
    checks.push(PolicyError::at(at.key("name"), error.to_string()).maybe_help(help));
    None
}
