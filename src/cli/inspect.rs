//! Reading what a plan needs, and making it: what `plan`, `apply` and `drift` share.

use std::collections::BTreeSet;

use jiff::Timestamp;
use pgstrata::catalog::{InspectError, Question, Snapshot, ask_each, interruptible, take};
use pgstrata::db::{Env, Signal};
use pgstrata::plan::{GrantSource, Granted, Overrides, Plan, PlanOptions, plan, verify};
use pgstrata::policy::Desired;
use pgstrata::render;
use pgstrata::report::find;
use pgstrata::sql::TableName;

use super::args::{CarryArgs, SelectArgs, SourceArgs};
use super::error::CommandError;
use super::policy::Loaded;
use super::ui::Ui;
use super::{connect, signals, snapshot_file};

/// What the flags say about planning. The clock is the server's until it was read.
pub(super) fn options(select: &SelectArgs, carry: Option<&CarryArgs>) -> PlanOptions {
    let SelectArgs { table, exclude, no_probe } = select;
    let grants = carry.map(|carry| &carry.allow).into_iter().flatten();
    PlanOptions {
        include: table.iter().cloned().collect(),
        tables_only: !table.is_empty(),
        exclude: exclude.iter().cloned().collect(),
        grants: grants.map(|grant| Granted { grant: grant.clone(), source: GrantSource::Flag }).collect(),
        probe: !no_probe,
        max_drop: carry.and_then(|carry| carry.max_drop),
        overrides: Overrides {
            lock_timeout: carry.and_then(|carry| carry.locks.lock_timeout),
            lock_retries: carry.and_then(|carry| carry.locks.lock_retries),
        },
        ..PlanOptions::at(Timestamp::UNIX_EPOCH)
    }
}

/// What the policy says of all its tables, without a flag.
pub(super) fn everything() -> PlanOptions {
    PlanOptions { tables_only: true, ..PlanOptions::at(Timestamp::UNIX_EPOCH) }
}

/// Tables that `--table` and `--exclude` name and the policy does not have: a slip of the keyboard would otherwise
/// read as "nothing to do".
pub(super) fn check_selection(select: &SelectArgs, desired: &Desired) -> Result<(), CommandError> {
    let known: BTreeSet<_> = desired.tables.keys().collect();
    for (flag, names) in [("--table", &select.table), ("--exclude", &select.exclude)] {
        if let Some(name) = names.iter().find(|name| !known.contains(name)) {
            return Err(unknown_table(&format!("{flag} {name}"), name, desired));
        }
    }
    Ok(())
}

/// Tables that `--allow` names and the policy does not have: such a grant would allow nothing, and look as if it did.
pub(super) fn check_grants(carry: &CarryArgs, desired: &Desired) -> Result<(), CommandError> {
    let of_tables = carry.allow.iter().filter_map(|grant| Some((grant, grant.table.as_ref()?)));
    match of_tables.into_iter().find(|(_, table)| !desired.tables.contains_key(*table)) {
        Some((grant, table)) => Err(unknown_table(&format!("--allow {grant}"), table, desired)),
        None => Ok(()),
    }
}

fn unknown_table(what: &str, name: &TableName, desired: &Desired) -> CommandError {
    let tables = desired.tables.keys().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    let known = format!("the policy's tables are {tables}");
    let error = CommandError::usage(format!("{what}: there is no such table in the policy"));
    match find::nearest_table(name, desired) {
        Some(near) => error.hint(format!("did you mean {near}? {known}")),
        None => error.hint(known),
    }
}

/// What to ask beyond what planning asks.
pub(super) type Also<'a> = &'a dyn Fn(&Snapshot, &PlanOptions) -> BTreeSet<Question>;

/// Nothing.
pub(super) fn nothing(_: &Snapshot, _: &PlanOptions) -> BTreeSet<Question> {
    BTreeSet::new()
}

/// Reads what planning needs: from the database, where a signal cancels the statement on the server, or from a file, and
/// then no connection is opened.
pub(super) fn read(
    command: &str,
    source: &SourceArgs,
    loaded: &Loaded,
    options: &PlanOptions,
    now: Option<Timestamp>,
    also: Also<'_>,
    (env, ui): (&Env, &Ui),
) -> Result<(Snapshot, PlanOptions), CommandError> {
    let SourceArgs { connect, snapshot } = source;
    if let Some(path) = snapshot {
        let snapshot = snapshot_file::read(path, ui)?;
        let taken = render::second(snapshot.taken_at);
        let reading_only = Some(format!("it was made from a snapshot of {taken}, without the database"));
        let options = PlanOptions { now: now.unwrap_or(snapshot.taken_at), reading_only, ..options.clone() };
        return Ok((snapshot, options));
    }
    let stop = signals::install(ui)?;
    let mut connector = connect::connector(command, connect, loaded, env, ui, &stop)?;
    if options.beyond_tables() {
        connector = connect::with_pooler(connector, loaded, env, ui, &stop)?;
    }
    let mut session = connect::session(&connector, &stop)?;
    let taken = interruptible(&mut session, &stop, |session| {
        let (mut snapshot, options) = take(session, &loaded.desired, options, now)?;
        let mut also = also(&snapshot, &options);
        also.retain(|question| !snapshot.answers.has(question));
        ask_each(session, &mut snapshot, &also, &options.trusted(&loaded.desired))?;
        Ok((snapshot, options))
    });
    taken.map_err(|error| unreadable(&error, stop.signal()))
}

/// Exit 1, since there was a session; or the signal's.
pub(super) fn unreadable(error: &InspectError, signal: Option<Signal>) -> CommandError {
    match (error, signal) {
        (InspectError::Interrupted, Some(signal)) => CommandError::interrupted(signal, error.to_string()),
        _ => CommandError::error(error.to_string()),
    }
}

/// A plan that keeps the rules of every plan.
pub(super) fn fresh_plan(desired: &Desired, snapshot: &Snapshot, options: &PlanOptions) -> Result<Plan, CommandError> {
    let plan = plan(desired, snapshot, options);
    match verify(&plan, desired, snapshot) {
        Ok(()) => Ok(plan),
        Err(violations) => {
            let rules = violations.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ");
            Err(CommandError::error(format!("the plan breaks a rule, which is a bug in pgstrata: {rules}"))
                .hint("nothing was changed; please report this with the output of `pgstrata plan -v`"))
        }
    }
}

/// Whether a table of the policy, or the policy's server, is not what it says: exit 1, while other tables go on.
pub(super) fn something_is_broken(plan: &Plan) -> bool {
    plan.findings.iter().any(|finding| finding.code.is_broken())
}
