//! `pgstrata apply`

use std::collections::BTreeSet;
use std::time::Duration;

use jiff::Timestamp;
use pgstrata::apply::{ApplyOptions, BeginError, Ended, Judged, Outcome, Refusal, Run, StaleStep, judge};
use pgstrata::catalog::Snapshot;
use pgstrata::db::{Env, Interrupt};
use pgstrata::plan::{Plan, PlanOptions};
use pgstrata::policy::Desired;

use super::args::ApplyArgs;
use super::error::CommandError;
use super::exit::{Event, Events};
use super::files::check_folder;
use super::inspect::{self, fresh_plan, something_is_broken, unreadable};
use super::plan_text::plan_text;
use super::progress::Progress;
use super::ui::Ui;
use super::{args, confirm, connect, outcome_text, plan_file, policy, signals};

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
    let options = inspect::options(&args.select, Some(&args.carry));
    let mut prepared = prepare(&mut run, saved.as_ref(), &loaded.desired, options, &stop)?;
    if saved.is_none() && !approved(&prepared.judged.plan, args, ui, &stop)? {
        return Err(CommandError::error("not approved: nothing was changed"));
    }
    let apply = ApplyOptions { jobs: args.carry.jobs };
    let mut progress = Progress::new(ui);
    let broken = something_is_broken(&prepared.judged.plan);
    prepared.planning.reading_only = None;
    let outcome = run.carry_out(prepared.judged, &prepared.planning, &apply, &mut progress);
    ui.result(&outcome_text::outcome_text(&outcome, args.format, ui.style())?)?;
    outcome_text::write_reports(&outcome, &args.report)?;
    Ok(events(&outcome, broken))
}
