//! A whole snapshot: the catalog, and answers to what planning needs to ask.

#![allow(clippy::disallowed_methods, reason = "the skew of the two clocks is a fact to read")]

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::{
    Answer, InspectError, Question, Snapshot, Survey, SurveyScope, TableState, Tree, ask_trusting, inspect,
    inspect_limits, inspect_login, inspect_pooler, inspect_settings, inspect_siblings, inspect_storage, inspect_trees,
    inspect_upkeep, survey,
};
use crate::db::{Connector, Interrupt, Session};
use crate::plan::{Fact, Plan, PlanOptions, Scope, questions};
use crate::policy::{Desired, MaintenanceDesired, TableDesired};
use crate::resource::settings;
use crate::sql::{Ident, TableName};

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
    let host = host_of(session);
    let tables = options.selected(desired).map(|(name, _)| name.clone()).collect();
    // A rebuild must see what an earlier one left.
    let rebuilds = |table: &TableDesired| table.maintenance.is_some_and(|kept| kept.reindex_above_bloat.is_some());
    let wanted = |table: &TableDesired| options.every_index || !table.indexes.is_empty() || rebuilds(table);
    let indexed = options.selected(desired).filter(|(_, table)| wanted(table));
    let indexed = indexed.map(|(name, _)| name.clone()).collect();
    let mut snapshot = inspect(session.client(), &host, &tables, &indexed, &Timestamp::now)?;
    log_in(session, &mut snapshot)?;
    let kept = |wanted: &dyn Fn(&MaintenanceDesired) -> bool| -> BTreeSet<TableName> {
        let tables = options.selected(desired).filter(|(_, table)| table.maintenance.as_ref().is_some_and(wanted));
        tables.map(|(name, _)| name.clone()).collect()
    };
    let of_bloat = kept(&|maintenance| maintenance.reindex_above_bloat.is_some());
    let of_upkeep = match options.scope {
        // Its forecast is about every table.
        Scope::Maintenance => tables,
        Scope::All | Scope::Creations | Scope::Removals => {
            inspect_storage(session.client(), &mut snapshot, &tables)?;
            let copying = options.selected(desired).filter(|(_, table)| table.new_partitions.copies());
            let copying = copying.map(|(name, _)| name.clone()).collect();
            inspect_siblings(session.client(), &mut snapshot, &tables, &copying)?;
            kept(&|_| true)
        }
    };
    inspect_upkeep(session.client(), &mut snapshot, &of_upkeep, &of_bloat)?;
    if options.beyond_tables() && !desired.limits.is_empty() {
        let roles = desired.limits.named_roles().cloned().collect();
        inspect_limits(session.client(), &mut snapshot, &roles)?;
        if desired.limits.pgbouncer.is_some() {
            snapshot.target.pooler = session.pooler().map(|console| console.info().display_hosts());
            snapshot.catalog.pooler = session.pooler().map(inspect_pooler);
        }
    }
    if options.beyond_tables() && !desired.settings.is_empty() {
        inspect_settings(session.client(), &mut snapshot, &settings::names(&desired.settings))?;
    }
    let options = PlanOptions { now: now.unwrap_or(snapshot.taken_at), ..options.clone() };
    // Among ids only rows tell where the table is: that is asked first, and what follows from it next.
    for _ in 0..ROUNDS {
        let mut open = questions(desired, &snapshot, &options);
        open.retain(|question| !snapshot.answers.has(question));
        leave_out(&mut open, &mut snapshot, &options);
        ask_each(session, &mut snapshot, &open, &options.trusted(desired))?;
    }
    Ok((snapshot, options))
}

/// Looks at the tables of owners with a login through a session of theirs, one for each.
fn log_in(session: &Session, snapshot: &mut Snapshot) -> Result<(), InspectError> {
    for (owner, connector) in session.owners().iter() {
        if owns_any(snapshot, owner) {
            inspect_login(opened(connector, owner)?.client(), snapshot, owner)?;
        } else {
            snapshot.catalog.idle_logins.insert(owner.clone());
        }
    }
    Ok(())
}

fn opened(connector: &Connector, owner: &Ident) -> Result<Session, InspectError> {
    // As any session that reads: nothing is set in it but within its transactions.
    let connector = connector.clone().with_setup("");
    connector.connect(connector.default_deadline()).map_err(|error| InspectError::login(owner, error.to_string()))
}

fn owns_any(snapshot: &Snapshot, owner: &Ident) -> bool {
    snapshot.catalog.tables.values().any(|state| match state {
        TableState::Partitioned(root) => root.attributes.owner == *owner,
        TableState::Missing | TableState::Unfit(_) => false,
    })
}

/// Asks each question in a session of the login of the table's owner, where there is one.
///
/// # Errors
/// See [`super::ask`].
pub fn ask_each(
    session: &mut Session,
    snapshot: &mut Snapshot,
    questions: &BTreeSet<Question>,
    trusted: &BTreeSet<TableName>,
) -> Result<(), InspectError> {
    let mut by_login: BTreeMap<Option<Ident>, BTreeSet<Question>> = BTreeMap::new();
    for question in questions {
        let table = snapshot.catalog.tables.iter().find(|(_, state)| question.is_about(state)).map(|(name, _)| name);
        let login = table.and_then(|table| snapshot.catalog.login_of(table)).cloned();
        by_login.entry(login).or_default().insert(question.clone());
    }
    let owners = session.owners();
    for (login, questions) in by_login {
        let connector = login.as_ref().and_then(|owner| Some((owner, owners.get(owner)?)));
        let Some((owner, connector)) = connector else {
            ask_trusting(session.client(), snapshot, &questions, trusted)?;
            continue;
        };
        let mut own = opened(connector, owner)?;
        // As whom it reads rows follows from who is asking.
        let role = snapshot.catalog.logins.get(owner).cloned().unwrap_or_default();
        let first = std::mem::replace(&mut snapshot.catalog.session, role);
        let asked = ask_trusting(own.client(), snapshot, &questions, trusted);
        snapshot.catalog.session = first;
        asked?;
    }
    Ok(())
}

/// Reads what `import` needs of the tables of a scope.
///
/// # Errors
/// The catalog could not be read.
pub fn take_survey(session: &mut Session, scope: &SurveyScope) -> Result<Survey, InspectError> {
    let host = host_of(session);
    survey(session.client(), &host, scope, &Timestamp::now)
}

/// Reads what advice on settings needs: these settings, and what the policy's tables are made of.
///
/// # Errors
/// The catalog could not be read.
pub fn take_config(
    session: &mut Session,
    desired: &Desired,
    settings: &BTreeSet<String>,
) -> Result<(Snapshot, BTreeMap<TableName, Tree>), InspectError> {
    let host = host_of(session);
    let tables = desired.tables.keys().cloned().collect();
    let mut snapshot = inspect(session.client(), &host, &tables, &BTreeSet::new(), &Timestamp::now)?;
    inspect_settings(session.client(), &mut snapshot, settings)?;
    let trees = inspect_trees(session.client(), &snapshot)?;
    Ok((snapshot, trees))
}

/// Where a server keeps its socket is the machine's affair, and differs between two that show the same plan.
fn host_of(session: &Session) -> String {
    let host = session.host();
    if host.is_socket() { "[local]".to_owned() } else { host.to_string() }
}

/// How often planning may ask again, knowing more: the highest id, then what is wanted and what leaves.
const ROUNDS: usize = 2;

/// Reads what judging a saved plan needs: what a plan of its tables needs by its clock and by the server's, and what its
/// steps rely on. The options come back with the server's clock.
///
/// # Errors
/// The catalog could not be read.
pub fn take_for_saved(
    session: &mut Session,
    desired: &Desired,
    options: &PlanOptions,
    saved: &Plan,
) -> Result<(Snapshot, PlanOptions), InspectError> {
    let options = options.of_saved(saved, desired);
    let (mut snapshot, options) = take(session, desired, &options, None)?;
    let then = PlanOptions { now: saved.evaluated_at, ..options.clone() };
    let mut also = questions(desired, &snapshot, &then);
    let facts = saved.steps.iter().flat_map(|step| step.before.iter().chain(&step.after));
    also.extend(facts.filter_map(Fact::question));
    also.retain(|question| !snapshot.answers.has(question));
    leave_out(&mut also, &mut snapshot, &options);
    ask_each(session, &mut snapshot, &also, &options.trusted(desired))?;
    Ok((snapshot, options))
}

/// Answers what may not be asked.
fn leave_out(open: &mut BTreeSet<Question>, snapshot: &mut Snapshot, options: &PlanOptions) {
    // An existing index is read by way of the probe too.
    let probes =
        |question: &Question| matches!(question, Question::WantedIndex { .. } | Question::IndexSpelling { .. });
    for question in open.iter().filter(|question| !options.probe && probes(question)) {
        snapshot.answers.put(question.clone(), Answer::Unknown("the probe of indexes is turned off".to_owned()));
    }
    open.retain(|question| options.probe || !probes(question));
}

/// Reads with a watch on the session: a signal cancels the statement on the server.
///
/// # Errors
/// What `read` says, or [`InspectError::Interrupted`] once there was a signal, whatever had been read by then.
pub fn interruptible<T>(
    session: &mut Session,
    stop: &Interrupt,
    read: impl FnOnce(&mut Session) -> Result<T, InspectError>,
) -> Result<T, InspectError> {
    let watch = stop.watch(session.cancel_handle()).map_err(|_| InspectError::Interrupted)?;
    let result = read(session);
    drop(watch);
    if stop.is_set() { Err(InspectError::Interrupted) } else { result }
}
