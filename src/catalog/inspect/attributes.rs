//! What new partitions get from their root: grants and statistics targets.

use std::collections::{BTreeMap, BTreeSet};

use super::super::attributes::AclItem;
use super::super::error::InspectError;
use super::super::reader::{Reader, field};
use super::super::snapshot::Oid;
use super::Roots;
use crate::sql::Ident;

/// Table, grantee, column, and whether it may be granted on.
type GrantKey = (Oid, Option<Ident>, Option<Ident>, bool);

pub(super) fn read_grants(reader: &mut Reader<'_>, roots: &mut Roots) -> Result<(), InspectError> {
    const STEP: &str = "reading grants";
    let rows = reader.query(STEP, include_str!("grants.sql"), &[roots.oids_param()])?;
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
    for ((oid, grantee, column, grantable), privileges) in grants {
        if let Some(root) = roots.get(oid) {
            let privileges = privileges.into_iter().collect();
            root.attributes.grants.push(AclItem { grantee, column, grantable, privileges });
        }
    }
    Ok(())
}

pub(super) fn read_statistics_targets(reader: &mut Reader<'_>, roots: &mut Roots) -> Result<(), InspectError> {
    const STEP: &str = "reading statistics targets";
    let rows = reader.query(STEP, include_str!("statistics.sql"), &[roots.oids_param()])?;
    for row in &rows {
        if let Some(root) = roots.get(Oid(field(STEP, row, 0)?)) {
            let column: &str = field(STEP, row, 1)?;
            root.attributes.statistics_targets.insert(Ident::new(column), field(STEP, row, 2)?);
        }
    }
    Ok(())
}
