//! PgBouncer's admin console. It speaks the simple protocol only, knows `SHOW` and no `SELECT`, and names its columns
//! differently between versions.

use std::collections::BTreeMap;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use postgres::{SimpleQueryMessage, SimpleQueryRow};

use super::super::pooler::{PoolerDatabase, PoolerFacts, PoolerState};
use crate::db::{ConnError, Connector, describe};

/// How often it is looked whether somebody wants to stop.
const POLL: Duration = Duration::from_millis(50);

/// What a policy may speak of in `[pgbouncer]`, and what limits its users.
const SETTINGS: [&str; 7] = [
    "default_pool_size",
    "max_client_conn",
    "max_db_connections",
    "max_user_client_connections",
    "max_user_connections",
    "pool_mode",
    "reserve_pool_size",
];

/// Columns of `SHOW USERS` that limit what a user's pools open and take; all since 1.24, before it shows the mode alone.
const OF_USERS: [&str; 3] = ["pool_size", "max_user_connections", "max_user_client_connections"];

/// Columns of `SHOW DATABASES` and what the configuration file calls them. `reserve_pool` and `max_connections` are the
/// names before 1.24.
const COLUMNS: [(&str, &str); 6] = [
    ("pool_size", "pool_size"),
    ("pool_mode", "pool_mode"),
    ("reserve_pool", "reserve_pool_size"),
    ("reserve_pool_size", "reserve_pool_size"),
    ("max_connections", "max_db_connections"),
    ("max_db_connections", "max_db_connections"),
];

/// Asks PgBouncer for its configuration. `console` connects to its database `pgbouncer`, as one of its `admin_users` or
/// `stats_users`.
///
/// Whatever keeps it from answering is in the state, not an error: what is not the pooler's goes on.
///
/// It is given its connector's deadline in all: a console that falls silent must not hold up a run, and with it the run
/// lock. The thread that waits for it ends with its socket.
pub fn inspect_pooler(console: &Connector) -> PoolerState {
    let (sender, receiver) = mpsc::sync_channel(1);
    let ours = console.clone();
    let asking =
        thread::Builder::new().name("pgstrata-pooler".to_owned()).spawn(move || drop(sender.send(read(&ours))));
    if let Err(error) = asking {
        return PoolerState::Unreadable(format!("no thread to ask it on: {error}"));
    }
    let deadline = console.default_deadline();
    let mut waited = Duration::ZERO;
    while waited < deadline && !console.is_interrupted() {
        match receiver.recv_timeout(POLL) {
            Ok(Ok(facts)) => return PoolerState::Read(facts),
            Ok(Err(because)) => return PoolerState::Unreadable(because),
            Err(mpsc::RecvTimeoutError::Timeout) => waited += POLL,
            Err(mpsc::RecvTimeoutError::Disconnected) => {
                return PoolerState::Unreadable("the thread that asked it ended without an answer".to_owned());
            }
        }
    }
    PoolerState::Unreadable(format!("no answer within {} s", waited.as_secs()))
}

fn read(console: &Connector) -> Result<PoolerFacts, String> {
    let console = console.clone().bare();
    let mut session =
        console.connect(console.default_deadline()).map_err(|error| unnamed(&error, console.info().user()))?;
    let mut show = |what: &str| -> Result<Vec<SimpleQueryRow>, String> {
        let answer = session.simple_query(what).map_err(|error| format!("{what}: {}", describe(&error)))?;
        let mut rows = Vec::new();
        for message in answer {
            if let SimpleQueryMessage::Row(row) = message {
                rows.push(row);
            }
        }
        Ok(rows)
    };
    let mut facts = PoolerFacts::default();
    for row in show("SHOW CONFIG")? {
        let cells = cells(&row);
        // Many are empty.
        if let (Some(key), Some(value)) = (cells.get("key"), cells.get("value"))
            && SETTINGS.contains(&key.as_str())
        {
            facts.settings.insert(key.clone(), value.clone());
        }
    }
    if facts.settings.is_empty() {
        return Err("SHOW CONFIG says nothing of pools: is this PgBouncer's admin console?".to_owned());
    }
    for row in show("SHOW DATABASES")? {
        let mut cells = cells(&row);
        let (Some(name), Some(database)) = (cells.remove("name"), cells.remove("database")) else { continue };
        let known = COLUMNS.iter().filter_map(|(column, name)| Some(((*name).to_owned(), cells.remove(*column)?)));
        let settings = known.collect();
        facts.databases.insert(name, PoolerDatabase { database, settings });
    }
    // They only ever lower what is counted: where they are not shown, nothing is lost.
    for row in show("SHOW USERS").unwrap_or_default() {
        let mut cells = cells(&row);
        let Some(name) = cells.remove("name") else { continue };
        let limits = OF_USERS.iter().filter_map(|limit| Some(((*limit).to_owned(), cells.remove(*limit)?)));
        let limits: BTreeMap<String, String> = limits.collect();
        if !limits.is_empty() {
            facts.users.insert(name, limits);
        }
    }
    Ok(facts)
}

/// Why there is no session, without the role: it comes from a secret, and whoever answers may repeat it.
fn unnamed(error: &ConnError, user: &str) -> String {
    let text = match error {
        ConnError::AuthFailed { target, .. } => return format!("authentication failed at {target}"),
        ConnError::NoHost(tried) => {
            let tried: Vec<String> = tried.iter().map(|error| unnamed(error, user)).collect();
            return format!("no host gave a session: {}", tried.join("; "));
        }
        ConnError::BadConnInfo(_)
        | ConnError::Unreachable { .. }
        | ConnError::Mute { .. }
        | ConnError::Tls { .. }
        | ConnError::UnknownDatabase { .. }
        | ConnError::TooManyConnections { .. }
        | ConnError::Refused { .. }
        | ConnError::WrongServer { .. }
        | ConnError::PoolExhausted { .. }
        | ConnError::PoolerExhausted { .. }
        | ConnError::AnotherServer { .. }
        | ConnError::Interrupted { .. } => error.to_string(),
    };
    let of_word = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-');
    let mut out = String::with_capacity(text.len());
    let mut rest = text.as_str();
    while let Some(at) = rest.find(user).filter(|_| !user.is_empty()) {
        let after = &rest[at + user.len()..];
        // Before an `@` it is the database of the same name.
        let whole = !rest[..at].ends_with(of_word) && !after.starts_with(of_word) && !after.starts_with('@');
        out.push_str(&rest[..at]);
        out.push_str(if whole { "…" } else { user });
        rest = after;
    }
    out.push_str(rest);
    out
}

/// A row by its columns' names; null and the empty text are not there.
fn cells(row: &SimpleQueryRow) -> BTreeMap<String, String> {
    let named = row.columns().iter().enumerate();
    let filled = named.filter_map(|(at, column)| {
        let value = row.try_get(at).ok().flatten().filter(|value| !value.is_empty())?;
        Some((column.name().to_owned(), value.to_owned()))
    });
    filled.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_role_is_not_named() {
        let target = "pgbouncer@db1:6432".to_owned();
        let refused = ConnError::Refused {
            target: target.clone(),
            message: "no such user: pgbouncer, or \"pgbouncer\"; pgbouncer2".to_owned(),
            sqlstate: None,
        };
        assert_eq!(
            unnamed(&refused, "pgbouncer"),
            "pgbouncer@db1:6432 refused the session: no such user: …, or \"…\"; pgbouncer2"
        );
        let failed = ConnError::AuthFailed {
            target,
            user: "stats".to_owned(),
            message: "for user \"stats\"".to_owned(),
            sqlstate: None,
        };
        let all = ConnError::NoHost(vec![failed]);
        assert_eq!(unnamed(&all, "stats"), "no host gave a session: authentication failed at pgbouncer@db1:6432");
    }
}
