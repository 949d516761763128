//! Windows that are wanted and can never be made are never silent.

use crate::grid::KeyKind;
use crate::plan::Code;
use crate::testing::{World, findings, lines, run};

const TABLE: &str = "public.events";

fn of(now: &str, kind: KeyKind, partition: &str, leaves: &[(&str, &str)]) -> World {
    let policy = format!("tables: {{{TABLE}: {{partition: {{{partition}}}}}}}");
    let mut world = World::with_key(now, kind, &policy);
    for (from, to) in leaves {
        world.leaf(TABLE, from, to);
    }
    world
}

fn has(world: &mut World, code: Code) -> bool {
    world.plan().findings.iter().any(|finding| finding.code == code)
}

#[test]
fn the_last_partition_of_a_type_ends_at_maxvalue_and_the_end_stays_said() {
    for (kind, step, last, from) in [
        (KeyKind::Integer, 1_000_000_i64, i64::from(i32::MAX), 2_147_000_000_i64),
        (KeyKind::SmallInt, 1_000, i64::from(i16::MAX), 32_000),
        (KeyKind::BigInt, 1_i64 << 60, i64::MAX, 7_i64 << 60),
    ] {
        let partition = format!("key: id, interval: {step}, premake: 4");
        let lower = (from - step).to_string();
        let mut world = of("2026-03-14", kind, &partition, &[(&lower, &from.to_string())]);
        let text = lines(&world.plan());
        assert!(
            text.contains(&format!("+ public.events_p{from} [{from}, MAXVALUE) overdue: the next window is missing")),
            "{text}"
        );
        assert!(
            text.contains(&format!(
                "KEY_TYPE_ENDS: its key id is {}, which ends at {last}: 0 of the 4 windows",
                kind.sql_type()
            )),
            "{text}"
        );
        let options = world.options();
        run(&mut world, &options);
        let done = lines(&world.plan());
        assert!(!done.contains("+ ") && done.contains("KEY_TYPE_ENDS"), "{done}");
    }
}

#[test]
fn far_from_the_end_nothing_is_said() {
    let partition = "key: id, interval: 1000, premake: 4";
    let mut near = of("2026-03-14", KeyKind::SmallInt, partition, &[("27000", "28000")]);
    assert!(!has(&mut near, Code::KeyTypeEnds), "the fourth window ends at 32000");
    let mut nearer = of("2026-03-14", KeyKind::SmallInt, partition, &[("28000", "29000")]);
    assert!(has(&mut nearer, Code::KeyTypeEnds));
    let text = lines(&nearer.plan());
    assert!(text.contains("3 of the 4 windows") && text.contains("[32000, MAXVALUE)"), "{text}");
}

#[test]
fn seconds_in_four_bytes_end_in_2038() {
    let partition = "key: at, encoding: epoch_s, interval: 1 month, premake: 2";
    let mut before = of("2037-10-14", KeyKind::Integer, partition, &[]);
    assert!(!has(&mut before, Code::KeyTypeEnds));
    for (now, said) in [("2037-12-14", "0 of the 2 windows"), ("2038-01-02", "the last window has begun")] {
        let mut world = of(now, KeyKind::Integer, partition, &[]);
        let text = lines(&world.plan());
        assert!(text.contains("which ends at 2147483647, 2038-01-19T03:14:07Z: "), "{text}");
        assert!(text.contains("MAXVALUE) overdue"), "{text}");
        assert!(now < "2038" || text.contains(said), "{text}");
    }
    let mut over = of("2038-02-01", KeyKind::Integer, partition, &[]);
    let text = lines(&over.plan());
    assert!(text.contains("rows of the present have no key any more"), "{text}");
}

#[test]
fn a_horizon_as_long_as_years_reaches_the_end_too() {
    let partition = "key: at, encoding: epoch_s, interval: 1 year, premake: 20 years";
    let mut world = of("2026-03-14", KeyKind::Integer, partition, &[("1767225600", "1798761600")]);
    let text = lines(&world.plan());
    assert!(text.contains("MAXVALUE) ") && text.contains("premake reaches 20 years ahead"), "{text}");
}

#[test]
fn a_catch_all_takes_windows_that_can_never_be() {
    for (kind, bounds) in [
        (KeyKind::Timestamptz, "FOR VALUES FROM ('2026-04-01 00:00:00+00') TO (MAXVALUE)"),
        (KeyKind::Timestamptz, "FOR VALUES FROM ('2026-04-01 00:00:00+00') TO ('infinity')"),
        (KeyKind::Date, "FOR VALUES FROM ('2026-04-01') TO (MAXVALUE)"),
    ] {
        let zone = if kind == KeyKind::Date { ", timezone: UTC" } else { "" };
        let mut world = of("2026-03-14", kind, &format!("key: at, interval: 1 month, premake: 3{zone}"), &[]);
        world.windows(TABLE, "2026-03-01", "2026-04-01");
        world.leaf_of(TABLE, bounds);
        let text = findings(&world.plan());
        assert!(text.contains("CATCH_ALL") && text.contains("takes the rows of 3 wanted windows"), "{text}");
    }
}

#[test]
fn a_catch_all_beyond_the_horizon_is_not_yet_in_the_way() {
    let mut world = of("2026-03-14", KeyKind::Timestamptz, "key: at, interval: 1 month, premake: 3", &[]);
    world.windows(TABLE, "2026-03-01", "2026-07-01");
    world.leaf_of(TABLE, "FOR VALUES FROM ('2026-07-01 00:00:00+00') TO (MAXVALUE)");
    assert!(!has(&mut world, Code::CatchAll));
    world.now("2026-04-02");
    assert!(has(&mut world, Code::CatchAll));
}

#[test]
fn at_the_end_of_the_type_a_catch_all_is_the_last_partition() {
    let mut world = of("2026-03-14", KeyKind::SmallInt, "key: id, interval: 1000, premake: 1", &[("31000", "32000")]);
    world.leaf_of(TABLE, "FOR VALUES FROM ('32000') TO (MAXVALUE)");
    let text = lines(&world.plan());
    assert!(!text.contains("CATCH_ALL") && !text.contains("+ ") && text.contains("KEY_TYPE_ENDS"), "{text}");
}

#[test]
fn the_day_that_ids_are_used_up_is_told_by_what_has_left() {
    let policy = format!(
        "tables: {{{TABLE}: {{partition: {{key: id, interval: 1000, premake: 4}}, retention: {{keep: 5000, grace: 90 days}}}}}}"
    );
    let mut world = World::with_key("2026-03-31", KeyKind::SmallInt, &policy);
    for from in 26..30 {
        world.leaf(TABLE, &(from * 1000).to_string(), &((from + 1) * 1000).to_string());
    }
    let said = |world: &mut World| findings(&world.plan());
    assert!(
        said(&mut world).contains("keys are left above 29999, when they are used up is not known"),
        "{}",
        said(&mut world)
    );
    // Left when the keys had come to 20000; of what was late only the uppermost tells.
    for (from, stamp) in [("13000", "2026-03-01"), ("14000", "2026-03-01"), ("20000", "2026-03-28")] {
        let to = (from.parse::<i64>().unwrap() + 1000).to_string();
        world.retired(TABLE, from, &to, Some(stamp));
    }
    // 9999 keys in 30 days; 2768 are left.
    assert!(
        said(&mut world)
            .contains("2768 keys are left above 29999, used up about 2026-04-08 07:18Z at the rate since 2026-03-01"),
        "{}",
        said(&mut world)
    );
}

#[test]
fn the_calendar_ends_with_the_year_9999_for_every_kind_of_time() {
    for (kind, partition) in [
        (KeyKind::Timestamptz, "key: at, interval: 1 month, premake: 3"),
        (KeyKind::Timestamp, "key: at, interval: 1 month, premake: 3, timezone: UTC"),
        (KeyKind::Date, "key: at, interval: 1 month, premake: 3, timezone: UTC"),
        (KeyKind::Uuid, "key: at, interval: 1 month, premake: 3, encoding: uuidv7"),
        (KeyKind::BigInt, "key: at, interval: 1 month, premake: 3, encoding: epoch_ms"),
    ] {
        let mut before = of("9999-07-14", kind, partition, &[]);
        let text = lines(&before.plan());
        assert!(!text.contains("KEY_TYPE_ENDS"), "{kind:?}: {text}");
        let mut world = of("9999-11-14", kind, partition, &[]);
        let text = lines(&world.plan());
        assert!(text.contains("KEY_TYPE_ENDS: premake reaches beyond "), "{kind:?}: {text}");
        assert!(text.contains("the calendar ends with the year 9999"), "{kind:?}: {text}");
        // Numbers that lie so far ahead are taken for misread ones.
        if matches!(kind, KeyKind::Timestamptz | KeyKind::Timestamp | KeyKind::Date) {
            let options = world.options();
            run(&mut world, &options);
            let done = lines(&world.plan());
            assert!(!done.contains("+ ") && done.contains("KEY_TYPE_ENDS"), "said until it is so no more: {done}");
        }
    }
}

#[test]
fn a_gap_that_straddling_partitions_cover_is_none() {
    for (kind, zone) in
        [(KeyKind::Timestamptz, ""), (KeyKind::Timestamp, ", timezone: UTC"), (KeyKind::Date, ", timezone: UTC")]
    {
        let end = |day: &str| match kind {
            KeyKind::Timestamptz => format!("{day} 00:00:00+00"),
            KeyKind::Timestamp => format!("{day} 00:00:00"),
            KeyKind::Date | KeyKind::SmallInt | KeyKind::Integer | KeyKind::BigInt | KeyKind::Uuid => day.to_owned(),
        };
        let mut world = of("2026-03-14", kind, &format!("key: at, interval: 1 month, premake: 1{zone}"), &[]);
        // From January on: two that fit no window, and one up to the end of April.
        for (from, to) in [("2026-01-01", "2026-01-20"), ("2026-01-20", "2026-03-10"), ("2026-03-10", "2026-05-01")] {
            world.leaf_of(TABLE, &format!("FOR VALUES FROM ('{}') TO ('{}')", end(from), end(to)));
        }
        let text = lines(&world.plan());
        assert!(!text.contains("+ "), "{kind:?}: {text}");
        assert!(text.contains("STRADDLING"), "{kind:?}: {text}");
        // With a hole between them, that alone is bridged.
        let is_second = |text: String| text.contains("2026-01-20") && text.contains("2026-03-10");
        let leaves = &world.root(TABLE).leaves;
        let hole = leaves.iter().find(|(_, leaf)| is_second(leaf.bounds.to_string())).map(|(oid, _)| *oid);
        world.root(TABLE).leaves.remove(&hole.unwrap());
        let text = lines(&world.plan());
        let made: Vec<&str> = text.lines().filter(|line| line.starts_with('+')).collect();
        assert_eq!(made.len(), 3, "two bridges and a month: {kind:?}: {text}");
        assert!(made[0].contains("[2026-01-20") && made[2].contains("2026-03-10)"), "{kind:?}: {text}");
    }
}
