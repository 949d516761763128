//! How the server spells an index: one that exists, and one that the policy wants.
//!
//! SQL is not parsed here. A wanted index is made on an empty temporary table like its root, in a transaction of its own
//! that is rolled back, and read by the same query as the real ones: `in (…)` and `= ANY`, a spelled-out default operator
//! class, another time zone in a constant then compare equal, and what is no index at all is refused by the server itself.

use std::collections::{BTreeMap, BTreeSet};

use postgres::Client;

use super::super::error::InspectError;
use super::super::index::{IndexFacts, WantedShape};
use super::super::inspect::{code_of, of_tables};
use super::super::question::{Answer, Question};
use super::super::reader::Reader;
use super::super::snapshot::{Catalog, Oid, Root, TableState};
use super::super::trust::{CodeBy, OwnersCode, WouldRun};
use super::settle::{self, Spelled};
use super::{quoted, readers, roots, undefined};
use crate::policy::IndexDesired;
use crate::sql::{Ident, TableName, fragment, index_definition};

const STEP: &str = "reading how an index is spelled";
const PROBE: &str = "probing wanted indexes";

/// Not read only: the temporary table is made in it, and gone with it.
const BEGIN: &str = "BEGIN ISOLATION LEVEL READ COMMITTED; \
     SET LOCAL lock_timeout = '200ms'; SET LOCAL statement_timeout = '5s'; \
     SET LOCAL temp_tablespaces = ''";

/// An existing index, as its catalog entry is printed. It opens the table: whoever locks it makes the answer unknown.
pub(super) fn of_existing(reader: &mut Reader<'_>, index: Oid) -> Result<Result<Spelled, Answer>, InspectError> {
    let asked = reader.aside(STEP, |reader| settle::read(reader, &index.to_string()))?;
    Ok(asked.map_err(|error| Answer::Unknown(error.because())))
}

/// What is asked of one root's likeness.
#[derive(Default)]
struct OfRoot<'q> {
    wanted: Vec<(&'q Question, &'q IndexDesired)>,
    existing: Vec<(Oid, Spelled)>,
}

/// Answers for the wanted indexes among these questions, and for existing ones, as they were read. One that the server
/// refuses is refused by itself; a root whose likeness cannot be made makes all that it wants unknown.
pub(super) fn probed(
    client: &mut Client,
    (catalog, trusted): (&Catalog, &BTreeSet<TableName>),
    major: u32,
    questions: &[&Question],
    existing: Vec<(Oid, Spelled)>,
) -> Result<Vec<(Question, Answer)>, InspectError> {
    let mut by_root: BTreeMap<Oid, OfRoot<'_>> = BTreeMap::new();
    for question in questions {
        if let Question::WantedIndex { root, definition } = question {
            by_root.entry(*root).or_default().wanted.push((question, definition));
        }
    }
    let mut answers = Vec::new();
    for (index, spelled) in existing {
        match roots(catalog).find(|root| root.indexes.contains_key(&index)) {
            Some(root) => by_root.entry(root.oid).or_default().existing.push((index, spelled)),
            None => answers.push((Question::IndexSpelling { index }, Answer::Spelling(spelled.spelling))),
        }
    }
    for (oid, asked) in by_root {
        let found = catalog.tables.iter().find_map(|(name, state)| match state {
            TableState::Partitioned(root) if root.oid == oid => Some((name, &**root)),
            TableState::Partitioned(_) | TableState::Missing | TableState::Unfit(_) => None,
        });
        let Some((name, root)) = found else { continue };
        // A temporary table and its index are made by DDL like any other.
        let of_ddl = catalog.owners_code(name, &[CodeBy::EventTrigger]);
        if !of_ddl.is_empty() && !trusted.contains(name) {
            let because = WouldRun { codes: &of_ddl, whom: &catalog.session.name }.to_string();
            answers.extend(
                asked.wanted.iter().map(|(question, _)| ((*question).clone(), Answer::Unknown(because.clone()))),
            );
            answers.extend(
                asked
                    .existing
                    .into_iter()
                    .map(|(index, spelled)| (Question::IndexSpelling { index }, Answer::Spelling(spelled.spelling))),
            );
            continue;
        }
        match of_root(client, (catalog, trusted.contains(name)), major, (name, root), &asked) {
            Ok(of_root) => answers.extend(of_root),
            Err(error) if error.leaves_session() => {
                let because = error.because();
                answers.extend(
                    asked.wanted.iter().map(|(question, _)| ((*question).clone(), Answer::Unknown(because.clone()))),
                );
                answers.extend(
                    asked.existing.into_iter().map(|(index, spelled)| {
                        (Question::IndexSpelling { index }, Answer::Spelling(spelled.spelling))
                    }),
                );
            }
            Err(error) => return Err(error),
        }
    }
    Ok(answers)
}

fn of_root(
    client: &mut Client,
    (catalog, trusted): (&Catalog, bool),
    major: u32,
    (name, root): (&TableName, &Root),
    asked: &OfRoot<'_>,
) -> Result<Vec<(Question, Answer)>, InspectError> {
    let mut refused = None;
    for role in readers(catalog, &root.attributes.owner) {
        let made = Reader::transaction(client, BEGIN, |reader| {
            if let Some(role) = role {
                reader.simple(PROBE, &format!("SET LOCAL ROLE {}", quoted(role)))?;
            }
            reader.simple(PROBE, &format!("CREATE TEMPORARY TABLE pgstrata_probe (LIKE {name})"))?;
            let owner = &root.attributes.owner;
            let mut own = role == Some(owner) || catalog.session.name == owner.as_str();
            if !own && catalog.session.superuser {
                // The server builds an index as its table's owner, and lets it become nobody else meanwhile.
                reader.simple(PROBE, &format!("ALTER TABLE pg_temp.pgstrata_probe OWNER TO {}", quoted(owner)))?;
                own = true;
            }
            let probe = Probe { owner, trusted, major };
            let mut answers = Vec::new();
            for (question, index) in &asked.wanted {
                let answer = match own || trusted || !index.reaches_out() {
                    true => probe.answer(reader, index)?,
                    false => {
                        let who = Ident::new(catalog.session.name.clone());
                        Answer::Unknown(format!("what it calls would run as {who}"))
                    }
                };
                answers.push(((*question).clone(), answer));
            }
            for (index, spelled) in &asked.existing {
                let spelling = settle::settle(reader, spelled.clone())?;
                answers.push((Question::IndexSpelling { index: *index }, Answer::Spelling(spelling)));
            }
            Ok(answers)
        });
        match made {
            Err(error) if error.is_privilege() => refused = refused.or(Some(error)),
            other => return other,
        }
    }
    Err(refused.unwrap_or_else(|| InspectError::unreadable(PROBE, "nobody to ask as")))
}

/// How the indexes of one table are made to be looked at.
struct Probe<'c> {
    /// The table's owner: as whom the server makes them.
    owner: &'c Ident,
    /// Whether code of other roles may run.
    trusted: bool,
    major: u32,
}

impl Probe<'_> {
    fn answer(&self, reader: &mut Reader<'_>, index: &IndexDesired) -> Result<Answer, InspectError> {
        let code = match index.reaches_out() {
            true => match hung(reader, index)? {
                Ok(code) => code,
                Err(error) => return refusal(reader, index, error),
            },
            false => BTreeSet::new(),
        };
        // To make an index runs what of it depends on no row, as the table's owner.
        let mut others = code.clone();
        others.retain(|code| code.owner != *self.owner && !code.of_tables_owner);
        if !others.is_empty() && !self.trusted {
            return Ok(Answer::Withheld(others));
        }
        let made = reader.aside(PROBE, |reader| {
            let sql = format!("CREATE INDEX pgstrata_probe_idx ON pg_temp.pgstrata_probe {}", index_definition(index));
            let sql = if index.unique { sql.replacen("CREATE INDEX", "CREATE UNIQUE INDEX", 1) } else { sql };
            reader.simple(PROBE, &sql)?;
            let table = probed_table(reader)?;
            let found = of_tables(reader, &[table.0], self.major)?;
            let (oid, facts): (Oid, IndexFacts) =
                found.into_iter().next().ok_or_else(|| InspectError::unreadable(PROBE, "no index was made"))?;
            Ok((facts, settle::read(reader, &oid.to_string())?))
        })?;
        match made {
            Ok((facts, spelled)) => {
                if let Some(refused) = undefined::unfound(reader, &texts(index))? {
                    return Ok(Answer::Refused(refused));
                }
                let spelling = settle::settle(reader, spelled)?;
                Ok(Answer::Shape(Box::new(WantedShape { shape: facts.spelled(&spelling), code })))
            }
            Err(error) => refusal(reader, index, error),
        }
    }
}

fn probed_table(reader: &mut Reader<'_>) -> Result<Oid, InspectError> {
    let rows = reader.simple(PROBE, "SELECT 'pg_temp.pgstrata_probe'::pg_catalog.regclass::pg_catalog.oid")?;
    Ok(Oid(rows.first().and_then(|row| row.get(0)).and_then(|oid| oid.parse().ok()).unwrap_or_default()))
}

/// Code of other roles that an index hangs on its table, without making it: as a check that no row is looked at for, which
/// the server stores as it was parsed.
fn hung(
    reader: &mut Reader<'_>,
    index: &IndexDesired,
) -> Result<Result<BTreeSet<OwnersCode>, InspectError>, InspectError> {
    let expressions = index.columns.iter().filter_map(|column| fragment::index_expression(column));
    let parts = expressions.chain(index.predicate.as_deref()).map(|text| format!("({text}) IS NOT NULL"));
    let check = parts.collect::<Vec<_>>().join(" AND ");
    if check.is_empty() {
        return Ok(Ok(BTreeSet::new()));
    }
    reader.aside(PROBE, |reader| {
        reader.simple(PROBE, &format!("ALTER TABLE pg_temp.pgstrata_probe ADD CHECK ({check}) NOT VALID"))?;
        let name = TableName { schema: Ident::new("pg_temp"), name: Ident::new("pgstrata_probe") };
        let names = BTreeMap::from([(probed_table(reader)?, &name)]);
        let mut code = code_of(reader, &names, &BTreeMap::new())?.remove(&name).unwrap_or_default();
        code.retain(|code| code.by == CodeBy::Expression);
        Ok(code)
    })
}

fn texts(index: &IndexDesired) -> Vec<String> {
    index.columns.iter().chain(&index.predicate).cloned().collect()
}

fn refusal(reader: &mut Reader<'_>, index: &IndexDesired, error: InspectError) -> Result<Answer, InspectError> {
    if !error.is_mistake() {
        return Ok(Answer::Unknown(error.because()));
    }
    let hint = if error.is_undefined() { undefined::hint(reader, &texts(index))? } else { None };
    let hint = hint.map_or_else(String::new, |hint| format!("\n{hint}"));
    Ok(Answer::Refused(format!("{}{hint}", error.because())))
}
