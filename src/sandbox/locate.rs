//! Finding an installed server: `postgres` and `initdb` side by side, of a major version that is supported.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::error::{Place, SandboxError};

/// The oldest major version that pgstrata supports.
const OLDEST: u32 = 14;

/// Where packagers put servers: a source, a folder that holds one folder a version, what those folders' names start
/// with, and where the binaries are in them.
const INSTALLED: &[(&str, &str, &str, &str)] = &[
    ("Debian", "/usr/lib/postgresql", "", "bin"),
    ("RPM", "/usr", "pgsql-", "bin"),
    ("RPM", "/usr", "bin", ""),
    ("Homebrew", "/opt/homebrew/opt", "postgresql@", "bin"),
    ("Homebrew", "/usr/local/opt", "postgresql@", "bin"),
    ("Homebrew", "/home/linuxbrew/.linuxbrew/opt", "postgresql@", "bin"),
    ("Postgres.app", "/Applications/Postgres.app/Contents/Versions", "", "bin"),
    ("built from source", "/usr/local", "pgsql", "bin"),
];

/// Where to look for a server. The caller reads the environment, this does not.
///
/// ```no_run
/// use pgstrata::sandbox::Locator;
/// let server = Locator {
///     pg_bin: std::env::var_os("PGSTRATA_PG_BIN").map(Into::into),
///     path: std::env::var_os("PATH"),
///     also: Vec::new(),
/// }
/// .find()?;
/// println!("PostgreSQL {} in {}", server.version, server.dir.display());
/// # Ok::<(), pgstrata::sandbox::SandboxError>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Locator {
    /// The folder with the binaries, from `PGSTRATA_PG_BIN`. Where it is given, nothing else is looked at.
    pub pg_bin: Option<PathBuf>,
    /// The search path, from `PATH`; `pg_config` is looked for in it too.
    pub path: Option<OsString>,
    /// Folders with binaries that are looked at last.
    pub also: Vec<PathBuf>,
}

/// The binaries of one installed server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PgBin {
    /// The folder with `postgres` and `initdb`, links resolved.
    pub dir: PathBuf,
    /// The major version: 17 in 17.10.
    pub major: u32,
    /// The version as the server spells it: `17.10`.
    pub version: String,
}

impl Locator {
    /// The folders that are looked at, in order, each with where it comes from.
    #[must_use]
    pub fn candidates(&self) -> Vec<(PathBuf, &'static str)> {
        if let Some(dir) = &self.pg_bin {
            return vec![(dir.clone(), "PGSTRATA_PG_BIN")];
        }
        let on_path: Vec<PathBuf> = self
            .path
            .iter()
            .flat_map(std::env::split_paths)
            // An empty or relative entry means the current folder, which must not choose what runs.
            .filter(|dir| dir.is_absolute())
            .collect();
        let mut found: Vec<_> = on_path.iter().map(|dir| (dir.clone(), "PATH")).collect();
        found.extend(on_path.iter().filter_map(|dir| pg_config(dir)).map(|dir| (dir, "pg_config")));
        for (source, parent, prefix, bin) in INSTALLED {
            found.extend(versions(Path::new(parent), prefix).into_iter().map(|dir| (dir.join(bin), *source)));
        }
        found.extend(self.also.iter().map(|dir| (dir.clone(), "downloaded")));
        let mut seen = std::collections::BTreeSet::new();
        found.retain(|(dir, _)| seen.insert(dir.clone()));
        found
    }

    /// The first usable server among [`Locator::candidates`].
    ///
    /// # Errors
    /// [`SandboxError::Unusable`] where `pg_bin` names a folder without a usable server; [`SandboxError::NotFound`],
    /// with every place looked at, where there is none.
    pub fn find(&self) -> Result<PgBin, SandboxError> {
        if let Some(dir) = &self.pg_bin {
            return PgBin::at(dir);
        }
        let mut places = Vec::new();
        for (dir, source) in self.candidates() {
            match PgBin::at(&dir) {
                Ok(bin) => return Ok(bin),
                Err(SandboxError::Unusable { dir, because }) => places.push(Place { dir, source, because }),
                Err(other) => return Err(other),
            }
        }
        Err(SandboxError::NotFound(places))
    }
}

impl PgBin {
    /// The server whose binaries are in `dir`.
    ///
    /// # Errors
    /// [`SandboxError::Unusable`] where `postgres` or `initdb` is missing, does not run, or is older than 14.
    pub fn at(dir: &Path) -> Result<Self, SandboxError> {
        let unusable = |because: String| SandboxError::Unusable { dir: dir.to_owned(), because };
        for name in ["postgres", "initdb"] {
            if !dir.join(name).is_file() {
                return Err(unusable(format!("no {name}")));
            }
        }
        // A link such as /usr/local/bin/postgres: the server looks for its libraries beside the real file.
        let postgres = dir.join("postgres").canonicalize().map_err(|error| unusable(error.to_string()))?;
        let real = match postgres.parent() {
            Some(real) if real.join("initdb").is_file() => real,
            _ => return Err(unusable(format!("no initdb beside {}", postgres.display()))),
        };
        let output = Command::new(&postgres).arg("--version").stdin(Stdio::null()).output();
        let output = output.map_err(|error| unusable(format!("postgres does not run: {error}")))?;
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        if !output.status.success() {
            let why = String::from_utf8_lossy(&output.stderr).trim().to_owned();
            return Err(unusable(format!("postgres does not run: {why}")));
        }
        let Some((version, major)) = version(&said) else {
            return Err(unusable(format!("postgres --version says {:?}", said.trim())));
        };
        if major < OLDEST {
            return Err(unusable(format!("PostgreSQL {version} is older than {OLDEST}")));
        }
        Ok(Self { dir: real.to_owned(), major, version })
    }
}

/// `postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)` to 15.18 and 15.
fn version(said: &str) -> Option<(String, u32)> {
    let version = said.split_whitespace().nth(2)?;
    let digits = version.find(|c: char| !c.is_ascii_digit()).unwrap_or(version.len());
    Some((version.to_owned(), version[..digits].parse().ok()?))
}

/// `pg_config` alone proves nothing: it also comes with the client library's headers.
fn pg_config(dir: &Path) -> Option<PathBuf> {
    let program = dir.join("pg_config");
    if !program.is_file() {
        return None;
    }
    let output = Command::new(program).arg("--bindir").stdin(Stdio::null()).stderr(Stdio::null()).output().ok()?;
    let said = String::from_utf8(output.stdout).ok()?;
    (output.status.success() && !said.trim().is_empty()).then(|| PathBuf::from(said.trim()))
}

/// The folders in `parent` that are named `prefix` and a version, the newest first; a name without one comes last.
fn versions(parent: &Path, prefix: &str) -> Vec<PathBuf> {
    let mut found: Vec<(u32, PathBuf)> = std::fs::read_dir(parent)
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| {
            let name = entry.file_name();
            let rest = name.to_str()?.strip_prefix(prefix)?;
            let major = if rest.is_empty() { Some(0) } else { rest.split('.').next()?.parse().ok() };
            Some((major?, entry.path()))
        })
        .collect();
    found.sort_by(|a, b| b.cmp(a));
    found.into_iter().map(|(_, dir)| dir).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_of_releases_and_betas() {
        let of = |said| version(said).unwrap();
        assert_eq!(of("postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)\n"), ("15.18".into(), 15));
        assert_eq!(of("postgres (PostgreSQL) 18beta1\n"), ("18beta1".into(), 18));
        assert_eq!(version("postgres"), None);
    }

    #[test]
    fn newest_installed_version_first() {
        let dir = tempfile::tempdir().unwrap();
        for name in ["pgsql-9.6", "pgsql-17", "pgsql-14", "pgsql", "other", "pgsql-x"] {
            std::fs::create_dir(dir.path().join(name)).unwrap();
        }
        let names = |prefix| -> Vec<String> {
            let found = versions(dir.path(), prefix);
            found.iter().map(|dir| dir.file_name().unwrap().to_str().unwrap().to_owned()).collect()
        };
        assert_eq!(names("pgsql-"), ["pgsql-17", "pgsql-14", "pgsql-9.6"]);
        assert_eq!(names("pgsql"), ["pgsql"]);
    }

    #[test]
    fn a_named_folder_is_the_only_one_looked_at() {
        let empty = tempfile::tempdir().unwrap();
        let locator = Locator { pg_bin: Some(empty.path().into()), path: Some("/usr/bin".into()), also: vec![] };
        assert_eq!(locator.candidates(), [(empty.path().to_owned(), "PGSTRATA_PG_BIN")]);
        let error = locator.find().unwrap_err();
        assert!(matches!(error, SandboxError::Unusable { .. }), "{error}");
        assert!(error.to_string().ends_with("no postgres"), "{error}");
    }

    #[test]
    fn a_client_library_is_no_server() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("postgres"), "").unwrap();
        let error = PgBin::at(dir.path()).unwrap_err();
        assert!(error.to_string().ends_with("no initdb"), "{error}");
    }
}
