//! Nobody's code runs as somebody else: which steps run code of roles that may do less than the session, and as whom.

use std::collections::BTreeSet;

use super::action::{Action, DetachMode, IndexAction, MaintenanceAction, PartitionAction, Relation};
use super::fact::Fact;
use super::finding::{Code, Finding};
use super::hazard::HazardKind;
use super::planner::PlanOptions;
use super::step::{Hazard, Step};
use crate::catalog::{Answer, Catalog, CodeBy, OwnersCode, Question, Snapshot, TableState, WouldRun};
use crate::policy::{Desired, Grant};
use crate::resource::partition::Context;
use crate::sql::{Ident, TableName};

/// What an action runs of what hangs on its table (measured on 14 to 18).
struct Runs<'a> {
    /// As the session: `SET ROLE` is no barrier, the code says `RESET ROLE`.
    as_session: &'static [CodeBy],
    /// As the table's owner, in an operation that PostgreSQL restricts: what it leaves open is the owner's alone.
    as_owner: Option<(&'a Ident, &'static [CodeBy])>,
}

fn runs(action: &Action) -> Runs<'_> {
    use CodeBy::{Detached, EventTrigger, Expression, Key, Referenced, Referencing};
    const DDL: &[CodeBy] = &[EventTrigger];
    let as_session = |as_session| Runs { as_session, as_owner: None };
    let building = |owner| Runs { as_session: DDL, as_owner: Some((owner, &[Expression, Key])) };
    match action {
        Action::Partition(PartitionAction::Create(_) | PartitionAction::CreateDefault(_)) => {
            as_session(&[Expression, Key, Referenced, EventTrigger])
        }
        Action::Partition(PartitionAction::Attach(_)) => {
            as_session(&[Expression, Key, Detached, Referenced, EventTrigger])
        }
        Action::Partition(PartitionAction::Detach(detach)) => match detach.mode {
            DetachMode::Concurrently => as_session(&[Expression, Key, Referencing, EventTrigger]),
            DetachMode::Blocking(_) => as_session(&[Key, Referencing, EventTrigger]),
        },
        Action::Partition(PartitionAction::Finalize(_)) => as_session(&[Key, Referencing, EventTrigger]),
        Action::Partition(PartitionAction::Mark(_) | PartitionAction::Stamp(_) | PartitionAction::Drop(_)) => {
            as_session(DDL)
        }
        Action::Index(IndexAction::Create(create)) => building(&create.owner),
        Action::Index(IndexAction::Build(build)) => building(&build.owner),
        Action::Index(IndexAction::Rebuild(loose)) => building(&loose.owner),
        // The server compares what the two indexes compute, and folds what it can of that: also of an index that the same
        // plan makes, which hangs on the table by then.
        Action::Index(IndexAction::Attach(_) | IndexAction::Validate(_)) => {
            as_session(&[Expression, Key, EventTrigger])
        }
        Action::Index(
            IndexAction::Drop(_) | IndexAction::Discard(_) | IndexAction::Alter(_) | IndexAction::Swap(_),
        )
        | Action::Storage(_) => as_session(DDL),
        Action::Maintenance(MaintenanceAction::AnalyzeParent(analyze)) => {
            Runs { as_session: &[], as_owner: Some((&analyze.role, &[Expression, Key])) }
        }
        Action::Maintenance(MaintenanceAction::Reindex(reindex)) => building(&reindex.role),
        Action::Maintenance(MaintenanceAction::Vacuum(_)) | Action::Limit(_) | Action::Setting(_) => as_session(&[]),
    }
}

/// The hazards of what a step runs of others, with what is known of its table, and of the index that it brings.
pub(super) fn hazards(step: &Step, desired: &Desired, snapshot: &Snapshot) -> Vec<Hazard> {
    let Some(table) = &step.table else { return Vec::new() };
    let catalog = &snapshot.catalog;
    let Runs { as_session, as_owner } = runs(&step.action);
    let brought = brought(step, desired, snapshot);
    let hazard = |codes: &[&OwnersCode], whom: &str| {
        (!codes.is_empty()).then(|| Hazard {
            kind: HazardKind::RunsOwnersCode,
            object: step.action.object(),
            detail: WouldRun { codes, whom }.to_string(),
        })
    };
    let mut hazards: Vec<Hazard> = Vec::new();
    let mut codes = catalog.owners_code(table, as_session);
    // Also what only makes it: from then on queries, and each ATTACH, run what it calls.
    codes.extend(&brought);
    hazards.extend(hazard(&codes, &catalog.session_of(table).name));
    if let Some((owner, by)) = as_owner {
        let mut codes = catalog.owners_code(table, by);
        codes.extend(&brought);
        // Of the owner itself, or of one who may become it: nothing that they could not do anyway.
        codes.retain(|code| code.owner != *owner && !code.of_tables_owner);
        hazards.extend(hazard(&codes, owner.as_str()));
    }
    hazards
}

/// What the wanted index of a step would hang on its table, should it not hang there yet.
fn brought(step: &Step, desired: &Desired, snapshot: &Snapshot) -> BTreeSet<OwnersCode> {
    let wanted = match &step.action {
        Action::Index(IndexAction::Create(create)) => &create.wanted,
        Action::Index(IndexAction::Build(build)) => &build.wanted,
        Action::Index(IndexAction::Rebuild(loose)) => &loose.wanted,
        Action::Index(IndexAction::Attach(attach) | IndexAction::Validate(attach)) => &attach.wanted,
        Action::Index(
            IndexAction::Drop(_) | IndexAction::Discard(_) | IndexAction::Alter(_) | IndexAction::Swap(_),
        )
        // What reaches out of its table is in no partition's creation.
        | Action::Partition(_)
        | Action::Storage(_)
        | Action::Maintenance(_)
        | Action::Limit(_)
        | Action::Setting(_) => return BTreeSet::new(),
    };
    let root = step.table.as_ref().and_then(|table| match snapshot.catalog.tables.get(table)? {
        TableState::Partitioned(root) => Some((table, root.oid)),
        TableState::Missing | TableState::Unfit(_) => None,
    });
    let definition = root.and_then(|(table, root)| Some((root, desired.tables.get(table)?.indexes.get(wanted)?)));
    let Some((root, definition)) = definition else { return BTreeSet::new() };
    match snapshot.answers.get(&Question::WantedIndex { root, definition: definition.clone() }) {
        Answer::Shape(shape) => shape.code,
        Answer::Withheld(code) => code,
        Answer::Refused(_)
        | Answer::Unknown(_)
        | Answer::Leaf(_)
        | Answer::Keys(_)
        | Answer::Rows(_)
        | Answer::Bytes(_)
        | Answer::DefaultKeys(_)
        | Answer::Bloat(_)
        | Answer::Spelling(_)
        | Answer::Found(_)
        | Answer::Taken(_) => BTreeSet::new(),
    }
}

/// Gives each step its hazards, or else the fact that there is no reason for one. Where all of it is allowed (`trusted`),
/// what an index of the plan brings hangs on the table when later steps run.
pub(super) fn mark(context: &Context<'_>, trusted: bool, steps: &mut [Step]) {
    let mut there: Vec<Hazard> = Vec::new();
    for step in steps {
        let mut found = hazards(step, context.desired, context.snapshot);
        let relies = relies_on(&step.action, &context.relation());
        if found.is_empty() && relies.is_some() {
            found.extend(there.iter().map(|hazard| Hazard { object: step.action.object(), ..hazard.clone() }));
        }
        if found.is_empty() {
            step.before.extend(relies);
        } else if trusted && there.is_empty() && !brought(step, context.desired, context.snapshot).is_empty() {
            there.clone_from(&found);
        }
        step.hazards.extend(found);
    }
}

/// What must still be so inside the unit of a step that runs what hangs on a table as the session.
pub(super) fn relies_on(action: &Action, root: &Relation) -> Option<Fact> {
    let detached = match action {
        Action::Partition(PartitionAction::Attach(attach)) => Some(attach.retired.partition.clone()),
        Action::Partition(
            PartitionAction::Create(_)
            | PartitionAction::CreateDefault(_)
            | PartitionAction::Detach(_)
            | PartitionAction::Finalize(_),
        )
        | Action::Index(IndexAction::Attach(_) | IndexAction::Validate(_)) => None,
        Action::Partition(PartitionAction::Mark(_) | PartitionAction::Stamp(_) | PartitionAction::Drop(_))
        | Action::Index(_)
        | Action::Storage(_)
        | Action::Maintenance(_)
        | Action::Limit(_)
        | Action::Setting(_) => return None,
    };
    let by = runs(action).as_session.iter().copied().collect();
    Some(Fact::NoOwnersCode { root: root.clone(), detached, by })
}

/// Why a partition is detached plainly: that runs none of what hangs on the table, and nobody allowed more.
pub(crate) fn detaches_plainly(desired: &Desired, catalog: &Catalog, table: &TableName) -> Option<String> {
    let codes = catalog.owners_code(table, &[CodeBy::Expression]);
    let allowed = desired.apply.allow.iter().any(|grant| allows(grant, table));
    // With the key's operators at stake a plain one runs them as well.
    let in_vain = !catalog.owners_code(table, &[CodeBy::Key]).is_empty();
    (!codes.is_empty() && !allowed && !in_vain).then(|| {
        format!("in DETACH … CONCURRENTLY {}", WouldRun { codes: &codes, whom: &catalog.session_of(table).name })
    })
}

impl PlanOptions {
    /// Tables on which code of other roles may run: granted by the policy or by a flag.
    pub fn trusted(&self, desired: &Desired) -> BTreeSet<TableName> {
        let grants = || desired.apply.allow.iter().chain(self.grants.iter().map(|granted| &granted.grant));
        desired.tables.keys().filter(|table| grants().any(|grant| allows(grant, table))).cloned().collect()
    }
}

fn allows(grant: &Grant, table: &TableName) -> bool {
    grant.hazard == HazardKind::RunsOwnersCode && grant.table.as_ref().is_none_or(|of| of == table)
}

/// What hangs on the table, and what can be done about it.
pub(super) fn finding(context: &Context<'_>) -> Option<Finding> {
    let catalog = &context.snapshot.catalog;
    let codes = catalog.owners_code(context.name, &CodeBy::ALL);
    let first = codes.first()?;
    let message = WouldRun { codes: &codes, whom: &catalog.session_of(context.name).name }.to_string();
    let mut finding = context.finding(Code::RunsOwnersCode, None, message);
    let allow = Grant { hazard: HazardKind::RunsOwnersCode, table: Some(context.name.clone()) };
    finding.hint = Some(format!(
        "give {} a login in the policy (`connection.owners`), or trust it: `apply.allow: [{allow}]` in the policy, or \
         --allow {allow} on plan and apply",
        first.owner
    ));
    Some(finding)
}
