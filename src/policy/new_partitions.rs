//! What the policy says of partitions that are made, beyond what their table itself has.

use serde::{Deserialize, Serialize};

use crate::sql::{Ident, MAX_IDENT_BYTES};

/// How new partitions are made, where the table alone does not tell.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct NewPartitions {
    /// The schema that they are made in; without one the table's own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub schema: Option<Ident>,
    /// Whether they are UNLOGGED; without a word they are not, and it is said where the others are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unlogged: Option<bool>,
    /// Checks that they get as the newest partition has them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub checks: Vec<OwnName>,
    /// Triggers that they get as the newest partition has them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub triggers: Vec<OwnName>,
}

impl NewPartitions {
    /// Whether the policy says nothing of them.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Whether something of the newest partition is wanted by its definition.
    pub fn copies(&self) -> bool {
        !self.checks.is_empty() || !self.triggers.is_empty()
    }
}

/// A name on each partition, which may hold that of the partition: `{partition}_amount_check`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct OwnName(pub String);

/// Stands for the partition's name.
pub(crate) const PARTITION: &str = "{partition}";

impl OwnName {
    /// The name on this partition, cut to the server's length where the partition's name is.
    pub fn on(&self, partition: &Ident) -> Ident {
        let Some((before, after)) = self.0.split_once(PARTITION) else { return Ident::new(self.0.clone()) };
        let partition = partition.as_str();
        let mut end = partition.len().min(MAX_IDENT_BYTES.saturating_sub(before.len() + after.len()));
        while !partition.is_char_boundary(end) {
            end -= 1;
        }
        Ident::new(format!("{before}{}{after}", partition.get(..end).unwrap_or_default()))
    }

    /// What a name on this partition is called on every partition.
    pub fn of(name: &str, partition: &Ident) -> Self {
        match name.split_once(partition.as_str()) {
            Some((before, after)) => Self(format!("{before}{PARTITION}{after}")),
            None => Self(name.to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_follow_their_partition_and_keep_to_63_bytes() {
        let (old, new) = (Ident::new("reading_20261130"), Ident::new("reading_20261201"));
        let own = OwnName::of("reading_20261130_v_check", &old);
        assert_eq!(own.0, "{partition}_v_check");
        assert_eq!(own.on(&new).as_str(), "reading_20261201_v_check");
        assert_eq!(OwnName::of("positive", &old).on(&new).as_str(), "positive");
        let long = Ident::new("é".repeat(31));
        assert_eq!(own.on(&long).as_str(), format!("{}_v_check", "é".repeat(27)));
    }
}
