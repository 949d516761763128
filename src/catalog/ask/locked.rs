//! A lock that was in the way of a question: on what, and whose. It passes, which no grant makes it do.

use std::collections::{BTreeMap, BTreeSet};

use postgres::error::SqlState;

use super::super::error::InspectError;
use super::super::question::{Answer, Question, RUN_AGAIN};
use super::super::reader::Reader;
use super::super::snapshot::{Catalog, Oid};
use super::roots;

const STEP: &str = "looking for who holds a lock";

/// What was found out of each table, once: every window asks for the same default partition.
#[derive(Default)]
pub(super) struct Locks(BTreeMap<Oid, String>);

impl Locks {
    /// Puts into answers that a lock prevented who holds it. Asked at once: locks pass.
    pub(super) fn name(
        &mut self,
        reader: &mut Reader<'_>,
        catalog: &Catalog,
        answers: &mut [(Question, Answer)],
    ) -> Result<(), InspectError> {
        let timeout = format!("({})", SqlState::LOCK_NOT_AVAILABLE.code());
        for (question, answer) in answers {
            let Answer::Unknown(because) = answer else { continue };
            let (true, Some(of)) = (because.contains(&timeout), subject(question)) else { continue };
            let said = match self.0.get(&of) {
                Some(said) => said.clone(),
                None => {
                    let said = look(reader, catalog, of)?;
                    self.0.insert(of, said.clone());
                    said
                }
            };
            *because = said;
        }
        Ok(())
    }
}

/// What a question locks, where that is one table or one with its partitions.
fn subject(question: &Question) -> Option<Oid> {
    match question {
        Question::DefaultRows { leaf: of, .. }
        | Question::DefaultKeys { leaf: of, .. }
        | Question::Bytes { relation: of }
        | Question::NewestNonEmpty { root: of }
        | Question::HighestKeys { root: of } => Some(*of),
        Question::IndexSpelling { .. }
        | Question::WantedIndex { .. }
        | Question::Bloat { .. }
        | Question::NameTaken { .. }
        | Question::SchemaExists { .. }
        | Question::CreatesIn { .. }
        | Question::Exists { .. }
        | Question::References { .. }
        | Question::Dependants { .. }
        | Question::Fits { .. } => None,
    }
}

/// Every question takes ACCESS SHARE, which ACCESS EXCLUSIVE alone conflicts with, also one that waits before it.
fn look(reader: &mut Reader<'_>, catalog: &Catalog, of: Oid) -> Result<String, InspectError> {
    let mut relations = BTreeSet::from([of]);
    let mut name = None;
    for root in roots(catalog) {
        if root.oid == of {
            relations.extend(root.leaves.keys());
        } else if let Some(leaf) = root.leaves.get(&of) {
            relations.insert(root.oid);
            name = Some(leaf.name.to_string());
        }
    }
    let oids: Vec<String> = relations.iter().map(Oid::to_string).collect();
    let sql = format!(
        "SELECT pg_catalog.pg_stat_clear_snapshot(); \
         SELECT l.granted, l.pid, coalesce(nullif(a.application_name, ''), a.backend_type), a.state, \
                pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(c.relname) \
         FROM pg_catalog.pg_locks AS l \
         JOIN pg_catalog.pg_class AS c ON c.oid = l.relation \
         JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace \
         LEFT JOIN pg_catalog.pg_stat_activity AS a ON a.pid = l.pid \
         WHERE l.locktype = 'relation' AND l.mode = 'AccessExclusiveLock' \
           AND l.relation = ANY ('{{{}}}'::pg_catalog.oid[]) \
           AND l.database = (SELECT d.oid FROM pg_catalog.pg_database AS d WHERE d.datname = pg_catalog.current_database()) \
           AND l.pid IS DISTINCT FROM pg_catalog.pg_backend_pid() \
         ORDER BY l.granted DESC, l.relation = {of} DESC, l.relation, l.pid",
        oids.join(",")
    );
    let rows = reader.simple_aside(STEP, &sql)?.unwrap_or_default();
    let Some(row) = rows.iter().find(|row| row.len() > 1) else {
        let what = name.unwrap_or_else(|| "it".to_owned());
        return Ok(format!("{what} was locked by another session{RUN_AGAIN}"));
    };
    let text = |at: usize| row.get(at).filter(|text| !text.is_empty());
    let about: Vec<&str> = [text(2), text(3)].into_iter().flatten().collect();
    let about = if about.is_empty() { String::new() } else { format!(" ({})", about.join(", ")) };
    let table = text(4).unwrap_or("it");
    Ok(match (text(1), text(0) == Some("t")) {
        (Some(pid), true) => format!("{table} is locked by process {pid}{about}{RUN_AGAIN}"),
        (Some(pid), false) => format!("process {pid}{about} waits to lock {table}{RUN_AGAIN}"),
        (None, _) => format!("{table} is locked by a prepared transaction (see pg_prepared_xacts){RUN_AGAIN}"),
    })
}
