//! Storage parameters of tables: which there are, what values they take, and when two spellings are one value.

use std::fmt;

use crate::sql::setting_bool;

/// What a parameter's value is.
#[derive(Clone, Copy, Debug)]
enum Kind {
    /// Yes or no.
    Flag,
    /// A whole number within these.
    Whole(i64, i64),
    /// A number within these.
    Number(f64, f64),
    /// `auto`, or yes or no.
    Cleanup,
}

/// One storage parameter.
#[derive(Clone, Copy, Debug)]
struct Known {
    name: &'static str,
    kind: Kind,
    /// Whether its TOAST table may have it too, with `toast.` before it.
    of_toast: bool,
    /// The first major version that has it, among those that are supported.
    since: Option<u32>,
}

const MOST: i64 = i32::MAX as i64;

const fn known(name: &'static str, kind: Kind, of_toast: bool) -> Known {
    Known { name, kind, of_toast, since: None }
}

const fn since(major: u32, known: Known) -> Known {
    Known { since: Some(major), ..known }
}

/// CREATE TABLE, "Storage Parameters", 14 to 18; ranges as the server refuses them (measured).
const KNOWN: &[Known] = &[
    known("autovacuum_analyze_scale_factor", Kind::Number(0.0, 100.0), false),
    known("autovacuum_analyze_threshold", Kind::Whole(0, MOST), false),
    known("autovacuum_enabled", Kind::Flag, true),
    known("autovacuum_freeze_max_age", Kind::Whole(100_000, 2_000_000_000), true),
    known("autovacuum_freeze_min_age", Kind::Whole(0, 1_000_000_000), true),
    known("autovacuum_freeze_table_age", Kind::Whole(0, 2_000_000_000), true),
    known("autovacuum_multixact_freeze_max_age", Kind::Whole(10_000, 2_000_000_000), true),
    known("autovacuum_multixact_freeze_min_age", Kind::Whole(0, 1_000_000_000), true),
    known("autovacuum_multixact_freeze_table_age", Kind::Whole(0, 2_000_000_000), true),
    known("autovacuum_vacuum_cost_delay", Kind::Number(0.0, 100.0), true),
    known("autovacuum_vacuum_cost_limit", Kind::Whole(1, 10_000), true),
    known("autovacuum_vacuum_insert_scale_factor", Kind::Number(0.0, 100.0), true),
    known("autovacuum_vacuum_insert_threshold", Kind::Whole(-1, MOST), true),
    since(18, known("autovacuum_vacuum_max_threshold", Kind::Whole(-1, MOST), true)),
    known("autovacuum_vacuum_scale_factor", Kind::Number(0.0, 100.0), true),
    known("autovacuum_vacuum_threshold", Kind::Whole(0, MOST), true),
    known("fillfactor", Kind::Whole(10, 100), false),
    known("log_autovacuum_min_duration", Kind::Whole(-1, MOST), true),
    known("parallel_workers", Kind::Whole(0, 1024), false),
    // Up to what a page of 8 kB holds.
    known("toast_tuple_target", Kind::Whole(128, 8160), false),
    known("user_catalog_table", Kind::Flag, false),
    known("vacuum_index_cleanup", Kind::Cleanup, true),
    since(18, known("vacuum_max_eager_freeze_failure_rate", Kind::Number(0.0, 1.0), true)),
    known("vacuum_truncate", Kind::Flag, true),
];

/// The names, without `toast.`.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    KNOWN.iter().map(|known| known.name)
}

/// A parameter's own name, and whether it is of the TOAST table.
fn split(name: &str) -> (&str, bool) {
    name.strip_prefix("toast.").map_or((name, false), |bare| (bare, true))
}

fn find(name: &str) -> Option<&'static Known> {
    let (bare, _) = split(name);
    KNOWN.iter().find(|known| known.name == bare)
}

/// Whether the parameter is of the TOAST table.
pub fn is_of_toast(name: &str) -> bool {
    split(name).1
}

/// The major version that first has the parameter, where that is not the oldest supported.
pub fn needs_major(name: &str) -> Option<u32> {
    find(name)?.since
}

/// A value as the server understands it.
#[derive(Clone, Debug, PartialEq)]
enum Value {
    Flag(bool),
    Whole(i64),
    Number(f64),
    Word(String),
}

/// Whether two spellings are one value to the server: `70` and `0x46`, `on` and `true`.
pub fn is_same(name: &str, one: &str, other: &str) -> bool {
    match (read(name, one), read(name, other)) {
        (Some(Ok(one)), Some(Ok(other))) => one == other,
        (Some(_) | None, _) => one == other,
    }
}

/// Why the server would refuse this value.
pub(super) fn refusal(name: &str, value: &str) -> Option<String> {
    let (bare, of_toast) = split(name);
    if of_toast && find(name).is_some_and(|known| !known.of_toast) {
        return Some(format!("a TOAST table has no `{bare}`"));
    }
    read(name, value)?.err()
}

/// The value; `None` of a parameter that is not known here: one that a server of another kind has set.
fn read(name: &str, text: &str) -> Option<Result<Value, String>> {
    let kind = find(name)?.kind;
    let refused = || format!("`{text}` is not {kind}");
    let value = match kind {
        Kind::Flag => setting_bool(text).map(Value::Flag),
        Kind::Whole(least, most) => whole(text).filter(|value| (least..=most).contains(value)).map(Value::Whole),
        Kind::Number(least, most) => number(text).filter(|value| (least..=most).contains(value)).map(Value::Number),
        Kind::Cleanup => cleanup(text),
    };
    Some(value.ok_or_else(refused))
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag => f.write_str("`true` or `false`"),
            Self::Whole(-1, MOST) => f.write_str("a whole number from 0 up, or -1"),
            Self::Whole(0, MOST) => f.write_str("a whole number from 0 up"),
            Self::Whole(least, most) => write!(f, "a whole number from {least} to {most}"),
            Self::Number(least, most) => write!(f, "a number from {least} to {most}"),
            Self::Cleanup => f.write_str("`auto`, `on` or `off`"),
        }
    }
}

/// An enum of the server's: whole words, in any case.
fn cleanup(text: &str) -> Option<Value> {
    match text.to_ascii_lowercase().as_str() {
        "auto" => Some(Value::Word("auto".to_owned())),
        "on" | "true" | "yes" | "1" => Some(Value::Flag(true)),
        "off" | "false" | "no" | "0" => Some(Value::Flag(false)),
        _ => None,
    }
}

/// As `parse_int` reads it: C's notations of whole numbers, else a number that is rounded, half to even.
#[expect(clippy::cast_possible_truncation, reason = "within the range of an int")]
pub(super) fn whole(text: &str) -> Option<i64> {
    let text = text.trim();
    let (sign, digits) = match text.strip_prefix('-') {
        Some(digits) => (-1, digits),
        None => (1, text.strip_prefix('+').unwrap_or(text)),
    };
    let hexadecimal = digits.strip_prefix("0x").or_else(|| digits.strip_prefix("0X"));
    let octal = digits.strip_prefix('0').filter(|rest| rest.starts_with(|c: char| c.is_ascii_digit()));
    let plain = |digits: &str| !digits.is_empty() && digits.chars().all(|c| c.is_ascii_alphanumeric());
    let value = match (hexadecimal, octal) {
        (Some(digits), _) => i64::from_str_radix(digits, 16).ok().filter(|_| plain(digits)),
        (None, Some(digits)) if !digits.contains(['.', 'e', 'E']) => {
            i64::from_str_radix(digits, 8).ok().filter(|_| plain(digits))
        }
        (None, _) => {
            number(digits).map(f64::round_ties_even).filter(|value| *value <= MOST as f64).map(|value| value as i64)
        }
    }?;
    let value = sign * value;
    (i64::from(i32::MIN)..=MOST).contains(&value).then_some(value)
}

/// As `strtod` reads it: a decimal number, with an exponent or without, or a whole hexadecimal one.
pub(super) fn number(text: &str) -> Option<f64> {
    let text = text.trim();
    if let Some(digits) = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        return u32::from_str_radix(digits, 16).ok().map(f64::from).filter(|_| !digits.starts_with('+'));
    }
    let plain = text.chars().all(|c| c.is_ascii_digit() || ".eE+-".contains(c));
    text.parse().ok().filter(|value: &f64| plain && value.is_finite())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_of_one_value_are_the_same() {
        for (name, one, other) in [
            ("fillfactor", "70", "0x46"),
            ("fillfactor", "70", "70.4"),
            ("fillfactor", "70", "0106"),
            ("fillfactor", "70", "7e1"),
            ("fillfactor", "72", "72.5"),
            ("autovacuum_vacuum_scale_factor", "0.02", "2e-2"),
            ("autovacuum_vacuum_cost_delay", "70", "0x46"),
            ("toast.autovacuum_vacuum_scale_factor", "0", "0.0"),
            ("autovacuum_enabled", "false", "OFF"),
            ("toast.autovacuum_enabled", "t", "1"),
            ("vacuum_index_cleanup", "on", "TRUE"),
            ("autovacuum_vacuum_insert_threshold", "-1", "-1.2"),
            ("heap_of_mine.mode", "quick", "quick"),
        ] {
            assert!(is_same(name, one, other), "{name}: {one} and {other}");
        }
        for (name, one, other) in [
            ("fillfactor", "70", "71"),
            ("fillfactor", "70", "070"),
            ("autovacuum_enabled", "true", "false"),
            ("vacuum_index_cleanup", "auto", "on"),
            ("heap_of_mine.mode", "quick", "QUICK"),
            ("autovacuum_vacuum_scale_factor", "0.02", "0.2"),
        ] {
            assert!(!is_same(name, one, other), "{name}: {one} and {other}");
        }
    }

    #[test]
    fn what_the_server_refuses_is_refused() {
        for (name, value) in [
            ("fillfactor", "9"),
            ("fillfactor", "101"),
            ("fillfactor", "70%"),
            ("fillfactor", "9999999999999"),
            ("fillfactor", "0x"),
            ("fillfactor", "08"),
            ("autovacuum_enabled", "o"),
            ("autovacuum_enabled", "2"),
            ("autovacuum_enabled", ""),
            ("autovacuum_vacuum_cost_delay", "1ms"),
            ("log_autovacuum_min_duration", "1s"),
            ("autovacuum_vacuum_scale_factor", "inf"),
            ("toast_tuple_target", "127"),
            ("toast_tuple_target", "8161"),
            ("toast.fillfactor", "70"),
            ("toast.user_catalog_table", "true"),
            ("vacuum_index_cleanup", "t"),
            ("autovacuum_vacuum_insert_threshold", "-2"),
        ] {
            assert!(refusal(name, value).is_some(), "{name} = {value}");
        }
        for (name, value) in [
            ("fillfactor", "10"),
            ("toast_tuple_target", "8160"),
            ("toast.vacuum_truncate", "f"),
            ("heap_of_mine.mode", "whatever"),
            ("log_autovacuum_min_duration", "-1"),
            ("autovacuum_vacuum_max_threshold", "-1"),
            ("vacuum_max_eager_freeze_failure_rate", "0.5"),
        ] {
            assert_eq!(refusal(name, value), None, "{name} = {value}");
        }
        assert_eq!(refusal("fillfactor", "5").as_deref(), Some("`5` is not a whole number from 10 to 100"));
    }
}
