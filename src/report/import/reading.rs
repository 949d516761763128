//! What a key's values are taken for: times, by themselves or by an encoding, or ids.

use jiff::civil::DateTime;

use super::infer::Piece;
use crate::grid::{Encoding, Grid, Interval, KeyKind, Unit, Zone};

/// What the values of a key are taken for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reading {
    /// Dates and times.
    Times(KeyKind, Option<Encoding>),
    /// Numbers that tell no time.
    Ids(KeyKind),
}

impl Reading {
    /// Everything that values of this kind may be, the more telling first: bounds that are calendar boundaries in one
    /// unit of time are no accident.
    pub(super) fn all(kind: KeyKind) -> Vec<Self> {
        match kind {
            KeyKind::Timestamptz | KeyKind::Timestamp | KeyKind::Date => vec![Self::Times(kind, None)],
            KeyKind::SmallInt | KeyKind::Integer | KeyKind::BigInt | KeyKind::Uuid => {
                let encodings = Encoding::ALL.into_iter().filter(|encoding| encoding.fits(kind));
                let times = encodings.map(|encoding| Self::Times(kind, Some(encoding)));
                times.chain((kind != KeyKind::Uuid).then_some(Self::Ids(kind))).collect()
            }
        }
    }

    pub(super) fn encoding(self) -> Option<Encoding> {
        match self {
            Self::Times(_, encoding) => encoding,
            Self::Ids(_) => None,
        }
    }

    /// A calendar grid of such values; `None` where these parts make none.
    pub(super) fn grid(self, interval: Interval, zone: &Zone, anchor: Option<DateTime>) -> Option<Grid> {
        match self {
            Self::Times(kind, encoding) => Grid::calendar(kind, encoding, interval, zone.clone(), anchor).ok(),
            Self::Ids(_) => None,
        }
    }

    /// Both ends on the clock that boundaries of this unit are reckoned in.
    pub(super) fn civil(self, piece: Piece, zone: &Zone, unit: Unit) -> Option<(DateTime, DateTime)> {
        let clock = self.grid(Interval { count: 1, unit }, zone, None)?;
        Some((clock.civil_time(piece.from)?, clock.civil_time(piece.to)?))
    }

    /// Whether the zone decides where boundaries lie, and not only what the values mean.
    pub(super) fn zone_moves_boundaries(self) -> bool {
        match self {
            Self::Times(_, Some(_)) => true,
            Self::Times(kind, None) => kind == KeyKind::Timestamptz,
            Self::Ids(_) => false,
        }
    }

    /// Whether an encoding makes the newest of these a time of our days (the first may begin at 0); dates are what they
    /// are, and so are ids.
    pub(super) fn is_plausible(self, pieces: &[Piece]) -> bool {
        let ours = |at: DateTime| (2000..2100).contains(&at.year());
        let begins = |piece: &Piece| self.civil(*piece, &Zone::utc(), Unit::Days).is_some_and(|(from, _)| ours(from));
        self.encoding().is_none() || pieces.first().is_none_or(begins)
    }
}
