//! Whether tables are distributed by Citus.

use std::collections::BTreeSet;

use postgres::types::Type;

use super::super::citus::Citus;
use super::super::error::InspectError;
use super::super::reader::{Reader, field};
use super::super::snapshot::Oid;
use super::Roots;

const STEP: &str = "reading what Citus has distributed";

/// `None` where the database has no Citus. Where its catalog may not be read, every table is taken to be distributed: that
/// costs a lock, and the opposite a failure.
pub(super) fn read(
    reader: &mut Reader<'_>,
    roots: &Roots,
    retired: impl Iterator<Item = Oid>,
) -> Result<Option<Citus>, InspectError> {
    let rows = reader.query(STEP, include_str!("citus.sql"), &[])?;
    let Some(row) = rows.first() else { return Ok(None) };
    let mut oids = roots.oids.clone();
    oids.extend(retired.map(|oid| oid.0));
    let distributed: BTreeSet<Oid> = match field(STEP, row, "tables")? {
        true => {
            let found = reader.query(STEP, include_str!("citus_tables.sql"), &[(&oids, Type::OID_ARRAY)])?;
            found.iter().map(|row| Ok(Oid(field(STEP, row, 0)?))).collect::<Result<_, InspectError>>()?
        }
        false => oids.into_iter().map(Oid).collect(),
    };
    let worker = match field(STEP, row, "group")? {
        true => {
            // Of the coordinator it is 0, and is 0 as well where the cluster is this server alone.
            let group =
                "/* pgstrata inspect */ SELECT EXISTS (SELECT 1 FROM pg_catalog.pg_dist_local_group WHERE groupid > 0)";
            let rows = reader.query(STEP, group, &[])?;
            rows.first().map(|row| field(STEP, row, 0)).transpose()?.unwrap_or(false)
        }
        false => false,
    };
    Ok(Some(Citus { worker, distributed, has_sizes: field(STEP, row, "sizes")? }))
}
