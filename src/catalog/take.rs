//! A whole snapshot: the catalog, and answers to what planning needs to ask.

#![allow(clippy::disallowed_methods, reason = "the skew of the two clocks is a fact to read")]

use jiff::Timestamp;

use super::{InspectError, Snapshot, ask, inspect};
use crate::db::Session;
use crate::plan::{PlanOptions, questions};
use crate::policy::Desired;

/// Reads what a plan with these options needs. Without a clock of its own (`now`) the plan gets the server's.
///
/// # Errors
/// The catalog could not be read. What could not be asked beyond it is `Unknown` in the snapshot, never an error.
pub fn take(
    session: &mut Session,
    desired: &Desired,
    options: &PlanOptions,
    now: Option<Timestamp>,
) -> Result<(Snapshot, PlanOptions), InspectError> {
    let host = session.host().to_string();
    let tables = options.selected(desired).map(|(name, _)| name.clone()).collect();
    let mut snapshot = inspect(session.client(), &host, &tables, &Timestamp::now)?;
    let options = PlanOptions { now: now.unwrap_or(snapshot.taken_at), ..options.clone() };
    let questions = questions(desired, &snapshot, &options);
    ask(session.client(), &mut snapshot, &questions)?;
    Ok((snapshot, options))
}
