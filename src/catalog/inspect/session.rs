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
    owners: BTreeSet<Ident>,
) -> Result<SessionRole, InspectError> {
    let may_become = if facts.superuser || owners.is_empty() {
        owners
    } else {
        // From 16 on a membership may come without the right to SET ROLE; before, it always did.
        let right = if facts.target.major() >= 16 { "SET" } else { "MEMBER" };
        let names: Vec<&str> = owners.iter().map(Ident::as_str).collect();
        let rows =
            reader.query(STEP, include_str!("session.sql"), &[(&names, Type::TEXT_ARRAY), (&right, Type::TEXT)])?;
        rows.iter().map(|row| Ok(Ident::new(field::<_, &str>(STEP, row, 0)?))).collect::<Result<_, InspectError>>()?
    };
    Ok(SessionRole { name: facts.session_user.clone(), superuser: facts.superuser, may_become })
}
