//! Ids, epochs and UUIDs.

use super::{Found, T};
use crate::grid::{KeyKind, KeyValue};

/// A set of ids, of which so many partitions at the end are empty.
fn ids(partition: &str, from: &str, to: &str, empty: usize) -> Found {
    let mut found = Found::new(KeyKind::BigInt, "2026-03-14").windows(partition, from, to);
    let mut leaves: Vec<_> =
        found.world.root(T).leaves.iter().map(|(oid, leaf)| (leaf.bounds.coverage(), *oid)).collect();
    leaves.sort();
    for (_, oid) in leaves.iter().rev().take(empty) {
        found.world.rows.remove(oid);
    }
    found
}

const NAME: &str = r#"name: "{table}_{start}""#;

#[test]
fn ids_have_a_width_and_a_phase() {
    for (partition, from, to, lines) in [
        ("interval: 1000000", "0", "9000000", vec!["interval: 1000000", "premake: 3", NAME]),
        ("interval: 1000", "1773446400", "1773455400", vec!["interval: 1000", "anchor: 400", "premake: 3", NAME]),
        ("interval: 1000, anchor: 1", "1", "9001", vec!["interval: 1000", "anchor: 1", "premake: 3", NAME]),
        ("interval: 7", "-70", "70", vec!["interval: 7", "premake: 3", NAME]),
        // As many as there are seconds in a day, and not since 1970.
        ("interval: 86400", "0", "864000", vec!["interval: 86400", "premake: 3", NAME]),
    ] {
        let partition = if from == "1773446400" { format!("{partition}, anchor: 400") } else { partition.to_owned() };
        let found = ids(&partition, from, to, 3);
        if from == "-70" {
            // A hyphen is no part of these names, which the fixture made.
            assert!(found.yaml().contains("interval: 7\n"), "{}", found.yaml());
        } else {
            found.says(&lines);
        }
        found.wants_nothing();
    }
}

#[test]
fn ids_that_follow_a_name_without_a_separator_are_read_in_no_time() {
    let found = ids(r#"interval: 1000, name: "events{start}""#, "0", "5000", 1);
    let yaml = found.yaml();
    assert!(yaml.contains("interval: 1000\n"), "{yaml}");
    found.wants_nothing();
}

#[test]
fn a_changed_width_is_read_from_its_newest_part() {
    let found = ids("interval: 1000", "0", "5000", 0).windows("interval: 10000", "10000", "50000");
    let yaml = found.yaml();
    assert!(yaml.contains("interval: 10000\n"), "{yaml}");
    assert!(yaml.contains("Nothing covers 5000 to 10000: `plan` fills that, unless its time is over."), "{yaml}");
    assert!(yaml.contains("are narrower than 10,000 keys"), "{yaml}");
    assert!(yaml.contains("premake: 4   # the next one is missing"), "{yaml}");
}

#[test]
fn numbers_that_are_calendar_boundaries_are_times() {
    for (kind, encoding, said) in [
        (KeyKind::Integer, "epoch_s", "encoding: epoch_s   # so read, the bounds are dates\n"),
        (KeyKind::BigInt, "epoch_s", "encoding: epoch_s   # so read, the bounds are dates\n"),
        (KeyKind::BigInt, "epoch_ms", "encoding: epoch_ms   # so read"),
        (KeyKind::BigInt, "epoch_us", "encoding: epoch_us   # so read"),
        (KeyKind::BigInt, "epoch_ns", "encoding: epoch_ns   # so read"),
        (KeyKind::Uuid, "uuidv7", "encoding: uuidv7\n"),
    ] {
        for (interval, zone, from, to) in [
            ("1 hour", "UTC", "2026-03-12 00:00", "2026-03-17 00:00"),
            ("1 day", "UTC", "2026-03-01", "2026-03-20"),
            ("1 week", "UTC", "2026-01-05", "2026-04-06"),
            ("1 month", "UTC", "2025-01-01", "2026-07-01"),
            ("1 month", "Europe/Berlin", "2025-01-01", "2026-07-01"),
            ("1 year", "UTC", "2020-01-01", "2029-01-01"),
        ] {
            let partition = format!("interval: {interval}, timezone: {zone}, encoding: {encoding}");
            let found = Found::new(kind, "2026-03-14").windows(&partition, from, to);
            let yaml = found.yaml();
            assert!(
                yaml.contains(&format!("interval: {interval}\n")) && yaml.contains(said),
                "{interval} {encoding}\n{yaml}"
            );
            assert_eq!(yaml.contains("timezone: Europe/Berlin"), zone == "Europe/Berlin", "{yaml}");
            assert!(!yaml.contains("anchor"), "{yaml}");
            found.wants_nothing();
        }
    }
}

#[test]
fn bounds_of_uuids_may_carry_version_and_variant() {
    let days = "interval: 1 day, encoding: uuidv7";
    let mut found = Found::new(KeyKind::Uuid, "2026-03-14").windows(days, "2026-03-01", "2026-03-20");
    for leaf in found.world.root(T).leaves.values_mut() {
        let tail = |bound: crate::grid::Bound| match bound.value() {
            Some(KeyValue::Uuid(bits)) => {
                let bits = u128::from_be_bytes(bits) + 0x7000_8000_0000_0000_0000;
                crate::grid::Bound::Value(KeyValue::uuid(bits))
            }
            other => panic!("{other:?}"),
        };
        let (from, to) = leaf.bounds.coverage().unwrap();
        leaf.bounds = crate::grid::LeafBounds::Range { from: tail(from), to: tail(to) };
    }
    let yaml = found.yaml();
    assert!(yaml.contains("interval: 1 day\n      encoding: uuidv7\n      premake: 5\n"), "{yaml}");
    found.wants_nothing();
}

#[test]
fn pg_partman_knows_what_numbers_are() {
    // Days, and one would think so; but they are counted.
    let days = || {
        let days = "interval: 1 day, encoding: epoch_s";
        Found::new(KeyKind::BigInt, "2026-03-14").windows(days, "2026-03-01", "2026-03-20")
    };
    let ids = days().told("epoch", "none").told("partition_interval", "86400").told("premake", "4").yaml();
    assert!(ids.contains("interval: 86400\n") && !ids.contains("encoding"), "{ids}");
    let times = days().told("epoch", "seconds").told("partition_interval", "1 day").told("retention", "30 days").yaml();
    assert!(times.contains("encoding: epoch_s\n") && times.contains("keep: 30 days"), "{times}");
    let kept = super::numbers::ids("interval: 1000", "0", "9000", 3);
    let kept = kept.told("epoch", "none").told("partition_interval", "1000").told("retention", "5000").yaml();
    assert!(kept.contains("keep: 5000   # pg_partman's retention\n      then: detach\n"), "{kept}");
}
