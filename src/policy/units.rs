//! Values with units: PostgreSQL's for timeouts and sizes, words for the calendar, and a percent sign.

use std::time::Duration;

use super::tree::shortened;

/// Why a text is not the value with a unit that is due.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UnitError {
    /// Not a whole number in front.
    #[error("`{found}` is not a whole number followed by a unit, such as `{example}`")]
    Number {
        /// What was found.
        found: String,
        /// What would do.
        example: &'static str,
    },
    /// A number alone.
    #[error("`{found}` has no unit: did you mean {candidates}?")]
    NoUnit {
        /// What was found.
        found: String,
        /// The same with the units that come to mind.
        candidates: String,
    },
    /// `3m`.
    #[error("`{number}m` could be minutes or months: did you mean `{number}min` or `{number} months`?")]
    Minutes {
        /// The number.
        number: u64,
    },
    /// Not a unit.
    #[error("`{found}` is not a unit: {hint}")]
    Unit {
        /// What was found.
        found: String,
        /// What to write.
        hint: String,
    },
    /// Zero switches the server's timeouts off.
    #[error("zero would wait for ever")]
    ForEver,
    /// The server counts milliseconds.
    #[error("`{0}` is no whole number of milliseconds, which is what the server counts")]
    TooFine(String),
    /// Beyond what the server takes.
    #[error("`{0}` is too large")]
    TooLarge(String),
    /// Not from 0 to 100.
    #[error("`{0}` is not a share from 0% to 100%")]
    Percent(String),
}

/// PostgreSQL keeps timeouts in 31 bits of milliseconds.
const MAX_MILLIS: u64 = i32::MAX as u64;

/// A timeout such as `200ms`, in PostgreSQL's units (its documentation, section 20.1.1): `us ms s min h d`.
///
/// # Errors
/// See [`UnitError`]; zero is refused, because the server takes it for "no timeout".
///
/// ```
/// use pgstrata::policy::units::timeout;
/// assert_eq!(timeout("10min").map(|t| t.as_secs()), Ok(600));
/// assert!(timeout("10m").is_err());
/// ```
pub fn timeout(text: &str) -> Result<Duration, UnitError> {
    const UNITS: [&str; 6] = ["us", "ms", "s", "min", "h", "d"];
    let (number, unit) = split(text, "200ms")?;
    let micros: u64 = match unit {
        "us" => 1,
        "ms" => 1_000,
        "s" => 1_000_000,
        "min" => 60_000_000,
        "h" => 3_600_000_000,
        "d" => 86_400_000_000,
        "m" | "M" => return Err(UnitError::Minutes { number }),
        "" => return Err(no_unit(text, number, &["ms", "s", "min"])),
        other => {
            let meant = match other.to_lowercase().as_str() {
                "µs" | "microsecond" | "microseconds" => Some("us"),
                "msec" | "msecs" | "millisecond" | "milliseconds" | "millis" => Some("ms"),
                "sec" | "secs" | "second" | "seconds" => Some("s"),
                "mins" | "minute" | "minutes" => Some("min"),
                "hr" | "hrs" | "hour" | "hours" => Some("h"),
                "day" | "days" => Some("d"),
                lower => UNITS.into_iter().find(|unit| *unit == lower),
            };
            return Err(bad_unit(number, other, meant, &UNITS));
        }
    };
    if number == 0 {
        return Err(UnitError::ForEver);
    }
    let micros = number.checked_mul(micros).ok_or_else(|| UnitError::TooLarge(shortened(text)))?;
    if micros % 1_000 != 0 {
        return Err(UnitError::TooFine(shortened(text)));
    }
    if micros / 1_000 > MAX_MILLIS {
        return Err(UnitError::TooLarge(shortened(text)));
    }
    Ok(Duration::from_micros(micros))
}

/// A size such as `100MB` in bytes, in PostgreSQL's units of 1024: `B kB MB GB TB`.
///
/// # Errors
/// See [`UnitError`].
pub fn size(text: &str) -> Result<u64, UnitError> {
    const UNITS: [&str; 5] = ["B", "kB", "MB", "GB", "TB"];
    let (number, unit) = split(text, "100MB")?;
    let Some(power) = UNITS.into_iter().position(|known| known == unit) else {
        let first = unit.to_lowercase().chars().next();
        let meant = match (unit, first) {
            ("", _) => return Err(no_unit(text, number, &["MB", "GB"])),
            (_, Some('k')) => Some("kB"),
            (_, Some('m')) => Some("MB"),
            (_, Some('g')) => Some("GB"),
            (_, Some('t')) => Some("TB"),
            ("b" | "bytes" | "byte", _) => Some("B"),
            _ => None,
        };
        return Err(bad_unit(number, unit, meant, &UNITS));
    };
    let factor = 1_u64 << (10 * power);
    number
        .checked_mul(factor)
        .filter(|bytes| i64::try_from(*bytes).is_ok())
        .ok_or_else(|| UnitError::TooLarge(shortened(text)))
}

/// `80%` as a share from 0 to 1.
///
/// # Errors
/// See [`UnitError`]; a number without the sign is refused, since `0.8` might be meant as either.
pub fn percent(text: &str) -> Result<f64, UnitError> {
    let found = || shortened(text);
    let Some(number) = text.trim().strip_suffix('%') else {
        return Err(match text.trim().parse::<f64>() {
            Ok(value) if (0.0..=1.0).contains(&value) => {
                UnitError::NoUnit { found: found(), candidates: format!("`{}%`", value * 100.0) }
            }
            Ok(_) => UnitError::NoUnit { found: found(), candidates: format!("`{}%`", found()) },
            Err(_) => UnitError::Percent(found()),
        });
    };
    let number = number.trim();
    let plain = number.chars().all(|c| c.is_ascii_digit() || c == '.');
    match number.parse::<f64>() {
        Ok(value) if plain && (0.0..=100.0).contains(&value) => Ok(value / 100.0),
        Ok(_) | Err(_) => Err(UnitError::Percent(found())),
    }
}

fn split<'t>(text: &'t str, example: &'static str) -> Result<(u64, &'t str), UnitError> {
    let text = text.trim();
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    if number.is_empty() || unit.starts_with(['.', ',', '_']) {
        return Err(UnitError::Number { found: shortened(text), example });
    }
    let number = number.parse().map_err(|_| UnitError::TooLarge(shortened(text)))?;
    Ok((number, unit.trim_start()))
}

fn no_unit(text: &str, number: u64, units: &[&str]) -> UnitError {
    let candidates = units.iter().map(|unit| format!("`{number}{unit}`")).collect::<Vec<_>>().join(" or ");
    UnitError::NoUnit { found: shortened(text), candidates }
}

fn bad_unit(number: u64, found: &str, meant: Option<&str>, units: &[&str]) -> UnitError {
    let hint = match meant {
        Some(unit) => format!("did you mean `{number}{unit}`?"),
        None => format!("use {}", units.join(", ")),
    };
    UnitError::Unit { found: shortened(found), hint }
}

/// A [`Duration`] as whole milliseconds, for `#[serde(with = "…::millis")]`.
pub mod millis {
    use std::time::Duration;

    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    /// Writes whole milliseconds.
    ///
    /// # Errors
    /// The serializer's own, and a duration of more than 584 million years.
    pub fn serialize<S: Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
        u64::try_from(duration.as_millis()).map_err(serde::ser::Error::custom)?.serialize(serializer)
    }

    /// Reads whole milliseconds.
    ///
    /// # Errors
    /// The deserializer's own.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
        u64::deserialize(deserializer).map(Duration::from_millis)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timeouts_are_postgresqls() {
        for (text, millis) in
            [("200ms", 200), ("5s", 5_000), ("10min", 600_000), ("2 h", 7_200_000), ("1d", 86_400_000), ("3000us", 3)]
        {
            assert_eq!(timeout(text), Ok(Duration::from_millis(millis)), "{text}");
        }
        for (text, error) in [
            ("5m", "`5m` could be minutes or months: did you mean `5min` or `5 months`?"),
            ("5", "`5` has no unit: did you mean `5ms` or `5s` or `5min`?"),
            ("5 sec", "`sec` is not a unit: did you mean `5s`?"),
            ("5S", "`S` is not a unit: did you mean `5s`?"),
            ("5 parsecs", "`parsecs` is not a unit: use us, ms, s, min, h, d"),
            ("0s", "zero would wait for ever"),
            ("500us", "`500us` is no whole number of milliseconds, which is what the server counts"),
            ("1.5s", "`1.5s` is not a whole number followed by a unit, such as `200ms`"),
            ("-1s", "`-1s` is not a whole number followed by a unit, such as `200ms`"),
            ("25d", "`25d` is too large"),
            ("99999999999999999999s", "`99999999999999999999s` is too large"),
        ] {
            assert_eq!(timeout(text).unwrap_err().to_string(), error, "{text}");
        }
    }

    #[test]
    fn sizes_are_postgresqls() {
        for (text, bytes) in [("0B", 0), ("8kB", 8 << 10), ("100MB", 100 << 20), ("50 GB", 50 << 30), ("1TB", 1 << 40)]
        {
            assert_eq!(size(text), Ok(bytes), "{text}");
        }
        for (text, error) in [
            ("100", "`100` has no unit: did you mean `100MB` or `100GB`?"),
            ("100mb", "`mb` is not a unit: did you mean `100MB`?"),
            ("1GiB", "`GiB` is not a unit: did you mean `1GB`?"),
            ("9999999999TB", "`9999999999TB` is too large"),
        ] {
            assert_eq!(size(text).unwrap_err().to_string(), error, "{text}");
        }
    }

    #[test]
    fn percents_need_their_sign() {
        assert_eq!(percent("80%"), Ok(0.8));
        assert_eq!(percent("0 %"), Ok(0.0));
        for (text, error) in [
            ("0.8", "`0.8` has no unit: did you mean `80%`?"),
            ("80", "`80` has no unit: did you mean `80%`?"),
            ("101%", "`101%` is not a share from 0% to 100%"),
            ("nan%", "`nan%` is not a share from 0% to 100%"),
            ("-1%", "`-1%` is not a share from 0% to 100%"),
        ] {
            assert_eq!(percent(text).unwrap_err().to_string(), error, "{text}");
        }
    }
}
