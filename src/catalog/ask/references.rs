//! Which tables have rows that reference a range of a root's partition key?
//!
//! A unique key of a partitioned table has the partition key among its columns, and so has every foreign key to it: rows
//! that reference a partition are those whose columns for it lie within its bounds, and no NULL among the others. No row of
//! the partition itself is read.

use std::collections::{BTreeMap, BTreeSet};

use super::super::error::InspectError;
use super::super::question::{Answer, Found, Question};
use super::super::reader::Reader;
use super::super::snapshot::{Catalog, IncomingKey, Oid, Root};
use super::guard::Guards;
use super::{is_oid, oid_of, query_guarded, readers, renamed, roots};
use crate::grid::KeyValue;
use crate::sql::Ident;

const STEP: &str = "looking for rows that reference a partition";

/// Tables that are named; the rest of them shows once these are gone.
const MOST: usize = 4;
/// Partitions that are looked through where their bounds leave none out.
const MOST_PARTITIONS: usize = 200;

/// One that could not be asked is not asked again for the next partition: a scan that takes too long does so each time.
#[derive(Default)]
pub(super) struct Given(BTreeMap<Oid, String>);

pub(super) fn answer(
    reader: &mut Reader<'_>,
    guards: &Guards<'_>,
    question: &Question,
    given: &mut Given,
) -> Result<Answer, InspectError> {
    let Question::References { root, key, from, to } = question else {
        return Ok(Answer::Unknown("a question of another kind".to_owned()));
    };
    let found = roots(guards.catalog).find(|known| known.oid == *root);
    let Some((root, incoming)) = found.and_then(|root| Some((root, root.keys_in.get(key)?))) else {
        return Ok(Answer::Unknown("it is not among the foreign keys that were read".to_owned()));
    };
    if let Some(because) = given.0.get(key) {
        return Ok(Answer::Unknown(because.clone()));
    }
    let answer = tables(reader, guards, root, incoming, (*from, *to))?;
    if let Answer::Unknown(because) = &answer {
        given.0.insert(*key, because.clone());
    }
    Ok(answer)
}

/// A query that leaves no partition out locks each of them: so many fill the server's lock table.
fn too_many(
    reader: &mut Reader<'_>,
    catalog: &Catalog,
    relation: Oid,
    key: &Ident,
) -> Result<Option<String>, InspectError> {
    let count = match roots(catalog).find(|root| root.oid == relation) {
        Some(root) if root.key.name == *key => return Ok(None),
        Some(root) => root.leaves.len(),
        None => {
            let sql = format!("SELECT pg_catalog.count(*) FROM pg_catalog.pg_inherits WHERE inhparent = {relation}");
            let rows = reader.simple_aside(STEP, &sql)?.unwrap_or_default();
            rows.first().and_then(|row| row.get(0)).and_then(|count| count.parse().ok()).unwrap_or(usize::MAX)
        }
    };
    Ok((count > MOST_PARTITIONS).then(|| "it has too many partitions to look through each".to_owned()))
}

fn tables(
    reader: &mut Reader<'_>,
    guards: &Guards<'_>,
    root: &Root,
    incoming: &IncomingKey,
    (from, to): (KeyValue, KeyValue),
) -> Result<Answer, InspectError> {
    let IncomingKey { name: _, table, relation, owner, partitioned, columns, key } = incoming;
    let catalog = guards.catalog;
    let Some(key) = key else {
        return Ok(Answer::Unknown(format!("the foreign key of {table} compares other types")));
    };
    if *partitioned && let Some(because) = too_many(reader, catalog, *relation, key)? {
        return Ok(Answer::Unknown(format!("{table}: {because}")));
    }
    let kind = root.key.kind.sql_type();
    let mut rows = format!("x.{key} >= '{from}'::{kind} AND x.{key} < '{to}'::{kind}");
    for column in columns.iter().filter(|column| *column != key) {
        rows.push_str(&format!(" AND x.{column} IS NOT NULL"));
    }
    // Children by inheritance have no part in a foreign key.
    let only = if *partitioned { "" } else { "ONLY " };
    // A query on it may run code of its owner's: then nothing is asked.
    let guard = guards.of_table(*relation).before_table(table);
    let mut seen: BTreeSet<Oid> = BTreeSet::new();
    let mut found = Vec::new();
    while found.len() < MOST {
        let known: Vec<String> = seen.iter().map(Oid::to_string).collect();
        let sql = format!(
            "{guard}SELECT {}, y.oid, y.oid::pg_catalog.regclass FROM (VALUES (true)) AS one LEFT JOIN LATERAL (\
             SELECT x.tableoid AS oid FROM {only}{table} AS x WHERE {rows} AND x.tableoid <> ALL ('{{{}}}'::pg_catalog.oid[]) \
             LIMIT 1) AS y ON true",
            oid_of(table),
            known.join(",")
        );
        let answer = match query_guarded(reader, STEP, &readers(catalog, owner), &sql)? {
            Ok(answer) => answer,
            // Those that were found are in the way, whatever else is.
            Err(_) if !found.is_empty() => break,
            Err(error) => return Ok(Answer::Unknown(format!("{table}: {}", error.because()))),
        };
        let Some(row) = answer.first().filter(|row| is_oid(row.get(0), *relation)) else {
            return Ok(Answer::Unknown(renamed(table)));
        };
        let Some(oid) = row.get(1).and_then(|oid| oid.parse().ok()).map(Oid) else { break };
        if !seen.insert(oid) {
            break;
        }
        found.push(Found { relation: Some(oid), what: row.get(2).unwrap_or_default().to_owned() });
    }
    found.sort();
    Ok(Answer::Found(found))
}
