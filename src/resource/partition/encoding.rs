//! Whether the encoding that the policy names can be the one of the partitions that are there. Read a thousandfold too
//! small, every partition would be older than any retention.

use jiff::Timestamp;

use crate::catalog::Root;
use crate::grid::{Encoding, Grid, Interval, KeyValue, LeafBounds, Unit, Zone};
use crate::policy::TableDesired;

/// Why it cannot, with what it probably is; `None` where any bound is a time of our days, or there is no bound.
pub(crate) fn misread(table: &TableDesired, root: &Root) -> Option<String> {
    let encoding = table.encoding?;
    let bounds = root.leaves.values().filter_map(|leaf| match leaf.bounds {
        LeafBounds::Range { from, to } => Some([from.value(), to.value()]),
        LeafBounds::Default | LeafBounds::Other(_) => None,
    });
    let bounds: Vec<KeyValue> = bounds.flatten().flatten().collect();
    let highest = *bounds.iter().max()?;
    let fits =
        |encoding: Encoding| bounds.iter().any(|bound| instant(root, encoding, *bound).is_some_and(is_plausible));
    if fits(encoding) {
        return None;
    }
    let read =
        instant(root, encoding, highest).map_or_else(|| "no time on the calendar".to_owned(), crate::render::day);
    let meant = Encoding::ALL.into_iter().find(|other| fits(*other));
    let meant = meant.map_or_else(String::new, |other| format!(": did you mean `{}`?", other.as_str()));
    Some(format!("its partitions reach {highest}, which with `encoding: {}` is {read}{meant}", encoding.as_str()))
}

fn instant(root: &Root, encoding: Encoding, value: KeyValue) -> Option<Timestamp> {
    let day = Interval { count: 1, unit: Unit::Days };
    Grid::calendar(root.key.kind, Some(encoding), day, Zone::utc(), None).ok()?.instant(value)
}

/// From 1990 to 2150.
fn is_plausible(at: Timestamp) -> bool {
    (631_152_000..5_680_281_600).contains(&at.as_second())
}
