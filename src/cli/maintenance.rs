//! `pgstrata optimize maintenance`

use pgstrata::db::Env;
use pgstrata::plan::{PlanOptions, Scope};
use pgstrata::render::{human, json};
use pgstrata::report::forecast::forecast;

use super::args::{CarryArgs, MaintenanceArgs, MaintenanceFormat, OutcomeFormat, RunArgs, SelectArgs, SourceArgs};
use super::door::Leaving;
use super::error::CommandError;
use super::exit::{Event, Events};
use super::plan_text::written;
use super::ui::Ui;
use super::{apply, inspect, policy};

pub(super) fn run(args: MaintenanceArgs, env: &Env, ui: &Ui) -> Result<Events, CommandError> {
    let MaintenanceArgs { tables, policy, connect, mut select, locks, format, dry_run, execution } = args;
    if !tables.is_empty() {
        // From the environment only: beside names the flags are refused.
        select = SelectArgs { table: tables, exclude: Vec::new(), ..select };
    }
    let args = RunArgs {
        policy,
        connect,
        select,
        carry: CarryArgs { allow: Vec::new(), max_drop: None, locks },
        format: match format {
            MaintenanceFormat::Human => OutcomeFormat::Human,
            MaintenanceFormat::Json => OutcomeFormat::Json,
        },
        report: Vec::new(),
        execution,
    };
    if dry_run {
        return show(args, format, env, ui);
    }
    apply::run_in_scope("optimize maintenance", Scope::Maintenance, &args, env, ui)
}

/// What is due, and what autovacuum will do by itself.
fn show(args: RunArgs, format: MaintenanceFormat, env: &Env, ui: &Ui) -> Result<Events, CommandError> {
    let loaded = policy::load(&args.policy, env, ui)?;
    inspect::check_selection(&args.select, &loaded.desired)?;
    let options = PlanOptions { scope: Scope::Maintenance, ..inspect::options(&args.select, Some(&args.carry)) };
    let source = SourceArgs { connect: args.connect, snapshot: None };
    let (snapshot, options) =
        inspect::read("optimize-maintenance", &source, &loaded, &options, None, &inspect::nothing, (env, ui))?;
    let plan = inspect::fresh_plan(&loaded.desired, &snapshot, &options)?;
    let forecast = forecast(&snapshot);
    let text = match format {
        MaintenanceFormat::Human => {
            written(ui.colour.stdout, |out| human::maintenance(&plan, &forecast, ui.style(), out))?
        }
        MaintenanceFormat::Json => Leaving::json(json::maintenance(&plan, &forecast)),
    };
    ui.result(&text)?;
    let broken = inspect::something_is_broken(&plan);
    Ok(if broken { Events::from([Event::Error]) } else { Events::new() })
}
