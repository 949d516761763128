//! Storage parameters of indexes: when two spellings, or a spelling and none at all, mean the same to the server.

use super::parameter::{number, whole};
use crate::sql::setting_bool;

/// What the server takes for a parameter that an index does not set (CREATE INDEX, "Index Storage Parameters").
fn default_of(method: &str, name: &str) -> Option<&'static str> {
    match (method, name) {
        ("btree" | "gist", "fillfactor") => Some("90"),
        ("hash", "fillfactor") => Some("75"),
        ("spgist", "fillfactor") => Some("80"),
        ("btree", "deduplicate_items") | ("gin", "fastupdate") => Some("on"),
        ("gist", "buffering") => Some("auto"),
        ("brin", "pages_per_range") => Some("128"),
        ("brin", "autosummarize") => Some("off"),
        // Of `gin_pending_list_limit` it is a setting, and methods of extensions have their own.
        _ => None,
    }
}

/// Whether two values of an index's parameter are one to the server; `None` is not set.
pub fn is_same_of_index(method: &str, name: &str, one: Option<&str>, other: Option<&str>) -> bool {
    let value = |given: Option<&str>| given.map(str::to_owned).or_else(|| default_of(method, name).map(str::to_owned));
    match (value(one), value(other)) {
        (Some(one), Some(other)) => reads_alike(name, &one, &other),
        (None, None) => true,
        (Some(_), None) | (None, Some(_)) => false,
    }
}

/// Numbers as numbers, flags as flags: a parameter of an extension is of one kind or of the other, and no text of either
/// kind is one of a word's.
fn reads_alike(name: &str, one: &str, other: &str) -> bool {
    let is_flag = matches!(name, "autosummarize" | "deduplicate_items" | "fastupdate");
    if let (true, Some(one), Some(other)) = (is_flag, setting_bool(one), setting_bool(other)) {
        return one == other;
    }
    if let (Some(one), Some(other)) = (whole(one), whole(other)) {
        return one == other;
    }
    if let (Some(one), Some(other)) = (number(one), number(other)) {
        return one.total_cmp(&other).is_eq();
    }
    let word = |text: &str| setting_bool(text).map_or_else(|| text.trim().to_lowercase(), |flag| flag.to_string());
    word(one) == word(other)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_of_one_value_are_the_same() {
        for (method, name, one, other) in [
            ("brin", "autosummarize", Some("on"), Some("true")),
            ("brin", "autosummarize", Some("1"), Some("yes")),
            ("brin", "autosummarize", Some("off"), None),
            ("brin", "pages_per_range", None, Some("128")),
            ("btree", "fillfactor", Some("70"), Some("0x46")),
            ("btree", "fillfactor", Some("90"), None),
            ("btree", "deduplicate_items", Some("ON"), None),
            ("gist", "buffering", Some("AUTO"), None),
            ("gin", "fastupdate", Some("f"), Some("0")),
            ("hnsw", "m", Some("16"), Some("16.0")),
            ("hnsw", "m", None, None),
        ] {
            assert!(is_same_of_index(method, name, one, other), "{method} {name}: {one:?} and {other:?}");
        }
        for (method, name, one, other) in [
            ("btree", "fillfactor", Some("70"), None),
            ("hash", "fillfactor", Some("90"), None),
            ("brin", "autosummarize", Some("on"), None),
            ("gin", "gin_pending_list_limit", Some("4096"), None),
            ("gist", "buffering", Some("on"), Some("auto")),
            ("hnsw", "m", Some("16"), None),
        ] {
            assert!(!is_same_of_index(method, name, one, other), "{method} {name}: {one:?} and {other:?}");
        }
    }
}
