//! What the policy says of partitions that are made, beyond what their table itself has.

use serde::{Deserialize, Serialize};

use crate::sql::Ident;

/// How new partitions are made, where the table alone does not tell.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct NewPartitions {
    /// The schema that they are made in; without one the table's own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub schema: Option<Ident>,
}

impl NewPartitions {
    /// Whether the policy says nothing of them.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}
