//! Legal holds: any overlap holds the whole partition, attached or detached.

use super::context::Context;
use crate::grid::Bound;

/// What holds this range, in words; `None` when nothing does. Any one source is enough.
pub(super) fn held_by(context: &Context<'_>, from: Bound, to: Bound, by_comment: bool) -> Option<String> {
    if by_comment {
        return Some("a line `pgstrata: hold` in its comment".to_owned());
    }
    if context.root.held {
        return Some(format!("a line `pgstrata: hold` in the comment of {}", context.name));
    }
    let named = context.desired.holds.iter().find(|(_, hold)| {
        let concerns = hold.tables.is_empty() || hold.tables.contains(context.name);
        // A moment or id that the key cannot express holds everything on its side: when in doubt, nothing leaves.
        let begins = hold.from.and_then(|from| context.grid.value_of(from)).map_or(Bound::MinValue, Bound::Value);
        let ends = hold.to.and_then(|to| context.grid.value_of(to)).map_or(Bound::MaxValue, Bound::Value);
        concerns && from < ends && begins < to
    });
    named.map(|(name, _)| format!("`{name}`"))
}
