//! `pgstrata schema`

use pgstrata::policy;
use pgstrata::render::json;

use super::args::{SchemaArgs, SchemaOf};
use super::door::Leaving;
use super::error::CommandError;
use super::exit::Events;
use super::ui::Ui;

pub(super) fn run(args: &SchemaArgs, ui: &Ui) -> Result<Events, CommandError> {
    match args.of {
        // The alternate form of a JSON value is indented.
        SchemaOf::Policy => ui.result(&Leaving::own(format!("{:#}\n", policy::schema())))?,
        SchemaOf::Plan => ui.result(&Leaving::own(json::plan_schema()))?,
        SchemaOf::Drift => ui.result(&Leaving::own(json::drift_schema()))?,
        SchemaOf::Journal => ui.result(&Leaving::own(json::journal_schema()))?,
        SchemaOf::Outcome => ui.result(&Leaving::own(json::outcome_schema()))?,
    }
    Ok(Events::new())
}
