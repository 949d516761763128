//! Tables called like pg_partman's: which of them may be read, and are believed.

use postgres::types::Type;

use super::error::InspectError;
use super::reader::{Reader, field};
use super::snapshot::Oid;
use crate::sql::{Ident, TableName};

const CANDIDATES: &str = include_str!("part_config.sql");

/// Whose a table is, of those that are believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Whose {
    /// A member of the extension pg_partman.
    Extension,
    /// A superuser's: a managed service may have its own copy, and a restored dump the table alone.
    Superuser,
    /// The session's own.
    Session,
}

impl Whose {
    /// `the extension's own`
    pub(super) fn words(self) -> &'static str {
        match self {
            Self::Extension => "the extension's own",
            Self::Superuser => "a superuser's, outside the extension",
            Self::Session => "this role's own, outside the extension",
        }
    }
}

/// A table called `part_config` or `part_config_sub`, and shaped so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Candidate {
    pub(super) name: TableName,
    oid: Oid,
    /// Its owner.
    owner: Ident,
    whose: Option<Whose>,
    /// Why it may not be read whosever it is.
    because: Option<String>,
}

impl Candidate {
    /// Whose it is, or why it is not read.
    pub(super) fn judged(&self) -> Result<Whose, String> {
        match (self.whose, &self.because) {
            (Some(whose), None) => Ok(whose),
            (Some(_), Some(because)) => Err(because.clone()),
            (None, _) => Err(format!("it belongs to {}, neither to pg_partman nor to a superuser", self.owner)),
        }
    }

    pub(super) fn is_sub(&self) -> bool {
        self.name.name.as_str() == "part_config_sub"
    }
}

/// All of them, the extension's own first.
pub(super) fn candidates(reader: &mut Reader<'_>, step: &'static str) -> Result<Vec<Candidate>, InspectError> {
    let rows = reader.query(step, CANDIDATES, &[] as &[(&(dyn postgres::types::ToSql + Sync), Type)])?;
    rows.iter()
        .map(|row| {
            let (schema, name): (&str, &str) = (field(step, row, 0)?, field(step, row, 1)?);
            let whose = match field::<_, Option<&str>>(step, row, 4)? {
                Some("extension") => Some(Whose::Extension),
                Some("superuser") => Some(Whose::Superuser),
                Some("session") => Some(Whose::Session),
                Some(_) | None => None,
            };
            Ok(Candidate {
                name: TableName::new(schema, name),
                oid: Oid(field(step, row, 2)?),
                owner: Ident::new(field::<_, &str>(step, row, 3)?),
                whose,
                because: field(step, row, 5)?,
            })
        })
        .collect()
}

/// Locks these against being replaced, and looks again: the owner of a schema may drop what others have in it, and put
/// something else there. For the rest of the savepoint that this is called in they are what was judged.
pub(super) fn hold(reader: &mut Reader<'_>, step: &'static str, all: &[&Candidate]) -> Result<(), InspectError> {
    let names: Vec<String> = all.iter().map(|one| format!("ONLY {}", one.name)).collect();
    reader.simple(step, &format!("LOCK TABLE {} IN ACCESS SHARE MODE NOWAIT", names.join(", ")))?;
    let now = candidates(reader, step)?;
    if all.iter().all(|one| now.contains(one)) {
        return Ok(());
    }
    Err(InspectError::unreadable(step, "the table is not what it was a moment ago"))
}
