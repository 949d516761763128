//! `--journal FILE`

use std::path::Path;
use std::sync::Arc;

use pgstrata::apply::Journal;
use pgstrata::db::Env;

use super::error::CommandError;
use super::exit::Event;

/// Opens the journal, where one is asked for: before anything else is done. Exit 1 where it cannot be.
pub(super) fn open(path: Option<&Path>, command: &str, env: &Env) -> Result<Option<Arc<Journal>>, CommandError> {
    let Some(path) = path else { return Ok(None) };
    let opened = Journal::open(path, command, env.user()).map_err(|error| {
        CommandError::error(format!("the journal {} cannot be opened: {error}; nothing was changed", path.display()))
    })?;
    Ok(Some(Arc::new(opened)))
}

/// Exit 6 once a line could not be written: no unit that rows or an index go with has begun since.
pub(super) fn check(journal: Option<&Arc<Journal>>) -> Result<(), CommandError> {
    match journal.and_then(|journal| journal.broken()) {
        Some(because) => Err(CommandError::new(Event::PartWay, because)
            .hint("nothing was removed since; make room for it, or name another file, and run the command again")),
        None => Ok(()),
    }
}
