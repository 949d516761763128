//! Detached partitions: tables of their own whose comment carries a marker.

use std::collections::{BTreeMap, BTreeSet};

use postgres::Row;
use postgres::types::{ToSql, Type};

use super::super::error::InspectError;
use super::super::marker::{HOLD_REGEX, Marker, hold_line};
use super::super::reader::{Reader, field};
use super::super::snapshot::{Oid, Retired};
use super::Roots;
use super::encodings::readable;
use super::leaves::rows_estimate;
use crate::sql::{Ident, TableName};

const STEP: &str = "reading detached partitions";

pub(super) fn read(reader: &mut Reader<'_>, roots: &Roots) -> Result<BTreeMap<Oid, Retired>, InspectError> {
    let rows = reader.query(STEP, &readable(include_str!("retired.sql")), &[roots.oids_param()])?;
    let mut all = BTreeMap::new();
    for row in &rows {
        let comment = String::from_utf8_lossy(field(STEP, row, 4)?);
        let Some(marker) = Marker::find(&comment) else { continue };
        let name = table(row, 1)?.ok_or_else(|| InspectError::unreadable(STEP, "a table without a name"))?;
        let owner: &str = field(STEP, row, 3)?;
        let retired = Retired {
            name,
            owner: Ident::new(owner),
            marker,
            held: hold_line(&comment).is_some(),
            hold_line: hold_line(&comment).map(str::to_owned),
            references: BTreeSet::new(),
            partitioned: BTreeSet::new(),
            cascades_from: BTreeSet::new(),
            exclusions: BTreeMap::new(),
            in_use_as: in_use_as(row)?,
            root_now: None,
            root_held: false,
            rows_estimate: rows_estimate(field(STEP, row, 5)?),
        };
        all.insert(Oid(field(STEP, row, 0)?), retired);
    }
    read_references(reader, &mut all)?;
    read_roots(reader, roots, &mut all)?;
    Ok(all)
}

fn in_use_as(row: &Row) -> Result<Option<String>, InspectError> {
    if let Some(parent) = table(row, 7)? {
        let partition: bool = field(STEP, row, 6)?;
        return Ok(Some(format!("a {} of {parent}", if partition { "partition" } else { "child" })));
    }
    Ok(table(row, 9)?.map(|child| format!("a parent of {child}")))
}

/// The name in two columns from here on; NULL where there is none.
fn table(row: &Row, column: usize) -> Result<Option<TableName>, InspectError> {
    let schema: Option<&str> = field(STEP, row, column)?;
    let name: Option<&str> = field(STEP, row, column + 1)?;
    Ok(schema.zip(name).map(|(schema, name)| TableName::new(schema, name)))
}

fn read_references(reader: &mut Reader<'_>, all: &mut BTreeMap<Oid, Retired>) -> Result<(), InspectError> {
    if all.is_empty() {
        return Ok(());
    }
    let oids: Vec<u32> = all.keys().map(|oid| oid.0).collect();
    let rows = reader.query(STEP, include_str!("retired_references.sql"), &[(&oids, Type::OID_ARRAY)])?;
    for row in &rows {
        if let Some(retired) = all.get_mut(&Oid(field(STEP, row, 0)?)) {
            let Some(name) = table(row, 1)? else { continue };
            if field(STEP, row, 3)? {
                retired.partitioned.insert(name.clone());
            }
            if field(STEP, row, 4)? {
                retired.cascades_from.insert(name.clone());
            }
            retired.references.insert(name);
        }
    }
    Ok(())
}

/// Of roots that are none of the policy's: what they are called now.
fn read_roots(reader: &mut Reader<'_>, roots: &Roots, all: &mut BTreeMap<Oid, Retired>) -> Result<(), InspectError> {
    let strange = |oid: &Oid| !roots.oids.contains(&oid.0);
    let oids: BTreeSet<Oid> = all.values().map(|table| table.marker.root_oid).filter(strange).collect();
    if oids.is_empty() {
        return Ok(());
    }
    let oids: Vec<u32> = oids.into_iter().map(|oid| oid.0).collect();
    let params: [(&(dyn ToSql + Sync), Type); 2] = [(&oids, Type::OID_ARRAY), (&HOLD_REGEX, Type::TEXT)];
    let rows = reader.query(STEP, include_str!("retired_roots.sql"), &params)?;
    let mut names = BTreeMap::new();
    for row in &rows {
        let held: bool = field(STEP, row, 3)?;
        names.extend(table(row, 1)?.map(|name| Ok((Oid(field(STEP, row, 0)?), (name, held)))).transpose()?);
    }
    for retired in all.values_mut() {
        if let Some((name, held)) = names.get(&retired.marker.root_oid) {
            (retired.root_now, retired.root_held) = (Some(name.clone()), *held);
        }
    }
    Ok(())
}
