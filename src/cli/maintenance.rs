//! `pgstrata optimize maintenance`

use pgstrata::db::Env;
use pgstrata::plan::{PlanOptions, Scope};
use pgstrata::render::{human, json};
use pgstrata::report::forecast::forecast;

use super::args::{ApplyArgs, CarryArgs, MaintenanceArgs, MaintenanceFormat, OutcomeFormat, SelectArgs};
use super::error::CommandError;
use super::exit::{Event, Events};
use super::plan_text::written;
use super::ui::Ui;
use super::{apply, confirm, connect, inspect, policy, signals};

pub(super) fn run(args: MaintenanceArgs, env: &Env, ui: &Ui) -> Result<Events, CommandError> {
    let MaintenanceArgs {
        tables,
        policy,
        connect,
        lock_timeout,
        lock_retries,
        format,
        dry_run,
        auto_approve,
        jobs,
        run_lock_wait,
    } = args;
    let args = ApplyArgs {
        plan: None,
        policy,
        connect,
        select: SelectArgs { table: tables, exclude: Vec::new() },
        carry: CarryArgs { allow: Vec::new(), max_drop: None, lock_timeout, lock_retries },
        format: match format {
            MaintenanceFormat::Human => OutcomeFormat::Human,
            MaintenanceFormat::Json => OutcomeFormat::Json,
        },
        report: Vec::new(),
        auto_approve,
        jobs,
        run_lock_wait,
    };
    if dry_run {
        return show(&args, format, env, ui);
    }
    if !auto_approve {
        confirm::can_ask(
            ui,
            env,
            &[
                "approve by a flag: pgstrata optimize maintenance --auto-approve",
                "or only look: pgstrata optimize maintenance --dry-run",
            ],
        )?;
    }
    apply::run_scoped(&args, Scope::Maintenance, env, ui)
}

/// What is due, and what autovacuum will do by itself.
fn show(args: &ApplyArgs, format: MaintenanceFormat, env: &Env, ui: &Ui) -> Result<Events, CommandError> {
    let loaded = policy::load(&args.policy, env, ui)?;
    inspect::check_selection(&args.select, &loaded.desired)?;
    let stop = signals::install(ui)?;
    let connector = connect::connector("optimize", &args.connect, &loaded, env, ui, &stop)?;
    let mut session = connect::session(&connector, &stop)?;
    let options = PlanOptions { scope: Scope::Maintenance, ..inspect::options(&args.select, Some(&args.carry)) };
    let (snapshot, options) = inspect::snapshot(&mut session, &loaded.desired, &options, None, &stop)?;
    drop(session);
    let plan = inspect::fresh_plan(&loaded.desired, &snapshot, &options)?;
    let forecast = forecast(&snapshot);
    let text = match format {
        MaintenanceFormat::Human => written(|out| human::maintenance(&plan, &forecast, ui.style(), out))?,
        MaintenanceFormat::Json => json::maintenance(&plan, &forecast),
    };
    ui.result(&text)?;
    let broken = inspect::something_is_broken(&plan);
    Ok(if broken { Events::from([Event::Error]) } else { Events::new() })
}
