//! Bloated indexes of what is over: rebuilt once, for nothing is written there that would bloat them again.

use std::collections::{BTreeMap, BTreeSet};

use super::closed::Closed;
use super::diff::{Run, Why};
use crate::catalog::{Answer, Bloat, IndexUpkeep, Oid, Question, Upkeep};
use crate::plan::{Action, Class, Fact, Hazard, HazardKind, MaintenanceAction, ReindexIndex, Relation, Step};
use crate::policy::Share;
use crate::resource::index::{Left, left_by_reindex};

/// Entries wider than this leave so much of a page empty that no rebuild may help.
const WIDE_ENTRY: u64 = 600;

/// What of a page is no entry: its header and the b-tree's own data at its end.
const PAGE_OVERHEAD: u64 = 24 + 16;

/// How the bloat is known.
enum Known {
    Measured(Bloat),
    Estimated(Bloat),
    Unknown(String),
}

/// Indexes to measure: the largest first, as far as a run may read.
pub(super) fn questions(upkeep: &Upkeep, closed: &[Closed<'_>], most: u64) -> BTreeSet<Question> {
    measurable(upkeep, closed, most).into_iter().map(|index| Question::Bloat { index }).collect()
}

fn measurable(upkeep: &Upkeep, closed: &[Closed<'_>], most: u64) -> BTreeSet<Oid> {
    let mut indexes: Vec<(u64, Oid)> =
        of_closed(upkeep, closed).map(|(oid, index, _)| (upkeep.bytes(index), oid)).collect();
    indexes.sort_by_key(|(size, oid)| (std::cmp::Reverse(*size), *oid));
    let mut read = 0u64;
    let fits = indexes.into_iter().filter(|(size, _)| {
        let sum = read.saturating_add(*size);
        let fits = sum <= most;
        if fits {
            read = sum;
        }
        fits
    });
    fits.map(|(_, oid)| oid).collect()
}

fn of_closed<'u, 'c, 'a>(
    upkeep: &'u Upkeep,
    closed: &'c [Closed<'a>],
) -> impl Iterator<Item = (Oid, &'u IndexUpkeep, &'c Closed<'a>)> {
    let leaves: BTreeMap<Oid, &Closed<'_>> = closed.iter().map(|leaf| (leaf.oid, leaf)).collect();
    upkeep.indexes.iter().filter_map(move |(oid, index)| leaves.get(&index.leaf).map(|leaf| (*oid, index, *leaf)))
}

pub(super) fn judge(
    run: &mut Run<'_, '_>,
    upkeep: &Upkeep,
    closed: &[Closed<'_>],
    (above, most): (Share, u64),
    planned: &[Step],
) {
    let measurable = measurable(upkeep, closed, most);
    let mut found: Vec<(u64, Oid, &IndexUpkeep, &Closed<'_>, String)> = Vec::new();
    for (oid, index, leaf) in of_closed(upkeep, closed) {
        let answer = match measurable.contains(&oid) {
            true => run.context.snapshot.answers.get(&Question::Bloat { index: oid }),
            false => {
                Answer::Unknown("larger ones come first, and a run reads no more than max_bytes_per_run".to_owned())
            }
        };
        // Its statistics are of its last vacuum, which must have been after the last write.
        let fresh = leaf.kept.pages > 0 && leaf.kept.visible >= leaf.kept.pages;
        let (bloat, how) = match known(answer, upkeep, index, fresh) {
            Known::Measured(bloat) => (bloat, "measured"),
            Known::Estimated(bloat) => (bloat, "estimated"),
            Known::Unknown(because) => {
                run.waits(Why::Unknown(format!("its bloat is not known: {because}")), &index.name);
                continue;
            }
        };
        let share = Share::of_whole(bloat.wasted, bloat.bytes);
        if share <= above {
            continue;
        }
        let kept = bloat.bytes.saturating_sub(bloat.wasted);
        if index.entries.is_some_and(|entries| entries > 0 && kept / entries > WIDE_ENTRY) {
            let because = "its entries are so wide that a rebuilt page may be as empty".to_owned();
            run.waits(Why::Unknown(because), &index.name);
            continue;
        }
        if let Some(mode) = leaf.kept.busy {
            run.waits(Why::Postponed(format!("somebody holds {mode} on its table")), &index.name);
            continue;
        }
        found.push((bloat.bytes, oid, index, leaf, format!("{share} free, {how}")));
    }
    // Oldest partition first, as the others.
    found.sort_by(|a, b| (a.3.from, &a.2.name).cmp(&(b.3.from, &b.2.name)));
    for (size, oid, index, leaf, note) in found {
        let mut first = Vec::new();
        let mut stays = None;
        for left in left_by_reindex(run.context, (leaf.oid, leaf.leaf), oid) {
            match left {
                Left::Cleaned(step) => first.push(*step),
                Left::Stays(because) => stays = Some(because),
            }
        }
        if let Some(because) = stays {
            run.waits(Why::Postponed(because), &index.name);
            continue;
        }
        let relation = Relation { name: index.name.clone(), oid };
        let action = Action::Maintenance(MaintenanceAction::Reindex(ReindexIndex {
            partition: leaf.relation(),
            role: leaf.role(run.context),
            index: relation.clone(),
        }));
        let mut step = run.context.step(action, Class::Scheduled, "reindex_above_bloat");
        step.note = Some(note);
        step.before.push(leaf.attached(run.context));
        step.before.push(Fact::SameIndex { index: relation.clone() });
        step.after.push(Fact::Rebuilt { index: relation });
        step.hazards.push(Hazard {
            kind: HazardKind::IndexBuild,
            object: leaf.leaf.name.clone().into(),
            detail: format!(
                "rebuilt concurrently: reads and writes go on, old transactions are waited for; the room of a second index \
                 is needed meanwhile ({}), and what an interruption leaves ({}_ccnew, invalid) is dropped by the next run",
                crate::render::bytes(size),
                index.name.name.as_str()
            ),
        });
        // A vacuum in the same plan makes room that a rebuild before it would leave in place.
        if run.plans("vacuum", &leaf.leaf.name) {
            step.needs.push(crate::plan::StepId(format!("vacuum {}", leaf.leaf.name)));
        }
        // It may be in the plan already, for the index that it is a leftover of.
        step.needs.extend(first.iter().map(|drop| drop.id.clone()));
        first.retain(|drop| planned.iter().all(|step| step.id != drop.id));
        run.clean(first);
        run.add(step, size);
    }
}

fn known(answer: Answer, upkeep: &Upkeep, index: &IndexUpkeep, fresh: bool) -> Known {
    let because = match answer {
        Answer::Bloat(bloat) => return Known::Measured(bloat),
        Answer::Unknown(because) => because,
        Answer::Leaf(_)
        | Answer::Keys(_)
        | Answer::Rows(_)
        | Answer::Bytes(_)
        | Answer::DefaultKeys(_)
        | Answer::Shape(_)
        | Answer::Withheld(_)
        | Answer::Refused(_)
        | Answer::Spelling(_)
        | Answer::Found(_)
        | Answer::Taken(_) => "an answer of another kind".to_owned(),
    };
    match (index.entry_bytes, index.entries, fresh) {
        (Some(each), Some(entries), true) => Known::Estimated(estimate(upkeep, index, each, entries)),
        (None, _, _) => Known::Unknown(format!("{because}, and its entries vary in width")),
        (Some(_), None, _) | (Some(_), _, false) => {
            Known::Unknown(format!("{because}, and its statistics are not of a vacuum after the last write"))
        }
    }
}

/// Pages that so many entries fill at most: never less than a rebuild needs, which may also fold equal entries. So what
/// is estimated as free really is, and is gone after one.
fn estimate(upkeep: &Upkeep, index: &IndexUpkeep, each: u64, entries: u64) -> Bloat {
    let room = upkeep.block_bytes.saturating_sub(PAGE_OVERHEAD) * index.fillfactor / 100;
    let leaves = entries.div_ceil((room / each.max(1)).max(1));
    // Pages above the leaves are few: one in a hundred, and the meta page.
    let wanted = (leaves + leaves / 100 + 2).saturating_mul(upkeep.block_bytes);
    let bytes = upkeep.bytes(index);
    Bloat { bytes, wasted: bytes.saturating_sub(wanted) }
}
