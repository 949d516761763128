//! Sentences that several formats say alike.

use std::collections::BTreeSet;

use super::outline::all_changes;
use super::style::Style;
use super::words;
use crate::plan::{Block, Code, Finding, Level, Plan, Runway, TableOverview, Verb};
use crate::policy::Grant;
use crate::report::drift::Drift;
use crate::report::items::Kind;
use crate::sql::TableName;

/// `7 to create, 1 to change, 2 to detach, 2 to drop`
pub(crate) fn count_words(plan: &Plan) -> String {
    let summary = &plan.summary;
    format!(
        "{} to create, {} to change, {} to detach, {} to drop",
        summary.create, summary.change, summary.detach, summary.drop
    )
}

/// `402 GB freed`: what the drops free, or would if they were allowed.
pub(crate) fn freed_words(plan: &Plan) -> Option<String> {
    if plan.summary.drop == 0 {
        return None;
    }
    let blocked = plan.steps.iter().any(|step| step.action.verb() == Verb::Drop && step.gate.is_blocked());
    let upto = if blocked { "up to " } else { "" };
    Some(match plan.summary.bytes_freed {
        Some(bytes) => format!("{upto}{} freed", words::bytes(bytes)),
        None => "size freed unknown".to_owned(),
    })
}

/// Tables of the plan with a finding that says they could not be judged.
pub(crate) fn unjudged(plan: &Plan) -> BTreeSet<&TableName> {
    let errors = plan.findings.iter().filter(|finding| finding.code.level() == Level::Error);
    let judged: BTreeSet<_> = plan.tables.iter().map(|overview| &overview.table).collect();
    errors.filter_map(|finding| finding.table.as_ref()).filter(|table| !judged.contains(table)).collect()
}

/// `1 index is unverified`: it may be as the policy says, or not.
pub(crate) fn unverified(plan: &Plan) -> Option<String> {
    match plan.findings.iter().filter(|finding| finding.code == Code::IndexUnverified).count() {
        0 => None,
        1 => Some("1 index is unverified".to_owned()),
        count => Some(format!("{count} indexes are unverified")),
    }
}

/// Differences from the policy that no step of ours can end.
pub(crate) fn differences(plan: &Plan) -> usize {
    plan.findings.iter().filter(|finding| Kind::of_finding(finding.code).is_some()).count()
}

/// What could not be judged: tables, and what is of no table.
pub(crate) fn unjudged_things(plan: &Plan) -> usize {
    let errors = plan.findings.iter().filter(|finding| finding.code.level() == Level::Error);
    unjudged(plan).len() + errors.filter(|finding| finding.table.is_none()).count()
}

/// What keeps "no changes" from being all there is to say: `1 index is unverified`, `2 differences are not for apply to end`.
pub(crate) fn reservations(plan: &Plan) -> Option<String> {
    let differences = match differences(plan) {
        0 => None,
        1 => Some("1 difference is not for apply to end".to_owned()),
        count => Some(format!("{count} differences are not for apply to end")),
    };
    let all: Vec<String> = unverified(plan).into_iter().chain(differences).collect();
    (!all.is_empty()).then(|| all.join(", and "))
}

/// `runway 6d → 7d`
pub(crate) fn runway_words(overview: &TableOverview, style: Style) -> Option<String> {
    // Without any, inserts of this moment find no partition.
    let say = |runway: Runway| if runway.is_none() { "none".to_owned() } else { words::runway(runway) };
    let (now, after) = (overview.runway.map(say), overview.runway_after.map(say));
    match (now, after) {
        (Some(now), Some(after)) if now == after => Some(format!("runway {now}")),
        (Some(now), Some(after)) => Some(format!("runway {now} {} {after}", style.arrow())),
        (Some(only), None) | (None, Some(only)) => Some(format!("runway {only}")),
        (None, None) => None,
    }
}

/// Why a plan is for reading only.
pub(crate) fn not_applyable(plan: &Plan) -> Vec<String> {
    if plan.applyable {
        return Vec::new();
    }
    let because = plan.not_applyable_because.as_deref().unwrap_or("it does not say why");
    vec![format!("this plan is for reading only: {because}.")]
}

/// `1 step. Allow it with --allow deletes-data:public.events`, and why others cannot be allowed.
pub(crate) fn blocked_sentences(plan: &Plan) -> Vec<String> {
    let changes = all_changes(plan);
    let blocked: Vec<_> = changes.iter().filter(|change| change.is_blocked()).collect();
    if blocked.is_empty() {
        return Vec::new();
    }
    let mut grants: BTreeSet<&Grant> = BTreeSet::new();
    let mut others: BTreeSet<String> = BTreeSet::new();
    let mut rows_in_the_way: BTreeSet<String> = BTreeSet::new();
    for block in blocked.iter().flat_map(|change| change.blocks()) {
        match block {
            Block::Hazard { allow, hazard: _ } | Block::MaxDrop { allow, windows: _ } => {
                grants.insert(allow);
            }
            Block::RowsInDefault { rows: Some(_) } => {
                rows_in_the_way.insert(format!("No flag allows: {block}."));
            }
            Block::MaxCreate { .. }
            | Block::RowsInDefault { rows: None }
            | Block::ClockSkew { .. }
            | Block::Unknown { .. }
            | Block::ManagedElsewhere { .. }
            | Block::InTheWay { .. }
            | Block::MissingRight { .. } => {
                others.insert(format!("No flag allows: {block}."));
            }
            // It runs once what it needs does.
            Block::Needs { .. } => {}
        }
    }
    // Of many windows only the number of rows differs, and each is said with its window.
    if rows_in_the_way.len() > 1 {
        others.insert("No flag allows: default partitions have rows in these windows: move them first.".to_owned());
    } else {
        others.append(&mut rows_in_the_way);
    }
    let (steps, them) = if blocked.len() == 1 { ("1 step", "it") } else { ("steps", "them") };
    let mut first = if blocked.len() == 1 { format!("{steps}.") } else { format!("{} {steps}.", blocked.len()) };
    if !grants.is_empty() {
        let flags: Vec<String> =
            grants.iter().map(|grant| format!("--allow {}", shell_word(&grant.to_string()))).collect();
        first.push_str(&format!(" Allow {them} with {}", flags.join(" ")));
    }
    std::iter::once(first).chain(others).collect()
}

/// A word as a POSIX shell takes it: quoted identifiers would lose their quotes.
pub(crate) fn shell_word(word: &str) -> String {
    let plain = word.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | ':' | '/' | '@'));
    if plain { word.to_owned() } else { format!("'{}'", word.replace('\'', r"'\''")) }
}

/// A finding's stable code.
pub(crate) fn code_word(finding: &Finding) -> String {
    match serde_json::to_value(finding.code) {
        Ok(serde_json::Value::String(code)) => code,
        Ok(_) | Err(_) => format!("{:?}", finding.code),
    }
}

/// `Drift: 1 drift, 2 overdue. 7 scheduled changes do not count.`
pub(crate) fn drift_headline(drift: &Drift<'_>) -> String {
    let changes = |count: usize| if count == 1 { "1 change".to_owned() } else { format!("{count} changes") };
    let words = |counts: bool| -> Vec<String> {
        let of_kind = drift.by_class.iter().filter(|(class, _)| drift.fail_on.contains(class) == counts);
        of_kind.map(|(class, count)| format!("{count} {}", class.word())).collect()
    };
    let mut sentences = vec![match drift.counted() {
        0 => "No drift.".to_owned(),
        _ => format!("Drift: {}.", words(true).join(", ")),
    }];
    match drift.unjudged.len() {
        0 => {}
        1 => sentences.push("1 thing could not be judged.".to_owned()),
        count => sentences.push(format!("{count} things could not be judged.")),
    }
    sentences.extend(unverified(drift.plan).map(|words| format!("{words}.")));
    if drift.not_counted() > 0 {
        let verb = if drift.not_counted() == 1 { "does" } else { "do" };
        sentences.push(format!("{} ({}) {verb} not count.", changes(drift.not_counted()), words(false).join(", ")));
    }
    sentences.join(" ")
}
