//! Stories of what is no table and no partition, for people: what the policy says, what the server has, what a plan does.

use std::fmt::{self, Write};

use super::finding::{fold_findings, plain_finding};
use super::plan::{header, labelled};
use crate::plan::{Level, Object, Plan};
use crate::render::outline::short_object;
use crate::render::style::{Paint, Style};
use crate::report::thing::{Said, Thing};

/// Writes what is known of each. `policy` are the flags that name the policy, for the command at the end.
///
/// # Errors
/// What `out` refuses.
pub fn things(plan: &Plan, things: &[Thing<'_>], policy: &[String], style: Style, out: &mut dyn Write) -> fmt::Result {
    header("explain", plan, style, out)?;
    for thing in things {
        writeln!(out)?;
        one(thing, policy, style, out)?;
    }
    Ok(())
}

fn one(thing: &Thing<'_>, policy: &[String], style: Style, out: &mut dyn Write) -> fmt::Result {
    let Thing { object, table, policy: says, found, steps, findings, allow: _ } = thing;
    let title = match (object, table) {
        (Object::Relation(_), Some(table)) => (short_object(object, table), format!("  an index of {table}")),
        (_, _) => (object.to_string(), String::new()),
    };
    let (name, what) = (style.text(&title.0), style.text(&title.1));
    writeln!(out, "{}{}", style.paint(Paint::Bold, name), style.paint(Paint::Dim, what))?;
    let mut lines = |label: &str, words: &[String], paint: Option<Paint>| {
        labelled(&format!("  {label:<11} "), words, paint, style, out)
    };
    let said: Vec<String> = says.iter().map(said).collect();
    lines("policy", &said, None)?;
    lines("found", found, None)?;
    let worst = findings.iter().map(|finding| finding.code.level()).max();
    let paint = worst.filter(|level| *level > Level::Note).map(|_| Paint::Changed);
    let seen: Vec<String> = fold_findings(findings, style).iter().map(plain_finding).collect();
    lines("seen", &seen, paint)?;
    let mut plan: Vec<String> = Vec::new();
    // An index has a step or two for each partition: like ones are counted.
    for run in steps.chunk_by(|a, b| (a.class, a.reason, &a.blocked_because) == (b.class, b.reason, &b.blocked_because))
    {
        let Some(first) = run.first() else { continue };
        let note =
            first.step.note.as_ref().filter(|_| run.len() == 1).map_or_else(String::new, |note| format!(" {note}"));
        let count =
            if run.len() == 1 { format!("{}{note}", first.step.action.word()) } else { format!("{} steps", run.len()) };
        plan.push(format!("{count}: {}, {}", first.class.word(), first.reason));
        plan.extend(first.blocked_because.iter().map(|because| format!("x blocked: {because}")));
    }
    if plan.is_empty() {
        plan.push("nothing to do".to_owned());
    }
    lines("plan", &plan, None)?;
    match thing.command(policy) {
        // Not wrapped: commands are copied whole.
        Some(command) => labelled("  run         ", &[command], None, Style { width: None, ..style }, out),
        None => Ok(()),
    }
}

/// `connection_limit 40  pgstrata.yaml:12`
fn said(Said { key, value, origin }: &Said) -> String {
    let origin = origin.as_ref().map_or_else(String::new, |origin| format!("  {origin}"));
    format!("{key} {value}{origin}")
}
