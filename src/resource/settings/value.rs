//! Values of settings as the server understands them: what is written differently and means the same is the same.

use crate::catalog::{SettingFacts, SettingKind};
use crate::sql::{SettingUnit, setting_amount, setting_bool, setting_real, setting_shape, setting_words};

/// Spellings of enumerations that `pg_settings.enumvals` does not name, or shows as another word.
const SPELLINGS: [(&str, &str, &str); 7] = [
    ("client_min_messages", "debug", "debug2"),
    ("log_min_error_statement", "debug", "debug2"),
    ("log_min_messages", "debug", "debug2"),
    ("trace_recovery_messages", "debug", "debug2"),
    ("wal_compression", "on", "pglz"),
    ("wal_level", "archive", "replica"),
    ("wal_level", "hot_standby", "replica"),
];

const ASCII_ONLY: [&str; 2] = ["application_name", "cluster_name"];

/// What the server chooses itself where it is told so: it is kept as what was chosen.
const AUTOMATIC: [&str; 4] =
    ["commit_timestamp_buffers", "subtransaction_buffers", "transaction_buffers", "wal_buffers"];

/// The value that says "choose", where the server was not told another one.
pub(crate) fn automatic<'a>(name: &str, facts: &'a SettingFacts) -> Option<&'a str> {
    let is_chosen = AUTOMATIC.contains(&name) && ["default", "override"].contains(&facts.source.as_str());
    facts.default.as_deref().filter(|_| is_chosen)
}

/// What a text means, as `pg_settings` would show it; the error says why the server would not take it.
pub(crate) fn canonical(name: &str, facts: &SettingFacts, text: &str) -> Result<String, String> {
    match facts.kind {
        SettingKind::Bool => match setting_bool(text) {
            Some(true) => Ok("on".to_owned()),
            Some(false) => Ok("off".to_owned()),
            None => Err(format!("`{text}` is neither on nor off")),
        },
        SettingKind::Enum => {
            word(name, facts, text).ok_or_else(|| format!("`{text}` is none of {}", facts.words.join(", ")))
        }
        SettingKind::Integer => amount(facts, text).map(|amount| format!("{:.0}", amount.round_ties_even())),
        SettingKind::Real => amount(facts, text).map(six_digits),
        // The server keeps something else instead (guc.c, `check_cluster_name`).
        SettingKind::String if ASCII_ONLY.contains(&name) && !text.chars().all(|c| (' '..='~').contains(&c)) => {
            Err(format!("`{text}` has characters that the server replaces: it takes printable ASCII only"))
        }
        SettingKind::String if name == "datestyle" => Ok(whole_date_style(text, &facts.value)),
        SettingKind::String => Ok(setting_shape(name, text)),
    }
}

/// A style without an order leaves the order as it is, and an order alone the style.
fn whole_date_style(text: &str, found: &str) -> String {
    let is_order = |word: &&str| ["dmy", "mdy", "ymd"].contains(word);
    let (text, found) = (setting_shape("datestyle", text), setting_shape("datestyle", found));
    let words: Vec<&str> = text.split(", ").collect();
    let (orders, styles): (Vec<&str>, Vec<&str>) = words.iter().copied().partition(is_order);
    // German without an order is DMY.
    let of_german = styles.contains(&"german").then_some("dmy");
    let order = orders.first().copied().or(of_german).or_else(|| found.split(", ").find(is_order));
    let style = styles.first().copied().or_else(|| found.split(", ").find(|word| !is_order(word)));
    style.into_iter().chain(order).collect::<Vec<_>>().join(", ")
}

/// A value in words: with its unit, and an empty text as such. A text is shown as it is written.
pub(crate) fn words(facts: &SettingFacts, value: &str) -> String {
    let unit = SettingUnit::from_pg_settings(facts.unit.as_deref());
    match facts.kind {
        SettingKind::Integer | SettingKind::Real => {
            unit.map_or_else(|| value.to_owned(), |unit| setting_words(value, unit))
        }
        SettingKind::String if value.is_empty() => "empty".to_owned(),
        SettingKind::Bool | SettingKind::Enum | SettingKind::String => value.to_owned(),
    }
}

fn word(name: &str, facts: &SettingFacts, text: &str) -> Option<String> {
    let find = |text: &str| facts.words.iter().find(|word| word.eq_ignore_ascii_case(text)).cloned();
    let lower = text.to_lowercase();
    // Truth values go by other names as well, which the view does not show.
    let plain = match lower.as_str() {
        "true" | "yes" | "1" if find(&lower).is_none() => "on",
        "false" | "no" | "0" if find(&lower).is_none() => "off",
        other => other,
    };
    let spelling = SPELLINGS.iter().find(|(of, spelling, _)| *of == name && *spelling == plain);
    spelling.and_then(|(_, _, word)| find(word)).or_else(|| find(plain))
}

fn amount(facts: &SettingFacts, text: &str) -> Result<f64, String> {
    let unit = SettingUnit::from_pg_settings(facts.unit.as_deref()).ok_or("its unit is not known to this version")?;
    let read = if facts.kind == SettingKind::Integer { setting_amount } else { setting_real };
    let amount = read(text, unit).ok_or_else(|| match unit {
        SettingUnit::None => format!("`{text}` is no number, and it takes no unit"),
        SettingUnit::Bytes(_) => format!("`{text}` is no size: write a number with B, kB, MB, GB or TB"),
        SettingUnit::Microseconds | SettingUnit::Milliseconds | SettingUnit::Seconds | SettingUnit::Minutes => {
            format!("`{text}` is no time: write a number with us, ms, s, min, h or d")
        }
    })?;
    let rounded = if facts.kind == SettingKind::Integer { amount.round_ties_even() } else { amount };
    let beyond = |which, bound: &str| Err(format!("`{text}` is {which} value, {}", words(facts, bound)));
    if let Some((least, bound)) = limit(facts.min.as_deref())
        && rounded < least
    {
        return beyond("below its least", bound);
    }
    if let Some((most, bound)) = limit(facts.max.as_deref())
        && rounded > most
    {
        return beyond("above its greatest", bound);
    }
    Ok(amount)
}

fn limit(bound: Option<&str>) -> Option<(f64, &str)> {
    bound.and_then(|bound| Some((bound.parse().ok()?, bound)))
}

/// A number as C's `%g` writes it, which is how `pg_settings` shows one.
fn six_digits(number: f64) -> String {
    let scientific = format!("{number:.5e}");
    let Some((digits, exponent)) = scientific.split_once('e') else { return scientific };
    let exponent: i32 = exponent.parse().unwrap_or_default();
    let trimmed = |text: &str| match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
        false => text.to_owned(),
    };
    match usize::try_from(5 - exponent) {
        Ok(decimals) if exponent >= -4 => trimmed(&format!("{number:.decimals$}")),
        Ok(_) | Err(_) => {
            let sign = if exponent < 0 { '-' } else { '+' };
            format!("{}e{sign}{:02}", trimmed(digits), exponent.abs())
        }
    }
}
