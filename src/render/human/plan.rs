//! Plans for people: count first, then each table with its changes, then locks, and what is blocked with the exact flag.

use std::collections::BTreeMap;
use std::fmt::{self, Write};

use super::finding::{finding_line, fold_findings, relative};
use crate::plan::{Finding, Plan};
use crate::render::lock_summary::lock_summary;
use crate::render::outline::{Line, LineHazard, Section, sections};
use crate::render::sentences::{
    beside_changes, blocked_sentences, count_words, freed_words, matching_words, not_applyable, runway_words,
};
use crate::render::style::{Paint, Style, columns, wrap};
use crate::render::{detail, words};
use crate::sql::TableName;

/// Names longer than this do not push the columns of every other line to the right.
const WIDEST_NAME: usize = 52;
/// The same for what is done.
const WIDEST_HOW: usize = 44;

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
    let also = plan.target.also_asked().map_or_else(String::new, |also| format!(" {dot} {}", style.text(&also)));
    let head = format!("pgstrata {command} {dot} {target}{also} {dot} evaluated {}", words::second(plan.evaluated_at));
    wrap(&head, style.width).iter().try_for_each(|line| writeln!(out, "{}", style.paint(Paint::Bold, line)))
}

fn counts(plan: &Plan, style: Style, out: &mut dyn Write) -> fmt::Result {
    if plan.is_empty() {
        return no_changes(plan, style, out);
    }
    write!(out, "{}", style.paint(Paint::Bold, format!("Plan: {}.", count_words(plan))))?;
    if let Some(freed) = freed_words(plan) {
        write!(out, "  {freed}")?;
    }
    writeln!(out)?;
    match beside_changes(plan) {
        Some(words) => writeln!(out, "{words}"),
        None => Ok(()),
    }
}

/// `No changes. 3 tables match; …`: only tables of which everything wanted is so.
fn no_changes(plan: &Plan, style: Style, out: &mut dyn Write) -> fmt::Result {
    let next = crate::report::next::creation(plan).map_or_else(String::new, |(at, table)| {
        format!("; next scheduled change {} ({})", words::day(at), style.text(&table.to_string()))
    });
    writeln!(out, "{}", style.paint(Paint::Bold, format!("No changes. {}{next}.", matching_words(plan))))
}

/// Tables with their lines and findings, and what concerns none of them.
pub(crate) fn body(plan: &Plan, sections: &[Section<'_>], style: Style, out: &mut dyn Write) -> fmt::Result {
    let layout = Layout::of(sections, style);
    for section in sections.iter().filter(|section| worth_showing(section, plan)) {
        writeln!(out)?;
        section_head(section, &layout, style, out)?;
        let once = section.repeated_hazards();
        for line in &section.lines {
            change_line(line, section.table, &once, &layout, style, out)?;
            if style.verbose {
                line.changes.iter().try_for_each(|change| detail::change(plan, change, style, out))?;
            }
        }
        for (hazard, count) in &once {
            let text = format!("! {} on {count}: {}", hazard.kind, hazard.words);
            let room = style.width.map(|width| width.saturating_sub(4));
            for (at, piece) in wrap(&style.text(&text), room).into_iter().enumerate() {
                let lead = if at == 0 { "  " } else { "    " };
                writeln!(out, "{lead}{}", style.paint(Paint::Changed, piece))?;
            }
        }
        let findings = fold_findings(&section.findings, style);
        findings.iter().try_for_each(|finding| finding_line(finding, section.table, &layout, style, out))?;
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
    if section.table.is_none() {
        return !section.lines.is_empty();
    }
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
        let objects = sections.iter().flat_map(|section| {
            section
                .findings
                .iter()
                .filter_map(|finding| finding.object.as_ref())
                .map(|name| relative(name, section.table))
        });
        let lines = sections.iter().flat_map(|section| section.lines.iter().map(move |line| (section.table, line)));
        let rows: Vec<[usize; 3]> = lines
            .map(|(table, line)| {
                let texts = [line.what(table, style.dots()), line.how(style.dots()), line.why()];
                texts.map(|text| columns(&style.text(&text)))
            })
            .collect();
        // In a narrow terminal names get no more than half of it.
        let cap = style.width.map_or(WIDEST_NAME, |width| WIDEST_NAME.min(width / 2));
        let names = rows.iter().map(|[what, _, _]| *what).chain(objects.map(|name| columns(&name)));
        let what = names.filter(|name| *name <= cap).max().unwrap_or(0).max(16);
        let fits = |[_, how, why]: &&[usize; 3]| {
            *how <= WIDEST_HOW && style.width.is_none_or(|width| 4 + what + 2 + how + 2 + why <= width)
        };
        let how = rows.iter().filter(fits).map(|[_, how, _]| *how).max().unwrap_or(0).max(12);
        // The widest of what is done and the longest reason need not be of one row.
        let why = rows.iter().filter(fits).map(|[_, _, why]| *why).max().unwrap_or(0);
        let how = style.width.map_or(how, |width| how.min(width.saturating_sub(4 + what + 2 + 2 + why).max(12)));
        Self { what, how }
    }

    /// Where the reasons begin.
    fn reason(self) -> usize {
        4 + self.what + 2 + self.how + 2
    }
}

fn section_head(section: &Section<'_>, layout: &Layout, style: Style, out: &mut dyn Write) -> fmt::Result {
    let name = style.text(&section.title());
    write!(out, "{}", style.paint(Paint::Bold, &name))?;
    let Some(overview) = section.overview else {
        return writeln!(out);
    };
    let policy = style.text(&overview.policy);
    let runway = runway_words(overview, style).unwrap_or_default();
    let used = columns(&name) + 2 + columns(&policy);
    let fits = |columns: usize| style.width.is_none_or(|width| columns <= width);
    let none = overview.runway.is_some_and(|runway| runway.is_none());
    let painted = style.paint(if none { Paint::Danger } else { Paint::Plain }, &runway);
    // Beside the reasons below it, else beside the policy, else below that.
    let gap = layout.reason().saturating_sub(used).max(2);
    let gap = if fits(used + gap + columns(&runway)) { gap } else { 2 };
    if fits(used + gap + columns(&runway)) {
        let gap = if runway.is_empty() { 0 } else { gap };
        return writeln!(out, "  {}{:gap$}{painted}", style.paint(Paint::Dim, &policy), "");
    }
    if fits(used) {
        writeln!(out, "  {}", style.paint(Paint::Dim, &policy))?;
    } else {
        writeln!(out)?;
        let room = style.width.map(|width| width.saturating_sub(4));
        wrap(&policy, room).iter().try_for_each(|piece| writeln!(out, "    {}", style.paint(Paint::Dim, piece)))?;
    }
    if runway.is_empty() { Ok(()) } else { writeln!(out, "    {painted}") }
}

fn change_line(
    line: &Line<'_>,
    table: Option<&TableName>,
    once: &BTreeMap<LineHazard, String>,
    layout: &Layout,
    style: Style,
    out: &mut dyn Write,
) -> fmt::Result {
    let symbol = line.first().symbol();
    let paint = match symbol {
        '+' => Paint::Added,
        '-' => Paint::Removed,
        _ => Paint::Changed,
    };
    let what = style.text(&line.what(table, style.dots()));
    let how = style.text(&line.how(style.dots()));
    let why = style.text(&line.why());
    let why_at = 4 + layout.what.max(columns(&what)) + 2 + layout.how.max(columns(&how)) + 2;
    let why_columns = columns(&why);
    let (symbol, name) = (style.paint(paint, symbol), style.paint(paint, &what));
    let why = style.paint(Paint::Dim, &why);
    let fits = |columns: usize| style.width.is_none_or(|width| columns <= width);
    let (pad, how_pad) = (layout.what.saturating_sub(columns(&what)), layout.how.saturating_sub(columns(&how)));
    if fits(why_at + why_columns) {
        writeln!(out, "  {symbol} {name}{:pad$}  {how}{:how_pad$}  {why}", "", "")?;
    } else if fits(6 + columns(&how) + 2 + why_columns) {
        writeln!(out, "  {symbol} {name}\n      {how}  {why}")?;
    } else {
        writeln!(out, "  {symbol} {name}")?;
        let room = style.width.map(|width| width.saturating_sub(6));
        wrap(&how, room).iter().try_for_each(|piece| writeln!(out, "      {piece}"))?;
        writeln!(out, "      {why}")?;
    }
    if let Some(because) = line.first().blocks_because() {
        mark_line('!', &format!("blocking: {because}"), Paint::Changed, style, out)?;
    }
    for because in line.blocked_because() {
        mark_line('x', &format!("blocked: {because}"), Paint::Danger, style, out)?;
    }
    for hazard in line.hazards().into_iter().filter(|hazard| !once.contains_key(hazard)) {
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
    blocked(plan, style, out)?;
    labelled("Not applyable: ", &not_applyable(plan), Some(Paint::Danger), style, out)
}

/// What is blocked, and the flags that allow it. Flags are copied: where they do not fit beside the label, each has a line
/// of its own, which a shell takes for one.
pub(super) fn blocked(plan: &Plan, style: Style, out: &mut dyn Write) -> fmt::Result {
    const LABEL: &str = "Blocked: ";
    const FLAG: &str = " --allow ";
    let mut sentences = blocked_sentences(plan);
    let whole = Style { width: None, ..style };
    if let Some(first) = sentences.first()
        && style.width.is_some_and(|width| columns(LABEL) + columns(first) > width)
        && let Some((head, flags)) = first.split_once(FLAG)
    {
        let flags: Vec<String> = flags.split(FLAG).map(|flag| format!("{}{flag}", FLAG.trim_start())).collect();
        let lines = flags.join(" \\\n");
        let lines: Vec<String> = std::iter::once(head).chain(lines.lines()).map(str::to_owned).collect();
        labelled(LABEL, &lines, Some(Paint::Danger), whole, out)?;
        sentences.remove(0);
        let room = style.width.map(|width| width.saturating_sub(columns(LABEL)));
        let rest = sentences.iter().flat_map(|sentence| wrap(&style.text(sentence), room));
        return rest.into_iter().try_for_each(|line| writeln!(out, "{:1$}{line}", "", columns(LABEL)));
    }
    labelled(LABEL, &sentences, Some(Paint::Danger), style, out)
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
    use crate::plan::PlanOptions;
    use crate::render::testing::{EVENTS, World, all_kinds, busy, desired, events, now};

    fn shown(plan: &Plan, style: Style) -> String {
        let mut text = String::new();
        super::plan(plan, style, &mut text).unwrap();
        text
    }

    const PIPE: Style = Style::PLAIN;

    #[test]
    fn a_plan_in_a_pipe() {
        insta::assert_snapshot!(shown(&busy(), PIPE));
    }

    #[test]
    fn a_plan_in_a_narrow_terminal() {
        let narrow = shown(&all_kinds(), Style { width: Some(80), ..PIPE });
        insta::assert_snapshot!(narrow);
        for width in [80, 100, 120] {
            let narrow = shown(&all_kinds(), Style { width: Some(width), ..PIPE });
            for line in narrow.lines().filter(|line| !line.contains("--allow")) {
                assert!(columns(line) <= width, "{line}");
            }
        }
    }

    #[test]
    fn every_step_of_a_verbose_plan() {
        let text = shown(&busy(), Style { verbose: true, ..PIPE });
        let from = text.find("      step `detach public.events_p20251213`").unwrap();
        let to = text.find("      step `stamp public.events_p20251213`").unwrap();
        insta::assert_snapshot!(&text[from..to]);
        for step in &busy().steps {
            assert!(text.contains(&format!("      step `{}`: ", step.id)), "{}", step.id);
        }
    }

    #[test]
    fn colours_and_widths_change_no_word() {
        for plan in [busy(), all_kinds()] {
            let plain = shown(&plan, PIPE);
            let coloured = shown(&plan, Style { colour: true, ..PIPE });
            assert!(coloured.contains("\x1b[32m+\x1b[0m") && !plain.contains('\x1b'));
            let mut stripped = String::new();
            // Neither black nor white nor bright: each of these is gone on one background or the other.
            for code in coloured.split("\x1b[").skip(1).map(|piece| piece.split_once('m').unwrap().0) {
                assert!(code.split(';').all(|one| ["0", "1", "2", "31", "32", "33"].contains(&one)), "{code}");
            }
            for (at, piece) in coloured.split("\x1b[").enumerate() {
                stripped.push_str(if at == 0 { piece } else { piece.split_once('m').unwrap().1 });
            }
            assert_eq!(stripped, plain);
            let words = |text: &str| -> Vec<String> {
                text.split_whitespace().filter(|word| *word != "\\").map(str::to_owned).collect()
            };
            assert_eq!(words(&shown(&plan, Style { width: Some(60), ..PIPE })), words(&plain));
            let ascii = shown(&plan, Style { unicode: false, ..PIPE });
            assert!(ascii.is_ascii(), "{ascii}");
        }
    }

    #[test]
    fn no_changes_says_what_matches_and_what_comes_next() {
        let mut world = World::new();
        world.table(&events());
        world.days(&events(), "2026-03-01", "2026-03-22");
        let plan = world.plan(&desired(EVENTS), &PlanOptions::at(now()));
        assert_eq!(
            shown(&plan, PIPE),
            "pgstrata plan · app@db1 (PostgreSQL 17.10) · evaluated 2026-03-14T00:00:00Z\n\n\
             No changes. 1 table matches; next scheduled change 2026-03-15 (public.events).\n\n\
             public.events  every day, keep 90 days, drop after 7 days, premake 7  runway 8d\n"
        );
    }

    #[test]
    fn sections_that_are_not_enforced_are_wrapped_in_a_log_too() {
        let mut desired = desired(EVENTS);
        desired.not_enforced = (0..9).map(|at| format!("tables.public.table_of_this_name_{at}.of_tomorrow")).collect();
        let plan = World::new().plan(&desired, &PlanOptions::at(now()));
        let text = shown(&plan, PIPE);
        let list = &text[text.find("  ? not yet enforced by this version: ").unwrap()..];
        assert!(list.lines().count() > 2 && list.lines().all(|line| columns(line) <= 100), "{text}");
    }

    #[test]
    fn a_plan_for_reading_says_why() {
        let mut plan = busy();
        plan.applyable = false;
        plan.not_applyable_because = Some("it was made from a file".to_owned());
        let text = shown(&plan, PIPE);
        assert!(text.ends_with("\nNot applyable: this plan is for reading only: it was made from a file.\n"), "{text}");
    }
}
