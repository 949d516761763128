//! `pgstrata partition`

use std::collections::BTreeSet;

use pgstrata::catalog::{Question, Snapshot};
use pgstrata::db::Env;
use pgstrata::plan::{Plan, PlanOptions, Scope};
use pgstrata::policy::{Desired, units};
use pgstrata::render::{Style, human, json};
use pgstrata::report::analyze::{Limit, analyses, analysis_questions};
use pgstrata::report::timeline::{timeline_questions, timelines};
use pgstrata::sql::TableName;

use super::apply::run_in_scope;
use super::args::{
    AnalyzeArgs, ListArgs, PartitionArgs, PartitionCommand, Report, ReportFormat, ReportOutputArgs, TableReportArgs,
};
use super::door::Leaving;
use super::error::CommandError;
use super::exit::{Event, Events};
use super::files::{Mode, check_folder, write_atomically};
use super::plan_text::written;
use super::policy::Loaded;
use super::ui::Ui;
use super::{inspect, policy};

pub(super) fn run(args: &PartitionArgs, env: &Env, ui: &Ui) -> Result<Events, CommandError> {
    match &args.command {
        PartitionCommand::List(args) => list(args, env, ui),
        PartitionCommand::Analyze(args) => analyze(args, env, ui),
        PartitionCommand::Create(args) => run_in_scope("partition create", Scope::Creations, args, env, ui),
        PartitionCommand::Cleanup(args) => run_in_scope("partition cleanup", Scope::Removals, args, env, ui),
    }
}

fn list(args: &ListArgs, env: &Env, ui: &Ui) -> Result<Events, CommandError> {
    let ListArgs { report, all } = args;
    // Programs get every partition, with its size.
    let sizes = *all || report.output.wants(ReportFormat::Json);
    let also = |desired: &Desired, snapshot: &Snapshot, options: &PlanOptions| {
        timeline_questions(desired, snapshot, options, sizes)
    };
    let read = read("partition-list", report, (false, &also), env, ui)?;
    let Read { loaded, snapshot, options, plan } = &read;
    let timelines = timelines(&loaded.desired, snapshot, options);
    show(&report.output, ui, |format, style| match format {
        ReportFormat::Human => written(style.colour, |out| human::timelines(plan, &timelines, *all, style, out)),
        ReportFormat::Json => Ok(Leaving::json(json::timelines(plan, &timelines))),
    })?;
    Ok(judged(plan))
}

fn analyze(args: &AnalyzeArgs, env: &Env, ui: &Ui) -> Result<Events, CommandError> {
    let AnalyzeArgs { report } = args;
    let Read { loaded, snapshot, options, plan } =
        read("partition-analyze", report, (true, &analysis_questions), env, ui)?;
    let monitoring = loaded.policy.spec().monitoring.as_ref();
    let largest = monitoring.and_then(|monitoring| monitoring.max_partition_size.as_ref());
    // Resolving the policy has checked that it is one.
    let limit = Limit::of(largest.and_then(|size| units::size(size.as_ref()).ok()));
    let analyses = analyses(&loaded.desired, &snapshot, &options, limit);
    show(&report.output, ui, |format, style| match format {
        ReportFormat::Human => written(style.colour, |out| human::analyses(&plan, &analyses, style, out)),
        ReportFormat::Json => Ok(Leaving::json(json::analyses(&plan, &analyses))),
    })?;
    Ok(judged(&plan))
}

/// What a report is made of.
struct Read {
    loaded: Loaded,
    snapshot: Snapshot,
    options: PlanOptions,
    plan: Plan,
}

/// What to ask beyond what planning asks.
type Also<'a> = &'a dyn Fn(&Desired, &Snapshot, &PlanOptions) -> BTreeSet<Question>;

/// Reads what a report needs: indexes of every table or only of those whose policy speaks of them, and answers.
fn read(
    command: &str,
    args: &TableReportArgs,
    (every_index, also): (bool, Also<'_>),
    env: &Env,
    ui: &Ui,
) -> Result<Read, CommandError> {
    let TableReportArgs { name, policy, source, select, output, now } = args;
    check_reports(output)?;
    let loaded = policy::load(policy, env, ui)?;
    inspect::check_selection(select, &loaded.desired)?;
    let mut options = PlanOptions { every_index, ..inspect::options(select, None) };
    if let Some(name) = name {
        options.include = BTreeSet::from([table_of(name, &loaded.desired)?]);
        // From the environment only: beside a name the flag is refused.
        options.exclude.clear();
    }
    let also = |snapshot: &Snapshot, options: &PlanOptions| also(&loaded.desired, snapshot, options);
    let (snapshot, options) = inspect::read(command, source, &loaded, &options, *now, &also, (env, ui))?;
    let plan = inspect::fresh_plan(&loaded.desired, &snapshot, &options)?;
    Ok(Read { loaded, snapshot, options, plan })
}

/// The policy's table of this name, its schema left out or not.
fn table_of(name: &str, desired: &Desired) -> Result<TableName, CommandError> {
    match pgstrata::report::find::table(name, desired) {
        Ok(table) => Ok(table),
        Err(error) => Err(CommandError::usage(error.to_string()).hint(error.hint())),
    }
}

/// Exit 1 where a table could not be judged; the others are shown.
pub(super) fn judged(plan: &Plan) -> Events {
    let mut events = Events::new();
    if inspect::something_is_broken(plan) {
        events.insert(Event::Error);
    }
    events
}

pub(super) fn check_reports(output: &ReportOutputArgs) -> Result<(), CommandError> {
    output.report.iter().try_for_each(|report| check_folder(&report.path))
}

/// Prints a report, and writes its `--report`s.
pub(super) fn show(
    output: &ReportOutputArgs,
    ui: &Ui,
    text: impl Fn(ReportFormat, Style) -> Result<Leaving, CommandError>,
) -> Result<(), CommandError> {
    ui.result(&text(output.format, ui.style())?)?;
    output
        .report
        .iter()
        .try_for_each(|Report { format, path }| write_atomically(path, &text(*format, Style::PLAIN)?, Mode::Shared))
}
