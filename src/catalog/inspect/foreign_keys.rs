//! Foreign keys of and to the roots: creating and detaching partitions locks the other side as well.

use std::collections::BTreeSet;

use postgres::Row;

use super::super::error::InspectError;
use super::super::reader::{Reader, field};
use super::super::snapshot::Oid;
use super::Roots;
use crate::sql::{Ident, TableName};

const STEP: &str = "reading foreign keys";

pub(super) fn read(reader: &mut Reader<'_>, roots: &mut Roots) -> Result<(), InspectError> {
    let rows = reader.query(STEP, include_str!("foreign_keys.sql"), &[roots.oids_param()])?;
    for row in &rows {
        // A table that references itself is on both sides.
        if let Some(root) = roots.get(Oid(field(STEP, row, 0)?)) {
            insert(row, (4, 5, 7), &mut root.references, &mut root.partitioned)?;
        }
        if let Some(root) = roots.get(Oid(field(STEP, row, 1)?)) {
            insert(row, (2, 3, 6), &mut root.referenced_by, &mut root.partitioned)?;
        }
    }
    Ok(())
}

/// The table in these columns: schema, name and kind.
fn insert(
    row: &Row,
    (schema, name, kind): (usize, usize, usize),
    tables: &mut BTreeSet<TableName>,
    partitioned: &mut BTreeSet<TableName>,
) -> Result<(), InspectError> {
    let ident = |column| Ok(Ident::new(field::<_, &str>(STEP, row, column)?));
    let table = TableName { schema: ident(schema)?, name: ident(name)? };
    if field::<_, i8>(STEP, row, kind)?.cast_unsigned() == b'p' {
        partitioned.insert(table.clone());
    }
    tables.insert(table);
    Ok(())
}
