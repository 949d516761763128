//! Names of tables that a missing one may have been meant to be.

use std::collections::BTreeMap;

use super::super::error::InspectError;
use super::super::reader::{Reader, field};
use super::encodings::readable;
use crate::policy::suggest;
use crate::sql::TableName;

const STEP: &str = "looking for names like those that are missing";

/// The nearest name of each of these that has one: spelled alike but for case, in another schema, or nearly so.
pub(super) fn read(
    reader: &mut Reader<'_>,
    missing: &[TableName],
) -> Result<BTreeMap<TableName, TableName>, InspectError> {
    if missing.is_empty() {
        return Ok(BTreeMap::new());
    }
    let rows = reader.query(STEP, &readable(include_str!("similar.sql")), &[])?;
    let mut names = Vec::with_capacity(rows.len());
    for row in &rows {
        names.push(TableName::new(field::<_, &str>(STEP, row, "nspname")?, field::<_, &str>(STEP, row, "relname")?));
    }
    let found = missing.iter().filter_map(|name| Some((name.clone(), nearest(name, &names)?.clone())));
    Ok(found.collect())
}

fn nearest<'n>(missing: &TableName, names: &'n [TableName]) -> Option<&'n TableName> {
    let text = |name: &TableName| format!("{}.{}", name.schema.as_str(), name.name.as_str());
    let wanted = text(missing).to_lowercase();
    let folded = names.iter().find(|name| text(name).to_lowercase() == wanted);
    let elsewhere =
        || names.iter().find(|name| name.name.as_str().to_lowercase() == missing.name.as_str().to_lowercase());
    folded.or_else(elsewhere).or_else(|| {
        let texts: Vec<String> = names.iter().map(text).collect();
        let near = suggest::nearest(&text(missing), texts.iter().map(String::as_str))?;
        texts.iter().position(|text| text == near).and_then(|at| names.get(at))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_then_schema_then_spelling() {
        let names = [("public", "Events"), ("app", "orders"), ("public", "measurements")];
        let names: Vec<TableName> = names.iter().map(|(schema, name)| TableName::new(*schema, *name)).collect();
        let found = |schema: &str, name: &str| nearest(&TableName::new(schema, name), &names).map(ToString::to_string);
        assert_eq!(found("public", "events").as_deref(), Some("public.\"Events\""));
        assert_eq!(found("public", "orders").as_deref(), Some("app.orders"));
        assert_eq!(found("public", "measurment").as_deref(), Some("public.measurements"));
        assert_eq!(found("public", "invoices"), None);
    }
}
