//! Plans for people: count first, then each table with its changes, then locks, and what is blocked with the exact flag.

use std::fmt::{self, Write};

use super::finding::{finding_line, fold_findings};
use crate::plan::{Finding, Plan};
use crate::render::lock_summary::lock_summary;
use crate::render::outline::{Line, Section, sections, short};
use crate::render::sentences::{blocked_sentences, count_words, freed_words, not_applyable, runway_words, unjudged};
use crate::render::style::{Paint, Style, columns, wrap};
use crate::render::{detail, words};
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
pub(super) struct Layout {
    pub(super) what: usize,
    pub(super) how: usize,
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

fn footer(plan: &Plan, style: Style, out: &mut dyn Write) -> fmt::Result {
    let locks = lock_summary(plan).sentences();
    if !locks.is_empty() || plan.summary.blocked > 0 || !plan.applyable {
        writeln!(out)?;
    }
    labelled("Locks: ", &locks, None, style, out)?;
    labelled("Blocked: ", &blocked_sentences(plan), Some(Paint::Danger), style, out)?;
    labelled("Not applyable: ", &not_applyable(plan), Some(Paint::Danger), style, out)
}

/// A label, and sentences below each other beside it.
pub(super) fn labelled(
    label: &str,
    sentences: &[String],
    paint: Option<Paint>,
    style: Style,
    out: &mut dyn Write,
) -> fmt::Result {
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
