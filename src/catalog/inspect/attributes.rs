//! What new partitions get from their root: grants and statistics targets.

use std::collections::{BTreeMap, BTreeSet};

use postgres::types::{ToSql, Type};

use super::super::attributes::AclItem;
use super::super::error::InspectError;
use super::super::reader::{Reader, field};
use super::super::snapshot::Oid;
use super::Roots;
use crate::sql::Ident;

/// Table, grantee, column, and whether it may be granted on.
type GrantKey = (Oid, Option<Ident>, Option<Ident>, bool);

pub(super) fn read_grants(reader: &mut Reader<'_>, roots: &mut Roots) -> Result<(), InspectError> {
    for (oid, grants) in grants(reader, &roots.oids_param())? {
        if let Some(root) = roots.get(oid) {
            root.attributes.grants = grants;
        }
    }
    Ok(())
}

/// Grants on these tables and their columns, to others than the owner.
pub(super) fn grants(
    reader: &mut Reader<'_>,
    oids: &(&(dyn ToSql + Sync), Type),
) -> Result<BTreeMap<Oid, Vec<AclItem>>, InspectError> {
    const STEP: &str = "reading grants";
    let rows = reader.query(STEP, include_str!("grants.sql"), std::slice::from_ref(oids))?;
    // Several grantors may have granted the same: privileges of one grantee are merged.
    let mut grants: BTreeMap<GrantKey, BTreeSet<String>> = BTreeMap::new();
    for row in &rows {
        let public: bool = field(STEP, row, 1)?;
        let role: Option<&str> = field(STEP, row, 2)?;
        if !public && role.is_none() {
            // A role that is being dropped: nobody to grant to.
            continue;
        }
        let column: Option<&str> = field(STEP, row, 3)?;
        let key = (Oid(field(STEP, row, 0)?), role.map(Ident::new), column.map(Ident::new), field(STEP, row, 4)?);
        grants.entry(key).or_default().insert(field(STEP, row, 5)?);
    }
    let mut items: BTreeMap<Oid, Vec<AclItem>> = BTreeMap::new();
    for ((oid, grantee, column, grantable), privileges) in grants {
        let privileges = privileges.into_iter().collect();
        items.entry(oid).or_default().push(AclItem { grantee, column, grantable, privileges });
    }
    Ok(items)
}

pub(super) fn read_statistics_targets(reader: &mut Reader<'_>, roots: &mut Roots) -> Result<(), InspectError> {
    for (oid, targets) in statistics_targets(reader, &roots.oids_param())? {
        if let Some(root) = roots.get(oid) {
            root.attributes.statistics_targets = targets;
        }
    }
    Ok(())
}

/// Statistics targets of these tables' columns, where set.
pub(super) fn statistics_targets(
    reader: &mut Reader<'_>,
    oids: &(&(dyn ToSql + Sync), Type),
) -> Result<BTreeMap<Oid, BTreeMap<Ident, i32>>, InspectError> {
    const STEP: &str = "reading statistics targets";
    let mut targets: BTreeMap<Oid, BTreeMap<Ident, i32>> = BTreeMap::new();
    for row in &reader.query(STEP, include_str!("statistics.sql"), std::slice::from_ref(oids))? {
        let column: &str = field(STEP, row, 1)?;
        targets.entry(Oid(field(STEP, row, 0)?)).or_default().insert(Ident::new(column), field(STEP, row, 2)?);
    }
    Ok(targets)
}
