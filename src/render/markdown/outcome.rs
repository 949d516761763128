//! What became of a run, as a comment.

use std::fmt::{self, Write};

use super::page::Page;
use super::plan::{body, heading};
use super::text::{cell, prose};
use crate::apply::Outcome;
use crate::render::outline::sections;
use crate::render::tally::{Undone, ended_words, headline, remarks, undone};
use crate::report::standing::Standing;

/// Writes what became of a run as a comment under 65,536 characters.
///
/// # Errors
/// What `out` refuses.
pub fn outcome(outcome: &Outcome, out: &mut dyn Write) -> fmt::Result {
    let mut page = Page::new("pgstrata:apply");
    heading("apply", &outcome.plan, &mut page);
    page.line("");
    page.line(&format!("**{}**", prose(&headline(outcome))));
    for sentence in ended_words(&outcome.ended).into_iter().chain(remarks(outcome)) {
        page.line("");
        page.line(&prose(&sentence));
    }
    let rows: Vec<String> = undone(outcome).iter().map(row).collect();
    page.table("| not done | | why |", 3, &rows, "steps that were not done", 20_000);
    if let Some(plan) = outcome.remains.as_ref().filter(|plan| !Standing::of(plan).is_met()) {
        page.line("");
        page.line("**What remains:**");
        body(plan, &sections(plan, true), &mut page);
    }
    out.write_str(&page.finish())
}

fn row(undone: &Undone) -> String {
    let Undone { first, last, count, word, because } = undone;
    let which = if *count == 1 {
        cell(&first.to_string())
    } else {
        format!("{} … {} ({count})", cell(&first.to_string()), cell(&last.to_string()))
    };
    format!("| {which} | {word} | {} |", prose(because.as_deref().unwrap_or_default()))
}
