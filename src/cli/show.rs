//! `pgstrata show`

use jiff::Timestamp;
use pgstrata::render;

use super::args::ShowArgs;
use super::error::CommandError;
use super::exit::Events;
use super::files::check_folder;
use super::plan_file;
use super::plan_text::{plan_text, write_reports};
use super::ui::Ui;

/// Plans are looked at on the day they are made; an older one deserves a word.
const OLD: i64 = 24 * 60 * 60;

pub(super) fn run(args: &ShowArgs, ui: &Ui) -> Result<Events, CommandError> {
    for report in &args.output.report {
        check_folder(&report.path)?;
    }
    let plan = plan_file::read(&args.plan)?;
    #[allow(clippy::disallowed_methods, reason = "how old a plan is, is a matter of the real clock")]
    let now = args.now.unwrap_or_else(Timestamp::now);
    let age = now.duration_since(plan.evaluated_at).as_secs();
    if age >= OLD {
        ui.note(&format!(
            "this plan was made for {}, {} ago",
            render::second(plan.evaluated_at),
            render::duration(age)
        ));
    }
    ui.result(&plan_text(&plan, args.output.format, ui.style())?)?;
    write_reports(&plan, &args.output.report)?;
    Ok(Events::new())
}
