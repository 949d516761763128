//! Tables that look like partitions of ours that were detached, and whose comment does not say so: a marker that a
//! hand-written COMMENT ON has overwritten. Without one nothing is ever attached or dropped, so a person has to look.

use std::collections::{BTreeMap, BTreeSet};

use super::context::Context;
use super::hold::held_by;
use super::names::by_template;
use super::wanted::Piece;
use crate::catalog::Unmarked;
use crate::grid::{Bound, NameTemplate, Window};
use crate::plan::{Code, Finding};
use crate::sql::{Literal, TableName};

/// How far back names are made up to compare with: ten years of days.
const WINDOWS: i64 = 4_000;

/// One finding each up to here, beyond it one for all.
const NAMED: usize = 3;

/// A table that looks like one, and its window where its name tells.
struct Lost<'a> {
    table: &'a Unmarked,
    window: Option<Window>,
}

/// The wanted pieces without those that a person has to decide about, and the tables that stand for them. Where a table
/// without a marker has the name of a window whose time is over, its rows are probably there: an empty partition beside it
/// would be in the way of attaching it. The current window and later ones are always made.
pub(super) fn set_aside(context: &Context<'_>, pieces: Vec<Piece>) -> (Vec<Piece>, BTreeSet<TableName>) {
    let unmarked: BTreeSet<&TableName> = context.root.unmarked.iter().map(|table| &table.name).collect();
    let Some(now) = context.current().filter(|_| !unmarked.is_empty()) else { return (pieces, BTreeSet::new()) };
    let mut stand_for = BTreeSet::new();
    let pieces = pieces.into_iter().filter(|piece| {
        let name = by_template(context, piece.from, piece.to);
        let aside = piece.to <= Bound::Value(now) && unmarked.contains(&name);
        if aside {
            stand_for.insert(name);
        }
        !aside
    });
    (pieces.collect(), stand_for)
}

/// What was seen of them: those that stand for a window that the policy wants are drift.
pub(super) fn findings(context: &Context<'_>, stand_for: &BTreeSet<TableName>) -> Vec<Finding> {
    let names = names(context);
    let lost = context
        .root
        .unmarked
        .iter()
        .map(|table| Lost { table, window: names.get(table.name.name.as_str()).copied() })
        .filter(|lost| lost.table.has_bounds || lost.window.is_some());
    let (wanted, others): (Vec<Lost<'_>>, Vec<Lost<'_>>) = lost.partition(|lost| stand_for.contains(&lost.table.name));
    let mut findings = alike(context, &wanted, Code::WindowUnmarked);
    findings.extend(alike(context, &others, Code::Unmarked));
    findings
}

fn alike(context: &Context<'_>, lost: &[Lost<'_>], code: Code) -> Vec<Finding> {
    if lost.len() <= NAMED {
        return lost.iter().map(|lost| one(context, lost, code)).collect();
    }
    let named: Vec<String> = lost.iter().take(NAMED).map(|lost| lost.table.name.to_string()).collect();
    let message = format!(
        "{} tables look like detached partitions, and their comments have no marker: {} ({} and {} more)",
        lost.len(),
        left(code),
        named.join(", "),
        lost.len() - NAMED
    );
    let mut finding = context.finding(code, None, message);
    let held = lost.iter().find_map(|lost| holder(context, lost));
    finding.hint = lost.first().map(|first| format!("for each, as for the first: {}", hint(context, first, held)));
    vec![finding]
}

fn left(code: Code) -> &'static str {
    if code == Code::WindowUnmarked {
        "left alone, and no partition is created for a window that is over and that one of them may hold"
    } else {
        "left alone"
    }
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

fn one(context: &Context<'_>, lost: &Lost<'_>, code: Code) -> Finding {
    let by = match (lost.table.has_bounds, lost.window.is_some()) {
        (true, true) => "its columns, its name and a check of its bounds",
        (true, false) => "its columns and a check of its bounds",
        (false, true | false) => "its columns and its name",
    };
    let held = if lost.table.held { "; its hold line changes nothing" } else { "" };
    let left = match lost.window.filter(|_| code == Code::WindowUnmarked) {
        Some(window) => format!("left alone, and no partition is created for its window, from {}", window.from),
        None => "left alone".to_owned(),
    };
    let message = format!("it looks like a detached partition ({by}), and its comment has no marker: {left}{held}");
    let mut finding = context.finding(code, Some(&lost.table.name), message);
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
    let or = match held {
        Some(by) => format!(" do not drop it by hand: {by} holds it"),
        None => " or drop it by hand".to_owned(),
    };
    let (bounds, from) = match window {
        // Attaching it would overlap.
        Some(window) if is_covered(context, window) => {
            let drop = or.replace(" or drop it", " then drop it");
            return format!(
                "another partition takes the rows of its window: move what it has there (INSERT INTO {} SELECT * FROM {name};){drop}",
                context.name
            );
        }
        Some(Window { from, to, .. }) => {
            let literal = |value: String| Literal(&value).to_string();
            (format!("FROM ({}) TO ({})", literal(from.to_string()), literal(to.to_string())), String::new())
        }
        None => ("FROM (…) TO (…)".to_owned(), format!(", with the bounds of its check (\\d {name})")),
    };
    format!(
        "attach it again, and retention detaches it with a marker: ALTER TABLE {} ATTACH PARTITION {name} FOR VALUES {bounds};{from}{or}",
        context.name
    )
}

/// Whether its window has a partition, or gets one of this plan: those that are not over always do.
fn is_covered(context: &Context<'_>, window: &Window) -> bool {
    let (from, to) = (Bound::Value(window.from), Bound::Value(window.to));
    context.current().is_none_or(|now| to > Bound::Value(now))
        || context.ranges.iter().any(|range| range.from < to && from < range.to)
}
