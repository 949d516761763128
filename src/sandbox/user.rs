//! Who the server runs as, and what that user can reach. PostgreSQL refuses to run as root.

use std::fs;
use std::io;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::error::SandboxError;
use super::locate::PgBin;

/// The owner of everything in the sandbox where root started it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct User {
    uid: u32,
    gid: u32,
}

impl User {
    /// Nobody but ourselves, or the unprivileged user where we are root. `std` does not tell who we are; the owner of
    /// a folder that we just made does.
    pub(super) fn for_owner_of(ours: &Path) -> Result<Option<Self>, SandboxError> {
        if fs::metadata(ours).map_err(SandboxError::io("read the sandbox's folder"))?.uid() != 0 {
            return Ok(None);
        }
        let passwd = fs::read_to_string("/etc/passwd").map_err(SandboxError::io("read /etc/passwd"))?;
        Self::unprivileged(&passwd).map(Some).ok_or(SandboxError::NoUser)
    }

    fn unprivileged(passwd: &str) -> Option<Self> {
        ["postgres", "_postgres", "nobody"].iter().find_map(|wanted| {
            passwd.lines().find_map(|line| {
                let mut fields = line.split(':');
                let (name, _password) = (fields.next()?, fields.next()?);
                let (uid, gid) = (id(fields.next()?)?, id(fields.next()?)?);
                (name == *wanted && uid != 0).then_some(Self { uid, gid })
            })
        })
    }

    /// Hands `path` itself over.
    pub(super) fn take(user: Option<Self>, path: &Path) -> io::Result<()> {
        user.map_or(Ok(()), |user| chown(path, Some(user.uid), Some(user.gid)))
    }
}

/// macOS writes nobody's as -2.
fn id(text: &str) -> Option<u32> {
    text.parse().ok().or_else(|| text.parse::<i32>().ok().map(i32::cast_unsigned))
}

/// A command as the server's user, with nothing of our environment: `PGDATA`, `PGPORT` or a locale would steer it.
pub(super) fn command(user: Option<User>, program: &Path) -> Command {
    let mut command = Command::new(program);
    command.env_clear().env("PATH", "/usr/bin:/bin:/usr/sbin:/sbin").env("LC_ALL", "C");
    // Without it initdb compares the machine's zone with every one it knows.
    command.env("TZ", "UTC").current_dir("/").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    if let Some(User { uid, gid }) = user {
        command.uid(uid).gid(gid);
    }
    command
}

/// Whether the server's user can enter `folder`: a root's `TMPDIR` may lie below a folder that only root can enter.
pub(super) fn can_enter(user: Option<User>, folder: &Path) -> bool {
    command(user, Path::new("/bin/sh"))
        .args(["-c", "cd \"$1\"", "sh"])
        .arg(folder)
        .status()
        .is_ok_and(|status| status.success())
}

/// The folder to run the binaries from: `bin`'s own, or where the server's user cannot run them (a checkout below
/// `/root`), that of a copy in the sandbox's folder.
pub(super) fn reachable(bin: &PgBin, user: Option<User>, folder: &Path) -> Result<PathBuf, SandboxError> {
    let runs = |dir: &Path| {
        ["postgres", "initdb"].iter().all(|name| {
            let status = command(user, &dir.join(name)).arg("--version").status();
            status.is_ok_and(|status| status.success())
        })
    };
    if user.is_none() || runs(&bin.dir) {
        return Ok(bin.dir.clone());
    }
    let unusable = |because: &str| SandboxError::Unusable { dir: bin.dir.clone(), because: because.to_owned() };
    let refused = "the unprivileged user that the server would run as cannot run it";
    // Only a folder that holds a whole installation can be moved: PostgreSQL finds lib and share relative to bin.
    let prefix = bin.dir.parent().filter(|prefix| prefix.join("lib").is_dir() && prefix.join("share").is_dir());
    let (Some(prefix), Some(name)) = (prefix, bin.dir.file_name()) else { return Err(unusable(refused)) };
    if prefix == Path::new("/usr") || prefix == Path::new("/usr/local") {
        return Err(unusable(refused));
    }
    let copy = folder.join("install");
    let step = || SandboxError::io(format!("copy {} to where the server's user can run it", prefix.display()));
    fs::create_dir(&copy).map_err(step())?;
    User::take(user, &copy).map_err(step())?;
    for part in [name, "lib".as_ref(), "share".as_ref()] {
        copy_tree(&prefix.join(part), &copy.join(part), user).map_err(step())?;
    }
    let dir = copy.join(name);
    if runs(&dir) { Ok(dir) } else { Err(unusable(&format!("{refused}, and neither a copy of it"))) }
}

/// Copies a tree readable for everybody and owned by `user`, who removes it in the end. What a server never reads is
/// left out: headers of the build system, static libraries, translations.
fn copy_tree(from: &Path, to: &Path, user: Option<User>) -> io::Result<()> {
    let kind = fs::symlink_metadata(from)?;
    if kind.is_symlink() {
        std::os::unix::fs::symlink(fs::read_link(from)?, to)?;
        return Ok(());
    }
    if kind.is_dir() {
        fs::create_dir(to)?;
        for entry in fs::read_dir(from)? {
            let entry = entry?;
            let name = entry.file_name();
            let unused = ["pgxs", "locale", "doc", "man"].iter().any(|unused| name == *unused);
            if !unused && Path::new(&name).extension().is_none_or(|extension| extension != "a") {
                copy_tree(&entry.path(), &to.join(&name), user)?;
            }
        }
    } else {
        fs::copy(from, to)?;
    }
    let executable = kind.is_dir() || kind.mode() & 0o100 != 0;
    fs::set_permissions(to, fs::Permissions::from_mode(if executable { 0o755 } else { 0o644 }))?;
    User::take(user, to)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_unprivileged_user_is_postgres_before_nobody_and_never_root() {
        let nobody = "root:x:0:0:root:/root:/bin/sh\nnobody:*:-2:-2:Unprivileged:/var/empty:/usr/bin/false\n";
        assert_eq!(User::unprivileged(nobody), Some(User { uid: u32::MAX - 1, gid: u32::MAX - 1 }));
        let both = format!("{nobody}postgres:x:101:104::/var/lib/postgresql:/bin/bash\n");
        assert_eq!(User::unprivileged(&both), Some(User { uid: 101, gid: 104 }));
        assert_eq!(User::unprivileged("postgres:x:0:0::/:/bin/sh\n"), None);
    }
}
