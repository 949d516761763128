//! What became of a run, for people: one sentence, what was not done and why, and what remains.

use std::collections::BTreeSet;
use std::fmt::{self, Write};

use super::plan::{blocked, body};
use crate::apply::Outcome;
use crate::plan::{StepId, Unmet};
use crate::render::outline::{Section, sections};
use crate::render::style::{Paint, Style, wrap};
use crate::render::tally::{Undone, ended_words, headline, remarks, tally, undone};
use crate::report::standing::Standing;

/// Writes what became of a run.
///
/// # Errors
/// What `out` refuses.
pub fn outcome(outcome: &Outcome, style: Style, out: &mut dyn Write) -> fmt::Result {
    let failed = tally(outcome).failed > 0;
    let paint = if failed { Paint::Danger } else { Paint::Bold };
    for line in wrap(&style.text(&headline(outcome)), style.width) {
        writeln!(out, "{}", style.paint(paint, line))?;
    }
    if let Some(ended) = ended_words(&outcome.ended) {
        wrap(&style.text(&ended), style.width).iter().try_for_each(|line| writeln!(out, "{line}"))?;
    }
    let mut undone = undone(outcome);
    // Said with its reason, and with the flags that allow it, below.
    undone.retain(|undone| undone.word != "blocked" || !is_still_blocked(outcome, undone));
    if !undone.is_empty() {
        writeln!(out)?;
        undone.iter().try_for_each(|undone| line(undone, style, out))?;
    }
    let remarks = remarks(outcome);
    if !remarks.is_empty() {
        writeln!(out)?;
        for remark in remarks {
            wrap(&style.text(&remark), style.width).iter().try_for_each(|line| writeln!(out, "{line}"))?;
        }
    }
    match &outcome.remains {
        Some(plan) if !Standing::of(plan).is_met() || !Standing::of(plan).unverified.is_empty() => {
            writeln!(out, "\n{}", style.paint(Paint::Bold, "What remains:"))?;
            let quiet = Style { verbose: false, ..style };
            let all = sections(plan, true);
            let unmet =
                |section: &Section<'_>| section.findings.iter().any(|finding| finding.code.unmet() != Unmet::No);
            let left = all.into_iter().filter(|section| !section.lines.is_empty() || unmet(section));
            let left: Vec<_> = left.collect();
            body(plan, &left, quiet, out)?;
            if plan.summary.blocked > 0 {
                writeln!(out)?;
            }
            blocked(plan, style, out)
        }
        Some(_) | None => Ok(()),
    }
}

/// Whether what remains says it again.
fn is_still_blocked(outcome: &Outcome, undone: &Undone) -> bool {
    let remains = outcome.remains.iter().flat_map(|plan| &plan.steps);
    let blocked: BTreeSet<&StepId> = remains.filter(|step| step.gate.is_blocked()).map(|step| &step.id).collect();
    blocked.contains(&undone.first) && blocked.contains(&undone.last)
}

/// `  x drop public.events_p20251206  blocked: DELETES_DATA needs --allow …`
fn line(undone: &Undone, style: Style, out: &mut dyn Write) -> fmt::Result {
    let Undone { first, last, count, word, because } = undone;
    let which = if *count == 1 { first.to_string() } else { format!("{first} {} {last} ({count})", style.dots()) };
    let (mark, paint) = match *word {
        "failed" => ('x', Paint::Danger),
        "blocked" | "postponed" => ('x', Paint::Changed),
        _ => ('.', Paint::Dim),
    };
    let because = because.as_deref().map_or_else(String::new, |because| format!(": {because}"));
    let text = style.text(&format!("{which}  {word}{because}"));
    let room = style.width.map(|width| width.saturating_sub(4));
    for (at, piece) in wrap(&text, room).into_iter().enumerate() {
        let lead = if at == 0 { format!("  {mark} ") } else { "      ".to_owned() };
        writeln!(out, "{}", style.paint(paint, format!("{lead}{piece}")))?;
    }
    Ok(())
}
