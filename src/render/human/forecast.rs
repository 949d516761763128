//! The forecast for people: a block a table, due first, ages with their limits.

use std::fmt::{self, Write};

use crate::plan::Plan;
use crate::render::style::{Paint, Style};
use crate::render::words::second;
use crate::report::forecast::{Age, Due, Forecast, Oldest};

/// Writes when autovacuum comes by itself, and how far transaction ids have run.
///
/// # Errors
/// What `out` refuses.
pub fn forecast(forecasts: &[Forecast], style: Style, out: &mut dyn Write) -> fmt::Result {
    for (at, forecast) in forecasts.iter().enumerate() {
        let Forecast {
            table,
            partitions,
            counted_since,
            off,
            disabled,
            vacuum,
            insert,
            analyze,
            transactions,
            multixacts,
        } = forecast;
        if at > 0 {
            writeln!(out)?;
        }
        let since = counted_since.map_or_else(String::new, |since| format!(", counted since {}", second(since)));
        let count = if *partitions == 1 { "1 partition".to_owned() } else { format!("{partitions} partitions") };
        writeln!(out, "{}  {count}{since}", style.paint(Paint::Bold, style.text(&table.to_string())))?;
        if let Some(off) = off {
            writeln!(out, "  {off}")?;
        }
        if *disabled > 0 {
            writeln!(out, "  autovacuum_enabled is off on {disabled} of them")?;
        }
        for (what, due) in [("vacuum", vacuum), ("insert", insert), ("analyze", analyze)] {
            line(what, due, *partitions, style, out)?;
        }
        age("xid", "age(relfrozenxid)", transactions, style, out)?;
        age("mxid", "mxid_age(relminmxid)", multixacts, style, out)?;
    }
    Ok(())
}

/// `vacuum   due on 2 of 4; worst events_p20260301: 300 of 250`
fn line(what: &str, due: &Due, partitions: u32, style: Style, out: &mut dyn Write) -> fmt::Result {
    let Due { due, worst, rule } = due;
    let state = if *due == 0 { "not due".to_owned() } else { format!("due on {due} of {partitions}") };
    write!(out, "  {what:<8} {state}")?;
    if let Some(worst) = worst {
        let name = style.text(&worst.partition.name.to_string());
        write!(out, "; worst {name}: {} of {}", worst.count, worst.limit)?;
    }
    writeln!(out)?;
    if style.verbose {
        writeln!(out, "           {rule}")?;
    }
    Ok(())
}

/// `xid      age(relfrozenxid) at most 1234, on events_p20260101; vacuum is forced at …, failsafe at …, the end is …`
fn age(what: &str, formula: &str, age: &Age, style: Style, out: &mut dyn Write) -> fmt::Result {
    let Age { oldest, forced_at, failsafe_at, stops_at } = age;
    let Some(Oldest { partition, age }) = oldest else { return Ok(()) };
    let limit = |at: &Option<u64>| at.map_or_else(|| "unknown".to_owned(), |at| at.to_string());
    writeln!(
        out,
        "  {what:<8} {formula} at most {age}, on {}; vacuum is forced at {}, failsafe at {}, the end is {stops_at}",
        style.text(&partition.name.to_string()),
        limit(forced_at),
        limit(failsafe_at)
    )
}

/// Writes the steps of a plan of maintenance, or that there are none, and the forecast.
///
/// # Errors
/// What `out` refuses.
pub fn maintenance(plan: &Plan, forecasts: &[Forecast], style: Style, out: &mut dyn Write) -> fmt::Result {
    super::plan(plan, style, out)?;
    writeln!(out, "\nAutovacuum by itself:\n")?;
    forecast(forecasts, style, out)
}
