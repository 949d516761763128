//! The document of pg-partsmith.

use std::collections::BTreeMap;

use serde_yaml::Value;

use super::draft::{Draft, Line, TableDraft};
use super::ppm::{ident, windows};
use super::premake;
use super::source::{Map, SourceError, text};
use crate::grid::{CalendarSpan, Interval, NameTemplate, Unit, Zone};
use crate::policy::is_shorter;
use crate::sql::TableName;

/// What pg-partsmith makes ahead when nobody says so, the current period included.
const DEFAULT_AHEAD: u64 = 6;

const NUMBER: &str = "ahead of the current one pg-partsmith's number";

/// A policy from pg-partsmith's YAML, whose text this is.
///
/// # Errors
/// Text that is no YAML, or has no `tables`. What is not understood inside becomes a comment.
pub fn from_pg_partsmith(name: &str, text: &str) -> Result<Draft, SourceError> {
    let document = Map::document(text, "tables", "pg-partsmith")?;
    let mut draft = Draft { origin: format!("{name} (pg-partsmith)"), ..Draft::default() };
    if document.get("dsn").is_some() {
        draft.remarks.push("Its dsn is not copied: it may hold a password.".to_owned());
    }
    if let Some(hooks) = document.map("hooks") {
        let phases: Vec<&str> = hooks.others(&["timeout_seconds"]);
        draft.remarks.push(format!(
            "Its hooks ({}) have no equivalent: nothing of yours runs around a step.",
            phases.join(", ")
        ));
    }
    if let Some(runtime) = document.map("runtime") {
        let settings = runtime.others(&["ddl_timezone"]);
        if !settings.is_empty() {
            draft.remarks.push(format!("Of its runtime {} is not carried over; see `apply`.", settings.join(", ")));
        }
    }
    let others = document.others(&["version", "dsn", "defaults", "tables", "runtime", "hooks"]);
    if !others.is_empty() {
        draft.remarks.push(format!("Not understood: {}.", others.join(", ")));
    }
    let defaults = document.map("defaults").unwrap_or_default().rename("schema", "schema_name");
    let entries = document.get("tables").and_then(Value::as_sequence).cloned().unwrap_or_default();
    let entries = (1..).zip(&entries).map(|(at, value)| {
        let map = Map::of(value).unwrap_or_default().rename("schema", "schema_name").or(&defaults);
        (map.text("table_name").unwrap_or_else(|| format!("entry {at}")), table(&map))
    });
    draft.take(entries.collect());
    Ok(draft)
}

/// Where the windows of a table lie.
enum Axis {
    Time { interval: Interval, zone: Zone, codec: Option<String> },
    Keys { step: u64, origin: i64, suffix: String },
}

fn table(map: &Map) -> Result<TableDraft, String> {
    let table = map.text("table_name").ok_or_else(|| "`table_name` is missing".to_owned())?;
    let schema = map.text("schema_name").unwrap_or_else(|| "public".to_owned());
    let name = TableName { schema: ident(&schema)?, name: ident(&table)? };
    let (key, axis) = match map.map("scheme") {
        Some(scheme) => scheme_of(&scheme)?,
        None => flat(map)?,
    };
    let mut remarks = Vec::new();
    let known = [
        "schema_name",
        "table_name",
        "partition_type",
        "partition_strategy",
        "partition_column",
        "trailing_partition_columns",
        "granularity",
        "tz",
        "boundary_codec",
        "create_ahead_count",
        "retention_count",
        "scheme",
        "lifecycle",
        "leaves",
    ];
    let others = map.others(&known);
    if !others.is_empty() {
        remarks.push(format!("Not understood: {}.", others.join(", ")));
    }
    if let Some(leaves) = map.map("leaves") {
        let said = leaves.others(&["kind", "inherit_privileges"]);
        if !said.is_empty() {
            remarks.push(format!("Its leaves say {}: new partitions follow the table itself.", said.join(", ")));
        }
    }
    let lifecycle = map.map("lifecycle");
    let ahead = ahead(map, lifecycle.as_ref(), &mut remarks);
    let mut partition = vec![Line::new("key", ident(&key)?)];
    match &axis {
        Axis::Time { interval, zone, codec } => {
            partition.push(Line::new("interval", interval));
            partition.push(Line::new("timezone", zone));
            partition.extend(codec.as_ref().map(|codec| Line::new("encoding", codec)));
            // The current one is not ahead.
            partition.push(premake::told(Some(ahead - 1), Some(*interval), NUMBER));
            let format = match interval.unit {
                Unit::Hours => "%Y_%m_%d_%H",
                Unit::Days => "%Y_%m_%d",
                Unit::Weeks => "%G_w%V",
                Unit::Months => "%Y_%m",
                Unit::Quarters => "%Y_q%q",
                Unit::Years => "%Y",
            };
            partition.push(Line::quoted("name", format!("{{table}}__{{start:{format}}}")));
        }
        Axis::Keys { step, origin, suffix } => {
            partition.push(Line::new("interval", step));
            if *origin != 0 {
                partition.push(Line::new("anchor", origin));
            }
            partition.push(premake::told(Some(ahead - 1), None, NUMBER));
            let name = format!("{{table}}{suffix}");
            match name.parse::<NameTemplate>() {
                Ok(template) if template.separates_ids() => partition.push(Line::quoted("name", template)),
                Ok(template) if template.is_of_ids() => remarks.push(format!(
                    "Its name_suffix, `{suffix}`, may let a long table's name run into the id: new partitions are named by the default."
                )),
                Ok(_) | Err(_) => remarks.push(format!("Its name_suffix, `{suffix}`, is not understood.")),
            }
        }
    }
    let retention = retention(map, lifecycle.as_ref(), &axis, &mut remarks);
    let inherits = map.map("leaves").and_then(|leaves| leaves.text("inherit_privileges"));
    let inherit_privileges = inherits.as_deref() == Some("true");
    Ok(TableDraft {
        name,
        remarks,
        partition,
        retention,
        storage_parameters: BTreeMap::new(),
        indexes: Vec::new(),
        inherit_privileges,
    })
}

fn flat(map: &Map) -> Result<(String, Axis), String> {
    let key = map.text("partition_column").ok_or_else(|| "`partition_column` is missing".to_owned())?;
    if map.get("trailing_partition_columns").and_then(Value::as_sequence).is_some_and(|more| !more.is_empty()) {
        return Err("its key has several columns".to_owned());
    }
    Ok((key, time(map, "boundary_codec")?))
}

fn scheme_of(scheme: &Map) -> Result<(String, Axis), String> {
    let method = scheme.text("method").unwrap_or_default();
    if method != "range" {
        return Err(format!("partitioned by {}", method.to_uppercase()));
    }
    if scheme.get("child").is_some() {
        return Err("its partitions are partitioned themselves".to_owned());
    }
    let key = match scheme.get("key") {
        Some(Value::Sequence(columns)) => match columns.as_slice() {
            [one] => text(one),
            _ => return Err("its key has several columns".to_owned()),
        },
        Some(one) => text(one),
        None => None,
    };
    let key = key.ok_or_else(|| "its scheme has no `key`".to_owned())?;
    let boundaries = scheme.map("boundaries").ok_or_else(|| "its scheme has no `boundaries`".to_owned())?;
    let axis = match boundaries.text("kind").as_deref().unwrap_or("time") {
        "time" => time(&boundaries, "codec")?,
        "integer" => Axis::Keys {
            step: boundaries.count("step").ok_or_else(|| "its boundaries have no `step`".to_owned())?,
            origin: boundaries.text("origin").and_then(|origin| origin.parse().ok()).unwrap_or(0),
            suffix: boundaries.text("name_suffix").unwrap_or_else(|| "__{start}".to_owned()),
        },
        other => return Err(format!("boundaries of the kind `{other}`")),
    };
    Ok((key, axis))
}

fn time(map: &Map, codec: &str) -> Result<Axis, String> {
    let word = map.text("granularity").ok_or_else(|| "`granularity` is missing".to_owned())?;
    let unit = match word.as_str() {
        "hour" => Unit::Hours,
        "day" => Unit::Days,
        "week" => Unit::Weeks,
        "month" => Unit::Months,
        "quarter" => Unit::Quarters,
        "year" => Unit::Years,
        _ => return Err(format!("its granularity, `{word}`, is not understood")),
    };
    let zone = map.text("tz").unwrap_or_else(|| "UTC".to_owned());
    let zone = zone.parse().map_err(|error: crate::grid::ZoneError| error.to_string())?;
    let codec = match map.text(codec).as_deref() {
        None => None,
        Some("uuidv7") => Some("uuidv7".to_owned()),
        Some("epoch_seconds") => Some("epoch_s".to_owned()),
        Some("epoch_milliseconds") => Some("epoch_ms".to_owned()),
        Some(other) => return Err(format!("its codec, `{other}`, is not understood")),
    };
    Ok(Axis::Time { interval: Interval { count: 1, unit }, zone, codec })
}

/// Windows made ahead, the current one included.
fn ahead(map: &Map, lifecycle: Option<&Map>, remarks: &mut Vec<String>) -> u64 {
    match lifecycle.map(|lifecycle| lifecycle.map("creation")) {
        None => map.count("create_ahead_count").unwrap_or(DEFAULT_AHEAD),
        Some(None) => DEFAULT_AHEAD,
        Some(Some(creation)) => match creation.text("kind").as_deref() {
            Some("create_ahead") => creation.count("count").unwrap_or(DEFAULT_AHEAD),
            other => {
                let other = other.unwrap_or("?");
                remarks.push(format!("Its creation is `{other}`: partitions are made by the clock here."));
                DEFAULT_AHEAD
            }
        },
    }
}

/// What was written down, and never its defaults.
fn retention(map: &Map, lifecycle: Option<&Map>, axis: &Axis, remarks: &mut Vec<String>) -> Vec<Line> {
    let rule = match lifecycle {
        None => map.count("retention_count").map(Rule::Newest),
        Some(lifecycle) => lifecycle.map("retention").map(|rule| Rule::of(&rule)),
    };
    let Some(rule) = rule else {
        remarks.push(
            "No retention is written down; pg-partsmith keeps its newest 12 then. None is carried over.".to_owned(),
        );
        return Vec::new();
    };
    let kept = match (&rule, axis) {
        // The current window is one of them, and stays until it is over.
        (Rule::Newest(count), Axis::Time { interval, .. }) => {
            windows(count - 1, *interval).map(|keep| keep.to_string())
        }
        (Rule::Newest(count), Axis::Keys { step, .. }) if *count > 1 => {
            (count - 1).checked_mul(*step).map(|keys| keys.to_string())
        }
        (Rule::For(span), Axis::Time { interval, .. }) if !is_shorter(*span, *interval) => Some(span.to_string()),
        // It counts from the start of the current window, a policy from its highest key: as much is kept by whole steps.
        (Rule::Behind(distance), Axis::Keys { step, .. }) => {
            distance.div_ceil(*step).checked_mul(*step).map(|keys| keys.to_string())
        }
        (Rule::Newest(_) | Rule::For(_) | Rule::Behind(_) | Rule::Other(_), Axis::Time { .. } | Axis::Keys { .. }) => {
            None
        }
    };
    let Some(kept) = kept else {
        remarks.push(format!("Its retention ({rule}) is not carried over: a policy cannot say it."));
        return Vec::new();
    };
    let drop = lifecycle.and_then(|lifecycle| lifecycle.map("drop"));
    let dropped =
        match &drop {
            None => Some("a week".to_owned()),
            Some(drop) if drop.text("kind").as_deref() == Some("drop_never") => None,
            Some(drop) => Some(drop.text("grace").map_or_else(
                || "no time".to_owned(),
                |grace| duration(&grace).map_or(grace, |grace| grace.to_string()),
            )),
        };
    if drop.is_some_and(|drop| drop.get("when").is_some()) {
        remarks.push("Its drop has a condition (`when`), which a policy cannot say.".to_owned());
    }
    let then = Line::new("then", "detach");
    let then = match dropped {
        None => then,
        Some(after) => then.says(format!("pg-partsmith dropped them {after} later: `drop` does that, by `grace`")),
    };
    vec![Line::new("keep", kept).says(format!("pg-partsmith's retention: {rule}")), then]
}

enum Rule {
    Newest(u64),
    For(CalendarSpan),
    Behind(u64),
    Other(String),
}

impl Rule {
    fn of(map: &Map) -> Self {
        let kind = map.text("kind").unwrap_or_else(|| "?".to_owned());
        let read = match kind.as_str() {
            "keep_newest" => map.count("count").map(Self::Newest),
            "keep_for" => map.text("age").and_then(|age| duration(&age)).map(Self::For),
            "keep_behind" => map.count("distance").map(Self::Behind),
            _ => None,
        };
        read.unwrap_or(Self::Other(kind))
    }
}

impl std::fmt::Display for Rule {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Newest(count) => write!(f, "the newest {count}"),
            Self::For(span) => write!(f, "for {span}"),
            Self::Behind(distance) => write!(f, "{distance} behind the newest"),
            Self::Other(kind) => f.write_str(kind),
        }
    }
}

/// An age of whole days or hours: `P90D`, `P2W`, `P1DT12H`, or a number of seconds.
fn duration(text: &str) -> Option<CalendarSpan> {
    let (mut days, mut hours) = (0_u32, 0_u32);
    if let Ok(seconds) = text.parse::<u32>() {
        (days, hours) = (seconds / 86_400, seconds % 86_400 / 3600);
        return (seconds % 3600 == 0).then(|| span(days, hours)).flatten();
    }
    let mut number = String::new();
    let mut in_time = false;
    for c in text.strip_prefix('P')?.chars() {
        match c {
            '0'..='9' => number.push(c),
            'T' if number.is_empty() => in_time = true,
            'W' | 'D' | 'H' => {
                let count: u32 = std::mem::take(&mut number).parse().ok()?;
                match (c, in_time) {
                    ('W', false) => days = days.checked_add(count.checked_mul(7)?)?,
                    ('D', false) => days = days.checked_add(count)?,
                    ('H', true) => hours = hours.checked_add(count)?,
                    _ => return None,
                }
            }
            _ => return None,
        }
    }
    if number.is_empty() { span(days, hours) } else { None }
}

fn span(days: u32, hours: u32) -> Option<CalendarSpan> {
    // Through text, which knows how long the calendar is.
    CalendarSpan { days, hours, ..CalendarSpan::ZERO }.to_string().parse().ok()
}
