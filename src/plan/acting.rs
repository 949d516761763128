//! As whom a step works: as the owner, as always; as the session itself, where the owner lacks a right that the session has;
//! else not at all, and the step says what to grant.

use std::collections::BTreeSet;

use super::action::{Action, IndexAction, MaintenanceAction, PartitionAction, StorageAction};
use super::gate::Block;
use super::gating::block;
use super::privilege::roles;
use super::step::{Step, StepId};
use crate::catalog::{Answer, Catalog, Question, Snapshot, TableState};
use crate::sql::{Ident, TableName, membership};

/// What the role that works needs on a schema.
struct Need<'a> {
    role: &'a Ident,
    schema: &'a Ident,
    /// Beside USAGE.
    create: bool,
}

/// Chooses for each step, and blocks those that nobody can carry out.
pub(super) fn choose(snapshot: &Snapshot, steps: &mut [Step]) {
    let catalog = &snapshot.catalog;
    let mut refused: BTreeSet<StepId> = BTreeSet::new();
    for step in steps.iter_mut() {
        let Some(table) = &step.table else { continue };
        let mut lacking: Vec<String> =
            needs(&step.action, table).iter().filter_map(|need| lacks(catalog, table, need)).collect();
        lacking.extend(lacks_elsewhere(snapshot, table, &step.action));
        if let (Some(last), Some(siblings)) = (lacking.last_mut(), siblings_elsewhere(catalog, table, &step.action)) {
            last.push_str(&format!("; or write `partition: {{schema: {siblings}}}`, where its newest partition is"));
        }
        lacking.extend(lacks_tablespace(catalog, table, &step.action));
        let (others, of_root) = not_to_be(snapshot, step, table);
        if lacking.is_empty() && others.is_empty() && of_root.is_none() {
            continue;
        }
        if session_may(catalog, &step.action, table) {
            step.acts_as = Some(Ident::new(catalog.session_of(table).name.clone()));
            continue;
        }
        // Who may not become the table's owner can do nothing with it: that refuses the whole, as a finding.
        if of_root.is_some() {
            continue;
        }
        lacking.extend(others);
        refused.insert(step.id.clone());
        for because in lacking {
            block(step, Block::MissingRight { because });
        }
    }
    // The new owner may be the cure: that one does not wait for what the old one cannot do.
    for step in steps.iter_mut() {
        if let Action::Storage(StorageAction::Alter(alter)) = &step.action
            && alter.new_owner().is_some()
        {
            step.needs.retain(|need| !refused.contains(need));
        }
    }
}

/// Owners of single partitions that the session may not become, in words; and the table's own, apart.
fn not_to_be(snapshot: &Snapshot, step: &Step, table: &TableName) -> (Vec<String>, Option<String>) {
    let (catalog, major) = (&snapshot.catalog, snapshot.target.major());
    let session = catalog.session_of(table);
    let (mut others, mut of_root) = (Vec::new(), None);
    let Some(TableState::Partitioned(root)) = catalog.tables.get(table) else { return (others, of_root) };
    for (role, _) in roles(step, table) {
        if session.superuser || role.as_str() == session.name || session.may_become.contains(role) {
            continue;
        }
        let who = Ident::new(session.name.clone());
        let because = match session.superusers.contains(role) {
            true => {
                format!("{who} may not SET ROLE {role}, which owns it and is a superuser: let one change its owner")
            }
            false => format!("{who} may not SET ROLE {role}, which owns it: {}", membership(role, &who, major)),
        };
        match *role == root.attributes.owner {
            true => of_root = Some(because),
            false => others.push(because),
        }
    }
    (others, of_root)
}

/// The schema that the policy says may hold no partition yet: then it was asked for.
fn lacks_elsewhere(snapshot: &Snapshot, table: &TableName, action: &Action) -> Option<String> {
    let (owner, schema) = match action {
        Action::Partition(PartitionAction::Create(create)) => (&create.attributes.owner, &create.partition.schema),
        Action::Partition(PartitionAction::CreateDefault(create)) => {
            (&create.attributes.owner, &create.partition.schema)
        }
        Action::Partition(_)
        | Action::Index(_)
        | Action::Storage(_)
        | Action::Maintenance(_)
        | Action::Limit(_)
        | Action::Setting(_) => return None,
    };
    let question = Question::CreatesIn { role: owner.clone(), schema: schema.clone() };
    let known = snapshot.catalog.lack(owner.as_str(), schema).is_some();
    (*schema != table.schema && !known && snapshot.answers.get(&question) == Answer::Taken(false)).then(|| {
        format!("{owner} may not create in schema {schema}, or not use it: GRANT USAGE, CREATE ON SCHEMA {schema} TO {owner}")
    })
}

/// The schema of the newest partition, where a new one would be made in another: the table's, for the policy names none.
fn siblings_elsewhere<'a>(catalog: &'a Catalog, table: &TableName, action: &Action) -> Option<&'a Ident> {
    match action {
        Action::Partition(PartitionAction::Create(_) | PartitionAction::CreateDefault(_)) => {}
        Action::Partition(_)
        | Action::Index(_)
        | Action::Storage(_)
        | Action::Maintenance(_)
        | Action::Limit(_)
        | Action::Setting(_) => return None,
    }
    let new = &action.partition()?.schema;
    let Some(TableState::Partitioned(root)) = catalog.tables.get(table) else { return None };
    let bounded = root.leaves.values().filter_map(|leaf| Some((leaf.bounds.coverage()?, leaf)));
    let (_, newest) = bounded.max_by_key(|(range, _)| (range.1, range.0))?;
    Some(&newest.name.schema).filter(|schema| *schema != new && *new == table.schema)
}

/// A new partition is made where its parent is.
fn lacks_tablespace(catalog: &Catalog, table: &TableName, action: &Action) -> Option<String> {
    match action {
        Action::Partition(PartitionAction::Create(_) | PartitionAction::CreateDefault(_)) => {}
        Action::Partition(_)
        | Action::Index(_)
        | Action::Storage(_)
        | Action::Maintenance(_)
        | Action::Limit(_)
        | Action::Setting(_) => return None,
    }
    let Some(TableState::Partitioned(root)) = catalog.tables.get(table) else { return None };
    let tablespace = root.attributes.tablespace.as_ref().filter(|_| !root.owner_creates_in_tablespace)?;
    let owner = &root.attributes.owner;
    Some(format!(
        "{owner} may not create in tablespace {tablespace}: GRANT CREATE ON TABLESPACE {tablespace} TO {owner}"
    ))
}

/// What a role lacks of what it needs, with the GRANT.
fn lacks(catalog: &Catalog, table: &TableName, need: &Need<'_>) -> Option<String> {
    let Need { role, schema, create } = *need;
    let known = catalog.lack(role.as_str(), schema);
    let (usage, mut creation) = known.map_or((false, false), |lack| (lack.usage, lack.create && create));
    // A file of facts may say no more than this.
    if let Some(TableState::Partitioned(root)) = catalog.tables.get(table)
        && *role == root.attributes.owner
        && *schema == table.schema
    {
        creation |= create && !root.owner_creates_in_schema;
    }
    let (what, grant) = match (usage, creation) {
        (false, false) => return None,
        (true, false) => ("use", "USAGE"),
        (false, true) => ("create in", "CREATE"),
        (true, true) => ("use, nor create in,", "USAGE, CREATE"),
    };
    Some(format!("{role} may not {what} schema {schema}: GRANT {grant} ON SCHEMA {schema} TO {role}"))
}

/// Whether the session may do it by its own rights: a superuser, or who has the owners' privileges without becoming them.
fn session_may(catalog: &Catalog, action: &Action, table: &TableName) -> bool {
    let session = catalog.session_of(table);
    if session.superuser {
        return true;
    }
    let makes_a_table = match action {
        Action::Partition(PartitionAction::Create(_) | PartitionAction::CreateDefault(_)) => true,
        Action::Partition(_)
        | Action::Index(_)
        | Action::Storage(_)
        | Action::Maintenance(_)
        | Action::Limit(_)
        | Action::Setting(_) => false,
    };
    // Who gives a table away gives it to one who may have it there.
    !makes_a_table
        && needs(action, table).iter().all(|need| {
            let has = need.role.as_str() == session.name || session.acts_as.contains(need.role);
            has && catalog
                .lack(&session.name, need.schema)
                .is_none_or(|lack| !(lack.usage || need.create && lack.create))
        })
}

/// Each role that a step's SQL becomes, with each schema that it then names.
fn needs<'a>(action: &'a Action, table: &'a TableName) -> Vec<Need<'a>> {
    let of = |role, schema, create| Need { role, schema, create };
    let Some(partition) = action.partition() else { return Vec::new() };
    let (here, there) = (&table.schema, &partition.schema);
    let both = |role, create| vec![of(role, here, false), of(role, there, create)];
    match action {
        Action::Partition(PartitionAction::Create(create)) => both(&create.attributes.owner, true),
        Action::Partition(PartitionAction::CreateDefault(create)) => both(&create.attributes.owner, true),
        Action::Partition(PartitionAction::Finalize(leaving)) => both(&leaving.owner, false),
        Action::Partition(PartitionAction::Detach(detach)) => both(&detach.leaving.owner, false),
        Action::Partition(PartitionAction::Attach(attach)) => both(&attach.owner, false),
        Action::Partition(PartitionAction::Mark(retiring) | PartitionAction::Stamp(retiring)) => {
            vec![of(&retiring.owner, there, false)]
        }
        Action::Partition(PartitionAction::Drop(drop)) => vec![of(&drop.retired.owner, there, false)],
        // CREATE INDEX, and a new name for one, need CREATE on the schema.
        Action::Index(IndexAction::Create(create)) => vec![of(&create.owner, there, true)],
        Action::Index(IndexAction::Build(build)) => vec![of(&build.owner, there, true)],
        Action::Index(IndexAction::Swap(swap)) => vec![of(&swap.owner, there, true)],
        Action::Index(IndexAction::Attach(attach) | IndexAction::Validate(attach)) => both(&attach.owner, false),
        Action::Index(IndexAction::Discard(discard)) => vec![of(&discard.owner, there, false)],
        Action::Index(IndexAction::Alter(alter)) => vec![of(&alter.owner, there, false)],
        Action::Index(IndexAction::Rebuild(loose) | IndexAction::Drop(loose)) => vec![of(&loose.owner, there, false)],
        Action::Storage(StorageAction::Alter(alter)) => vec![of(&alter.owner, there, false)],
        Action::Maintenance(MaintenanceAction::AnalyzeParent(analyze)) => vec![of(&analyze.role, there, false)],
        Action::Maintenance(MaintenanceAction::Vacuum(vacuum)) => vec![of(&vacuum.role, there, false)],
        Action::Maintenance(MaintenanceAction::Reindex(reindex)) => vec![of(&reindex.role, there, false)],
        Action::Limit(_) | Action::Setting(_) => Vec::new(),
    }
}
