//! How plans are carried out.

use std::collections::BTreeSet;
use std::time::Duration;

use super::super::spec::{Apply, MaxDropSpec};
use super::super::units::timeout;
use super::super::{ApplyDesired, Grant, MaxDrop, PolicyError, PolicyPath};
use super::hold::unknown_table;
use super::{Checks, Known};
use crate::grid::CalendarSpan;

impl Default for ApplyDesired {
    fn default() -> Self {
        Self {
            jobs: 2,
            lock_timeout: Duration::from_millis(200),
            lock_retries: 30,
            statement_timeout: Duration::from_secs(5),
            concurrent_timeout: Duration::from_secs(600),
            allow: BTreeSet::new(),
            max_drop: MaxDrop::default(),
            max_create: 500,
        }
    }
}

impl Default for MaxDrop {
    fn default() -> Self {
        Self { windows: 3, span: CalendarSpan { days: 8, ..CalendarSpan::ZERO } }
    }
}

pub(super) fn resolve(checks: &mut Checks, known: &Known<'_>, spec: Option<&Apply>) -> Option<ApplyDesired> {
    let default = ApplyDesired::default();
    let Some(spec) = spec else { return Some(default) };
    let at = PolicyPath::of(["apply"]);
    let Apply {
        jobs,
        lock_timeout,
        lock_retries,
        statement_timeout,
        concurrent_timeout,
        allow,
        max_drop,
        max_create,
        // See `rest::settings`.
        settings: _,
    } = spec;
    let jobs = between(checks, &at.key("jobs"), jobs.unwrap_or(default.jobs), 1, 64);
    let lock_retries = between(checks, &at.key("lock_retries"), lock_retries.unwrap_or(default.lock_retries), 0, 1_000);
    let max_create = between(checks, &at.key("max_create"), max_create.unwrap_or(default.max_create), 1, 1_000_000);
    let lock_timeout = checks.or(&at.key("lock_timeout"), lock_timeout.as_ref(), default.lock_timeout, timeout);
    let statement_timeout =
        checks.or(&at.key("statement_timeout"), statement_timeout.as_ref(), default.statement_timeout, timeout);
    let concurrent_timeout =
        checks.or(&at.key("concurrent_timeout"), concurrent_timeout.as_ref(), default.concurrent_timeout, timeout);
    let mut granted = BTreeSet::new();
    for (index, text) in allow.iter().flatten().enumerate() {
        let path = at.key("allow").index(index);
        let Some(grant) = checks.keep(&path, text.as_ref().parse::<Grant>()) else { continue };
        match &grant.table {
            Some(table) if !known.tables.contains(table) => {
                if !known.is_removed(table) {
                    unknown_table(checks, known, path, table);
                }
            }
            Some(_) | None => {
                granted.insert(grant);
            }
        }
    }
    let max_drop = match max_drop {
        Some(MaxDropSpec { windows, span }) => {
            let path = at.key("max_drop").key("span");
            let span = checks.or(&path, span.as_ref(), default.max_drop.span, CalendarSpan::parse_or_zero);
            span.map(|span| MaxDrop { windows: windows.unwrap_or(default.max_drop.windows), span })
        }
        None => Some(default.max_drop),
    };
    Some(ApplyDesired {
        jobs: jobs?,
        lock_timeout: lock_timeout?,
        lock_retries: lock_retries?,
        statement_timeout: statement_timeout?,
        concurrent_timeout: concurrent_timeout?,
        allow: granted,
        max_drop: max_drop?,
        max_create: max_create?,
    })
}

fn between(checks: &mut Checks, path: &PolicyPath, value: u32, least: u32, most: u32) -> Option<u32> {
    if (least..=most).contains(&value) {
        return Some(value);
    }
    checks.push(PolicyError::at(path.clone(), format!("`{value}` is not from {least} to {most}")));
    None
}
