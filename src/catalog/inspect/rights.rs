//! What owners, and the session, lack on the schemas of their tables.

use std::collections::BTreeSet;

use postgres::types::Type;

use super::super::error::InspectError;
use super::super::reader::{Reader, field};
use super::super::rights::SchemaLack;
use crate::sql::Ident;

const STEP: &str = "reading rights on schemas";

pub(super) fn read(
    reader: &mut Reader<'_>,
    roles: &BTreeSet<&str>,
    schemas: &BTreeSet<&str>,
) -> Result<BTreeSet<SchemaLack>, InspectError> {
    if schemas.is_empty() {
        return Ok(BTreeSet::new());
    }
    let roles: Vec<&str> = roles.iter().copied().collect();
    let schemas: Vec<&str> = schemas.iter().copied().collect();
    let params: [(&(dyn postgres::types::ToSql + Sync), Type); 2] =
        [(&roles, Type::TEXT_ARRAY), (&schemas, Type::TEXT_ARRAY)];
    let rows = reader.query(STEP, include_str!("rights.sql"), &params)?;
    let lack = |row: &postgres::Row| {
        Ok(SchemaLack {
            role: Ident::new(field::<_, &str>(STEP, row, 0)?),
            schema: Ident::new(field::<_, &str>(STEP, row, 1)?),
            create: field(STEP, row, 2)?,
            usage: field(STEP, row, 3)?,
        })
    };
    rows.iter().map(lack).collect()
}
