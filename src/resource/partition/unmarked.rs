//! Tables that look like partitions of ours that were detached, and whose comment does not say so: a marker that a
//! hand-written COMMENT ON has overwritten. Without one nothing is ever attached or dropped, so a person has to look.

use std::collections::BTreeMap;

use super::context::Context;
use super::hold::held_by;
use crate::catalog::Unmarked;
use crate::grid::{Bound, NameTemplate, Window};
use crate::plan::{Code, Finding};
use crate::sql::Literal;

/// How far back names are made up to compare with: ten years of days.
const WINDOWS: i64 = 4_000;

/// One finding each up to here, beyond it one for all.
const NAMED: usize = 3;

/// A table that looks like one, and its window where its name tells.
struct Lost<'a> {
    table: &'a Unmarked,
    window: Option<Window>,
}

/// What was seen of them.
pub(super) fn findings(context: &Context<'_>) -> Vec<Finding> {
    let names = names(context);
    let lost: Vec<Lost<'_>> = context
        .root
        .unmarked
        .iter()
        .map(|table| Lost { table, window: names.get(table.name.name.as_str()).copied() })
        .filter(|lost| lost.table.has_bounds || lost.window.is_some())
        .collect();
    if lost.len() <= NAMED {
        return lost.iter().map(|lost| one(context, lost)).collect();
    }
    let named: Vec<String> = lost.iter().take(NAMED).map(|lost| lost.table.name.to_string()).collect();
    let message = format!(
        "{} tables look like detached partitions, and their comments have no marker: left alone ({} and {} more)",
        lost.len(),
        named.join(", "),
        lost.len() - NAMED
    );
    let mut finding = context.finding(Code::Unmarked, None, message);
    let held = lost.iter().find_map(|lost| holder(context, lost));
    finding.hint = lost.first().map(|first| format!("for each, as for the first: {}", hint(context, first, held)));
    vec![finding]
}

/// The names that the policy gives to windows up to now.
fn names(context: &Context<'_>) -> BTreeMap<String, Window> {
    let by_name = context.root.unmarked.iter().any(|table| !table.has_bounds || !table.held);
    let current = context.current().and_then(|current| context.grid.index_of(current)).filter(|_| by_name);
    let Some(current) = current else { return BTreeMap::new() };
    let template = context.table.name.clone().unwrap_or_else(|| NameTemplate::default_for(context.table.width));
    let windows = context.grid.windows_between(current.saturating_sub(WINDOWS), current);
    let table = context.name.name.as_str();
    windows.map(|window| (template.render(table, window.from, window.to, context.grid), window)).collect()
}

fn one(context: &Context<'_>, lost: &Lost<'_>) -> Finding {
    let by = match (lost.table.has_bounds, lost.window.is_some()) {
        (true, true) => "its columns, its name and a check of its bounds",
        (true, false) => "its columns and a check of its bounds",
        (false, true | false) => "its columns and its name",
    };
    let held = if lost.table.held { "; its hold line changes nothing" } else { "" };
    let message = format!("it looks like a detached partition ({by}), and its comment has no marker: left alone{held}");
    let mut finding = context.finding(Code::Unmarked, Some(&lost.table.name), message);
    finding.hint = Some(hint(context, lost, holder(context, lost)));
    finding
}

/// What holds it, as far as its window is known: without one any hold of the table may mean it.
fn holder(context: &Context<'_>, lost: &Lost<'_>) -> Option<String> {
    let (from, to) = match lost.window {
        Some(Window { from, to, .. }) => (Bound::Value(from), Bound::Value(to)),
        None => (Bound::MinValue, Bound::MaxValue),
    };
    held_by(context, from, to, lost.table.held)
}

/// With what holds any of those that the sentence is about: what is held is not to be dropped.
fn hint(context: &Context<'_>, lost: &Lost<'_>, held: Option<String>) -> String {
    let Lost { table: Unmarked { name, held: _, has_bounds: _ }, window } = lost;
    let (bounds, from) = match window {
        Some(Window { from, to, .. }) => {
            let literal = |value: String| Literal(&value).to_string();
            (format!("FROM ({}) TO ({})", literal(from.to_string()), literal(to.to_string())), String::new())
        }
        None => ("FROM (…) TO (…)".to_owned(), format!(", with the bounds of its check (\\d {name})")),
    };
    let or = match held {
        Some(by) => format!(" do not drop it by hand: {by} holds it"),
        None => " or drop it by hand".to_owned(),
    };
    format!(
        "attach it again, and retention detaches it with a marker: ALTER TABLE {} ATTACH PARTITION {name} FOR VALUES {bounds};{from}{or}",
        context.name
    )
}
