//! Which attached partitions leave, and why the others that look old stay.

use jiff::Timestamp;

use super::context::{Context, Range, range_of};
use super::fate::expires_at;
use super::hold::held_by;
use crate::catalog::{Answer, Leaf, LeafKind, Oid, Question};
use crate::grid::Bound;
use crate::plan::{Code, Finding};
use crate::policy::Straddling;

/// A partition whose time is over.
#[derive(Clone, Copy, Debug)]
pub(super) struct Leaver<'a> {
    pub(super) oid: Oid,
    pub(super) leaf: &'a Leaf,
    pub(super) from: Bound,
    pub(super) to: Bound,
    /// When it became due: its upper bound plus what is kept.
    pub(super) due_at: Option<Timestamp>,
}

/// What leaves, and what was found on the way.
#[derive(Debug, Default)]
pub(super) struct Leaving<'a> {
    pub(super) leavers: Vec<Leaver<'a>>,
    pub(super) findings: Vec<Finding>,
    /// Why none of them may leave.
    pub(super) unknown: Option<String>,
}

/// Partitions whose upper bound is at or before the edge, before the rules that need an answer of the server.
pub(super) fn expired<'a>(context: &Context<'a>) -> Vec<Leaver<'a>> {
    let Some((_, edge)) = context.retention() else { return Vec::new() };
    // Bounds kept as text are no finite range, whatever they cover.
    let over = context.ranges.iter().filter(|range| {
        range_of(range.leaf).is_some() && range.from != Bound::MaxValue && context.at_or_before(range.to, edge)
    });
    over.map(|&Range { oid, leaf, from, to }| Leaver { oid, leaf, from, to, due_at: expires_at(context, to) }).collect()
}

/// What leaves. What has no upper bound, default, foreign and sub-partitioned partitions never do, nor the newest with rows, nor what
/// is held.
pub(super) fn leaving<'a>(context: &Context<'a>, expired: &[Leaver<'a>]) -> Leaving<'a> {
    let mut result = Leaving::default();
    let Some((retention, _)) = context.retention() else { return result };
    if expired.is_empty() {
        return result;
    }
    let newest = match context.snapshot.answers.get(&newest_question(context)) {
        Answer::Leaf(Some(newest)) if !context.root.leaves.contains_key(&newest) => {
            result.unknown = Some(format!("the newest partition with rows has OID {newest}, which is not attached"));
            None
        }
        Answer::Leaf(newest) => newest,
        Answer::Unknown(because) => {
            result.unknown = Some(format!("which partition is the newest with rows is unknown: {because}"));
            None
        }
        Answer::Keys(_)
        | Answer::Rows(_)
        | Answer::Bytes(_)
        | Answer::DefaultKeys(_)
        | Answer::Shape(_)
        | Answer::Withheld(_)
        | Answer::Refused(_)
        | Answer::Bloat(_)
        | Answer::Spelling(_)
        | Answer::Found(_)
        | Answer::Taken(_) => {
            result.unknown = Some("an answer of another kind".to_owned());
            None
        }
    };
    for leaver in expired {
        let name = &leaver.leaf.name;
        let mut stays = |code, message: String| result.findings.push(context.finding(code, Some(name), message));
        let held = held_by(context, leaver.from, leaver.to, leaver.leaf.held);
        match leaver.leaf.kind {
            LeafKind::Table => {}
            // Then it is as the policy says.
            LeafKind::Foreign | LeafKind::Partitioned if held.is_some() || newest == Some(leaver.oid) => {}
            LeafKind::Foreign => {
                stays(Code::NotRemovable, "a foreign table: its time is over, and it is left alone".to_owned());
                continue;
            }
            LeafKind::Partitioned => {
                stays(Code::NotRemovable, "partitioned itself: its time is over, and it is left alone".to_owned());
                continue;
            }
        }
        if context.grid.is_off_grid(leaver.from, leaver.to) {
            match retention.straddling {
                Straddling::Remove => {}
                Straddling::Keep => {
                    stays(
                        Code::Straddling,
                        format!("{} fits no grid: its time is over, and it is left alone", leaver.leaf.bounds),
                    );
                    continue;
                }
            }
        }
        if let Some(by) = held {
            stays(Code::Held, format!("its time is over, and it stays: held by {by}"));
            continue;
        }
        if newest == Some(leaver.oid) {
            stays(Code::NewestWithRows, "its time is over, and it stays: the newest partition with rows".to_owned());
            continue;
        }
        result.leavers.push(*leaver);
    }
    result
}

/// What must be known before anything leaves.
pub(super) fn newest_question(context: &Context<'_>) -> Question {
    Question::NewestNonEmpty { root: context.root.oid }
}
