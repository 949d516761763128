//! Facts of maintenance, for the tables whose policy speaks of it.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use postgres::types::{ToSql, Type};
use postgres::{Client, Row};

use super::super::error::InspectError;
use super::super::reader::{Reader, field};
use super::super::snapshot::{Oid, Snapshot};
use super::super::upkeep::{AutovacuumSettings, IndexUpkeep, LeafUpkeep, Upkeep};
use super::{BEGIN, pairs, roots_of};
use crate::sql::{LockMode, TableName};

const STEP: &str = "reading how tables are kept";

/// Modes that keep a VACUUM or an ANALYZE waiting, or that write: weakest first.
const MODES: [LockMode; 6] = [
    LockMode::RowExclusive,
    LockMode::ShareUpdateExclusive,
    LockMode::Share,
    LockMode::ShareRowExclusive,
    LockMode::Exclusive,
    LockMode::AccessExclusive,
];

/// An index below this is left alone: rebuilding it gains nothing that anybody would notice.
const INDEX_FLOOR_BYTES: i64 = 10 << 20;

/// Reads how these tables are kept into their roots, in a transaction that waits for nobody. Indexes are read of
/// `indexes_of` alone.
///
/// # Errors
/// The server's refusal or a lost connection.
pub fn inspect_upkeep(
    client: &mut Client,
    snapshot: &mut Snapshot,
    tables: &BTreeSet<TableName>,
    indexes_of: &BTreeSet<TableName>,
) -> Result<(), InspectError> {
    let major = snapshot.target.major();
    let mut roots = roots_of(snapshot, tables);
    if roots.is_empty() {
        return Ok(());
    }
    Reader::transaction(client, BEGIN, |reader| {
        let oids: Vec<u32> = roots.keys().map(|oid| oid.0).collect();
        let mut found = of_roots(reader, &oids, major)?;
        let indexed: Vec<u32> =
            roots.iter().filter(|(_, (name, _))| indexes_of.contains(*name)).map(|(oid, _)| oid.0).collect();
        if !indexed.is_empty() {
            indexes(reader, &indexed, &mut found)?;
        }
        for (oid, upkeep) in found {
            if let Some((_, root)) = roots.get_mut(&oid) {
                root.upkeep = Some(Box::new(upkeep));
            }
        }
        Ok(())
    })
}

fn of_roots(reader: &mut Reader<'_>, oids: &[u32], major: u32) -> Result<BTreeMap<Oid, Upkeep>, InspectError> {
    let server = reader.query(STEP, include_str!("upkeep_server.sql"), &[])?;
    let server = server.first().ok_or_else(|| InspectError::unreadable(STEP, "no row"))?;
    let base = Upkeep {
        counted_since: instant(server, "counted_since")?,
        horizon_age: u32::try_from(field::<_, i32>(STEP, server, "horizon_age")?).unwrap_or_default(),
        block_bytes: u64::try_from(field::<_, i64>(STEP, server, "block_bytes")?).unwrap_or(8192),
        autovacuum: AutovacuumSettings(pairs(field::<_, Option<Vec<String>>>(STEP, server, "settings")?)),
        ..Upkeep::default()
    };
    // relallfrozen came with 18, the privilege MAINTAIN with 17.
    let frozen = if major >= 18 { "c.relallfrozen" } else { "NULL::int4" };
    let maintain = if major >= 17 { "has_table_privilege(session_user, c.oid, 'MAINTAIN')" } else { "false" };
    let sql = include_str!("upkeep.sql").replace("{frozen}", frozen).replace("{maintain}", maintain);
    let modes: Vec<&str> = MODES.iter().map(|mode| mode.in_pg_locks()).collect();
    let params: [(&(dyn ToSql + Sync), Type); 2] = [(&oids, Type::OID_ARRAY), (&modes, Type::TEXT_ARRAY)];
    let mut found: BTreeMap<Oid, Upkeep> = oids.iter().map(|oid| (Oid(*oid), base.clone())).collect();
    for row in &reader.query(STEP, &sql, &params)? {
        let (root, oid) = (Oid(field(STEP, row, "root")?), Oid(field(STEP, row, "oid")?));
        let Some(upkeep) = found.get_mut(&root) else { continue };
        let kind: i8 = field(STEP, row, "relkind")?;
        if root == oid {
            upkeep.analyzed = field::<_, f32>(STEP, row, "reltuples")? >= 0.0;
            upkeep.analyzed_at = instant(row, "analyzed_at")?;
            upkeep.may_maintain = field::<_, Option<bool>>(STEP, row, "may_maintain")? == Some(true);
            // Whoever writes holds ROW EXCLUSIVE on the root, and is in nobody's way.
            let maintains = field::<_, Option<bool>>(STEP, row, "maintains")? == Some(true);
            upkeep.busy = busy(row)?.filter(|_| maintains);
        } else if kind.cast_unsigned() == b'r' {
            upkeep.leaves.insert(oid, leaf(row)?);
        }
    }
    Ok(found)
}

fn leaf(row: &Row) -> Result<LeafUpkeep, InspectError> {
    let count = |column: &str| -> Result<u64, InspectError> {
        Ok(u64::try_from(field::<_, Option<i64>>(STEP, row, column)?.unwrap_or_default()).unwrap_or_default())
    };
    let pages = |column: &str| -> Result<Option<u64>, InspectError> {
        Ok(field::<_, Option<i32>>(STEP, row, column)?.and_then(|pages| u64::try_from(pages).ok()))
    };
    let age = |column: &str| -> Result<u32, InspectError> {
        Ok(u32::try_from(field::<_, Option<i32>>(STEP, row, column)?.unwrap_or_default()).unwrap_or_default())
    };
    let mut parameters = pairs(field::<_, Option<Vec<String>>>(STEP, row, "reloptions")?);
    parameters.retain(|name, _| name.starts_with("autovacuum"));
    Ok(LeafUpkeep {
        pages: pages("relpages")?.unwrap_or_default(),
        rows: super::leaves::rows_estimate(field(STEP, row, "reltuples")?),
        visible: pages("relallvisible")?.unwrap_or_default(),
        frozen: pages("frozen")?,
        xid_age: age("xid_age")?,
        mxid_age: age("mxid_age")?,
        busy: busy(row)?,
        may_maintain: field::<_, Option<bool>>(STEP, row, "may_maintain")? == Some(true),
        vacuumed_at: instant(row, "vacuumed_at")?,
        dead: count("dead")?,
        inserted: count("inserted")?,
        modified: count("modified")?,
        parameters,
    })
}

fn indexes(reader: &mut Reader<'_>, roots: &[u32], found: &mut BTreeMap<Oid, Upkeep>) -> Result<(), InspectError> {
    let params: [(&(dyn ToSql + Sync), Type); 2] = [(&roots, Type::OID_ARRAY), (&INDEX_FLOOR_BYTES, Type::INT8)];
    for row in &reader.query(STEP, include_str!("upkeep_indexes.sql"), &params)? {
        let Some(upkeep) = found.get_mut(&Oid(field(STEP, row, "inhparent")?)) else { continue };
        let (schema, name): (&str, &str) = (field(STEP, row, "nspname")?, field(STEP, row, "relname")?);
        let widths: Option<Vec<i32>> = field(STEP, row, "widths")?;
        let aligns: Option<String> = field(STEP, row, "aligns")?;
        let nullable: Option<bool> = field(STEP, row, "nullable")?;
        let index = IndexUpkeep {
            name: TableName::new(schema, name),
            leaf: Oid(field(STEP, row, "indrelid")?),
            pages: u64::try_from(field::<_, i32>(STEP, row, "relpages")?).unwrap_or_default(),
            entries: super::leaves::rows_estimate(field(STEP, row, "reltuples")?),
            entry_bytes: entry_bytes(&widths.unwrap_or_default(), &aligns.unwrap_or_default(), nullable != Some(false)),
            fillfactor: u64::try_from(field::<_, i32>(STEP, row, "fillfactor")?).unwrap_or(90),
        };
        upkeep.indexes.insert(Oid(field(STEP, row, "indexrelid")?), index);
    }
    Ok(())
}

/// Bytes of an entry: header, columns as they are aligned, and the line pointer. `None` where a width varies.
fn entry_bytes(widths: &[i32], aligns: &str, nullable: bool) -> Option<u64> {
    const POINTER: u64 = 4;
    let mut bytes: u64 = if nullable { 16 } else { 8 };
    for (width, align) in widths.iter().zip(aligns.chars()) {
        let width = u64::try_from(*width).ok()?;
        let align = match align {
            'c' => 1,
            's' => 2,
            'i' => 4,
            _ => 8,
        };
        bytes = bytes.next_multiple_of(align) + width;
    }
    Some(bytes.next_multiple_of(8) + POINTER)
}

fn busy(row: &Row) -> Result<Option<LockMode>, InspectError> {
    Ok(field::<_, Option<&str>>(STEP, row, "busy")?.and_then(LockMode::from_pg_locks))
}

fn instant(row: &Row, column: &str) -> Result<Option<Timestamp>, InspectError> {
    let micros: Option<i64> = field(STEP, row, column)?;
    Ok(micros.and_then(|micros| Timestamp::from_microsecond(micros).ok()))
}

#[cfg(test)]
mod tests {
    use super::entry_bytes;

    #[test]
    fn entries_of_fixed_width_are_as_wide_as_their_alignment_makes_them() {
        assert_eq!(entry_bytes(&[8], "d", false), Some(20));
        assert_eq!(entry_bytes(&[4, 8], "id", false), Some(28));
        assert_eq!(entry_bytes(&[4], "i", true), Some(28));
        assert_eq!(entry_bytes(&[8, -1], "di", false), None, "text");
    }
}
