//! Scheduled, drift or overdue, and the runway.

use super::with;
use crate::plan::Class;
use crate::testing::{World, lines};

#[test]
fn a_creation_is_late_after_an_interval_or_26_hours_whichever_is_longer() {
    // Daily with premake 3: the partition for the 17th is due at the start of the 14th.
    let leaves = [("2026-03-14", "2026-03-15"), ("2026-03-15", "2026-03-16"), ("2026-03-16", "2026-03-17")];
    for (now, class) in
        [("2026-03-14", Class::Scheduled), ("2026-03-15 02:00", Class::Scheduled), ("2026-03-15 02:01", Class::Overdue)]
    {
        let mut world = with("{partition: {key: at, interval: 1 day, premake: 3}}", &leaves);
        world.now(now);
        let plan = world.plan();
        assert_eq!(plan.steps[0].class, class, "{now}\n{}", lines(&plan));
    }
    // Monthly: not before a month is over.
    for (now, class) in [("2026-03-02 03:00", Class::Scheduled), ("2026-04-02 03:00", Class::Overdue)] {
        let leaves = [("2026-03-01", "2026-04-01"), ("2026-04-01", "2026-05-01"), ("2026-05-01", "2026-06-01")];
        let mut world = with("{partition: {key: at, interval: 1 month, premake: 3}}", &leaves);
        world.now(now);
        let plan = world.plan();
        assert_eq!(plan.steps[0].class, class, "{now}\n{}", lines(&plan));
    }
}

#[test]
fn the_next_window_missing_is_overdue_however_young_it_is() {
    let mut world = with("{partition: {key: at, interval: 1 month, premake: 1}}", &[("2026-03-01", "2026-04-01")]);
    world.now("2026-03-01");
    insta::assert_snapshot!(lines(&world.plan()), @"
    + public.events_p20260401 [2026-04-01, 2026-05-01) overdue: the next window is missing
    = public.events runway 31d -> 61d
    ");
}

#[test]
fn a_removal_is_late_after_seven_days_at_most() {
    for (interval, now, class) in [
        ("1 month", "2026-03-07", Class::Scheduled),
        ("1 month", "2026-03-08 00:01", Class::Overdue),
        ("1 day", "2026-03-02 02:00", Class::Scheduled),
        ("1 day", "2026-03-02 02:01", Class::Overdue),
    ] {
        let policy = format!("{{partition: {{key: at, interval: {interval}}}, retention: {{keep: 1 month}}}}");
        let mut world = with(&policy, &[]);
        let first = if interval == "1 month" { "2026-01-01" } else { "2026-01-31" };
        world.leaf("public.events", first, "2026-02-01");
        world.leaf("public.events", "2026-02-01", "2026-02-02");
        world.now(now);
        let plan = world.plan();
        let detach = plan.steps.iter().find(|step| step.action.word() == "detach").expect("a detach");
        assert_eq!(detach.class, class, "{interval} {now}\n{}", lines(&plan));
        assert_eq!(detach.due_at, Some(crate::testing::at("2026-03-01")));
    }
}

#[test]
fn the_runway_ends_at_the_first_hole() {
    let policy = "{partition: {key: at, interval: 1 day, premake: 3}}";
    let mut world =
        with(policy, &[("2026-03-14", "2026-03-15"), ("2026-03-15", "2026-03-16"), ("2026-03-17", "2026-03-18")]);
    insta::assert_snapshot!(lines(&world.plan()), @"
    + public.events_p20260316 [2026-03-16, 2026-03-17) drift: gap
    = public.events runway 2d -> 4d
    ");
    // An unbounded partition is no runway: it is where forgotten rows end up.
    let mut world = with(policy, &[("2026-03-14", "MAXVALUE")]);
    insta::assert_snapshot!(lines(&world.plan()), @"
    ? public.events UNBOUNDED public.events_20260314: FOR VALUES FROM ('2026-03-14 00:00:00+00') TO (MAXVALUE): without an upper bound it never leaves
    ? public.events CATCH_ALL public.events_20260314: FOR VALUES FROM ('2026-03-14 00:00:00+00') TO (MAXVALUE) takes the rows of 4 wanted windows (2026-03-14 00:00:00+00 to 2026-03-18 00:00:00+00), which cannot be made; retention never removes it
    = public.events runway 0s
    ");
}

#[test]
fn what_is_blocked_gives_no_runway() {
    let mut world = World::new(
        "2026-03-14",
        "tables: {public.events: {partition: {key: at, interval: 1 day, premake: 1, default_partition: none}}}",
    );
    world.leaf("public.events", "2026-03-14", "2026-03-15");
    world.default_partition("public.events");
    world.row_in_default("public.events", "2026-03-15 08:00");
    insta::assert_snapshot!(lines(&world.plan()), @"
    + public.events_p20260315 [2026-03-15, 2026-03-16) overdue: the next window is missing | BLOCKED the default partition has 1 row in this window: move them first
    ? public.events DEFAULT_PARTITION_PRESENT public.events_default: the policy says `default_partition: none`; an existing one is never removed
    ? public.events ROWS_IN_DEFAULT public.events_default: 1 row for public.events_p20260315 lies in the default partition: move them out first
    = public.events runway 24h
    ");
}
