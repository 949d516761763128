//! Which code of other roles the server would run as the session.

use std::collections::BTreeMap;

use postgres::types::Type;

use super::super::error::InspectError;
use super::super::reader::{Reader, field};
use super::super::snapshot::{Oid, Retired};
use super::super::trust::{CodeBy, OwnersCode, OwnersCodes};
use super::Roots;
use crate::sql::{AT_STAKE, Ident, TableName};

const STEP: &str = "reading whose functions hang on the tables";

pub(super) fn read(
    reader: &mut Reader<'_>,
    roots: &Roots,
    retired: &BTreeMap<Oid, Retired>,
) -> Result<OwnersCodes, InspectError> {
    read_of(reader, &roots.iter().map(|(name, root)| (root.oid, name)).collect(), retired)
}

/// Of these tables alone, as the session of the reader sees it.
pub(in super::super) fn read_of(
    reader: &mut Reader<'_>,
    names: &BTreeMap<Oid, &TableName>,
    retired: &BTreeMap<Oid, Retired>,
) -> Result<OwnersCodes, InspectError> {
    let mut found = OwnersCodes::new();
    if names.is_empty() {
        return Ok(found);
    }
    let oids: Vec<u32> = names.keys().map(|oid| oid.0).collect();
    let (detached, of): (Vec<u32>, Vec<u32>) = retired
        .iter()
        .filter(|(_, table)| names.contains_key(&table.marker.root_oid))
        .map(|(oid, table)| (oid.0, table.marker.root_oid.0))
        .unzip();
    let params = [(&oids as _, Type::OID_ARRAY), (&detached as _, Type::OID_ARRAY), (&of as _, Type::OID_ARRAY)];
    for row in reader.query(STEP, AT_STAKE, &params)? {
        let Some(name) = names.get(&Oid(field(STEP, &row, 0)?)) else { continue };
        let word: &str = field(STEP, &row, 1)?;
        let by = CodeBy::ALL.into_iter().find(|by| by.word() == word);
        let function: bool = field(STEP, &row, 2)?;
        let code = OwnersCode {
            owner: Ident::new(field::<_, &str>(STEP, &row, 4)?),
            code: field(STEP, &row, 3)?,
            domain: !function,
            by: by.ok_or_else(|| InspectError::unreadable(STEP, "an unknown way to run code"))?,
            of_tables_owner: field(STEP, &row, 5)?,
        };
        found.entry((*name).clone()).or_default().insert(code);
    }
    Ok(found)
}
