//! Reports on tables → documents.

use jiff::Timestamp;
use serde::Serialize;

use super::write::{FindingDocument, pretty};
use crate::catalog::Target;
use crate::plan::{Level, PLAN_FORMAT, Plan, Runway};
use crate::report::analyze::Analysis;
use crate::report::timeline::Timeline;
use crate::sql::TableName;

/// What every report begins with.
#[derive(Serialize)]
struct ReportDocument<'a, T> {
    format_version: &'a str,
    evaluated_at: Timestamp,
    target: &'a Target,
    tables: Vec<TableDocument<'a, T>>,
    /// What could not be judged.
    unjudged: Vec<FindingDocument<'a>>,
}

#[derive(Serialize)]
struct TableDocument<'a, T> {
    policy: Option<&'a str>,
    runway: Option<Runway>,
    #[serde(flatten)]
    table: &'a T,
}

fn report<'a, T: Serialize>(plan: &'a Plan, tables: &'a [T], name: impl Fn(&T) -> &TableName) -> String {
    let tables = tables.iter().map(|table| {
        let overview = plan.tables.iter().find(|overview| overview.table == *name(table));
        TableDocument {
            policy: overview.map(|overview| overview.policy.as_str()),
            runway: overview.and_then(|overview| overview.runway),
            table,
        }
    });
    let unjudged = plan.findings.iter().filter(|finding| finding.code.level() == Level::Error);
    pretty(&ReportDocument {
        format_version: PLAN_FORMAT,
        evaluated_at: plan.evaluated_at,
        target: &plan.target,
        tables: tables.collect(),
        unjudged: unjudged.map(FindingDocument::of).collect(),
    })
}

/// The partitions of each table, every one of them, as a document: pretty, ending in a newline. A size is `null` where
/// it was not asked or is unknown, an estimate of rows where the server has none.
pub fn timelines(plan: &Plan, timelines: &[Timeline]) -> String {
    report(plan, timelines, |timeline| &timeline.table)
}

/// What the partitions of each table are like, as a document: pretty, ending in a newline. What is an estimate is named so
/// in [`Analysis`]; what is not known is `null`.
pub fn analyses(plan: &Plan, analyses: &[Analysis]) -> String {
    report(plan, analyses, |analysis| &analysis.table)
}
