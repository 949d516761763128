//! A partition key's type and its values, exact as PostgreSQL stores them.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::civil::{self, DAY, HOUR, SECOND, Ymd};

/// What a partition key's type is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeyKind {
    /// `timestamp with time zone`: an instant.
    Timestamptz,
    /// `timestamp without time zone`: a civil time; which instant it means is the policy's to say.
    Timestamp,
    /// `date`: a civil day.
    Date,
    /// `smallint`: an id, or a count of time units.
    #[serde(rename = "smallint")]
    SmallInt,
    /// `integer`: an id, or a count of time units.
    Integer,
    /// `bigint`: an id, or a count of time units.
    #[serde(rename = "bigint")]
    BigInt,
    /// `uuid`: of version 7, whose first 48 bits are milliseconds.
    Uuid,
}

impl KeyKind {
    /// Every kind, in declaration order.
    pub const ALL: [Self; 7] =
        [Self::Timestamptz, Self::Timestamp, Self::Date, Self::SmallInt, Self::Integer, Self::BigInt, Self::Uuid];

    /// Kinds whose values are dates or times by themselves.
    pub const DATES: [Self; 3] = [Self::Timestamptz, Self::Timestamp, Self::Date];

    /// The kind of a shape: integers of every width print alike.
    const SHAPES: [Self; 5] = [Self::Timestamptz, Self::Timestamp, Self::Date, Self::BigInt, Self::Uuid];

    /// The type's name as `format_type` prints it.
    pub fn sql_type(self) -> &'static str {
        match self {
            Self::Timestamptz => "timestamp with time zone",
            Self::Timestamp => "timestamp without time zone",
            Self::Date => "date",
            Self::SmallInt => "smallint",
            Self::Integer => "integer",
            Self::BigInt => "bigint",
            Self::Uuid => "uuid",
        }
    }

    /// The least and greatest value of an integer type.
    pub(super) fn integers(self) -> Option<(i64, i64)> {
        match self {
            Self::SmallInt => Some((i16::MIN.into(), i16::MAX.into())),
            Self::Integer => Some((i32::MIN.into(), i32::MAX.into())),
            Self::BigInt => Some((i64::MIN, i64::MAX)),
            Self::Timestamptz | Self::Timestamp | Self::Date | Self::Uuid => None,
        }
    }

    /// Whether a column of this kind can hold the value.
    pub fn holds(self, value: KeyValue) -> bool {
        match value {
            KeyValue::Timestamptz(_) => self == Self::Timestamptz,
            KeyValue::Timestamp(_) => self == Self::Timestamp,
            KeyValue::Date(_) => self == Self::Date,
            KeyValue::Int(value) => self.integers().is_some_and(|(least, most)| (least..=most).contains(&value)),
            KeyValue::Uuid(_) => self == Self::Uuid,
        }
    }
}

impl fmt::Display for KeyKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.sql_type())
    }
}

/// A key value. [`fmt::Display`] writes what PostgreSQL prints under `TimeZone=UTC`, `DateStyle=ISO`; serde uses that
/// text and tells the kind from its shape.
///
/// ```
/// use pgstrata::grid::{KeyKind, KeyValue};
/// let value = KeyValue::parse(KeyKind::Timestamptz, "2026-03-01 00:00:00+00")?;
/// assert_eq!(value, KeyValue::Timestamptz(1_772_323_200_000_000));
/// # Ok::<(), pgstrata::grid::KeyValueError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum KeyValue {
    /// Microseconds since 1970-01-01 00:00 UTC.
    Timestamptz(i64),
    /// Microseconds since 1970-01-01 00:00 on the civil clock.
    Timestamp(i64),
    /// Days since 1970-01-01.
    Date(i32),
    /// An integer of any width.
    Int(i64),
    /// A UUID's bytes, which order as PostgreSQL orders them.
    Uuid([u8; 16]),
}

/// Why a text is not a key value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyValueError {
    /// Not what PostgreSQL prints for the kind.
    #[error("`{text}` is not a {kind} as PostgreSQL prints it under TimeZone=UTC and DateStyle=ISO")]
    Malformed {
        /// What was read.
        text: String,
        /// What was wanted.
        kind: KeyKind,
    },
    /// Its shape is no kind's.
    #[error("`{0}` is no date, timestamp, integer or uuid as PostgreSQL prints them")]
    Shapeless(String),
    /// `infinity`, BC, or beyond year 9999: no calendar window reaches there. Or beyond the integer type.
    #[error("`{0}` is outside the years 1 to 9999, or beyond its type")]
    OutOfRange(String),
}

impl KeyValue {
    /// Parses what `pg_get_expr` prints inside a bound's quotes. A `timestamptz` with another session zone's offset is
    /// still the same instant, and is taken.
    ///
    /// # Errors
    /// `infinity`, BC and years beyond 9999 are [`KeyValueError::OutOfRange`], anything else unread is
    /// [`KeyValueError::Malformed`].
    pub fn parse(kind: KeyKind, text: &str) -> Result<Self, KeyValueError> {
        let malformed = || KeyValueError::Malformed { text: text.to_owned(), kind };
        let beyond = || KeyValueError::OutOfRange(text.to_owned());
        if matches!(text, "infinity" | "-infinity") || text.ends_with(" BC") {
            return Err(beyond());
        }
        match kind {
            KeyKind::Timestamptz | KeyKind::Timestamp | KeyKind::Date => {}
            KeyKind::SmallInt | KeyKind::Integer | KeyKind::BigInt => {
                let digits = text.strip_prefix('-').unwrap_or(text);
                if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
                    return Err(malformed());
                }
                let value = text.parse().map(Self::Int).map_err(|_| beyond())?;
                return match (value.to_string() == text, kind.holds(value)) {
                    (false, _) => Err(malformed()),
                    (true, false) => Err(beyond()),
                    (true, true) => Ok(value),
                };
            }
            KeyKind::Uuid => return uuid(text).ok_or_else(malformed),
        }
        let mut rest = Scanner(text.as_bytes());
        let date = rest.date().ok_or_else(malformed)?.ok_or_else(beyond)?;
        let value = match kind {
            KeyKind::Date => Self::Date(i32::try_from(date).map_err(|_| beyond())?),
            KeyKind::Timestamp => Self::Timestamp(date * DAY + rest.time().ok_or_else(malformed)?),
            KeyKind::Timestamptz => {
                let civil = date * DAY + rest.time().ok_or_else(malformed)?;
                let instant = civil - rest.offset().ok_or_else(malformed)?;
                if !(civil::MIN_CIVIL..=civil::MAX_CIVIL).contains(&instant) {
                    return Err(beyond());
                }
                Self::Timestamptz(instant)
            }
            KeyKind::SmallInt | KeyKind::Integer | KeyKind::BigInt | KeyKind::Uuid => return Err(malformed()),
        };
        if rest.0.is_empty() { Ok(value) } else { Err(malformed()) }
    }

    /// The UUID with these 128 bits.
    pub fn uuid(bits: u128) -> Self {
        Self::Uuid(bits.to_be_bytes())
    }

    /// The greatest value below this one, which is the last that a half-open range ending here contains.
    pub fn predecessor(self) -> Option<Self> {
        match self {
            Self::Timestamptz(v) => v.checked_sub(1).map(Self::Timestamptz),
            Self::Timestamp(v) => v.checked_sub(1).map(Self::Timestamp),
            Self::Date(v) => v.checked_sub(1).map(Self::Date),
            Self::Int(v) => v.checked_sub(1).map(Self::Int),
            Self::Uuid(v) => u128::from_be_bytes(v).checked_sub(1).map(Self::uuid),
        }
    }
}

/// The form that PostgreSQL prints: lower case, four hyphens.
fn uuid(text: &str) -> Option<KeyValue> {
    let value = u128::from_str_radix(&text.replace('-', ""), 16).ok().map(KeyValue::uuid)?;
    (value.to_string() == text).then_some(value)
}

impl fmt::Display for KeyValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (civil, zone) = match *self {
            Self::Timestamptz(v) => (v, "+00"),
            Self::Timestamp(v) => (v, ""),
            Self::Date(v) => {
                let bc = write_date(f, v.into())?;
                return f.write_str(bc);
            }
            Self::Int(v) => return write!(f, "{v}"),
            Self::Uuid(v) => {
                let hex = format!("{:032x}", u128::from_be_bytes(v));
                let (parts, _) = [8, 4, 4, 4, 12].into_iter().fold((Vec::new(), 0), |(mut parts, at), width| {
                    parts.push(hex.get(at..at + width).unwrap_or_default());
                    (parts, at + width)
                });
                return f.write_str(&parts.join("-"));
            }
        };
        let bc = write_date(f, civil.div_euclid(DAY))?;
        let time = civil.rem_euclid(DAY);
        write!(f, " {:02}:{:02}:{:02}", time / HOUR, time / (60 * SECOND) % 60, time / SECOND % 60)?;
        if time % SECOND != 0 {
            write!(f, ".{}", format!("{:06}", time % SECOND).trim_end_matches('0'))?;
        }
        write!(f, "{zone}{bc}")
    }
}

fn write_date(f: &mut fmt::Formatter<'_>, day: i64) -> Result<&'static str, fmt::Error> {
    let Ymd { year, month, day } = civil::ymd(day);
    let (year, bc) = if year > 0 { (year, "") } else { (1 - year, " BC") };
    write!(f, "{year:04}-{month:02}-{day:02}")?;
    Ok(bc)
}

impl FromStr for KeyValue {
    type Err = KeyValueError;

    /// By shape: a time makes it a timestamp, an offset after it an instant; integers are of any width.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        for kind in KeyKind::SHAPES {
            match Self::parse(kind, text) {
                Ok(value) => return Ok(value),
                Err(beyond @ KeyValueError::OutOfRange(_)) => return Err(beyond),
                Err(KeyValueError::Malformed { .. } | KeyValueError::Shapeless(_)) => {}
            }
        }
        Err(KeyValueError::Shapeless(text.to_owned()))
    }
}

impl Serialize for KeyValue {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for KeyValue {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// What is left to read.
struct Scanner<'t>(&'t [u8]);

impl Scanner<'_> {
    fn literal(&mut self, byte: u8) -> Option<()> {
        self.0 = self.0.strip_prefix(&[byte])?;
        Some(())
    }

    /// Exactly `width` digits.
    fn digits(&mut self, width: usize) -> Option<i64> {
        let (head, tail) = self.0.split_at_checked(width)?;
        self.0 = tail;
        head.iter().try_fold(0, |n, b| b.is_ascii_digit().then(|| n * 10 + i64::from(b - b'0')))
    }

    fn at_most(&mut self, width: usize, limit: i64) -> Option<i64> {
        self.digits(width).filter(|n| *n <= limit)
    }

    /// The day number; `Some(None)` for a well-formed date beyond year 9999 or in year 0.
    #[expect(clippy::option_option, reason = "malformed and out of range are different answers")]
    fn date(&mut self) -> Option<Option<i64>> {
        let width = self.0.iter().take_while(|b| b.is_ascii_digit()).count();
        if !(4..=7).contains(&width) {
            return None;
        }
        let year = self.digits(width)?;
        self.literal(b'-')?;
        let month = self.at_most(2, 12).filter(|m| *m > 0)?;
        self.literal(b'-')?;
        let day = self.at_most(2, civil::days_in_month(year, month)).filter(|d| *d > 0)?;
        Some((1..=9999).contains(&year).then(|| civil::day_number(Ymd { year, month, day })))
    }

    fn time(&mut self) -> Option<i64> {
        self.literal(b' ')?;
        let hour = self.at_most(2, 23)?;
        self.literal(b':')?;
        let minute = self.at_most(2, 59)?;
        self.literal(b':')?;
        let second = self.at_most(2, 59)?;
        let mut micros = ((hour * 60 + minute) * 60 + second) * SECOND;
        if self.literal(b'.').is_some() {
            let width = self.0.iter().take_while(|b| b.is_ascii_digit()).count();
            if !(1..=6).contains(&width) {
                return None;
            }
            let scale = (width..6).fold(1, |n, _| n * 10);
            micros += self.digits(width)? * scale;
        }
        Some(micros)
    }

    /// `+00`, `-03:30`, `+00:19:32`.
    fn offset(&mut self) -> Option<i64> {
        let sign = if self.literal(b'+').is_some() {
            1
        } else {
            self.literal(b'-')?;
            -1
        };
        let mut seconds = self.at_most(2, 23)? * 3600;
        for unit in [60, 1] {
            if self.literal(b':').is_some() {
                seconds += self.at_most(2, 59)? * unit;
            } else {
                break;
            }
        }
        Some(sign * seconds * SECOND)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prints_what_postgresql_prints() {
        for (value, text) in [
            (KeyValue::Timestamptz(0), "1970-01-01 00:00:00+00"),
            (KeyValue::Timestamptz(-1), "1969-12-31 23:59:59.999999+00"),
            (KeyValue::Timestamptz(1_772_323_200_500_000), "2026-03-01 00:00:00.5+00"),
            (KeyValue::Timestamp(1_772_323_200_000_010), "2026-03-01 00:00:00.00001"),
            (KeyValue::Date(20_513), "2026-03-01"),
            (KeyValue::Date(-719_162), "0001-01-01"),
            (KeyValue::Date(-719_163), "0001-12-31 BC"),
            (KeyValue::Timestamptz(-719_163 * DAY), "0001-12-31 00:00:00+00 BC"),
            (KeyValue::Date(2_932_897), "10000-01-01"),
            (KeyValue::Int(-12_345), "-12345"),
            (KeyValue::uuid(0x0195_8f3c_0000_7000_8000_0000_0000_00ab), "01958f3c-0000-7000-8000-0000000000ab"),
        ] {
            assert_eq!(value.to_string(), text);
        }
    }

    #[test]
    fn refuses_what_is_not_exactly_a_value_in_range() {
        for (kind, text) in [
            (KeyKind::Date, ""),
            (KeyKind::Date, "2026-02-29"),
            (KeyKind::Date, "2026-13-01"),
            (KeyKind::Date, "2026-00-01"),
            (KeyKind::Date, "2026-3-1"),
            (KeyKind::Date, "01.03.2026"),
            (KeyKind::Date, "2026-03-01 00:00:00"),
            (KeyKind::Timestamp, "2026-03-01"),
            (KeyKind::Timestamp, "2026-03-01 24:00:00"),
            (KeyKind::Timestamp, "2026-03-01 00:00:60"),
            (KeyKind::Timestamp, "2026-03-01 00:00:00."),
            (KeyKind::Timestamp, "2026-03-01 00:00:00.1234567"),
            (KeyKind::Timestamp, "2026-03-01 00:00:00+00"),
            (KeyKind::Timestamptz, "2026-03-01 00:00:00"),
            (KeyKind::Timestamptz, "2026-03-01 00:00:00 CET"),
            (KeyKind::Timestamptz, "2026-03-01 00:00:00+0"),
            (KeyKind::Timestamptz, "2026-03-01 00:00:00+00 "),
            (KeyKind::Timestamptz, "２０２６-03-01 00:00:00+00"),
            (KeyKind::BigInt, ""),
            (KeyKind::BigInt, "-"),
            (KeyKind::BigInt, "-0"),
            (KeyKind::BigInt, "+1"),
            (KeyKind::BigInt, "007"),
            (KeyKind::BigInt, "1.0"),
            (KeyKind::Uuid, "01958F3C-0000-7000-8000-0000000000AB"),
            (KeyKind::Uuid, "01958f3c000070008000000000000000"),
            (KeyKind::Uuid, "0195-8f3c0000-7000-8000-0000000000ab"),
            (KeyKind::Uuid, "+1958f3c-0000-7000-8000-0000000000ab"),
        ] {
            let malformed = KeyValueError::Malformed { text: text.to_owned(), kind };
            assert_eq!(KeyValue::parse(kind, text), Err(malformed), "{text}");
        }
        for (kind, text) in [
            (KeyKind::Date, "infinity"),
            (KeyKind::Timestamptz, "-infinity"),
            (KeyKind::Date, "0044-03-15 BC"),
            (KeyKind::Date, "0000-01-01"),
            (KeyKind::Timestamp, "10000-01-01 00:00:00"),
            (KeyKind::Timestamptz, "294276-12-31 23:59:59.999999+00"),
            (KeyKind::Timestamptz, "0001-01-01 00:00:00+01"),
            (KeyKind::SmallInt, "32768"),
            (KeyKind::Integer, "-2147483649"),
            (KeyKind::BigInt, "9223372036854775808"),
        ] {
            assert_eq!(KeyValue::parse(kind, text), Err(KeyValueError::OutOfRange(text.to_owned())), "{text}");
        }
    }

    #[test]
    fn another_session_zone_is_the_same_instant() {
        let utc = KeyValue::parse(KeyKind::Timestamptz, "2026-03-29 00:00:00+00").unwrap();
        for text in [
            "2026-03-28 20:00:00-04",
            "2026-03-29 05:30:00+05:30",
            "2026-03-28 20:30:00-03:30",
            "2026-03-29 00:19:32+00:19:32",
        ] {
            assert_eq!(KeyValue::parse(KeyKind::Timestamptz, text), Ok(utc), "{text}");
        }
    }

    #[test]
    fn the_shape_tells_the_kind() {
        for value in [
            KeyValue::Timestamptz(0),
            KeyValue::Timestamp(0),
            KeyValue::Date(0),
            KeyValue::Int(0),
            KeyValue::Int(i64::MIN),
            KeyValue::uuid(0),
            KeyValue::uuid(u128::MAX),
        ] {
            assert_eq!(value.to_string().parse(), Ok(value));
        }
        assert_eq!("now".parse::<KeyValue>(), Err(KeyValueError::Shapeless("now".to_owned())));
        assert_eq!("infinity".parse::<KeyValue>(), Err(KeyValueError::OutOfRange("infinity".to_owned())));
    }
}
