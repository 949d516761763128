//! Saved snapshots.

use std::path::Path;

use jiff::Timestamp;
use pgstrata::catalog::Snapshot;
use pgstrata::render::json::{MAX_SNAPSHOT_BYTES, SnapshotFileError, snapshot_from_json};
use pgstrata::render::{duration, second};

use super::error::CommandError;
use super::exit::Event;
use super::files::read_at_most;
use super::paste;
use super::ui::Ui;

/// A day later much is due that was not.
const OLD: i64 = 24 * 60 * 60;

/// Reads a saved snapshot: exit 4 where that is not possible, as for saved plans. An old one deserves a word: whatever is
/// said of it was true then.
pub(super) fn read(path: &Path, ui: &Ui) -> Result<Snapshot, CommandError> {
    let snapshot = parse(path)?;
    #[allow(clippy::disallowed_methods, reason = "how old a snapshot is, is a matter of the real clock")]
    let age = Timestamp::now().duration_since(snapshot.taken_at).as_secs();
    if age >= OLD {
        ui.note(&format!("this snapshot was taken {}, {} ago", second(snapshot.taken_at), duration(age)));
    }
    Ok(snapshot)
}

fn parse(path: &Path) -> Result<Snapshot, CommandError> {
    let name = path.display();
    let refused = |because: String, hint: String| {
        CommandError::new(Event::Stale, format!("the snapshot {name} cannot be used: {because}")).hint(hint)
    };
    let again = || format!("take it again: pgstrata snapshot --out {}", paste::path(path));
    let bytes = read_at_most(path, MAX_SNAPSHOT_BYTES as u64).map_err(|error| refused(error.to_string(), again()))?;
    let text = String::from_utf8(bytes).map_err(|_| refused("the file is not UTF-8".to_owned(), again()))?;
    snapshot_from_json(&text).map_err(|error| {
        let hint = match error {
            SnapshotFileError::APlan => format!("show it: pgstrata show {}", paste::path(path)),
            SnapshotFileError::TooLarge(_)
            | SnapshotFileError::Truncated { .. }
            | SnapshotFileError::NotJson(_)
            | SnapshotFileError::NotASnapshot(_)
            | SnapshotFileError::Newer { .. } => again(),
        };
        refused(error.to_string(), hint)
    })
}
