//! The hold lines of a table's comment: found, set and lifted.

use postgres::error::SqlState;
use postgres::types::{ToSql, Type};

use super::blockers::holders;
use super::journal::{Deed, Journal, Who};
use super::outcome::StepResult;
use crate::catalog::{HOLD_PREFIX, Marker, Oid, Target, holds};
use crate::db::{Session, describe, transaction_pins_sql};
use crate::policy::suggest::nearest;
use crate::sql::{ANOTHER_HOLD, HoldChange, Ident, Lock, LockMode, TableName, hold_statements, membership};
use crate::visible::hides;

/// A table, what its comment says, and as whom the session may change that.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holdable {
    /// Its name.
    pub name: TableName,
    /// Its OID.
    pub oid: Oid,
    /// Its owner, who comments.
    pub owner: Ident,
    /// Its comment.
    pub comment: String,
    /// Whether it is, has or was a partition: else a hold line means nothing yet.
    pub concerns_us: bool,
    /// The table that it is a partition of.
    pub parent: Option<TableName>,
    /// `session_user`.
    pub who: Ident,
    /// What the statements run as: `None` for the session itself. Else what is missing.
    acts_as: Result<Option<Ident>, Lack>,
}

/// What keeps the session from commenting.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Lack {
    what: String,
    cure: String,
}

impl Holdable {
    /// The hold lines of its comment, as they stand there.
    pub fn lines(&self) -> Vec<&str> {
        self.comment.split('\n').filter(|line| holds(line)).collect()
    }
}

/// Why nothing was changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HoldError {
    /// It is no name.
    #[error("{0}")]
    NoName(String),
    /// Nothing is called so.
    #[error("there is no table {name}")]
    NotFound {
        /// As it was typed.
        name: String,
        /// What may have been meant.
        nearest: Option<TableName>,
    },
    /// Several are.
    #[error("{name} is ambiguous: {}", all.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "))]
    Ambiguous {
        /// As it was typed.
        name: String,
        /// All of them.
        all: Vec<TableName>,
    },
    /// It is a view or a foreign table.
    #[error("{0} is neither a table nor a partition")]
    NoTable(TableName),
    /// Only its owner may comment, and the session is not that.
    #[error("{table}: {what}")]
    NoRight {
        /// The table.
        table: TableName,
        /// What is missing.
        what: String,
        /// The statement that gives the right.
        cure: String,
    },
    /// Somebody holds a lock on it.
    #[error("{table}: {error}{}", if by.is_empty() { String::new() } else { format!("; in the way now: {by}") })]
    Busy {
        /// The table.
        table: TableName,
        /// What the server says.
        error: String,
        /// Who, as far as the role may see.
        by: String,
    },
    /// Somebody has added a hold.
    #[error("{0}")]
    AnotherHold(String),
    /// The journal cannot be written: nothing was changed.
    #[error("{0}")]
    Journal(String),
    /// The server refused.
    #[error("{0}")]
    Server(String),
}

/// Finds a table by the name that somebody typed; its schema may be left out where only one fits.
///
/// # Errors
/// [`HoldError`]
pub fn find_holdable(session: &mut Session, name: &str) -> Result<Holdable, HoldError> {
    let parsed = name.parse::<TableName>().map(|name| (Some(name.schema), name.name));
    let parsed = parsed.or_else(|_| Ident::parse(name).map(|name| (None, name)));
    let (schema, relation) = parsed.map_err(|error| HoldError::NoName(format!("{name}: {error}")))?;
    let schema = schema.as_ref().map(Ident::as_str);
    let params: [(&(dyn ToSql + Sync), Type); 2] = [(&relation.as_str(), Type::TEXT), (&schema, Type::TEXT)];
    let rows = session.client().query_typed(include_str!("hold.sql"), &params).map_err(|error| said(&error))?;
    let mut all = rows.iter().map(read).collect::<Result<Vec<_>, _>>().map_err(|error| said(&error))?;
    match all.len() {
        0 => Err(HoldError::NotFound { nearest: near(session, schema, &relation)?, name: name.to_owned() }),
        1 => match all.remove(0) {
            (table, true) => Ok(table),
            (table, false) => Err(HoldError::NoTable(table.name)),
        },
        _ => {
            let all = all.into_iter().map(|(table, _)| table.name).collect();
            Err(HoldError::Ambiguous { name: name.to_owned(), all })
        }
    }
}

fn said(error: &postgres::Error) -> HoldError {
    HoldError::Server(describe(error))
}

/// A row of the query, and whether it is a table at all.
fn read(row: &postgres::Row) -> Result<(Holdable, bool), postgres::Error> {
    let (schema, relation): (String, String) = (row.try_get(1)?, row.try_get(2)?);
    let (owner, who) = (Ident::new(row.try_get::<_, String>(3)?), Ident::new(row.try_get::<_, String>(7)?));
    let comment: Option<Vec<u8>> = row.try_get(6)?;
    let comment = String::from_utf8_lossy(&comment.unwrap_or_default()).into_owned();
    let (superuser, of_superuser): (bool, Option<bool>) = (row.try_get(8)?, row.try_get(9)?);
    let (may_become, inherits): (bool, bool) = (row.try_get(10)?, row.try_get(11)?);
    let (owner_uses, session_uses): (bool, bool) = (row.try_get(12)?, row.try_get(13)?);
    let major = row.try_get::<_, i32>(14)?.unsigned_abs() / 10_000;
    let name = TableName::new(schema, relation);
    let uses = |role: &Ident| Lack {
        what: format!("{role} may not use schema {}", name.schema),
        cure: format!("GRANT USAGE ON SCHEMA {} TO {role};", name.schema),
    };
    let acts_as = if may_become && owner_uses {
        Ok(Some(owner.clone()))
    } else if superuser || (inherits && session_uses) {
        Ok(None)
    } else if may_become || inherits {
        Err(uses(if may_become { &owner } else { &who }))
    } else if of_superuser == Some(true) {
        let what = format!("{who} may not SET ROLE {owner}, which owns it and is a superuser");
        Err(Lack {
            what,
            cure: format!("let a superuser do it, or change its owner: ALTER TABLE {name} OWNER TO {who};"),
        })
    } else {
        let what = format!("{who} may not SET ROLE {owner}, which owns it");
        Err(Lack { what, cure: format!("{};", membership(&owner, &who, major)) })
    };
    let concerns_us = row.try_get::<_, bool>(5)? || Marker::find(&comment).is_some();
    let parent: (Option<String>, Option<String>) = (row.try_get(15)?, row.try_get(16)?);
    let parent = parent.0.zip(parent.1).map(|(schema, name)| TableName::new(schema, name));
    let table = Holdable { oid: Oid(row.try_get(0)?), name, owner, comment, concerns_us, parent, who, acts_as };
    Ok((table, row.try_get(4)?))
}

/// What a slip of the keyboard may have meant, in its schema if it has one.
fn near(session: &mut Session, schema: Option<&str>, relation: &Ident) -> Result<Option<TableName>, HoldError> {
    let sql = "/* pgstrata hold */ SELECT n.nspname, c.relname FROM pg_catalog.pg_class AS c \
               JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace \
               WHERE c.relkind IN ('r', 'p') AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' \
               ORDER BY n.nspname, c.relname";
    let rows = session.client().query_typed(sql, &[]).map_err(|error| said(&error))?;
    let names: Vec<(String, String)> =
        rows.iter().filter_map(|row| Some((row.try_get(0).ok()?, row.try_get(1).ok()?))).collect();
    let here = |of: &str| schema.is_none_or(|schema| schema == of);
    let found = nearest(relation.as_str(), names.iter().filter(|(of, _)| here(of)).map(|(_, name)| name.as_str()))
        .and_then(|found| names.iter().find(|(of, name)| here(of) && name == found));
    // The right name, and another schema's.
    let elsewhere = || names.iter().find(|(_, name)| name == relation.as_str());
    Ok(found.or_else(elsewhere).map(|(schema, name)| TableName::new(schema.clone(), name.clone())))
}

/// The line for a reason; `None` where that is no single line of text.
pub fn hold_line(reason: &str) -> Option<String> {
    let reason = reason.trim();
    (!reason.is_empty() && !reason.contains(hides)).then(|| format!("{HOLD_PREFIX} {reason}"))
}

/// Sets or lifts hold lines, as the owner, in one transaction. `reason` is for the journal.
///
/// # Errors
/// [`HoldError`]: nothing was changed.
pub fn change_hold(
    session: &mut Session,
    table: &Holdable,
    (change, reason): (&HoldChange, &str),
    (target, journal): (&Target, Option<&Journal>),
) -> Result<(), HoldError> {
    let role = match &table.acts_as {
        Ok(role) => role.as_ref(),
        Err(Lack { what, cure }) => {
            return Err(HoldError::NoRight { table: table.name.clone(), what: what.clone(), cure: cure.clone() });
        }
    };
    let marker = Marker::find(&table.comment);
    let deed = Deed {
        action: match change {
            HoldChange::Set { line: _ } => "hold",
            HoldChange::Lift { seen: _ } => "unhold",
        },
        step: None,
        root: table.parent.clone().or_else(|| marker.as_ref().map(|marker| marker.root.clone())),
        table: table.name.clone(),
        index: None,
        oid: Some(table.oid),
        from: marker.as_ref().map(|marker| marker.from),
        to: marker.as_ref().map(|marker| marker.to),
        bytes: None,
        reason: reason.to_owned(),
    };
    let who = Who::new(table.who.as_str(), target);
    if let Some(journal) = journal {
        journal.begins(&who, &deed).map_err(HoldError::Journal)?;
    }
    let changed = carry_out(session, table, role, change);
    if let Some(journal) = journal {
        let result = match &changed {
            Ok(()) => StepResult::Applied { retries: 0 },
            Err(error) => StepResult::Failed { error: error.to_string(), lock_spent: false },
        };
        journal.ended(&who, &deed, &result);
    }
    changed
}

fn carry_out(
    session: &mut Session,
    table: &Holdable,
    role: Option<&Ident>,
    change: &HoldChange,
) -> Result<(), HoldError> {
    let mut statements = hold_statements(&table.name, table.oid, role, change);
    // A pooler may give the session to somebody else next: whatever is set is set for this transaction.
    statements.insert(1, transaction_pins_sql().to_owned());
    for sql in &statements {
        let Err(error) = session.client().batch_execute(sql) else { continue };
        drop(session.client().batch_execute("ROLLBACK"));
        let Some(code) = error.code() else { return Err(said(&error)) };
        return Err(if *code == SqlState::LOCK_NOT_AVAILABLE {
            let lock = Lock { relation: table.name.clone(), mode: LockMode::ShareUpdateExclusive, partitions: None };
            HoldError::Busy { table: table.name.clone(), error: describe(&error), by: holders(session, &[lock]) }
        } else if *code == SqlState::UNDEFINED_TABLE {
            HoldError::Server(format!("{} was dropped or renamed meanwhile", table.name))
        } else if code.code() == ANOTHER_HOLD {
            let message = error.as_db_error().map(|error| error.message().to_owned());
            HoldError::AnotherHold(message.unwrap_or_else(|| describe(&error)))
        } else {
            said(&error)
        });
    }
    Ok(())
}
