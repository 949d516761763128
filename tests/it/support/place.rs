//! A folder with a policy and a database for it, and the shipped binary run there.

use std::fs;
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use assert_cmd::assert::OutputAssertExt as _;
use tempfile::TempDir;

use super::{TestDb, database, pgstrata};

/// A folder with `pgstrata.yaml`, and a database for it.
pub(crate) struct Place {
    folder: TempDir,
    pub(crate) db: TestDb,
}

impl Place {
    pub(crate) fn new(name: &str, tables: &str, policy: &str) -> Self {
        let place = Self { folder: tempfile::tempdir().unwrap(), db: database(name) };
        place.db.batch(tables);
        place.write("pgstrata.yaml", policy);
        place
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).unwrap();
    }

    pub(crate) fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    pub(crate) fn command(&self, args: &[&str]) -> assert_cmd::Command {
        let mut command = pgstrata();
        command.current_dir(self.folder.path()).env("PGSTRATA_URL", self.db.url()).args(args);
        command
    }

    /// Runs to the end and checks the exit code.
    pub(crate) fn run(&self, args: &[&str], code: i32) -> Ran {
        ran(&mut self.command(args), code)
    }

    /// The same, still running.
    pub(crate) fn spawn(&self, args: &[&str]) -> Child {
        let mut command = Command::new(env!("CARGO_BIN_EXE_pgstrata"));
        command.env_clear().env("HOME", self.folder.path()).env("PGSTRATA_URL", self.db.url());
        command.current_dir(self.folder.path()).args(args).stdin(Stdio::null());
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    }
}

/// What a process said.
pub(crate) struct Ran {
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

pub(crate) fn ran(command: &mut assert_cmd::Command, code: i32) -> Ran {
    said(command.output().unwrap(), code, &format!("{command:?}"))
}

pub(crate) fn said(output: Output, code: i32, what: &str) -> Ran {
    let text = |bytes| String::from_utf8(bytes).unwrap();
    let Output { status, stdout, stderr } = output;
    let ran = Ran { stdout: text(stdout), stderr: text(stderr) };
    assert_eq!(status.code(), Some(code), "{what}\n{}\n{}", ran.stdout, ran.stderr);
    ran
}

/// Sends a signal, and waits for the end that it brings.
pub(crate) fn signalled(child: Child, signal: &str, code: i32) -> Ran {
    Command::new("kill").args([signal, &child.id().to_string()]).assert().success();
    let start = Instant::now();
    let ended = said(child.wait_with_output().unwrap(), code, signal);
    assert!(start.elapsed() < Duration::from_secs(25), "{:?}", start.elapsed());
    ended
}

/// Polls until `done`, for half a minute.
pub(crate) fn until(what: &str, mut done: impl FnMut() -> bool) {
    for _ in 0..600 {
        if done() {
            return;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    panic!("waited in vain until {what}");
}
