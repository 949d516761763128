//! The private folder of a sandbox: where it is made, who owns it, and what runs in it.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;

use super::error::SandboxError;
use super::locate::PgBin;
use super::user::{self, User};

/// The longest path of a unix socket that every platform takes, in bytes (macOS; Linux takes 107).
const MAX_SOCKET_PATH: usize = 103;

/// A cluster is a thousand small files and each database three hundred more; a disk's file system takes a multiple of
/// the time that memory does.
const MEMORY: &str = "/dev/shm";

/// What must be free there, in KiB: a container's default of 64 MiB holds no cluster.
const ROOMY: u64 = 2 * 1024 * 1024;

pub(super) struct Home {
    /// Entered by the server's user and root alone.
    pub(super) folder: TempDir,
    /// Whom the server runs as, where we are root.
    pub(super) user: Option<User>,
    /// The folder of the binaries that this user can run.
    pub(super) run_from: PathBuf,
}

impl Home {
    /// Made in the first place that serves; why the last one did not, where none does.
    pub(super) fn make(base: Option<&Path>, bin: &PgBin) -> Result<Self, SandboxError> {
        let mut places = match base {
            Some(base) => vec![base.to_owned()],
            None => memory().into_iter().chain([std::env::temp_dir()]).collect(),
        };
        places.retain(|place| place != Path::new("/tmp"));
        for place in places {
            if let Ok(home) = Self::make_in(&place, bin) {
                return Ok(home);
            }
        }
        Self::make_in(Path::new("/tmp"), bin)
    }

    fn make_in(place: &Path, bin: &PgBin) -> Result<Self, SandboxError> {
        let step = || SandboxError::io(format!("make a private folder in {}", place.display()));
        let unfit = |because| step()(std::io::Error::other(because));
        let only_the_owner = Permissions::from_mode(0o700);
        let folder = tempfile::Builder::new().prefix("pgstrata-").permissions(only_the_owner).tempdir_in(place);
        let folder = folder.map_err(step())?;
        let socket = folder.path().join(".s.PGSQL.65535");
        if !socket.is_absolute() || socket.as_os_str().len() > MAX_SOCKET_PATH {
            return Err(unfit("its path is relative, or too long for a socket's"));
        }
        let user = User::for_owner_of(folder.path())?;
        User::take(user, folder.path()).map_err(step())?;
        if !user::can_enter(user, folder.path()) {
            return Err(unfit("the server's user cannot enter it"));
        }
        let run_from = user::reachable(bin, user, folder.path())?;
        Ok(Self { folder, user, run_from })
    }
}

/// `/dev/shm`, where there is room in it. `std` does not tell what is free.
fn memory() -> Option<PathBuf> {
    let output = Command::new("df").args(["-Pk", MEMORY]).stdin(Stdio::null()).stderr(Stdio::null()).output().ok()?;
    let said = String::from_utf8(output.stdout).ok()?;
    (free(&said)? >= ROOMY).then(|| PathBuf::from(MEMORY))
}

/// The fourth column of `df -P`, which POSIX fixes, in KiB.
fn free(said: &str) -> Option<u64> {
    said.lines().nth(1)?.split_whitespace().nth(3)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn free_space_is_the_fourth_column() {
        let said = "Filesystem 1024-blocks Used Available Capacity Mounted on\ntmpfs 65536 4 65532 1% /dev/shm\n";
        assert_eq!(free(said), Some(65532));
        assert_eq!(free("Filesystem\n"), None);
    }
}
