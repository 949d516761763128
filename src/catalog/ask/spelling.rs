//! How the server spells an index: one that exists, and one that the policy wants.
//!
//! SQL is not parsed here. A wanted index is made on an empty temporary table like its root, in a transaction of its own
//! that is rolled back, and read by the same query as the real ones: `in (…)` and `= ANY`, a spelled-out default operator
//! class, another time zone in a constant then compare equal, and what is no index at all is refused by the server itself.

use std::collections::BTreeMap;

use postgres::Client;

use super::super::error::InspectError;
use super::super::index::{IndexFacts, IndexSpelling};
use super::super::inspect::of_tables;
use super::super::question::{Answer, Question};
use super::super::reader::Reader;
use super::super::snapshot::{Catalog, Oid, Root, TableState};
use super::{quoted, readers};
use crate::policy::IndexDesired;
use crate::sql::{TableName, index_definition};

const STEP: &str = "reading how an index is spelled";
const PROBE: &str = "probing wanted indexes";

/// Not read only: the temporary table is made in it, and gone with it.
const BEGIN: &str = "BEGIN ISOLATION LEVEL READ COMMITTED; \
     SET LOCAL lock_timeout = '200ms'; SET LOCAL statement_timeout = '5s'; \
     SET LOCAL temp_tablespaces = ''";

/// An existing index's expressions and predicate. It opens the table: whoever locks it makes the answer unknown.
pub(super) fn of_existing(reader: &mut Reader<'_>, index: Oid) -> Result<Answer, InspectError> {
    let asked = reader.aside(STEP, |reader| spelling(reader, index))?;
    Ok(asked.map_or_else(|error| Answer::Unknown(error.because()), Answer::Spelling))
}

fn spelling(reader: &mut Reader<'_>, index: Oid) -> Result<IndexSpelling, InspectError> {
    let sql = format!(
        "SELECT u.ord, pg_catalog.pg_get_indexdef(x.indexrelid, u.ord::int, false), \
                pg_catalog.pg_get_expr(x.indpred, x.indrelid) \
         FROM pg_catalog.pg_index AS x \
         LEFT JOIN LATERAL unnest(x.indkey::int2[]) WITH ORDINALITY AS u(attnum, ord) ON u.attnum = 0 \
         WHERE x.indexrelid = {index} ORDER BY u.ord"
    );
    let rows = reader.simple(STEP, &sql)?;
    let first = rows.first().ok_or_else(|| InspectError::unreadable(STEP, "the index is gone"))?;
    Ok(IndexSpelling {
        expressions: rows.iter().filter_map(|row| row.get(1)).map(str::to_owned).collect(),
        predicate: first.get(2).map(str::to_owned),
    })
}

/// Answers for the wanted indexes among these questions. One that the server refuses is refused by itself; a root whose
/// likeness cannot be made makes all of its own unknown.
pub(super) fn wanted(
    client: &mut Client,
    catalog: &Catalog,
    major: u32,
    questions: &[&Question],
) -> Result<Vec<(Question, Answer)>, InspectError> {
    let mut by_root: BTreeMap<Oid, Vec<(&Question, &IndexDesired)>> = BTreeMap::new();
    for question in questions {
        if let Question::WantedIndex { root, definition } = question {
            by_root.entry(*root).or_default().push((question, definition));
        }
    }
    let mut answers = Vec::new();
    for (oid, wanted) in by_root {
        let found = catalog.tables.iter().find_map(|(name, state)| match state {
            TableState::Partitioned(root) if root.oid == oid => Some((name, &**root)),
            TableState::Partitioned(_) | TableState::Missing | TableState::Unfit(_) => None,
        });
        let Some((name, root)) = found else { continue };
        match of_root(client, catalog, major, (name, root), &wanted) {
            Ok(of_root) => answers.extend(of_root),
            Err(error) if error.leaves_session() => {
                let because = error.because();
                answers
                    .extend(wanted.iter().map(|(question, _)| ((*question).clone(), Answer::Unknown(because.clone()))));
            }
            Err(error) => return Err(error),
        }
    }
    Ok(answers)
}

fn of_root(
    client: &mut Client,
    catalog: &Catalog,
    major: u32,
    (name, root): (&TableName, &Root),
    wanted: &[(&Question, &IndexDesired)],
) -> Result<Vec<(Question, Answer)>, InspectError> {
    let mut refused = None;
    for role in readers(catalog, &root.attributes.owner) {
        let made = Reader::transaction(client, BEGIN, |reader| {
            if let Some(role) = role {
                reader.simple(PROBE, &format!("SET LOCAL ROLE {}", quoted(role)))?;
            }
            reader.simple(PROBE, &format!("CREATE TEMPORARY TABLE pgstrata_probe (LIKE {name})"))?;
            wanted.iter().map(|(question, index)| Ok(((*question).clone(), probe(reader, index, major)?))).collect()
        });
        match made {
            Err(error) if error.is_privilege() => refused = refused.or(Some(error)),
            other => return other,
        }
    }
    Err(refused.unwrap_or_else(|| InspectError::unreadable(PROBE, "nobody to ask as")))
}

fn probe(reader: &mut Reader<'_>, index: &IndexDesired, major: u32) -> Result<Answer, InspectError> {
    let made = reader.aside(PROBE, |reader| {
        let sql = format!("CREATE INDEX pgstrata_probe_idx ON pg_temp.pgstrata_probe {}", index_definition(index));
        let sql = if index.unique { sql.replacen("CREATE INDEX", "CREATE UNIQUE INDEX", 1) } else { sql };
        reader.simple(PROBE, &sql)?;
        let rows = reader.simple(PROBE, "SELECT 'pg_temp.pgstrata_probe'::pg_catalog.regclass::pg_catalog.oid")?;
        let table = rows.first().and_then(|row| row.get(0)).and_then(|oid| oid.parse().ok()).unwrap_or_default();
        let found = of_tables(reader, &[table], major)?;
        let (oid, facts): (Oid, IndexFacts) =
            found.into_iter().next().ok_or_else(|| InspectError::unreadable(PROBE, "no index was made"))?;
        let spelling = spelling(reader, oid)?;
        Ok(facts.spelled(&spelling))
    })?;
    Ok(match made {
        Ok(shape) => Answer::Shape(Box::new(shape)),
        Err(error) if error.is_mistake() => Answer::Refused(error.because()),
        Err(error) => Answer::Unknown(error.because()),
    })
}
