//! What key values a partition covers, whatever the spelling of its bounds.

use super::bound::{Bound, LeafBounds};

impl LeafBounds {
    /// The range that the partition covers; `None` for a default partition and for bounds that are no range of one key.
    ///
    /// `'infinity'` is an ordinary value to PostgreSQL, distinct from MAXVALUE; no date or time lies beyond it, so it
    /// covers as much.
    pub fn coverage(&self) -> Option<(Bound, Bound)> {
        match self {
            Self::Range { from, to } => Some((*from, *to)),
            Self::Default => None,
            Self::Other(text) => infinite_range(text),
        }
    }

    /// Whether any key value of this range would go to the partition. Bounds that cannot be read overlap nothing here:
    /// the server itself refuses what truly overlaps.
    pub fn overlaps(&self, from: Bound, to: Bound) -> bool {
        self.coverage().is_some_and(|(low, high)| low < to && from < high)
    }
}

/// `FOR VALUES FROM ('-infinity') TO ('…')`: the finite end decides of which kind the range is.
fn infinite_range(text: &str) -> Option<(Bound, Bound)> {
    let plain = text.replace("'-infinity'", "MINVALUE").replace("'infinity'", "MAXVALUE");
    super::value::KeyKind::DATES.into_iter().find_map(|kind| match LeafBounds::parse(kind, &plain) {
        LeafBounds::Range { from, to } => Some((from, to)),
        LeafBounds::Default | LeafBounds::Other(_) => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grid::{KeyKind, KeyValue};

    #[test]
    fn infinity_covers_what_an_unbounded_range_covers() {
        let text = "FOR VALUES FROM ('-infinity') TO ('2020-01-01')";
        let bounds = LeafBounds::parse(KeyKind::Date, text);
        assert_eq!(bounds, LeafBounds::Other(text.to_owned()));
        let end = KeyValue::parse(KeyKind::Date, "2020-01-01").map(Bound::Value).unwrap();
        assert_eq!(bounds.coverage(), Some((Bound::MinValue, end)));
        assert!(!bounds.overlaps(end, Bound::MaxValue));
        assert!(!LeafBounds::Default.overlaps(Bound::MinValue, Bound::MaxValue));
    }
}
