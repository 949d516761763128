//! Citus: which tables are distributed over other servers, and whether this server is one of those.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::snapshot::{Catalog, Oid, TableState};

/// What Citus's own catalog says, where the database has one.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Citus {
    /// This server is a worker: tables are changed on the coordinator alone.
    pub worker: bool,
    /// Roots of the policy and detached tables whose rows are on the workers. A partition is distributed as its root is.
    pub distributed: BTreeSet<Oid>,
    /// `citus_total_relation_size` may be called: the size functions say 0 of a distributed table.
    pub has_sizes: bool,
}

impl Catalog {
    /// Whether the rows of this root, partition or detached table are on the workers of a Citus cluster.
    pub fn is_distributed(&self, relation: Oid) -> bool {
        let Some(citus) = self.citus.as_ref().filter(|citus| !citus.distributed.is_empty()) else { return false };
        citus.distributed.contains(&relation)
            || self.tables.values().any(|state| match state {
                TableState::Partitioned(root) => {
                    citus.distributed.contains(&root.oid) && root.leaves.contains_key(&relation)
                }
                TableState::Missing | TableState::Unfit(_) => false,
            })
    }

    /// Whether this server is a worker that has tables of the policy: what must be changed on the coordinator.
    pub(crate) fn is_of_workers(&self) -> bool {
        self.citus.as_ref().is_some_and(|citus| citus.worker && !citus.distributed.is_empty())
    }
}
