//! Sentences that several formats say alike.

use std::collections::BTreeSet;

use super::outline::all_changes;
use super::style::Style;
use super::words;
use crate::plan::{Block, Code, Finding, Plan, Runway, TableOverview, Unmet, Verb};
use crate::policy::Grant;
use crate::report::drift::Drift;
use crate::report::standing::Standing;
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

/// Tables of the plan that could not be checked at all.
pub(crate) fn unjudged(plan: &Plan) -> BTreeSet<&TableName> {
    let errors = plan.findings.iter().filter(|finding| finding.code.unmet() == Unmet::Unjudged);
    let judged: BTreeSet<_> = plan.tables.iter().map(|overview| &overview.table).collect();
    errors.filter_map(|finding| finding.table.as_ref()).filter(|table| !judged.contains(table)).collect()
}

/// `1 index is unverified`: it may be as the policy says, or not.
pub(crate) fn unverified(standing: &Standing<'_>) -> Option<String> {
    let Standing { unverified, .. } = standing;
    let indexes = unverified.iter().filter(|finding| finding.code == Code::IndexUnverified).count();
    let indexes = match indexes {
        0 => None,
        1 => Some("1 index is unverified".to_owned()),
        count => Some(format!("{count} indexes are unverified")),
    };
    let others = unverified.iter().filter(|finding| finding.code != Code::IndexUnverified).count();
    let others = match (others, &indexes) {
        (0, _) => None,
        (count, Some(_)) => Some(format!("{count} other{}", if count == 1 { "" } else { "s" })),
        (1, None) => Some("1 thing is unverified".to_owned()),
        (count, None) => Some(format!("{count} things are unverified")),
    };
    let all: Vec<String> = indexes.into_iter().chain(others).collect();
    (!all.is_empty()).then(|| all.join(", and "))
}

/// `1 difference is not for apply to end`
pub(crate) fn differences(standing: &Standing<'_>) -> Option<String> {
    match standing.beyond_steps() {
        0 => None,
        1 => Some("1 difference is not for apply to end".to_owned()),
        count => Some(format!("{count} differences are not for apply to end")),
    }
}

/// `1 thing cannot be as the policy says`
pub(crate) fn impossible(standing: &Standing<'_>) -> Option<String> {
    match standing.impossible.len() {
        0 => None,
        1 => Some("1 thing cannot be as the policy says".to_owned()),
        count => Some(format!("{count} things cannot be as the policy says")),
    }
}

/// `1 thing could not be checked`
pub(crate) fn unchecked(standing: &Standing<'_>) -> Option<String> {
    match standing.unjudged.len() {
        0 => None,
        1 => Some("1 thing could not be checked".to_owned()),
        count => Some(format!("{count} things could not be checked")),
    }
}

/// What keeps "no changes" from being all there is to say: `1 index is unverified`, `2 differences are not for apply to end`.
pub(crate) fn reservations(standing: &Standing<'_>) -> Option<String> {
    let all = [unverified(standing), differences(standing), impossible(standing)];
    let all: Vec<String> = all.into_iter().flatten().collect();
    (!all.is_empty()).then(|| all.join(", and "))
}

/// What no step of a plan with changes stands for: `1 difference is not for apply to end.`
pub(crate) fn beside_changes(plan: &Plan) -> Option<String> {
    let standing = Standing::of(plan);
    let all: Vec<String> = [differences(&standing), impossible(&standing)].into_iter().flatten().collect();
    (!all.is_empty()).then(|| format!("{}.", all.join(", and ")))
}

/// `3 tables match, 1 does not, 1 could not be checked; 1 difference is not for apply to end`: of a plan without changes.
pub(crate) fn matching_words(plan: &Plan) -> String {
    let standing = Standing::of(plan);
    let not_so = standing.tables();
    let differing = plan.tables.iter().filter(|overview| not_so.contains(&overview.table)).count();
    let tables = |count: usize| if count == 1 { "1 table".to_owned() } else { format!("{count} tables") };
    let mut words = match (plan.tables.len() - differing, differing) {
        (0, 0) => "0 tables match".to_owned(),
        (0, 1) => "1 table does not match".to_owned(),
        (0, count) => format!("{count} tables do not match"),
        (count, 0) => format!("{} {}", tables(count), if count == 1 { "matches" } else { "match" }),
        (count, 1) => format!("{} {}, 1 does not", tables(count), if count == 1 { "matches" } else { "match" }),
        (count, others) => {
            format!("{} {}, {others} do not", tables(count), if count == 1 { "matches" } else { "match" })
        }
    };
    match unjudged(plan).len() {
        0 => {}
        count => words.push_str(&format!(", {count} could not be checked")),
    }
    if let Some(but) = reservations(&standing) {
        words.push_str(if differing == 0 { ", but " } else { ": " });
        words.push_str(&but);
    }
    words
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
            Block::RowsInDefault { rows: Some(_), because: _ } => {
                rows_in_the_way.insert(format!("No flag allows: {block}."));
            }
            Block::MaxCreate { .. }
            | Block::RowsInDefault { rows: None, because: _ }
            | Block::ClockSkew { .. }
            | Block::Unknown { .. }
            | Block::ManagedElsewhere { .. }
            | Block::InTheWay { .. }
            | Block::MissingRight { .. }
            | Block::Busy { .. } => {
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

/// `3 differences: 1 drift, 2 overdue. 7 scheduled changes do not count.` What could not be checked, or cannot be, comes
/// first, with what drift there is beside it.
pub(crate) fn drift_headline(drift: &Drift<'_>) -> String {
    let Drift { by_class, fail_on, standing, verdict: _, plan: _ } = drift;
    let changes = |count: usize| if count == 1 { "1 change".to_owned() } else { format!("{count} changes") };
    let words = |counts: bool| -> String {
        let of_kind = by_class.iter().filter(|(class, _)| fail_on.contains(class) == counts);
        of_kind.map(|(class, count)| format!("{count} {}", class.word())).collect::<Vec<_>>().join(", ")
    };
    let errors: Vec<String> = [unchecked(standing), impossible(standing)].into_iter().flatten().collect();
    let first = match (errors.is_empty(), drift.counted()) {
        (true, 0) => "No drift.".to_owned(),
        (true, 1) => format!("1 difference: {}.", words(true)),
        (true, count) => format!("{count} differences: {}.", words(true)),
        (false, 0) => format!("{}.", errors.join(", and ")),
        (false, _) => format!("{}, and {}.", errors.join(", "), words(true)),
    };
    let mut sentences = vec![first];
    sentences.extend(unverified(standing).map(|words| format!("{words}.")));
    if drift.not_counted() > 0 {
        let verb = if drift.not_counted() == 1 { "does" } else { "do" };
        sentences.push(format!("{} ({}) {verb} not count.", changes(drift.not_counted()), words(false)));
    }
    sentences.join(" ")
}
