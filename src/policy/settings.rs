//! What a policy says of the server's settings.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Settings that the server must have, and what is done where it has others.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct SettingsDesired {
    /// What is done about those that differ.
    pub mode: SettingsMode,
    /// Values as written, by name in lower case.
    pub values: BTreeMap<String, String>,
}

impl SettingsDesired {
    /// Whether the policy says nothing of them.
    pub fn is_empty(&self) -> bool {
        let Self { mode: _, values } = self;
        values.is_empty()
    }
}

/// What is done about settings that differ.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SettingsMode {
    /// They are findings.
    #[default]
    Report,
    /// They are changed with `ALTER SYSTEM`.
    AlterSystem,
}
