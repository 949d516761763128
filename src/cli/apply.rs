//! `pgstrata apply`

use std::path::Path;
use std::time::Duration;

use pgstrata::apply::{ApplyOptions, Ended, Judged, Outcome, Room, Run, judge};
use pgstrata::db::{Env, Interrupt, Signal};
use pgstrata::plan::{Finding, Overrides, Plan, PlanOptions, Scope};
use pgstrata::policy::Desired;
use pgstrata::render::Style;
use pgstrata::report::drift::{default_fail_on, drift};
use pgstrata::report::items::{Item, Kind, items};
use pgstrata::report::standing::concerns;

use super::args::{ApplyArgs, OutcomeFormat, PlanFormat, RunArgs, SelectArgs};
use super::door::Leaving;
use super::error::CommandError;
use super::exit::{Event, Events};
use super::files::check_folder;
use super::inspect::{self, fresh_plan, something_is_broken, unreadable};
use super::plan_text::plan_text;
use super::progress::Progress;
use super::refusal::{not_begun, refused};
use super::ui::Ui;
use super::{at_fault, confirm, connect, github, journal, outcome_text, plan_file, policy, signals};

pub(super) fn run(args: &ApplyArgs, env: &Env, ui: &Ui) -> Result<Events, CommandError> {
    carry_out(&Command { name: "apply", scope: Scope::All }, args.plan.as_deref(), &args.run, env, ui)
}

/// `pgstrata partition create`, `partition cleanup` and `optimize maintenance`: the same run, with fewer steps.
pub(super) fn run_in_scope(
    name: &'static str,
    scope: Scope,
    args: &RunArgs,
    env: &Env,
    ui: &Ui,
) -> Result<Events, CommandError> {
    carry_out(&Command { name, scope }, None, args, env, ui)
}

/// What the user called, and which steps that is about.
struct Command {
    name: &'static str,
    scope: Scope,
}

fn carry_out(
    command: &Command,
    file: Option<&Path>,
    args: &RunArgs,
    env: &Env,
    ui: &Ui,
) -> Result<Events, CommandError> {
    if file.is_none() && !args.execution.auto_approve {
        confirm::can_ask(command.scope, ui, env)?;
    }
    for report in &args.report {
        check_folder(&report.path)?;
    }
    let loaded = policy::load(&args.policy, env, ui)?;
    if file.is_none() {
        inspect::check_selection(&args.select, &loaded.desired)?;
    }
    inspect::check_grants(&args.carry, &loaded.desired)?;
    let saved = file.map(plan_file::read).transpose()?;
    let of_index = saved.iter().flat_map(|plan| &plan.steps).any(|step| step.action.wanted_index().is_some());
    if args.select.no_probe && of_index {
        return Err(CommandError::usage(
            "--no-probe: without the probe the steps of indexes in the plan cannot be judged",
        )
        .hint("leave the flag (or PGSTRATA_NO_PROBE) out, or plan again with it"));
    }
    let journal = journal::open(args.execution.journal.as_deref(), command.name, env)?;
    let stop = signals::install(ui)?;
    let mut connector = connect::connector(&command.name.replace(' ', "-"), &args.connect, &loaded, env, ui, &stop)?;
    let tables_only = saved.as_ref().map_or(!args.select.table.is_empty(), |saved| saved.tables_only);
    if !tables_only {
        connector = match (connect::with_pooler(connector.clone(), &loaded, env, ui, &stop), command.scope) {
            (Ok(connector), _) => connector,
            (Err(error), Scope::All) => return Err(error),
            // Only the last look would ask it.
            (Err(_), Scope::Creations | Scope::Removals | Scope::Maintenance) => connector,
        };
    }
    let wait = args.execution.run_lock_wait.unwrap_or(Duration::ZERO);
    let mut run = Run::begin(&connector, wait, &stop).map_err(|error| not_begun(&error, &stop))?;

    let Prepared { judged, planning } = match saved.zip(file) {
        Some((saved, path)) => judged(&mut run, (&saved, path), &loaded.desired, args, ui, &stop)?,
        None => planned(&mut run, &loaded.desired, command.scope, args, ui, &stop)?,
    };
    at_fault::say(&judged.plan, &loaded, ui);
    let mut events = Events::new();
    if something_is_broken(&judged.plan) {
        events.insert(Event::Error);
    }
    if let Some(journal) = &journal {
        journal.of_plan(match file {
            Some(path) => plan_file::digest(path)?,
            None => plan_file::digest_of(&judged.plan),
        });
    }
    let mut options = ApplyOptions { jobs: args.execution.jobs, journal: journal.clone() };
    let room = run.room_for(&judged, &options);
    if room.jobs < room.wanted {
        let Room { wanted, jobs, needed, free } = room;
        ui.note(&format!(
            "jobs: {wanted} would open up to {needed} more connections and {free} are free: working with {jobs}"
        ));
        options.jobs = Some(jobs);
    }
    let outcome = run.carry_out(judged, &planning, &options, &mut Progress::new(ui));

    ui.result(&outcome_text::outcome_text(&outcome, args.format, ui.style())?)?;
    outcome_text::write_reports(&outcome, &args.report)?;
    let page = || outcome_text::outcome_text(&outcome, OutcomeFormat::Markdown, Style::PLAIN);
    github::report(page, outcome.remains.as_ref(), env, ui);
    events.extend(Happened::of(&outcome).events());
    events.extend(outcome.remains.iter().flat_map(|remains| left(remains, command.scope)));
    if let Err(error) = journal::check(journal.as_ref()) {
        ui.error(&error);
        events.insert(error.event);
    }
    Ok(events)
}

/// What a run leaves that is not as the policy says, as far as the command is about it.
fn left(remains: &Plan, scope: Scope) -> Events {
    let found = drift(remains, &default_fail_on());
    let concerned = |finding: &&Finding| match Kind::of_finding(finding.code) {
        Some(kind) => concerns(scope, kind),
        None => scope == Scope::All,
    };
    let standing = &found.standing;
    let error = standing.unjudged.iter().chain(&standing.impossible).any(concerned);
    let counts = |item: &Item<'_>| found.fail_on.contains(&item.class) && concerns(scope, item.kind);
    let pending = items(&found).iter().any(counts);
    [error.then_some(Event::Error), pending.then_some(Event::Blocked)].into_iter().flatten().collect()
}

/// What will run, and the options that the catalog is judged by again at the end.
struct Prepared {
    judged: Judged,
    planning: PlanOptions,
}

/// A saved plan, judged against the catalog as it is now.
fn judged(
    run: &mut Run,
    (saved, path): (&Plan, &Path),
    desired: &Desired,
    args: &RunArgs,
    ui: &Ui,
    stop: &Interrupt,
) -> Result<Prepared, CommandError> {
    // The plan says which tables it is about; a selection from the environment would make it look stale.
    let all = SelectArgs { table: saved.only.clone(), exclude: Vec::new(), no_probe: args.select.no_probe };
    let options = inspect::options(&all, Some(&args.carry));
    let (snapshot, options) =
        run.inspect_for(saved, desired, &options).map_err(|error| unreadable(&error, stop.signal()))?;
    let judged = judge(saved, desired, &snapshot, &options).map_err(|refusal| refused(&refusal, Some(path), ui))?;
    say_overrides(saved.overrides, options.overrides, &judged.plan, ui);
    // What became due since the plan was made is listed, and is not what remains of it.
    Ok(Prepared { judged, planning: PlanOptions { now: saved.evaluated_at, ..options } })
}

/// A file that says how long others may be kept waiting says so aloud.
fn say_overrides(carried: Overrides, by_flag: Overrides, plan: &Plan, ui: &Ui) {
    let holds = plan.overrides;
    if let (Some(carried), Some(holds), None) = (carried.lock_timeout, holds.lock_timeout, by_flag.lock_timeout) {
        let capped = match carried > holds {
            true => format!(", capped by the policy's {}; give --lock-timeout again for more", timeout_words(holds)),
            false => String::new(),
        };
        ui.note(&format!("lock_timeout of the plan: {}{capped}", timeout_words(carried)));
    }
    if let (Some(carried), Some(holds), None) = (carried.lock_retries, holds.lock_retries, by_flag.lock_retries) {
        let capped = match carried > holds {
            true => format!(", capped by the policy's {holds}; give --lock-retries again for more"),
            false => String::new(),
        };
        ui.note(&format!("lock_retries of the plan: {carried}{capped}"));
    }
}

fn timeout_words(timeout: Duration) -> String {
    let millis = timeout.as_millis();
    if millis.is_multiple_of(1_000) { format!("{} s", millis / 1_000) } else { format!("{millis} ms") }
}

/// A fresh plan, shown and approved.
fn planned(
    run: &mut Run,
    desired: &Desired,
    scope: Scope,
    args: &RunArgs,
    ui: &Ui,
    stop: &Interrupt,
) -> Result<Prepared, CommandError> {
    let options = PlanOptions { scope, ..inspect::options(&args.select, Some(&args.carry)) };
    let (snapshot, planning) =
        run.inspect(desired, &options, None).map_err(|error| unreadable(&error, stop.signal()))?;
    let plan = fresh_plan(desired, &snapshot, &planning)?;
    let runnable = plan.steps.iter().filter(|step| !step.gate.is_blocked()).count();
    let asks = !args.execution.auto_approve && runnable > 0;
    if asks || !(ui.quiet || plan.is_empty()) {
        ui.say(&plan_text(&plan, PlanFormat::Human, ui.style_of_notes())?.then(&Leaving::own("\n")));
    }
    let judged = Run::accept(plan, desired, &snapshot).map_err(|refusal| refused(&refusal, None, ui))?;
    if asks {
        let target = &judged.plan.target;
        let steps = if runnable == 1 { "this step".to_owned() } else { format!("these {runnable} steps") };
        let question = format!("Carry out {steps} in database {} at {}?", target.database, target.host);
        if !confirm::ask(&question, ui, stop)? {
            return Err(CommandError::error("not approved: nothing was changed"));
        }
    }
    // Whether the catalog matches the policy is said of the whole policy.
    Ok(Prepared { judged, planning: PlanOptions { scope: Scope::All, ..planning } })
}

/// What of an outcome the exit code depends on.
#[derive(Debug, Clone, Copy)]
struct Happened {
    committed: bool,
    failed: bool,
    lock_spent: bool,
    not_reached: bool,
    held_back: bool,
    interrupted: Option<Signal>,
    /// The server was lost, or the catalog could not be read at the end.
    lost: bool,
}

impl Happened {
    fn of(outcome: &Outcome) -> Self {
        let (interrupted, lost) = match &outcome.ended {
            Ended::Complete => (None, outcome.remains.is_none()),
            Ended::Interrupted(signal) => (Some(*signal), false),
            Ended::Lost(_) => (None, true),
        };
        Self {
            committed: outcome.committed,
            failed: outcome.failed() > 0,
            lock_spent: outcome.lock_spent() > 0,
            not_reached: outcome.not_reached() > 0,
            held_back: outcome.held_back() > 0,
            interrupted,
            lost,
        }
    }

    fn events(self) -> Events {
        let Self { committed, failed, lock_spent, not_reached, held_back, interrupted, lost } = self;
        let incomplete = failed || not_reached || lost;
        let found = [
            interrupted.map(Event::Interrupted),
            (incomplete && committed).then_some(Event::PartWay),
            (lock_spent && !committed).then_some(Event::Busy),
            incomplete.then_some(Event::Error),
            held_back.then_some(Event::Blocked),
        ];
        found.into_iter().flatten().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::exit::code;

    #[test]
    fn what_became_of_a_run_has_its_code() {
        let done = Happened {
            committed: true,
            failed: false,
            lock_spent: false,
            not_reached: false,
            held_back: false,
            interrupted: None,
            lost: false,
        };
        let nothing = Happened { committed: false, ..done };
        for (happened, expected) in [
            (done, 0),
            (nothing, 0),
            (Happened { held_back: true, ..done }, 3),
            (Happened { held_back: true, ..nothing }, 3),
            (Happened { failed: true, ..nothing }, 1),
            (Happened { failed: true, held_back: true, ..nothing }, 1),
            (Happened { failed: true, ..done }, 6),
            (Happened { failed: true, lock_spent: true, ..nothing }, 5),
            (Happened { failed: true, lock_spent: true, ..done }, 6),
            (Happened { lost: true, not_reached: true, ..nothing }, 1),
            (Happened { lost: true, not_reached: true, ..done }, 6),
            (Happened { lost: true, ..done }, 6),
            (Happened { interrupted: Some(Signal::Int), not_reached: true, ..done }, 130),
            (Happened { interrupted: Some(Signal::Term), not_reached: true, ..nothing }, 143),
        ] {
            assert_eq!(code(&happened.events()), expected, "{happened:?}");
        }
    }

    #[test]
    fn a_broken_table_counts_as_1_and_never_as_6() {
        let mut events = Events::from([Event::Error]);
        events.extend(
            Happened {
                committed: true,
                failed: false,
                lock_spent: false,
                not_reached: false,
                held_back: true,
                interrupted: None,
                lost: false,
            }
            .events(),
        );
        assert_eq!(code(&events), 1);
    }
}
