//! Drift for people: the verdict first, then what counts, table by table.

use std::fmt::{self, Write};

use super::plan::{body, header, labelled};
use crate::render::outline::sections;
use crate::render::sentences::{drift_headline, not_applyable};
use crate::render::style::{Paint, Style};
use crate::report::drift::{Drift, Verdict};

/// Writes what `drift` found. Changes of classes that do not count are only counted, unless the style is verbose.
///
/// # Errors
/// What `out` refuses.
pub fn drift(drift: &Drift<'_>, style: Style, out: &mut dyn Write) -> fmt::Result {
    header("drift", drift.plan, style, out)?;
    let paint = match drift.verdict {
        Verdict::Agrees => Paint::Added,
        Verdict::Drifted => Paint::Changed,
        Verdict::Impossible | Verdict::Unjudged => Paint::Danger,
    };
    writeln!(out, "\n{}", style.paint(paint, drift_headline(drift)))?;
    let mut sections = sections(drift.plan, !style.verbose);
    if !style.verbose {
        for section in &mut sections {
            section.lines.retain(|line| drift.fail_on.contains(&line.class()));
        }
    }
    body(drift.plan, &sections, style, out)?;
    let reading = not_applyable(drift.plan);
    if !reading.is_empty() {
        writeln!(out)?;
    }
    labelled("Note: ", &reading, None, style, out)
}
