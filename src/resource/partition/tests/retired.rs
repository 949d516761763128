//! Detached tables.

use super::{daily, with};
use crate::catalog::Oid;
use crate::testing::{World, at, findings, lines, run};

/// A daily table with all its partitions and one detached table.
fn detached(stamp: Option<&str>) -> (World, Oid) {
    let mut world = daily("2026-03-04", "2026-03-16", "");
    let oid = world.retired("public.events", "2026-03-01", "2026-03-02", stamp);
    (world, oid)
}

#[test]
fn grace_runs_from_the_stamp() {
    for (stamp, now) in [
        ("2026-03-08", "2026-03-14"), // running
        ("2026-03-07", "2026-03-14"), // just over
        ("2026-03-05", "2026-03-14"), // late
    ] {
        let (mut world, _) = detached(Some(stamp));
        world.now(now);
        let text = lines(&world.plan());
        match stamp {
            "2026-03-08" => insta::assert_snapshot!(text, @"
            ? public.events IN_GRACE public.events_20260301: detached 2026-03-08; drop due 2026-03-15
            = public.events runway 2d
            "),
            "2026-03-07" => insta::assert_snapshot!(text, @"
            - drop public.events_20260301 [2026-03-01, 2026-03-02) scheduled: grace is over (detached 2026-03-07) | BLOCKED DELETES_DATA needs --allow deletes-data:public.events
            = public.events runway 2d
            "),
            _ => insta::assert_snapshot!(text, @"
            - drop public.events_20260301 [2026-03-01, 2026-03-02) overdue: grace is over (detached 2026-03-05) | BLOCKED DELETES_DATA needs --allow deletes-data:public.events
            = public.events runway 2d
            "),
        }
    }
}

#[test]
fn a_missing_stamp_is_written() {
    let (mut world, _) = detached(None);
    insta::assert_snapshot!(lines(&world.plan()), @"
    - stamp public.events_20260301 [2026-03-01, 2026-03-02) drift: an interrupted detach
    = public.events runway 2d
    ");
    let options = world.options();
    run(&mut world, &options);
    insta::assert_snapshot!(lines(&world.plan()), @"
    ? public.events IN_GRACE public.events_20260301: detached 2026-03-14; drop due 2026-03-21
    = public.events runway 2d
    ");
}

#[test]
fn a_hold_keeps_a_detached_table() {
    let (mut world, oid) = detached(Some("2026-01-01"));
    world.retired_mut(oid).held = true;
    insta::assert_snapshot!(findings(&world.plan()), @"? public.events HELD public.events_20260301: detached 2026-01-01, and it stays: held by a line `pgstrata: hold` in its comment");
    // Without a stamp none is planned: the block that writes it would refuse.
    world.retired_mut(oid).marker.detached_at = None;
    insta::assert_snapshot!(lines(&world.plan()), @"
    ? public.events HELD public.events_20260301: detached, and its grace does not begin: its comment holds it
    = public.events runway 2d
    ");
    let (mut world, _) = detached(Some("2026-01-01"));
    world.root("public.events").held = true;
    insta::assert_snapshot!(findings(&world.plan()), @"? public.events HELD public.events_20260301: detached 2026-01-01, and it stays: held by a line `pgstrata: hold` in the comment of public.events");
}

#[test]
fn a_hold_of_the_policy_keeps_a_detached_table() {
    let mut world =
        daily("2026-03-04", "2026-03-16", "holds: {m: {from: 2026-03-01 23:00, to: 2026-03-02, reason: x}}");
    world.retired("public.events", "2026-03-01", "2026-03-02", Some("2026-01-01"));
    insta::assert_snapshot!(lines(&world.plan()), @"
    ? public.events HELD public.events_20260301: detached 2026-01-01, and it stays: held by `m`
    = public.events runway 2d
    ");
}

#[test]
fn a_policy_that_only_detaches_keeps_it() {
    let policy = "{partition: {key: at, interval: 1 day, premake: 1}, retention: {keep: 10 days}}";
    let mut world = with(policy, &[("2026-03-14", "2026-03-16")]);
    world.retired("public.events", "2026-03-01", "2026-03-02", Some("2026-01-01"));
    insta::assert_snapshot!(lines(&world.plan()), @"
    ? public.events DETACHED public.events_20260301: detached 2026-01-01; the policy says `then: detach`, so it stays
    = public.events runway 2d
    ");
    world.policy("tables: {public.events: {partition: {key: at, interval: 1 day, premake: 1}}}");
    insta::assert_snapshot!(lines(&world.plan()), @"
    ? public.events DETACHED public.events_20260301: detached 2026-01-01; the policy keeps everything, so it stays
    = public.events runway 2d
    ");
}

#[test]
fn a_longer_retention_attaches_it_again_with_a_grant() {
    let (mut world, oid) = detached(Some("2026-03-12"));
    world.retired("public.events", "2026-02-01", "2026-02-02", Some("2026-02-12"));
    world.desired.tables.values_mut().for_each(|table| {
        if let Some(retention) = &mut table.retention {
            retention.keep = crate::policy::Keep::Span("20 days".parse().unwrap());
        }
    });
    insta::assert_snapshot!(lines(&world.plan()), @"
    ~ attach public.events_20260301 [2026-03-01, 2026-03-02) drift: retention keeps this window again | BLOCKED ATTACHES_DATA needs --allow attaches-data:public.events
    - drop public.events_20260201 [2026-02-01, 2026-02-02) overdue: grace is over (detached 2026-02-12) | BLOCKED DELETES_DATA needs --allow deletes-data:public.events
    = public.events runway 2d
    ");
    world.desired.apply.allow.insert("attaches-data".parse().unwrap());
    let options = world.options();
    run(&mut world, &options);
    assert!(world.leaf_mut(oid).marker.is_none());
    // It is the oldest now: what is missing after it is a gap, which only this plan can see.
    insta::assert_snapshot!(lines(&world.plan()), @"
    + public.events_p20260302 [2026-03-02, 2026-03-03) drift: gap
    + public.events_p20260303 [2026-03-03, 2026-03-04) drift: gap
    - drop public.events_20260201 [2026-02-01, 2026-02-02) overdue: grace is over (detached 2026-02-12) | BLOCKED DELETES_DATA needs --allow deletes-data:public.events
    = public.events runway 2d
    ");
    run(&mut world, &options);
    assert!(world.plan().steps.iter().all(|step| step.gate.is_blocked()), "{}", lines(&world.plan()));
}

#[test]
fn a_default_partition_with_its_rows_is_in_the_way_of_coming_back() {
    let policy =
        "{partition: {key: at, interval: 1 day, premake: 1, default_partition: allow}, retention: {keep: 20 days}}";
    let mut world = with(policy, &[("2026-03-14", "2026-03-16")]);
    world.retired("public.events", "2026-03-01", "2026-03-02", Some("2026-03-12"));
    world.default_partition("public.events");
    world.row_in_default("public.events", "2026-03-01 10:00");
    insta::assert_snapshot!(lines(&world.plan()), @"
    ~ attach public.events_20260301 [2026-03-01, 2026-03-02) drift: retention keeps this window again | BLOCKED the default partition has 1 row in this window: move them first; ATTACHES_DATA needs --allow attaches-data:public.events
    ? public.events ROWS_IN_DEFAULT public.events_default: 1 row for public.events_20260301 lies in the default partition: move them out first
    ? public.events ROWS_OUTSIDE_WINDOWS public.events_default: 1 row outside the wanted windows: 1 before 2026-03-14 00:00:00+00 (its only key is 2026-03-01 10:00:00+00)
    = public.events runway 2d
    ");
}

#[test]
fn a_window_that_another_partition_covers_is_taken() {
    let (mut world, _) = detached(Some("2026-03-12"));
    world.leaf("public.events", "2026-03-01", "2026-03-02");
    world.retired("public.events", "2026-03-10", "2026-03-11", Some("2026-03-12"));
    insta::assert_snapshot!(findings(&world.plan()), @"
    ? public.events IN_GRACE public.events_20260301: detached 2026-03-12; drop due 2026-03-19
    ? public.events WINDOW_TAKEN public.events_20260310: detached 2026-03-12; the policy would keep its window, which another partition covers
    ");
}

#[test]
fn of_two_that_want_one_window_back_one_gets_it() {
    let policy = "{partition: {key: at, interval: 1 day, premake: 1}, retention: {keep: 20 days}}";
    let mut world = with(policy, &[("2026-03-14", "2026-03-16")]);
    world.retired("public.events", "2026-03-01", "2026-03-02", Some("2026-03-12"));
    let second = world.retired("public.events", "2026-03-01", "2026-03-02", Some("2026-03-13"));
    world.retired_mut(second).name.name = crate::sql::Ident::new("second");
    world.desired.apply.allow.insert("attaches-data".parse().unwrap());
    let options = world.options();
    let plan = run(&mut world, &options);
    insta::assert_snapshot!(lines(&plan), @"
    ~ attach public.events_20260301 [2026-03-01, 2026-03-02) drift: retention keeps this window again | granted attaches-data by Policy
    ? public.events WINDOW_TAKEN public.second: detached 2026-03-13; the policy would keep its window, which another detached table covers
    = public.events runway 2d
    ");
}

#[test]
fn a_pending_one_that_the_policy_wants_back_is_finalized_and_attached() {
    let mut world = daily("2026-03-03", "2026-03-16", "apply: {allow: [attaches-data]}");
    let old = *world.root("public.events").leaves.keys().next().unwrap();
    world.mark("public.events", old);
    world.leaf_mut(old).pending = true;
    world.now("2026-03-12");
    let options = world.options();
    let plan = run(&mut world, &options);
    insta::assert_snapshot!(lines(&plan), @"
    - finalize public.events_20260303 [2026-03-03, 2026-03-04) drift: an interrupted detach
    ~ attach public.events_20260303 [2026-03-03, 2026-03-04) drift: retention keeps this window again needs finalize public.events_20260303 | granted attaches-data by Policy
    = public.events runway 4d
    ");
    assert!(world.plan().is_empty());
}

#[test]
fn without_retention_it_comes_back_only_where_a_window_is_wanted() {
    let policy = "{partition: {key: at, interval: 1 day, premake: 1}}";
    let mut world = with(policy, &[("2026-03-01", "2026-03-02"), ("2026-03-03", "2026-03-16")]);
    world.retired("public.events", "2026-03-02", "2026-03-03", Some("2026-03-12"));
    world.retired("public.events", "2026-02-02", "2026-02-03", Some("2026-03-12"));
    insta::assert_snapshot!(lines(&world.plan()), @"
    ~ attach public.events_20260302 [2026-03-02, 2026-03-03) drift: retention keeps this window again | BLOCKED ATTACHES_DATA needs --allow attaches-data:public.events
    ? public.events DETACHED public.events_20260202: detached 2026-03-12; the policy keeps everything, so it stays
    = public.events runway 2d
    ");
}

#[test]
fn a_marker_of_another_table_is_never_acted_on() {
    let (mut world, oid) = detached(Some("2020-01-01"));
    world.retired_mut(oid).marker.oid = Oid(7);
    insta::assert_snapshot!(lines(&world.plan()), @"
    ? public.events FOREIGN_MARKER public.events_20260301: its marker is another table's (restored or copied?): never dropped
    = public.events runway 2d
    ");
    let (mut world, oid) = detached(Some("2020-01-01"));
    world.retired_mut(oid).marker.root_oid = Oid(7);
    insta::assert_snapshot!(findings(&world.plan()), @"? public.events FOREIGN_MARKER public.events_20260301: its marker speaks of a table with another OID (restored from a dump?): never dropped");
    let (mut world, oid) = detached(Some("2020-01-01"));
    world.retired_mut(oid).in_use_as = Some("a partition of public.other".to_owned());
    insta::assert_snapshot!(findings(&world.plan()), @"? public.events FOREIGN_MARKER public.events_20260301: it carries a marker, and is a partition of public.other: left alone");
    let (mut world, oid) = detached(Some("2020-01-01"));
    world.retired_mut(oid).marker.to = crate::grid::Bound::Value(crate::grid::KeyValue::Date(3));
    insta::assert_snapshot!(findings(&world.plan()), @"? public.events FOREIGN_MARKER public.events_20260301: the bounds in its marker are of another type than the key: never dropped");
}

#[test]
fn a_stamp_ahead_of_the_clock_waits_longer() {
    let (mut world, oid) = detached(Some("2026-03-01"));
    world.retired_mut(oid).marker.detached_at = Some(at("2026-05-01"));
    insta::assert_snapshot!(findings(&world.plan()), @"? public.events IN_GRACE public.events_20260301: detached 2026-05-01; drop due 2026-05-08");
}

#[test]
fn a_drop_says_what_goes() {
    let (mut world, oid) = detached(Some("2026-03-01"));
    world.bytes.insert(oid, 402 << 30);
    world.retired_mut(oid).rows_estimate = Some(1_900_000_000);
    world.desired.apply.allow.insert("deletes-data:public.events".parse().unwrap());
    let options = world.options();
    let plan = run(&mut world, &options);
    assert_eq!((plan.summary.drop, plan.summary.bytes_freed), (1, Some(402 << 30)));
    assert_eq!((plan.steps[0].stake.bytes, plan.steps[0].stake.rows), (Some(402 << 30), Some(1_900_000_000)));
    assert!(world.snapshot.catalog.retired.is_empty());
}
