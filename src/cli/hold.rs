//! `pgstrata hold` and `pgstrata unhold`

use std::path::Path;
use std::sync::Arc;

use pgstrata::apply::{HoldError, Holdable, Journal, change_hold, find_holdable, hold_line};
use pgstrata::catalog::{Marker, Snapshot, TableState, interruptible, take};
use pgstrata::db::{Connector, Env, Interrupt, Session};
use pgstrata::plan::{Plan, PlanOptions, Scope, plan};
use pgstrata::policy::{Desired, Hold};
use pgstrata::render::{Style, human};
use pgstrata::report::explain::{Origins, explain};
use pgstrata::report::find::Found;
use pgstrata::sql::HoldChange;

use super::args::{ConnectArgs, HoldArgs, UnholdArgs};
use super::door::Leaving;
use super::error::CommandError;
use super::exit::{Event, Events};
use super::plan_text::written;
use super::policy::{self, Loaded};
use super::ui::Ui;
use super::{confirm, connect, inspect, journal, paste, signals};

pub(super) fn hold(args: &HoldArgs, env: &Env, ui: &Ui) -> Result<Events, CommandError> {
    let HoldArgs { name, reason, policy: policy_args, connect: connect_args, journal: path } = args;
    let line = hold_line(reason).ok_or_else(|| CommandError::usage("--reason: expected one line of text"))?;
    // In a hurry a URL is enough.
    let loaded = policy::load_or_none(policy_args, env, ui)?;
    let mut work = Work::begin("hold", (name, path.as_deref()), (loaded, connect_args), env, ui)?;
    let table = &work.table;
    if !table.concerns_us {
        ui.note(&format!("{} is no partition and has none: the hold counts once it is one", table.name));
    }
    if table.lines().contains(&line.as_str()) {
        ui.result(&Leaving::line(&format!("{} is held already: {line}", table.name)))?;
        return Ok(Events::new());
    }
    let done = Leaving::line(&format!("{} is held: {line}", table.name));
    work.change(&HoldChange::Set { line }, reason.trim())?;
    ui.result(&done)?;
    work.end()
}

pub(super) fn unhold(args: &UnholdArgs, env: &Env, ui: &Ui) -> Result<Events, CommandError> {
    let UnholdArgs { name, reason, policy: policy_args, connect: connect_args, journal: path, auto_approve } = args;
    if !auto_approve {
        confirm::can_ask(Scope::Removals, ui, env)?;
    }
    let loaded = policy::load(policy_args, env, ui)?;
    let mut work = Work::begin("unhold", (name, path.as_deref()), (loaded, connect_args), env, ui)?;
    let seen: Vec<String> = work.table.lines().into_iter().map(str::to_owned).collect();
    let name = work.table.name.clone();
    if seen.is_empty() {
        ui.result(&Leaving::line(&format!("{name} has no line `pgstrata: hold` in its comment")))?;
        return Ok(Events::new());
    }
    let snapshot = work.snapshot(false)?;
    let given = ui.given.flags("pgstrata apply");
    if paste::needs_url(&given.join(" ")) {
        ui.note(paste::SET_THE_URL);
    }
    ui.result(&what_follows(&work.table, &work.loaded, &snapshot, &given)?)?;
    if !auto_approve && !confirm::ask(&format!("Lift the hold on {name}?"), ui, &work.stop)? {
        return Err(CommandError::error("not approved: nothing was changed"));
    }
    let why = reason.clone().unwrap_or_else(|| seen.join("; "));
    work.change(&HoldChange::Lift { seen }, &why)?;
    ui.result(&Leaving::line(&format!("{name} is no longer held by its comment")))?;
    work.end()
}

/// A session that may change the comment of a table, as far as there is one.
struct Work {
    loaded: Loaded,
    journal: Option<Arc<Journal>>,
    stop: Interrupt,
    /// For reading; and for the change, unless the table's owner has a login.
    session: Session,
    login: Option<Session>,
    table: Holdable,
}

impl Work {
    fn begin(
        command: &str,
        (name, path): (&str, Option<&Path>),
        (loaded, connect_args): (Loaded, &ConnectArgs),
        env: &Env,
        ui: &Ui,
    ) -> Result<Self, CommandError> {
        let journal = journal::open(path, command, env)?;
        let stop = signals::install(ui)?;
        let connector = connect::connector(command, connect_args, &loaded, env, ui, &stop)?;
        let mut session = connect::session(&connector, &stop)?;
        let found = find_holdable(&mut session, name).map_err(|error| refused(&error))?;
        let (login, table) = match connector.owner(&found.owner) {
            Some(owner) => as_owner(owner, &found, &stop)?,
            None => (None, found),
        };
        Ok(Self { loaded, journal, stop, session, login, table })
    }

    fn snapshot(&mut self, target_only: bool) -> Result<Snapshot, CommandError> {
        let Self { loaded, stop, session, .. } = self;
        let desired = &loaded.desired;
        let exclude = desired.tables.keys().filter(|_| target_only).cloned().collect();
        let options = PlanOptions { exclude, ..inspect::everything() };
        let taken = interruptible(session, stop, |session| take(session, desired, &options, None));
        taken.map(|(snapshot, _)| snapshot).map_err(|error| inspect::unreadable(&error, stop.signal()))
    }

    fn change(&mut self, change: &HoldChange, why: &str) -> Result<(), CommandError> {
        // Who and where is known before anything is changed.
        let target = self.snapshot(true)?.target;
        let session = self.login.as_mut().unwrap_or(&mut self.session);
        change_hold(session, &self.table, (change, why), (&target, self.journal.as_deref()))
            .map_err(|error| refused(&error))
    }

    fn end(self) -> Result<Events, CommandError> {
        journal::check(self.journal.as_ref())?;
        Ok(Events::new())
    }
}

/// The same table in a session of its owner's login.
fn as_owner(
    owner: &Connector,
    found: &Holdable,
    stop: &Interrupt,
) -> Result<(Option<Session>, Holdable), CommandError> {
    let mut session = connect::session(owner, stop)?;
    let table = find_holdable(&mut session, &found.name.to_string()).map_err(|error| refused(&error))?;
    if table.oid != found.oid {
        return Err(CommandError::error(format!("the login of {} is in another database", found.owner)));
    }
    Ok((Some(session), table))
}

/// What becomes removable, and when; exit 1 where a hold of the policy holds the same.
fn what_follows(
    table: &Holdable,
    loaded: &Loaded,
    snapshot: &Snapshot,
    given: &[String],
) -> Result<Leaving, CommandError> {
    let desired = &loaded.desired;
    unjudged(table, desired, snapshot)?;
    let mut lifted = snapshot.clone();
    for state in lifted.catalog.tables.values_mut() {
        let TableState::Partitioned(root) = state else { continue };
        root.held &= root.oid != table.oid;
        if let Some(leaf) = root.leaves.get_mut(&table.oid) {
            leaf.held = false;
        }
    }
    if let Some(retired) = lifted.catalog.retired.get_mut(&table.oid) {
        retired.held = false;
    }
    let options = PlanOptions { now: snapshot.taken_at, ..inspect::everything() };
    let then = plan(desired, &lifted, &options);
    let name = table.name.to_string();
    let mut text = format!("{name} is held by its comment:\n");
    table.lines().iter().for_each(|line| text.push_str(&format!("  {}\n", line.trim())));
    let Ok(story) = explain(&name, desired, &lifted, &options, &then, &|_| Origins::new()) else {
        text.push_str("No table of the policy has it as a partition: no plan removes it.\n");
        return Ok(Leaving::text(&text, false));
    };
    let also: Vec<&str> = match &story.entry {
        // In words: names of the policy stand in backquotes, comments do not.
        Some(entry) => entry.held_by.iter().filter_map(|by| Some(by.strip_prefix('`')?.split_once('`')?.0)).collect(),
        None => {
            let whole = |hold: &Hold| {
                let of = hold.tables.is_empty() || hold.tables.contains(&table.name);
                of && hold.from.is_none() && hold.to.is_none()
            };
            desired.holds.iter().filter(|(_, hold)| whole(hold)).map(|(name, _)| name.as_str()).collect()
        }
    };
    if !also.is_empty() {
        let by = also.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
        return Err(CommandError::error(format!("{name} is held by the policy as well: {by}"))
            .hint("take that hold out of the policy first; nothing was changed"));
    }
    text.push_str("Without it:\n\n");
    match story.found {
        Found::Partition { .. } | Found::Planned { .. } => {
            let told = written(false, |out| human::story(&then, &story, given, Style::PLAIN, out))?;
            return Ok(Leaving::text(&text, false).then(&told));
        }
        Found::Table(_) => {
            let before = removed(&plan(desired, snapshot, &options));
            let new: Vec<String> = removed(&then).into_iter().filter(|step| !before.contains(step)).collect();
            match new.is_empty() {
                true => text.push_str("  nothing becomes removable now\n"),
                false => new.iter().for_each(|step| text.push_str(&format!("  {step}: due now\n"))),
            }
        }
    }
    Ok(Leaving::text(&text, false))
}

/// A detached table's root may have been renamed since, or be missing: then no hold of the policy can be told from none.
fn unjudged(table: &Holdable, desired: &Desired, snapshot: &Snapshot) -> Result<(), CommandError> {
    let Some(root) = Marker::find(&table.comment).map(|marker| marker.root) else { return Ok(()) };
    if !desired.tables.contains_key(&root)
        || matches!(snapshot.catalog.tables.get(&root), Some(TableState::Partitioned(_)))
    {
        return Ok(());
    }
    let covers = |hold: &Hold| hold.tables.is_empty() || hold.tables.contains(&root);
    match desired.holds.iter().find(|(_, hold)| covers(hold)) {
        None => Ok(()),
        Some((name, _)) => {
            let message = format!("whether {} is held by the policy as well, by `{name}`, cannot be told", table.name);
            Err(CommandError::error(format!("{message}: {root} is not there as a partitioned table"))
                .hint("give that table's new name in the policy; nothing was changed"))
        }
    }
}

/// The steps of a plan that remove something, but for markers.
fn removed(plan: &Plan) -> Vec<String> {
    let steps = plan.steps.iter().filter(|step| step.action.removes() && step.action.word() != "mark");
    steps.map(|step| step.id.to_string()).collect()
}

fn refused(error: &HoldError) -> CommandError {
    let command = CommandError::error(error.to_string());
    match error {
        HoldError::NotFound { name: _, nearest: Some(nearest) } => command.hint(format!("did you mean {nearest}?")),
        HoldError::NotFound { name: _, nearest: None } => {
            command.hint("write the schema too, such as app.events_p20260101; capitals need double quotes")
        }
        HoldError::Ambiguous { .. } => command.hint("write its schema too"),
        HoldError::NoRight { table: _, what: _, cure } => command.hint(cure.clone()),
        HoldError::Busy { .. } => CommandError { event: Event::Busy, ..command }.hint("run the same command again"),
        HoldError::AnotherHold(_) => command.hint("run the same command again: it shows that one too"),
        HoldError::NoName(_) | HoldError::NoTable(_) | HoldError::Journal(_) | HoldError::Server(_) => command,
    }
}
