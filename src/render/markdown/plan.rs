//! A plan as a pull request's comment.

use std::collections::BTreeMap;
use std::fmt::{self, Write};

use super::page::Page;
use super::text::{cell, code, prose};
use crate::plan::{Finding, Gate, HOLD_SAYS, HazardKind, Level, Plan, Step};
use crate::render::detail::{statements, timing};
use crate::render::lock_summary::lock_summary;
use crate::render::outline::{Line, Section, sections};
use crate::render::second;
use crate::render::sentences::{
    beside_changes, blocked_sentences, code_word, count_words, freed_words, matching_words, not_applyable, runway_words,
};
use crate::render::style::Style;

/// What a comment keeps free for the lists that follow its hazards.
const FOR_LISTS: usize = 20_000;

/// Writes a plan as a comment under 65,536 characters. Too long a plan loses its SQL first, then its lists, each time
/// with a sentence that says so; hazards that do not fit are still counted by kind. Reasons of holds are not in it.
///
/// # Errors
/// What `out` refuses.
pub fn plan(plan: &Plan, out: &mut dyn Write) -> fmt::Result {
    let mut page = Page::new("pgstrata:plan");
    heading("plan", plan, &mut page);
    page.line("");
    if plan.is_empty() {
        page.line(&format!("**No changes.** {}.", matching_words(plan)));
    } else {
        let freed = freed_words(plan).map_or_else(String::new, |freed| format!(" {freed}."));
        let beside = beside_changes(plan).map_or_else(String::new, |words| format!(" {words}"));
        page.line(&format!("**{}.**{freed}{beside}", count_words(plan)));
    }
    let sections = sections(plan, true);
    body(plan, &sections, &mut page);
    out.write_str(&page.finish())
}

/// `### pgstrata plan: app@db1 …`
pub(super) fn heading(command: &str, plan: &Plan, page: &mut Page) {
    let target = &plan.target;
    let place = code(&format!("{}@{}", target.database, target.host));
    page.line(&format!("### pgstrata {command}: {place} (PostgreSQL {})", target.server_version()));
    page.line("");
    let also =
        plan.target.also_asked().map_or_else(String::new, |also| format!(" {} was asked as well.", prose(&also)));
    page.line(&format!("Evaluated {}.{also}", second(plan.evaluated_at)));
}

/// Everything below the verdict, most important first.
pub(super) fn body(plan: &Plan, sections: &[Section<'_>], page: &mut Page) {
    let warnings: Vec<String> = not_applyable(plan)
        .into_iter()
        .map(|sentence| format!("**Not applyable:** {}", prose(&sentence)))
        .chain(blocked(plan))
        .collect();
    for warning in warnings {
        page.line("");
        page.line(&warning);
    }
    hazards(sections, page);
    findings(plan, Level::Error, "error", page);
    findings(plan, Level::Warning, "needs a look", page);
    let locks = lock_summary(plan).sentences();
    if !locks.is_empty() {
        page.line("");
        page.line(&format!("**Locks:** {}", prose(&locks.join(" "))));
    }
    let changed: Vec<_> = sections.iter().filter(|section| !section.lines.is_empty()).collect();
    if let Some(at) = changed.iter().position(|section| !changes(section, page)) {
        page.line("");
        page.line(&format!("… and {} more tables with changes, left out for their length.", changed.len() - at));
    }
    notes(plan, page);
    page.sql(&plan.steps.iter().map(group).collect::<Vec<_>>());
}

/// Flags as code, so that they can be copied; more reasons and flags than one can read are counted.
fn blocked(plan: &Plan) -> Vec<String> {
    const REASONS: usize = 10;
    const FLAGS: usize = 3_000;
    let sentences = blocked_sentences(plan);
    let left_out = sentences.len().saturating_sub(REASONS + 1);
    let say = |(at, sentence): (usize, String)| {
        let label = if at == 0 { "**Blocked:** " } else { "" };
        match sentence.split_once(" with ").filter(|_| at == 0) {
            Some((words, flags)) if flags.len() <= FLAGS => format!("{label}{} with {}", prose(words), code(flags)),
            Some((words, _)) => format!("{label}{} with the flags that `pgstrata plan` prints", prose(words)),
            None => format!("{label}{}", prose(&sentence)),
        }
    };
    let mut shown: Vec<String> = sentences.into_iter().take(REASONS + 1).enumerate().map(say).collect();
    if left_out > 0 {
        shown.push(format!("… and {left_out} more reasons, left out for their length."));
    }
    shown
}

fn hazards(sections: &[Section<'_>], page: &mut Page) {
    let mut rows: Vec<(HazardKind, String)> = Vec::new();
    for section in sections {
        let once = section.repeated_hazards();
        for line in &section.lines {
            for hazard in line.hazards().into_iter().filter(|hazard| !once.contains_key(hazard)) {
                let state = match (line.is_blocked(), hazard.granted) {
                    (_, Some(by)) => by,
                    (true, None) => "blocked",
                    (false, None) => "",
                };
                let row = format!(
                    "| {} | {}: {} | {} | {state} |",
                    cell(hazard.kind.code()),
                    cell(&section.title()),
                    cell(&line.what(section.table, "…")),
                    prose(&hazard.words)
                );
                rows.push((hazard.kind, row));
            }
        }
        for (hazard, count) in once {
            let words = prose(&hazard.words);
            let (kind, table) = (cell(hazard.kind.code()), cell(&section.title()));
            rows.push((hazard.kind, format!("| {kind} | {table}: {count} | {words} |  |")));
        }
    }
    // What needs a grant comes first, whatever table it is of.
    rows.sort_by_key(|(kind, _)| *kind);
    let texts: Vec<String> = rows.iter().map(|(_, row)| row.clone()).collect();
    let left_out = page.table("| hazard | of | what | |", 4, &texts, "rows of hazards", FOR_LISTS);
    if left_out > 0 {
        let mut kinds: BTreeMap<HazardKind, usize> = BTreeMap::new();
        rows[rows.len() - left_out..].iter().for_each(|(kind, _)| *kinds.entry(*kind).or_default() += 1);
        let words: Vec<String> =
            kinds.into_iter().map(|(kind, count)| format!("{count} {}", code(kind.code()))).collect();
        page.line(&format!("Among them {}.", words.join(", ")));
    }
}

fn findings(plan: &Plan, level: Level, what: &str, page: &mut Page) {
    let rows: Vec<String> =
        plan.findings.iter().filter(|finding| finding.code.level() == level).map(finding_row).collect();
    page.table(&format!("| {what} | of | |"), 3, &rows, "findings", 4_000);
}

fn finding_row(finding: &Finding) -> String {
    let of = finding.object.as_ref().map(ToString::to_string);
    let of =
        of.or_else(|| finding.table.as_ref().map(ToString::to_string)).map_or_else(String::new, |name| cell(&name));
    let hint = finding.hint.as_deref().and_then(|hint| hint.split(HOLD_SAYS).next());
    let hint = hint.map_or_else(String::new, |hint| format!("<br>{}", prose(hint)));
    format!("| {} | {of} | {}{hint} |", cell(&code_word(finding)), prose(&finding.message))
}

/// A table's changes; false where not even the first has room.
fn changes(section: &Section<'_>, page: &mut Page) -> bool {
    let runway = section.overview.and_then(|overview| runway_words(overview, Style::PLAIN));
    let runway = runway.map_or_else(String::new, |words| format!(", {words}"));
    let policy = section.overview.map_or_else(String::new, |overview| format!(": {}", prose(&overview.policy)));
    let rows: Vec<String> = section.lines.iter().map(|line| row(line, section)).collect();
    let title = section.table.map_or_else(|| section.title(), |table| code(&table.to_string()));
    let heading = format!("**{title}**{policy}{runway}");
    let first = rows.first().map_or(0, String::len);
    if !page.fits(heading.len() + first + 200, 2_000) {
        return false;
    }
    page.line("");
    page.line(&heading);
    let what = if section.table.is_some() { "partition" } else { "of" };
    page.table(&format!("| | {what} | | why |"), 4, &rows, "lines of changes", 2_000);
    true
}

fn row(line: &Line<'_>, section: &Section<'_>) -> String {
    let what = line.what(section.table, "…");
    let because = line.blocked_because();
    let blocked =
        if because.is_empty() { String::new() } else { format!("<br>**blocked:** {}", prose(&because.join("; "))) };
    format!(
        "| `{}` | {} | {}{blocked} | {} |",
        line.first().symbol(),
        cell(&what),
        prose(&line.how("…")),
        prose(&line.why())
    )
}

fn notes(plan: &Plan, page: &mut Page) {
    let rows: Vec<String> =
        plan.findings.iter().filter(|finding| finding.code.level() == Level::Note).map(finding_row).collect();
    if rows.is_empty() {
        return;
    }
    page.line("");
    page.line(&format!("<details><summary>Seen and left alone: {}</summary>", rows.len()));
    page.table("| code | of | |", 3, &rows, "findings", 1_000);
    page.line("");
    page.line("</details>");
}

/// A step's comment and statements.
fn group(step: &Step) -> String {
    let blocked = match &step.gate {
        Gate::Blocked(_) => "-- BLOCKED: not run by apply\n",
        Gate::Open | Gate::Granted(_) => "",
    };
    let id = step.id.to_string().replace('\n', "\\n");
    let sql: Vec<String> = statements(step).into_iter().map(|sql| format!("{sql};")).collect();
    format!("-- {id} ({})\n{blocked}{}", timing(step), sql.join("\n"))
}

#[cfg(test)]
mod tests {
    use super::super::MAX_BYTES;
    use crate::render::testing::{all_kinds, busy, vast};

    fn shown(plan: &crate::plan::Plan) -> String {
        let mut text = String::new();
        super::plan(plan, &mut text).unwrap();
        text
    }

    #[test]
    fn a_comment_says_hazards_before_everything_else() {
        let text = shown(&busy());
        let order = [
            "<!-- pgstrata:plan -->\n### pgstrata plan: `app@db1` (PostgreSQL 17.10)",
            "**7 to create, 0 to change, 2 to detach, 2 to drop.** up to 402 GB freed.",
            "**Blocked:** 2 steps. Allow them with `--allow deletes-data:public.events`",
            "| `DELETES_DATA` | `public.events`: `events_p20251205 … events_p20251206` | 402 GB, \\~1.9e9 rows | blocked |",
            "| `DETACHES_DATA` |",
            "**Locks:** at worst SHARE UPDATE EXCLUSIVE on public.events;",
            "| `+` | `events_p20260315` | 1 partition | overdue: the next window is missing |",
            "<details><summary>Seen and left alone: 2</summary>",
            "<details><summary>SQL of 15 steps</summary>\n\n```sql\n-- create public.events\\_p20260315",
            "DROP TABLE public.events_p20251206 RESTRICT;\nCOMMIT;\n```\n\n</details>\n",
        ];
        let mut rest = text.as_str();
        for part in order {
            let part = part.replace("events\\_p20260315", "events_p20260315");
            let at = rest.find(&part).unwrap_or_else(|| panic!("{part} is not where it should be in\n{text}"));
            rest = &rest[at..];
        }
        assert!(text.starts_with("<!-- pgstrata:plan -->\n"));
    }

    #[test]
    fn names_break_neither_tables_nor_fences() {
        let text = shown(&all_kinds());
        assert!(text.contains("\n**``\"Sales `x`\".\"Orders|*<b>\"``**: every day"));
        assert!(text.contains("| `+` | `\"Orders\\|*<b>_p20260313\"` |"));
        let outside: String = text.split("```").step_by(2).collect();
        assert!(!outside.replace("``\"Sales `x`\".\"Orders|*<b>\"``", "").contains("<b>_p20260313 "));
        let lines: Vec<&str> = text.lines().collect();
        let fences: Vec<&&str> = lines.iter().filter(|line| line.starts_with("```")).collect();
        assert_eq!(fences.len(), 2, "{fences:?}");
    }

    #[test]
    fn what_is_left_out_is_said_sql_first_and_hazards_are_counted() {
        let few = shown(&vast(20));
        assert!(few.len() <= MAX_BYTES);
        assert!(few.contains("<details><summary>SQL of the first "));
        assert!(few.contains("more steps is left out for its length."));
        assert!(!few.contains("more rows of hazards") && !few.contains("more tables with changes"));

        let many = shown(&vast(150));
        assert!(many.len() <= MAX_BYTES);
        assert!(many.contains("\nThe SQL of 1950 steps is left out for its length.\n"));
        let left_out =
            many.lines().find(|line| line.ends_with("more rows of hazards, left out for their length.")).unwrap();
        let left_out: usize = left_out.split(' ').nth(2).unwrap().parse().unwrap();
        let shown = many.lines().filter(|line| line.starts_with("| `DE")).count();
        // Of each table one line of drops, and two of detaches: some are late.
        assert_eq!(shown + left_out, 3 * 150);
        assert!(many.contains(&format!("\nAmong them {left_out} `DETACHES_DATA`.\n")), "{shown}");
        assert!(many.contains("more tables with changes, left out for their length."));
    }
}
