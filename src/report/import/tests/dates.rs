//! Dates and times.

use super::{Found, T};
use crate::grid::KeyKind;
use crate::sql::Ident;

const NAME: &str = r#"name: "{table}_{start:%Y%m%d}""#;

#[test]
fn common_intervals_at_midnight_in_utc() {
    for (interval, from, to) in [
        ("1 day", "2026-02-20", "2026-03-18"),
        ("1 week", "2026-01-05", "2026-04-06"),
        ("2 weeks", "2026-01-05", "2026-05-11"),
        ("10 days", "2026-01-01", "2026-04-21"),
        ("1 month", "2025-01-01", "2026-07-01"),
        ("2 months", "2025-01-01", "2026-07-01"),
        ("1 quarter", "2025-01-01", "2027-01-01"),
        ("6 months", "2025-01-01", "2027-01-01"),
        ("1 year", "2020-01-01", "2029-01-01"),
        ("5 years", "2015-01-01", "2035-01-01"),
    ] {
        for kind in [KeyKind::Timestamptz, KeyKind::Timestamp, KeyKind::Date] {
            let partition = format!("interval: {interval}, timezone: UTC");
            // Ten days and two weeks are counted from the anchor.
            let found = Found::new(kind, "2026-03-14").windows(&partition, from, to);
            let yaml = found.yaml();
            assert!(yaml.contains(&format!("      interval: {interval}\n")), "{interval}\n{yaml}");
            assert!(!yaml.contains("anchor:"), "{interval}\n{yaml}");
            assert_eq!(yaml.contains("timezone: UTC"), kind != KeyKind::Timestamptz, "{yaml}");
            found.wants_nothing();
        }
    }
}

#[test]
fn hours_are_hours_of_utc() {
    let hours = |partition: &str, from: &str, to: &str| {
        Found::tz("2026-03-14").windows(partition, from, to).zone("Europe/Berlin")
    };
    let found = hours("interval: 1 hour", "2026-03-13 00:00", "2026-03-17 00:00");
    assert!(found.yaml().contains("interval: 1 hour\n      premake: 71\n"), "{}", found.yaml());
    let found = hours("interval: 6 hours, anchor: '2000-01-01 03:00'", "2026-03-12 03:00", "2026-03-17 03:00");
    assert!(found.yaml().contains("interval: 6 hours\n      anchor: 2000-01-01 03:00\n"), "{}", found.yaml());
}

#[test]
fn odd_phases_are_anchors() {
    for (partition, from, to, expected) in [
        (
            "interval: 1 week, anchor: 2000-01-02",
            "2026-01-04",
            "2026-04-05",
            "anchor: 2000-01-02   # weeks begin on Sunday",
        ),
        ("interval: 2 weeks, anchor: 2000-01-10", "2026-01-05", "2026-05-11", "anchor: 2000-01-10\n"),
        (
            "interval: 1 year, anchor: 2000-04-01",
            "2020-04-01",
            "2029-04-01",
            "anchor: 2000-04-01   # years begin in April",
        ),
        ("interval: 1 quarter, anchor: 2000-02-01", "2025-02-01", "2027-02-01", "anchor: 2000-02-01\n"),
        (
            "interval: 1 month, anchor: 2000-01-15",
            "2025-01-15",
            "2026-12-15",
            "anchor: 2000-01-15   # on day 15 of the month",
        ),
        ("interval: 3 days, anchor: 2000-01-02", "2026-01-01", "2026-04-05", "anchor: 2000-01-0"),
    ] {
        for kind in [KeyKind::Timestamptz, KeyKind::Date] {
            let found = Found::new(kind, "2026-03-14").windows(&format!("{partition}, timezone: UTC"), from, to);
            assert!(found.yaml().contains(expected), "{partition}\n{}", found.yaml());
            found.wants_nothing();
        }
    }
    let six = |kind| {
        let partition = "interval: 1 day, anchor: '2000-01-01 06:00', timezone: UTC";
        Found::new(kind, "2026-03-14").windows(partition, "2025-01-01 06:00", "2026-03-20 06:00")
    };
    assert!(six(KeyKind::Timestamp).yaml().contains("anchor: 2000-01-01 06:00   # days begin at 06:00"));
    assert!(six(KeyKind::Timestamptz).yaml().contains("anchor: 2000-01-01 06:00"));
    six(KeyKind::Timestamptz).wants_nothing();
}

#[test]
fn a_zone_is_taken_where_bounds_show_it() {
    for (interval, zone, expected) in [
        ("1 day", "Europe/Berlin", "Europe/Berlin"),
        ("1 week", "Europe/Berlin", "Europe/Berlin"),
        ("1 month", "Europe/Berlin", "Europe/Berlin"),
        ("1 month", "Europe/Paris", "Europe/Berlin"),
        ("1 day", "America/New_York", "America/New_York"),
        ("1 day", "Europe/London", "Europe/London"),
        ("1 month", "Australia/Sydney", "Australia/Sydney"),
        ("1 month", "Asia/Kolkata", "Asia/Kolkata"),
        // Its clock skips midnights.
        ("1 day", "America/Santiago", "America/Santiago"),
        ("1 day", "Australia/Lord_Howe", "Australia/Lord_Howe"),
    ] {
        let (from, to) = if interval == "1 day" { ("2025-01-01", "2026-03-20") } else { ("2023-01-02", "2026-12-02") };
        let (from, to) = match interval {
            "1 month" => ("2024-01-01", "2026-10-01"),
            _ => (from, to),
        };
        let found = Found::tz("2026-03-14").windows(&format!("interval: {interval}, timezone: {zone}"), from, to);
        let yaml = found.yaml();
        assert!(yaml.contains(&format!("timezone: {expected}")), "{interval} {zone}\n{yaml}");
        assert!(!yaml.contains("anchor"), "{interval} {zone}\n{yaml}");
        found.wants_nothing();
    }
}

#[test]
fn the_databases_own_zone_comes_first() {
    let days = |zone| {
        let days = "interval: 1 day, timezone: Europe/Paris";
        Found::tz("2026-01-14").windows(days, "2025-11-01", "2026-01-20").zone(zone)
    };
    assert!(
        days("Europe/Paris")
            .yaml()
            .contains("timezone: Europe/Paris   # the bounds are midnights there; the database's")
    );
    days("Europe/Paris").wants_nothing();
    // Winter alone shows no zone: what is there is carried on, and what it may be is said.
    let unknown = days("Etc/UTC").yaml();
    assert!(!unknown.contains("timezone:"), "{unknown}");
    assert!(unknown.contains("anchor: 2000-01-01 23:00"), "{unknown}");
    assert!(unknown.contains("in UTC; midnight in Europe/Berlin and "), "{unknown}");
    days("Etc/UTC").wants_nothing();
    // Unless the names tell the local date.
    let mut named = days("Etc/UTC");
    for leaf in named.world.root(T).leaves.values_mut() {
        let (from, _) = leaf.bounds.coverage().unwrap();
        let day = from.to_string().get(..10).unwrap().parse::<jiff::civil::Date>().unwrap().tomorrow().unwrap();
        leaf.name.name = Ident::new(day.strftime("events_p%Y%m%d").to_string());
    }
    let yaml = named.yaml();
    assert!(yaml.contains("timezone: Europe/Berlin") && !yaml.contains("anchor") && !yaml.contains("name:"), "{yaml}");
    named.wants_nothing();
    // A set in UTC stays there.
    let utc = Found::tz("2026-03-14").windows("interval: 1 day", "2026-01-01", "2026-03-20").zone("Europe/Berlin");
    assert!(!utc.yaml().contains("timezone"), "{}", utc.yaml());
}

#[test]
fn the_newest_run_decides_and_the_rest_is_reported() {
    // Years, then months, then days.
    let found = Found::tz("2026-03-14")
        .leaf("2023-01-01", "2024-01-01")
        .leaf("2024-01-01", "2025-01-01")
        .windows("interval: 1 month", "2025-01-01", "2026-03-01")
        .windows("interval: 1 day", "2026-03-01", "2026-03-20");
    let yaml = found.yaml();
    assert!(yaml.contains("interval: 1 day"), "{yaml}");
    assert!(
        yaml.contains("events_20230101, events_20240101, events_20250101 and 13 more are wider than 1 day"),
        "{yaml}"
    );
    found.wants_nothing();

    // One that somebody made by hand at the end does not change the interval.
    let found = Found::tz("2026-03-14")
        .leaf("2024-01-05", "2025-01-01")
        .windows("interval: 1 month", "2025-01-01", "2026-06-01")
        .leaf("2026-06-01", "2026-06-11");
    let yaml = found.yaml();
    assert!(yaml.contains("interval: 1 month"), "{yaml}");
    assert!(yaml.contains("events_20260601 is narrower than 1 month, and leaves by its upper bound."), "{yaml}");
    assert!(yaml.contains("events_20240105 fits no window: it stays"), "{yaml}");
    found.wants_nothing();

    // February alone is a month, whatever its length.
    Found::tz("2026-02-14").leaf("2026-02-01", "2026-03-01").says(&["interval: 1 month", "premake: 4", NAME]);
    Found::tz("2026-03-14").leaf("2026-03-02", "2026-03-09").says(&["interval: 1 week", "premake: 4", NAME]);
}

#[test]
fn unbounded_ends_and_default_partitions_are_said() {
    let mut found = Found::tz("2026-03-14")
        .leaf("MINVALUE", "2026-01-01")
        .windows("interval: 1 month", "2026-01-01", "2026-04-01")
        .leaf("2026-04-01", "MAXVALUE");
    found.world.default_partition(T);
    insta::assert_snapshot!(found.yaml(), @r##"
    # yaml-language-server: $schema=policy.schema.json
    # The schema, for editors: pgstrata schema policy > policy.schema.json
    # Imported from app@db1 (PostgreSQL 17.10). Next:
    #   pgstrata validate -p pgstrata.yaml
    #   pgstrata plan -p pgstrata.yaml
    # Without a `retention` nothing leaves a table. Where rows may go: `retention: {keep: 90 days}`.
    version: 1

    tables:
      public.events:
        # 3 partitions, 2026-01-01 to 2026-04-01.
        # events_minvalue and events_20260401 are unbounded, or have no time for a bound: they never
        # leave.
        partition:
          key: at
          interval: 1 month
          premake: 4
          name: "{table}_{start:%Y%m%d}"
          default_partition: allow   # events_default
    "##);
    found.wants_nothing();
}
