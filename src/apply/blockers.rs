//! Waiting for old transactions before a detach, and naming who holds a lock.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use postgres::SimpleQueryMessage;

use crate::db::{Interrupt, Session};
use crate::plan::Leaving;
use crate::sql::{CHECK_COMMENT, Literal, Lock};

const BLOCKERS: &str = include_str!("blockers.sql");
/// A transaction that two looks so far apart both see is old.
const OLD: Duration = Duration::from_secs(1);

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

/// Waits until no transaction of this database is old or in the way of the detach, at most this long. Tells `waiting`
/// whom it waits for, whenever they change.
pub(super) fn wait_for_old(
    session: &mut Session,
    leaving: &Leaving,
    at_most: Duration,
    stop: &Interrupt,
    waiting: &mut dyn FnMut(&str),
) -> Result<Waited, postgres::Error> {
    let end = Instant::now() + at_most;
    let mut before = look(session, leaving)?;
    let mut told = String::new();
    loop {
        if before.is_empty() {
            return Ok(Waited::Clear);
        }
        if stop.sleep(OLD) {
            return Ok(Waited::Interrupted);
        }
        let now = look(session, leaving)?;
        let names = listed(now.iter().filter(|(id, _)| before.contains_key(*id)).map(|(_, name)| name));
        if names.is_empty() {
            return Ok(Waited::Clear);
        }
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

/// Whoever a detach, or its end, would wait for now.
pub(super) fn in_the_way(session: &mut Session, leaving: &Leaving) -> String {
    look(session, leaving).map(|found| listed(found.values())).unwrap_or_default()
}

fn look(session: &mut Session, leaving: &Leaving) -> Result<BTreeMap<String, String>, postgres::Error> {
    let mut relations = vec![leaving.root.oid.to_string(), leaving.partition.oid.to_string()];
    let others = leaving.touches.references.iter().chain(&leaving.touches.referenced_by);
    relations.extend(others.map(|name| format!("to_regclass({})::oid", Literal(&name.to_string()))));
    rows(session, &format!("{CHECK_COMMENT} {}", BLOCKERS.replace("$RELATIONS", &relations.join(", "))))
}

/// Who holds a lock that conflicts with one of these: asked when a lock was not to be had.
pub(super) fn holders(session: &mut Session, wanted: &[Lock]) -> String {
    let wanted: Vec<String> = wanted
        .iter()
        .map(|lock| {
            let modes: Vec<String> =
                lock.mode.conflicts().iter().map(|mode| Literal(mode.in_pg_locks()).to_string()).collect();
            let name = lock.relation.to_string();
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
