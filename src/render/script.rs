//! A plan as a script for psql: what `apply` would send, its checks as blocks that raise, what is blocked commented out.

use std::fmt::{self, Write};

use super::sentences::{count_words, freed_words};
use crate::db::session_setup_sql;
use crate::plan::{Action, DetachMode, Fact, Gate, PartitionAction, Plan, Step};
use crate::sql::{Literal, Statement, dollar_quoted, render};
use crate::visible::clean;

/// Writes a plan as a script for psql.
///
/// The script stops at the first error. It takes no run lock, does not retry, and does not wait for transactions that
/// are in the way of a detach: `apply` does. Run again, it stops at the first step that is done.
///
/// # Errors
/// What `out` refuses.
pub fn plan(plan: &Plan, out: &mut dyn Write) -> fmt::Result {
    comment(out, &format!("pgstrata plan · {} · evaluated {}", plan.target, super::words::second(plan.evaluated_at)))?;
    let freed = freed_words(plan).map_or_else(String::new, |freed| format!("  {freed}"));
    comment(out, &format!("Plan: {}.{freed}", count_words(plan)))?;
    writeln!(out, "\n\\set ON_ERROR_STOP on")?;
    // DETACH CONCURRENTLY runs outside a transaction only.
    writeln!(out, "\\set AUTOCOMMIT on")?;
    pins(out)?;
    guards(plan, out)?;
    let count = plan.steps.len();
    plan.steps.iter().enumerate().try_for_each(|(at, step)| self::step(at + 1, count, step, out))
}

/// What pins every session of ours: names and bounds then mean what the plan says.
fn pins(out: &mut dyn Write) -> fmt::Result {
    let sql = session_setup_sql();
    let body = sql.split_once("*/").map_or(sql, |(_, body)| body);
    body.split(';').map(str::trim).filter(|pin| !pin.is_empty()).try_for_each(|pin| writeln!(out, "{}", ended(pin)))
}

/// Stops before the first step where the plan is not for this database, or not for carrying out.
fn guards(plan: &Plan, out: &mut dyn Write) -> fmt::Result {
    writeln!(out)?;
    if !plan.applyable {
        let because = plan.not_applyable_because.as_deref().unwrap_or_default();
        raise_unless(out, "false", &format!("this plan is for reading only: {because}"))?;
    }
    let database = Literal(&plan.target.database).to_string();
    let expression = format!("current_database() = {database}");
    raise_unless(out, &expression, &format!("this plan is for database {}", plan.target.database))
}

fn step(at: usize, count: usize, step: &Step, out: &mut dyn Write) -> fmt::Result {
    writeln!(out)?;
    comment(out, &format!("{at}/{count} {}: {}: {}", step.id, step.class.word(), step.reason))?;
    for hazard in &step.hazards {
        comment(out, &format!("  ! {} on {}: {}", hazard.kind, hazard.object, hazard.detail))?;
    }
    if let Action::Partition(PartitionAction::Detach(detach)) = &step.action {
        match &detach.mode {
            DetachMode::Concurrently => comment(
                out,
                "  waits for every transaction that uses the parent; once interrupted, only DETACH PARTITION … FINALIZE completes it",
            )?,
            DetachMode::Blocking(because) => comment(out, &format!("  blocks the parent: {because}"))?,
        }
    }
    let mut text = String::new();
    statements(step, &mut text)?;
    match &step.gate {
        Gate::Open | Gate::Granted(_) => out.write_str(&text),
        Gate::Blocked(blocks) => {
            for block in blocks {
                comment(out, &format!("  x blocked: {block}"))?;
            }
            // Also what \r, form feeds and the like break a line at, for whoever reads: psql itself ends comments at \n.
            text.lines().try_for_each(|line| comment(out, line))
        }
    }
}

fn statements(step: &Step, out: &mut dyn Write) -> fmt::Result {
    for statement in render(step) {
        match statement {
            Statement::Sql(sql) => writeln!(out, "{}", ended(&sql))?,
            // Four pages of SQL for each step: whoever runs a script has the plan beside it, whose gates say the same.
            Statement::Check { fact, .. } if matches!(*fact, Fact::NoOwnersCode { .. }) => {}
            Statement::Check { lock: _, expression, fact } => {
                raise_unless(out, &expression, &format!("not as planned any more: {fact}"))?;
            }
        }
    }
    Ok(())
}

/// With its end; what is asked for its effect alone shows nothing.
fn ended(sql: &str) -> String {
    if sql.starts_with("SELECT ") { format!("{sql} \\g /dev/null") } else { format!("{sql};") }
}

/// A block that raises unless the expression is true; unknown is not true.
fn raise_unless(out: &mut dyn Write, expression: &str, message: &str) -> fmt::Result {
    let body = format!(
        "\nBEGIN\n  IF ({expression}) IS NOT TRUE THEN\n    RAISE EXCEPTION USING MESSAGE = {}, ERRCODE = 'PS003';\n  END IF;\nEND\n",
        Literal(message)
    );
    writeln!(out, "DO {};", dollar_quoted(&body))
}

/// A comment of one line: a name with a line break in it would end it.
fn comment(out: &mut dyn Write, text: &str) -> fmt::Result {
    writeln!(out, "-- {}", clean(text))
}
