//! Reports on tables → documents.

use jiff::Timestamp;
use serde::Serialize;

use super::write::{FindingDocument, pretty};
use crate::catalog::Target;
use crate::grid::KeyValue;
use crate::plan::{Level, PLAN_FORMAT, Plan, Runway};
use crate::report::analyze::Analysis;
use crate::report::explain::{Setting, Story, StoryStep};
use crate::report::find::Found;
use crate::report::thing::Thing;
use crate::report::timeline::{Entry, Event, Timeline};
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

/// The story of a table or partition, as a document: pretty, ending in a newline. `policy` are the flags that name the
/// policy in its command.
pub fn story(plan: &Plan, story: &Story<'_>, policy: &[String]) -> String {
    let Story { found, timeline, entry, settings, events, steps, findings, allow: _, ahead: _ } = story;
    let overview = plan.tables.iter().find(|overview| overview.table == *found.table());
    let (kind, settings) = match found {
        Found::Table(_) => ("table", Some(settings.as_slice())),
        Found::Partition { .. } => ("partition", None),
        Found::Planned { .. } => ("planned", None),
    };
    pretty(&StoryDocument {
        format_version: PLAN_FORMAT,
        evaluated_at: plan.evaluated_at,
        target: &plan.target,
        name: found.name(),
        what: kind,
        of: found.table(),
        policy: overview.map(|overview| overview.policy.as_str()),
        runway: overview.and_then(|overview| overview.runway),
        current: timeline.as_ref().and_then(|timeline| timeline.current),
        retention_edge: timeline.as_ref().and_then(|timeline| timeline.retention_edge),
        premake_horizon: timeline.as_ref().and_then(|timeline| timeline.premake_horizon),
        partition: entry.as_ref(),
        settings,
        events,
        steps,
        findings: findings.iter().map(|finding| FindingDocument::of(finding)).collect(),
        command: story.command(policy),
    })
}

/// What is known of what is no table and no partition, as a document: pretty, ending in a newline.
pub fn things(plan: &Plan, things: &[Thing<'_>], policy: &[String]) -> String {
    let document = |thing: &'_ Thing<'_>| {
        serde_json::json!({
            "name": thing.object,
            "of": thing.table,
            "policy": thing.policy,
            "found": thing.found,
            "steps": thing.steps,
            "findings": thing.findings.iter().map(|finding| FindingDocument::of(finding)).collect::<Vec<_>>(),
            "command": thing.command(policy),
        })
    };
    pretty(&serde_json::json!({
        "format_version": PLAN_FORMAT,
        "evaluated_at": plan.evaluated_at,
        "target": plan.target,
        "things": things.iter().map(document).collect::<Vec<_>>(),
    }))
}

#[derive(Serialize)]
struct StoryDocument<'a> {
    format_version: &'a str,
    evaluated_at: Timestamp,
    target: &'a Target,
    name: &'a TableName,
    what: &'a str,
    of: &'a TableName,
    policy: Option<&'a str>,
    runway: Option<Runway>,
    current: Option<KeyValue>,
    retention_edge: Option<KeyValue>,
    premake_horizon: Option<KeyValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    partition: Option<&'a Entry>,
    #[serde(skip_serializing_if = "Option::is_none")]
    settings: Option<&'a [Setting]>,
    events: &'a [Event],
    steps: &'a [StoryStep<'a>],
    findings: Vec<FindingDocument<'a>>,
    command: Option<String>,
}
