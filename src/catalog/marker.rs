//! The marker in a table's comment: the only record of a detached partition's root and bounds, and the hold line.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::snapshot::Oid;
use crate::grid::Bound;
use crate::sql::TableName;

/// What a marker line begins with; the rest of the line is JSON.
pub const MARKER_PREFIX: &str = "pgstrata: retired ";

/// What a hold line begins with, as `pgstrata hold` writes it; see [`holds`] for what else is one.
pub const HOLD_PREFIX: &str = "pgstrata: hold";

/// Written into the comment of a partition before it is detached.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Marker {
    /// The table it was a partition of.
    pub root: TableName,
    /// That table's OID.
    pub root_oid: Oid,
    /// Its own OID: a restored or copied table has another, and is not ours to drop.
    pub oid: Oid,
    /// Lower bound.
    pub from: Bound,
    /// Upper bound.
    pub to: Bound,
    /// The server's clock once the detach was complete; grace runs from here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detached_at: Option<Timestamp>,
}

impl Marker {
    /// The same marker before its stamp.
    pub fn unstamped(&self) -> Self {
        Self { detached_at: None, ..self.clone() }
    }

    /// The line without a stamp.
    pub fn line(&self) -> String {
        // Serialising a struct of strings and numbers cannot fail.
        format!("{MARKER_PREFIX}{}", serde_json::to_string(&self.unstamped()).unwrap_or_default())
    }

    /// Reads the marker line of a comment; a broken line is no marker, and an unmarked table is never touched.
    pub fn find(comment: &str) -> Option<Self> {
        let mut found = comment.lines().filter_map(|line| line.strip_prefix(MARKER_PREFIX));
        let first = serde_json::from_str(found.next()?).ok()?;
        // Two markers contradict each other: trust neither.
        found.next().is_none().then_some(first)
    }
}

/// Whether a comment has a line `pgstrata: hold`, with or without a reason behind it.
pub fn holds(comment: &str) -> bool {
    hold_line(comment).is_some()
}

/// The first such line, as it stands there. Whoever writes one by hand means it, however it is spelled: capitals, white
/// space and the colon make no difference.
pub(super) fn hold_line(comment: &str) -> Option<&str> {
    comment.split(['\n', '\r']).map(str::trim).find(|line| {
        let line = line.to_ascii_lowercase();
        let rest = line.strip_prefix("pgstrata").and_then(|rest| {
            let rest = rest.strip_prefix(|c: char| c == ':' || c.is_whitespace())?;
            rest.trim_start_matches(|c: char| c == ':' || c.is_whitespace()).strip_prefix("hold")
        });
        rest.is_some_and(|tail| !tail.starts_with(|c: char| c.is_alphanumeric()))
    })
}

/// The same test as [`holds`], as a POSIX regular expression for the server.
pub const HOLD_REGEX: &str = r"(?i)(^|[\n\r])\s*pgstrata[:[:space:]]+hold([^[:alnum:]]|$)";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hold_is_a_line_of_its_own() {
        for text in [
            "pgstrata: hold",
            "rows of 2024\n pgstrata:hold matter-4711\nmore",
            "pgstrata: hold: discovery",
            "PGSTRATA: HOLD matter-4711",
            "Pgstrata:   hold",
            "rows of 2024\r\n\t pgstrata :\tHold, see the letter",
            "pgstrata hold",
        ] {
            assert!(holds(text), "{text}");
        }
        for text in [
            "pgstrata: holder",
            "PGSTRATA: HOLDER",
            "pgstrata holds these",
            "pgstratahold",
            "no pgstrata: hold",
            "hold",
            "",
        ] {
            assert!(!holds(text), "{text}");
        }
    }

    #[test]
    fn a_marker_reads_back_and_two_are_none() {
        let marker = Marker {
            root: TableName::new("audit", "Log"),
            root_oid: Oid(1),
            oid: Oid(2),
            from: Bound::MinValue,
            to: Bound::MaxValue,
            detached_at: None,
        };
        let line = marker.line();
        assert_eq!(Marker::find(&format!("kept text\n{line}")), Some(marker));
        assert_eq!(Marker::find(&format!("{line}\n{line}")), None);
        assert_eq!(Marker::find("pgstrata: retired {\"oid\":1}"), None);
    }
}
