//! The shell that runs the server for us and outlives us by the moment it takes to clean up.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::time::{Duration, Instant};

use std::os::unix::process::CommandExt as _;

use super::error::SandboxError;
use super::user::{User, command};

/// No step takes this long on a machine that is alive.
const PATIENCE: Duration = Duration::from_secs(60);

/// How often the server's own "ready" is looked for; `pg_ctl` looks ten times a second.
const LOOK_EVERY: Duration = Duration::from_millis(4);

enum Said {
    Pid(u32),
    Exited(i32),
}

/// The running shell. Its standard input is the leash: closed by us or by our death, it stops the server and removes
/// the folder.
pub(super) struct Watcher {
    shell: Child,
    leash: Option<ChildStdin>,
    said: Receiver<Said>,
    folder: PathBuf,
    /// The postmaster, while one runs as far as we have heard.
    pid: Option<u32>,
}

impl Watcher {
    /// Starts the shell, which runs `initdb` at once; returns when the cluster is there.
    pub(super) fn initdb(
        user: Option<User>,
        folder: &Path,
        bin: &Path,
        initdb_args: &[String],
    ) -> Result<Self, SandboxError> {
        let mut command = command(user, Path::new("/bin/sh"));
        command.args(["-c", include_str!("watcher.sh"), "pgstrata-sandbox"]).arg(folder).arg(bin).args(initdb_args);
        // A group of its own: a terminal's Ctrl-C and a runner's kill of our group must not reach it.
        command.process_group(0).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut shell = command.spawn().map_err(SandboxError::io("start /bin/sh as the server's user"))?;
        let leash = shell.stdin.take();
        let (sender, said) = mpsc::channel();
        if let Some(answers) = shell.stdout.take() {
            std::thread::spawn(move || {
                for line in BufReader::new(answers).lines().map_while(Result::ok) {
                    let answer = match line.split_once(' ') {
                        Some(("pid", pid)) => pid.parse().ok().map(Said::Pid),
                        Some(("exited", status)) => status.parse().ok().map(Said::Exited),
                        Some(_) | None => None,
                    };
                    // Nobody listens any more once the sandbox is dropped; the pipe is drained all the same.
                    if let Some(answer) = answer {
                        let _ = sender.send(answer);
                    }
                }
            });
        }
        let mut watcher = Self { shell, leash, said, folder: folder.to_owned(), pid: None };
        watcher.started("initdb")?;
        match watcher.exited("initdb")? {
            0 => Ok(watcher),
            status => Err(SandboxError::Ended { step: "initdb", status, log: watcher.log() }),
        }
    }

    /// Starts the server and waits until it accepts connections; its process id.
    pub(super) fn start(&mut self) -> Result<u32, SandboxError> {
        self.tell("start")?;
        let pid = self.started("postgres")?;
        let deadline = Instant::now() + PATIENCE;
        while !self.is_ready(pid) {
            match self.said.recv_timeout(LOOK_EVERY) {
                Ok(Said::Exited(status)) => {
                    self.pid = None;
                    return Err(SandboxError::Ended { step: "postgres", status, log: self.log() });
                }
                Ok(Said::Pid(_)) | Err(mpsc::RecvTimeoutError::Timeout) if Instant::now() < deadline => {}
                Ok(Said::Pid(_)) | Err(_) => {
                    return Err(SandboxError::Silent { step: "the start of the server", log: self.log() });
                }
            }
        }
        Ok(pid)
    }

    /// Sends the server a signal and waits for its end. Nothing to do where it has ended by itself.
    pub(super) fn end(&mut self, signal: &str) -> Result<(), SandboxError> {
        if self.pid().is_some() {
            self.tell(signal)?;
            self.exited("the end of the server")?;
        }
        Ok(())
    }

    /// The postmaster's process id, while it runs.
    pub(super) fn pid(&mut self) -> Option<u32> {
        if let Ok(Said::Exited(_)) = self.said.try_recv() {
            self.pid = None;
        }
        self.pid
    }

    /// The end of the log, which `initdb` and the server share.
    pub(super) fn log(&self) -> String {
        let bytes = std::fs::read(self.folder.join("log")).unwrap_or_default();
        let text = String::from_utf8_lossy(&bytes);
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(20)..].join("\n")
    }

    /// The eighth line of `postmaster.pid` is what `pg_ctl -w` waits for too.
    fn is_ready(&self, pid: u32) -> bool {
        let text = std::fs::read_to_string(self.folder.join("data/postmaster.pid")).unwrap_or_default();
        let mut lines = text.lines();
        lines.next() == Some(pid.to_string().as_str()) && lines.nth(6).is_some_and(|state| state.trim() == "ready")
    }

    fn tell(&mut self, line: &str) -> Result<(), SandboxError> {
        let Some(leash) = &mut self.leash else { return Ok(()) };
        writeln!(leash, "{line}").map_err(SandboxError::io("talk to the server's shell"))
    }

    fn started(&mut self, step: &'static str) -> Result<u32, SandboxError> {
        loop {
            match self.said.recv_timeout(PATIENCE) {
                Ok(Said::Pid(pid)) => {
                    self.pid = Some(pid);
                    return Ok(pid);
                }
                Ok(Said::Exited(_)) => {}
                Err(_) => return Err(SandboxError::Silent { step, log: self.log() }),
            }
        }
    }

    fn exited(&mut self, step: &'static str) -> Result<i32, SandboxError> {
        loop {
            match self.said.recv_timeout(PATIENCE) {
                Ok(Said::Exited(status)) => {
                    self.pid = None;
                    return Ok(status);
                }
                Ok(Said::Pid(_)) => {}
                Err(_) => return Err(SandboxError::Silent { step, log: self.log() }),
            }
        }
    }
}

impl Drop for Watcher {
    /// Waits, so that the folder is gone when the sandbox is.
    fn drop(&mut self) {
        drop(self.leash.take());
        let _ = self.shell.wait();
    }
}
