//! Maintenance → document.

use serde::Serialize;

use super::write::{PlanDocument, document, pretty};
use crate::plan::{PLAN_FORMAT, Plan};
use crate::report::forecast::Forecast;

/// The plan of maintenance and the forecast, as a document: pretty, ending in a newline.
pub fn maintenance(plan: &Plan, forecast: &[Forecast]) -> String {
    pretty(&MaintenanceDocument { format_version: PLAN_FORMAT, forecast, plan: document(plan) })
}

#[derive(Serialize)]
struct MaintenanceDocument<'a> {
    format_version: &'a str,
    forecast: &'a [Forecast],
    plan: PlanDocument<'a>,
}
