//! The configuration of qonto's PostgreSQL Partition Manager (PPM).

use std::collections::BTreeMap;

use super::draft::{Draft, Line, TableDraft};
use super::premake;
use super::source::{Map, SourceError};
use crate::grid::{CalendarSpan, Interval, Unit};
use crate::sql::{Ident, MAX_IDENT_BYTES, TableName};

/// A policy from PPM's YAML, whose text this is.
///
/// ```
/// use pgstrata::report::import::from_ppm;
/// let text = "partitions: {logs: {schema: public, table: logs, partitionKey: at, interval: daily, retention: 30,
///   preProvisioned: 7, cleanupPolicy: drop}}";
/// let policy = from_ppm("ppm.yaml", text)?.to_yaml("pgstrata.yaml");
/// assert!(policy.contains("keep: 30 days") && policy.contains("then: detach"));
/// # Ok::<(), pgstrata::report::import::SourceError>(())
/// ```
///
/// # Errors
/// Text that is no YAML, or has no `partitions`. What is not understood inside becomes a comment.
pub fn from_ppm(name: &str, text: &str) -> Result<Draft, SourceError> {
    let document = Map::document(text, "partitions", "PPM")?;
    let mut draft = Draft { origin: format!("{name} (PPM)"), ..Draft::default() };
    draft.remarks.push("It does not tell the type of a key: a uuid also needs `encoding: uuidv7`.".to_owned());
    if document.get("connection-url").is_some() {
        draft.remarks.push("Its connection-url is not copied: it may hold a password.".to_owned());
    }
    let timeout = |key| document.text(key);
    if let (lock, statement @ Some(_)) | (lock @ Some(_), statement) =
        (timeout("lock-timeout"), timeout("statement-timeout"))
    {
        let said = [("lock_timeout", lock), ("statement_timeout", statement)].map(|(key, value)| (key, value));
        let said: Vec<String> =
            said.into_iter().filter_map(|(key, value)| value.map(|value| format!("{key}: {value}ms"))).collect();
        draft.remarks.push(format!("Its timeouts would be `apply: {{{}}}`.", said.join(", ")));
    }
    let known =
        ["partitions", "connection-url", "lock-timeout", "statement-timeout", "debug", "log-format", "work-date"];
    let others = document.others(&known);
    if !others.is_empty() {
        draft.remarks.push(format!("Not understood: {}.", others.join(", ")));
    }
    let partitions = document.map("partitions").unwrap_or_default();
    let entries = partitions.entries().map(|(entry, value)| {
        let read = Map::of(value).ok_or_else(|| "not a mapping".to_owned()).and_then(|map| table(&map));
        (entry.to_owned(), read)
    });
    draft.take(entries.collect());
    Ok(draft)
}

fn table(map: &Map) -> Result<TableDraft, String> {
    let needed = |key: &str| map.text(key).ok_or_else(|| format!("`{key}` is missing"));
    let name = TableName { schema: ident(&needed("schema")?)?, name: ident(&needed("table")?)? };
    let key = ident(&needed("partitionKey")?)?;
    let word = needed("interval")?;
    let (unit, template) = match word.to_lowercase().as_str() {
        "daily" => (Unit::Days, "%Y_%m_%d"),
        "weekly" => (Unit::Weeks, "%G_w%V"),
        "monthly" => (Unit::Months, "%Y_%m"),
        "quarterly" => (Unit::Quarters, "%Y_q%q"),
        "yearly" => (Unit::Years, "%Y"),
        _ => return Err(format!("its interval, `{word}`, is not understood")),
    };
    let interval = Interval { count: 1, unit };
    let mut remarks = Vec::new();
    let known = ["schema", "table", "partitionKey", "interval", "retention", "preProvisioned", "cleanupPolicy"];
    let others = map.others(&known);
    if !others.is_empty() {
        remarks.push(format!("Not understood: {}.", others.join(", ")));
    }
    let zone = "check: PPM writes dates, and the server's TimeZone says when they begin".to_owned();
    let partition = vec![
        Line::new("key", key),
        Line::new("interval", interval),
        Line::new("timezone", "UTC").says(zone),
        premake::told(map.count("preProvisioned"), Some(interval), "PPM's preProvisioned"),
        Line::quoted("name", format!("{{table}}_{{start:{template}}}")),
    ];
    let mut retention = Vec::new();
    match (map.text("retention"), map.count("retention")) {
        (Some(written), Some(count)) => match windows(count, interval) {
            Some(keep) => {
                retention.push(Line::new("keep", keep).says(format!("PPM's retention: {written} partitions")));
                let then = Line::new("then", "detach");
                retention.push(match map.text("cleanupPolicy").as_deref() {
                    Some("detach") => then,
                    Some(_) | None => {
                        then.says("PPM dropped them: `drop` does that, a week (`grace`) later".to_owned())
                    }
                });
            }
            None => remarks.push(format!("Its retention, `{written}`, is longer than the calendar.")),
        },
        (Some(written), None) => remarks.push(format!("Its retention, `{written}`, is not understood.")),
        (None, _) => {}
    }
    Ok(TableDraft {
        name,
        remarks,
        partition,
        retention,
        storage_parameters: BTreeMap::new(),
        indexes: Vec::new(),
        inherit_privileges: false,
    })
}

/// A name as the other tool has it, which is as the catalog has it.
pub(super) fn ident(name: &str) -> Result<Ident, String> {
    match name {
        "" => Err("a name is empty".to_owned()),
        name if name.len() > MAX_IDENT_BYTES || name.contains('\0') => Err(format!("`{name}` is no identifier")),
        name => Ok(Ident::new(name)),
    }
}

/// So many intervals as a time to keep rows.
pub(super) fn windows(count: u64, interval: Interval) -> Option<CalendarSpan> {
    let count = u32::try_from(count).ok()?.checked_mul(interval.count)?;
    let unit = interval.unit;
    let (count, unit) = match unit {
        Unit::Quarters => (count.checked_mul(3)?, Unit::Months),
        Unit::Hours | Unit::Days | Unit::Weeks | Unit::Months | Unit::Years => (count, unit),
    };
    // Through text, which knows how long the calendar is.
    Interval { count, unit }.to_string().parse().ok()
}
