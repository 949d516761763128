//! Three years of nightly runs, some of them skipped.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};

use crate::catalog::Oid;
use crate::grid::{Bound, LeafBounds};
use crate::plan::{Action, Plan};
use crate::testing::{World, at, lines, simulate};

const TABLE: &str = "public.events";
const DAY: SignedDuration = SignedDuration::from_hours(24);

/// What the nights have done so far.
#[derive(Default)]
struct Diary {
    created: BTreeSet<String>,
    detached: BTreeMap<Oid, Timestamp>,
    dropped: BTreeSet<Oid>,
    nights: u32,
}

/// Runs every night from 2026 to 2029 but for those that `skips` names, and changes the policy half-way.
fn nights(before: &str, after: &str, grace_days: i64, skips: impl Fn(u32) -> bool) -> Diary {
    let policy = |partition: &str| format!("tables: {{{TABLE}: {partition}}}\napply: {{allow: [deletes-data]}}");
    let mut world = World::new("2026-01-01 02:00", &policy(before));
    let mut diary = Diary::default();
    let (mut now, end, change) = (at("2026-01-01 02:00"), at("2029-01-01"), at("2027-07-02"));
    let mut last_run = now;
    let mut changed = false;
    while now < end {
        world.snapshot.taken_at = now;
        if diary.nights > 0 {
            insert(&mut world, last_run, now);
        }
        if !changed && now >= change {
            world.policy(&policy(after));
            changed = true;
        }
        if !skips(diary.nights) {
            night(&mut world, &mut diary, grace_days, now.duration_since(last_run));
            last_run = now;
        }
        diary.nights += 1;
        now += DAY;
    }
    diary
}

/// Rows arrive all the time: each moment since the last run, and now, must have found its partition.
fn insert(world: &mut World, since: Timestamp, now: Timestamp) {
    let grid = world.grid(TABLE);
    let mut moment = since;
    while moment <= now {
        let value = Bound::Value(grid.value_at(moment).unwrap());
        let leaves = &world.root(TABLE).leaves;
        let home = leaves.iter().find(|(_, leaf)| match leaf.bounds {
            LeafBounds::Range { from, to } => from <= value && value < to,
            LeafBounds::Default | LeafBounds::Other(_) => false,
        });
        let oid = *home.unwrap_or_else(|| panic!("no partition for {moment}")).0;
        world.rows.insert(oid, 10);
        moment += SignedDuration::from_hours(8);
    }
}

fn night(world: &mut World, diary: &mut Diary, grace_days: i64, since_last: SignedDuration) {
    let plan = world.plan();
    let now = world.snapshot.taken_at;
    let context = |plan: &Plan| format!("{now}\n{}", lines(plan));
    for step in &plan.steps {
        assert!(!step.gate.is_blocked(), "{}", context(&plan));
        match &step.action {
            Action::CreatePartition(create) => {
                assert!(diary.created.insert(create.partition.to_string()), "made twice: {}", context(&plan));
            }
            Action::DetachPartition(detach) => {
                let oid = detach.leaving.partition.oid;
                assert!(diary.detached.insert(oid, now).is_none(), "detached twice: {}", context(&plan));
            }
            Action::DropPartition(drop) => {
                let oid = drop.retired.partition.oid;
                let since = now.duration_since(diary.detached[&oid]);
                assert!(since >= DAY * i32::try_from(grace_days).unwrap(), "within grace: {}", context(&plan));
                assert!(since <= DAY * i32::try_from(grace_days).unwrap() + since_last, "late: {}", context(&plan));
                assert!(diary.dropped.insert(oid), "dropped twice: {}", context(&plan));
            }
            Action::MarkPartition(_) | Action::StampPartition(_) => {}
            Action::CreateDefault(_) | Action::FinalizeDetach(_) | Action::AttachPartition(_) => {
                panic!("{}", context(&plan));
            }
        }
    }
    simulate(world, &plan);
    without_gaps(world, &plan);
    if diary.nights.is_multiple_of(7) {
        let again = world.plan();
        assert!(again.is_empty(), "not done: {}", context(&again));
    }
    for oid in &diary.dropped {
        // A simulated table may get the OID of one that is gone.
        diary.detached.remove(oid);
    }
    diary.dropped.clear();
}

fn without_gaps(world: &mut World, plan: &Plan) {
    let mut ranges: Vec<(Bound, Bound)> =
        world.root(TABLE).leaves.values().filter_map(|leaf| leaf.bounds.coverage()).collect();
    ranges.sort();
    for pair in ranges.windows(2) {
        assert_eq!(pair[0].1, pair[1].0, "{}\n{}", world.snapshot.taken_at, lines(plan));
    }
}

/// Skips two nights of eleven, next to each other.
fn some(night: u32) -> bool {
    matches!(night % 11, 5 | 6)
}

#[test]
fn months_that_become_weeks() {
    let diary = nights(
        "{partition: {key: at, interval: 1 month, premake: 2}, retention: {keep: 3 months, then: drop}}",
        "{partition: {key: at, interval: 1 week, premake: 4}, retention: {keep: 3 months, then: drop, straddling: remove}}",
        7,
        some,
    );
    assert!(diary.created.len() > 80, "{:?}", diary.created);
}

#[test]
fn weeks_in_a_zone_that_become_months() {
    let diary = nights(
        "{partition: {key: at, interval: 1 week, premake: 2, timezone: Europe/Berlin}, retention: {keep: 5 weeks, then: drop, grace: 1 day}}",
        "{partition: {key: at, interval: 1 month, premake: 1, timezone: Europe/Berlin}, retention: {keep: 5 weeks, then: drop, grace: 1 day, straddling: remove}}",
        1,
        some,
    );
    assert!(diary.created.len() > 90, "{:?}", diary.created);
}

#[test]
fn days_in_a_zone_that_move_to_another() {
    let diary = nights(
        "{partition: {key: at, interval: 1 day, premake: 5, timezone: America/New_York}, retention: {keep: 20 days, then: drop, grace: 0 days}}",
        "{partition: {key: at, interval: 1 day, premake: 5, timezone: Pacific/Auckland}, retention: {keep: 20 days, then: drop, grace: 0 days, straddling: remove}}",
        0,
        some,
    );
    assert!(diary.created.len() > 1090, "{}", diary.created.len());
}

#[test]
fn hours_that_become_days() {
    let diary = nights(
        "{partition: {key: at, interval: 6 hours, premake: 16}, retention: {keep: 3 days, then: drop}}",
        "{partition: {key: at, interval: 1 day, premake: 4}, retention: {keep: 3 days, then: drop}}",
        7,
        some,
    );
    assert!(diary.created.len() > 2600, "{}", diary.created.len());
}
