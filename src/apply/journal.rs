//! Who removed what, and when: a file that outlives the job. A line of JSON before and after each unit that rows or an
//! index go with, each flushed to the disk before anything else happens. A line without its second one is a unit that
//! nobody saw the end of.

use std::fs::{File, OpenOptions, Permissions};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use jiff::Timestamp;
use serde::Serialize;

use super::executor::lock;
use super::outcome::StepResult;
use crate::catalog::{Marker, Oid, Target};
use crate::db::own_uid;
use crate::grid::Bound;
use crate::plan::{Action, IndexAction, Leaving, PLAN_FORMAT, PartitionAction, Relation, Step, StepId};
use crate::sql::{Ident, TableName};
use crate::visible::clean_json;

/// Read and written by its owner alone.
const MODE: u32 = 0o600;

/// An open journal. Lines of several runs at once do not mix: each is one write to a file opened for appending.
#[derive(Debug)]
pub struct Journal {
    path: PathBuf,
    run: String,
    command: String,
    os_user: Option<String>,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    file: File,
    /// Pipes and devices have nothing to flush.
    flushes: bool,
    /// The last line was not written to its end.
    torn: bool,
    /// SHA-256 of the plan.
    plan: Option<String>,
    broken: Option<String>,
}

/// Who works, and where.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Who {
    role: String,
    database: String,
    database_oid: Oid,
    host: String,
    system_identifier: Option<String>,
}

impl Who {
    pub(super) fn new(role: &str, target: &Target) -> Self {
        Self {
            role: role.to_owned(),
            database: target.database.clone(),
            database_oid: target.database_oid,
            host: target.host.clone(),
            system_identifier: target.system_identifier.clone(),
        }
    }

    /// The same in a session of an owner's login.
    pub(super) fn with_login(&self, login: Option<&Ident>) -> Self {
        let role = login.map_or_else(|| self.role.clone(), |login| login.as_str().to_owned());
        Self { role, ..self.clone() }
    }
}

/// One thing that is done, as a line says it: never a value of a row, never a server's message, which may quote one.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Deed {
    pub(super) action: &'static str,
    pub(super) step: Option<StepId>,
    /// The policy's table.
    pub(super) root: Option<TableName>,
    pub(super) table: TableName,
    pub(super) index: Option<TableName>,
    /// Of the index, where it is about one.
    pub(super) oid: Option<Oid>,
    pub(super) from: Option<Bound>,
    pub(super) to: Option<Bound>,
    pub(super) bytes: Option<u64>,
    pub(super) reason: String,
}

impl Deed {
    /// What a step does, where rows or an index go with it.
    pub(super) fn of(step: &Step) -> Option<Self> {
        let deed = |table: &TableName, oid: Oid| Self {
            action: step.action.word(),
            step: Some(step.id.clone()),
            root: step.table.clone(),
            table: table.clone(),
            index: None,
            oid: Some(oid),
            from: None,
            to: None,
            bytes: step.stake.bytes,
            reason: step.reason.clone(),
        };
        let within = |deed: Self, from: Bound, to: Bound| Self { from: Some(from), to: Some(to), ..deed };
        let of_index =
            |table: &TableName, index: &Relation| Self { index: Some(index.name.clone()), ..deed(table, index.oid) };
        let leaves = |leaving: &Leaving| {
            let Relation { name, oid } = &leaving.partition;
            within(deed(name, *oid), leaving.from, leaving.to)
        };
        match &step.action {
            Action::Partition(PartitionAction::Detach(detach)) => Some(leaves(&detach.leaving)),
            Action::Partition(PartitionAction::Finalize(leaving)) => Some(leaves(leaving)),
            Action::Partition(PartitionAction::Drop(drop)) => {
                let Relation { name, oid } = &drop.retired.partition;
                let Marker { from, to, .. } = drop.retired.marker;
                Some(within(deed(name, *oid), from, to))
            }
            Action::Index(IndexAction::Drop(loose)) => Some(of_index(&loose.partition.name, &loose.index)),
            Action::Index(IndexAction::Swap(swap)) => Some(of_index(&swap.root.name, &swap.old)),
            Action::Index(IndexAction::Discard(discard)) => Some(of_index(&discard.root.name, &discard.index)),
            Action::Partition(
                PartitionAction::Create(_)
                | PartitionAction::CreateDefault(_)
                | PartitionAction::Mark(_)
                | PartitionAction::Stamp(_)
                | PartitionAction::Attach(_),
            )
            | Action::Index(
                IndexAction::Create(_)
                | IndexAction::Build(_)
                | IndexAction::Attach(_)
                | IndexAction::Validate(_)
                | IndexAction::Alter(_)
                | IndexAction::Rebuild(_),
            )
            | Action::Storage(_)
            | Action::Maintenance(_)
            | Action::Limit(_)
            | Action::Setting(_) => None,
        }
    }
}

#[derive(Serialize)]
struct Line<'a> {
    format_version: &'static str,
    time: Timestamp,
    run: &'a str,
    event: &'static str,
    command: &'a str,
    os_user: Option<&'a str>,
    #[serde(flatten)]
    who: &'a Who,
    plan: Option<&'a str>,
    #[serde(flatten)]
    deed: &'a Deed,
    #[serde(skip_serializing_if = "Option::is_none")]
    outcome: Option<&'static str>,
}

impl Journal {
    /// Opens or makes it, for appending; `os_user` is the operating system's name of whoever runs the command.
    ///
    /// A symbolic link is followed where whoever runs the command, or root, made it: a log folder may well keep its files
    /// elsewhere. One of anybody else would lead lines, and the file's mode, wherever they like, and is refused.
    ///
    /// # Errors
    /// It cannot be opened for its owner alone, or is somebody else's link.
    pub fn open(path: &Path, command: &str, os_user: Option<&str>) -> io::Result<Self> {
        // Another kind of file may be for writing only; a pipe would wait for somebody to read it, and keeps nothing.
        let found = std::fs::metadata(path).ok();
        let other = found.as_ref().map(std::fs::Metadata::file_type).filter(|kind| !kind.is_file());
        if other.is_some_and(|kind| !kind.is_char_device()) {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "not a regular file"));
        }
        let regular = other.is_none();
        let link = link_of(path);
        if let Some(owner) = link.filter(|owner| *owner != 0 && own_uid(None) != Some(*owner)) {
            let because = format!("a symbolic link of another user ({owner}); name the file that it leads to");
            return Err(io::Error::new(io::ErrorKind::PermissionDenied, because));
        }
        let mut file = OpenOptions::new().append(true).read(regular).create(true).mode(MODE).open(path)?;
        let kind = file.metadata()?;
        // Nothing is written or changed before it is known to be what was looked at.
        if link_of(path) != link {
            return Err(io::Error::new(io::ErrorKind::PermissionDenied, "it has become a symbolic link meanwhile"));
        }
        let mut torn = false;
        if kind.is_file() {
            if kind.permissions().mode() & 0o777 != MODE {
                file.set_permissions(Permissions::from_mode(MODE))?;
            }
            torn = regular && !ends_in_a_line(&mut file)?;
            file.sync_all()?;
            // Its name must survive a crash as well.
            let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
            File::open(folder)?.sync_all()?;
        }
        let state = State { file, flushes: kind.is_file(), torn, plan: None, broken: None };
        Ok(Self {
            path: path.to_owned(),
            run: format!("{:032x}", fastrand::u128(..)),
            command: command.to_owned(),
            os_user: os_user.map(str::to_owned),
            state: Mutex::new(state),
        })
    }

    /// Which plan is carried out.
    pub fn of_plan(&self, hash: String) {
        lock(&self.state).plan = Some(hash);
    }

    /// Why a line could not be written, if one could not.
    pub fn broken(&self) -> Option<String> {
        lock(&self.state).broken.clone()
    }

    /// Before the unit.
    ///
    /// # Errors
    /// The line is not on the disk, or an earlier one is not, in words: the unit must not begin.
    pub(super) fn begins(&self, who: &Who, deed: &Deed) -> Result<(), String> {
        match self.broken() {
            Some(because) => Err(because),
            None => self.write("before", who, deed, None),
        }
    }

    /// After the unit. That its line could not be written keeps the next one from beginning.
    pub(super) fn ended(&self, who: &Who, deed: &Deed, result: &StepResult) {
        let word = match result {
            StepResult::Applied { .. } => "applied",
            StepResult::AlreadySatisfied => "already_satisfied",
            StepResult::Blocked(_) => "blocked",
            StepResult::Postponed(_) => "postponed",
            StepResult::Skipped(_) => "skipped",
            StepResult::Superseded { .. } => "superseded",
            StepResult::Failed { .. } => "failed",
            StepResult::NotReached => "not_reached",
        };
        // `broken` tells.
        drop(self.write("after", who, deed, Some(word)));
    }

    fn write(&self, event: &'static str, who: &Who, deed: &Deed, outcome: Option<&'static str>) -> Result<(), String> {
        let mut guard = lock(&self.state);
        let state = &mut *guard;
        let line = Line {
            format_version: PLAN_FORMAT,
            time: Timestamp::now(),
            run: &self.run,
            event,
            command: &self.command,
            os_user: self.os_user.as_deref(),
            who,
            plan: state.plan.as_deref(),
            deed,
            outcome,
        };
        let before = if state.torn { "\n" } else { "" };
        let written = serde_json::to_string(&line).map_err(io::Error::other).and_then(|text| {
            state.torn = true;
            state.file.write_all(format!("{before}{}\n", clean_json(text)).as_bytes())?;
            state.torn = false;
            if state.flushes { state.file.sync_all() } else { Ok(()) }
        });
        written.map_err(|error| {
            let because = format!("the journal {} cannot be written: {error}", self.path.display());
            state.broken.get_or_insert(because).clone()
        })
    }
}

/// Whose link it is, where it is one.
fn link_of(path: &Path) -> Option<u32> {
    let found = std::fs::symlink_metadata(path).ok()?;
    found.is_symlink().then(|| found.uid())
}

/// Whether the last line has its end: whoever wrote it may have been killed, or its disk been full.
fn ends_in_a_line(file: &mut File) -> io::Result<bool> {
    if file.metadata()?.len() == 0 {
        return Ok(true);
    }
    let mut last = [0];
    file.seek(SeekFrom::End(-1))?;
    file.read_exact(&mut last)?;
    Ok(last == *b"\n")
}
