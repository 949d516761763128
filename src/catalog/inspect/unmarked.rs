//! Tables that look like detached partitions, and have no marker: whoever writes a comment by hand overwrites it.

use std::collections::BTreeSet;

use postgres::types::{ToSql, Type};

use super::super::error::InspectError;
use super::super::marker::{MARKER_PREFIX, holds};
use super::super::reader::{Reader, field};
use super::super::snapshot::{Oid, Unmarked};
use super::Roots;
use crate::sql::TableName;

const STEP: &str = "reading tables like partitions";

pub(super) fn read(reader: &mut Reader<'_>, roots: &mut Roots) -> Result<(), InspectError> {
    let homes: BTreeSet<(u32, &str)> = roots
        .iter()
        .flat_map(|(name, root)| {
            let schemas = root.leaves.values().map(|leaf| &leaf.name.schema).chain([&name.schema]);
            schemas.map(|schema| (root.oid.0, schema.as_str()))
        })
        .collect();
    let (oids, schemas): (Vec<u32>, Vec<&str>) = homes.into_iter().unzip();
    let params: [(&(dyn ToSql + Sync), Type); 2] = [(&oids, Type::OID_ARRAY), (&schemas, Type::TEXT_ARRAY)];
    let rows = reader.query(STEP, include_str!("unmarked.sql"), &params)?;
    for row in &rows {
        let comment = field::<_, Option<&[u8]>>(STEP, row, 3)?.map(String::from_utf8_lossy).unwrap_or_default();
        // A broken marker is none, and has a finding of its own.
        if comment.lines().any(|line| line.starts_with(MARKER_PREFIX)) {
            continue;
        }
        let (schema, name): (&str, &str) = (field(STEP, row, 1)?, field(STEP, row, 2)?);
        let table =
            Unmarked { name: TableName::new(schema, name), held: holds(&comment), has_bounds: field(STEP, row, 4)? };
        if let Some(root) = roots.get(Oid(field(STEP, row, 0)?)) {
            root.unmarked.insert(table);
        }
    }
    Ok(())
}
