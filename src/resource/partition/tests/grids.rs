//! Zones whose clocks change, and hours.

use crate::testing::{World, lines};

fn world(now: &str, partition: &str) -> World {
    World::new(now, &format!("tables: {{public.events: {{partition: {{key: at, {partition}}}}}}}"))
}

#[test]
fn days_follow_the_clock_of_a_zone() {
    let mut spring = world("2026-03-28 12:00", "interval: 1 day, premake: 2, timezone: Europe/Berlin");
    insta::assert_snapshot!(lines(&spring.plan()), @"
    + public.events_p20260328 [2026-03-27 23, 2026-03-28 23) overdue: the current window is missing
    + public.events_p20260329 [2026-03-28 23, 2026-03-29 22) overdue: the next window is missing
    + public.events_p20260330 [2026-03-29 22, 2026-03-30 22) scheduled: premake
    = public.events runway 0s -> 2d
    ");
    let mut autumn = world("2026-10-24 12:00", "interval: 1 day, premake: 2, timezone: Europe/Berlin");
    insta::assert_snapshot!(lines(&autumn.plan()), @"
    + public.events_p20261024 [2026-10-23 22, 2026-10-24 22) overdue: the current window is missing
    + public.events_p20261025 [2026-10-24 22, 2026-10-25 23) overdue: the next window is missing
    + public.events_p20261026 [2026-10-25 23, 2026-10-26 23) scheduled: premake
    = public.events runway 0s -> 2d
    ");
}

#[test]
fn hours_are_hours_whatever_the_zone_does() {
    let mut world = world("2026-03-29 00:30", "interval: 1 hour, premake: 3, timezone: Europe/Berlin");
    insta::assert_snapshot!(lines(&world.plan()), @"
    + public.events_p20260329_000000 [2026-03-29, 2026-03-29 01) overdue: the current window is missing
    + public.events_p20260329_010000 [2026-03-29 01, 2026-03-29 02) overdue: the next window is missing
    + public.events_p20260329_020000 [2026-03-29 02, 2026-03-29 03) scheduled: premake
    + public.events_p20260329_030000 [2026-03-29 03, 2026-03-29 04) scheduled: premake
    = public.events runway 0s -> 3h
    ");
}

#[test]
fn a_day_that_a_zone_skipped_needs_no_partition() {
    let mut world = world("2011-12-29 12:00", "interval: 1 day, premake: 2, timezone: Pacific/Apia");
    insta::assert_snapshot!(lines(&world.plan()), @"
    + public.events_p20111229 [2011-12-29 10, 2011-12-30 10) overdue: the current window is missing
    + public.events_p20111231 [2011-12-30 10, 2011-12-31 10) scheduled: premake
    + public.events_p20120101 [2011-12-31 10, 2012-01-01 10) scheduled: premake
    = public.events runway 0s -> 2d
    ");
}

#[test]
fn midnight_that_a_zone_skips_begins_when_the_clock_has_moved() {
    let mut world = world("2026-03-27 12:00", "interval: 1 day, premake: 2, timezone: Asia/Beirut");
    insta::assert_snapshot!(lines(&world.plan()), @"
    + public.events_p20260327 [2026-03-26 22, 2026-03-27 22) overdue: the current window is missing
    + public.events_p20260328 [2026-03-27 22, 2026-03-28 22) overdue: the next window is missing
    + public.events_p20260329 [2026-03-28 22, 2026-03-29 21) scheduled: premake
    = public.events runway 0s -> 2d
    ");
}
