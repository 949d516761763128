//! `pgstrata drift`

use std::collections::BTreeSet;

use pgstrata::db::Env;
use pgstrata::plan::Level;

use super::args::{DriftArgs, DriftFormat, PlanFormat};
use super::error::CommandError;
use super::exit::{Event, Events};
use super::files::{Mode, check_folder, write_atomically};
use super::plan_text::plan_text;
use super::ui::Ui;
use super::{connect, inspect, policy, signals};

pub(super) fn run(args: &DriftArgs, env: &Env, ui: &Ui) -> Result<Events, CommandError> {
    for report in &args.report {
        check_folder(&report.path)?;
    }
    let loaded = policy::load(&args.policy, env, ui)?;
    inspect::check_selection(&args.select, &loaded.desired)?;
    let stop = signals::install(ui.quiet)?;
    let connector = connect::connector("drift", &args.connect, &loaded, env, ui, &stop)?;
    let mut session = connect::session(&connector, &stop)?;
    let options = inspect::options(&args.select, None);
    let (snapshot, options) = inspect::snapshot(&mut session, &loaded.desired, &options, args.now, &stop)?;
    drop(session);
    let plan = inspect::fresh_plan(&loaded.desired, &snapshot, &options)?;
    let fail_on: BTreeSet<_> = args.fail_on.iter().copied().collect();
    let text = |format: DriftFormat, style| match format {
        DriftFormat::Human | DriftFormat::Prometheus | DriftFormat::Markdown => {
            plan_text(&plan, PlanFormat::Human, style)
        }
        DriftFormat::Json => plan_text(&plan, PlanFormat::Json, style),
    };
    ui.result(&text(args.format, ui.style())?)?;
    for report in &args.report {
        write_atomically(&report.path, &text(report.format, pgstrata::render::Style::PLAIN)?, Mode::Shared)?;
    }
    let mut events = Events::new();
    if plan.worst_finding() == Some(Level::Error) {
        events.insert(Event::Error);
    }
    if plan.steps.iter().any(|step| fail_on.contains(&step.class)) {
        events.insert(Event::Pending);
    }
    Ok(events)
}
