//! Answers to what planning must ask beyond the catalog.
//!
//! These questions do open tables, so each stands in a savepoint of its own under short timeouts: a lock, a missing
//! privilege or a slow scan makes one answer unknown and nothing else. Every savepoint is rolled back, which gives up the
//! locks that were taken: ten thousand leaves would fill the server's lock table otherwise.

mod bloat;
mod bytes;
mod copy;
mod default_keys;
mod dependants;
mod guard;
mod highest;
mod locked;
mod names;
mod newest;
mod references;
mod rows;
mod schemas;
mod settle;
mod spelling;
mod undefined;

use std::collections::BTreeSet;

use postgres::{Client, SimpleQueryRow};

use guard::{Guard, Guards};

use super::error::InspectError;
use super::question::{Answer, Question};
use super::reader::Reader;
use super::snapshot::{Catalog, Leaf, LeafKind, Oid, Root, Snapshot, TableState};
use crate::sql::{Ident, Literal, TableName};

/// READ COMMITTED: no question needs another's snapshot, and one held for the whole run would hold back vacuum.
const BEGIN: &str = "BEGIN ISOLATION LEVEL READ COMMITTED, READ ONLY; \
     SET LOCAL lock_timeout = '200ms'; SET LOCAL statement_timeout = '5s'; \
     SET LOCAL jit = off; SET LOCAL max_parallel_workers_per_gather = 0";

/// Answers planning's questions, and keeps the answers in the snapshot.
///
/// A question that the server refuses, or cannot answer within its timeouts (200 ms for a lock, 5 s for a statement), is
/// answered by [`Answer::Unknown`] with the server's reason. Rows are read as the owner of the partition where the
/// session may become it, else as the session's own role.
///
/// ```no_run
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # use std::collections::BTreeSet;
/// use pgstrata::catalog::{Question, ask, inspect};
/// let mut client = postgres::Client::connect("host=/var/run/postgresql dbname=app user=app", postgres::NoTls)?;
/// let mut snapshot = inspect(&mut client, "[local]", &BTreeSet::new(), &BTreeSet::new(), &jiff::Timestamp::now)?;
/// let question = Question::NameTaken { name: "audit.audit_log_p20260301".parse()? };
/// ask(&mut client, &mut snapshot, &BTreeSet::from([question.clone()]))?;
/// println!("{:?}", snapshot.answers.get(&question));
/// # Ok(()) }
/// ```
///
/// # Errors
/// A lost connection, or a transaction that cannot be opened.
pub fn ask(client: &mut Client, snapshot: &mut Snapshot, questions: &BTreeSet<Question>) -> Result<(), InspectError> {
    ask_trusting(client, snapshot, questions, &BTreeSet::new())
}

/// The same, where code of other roles that hangs on these tables may run as the session: see [`super::OwnersCode`]. Of
/// others nothing is read that would run some.
///
/// # Errors
/// See [`ask`].
pub fn ask_trusting(
    client: &mut Client,
    snapshot: &mut Snapshot,
    questions: &BTreeSet<Question>,
    trusted: &BTreeSet<TableName>,
) -> Result<(), InspectError> {
    if questions.is_empty() {
        return Ok(());
    }
    let catalog = &snapshot.catalog;
    let major = snapshot.target.major();
    let guards = Guards { catalog, trusted };
    let (answers, spelled) = Reader::transaction(client, BEGIN, |reader| {
        let mut answers = Vec::with_capacity(questions.len());
        let mut relations = Vec::new();
        let mut bloated = Vec::new();
        let mut taken = Vec::new();
        let mut existing = Vec::new();
        let mut dropped = Vec::new();
        let mut given = references::Given::default();
        let mut schemas = Vec::new();
        let mut spelled = Vec::new();
        let mut locks = locked::Locks::default();
        for question in questions {
            let before = answers.len();
            match question {
                Question::NewestNonEmpty { root } => {
                    answers.push((question.clone(), newest::answer(reader, &guards, *root)?));
                }
                Question::HighestKeys { root } => {
                    answers.push((question.clone(), highest::answer(reader, &guards, *root)?));
                }
                Question::DefaultRows { leaf, from, to } => {
                    answers.push((question.clone(), rows::answer(reader, &guards, *leaf, *from, *to)?));
                }
                Question::DefaultKeys { leaf, edge, low, high } => {
                    let places = default_keys::Places { edge: *edge, low: *low, high: *high };
                    answers.push((question.clone(), default_keys::answer(reader, &guards, *leaf, places)?));
                }
                Question::IndexSpelling { index } => match spelling::of_existing(reader, *index)? {
                    Ok(found) => spelled.push((*index, found)),
                    Err(unknown) => answers.push((question.clone(), unknown)),
                },
                // In a transaction of its own: it makes something.
                Question::WantedIndex { .. } => {}
                Question::Bloat { index } => bloated.push(*index),
                Question::Bytes { relation } => relations.push(*relation),
                Question::NameTaken { name } => taken.push(name),
                Question::SchemaExists { .. } | Question::CreatesIn { .. } => schemas.push(question),
                Question::Exists { relation } => existing.push(*relation),
                Question::References { .. } => {
                    answers.push((question.clone(), references::answer(reader, &guards, question, &mut given)?));
                }
                Question::Dependants { relation } => dropped.push(*relation),
                Question::Fits { relation, root } => {
                    answers.push((question.clone(), dependants::fits(reader, *relation, *root, major)?));
                }
            }
            locks.name(reader, catalog, &mut answers[before..])?;
        }
        let sizes = bytes::answers(reader, catalog, &relations)?;
        answers.extend(sizes.into_iter().map(|(relation, answer)| (Question::Bytes { relation }, answer)));
        let bloat = bloat::answers(reader, &bloated)?;
        answers.extend(bloat.into_iter().map(|(index, answer)| (Question::Bloat { index }, answer)));
        let names = names::answers(reader, &taken)?;
        answers.extend(names.into_iter().map(|(name, answer)| (Question::NameTaken { name }, answer)));
        let dependants = dependants::answers(reader, &dropped)?;
        answers.extend(dependants.into_iter().map(|(relation, answer)| (Question::Dependants { relation }, answer)));
        answers.extend(schemas::answers(reader, &schemas)?);
        let existing = names::existing(reader, &existing)?;
        answers.extend(existing.into_iter().map(|(relation, answer)| (Question::Exists { relation }, answer)));
        locks.name(reader, catalog, &mut answers)?;
        Ok((answers, spelled))
    })?;
    let wanted: Vec<&Question> =
        questions.iter().filter(|question| matches!(question, Question::WantedIndex { .. })).collect();
    let wanted = spelling::probed(client, (&snapshot.catalog, trusted), snapshot.target.major(), &wanted, spelled)?;
    for (question, answer) in answers.into_iter().chain(wanted) {
        snapshot.answers.put(question, answer);
    }
    Ok(())
}

fn roots(catalog: &Catalog) -> impl Iterator<Item = &Root> {
    catalog.tables.values().filter_map(|state| match state {
        TableState::Partitioned(root) => Some(&**root),
        TableState::Missing | TableState::Unfit(_) => None,
    })
}

/// A leaf as `FROM` names it. `ONLY` keeps a query off children that a plain table may have by inheritance; a partition
/// that is partitioned itself has its rows in them.
fn from_item(leaf: &Leaf) -> String {
    match leaf.kind {
        LeafKind::Table | LeafKind::Foreign => format!("ONLY {}", leaf.name),
        LeafKind::Partitioned => leaf.name.to_string(),
    }
}

/// The OID that a name stands for now, as an SQL expression: another table may have taken it since the inspection.
fn oid_of(name: &TableName) -> String {
    format!("pg_catalog.to_regclass({})::pg_catalog.oid", Literal(&name.in_text()))
}

fn is_oid(text: Option<&str>, oid: Oid) -> bool {
    text.and_then(|text| text.parse().ok()) == Some(oid.0)
}

fn renamed(name: &TableName) -> String {
    format!("{name} is not the table that it was when the catalog was read")
}

/// As whom to read a table of this owner, in the order to try; `None` is the session's own role. An owner reads its
/// table whatever was granted, and past row security unless that is forced.
fn readers<'c>(catalog: &'c Catalog, owner: &'c Ident) -> Vec<Option<&'c Ident>> {
    let session = &catalog.session;
    if session.superuser || session.name == owner.as_str() || !session.may_become.contains(owner) {
        vec![None]
    } else {
        vec![Some(owner), None]
    }
}

/// Runs a query in a savepoint as the first of these roles that is allowed to.
fn query_as(
    reader: &mut Reader<'_>,
    step: &'static str,
    roles: &[Option<&Ident>],
    (guard, tables): (&Guard, &[&Leaf]),
    sql: &str,
) -> Result<Result<Vec<SimpleQueryRow>, InspectError>, InspectError> {
    query_guarded(reader, step, roles, &format!("{}{sql}", guard.before(tables)))
}

/// The same, with whatever comes before the query in one text with it.
fn query_guarded(
    reader: &mut Reader<'_>,
    step: &'static str,
    roles: &[Option<&Ident>],
    sql: &str,
) -> Result<Result<Vec<SimpleQueryRow>, InspectError>, InspectError> {
    let mut refused = None;
    for role in roles {
        let tried = match role {
            Some(role) => reader.simple_aside(step, &format!("SET LOCAL ROLE {}; {sql}", quoted(role)))?,
            None => reader.simple_aside(step, sql)?,
        };
        match tried {
            Ok(rows) => return Ok(Ok(rows)),
            // Another role may be allowed to; a lock or a slow scan would stop it as well.
            Err(error) if error.is_privilege() => refused = refused.or(Some(error)),
            Err(error) => return Ok(Err(error)),
        }
    }
    Ok(Err(refused.unwrap_or_else(|| InspectError::unreadable(step, "nobody to ask as"))))
}

/// Always in quotes: `SET ROLE none` is a keyword, not a role.
fn quoted(role: &Ident) -> String {
    postgres_protocol::escape::escape_identifier(role.as_str())
}

/// The same answer to all of a batch that could not be asked.
fn unknown<K: Clone>(keys: &[K], error: InspectError) -> Vec<(K, Answer)> {
    let because = error.because();
    keys.iter().map(|key| (key.clone(), Answer::Unknown(because.clone()))).collect()
}
