//! What depends on a table, so that `DROP … RESTRICT` refuses; and in what a detached table no longer fits its root.

use std::collections::BTreeMap;

use postgres::types::{ToSql, Type};

use super::super::error::InspectError;
use super::super::question::{Answer, Found};
use super::super::reader::{Reader, field};
use super::super::snapshot::Oid;
use super::unknown;
use crate::sql::Ident;

const STEP: &str = "reading dependants";
const FITS: &str = "comparing a detached table with its root";

/// Tables that are asked about together.
const BATCH: usize = 256;
/// Dependants of one table that are named.
const MOST: usize = 3;

pub(super) fn answers(reader: &mut Reader<'_>, relations: &[Oid]) -> Result<Vec<(Oid, Answer)>, InspectError> {
    let mut all = Vec::with_capacity(relations.len());
    for batch in relations.chunks(BATCH) {
        let oids: Vec<u32> = batch.iter().map(|oid| oid.0).collect();
        let asked = reader.aside(STEP, |reader| {
            let rows = reader.query(STEP, include_str!("dependants.sql"), &[(&oids, Type::OID_ARRAY)])?;
            let mut found: BTreeMap<Oid, Vec<Found>> = BTreeMap::new();
            for row in &rows {
                let what: &str = field(STEP, row, 2)?;
                let through: Option<&str> = field(STEP, row, 3)?;
                let what = match through {
                    Some(through) => {
                        format!("{what} depends on its {through} (give it away: ALTER SEQUENCE … OWNED BY …)")
                    }
                    None => format!("{what} depends on it"),
                };
                let relation = field::<_, Option<u32>>(STEP, row, 1)?.map(Oid);
                found.entry(Oid(field(STEP, row, 0)?)).or_default().push(Found { relation, what });
            }
            Ok(found)
        })?;
        match asked {
            Ok(mut found) => all.extend(batch.iter().map(|oid| {
                let mut found = found.remove(oid).unwrap_or_default();
                found.sort();
                found.dedup();
                let more = found.len().saturating_sub(MOST);
                found.truncate(MOST);
                if more > 0 {
                    found.push(Found { relation: None, what: format!("{more} more depend on it") });
                }
                (*oid, Answer::Found(found))
            })),
            Err(error) => all.extend(unknown(batch, error)),
        }
    }
    Ok(all)
}

/// Each difference that makes `ATTACH` refuse, in words.
pub(super) fn fits(reader: &mut Reader<'_>, relation: Oid, root: Oid, major: u32) -> Result<Answer, InspectError> {
    let (table, parent, identity) = (relation.0, root.0, major >= 17);
    let params: [(&(dyn ToSql + Sync), Type); 3] = [(&table, Type::OID), (&parent, Type::OID), (&identity, Type::BOOL)];
    let asked = reader.aside(FITS, |reader| {
        let rows = reader.query(FITS, include_str!("fits.sql"), &params)?;
        rows.iter()
            .map(|row| {
                let (kind, name): (&str, &str) = (field(FITS, row, 0)?, field(FITS, row, 1)?);
                let here: Option<&str> = field(FITS, row, 2)?;
                let there: Option<&str> = field(FITS, row, 3)?;
                let what = difference(kind, &Ident::new(name), here.unwrap_or_default(), there.unwrap_or_default());
                Ok(Found { relation: None, what })
            })
            .collect::<Result<Vec<Found>, InspectError>>()
    })?;
    Ok(asked.map_or_else(|error| Answer::Unknown(error.because()), Answer::Found))
}

fn difference(kind: &str, name: &Ident, here: &str, there: &str) -> String {
    match kind {
        "missing" => format!("it lacks column {name} {there}"),
        "extra" => format!("it has a column {name} {here}, which the table has not"),
        "type" => format!("its column {name} is {here}, the table's is {there}"),
        "collation" => format!("its column {name} has another collation than the table's"),
        "null" => format!("its column {name} allows NULL, the table's does not"),
        "generated" => format!("its column {name} {here} generated, the table's {there}"),
        "identity" => format!("its column {name} is an identity column of its own"),
        "check missing" => format!("it lacks the constraint {name} {there}"),
        "check differs" => format!("its constraint {name} is {here}, the table's is {there}"),
        "trigger" => format!("its trigger {name} uses transition tables"),
        _ => format!("{kind} {name}"),
    }
}
