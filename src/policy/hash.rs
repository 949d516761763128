//! The identity of a policy: plans are applied with the policy that they were made from.

use std::fmt;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::Desired;

/// SHA-256 of what a policy means, in lower-case hexadecimal.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PolicyHash(String);

impl PolicyHash {
    /// The hexadecimal text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for PolicyHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Desired {
    /// Identifies what this policy wants done: tables, holds, limits, settings and how they are applied, not what applications
    /// keep to (`client`), how the database is reached (`expect` is checked by itself) nor which of its words this version does not carry out. Spelling, order and files make no
    /// difference.
    pub fn hash(&self) -> PolicyHash {
        let Self { tables, holds, limits, settings, client: _, expect: _, apply, not_enforced: _ } = self;
        let mut limits = limits.clone();
        for service in limits.services.values_mut().filter(|service| service.as_client) {
            // It is what `client` says.
            service.max_connections = 0;
        }
        let hashed = (tables, holds, limits, settings, apply);
        // All keys are texts, so JSON cannot refuse; should it ever, two policies must not look alike.
        let bytes = serde_json::to_vec(&hashed).unwrap_or_else(|_| format!("{hashed:?}").into_bytes());
        let digest = Sha256::digest(&bytes);
        PolicyHash(digest.iter().map(|byte| format!("{byte:02x}")).collect())
    }
}
