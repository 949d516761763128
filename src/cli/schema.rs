//! `pgstrata schema`

use pgstrata::policy;
use pgstrata::render::json;

use super::args::{SchemaArgs, SchemaOf};
use super::error::CommandError;
use super::exit::Events;
use super::ui::Ui;

pub(super) fn run(args: &SchemaArgs, ui: &Ui) -> Result<Events, CommandError> {
    match args.of {
        // The alternate form of a JSON value is indented.
        SchemaOf::Policy => ui.result(&format!("{:#}\n", policy::schema()))?,
        SchemaOf::Plan => ui.result(json::plan_schema())?,
        SchemaOf::Drift => ui.result(&json::drift_schema())?,
        SchemaOf::Outcome => ui.result(&json::outcome_schema())?,
    }
    Ok(Events::new())
}
