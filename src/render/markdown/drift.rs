//! Drift as a comment.

use std::fmt::{self, Write};

use super::page::Page;
use super::plan::{body, heading};
use super::text::prose;
use crate::render::outline::sections;
use crate::render::sentences::drift_headline;
use crate::report::drift::Drift;

/// Writes what `drift` found as a comment under 65,536 characters.
///
/// # Errors
/// What `out` refuses.
pub fn drift(drift: &Drift<'_>, out: &mut dyn Write) -> fmt::Result {
    let mut page = Page::new("pgstrata:drift");
    heading("drift", drift.plan, &mut page);
    page.line("");
    page.line(&format!("**{}**", prose(&drift_headline(drift))));
    body(drift.plan, &sections(drift.plan, true), &mut page);
    out.write_str(&page.finish())
}
