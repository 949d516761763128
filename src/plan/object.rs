//! What a step or a finding is about: a relation, or something that belongs to no table.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::sql::{Ident, IdentError, TableName};

/// Something with a name in the database, in its cluster or beside it. Text form, in documents too: `public.events`,
/// `database app`, `role app_rw`, `setting work_mem`, `service api`, `pgbouncer max_client_conn`. No relation is written
/// with a space outside quotes, so none is mistaken for another kind.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Object {
    /// A table, a partition or an index.
    Relation(TableName),
    /// The database.
    Database(Ident),
    /// A role of the cluster.
    Role(Ident),
    /// A service of the policy, by its name there.
    Service(String),
    /// A setting of the server.
    Setting(String),
    /// A setting of PgBouncer, or one of its databases.
    Pooler(String),
}

impl Object {
    /// The relation, where it is one.
    pub fn relation(&self) -> Option<&TableName> {
        match self {
            Self::Relation(name) => Some(name),
            Self::Database(_) | Self::Role(_) | Self::Service(_) | Self::Setting(_) | Self::Pooler(_) => None,
        }
    }

    /// Whether it is this relation.
    pub fn is(&self, relation: &TableName) -> bool {
        self.relation() == Some(relation)
    }
}

impl From<TableName> for Object {
    fn from(name: TableName) -> Self {
        Self::Relation(name)
    }
}

impl fmt::Display for Object {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Relation(name) => name.fmt(f),
            Self::Database(name) => write!(f, "database {name}"),
            Self::Role(name) => write!(f, "role {name}"),
            Self::Service(name) => write!(f, "service {name}"),
            Self::Setting(name) => write!(f, "setting {name}"),
            Self::Pooler(name) => write!(f, "pgbouncer {name}"),
        }
    }
}

impl FromStr for Object {
    type Err = IdentError;

    fn from_str(text: &str) -> Result<Self, IdentError> {
        let of_kind = text.split_once(' ').filter(|(kind, _)| !kind.contains(['"', '.']));
        Ok(match of_kind {
            Some(("database", name)) => Self::Database(Ident::parse(name)?),
            Some(("role", name)) => Self::Role(Ident::parse(name)?),
            Some(("service", name)) => Self::Service(name.to_owned()),
            Some(("setting", name)) => Self::Setting(name.to_owned()),
            Some(("pgbouncer", name)) => Self::Pooler(name.to_owned()),
            Some(_) | None => Self::Relation(text.parse()?),
        })
    }
}

impl Serialize for Object {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Object {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shown_reads_back_as_itself() {
        for object in [
            Object::Relation(TableName::new("role x", "a b")),
            Object::Relation(TableName::new("public", "role")),
            Object::Database(Ident::new("role")),
            Object::Role(Ident::new("App \"x\" y")),
            Object::Service("audit api".to_owned()),
            Object::Setting("auto_explain.log_min_duration".to_owned()),
            Object::Pooler("database app".to_owned()),
        ] {
            assert_eq!(object.to_string().parse::<Object>().unwrap(), object);
        }
        assert!("roles x".parse::<Object>().is_err() && "role ".parse::<Object>().is_err());
    }
}
