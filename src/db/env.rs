//! The environment as a value: the planner never reads the process's own.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

/// Environment variables, the home directory and the operating system's user name, as the binary found them.
///
/// ```
/// use pgstrata::db::Env;
/// let env = Env::from_map([("HOME", "/home/ana"), ("USER", "ana"), ("PGPORT", "5433")]);
/// assert_eq!(env.get("PGPORT"), Some("5433"));
/// assert_eq!(env.user(), Some("ana"));
/// ```
#[derive(Clone, Default)]
pub struct Env {
    variables: BTreeMap<String, String>,
    home: Option<PathBuf>,
    user: Option<String>,
}

impl Env {
    /// Variables by name. The home directory is `HOME` and the user `USER` or `LOGNAME`, unless
    /// [`with_home`](Self::with_home) and [`with_user`](Self::with_user) say otherwise.
    pub fn from_map<K: Into<String>, V: Into<String>>(variables: impl IntoIterator<Item = (K, V)>) -> Self {
        let variables = variables.into_iter().map(|(name, value)| (name.into(), value.into())).collect();
        Self { variables, home: None, user: None }
    }

    /// The process's own, for whoever has no other: variables, home directory, and the effective user as libpq asks for it
    /// (`USER` is unset in containers, and stays what it was under `su`).
    #[cfg(any(feature = "cli", feature = "client"))]
    #[allow(clippy::disallowed_methods, reason = "here is where values come from that everybody else is given")]
    pub fn of_process() -> Self {
        // Names and values that are not Unicode are nothing that we read.
        let variables =
            std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
        let mut env = Self::from_map(variables);
        if let Some(home) = std::env::home_dir().filter(|home| !home.as_os_str().is_empty()) {
            env = env.with_home(home);
        }
        if let Ok(user) = whoami::username() {
            env = env.with_user(user);
        }
        env
    }

    /// The home directory, where `.pgpass`, `.pg_service.conf` and `.postgresql/` are looked for.
    #[must_use]
    pub fn with_home(mut self, home: impl Into<PathBuf>) -> Self {
        self.home = Some(home.into());
        self
    }

    /// The operating system's name of the effective user: libpq's default role.
    #[must_use]
    pub fn with_user(mut self, user: impl Into<String>) -> Self {
        self.user = Some(user.into());
        self
    }

    /// The same without some variables.
    #[must_use]
    pub fn without(mut self, names: &[&str]) -> Self {
        self.variables.retain(|name, _| !names.contains(&name.as_str()));
        self
    }

    /// A variable, if it is set; it may be empty.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.variables.get(name).map(String::as_str)
    }

    /// A variable that is set and not empty.
    pub fn non_empty(&self, name: &str) -> Option<&str> {
        self.get(name).filter(|value| !value.is_empty())
    }

    /// The home directory, if known.
    pub fn home(&self) -> Option<&Path> {
        self.home.as_deref().or_else(|| self.non_empty("HOME").map(Path::new))
    }

    /// The operating system's user name, if known.
    pub fn user(&self) -> Option<&str> {
        self.user.as_deref().or_else(|| self.non_empty("USER")).or_else(|| self.non_empty("LOGNAME"))
    }
}

/// Names only: the values include passwords and tokens.
impl fmt::Debug for Env {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { variables, home, user } = self;
        f.debug_struct("Env").field("names", &variables.keys()).field("home", home).field("user", user).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn home_and_user_come_from_variables_unless_given() {
        let env = Env::from_map([("HOME", "/h"), ("LOGNAME", "log"), ("USER", "")]);
        assert_eq!((env.home(), env.user()), (Some(Path::new("/h")), Some("log")));
        let env = env.with_home("/other").with_user("os");
        assert_eq!((env.home(), env.user()), (Some(Path::new("/other")), Some("os")));
    }

    #[test]
    fn debug_shows_no_value() {
        let text = format!("{:?}", Env::from_map([("PGPASSWORD", "hunter2")]));
        assert!(text.contains("PGPASSWORD") && !text.contains("hunter2"), "{text}");
    }
}
