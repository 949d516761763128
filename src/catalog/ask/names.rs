//! Is a relation's name taken, and is a relation still there?

use postgres::types::Type;

use super::super::error::InspectError;
use super::super::question::Answer;
use super::super::reader::{Reader, field};
use super::super::snapshot::Oid;
use super::unknown;
use crate::sql::TableName;

const STEP: &str = "looking up names";

pub(super) fn answers(reader: &mut Reader<'_>, names: &[&TableName]) -> Result<Vec<(TableName, Answer)>, InspectError> {
    if names.is_empty() {
        return Ok(Vec::new());
    }
    let schemas: Vec<&str> = names.iter().map(|name| name.schema.as_str()).collect();
    let relations: Vec<&str> = names.iter().map(|name| name.name.as_str()).collect();
    let asked = reader.aside(STEP, |reader| {
        let params: [(&(dyn postgres::types::ToSql + Sync), Type); 2] =
            [(&schemas, Type::TEXT_ARRAY), (&relations, Type::TEXT_ARRAY)];
        let rows = reader.query(STEP, include_str!("names.sql"), &params)?;
        rows.iter().map(|row| field(STEP, row, 0)).collect::<Result<Vec<bool>, _>>()
    })?;
    let names: Vec<TableName> = names.iter().map(|name| (*name).clone()).collect();
    Ok(match asked {
        Ok(taken) => names.into_iter().zip(taken.into_iter().map(Answer::Taken)).collect(),
        Err(error) => unknown(&names, error),
    })
}

pub(super) fn existing(reader: &mut Reader<'_>, relations: &[Oid]) -> Result<Vec<(Oid, Answer)>, InspectError> {
    if relations.is_empty() {
        return Ok(Vec::new());
    }
    let oids: Vec<u32> = relations.iter().map(|oid| oid.0).collect();
    let asked = reader.aside(STEP, |reader| {
        let rows = reader.query(STEP, include_str!("existing.sql"), &[(&oids, Type::OID_ARRAY)])?;
        rows.iter().map(|row| field(STEP, row, 0)).collect::<Result<Vec<bool>, _>>()
    })?;
    Ok(match asked {
        Ok(there) => relations.iter().copied().zip(there.into_iter().map(Answer::Taken)).collect(),
        Err(error) => unknown(relations, error),
    })
}
