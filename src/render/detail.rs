//! What `-v` adds below a change: each of its steps with its unit, timeouts, locks, facts and SQL.

use std::fmt::{self, Write};
use std::time::Duration;

use super::outline::Change;
use super::style::{Paint, Style, wrap};
use super::words;
use crate::plan::{Plan, Step, Unit};
use crate::sql::{Statement, index_locks, locks, render};

/// Writes the steps of a change.
pub(crate) fn change(plan: &Plan, change: &Change<'_>, style: Style, out: &mut dyn Write) -> fmt::Result {
    change.steps.iter().try_for_each(|step| self::step(plan, step, style, out))
}

fn step(plan: &Plan, step: &Step, style: Style, out: &mut dyn Write) -> fmt::Result {
    let head = format!("step `{}`: {}", step.id, timing(step));
    let room = |indent: usize| style.width.map(|width| width.saturating_sub(indent));
    for (at, line) in wrap(&style.text(&head), room(8)).into_iter().enumerate() {
        let indent = if at == 0 { 6 } else { 8 };
        writeln!(out, "{:indent$}{}", "", style.paint(Paint::Bold, line))?;
    }
    let mut say = |label: &str, text: &str| {
        let mut lines = wrap(&style.text(text), room(16)).into_iter().enumerate();
        lines.try_for_each(|(at, line)| writeln!(out, "        {:<8}{line}", if at == 0 { label } else { "" }))
    };
    for need in &step.needs {
        say("needs", &format!("`{need}`"))?;
    }
    for lock in locks(&step.action, plan.target.major()).into_iter().chain(index_locks(&step.action)) {
        let too = lock.partitions.map_or_else(String::new, |mode| format!(", {mode} on its partitions"));
        say("lock", &format!("{} on {}{too}: blocks {}", lock.mode, lock.relation, lock.mode.blocks()))?;
    }
    for fact in &step.before {
        say("before", &fact.to_string())?;
    }
    for fact in &step.after {
        say("after", &fact.to_string())?;
    }
    for sql in statements(step) {
        // It is copied, and so not wrapped. Newlines are the SQL's own; anything else that could move the cursor is made visible.
        for line in format!("{sql};").lines() {
            writeln!(out, "          {}", style.paint(Paint::Dim, style.text(line)))?;
        }
    }
    Ok(())
}

/// `one transaction; waits 200ms for a lock, 31 tries; at most 5s a statement`
pub(crate) fn timing(step: &Step) -> String {
    let unit = match step.unit {
        Unit::Transaction => "one transaction",
        Unit::Statement => "one statement outside a transaction",
    };
    let lock = if step.timeouts.lock.is_zero() {
        "no lock_timeout".to_owned()
    } else {
        let tries = step.timeouts.lock_retries.saturating_add(1);
        format!("lock_timeout {}, {tries} {}", length(step.timeouts.lock), if tries == 1 { "try" } else { "tries" })
    };
    format!("{unit}; {lock}; statement_timeout {}", length(step.timeouts.statement))
}

fn length(time: Duration) -> String {
    if time.subsec_millis() > 0 {
        return format!("{}ms", time.as_millis());
    }
    words::duration(i64::try_from(time.as_secs()).unwrap_or(i64::MAX))
}

/// A step's own statements, checks left out.
pub(crate) fn statements(step: &Step) -> Vec<String> {
    render(step).iter().filter_map(Statement::sql).map(str::to_owned).collect()
}
