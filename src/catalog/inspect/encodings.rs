//! Names that are no UTF-8, in a database that takes any bytes: what has them is left alone, and nothing else.

use std::collections::BTreeMap;

use postgres::types::{ToSql, Type};

use super::super::error::InspectError;
use super::super::reader::{Reader, field};
use super::super::snapshot::{NAMES_NOT_UTF8, TableState};
use crate::sql::TableName;

const STEP: &str = "reading names of another encoding";

/// What is UTF-8 to a regular expression that sees bytes.
const UTF8: &str = r"^([\x01-\x7f]|[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3})*$";

/// The encoding in which names may be anything.
pub(super) const ANY_BYTES: &str = "SQL_ASCII";

/// The tables of which anything is called by what is no UTF-8, with the first such name. Only for a database in SQL_ASCII.
pub(super) fn unreadable<'n>(
    reader: &mut Reader<'_>,
    tables: impl Iterator<Item = &'n TableName> + Clone,
) -> Result<BTreeMap<TableName, TableState>, InspectError> {
    let schemas: Vec<&str> = tables.clone().map(|table| table.schema.as_str()).collect();
    let names: Vec<&str> = tables.map(|table| table.name.as_str()).collect();
    let params: [(&(dyn ToSql + Sync), Type); 2] = [(&schemas, Type::TEXT_ARRAY), (&names, Type::TEXT_ARRAY)];
    let rows = reader.query(STEP, &include_str!("encodings.sql").replace("{utf8}", UTF8), &params)?;
    rows.iter()
        .map(|row| {
            let (schema, name): (&str, &str) = (field(STEP, row, "schema_name")?, field(STEP, row, "table_name")?);
            let (first, count): (&str, i64) = (field(STEP, row, "first")?, field(STEP, row, "names")?);
            let more = if count > 1 { format!(", and {} more", count - 1) } else { String::new() };
            let state = TableState::Unfit(format!("{NAMES_NOT_UTF8} ({first}{more})"));
            Ok((TableName::new(schema, name), state))
        })
        .collect()
}

/// A condition of detached tables, which are found by their comments in the whole database.
pub(super) fn readable(sql: &str) -> String {
    sql.replace("{utf8}", UTF8)
}
