//! How the values of a key tell time: dates do by themselves, numbers and UUIDs by an encoding that the policy names.

use serde::{Deserialize, Serialize};

use super::civil::DAY;
use super::value::{KeyKind, KeyValue};

/// How a number or uuid encodes time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Encoding {
    /// Seconds since 1970.
    EpochS,
    /// Milliseconds since 1970.
    EpochMs,
    /// Microseconds since 1970.
    EpochUs,
    /// Nanoseconds since 1970.
    EpochNs,
    /// RFC 9562, section 5.7: the first 48 bits are milliseconds since 1970.
    Uuidv7,
}

impl Encoding {
    /// Every encoding, coarsest number first.
    pub const ALL: [Self; 5] = [Self::EpochS, Self::EpochMs, Self::EpochUs, Self::EpochNs, Self::Uuidv7];

    /// As the policy spells it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::EpochS => "epoch_s",
            Self::EpochMs => "epoch_ms",
            Self::EpochUs => "epoch_us",
            Self::EpochNs => "epoch_ns",
            Self::Uuidv7 => "uuidv7",
        }
    }

    /// Whether a column of this kind can hold it: numbers of today, that is. Four bytes hold seconds until 2038.
    pub fn fits(self, kind: KeyKind) -> bool {
        match self {
            Self::EpochS => matches!(kind, KeyKind::Integer | KeyKind::BigInt),
            Self::EpochMs | Self::EpochUs | Self::EpochNs => kind == KeyKind::BigInt,
            Self::Uuidv7 => kind == KeyKind::Uuid,
        }
    }
}

/// Where the bits of a UUID that are not its time begin.
const UUID_TAIL: u32 = 80;
/// The least tail of a valid version 7: version and variant, and nothing random. Bounds are written with it or with
/// zeros; no row of version 7 lies between the two.
const UUID_LEAST_TAIL: u128 = 0x7000_8000_0000_0000_0000;

/// How key values and readings of a clock, in microseconds, belong together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Clock {
    Timestamptz,
    Timestamp,
    Date,
    /// So many nanoseconds a unit.
    Epoch(KeyKind, i64),
    Uuidv7,
}

impl Clock {
    /// The clock of a column; `None` where its values tell no time, or not in this way.
    pub(super) fn new(kind: KeyKind, encoding: Option<Encoding>) -> Option<Self> {
        match (kind, encoding) {
            (KeyKind::Timestamptz, None) => Some(Self::Timestamptz),
            (KeyKind::Timestamp, None) => Some(Self::Timestamp),
            (KeyKind::Date, None) => Some(Self::Date),
            (_, Some(encoding)) if encoding.fits(kind) => Some(match encoding {
                Encoding::EpochS => Self::Epoch(kind, 1_000_000_000),
                Encoding::EpochMs => Self::Epoch(kind, 1_000_000),
                Encoding::EpochUs => Self::Epoch(kind, 1_000),
                Encoding::EpochNs => Self::Epoch(kind, 1),
                Encoding::Uuidv7 => Self::Uuidv7,
            }),
            (_, Some(_)) | (KeyKind::SmallInt | KeyKind::Integer | KeyKind::BigInt | KeyKind::Uuid, None) => None,
        }
    }

    pub(super) fn kind(self) -> KeyKind {
        match self {
            Self::Timestamptz => KeyKind::Timestamptz,
            Self::Timestamp => KeyKind::Timestamp,
            Self::Date => KeyKind::Date,
            Self::Epoch(kind, _) => kind,
            Self::Uuidv7 => KeyKind::Uuid,
        }
    }

    /// Whether values have a time of day.
    pub(super) fn has_time(self) -> bool {
        match self {
            Self::Timestamptz | Self::Timestamp | Self::Epoch(..) | Self::Uuidv7 => true,
            Self::Date => false,
        }
    }

    /// Whether a value is an instant by itself, without the policy's zone.
    pub(super) fn is_instant(self) -> bool {
        match self {
            Self::Timestamptz | Self::Epoch(..) | Self::Uuidv7 => true,
            Self::Timestamp | Self::Date => false,
        }
    }

    /// The greatest value whose reading is at or before these microseconds: an instant's, or the civil clock's.
    pub(super) fn value(self, micros: i64) -> Option<KeyValue> {
        match self {
            Self::Timestamptz => Some(KeyValue::Timestamptz(micros)),
            Self::Timestamp => Some(KeyValue::Timestamp(micros)),
            Self::Date => i32::try_from(micros.div_euclid(DAY)).ok().map(KeyValue::Date),
            Self::Epoch(kind, nanos) => {
                let units = (i128::from(micros) * 1_000).div_euclid(nanos.into());
                i64::try_from(units).ok().map(KeyValue::Int).filter(|value| kind.holds(*value))
            }
            Self::Uuidv7 => {
                let millis = u128::try_from(micros.div_euclid(1_000)).ok()?;
                (millis < 1 << 48).then_some(KeyValue::uuid(millis << UUID_TAIL))
            }
        }
    }

    /// What a value shows on its clock, in microseconds, cut towards the past; `None` for another clock's value.
    pub(super) fn micros(self, value: KeyValue) -> Option<i64> {
        match (self, value) {
            (Self::Timestamptz, KeyValue::Timestamptz(micros)) | (Self::Timestamp, KeyValue::Timestamp(micros)) => {
                Some(micros)
            }
            (Self::Date, KeyValue::Date(day)) => i64::from(day).checked_mul(DAY),
            (Self::Epoch(_, nanos), KeyValue::Int(units)) => {
                i64::try_from((i128::from(units) * i128::from(nanos)).div_euclid(1_000)).ok()
            }
            (Self::Uuidv7, KeyValue::Uuid(bits)) => {
                i64::try_from(u128::from_be_bytes(bits) >> UUID_TAIL).ok()?.checked_mul(1_000)
            }
            (Self::Timestamptz | Self::Timestamp | Self::Date | Self::Epoch(..) | Self::Uuidv7, _) => None,
        }
    }

    /// A bound as the grid would write it, where no row tells the two apart.
    pub(super) fn canonical(self, value: KeyValue) -> KeyValue {
        match (self, value) {
            (Self::Uuidv7, KeyValue::Uuid(bits)) => {
                let bits = u128::from_be_bytes(bits);
                let time = bits >> UUID_TAIL << UUID_TAIL;
                KeyValue::uuid(if bits - time <= UUID_LEAST_TAIL { time } else { bits })
            }
            (Self::Timestamptz | Self::Timestamp | Self::Date | Self::Epoch(..) | Self::Uuidv7, value) => value,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_uuids_tell_time() {
        // 2026-03-01 00:00:00.123456 UTC.
        let micros = 1_772_323_200_123_456;
        for (kind, encoding, value, back) in [
            (KeyKind::BigInt, Encoding::EpochS, KeyValue::Int(1_772_323_200), 1_772_323_200_000_000),
            (KeyKind::Integer, Encoding::EpochS, KeyValue::Int(1_772_323_200), 1_772_323_200_000_000),
            (KeyKind::BigInt, Encoding::EpochMs, KeyValue::Int(1_772_323_200_123), 1_772_323_200_123_000),
            (KeyKind::BigInt, Encoding::EpochUs, KeyValue::Int(micros), micros),
            (KeyKind::BigInt, Encoding::EpochNs, KeyValue::Int(micros * 1_000), micros),
            (KeyKind::Uuid, Encoding::Uuidv7, KeyValue::uuid(1_772_323_200_123 << 80), 1_772_323_200_123_000),
        ] {
            let clock = Clock::new(kind, Some(encoding)).unwrap();
            assert_eq!(clock.value(micros), Some(value), "{encoding:?}");
            assert_eq!(clock.micros(value), Some(back), "{encoding:?}");
        }
        // Beyond the column's type, before the epoch of a UUID, and beyond i64's nanoseconds.
        assert_eq!(Clock::new(KeyKind::Integer, Some(Encoding::EpochS)).unwrap().value(1 << 52), None);
        assert_eq!(Clock::new(KeyKind::Uuid, Some(Encoding::Uuidv7)).unwrap().value(-1), None);
        assert_eq!(Clock::new(KeyKind::BigInt, Some(Encoding::EpochNs)).unwrap().value(i64::MAX), None);
        assert_eq!(Clock::new(KeyKind::BigInt, Some(Encoding::EpochS)).unwrap().micros(KeyValue::Int(i64::MAX)), None);
        for (kind, encoding) in [
            (KeyKind::BigInt, None),
            (KeyKind::Uuid, None),
            (KeyKind::Uuid, Some(Encoding::EpochMs)),
            (KeyKind::Integer, Some(Encoding::EpochMs)),
            (KeyKind::SmallInt, Some(Encoding::EpochS)),
            (KeyKind::BigInt, Some(Encoding::Uuidv7)),
            (KeyKind::Date, Some(Encoding::EpochS)),
        ] {
            assert_eq!(Clock::new(kind, encoding), None);
        }
    }

    #[test]
    fn a_bound_with_version_and_variant_is_the_grids() {
        let clock = Clock::Uuidv7;
        let time = 1_772_323_200_000_u128 << UUID_TAIL;
        for (tail, same) in [(0, true), (UUID_LEAST_TAIL, true), (0x7000 << 64, true), (UUID_LEAST_TAIL + 1, false)] {
            let found = clock.canonical(KeyValue::uuid(time + tail));
            assert_eq!(found == KeyValue::uuid(time), same, "{tail:x}");
        }
    }
}
