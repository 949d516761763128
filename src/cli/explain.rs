//! `pgstrata explain`

use pgstrata::catalog::Snapshot;
use pgstrata::db::Env;
use pgstrata::plan::PlanOptions;
use pgstrata::policy::PolicyPath;
use pgstrata::render::{human, json};
use pgstrata::report::explain::{Origins, SETTINGS, explain, story_questions};
use pgstrata::report::find::NotFound;
use pgstrata::report::thing::things;
use pgstrata::sql::TableName;

use super::args::{ExplainArgs, ReportFormat};
use super::door::Leaving;
use super::error::CommandError;
use super::exit::Events;
use super::locations::locate;
use super::partition::{check_reports, judged, show};
use super::plan_text::written;
use super::policy::Loaded;
use super::ui::Ui;
use super::{at_fault, inspect, paste, policy};

pub(super) fn run(args: &ExplainArgs, env: &Env, ui: &Ui) -> Result<Events, CommandError> {
    let ExplainArgs { name, policy: policy_args, source, select, output, now } = args;
    check_reports(output)?;
    let loaded = policy::load(policy_args, env, ui)?;
    inspect::check_selection(select, &loaded.desired)?;
    let options = inspect::options(select, None);
    let also = |snapshot: &Snapshot, options: &PlanOptions| story_questions(name, &loaded.desired, snapshot, options);
    let (snapshot, options) = inspect::read("explain", source, &loaded, &options, *now, &also, (env, ui))?;
    let plan = inspect::fresh_plan(&loaded.desired, &snapshot, &options)?;
    at_fault::wrong_database(&plan, &loaded, ui);
    let flags = ui.given.flags("pgstrata apply");
    let story = match explain(name, &loaded.desired, &snapshot, &options, &plan, &|table| origins(&loaded, table)) {
        Ok(story) => story,
        Err(error) => {
            let origin = |path: &PolicyPath| place(&loaded, path);
            let things = match error {
                NotFound::Unknown { .. } => things(name, &loaded.desired, &snapshot, &plan, &origin),
                NotFound::Ambiguous { .. } => Vec::new(),
            };
            if things.is_empty() {
                return Err(CommandError::usage(error.to_string()).hint(error.hint()));
            }
            show(output, ui, |format, style| match format {
                ReportFormat::Human => written(style.colour, |out| human::things(&plan, &things, &flags, style, out)),
                ReportFormat::Json => Ok(Leaving::json(json::things(&plan, &things, &flags))),
            })?;
            if things.iter().filter_map(|thing| thing.command(&flags)).any(|command| paste::needs_url(&command)) {
                ui.note(paste::SET_THE_URL);
            }
            return Ok(Events::new());
        }
    };
    show(output, ui, |format, style| match format {
        ReportFormat::Human => written(style.colour, |out| human::story(&plan, &story, &flags, style, out)),
        ReportFormat::Json => Ok(Leaving::json(json::story(&plan, &story, &flags))),
    })?;
    if story.command(&flags).is_some_and(|command| paste::needs_url(&command)) {
        ui.note(paste::SET_THE_URL);
    }
    // Another table that is broken is another story.
    Ok(if story.timeline.is_none() { judged(&plan) } else { Events::new() })
}

/// Where the policy sets the keys of a table, by file and line.
fn origins(loaded: &Loaded, table: &TableName) -> Origins {
    let tables = loaded.policy.spec().tables.iter().flatten();
    let spelled = tables.map(|(key, _)| key).find(|key| key.parse::<TableName>().is_ok_and(|name| name == *table));
    let Some(spelled) = spelled else { return Origins::new() };
    let of = PolicyPath::of(["tables"]).key(spelled);
    let found = SETTINGS
        .into_iter()
        .filter_map(|(section, key)| Some(((section, key), place(loaded, &of.key(section).key(key))?)));
    found.collect()
}

/// `pgstrata.yaml:12`, where the policy says it.
fn place(loaded: &Loaded, path: &PolicyPath) -> Option<String> {
    let place = loaded.places.exactly(path)?;
    let at = locate(&place, &loaded.sources)?;
    Some(format!("{}:{}", at.path, at.line))
}
