//! `pgstrata schema`

use pgstrata::policy;

use super::args::{SchemaArgs, SchemaOf};
use super::error::CommandError;
use super::exit::Events;
use super::ui::Ui;

pub(super) fn run(args: &SchemaArgs, ui: &Ui) -> Result<Events, CommandError> {
    let schema = match args.of {
        SchemaOf::Policy => policy::schema(),
        SchemaOf::Plan => return Err(CommandError::error("the schema of plans is not there yet")),
    };
    // The alternate form of a JSON value is indented.
    ui.result(&format!("{schema:#}\n"))?;
    Ok(Events::new())
}
