//! Another tool's YAML, read leniently: what is not understood is said, and the rest is taken.

use std::collections::BTreeMap;

use granit_parser::{ErrorKind, Parser};
use serde_yaml::Value;

/// Why a file is no configuration of the tool.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SourceError {
    /// Not YAML.
    #[error("no YAML: {0}")]
    Yaml(String),
    /// Nested without an end, which its reader would follow for hours.
    #[error("line {line}: nested deeper than {MAX_DEPTH} levels")]
    Deep {
        /// Where it goes too deep.
        line: usize,
    },
    /// YAML, and something else.
    #[error("there is no `{missing}` at the top: is this a configuration of {tool}?")]
    NotTheTools {
        /// The key that every configuration has.
        missing: &'static str,
        /// Whose it was taken for.
        tool: &'static str,
    },
}

/// Deeper than any configuration of these tools.
const MAX_DEPTH: usize = 64;
/// What cannot be looked through for its depth is read up to this size only: reading it takes the square of that.
const MAX_UNKNOWN_BYTES: usize = 16 << 10;

/// A look at how deep it is nested, by a parser that stops there.
fn is_shallow(text: &str) -> Result<(), SourceError> {
    let options = granit_parser::options! { flow_nesting_limit: MAX_DEPTH, block_nesting_limit: MAX_DEPTH };
    let Some(error) = Parser::new_from_str_with_options(text, options).find_map(Result::err) else { return Ok(()) };
    let at = error.marker().byte_offset().unwrap_or(0).min(text.len());
    if matches!(error.kind(), ErrorKind::RecursionLimitExceeded) {
        let before = text.get(..at).unwrap_or(text);
        return Err(SourceError::Deep { line: before.matches('\n').count() + 1 });
    }
    // Its opinion of YAML is not the reader's.
    if text.len() > MAX_UNKNOWN_BYTES { Err(SourceError::Yaml(error.to_string())) } else { Ok(()) }
}

/// A mapping by its keys, which may be spelled in any case. A key that is no text is left out.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Map(BTreeMap<String, (String, Value)>);

impl Map {
    /// Reads a document whose top is a mapping with `needed` in it.
    pub(super) fn document(text: &str, needed: &'static str, tool: &'static str) -> Result<Self, SourceError> {
        let unread = |error: serde_yaml::Error| SourceError::Yaml(error.to_string());
        is_shallow(text)?;
        let mut value: Value = serde_yaml::from_str(text.strip_prefix('\u{feff}').unwrap_or(text)).map_err(unread)?;
        // `<<`: both tools' readers merge such keys, a retention among them.
        value.apply_merge().map_err(unread)?;
        match Self::of(&value) {
            Some(map) if map.0.contains_key(needed) => Ok(map),
            Some(_) | None => Err(SourceError::NotTheTools { missing: needed, tool }),
        }
    }

    pub(super) fn of(value: &Value) -> Option<Self> {
        let entries = value.as_mapping()?.iter();
        let entries = entries.filter_map(|(key, value)| {
            let key = key.as_str()?;
            Some((key.to_lowercase(), (key.to_owned(), value.clone())))
        });
        Some(Self(entries.collect()))
    }

    /// A value that is there and not null.
    pub(super) fn get(&self, key: &str) -> Option<&Value> {
        self.0.get(&key.to_lowercase()).map(|(_, value)| value).filter(|value| !value.is_null())
    }

    /// Text, or a number as text.
    pub(super) fn text(&self, key: &str) -> Option<String> {
        self.get(key).and_then(text)
    }

    /// A whole number above zero, given as one or as text.
    pub(super) fn count(&self, key: &str) -> Option<u64> {
        self.text(key)?.trim().parse().ok().filter(|count| *count > 0)
    }

    pub(super) fn map(&self, key: &str) -> Option<Self> {
        self.get(key).and_then(Self::of)
    }

    /// Takes what the other has and this has not.
    pub(super) fn or(mut self, defaults: &Self) -> Self {
        for (key, value) in &defaults.0 {
            self.0.entry(key.clone()).or_insert_with(|| value.clone());
        }
        self
    }

    /// One spelling of a key for another.
    pub(super) fn rename(mut self, from: &str, to: &str) -> Self {
        if let Some(value) = self.0.remove(from) {
            self.0.entry(to.to_owned()).or_insert(value);
        }
        self
    }

    /// Keys other than these, as they are spelled.
    pub(super) fn others(&self, known: &[&str]) -> Vec<&str> {
        let known: Vec<String> = known.iter().map(|key| key.to_lowercase()).collect();
        self.0.iter().filter(|(key, _)| !known.contains(key)).map(|(_, (spelled, _))| spelled.as_str()).collect()
    }

    pub(super) fn entries(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.0.values().map(|(spelled, value)| (spelled.as_str(), value))
    }
}

pub(super) fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(flag.to_string()),
        Value::Null | Value::Sequence(_) | Value::Mapping(_) | Value::Tagged(_) => None,
    }
}

#[cfg(test)]
mod depth {
    use super::*;

    #[test]
    fn what_is_nested_without_an_end_is_not_followed() {
        let deep = [
            format!("a: {}", "[".repeat(200_000)),
            "{a: ".repeat(100_000),
            "- ".repeat(200_000),
            "? ".repeat(50_000),
            (0..500).map(|at| format!("{}a:\n", " ".repeat(at))).collect::<String>(),
            format!("a: \"{}\nb: {}", "x".repeat(20_000), "[".repeat(200_000)),
        ];
        for text in deep {
            let read = Map::document(&text, "a", "nobody");
            let told = matches!(read, Err(SourceError::Deep { .. } | SourceError::Yaml(_)));
            assert!(told, "{}: {read:?}", &text[..40]);
        }
        let fine = format!("a: {}{}", "[".repeat(60), "]".repeat(60));
        assert!(Map::document(&fine, "a", "nobody").is_ok());
    }
}
