//! Facts of the server's settings.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// What is known of the settings that the policy names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SettingsFacts {
    /// Those that the session sees, by name in lower case.
    pub settings: BTreeMap<String, SettingFacts>,
    /// Those that it does not see.
    pub absent: BTreeMap<String, Absent>,
    /// Whether the session may read the configuration files: `pg_file_settings`.
    pub reads_files: bool,
    /// Whether the session may make the server read them again.
    pub may_reload: bool,
    /// Lines of the configuration files that the server cannot take.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<FileError>,
    /// Whether the server takes `ALTER SYSTEM` at all (17 and later may refuse it).
    pub alter_system_allowed: bool,
}

/// A line of a configuration file that the server cannot take.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileError {
    /// The file and line.
    pub place: String,
    /// The setting, where it is read so far.
    pub name: Option<String>,
    /// What the server says of it: `pg_file_settings.error`.
    pub error: String,
}

/// Why a setting is not seen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Absent {
    /// The server knows none of this name; and the name that is nearest to it.
    NoSuch(Option<String>),
    /// It is shown to roles with `pg_read_all_settings` only.
    Hidden,
    /// It belongs to a library that this session has not loaded.
    NotLoaded,
}

/// A setting.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SettingFacts {
    /// What a new session of this role in this database gets, in the setting's unit: `reset_val`.
    pub value: String,
    /// Where that comes from: `pg_settings.source`.
    pub source: String,
    /// The file and line, where the session may see it.
    pub place: Option<String>,
    /// What the configuration files say now, in force or not; `None` where they say nothing or may not be read.
    pub configured: Option<String>,
    /// The server has read them since, and this without an error: whatever is in force is what it made of it.
    #[serde(default)]
    pub taken: bool,
    /// What it is where nothing sets it: `boot_val`.
    pub default: Option<String>,
    /// The unit it is kept in.
    pub unit: Option<String>,
    /// Its type.
    pub kind: SettingKind,
    /// When it can change.
    pub context: SettingContext,
    /// The least that it takes.
    pub min: Option<String>,
    /// The most that it takes.
    pub max: Option<String>,
    /// All that it takes.
    pub words: Vec<String>,
    /// The files have another value, which a restart will bring.
    pub pending_restart: bool,
    /// Nothing defines it: it has whatever text it was given (a customized option, section 20.16).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub placeholder: bool,
    /// Whether the session may `ALTER SYSTEM` it.
    pub may_alter: bool,
}

impl SettingFacts {
    /// Whether something that is narrower than the server (the role, the database, the client) set what this session sees.
    /// (`global` is `ALTER ROLE ALL`.)
    pub fn is_shadowed(&self) -> bool {
        matches!(
            self.source.as_str(),
            "global" | "database" | "user" | "database user" | "client" | "interactive" | "test" | "session"
        )
    }

    /// The server's own value; `None` where it cannot be seen. What holds from a session's start on, sessions that were
    /// there before a reload never see.
    pub fn of_server(&self) -> Option<&str> {
        match self.context {
            SettingContext::Backend if self.configured.is_some() => self.configured.as_deref(),
            SettingContext::Internal
            | SettingContext::Postmaster
            | SettingContext::Sighup
            | SettingContext::Backend
            | SettingContext::Session => {
                if self.is_shadowed() {
                    self.configured.as_deref()
                } else {
                    Some(&self.value)
                }
            }
        }
    }

    /// Whether [`Self::of_server`] is what the files say.
    pub fn is_read_from_files(&self) -> bool {
        self.configured.is_some() && (self.is_shadowed() || self.context == SettingContext::Backend)
    }
}

/// A setting's type: `pg_settings.vartype`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SettingKind {
    /// `on` or `off`.
    Bool,
    /// One of some words.
    Enum,
    /// A whole number.
    Integer,
    /// A number.
    Real,
    /// Any text.
    String,
}

/// When a setting can change: `pg_settings.context`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SettingContext {
    /// Never, by nobody.
    Internal,
    /// At a restart.
    Postmaster,
    /// At a reload.
    Sighup,
    /// At a reload, for sessions that begin later.
    Backend,
    /// At any time in a session, and at a reload for the others.
    Session,
}
