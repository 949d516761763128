//! JSON Schema of the values that JSON Schema's own types do not tell apart.
#![cfg(feature = "cli")]

use schemars::{Schema, SchemaGenerator, json_schema};

use crate::plan::{Gating, HazardKind};

pub(super) fn version(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"description": "Version of the policy language: 1.", "const": 1})
}

const TIMEOUT: &str = "^[0-9]+ *(us|ms|s|min|h|d)$";

pub(super) fn timeout() -> Schema {
    json_schema!({
        "type": "string",
        "description": "A timeout with PostgreSQL's units: us, ms, s, min, h, d.",
        "pattern": TIMEOUT,
        "examples": ["200ms", "5s", "10min"]
    })
}

pub(super) fn timeout_or_none() -> Schema {
    json_schema!({
        "description": "A timeout with PostgreSQL's units: us, ms, s, min, h, d; 0 is none.",
        "anyOf": [{"type": "string", "pattern": TIMEOUT}, {"enum": [0, "0"]}],
        "examples": ["200ms", "5s", 0]
    })
}

pub(super) fn size() -> Schema {
    json_schema!({
        "type": "string",
        "description": "A size with PostgreSQL's units (1024): B, kB, MB, GB, TB.",
        "pattern": "^[0-9]+ *(B|kB|MB|GB|TB)$",
        "examples": ["100MB", "50GB"]
    })
}

pub(super) fn percent() -> Schema {
    json_schema!({
        "type": "string",
        "description": "A share from 0% to 100%.",
        "pattern": "^[0-9]+(\\.[0-9]+)? *%$",
        "examples": ["80%"]
    })
}

const SPAN: &str = "^[0-9]+ *(hours?|days?|weeks?|months?|quarters?|years?)([, ] *[0-9]+ *(hours?|days?|weeks?|months?|quarters?|years?))*$";

/// Whole numbers, `_` between digits for the eye.
const IDS: &str = "^-?[0-9][0-9_]*$";

pub(super) fn span() -> Schema {
    json_schema!({
        "type": "string",
        "description": "A calendar duration in words: hours, days, weeks, months, quarters, years.",
        "pattern": SPAN,
        "examples": ["7 days", "3 months"]
    })
}

pub(super) fn age() -> Schema {
    json_schema!({
        "description": "A calendar duration in words, or a key distance for id keys; never a count of partitions.",
        "anyOf": [
            {"type": "string", "pattern": SPAN},
            {"type": "integer", "minimum": 1},
            {"type": "string", "pattern": IDS}
        ],
        "examples": ["7 years", "90 days"]
    })
}

pub(super) fn interval() -> Schema {
    json_schema!({
        "description": "Width of a partition: one calendar unit, or a number of keys for id keys.",
        "anyOf": [
            {"type": "string", "pattern": "^[0-9]+ *(hours?|days?|weeks?|months?|quarters?|years?)$"},
            {"type": "integer", "minimum": 1},
            {"type": "string", "pattern": IDS}
        ],
        "examples": ["1 month", "1 day", 1_000_000]
    })
}

pub(super) fn count_or_span() -> Schema {
    json_schema!({
        "description": "A number of whole partitions, or a calendar duration in words.",
        "anyOf": [{"type": "integer", "minimum": 1}, {"type": "string", "pattern": SPAN}],
        "examples": [4, "90 days"]
    })
}

pub(super) fn count() -> Schema {
    json_schema!({
        "description": "A whole number; quoted it survives tools that read numbers as floating point.",
        "anyOf": [{"type": "string", "pattern": "^([0-9]+|.*\\$\\{.*)$"}, {"type": "integer", "minimum": 0}]
    })
}

pub(super) fn moment() -> Schema {
    json_schema!({
        "description": "A date, or a date and time, without a zone; an id where the table is partitioned by ids.",
        "anyOf": [
            {
                "type": "string",
                "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}([ T][0-9]{2}:[0-9]{2}(:[0-9]{2}(\\.[0-9]{1,6})?)?)?$"
            },
            {"type": "integer"},
            {"type": "string", "pattern": IDS}
        ],
        "examples": ["2024-03-01", "2024-03-01 12:00", 1_000_000]
    })
}

pub(super) fn template() -> Schema {
    json_schema!({
        "type": "string",
        "description": "A template of partition names; it must tell every two partitions apart.",
        "pattern": "\\{(start|end)",
        "examples": ["{table}_p{start:%Y%m%d}"]
    })
}

pub(super) fn url() -> Schema {
    json_schema!({
        "type": "string",
        "description": "A PostgreSQL URL; `${NAME}` and `${NAME:-default}` are looked up when it is used.",
        "examples": ["${DATABASE_URL}"]
    })
}

pub(super) fn grant() -> Schema {
    let gated = HazardKind::ALL.into_iter().filter(|kind| kind.gating() != Gating::Shown);
    let flags: Vec<String> = gated.flat_map(|kind| [kind.flag(), kind.code().to_owned()]).collect();
    json_schema!({
        "type": "string",
        "description": "A hazard accepted without a flag, everywhere or for one table.",
        "pattern": format!("^({})(:.+\\..+)?$", flags.join("|")),
        "examples": ["deletes-data:audit.audit_log"]
    })
}

pub(super) fn table() -> Schema {
    json_schema!({
        "type": "string",
        "description": "A table with its schema.",
        "pattern": "\\.",
        "examples": ["audit.audit_log"]
    })
}

pub(super) fn scalar() -> Schema {
    json_schema!({
        "description": "A text, number or truth value.",
        "type": ["string", "number", "boolean"]
    })
}
