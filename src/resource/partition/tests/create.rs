//! Which partitions are made, and why.

use super::with;
use crate::grid::KeyKind;
use crate::sql::TableName;
use crate::testing::{World, lines, run};

#[test]
fn an_empty_table_gets_the_current_window_and_what_premake_says() {
    let mut world = with("{partition: {key: at, interval: 1 month, premake: 2}}", &[]);
    insta::assert_snapshot!(lines(&world.plan()), @"
    + public.events_p20260301 [2026-03-01, 2026-04-01) overdue: the current window is missing
    + public.events_p20260401 [2026-04-01, 2026-05-01) overdue: the next window is missing
    + public.events_p20260501 [2026-05-01, 2026-06-01) scheduled: premake
    = public.events runway 0s -> 79d
    ");
}

#[test]
fn premake_may_be_a_duration() {
    let mut world = with("{partition: {key: at, interval: 1 week, premake: 20 days}}", &[]);
    insta::assert_snapshot!(lines(&world.plan()), @"
    + public.events_p20260309 [2026-03-09, 2026-03-16) overdue: the current window is missing
    + public.events_p20260316 [2026-03-16, 2026-03-23) overdue: the next window is missing
    + public.events_p20260323 [2026-03-23, 2026-03-30) overdue: premake
    + public.events_p20260330 [2026-03-30, 2026-04-06) scheduled: premake
    = public.events runway 0s -> 23d
    ");
    // Exactly at a boundary the window that begins there is due.
    world.now("2026-03-17");
    insta::assert_snapshot!(lines(&world.plan()), @"
    + public.events_p20260316 [2026-03-16, 2026-03-23) overdue: the current window is missing
    + public.events_p20260323 [2026-03-23, 2026-03-30) overdue: the next window is missing
    + public.events_p20260330 [2026-03-30, 2026-04-06) scheduled: premake
    + public.events_p20260406 [2026-04-06, 2026-04-13) scheduled: premake
    = public.events runway 0s -> 27d
    ");
}

#[test]
fn start_says_where_an_empty_table_begins() {
    let policy = "{partition: {key: at, interval: 1 month, premake: 1, start: 2026-01-15}}";
    insta::assert_snapshot!(lines(&with(policy, &[]).plan()), @"
    + public.events_p20260101 [2026-01-01, 2026-02-01) overdue: start
    + public.events_p20260201 [2026-02-01, 2026-03-01) overdue: start
    + public.events_p20260301 [2026-03-01, 2026-04-01) overdue: the current window is missing
    + public.events_p20260401 [2026-04-01, 2026-05-01) overdue: the next window is missing
    = public.events runway 0s -> 48d
    ");
    // With a partition there it says nothing.
    let mut world = with(policy, &[("2026-03-01", "2026-04-01")]);
    insta::assert_snapshot!(lines(&world.plan()), @"
    + public.events_p20260401 [2026-04-01, 2026-05-01) overdue: the next window is missing
    = public.events runway 18d -> 48d
    ");
}

#[test]
fn a_start_in_the_future_is_awaited() {
    let policy = "{partition: {key: at, interval: 1 month, premake: 3, start: 2026-05-01}}";
    insta::assert_snapshot!(lines(&with(policy, &[]).plan()), @"
    + public.events_p20260501 [2026-05-01, 2026-06-01) overdue: premake
    + public.events_p20260601 [2026-06-01, 2026-07-01) scheduled: premake
    = public.events runway 0s
    ");
    let late = "{partition: {key: at, interval: 1 month, premake: 1, start: 2027-01-01}}";
    insta::assert_snapshot!(lines(&with(late, &[]).plan()), @"= public.events runway 0s");
}

#[test]
fn a_start_before_the_retention_edge_makes_nothing_that_would_leave_at_once() {
    let policy =
        "{partition: {key: at, interval: 1 month, premake: 1, start: 2020-01-01}, retention: {keep: 2 months}}";
    insta::assert_snapshot!(lines(&with(policy, &[]).plan()), @"
    + public.events_p20260101 [2026-01-01, 2026-02-01) overdue: start
    + public.events_p20260201 [2026-02-01, 2026-03-01) overdue: start
    + public.events_p20260301 [2026-03-01, 2026-04-01) overdue: the current window is missing
    + public.events_p20260401 [2026-04-01, 2026-05-01) overdue: the next window is missing
    = public.events runway 0s -> 48d
    ");
}

#[test]
fn only_future_partitions_still_need_the_current_one() {
    let leaves = [("2026-05-01", "2026-06-01")];
    let mut world = with("{partition: {key: at, interval: 1 month, premake: 1}}", &leaves);
    insta::assert_snapshot!(lines(&world.plan()), @"
    + public.events_p20260301 [2026-03-01, 2026-04-01) overdue: the current window is missing
    + public.events_p20260401 [2026-04-01, 2026-05-01) overdue: the next window is missing
    = public.events runway 0s -> 79d
    ");
    let mut world = with("{partition: {key: at, interval: 1 month, premake: 1, start: 2026-04-01}}", &leaves);
    insta::assert_snapshot!(lines(&world.plan()), @"
    + public.events_p20260401 [2026-04-01, 2026-05-01) overdue: the next window is missing
    = public.events runway 0s
    ");
}

#[test]
fn gaps_are_filled_and_partly_covered_windows_get_a_bridge() {
    let leaves = [("2026-01-01", "2026-02-01"), ("2026-03-10", "2026-03-20"), ("2026-03-20", "2026-04-01")];
    let mut world = with("{partition: {key: at, interval: 1 month, premake: 1}}", &leaves);
    insta::assert_snapshot!(lines(&world.plan()), @"
    + public.events_p20260201 [2026-02-01, 2026-03-01) drift: gap
    + public.events_p20260301 [2026-03-01, 2026-03-10) drift: bridge to the grid
    + public.events_p20260401 [2026-04-01, 2026-05-01) overdue: the next window is missing
    = public.events runway 18d -> 48d
    ");
}

#[test]
fn a_wider_partition_covers_all_its_windows() {
    let mut world = with("{partition: {key: at, interval: 1 month, premake: 1}}", &[("2026-01-01", "2027-01-01")]);
    insta::assert_snapshot!(lines(&world.plan()), @"= public.events runway 293d");
    world.now("2026-12-15");
    insta::assert_snapshot!(lines(&world.plan()), @"
    + public.events_p20270101 [2027-01-01, 2027-02-01) overdue: the next window is missing
    = public.events runway 17d -> 48d
    ");
}

#[test]
fn a_straddling_partition_is_bridged_and_named() {
    let mut world = with("{partition: {key: at, interval: 1 month, premake: 2}}", &[("2026-02-10", "2026-04-05")]);
    insta::assert_snapshot!(lines(&world.plan()), @"
    + public.events_p20260405 [2026-04-05, 2026-05-01) overdue: bridge to the grid
    + public.events_p20260501 [2026-05-01, 2026-06-01) scheduled: premake
    ? public.events STRADDLING public.events_20260210: FOR VALUES FROM ('2026-02-10 00:00:00+00') TO ('2026-04-05 00:00:00+00') fits no window of the grid
    = public.events runway 22d -> 79d
    ");
}

#[test]
fn unbounded_partitions_cover_what_they_cover() {
    let policy = "{partition: {key: at, interval: 1 month, premake: 1}}";
    insta::assert_snapshot!(lines(&with(policy, &[("MINVALUE", "2026-03-01")]).plan()), @"
    + public.events_p20260301 [2026-03-01, 2026-04-01) overdue: the current window is missing
    + public.events_p20260401 [2026-04-01, 2026-05-01) overdue: the next window is missing
    ? public.events UNBOUNDED public.events_minvalue: FOR VALUES FROM (MINVALUE) TO ('2026-03-01 00:00:00+00') is open below
    = public.events runway 0s -> 48d
    ");
    insta::assert_snapshot!(lines(&with(policy, &[("2026-02-01", "2026-03-01"), ("2026-04-01", "MAXVALUE")]).plan()), @"
    + public.events_p20260301 [2026-03-01, 2026-04-01) drift: gap
    ? public.events UNBOUNDED public.events_20260401: FOR VALUES FROM ('2026-04-01 00:00:00+00') TO (MAXVALUE): without an upper bound it never leaves
    ? public.events CATCH_ALL public.events_20260401: FOR VALUES FROM ('2026-04-01 00:00:00+00') TO (MAXVALUE) takes the rows of the wanted window 2026-04-01 00:00:00+00 to 2026-05-01 00:00:00+00, which cannot be made; retention never removes it
    = public.events runway 0s -> 18d
    ");
    insta::assert_snapshot!(lines(&with(policy, &[("MINVALUE", "MAXVALUE")]).plan()), @"
    ? public.events UNBOUNDED public.events_minvalue: FOR VALUES FROM (MINVALUE) TO (MAXVALUE): without an upper bound it never leaves
    ? public.events CATCH_ALL public.events_minvalue: FOR VALUES FROM (MINVALUE) TO (MAXVALUE) takes the rows of 2 wanted windows (2026-03-01 00:00:00+00 to 2026-05-01 00:00:00+00), which cannot be made; retention never removes it
    = public.events runway 0s
    ");
    let mut world = with(policy, &[]);
    world.leaf_of("public.events", "FOR VALUES FROM ('-infinity') TO ('2026-03-01 00:00:00+00')");
    world.leaf_of("public.events", "FOR VALUES FROM ('2026-05-01 00:00:00+00') TO ('infinity')");
    insta::assert_snapshot!(lines(&world.plan()), @"
    + public.events_p20260301 [2026-03-01, 2026-04-01) overdue: the current window is missing
    + public.events_p20260401 [2026-04-01, 2026-05-01) overdue: the next window is missing
    ? public.events UNBOUNDED public.events_odd1000: FOR VALUES FROM ('-infinity') TO ('2026-03-01 00:00:00+00'): such bounds never leave
    ? public.events UNBOUNDED public.events_odd1001: FOR VALUES FROM ('2026-05-01 00:00:00+00') TO ('infinity'): such bounds never leave
    = public.events runway 0s -> 48d
    ");
}

#[test]
fn a_finer_interval_begins_after_the_last_partition() {
    let mut world = with(
        "{partition: {key: at, interval: 1 week, premake: 2}}",
        &[("2026-02-01", "2026-03-01"), ("2026-03-01", "2026-04-01")],
    );
    world.now("2026-03-30");
    insta::assert_snapshot!(lines(&world.plan()), @"
    + public.events_p20260401 [2026-04-01, 2026-04-06) overdue: bridge to the grid
    + public.events_p20260406 [2026-04-06, 2026-04-13) overdue: the next window is missing
    + public.events_p20260413 [2026-04-13, 2026-04-20) scheduled: premake
    ? public.events STRADDLING public.events_20260201: FOR VALUES FROM ('2026-02-01 00:00:00+00') TO ('2026-03-01 00:00:00+00') fits no window of the grid
    ? public.events STRADDLING public.events_20260301: FOR VALUES FROM ('2026-03-01 00:00:00+00') TO ('2026-04-01 00:00:00+00') fits no window of the grid
    ? public.events INTERVAL_DIFFERS public.events_20260301: the newest partitions are not 1 week wide (2026-03-01 00:00:00+00 to 2026-04-01 00:00:00+00): the policy's interval takes effect at 2026-04-06 00:00:00+00
    = public.events runway 2d -> 21d
    ");
}

#[test]
fn a_wider_interval_begins_with_a_bridge() {
    let policy = "{partition: {key: at, interval: 1 month, premake: 1}}";
    let mut world = with(policy, &[("2026-03-14", "2026-03-15"), ("2026-03-15", "2026-03-16")]);
    insta::assert_snapshot!(lines(&world.plan()), @"
    + public.events_p20260316 [2026-03-16, 2026-04-01) overdue: bridge to the grid
    + public.events_p20260401 [2026-04-01, 2026-05-01) overdue: the next window is missing
    ? public.events INTERVAL_DIFFERS public.events_20260315: the newest partitions are not 1 month wide (2026-03-15 00:00:00+00 to 2026-03-16 00:00:00+00): the policy's interval takes effect at 2026-04-01 00:00:00+00
    = public.events runway 2d -> 48d
    ");
}

#[test]
fn another_anchor_begins_after_the_last_partition() {
    let policy = "{partition: {key: at, interval: 1 week, premake: 1, anchor: 2000-01-02}}";
    insta::assert_snapshot!(lines(&with(policy, &[("2026-03-09", "2026-03-16")]).plan()), @"
    + public.events_p20260316 [2026-03-16, 2026-03-22) overdue: bridge to the grid
    ? public.events STRADDLING public.events_20260309: FOR VALUES FROM ('2026-03-09 00:00:00+00') TO ('2026-03-16 00:00:00+00') fits no window of the grid
    = public.events runway 2d -> 8d
    ");
}

#[test]
fn another_zone_begins_after_the_last_partition() {
    let policy = "{partition: {key: at, interval: 1 day, premake: 1, timezone: America/New_York}}";
    insta::assert_snapshot!(lines(&with(policy, &[("2026-03-13", "2026-03-14"), ("2026-03-14", "2026-03-15")]).plan()), @"
    + public.events_p20260314 [2026-03-15, 2026-03-15 04) overdue: bridge to the grid
    ? public.events STRADDLING public.events_20260313: FOR VALUES FROM ('2026-03-13 00:00:00+00') TO ('2026-03-14 00:00:00+00') fits no window of the grid
    ? public.events STRADDLING public.events_20260314: FOR VALUES FROM ('2026-03-14 00:00:00+00') TO ('2026-03-15 00:00:00+00') fits no window of the grid
    = public.events runway 24h -> 28h
    ");
}

#[test]
fn a_taken_name_gets_a_number_and_then_a_finding() {
    let mut world = with("{partition: {key: at, interval: 1 month, premake: 1}}", &[("2026-03-01", "2026-04-01")]);
    world.names.insert(TableName::new("public", "events_p20260401"));
    insta::assert_snapshot!(lines(&world.plan()), @"
    + public.events_p20260401_2 [2026-04-01, 2026-05-01) overdue: the next window is missing
    ? public.events NAME_TAKEN public.events_p20260401: its name is taken: the partition FOR VALUES FROM ('2026-04-01 00:00:00+00') TO ('2026-05-01 00:00:00+00') is called public.events_p20260401_2
    = public.events runway 18d -> 48d
    ");
    // As many as are in the way: what was answered first is passed over when it asks again.
    for n in 2..=6 {
        world.names.insert(TableName::new("public", format!("events_p20260401_{n}")));
    }
    let planned = lines(&world.plan());
    assert!(planned.starts_with("+ public.events_p20260401_7 [2026-04-01, 2026-05-01)"), "{planned}");
    // Not for ever: nobody asks for thousands of names.
    for n in 7..=200 {
        world.names.insert(TableName::new("public", format!("events_p20260401_{n}")));
    }
    insta::assert_snapshot!(lines(&world.plan()), @"
    ? public.events NO_NAME_LEFT public.events_p20260401: no partition FOR VALUES FROM ('2026-04-01 00:00:00+00') TO ('2026-05-01 00:00:00+00'): public.events_p20260401 and every name like it that was asked for are taken
    = public.events runway 18d
    ");
}

#[test]
fn bridges_that_begin_in_one_window_have_a_name_each() {
    let days = |n: u32| (format!("2026-03-{:02}", 3 * n + 1), format!("2026-03-{:02}", 3 * n + 3));
    let leaves: Vec<(String, String)> = (0..9).map(days).collect();
    let leaves: Vec<(&str, &str)> = leaves.iter().map(|(from, to)| (from.as_str(), to.as_str())).collect();
    let policy = "{partition: {key: at, interval: 1 month, premake: 1, name: '{table}_{start:%Y%m}'}}";
    let mut world = with(policy, &leaves);
    let made = |planned: &str| {
        let made = planned.lines().filter(|line| line.starts_with("+ public.events_202603"));
        made.map(|line| line.split(' ').nth(1).unwrap().to_owned()).collect::<std::collections::BTreeSet<_>>()
    };
    let names = made(&lines(&world.plan()));
    assert_eq!(names.len(), 9, "{names:?}");
    assert!(names.contains("public.events_202603") && names.contains("public.events_202603_9"), "{names:?}");
}

#[test]
fn tables_whose_names_are_cut_alike_share_no_partition_name() {
    let long = "a".repeat(60);
    let policy = format!(
        "tables: {{public.{long}x: {{partition: {{key: at, interval: 1 month, premake: 1}}}}, public.{long}y: {{partition: {{key: at, interval: 1 month, premake: 1}}}}}}"
    );
    let mut world = World::new("2026-03-14", &policy);
    let plan = run(&mut world, &crate::plan::PlanOptions::at(crate::testing::at("2026-03-14")));
    let names: std::collections::BTreeSet<_> = plan.steps.iter().map(|step| step.action.partition()).collect();
    assert_eq!((plan.steps.len(), names.len()), (4, 4), "{}", lines(&plan));
}

#[test]
fn an_unknown_name_is_tried_and_said() {
    let mut world = with("{partition: {key: at, interval: 1 month, premake: 1}}", &[("2026-03-01", "2026-04-01")]);
    let name = TableName::new("public", "events_p20260401");
    world.unknown.insert(crate::catalog::Question::NameTaken { name }, "canceling statement due to timeout".to_owned());
    insta::assert_snapshot!(lines(&world.plan()), @"
    + public.events_p20260401 [2026-04-01, 2026-05-01) overdue: the next window is missing
    ? public.events UNKNOWN public.events_p20260401: whether this name is taken is unknown: canceling statement due to timeout
    = public.events runway 18d -> 48d
    ");
}

#[test]
fn a_pending_detach_is_finalized_before_what_overlaps_it() {
    let policy = "{partition: {key: at, interval: 1 month, premake: 1}}";
    let mut world = with(policy, &[("2026-02-01", "2026-03-01"), ("2026-03-01", "2026-04-01")]);
    let pending = world.leaf("public.events", "2026-04-01", "2026-05-01");
    world.leaf_mut(pending).pending = true;
    insta::assert_snapshot!(lines(&world.plan()), @"
    - finalize public.events_20260401 [2026-04-01, 2026-05-01) drift: an interrupted detach (it carries no marker: it stays as a table of its own)
    + public.events_p20260401 [2026-04-01, 2026-05-01) overdue: the next window is missing needs finalize public.events_20260401
    = public.events runway 18d -> 48d
    ");
    // The current window is missing as well, and does not wait.
    let mut world = with(policy, &[("2026-02-01", "2026-03-01")]);
    let pending = world.leaf("public.events", "2026-04-01", "2026-05-01");
    world.leaf_mut(pending).pending = true;
    insta::assert_snapshot!(lines(&world.plan()), @"
    + public.events_p20260301 [2026-03-01, 2026-04-01) overdue: the current window is missing
    - finalize public.events_20260401 [2026-04-01, 2026-05-01) drift: an interrupted detach (it carries no marker: it stays as a table of its own)
    + public.events_p20260401 [2026-04-01, 2026-05-01) overdue: the next window is missing needs finalize public.events_20260401
    = public.events runway 0s -> 48d
    ");
}

#[test]
fn a_subscriber_needs_each_new_table() {
    let mut world = with("{partition: {key: at, interval: 1 month, premake: 1}}", &[("2026-03-01", "2026-04-01")]);
    world.root("public.events").leaf_publications.insert("pub".to_owned());
    insta::assert_snapshot!(lines(&world.plan()), @"
    + public.events_p20260401 [2026-04-01, 2026-05-01) overdue: the next window is missing !SUBSCRIBER_NEEDS_TABLE
    = public.events runway 18d -> 48d
    ");
}

#[test]
fn what_inserts_need_comes_first_within_max_create() {
    let policy = "tables: {public.events: {partition: {key: at, interval: 1 month, premake: 2, start: 2025-10-01}}}\napply: {max_create: 4}";
    insta::assert_snapshot!(lines(&World::new("2026-03-14", policy).plan()), @"
    + public.events_p20251001 [2025-10-01, 2025-11-01) overdue: start | BLOCKED 8 partitions to create, more than apply.max_create (4): raise it, or start later
    + public.events_p20251101 [2025-11-01, 2025-12-01) overdue: start | BLOCKED 8 partitions to create, more than apply.max_create (4): raise it, or start later
    + public.events_p20251201 [2025-12-01, 2026-01-01) overdue: start | BLOCKED 8 partitions to create, more than apply.max_create (4): raise it, or start later
    + public.events_p20260101 [2026-01-01, 2026-02-01) overdue: start | BLOCKED 8 partitions to create, more than apply.max_create (4): raise it, or start later
    + public.events_p20260201 [2026-02-01, 2026-03-01) overdue: start
    + public.events_p20260301 [2026-03-01, 2026-04-01) overdue: the current window is missing
    + public.events_p20260401 [2026-04-01, 2026-05-01) overdue: the next window is missing
    + public.events_p20260501 [2026-05-01, 2026-06-01) scheduled: premake
    = public.events runway 0s -> 79d
    ");
}

#[test]
fn dates_and_local_times_are_read_in_the_policys_zone() {
    // 2026-03-14 12:00 UTC is the 15th in Auckland.
    let policy =
        "tables: {public.events: {partition: {key: at, interval: 1 day, premake: 1, timezone: Pacific/Auckland}}}";
    for kind in [KeyKind::Date, KeyKind::Timestamp] {
        let mut world = World::with_key("2026-03-14 12:00", kind, policy);
        let created: Vec<String> = world.plan().steps.iter().map(|step| step.action.object().to_string()).collect();
        assert_eq!(created, ["public.events_p20260315", "public.events_p20260316"], "{kind}");
    }
    let mut world = World::with_key(
        "2026-03-14",
        KeyKind::Date,
        "tables: {public.events: {partition: {key: at, interval: 1 day}}}",
    );
    insta::assert_snapshot!(lines(&world.plan()), @"? public.events KEY_MISMATCH: `timezone` is mandatory for a date key: name the zone its values are in");
}
