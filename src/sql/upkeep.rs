//! SQL of maintenance: each a statement of its own, which PostgreSQL commits part by part.

use crate::plan::{AnalyzeParent, ReindexIndex, VacuumPartition};

/// Without ONLY (18 and later) the partitions are analyzed as well: the statistics of the whole come with no other way.
pub(super) fn analyze(action: &AnalyzeParent) -> String {
    let AnalyzeParent { root, role: _, only } = action;
    format!("ANALYZE{} {}", if *only { " ONLY" } else { "" }, root.name)
}

/// Without truncation, which takes ACCESS EXCLUSIVE for a moment, and on a standby for as long as its replay (VACUUM,
/// TRUNCATE): the room at the end of a partition that is over is no haste.
pub(super) fn vacuum(action: &VacuumPartition) -> String {
    format!("VACUUM (FREEZE, ANALYZE, TRUNCATE false) {}", action.partition.name)
}

pub(super) fn reindex(action: &ReindexIndex) -> String {
    format!("REINDEX INDEX CONCURRENTLY {}", action.index.name)
}
