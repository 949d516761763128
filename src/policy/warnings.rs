//! What is allowed and probably not meant.

use super::{Desired, PolicyPath, Position, Premake, Warning, Width};
use crate::grid::{CalendarSpan, Interval, Unit};

/// A job that runs once a day and fails once must not leave inserts without a partition.
const SHORTEST_HORIZON_HOURS: u64 = 48;

/// What is odd about a policy, in the order of its tables.
pub fn warnings(desired: &Desired) -> Vec<Warning> {
    let mut found = Vec::new();
    for (name, table) in &desired.tables {
        let hours = match (table.premake, table.width) {
            (Premake::Span(span), Width::Calendar(_) | Width::Keys(_)) => shortest_span_hours(span),
            (Premake::Windows(count), Width::Calendar(interval)) => {
                u64::from(count).saturating_mul(shortest_hours(interval))
            }
            // How long a number of keys lasts, only the table knows.
            (Premake::Windows(_), Width::Keys(_)) => continue,
        };
        if hours < SHORTEST_HORIZON_HOURS {
            found.push(Warning {
                path: PolicyPath::of(["tables"]).key(name.to_string()).key("partition").key("premake"),
                message: format!("partitions exist for the next {hours} hours only"),
                help: Some("two days or more let a daily job fail once before inserts do".to_owned()),
            });
        }
    }
    let of_ids = desired.tables.iter().find(|(_, table)| matches!(table.width, Width::Keys(_)));
    for (name, hold) in &desired.holds {
        let in_time = [hold.from, hold.to].into_iter().flatten().any(|end| matches!(end, Position::Civil(_)));
        if let (true, true, Some((table, _))) = (hold.tables.is_empty(), in_time, of_ids) {
            found.push(Warning {
                path: PolicyPath::of(["holds"]).key(name.clone()),
                message: format!("it holds all of `{table}`, whose ids tell no time"),
                help: Some("name the tables that it is about".to_owned()),
            });
        }
    }
    found
}

/// The least number of windows ahead that is not warned of.
pub(crate) fn least_premake(interval: Interval) -> u32 {
    u32::try_from(SHORTEST_HORIZON_HOURS.div_ceil(shortest_hours(interval).max(1))).unwrap_or(u32::MAX)
}

/// Whether a retention is shorter than one partition, which no policy may say.
pub(crate) fn is_shorter(keep: CalendarSpan, interval: Interval) -> bool {
    longest_span_hours(keep) < shortest_hours(interval)
}

/// A length that no window of this interval falls below, clock changes aside.
pub(super) fn shortest_hours(interval: Interval) -> u64 {
    let Interval { count, unit } = interval;
    let count = u64::from(count);
    match unit {
        Unit::Hours => count,
        Unit::Days => count * 24,
        Unit::Weeks => count * 7 * 24,
        Unit::Months => shortest_months(count),
        Unit::Quarters => shortest_months(count * 3),
        Unit::Years => shortest_months(count * 12),
    }
}

fn shortest_months(months: u64) -> u64 {
    // Twelve months have 365 days at least; fewer than twelve may hold a February.
    let rest = match months % 12 {
        0 => 0,
        rest => rest * 30 - 2,
    };
    (months / 12 * 365 + rest) * 24
}

fn shortest_span_hours(span: CalendarSpan) -> u64 {
    let CalendarSpan { years, months, weeks, days, hours } = span;
    let months = u64::from(years) * 12 + u64::from(months);
    shortest_months(months) + u64::from(weeks) * 7 * 24 + u64::from(days) * 24 + u64::from(hours)
}

/// A length that this span never exceeds, clock changes aside.
pub(super) fn longest_span_hours(span: CalendarSpan) -> u64 {
    let CalendarSpan { years, months, weeks, days, hours } = span;
    let months = u64::from(years) * 12 + u64::from(months);
    let days = months / 12 * 366 + months % 12 * 31 + u64::from(weeks) * 7 + u64::from(days);
    days * 24 + u64::from(hours)
}
