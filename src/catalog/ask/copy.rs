//! What can be read of a partition without a plan: `COPY table TO` runs no query, and so none of the code that hangs on it.

use super::super::error::InspectError;
use super::super::reader::Reader;
use super::super::snapshot::{Catalog, Leaf, LeafKind, Oid};
use super::{is_oid, oid_of, quoted, readers, renamed};
use crate::sql::Ident;

const STEP: &str = "reading keys without a query";

/// A COPY has no LIMIT: it is cut short after so long. Whether there are rows, the first one says.
const LONG_ENOUGH: &str = "250ms";

/// What was read of the keys of a partition.
pub(super) struct Keys {
    /// There are rows.
    pub(super) any: bool,
    /// The highest, where keys are whole numbers and all were read.
    pub(super) highest: Option<i64>,
}

/// Reads the keys of one partition, as long as that takes no longer than a moment. The inner error says why not.
pub(super) fn keys(
    reader: &mut Reader<'_>,
    catalog: &Catalog,
    (oid, leaf): (Oid, &Leaf),
    key: &Ident,
) -> Result<Result<Keys, String>, InspectError> {
    match leaf.kind {
        LeafKind::Table => {}
        LeafKind::Foreign | LeafKind::Partitioned => return Ok(Err(format!("{}: it is no ordinary table", leaf.name))),
    }
    let mut refused = None;
    for role in readers(catalog, &leaf.owner) {
        let tried = reader.aside(STEP, |reader| {
            let role = role.map_or_else(String::new, |role| format!("SET LOCAL ROLE {}; ", quoted(role)));
            let begin = format!(
                "{role}SET LOCAL statement_timeout = '{LONG_ENOUGH}'; LOCK TABLE ONLY {} IN ACCESS SHARE MODE; SELECT {}",
                leaf.name,
                oid_of(&leaf.name)
            );
            let rows = reader.simple(STEP, &begin)?;
            if !rows.first().is_some_and(|row| is_oid(row.get(0), oid)) {
                return Err(InspectError::unreadable(STEP, renamed(&leaf.name)));
            }
            let mut keys = Keys { any: false, highest: None };
            let whole = reader.copy(STEP, &format!("COPY {} ({key}) TO STDOUT", leaf.name), &mut |line| {
                keys.any = true;
                let number = std::str::from_utf8(line).ok().and_then(|text| text.parse().ok());
                keys.highest = keys.highest.max(number);
            });
            match whole {
                Ok(()) => Ok(keys),
                // Cut short, and there are some.
                Err(error) if error.leaves_session() && keys.any => Ok(Keys { any: true, highest: None }),
                Err(error) => Err(error),
            }
        })?;
        match tried {
            Ok(keys) => return Ok(Ok(keys)),
            Err(error) if error.is_privilege() => refused = refused.or(Some(error)),
            Err(error) => return Ok(Err(format!("{}: {}", leaf.name, error.because()))),
        }
    }
    let because = refused.map_or_else(|| "nobody to ask as".to_owned(), InspectError::because);
    Ok(Err(format!("{}: {because}", leaf.name)))
}
