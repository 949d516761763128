//! Legal holds: any overlap holds the whole partition, attached or detached.

use std::fmt;

use super::context::Context;
use crate::grid::Bound;
use crate::policy::Hold;
use crate::sql::TableName;

/// One thing that holds a range.
#[derive(Clone, Copy, Debug)]
pub(super) enum Holder<'a> {
    /// A line in the partition's own comment.
    Comment,
    /// A line in the root's comment.
    RootComment(&'a TableName),
    /// A hold of the policy.
    Named(&'a str, &'a Hold),
}

impl fmt::Display for Holder<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Comment => f.write_str("a line `pgstrata: hold` in its comment"),
            Self::RootComment(root) => write!(f, "a line `pgstrata: hold` in the comment of {root}"),
            Self::Named(name, _) => write!(f, "`{name}`"),
        }
    }
}

/// What holds this range, in words; `None` when nothing does. Any one source is enough.
pub(super) fn held_by(context: &Context<'_>, from: Bound, to: Bound, by_comment: bool) -> Option<String> {
    holders(context, from, to, by_comment).next().map(|holder| holder.to_string())
}

/// Everything that holds this range.
pub(super) fn holders<'a>(
    context: &Context<'a>,
    from: Bound,
    to: Bound,
    by_comment: bool,
) -> impl Iterator<Item = Holder<'a>> {
    let comment = by_comment.then_some(Holder::Comment);
    let root = context.root.held.then_some(Holder::RootComment(context.name));
    let (desired, name, grid) = (context.desired, context.name, context.grid);
    let named = desired.holds.iter().filter(move |(_, hold)| {
        let concerns = hold.tables.is_empty() || hold.tables.contains(name);
        // A moment or id that the key cannot express holds everything on its side: when in doubt, nothing leaves.
        let begins = hold.from.and_then(|from| grid.value_of(from)).map_or(Bound::MinValue, Bound::Value);
        let ends = hold.to.and_then(|to| grid.value_of(to)).map_or(Bound::MaxValue, Bound::Value);
        concerns && from < ends && begins < to
    });
    comment.into_iter().chain(root).chain(named.map(|(name, hold)| Holder::Named(name, hold)))
}
