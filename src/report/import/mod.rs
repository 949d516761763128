//! A policy for what is there already: pure functions of what the catalog, or another tool's configuration, says.
//!
//! Intervals, zones and anchors come from the bounds of partitions, names of new ones from the names of those that are
//! there. What cannot be known is said in a comment. A retention is never invented: it was written somewhere, or there
//! is none.

mod about;
mod draft;
mod infer;
mod name;
mod partman;
mod partsmith;
mod ppm;
mod premake;
mod reading;
mod siblings;
mod source;
mod span;
mod table;
#[cfg(test)]
mod tests;
mod yaml;
mod zone;

pub use draft::Draft;
pub use partsmith::from_pg_partsmith;
pub use ppm::from_ppm;
pub use source::SourceError;

use crate::catalog::{Survey, TableState};

/// A policy for the tables of a survey.
///
/// Applying it to the same database changes nothing but what is missing ahead of now, or between partitions.
pub fn from_database(survey: &Survey) -> Draft {
    let mut draft = Draft { origin: survey.snapshot.target.to_string(), ..Draft::default() };
    if !survey.partman.is_empty() {
        let read = survey
            .told_by
            .iter()
            .map(|(table, whose)| format!("What pg_partman was told is read from {table}, {whose}."));
        draft.remarks.extend(read);
    }
    let not_believed = survey
        .not_believed
        .iter()
        .map(|(table, because)| format!("{table} is called like a table of pg_partman's and is not read: {because}"));
    draft.notes.extend(not_believed);
    for (name, state) in &survey.snapshot.catalog.tables {
        let found = match state {
            TableState::Missing => Err("there is no such table".to_owned()),
            TableState::Unfit(what) => Err(what.clone()),
            TableState::Partitioned(root) => table::table(survey, name, root),
        };
        match found {
            Ok((table, note)) => {
                draft.tables.push(table);
                draft.notes.extend(note);
            }
            Err(why) => draft.skipped.push((name.to_string(), why)),
        }
    }
    draft
}
