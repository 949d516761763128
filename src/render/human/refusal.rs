//! Why a saved plan was not carried out, fact by fact, as planned and as found.

use std::fmt::{self, Write};

use crate::apply::{Refusal, StaleStep};
use crate::render::style::{Paint, Style, wrap};

/// Writes why nothing ran.
///
/// # Errors
/// What `out` refuses.
pub fn refusal(refusal: &Refusal, style: Style, out: &mut dyn Write) -> fmt::Result {
    let mut head = |text: &str| {
        let lines = wrap(&style.text(text), style.width);
        lines.iter().try_for_each(|line| writeln!(out, "{}", style.paint(Paint::Danger, line)))
    };
    match refusal {
        Refusal::NotApplyable(because) => head(&format!("The plan is for reading only: {because}. Nothing ran.")),
        Refusal::OtherDatabase { planned, found } => {
            head("The plan is for another database. Nothing ran.")?;
            planned_and_found(planned, found, style, out)
        }
        Refusal::OtherPolicy { planned, found } => {
            head("The plan was made from another policy, or from this one before it changed. Nothing ran.")?;
            planned_and_found(planned, found, style, out)
        }
        Refusal::Forged(violations) => {
            head("The plan breaks rules that no plan of pgstrata breaks. Nothing ran.")?;
            violations.iter().try_for_each(|violation| writeln!(out, "  x {}", style.text(&violation.to_string())))
        }
        Refusal::Stale(steps) => {
            head("The plan is stale: the catalog has changed where it matters. Nothing ran; plan again.")?;
            steps.iter().try_for_each(|step| stale(step, style, out))
        }
        Refusal::MissingPrivileges(findings) => {
            head("Privileges are missing. Nothing ran.")?;
            for finding in findings {
                let table = finding.table.as_ref().map_or_else(String::new, |table| format!("{table}: "));
                let text = style.text(&format!("{table}{}", finding.message));
                for (at, line) in wrap(&text, style.width.map(|width| width.saturating_sub(4))).iter().enumerate() {
                    writeln!(out, "{}{line}", if at == 0 { "  ? " } else { "    " })?;
                }
                if let Some(hint) = &finding.hint {
                    writeln!(out, "      hint: {}", style.text(hint))?;
                }
            }
            Ok(())
        }
    }
}

fn stale(step: &StaleStep, style: Style, out: &mut dyn Write) -> fmt::Result {
    let StaleStep { step, facts, sql } = step;
    writeln!(out, "\n  {}", style.paint(Paint::Bold, style.text(&format!("step `{step}`"))))?;
    facts.iter().try_for_each(|fact| planned_and_found(&fact.planned, &fact.found, style, out))?;
    match sql {
        Some((planned, now)) if now.is_empty() => {
            writeln!(out, "    the policy would not plan it now:")?;
            lines(planned, '-', Paint::Removed, style, out)
        }
        Some((planned, now)) => {
            writeln!(out, "    the policy would plan it otherwise now:")?;
            difference(planned, now, style, out)
        }
        None => Ok(()),
    }
}

fn planned_and_found(planned: &str, found: &str, style: Style, out: &mut dyn Write) -> fmt::Result {
    for (label, text, paint) in [("- planned: ", planned, Paint::Removed), ("+ found:   ", found, Paint::Added)] {
        let text = style.text(text);
        for (at, piece) in wrap(&text, style.width.map(|width| width.saturating_sub(15))).into_iter().enumerate() {
            let label = if at == 0 { label } else { "           " };
            writeln!(out, "    {}", style.paint(paint, format!("{label}{piece}")))?;
        }
    }
    Ok(())
}

fn lines(text: &str, mark: char, paint: Paint, style: Style, out: &mut dyn Write) -> fmt::Result {
    text.lines()
        .try_for_each(|line| writeln!(out, "    {}", style.paint(paint, format!("{mark} {}", style.text(line)))))
}

/// Two texts line by line, what differs inside a line in bold where there are colours.
#[cfg(feature = "cli")]
fn difference(planned: &str, now: &str, style: Style, out: &mut dyn Write) -> fmt::Result {
    use similar::{ChangeTag, TextDiff};

    let diff = TextDiff::from_lines(planned, now);
    for op in diff.ops() {
        for change in diff.iter_inline_changes(op) {
            let (mark, paint) = match change.tag() {
                ChangeTag::Equal => (' ', Paint::Dim),
                ChangeTag::Delete => ('-', Paint::Removed),
                ChangeTag::Insert => ('+', Paint::Added),
            };
            write!(out, "    {}", style.paint(paint, format!("{mark} ")))?;
            for (emphasised, piece) in change.iter_strings_lossy() {
                let piece = style.text(piece.trim_end_matches(['\n', '\r']));
                let paint = if emphasised { Paint::Bold } else { paint };
                write!(out, "{}", style.paint(paint, piece))?;
            }
            writeln!(out)?;
        }
    }
    Ok(())
}

/// Without the library that finds the difference: one text below the other.
#[cfg(not(feature = "cli"))]
fn difference(planned: &str, now: &str, style: Style, out: &mut dyn Write) -> fmt::Result {
    lines(planned, '-', Paint::Removed, style, out)?;
    lines(now, '+', Paint::Added, style, out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::apply::StaleFact;
    use crate::plan::StepId;

    #[test]
    fn a_stale_plan_is_shown_as_planned_and_as_found() {
        let stale = Refusal::Stale(vec![StaleStep {
            step: StepId("drop public.t_p1".to_owned()),
            facts: vec![StaleFact {
                planned: "public.t_p1 is a table of its own".to_owned(),
                found: "public.t_p1 is attached".to_owned(),
            }],
            sql: Some(("BEGIN\nDROP TABLE a\nCOMMIT".to_owned(), "BEGIN\nDROP TABLE b\nCOMMIT".to_owned())),
        }]);
        let mut text = String::new();
        refusal(&stale, Style::PLAIN, &mut text).unwrap();
        assert!(text.starts_with("The plan is stale: the catalog has changed where it matters. Nothing ran; plan again.\n\n  step `drop public.t_p1`\n"));
        for line in [
            "    - planned: public.t_p1 is a table of its own",
            "    + found:   public.t_p1 is attached",
            "    - DROP TABLE a",
            "    + DROP TABLE b",
        ] {
            assert!(text.lines().any(|shown| shown == line), "{line} is not in\n{text}");
        }
    }
}
