//! Tables that pg_partman maintains by itself.

use postgres::types::Type;

use super::super::error::InspectError;
use super::super::reader::{Reader, field};
use super::Roots;
use crate::sql::{Ident, TableName};

const STEP: &str = "reading pg_partman's configuration";

pub(super) fn read(reader: &mut Reader<'_>, roots: &mut Roots) -> Result<(), InspectError> {
    let rows = reader.query(STEP, include_str!("partman.sql"), &[])?;
    let Some(row) = rows.first() else { return Ok(()) };
    let schema = Ident::new(field::<_, &str>(STEP, row, 0)?);
    let part_config = TableName { schema: schema.clone(), name: Ident::new("part_config") };
    // parent_table holds both names as the catalog has them, joined by a dot and never quoted.
    let parents: Vec<String> =
        roots.iter().map(|(name, _)| format!("{}.{}", name.schema.as_str(), name.name.as_str())).collect();
    let sql = format!(
        "/* pgstrata inspect */ SELECT parent_table::text FROM {part_config} \
         WHERE automatic_maintenance = 'on' AND parent_table = ANY ($1)"
    );
    let read = reader.aside(STEP, |reader| reader.query(STEP, &sql, &[(&parents, Type::TEXT_ARRAY)]))?;
    // Row security, or a table of that name that is not pg_partman's: nothing is known of its plans then.
    let Ok(rows) = read else { return Ok(()) };
    for row in &rows {
        let parent: &str = field(STEP, row, 0)?;
        for (name, root) in roots.iter_mut() {
            if parent.strip_prefix(name.schema.as_str()).and_then(|rest| rest.strip_prefix('.'))
                == Some(name.name.as_str())
            {
                root.partman = Some(schema.clone());
            }
        }
    }
    Ok(())
}
