//! Numbers and UUIDs that encode time follow the clock like dates.

use crate::grid::{Grid, KeyKind, KeyValue};
use crate::testing::{World, lines};

const TABLE: &str = "public.events";

fn world(kind: KeyKind, encoding: &str) -> World {
    let policy = format!(
        "tables: {{{TABLE}: {{partition: {{key: at, interval: 1 day, premake: 1, encoding: {encoding}, timezone: Europe/Berlin}}, retention: {{keep: 10 days}}}}}}"
    );
    World::with_key("2026-03-14 12:00", kind, &policy)
}

/// The bound of a day as other tools write it: with the bits of version and variant.
fn with_version(grid: &Grid, day: &str) -> String {
    match grid.value_of(day.parse().unwrap()) {
        Some(KeyValue::Uuid(bits)) => {
            KeyValue::uuid(u128::from_be_bytes(bits) + 0x7000_8000_0000_0000_0000).to_string()
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn every_encoding_plans_the_same_windows() {
    let mut found = Vec::new();
    for (kind, encoding) in [
        (KeyKind::BigInt, "epoch_s"),
        (KeyKind::Integer, "epoch_s"),
        (KeyKind::BigInt, "epoch_ms"),
        (KeyKind::BigInt, "epoch_us"),
        (KeyKind::BigInt, "epoch_ns"),
        (KeyKind::Uuid, "uuidv7"),
    ] {
        let mut world = world(kind, encoding);
        world.windows(TABLE, "2026-03-02", "2026-03-15");
        let text = lines(&world.plan());
        // What differs are the bounds.
        let plain: Vec<String> = text
            .lines()
            .map(|line| format!("{} {}", &line[..20], line.rsplit(')').next().unwrap_or_default()))
            .collect();
        found.push(plain);
        assert!(text.contains("+ public.events_p20260315 ["), "{text}");
        assert!(text.contains("- detach concurrently public.events_"), "{text}");
        assert!(text.ends_with("runway 11h -> 35h\n"), "{text}");
    }
    assert!(found.windows(2).all(|pair| pair[0].len() == pair[1].len()), "{found:#?}");
}

#[test]
fn bounds_of_uuids_are_accepted_with_version_and_variant() {
    let mut world = world(KeyKind::Uuid, "uuidv7");
    let grid = world.grid(TABLE);
    let at = |day: &str| with_version(&grid, day);
    for (from, to) in [("2026-03-02", "2026-03-03"), ("2026-03-03", "2026-03-15"), ("2026-03-15", "2026-03-16")] {
        world.leaf(TABLE, &at(from), &at(to));
    }
    let text = lines(&world.plan());
    assert!(text.contains("- detach") && !text.contains("STRADDLING") && !text.contains("+ "), "{text}");
}

#[test]
fn a_gap_between_bounds_with_version_and_variant_is_filled_once() {
    let mut world = world(KeyKind::Uuid, "uuidv7");
    let grid = world.grid(TABLE);
    let at = |day: &str| with_version(&grid, day);
    for (from, to) in [("2026-03-12", "2026-03-13"), ("2026-03-14", "2026-03-15"), ("2026-03-15", "2026-03-16")] {
        world.leaf(TABLE, &at(from), &at(to));
    }
    let text = lines(&world.plan());
    // No row of version 7 lies between the zeros and the least of the next day.
    assert_eq!(text.matches("+ ").count(), 1, "{text}");
    let options = world.options();
    crate::testing::run(&mut world, &options);
    let again = lines(&world.plan());
    assert!(!again.contains("+ ") && !again.contains("STRADDLING"), "{again}");
}

#[test]
fn seconds_in_four_bytes_are_planned_up_to_their_end() {
    let policy = format!(
        "tables: {{{TABLE}: {{partition: {{key: at, interval: 1 month, encoding: epoch_s, premake: 6 months}}}}}}"
    );
    let text = lines(&World::with_key("2037-10-14", KeyKind::Integer, &policy).plan());
    // January 2038 ends beyond them.
    for month in ["events_p20371001", "events_p20371101", "events_p20371201"] {
        assert!(text.contains(month), "{text}");
    }
    assert!(!text.contains("events_p20380201"), "{text}");
}

#[test]
fn a_misread_unit_changes_nothing() {
    for (kind, made, read, says) in [
        (KeyKind::BigInt, "epoch_s", "epoch_ms", "is 1970-01-21 12:38Z: did you mean `epoch_s`?"),
        (KeyKind::BigInt, "epoch_ms", "epoch_s", "is no time on the calendar: did you mean `epoch_ms`?"),
        (KeyKind::BigInt, "epoch_ms", "epoch_us", "is 1970-01-21 12:38Z: did you mean `epoch_ms`?"),
    ] {
        let mut made = world(kind, made);
        made.windows(TABLE, "2026-03-02", "2026-03-15");
        made.desired = world(kind, read).desired;
        let plan = made.plan();
        assert!(plan.steps.is_empty());
        let text = lines(&plan);
        assert!(text.contains("KEY_MISMATCH") && text.contains(says), "{text}");
    }
}

#[test]
fn types_and_encodings_that_do_not_go_together_are_named() {
    for (kind, partition, says) in [
        (
            KeyKind::BigInt,
            "interval: 1 day",
            "the key is bigint, and nothing says how it tells time: write `encoding: epoch_ms`",
        ),
        (KeyKind::Uuid, "interval: 1 day", "write `encoding: uuidv7`, if its values are of version 7"),
        (KeyKind::Uuid, "interval: 1000", "interval: a number of ids, and the key is uuid"),
        (KeyKind::Timestamptz, "interval: 1000", "a number of ids, and the key is timestamp with time zone"),
        (
            KeyKind::Timestamptz,
            "interval: 1 day, encoding: epoch_s",
            "`epoch_s` is not for a timestamp with time zone key",
        ),
        (KeyKind::BigInt, "interval: 1 day, encoding: uuidv7", "`uuidv7` is not for a bigint key"),
        // No value of today fits in: nothing could be planned.
        (KeyKind::Integer, "interval: 1 day, encoding: epoch_ms", "`epoch_ms` is not for a integer key"),
        (KeyKind::SmallInt, "interval: 1 day, encoding: epoch_s", "`epoch_s` is not for a smallint key"),
    ] {
        let policy = format!("tables: {{{TABLE}: {{partition: {{key: at, {partition}}}}}}}");
        let text = lines(&World::with_key("2026-03-14", kind, &policy).plan());
        assert!(text.contains("KEY_MISMATCH") && text.contains(says), "{partition}: {text}");
    }
}
