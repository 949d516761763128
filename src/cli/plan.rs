//! `pgstrata plan`

use std::path::Path;

use pgstrata::db::Env;
use pgstrata::plan::Plan;
use pgstrata::render::Style;
use pgstrata::report::standing::Standing;

use super::args::{PlanArgs, PlanFormat};
use super::error::CommandError;
use super::exit::{Event, Events};
use super::files::{Mode, check_folder, write_atomically};
use super::plan_text::{plan_text, write_reports};
use super::ui::Ui;
use super::{at_fault, github, inspect, paste, policy};

pub(super) fn run(args: &PlanArgs, env: &Env, ui: &Ui) -> Result<Events, CommandError> {
    for path in args.out.iter().chain(args.output.report.iter().map(|report| &report.path)) {
        check_folder(path)?;
    }
    let loaded = policy::load(&args.policy, env, ui)?;
    inspect::check_selection(&args.select, &loaded.desired)?;
    inspect::check_grants(&args.carry, &loaded.desired)?;
    let options = inspect::options(&args.select, Some(&args.carry));
    let (snapshot, options) =
        inspect::read("plan", &args.source, &loaded, &options, args.now, &inspect::nothing, (env, ui))?;
    let plan = inspect::fresh_plan(&loaded.desired, &snapshot, &options)?;

    ui.result(&plan_text(&plan, args.output.format, ui.style())?)?;
    at_fault::say(&plan, &loaded, ui);
    write_reports(&plan, &args.output.report)?;
    if let Some(path) = &args.out {
        save(&plan, path)?;
    }
    github::report(|| plan_text(&plan, PlanFormat::Markdown, Style::PLAIN), Some(&plan), env, ui);
    if let Some(path) = &args.out {
        say_how_to_apply(&plan, path, ui);
    }
    let mut events = Events::new();
    if inspect::something_is_broken(&plan) {
        events.insert(Event::Error);
    }
    if args.detailed_exitcode {
        events.extend(standing_events(&plan));
    }
    Ok(events)
}

/// What is not as the policy says, by steps and by what no step stands for.
fn standing_events(plan: &Plan) -> Events {
    let standing = Standing::of(plan);
    let errors = !standing.unjudged.is_empty() || !standing.impossible.is_empty();
    let pending = standing.by_class().values().any(|count| *count > 0);
    [errors.then_some(Event::Error), pending.then_some(Event::Pending)].into_iter().flatten().collect()
}

fn save(plan: &Plan, path: &Path) -> Result<(), CommandError> {
    let text = plan_text(plan, PlanFormat::Json, Style::PLAIN)?;
    write_atomically(path, &text, Mode::Private)
}

/// The last line is there to be copied: nothing breaks it, and nothing follows.
fn say_how_to_apply(plan: &Plan, path: &Path, ui: &Ui) {
    if let Some(because) = &plan.not_applyable_because {
        let path = paste::path(path);
        ui.note(&format!("saved for reading (pgstrata show {path}); it cannot be applied: {because}"));
        return;
    }
    let command = ui.given.command(&format!("pgstrata apply {}", paste::path(path)));
    if paste::needs_url(&command) {
        ui.note(paste::SET_THE_URL);
    }
    ui.note("saved; carry out exactly this with:");
    ui.command(&command);
}
