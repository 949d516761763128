//! Time zones by IANA name, from the bundled database only: the machine's own must not change a plan.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::str::FromStr;

use jiff::Timestamp;
use jiff::tz::{AmbiguousOffset, TimeZone, TimeZoneDatabase};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::civil::{self, SECOND};
use super::words;

/// An IANA time zone. Equal and ordered by name; a clone shares the data.
///
/// ```
/// use pgstrata::grid::Zone;
/// assert_eq!("europe/berlin".parse::<Zone>()?.name(), "Europe/Berlin");
/// let typo = "Europe/Berln".parse::<Zone>().unwrap_err();
/// assert!(typo.to_string().contains("did you mean `Europe/Berlin`?"));
/// # Ok::<(), pgstrata::grid::ZoneError>(())
/// ```
#[derive(Clone)]
pub struct Zone(TimeZone);

/// Why a text is not a zone.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ZoneError {
    /// `+02:00`, `UTC+2`.
    #[error("`{0}` is an offset: name an IANA time zone, such as `UTC` or `Europe/Berlin`")]
    Offset(String),
    /// Not in the database, but something close is.
    #[error("`{name}` is not an IANA time zone: did you mean `{suggestion}`?")]
    Misspelt {
        /// What was given.
        name: String,
        /// The closest name.
        suggestion: String,
    },
    /// Not in the database.
    #[error("`{0}` is not an IANA time zone, such as `UTC` or `Europe/Berlin`")]
    Unknown(String),
}

impl Zone {
    /// `UTC`.
    pub fn utc() -> Self {
        Self(TimeZone::UTC)
    }

    /// The IANA name, spelled as the database does.
    pub fn name(&self) -> &str {
        self.0.iana_name().unwrap_or("UTC")
    }

    /// For arithmetic with jiff.
    pub fn time_zone(&self) -> &TimeZone {
        &self.0
    }

    /// Every name of the bundled database, sorted.
    pub fn names() -> Vec<String> {
        let mut names: Vec<_> = TimeZoneDatabase::bundled().available().map(|name| name.to_string()).collect();
        names.sort();
        names
    }

    /// The first instant, in microseconds since 1970, at which the zone's clock shows this civil time or a later one:
    /// the earlier of two where the clock was put back, the end of the gap where it was put forward. Never decreases
    /// as `civil` increases, which shifting by the length of the gap would not guarantee. `None` beyond jiff's range.
    pub(super) fn first_instant(&self, civil: i64) -> Option<i64> {
        if self.0 == TimeZone::UTC {
            return Some(civil);
        }
        let at = civil::to_datetime(civil)?;
        let ambiguous = self.0.to_ambiguous_timestamp(at);
        match ambiguous.offset() {
            AmbiguousOffset::Unambiguous { offset } => Some(civil - i64::from(offset.seconds()) * SECOND),
            AmbiguousOffset::Fold { before, .. } => Some(civil - i64::from(before.seconds()) * SECOND),
            AmbiguousOffset::Gap { before, after } => {
                let start = civil - i64::from(after.seconds()) * SECOND;
                let end = civil - i64::from(before.seconds()) * SECOND;
                let found = self
                    .0
                    .following(Timestamp::from_microsecond(start).ok()?)
                    .map(|transition| transition.timestamp().as_microsecond())
                    .take_while(|at| *at <= end)
                    .find(|at| self.offset_at(*at) == Some(i64::from(after.seconds()) * SECOND));
                Some(found.unwrap_or(end))
            }
        }
    }

    /// Microseconds east of UTC at an instant; `None` beyond jiff's range.
    pub(super) fn offset_at(&self, instant: i64) -> Option<i64> {
        let at = Timestamp::from_microsecond(instant).ok()?;
        Some(i64::from(self.0.to_offset(at).seconds()) * SECOND)
    }

    /// What the zone's clock shows at an instant.
    pub(super) fn civil_at(&self, instant: i64) -> Option<i64> {
        instant.checked_add(self.offset_at(instant)?)
    }
}

impl FromStr for Zone {
    type Err = ZoneError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text.trim();
        if let Ok(zone) = TimeZoneDatabase::bundled().get(text)
            && zone.iana_name().is_some()
            && !zone.is_unknown()
        {
            return Ok(Self(zone));
        }
        let lower = text.to_lowercase();
        let bare = lower.trim_start_matches("utc").trim_start_matches("gmt").trim_start();
        if bare.starts_with(['+', '-']) && bare.chars().skip(1).all(|c| c.is_ascii_digit() || c == ':') {
            return Err(ZoneError::Offset(text.to_owned()));
        }
        Err(match suggestion(&lower) {
            Some(suggestion) => ZoneError::Misspelt { name: text.to_owned(), suggestion },
            None => ZoneError::Unknown(text.to_owned()),
        })
    }
}

/// The closest name, or the one whose city it is.
fn suggestion(lower: &str) -> Option<String> {
    if lower.is_empty() {
        return None;
    }
    let wanted = lower.replace(' ', "_");
    Zone::names()
        .into_iter()
        .filter_map(|name| {
            let full = name.to_lowercase();
            let city = full.rsplit('/').next().unwrap_or(&full);
            let distance = words::distance(&wanted, &full).min(words::distance(&wanted, city));
            (distance * 4 <= wanted.chars().count()).then_some((distance, name))
        })
        .min()
        .map(|(_, name)| name)
}

impl fmt::Display for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl fmt::Debug for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Zone({})", self.name())
    }
}

impl PartialEq for Zone {
    fn eq(&self, other: &Self) -> bool {
        self.name() == other.name()
    }
}

impl Eq for Zone {}

impl PartialOrd for Zone {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Zone {
    fn cmp(&self, other: &Self) -> Ordering {
        self.name().cmp(other.name())
    }
}

impl Hash for Zone {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.name().hash(state);
    }
}

impl Serialize for Zone {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

impl<'de> Deserialize<'de> for Zone {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_spelled_as_the_database_does() {
        for (text, name) in [
            ("UTC", "UTC"),
            ("utc", "UTC"),
            (" Europe/Berlin ", "Europe/Berlin"),
            ("AMERICA/NEW_YORK", "America/New_York"),
        ] {
            assert_eq!(text.parse::<Zone>().unwrap().name(), name);
        }
        for name in Zone::names() {
            assert_eq!(name.parse::<Zone>().unwrap().name(), name);
        }
    }

    #[test]
    fn says_what_was_probably_meant() {
        let misspelt = |name: &str, suggestion: &str| ZoneError::Misspelt {
            name: name.to_owned(),
            suggestion: suggestion.to_owned(),
        };
        for (text, error) in [
            ("Europe/Berln", misspelt("Europe/Berln", "Europe/Berlin")),
            ("Berlin", misspelt("Berlin", "Europe/Berlin")),
            ("new york", misspelt("new york", "America/New_York")),
            ("+02:00", ZoneError::Offset("+02:00".to_owned())),
            ("UTC+2", ZoneError::Offset("UTC+2".to_owned())),
            ("Middle/Earth", ZoneError::Unknown("Middle/Earth".to_owned())),
            ("Etc/Unknown", ZoneError::Unknown("Etc/Unknown".to_owned())),
            ("", ZoneError::Unknown(String::new())),
        ] {
            assert_eq!(text.parse::<Zone>(), Err(error), "{text}");
        }
    }

    #[test]
    fn a_missing_time_is_the_end_of_its_gap() {
        let civil = |text: &str| civil::from_datetime(text.parse().unwrap());
        for (zone, at, instant) in [
            ("Europe/Berlin", "2026-03-29T02:00", "2026-03-29T01:00:00Z"),
            ("Europe/Berlin", "2026-03-29T02:30", "2026-03-29T01:00:00Z"),
            ("Europe/Berlin", "2026-03-29T03:00", "2026-03-29T01:00:00Z"),
            ("Europe/Berlin", "2026-10-25T02:30", "2026-10-25T00:30:00Z"),
            ("America/Santiago", "2024-09-08T00:00", "2024-09-08T04:00:00Z"),
            ("Pacific/Apia", "2011-12-30T12:00", "2011-12-30T10:00:00Z"),
        ] {
            let found = zone.parse::<Zone>().unwrap().first_instant(civil(at));
            let instant: Timestamp = instant.parse().unwrap();
            assert_eq!(found, Some(instant.as_microsecond()), "{zone} {at}");
        }
    }
}
