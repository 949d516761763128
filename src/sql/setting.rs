//! Values of the server's settings, as it reads and writes them (section 20.1.1, "Numeric with Unit"; guc.c,
//! `parse_int` and `parse_real`).

use std::time::Duration;

/// The unit that a setting is kept in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum SettingUnit {
    /// A plain number.
    None,
    /// So many bytes.
    Bytes(u64),
    /// Time in microseconds.
    Microseconds,
    /// Time in milliseconds.
    Milliseconds,
    /// Time in seconds.
    Seconds,
    /// Time in minutes.
    Minutes,
}

impl SettingUnit {
    /// As `pg_settings.unit` has it, such as `8kB` and `min`; `None` where it is something new.
    pub fn from_pg_settings(unit: Option<&str>) -> Option<Self> {
        Some(match unit {
            None | Some("") => Self::None,
            Some("us") => Self::Microseconds,
            Some("ms") => Self::Milliseconds,
            Some("s") => Self::Seconds,
            Some("min") => Self::Minutes,
            Some(bytes) => {
                let digits = bytes.find(|c: char| !c.is_ascii_digit())?;
                let (count, unit) = bytes.split_at(digits);
                let count: u64 = if count.is_empty() { 1 } else { count.parse().ok()? };
                Self::Bytes(count.checked_mul(bytes_of(unit)?)?)
            }
        })
    }

    /// Its size in bytes or microseconds; a plain number has none.
    #[expect(clippy::cast_precision_loss, reason = "sizes of blocks are small")]
    fn base(self) -> Option<f64> {
        match self {
            Self::None => None,
            Self::Bytes(base) => Some(base as f64),
            Self::Microseconds => Some(1.0),
            Self::Milliseconds => Some(1e3),
            Self::Seconds => Some(1e6),
            Self::Minutes => Some(6e7),
        }
    }
}

/// What a value amounts to in the unit that the setting is kept in: `'1GB'` of a setting in 8kB blocks is 131072. A
/// number alone is in that unit already. `None` is no number, or has a unit of another kind.
///
/// ```
/// use pgstrata::sql::{SettingUnit, setting_amount};
/// assert_eq!(setting_amount("1GB", SettingUnit::Bytes(8192)), Some(131_072.0));
/// assert_eq!(setting_amount("0.5min", SettingUnit::Milliseconds), setting_amount("30000", SettingUnit::Milliseconds));
/// assert_eq!(setting_amount("30s", SettingUnit::None), None);
/// ```
pub fn setting_amount(text: &str, unit: SettingUnit) -> Option<f64> {
    amount(number(text.trim(), true)?, unit)
}

/// The same of a setting that is a real number, which `strtod` reads: `011` is eleven.
pub fn setting_real(text: &str, unit: SettingUnit) -> Option<f64> {
    amount(number(text.trim(), false)?, unit)
}

#[expect(clippy::cast_precision_loss, reason = "sizes of blocks are small")]
fn amount((number, written): (f64, &str), unit: SettingUnit) -> Option<f64> {
    if written.is_empty() {
        return Some(number);
    }
    let base = unit.base()?;
    let (known, scale) = match unit {
        SettingUnit::None => return None,
        SettingUnit::Bytes(_) => (&BYTES[..], bytes_of(written)? as f64),
        SettingUnit::Microseconds | SettingUnit::Milliseconds | SettingUnit::Seconds | SettingUnit::Minutes => {
            (&TIMES[..], micros_of(written)?)
        }
    };
    // A fraction of a unit is rounded to whole ones of the next smaller (guc.c, `convert_to_base_unit`).
    let smaller = known.iter().map(|(_, size)| *size).find(|size| *size < scale);
    let whole = match smaller {
        Some(smaller) => (number * scale / smaller).round_ties_even() * smaller,
        None => number * scale,
    };
    Some(whole / base)
}

/// A value in the largest unit that divides it: `16384` of 8kB blocks is `128MB`. What is no positive number stays.
#[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "up to 2^53")]
pub fn setting_words(value: &str, unit: SettingUnit) -> String {
    let (Some(amount), Some(base)) = (setting_amount(value, unit), unit.base()) else { return value.to_owned() };
    let whole = amount * base;
    if whole <= 0.0 || whole.fract() != 0.0 || whole > (1_u64 << 53) as f64 {
        return value.to_owned();
    }
    let known = if matches!(unit, SettingUnit::Bytes(_)) { &BYTES[..] } else { &TIMES[..] };
    let fits = known.iter().find(|(_, size)| (whole as u64).is_multiple_of(*size as u64));
    fits.map_or_else(|| value.to_owned(), |(name, size)| format!("{:.0}{name}", whole / size))
}

const BYTES: [(&str, f64); 5] =
    [("TB", 1_099_511_627_776.0), ("GB", 1_073_741_824.0), ("MB", 1_048_576.0), ("kB", 1024.0), ("B", 1.0)];

const TIMES: [(&str, f64); 6] = [("d", 8.64e10), ("h", 3.6e9), ("min", 6e7), ("s", 1e6), ("ms", 1e3), ("us", 1.0)];

/// The number in front, and what follows it. C's `strtol` with base 0 reads hexadecimal and octal too, `strtod` no octal.
#[expect(clippy::cast_precision_loss, reason = "the server keeps such numbers in 31 bits")]
fn number(text: &str, octal: bool) -> Option<(f64, &str)> {
    let (sign, digits) = match text.strip_prefix('-') {
        Some(rest) => (-1.0, rest),
        None => (1.0, text.strip_prefix('+').unwrap_or(text)),
    };
    if let Some(hex) = digits.strip_prefix("0x").or_else(|| digits.strip_prefix("0X")) {
        let end = hex.find(|c: char| !c.is_ascii_hexdigit()).unwrap_or(hex.len());
        let value = i64::from_str_radix(&hex[..end], 16).ok()?;
        return Some((sign * value as f64, hex[end..].trim_start()));
    }
    let mut end = digits.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(digits.len());
    let whole = !digits[..end].contains('.');
    // An exponent, but not the unit of a number such as `1e`.
    let exponent = digits[end..].strip_prefix(['e', 'E']);
    if let Some(exponent) = exponent {
        let signed = exponent.strip_prefix(['-', '+']).unwrap_or(exponent);
        let length = signed.find(|c: char| !c.is_ascii_digit()).unwrap_or(signed.len());
        if length > 0 {
            end += 1 + (exponent.len() - signed.len()) + length;
            return Some((sign * digits[..end].parse::<f64>().ok()?, digits[end..].trim_start()));
        }
    }
    let value = if octal && whole && digits.starts_with('0') && end > 1 {
        i64::from_str_radix(&digits[..end], 8).ok()? as f64
    } else {
        digits[..end].parse::<f64>().ok()?
    };
    Some((sign * value, digits[end..].trim_start()))
}

fn bytes_of(unit: &str) -> Option<u64> {
    let units = ["B", "kB", "MB", "GB", "TB"];
    units.into_iter().position(|known| known == unit).map(|power| 1 << (10 * power))
}

fn micros_of(unit: &str) -> Option<f64> {
    TIMES.into_iter().find(|(known, _)| *known == unit).map(|(_, micros)| micros)
}

/// As the server reads a boolean: beginnings of words, in any case, as far as they are of one word only (bool.c,
/// `parse_bool_with_len`).
pub(crate) fn setting_bool(text: &str) -> Option<bool> {
    let text = text.to_ascii_lowercase();
    let begins = |word: &str, least: usize| text.len() >= least && word.starts_with(&text);
    if begins("true", 1) || begins("yes", 1) || begins("on", 2) || text == "1" {
        Some(true)
    } else if begins("false", 1) || begins("no", 1) || begins("off", 2) || text == "0" {
        Some(false)
    } else {
        None
    }
}

/// A time in the largest of PostgreSQL's units that divides it: `30s`, `200ms`, and `0` for none.
pub(crate) fn server_time(value: Duration) -> String {
    let millis = value.as_millis();
    let units = [(86_400_000, "d"), (3_600_000, "h"), (60_000, "min"), (1000, "s")];
    let fits = units.into_iter().find(|(unit, _)| millis > 0 && millis.is_multiple_of(*unit));
    fits.map_or_else(|| format!("{millis}ms"), |(unit, name)| format!("{}{name}", millis / unit))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_read_as_the_server_reads_them() {
        let blocks = SettingUnit::from_pg_settings(Some("8kB")).unwrap();
        for (text, unit, amount) in [
            ("128MB", blocks, 16_384.0),
            ("16384", blocks, 16_384.0),
            ("0x10", SettingUnit::None, 16.0),
            ("010", SettingUnit::None, 8.0),
            ("0", SettingUnit::None, 0.0),
            ("0.9", SettingUnit::None, 0.9),
            ("1.5e2", SettingUnit::None, 150.0),
            (" 2 min ", SettingUnit::Seconds, 120.0),
            ("1d", SettingUnit::Minutes, 1440.0),
            ("-1", SettingUnit::Milliseconds, -1.0),
            ("+5", SettingUnit::None, 5.0),
            ("1TB", SettingUnit::Bytes(1 << 20), 1_048_576.0),
        ] {
            assert_eq!(setting_amount(text, unit), Some(amount), "{text}");
        }
        for (text, unit) in [
            ("on", SettingUnit::None),
            ("", SettingUnit::None),
            ("1mb", SettingUnit::Bytes(1)),
            ("1MB", SettingUnit::Seconds),
            ("1s", SettingUnit::Bytes(1)),
            ("1 S", SettingUnit::Seconds),
            ("1e", SettingUnit::None),
            ("089", SettingUnit::None),
            ("0xg", SettingUnit::None),
            ("ü", SettingUnit::None),
        ] {
            assert_eq!(setting_amount(text, unit), None, "{text}");
        }
    }

    #[test]
    fn only_whole_numbers_are_octal() {
        assert_eq!(setting_amount("011", SettingUnit::None), Some(9.0));
        assert_eq!(setting_real("011", SettingUnit::None), Some(11.0));
        assert_eq!(setting_real("0x10", SettingUnit::None), Some(16.0));
        assert_eq!(setting_real("089", SettingUnit::None), Some(89.0));
    }

    #[test]
    fn fractions_are_rounded_to_the_next_smaller_unit() {
        let kilobytes = SettingUnit::Bytes(1024);
        // 102.4MB is 102MB.
        assert_eq!(setting_amount("0.1GB", kilobytes), Some(104_448.0));
        assert_eq!(setting_amount("1.5MB", kilobytes), Some(1536.0));
        assert_eq!(setting_amount("1.0001s", SettingUnit::Milliseconds), Some(1000.0));
    }

    #[test]
    fn words_have_the_largest_unit_that_fits() {
        let blocks = SettingUnit::Bytes(8192);
        for (value, unit, words) in [
            ("16384", blocks, "128MB"),
            ("1", blocks, "8kB"),
            ("-1", blocks, "-1"),
            ("0", SettingUnit::Seconds, "0"),
            ("300", SettingUnit::Seconds, "5min"),
            ("1500", SettingUnit::Milliseconds, "1500ms"),
            ("0.2", SettingUnit::Milliseconds, "200us"),
            ("100", SettingUnit::None, "100"),
        ] {
            assert_eq!(setting_words(value, unit), words, "{value}");
        }
    }

    #[test]
    fn units_are_those_of_the_view() {
        assert_eq!(SettingUnit::from_pg_settings(Some("16MB")), Some(SettingUnit::Bytes(16 << 20)));
        assert_eq!(SettingUnit::from_pg_settings(Some("B")), Some(SettingUnit::Bytes(1)));
        assert_eq!(SettingUnit::from_pg_settings(None), Some(SettingUnit::None));
        for unit in ["8", "8kb", "parsec", "99999999999999999999kB"] {
            assert_eq!(SettingUnit::from_pg_settings(Some(unit)), None, "{unit}");
        }
    }
}
