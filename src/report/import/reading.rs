//! How a key's values are read as times.

use jiff::civil::DateTime;

use super::infer::Piece;
use crate::grid::{Grid, Interval, KeyKind, Unit, Zone};

/// What the values of a key are taken for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Reading {
    pub(super) kind: KeyKind,
}

impl Reading {
    /// A grid of such values; `None` where these parts make none.
    pub(super) fn grid(self, interval: Interval, zone: &Zone, anchor: Option<DateTime>) -> Option<Grid> {
        Grid::new(self.kind, interval, zone.clone(), anchor).ok()
    }

    /// Both ends on the clock that boundaries of this unit are reckoned in.
    pub(super) fn civil(self, piece: Piece, zone: &Zone, unit: Unit) -> Option<(DateTime, DateTime)> {
        let clock = self.grid(Interval { count: 1, unit }, zone, None)?;
        Some((clock.civil_time(piece.from)?, clock.civil_time(piece.to)?))
    }

    /// Whether the zone decides where boundaries lie, and not only what the values mean.
    pub(super) fn zone_moves_boundaries(self) -> bool {
        self.kind.is_instant()
    }
}
