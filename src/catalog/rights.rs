//! What owners lack on the schemas of their tables.

use serde::{Deserialize, Serialize};

use super::snapshot::Catalog;
use crate::sql::Ident;

/// A right that a role lacks on a schema. What is not here is there.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct SchemaLack {
    /// The role: an owner of one of the tables, or the session's own.
    pub role: Ident,
    /// The schema.
    pub schema: Ident,
    /// It may not make anything there.
    pub create: bool,
    /// It may not use what is there.
    pub usage: bool,
}

impl Catalog {
    /// What a role lacks on a schema, if it is anything.
    pub fn lack(&self, role: &str, schema: &Ident) -> Option<&SchemaLack> {
        self.lacks.iter().find(|lack| lack.role.as_str() == role && lack.schema == *schema)
    }
}
