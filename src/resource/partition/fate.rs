//! What becomes of a partition by the policy: when its time is over, when it is dropped, and why it stays.

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use super::context::Context;
use super::hold::held_by;
use crate::catalog::{Leaf, LeafKind, Oid, Retired};
use crate::grid::{Bound, LeafBounds};
use crate::policy::{Keep, Straddling, Then};

/// What becomes of a partition.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Fate {
    /// When its retention is over; `None` where that is never, or is not told by a clock.
    pub leaves_at: Option<Timestamp>,
    /// When it may be dropped, at the earliest: if it is detached when its retention is over, or now if that is past.
    pub drops_at: Option<Timestamp>,
    /// Why it stays all the same, or for ever.
    pub stays_because: Option<String>,
}

impl Fate {
    fn stays(because: impl Into<String>) -> Self {
        Self { stays_because: Some(because.into()), ..Self::default() }
    }
}

pub(super) fn fate_of_leaf(context: &Context<'_>, oid: Oid, leaf: &Leaf, newest: Option<Oid>) -> Fate {
    let (from, to) = match &leaf.bounds {
        LeafBounds::Default => return Fate::stays("a default partition never leaves"),
        LeafBounds::Other(_) => return Fate::stays("such bounds never leave"),
        LeafBounds::Range { from, to } => (*from, *to),
    };
    let Some(retention) = context.table.retention else { return Fate::stays("the policy keeps everything") };
    let leaves_at = expires_at(context, to);
    let mut fate = Fate { leaves_at, drops_at: None, stays_because: None };
    let over = context.is_expired(to);
    let stays = match leaf.kind {
        _ if to == Bound::MaxValue || from == Bound::MaxValue => {
            Some("a partition without an upper bound never leaves".to_owned())
        }
        LeafKind::Foreign => Some("a foreign table is left alone".to_owned()),
        LeafKind::Partitioned => Some("it is partitioned itself, and left alone".to_owned()),
        LeafKind::Table => (context.grid.is_off_grid(from, to) && retention.straddling == Straddling::Keep)
            .then(|| "it fits no grid, and the policy says `straddling: keep`".to_owned()),
    };
    let stays = stays.or_else(|| held_by(context, from, to, leaf.held).map(|by| format!("held by {by}")));
    fate.stays_because = stays
        .or_else(|| (over && newest == Some(oid)).then(|| "the newest partition with rows never leaves".to_owned()));
    if retention.then == Then::Drop && fate.stays_because.is_none() {
        // No clock says since when an id's time is over; it leaves now.
        let from = leaves_at.or(over.then_some(context.now)).map(|at| at.max(context.now));
        fate.drops_at = from.and_then(|at| retention.grace.after(at, context.grid.zone()));
    }
    fate
}

pub(super) fn fate_of_retired(context: &Context<'_>, table: &Retired) -> Fate {
    let (from, to) = (table.marker.from, table.marker.to);
    let Some(retention) = context.table.retention else {
        return Fate::stays("the policy keeps everything");
    };
    if context.edge.is_none() && matches!(retention.keep, Keep::Keys(_)) {
        return Fate::stays("how far its ids lie back is not known");
    }
    let leaves_at = expires_at(context, to);
    if !context.is_expired(to) {
        return Fate { leaves_at, ..Fate::stays("the policy would keep its rows again") };
    }
    if let Some(by) = held_by(context, from, to, table.held) {
        return Fate { leaves_at, ..Fate::stays(format!("held by {by}")) };
    }
    match retention.then {
        Then::Detach => Fate { leaves_at, ..Fate::stays("the policy says `then: detach`") },
        Then::Drop => {
            let since = table.marker.detached_at.unwrap_or(context.now);
            Fate { leaves_at, drops_at: retention.grace.after(since, context.grid.zone()), stays_because: None }
        }
    }
}

/// The first instant at which the retention of what ends here is over: the inverse of the edge, to the second.
pub(super) fn expires_at(context: &Context<'_>, to: Bound) -> Option<Timestamp> {
    let (Some(retention), Bound::Value(to)) = (context.table.retention, to) else { return None };
    let Keep::Span(keep) = retention.keep else { return None };
    let (end, zone) = (context.grid.instant(to)?, context.grid.zone());
    let is_over = |at: Timestamp| keep.before(at, zone).is_some_and(|edge| end <= edge);
    let guess = keep.after(end, zone)?;
    if is_over(guess) {
        return Some(guess);
    }
    // A month that lacks the day: one month after 31 January is 28 February, and one month before 1 March 1 February.
    let (mut low, mut high) = (guess, guess.checked_add(SignedDuration::from_hours(24 * 8)).ok()?);
    if !is_over(high) {
        return None;
    }
    while high.as_second() - low.as_second() > 1 {
        let middle = Timestamp::from_second(low.as_second() + (high.as_second() - low.as_second()) / 2).ok()?;
        if is_over(middle) {
            high = middle;
        } else {
            low = middle;
        }
    }
    Some(high)
}
