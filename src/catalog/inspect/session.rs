//! The role that connected, and which of the owners it may become.

use std::collections::BTreeSet;

use postgres::types::Type;

use super::super::error::InspectError;
use super::super::reader::{Reader, field};
use super::super::snapshot::SessionRole;
use super::target;
use crate::sql::Ident;

const STEP: &str = "reading role memberships";

pub(super) fn read(
    reader: &mut Reader<'_>,
    facts: &target::Facts,
    owners: &BTreeSet<Ident>,
) -> Result<SessionRole, InspectError> {
    let mut session = SessionRole {
        name: facts.session_user.clone(),
        superuser: facts.superuser,
        may_become: BTreeSet::new(),
        superusers: BTreeSet::new(),
        acts_as: BTreeSet::new(),
        read_only: facts.read_only,
    };
    if owners.is_empty() {
        return Ok(session);
    }
    // From 16 on a membership may come without the right to SET ROLE; before, it always did.
    let right = if facts.target.major() >= 16 { "SET" } else { "MEMBER" };
    let names: Vec<&str> = owners.iter().map(Ident::as_str).collect();
    let rows = reader.query(STEP, include_str!("session.sql"), &[(&names, Type::TEXT_ARRAY), (&right, Type::TEXT)])?;
    for row in rows {
        let role = Ident::new(field::<_, &str>(STEP, &row, 0)?);
        if field(STEP, &row, 1)? {
            session.may_become.insert(role.clone());
        }
        if field(STEP, &row, 2)? {
            session.superusers.insert(role.clone());
        }
        if field(STEP, &row, 3)? {
            session.acts_as.insert(role);
        }
    }
    Ok(session)
}
