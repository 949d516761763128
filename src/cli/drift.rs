//! `pgstrata drift`

use pgstrata::db::Env;
use pgstrata::render::{Style, human, json, junit, markdown, prometheus, sarif};
use pgstrata::report::drift::{Verdict, drift};

use super::args::{DriftArgs, DriftFormat};
use super::door::Leaving;
use super::error::CommandError;
use super::exit::{Event, Events};
use super::files::{Mode, check_folder, write_atomically};
use super::locations::locations;
use super::plan_text::written;
use super::ui::Ui;
use super::{at_fault, github, inspect, policy};

pub(super) fn run(args: &DriftArgs, env: &Env, ui: &Ui) -> Result<Events, CommandError> {
    for report in &args.report {
        check_folder(&report.path)?;
    }
    let loaded = policy::load(&args.policy, env, ui)?;
    inspect::check_selection(&args.select, &loaded.desired)?;
    let options = inspect::options(&args.select, None);
    let (snapshot, options) =
        inspect::read("drift", &args.source, &loaded, &options, args.now, &inspect::nothing, (env, ui))?;
    let plan = inspect::fresh_plan(&loaded.desired, &snapshot, &options)?;
    let drift = drift(&plan, &args.fail_on.iter().copied().collect());
    let text = |format: DriftFormat, style: Style| match format {
        DriftFormat::Human => written(style.colour, |out| human::drift(&drift, style, out)),
        DriftFormat::Json => Ok(Leaving::json(json::drift(&drift))),
        DriftFormat::Markdown => written(false, |out| markdown::drift(&drift, out)),
        DriftFormat::Prometheus => written(false, |out| prometheus::drift(&drift, out)),
        DriftFormat::Sarif => Ok(Leaving::json(sarif::drift(&drift, &locations(&loaded)))),
        DriftFormat::Junit => written(false, |out| junit::drift(&drift, out)),
    };
    ui.result(&text(args.format, ui.style())?)?;
    at_fault::say(&plan, &loaded, ui);
    for report in &args.report {
        write_atomically(&report.path, &text(report.format, Style::PLAIN)?, Mode::Shared)?;
    }
    github::report(|| text(DriftFormat::Markdown, Style::PLAIN), Some(&plan), env, ui);
    Ok(match drift.verdict {
        Verdict::Agrees => Events::new(),
        Verdict::Drifted => Events::from([Event::Pending]),
        Verdict::Impossible | Verdict::Unjudged => Events::from([Event::Error]),
    })
}
