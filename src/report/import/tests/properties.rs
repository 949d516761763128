//! Whatever grid made a set: the policy imported for it wants nothing but what is missing ahead.

use proptest::prelude::*;
use proptest::test_runner::RngSeed;

use super::{Found, T};
use crate::grid::{Encoding, Grid, KeyKind, Position, Unit, Width};
use crate::testing::lines;

const ZONES: [&str; 12] = [
    "UTC",
    "Europe/Berlin",
    "Europe/London",
    "America/New_York",
    "America/Sao_Paulo",
    "America/Santiago",
    "America/Havana",
    "Asia/Kolkata",
    "Asia/Kathmandu",
    "Australia/Lord_Howe",
    "Pacific/Apia",
    "Africa/Cairo",
];

#[derive(Clone, Debug)]
struct Drawn {
    kind: KeyKind,
    encoding: Option<Encoding>,
    width: Width,
    zone: &'static str,
    setting: &'static str,
    anchor: Option<Position>,
    behind: i64,
    ahead: i64,
}

fn drawn() -> impl Strategy<Value = Drawn> {
    let kinds = prop::sample::select(vec![
        (KeyKind::Timestamptz, None),
        (KeyKind::Timestamptz, None),
        (KeyKind::Timestamp, None),
        (KeyKind::Date, None),
        (KeyKind::BigInt, Some(Encoding::EpochMs)),
        (KeyKind::Uuid, Some(Encoding::Uuidv7)),
        (KeyKind::BigInt, None),
    ]);
    let units = prop::sample::select(Unit::ALL.to_vec());
    let zones = || prop::sample::select(ZONES.to_vec());
    (kinds, (1_u32..4, units), (zones(), zones()), prop::option::of((0_i64..400, 0_i64..24)), (1_i64..40, 0_i64..60))
        .prop_map(|((kind, encoding), (count, unit), (zone, setting), phase, (behind, ahead))| {
            let ids = kind == KeyKind::BigInt && encoding.is_none();
            let unit = if kind == KeyKind::Date && unit == Unit::Hours { Unit::Days } else { unit };
            let width = match ids {
                true => Width::Keys(i64::from(count) * 1000),
                false => Width::Calendar(crate::grid::Interval { count, unit }),
            };
            let anchor = phase.map(|(day, hour)| match ids {
                true => Position::Key(day),
                // Every month has 28 days.
                false => {
                    let date = jiff::civil::date(
                        2000,
                        i8::try_from(day % 12 + 1).unwrap(),
                        i8::try_from(day % 28 + 1).unwrap(),
                    );
                    let hour = if kind == KeyKind::Date { 0 } else { i8::try_from(hour).unwrap() };
                    Position::Civil(date.at(hour, 0, 0, 0))
                }
            });
            // Which zone civil times are in no bound tells.
            let zone = if matches!(kind, KeyKind::Timestamp | KeyKind::Date) { "UTC" } else { zone };
            // Nobody makes partitions for the next century.
            let ahead = if unit == Unit::Years { ahead % 20 } else { ahead };
            Drawn { kind, encoding, width, zone, setting, anchor, behind, ahead }
        })
}

impl Drawn {
    fn grid(&self) -> Grid {
        match (self.width, self.anchor) {
            (Width::Keys(step), Some(Position::Key(anchor))) => Grid::keys(self.kind, step, anchor),
            (Width::Keys(step), Some(Position::Civil(_)) | None) => Grid::keys(self.kind, step, 0),
            (Width::Calendar(interval), Some(Position::Civil(anchor))) => {
                Grid::calendar(self.kind, self.encoding, interval, self.zone.parse().unwrap(), Some(anchor))
            }
            (Width::Calendar(interval), Some(Position::Key(_)) | None) => {
                Grid::calendar(self.kind, self.encoding, interval, self.zone.parse().unwrap(), None)
            }
        }
        .unwrap()
    }

    /// Partitions around now, with rows up to the current one.
    fn found(&self) -> Found {
        let grid = self.grid();
        let mut found = Found::new(self.kind, "2026-03-14").zone(self.setting);
        let now = found.world.snapshot.taken_at;
        let current = grid.index_at(now).unwrap_or(500);
        for window in grid.windows_between(current - self.behind, current + self.ahead) {
            let oid = found.world.leaf(T, &window.from.to_string(), &window.to.to_string());
            if window.index > current {
                found.world.rows.remove(&oid);
            }
        }
        found
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 80, failure_persistence: None, rng_seed: RngSeed::Fixed(20_260_314), ..ProptestConfig::default() })]

    #[test]
    fn an_imported_policy_wants_nothing_but_what_is_ahead(drawn in drawn()) {
        let mut found = drawn.found();
        let yaml = found.yaml();
        found.world.policy(&yaml.replace("version: 1\n", ""));
        let plan = found.world.plan();
        let others: Vec<_> = plan.steps.iter().filter(|step| step.action.word() != "create").collect();
        let inside = plan.steps.iter().filter(|step| !["premake", "the next window is missing"].contains(&step.reason.as_str()));
        prop_assert!(others.is_empty() && inside.count() == 0, "{}\n{yaml}", lines(&plan));
        // What is there is enough for two days, or for one partition of ids: then nothing at all is missing.
        if drawn.ahead >= 48 {
            prop_assert!(plan.steps.is_empty(), "{}\n{yaml}", lines(&plan));
        }
    }
}
