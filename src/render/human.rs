//! Plans for people: count first, then each table with its changes, then locks, and what is blocked with the exact flag.

use std::collections::BTreeSet;
use std::fmt::{self, Write};

use super::detail;
use super::lock_summary::lock_summary;
use super::outline::{Line, Section, all_changes, sections, short};
use super::style::{Paint, Style, columns, wrap};
use super::words;
use crate::plan::{Block, Finding, Level, Plan, TableOverview};
use crate::policy::Grant;
use crate::sql::TableName;

/// Names longer than this do not push the columns of every other line to the right.
const WIDEST_NAME: usize = 52;
/// The same for what is done.
const WIDEST_HOW: usize = 40;

/// Writes a plan for people.
///
/// # Errors
/// What `out` refuses.
///
/// ```
/// use pgstrata::{plan::Plan, render::{Style, human}};
///
/// fn shown(plan: &Plan) -> Result<String, std::fmt::Error> {
///     let mut text = String::new();
///     human::plan(plan, Style::PLAIN, &mut text)?;
///     Ok(text)
/// }
/// ```
pub fn plan(plan: &Plan, style: Style, out: &mut dyn Write) -> fmt::Result {
    header("plan", plan, style, out)?;
    writeln!(out)?;
    counts(plan, style, out)?;
    body(plan, &sections(plan, !style.verbose), style, out)?;
    footer(plan, style, out)
}

/// `pgstrata plan · app@db1 (PostgreSQL 17.10) · evaluated 2026-03-14T00:00:00Z`
pub(crate) fn header(command: &str, plan: &Plan, style: Style, out: &mut dyn Write) -> fmt::Result {
    let dot = style.middot();
    let target = style.text(&plan.target.to_string());
    let head = format!("pgstrata {command} {dot} {target} {dot} evaluated {}", plan.evaluated_at);
    writeln!(out, "{}", style.paint(Paint::Bold, head))
}

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
    let blocked = plan.steps.iter().any(|step| step.action.verb() == crate::plan::Verb::Drop && step.gate.is_blocked());
    let upto = if blocked { "up to " } else { "" };
    Some(match plan.summary.bytes_freed {
        Some(bytes) => format!("{upto}{} freed", words::bytes(bytes)),
        None => "size freed unknown".to_owned(),
    })
}

fn counts(plan: &Plan, style: Style, out: &mut dyn Write) -> fmt::Result {
    if plan.is_empty() {
        return no_changes(plan, style, out);
    }
    write!(out, "{}", style.paint(Paint::Bold, format!("Plan: {}.", count_words(plan))))?;
    if let Some(freed) = freed_words(plan) {
        write!(out, "  {freed}")?;
    }
    writeln!(out)
}

/// `No changes. 3 tables match; …`: only tables that could be judged match.
fn no_changes(plan: &Plan, style: Style, out: &mut dyn Write) -> fmt::Result {
    let matching = match plan.tables.len() {
        1 => "1 table matches".to_owned(),
        count => format!("{count} tables match"),
    };
    let unjudged = unjudged(plan).len();
    let unjudged = match unjudged {
        0 => String::new(),
        count => format!(", {count} could not be judged"),
    };
    let next = crate::report::next::creation(plan).map_or_else(String::new, |(at, table)| {
        format!("; next scheduled change {} ({})", words::day(at), style.text(&table.to_string()))
    });
    writeln!(out, "{}", style.paint(Paint::Bold, format!("No changes. {matching}{unjudged}{next}.")))
}

/// Tables of the plan with a finding that says they could not be judged.
pub(crate) fn unjudged(plan: &Plan) -> BTreeSet<&TableName> {
    let errors = plan.findings.iter().filter(|finding| finding.code.level() == Level::Error);
    let judged: BTreeSet<_> = plan.tables.iter().map(|overview| &overview.table).collect();
    errors.filter_map(|finding| finding.table.as_ref()).filter(|table| !judged.contains(table)).collect()
}

/// Tables with their lines and findings, and what concerns none of them.
pub(crate) fn body(plan: &Plan, sections: &[Section<'_>], style: Style, out: &mut dyn Write) -> fmt::Result {
    let layout = Layout::of(sections, style);
    for section in sections.iter().filter(|section| worth_showing(section, plan)) {
        writeln!(out)?;
        section_head(section, &layout, style, out)?;
        for line in &section.lines {
            change_line(line, section.table, &layout, style, out)?;
            if style.verbose {
                line.changes.iter().try_for_each(|change| detail::change(plan, change, style, out))?;
            }
        }
        let findings = fold_findings(&section.findings, style);
        findings.iter().try_for_each(|finding| finding_line(finding, Some(section.table), &layout, style, out))?;
    }
    let general: Vec<&Finding> = plan.findings.iter().filter(|finding| finding.table.is_none()).collect();
    if !general.is_empty() {
        writeln!(out)?;
        let findings = fold_findings(&general, style);
        findings.iter().try_for_each(|finding| finding_line(finding, None, &layout, style, out))?;
    }
    Ok(())
}

/// A table that matches has nothing to say in a plan that has other things to say.
fn worth_showing(section: &Section<'_>, plan: &Plan) -> bool {
    plan.is_empty() || plan.tables.len() <= 10 || !section.lines.is_empty() || !section.findings.is_empty()
}

/// Widths of the columns of changes: one layout for the whole plan, so that the eye can run down it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Layout {
    what: usize,
    how: usize,
}

impl Layout {
    fn of(sections: &[Section<'_>], style: Style) -> Self {
        let lines = || sections.iter().flat_map(|section| section.lines.iter().map(move |line| (section.table, line)));
        let widest = |cap: usize, widths: &mut dyn Iterator<Item = usize>| {
            widths.filter(|width| *width <= cap).max().unwrap_or(0)
        };
        let objects = sections.iter().flat_map(|section| {
            section.findings.iter().filter_map(|finding| finding.object.as_ref()).map(|name| short(name, section.table))
        });
        let what = widest(
            WIDEST_NAME,
            &mut lines()
                .map(|(table, line)| columns(&style.text(&line.what(table, style.dots()))))
                .chain(objects.map(|name| columns(&name))),
        );
        let how = widest(WIDEST_HOW, &mut lines().map(|(_, line)| columns(&style.text(&line.how(style.dots())))));
        Self { what: what.max(16), how: how.max(12) }
    }

    /// Where the reasons begin.
    fn reason(self) -> usize {
        4 + self.what + 2 + self.how + 2
    }
}

fn section_head(section: &Section<'_>, layout: &Layout, style: Style, out: &mut dyn Write) -> fmt::Result {
    let name = style.text(&section.table.to_string());
    write!(out, "{}", style.paint(Paint::Bold, &name))?;
    let Some(overview) = section.overview else {
        return writeln!(out);
    };
    let policy = style.text(&overview.policy);
    write!(out, "  {}", style.paint(Paint::Dim, &policy))?;
    if let Some(runway) = runway_words(overview, style) {
        let used = columns(&name) + 2 + columns(&policy);
        let gap = layout.reason().saturating_sub(used).max(2);
        write!(out, "{:gap$}{runway}", "")?;
    }
    writeln!(out)
}

/// `runway 6d → 7d`
pub(crate) fn runway_words(overview: &TableOverview, style: Style) -> Option<String> {
    let now = overview.runway.map(|runway| words::duration(runway.seconds));
    let after = overview.runway_after.map(|runway| words::duration(runway.seconds));
    match (now, after) {
        (Some(now), Some(after)) if now == after => Some(format!("runway {now}")),
        (Some(now), Some(after)) => Some(format!("runway {now} {} {after}", style.arrow())),
        (Some(only), None) | (None, Some(only)) => Some(format!("runway {only}")),
        (None, None) => None,
    }
}

fn change_line(line: &Line<'_>, table: &TableName, layout: &Layout, style: Style, out: &mut dyn Write) -> fmt::Result {
    let symbol = line.first().symbol();
    let paint = match symbol {
        '+' => Paint::Added,
        '-' => Paint::Removed,
        _ => Paint::Changed,
    };
    let what = style.text(&line.what(table, style.dots()));
    let how = style.text(&line.how(style.dots()));
    let why = style.text(&line.why());
    let (what_pad, how_pad) = (layout.what.saturating_sub(columns(&what)), layout.how.saturating_sub(columns(&how)));
    writeln!(
        out,
        "  {} {}{:what_pad$}  {how}{:how_pad$}  {}",
        style.paint(paint, symbol),
        style.paint(paint, what),
        "",
        "",
        style.paint(Paint::Dim, why)
    )?;
    for because in line.blocked_because() {
        mark_line('x', &format!("blocked: {because}"), Paint::Danger, style, out)?;
    }
    for hazard in line.hazards() {
        let granted = hazard.granted.map_or_else(String::new, |by| format!(" ({by})"));
        mark_line('!', &format!("{} {}{granted}", hazard.kind, hazard.words), Paint::Changed, style, out)?;
    }
    Ok(())
}

/// `      ! DELETES_DATA 402 GB, ~1.9e9 rows`, wrapped under itself.
fn mark_line(mark: char, text: &str, paint: Paint, style: Style, out: &mut dyn Write) -> fmt::Result {
    let text = style.text(text);
    for (at, piece) in wrap(&text, style.width.map(|width| width.saturating_sub(8))).into_iter().enumerate() {
        let lead = if at == 0 { format!("      {mark} ") } else { " ".repeat(8) };
        writeln!(out, "{}", style.paint(paint, format!("{lead}{piece}")))?;
    }
    Ok(())
}

/// One or several findings of one kind, as one line.
struct FoldedFinding<'a> {
    first: &'a Finding,
    object: Option<String>,
    message: String,
    hint: Option<&'a str>,
}

/// Joins what would repeat itself: sections that are not yet enforced, and notes of one code about many partitions.
fn fold_findings<'a>(findings: &[&'a Finding], style: Style) -> Vec<FoldedFinding<'a>> {
    const MANY: usize = 3;
    let mut folded: Vec<FoldedFinding<'a>> = Vec::new();
    let mut at = 0;
    while let Some(first) = findings.get(at) {
        let alike = |other: &&&Finding| other.code == first.code && other.hint == first.hint;
        let run = findings[at..].iter().take_while(alike).count();
        let same_message = findings[at..at + run].iter().all(|finding| finding.message == first.message);
        let not_enforced = first.code == crate::plan::Code::NotYetEnforced;
        let joins = run > 1 && !style.verbose && (not_enforced || same_message || run > MANY);
        // Errors are said one by one.
        if !joins || first.code.level() == Level::Error {
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
            format!("{} {} {}", relative(first_object, table), style.dots(), relative(last_object, table))
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

fn relative(object: &TableName, table: Option<&TableName>) -> String {
    table.map_or_else(|| object.to_string(), |table| short(object, table))
}

fn finding_line(
    finding: &FoldedFinding<'_>,
    table: Option<&TableName>,
    layout: &Layout,
    style: Style,
    out: &mut dyn Write,
) -> fmt::Result {
    let (word, paint) = match finding.first.code.level() {
        Level::Error => ("error: ", Paint::Danger),
        Level::Warning => ("warning: ", Paint::Changed),
        Level::Note => ("", Paint::Dim),
    };
    let code = if style.verbose { format!(" [{}]", code_word(finding.first)) } else { String::new() };
    let message = style.text(&format!("{word}{}{code}", finding.message));
    let object = finding.object.as_deref().map(|object| style.text(object));
    let indent = match (&object, table) {
        (Some(object), Some(_)) => 4 + layout.what.max(columns(object)) + 2,
        (Some(object), None) => 4 + columns(object) + 2,
        (None, _) => 4,
    };
    // Beside a long name too little room is left: the message then goes below it.
    let below = style.width.is_some_and(|width| width < indent + 30);
    let (lead, hang) = match &object {
        Some(object) if below => {
            writeln!(out, "{}", style.paint(paint, format!("  ? {object}")))?;
            ("      ".to_owned(), 6)
        }
        Some(object) => (format!("  ? {object:pad$}  ", pad = indent - 6), indent),
        None => ("  ? ".to_owned(), 4),
    };
    let room = style.width.map(|width| width.saturating_sub(hang));
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

/// A finding's stable code.
pub(crate) fn code_word(finding: &Finding) -> String {
    match serde_json::to_value(finding.code) {
        Ok(serde_json::Value::String(code)) => code,
        Ok(_) | Err(_) => format!("{:?}", finding.code),
    }
}

fn footer(plan: &Plan, style: Style, out: &mut dyn Write) -> fmt::Result {
    let locks = lock_summary(plan).sentences();
    if !locks.is_empty() || plan.summary.blocked > 0 || !plan.applyable {
        writeln!(out)?;
    }
    labelled("Locks: ", &locks, None, style, out)?;
    labelled("Blocked: ", &blocked_sentences(plan), Some(Paint::Danger), style, out)?;
    labelled("Not applyable: ", &not_applyable(plan), Some(Paint::Danger), style, out)
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
    for block in blocked.iter().flat_map(|change| change.blocks()) {
        match block {
            Block::Hazard { allow, hazard: _ } | Block::MaxDrop { allow, windows: _ } => {
                grants.insert(allow);
            }
            Block::MaxCreate { .. }
            | Block::RowsInDefault { .. }
            | Block::ClockSkew { .. }
            | Block::Unknown { .. }
            | Block::ManagedElsewhere { .. } => {
                others.insert(format!("No flag allows: {block}."));
            }
            // It runs once what it needs does.
            Block::Needs { .. } => {}
        }
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
fn shell_word(word: &str) -> String {
    let plain = word.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | ':' | '/' | '@'));
    if plain { word.to_owned() } else { format!("'{}'", word.replace('\'', r"'\''")) }
}

/// A label, and sentences below each other beside it.
fn labelled(label: &str, sentences: &[String], paint: Option<Paint>, style: Style, out: &mut dyn Write) -> fmt::Result {
    let hang = columns(label);
    let mut first = true;
    for sentence in sentences {
        for piece in wrap(&style.text(sentence), style.width.map(|width| width.saturating_sub(hang))) {
            match (first, paint) {
                (true, Some(paint)) => write!(out, "{}", style.paint(paint, label))?,
                (true, None) => write!(out, "{}", style.paint(Paint::Bold, label))?,
                (false, _) => write!(out, "{:hang$}", "")?,
            }
            writeln!(out, "{piece}")?;
            first = false;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::testing::busy;

    fn shown(plan: &Plan, style: Style) -> String {
        let mut text = String::new();
        super::plan(plan, style, &mut text).unwrap();
        text
    }

    #[test]
    fn look() {
        println!("{}", shown(&busy(), Style { width: Some(100), ..Style::PLAIN }));
        println!("{}", shown(&busy(), Style { width: Some(100), verbose: true, ..Style::PLAIN }));
        println!("{}", crate::render::json::to_json(&busy()).lines().take(150).collect::<Vec<_>>().join("\n"));
    }
}
