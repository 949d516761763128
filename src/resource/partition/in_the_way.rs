//! What keeps a partition from leaving or from coming back although its time is over: rows that reference it, what depends
//! on it, columns that it lacks. All of it is foreseen; nothing is sent to fail, and no key is dropped for it.
//!
//! A partition that is detached keeps its foreign keys, as a table of its own, so what references it is out of the way only
//! once it is dropped: what leaves later waits for another table's grace.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::context::{Context, finite};
use super::create::add_block;
use super::fate::{Fate, fate_of_leaf, fate_of_retired};
use super::retention::{Leaver, newest_question};
use super::returning::Returning;
use crate::catalog::{Answer, Found, LeafKind, Oid, Question, Root, TableState};
use crate::grid::Bound;
use crate::plan::{Block, Class, PlanOptions, Step, StepId, judged};
use crate::policy::{TableDesired, Then};
use crate::sql::TableName;

/// How far a chain of tables, each waiting for the next, is followed.
const DEEPEST: u32 = 8;

/// One thing in the way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Obstacle {
    /// This step of this plan ends it.
    Step(StepId),
    /// It is there until then at the earliest; `None` where no clock tells.
    Until { because: String, until: Option<Timestamp> },
}

/// Which rows reference what leaves.
pub(super) fn questions_of_detach(context: &Context<'_>, expired: &[Leaver<'_>]) -> BTreeSet<Question> {
    let tables = expired.iter().filter(|leaver| leaver.leaf.kind == LeafKind::Table);
    tables.flat_map(|leaver| references(context, leaver.from, leaver.to)).collect()
}

/// What depends on what is dropped, or will be.
pub(super) fn questions_of_drop(context: &Context<'_>, tables: impl Iterator<Item = Oid>) -> BTreeSet<Question> {
    let drops = context.table.retention.is_some_and(|retention| retention.then == Then::Drop);
    tables.filter(|_| drops).map(|relation| Question::Dependants { relation }).collect()
}

/// In what a table that comes back is no longer like its root.
pub(super) fn question_of_attach(context: &Context<'_>, table: &Returning<'_>) -> Question {
    Question::Fits { relation: table.oid, root: context.root.oid }
}

fn references(context: &Context<'_>, from: Bound, to: Bound) -> Vec<Question> {
    let Some((from, to)) = finite(from, to) else { return Vec::new() };
    let keys = context.root.keys_in.keys();
    keys.map(|key| Question::References { root: context.root.oid, key: *key, from, to }).collect()
}

fn found(context: &Context<'_>, question: &Question) -> Vec<Found> {
    match context.snapshot.answers.get(question) {
        Answer::Found(found) => found,
        // What is not known is not foreseen: the server refuses, and that stops nothing else.
        Answer::Unknown(_)
        | Answer::Leaf(_)
        | Answer::Keys(_)
        | Answer::Rows(_)
        | Answer::DefaultKeys(_)
        | Answer::Bytes(_)
        | Answer::Shape(_)
        | Answer::Withheld(_)
        | Answer::Refused(_)
        | Answer::Bloat(_)
        | Answer::Spelling(_)
        | Answer::Taken(_) => Vec::new(),
    }
}

/// What keeps a partition attached. `earlier` are steps of tables that are worked on before this one.
pub(super) fn of_detach(context: &Context<'_>, leaver: (Oid, Bound, Bound), earlier: &[Step]) -> Vec<Obstacle> {
    of_detach_within(context, leaver, earlier, DEEPEST)
}

fn of_detach_within(
    context: &Context<'_>,
    (oid, from, to): (Oid, Bound, Bound),
    earlier: &[Step],
    deep: u32,
) -> Vec<Obstacle> {
    let mut obstacles = Vec::new();
    for question in references(context, from, to) {
        for Found { relation, what } in found(context, &question) {
            if relation == Some(oid) {
                let because = "its own rows reference each other, and PostgreSQL detaches no such partition: \
                               set their references to NULL first"
                    .to_owned();
                obstacles.push(Obstacle::Until { because, until: None });
                continue;
            }
            let ended = relation.map_or(Ended::Never(None), |relation| ended(context, relation, earlier, true, deep));
            obstacles.push(match ended {
                Ended::By(step) => Obstacle::Step(step),
                Ended::At(at) => Obstacle::Until {
                    because: format!(
                        "waits for {what}, droppable {} (its rows reference this one's)",
                        when(context, at)
                    ),
                    until: Some(at),
                },
                Ended::Never(Some(why)) => Obstacle::Until {
                    because: format!("rows of {what} reference it, and {what} stays: {why}"),
                    until: None,
                },
                Ended::Never(None) => {
                    let because = match unread(context, &question) {
                        Some(table) => format!("rows of {what} reference it: plan {table} as well"),
                        None => format!("rows of {what} reference it: they must be deleted first"),
                    };
                    Obstacle::Until { because, until: None }
                }
            });
        }
    }
    obstacles
}

/// The policy's table that the key is of, where this run does not look at it.
fn unread<'a>(context: &Context<'a>, question: &Question) -> Option<&'a TableName> {
    let Question::References { key, .. } = question else { return None };
    let table = &context.root.keys_in.get(key)?.table;
    let known = context.desired.tables.contains_key(table) && !context.snapshot.catalog.tables.contains_key(table);
    known.then_some(table)
}

/// What keeps a table from being dropped.
pub(super) fn of_drop(context: &Context<'_>, relation: Oid, earlier: &[Step]) -> Vec<Obstacle> {
    let dependants = found(context, &Question::Dependants { relation });
    let obstacles = dependants.into_iter().map(|Found { relation, what }| {
        let ended = relation.map_or(Ended::Never(None), |relation| ended(context, relation, earlier, false, DEEPEST));
        match ended {
            Ended::By(step) => Obstacle::Step(step),
            Ended::At(at) => Obstacle::Until {
                because: format!("{what}: waits for that, droppable {}", when(context, at)),
                until: Some(at),
            },
            Ended::Never(Some(why)) => {
                Obstacle::Until { because: format!("{what}, and that stays: {why}"), until: None }
            }
            Ended::Never(None) => Obstacle::Until { because: what, until: None },
        }
    });
    obstacles.collect()
}

/// The differences that make an attach fail.
pub(super) fn of_attach(context: &Context<'_>, table: &Returning<'_>) -> Option<Block> {
    let differences: Vec<String> =
        found(context, &question_of_attach(context, table)).into_iter().map(|found| found.what).collect();
    (!differences.is_empty()).then(|| Block::InTheWay {
        because: format!("no longer fits {}: {}", context.name, differences.join("; ")),
        until: None,
    })
}

/// When a table, as it is now, is gone with all its rows and keys.
enum Ended {
    By(StepId),
    At(Timestamp),
    /// The policy keeps it, because of this; or it is none of the policy's.
    Never(Option<String>),
}

fn ended(context: &Context<'_>, relation: Oid, earlier: &[Step], rows: bool, deep: u32) -> Ended {
    let catalog = &context.snapshot.catalog;
    let retired = catalog.retired.get(&relation);
    let root_oid = retired.map(|table| table.marker.root_oid);
    let is_its = |root: &Root| Some(root.oid) == root_oid || root.leaves.contains_key(&relation);
    let found = context.desired.tables.iter().find_map(|(name, table)| match catalog.tables.get(name)? {
        state @ TableState::Partitioned(root) if is_its(root) => Some((name, table, state)),
        TableState::Partitioned(_) | TableState::Missing | TableState::Unfit(_) => None,
    });
    let Some((name, table, state)) = found else { return Ended::Never(None) };
    let mut ended = Ended::Never(None);
    let options = PlanOptions { overrides: context.overrides, ..PlanOptions::at(context.now) };
    let subject: (&TableName, &TableDesired, &TableState) = (name, table, state);
    let _ = judged(context.desired, context.snapshot, &options, subject, context.lane, &mut |other| {
        ended = match other.snapshot.catalog.retired.get(&relation) {
            Some(table) => by_step(context, &table.name, false, earlier)
                .unwrap_or_else(|| by_fate(fate_of_retired(other, table), None, other)),
            None => match other.root.leaves.get(&relation) {
                Some(leaf) => by_step(context, &leaf.name, rows, earlier).unwrap_or_else(|| {
                    let newest = match other.snapshot.answers.get(&newest_question(other)) {
                        Answer::Leaf(newest) => newest,
                        Answer::Keys(_)
                        | Answer::Rows(_)
                        | Answer::DefaultKeys(_)
                        | Answer::Bytes(_)
                        | Answer::Shape(_)
                        | Answer::Withheld(_)
                        | Answer::Refused(_)
                        | Answer::Bloat(_)
                        | Answer::Spelling(_)
                        | Answer::Found(_)
                        | Answer::Taken(_)
                        | Answer::Unknown(_) => None,
                    };
                    // It may itself have to wait before its own grace can begin.
                    let waits = leaf
                        .bounds
                        .coverage()
                        .filter(|_| deep > 0)
                        .map(|(from, to)| of_detach_within(other, (relation, from, to), &[], deep - 1));
                    by_fate(fate_of_leaf(other, relation, leaf, newest), waits, other)
                }),
                None => Ended::Never(None),
            },
        };
    });
    ended
}

/// A step of this plan, earlier in the same lane, that drops the table. 14 takes its foreign keys away with the detach.
fn by_step(context: &Context<'_>, name: &TableName, rows: bool, earlier: &[Step]) -> Option<Ended> {
    let detached = rows && context.snapshot.target.major() < 15;
    let word = |step: &&Step| step.action.word() == "drop" || (detached && step.action.word() == "detach");
    let in_lane = earlier.iter().filter(|step| step.lane == context.lane).filter(word);
    in_lane.filter(|step| step.action.partition() == Some(name)).map(|step| Ended::By(step.id.clone())).next()
}

fn by_fate(fate: Fate, waits: Option<Vec<Obstacle>>, other: &Context<'_>) -> Ended {
    if let Some(why) = fate.stays_because {
        return Ended::Never(Some(why));
    }
    let Some(at) = fate.drops_at else {
        let detaches = other.table.retention.is_some_and(|retention| retention.then == Then::Detach);
        return Ended::Never(detaches.then(|| "the policy says `then: detach`".to_owned()));
    };
    let mut latest = at;
    for obstacle in waits.into_iter().flatten() {
        match obstacle {
            Obstacle::Step(_) => {}
            Obstacle::Until { because, until: None } => return Ended::Never(Some(because)),
            Obstacle::Until { because: _, until: Some(until) } => {
                let grace = other.table.retention.map(|retention| retention.grace);
                let after = grace.and_then(|grace| grace.after(until, other.grid.zone()));
                latest = latest.max(after.unwrap_or(until));
            }
        }
    }
    Ended::At(latest)
}

fn when(context: &Context<'_>, at: Timestamp) -> String {
    if at <= context.now { "by the next run".to_owned() } else { crate::render::day(at) }
}

/// Puts what is in the way into the steps of one removal: the first of them waits, or all are blocked until then.
pub(super) fn put(context: &Context<'_>, obstacles: &[Obstacle], earlier: &[Step], steps: &mut [Step]) {
    let mut latest: Option<Timestamp> = None;
    let mut never = false;
    for obstacle in obstacles {
        match obstacle {
            Obstacle::Step(id) => {
                let Some(first) = earlier.iter().find(|step| step.id == *id) else { continue };
                latest = latest.max(first.due_at);
                for step in steps.iter_mut() {
                    if !step.needs.contains(id) {
                        step.needs.push(id.clone());
                    }
                    if first.gate.is_blocked() {
                        add_once(step, Block::Needs { step: id.clone() });
                    }
                }
            }
            Obstacle::Until { because, until } => {
                match until {
                    Some(until) => latest = latest.max(Some(*until)),
                    None => never = true,
                }
                let block = Block::InTheWay { because: because.clone(), until: *until };
                steps.iter_mut().for_each(|step| add_once(step, block.clone()));
            }
        }
    }
    // What waits for another table's time is not late before that is over.
    let Some(at) = latest.filter(|_| !never) else { return };
    for step in steps.iter_mut().filter(|step| step.due_at.is_none_or(|due| due < at)) {
        step.due_at = Some(at);
        if step.class == Class::Overdue {
            step.class = context.class_by_lateness(at, true);
        }
    }
}

/// When nothing of it is in the way any more, from now on; `None` where no clock tells.
pub(super) fn ends(obstacles: &[Obstacle], now: Timestamp) -> Option<Timestamp> {
    obstacles.iter().try_fold(now, |latest, obstacle| match obstacle {
        Obstacle::Step(_) => Some(latest),
        Obstacle::Until { because: _, until } => until.map(|until| latest.max(until)),
    })
}

fn add_once(step: &mut Step, block: Block) {
    let has = matches!(&step.gate, crate::plan::Gate::Blocked(blocks) if blocks.contains(&block));
    if !has {
        add_block(step, block);
    }
}

/// All of it in words, for whoever asks why a partition stays.
pub(super) fn words(obstacles: &[Obstacle]) -> Option<String> {
    let all: Vec<&str> = obstacles
        .iter()
        .filter_map(|obstacle| match obstacle {
            Obstacle::Step(_) => None,
            Obstacle::Until { because, until: _ } => Some(because.as_str()),
        })
        .collect();
    (!all.is_empty()).then(|| all.join("; "))
}
