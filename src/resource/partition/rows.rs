//! Rows that a default partition should not have for ever: those past retention, which no removal of ours reaches, and those
//! outside the wanted windows, some of which will be in the way of windows to come.

use std::collections::BTreeSet;

use super::context::Context;
use super::hold::holders;
use super::wanted::{due_at, reach};
use crate::catalog::{Answer, DefaultCounts, DefaultKeys, Question, was_locked};
use crate::grid::{Bound, KeyValue};
use crate::plan::{Code, DefaultRowsOverview, Finding};
use crate::policy::DefaultRows;
use crate::sql::TableName;

/// What must be asked before [`findings`].
pub(super) fn questions(context: &Context<'_>) -> BTreeSet<Question> {
    question(context).into_iter().collect()
}

fn question(context: &Context<'_>) -> Option<Question> {
    match context.table.default_rows {
        DefaultRows::Report => {}
        DefaultRows::Ignore => return None,
    }
    let (leaf, _) = context.default?;
    let (low, high) = reach(context)?;
    let edge = context.retention().and_then(|_| context.edge_value());
    Some(Question::DefaultKeys { leaf, edge, low, high })
}

fn answer(context: &Context<'_>) -> Option<Result<DefaultKeys, String>> {
    Some(match context.snapshot.answers.get(&question(context)?) {
        Answer::DefaultKeys(keys) => Ok(*keys),
        Answer::Unknown(because) => Err(because),
        Answer::Leaf(_)
        | Answer::Keys(_)
        | Answer::Rows(_)
        | Answer::Bytes(_)
        | Answer::Shape(_)
        | Answer::Withheld(_)
        | Answer::Refused(_)
        | Answer::Bloat(_)
        | Answer::Found(_)
        | Answer::Spelling(_)
        | Answer::Taken(_) => Err("an answer of another kind".to_owned()),
    })
}

/// What the table's line says of them.
pub(super) fn overview(context: &Context<'_>) -> Option<DefaultRowsOverview> {
    let DefaultKeys { rows, exact, counts, least, most, least_is_expired: _ } = answer(context)?.ok()?;
    Some(DefaultRowsOverview {
        rows,
        exact,
        expired: counts.map(|counts| counts.expired),
        outside: counts.map(outside),
        least,
        most,
    })
}

fn outside(DefaultCounts { expired: _, below, above, without_key, first_above: _ }: DefaultCounts) -> u64 {
    below.saturating_add(above).saturating_add(without_key)
}

/// What is to be said of them.
pub(super) fn findings(context: &Context<'_>) -> Vec<Finding> {
    let Some((_, leaf)) = context.default else { return Vec::new() };
    let Some(answer) = answer(context) else { return Vec::new() };
    let one = One { context, leaf: &leaf.name };
    match answer {
        Err(because) => vec![one.unverified(format!("its rows were not looked at: {because}"))],
        Ok(keys) => match keys.counts {
            Some(counts) => one.counted(&keys, counts),
            None => one.estimated(&keys),
        },
    }
}

struct One<'s, 'a> {
    context: &'s Context<'a>,
    leaf: &'s TableName,
}

fn rows(count: u64) -> String {
    if count == 1 { "1 row".to_owned() } else { format!("{count} rows") }
}

/// Of the whole partition: which rows the ends are of is not asked.
fn range(keys: &DefaultKeys) -> String {
    match (&keys.least, &keys.most) {
        (Some(least), Some(most)) if least == most => format!(" (its only key is {least})"),
        (Some(least), Some(most)) => format!(" (its keys are from {least} to {most})"),
        (None, _) | (_, None) => String::new(),
    }
}

impl One<'_, '_> {
    fn counted(&self, keys: &DefaultKeys, counts: DefaultCounts) -> Vec<Finding> {
        let Self { context, leaf } = self;
        let mut findings = Vec::new();
        let DefaultCounts { expired, below, above, without_key, first_above } = counts;
        if expired > 0 {
            let (are, them) = if expired == 1 { ("is", "it") } else { ("are", "them") };
            findings.push(self.expired(
                keys,
                format!(
                    "{} {are} past retention: no retention removes {them} from a default partition{}",
                    rows(expired),
                    range(keys)
                ),
            ));
        }
        if let (true, Some((low, high))) = (outside(counts) > 0, reach(context)) {
            let parts = [
                (below, format!("before {low}")),
                (above, format!("from {high} on")),
                (without_key, "without a key".to_owned()),
            ];
            let parts: Vec<String> =
                parts.iter().filter(|(count, _)| *count > 0).map(|(count, place)| format!("{count} {place}")).collect();
            let message =
                format!("{} outside the wanted windows: {}{}", rows(outside(counts)), parts.join(", "), range(keys));
            findings.push(context.finding(Code::RowsOutsideWindows, Some(leaf), message));
        }
        findings.extend(first_above.and_then(|first| self.will_block(above, first)));
        findings
    }

    /// A window to come, named before its day.
    fn will_block(&self, above: u64, first: KeyValue) -> Option<Finding> {
        let Self { context, leaf } = self;
        let window = context.grid.window(context.grid.index_of(first)?)?;
        let when = due_at(context, window).map_or_else(String::new, |at| format!(", due {}", crate::render::day(at)));
        let lie = if above == 1 { "lies" } else { "lie" };
        let message = format!(
            "{} of windows to come {lie} in it, the first in {} to {}{when}: it will be blocked until they are moved",
            rows(above),
            window.from,
            window.to
        );
        let mut finding = context.finding(Code::WindowWillBeBlocked, Some(leaf), message);
        finding.hint = Some(format!("move them out of {leaf} before that day"));
        Some(finding)
    }

    fn estimated(&self, keys: &DefaultKeys) -> Vec<Finding> {
        let count = keys.rows.map_or_else(|| "an unknown number of rows".to_owned(), |rows| format!("~{rows} rows"));
        let key = &self.context.root.key.name;
        match keys.least_is_expired {
            Some(true) => vec![self.expired(keys, format!(
                "rows are past retention, how many of {count} is not verified: no retention removes them from a default \
                 partition{}",
                range(keys)
            ))],
            // The least key is kept, and so are all.
            Some(false) => Vec::new(),
            None if keys.least.is_some() => {
                vec![self.unverified(format!("{count}: which of them lie outside the wanted windows is not verified{}", range(keys)))]
            }
            None => vec![self.unverified(format!(
                "{count}: not verified, for it is larger than 64 MB and no index begins with {key}"
            ))],
        }
    }

    /// What holds any of those that are past retention: they begin with the least key, where that is known.
    fn holder(&self, keys: &DefaultKeys) -> Option<String> {
        let Self { context, leaf: _ } = self;
        let least = keys.least.as_ref().and_then(|least| KeyValue::parse(context.root.key.kind, least).ok());
        let from = least.map_or(Bound::MinValue, Bound::Value);
        let to = context.edge_value().map_or(Bound::MaxValue, Bound::Value);
        let by_comment = context.default.is_some_and(|(_, leaf)| leaf.held);
        let all: Vec<String> = holders(context, from, to, by_comment).map(|holder| holder.to_string()).collect();
        (!all.is_empty()).then(|| all.join(" and "))
    }

    fn expired(&self, keys: &DefaultKeys, mut message: String) -> Finding {
        let Self { context, leaf } = self;
        let held = self.holder(keys);
        if let Some(by) = &held {
            message.push_str(&format!("; held by {by}"));
        }
        let mut finding = context.finding(Code::ExpiredInDefault, Some(leaf), message);
        if held.is_some() {
            finding.hint = Some(
                "delete none of them by hand while the hold is there; or write `default_rows: ignore` under `partition`".to_owned(),
            );
            return finding;
        }
        let key = &context.root.key.name;
        finding.hint = context.edge_value().map(|edge| {
            format!(
                "look at them, then: DELETE FROM {leaf} WHERE {key} < '{edge}'; or write `default_rows: ignore` under \
                 `partition`"
            )
        });
        finding
    }

    fn unverified(&self, message: String) -> Finding {
        let Self { context, leaf } = self;
        let mut finding = context.finding(Code::DefaultRowsUnverified, Some(leaf), message);
        finding.hint = (!was_locked(&finding.message))
            .then(|| "write `default_rows: ignore` under `partition` if it does not matter".to_owned());
        finding
    }
}
