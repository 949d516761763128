//! `pgstrata apply`

use std::time::Duration;

use jiff::Timestamp;
use pgstrata::apply::{ApplyOptions, Ended, Judged, Outcome, Run, judge};
use pgstrata::db::{Env, Interrupt};
use pgstrata::plan::{Plan, PlanOptions};
use pgstrata::policy::Desired;

use super::args::{ApplyArgs, PlanFormat};
use super::error::CommandError;
use super::exit::{Event, Events};
use super::files::check_folder;
use super::inspect::{self, fresh_plan, something_is_broken, unreadable};
use super::plan_text::plan_text;
use super::progress::Progress;
use super::refusal::{not_begun, refused};
use super::ui::Ui;
use super::{confirm, connect, outcome_text, plan_file, policy, signals};

pub(super) fn run(args: &ApplyArgs, env: &Env, ui: &Ui) -> Result<Events, CommandError> {
    if args.plan.is_none() && !args.auto_approve {
        confirm::can_ask(ui, env)?;
    }
    for report in &args.report {
        check_folder(&report.path)?;
    }
    let loaded = policy::load(&args.policy, env, ui)?;
    inspect::check_selection(&args.select, &loaded.desired)?;
    let saved = args.plan.as_deref().map(plan_file::read).transpose()?;
    let stop = signals::install(ui.quiet)?;
    let connector = connect::connector("apply", &args.connect, &loaded, env, ui, &stop)?;
    let wait = args.run_lock_wait.unwrap_or(Duration::ZERO);
    let mut run = Run::begin(&connector, wait, &stop).map_err(|error| not_begun(&error, &stop))?;

    let Prepared { judged, planning } = match saved {
        Some(saved) => judged(&mut run, &saved, &loaded.desired, args, ui, &stop)?,
        None => planned(&mut run, &loaded.desired, args, ui, &stop)?,
    };
    let mut events = Events::new();
    if something_is_broken(&judged.plan) {
        events.insert(Event::Error);
    }
    let options = ApplyOptions { jobs: args.carry.jobs };
    let outcome = run.carry_out(judged, &planning, &options, &mut Progress::new(ui));

    ui.result(&outcome_text::outcome_text(&outcome, args.format, ui.style())?)?;
    outcome_text::write_reports(&outcome, &args.report)?;
    events.extend(happened(&outcome));
    Ok(events)
}

/// What will run, and the options that the catalog is judged by again at the end.
struct Prepared {
    judged: Judged,
    planning: PlanOptions,
}

/// A saved plan, judged against the catalog as it is now.
fn judged(
    run: &mut Run,
    saved: &Plan,
    desired: &Desired,
    args: &ApplyArgs,
    ui: &Ui,
    stop: &Interrupt,
) -> Result<Prepared, CommandError> {
    let mut options = inspect::options(&args.select, Some(&args.carry));
    options.include = saved.only.iter().cloned().collect();
    let (snapshot, options) = run.inspect(desired, &options, None).map_err(|error| unreadable(&error))?;
    not_interrupted(stop)?;
    let judged =
        judge(saved, desired, &snapshot, &options).map_err(|refusal| refused(&refusal, args.plan.as_deref(), ui))?;
    // What became due since the plan was made is listed, and is not what remains of it.
    Ok(Prepared { judged, planning: PlanOptions { now: saved.evaluated_at, ..options } })
}

/// A fresh plan, shown and approved.
fn planned(
    run: &mut Run,
    desired: &Desired,
    args: &ApplyArgs,
    ui: &Ui,
    stop: &Interrupt,
) -> Result<Prepared, CommandError> {
    let options = inspect::options(&args.select, Some(&args.carry));
    let (snapshot, planning) = run.inspect(desired, &options, None::<Timestamp>).map_err(|error| unreadable(&error))?;
    not_interrupted(stop)?;
    let plan = fresh_plan(desired, &snapshot, &planning)?;
    let runnable = plan.steps.iter().filter(|step| !step.gate.is_blocked()).count();
    let asks = !args.auto_approve && runnable > 0;
    if asks || !(ui.quiet || plan.is_empty()) {
        ui.say(&plan_text(&plan, PlanFormat::Human, ui.style_of_notes())?);
        ui.say("\n");
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
    Ok(Prepared { judged, planning })
}

fn not_interrupted(stop: &Interrupt) -> Result<(), CommandError> {
    let interrupted = |signal| CommandError::interrupted(signal, "interrupted before anything was changed");
    stop.check().map_err(|error| interrupted(error.0))
}

/// What an outcome means for the exit code.
fn happened(outcome: &Outcome) -> Events {
    let mut events = Events::new();
    let unread = match &outcome.ended {
        Ended::Complete => outcome.remains.is_none(),
        Ended::Interrupted(signal) => {
            events.insert(Event::Interrupted(*signal));
            false
        }
        Ended::Lost(_) => true,
    };
    let failed = outcome.failed() > 0 || outcome.not_reached() > 0 || unread;
    if failed {
        events.insert(if outcome.committed { Event::PartWay } else { Event::Error });
    }
    if outcome.lock_spent() > 0 && !outcome.committed {
        events.insert(Event::Busy);
    }
    if outcome.held_back() > 0 {
        events.insert(Event::Blocked);
    }
    events
}
