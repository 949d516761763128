//! Policy × catalog × clock → plan. Total and pure.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::action::Verb;
use super::conversion::conversion_hint;
use super::document::{PLAN_FORMAT, Plan, Summary};
use super::finding::{Code, Finding};
use super::forgotten::forgotten;
use super::gate::Granted;
use super::gating::{gate, gate_of_no_table};
use super::keys::follow_detached;
use super::lane::{lanes, referencing_first};
use super::privilege::{missing_privileges, without_rights};
use super::step::{Step, StepId};
use super::trust;
use super::unread::unread;
use super::world::World;
use crate::catalog::{NAMES_NOT_UTF8, PLAIN_TABLE, Snapshot, TableState};
use crate::policy::suggest::nearest;
use crate::policy::{ApplyDesired, Desired, GridMismatch, TableDesired};
use crate::resource::maintenance::{self, Around};
use crate::resource::partition::{self, Context, Subject};
use crate::resource::{Setup, index, limits, pooler, settings, storage};
use crate::sql::{Ident, TableName};

/// What planning takes beside policy and snapshot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlanOptions {
    /// The clock.
    pub now: Timestamp,
    /// `--table`: only these; empty means all.
    pub include: BTreeSet<TableName>,
    /// `--exclude`.
    pub exclude: BTreeSet<TableName>,
    /// Grants by flag; the policy's own are in the policy.
    pub grants: BTreeSet<Granted>,
    /// `--max-drop N`: partitions that may leave one table at once.
    pub max_drop: Option<u32>,
    /// Which steps are wanted.
    pub scope: Scope,
    /// Only what belongs to a table: no limits of the database and its roles, no settings of the server.
    pub tables_only: bool,
    /// Timeouts by flag.
    pub overrides: Overrides,
    /// Whether wanted indexes may be compared by way of a temporary table in a transaction that is rolled back. Without, each
    /// is unverified.
    pub probe: bool,
    /// Whether indexes are read also of tables whose policy does not speak of any: for reports.
    pub every_index: bool,
    /// Why the plan is for reading only, if it is: made from a file, for instance.
    pub reading_only: Option<String>,
}

impl PlanOptions {
    /// Everything the policy says, at this clock, with no grant.
    pub fn at(now: Timestamp) -> Self {
        Self {
            now,
            include: BTreeSet::new(),
            exclude: BTreeSet::new(),
            grants: BTreeSet::new(),
            max_drop: None,
            scope: Scope::All,
            tables_only: false,
            overrides: Overrides::default(),
            probe: true,
            every_index: false,
            reading_only: None,
        }
    }

    /// For what a saved plan was made of: its tables and no others, which may be none at all, and beyond tables what it was.
    #[must_use]
    pub fn of_saved(&self, saved: &Plan, desired: &Desired) -> Self {
        let exclude = if saved.only.is_empty() { desired.tables.keys().cloned().collect() } else { BTreeSet::new() };
        let include = saved.only.iter().cloned().collect();
        Self { include, exclude, tables_only: saved.tables_only, ..self.clone() }
    }

    /// Whether what belongs to no table is compared: limits of the database and its roles, settings of the server.
    pub fn beyond_tables(&self) -> bool {
        !self.tables_only
            && match self.scope {
                Scope::All => true,
                Scope::Creations | Scope::Removals | Scope::Maintenance => false,
            }
    }

    /// The tables of the policy that these options speak of.
    pub fn selected<'a>(
        &self,
        desired: &'a Desired,
    ) -> impl Iterator<Item = (&'a TableName, &'a TableDesired)> + use<'a, '_> {
        desired.tables.iter().filter(|(name, _)| {
            (self.include.is_empty() || self.include.contains(*name)) && !self.exclude.contains(*name)
        })
    }
}

/// Timeouts by flag instead of the policy's. They are part of a saved plan: what was reviewed is what runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Overrides {
    /// `--lock-timeout`, in milliseconds in a plan file.
    #[serde(default, with = "optional_millis", skip_serializing_if = "Option::is_none")]
    pub lock_timeout: Option<Duration>,
    /// `--lock-retries`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lock_retries: Option<u32>,
}

impl Overrides {
    /// What of a saved plan's holds when it is carried out. A flag given again is said by whoever runs it; a file makes
    /// nobody wait longer for a lock than the policy does.
    #[must_use]
    pub fn carried(self, by_flag: Self, policy: &ApplyDesired) -> Self {
        Self {
            lock_timeout: by_flag.lock_timeout.or(self.lock_timeout.map(|carried| carried.min(policy.lock_timeout))),
            lock_retries: by_flag.lock_retries.or(self.lock_retries.map(|carried| carried.min(policy.lock_retries))),
        }
    }
}

mod optional_millis {
    use std::time::Duration;

    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub(super) fn serialize<S: Serializer>(duration: &Option<Duration>, serializer: S) -> Result<S::Ok, S::Error> {
        duration.map(|duration| u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)).serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Duration>, D::Error> {
        Ok(Option::<u64>::deserialize(deserializer)?.map(Duration::from_millis))
    }
}

/// Which steps are wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// All.
    All,
    /// Creations, and what they need: the end of a detach that still occupies their range.
    Creations,
    /// Finalize, detach with its marker and stamp, drop; and what they need.
    Removals,
    /// Analyze, vacuum, reindex.
    Maintenance,
}

impl Scope {
    /// Whether partitions are made.
    pub(super) fn has_creations(self) -> bool {
        match self {
            Self::All | Self::Creations => true,
            Self::Removals | Self::Maintenance => false,
        }
    }

    /// Whether indexes are compared.
    pub(super) fn has_indexes(self) -> bool {
        match self {
            Self::All => true,
            Self::Creations | Self::Removals | Self::Maintenance => false,
        }
    }

    /// Whether existing partitions are compared with their parent.
    pub(super) fn has_storage(self) -> bool {
        match self {
            Self::All => true,
            Self::Creations | Self::Removals | Self::Maintenance => false,
        }
    }

    /// Whether it is asked what maintenance is due.
    pub(super) fn has_maintenance(self) -> bool {
        match self {
            Self::All | Self::Maintenance => true,
            Self::Creations | Self::Removals => false,
        }
    }
}

/// Makes the plan.
///
/// The same policy, snapshot and options give the same bytes. A table that cannot be judged becomes a finding, and the
/// others go on.
///
/// ```
/// use pgstrata::{catalog::Snapshot, plan::{PlanOptions, plan}, policy::Desired};
///
/// fn what_is_due(desired: &Desired, snapshot: &Snapshot) -> usize {
///     plan(desired, snapshot, &PlanOptions::at(snapshot.taken_at)).steps.len()
/// }
/// ```
pub fn plan(desired: &Desired, snapshot: &Snapshot, options: &PlanOptions) -> Plan {
    plan_in(&World::Open, desired, snapshot, options)
}

/// The same, judged in this world.
pub(crate) fn plan_in(world: &World<'_>, desired: &Desired, snapshot: &Snapshot, options: &PlanOptions) -> Plan {
    let mut findings = about_everything(desired, snapshot, options);
    let mut steps = Vec::new();
    let mut overviews = Vec::new();
    let mut used = BTreeSet::new();
    let lanes = lanes(&snapshot.catalog);
    for name in referencing_first(options.selected(desired).map(|(name, _)| name), &snapshot.catalog) {
        let Some(table) = desired.tables.get(name) else { continue };
        let Some(state) = snapshot.catalog.tables.get(name) else {
            findings.push(not_in_snapshot(name));
            continue;
        };
        let mut judge = |context: &Context<'_>| {
            let takes_effect = |step: &Step| {
                let mut alone = [step.clone()];
                gate(context, options, &mut alone, &mut Vec::new());
                alone.iter().all(|step| world.has(step))
            };
            let beside = partition::Around { earlier: &steps, takes_effect: &takes_effect };
            let mut diff = partition::diff(context, options.scope, &mut used, &beside);
            // A plan of maintenance alone speaks of nothing else, and goes round what its partitions wait for.
            let around = (options.scope == Scope::Maintenance).then(|| {
                let mut whole = std::mem::take(&mut diff).steps;
                gate(context, options, &mut whole, &mut Vec::new());
                world.effective(&whole).into_owned()
            });
            keep_scope(options.scope, &mut diff.steps);
            findings.extend(index::equip(context, &mut diff.steps, &mut used));
            findings.extend(trust::finding(context));
            findings.extend(diff.findings);
            gate(context, options, &mut diff.steps, &mut findings);
            if options.scope.has_indexes() {
                let mut indexes = index::diff(context, &world.effective(&diff.steps), &mut used);
                gate(context, options, &mut indexes.steps, &mut findings);
                diff.steps.extend(indexes.steps);
                findings.extend(indexes.findings);
            }
            if options.scope.has_storage() {
                // After the indexes, which are built by whoever owns a partition now.
                let mut storage = storage::diff(context, &world.effective(&diff.steps));
                gate(context, options, &mut storage.steps, &mut findings);
                without_rights(&mut storage.steps, snapshot);
                diff.steps.extend(storage.steps);
                findings.extend(storage.findings);
            }
            if options.scope.has_maintenance() {
                // Last of all: it may take hours, and nothing needs it.
                let planned = world.effective(&diff.steps);
                let whole = around.as_deref().unwrap_or(&planned);
                let mut upkeep = maintenance::diff(context, &Around { whole, planned: &planned });
                gate(context, options, &mut upkeep.steps, &mut findings);
                diff.steps.extend(upkeep.steps);
                findings.extend(upkeep.findings);
            }
            overviews.push(partition::overview(context, &diff.steps));
            steps.extend(diff.steps);
        };
        let lane = lanes.get(name).copied().unwrap_or_default();
        if let Err(finding) = judged(desired, snapshot, options, (name, table, state), lane, &mut judge) {
            findings.push(*finding);
        }
    }
    if options.beyond_tables() {
        // After the tables' lanes: nothing of theirs may wait for it.
        let lane = lanes.values().max().map_or(0, |last| last.saturating_add(1));
        let setup = Setup { desired, lane, overrides: options.overrides };
        for mut diff in [limits::diff(&setup, snapshot), settings::diff(&setup, snapshot)] {
            gate_of_no_table(desired, options, &mut diff.steps);
            steps.extend(diff.steps);
            findings.extend(diff.findings);
        }
        findings.extend(pooler::findings(desired, snapshot));
    }
    overviews.sort_by(|one, other| one.table.cmp(&other.table));
    follow_detached(&mut steps, world);
    findings.extend(missing_privileges(&steps, snapshot));
    findings.extend(unread(snapshot));
    findings.sort();
    findings.dedup();
    let not_applyable_because = obstacle(desired, snapshot, options);
    Plan {
        format_version: PLAN_FORMAT.to_owned(),
        evaluated_at: options.now,
        target: snapshot.target.clone(),
        policy_hash: desired.hash(),
        policy: desired.clone(),
        overrides: options.overrides,
        only: options.selected(desired).map(|(name, _)| name.clone()).collect(),
        tables_only: options.tables_only,
        applyable: not_applyable_because.is_none(),
        not_applyable_because,
        summary: Summary::of(&steps),
        tables: overviews,
        steps,
        findings,
    }
}

/// Leaves the steps that the scope speaks of, and whatever they need, directly or not.
fn keep_scope(scope: Scope, steps: &mut Vec<Step>) {
    let is_wanted = |step: &Step| match (scope, step.action.verb()) {
        (Scope::All, _) | (Scope::Creations, Verb::Create) => true,
        (Scope::Removals, Verb::Finalize | Verb::Detach | Verb::Drop) => true,
        (Scope::Creations, Verb::Finalize | Verb::Change | Verb::Detach | Verb::Drop)
        | (Scope::Removals, Verb::Create | Verb::Change)
        | (Scope::Maintenance, _) => false,
    };
    let mut wanted: BTreeSet<StepId> = BTreeSet::new();
    // What a step needs stands before it.
    for step in steps.iter().rev() {
        if is_wanted(step) || wanted.contains(&step.id) {
            wanted.insert(step.id.clone());
            wanted.extend(step.needs.iter().cloned());
        }
    }
    steps.retain(|step| wanted.contains(&step.id));
}

/// Calls `then` with the table's context, or says why the table cannot be judged.
pub(crate) fn judged(
    desired: &Desired,
    snapshot: &Snapshot,
    options: &PlanOptions,
    (name, table, state): (&TableName, &TableDesired, &TableState),
    lane: u32,
    then: &mut dyn FnMut(&Context<'_>),
) -> Result<(), Box<Finding>> {
    let broken = |code, message: String, hint: Option<String>| {
        Box::new(Finding { table: Some(name.clone()), code, object: None, message, hint })
    };
    let root = match state {
        TableState::Partitioned(root) => root,
        TableState::Missing => {
            let hint = match snapshot.catalog.similar.get(name) {
                Some(similar) => similar_hint(name, similar),
                None => "create it with PARTITION BY RANGE, or take it out of the policy".to_owned(),
            };
            return Err(broken(Code::TableMissing, "there is no such table".to_owned(), Some(hint)));
        }
        TableState::Unfit(what) if what.starts_with(NAMES_NOT_UTF8) => {
            let message = format!("it is {what}: they can be neither sent nor shown, and nothing is done with it");
            let hint = format!("rename them (ALTER … RENAME TO …), or take {name} out of the policy");
            return Err(broken(Code::TableUnfit, message, Some(hint)));
        }
        TableState::Unfit(what) => {
            let message = format!(
                "it is {what}: only a table partitioned by range of one date, time, integer or uuid column is managed"
            );
            let hint = match what == PLAIN_TABLE {
                true => conversion_hint(name),
                false => format!("no partitioning is ever changed: take {name} out of the policy"),
            };
            return Err(broken(Code::TableUnfit, message, Some(hint)));
        }
    };
    if root.key.name != table.key {
        let message = format!("it is partitioned by {}, and the policy says `key: {}`", root.key.name, table.key);
        let hint = format!("write `key: {}`", root.key.name);
        return Err(broken(Code::KeyMismatch, message, Some(hint)));
    }
    let grid = table.grid(root.key.kind).map_err(|mismatch| match mismatch {
        GridMismatch::EncodingMissing(_) | GridMismatch::ZoneMissing(_) | GridMismatch::Grid(_) => {
            broken(Code::KeyMismatch, mismatch.to_string(), None)
        }
    })?;
    if let Some(message) = partition::misread(table, root) {
        let hint = "nothing is created or removed by a clock that is misread: correct `encoding`".to_owned();
        return Err(broken(Code::KeyMismatch, message, Some(hint)));
    }
    let subject = Subject { name, table, desired, root, snapshot, grid: &grid, overrides: options.overrides };
    then(&Context::new(&subject, options.now, lane));
    Ok(())
}

/// What was meant, and why it is not what was written.
fn similar_hint(name: &TableName, similar: &TableName) -> String {
    let folds = [(&name.schema, &similar.schema), (&name.name, &similar.name)]
        .iter()
        .all(|(wanted, found)| wanted.as_str().to_lowercase() == found.as_str().to_lowercase());
    match folds {
        true => format!(
            "did you mean '{similar}'? PostgreSQL folds names without double quotes to lower case, and keeps the case of \
             names in them"
        ),
        false => format!("did you mean {similar}?"),
    }
}

/// What nobody looked at is not missing.
fn not_in_snapshot(name: &TableName) -> Finding {
    Finding {
        table: Some(name.clone()),
        code: Code::NotInSnapshot,
        object: None,
        message: "the snapshot says nothing of this table: it was taken for other tables".to_owned(),
        hint: Some("take a new one with this policy: pgstrata snapshot --out FILE".to_owned()),
    }
}

/// What concerns no single table.
fn about_everything(desired: &Desired, snapshot: &Snapshot, options: &PlanOptions) -> Vec<Finding> {
    let finding =
        |code, message: String, hint: Option<String>| Finding { table: None, code, object: None, message, hint };
    let mut findings = Vec::new();
    for path in &desired.not_enforced {
        let message = format!("`{path}` is understood, and not yet enforced by this version");
        findings.push(finding(Code::NotYetEnforced, message, None));
    }
    for (what, expected, found) in mismatches(desired, snapshot) {
        let message = format!("the policy expects {what} `{expected}`, this is `{found}`");
        findings.push(finding(Code::WrongTarget, message, Some("check --url and --env".to_owned())));
    }
    if snapshot.target.in_recovery {
        let message = "this server is a standby: nothing can be carried out here".to_owned();
        findings.push(finding(Code::InRecovery, message, Some("point --url at the primary".to_owned())));
    }
    if snapshot.catalog.is_of_workers() {
        let message = "this server is a worker of a Citus cluster: tables are changed on the coordinator".to_owned();
        findings.push(finding(Code::CitusWorker, message, Some("point --url at the coordinator".to_owned())));
    }
    // A run of some tables does not look at the roots of all.
    if options.selected(desired).count() == desired.tables.len() {
        findings.extend(forgotten(desired, snapshot));
        findings.extend(snapshot.catalog.idle_logins.iter().map(|role| {
            let owners: BTreeSet<&Ident> = owners(snapshot).collect();
            let meant = nearest(role.as_str(), owners.iter().map(|owner| owner.as_str()));
            let hint = meant.map(|owner| format!("did you mean {}?", Ident::new(owner)));
            let message =
                format!("`connection.owners` has a login of {role}, which owns no table of the policy: it is not used");
            finding(Code::OwnerLoginUnused, message, hint)
        }));
    }
    for (flag, names) in [("--table", &options.include), ("--exclude", &options.exclude)] {
        for name in names.iter().filter(|name| !desired.tables.contains_key(*name)) {
            let message = format!("{flag} {name} is not in the policy");
            findings.push(finding(Code::TableMissing, message, None));
        }
    }
    findings
}

/// Who owns the policy's tables.
fn owners(snapshot: &Snapshot) -> impl Iterator<Item = &Ident> {
    snapshot.catalog.tables.values().filter_map(|state| match state {
        TableState::Partitioned(root) => Some(&root.attributes.owner),
        TableState::Missing | TableState::Unfit(_) => None,
    })
}

/// Why the plan may not be applied.
fn obstacle(desired: &Desired, snapshot: &Snapshot, options: &PlanOptions) -> Option<String> {
    if let Some(because) = &options.reading_only {
        return Some(because.clone());
    }
    if options.now > snapshot.taken_at {
        return Some(format!("it was made for {}, ahead of the server's clock", options.now));
    }
    if snapshot.target.in_recovery {
        return Some("the server is a standby".to_owned());
    }
    if snapshot.catalog.is_of_workers() {
        return Some("the server is a worker of a Citus cluster".to_owned());
    }
    let session = &snapshot.catalog.session;
    if session.read_only {
        let role = Ident::new(&session.name);
        return Some(format!(
            "sessions of {role} are read-only here: default_transaction_read_only is on for the role, the database or the server \
             (for this command alone: PGOPTIONS='-c default_transaction_read_only=off')"
        ));
    }
    let wrong = mismatches(desired, snapshot);
    wrong.first().map(|(what, expected, _)| format!("the policy expects {what} `{expected}`"))
}

fn mismatches(desired: &Desired, snapshot: &Snapshot) -> Vec<(&'static str, String, String)> {
    let target = &snapshot.target;
    let unknown = "unknown".to_owned();
    let found = BTreeMap::from([
        ("database", (&desired.expect.database, target.database.clone())),
        ("cluster_name", (&desired.expect.cluster_name, target.cluster_name.clone().unwrap_or_default())),
        ("system_identifier", (&desired.expect.system_identifier, target.system_identifier.clone().unwrap_or(unknown))),
    ]);
    found
        .into_iter()
        .filter_map(|(what, (expected, found))| expected.clone().map(|expected| (what, expected, found)))
        .filter(|(_, expected, found)| expected != found)
        .collect()
}
