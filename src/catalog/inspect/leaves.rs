//! Partitions: the direct children of the roots, in one query for all of them.

use postgres::Row;

use super::super::error::InspectError;
use super::super::marker::{Marker, holds};
use super::super::reader::{Reader, field};
use super::super::snapshot::{Leaf, LeafKind, Oid};
use super::Roots;
use crate::grid::{KeyKind, LeafBounds};
use crate::sql::{Ident, TableName};

const STEP: &str = "reading partitions";

pub(super) fn read(reader: &mut Reader<'_>, roots: &mut Roots) -> Result<(), InspectError> {
    let rows = reader.query(STEP, include_str!("leaves.sql"), &[roots.oids_param()])?;
    for row in &rows {
        if let Some(root) = roots.get(Oid(field(STEP, row, 0)?)) {
            root.leaves.insert(Oid(field(STEP, row, 1)?), leaf(row, root.key.kind)?);
        }
    }
    Ok(())
}

fn leaf(row: &Row, key: KeyKind) -> Result<Leaf, InspectError> {
    let kind: i8 = field(STEP, row, 5)?;
    let bounds: Option<&str> = field(STEP, row, 7)?;
    let comment = field::<_, Option<&[u8]>>(STEP, row, 8)?.map(String::from_utf8_lossy);
    Ok(Leaf {
        name: TableName { schema: ident(row, 2)?, name: ident(row, 3)? },
        owner: ident(row, 4)?,
        kind: match kind.cast_unsigned() {
            b'f' => LeafKind::Foreign,
            b'p' => LeafKind::Partitioned,
            _ => LeafKind::Table,
        },
        bounds: bounds.map_or_else(|| LeafBounds::Other(String::new()), |text| LeafBounds::parse(key, text)),
        pending: field(STEP, row, 6)?,
        held: comment.as_deref().is_some_and(holds),
        marker: comment.as_deref().and_then(Marker::find),
        rows_estimate: rows_estimate(field(STEP, row, 9)?),
    })
}

fn ident(row: &Row, column: usize) -> Result<Ident, InspectError> {
    Ok(Ident::new(field::<_, &str>(STEP, row, column)?))
}

/// `reltuples` is -1 until a relation is first vacuumed or analyzed.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a whole, non-negative count")]
pub(super) fn rows_estimate(reltuples: f32) -> Option<u64> {
    (reltuples >= 0.0).then_some(reltuples as u64)
}
