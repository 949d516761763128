//! `pgstrata schema`

use pgstrata::{policy, render};

use super::args::{SchemaArgs, SchemaOf};
use super::error::CommandError;
use super::exit::Events;
use super::ui::Ui;

pub(super) fn run(args: &SchemaArgs, ui: &Ui) -> Result<Events, CommandError> {
    let schema = match args.of {
        SchemaOf::Policy => policy::schema(),
        SchemaOf::Plan => render::json::plan_schema(),
    };
    // The alternate form of a JSON value is indented.
    ui.result(&format!("{schema:#}\n"))?;
    Ok(Events::new())
}
