//! Connection limits and settings of roles, where the policy speaks of them.

use std::collections::{BTreeMap, BTreeSet};

use postgres::types::Type;
use postgres::{Client, Row};

use super::super::error::InspectError;
use super::super::limits::{Capacity, DatabaseFacts, LimitFacts, MayAlter, RoleFacts};
use super::super::reader::{Reader, field};
use super::super::snapshot::Snapshot;
use super::BEGIN;
use crate::sql::Ident;

const STEP: &str = "reading connection limits";

/// Reads the database's limit, these roles' and the server's capacity into the snapshot, in a transaction that waits for
/// nobody.
///
/// # Errors
/// The server's refusal or a lost connection.
pub fn inspect_limits(
    client: &mut Client,
    snapshot: &mut Snapshot,
    roles: &BTreeSet<Ident>,
) -> Result<(), InspectError> {
    let major = snapshot.target.major();
    let facts = Reader::transaction(client, BEGIN, |reader| read(reader, roles, major))?;
    snapshot.catalog.limits = Some(facts);
    Ok(())
}

fn read(reader: &mut Reader<'_>, roles: &BTreeSet<Ident>, major: u32) -> Result<LimitFacts, InspectError> {
    let names: Vec<&str> = roles.iter().map(Ident::as_str).collect();
    // From 16 on a membership may come without the right to SET ROLE; before, it always did.
    let right = if major >= 16 { "SET" } else { "MEMBER" };
    let rows = reader.query(STEP, include_str!("limits.sql"), &[(&names, Type::TEXT_ARRAY), (&right, Type::TEXT)])?;
    let mut database = None;
    let mut found = BTreeMap::new();
    for row in &rows {
        let (connection_limit, sessions) = (field(STEP, row, 1)?, count(row, 3)?);
        match field::<_, Option<&str>>(STEP, row, 0)? {
            None => {
                let may_alter = match (field(STEP, row, 4)?, field(STEP, row, 5)?) {
                    (true, _) => MayAlter::AsItself,
                    (false, true) => MayAlter::AsOwner,
                    (false, false) => MayAlter::No,
                };
                database = Some(DatabaseFacts {
                    name: Ident::new(field::<_, &str>(STEP, row, 7)?),
                    owner: Ident::new(field::<_, &str>(STEP, row, 6)?),
                    connection_limit,
                    sessions,
                    may_alter,
                    settings: settings(row, 8)?,
                });
            }
            Some(name) => {
                let facts = RoleFacts {
                    connection_limit,
                    superuser: field(STEP, row, 2)?,
                    sessions,
                    may_limit: field(STEP, row, 4)?,
                    may_set: field(STEP, row, 5)?,
                    settings_here: settings(row, 8)?,
                    settings: settings(row, 9)?,
                };
                found.insert(Ident::new(name), facts);
            }
        }
    }
    let rows = reader.query(STEP, include_str!("capacity.sql"), &[])?;
    let row = rows.first().ok_or_else(|| InspectError::unreadable(STEP, "no row"))?;
    let capacity =
        Capacity { max_connections: number(row, 0)?, superuser_reserved: number(row, 1)?, reserved: number(row, 2)? };
    let database = database.ok_or_else(|| InspectError::unreadable(STEP, "the database is not in pg_database"))?;
    Ok(LimitFacts { database, roles: found, capacity })
}

/// `name=value` as the catalog keeps it.
fn settings(row: &Row, at: usize) -> Result<BTreeMap<String, String>, InspectError> {
    let all: Vec<String> = field(STEP, row, at)?;
    let pairs = all.iter().filter_map(|pair| pair.split_once('='));
    Ok(pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect())
}

fn count(row: &Row, at: usize) -> Result<u32, InspectError> {
    let count: i64 = field(STEP, row, at)?;
    u32::try_from(count).map_err(|_| InspectError::unreadable(STEP, format!("{count} sessions")))
}

fn number(row: &Row, at: usize) -> Result<u32, InspectError> {
    let number: i32 = field(STEP, row, at)?;
    u32::try_from(number).map_err(|_| InspectError::unreadable(STEP, format!("{number} connections")))
}
