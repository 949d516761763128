//! A throw-away PostgreSQL from installed binaries, for `pgstrata demo` and for tests.
//!
//! A sandbox runs on a unix socket in a private folder, as an unprivileged user where root starts it, and is gone when
//! it is dropped, and also when its owner was killed: a shell waits at the other end of a pipe and cleans up.
#![allow(clippy::disallowed_methods, reason = "starts processes, waits for them and reads their files")]

mod error;
mod home;
mod locate;
mod user;
mod watcher;

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use postgres_protocol::escape::escape_identifier;
use tempfile::TempDir;

pub use error::{Place, SandboxError};
use home::Home;
pub use locate::{Locator, PgBin};
use user::User;
use watcher::Watcher;

/// How a sandbox is set up. The default is the quickest server that nobody but its owner can reach.
#[derive(Clone, Debug)]
pub struct Options {
    /// Lines of `postgresql.conf`, as names and values; the last one of a name wins.
    pub settings: Vec<(String, String)>,
    /// Keeps `fsync`, `synchronous_commit` and `full_page_writes` on: what is committed survives [`Sandbox::kill`].
    pub durable: bool,
    /// Also listens on 127.0.0.1, on this port; 0 takes a free one. Every local user can connect then.
    pub tcp: Option<u16>,
    /// The whole of `pg_hba.conf`. Without it everybody who reaches the socket is trusted.
    pub hba: Option<String>,
    /// Files put into the data folder before the first start, mode 0600, owned by the server's user: certificates,
    /// keys.
    pub files: Vec<(String, Vec<u8>)>,
    /// The name of the superuser that `initdb` makes.
    pub superuser: String,
    /// Where the sandbox's folder is made: by default in memory (`/dev/shm`) where 2 GiB are free there, else in the
    /// system's folder for temporary files. `/tmp` is taken instead of a place where the socket's path would be too
    /// long, or that the server's user cannot enter.
    pub base: Option<PathBuf>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            settings: Vec::new(),
            durable: false,
            tcp: None,
            hba: None,
            files: Vec::new(),
            superuser: "postgres".to_owned(),
            base: None,
        }
    }
}

/// A running throw-away server. Dropping it stops the server and removes its folder.
///
/// ```no_run
/// use pgstrata::sandbox::{Locator, Options, Sandbox};
/// let server = Locator { path: std::env::var_os("PATH"), ..Locator::default() }.find()?;
/// let sandbox = Sandbox::start(&server, Options::default())?;
/// let url = sandbox.create_database("app")?;
/// println!("psql '{url}'");
/// # Ok::<(), pgstrata::sandbox::SandboxError>(())
/// ```
pub struct Sandbox {
    // Dropped before the folder: the shell removes the folder's content as the user who owns it.
    watcher: Mutex<Watcher>,
    folder: TempDir,
    bin: PgBin,
    superuser: String,
    port: u16,
    tcp: bool,
}

impl std::fmt::Debug for Sandbox {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sandbox").field("folder", &self.folder.path()).field("version", &self.bin.version).finish()
    }
}

impl Sandbox {
    /// Makes a cluster and starts it; returns when it accepts connections.
    ///
    /// # Errors
    /// Any [`SandboxError`] but `NotFound`; nothing is left behind then.
    #[allow(clippy::needless_pass_by_value, reason = "callers build the options in place")]
    pub fn start(bin: &PgBin, options: Options) -> Result<Self, SandboxError> {
        let Home { folder, user, run_from } = Home::make(options.base.as_deref(), bin)?;
        let mut initdb = vec!["-U".to_owned(), options.superuser.clone()];
        initdb.extend(["-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync", "--no-instructions"].map(str::to_owned));
        let watcher = Watcher::initdb(user, folder.path(), &run_from, &initdb)?;
        let port = port(options.tcp)?;
        let sandbox = Self {
            watcher: Mutex::new(watcher),
            folder,
            bin: bin.clone(),
            superuser: options.superuser.clone(),
            port,
            tcp: options.tcp.is_some(),
        };
        sandbox.configure(&options, user).map_err(SandboxError::io("write the server's configuration"))?;
        sandbox.watcher().start()?;
        Ok(sandbox)
    }

    /// The folder of the unix socket, which is a connection's `host`.
    #[must_use]
    pub fn socket_dir(&self) -> &Path {
        self.folder.path()
    }

    /// The port: part of the socket's name, and the TCP port where there is one.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The superuser's name.
    #[must_use]
    pub fn superuser(&self) -> &str {
        &self.superuser
    }

    /// The binaries that run, as they were given.
    #[must_use]
    pub fn version(&self) -> &PgBin {
        &self.bin
    }

    /// The data folder. Only root and the server's user can read it.
    #[must_use]
    pub fn data_dir(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// The log of `initdb` and of the server.
    #[must_use]
    pub fn log_path(&self) -> PathBuf {
        self.folder.path().join("log")
    }

    /// The connection string of the superuser to a database, over the unix socket.
    #[must_use]
    pub fn url(&self, database: &str) -> String {
        let (database, user) = (percent(database), percent(&self.superuser));
        let port = if self.port == 5432 { String::new() } else { format!("&port={}", self.port) };
        format!("postgresql:///{database}?host={}&user={user}{port}", percent(&self.folder.path().to_string_lossy()))
    }

    /// The connection string of the superuser to a database over TCP, where [`Options::tcp`] was asked for.
    #[must_use]
    pub fn tcp_url(&self, database: &str) -> Option<String> {
        let (database, user) = (percent(database), percent(&self.superuser));
        self.tcp.then(|| format!("postgresql://{user}@127.0.0.1:{}/{database}", self.port))
    }

    /// A session of the superuser.
    ///
    /// # Errors
    /// [`SandboxError::Sql`] where the server does not let us in.
    pub fn connect(&self, database: &str) -> Result<postgres::Client, SandboxError> {
        postgres::Config::new()
            .host_path(self.folder.path())
            .port(self.port)
            .user(&self.superuser)
            .dbname(database)
            .application_name("pgstrata/sandbox")
            .connect(postgres::NoTls)
            .map_err(SandboxError::sql(format!("connect to the sandbox's database {database}")))
    }

    /// Makes an empty database; its connection string.
    ///
    /// # Errors
    /// [`SandboxError::Sql`] where the name is taken or the server does not answer.
    pub fn create_database(&self, name: &str) -> Result<String, SandboxError> {
        // Copying files beats writing every page to the WAL where nothing is flushed; 14 knows no other way.
        let strategy = if self.bin.major >= 15 { " STRATEGY file_copy" } else { "" };
        let sql = format!("CREATE DATABASE {}{strategy}", escape_identifier(name));
        let created = self.connect("postgres")?.batch_execute(&sql);
        created.map_err(SandboxError::sql(format!("create the sandbox's database {name}")))?;
        Ok(self.url(name))
    }

    /// The server's process id; none after [`Sandbox::kill`], or where it crashed.
    #[must_use]
    pub fn postmaster_pid(&self) -> Option<u32> {
        self.watcher().pid()
    }

    /// Crashes the server: no checkpoint, every session cut off, as in `pg_ctl stop -m immediate`. Without
    /// [`Options::durable`] the last commits are lost. [`Sandbox::restart`] brings it back, through crash recovery.
    ///
    /// # Errors
    /// [`SandboxError::Silent`] where it does not end.
    pub fn kill(&self) -> Result<(), SandboxError> {
        self.watcher().end("QUIT")
    }

    /// Stops the server in order where it runs, and starts it again with the same data and port.
    ///
    /// # Errors
    /// [`SandboxError::Ended`] or [`SandboxError::Silent`] where it does not stop or start.
    pub fn restart(&self) -> Result<(), SandboxError> {
        let mut watcher = self.watcher();
        watcher.end("INT")?;
        watcher.start()?;
        Ok(())
    }

    /// Stops the server in order and removes its folder. Dropping does the same with less ceremony and no answer.
    ///
    /// # Errors
    /// [`SandboxError::Silent`] where it does not end; [`SandboxError::Io`] where its folder is still there.
    pub fn stop(self) -> Result<(), SandboxError> {
        let Self { watcher, folder, bin: _, superuser: _, port: _, tcp: _ } = self;
        let mut watcher = watcher.into_inner().unwrap_or_else(PoisonError::into_inner);
        watcher.end("INT")?;
        drop(watcher);
        if folder.path().exists() {
            folder.close().map_err(SandboxError::io("remove the sandbox's folder"))
        } else {
            Ok(())
        }
    }

    /// A panic in another thread leaves nothing half-done that the next call would trip over.
    fn watcher(&self) -> MutexGuard<'_, Watcher> {
        self.watcher.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn configure(&self, options: &Options, user: Option<User>) -> std::io::Result<()> {
        let Options { settings, durable, tcp, hba, files, superuser: _, base: _ } = options;
        let data = self.data_dir();
        let socket_dir = self.folder.path().to_string_lossy().into_owned();
        let mut all = vec![("unix_socket_directories", socket_dir.as_str()), ("unix_socket_permissions", "0700")];
        let port = self.port.to_string();
        all.push(("port", &port));
        all.push(("listen_addresses", if tcp.is_some() { "127.0.0.1" } else { "" }));
        if !durable {
            all.extend([("fsync", "off"), ("synchronous_commit", "off"), ("full_page_writes", "off")]);
        }
        all.extend(settings.iter().map(|(name, value)| (name.as_str(), value.as_str())));
        let text: String = all.iter().map(|(name, value)| format!("{name} = {}\n", quoted(value))).collect();
        // At the end of the file, not on the command line, which ALTER SYSTEM could not override.
        OpenOptions::new().append(true).open(data.join("postgresql.conf"))?.write_all(text.as_bytes())?;
        if let Some(hba) = hba {
            fs::write(data.join("pg_hba.conf"), hba)?;
        }
        for (name, content) in files {
            let path = data.join(name);
            OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path)?.write_all(content)?;
            User::take(user, &path)?;
        }
        Ok(())
    }
}

/// The wanted port, or one that was free a moment ago: the server itself cannot be told to pick one.
fn port(tcp: Option<u16>) -> Result<u16, SandboxError> {
    match tcp {
        None => Ok(5432),
        Some(0) => TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
            .and_then(|listener| listener.local_addr())
            .map(|address| address.port())
            .map_err(SandboxError::io("find a free port")),
        Some(port) => Ok(port),
    }
}

/// A value in `postgresql.conf`: inside quotes, backslashes escape.
fn quoted(value: &str) -> String {
    format!("'{}'", value.replace('\\', "\\\\").replace('\'', "''").replace('\n', "\\n"))
}

/// Percent-encoding for a connection string; slashes of a socket folder stay readable.
fn percent(text: &str) -> String {
    let mut out = String::new();
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => out.push(char::from(byte)),
            b'/' => out.push('/'),
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_quoted_as_the_configuration_file_wants() {
        assert_eq!(quoted(r"it's a \ "), r"'it''s a \\ '");
        assert_eq!(quoted("a\nb"), r"'a\nb'");
    }

    #[test]
    fn names_in_urls_are_encoded() {
        assert_eq!(percent("/tmp/pgstrata-aZ9._~"), "/tmp/pgstrata-aZ9._~");
        assert_eq!(percent("ä?&% "), "%C3%A4%3F%26%25%20");
    }
}
