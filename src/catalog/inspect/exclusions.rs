//! Exclusion constraints, and keys WITHOUT OVERLAPS, of roots and of tables that may be attached again.

use std::collections::BTreeMap;

use postgres::types::Type;

use super::super::error::InspectError;
use super::super::reader::{Reader, field};
use super::super::snapshot::{Oid, Retired};
use super::Roots;
use crate::sql::Ident;

const STEP: &str = "reading exclusion constraints";

/// The first major version whose partitioned tables may have such constraints.
const SINCE: u32 = 17;

pub(super) fn read(
    reader: &mut Reader<'_>,
    roots: &mut Roots,
    retired: &mut BTreeMap<Oid, Retired>,
    major: u32,
) -> Result<(), InspectError> {
    if major < SINCE {
        return Ok(());
    }
    let pending: BTreeMap<Oid, Oid> =
        roots.iter().filter_map(|(_, root)| Some((root.pending_leaf()?.0, root.oid))).collect();
    let mut oids = roots.oids.clone();
    oids.extend(pending.keys().chain(retired.keys()).map(|oid| oid.0));
    let rows = reader.query(STEP, include_str!("exclusions.sql"), &[(&oids, Type::OID_ARRAY)])?;
    for row in &rows {
        let oid = Oid(field(STEP, row, 0)?);
        let (name, meaning): (&str, &str) = (field(STEP, row, 1)?, field(STEP, row, 2)?);
        let (name, meaning) = (Ident::new(name), meaning.to_owned());
        if let Some(root) = roots.get(oid) {
            root.exclusions.own.insert(name, meaning);
        } else if let Some(root) = pending.get(&oid).and_then(|root| roots.get(*root)) {
            root.exclusions.of_pending.insert(name, meaning);
        } else if let Some(table) = retired.get_mut(&oid) {
            table.exclusions.insert(name, meaning);
        }
    }
    Ok(())
}
