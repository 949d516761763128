//! Waiting for old transactions before a detach, and naming who holds a lock.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use postgres::SimpleQueryMessage;

use crate::catalog::Oid;
use crate::db::{Interrupt, Session};
use crate::sql::CHECK_COMMENT;

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

/// Waits until no transaction of this database is old or in the parent's way, at most this long. Tells `waiting` whom it
/// waits for, once.
pub(super) fn wait_for_old(
    session: &mut Session,
    parent: Oid,
    at_most: Duration,
    stop: &Interrupt,
    waiting: &mut dyn FnMut(&str),
) -> Result<Waited, postgres::Error> {
    let end = Instant::now() + at_most;
    let mut before = look(session, parent)?;
    let mut told = false;
    loop {
        if before.is_empty() {
            return Ok(Waited::Clear);
        }
        if stop.sleep(OLD) {
            return Ok(Waited::Interrupted);
        }
        let now = look(session, parent)?;
        let old: BTreeMap<_, _> = now.iter().filter(|(id, _)| before.contains_key(*id)).collect();
        if old.is_empty() {
            return Ok(Waited::Clear);
        }
        let names = old.values().map(|name| name.as_str()).collect::<Vec<_>>().join(", ");
        if Instant::now() >= end {
            return Ok(Waited::Blocked(names));
        }
        if !told {
            waiting(&names);
            told = true;
        }
        before = now;
    }
}

fn look(session: &mut Session, parent: Oid) -> Result<BTreeMap<String, String>, postgres::Error> {
    let sql = format!("{CHECK_COMMENT} {}", BLOCKERS.replace("$PARENT", &parent.to_string()));
    rows(session, &sql)
}

/// Who holds a lock on one of these relations: asked when a lock was not to be had, to name them.
pub(super) fn holders(session: &mut Session, relations: &[String]) -> String {
    let names: Vec<String> =
        relations.iter().map(|name| format!("to_regclass({})", crate::sql::Literal(name))).collect();
    let sql = format!(
        "{CHECK_COMMENT} SELECT DISTINCT l.pid::text, format('process %s (%s as %s)', l.pid,
           coalesce(nullif(a.application_name, ''), 'unnamed'), coalesce(a.usename, 'unknown'))
         FROM pg_locks l LEFT JOIN pg_stat_activity a USING (pid)
         WHERE l.granted AND l.locktype = 'relation' AND l.pid <> pg_backend_pid() AND l.relation IN ({})
           AND coalesce(a.application_name, '') !~ '^pgstrata/'",
        names.join(", ")
    );
    let named = rows(session, &sql).unwrap_or_default();
    named.into_values().collect::<Vec<_>>().join(", ")
}

/// Two text columns, the first as key.
fn rows(session: &mut Session, sql: &str) -> Result<BTreeMap<String, String>, postgres::Error> {
    let messages = session.simple_query(sql)?;
    Ok(messages
        .iter()
        .filter_map(|message| match message {
            SimpleQueryMessage::Row(row) => {
                Some((row.get(0).unwrap_or_default().to_owned(), row.get(1).unwrap_or_default().to_owned()))
            }
            _ => None,
        })
        .collect())
}
