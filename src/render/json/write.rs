//! Plan → document: the plan's own fields, and beside them what a reader would otherwise have to derive.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::catalog::Target;
use crate::plan::{Block, Finding, Gate, Level, Overrides, Plan, Step, Summary, TableOverview, Unmet};
use crate::policy::{Desired, PolicyHash};
use crate::render::detail::statements;
use crate::sql::{LockMode, TableName, index_locks, locks};
use crate::visible::clean_json;

/// A plan as a document: pretty, ending in a newline, the same plan always the same bytes.
///
/// ```
/// use pgstrata::{plan::Plan, render::json};
///
/// fn survives(plan: &Plan) -> bool {
///     json::from_json(&json::to_json(plan)).is_ok_and(|read| read == *plan)
/// }
/// ```
pub fn to_json(plan: &Plan) -> String {
    pretty(&document(plan))
}

/// Pretty JSON with a newline at its end, everything in it to be seen: `\\u202e`.
pub(crate) fn pretty<T: Serialize>(value: &T) -> String {
    // Only maps with keys that are no text can fail, and none of ours has such keys.
    let mut text = clean_json(serde_json::to_string_pretty(value).unwrap_or_default());
    text.push('\n');
    text
}

pub(crate) fn document(plan: &Plan) -> PlanDocument<'_> {
    let Plan {
        format_version,
        evaluated_at,
        target,
        policy_hash,
        policy,
        only,
        tables_only,
        overrides,
        applyable,
        not_applyable_because,
        summary,
        tables,
        steps,
        findings,
    } = plan;
    PlanDocument {
        format_version,
        evaluated_at: *evaluated_at,
        target: TargetDocument { target, server_version: target.server_version() },
        policy_hash,
        applyable: *applyable,
        not_applyable_because: not_applyable_because.as_deref(),
        summary,
        tables,
        steps: steps.iter().map(|step| StepDocument { step, derived: derived(step, target.major()) }).collect(),
        findings: findings.iter().map(FindingDocument::of).collect(),
        only,
        tables_only: *tables_only,
        overrides,
        policy,
    }
}

/// The document in the order people read it; the policy, longest, comes last.
#[derive(Serialize)]
pub(crate) struct PlanDocument<'a> {
    format_version: &'a str,
    evaluated_at: Timestamp,
    target: TargetDocument<'a>,
    policy_hash: &'a PolicyHash,
    applyable: bool,
    not_applyable_because: Option<&'a str>,
    summary: &'a Summary,
    tables: &'a [TableOverview],
    steps: Vec<StepDocument<'a>>,
    findings: Vec<FindingDocument<'a>>,
    only: &'a [TableName],
    tables_only: bool,
    overrides: &'a Overrides,
    policy: &'a Desired,
}

#[derive(Serialize)]
struct TargetDocument<'a> {
    #[serde(flatten)]
    target: &'a Target,
    server_version: String,
}

#[derive(Serialize)]
struct StepDocument<'a> {
    #[serde(flatten)]
    step: &'a Step,
    #[serde(flatten)]
    derived: Derived,
}

/// What follows from a step's typed data: never believed when it is read, only compared.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Derived {
    /// The plan's own statements, without the executor's checks.
    pub(super) sql: Vec<String>,
    pub(super) locks: Vec<LockDocument>,
    pub(super) blocked: bool,
    pub(super) blocked_because: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct LockDocument {
    relation: TableName,
    mode: LockMode,
    /// On each of its partitions, where they are locked too.
    #[serde(skip_serializing_if = "Option::is_none")]
    partitions: Option<LockMode>,
    blocks: String,
}

/// The only source of a step's derived part, for the writer and for the reader that compares.
pub(super) fn derived(step: &Step, major: u32) -> Derived {
    let blocks: &[Block] = match &step.gate {
        Gate::Blocked(blocks) => blocks,
        Gate::Open | Gate::Granted(_) => &[],
    };
    let locks = locks(&step.action, major).into_iter().chain(index_locks(&step.action));
    Derived {
        sql: statements(step),
        locks: locks
            .map(|lock| LockDocument {
                relation: lock.relation,
                mode: lock.mode,
                partitions: lock.partitions,
                blocks: lock.mode.blocks().to_owned(),
            })
            .collect(),
        blocked: step.gate.is_blocked(),
        blocked_because: blocks.iter().map(Block::to_string).collect(),
    }
}

#[derive(Serialize)]
pub(crate) struct FindingDocument<'a> {
    level: Level,
    unmet: Unmet,
    #[serde(flatten)]
    finding: &'a Finding,
}

impl<'a> FindingDocument<'a> {
    pub(super) fn of(finding: &'a Finding) -> Self {
        Self { level: finding.code.level(), unmet: finding.code.unmet(), finding }
    }
}
