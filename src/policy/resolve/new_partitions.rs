//! `partition.schema`, and names that were meant to be one.

use super::super::spec::PartitionSpec;
use super::super::{NewPartitions, PolicyError, PolicyPath};
use super::Checks;
use crate::grid::{NameTemplate, TemplateError};
use crate::sql::Ident;

pub(super) fn new_partitions(checks: &mut Checks, at: &PolicyPath, spec: &PartitionSpec) -> Option<NewPartitions> {
    let schema = match &spec.schema {
        Some(text) => Some(schema(checks, &at.key("schema"), text)?),
        None => None,
    };
    Some(NewPartitions { schema })
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
