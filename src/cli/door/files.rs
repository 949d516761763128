//! Files that are written whole or not at all.
#![allow(clippy::disallowed_methods, reason = "reads and writes the files that the user named")]

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use super::Leaving;
use crate::cli::error::CommandError;
use crate::cli::exit::Event;

/// Who may read a new file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::cli) enum Mode {
    /// As the umask says.
    Shared,
    /// Its owner.
    Private,
}

/// Puts `text` into `path` as a whole: a reader sees the old content or the new. What is no regular file (a pipe,
/// `/dev/stdout`) is written to as it is, and a symbolic link keeps pointing where it does.
pub(in crate::cli) fn write_atomically(path: &Path, text: &Leaving, mode: Mode) -> Result<(), CommandError> {
    let failed = |error: io::Error| CommandError::error(format!("{} could not be written: {error}", path.display()));
    let target = match fs::metadata(path) {
        Ok(found) if found.is_file() => fs::canonicalize(path).map_err(failed)?,
        Ok(found) if found.is_dir() => return Err(failed(io::ErrorKind::IsADirectory.into())),
        Ok(_) => {
            let written = OpenOptions::new().write(true).open(path).and_then(|mut file| file.write_all(text.bytes()));
            return match written {
                Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
                other => other.map_err(failed),
            };
        }
        Err(_) => path.to_owned(),
    };
    let temporary = beside(&target);
    let written = write_new(&temporary, text, mode).and_then(|()| fs::rename(&temporary, &target));
    written.map_err(|error| {
        drop(fs::remove_file(&temporary));
        failed(error)
    })
}

/// Whether the folder of a file to be written is there: better known before the work than after it.
pub(in crate::cli) fn check_folder(path: &Path) -> Result<(), CommandError> {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        Some(_) | None => Path::new("."),
    };
    if path.is_dir() {
        return Err(CommandError::usage(format!("{} is a folder: name a file", path.display())));
    }
    if folder.is_dir() {
        return Ok(());
    }
    let message = format!("{} cannot be written: there is no folder {}", path.display(), folder.display());
    Err(CommandError::usage(message).hint(format!("mkdir -p {}", folder.display())))
}

/// Appends to a file that others append to as well.
pub(in crate::cli) fn append(path: &Path, text: &Leaving) -> io::Result<()> {
    OpenOptions::new().append(true).create(true).open(path)?.write_all(text.bytes())
}

/// A whole file, if it is no larger than `limit` bytes.
pub(in crate::cli) fn read_at_most(path: &Path, limit: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(limit + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > limit {
        return Err(io::Error::other(format!("larger than {limit} bytes")));
    }
    Ok(bytes)
}

/// The files of a folder that are policies, in the order of their names.
pub(in crate::cli) fn policies_in(folder: &Path) -> Result<Vec<PathBuf>, CommandError> {
    let failed =
        |error: io::Error| CommandError::new(Event::Config, format!("{} cannot be read: {error}", folder.display()));
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        // Editors leave hidden files beside the one they edit.
        let hidden = path.file_name().is_none_or(|name| name.as_encoded_bytes().starts_with(b"."));
        let extension = path.extension().unwrap_or_default();
        if hidden || !path.is_file() {
            continue;
        }
        // It may have the holds.
        if extension == "yml" {
            let message = format!("{} would not be read: policies end in .yaml", path.display());
            let hint = format!("mv {0} {1}", path.display(), path.with_extension("yaml").display());
            return Err(CommandError::new(Event::Config, message).hint(hint));
        }
        if extension == "yaml" {
            found.push(path);
        }
    }
    found.sort();
    if found.is_empty() {
        let message = format!("there is no *.yaml in the folder {}", folder.display());
        return Err(CommandError::new(Event::Config, message));
    }
    Ok(found)
}

fn beside(target: &Path) -> PathBuf {
    let name = target.file_name().unwrap_or_default().to_string_lossy();
    target.with_file_name(format!(".{name}.{}.tmp", std::process::id()))
}

fn write_new(path: &Path, text: &Leaving, mode: Mode) -> io::Result<()> {
    // One that a killed process of the same id left behind; a file somebody else put there is not written through.
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        Ok(()) | Err(_) => {}
    }
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(match mode {
            Mode::Shared => 0o666,
            Mode::Private => 0o600,
        })
        .open(path)?;
    file.write_all(text.bytes())?;
    // The rename may reach the disk before the content does.
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    #[test]
    fn a_file_is_replaced_as_a_whole_and_a_link_stays_one() {
        let folder = tempfile::tempdir().unwrap();
        let (file, link) = (folder.path().join("plan.json"), folder.path().join("latest"));
        fs::write(&file, "old").unwrap();
        symlink("plan.json", &link).unwrap();
        write_atomically(&link, &Leaving::own("new"), Mode::Private).unwrap();
        assert_eq!(fs::read_to_string(&file).unwrap(), "new");
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2, "nothing is left beside it");
    }

    #[test]
    fn what_cannot_be_written_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let missing = folder.path().join("no").join("plan.json");
        assert_eq!(write_atomically(&missing, &Leaving::own("x"), Mode::Shared).unwrap_err().event, Event::Error);
        assert_eq!(check_folder(&missing).unwrap_err().event, Event::Usage);
        assert_eq!(check_folder(folder.path()).unwrap_err().event, Event::Usage);
        assert_eq!(check_folder(&folder.path().join("plan.json")), Ok(()));
        assert_eq!(check_folder(Path::new("plan.json")), Ok(()));
        write_atomically(Path::new("/dev/null"), &Leaving::own("x"), Mode::Private).unwrap();
        assert!(!fs::metadata("/dev/null").unwrap().is_file());
    }

    #[test]
    fn a_folder_gives_its_policies_by_name() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(policies_in(folder.path()).unwrap_err().event, Event::Config);
        for name in ["b.yaml", "a.yaml", ".a.yaml", ".c.yml", "d.yaml~"] {
            fs::write(folder.path().join(name), "").unwrap();
        }
        let names: Vec<PathBuf> = ["a.yaml", "b.yaml"].map(|name| folder.path().join(name)).into();
        assert_eq!(policies_in(folder.path()).unwrap(), names);
        fs::write(folder.path().join("holds.yml"), "").unwrap();
        let refused = policies_in(folder.path()).unwrap_err();
        assert!(refused.event == Event::Config && refused.message.contains("holds.yml would not be read"));
    }
}
