//! Several tables, parts of a policy, and servers that are not the one that was meant.

use std::collections::BTreeMap;

use crate::catalog::TableState;
use crate::plan::{PlanOptions, Scope, plan};
use crate::sql::TableName;
use crate::testing::{World, at, findings, lines};

const TWO: &str = "tables:
  public.a: {partition: {key: at, interval: 1 month, premake: 1}, retention: {keep: 1 month, then: drop}}
  public.b: {partition: {key: at, interval: 1 month, premake: 1}, retention: {keep: 1 month, then: drop}}
  public.c: {partition: {key: at, interval: 1 month, premake: 1}}
";

fn two() -> World {
    let mut world = World::new("2026-03-14", TWO);
    for table in ["public.a", "public.b", "public.c"] {
        world.leaf(table, "2025-12-01", "2026-01-01");
        world.leaf(table, "2026-01-01", "2026-04-01");
    }
    world
}

fn ids(world: &mut World, options: &PlanOptions) -> Vec<String> {
    world.plan_with(options).steps.iter().map(|step| step.id.to_string()).collect()
}

#[test]
fn tables_and_excludes() {
    let mut world = two();
    let mut options = world.options();
    options.include.extend(["public.b".parse().unwrap(), "public.d".parse().unwrap()]);
    options.exclude.insert("public.x".parse().unwrap());
    let plan = world.plan_with(&options);
    insta::assert_snapshot!(lines(&plan), @"
    + public.b_p20260401 [2026-04-01, 2026-05-01) overdue: the next window is missing
    - mark public.b_20251201 [2025-12-01, 2026-01-01) overdue: retention
    - detach concurrently public.b_20251201 [2025-12-01, 2026-01-01) overdue: retention (drop due 2026-03-21) needs mark public.b_20251201
    - stamp public.b_20251201 [2025-12-01, 2026-01-01) overdue: retention needs detach public.b_20251201
    ? * TABLE_MISSING: --exclude public.x is not in the policy
    ? * TABLE_MISSING: --table public.d is not in the policy
    = public.b runway 18d -> 48d
    ");
    assert_eq!(plan.only, ["public.b".parse::<TableName>().unwrap()]);
    let mut options = world.options();
    options.exclude.extend(["public.a".parse().unwrap(), "public.b".parse().unwrap()]);
    assert_eq!(ids(&mut world, &options), ["create public.c_p20260401"]);
}

#[test]
fn creations_or_removals_alone() {
    let mut world = two();
    let pending = world.leaf("public.a", "2026-04-01", "2026-05-01");
    world.mark("public.a", pending);
    world.leaf_mut(pending).pending = true;
    world.leaf_mut(pending).marker = None;
    world.retired("public.b", "2020-01-01", "2020-02-01", Some("2020-03-01"));
    let creations = PlanOptions { scope: Scope::Creations, ..world.options() };
    insta::assert_snapshot!(ids(&mut world, &creations).join("\n"), @"
    finalize public.a_20260401
    create public.a_p20260401
    create public.b_p20260401
    create public.c_p20260401
    ");
    let removals = PlanOptions { scope: Scope::Removals, ..world.options() };
    insta::assert_snapshot!(ids(&mut world, &removals).join("\n"), @"
    finalize public.a_20260401
    mark public.a_20251201
    detach public.a_20251201
    stamp public.a_20251201
    mark public.b_20251201
    detach public.b_20251201
    stamp public.b_20251201
    drop public.b_20200101
    ");
}

#[test]
fn a_scope_keeps_whatever_its_steps_need() {
    // Attached again by hand, its old stamp with it, and its second detach was interrupted: without the new marker, grace
    // would run from the old stamp.
    let mut world = two();
    let pending = world.leaf("public.a", "2025-11-01", "2026-01-01");
    world.root("public.a").leaves.retain(|oid, leaf| *oid == pending || leaf.name.name.as_str() != "a_20251201");
    world.mark("public.a", pending);
    let leaf = world.leaf_mut(pending);
    leaf.pending = true;
    leaf.marker.as_mut().unwrap().detached_at = Some(at("2025-12-24"));
    let only = |world: &mut World, scope| {
        let mut options = PlanOptions { scope, ..world.options() };
        options.include.insert("public.a".parse().unwrap());
        ids(world, &options).join("\n")
    };
    insta::assert_snapshot!(only(&mut world, Scope::Removals), @"
    mark public.a_20251101
    finalize public.a_20251101
    stamp public.a_20251101
    ");
    // Nothing is created where it was, and so nothing needs it gone.
    insta::assert_snapshot!(only(&mut world, Scope::Creations), @"create public.a_p20260401");
}

#[test]
fn a_default_partition_that_is_not_made_blocks_no_detach() {
    let policy = TWO.replace("premake: 1", "premake: 1, default_partition: require");
    let mut world = World::new("2026-03-14", &policy);
    world.leaf("public.a", "2025-12-01", "2026-01-01");
    world.leaf("public.a", "2026-01-01", "2026-05-01");
    let line = |world: &mut World, scope| {
        let mut options = PlanOptions { scope, ..world.options() };
        options.include.insert("public.a".parse().unwrap());
        lines(&world.plan_with(&options))
    };
    let whole = line(&mut world, Scope::All);
    assert!(whole.contains("public.a_default") && whole.contains("- detach public.a_20251201"), "{whole}");
    let removals = line(&mut world, Scope::Removals);
    assert!(!removals.contains("public.a_default") && removals.contains("- detach concurrently"), "{removals}");
}

#[test]
fn what_a_snapshot_does_not_say_is_neither_missing_nor_free() {
    let mut world = two();
    world.snapshot.catalog.tables.remove(&"public.b".parse::<TableName>().unwrap());
    let options = world.options();
    world.ask(&options);
    world.snapshot.answers = Default::default();
    insta::assert_snapshot!(findings(&plan_blind(&world, &options)), @"
    ? public.a UNKNOWN: which partition is the newest with rows is unknown: it was not asked
    ? public.a NAME_UNCHECKED public.a_p20260401: whether this name is taken was not asked when the snapshot was taken
    ? public.b NOT_IN_SNAPSHOT: the snapshot says nothing of this table: it was taken for other tables
    ? public.c NAME_UNCHECKED public.c_p20260401: whether this name is taken was not asked when the snapshot was taken
    ");
}

#[test]
fn a_table_that_cannot_be_judged_does_not_stop_the_others() {
    let mut world = two();
    let tables = &mut world.snapshot.catalog.tables;
    tables.insert("public.a".parse().unwrap(), TableState::Missing);
    tables.insert("public.b".parse().unwrap(), TableState::Unfit("a table partitioned by list".to_owned()));
    insta::assert_snapshot!(lines(&world.plan()), @"
    + public.c_p20260401 [2026-04-01, 2026-05-01) overdue: the next window is missing
    ? public.a TABLE_MISSING: there is no such table
    ? public.b TABLE_UNFIT: it is a table partitioned by list: only a table partitioned by range of one date, time, integer or uuid column is managed
    = public.c runway 18d -> 48d
    ");
    world.root("public.c").key.name = crate::sql::Ident::new("Other");
    insta::assert_snapshot!(findings(&world.plan()), @r#"
    ? public.a TABLE_MISSING: there is no such table
    ? public.b TABLE_UNFIT: it is a table partitioned by list: only a table partitioned by range of one date, time, integer or uuid column is managed
    ? public.c KEY_MISMATCH: it is partitioned by "Other", and the policy says `key: at`
    "#);
}

#[test]
fn tables_that_lock_a_common_relation_share_a_lane() {
    let policy: String = ["a", "b", "c", "d", "e"]
        .map(|name| format!("  public.{name}: {{partition: {{key: at, interval: 1 month, premake: 1}}}}\n"))
        .concat();
    let mut world = World::new("2026-03-14", &format!("tables:\n{policy}"));
    // a references x, which e references too; b is referenced by d; c is alone.
    world.root("public.a").references.insert("public.x".parse().unwrap());
    world.root("public.e").references.insert("public.x".parse().unwrap());
    world.root("public.b").referenced_by.insert("public.d".parse().unwrap());
    let lanes = |world: &mut World| -> BTreeMap<String, u32> {
        world
            .plan()
            .steps
            .iter()
            .map(|step| (step.table.as_ref().unwrap().name.as_str().to_owned(), step.lane))
            .collect()
    };
    let found = lanes(&mut world);
    assert_eq!(found["a"], found["e"]);
    assert_eq!(found["b"], found["d"]);
    assert_eq!(std::collections::BTreeSet::from([found["a"], found["b"], found["c"]]).len(), 3, "{found:?}");
    // One more key ties both groups together.
    world.root("public.d").references.insert("public.x".parse().unwrap());
    let found = lanes(&mut world);
    assert_eq!(std::collections::BTreeSet::from(["a", "b", "d", "e"].map(|table| found[table])).len(), 1, "{found:?}");
}

#[test]
fn another_server_than_the_policy_expects() {
    let expect = "connection: {expect: {database: app, cluster_name: blue, system_identifier: '7'}}\ntables: {public.c: {partition: {key: at, interval: 1 month}}}";
    let mut world = World::new("2026-03-14", expect);
    world.leaf("public.c", "2026-03-01", "2027-01-01");
    let plan = world.plan();
    insta::assert_snapshot!(lines(&plan), @"
    ? * WRONG_TARGET: the policy expects cluster_name `blue`, this is ``
    ? * WRONG_TARGET: the policy expects system_identifier `7`, this is `7000000000000000001`
    = public.c runway 293d
    ! the policy expects cluster_name `blue`
    ");
    assert!(!plan.applyable);
    world.snapshot.target.cluster_name = Some("blue".to_owned());
    world.snapshot.target.system_identifier = Some("7".to_owned());
    assert!(world.plan().applyable);
}

#[test]
fn a_standby_is_only_read() {
    let mut world = two();
    world.snapshot.target.in_recovery = true;
    let plan = world.plan();
    assert!(!plan.applyable);
    insta::assert_snapshot!(findings(&plan), @"? * IN_RECOVERY: this server is a standby: nothing can be carried out here");
}

#[test]
fn a_plan_for_the_future_is_for_reading() {
    let mut world = two();
    let ahead = PlanOptions::at(at("2026-03-15"));
    let plan = world.plan_with(&ahead);
    assert_eq!((plan.applyable, plan.evaluated_at), (false, at("2026-03-15")));
    insta::assert_snapshot!(plan.not_applyable_because.unwrap(), @"it was made for 2026-03-15T00:00:00Z, ahead of the server's clock");
    let back = PlanOptions::at(at("2026-03-13"));
    assert!(world.plan_with(&back).applyable);
    let offline = PlanOptions { reading_only: Some("made from a file".to_owned()), ..world.options() };
    assert!(!world.plan_with(&offline).applyable);
}

#[test]
fn the_same_bytes_every_time_and_the_questions_cover_every_answer_read() {
    let mut world = two();
    world.retired("public.a", "2025-10-01", "2025-11-01", Some("2025-12-01"));
    let options = world.options();
    let plan = world.plan_with(&options);
    let again = serde_json::to_string(&world.plan_with(&options)).unwrap();
    assert_eq!(serde_json::to_string(&plan).unwrap(), again);
    let back: crate::plan::Plan = serde_json::from_str(&again).unwrap();
    assert_eq!(back, plan);
    // Without answers nothing is guessed: every removal is blocked.
    world.snapshot.answers = Default::default();
    let blind = plan_blind(&world, &options);
    let open = blind.steps.iter().filter(|step| step.action.removes() && !step.gate.is_blocked()).count();
    assert_eq!(open, 0, "{}", lines(&blind));
}

fn plan_blind(world: &World, options: &PlanOptions) -> crate::plan::Plan {
    plan(&world.desired, &world.snapshot, options)
}
