//! Default partitions.

use super::with;
use crate::catalog::Question;
use crate::grid::KeyValue;
use crate::sql::TableName;
use crate::testing::{World, findings, lines, run};

const POLICY: &str =
    "{partition: {key: at, interval: 1 month, premake: 1, default_partition: allow}, retention: {keep: 3 months}}";

fn world() -> World {
    with(POLICY, &[("2026-02-01", "2026-03-01"), ("2026-03-01", "2026-04-01")])
}

#[test]
fn an_empty_small_one_is_in_nobodys_way() {
    let mut world = world();
    world.default_partition("public.events");
    insta::assert_snapshot!(lines(&world.plan()), @"
    + public.events_p20260401 [2026-04-01, 2026-05-01) overdue: the next window is missing
    = public.events runway 18d -> 48d
    ");
}

#[test]
fn its_rows_block_their_window_and_no_other() {
    let mut world = with(
        "{partition: {key: at, interval: 1 month, premake: 2, default_partition: allow}}",
        &[("2026-03-01", "2026-04-01")],
    );
    world.default_partition("public.events");
    world.row_in_default("public.events", "2026-04-01");
    world.row_in_default("public.events", "2026-04-30 23:59");
    insta::assert_snapshot!(lines(&world.plan()), @"
    + public.events_p20260401 [2026-04-01, 2026-05-01) overdue: the next window is missing | BLOCKED the default partition has 2 rows in this window: move them first
    + public.events_p20260501 [2026-05-01, 2026-06-01) scheduled: premake
    ? public.events ROWS_IN_DEFAULT public.events_default: 2 rows for public.events_p20260401 lie in the default partition: move them out first
    = public.events runway 18d
    ");
}

#[test]
fn rows_that_could_not_be_counted_block() {
    let mut world = world();
    let leaf = world.default_partition("public.events");
    let [from, to] = ["2026-04-01 00:00:00+00", "2026-05-01 00:00:00+00"]
        .map(|text| KeyValue::parse(crate::grid::KeyKind::Timestamptz, text).unwrap());
    world
        .unknown
        .insert(Question::DefaultRows { leaf, from, to: to.into() }, "a row security policy hides rows".to_owned());
    insta::assert_snapshot!(lines(&world.plan()), @"
    + public.events_p20260401 [2026-04-01, 2026-05-01) overdue: the next window is missing | BLOCKED whether the default partition has rows in this window is unknown
    ? public.events UNKNOWN public.events_default: rows for 2026-04-01 00:00:00+00 to 2026-05-01 00:00:00+00 could not be counted: a row security policy hides rows
    = public.events runway 18d
    ");
}

#[test]
fn a_large_one_or_one_of_unknown_size_needs_a_grant() {
    let mut world = world();
    let leaf = world.default_partition("public.events");
    world.bytes.insert(leaf, 60 << 20);
    insta::assert_snapshot!(lines(&world.plan()), @"
    + public.events_p20260401 [2026-04-01, 2026-05-01) overdue: the next window is missing !BLOCKS_READS,BLOCKS_WRITES | BLOCKED BLOCKS_READS needs --allow blocks-reads:public.events; BLOCKS_WRITES needs --allow blocks-writes:public.events
    = public.events runway 18d
    ");
    world.unknown.insert(Question::Bytes { relation: leaf }, "lock timeout".to_owned());
    let hazard = world.plan().steps[0].hazards[0].detail.clone();
    insta::assert_snapshot!(hazard, @"the attach scans the default partition, of unknown size, under ACCESS EXCLUSIVE");
}

#[test]
fn detaches_block_readers_while_one_is_there() {
    let mut world = world();
    world.leaf("public.events", "2025-10-01", "2025-11-01");
    world.default_partition("public.events");
    insta::assert_snapshot!(lines(&world.plan()), @"
    + public.events_p20260401 [2026-04-01, 2026-05-01) overdue: the next window is missing
    - mark public.events_20251001 [2025-10-01, 2025-11-01) overdue: retention
    - detach public.events_20251001 [2025-10-01, 2025-11-01) overdue: retention needs mark public.events_20251001
    - stamp public.events_20251001 [2025-10-01, 2025-11-01) overdue: retention needs detach public.events_20251001
    = public.events runway 18d -> 48d
    ");
}

#[test]
fn one_that_the_policy_does_not_want_is_reported() {
    let mut world = with("{partition: {key: at, interval: 1 month, premake: 1}}", &[("2026-03-01", "2026-05-01")]);
    world.default_partition("public.events");
    insta::assert_snapshot!(findings(&world.plan()), @"? public.events DEFAULT_PARTITION_PRESENT public.events_default: the policy says `default_partition: none`; an existing one is never removed");
}

#[test]
fn one_that_the_policy_requires_is_made_after_the_windows() {
    let policy = "{partition: {key: at, interval: 1 month, premake: 1, default_partition: require}, retention: {keep: 3 months}}";
    let mut world = with(policy, &[("2025-10-01", "2025-11-01"), ("2026-03-01", "2026-04-01")]);
    insta::assert_snapshot!(lines(&world.plan()), @"
    + public.events_p20260401 [2026-04-01, 2026-05-01) overdue: the next window is missing
    + public.events_default [default] drift: the policy requires a default partition
    - mark public.events_20251001 [2025-10-01, 2025-11-01) overdue: retention
    - detach public.events_20251001 [2025-10-01, 2025-11-01) overdue: retention needs mark public.events_20251001
    - stamp public.events_20251001 [2025-10-01, 2025-11-01) overdue: retention needs detach public.events_20251001
    = public.events runway 18d -> 48d
    ");
    let plan = world.plan();
    let detach = plan.steps.iter().find(|step| step.action.word() == "detach").unwrap();
    let locks: Vec<String> =
        crate::sql::locks(&detach.action, 17).iter().map(|lock| lock.relation.to_string()).collect();
    assert!(locks.contains(&"public.events_default".to_owned()), "the detach locks the new default: {locks:?}");
    let options = world.options();
    run(&mut world, &options);
    insta::assert_snapshot!(lines(&world.plan()), @"
    ? public.events DETACHED public.events_20251001: detached 2026-03-14; the policy says `then: detach`, so it stays
    = public.events runway 48d
    ");
}

#[test]
fn its_name_may_be_taken() {
    let policy = "{partition: {key: at, interval: 1 month, premake: 1, default_partition: require}}";
    let mut world = with(policy, &[("2026-03-01", "2026-05-01")]);
    world.names.insert(TableName::new("public", "events_default"));
    insta::assert_snapshot!(lines(&world.plan()), @"
    + public.events_default_2 [default] drift: the policy requires a default partition
    ? public.events NAME_TAKEN public.events_default: its name is taken: the partition DEFAULT is called public.events_default_2
    = public.events runway 48d
    ");
    world.names.insert(TableName::new("public", "events_default_2"));
    world.names.insert(TableName::new("public", "events_default_3"));
    insta::assert_snapshot!(lines(&world.plan()), @"
    ? public.events NO_NAME_LEFT public.events_default: no partition DEFAULT: public.events_default and every name like it that was asked for are taken
    = public.events runway 48d
    ");
}
