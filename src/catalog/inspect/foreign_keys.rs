//! Foreign keys of and to the roots: creating and detaching partitions locks the other side as well.

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
            root.references.insert(table(row, 4, 5)?);
        }
        if let Some(root) = roots.get(Oid(field(STEP, row, 1)?)) {
            root.referenced_by.insert(table(row, 2, 3)?);
        }
    }
    Ok(())
}

fn table(row: &Row, schema: usize, name: usize) -> Result<TableName, InspectError> {
    let ident = |column| Ok(Ident::new(field::<_, &str>(STEP, row, column)?));
    Ok(TableName { schema: ident(schema)?, name: ident(name)? })
}
