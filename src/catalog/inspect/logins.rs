//! What the login of an owner sees of the tables of that owner.

use std::collections::{BTreeMap, BTreeSet};

use postgres::Client;

use super::super::error::InspectError;
use super::super::reader::Reader;
use super::super::snapshot::{Oid, Retired, Root, Snapshot, TableState};
use super::{BEGIN, rights, session, target, trust};
use crate::sql::{Ident, TableName};

/// Reads who the login is, and whose code would run as it, and puts that in the place of what the first session saw.
///
/// # Errors
/// The server's refusal, a lost connection, or a login to another database or of another role.
pub fn inspect_login(client: &mut Client, snapshot: &mut Snapshot, owner: &Ident) -> Result<(), InspectError> {
    let tables: BTreeMap<Oid, (TableName, Root)> = snapshot
        .catalog
        .tables
        .iter()
        .filter_map(|(name, state)| match state {
            TableState::Partitioned(root) if root.attributes.owner == *owner => {
                Some((root.oid, (name.clone(), (**root).clone())))
            }
            TableState::Partitioned(_) | TableState::Missing | TableState::Unfit(_) => None,
        })
        .collect();
    let retired: BTreeMap<Oid, Retired> = snapshot.catalog.retired.clone();
    let taken_at = snapshot.taken_at;
    let (facts, role, code, lacks) = Reader::transaction(client, BEGIN, |reader| {
        let facts = target::read(reader, &snapshot.target.host, &|| taken_at)?;
        let mut owners: BTreeSet<Ident> = BTreeSet::from([owner.clone()]);
        let mut schemas: BTreeSet<&str> = BTreeSet::new();
        for (name, root) in tables.values() {
            owners.extend(root.leaves.values().map(|leaf| leaf.owner.clone()));
            schemas.insert(name.schema.as_str());
            schemas.extend(root.leaves.values().map(|leaf| leaf.name.schema.as_str()));
        }
        owners.extend(retired.values().map(|table| table.owner.clone()));
        let role = session::read(reader, &facts, &owners)?;
        let code = trust::read_of(reader, &tables.iter().map(|(oid, (name, _))| (*oid, name)).collect(), &retired)?;
        let lacks = rights::read(reader, &BTreeSet::from([role.name.as_str()]), &schemas)?;
        Ok((facts, role, code, lacks))
    })?;
    if facts.target.database_oid != snapshot.target.database_oid
        || facts.target.in_recovery != snapshot.target.in_recovery
    {
        let message = format!("it leads to another database, {}", facts.target.database);
        return Err(InspectError::login(owner, message));
    }
    if role.name != owner.as_str() && !role.superuser && !role.may_become.contains(owner) {
        let message = format!("it connects as {}, which is not {owner} and may not SET ROLE to it", role.name);
        return Err(InspectError::login(owner, message));
    }
    for (name, _) in tables.values() {
        snapshot.catalog.owners_code.remove(name);
    }
    snapshot.catalog.owners_code.extend(code);
    snapshot.catalog.lacks.extend(lacks);
    snapshot.catalog.logins.insert(owner.clone(), role);
    Ok(())
}
