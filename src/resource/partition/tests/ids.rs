//! Ids: the rows tell where the table is.

use crate::catalog::{LeafKey, Oid, Question};
use crate::grid::{KeyKind, KeyValue};
use crate::plan::{Code, HazardKind};
use crate::testing::{World, lines, run};

const TABLE: &str = "public.events";

/// A table of a thousand ids a partition that keeps two thousand.
fn world(partition: &str, leaves: &[(&str, &str)]) -> (World, Vec<Oid>) {
    let policy = format!(
        "tables: {{{TABLE}: {{partition: {{key: id, interval: 1000, {partition}}}, retention: {{keep: 2000, then: drop}}}}}}"
    );
    let mut world = World::with_key("2026-03-14", KeyKind::BigInt, &policy);
    let oids = leaves.iter().map(|(from, to)| world.leaf(TABLE, from, to)).collect();
    (world, oids)
}

fn plan(world: &mut World) -> String {
    lines(&world.plan())
}

#[test]
fn premake_counts_from_the_highest_id() {
    let (mut world, oids) = world("premake: 2", &[("0", "1000"), ("1000", "2000"), ("2000", "3000")]);
    world.rows.remove(&oids[2]);
    assert_eq!(
        plan(&mut world),
        "+ public.events_p3000 [3000, 4000) scheduled: premake\n= public.events runway 1,001 keys -> 2,001 keys\n"
    );
    let options = world.options();
    run(&mut world, &options);
    assert_eq!(plan(&mut world), "= public.events runway 2,001 keys\n");
}

#[test]
fn an_empty_table_starts_where_its_partitions_do_or_where_the_policy_says() {
    let (mut empty, _) = world("premake: 1", &[]);
    assert_eq!(
        plan(&mut empty),
        "\
+ public.events_p0 [0, 1000) overdue: the current window is missing
+ public.events_p1000 [1000, 2000) overdue: the next window is missing
= public.events runway 0 keys -> 2,000 keys
"
    );
    let (mut started, _) = world("premake: 1, start: 5_000_500, anchor: 1", &[]);
    assert!(plan(&mut started).contains("+ public.events_p5000001 [5000001, 5001001) overdue: the current window"));
    let (mut made, oids) = world("premake: 1", &[("7000", "8000")]);
    made.rows.remove(&oids[0]);
    assert!(plan(&mut made).starts_with("+ public.events_p8000 [8000, 9000) overdue: the next window is missing"));
}

#[test]
fn what_lies_far_enough_below_leaves() {
    let (mut world, oids) =
        world("premake: 1", &[("0", "1000"), ("1000", "2000"), ("2000", "3000"), ("3000", "4000"), ("4000", "5000")]);
    world.rows.remove(&oids[4]);
    // The highest is 3000: 1000 is two thousand below, and not a key more.
    world.highest.insert(oids[3], KeyValue::Int(3000));
    let found = plan(&mut world);
    assert!(found.contains("- detach concurrently public.events_0 [0, 1000) scheduled: retention"), "{found}");
    assert!(!found.contains("detach concurrently public.events_1000"), "{found}");
    world.highest.insert(oids[3], KeyValue::Int(2999));
    assert!(!plan(&mut world).contains("detach"));
    // More than an interval late.
    world.highest.insert(oids[3], KeyValue::Int(3999));
    assert!(!plan(&mut world).contains("detach concurrently public.events_0 [0, 1000) overdue"));
    world.rows.insert(oids[4], 1);
    world.highest.insert(oids[4], KeyValue::Int(4001));
    assert!(plan(&mut world).contains("detach concurrently public.events_0 [0, 1000) overdue: retention"));
}

#[test]
fn one_absurd_id_neither_deletes_nor_stops_creation() {
    let leaves = [("0", "1000"), ("1000", "2000"), ("2000", "3000"), ("3000", "4000"), ("900000", "901000")];
    let (mut world, oids) = world("premake: 1", &leaves);
    world.rows.remove(&oids[3]);
    let found = plan(&mut world);
    assert!(!found.contains("detach"), "{found}");
    assert!(found.contains("? public.events ROWS_AHEAD public.events_900000: it has rows up to 900999"), "{found}");
    // The gap below it is not filled: the horizon lies where the rows are.
    assert!(!found.contains("+ "), "{found}");
    assert!(found.contains("runway 1,001 keys"), "{found}");
}

#[test]
fn a_jump_within_the_premade_partitions_moves_the_horizon_and_not_the_edge() {
    let leaves = [("0", "1000"), ("1000", "2000"), ("2000", "3000"), ("3000", "4000"), ("4000", "5000")];
    let (mut world, oids) = world("premake: 3", &leaves);
    world.rows.remove(&oids[2]);
    world.rows.remove(&oids[3]);
    world.highest.insert(oids[4], KeyValue::Int(4000));
    let found = plan(&mut world);
    assert!(found.contains("+ public.events_p7000 [7000, 8000)"), "{found}");
    assert!(!found.contains("detach"), "{found}");
    // With a row below it, it is where the table is.
    world.rows.insert(oids[3], 1);
    assert!(plan(&mut world).contains("- detach concurrently public.events_1000"));
}

#[test]
fn rows_that_are_deleted_do_not_stop_premake() {
    let leaves: Vec<(String, String)> =
        (0..10).map(|at| ((at * 1000).to_string(), (at * 1000 + 1000).to_string())).collect();
    let leaves: Vec<(&str, &str)> = leaves.iter().map(|(from, to)| (from.as_str(), to.as_str())).collect();
    let (mut world, oids) = world("premake: 2", &leaves);
    // One straggler far below; all others are where rows are written.
    for oid in &oids[1..9] {
        world.rows.remove(oid);
    }
    let found = plan(&mut world);
    assert!(found.contains("+ public.events_p10000 [10000, 11000)"), "{found}");
    assert!(found.contains("+ public.events_p11000 [11000, 12000)"), "{found}");
    // Retention goes by the straggler: nothing of what may still be young leaves.
    assert!(!found.contains("- detach"), "{found}");
    // Where something is missing in between, the upper one may be a slip.
    let (mut world, oids) = self::world("premake: 2", &[("0", "1000"), ("1000", "2000"), ("9000", "10000")]);
    world.rows.remove(&oids[1]);
    let found = plan(&mut world);
    assert!(!found.contains("[10000, 11000)"), "{found}");
}

#[test]
fn partitions_emptied_in_the_middle_do_not_stop_it() {
    let leaves = [("0", "1000"), ("1000", "2000"), ("2000", "3000"), ("3000", "4000"), ("4000", "5000")];
    let (mut world, oids) = world("premake: 1", &leaves);
    world.rows.remove(&oids[1]);
    let found = plan(&mut world);
    assert!(found.contains("+ public.events_p5000 [5000, 6000)"), "{found}");
    assert!(found.contains("- detach concurrently public.events_1000"), "{found}");
}

#[test]
fn without_the_highest_key_its_partitions_bounds_stand_in_for_the_safe_side() {
    let leaves = [("0", "1000"), ("1000", "2000"), ("2000", "3000"), ("3000", "4000")];
    let (mut world, oids) = world("premake: 1", &leaves);
    let root = world.root(TABLE).oid;
    world.ask(&world.options());
    let keys = [oids[3], oids[2]].map(|leaf| LeafKey { leaf, key: None }).to_vec();
    world.snapshot.answers.put(Question::HighestKeys { root }, crate::catalog::Answer::Keys(keys));
    let plan = crate::plan::plan(&world.desired, &world.snapshot, &world.options());
    let found = lines(&plan);
    // At least 3000, at most 3999.
    assert!(
        found.contains("- detach concurrently public.events_0 [0, 1000)")
            && !found.contains("detach concurrently public.events_1000")
    );
    assert!(found.contains("+ public.events_p4000 [4000, 5000)"), "{found}");
}

#[test]
fn an_unknown_cursor_changes_nothing() {
    let (mut world, _) = world("premake: 1", &[("0", "1000"), ("1000", "2000"), ("9000", "10000")]);
    let retired = world.retired(TABLE, "3000", "4000", Some("2026-01-01"));
    let root = world.root(TABLE).oid;
    world.unknown.insert(Question::HighestKeys { root }, "a lock".to_owned());
    let plan = world.plan();
    assert!(plan.steps.is_empty(), "{}", lines(&plan));
    assert!(plan.findings.iter().any(|finding| finding.code == Code::Unknown && finding.object.is_none()));
    let name = world.retired_mut(retired).name.clone();
    assert!(
        plan.findings.iter().any(|finding| finding.object.as_ref().is_some_and(|object| object.is(&name))),
        "{}",
        lines(&plan)
    );
}

#[test]
fn detached_ids_are_dropped_after_their_grace() {
    let (mut world, _) = world("premake: 1", &[("4000", "5000"), ("5000", "6000")]);
    world.retired(TABLE, "0", "1000", Some("2026-03-01"));
    world.retired(TABLE, "1000", "2000", Some("2026-03-10"));
    let found = world.plan();
    let drop = found.steps.iter().find(|step| step.action.word() == "drop").unwrap();
    assert!(drop.hazards.iter().any(|hazard| hazard.kind == HazardKind::DeletesData));
    let found = lines(&found);
    assert!(found.contains("- drop public.events_0 [0, 1000)"), "{found}");
    assert!(found.contains("IN_GRACE public.events_1000: detached 2026-03-10; drop due 2026-03-17"), "{found}");
}

#[test]
fn holds_are_in_ids() {
    let (mut world, _) = world("premake: 1", &[("0", "1000"), ("1000", "2000"), ("4000", "5000"), ("5000", "6000")]);
    let policy = |hold: &str| {
        format!(
            "tables: {{{TABLE}: {{partition: {{key: id, interval: 1000, premake: 1}}, retention: {{keep: 2000}}}}}}\nholds: {{m: {{{hold}, reason: x}}}}"
        )
    };
    world.policy(&policy(&format!("tables: [{TABLE}], from: 999, to: 1000")));
    let found = plan(&mut world);
    assert!(
        found.contains("HELD public.events_0") && found.contains("- detach concurrently public.events_1000"),
        "{found}"
    );
    // A moment means nothing among ids: all of it is held.
    world.policy(&policy("from: 2024-01-01, to: 2024-02-01"));
    assert!(!plan(&mut world).contains("detach"));
}

#[test]
fn a_gap_wider_than_a_plan_is_filled_from_its_newest_end() {
    let (mut world, _) =
        world("premake: 1", &[("0", "1000"), ("999999000", "1000000000"), ("1000000000", "1000001000")]);
    world.policy(&format!("tables: {{{TABLE}: {{partition: {{key: id, interval: 1000, premake: 1}}}}}}"));
    let plan = world.plan();
    assert_eq!(plan.steps.len(), super::super::wanted::MOST_PIECES);
    assert!(plan.steps.iter().any(|step| !step.gate.is_blocked() && step.reason == "the next window is missing"));
}

#[test]
fn the_end_of_the_type_is_no_panic() {
    let policy = format!("tables: {{{TABLE}: {{partition: {{key: id, interval: 10000, premake: 4}}}}}}");
    let mut world = World::with_key("2026-03-14", KeyKind::SmallInt, &policy);
    world.leaf(TABLE, "0", "10000");
    world.leaf(TABLE, "10000", "20000");
    let found = plan(&mut world);
    assert!(found.contains("+ public.events_p20000 [20000, 30000)") && found.contains("[30000, MAXVALUE)"), "{found}");
}
