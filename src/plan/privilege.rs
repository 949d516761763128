//! Which rights the steps need and the connected role lacks: named before anything runs.

use std::collections::BTreeSet;

use super::action::Action;
use super::finding::{Code, Finding};
use super::step::Step;
use crate::catalog::{Catalog, TableState};
use crate::sql::Ident;

/// A finding for each right that a step which may run needs and the session has not.
pub(super) fn missing_privileges(steps: &[Step], catalog: &Catalog) -> Vec<Finding> {
    let session = &catalog.session;
    let mut findings = BTreeSet::new();
    for step in steps.iter().filter(|step| !step.gate.is_blocked()) {
        let mut lacks = |message: String, hint: String| {
            findings.insert(Finding {
                table: Some(step.table.clone()),
                code: Code::MissingPrivilege,
                object: None,
                message,
                hint: Some(hint),
            });
        };
        for role in roles(&step.action) {
            if !session.superuser && role.as_str() != session.name && !session.may_become.contains(role) {
                let who = Ident::new(session.name.clone());
                lacks(format!("{who} may not SET ROLE {role}, which owns it"), format!("GRANT {role} TO {who};"));
            }
        }
        let (Action::CreatePartition(_) | Action::CreateDefault(_)) = &step.action else { continue };
        let Some(TableState::Partitioned(root)) = catalog.tables.get(&step.table) else { continue };
        let (owner, schema) = (&root.attributes.owner, &step.table.schema);
        if !root.owner_creates_in_schema {
            lacks(
                format!("its owner {owner} may not create tables in schema {schema}"),
                format!("GRANT CREATE ON SCHEMA {schema} TO {owner};"),
            );
        }
        if let Some(tablespace) = root.attributes.tablespace.as_ref().filter(|_| !root.owner_creates_in_tablespace) {
            lacks(
                format!("its owner {owner} may not create tables in tablespace {tablespace}"),
                format!("GRANT CREATE ON TABLESPACE {tablespace} TO {owner};"),
            );
        }
    }
    findings.into_iter().collect()
}

/// The roles that a step's SQL becomes.
fn roles(action: &Action) -> Vec<&Ident> {
    match action {
        Action::CreatePartition(create) => vec![&create.attributes.owner],
        Action::CreateDefault(create) => vec![&create.attributes.owner],
        Action::FinalizeDetach(leaving) => vec![&leaving.owner],
        Action::DetachPartition(detach) => vec![&detach.leaving.owner],
        Action::MarkPartition(retiring) | Action::StampPartition(retiring) => vec![&retiring.owner],
        // ATTACH needs the parent and the table; the statement runs as the parent's owner.
        Action::AttachPartition(attach) => vec![&attach.owner, &attach.retired.owner],
        Action::DropPartition(drop) => vec![&drop.retired.owner],
    }
}
