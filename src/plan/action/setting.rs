//! What a step does with the server's settings.

use serde::{Deserialize, Serialize};

use super::super::object::Object;

/// One thing that a step does with a setting.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "kind")]
pub enum SettingAction {
    /// `ALTER SYSTEM SET`, and a reload.
    #[serde(rename = "set_setting")]
    Set(SetSetting),
}

/// See [`SettingAction::Set`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SetSetting {
    /// The setting, in lower case.
    pub name: String,
    /// What it is to be, as the configuration file has it then.
    pub to: String,
    /// A restart has to follow before it is in force.
    pub restart: bool,
}

impl SettingAction {
    /// What is done, in words.
    pub fn verb(&self) -> &'static str {
        match self {
            Self::Set(set) if set.restart => "set, for the next restart",
            Self::Set(_) => "set, and reload",
        }
    }

    /// What it is about.
    pub fn object(&self) -> Object {
        match self {
            Self::Set(set) => Object::Setting(set.name.clone()),
        }
    }

    pub(super) fn word(&self) -> &'static str {
        match self {
            Self::Set(_) => "set",
        }
    }

    /// Whether a restart has to follow.
    pub fn needs_restart(&self) -> bool {
        match self {
            Self::Set(set) => set.restart,
        }
    }
}
