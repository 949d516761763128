//! Waiting for old transactions before a concurrent statement, and naming who holds a lock.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use postgres::SimpleQueryMessage;

use crate::db::{Interrupt, Session};
use crate::plan::Leaving;
use crate::sql::{CHECK_COMMENT, Literal, Lock, TableName};

const BLOCKERS: &str = include_str!("blockers.sql");
/// A transaction that two looks so far apart both see is old.
const OLD: Duration = Duration::from_secs(1);
/// Most are not: between the two it is seen early that they are gone.
const LOOK: Duration = Duration::from_millis(50);

/// What a concurrent statement waits for: users of some tables, and transactions.
pub(super) struct InTheWay {
    /// OIDs, as SQL expressions.
    relations: Vec<String>,
    /// Only transactions that have a snapshot, not all.
    snapshots: bool,
}

impl InTheWay {
    /// Of a concurrent detach, or of its end.
    pub(super) fn of_detach(leaving: &Leaving) -> Self {
        let mut relations = vec![leaving.root.oid.to_string(), leaving.partition.oid.to_string()];
        relations.extend(leaving.touches.references.iter().chain(&leaving.touches.referenced_by).map(oid_of));
        Self { relations, snapshots: false }
    }

    /// Of a concurrent build or drop of an index of this partition.
    pub(super) fn of_index(partition: Option<&TableName>) -> Self {
        Self { relations: partition.map(oid_of).into_iter().collect(), snapshots: true }
    }
}

fn oid_of(name: &TableName) -> String {
    format!("to_regclass({})::oid", Literal(&name.in_text()))
}

/// What came of waiting.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Waited {
    /// Nobody old is in the way.
    Clear,
    /// These still are.
    Blocked(String),
    /// A signal came.
    Interrupted,
}

/// Waits until no transaction of this database is old and in the way, at most this long. Tells `waiting` whom it waits for,
/// whenever they change.
pub(super) fn wait_for_old(
    session: &mut Session,
    what: &InTheWay,
    at_most: Duration,
    stop: &Interrupt,
    waiting: &mut dyn FnMut(&str),
) -> Result<Waited, postgres::Error> {
    let end = Instant::now() + at_most;
    let mut before = look(session, what)?;
    let mut told = String::new();
    loop {
        let old = Instant::now() + OLD;
        let (names, now) = loop {
            if before.is_empty() {
                return Ok(Waited::Clear);
            }
            if stop.sleep(LOOK) {
                return Ok(Waited::Interrupted);
            }
            let now = look(session, what)?;
            let names = listed(now.iter().filter(|(id, _)| before.contains_key(*id)).map(|(_, name)| name));
            if names.is_empty() {
                return Ok(Waited::Clear);
            }
            if Instant::now() >= old {
                break (names, now);
            }
        };
        if Instant::now() >= end {
            return Ok(Waited::Blocked(names));
        }
        if told != names {
            waiting(&names);
            told = names;
        }
        before = now;
    }
}

/// Whoever it would wait for now.
pub(super) fn in_the_way(session: &mut Session, what: &InTheWay) -> String {
    look(session, what).map(|found| listed(found.values())).unwrap_or_default()
}

fn look(session: &mut Session, what: &InTheWay) -> Result<BTreeMap<String, String>, postgres::Error> {
    let sql = BLOCKERS.replace("$RELATIONS", &what.relations.join(", "));
    rows(
        session,
        &format!("{CHECK_COMMENT} {}", sql.replace("$SNAPSHOTS", if what.snapshots { "true" } else { "false" })),
    )
}

/// Who holds a lock that conflicts with one of these: asked when a lock was not to be had.
pub(super) fn holders(session: &mut Session, wanted: &[Lock]) -> String {
    let wanted: Vec<String> = wanted
        .iter()
        .map(|lock| {
            let modes: Vec<String> =
                lock.mode.conflicts().iter().map(|mode| Literal(mode.in_pg_locks()).to_string()).collect();
            let name = lock.relation.in_text();
            format!("(to_regclass({})::oid, ARRAY[{}])", Literal(&name), modes.join(", "))
        })
        .collect();
    if wanted.is_empty() {
        return String::new();
    }
    let sql = format!(
        "{CHECK_COMMENT} SELECT DISTINCT ON (l.virtualtransaction) l.virtualtransaction,
           CASE WHEN l.pid IS NULL THEN 'a prepared transaction (see pg_prepared_xacts)'
             ELSE format('process %s (%s as %s)', l.pid, coalesce(nullif(a.application_name, ''), 'unnamed'),
               coalesce(a.usename, 'unknown')) END || ' with ' || l.mode || ' on ' || l.relation::regclass
         FROM (VALUES {}) w(relation, modes)
         JOIN pg_locks l ON l.relation = w.relation AND l.mode = ANY (w.modes)
         LEFT JOIN pg_stat_activity a USING (pid)
         WHERE l.granted AND l.locktype = 'relation' AND l.pid IS DISTINCT FROM pg_backend_pid()
           AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
         ORDER BY l.virtualtransaction, l.relation, l.mode",
        wanted.join(", ")
    );
    rows(session, &sql).map(|found| listed(found.values())).unwrap_or_default()
}

fn listed<'a>(names: impl Iterator<Item = &'a String>) -> String {
    names.map(String::as_str).collect::<Vec<_>>().join(", ")
}

/// Two text columns, the first as key.
fn rows(session: &mut Session, sql: &str) -> Result<BTreeMap<String, String>, postgres::Error> {
    let messages = session.simple_query(sql)?;
    Ok(messages
        .iter()
        .filter_map(|message| {
            let SimpleQueryMessage::Row(row) = message else { return None };
            Some((row.get(0).unwrap_or_default().to_owned(), row.get(1).unwrap_or_default().to_owned()))
        })
        .collect())
}
