//! Which rights the steps need and the connected role lacks: named before anything runs.

use std::collections::{BTreeMap, BTreeSet};

use super::action::{Action, AlterPartition, IndexAction, MaintenanceAction, PartitionAction, StorageAction};
use super::finding::{Code, Finding};
use super::gate::{Block, Gate};
use super::step::Step;
use crate::catalog::{Answer, Question, SessionRole, Snapshot, TableState};
use crate::sql::{Ident, TableName, inheritance, membership};

/// A hint is read by a person: beyond so many statements it says how many more there are.
const STATEMENTS: usize = 3;

/// A finding for each right that a step which may run needs and the session has not.
pub(crate) fn missing_privileges(steps: &[Step], snapshot: &Snapshot) -> Vec<Finding> {
    let (catalog, major) = (&snapshot.catalog, snapshot.target.major());
    let mut findings = BTreeSet::new();
    let mut of_superusers: BTreeMap<(&TableName, &Ident), BTreeSet<&TableName>> = BTreeMap::new();
    // What is about no table is planned only where the session may do it: see `resource::limits`.
    let of_tables = steps.iter().filter_map(|step| Some((step, step.table.as_ref()?)));
    for (step, table) in of_tables.filter(|(step, _)| !step.gate.is_blocked()) {
        let session = catalog.session_of(table);
        let mut lacks = |message: String, hint: String| {
            findings.insert(Finding {
                table: Some(table.clone()),
                code: Code::MissingPrivilege,
                object: None,
                message,
                hint: Some(hint),
            });
        };
        for (role, owned) in roles(step, table) {
            if step.acts_as.is_some()
                || session.superuser
                || role.as_str() == session.name
                || session.may_become.contains(role)
            {
                continue;
            }
            if session.superusers.contains(role) {
                of_superusers.entry((table, role)).or_default().insert(owned);
            } else {
                let who = Ident::new(session.name.clone());
                lacks(
                    format!("{who} may not SET ROLE {role}, which owns it"),
                    format!("{};", membership(role, &who, major)),
                );
            }
        }
        let Action::Partition(PartitionAction::Create(_) | PartitionAction::CreateDefault(_)) = &step.action else {
            continue;
        };
        // The rest of what a grant of the owner would lead to: else the step is blocked by itself, see `acting`.
        let Some(TableState::Partitioned(root)) = catalog.tables.get(table).filter(|_| step.acts_as.is_none()) else {
            continue;
        };
        let owner = &root.attributes.owner;
        let schema = step.action.partition().map_or(&table.schema, |partition| &partition.schema);
        if *schema == table.schema {
            if !root.owner_creates_in_schema {
                lacks(
                    format!("its owner {owner} may not create tables in schema {schema}"),
                    format!("GRANT CREATE ON SCHEMA {schema} TO {owner};"),
                );
            }
        } else {
            let question = Question::CreatesIn { role: owner.clone(), schema: schema.clone() };
            if snapshot.answers.get(&question) == Answer::Taken(false) {
                lacks(
                    format!("its owner {owner} may not create tables in schema {schema}"),
                    format!("GRANT USAGE, CREATE ON SCHEMA {schema} TO {owner};"),
                );
            }
        }
        if let Some(tablespace) = root.attributes.tablespace.as_ref().filter(|_| !root.owner_creates_in_tablespace) {
            lacks(
                format!("its owner {owner} may not create tables in tablespace {tablespace}"),
                format!("GRANT CREATE ON TABLESPACE {tablespace} TO {owner};"),
            );
        }
    }
    findings.extend(
        of_superusers
            .into_iter()
            .map(|((table, role), owned)| owned_by_superuser(catalog.session_of(table), table, role, &owned)),
    );
    findings.into_iter().collect()
}

/// Blocks alterations that the session lacks a right for, each by itself: a partition of another's must keep nobody from
/// making the next one in time.
pub(super) fn without_rights(steps: &mut [Step], snapshot: &Snapshot) {
    for step in steps {
        let Action::Storage(StorageAction::Alter(alter)) = &step.action else { continue };
        let blocks: Vec<Block> =
            rights_to_alter(alter, snapshot).into_iter().map(|because| Block::MissingRight { because }).collect();
        match &mut step.gate {
            Gate::Blocked(all) => all.extend(blocks),
            Gate::Open | Gate::Granted(_) if blocks.is_empty() => {}
            Gate::Open | Gate::Granted(_) => step.gate = Gate::Blocked(blocks),
        }
    }
}

/// What the session lacks. OWNER TO is done by whoever connected: it must have the old owner's privileges, and the new
/// one must be allowed to have tables in the schema (ALTER TABLE, "Notes" on OWNER TO).
fn rights_to_alter(alter: &AlterPartition, snapshot: &Snapshot) -> Vec<String> {
    let (catalog, major) = (&snapshot.catalog, snapshot.target.major());
    let session = catalog.session_of(&alter.root.name);
    let (who, owner, partition) = (Ident::new(session.name.clone()), &alter.owner, &alter.partition.name);
    let mut lacks = Vec::new();
    if session.superuser {
        return lacks;
    }
    let becomes = |role: &Ident| *role == who || session.may_become.contains(role);
    for role in std::iter::once(owner).chain(alter.new_owner()) {
        if becomes(role) {
            continue;
        }
        let superuser = session.superusers.contains(role);
        lacks.push(match (superuser, role == owner) {
            (true, true) => {
                format!("{who} may not SET ROLE {role}, which owns it and is a superuser: let one change its owner")
            }
            (true, false) => format!(
                "{who} may not SET ROLE {role}, which owns its parent and is a superuser: let one change its owner"
            ),
            (false, true) => {
                format!("{who} may not SET ROLE {role}, which owns it: {}", membership(role, &who, major))
            }
            (false, false) => {
                format!("{who} may not SET ROLE {role}, which owns its parent: {}", membership(role, &who, major))
            }
        });
    }
    let Some(to) = alter.new_owner() else { return lacks };
    if becomes(owner) && *owner != who && !session.acts_as.contains(owner) {
        lacks.push(format!(
            "{who} is a member of {owner}, does not inherit its privileges, and so may not give away what it owns: {}",
            inheritance(owner, &who, major)
        ));
    }
    let Some(TableState::Partitioned(root)) = catalog.tables.get(&alter.root.name) else { return lacks };
    let leaf = root.storage.as_ref().and_then(|storage| storage.leaves.get(&alter.partition.oid));
    if leaf.and_then(|leaf| leaf.own.as_ref()).is_some_and(|own| !own.owner_creates_in_schema) {
        let schema = &partition.schema;
        lacks.push(format!(
            "{to} may not create in schema {schema}, or not use it: GRANT USAGE, CREATE ON SCHEMA {schema} TO {to}"
        ));
    }
    lacks
}

/// `GRANT postgres TO …` would hand out everything: what is owned has to change, not who may become its owner.
fn owned_by_superuser(session: &SessionRole, table: &TableName, role: &Ident, owned: &BTreeSet<&TableName>) -> Finding {
    let me = Ident::new(session.name.clone());
    let to = session.may_become.iter().find(|role| !session.superusers.contains(*role)).unwrap_or(&me);
    let statements = owned.iter().take(STATEMENTS).map(|owned| format!("ALTER TABLE {owned} OWNER TO {to};"));
    let mut hint = statements.collect::<Vec<_>>().join(" ");
    if owned.len() > STATEMENTS {
        hint.push_str(&format!(" and so for {} more", owned.len() - STATEMENTS));
    }
    Finding {
        table: Some(table.clone()),
        code: Code::MissingPrivilege,
        object: None,
        message: format!("{me} may not SET ROLE {role}, which owns it and is a superuser"),
        hint: Some(hint),
    }
}

/// The roles that a step's SQL becomes, each with the table that it owns.
pub(super) fn roles<'a>(step: &'a Step, table: &'a TableName) -> Vec<(&'a Ident, &'a TableName)> {
    let Some(partition) = step.action.partition() else { return Vec::new() };
    match &step.action {
        Action::Partition(PartitionAction::Create(create)) => vec![(&create.attributes.owner, table)],
        Action::Partition(PartitionAction::CreateDefault(create)) => vec![(&create.attributes.owner, table)],
        Action::Partition(PartitionAction::Finalize(leaving)) => vec![(&leaving.owner, &leaving.root.name)],
        Action::Partition(PartitionAction::Detach(detach)) => vec![(&detach.leaving.owner, &detach.leaving.root.name)],
        Action::Partition(PartitionAction::Mark(retiring) | PartitionAction::Stamp(retiring)) => {
            vec![(&retiring.owner, partition)]
        }
        // ATTACH needs the parent and the table; the statement runs as the parent's owner.
        Action::Partition(PartitionAction::Attach(attach)) => {
            vec![(&attach.owner, table), (&attach.retired.owner, partition)]
        }
        Action::Partition(PartitionAction::Drop(drop)) => vec![(&drop.retired.owner, partition)],
        Action::Index(IndexAction::Create(create)) => vec![(&create.owner, table)],
        Action::Index(IndexAction::Build(build)) => vec![(&build.owner, partition)],
        Action::Index(IndexAction::Attach(attach) | IndexAction::Validate(attach)) => vec![(&attach.owner, table)],
        Action::Index(IndexAction::Alter(alter)) => vec![(&alter.owner, partition)],
        Action::Index(IndexAction::Rebuild(loose) | IndexAction::Drop(loose)) => vec![(&loose.owner, partition)],
        Action::Index(IndexAction::Discard(discard)) => vec![(&discard.owner, table)],
        Action::Index(IndexAction::Swap(swap)) => vec![(&swap.owner, table)],
        // Judged by themselves: see `without_rights`.
        Action::Storage(_) => Vec::new(),
        Action::Maintenance(MaintenanceAction::AnalyzeParent(analyze)) => vec![(&analyze.role, table)],
        Action::Maintenance(MaintenanceAction::Vacuum(vacuum)) => vec![(&vacuum.role, partition)],
        Action::Maintenance(MaintenanceAction::Reindex(reindex)) => vec![(&reindex.role, partition)],
        Action::Limit(_) | Action::Setting(_) => Vec::new(),
    }
}
