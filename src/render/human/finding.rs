//! Findings for people: errors said one by one, notes that repeat themselves joined.

use std::fmt::{self, Write};

use super::plan::Layout;
use crate::plan::{Code, Finding, Level, Object, Unmet};
use crate::render::outline::short_object;
use crate::render::sentences::code_word;
use crate::render::style::{Paint, Style, columns, wrap};
use crate::sql::TableName;

/// Lists are wrapped even where nobody knows the width.
const WIDTH_OF_LISTS: usize = 100;

/// One or several findings of one kind, as one line.
pub(crate) struct FoldedFinding<'a> {
    first: &'a Finding,
    object: Option<String>,
    message: String,
    hint: Option<&'a str>,
}

/// Joins what would repeat itself: sections that are not yet enforced, notes of one code about many partitions or about
/// one.
pub(crate) fn fold_findings<'a>(findings: &[&'a Finding], style: Style) -> Vec<FoldedFinding<'a>> {
    const MANY: usize = 3;
    let mut folded: Vec<FoldedFinding<'a>> = Vec::new();
    let mut at = 0;
    while let Some(first) = findings.get(at) {
        let alike = |other: &&&Finding| other.code == first.code && other.hint == first.hint;
        let run = findings[at..].iter().take_while(alike).count();
        let same_message = findings[at..at + run].iter().all(|finding| finding.message == first.message);
        let not_enforced = first.code == Code::NotYetEnforced;
        let same_object =
            first.object.is_some() && findings[at..at + run].iter().all(|finding| finding.object == first.object);
        let joins = run > 1 && !style.verbose && (not_enforced || same_message || same_object || run > MANY);
        // Errors are said one by one, and so is what counts as drift.
        let counts = first.code.level() == Level::Error || (first.code.unmet() == Unmet::Drift && !same_message);
        if !joins || counts {
            folded.push(FoldedFinding {
                first,
                object: first.object.as_ref().map(|object| relative(object, first.table.as_ref())),
                message: first.message.clone(),
                hint: first.hint.as_deref(),
            });
            at += 1;
            continue;
        }
        let last = findings[at + run - 1];
        let ends = first.object.as_ref().zip(last.object.as_ref()).map(|(first_object, last_object)| {
            let table = first.table.as_ref();
            match first_object == last_object {
                true => relative(first_object, table),
                false => format!("{} {} {}", relative(first_object, table), style.dots(), relative(last_object, table)),
            }
        });
        let message = if not_enforced {
            let paths: Vec<&str> = findings[at..at + run].iter().map(|finding| path_of(&finding.message)).collect();
            format!("not yet enforced by this version: {}", paths.join(", "))
        } else if same_message {
            format!("{run} of them: {}", first.message)
        } else {
            format!("{run} of them, such as the first: {} (-v lists all)", first.message)
        };
        folded.push(FoldedFinding { first, object: ends, message, hint: first.hint.as_deref() });
        at += run;
    }
    folded
}

/// The policy path that a message has in backticks.
fn path_of(message: &str) -> &str {
    message.split('`').nth(1).unwrap_or(message)
}

pub(super) fn relative(object: &Object, table: Option<&TableName>) -> String {
    table.map_or_else(|| object.to_string(), |table| short_object(object, table))
}

/// One or several findings as one sentence.
pub(super) fn plain_finding(finding: &FoldedFinding<'_>) -> String {
    let hint = finding.hint.map_or_else(String::new, |hint| format!(" (hint: {hint})"));
    format!("{}{}{hint}", level_word(finding.first.code.level()), finding.message)
}

fn level_word(level: Level) -> &'static str {
    match level {
        Level::Error => "error: ",
        Level::Warning => "warning: ",
        Level::Note => "",
    }
}

pub(super) fn finding_line(
    finding: &FoldedFinding<'_>,
    table: Option<&TableName>,
    layout: &Layout,
    style: Style,
    out: &mut dyn Write,
) -> fmt::Result {
    let level = finding.first.code.level();
    let paint = match level {
        Level::Error => Paint::Danger,
        Level::Warning => Paint::Changed,
        Level::Note => Paint::Dim,
    };
    let word = level_word(level);
    let code = if style.verbose { format!(" [{}]", code_word(finding.first)) } else { String::new() };
    let message = style.text(&format!("{word}{}{code}", finding.message));
    let object = finding.object.as_deref().map(|object| style.text(object));
    let indent = match (&object, table) {
        (Some(object), Some(_)) => 4 + layout.what.max(columns(object)) + 2,
        (Some(object), None) => 4 + columns(object) + 2,
        (None, _) => 4,
    };
    // Beside a long name too little room is left: the message then goes below it.
    let below = style.width.is_some_and(|width| width < indent + 45);
    let (lead, hang) = match &object {
        Some(object) if below => {
            writeln!(out, "{}", style.paint(paint, format!("  ? {object}")))?;
            ("      ".to_owned(), 6)
        }
        Some(object) => (format!("  ? {object:pad$}  ", pad = indent - 6), indent),
        None => ("  ? ".to_owned(), 4),
    };
    // A policy may name many sections that are not enforced: one line a screen wide for each is no help in a log.
    let width = match finding.first.code == Code::NotYetEnforced {
        true => style.width.or(Some(WIDTH_OF_LISTS)),
        false => style.width,
    };
    let room = width.map(|width| width.saturating_sub(hang));
    for (at, piece) in wrap(&message, room).into_iter().enumerate() {
        let lead = if at == 0 { lead.clone() } else { " ".repeat(hang) };
        writeln!(out, "{}", style.paint(paint, format!("{lead}{piece}")))?;
    }
    if let Some(hint) = finding.hint {
        let hint = style.text(&format!("hint: {hint}"));
        for piece in wrap(&hint, style.width.map(|width| width.saturating_sub(6))) {
            writeln!(out, "      {piece}")?;
        }
    }
    Ok(())
}
