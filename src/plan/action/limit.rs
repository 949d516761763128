//! What a step does with connection limits and with settings of roles.

use serde::{Deserialize, Serialize};

use super::super::object::Object;
use crate::sql::Ident;

/// One thing that a step does with a limit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "kind")]
pub enum LimitAction {
    /// `ALTER DATABASE … CONNECTION LIMIT`.
    #[serde(rename = "limit_database")]
    Database(LimitDatabase),
    /// `ALTER ROLE … CONNECTION LIMIT`.
    #[serde(rename = "limit_role")]
    Role(LimitRole),
    /// `ALTER ROLE … IN DATABASE … SET`.
    #[serde(rename = "set_role")]
    Set(SetRole),
}

/// See [`LimitAction::Database`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LimitDatabase {
    /// The database.
    pub database: Ident,
    /// Its owner, where the session has to become it.
    pub role: Option<Ident>,
    /// The limit now; -1 is none.
    pub from: i32,
    /// The limit to be.
    pub to: i32,
}

/// See [`LimitAction::Role`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LimitRole {
    /// The role.
    pub role: Ident,
    /// The limit now; -1 is none.
    pub from: i32,
    /// The limit to be.
    pub to: i32,
}

/// See [`LimitAction::Set`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SetRole {
    /// The role.
    pub role: Ident,
    /// The database: other databases of the cluster are not this policy's.
    pub database: Ident,
    /// The settings, by name.
    pub settings: Vec<RoleSetting>,
}

/// One setting of a role.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoleSetting {
    /// Its name.
    pub name: String,
    /// What sessions of the role get now, in the catalog's words; `None` is the server's value.
    pub from: Option<String>,
    /// What they shall get, as the server takes it: `30s`.
    pub to: String,
}

impl LimitAction {
    /// The role that the session has to become, if any.
    pub fn role(&self) -> Option<&Ident> {
        match self {
            Self::Database(limit) => limit.role.as_ref(),
            Self::Role(_) | Self::Set(_) => None,
        }
    }

    /// What is done, in words.
    pub fn verb(&self) -> &'static str {
        match self {
            Self::Database(_) | Self::Role(_) => "connection limit",
            Self::Set(_) => "set for new sessions",
        }
    }

    /// What it is about.
    pub fn object(&self) -> Object {
        match self {
            Self::Database(limit) => Object::Database(limit.database.clone()),
            Self::Role(limit) => Object::Role(limit.role.clone()),
            Self::Set(set) => Object::Role(set.role.clone()),
        }
    }

    pub(super) fn word(&self) -> &'static str {
        match self {
            Self::Database(_) | Self::Role(_) => "limit",
            Self::Set(_) => "set",
        }
    }

    /// Whether live sessions may be refused their successors: fewer may connect than before.
    pub fn lowers(&self) -> bool {
        let lower = |from: i32, to: i32| to >= 0 && (from < 0 || to < from);
        match self {
            Self::Database(limit) => lower(limit.from, limit.to),
            Self::Role(limit) => lower(limit.from, limit.to),
            Self::Set(_) => false,
        }
    }
}
