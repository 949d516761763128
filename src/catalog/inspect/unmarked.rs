//! Tables that look like detached partitions, and have no marker: whoever writes a comment by hand overwrites it.

use super::super::error::InspectError;
use super::super::marker::{MARKER_PREFIX, holds};
use super::super::reader::{Reader, field};
use super::super::snapshot::{Oid, Unmarked};
use super::Roots;
use crate::sql::TableName;

const STEP: &str = "reading tables like partitions";

pub(super) fn read(reader: &mut Reader<'_>, roots: &mut Roots) -> Result<(), InspectError> {
    let rows = reader.query(STEP, include_str!("unmarked.sql"), &[roots.oids_param()])?;
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
