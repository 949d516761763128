//! Foreign keys of and to the roots: creating and detaching partitions locks the other side as well.

use std::collections::BTreeSet;

use postgres::Row;

use super::super::error::InspectError;
use super::super::reader::{Reader, field};
use super::super::snapshot::{IncomingKey, Oid};
use super::Roots;
use crate::sql::{Ident, TableName};

const STEP: &str = "reading foreign keys";

pub(super) fn read(reader: &mut Reader<'_>, roots: &mut Roots) -> Result<(), InspectError> {
    let rows = reader.query(STEP, include_str!("foreign_keys.sql"), &[roots.oids_param()])?;
    for row in &rows {
        // A table that references itself is on both sides.
        if let Some(root) = roots.get(Oid(field(STEP, row, 0)?)) {
            let references = insert(row, (4, 5, 7), &mut root.references, &mut root.partitioned)?;
            if field::<_, i8>(STEP, row, 11)?.cast_unsigned() == b'c' {
                root.cascades_from.insert(references);
            }
        }
        if let Some(root) = roots.get(Oid(field(STEP, row, 1)?)) {
            let table = insert(row, (2, 3, 6), &mut root.referenced_by, &mut root.partitioned)?;
            root.keys_in.insert(Oid(field(STEP, row, 8)?), incoming(row, table)?);
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
) -> Result<TableName, InspectError> {
    let ident = |column| Ok(Ident::new(field::<_, &str>(STEP, row, column)?));
    let table = TableName { schema: ident(schema)?, name: ident(name)? };
    if field::<_, i8>(STEP, row, kind)?.cast_unsigned() == b'p' {
        partitioned.insert(table.clone());
    }
    tables.insert(table.clone());
    Ok(table)
}

fn incoming(row: &Row, table: TableName) -> Result<IncomingKey, InspectError> {
    let columns: Vec<&str> = field(STEP, row, 12)?;
    Ok(IncomingKey {
        name: Ident::new(field::<_, &str>(STEP, row, 9)?),
        table,
        relation: Oid(field(STEP, row, 0)?),
        owner: Ident::new(field::<_, &str>(STEP, row, 10)?),
        partitioned: field::<_, i8>(STEP, row, 6)?.cast_unsigned() == b'p',
        columns: columns.into_iter().map(Ident::new).collect(),
        key: field::<_, Option<&str>>(STEP, row, 13)?.map(Ident::new),
    })
}
