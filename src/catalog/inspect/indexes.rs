//! Indexes of roots and of their partitions, for the tables whose policy speaks of indexes.

use std::collections::BTreeMap;

use postgres::Row;
use postgres::types::{ToSql, Type};

use super::super::error::InspectError;
use super::super::index::{CopyEnding, CopyName, IndexFacts, IndexKey, IndexShape};
use super::super::reader::{Reader, field};
use super::super::snapshot::Oid;
use super::Roots;
use crate::sql::{Ident, TableName};

const STEP: &str = "reading indexes";

/// Bits of `pg_index.indoption`.
const DESCENDING: i32 = 1;
const NULLS_FIRST: i32 = 2;

pub(super) fn read(reader: &mut Reader<'_>, roots: &mut Roots, of: &[Oid], major: u32) -> Result<(), InspectError> {
    let mut root_of = BTreeMap::new();
    for oid in of {
        root_of.insert(*oid, *oid);
        let leaves = roots.get(*oid).map(|root| root.leaves.keys().copied().collect::<Vec<_>>());
        root_of.extend(leaves.into_iter().flatten().map(|leaf| (leaf, *oid)));
    }
    let tables: Vec<u32> = root_of.keys().map(|oid| oid.0).collect();
    for (oid, facts) in of_tables(reader, &tables, major)? {
        if let Some(root) = root_of.get(&facts.table).and_then(|root| roots.get(*root)) {
            root.indexes.insert(oid, facts);
        }
    }
    Ok(())
}

/// The indexes of these tables, by OID.
pub(in crate::catalog) fn of_tables(
    reader: &mut Reader<'_>,
    tables: &[u32],
    major: u32,
) -> Result<BTreeMap<Oid, IndexFacts>, InspectError> {
    let column = if major >= 15 { "x.indnullsnotdistinct" } else { "false" };
    let sql = include_str!("indexes.sql").replace("{nulls_not_distinct}", column);
    let params: [(&(dyn ToSql + Sync), Type); 1] = [(&tables, Type::OID_ARRAY)];
    let rows = reader.query(STEP, &sql, &params)?;
    rows.iter().map(|row| Ok((Oid(field(STEP, row, "indexrelid")?), facts(row)?))).collect()
}

fn facts(row: &Row) -> Result<IndexFacts, InspectError> {
    let schema: &str = field(STEP, row, "nspname")?;
    let name: &str = field(STEP, row, "relname")?;
    let comment = field::<_, Option<&[u8]>>(STEP, row, "description")?;
    Ok(IndexFacts {
        name: TableName::new(schema, name),
        table: Oid(field(STEP, row, "indrelid")?),
        parent: field::<_, Option<u32>>(STEP, row, "inhparent")?.map(Oid),
        valid: field(STEP, row, "valid")?,
        building: field(STEP, row, "building")?,
        constraint: field(STEP, row, "is_constraint")?,
        in_use: field(STEP, row, "in_use")?,
        comment: comment.map(|text| String::from_utf8_lossy(text).into_owned()),
        comment_is_lossy: comment.is_some_and(|text| std::str::from_utf8(text).is_err()),
        targets: targets(row)?,
        shape: shape(row)?,
        raw: field(STEP, row, "raw")?,
        copies: CopyName {
            columns: field::<_, Vec<Option<String>>>(STEP, row, "own_names")?.into_iter().flatten().collect(),
            ending: CopyEnding::of_constraint(field::<_, Option<i8>>(STEP, row, "contype")?.map(i8::cast_unsigned)),
        },
    })
}

fn targets(row: &Row) -> Result<BTreeMap<u16, u16>, InspectError> {
    let targets: Vec<Option<i32>> = field(STEP, row, "targets")?;
    let numbered = targets.iter().zip(1_u16..).filter_map(|(target, column)| {
        // Not set is NULL, before 17 -1.
        Some((column, u16::try_from((*target)?).ok()?))
    });
    Ok(numbered.collect())
}

fn shape(row: &Row) -> Result<IndexShape, InspectError> {
    let keys: i16 = field(STEP, row, "indnkeyatts")?;
    let columns: Vec<Option<String>> = field(STEP, row, "columns")?;
    let opclasses: Vec<Option<String>> = field(STEP, row, "opclasses")?;
    let collations: Vec<Option<String>> = field(STEP, row, "collations")?;
    let options: Vec<Option<i32>> = field(STEP, row, "options")?;
    let opclass_options: Vec<Option<String>> = field(STEP, row, "opclass_options")?;
    let keys = usize::try_from(keys).unwrap_or_default();
    let at = |list: &[Option<String>], at: usize| list.get(at).cloned().flatten();
    let key = |position: usize| {
        let option = options.get(position).copied().flatten().unwrap_or_default();
        IndexKey {
            what: at(&columns, position).unwrap_or_default(),
            opclass: at(&opclasses, position).unwrap_or_default(),
            opclass_options: at(&opclass_options, position)
                .filter(|text| !text.is_empty())
                .map(|text| text.split('\u{1}').map(str::to_owned).collect())
                .unwrap_or_default(),
            collation: at(&collations, position),
            descending: option & DESCENDING != 0,
            nulls_first: option & NULLS_FIRST != 0,
        }
    };
    let parameters: Option<Vec<String>> = field(STEP, row, "reloptions")?;
    let tablespace: Option<&str> = field(STEP, row, "spcname")?;
    let method: &str = field(STEP, row, "amname")?;
    let mut include: Vec<String> = columns.iter().skip(keys).flatten().cloned().collect();
    include.sort();
    Ok(IndexShape {
        method: method.to_owned(),
        unique: field(STEP, row, "indisunique")?,
        nulls_not_distinct: field(STEP, row, "nulls_not_distinct")?,
        keys: (0..keys).map(key).collect(),
        include,
        predicate: None,
        parameters: parameters
            .into_iter()
            .flatten()
            .map(|option| match option.split_once('=') {
                Some((name, value)) => (name.to_owned(), value.to_owned()),
                None => (option, String::new()),
            })
            .collect(),
        tablespace: tablespace.map(Ident::new),
    })
}
