//! Publications that carry a root's changes under its partitions' names.

use super::super::error::InspectError;
use super::super::reader::{Reader, field};
use super::super::snapshot::Oid;
use super::Roots;

const STEP: &str = "reading publications";

pub(super) fn read(reader: &mut Reader<'_>, roots: &mut Roots, major: u32) -> Result<(), InspectError> {
    let mut rows = reader.query(STEP, include_str!("publications.sql"), &[roots.oids_param()])?;
    // FOR TABLES IN SCHEMA came with 15.
    if major >= 15 {
        rows.extend(reader.query(STEP, include_str!("publications_by_schema.sql"), &[roots.oids_param()])?);
    }
    for row in &rows {
        if let Some(root) = roots.get(Oid(field(STEP, row, 0)?)) {
            root.leaf_publications.insert(field(STEP, row, 1)?);
        }
    }
    Ok(())
}
