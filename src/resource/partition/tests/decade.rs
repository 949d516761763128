//! Ten years of nightly runs over every interval and key: nights that nobody ran, a clock that was wrong, legal holds,
//! and an interval that changes half-way. Rows arrive all the time.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp, ToSpan};

use crate::catalog::Oid;
use crate::grid::{Bound, CalendarSpan, Grid, KeyKind, KeyValue, LeafBounds, Zone};
use crate::plan::{Action, PartitionAction, Plan};
use crate::policy::Premake;
use crate::testing::{World, at, lines, simulate};

const TABLE: &str = "public.events";
const DAY: SignedDuration = SignedDuration::from_hours(24);
/// Two months in which nobody ran anything, and the premade partitions ran out.
const AWAY: std::ops::Range<u32> = 2000..2061;
/// A hold on two months that are about to leave, for three years.
const HELD: (&str, &str) = ("2028-01-10", "2028-03-10");

/// One table's life.
struct Life {
    kind: KeyKind,
    /// `interval`, `premake` and what else stands under `partition`, until 2031-07-02 and after it.
    partition: [&'static str; 2],
    keep: &'static str,
    grace: i64,
    zone: &'static str,
    /// Ids that are written in a day; 0 where the key tells time.
    ids: i64,
}

/// What the nights have done so far.
struct Diary {
    world: World,
    life: Life,
    created: BTreeSet<String>,
    detached: BTreeMap<Oid, Timestamp>,
    /// Highest id that was written.
    written: i64,
    holds: bool,
    removed: usize,
}

impl Life {
    fn policy(&self, change: usize, holds: bool) -> String {
        let (partition, keep, grace) = (self.partition[change], self.keep, self.grace);
        let zone = if self.ids > 0 { String::new() } else { format!(", timezone: {}", self.zone) };
        let hold = match (holds, self.ids) {
            (false, _) => String::new(),
            (true, 0) => format!("\nholds: {{m: {{from: {}, to: {}, reason: x}}}}", HELD.0, HELD.1),
            (true, ids) => {
                format!("\nholds: {{m: {{tables: [{TABLE}], from: {}, to: {}, reason: x}}}}", ids * 739, ids * 799)
            }
        };
        format!(
            "tables: {{{TABLE}: {{partition: {{key: k, {partition}{zone}}}, retention: {{keep: {keep}, then: drop, grace: {grace} days, straddling: remove}}}}}}\napply: {{allow: [deletes-data, detaches-data]}}{hold}"
        )
    }

    /// Runs every night from 2026 to 2036 but for some.
    fn live(self) -> Diary {
        let world = World::with_key("2026-01-01 02:00", self.kind, &self.policy(0, false));
        let (start, change) = (at("2026-01-01 02:00"), at("2031-07-02"));
        let mut diary = Diary {
            world,
            life: self,
            created: BTreeSet::new(),
            detached: BTreeMap::new(),
            written: 0,
            holds: false,
            removed: 0,
        };
        let (mut last_run, mut last_insert) = (start, start);
        let mut policy = (0, false);
        for night in 0..3652 {
            let now = start + DAY * i32::try_from(night).unwrap();
            let changed = usize::from(now >= change);
            diary.holds = (at("2028-01-01")..at("2031-01-01")).contains(&now);
            if policy != (changed, diary.holds) {
                policy = (changed, diary.holds);
                diary.world.policy(&diary.life.policy(changed, diary.holds));
            }
            diary.world.snapshot.taken_at = now;
            // Away so long, inserts have failed since; from then on they succeed again.
            if night > 0 && night != AWAY.end && !AWAY.contains(&night) {
                diary.insert(last_insert, now);
            }
            last_insert = now;
            if AWAY.contains(&night) {
                diary.lose(now);
                continue;
            }
            // Two nights of eleven nobody runs it.
            if matches!(night % 11, 5 | 6) {
                continue;
            }
            if night % 500 == 250 {
                diary.wrong_clock(now);
            }
            diary.night(now, now.duration_since(last_run));
            last_run = now;
        }
        diary
    }
}

impl Diary {
    fn grid(&mut self) -> Grid {
        self.world.grid(TABLE)
    }

    fn home(&mut self, value: KeyValue) -> Option<Oid> {
        let leaves = &self.world.root(TABLE).leaves;
        leaves
            .iter()
            .find(|(_, leaf)| match leaf.bounds {
                LeafBounds::Range { from, to } => from <= Bound::Value(value) && Bound::Value(value) < to,
                LeafBounds::Default | LeafBounds::Other(_) => false,
            })
            .map(|(oid, _)| *oid)
    }

    fn write(&mut self, value: KeyValue) -> bool {
        let Some(oid) = self.home(value) else { return false };
        self.world.rows.insert(oid, 10);
        if let KeyValue::Int(key) = value {
            let highest = self.world.highest.entry(oid).or_insert(value);
            *highest = (*highest).max(value);
            self.written = self.written.max(key);
        }
        true
    }

    /// Each row since the last run, and one of now, must find its partition.
    fn insert(&mut self, since: Timestamp, now: Timestamp) {
        if self.life.ids > 0 {
            let days = i64::from(u32::try_from(now.duration_since(since).as_hours() / 24).unwrap());
            for part in 1..=4 {
                let key = self.written + self.life.ids * days / 4;
                assert!(self.write(KeyValue::Int(key)), "no partition for {key}, part {part} of {now}");
            }
            return;
        }
        let grid = self.grid();
        let mut moment = since;
        while moment <= now {
            let value = grid.value_at(moment).unwrap();
            assert!(self.write(value), "no partition for {moment}");
            moment += SignedDuration::from_hours(8);
        }
    }

    /// Nobody runs it: rows are written as long as there are partitions, and lost then.
    fn lose(&mut self, now: Timestamp) {
        if self.life.ids > 0 {
            return;
        }
        let value = self.grid().value_at(now).unwrap();
        self.write(value);
    }

    /// The server's clock is wrong by two months, and the client's is not: nothing leaves by it, and what it made stays
    /// when it is right again.
    fn wrong_clock(&mut self, now: Timestamp) {
        for (days, skew) in [(60, -60 * 86_400_000_i64), (-60, 60 * 86_400_000)] {
            self.world.snapshot.taken_at = now + DAY * days;
            self.world.snapshot.clock_skew_ms = skew;
            let plan = self.world.plan();
            for step in &plan.steps {
                assert!(!step.action.removes() || step.gate.is_blocked(), "by a wrong clock:\n{}", lines(&plan));
                if let Action::Partition(PartitionAction::Create(create)) = &step.action {
                    self.created.insert(create.partition.to_string());
                }
            }
            simulate(&mut self.world, &plan);
        }
        self.world.snapshot.taken_at = now;
        self.world.snapshot.clock_skew_ms = 0;
    }

    fn night(&mut self, now: Timestamp, since_last: SignedDuration) {
        let plan = self.world.plan();
        for step in &plan.steps {
            let context = || format!("{now}\n{}", lines(&plan));
            assert!(!step.gate.is_blocked(), "{}", context());
            match &step.action {
                Action::Partition(PartitionAction::Create(create)) => {
                    assert!(self.created.insert(create.partition.to_string()), "made twice: {}", context());
                }
                Action::Partition(PartitionAction::Detach(detach)) => {
                    let leaving = &detach.leaving;
                    self.may_leave(leaving.from, leaving.to, now).unwrap_or_else(|why| panic!("{why}: {}", context()));
                    let again = self.detached.insert(leaving.partition.oid, now);
                    assert!(again.is_none(), "detached twice: {}", context());
                }
                Action::Partition(PartitionAction::Drop(drop)) => {
                    let oid = drop.retired.partition.oid;
                    let since = now.duration_since(self.detached.remove(&oid).expect("detached before"));
                    let grace = DAY * i32::try_from(self.life.grace).unwrap();
                    assert!(since >= grace && since <= grace + since_last + DAY, "{since}: {}", context());
                    self.removed += 1;
                }
                Action::Partition(PartitionAction::Mark(_) | PartitionAction::Stamp(_)) => {}
                Action::Partition(
                    PartitionAction::CreateDefault(_) | PartitionAction::Finalize(_) | PartitionAction::Attach(_),
                )
                | Action::Index(_)
                | Action::Storage(_)
                | Action::Maintenance(_)
                | Action::Limit(_)
                | Action::Setting(_) => {
                    panic!("{}", context());
                }
            }
        }
        simulate(&mut self.world, &plan);
        self.without_gaps(now, &plan);
        self.without_leftovers(now, &plan);
        if now.as_second() / 86_400 % 7 == 0 {
            let again = self.world.plan();
            assert!(again.is_empty(), "not done at {now}: {}", lines(&again));
        }
    }

    /// Reckoned from the bounds alone: past the retention, and nothing holds it.
    fn may_leave(&mut self, from: Bound, to: Bound, now: Timestamp) -> Result<(), String> {
        let (Bound::Value(from), Bound::Value(to)) = (from, to) else { return Err("unbounded".to_owned()) };
        let held = if self.life.ids > 0 {
            let keep: i64 = self.life.keep.parse().unwrap();
            let (KeyValue::Int(from), KeyValue::Int(to)) = (from, to) else { return Err("no ids".to_owned()) };
            if to > self.written - keep {
                return Err(format!("{to} is within {keep} of {}", self.written));
            }
            from < self.life.ids * 799 && self.life.ids * 739 < to
        } else {
            let grid = self.grid();
            let zone: Zone = self.life.zone.parse().unwrap();
            let end = grid.instant(to).unwrap().to_zoned(zone.time_zone().clone());
            let keep: CalendarSpan = self.life.keep.parse().unwrap();
            // An hour of a changed clock, and the end of a month, may lie between the two ways of counting.
            let months = i64::from(keep.years * 12 + keep.months);
            let days = i64::from(keep.weeks * 7 + keep.days);
            let due = end.checked_add(months.months().days(days)).unwrap().timestamp();
            if due > now + DAY * 4 {
                return Err(format!("due {due}"));
            }
            let held =
                |text: &str| grid.value_of(text.parse::<jiff::civil::Date>().unwrap().to_string().parse().unwrap());
            from < held(HELD.1).unwrap() && held(HELD.0).unwrap() < to
        };
        if held && self.holds { Err("held".to_owned()) } else { Ok(()) }
    }

    fn ranges(&mut self) -> Vec<(Bound, Bound)> {
        let leaves = self.world.root(TABLE).leaves.values();
        let mut ranges: Vec<(Bound, Bound)> = leaves.filter_map(|leaf| leaf.bounds.coverage()).collect();
        ranges.sort();
        ranges
    }

    /// Once nothing is held, all that is there is one range without a gap.
    fn without_gaps(&mut self, now: Timestamp, plan: &Plan) {
        let ranges = self.ranges();
        // What a wrong clock made lies beyond the horizon, and is reached in time.
        let horizon = self.horizon(now);
        let wanted = ranges.windows(2).filter(|pair| pair[0].1 != pair[1].0 && pair[0].1 < horizon);
        // What is past its retention and stays, because it is held or the newest with rows, stays behind alone.
        let holds = std::mem::replace(&mut self.holds, false);
        let gaps = wanted.filter(|pair| self.may_leave(pair[0].0, pair[0].1, now).is_err()).count();
        self.holds = holds;
        assert!(gaps == 0, "{now} {ranges:?}\n{}", lines(plan));
        let current = self.current(now);
        assert!(self.home(current).is_some(), "{now}\n{}", lines(plan));
    }

    fn current(&mut self, now: Timestamp) -> KeyValue {
        match self.life.ids {
            0 => self.grid().value_at(now).unwrap(),
            _ => KeyValue::Int(self.written),
        }
    }

    /// The end of the premade windows.
    fn horizon(&mut self, now: Timestamp) -> Bound {
        let (grid, current) = (self.grid(), self.current(now));
        let Premake::Windows(count) = self.world.desired.tables.values().next().unwrap().premake else {
            unreachable!()
        };
        let last = grid.index_of(current).unwrap() + i64::from(count);
        Bound::Value(grid.window(last).unwrap().to)
    }

    /// What may leave has left, but for the newest with rows.
    fn without_leftovers(&mut self, now: Timestamp, plan: &Plan) {
        let rows: BTreeSet<Oid> = self.world.rows.keys().copied().collect();
        let leaves = self.world.root(TABLE).leaves.iter();
        let newest = leaves.filter(|(oid, _)| rows.contains(oid)).filter_map(|(_, leaf)| leaf.bounds.coverage()).max();
        for (from, to) in self.ranges() {
            let stays = self.life.ids > 0 || newest == Some((from, to));
            if !stays && self.may_leave(from, to, now - DAY * 9).is_ok() {
                panic!("{from} to {to} is still there at {now}\n{}", lines(plan));
            }
        }
    }
}

/// Lives that ended well are of some number of partitions.
fn live(kind: KeyKind, partition: [&'static str; 2], keep: &'static str, grace: i64, zone: &'static str, least: usize) {
    let diary = Life { kind, partition, keep, grace, zone, ids: 0 }.live();
    assert!(diary.created.len() >= least, "{} created", diary.created.len());
    assert!(diary.removed >= least / 2, "{} removed", diary.removed);
}

#[test]
fn hours_that_become_days() {
    live(
        KeyKind::Timestamptz,
        ["interval: 12 hours, premake: 8", "interval: 1 day, premake: 4"],
        "3 days",
        2,
        "UTC",
        5000,
    );
}

#[test]
fn days_of_uuids_in_a_zone() {
    live(
        KeyKind::Uuid,
        ["interval: 1 day, premake: 5, encoding: uuidv7", "interval: 2 days, premake: 5, encoding: uuidv7"],
        "20 days",
        0,
        "America/New_York",
        2800,
    );
}

#[test]
fn days_of_dates_that_become_weeks() {
    live(
        KeyKind::Date,
        ["interval: 1 day, premake: 5", "interval: 1 week, premake: 2"],
        "20 days",
        1,
        "Pacific/Auckland",
        2200,
    );
}

#[test]
fn weeks_of_epochs_that_become_months() {
    live(
        KeyKind::BigInt,
        ["interval: 1 week, premake: 2, encoding: epoch_ms", "interval: 1 month, premake: 1, encoding: epoch_ms"],
        "5 weeks",
        1,
        "Europe/Berlin",
        330,
    );
}

#[test]
fn months_of_seconds_that_become_weeks() {
    live(
        KeyKind::Integer,
        ["interval: 1 month, premake: 2, encoding: epoch_s", "interval: 1 week, premake: 4, encoding: epoch_s"],
        "3 months",
        7,
        "UTC",
        290,
    );
}

#[test]
fn quarters_of_timestamps_that_become_months() {
    live(
        KeyKind::Timestamp,
        ["interval: 1 quarter, premake: 2", "interval: 1 month, premake: 3"],
        "6 months",
        7,
        "Africa/Cairo",
        70,
    );
}

#[test]
fn years_that_become_quarters() {
    live(
        KeyKind::Timestamptz,
        ["interval: 1 year, premake: 1", "interval: 1 quarter, premake: 2"],
        "2 years",
        30,
        "America/Santiago",
        20,
    );
}

#[test]
fn days_that_move_to_another_phase() {
    live(
        KeyKind::Timestamptz,
        ["interval: 1 day, premake: 5", "interval: 1 day, premake: 5, anchor: 2000-01-01 06:00"],
        "10 days",
        0,
        "Europe/Berlin",
        3500,
    );
}

#[test]
fn ids_whose_partitions_become_wider() {
    let partition = ["interval: 1000, premake: 4", "interval: 5000, premake: 3, anchor: 1"];
    let life = Life { kind: KeyKind::BigInt, partition, keep: "20000", grace: 7, zone: "UTC", ids: 300 };
    let diary = life.live();
    assert!(diary.created.len() > 700 && diary.removed > 650, "{} {}", diary.created.len(), diary.removed);
}

#[test]
fn ids_whose_partitions_become_narrower() {
    let partition = ["interval: 10_000, premake: 2", "interval: 2_000, premake: 12"];
    let life = Life { kind: KeyKind::Integer, partition, keep: "50000", grace: 0, zone: "UTC", ids: 1000 };
    let diary = life.live();
    assert!(diary.created.len() > 950 && diary.removed > 900, "{} {}", diary.created.len(), diary.removed);
}
