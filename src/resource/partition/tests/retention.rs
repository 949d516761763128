//! Which partitions leave, and why others stay.

use super::{daily, with};
use crate::catalog::{LeafKind, Oid, Question};
use crate::grid::KeyKind;
use crate::testing::{World, findings, lines, run};

#[test]
fn a_partition_leaves_when_its_end_is_at_the_edge() {
    // Keep ten days at midnight of the 14th: the edge is the 4th.
    let mut world = daily("2026-03-02", "2026-03-16", "");
    insta::assert_snapshot!(lines(&world.plan()), @"
    - mark public.events_20260302 [2026-03-02, 2026-03-03) scheduled: retention
    - detach concurrently public.events_20260302 [2026-03-02, 2026-03-03) scheduled: retention (drop due 2026-03-21) needs mark public.events_20260302
    - stamp public.events_20260302 [2026-03-02, 2026-03-03) scheduled: retention needs detach public.events_20260302
    - mark public.events_20260303 [2026-03-03, 2026-03-04) scheduled: retention
    - detach concurrently public.events_20260303 [2026-03-03, 2026-03-04) scheduled: retention (drop due 2026-03-21) needs mark public.events_20260303
    - stamp public.events_20260303 [2026-03-03, 2026-03-04) scheduled: retention needs detach public.events_20260303
    = public.events runway 2d
    ");
    world.snapshot.taken_at = crate::testing::at("2026-03-13T23:59:59.999999Z");
    let left: Vec<String> = world.plan().steps.iter().map(|step| step.id.to_string()).collect();
    insta::assert_snapshot!(left.join("\n"), @"
    mark public.events_20260302
    detach public.events_20260302
    stamp public.events_20260302
    ");
}

#[test]
fn dates_leave_by_the_day_of_their_zone() {
    let policy = "tables: {public.events: {partition: {key: at, interval: 1 day, premake: 1, timezone: America/New_York}, retention: {keep: 1 day}}}";
    for (now, leaves) in [("2026-03-14 03:59", 0), ("2026-03-14 04:00", 3)] {
        let mut world = World::with_key(now, KeyKind::Date, policy);
        world.windows("public.events", "2026-03-12", "2026-03-16");
        let removed = world.plan().steps.iter().filter(|step| step.action.verb() == crate::plan::Verb::Detach).count();
        assert_eq!(removed, leaves, "{now}");
    }
}

#[test]
fn parts_and_spans_leave_and_straddling_ones_only_if_told() {
    let leaves = [
        ("2025-01-01", "2025-04-01"), // span
        ("2025-04-01", "2025-04-15"), // part
        ("2025-04-15", "2025-06-10"), // straddling
        ("2025-06-10", "2025-07-01"), // part
        ("2025-07-01", "2025-08-01"), // exact
        ("2026-03-01", "2026-05-01"),
    ];
    for straddling in ["keep", "remove"] {
        let policy = format!(
            "{{partition: {{key: at, interval: 1 month, premake: 1}}, retention: {{keep: 6 months, straddling: {straddling}}}}}"
        );
        let mut world = with(&policy, &leaves);
        world.desired.apply.max_drop.windows = 10;
        let text = lines(&world.plan())
            .lines()
            .filter(|line| !line.starts_with("- mark ") && !line.starts_with("- stamp "))
            .collect::<Vec<_>>()
            .join("\n");
        if straddling == "keep" {
            insta::assert_snapshot!(text, @"
            - detach concurrently public.events_20250101 [2025-01-01, 2025-04-01) overdue: retention needs mark public.events_20250101
            - detach concurrently public.events_20250401 [2025-04-01, 2025-04-15) overdue: retention needs mark public.events_20250401
            - detach concurrently public.events_20250610 [2025-06-10, 2025-07-01) overdue: retention needs mark public.events_20250610
            - detach concurrently public.events_20250701 [2025-07-01, 2025-08-01) overdue: retention needs mark public.events_20250701
            ? public.events STRADDLING public.events_20250415: FOR VALUES FROM ('2025-04-15 00:00:00+00') TO ('2025-06-10 00:00:00+00') fits no grid: its time is over, and it is left alone
            = public.events runway 48d
            ");
        } else {
            insta::assert_snapshot!(text, @"
            - detach concurrently public.events_20250101 [2025-01-01, 2025-04-01) overdue: retention needs mark public.events_20250101
            - detach concurrently public.events_20250401 [2025-04-01, 2025-04-15) overdue: retention needs mark public.events_20250401
            - detach concurrently public.events_20250415 [2025-04-15, 2025-06-10) overdue: retention needs mark public.events_20250415
            - detach concurrently public.events_20250610 [2025-06-10, 2025-07-01) overdue: retention needs mark public.events_20250610
            - detach concurrently public.events_20250701 [2025-07-01, 2025-08-01) overdue: retention needs mark public.events_20250701
            = public.events runway 48d
            ");
        }
    }
}

#[test]
fn what_is_open_below_leaves_by_its_upper_bound() {
    let policy = |straddling: &str| {
        format!("{{partition: {{key: at, interval: 1 month, premake: 1}}, retention: {{keep: 1 month{straddling}}}}}")
    };
    let world =
        |end: &str, straddling: &str| with(&policy(straddling), &[("MINVALUE", end), ("2026-03-01", "2026-05-01")]);
    insta::assert_snapshot!(lines(&world("2025-01-01", "").plan()), @"
    - mark public.events_minvalue [MINVALUE, 2025-01-01) overdue: retention
    - detach concurrently public.events_minvalue [MINVALUE, 2025-01-01) overdue: retention needs mark public.events_minvalue
    - stamp public.events_minvalue [MINVALUE, 2025-01-01) overdue: retention needs detach public.events_minvalue
    = public.events runway 48d
    ");
    // Younger than its retention, and known to be such.
    insta::assert_snapshot!(lines(&world("2026-03-01", "").plan()), @"
    ? public.events UNBOUNDED public.events_minvalue: FOR VALUES FROM (MINVALUE) TO ('2026-03-01 00:00:00+00') is open below, and it leaves by its upper bound
    = public.events runway 48d
    ");
    // One whose end is off the grid fits no more than any other that is.
    insta::assert_snapshot!(lines(&world("2025-01-10", "").plan()), @"
    ? public.events STRADDLING public.events_minvalue: FOR VALUES FROM (MINVALUE) TO ('2025-01-10 00:00:00+00') fits no grid: its time is over, and it is left alone
    = public.events runway 48d
    ");
    let text = lines(&world("2025-01-10", ", straddling: remove").plan());
    assert!(text.contains("- detach concurrently public.events_minvalue [MINVALUE, 2025-01-10)"), "{text}");
}

#[test]
fn unbounded_partitions_never_leave() {
    let mut world = with(
        "{partition: {key: at, interval: 1 month, premake: 1}, retention: {keep: 1 month}}",
        &[("2026-03-01", "2026-05-01")],
    );
    world.leaf_of("public.events", "FOR VALUES FROM ('-infinity') TO ('2025-01-01 00:00:00+00')");
    world.leaf_of("public.events", "FOR VALUES FROM ('0044-03-15 00:00:00+00 BC') TO ('0001-01-01 00:00:00+00')");
    insta::assert_snapshot!(lines(&world.plan()), @"
    ? public.events UNBOUNDED public.events_odd1001: FOR VALUES FROM ('-infinity') TO ('2025-01-01 00:00:00+00'): such bounds never leave
    ? public.events UNBOUNDED public.events_odd1002: FOR VALUES FROM ('0044-03-15 00:00:00+00 BC') TO ('0001-01-01 00:00:00+00'): such bounds never leave
    = public.events runway 48d
    ");
}

#[test]
fn foreign_and_partitioned_ones_stay() {
    let mut world = daily("2026-03-02", "2026-03-16", "");
    let leaves: Vec<Oid> = world.root("public.events").leaves.keys().copied().collect();
    world.leaf_mut(leaves[0]).kind = LeafKind::Foreign;
    world.leaf_mut(leaves[1]).kind = LeafKind::Partitioned;
    insta::assert_snapshot!(lines(&world.plan()), @"
    ? public.events NOT_REMOVABLE public.events_20260302: a foreign table: its time is over, and it is left alone
    ? public.events NOT_REMOVABLE public.events_20260303: partitioned itself: its time is over, and it is left alone
    = public.events runway 2d
    ");
}

#[test]
fn the_newest_with_rows_stays_however_old() {
    let mut world = daily("2026-03-01", "2026-03-04", "");
    let leaves: Vec<Oid> = world.root("public.events").leaves.keys().copied().collect();
    insta::assert_snapshot!(lines(&world.plan()), @"
    + public.events_p20260314 [2026-03-14, 2026-03-15) overdue: the current window is missing
    + public.events_p20260315 [2026-03-15, 2026-03-16) overdue: the next window is missing
    - mark public.events_20260301 [2026-03-01, 2026-03-02) overdue: retention
    - detach concurrently public.events_20260301 [2026-03-01, 2026-03-02) overdue: retention (drop due 2026-03-21) needs mark public.events_20260301
    - stamp public.events_20260301 [2026-03-01, 2026-03-02) overdue: retention needs detach public.events_20260301
    - mark public.events_20260302 [2026-03-02, 2026-03-03) scheduled: retention
    - detach concurrently public.events_20260302 [2026-03-02, 2026-03-03) scheduled: retention (drop due 2026-03-21) needs mark public.events_20260302
    - stamp public.events_20260302 [2026-03-02, 2026-03-03) scheduled: retention needs detach public.events_20260302
    ? public.events NEWEST_WITH_ROWS public.events_20260303: its time is over, and it stays: the newest partition with rows
    = public.events runway 0s -> 2d
    ");
    // Its younger neighbour is empty, and leaves.
    world.rows.remove(&leaves[2]);
    insta::assert_snapshot!(findings(&world.plan()), @"? public.events NEWEST_WITH_ROWS public.events_20260302: its time is over, and it stays: the newest partition with rows");
    let left: Vec<String> =
        world.plan().steps.iter().map(|step| step.id.to_string()).filter(|id| id.starts_with("detach")).collect();
    assert_eq!(left, ["detach public.events_20260301", "detach public.events_20260303"]);
}

#[test]
fn without_knowing_the_newest_nothing_leaves() {
    let mut world = daily("2026-03-02", "2026-03-16", "");
    let root = world.root("public.events").oid;
    world.unknown.insert(Question::NewestNonEmpty { root }, "permission denied".to_owned());
    insta::assert_snapshot!(lines(&world.plan()), @"
    - mark public.events_20260302 [2026-03-02, 2026-03-03) scheduled: retention | BLOCKED which partition is the newest with rows is unknown: permission denied
    - detach concurrently public.events_20260302 [2026-03-02, 2026-03-03) scheduled: retention (drop due 2026-03-21) needs mark public.events_20260302 | BLOCKED which partition is the newest with rows is unknown: permission denied
    - stamp public.events_20260302 [2026-03-02, 2026-03-03) scheduled: retention needs detach public.events_20260302 | BLOCKED which partition is the newest with rows is unknown: permission denied
    - mark public.events_20260303 [2026-03-03, 2026-03-04) scheduled: retention | BLOCKED which partition is the newest with rows is unknown: permission denied
    - detach concurrently public.events_20260303 [2026-03-03, 2026-03-04) scheduled: retention (drop due 2026-03-21) needs mark public.events_20260303 | BLOCKED which partition is the newest with rows is unknown: permission denied
    - stamp public.events_20260303 [2026-03-03, 2026-03-04) scheduled: retention needs detach public.events_20260303 | BLOCKED which partition is the newest with rows is unknown: permission denied
    ? public.events UNKNOWN: which partition is the newest with rows is unknown: permission denied
    = public.events runway 2d
    ");
}

#[test]
fn a_newest_that_is_not_attached_is_unknown() {
    let mut world = daily("2026-03-03", "2026-03-16", "");
    let root = world.root("public.events").oid;
    let options = world.options();
    world.ask(&options);
    let answer = crate::catalog::Answer::Leaf(Some(Oid(99_999)));
    world.snapshot.answers.put(Question::NewestNonEmpty { root }, answer);
    let plan = crate::plan::plan(&world.desired, &world.snapshot, &options);
    assert!(plan.steps.iter().all(|step| step.gate.is_blocked()), "{}", lines(&plan));
}

#[test]
fn holds_of_any_source_keep_the_whole_partition() {
    let hold = "holds: {m: {tables: [public.events], from: 2026-03-02 12:00, to: 2026-03-02 13:00, reason: x}}";
    let mut world = daily("2026-03-01", "2026-03-16", hold);
    let leaves: Vec<Oid> = world.root("public.events").leaves.keys().copied().collect();
    world.leaf_mut(leaves[0]).held = true;
    insta::assert_snapshot!(lines(&world.plan()), @"
    - mark public.events_20260303 [2026-03-03, 2026-03-04) scheduled: retention
    - detach concurrently public.events_20260303 [2026-03-03, 2026-03-04) scheduled: retention (drop due 2026-03-21) needs mark public.events_20260303
    - stamp public.events_20260303 [2026-03-03, 2026-03-04) scheduled: retention needs detach public.events_20260303
    ? public.events HELD public.events_20260301: its time is over, and it stays: held by a line `pgstrata: hold` in its comment
    ? public.events HELD public.events_20260302: its time is over, and it stays: held by `m`
    = public.events runway 2d
    ");
    world.root("public.events").held = true;
    insta::assert_snapshot!(findings(&world.plan()), @"
    ? public.events HELD public.events_20260301: its time is over, and it stays: held by a line `pgstrata: hold` in its comment
    ? public.events HELD public.events_20260302: its time is over, and it stays: held by a line `pgstrata: hold` in the comment of public.events
    ? public.events HELD public.events_20260303: its time is over, and it stays: held by a line `pgstrata: hold` in the comment of public.events
    ");
}

#[test]
fn holds_are_half_open_and_may_be_without_end_or_table() {
    for (hold, kept) in [
        ("{from: 2026-03-02, to: 2026-03-03, reason: x}", 1),
        ("{from: 2026-03-02, reason: x}", 2),
        ("{to: 2026-03-02, reason: x}", 1),
        ("{reason: x}", 3),
        ("{tables: [public.other], reason: x}", 0),
        ("{from: 2026-03-04, reason: x}", 0),
    ] {
        let policy = format!(
            "tables: {{public.events: {{partition: {{key: at, interval: 1 day, premake: 1}}, retention: {{keep: 10 days}}}}, public.other: {{partition: {{key: at, interval: 1 day}}}}}}\nholds: {{m: {hold}}}"
        );
        let mut world = World::new("2026-03-14", &policy);
        world.windows("public.events", "2026-03-01", "2026-03-16");
        let plan = world.plan();
        let held = plan.findings.iter().filter(|finding| finding.code == crate::plan::Code::Held).count();
        assert_eq!(held, kept, "{hold}\n{}", lines(&plan));
    }
}

#[test]
fn an_interrupted_removal_goes_on_where_it_stopped() {
    let mut world = daily("2026-03-03", "2026-03-16", "");
    let old = *world.root("public.events").leaves.keys().next().unwrap();
    world.mark("public.events", old);
    insta::assert_snapshot!(lines(&world.plan()), @"
    - detach concurrently public.events_20260303 [2026-03-03, 2026-03-04) scheduled: retention (drop due 2026-03-21)
    - stamp public.events_20260303 [2026-03-03, 2026-03-04) scheduled: retention needs detach public.events_20260303
    = public.events runway 2d
    ");
    world.leaf_mut(old).pending = true;
    insta::assert_snapshot!(lines(&world.plan()), @"
    - finalize public.events_20260303 [2026-03-03, 2026-03-04) drift: an interrupted detach
    - stamp public.events_20260303 [2026-03-03, 2026-03-04) drift: an interrupted detach needs finalize public.events_20260303
    = public.events runway 2d
    ");
    let options = world.options();
    run(&mut world, &options);
    insta::assert_snapshot!(lines(&world.plan()), @"
    ? public.events IN_GRACE public.events_20260303: detached 2026-03-14; drop due 2026-03-21
    = public.events runway 2d
    ");
}

#[test]
fn an_unmarked_pending_detach_is_completed_and_no_more() {
    let mut world = daily("2026-03-03", "2026-03-16", "");
    let old = *world.root("public.events").leaves.keys().next().unwrap();
    world.leaf_mut(old).pending = true;
    insta::assert_snapshot!(lines(&world.plan()), @"
    - finalize public.events_20260303 [2026-03-03, 2026-03-04) drift: an interrupted detach (it carries no marker: it stays as a table of its own)
    = public.events runway 2d
    ");
    let options = world.options();
    run(&mut world, &options);
    assert!(world.snapshot.catalog.retired.is_empty());
    assert!(world.plan().is_empty());
}

#[test]
fn while_a_detach_is_pending_others_wait_for_it() {
    let mut world = daily("2026-03-02", "2026-03-16", "");
    let old = *world.root("public.events").leaves.keys().next().unwrap();
    world.mark("public.events", old);
    world.leaf_mut(old).pending = true;
    insta::assert_snapshot!(lines(&world.plan()), @"
    - finalize public.events_20260302 [2026-03-02, 2026-03-03) drift: an interrupted detach
    - stamp public.events_20260302 [2026-03-02, 2026-03-03) drift: an interrupted detach needs finalize public.events_20260302
    - mark public.events_20260303 [2026-03-03, 2026-03-04) scheduled: retention needs finalize public.events_20260302
    - detach concurrently public.events_20260303 [2026-03-03, 2026-03-04) scheduled: retention (drop due 2026-03-21) needs mark public.events_20260303
    - stamp public.events_20260303 [2026-03-03, 2026-03-04) scheduled: retention needs detach public.events_20260303
    = public.events runway 2d
    ");
}

#[test]
fn a_held_pending_one_is_completed_and_not_stamped() {
    let mut world = daily("2026-03-03", "2026-03-16", "");
    let old = *world.root("public.events").leaves.keys().next().unwrap();
    world.mark("public.events", old);
    let leaf = world.leaf_mut(old);
    (leaf.pending, leaf.held) = (true, true);
    insta::assert_snapshot!(lines(&world.plan()), @"
    - finalize public.events_20260303 [2026-03-03, 2026-03-04) drift: an interrupted detach
    ? public.events HELD public.events_20260303: its grace does not begin when its detach is complete: its comment holds it
    = public.events runway 2d
    ");
    let options = world.options();
    run(&mut world, &options);
    insta::assert_snapshot!(lines(&world.plan()), @"
    ? public.events HELD public.events_20260303: detached, and its grace does not begin: its comment holds it
    = public.events runway 2d
    ");
}

#[test]
fn a_stamp_of_an_earlier_detach_starts_no_grace() {
    // Attached again by hand, its comment left as it was.
    let mut world = daily("2026-03-03", "2026-03-16", "");
    let old = *world.root("public.events").leaves.keys().next().unwrap();
    let mut marker = world.marker("public.events", old);
    marker.detached_at = Some(crate::testing::at("2020-01-01"));
    world.leaf_mut(old).marker = Some(marker);
    insta::assert_snapshot!(lines(&world.plan()), @"
    - mark public.events_20260303 [2026-03-03, 2026-03-04) scheduled: retention
    - detach concurrently public.events_20260303 [2026-03-03, 2026-03-04) scheduled: retention (drop due 2026-03-21) needs mark public.events_20260303
    - stamp public.events_20260303 [2026-03-03, 2026-03-04) scheduled: retention needs detach public.events_20260303
    = public.events runway 2d
    ");
    world.leaf_mut(old).pending = true;
    insta::assert_snapshot!(lines(&world.plan()), @"
    - mark public.events_20260303 [2026-03-03, 2026-03-04) drift: a stamp of an earlier detach
    - finalize public.events_20260303 [2026-03-03, 2026-03-04) drift: an interrupted detach needs mark public.events_20260303
    - stamp public.events_20260303 [2026-03-03, 2026-03-04) drift: an interrupted detach needs finalize public.events_20260303
    = public.events runway 2d
    ");
    let options = world.options();
    run(&mut world, &options);
    insta::assert_snapshot!(lines(&world.plan()), @"
    ? public.events IN_GRACE public.events_20260303: detached 2026-03-14; drop due 2026-03-21
    = public.events runway 2d
    ");
}

#[test]
fn an_old_stamp_on_a_pending_one_goes_whatever_the_policy_keeps() {
    let policy = "{partition: {key: at, interval: 1 day, premake: 1}}";
    let mut world = with(policy, &[("2026-03-14", "2026-03-16")]);
    let pending = world.leaf("public.events", "2026-03-01", "2026-03-02");
    let mut marker = world.marker("public.events", pending);
    marker.detached_at = Some(crate::testing::at("2020-01-01"));
    let leaf = world.leaf_mut(pending);
    (leaf.pending, leaf.marker) = (true, Some(marker));
    world.root("public.events").held = true;
    insta::assert_snapshot!(lines(&world.plan()), @"
    - mark public.events_20260301 [2026-03-01, 2026-03-02) drift: a stamp of an earlier detach
    - finalize public.events_20260301 [2026-03-01, 2026-03-02) drift: an interrupted detach needs mark public.events_20260301
    - stamp public.events_20260301 [2026-03-01, 2026-03-02) drift: an interrupted detach needs finalize public.events_20260301
    = public.events runway 2d
    ");
    let options = world.options();
    run(&mut world, &options);
    assert!(world.plan().is_empty());
}

#[test]
fn a_marker_on_what_the_policy_keeps_is_reported() {
    let mut world = daily("2026-03-04", "2026-03-16", "");
    let first = *world.root("public.events").leaves.keys().next().unwrap();
    world.mark("public.events", first);
    insta::assert_snapshot!(lines(&world.plan()), @"
    ? public.events MARKED_BUT_WANTED public.events_20260304: it is marked as retired, and the policy keeps it: left attached
    = public.events runway 2d
    ");
}

#[test]
fn another_tables_marker_is_replaced() {
    let mut world = daily("2026-03-03", "2026-03-16", "");
    let old = *world.root("public.events").leaves.keys().next().unwrap();
    let mut marker = world.marker("public.events", old);
    marker.oid = Oid(7);
    world.leaf_mut(old).marker = Some(marker);
    let ids: Vec<String> = world.plan().steps.iter().map(|step| step.id.to_string()).collect();
    insta::assert_snapshot!(ids.join("\n"), @"
    mark public.events_20260303
    detach public.events_20260303
    stamp public.events_20260303
    ");
}

#[test]
fn without_grace_the_drop_comes_last_in_the_same_plan() {
    let policy =
        "{partition: {key: at, interval: 1 day, premake: 1}, retention: {keep: 10 days, then: drop, grace: 0 days}}";
    let mut world = with(policy, &[]);
    world.windows("public.events", "2026-03-02", "2026-03-16");
    let blocked = lines(&world.plan());
    insta::assert_snapshot!(blocked, @"
    - mark public.events_20260302 [2026-03-02, 2026-03-03) scheduled: retention
    - detach concurrently public.events_20260302 [2026-03-02, 2026-03-03) scheduled: retention needs mark public.events_20260302
    - stamp public.events_20260302 [2026-03-02, 2026-03-03) scheduled: retention needs detach public.events_20260302
    - mark public.events_20260303 [2026-03-03, 2026-03-04) scheduled: retention
    - detach concurrently public.events_20260303 [2026-03-03, 2026-03-04) scheduled: retention needs mark public.events_20260303
    - stamp public.events_20260303 [2026-03-03, 2026-03-04) scheduled: retention needs detach public.events_20260303
    - drop public.events_20260302 [2026-03-02, 2026-03-03) scheduled: retention, without grace needs stamp public.events_20260302 | BLOCKED DELETES_DATA needs --allow deletes-data:public.events
    - drop public.events_20260303 [2026-03-03, 2026-03-04) scheduled: retention, without grace needs stamp public.events_20260303 | BLOCKED DELETES_DATA needs --allow deletes-data:public.events
    = public.events runway 2d
    ");
    world.desired.apply.allow.insert("deletes-data".parse().unwrap());
    let options = world.options();
    run(&mut world, &options);
    assert!(world.snapshot.catalog.retired.is_empty());
    assert!(world.plan().is_empty());
}

#[test]
fn a_standby_may_cancel_queries() {
    let mut world = daily("2026-03-03", "2026-03-16", "");
    world.snapshot.catalog.has_standbys = true;
    insta::assert_snapshot!(lines(&world.plan()), @"
    - mark public.events_20260303 [2026-03-03, 2026-03-04) scheduled: retention
    - detach concurrently public.events_20260303 [2026-03-03, 2026-03-04) scheduled: retention (drop due 2026-03-21) !CANCELS_STANDBY_QUERIES needs mark public.events_20260303
    - stamp public.events_20260303 [2026-03-03, 2026-03-04) scheduled: retention needs detach public.events_20260303
    = public.events runway 2d
    ");
}

#[test]
fn a_detach_looks_through_tables_that_reference_the_parent() {
    let mut world = daily("2026-03-03", "2026-03-16", "");
    world.root("public.events").referenced_by.insert("public.notes".parse().unwrap());
    insta::assert_snapshot!(lines(&world.plan()), @"
    - mark public.events_20260303 [2026-03-03, 2026-03-04) scheduled: retention | BLOCKED BLOCKS_WRITES needs --allow blocks-writes:public.events
    - detach concurrently public.events_20260303 [2026-03-03, 2026-03-04) scheduled: retention (drop due 2026-03-21) !BLOCKS_WRITES needs mark public.events_20260303 | BLOCKED BLOCKS_WRITES needs --allow blocks-writes:public.events
    - stamp public.events_20260303 [2026-03-03, 2026-03-04) scheduled: retention needs detach public.events_20260303 | BLOCKED needs `detach public.events_20260303`, which is blocked
    = public.events runway 2d
    ");
}
