//! Policies of row security: the only part of an inspection that opens a relation.
//!
//! `pg_get_expr(polqual, polrelid)` takes ACCESS SHARE on the table, and on every table that the expression names, so it
//! waits for whoever holds ACCESS EXCLUSIVE there; with 0 in place of the table it is refused as soon as the expression
//! names a column (14 to 18: measured). The raw node tree could be read without a lock, but not turned into text. So the
//! text is asked for last, under the transaction's short `lock_timeout`, in a savepoint that gives the locks back; a
//! table whose policies stay unread is not planned: its new partitions would lack them.

use std::collections::BTreeSet;

use postgres::Row;
use postgres::types::Type;

use super::super::attributes::RowPolicy;
use super::super::error::InspectError;
use super::super::reader::{Reader, field};
use super::super::snapshot::Oid;
use super::Roots;
use crate::sql::{Ident, TableName};

const STEP: &str = "reading row security policies";

/// Reads the policies of these roots. What comes back are those whose policies could not be read, and why.
pub(super) fn read(
    reader: &mut Reader<'_>,
    roots: &mut Roots,
    with_policies: &[Oid],
) -> Result<Vec<(Oid, String)>, InspectError> {
    if with_policies.is_empty() || read_some(reader, roots, with_policies)?.is_ok() {
        return Ok(Vec::new());
    }
    // One of them is in the way of all: find out which.
    let mut unread = Vec::new();
    for oid in with_policies {
        if let Err(error) = read_some(reader, roots, std::slice::from_ref(oid))? {
            unread.push((*oid, format!("locked: its row security policies cannot be read: {}", error.because())));
        }
    }
    Ok(unread)
}

fn read_some(
    reader: &mut Reader<'_>,
    roots: &mut Roots,
    with_policies: &[Oid],
) -> Result<Result<(), InspectError>, InspectError> {
    let oids: Vec<u32> = with_policies.iter().map(|oid| oid.0).collect();
    let read =
        reader.aside(STEP, |reader| reader.query(STEP, include_str!("policies.sql"), &[(&oids, Type::OID_ARRAY)]))?;
    let rows = match read {
        Ok(rows) => rows,
        Err(error) => return Ok(Err(error)),
    };
    for row in &rows {
        if let Some(root) = roots.get(Oid(field(STEP, row, 0)?)) {
            root.attributes.row_security.policies.push(policy(row)?);
        }
    }
    Ok(Ok(()))
}

fn policy(row: &Row) -> Result<RowPolicy, InspectError> {
    let name: &str = field(STEP, row, 1)?;
    let command: i8 = field(STEP, row, 3)?;
    let roles: Vec<Option<&str>> = field(STEP, row, 4)?;
    let command = match command.cast_unsigned() {
        b'*' => "ALL",
        b'r' => "SELECT",
        b'a' => "INSERT",
        b'w' => "UPDATE",
        b'd' => "DELETE",
        other => return Err(InspectError::unreadable(STEP, format!("policy command `{}`", char::from(other)))),
    };
    Ok(RowPolicy {
        name: Ident::new(name),
        permissive: field(STEP, row, 2)?,
        command: command.to_owned(),
        roles: roles.into_iter().map(|role| role.map(Ident::new)).collect(),
        using: field(STEP, row, 5)?,
        check: field(STEP, row, 6)?,
        reads: reads(row)?,
    })
}

fn reads(row: &Row) -> Result<BTreeSet<TableName>, InspectError> {
    let schemas: Option<Vec<&str>> = field(STEP, row, 7)?;
    let names: Option<Vec<&str>> = field(STEP, row, 8)?;
    let pairs = schemas.unwrap_or_default().into_iter().zip(names.unwrap_or_default());
    Ok(pairs.map(|(schema, name)| TableName::new(schema, name)).collect())
}
