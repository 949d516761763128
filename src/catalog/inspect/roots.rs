//! What stands behind each name of the policy.

use std::collections::{BTreeMap, BTreeSet};

use postgres::Row;
use postgres::types::Type;

use super::super::attributes::{Attributes, ReplicaIdentity, RowSecurity};
use super::super::error::InspectError;
use super::super::marker::holds;
use super::super::reader::{Reader, field};
use super::super::snapshot::{Exclusions, KeyColumn, Oid, PLAIN_TABLE, Root, TableState};
use crate::grid::KeyKind;
use crate::sql::{Ident, TableName};

const STEP: &str = "reading partitioned tables";

/// What a name stands for, before the rest of a root is read.
pub(super) struct Found {
    pub(super) state: TableState,
    /// It has policies of row security, which are read last.
    pub(super) has_policies: bool,
}

pub(super) fn read(
    reader: &mut Reader<'_>,
    tables: &BTreeSet<TableName>,
) -> Result<BTreeMap<TableName, Found>, InspectError> {
    let schemas: Vec<&str> = tables.iter().map(|table| table.schema.as_str()).collect();
    let names: Vec<&str> = tables.iter().map(|table| table.name.as_str()).collect();
    let params: [(&(dyn postgres::types::ToSql + Sync), Type); 2] =
        [(&schemas, Type::TEXT_ARRAY), (&names, Type::TEXT_ARRAY)];
    let rows = reader.query(STEP, include_str!("roots.sql"), &params)?;
    rows.iter()
        .map(|row| {
            let schema: &str = field(STEP, row, "schema_name")?;
            let name: &str = field(STEP, row, "table_name")?;
            let found = Found {
                state: state(row)?,
                has_policies: field::<_, Option<bool>>(STEP, row, "has_policies")? == Some(true),
            };
            Ok((TableName::new(schema, name), found))
        })
        .collect()
}

fn state(row: &Row) -> Result<TableState, InspectError> {
    let Some(oid) = field::<_, Option<u32>>(STEP, row, "oid")? else { return Ok(TableState::Missing) };
    match key(row)? {
        Ok(key) => Ok(TableState::Partitioned(Box::new(root(row, Oid(oid), key)?))),
        Err(unfit) => Ok(TableState::Unfit(unfit)),
    }
}

/// The partition key, or what the relation is instead.
fn key(row: &Row) -> Result<Result<KeyColumn, String>, InspectError> {
    let relkind: i8 = field(STEP, row, "relkind")?;
    let kind = relkind.cast_unsigned();
    // An index may be a partition of another, too.
    if let (b'p' | b'r' | b'f', Some(parent)) = (kind, field::<_, Option<&str>>(STEP, row, "parent_name")?) {
        let schema: &str = field(STEP, row, "parent_schema")?;
        return Ok(Err(format!("itself a partition of {}", TableName::new(schema, parent))));
    }
    if kind != b'p' {
        return Ok(Err(relation_kind(kind).to_owned()));
    }
    let strategy: i8 = field(STEP, row, "partstrat")?;
    match strategy.cast_unsigned() {
        b'r' => {}
        b'l' => return Ok(Err("partitioned by LIST".to_owned())),
        b'h' => return Ok(Err("partitioned by HASH".to_owned())),
        other => return Ok(Err(format!("partitioned by a strategy `{}` that is not known here", char::from(other)))),
    }
    let columns: i16 = field(STEP, row, "partnatts")?;
    if columns != 1 {
        return Ok(Err(format!("partitioned by {columns} columns")));
    }
    if field(STEP, row, "key_is_expression")? {
        return Ok(Err("partitioned by an expression".to_owned()));
    }
    let kind = match Type::from_oid(field(STEP, row, "key_base_type")?) {
        Some(Type::TIMESTAMPTZ) => KeyKind::Timestamptz,
        Some(Type::TIMESTAMP) => KeyKind::Timestamp,
        Some(Type::DATE) => KeyKind::Date,
        Some(Type::INT2) => KeyKind::SmallInt,
        Some(Type::INT4) => KeyKind::Integer,
        Some(Type::INT8) => KeyKind::BigInt,
        Some(Type::UUID) => KeyKind::Uuid,
        Some(_) | None => {
            let name: &str = field(STEP, row, "key_type")?;
            return Ok(Err(format!("partitioned by a column of type {name}")));
        }
    };
    // Another operator class may order values in another way than the calendar does.
    if !field::<_, bool>(STEP, row, "key_opclass_is_default")? {
        return Ok(Err("partitioned by an operator class that is not its type's default".to_owned()));
    }
    let name: &str = field(STEP, row, "key_name")?;
    Ok(Ok(KeyColumn { name: Ident::new(name), kind, not_null: field(STEP, row, "key_not_null")? }))
}

fn relation_kind(relkind: u8) -> &'static str {
    match relkind {
        b'r' => PLAIN_TABLE,
        b'v' => "a view",
        b'm' => "a materialized view",
        b'f' => "a foreign table",
        b'S' => "a sequence",
        b'i' | b'I' => "an index",
        b'c' => "a composite type",
        _ => "not a table",
    }
}

fn root(row: &Row, oid: Oid, key: KeyColumn) -> Result<Root, InspectError> {
    let ident = |column: &str| -> Result<Option<Ident>, InspectError> {
        Ok(field::<_, Option<&str>>(STEP, row, column)?.map(Ident::new))
    };
    let identity: i8 = field(STEP, row, "replica_identity")?;
    let replica_identity = ReplicaIdentity::of(identity.cast_unsigned(), ident("replica_identity_index")?);
    let comment = field::<_, Option<&[u8]>>(STEP, row, "comment")?.map(String::from_utf8_lossy);
    Ok(Root {
        oid,
        key,
        attributes: Attributes {
            owner: ident("owner")?.ok_or_else(|| InspectError::unreadable(STEP, "a table without an owner"))?,
            tablespace: ident("tablespace")?,
            grants: Vec::new(),
            row_security: RowSecurity {
                enabled: field(STEP, row, "row_security")?,
                forced: field(STEP, row, "force_row_security")?,
                policies: Vec::new(),
            },
            replica_identity,
            statistics_targets: BTreeMap::new(),
        },
        held: comment.as_deref().is_some_and(holds),
        leaves: BTreeMap::new(),
        indexes: BTreeMap::new(),
        upkeep: None,
        storage: None,
        references: BTreeSet::new(),
        referenced_by: BTreeSet::new(),
        partitioned: BTreeSet::new(),
        siblings: None,
        keys_in: BTreeMap::new(),
        cascades_from: BTreeSet::new(),
        exclusions: Exclusions::default(),
        unmarked: BTreeSet::new(),
        leaf_publications: BTreeSet::new(),
        owner_creates_in_schema: field::<_, Option<bool>>(STEP, row, "creates_in_schema")? == Some(true),
        owner_creates_in_tablespace: field::<_, Option<bool>>(STEP, row, "creates_in_tablespace")? == Some(true),
        partman: None,
    })
}
