//! Advice on settings for people: what to change first, with its formula; what agrees; what nothing is said of.

use std::fmt::{self, Write};

use crate::render::style::{Paint, Style, wrap};
use crate::report::config::{Advice, Advised, Machine, Part, size};

/// Writes the advice.
///
/// # Errors
/// What `out` refuses.
pub fn config(advice: &Advice, style: Style, out: &mut dyn Write) -> fmt::Result {
    let Advice { target, machine, change, keep, left_out, notes } = advice;
    writeln!(out, "pgstrata optimize config {} {}", style.middot(), style.text(&target.to_string()))?;
    writeln!(out)?;
    let agree = match keep.len() {
        1 => "1 agrees".to_owned(),
        count => format!("{count} agree"),
    };
    let summary = format!("{} to change, {agree}, {} left out", change.len(), left_out.len());
    writeln!(out, "Settings: {}.", style.paint(Paint::Bold, summary))?;
    writeln!(out)?;
    machine_lines(machine, style, out)?;
    if !change.is_empty() {
        writeln!(out)?;
    }
    let width = |text: &dyn Fn(&Advised) -> usize| change.iter().map(text).max().unwrap_or_default();
    let (names, values) = (width(&|it| it.setting.len()), width(&|it| values_of(it, style).chars().count()));
    for advised in change {
        let values = format!("{:values$}", values_of(advised, style));
        writeln!(out, "  ~ {:names$}  {values}  {}", advised.setting, advised.takes)?;
        let Advised { formula, source, policy, setting: _, now: _, advised, takes: _ } = advised;
        let policy = match policy {
            Some(policy) if policy != advised => format!("; the policy says {policy}"),
            Some(_) | None => String::new(),
        };
        paragraph(&style.text(&format!("{formula} ({source}{policy})")), "      ", style, out)?;
    }
    if !keep.is_empty() {
        writeln!(out)?;
        let pairs = keep.iter().map(|it| format!("{} {}", it.setting, it.now)).collect::<Vec<_>>().join(", ");
        paragraph(&style.text(&format!("Agree, or are better: {pairs}")), "", style, out)?;
        if style.verbose {
            for Advised { setting, formula, source, .. } in keep {
                paragraph(&style.text(&format!("= {setting}: {formula} ({source})")), "  ", style, out)?;
            }
        }
    }
    if !left_out.is_empty() {
        writeln!(out)?;
        writeln!(out, "Left out:")?;
        let width = left_out.keys().map(String::len).max().unwrap_or_default();
        for (setting, because) in left_out {
            writeln!(out, "  {setting:width$}  {}", style.text(because))?;
        }
    }
    if !notes.is_empty() {
        writeln!(out)?;
        notes.iter().try_for_each(|note| paragraph(&format!("Note: {note}"), "", style, out))?;
    }
    if change.is_empty() {
        return Ok(());
    }
    writeln!(out)?;
    writeln!(out, "To paste into the policy (--format yaml has each formula beside it):")?;
    writeln!(out)?;
    // Without the formulas, which stand above.
    advice
        .yaml()
        .lines()
        .try_for_each(|line| writeln!(out, "{}", line.split("  #").next().unwrap_or_default().trim_end()))
}

fn values_of(advised: &Advised, style: Style) -> String {
    format!("{} {} {}", style.text(&advised.now), style.arrow(), advised.advised)
}

fn machine_lines(machine: &Machine, style: Style, out: &mut dyn Write) -> fmt::Result {
    fn line<T>(what: &str, part: Option<&Part<T>>, words: impl Fn(&T) -> String) -> (String, String, String) {
        match part {
            Some(part) => (what.to_owned(), words(&part.value), part.source.clone()),
            None => (what.to_owned(), "unknown".to_owned(), "not declared".to_owned()),
        }
    }
    let Machine { memory, cpus, storage, workload, connections } = machine;
    let lines = [
        line("memory", memory.as_ref(), |memory| size(*memory)),
        line("CPUs", cpus.as_ref(), ToString::to_string),
        line("storage", storage.as_ref(), ToString::to_string),
        line("workload", workload.as_ref(), ToString::to_string),
        line("connections", connections.as_ref(), ToString::to_string),
    ];
    let width = lines.iter().map(|(_, value, _)| value.chars().count()).max().unwrap_or_default();
    lines
        .iter()
        .try_for_each(|(what, value, source)| writeln!(out, "  {what:11}  {value:width$}  {}", style.text(source)))
}

fn paragraph(text: &str, indent: &str, style: Style, out: &mut dyn Write) -> fmt::Result {
    let room = style.width.map(|width| width.saturating_sub(indent.len()));
    wrap(text, room).iter().try_for_each(|line| writeln!(out, "{indent}{line}"))
}
