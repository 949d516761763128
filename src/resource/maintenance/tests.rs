//! Maintenance over tables in memory, in a one-line-a-step form.

#![allow(clippy::wildcard_enum_match_arm, reason = "a test of one kind of step fails on every other")]

use crate::catalog::{Bloat, IndexUpkeep, LeafUpkeep, Oid, Question};
use crate::plan::{
    Action, Class, Code, Fact, Gate, MaintenanceAction, Plan, PlanOptions, Relation, Scope, Step, verify,
};
use crate::sql::{Ident, LockMode, TableName};
use crate::testing::{World, at, lines, run};

const TABLE: &str = "public.events";

/// A monthly table of 2026 with its partitions of January to April, on 2026-03-14, that has nothing to do.
fn world(maintenance: &str) -> (World, Vec<Oid>) {
    let policy = format!(
        "tables: {{{TABLE}: {{partition: {{key: at, interval: 1 month, premake: 1}}, maintenance: {{{maintenance}}}}}}}"
    );
    let mut world = World::new("2026-03-14", &policy);
    let leaves = world.windows(TABLE, "2026-01-01", "2026-05-01");
    world.upkeep(TABLE);
    (world, leaves)
}

fn shown(plan: &Plan) -> String {
    lines(plan).lines().filter(|line| !line.starts_with("= ")).map(|line| format!("{line}\n")).collect()
}

fn plan(world: &mut World) -> String {
    shown(&world.plan())
}

fn leaf(world: &mut World, oid: Oid) -> &mut LeafUpkeep {
    world.upkeep(TABLE).leaves.get_mut(&oid).unwrap()
}

/// Carries out what is planned; nothing more is wanted then.
fn settles(world: &mut World) {
    let options = world.options();
    assert!(!run(world, &options).is_empty());
    let again = world.plan();
    assert!(again.is_empty(), "{}", lines(&again));
}

#[test]
fn what_is_kept_well_is_left_alone() {
    let (mut world, _) = world("analyze_parent_every: 1 day, freeze_closed: true, reindex_above_bloat: 40%");
    insta::assert_snapshot!(plan(&mut world), @"");
}

#[test]
fn statistics_that_never_were_are_gathered_once() {
    let (mut world, _) = world("analyze_parent_every: 1 day");
    world.upkeep(TABLE).analyzed = false;
    world.upkeep(TABLE).analyzed_at = None;
    insta::assert_snapshot!(plan(&mut world), @r"
    analyze public.events [all] scheduled: analyze_parent_every (never before)
    ");
    settles(&mut world);
}

#[test]
fn a_new_table_is_analyzed_along_with_its_first_partitions() {
    let (mut world, _) = world("analyze_parent_every: 1 day");
    world.root(TABLE).leaves.clear();
    world.upkeep(TABLE).analyzed = false;
    let words = |plan: &Plan| plan.steps.iter().map(|step| step.action.word()).collect::<Vec<_>>();
    assert_eq!(words(&world.plan()), ["create", "create", "analyze"]);
    settles(&mut world);
    // Nothing is made, and nothing is there.
    world.root(TABLE).leaves.clear();
    world.upkeep(TABLE).analyzed = false;
    let alone = PlanOptions { scope: Scope::Maintenance, ..world.options() };
    assert!(world.plan_with(&alone).is_empty());
}

#[test]
fn statistics_are_due_by_their_age() {
    let (mut world, _) = world("analyze_parent_every: 2 days");
    world.upkeep(TABLE).analyzed_at = Some(at("2026-03-12 00:01"));
    insta::assert_snapshot!(plan(&mut world), @"");
    world.now("2026-03-14 00:01");
    insta::assert_snapshot!(plan(&mut world), @r"
    analyze public.events [all] scheduled: analyze_parent_every (last at 2026-03-12T00:01:00Z)
    ");
    settles(&mut world);
}

#[test]
fn after_a_crash_they_are_due_once_the_server_has_counted_for_long_enough() {
    let (mut world, _) = world("analyze_parent_every: 1 day");
    world.upkeep(TABLE).analyzed_at = None;
    world.upkeep(TABLE).counted_since = Some(at("2026-03-13 18:00"));
    insta::assert_snapshot!(plan(&mut world), @r"
    ? public.events MAINTENANCE_UNKNOWN: how old its statistics are is unknown, because the server's counters begin at 2026-03-13T18:00:00Z: it is analyzed at 2026-03-14T18:00:00Z, unless that is seen before
    ");
    world.now("2026-03-14 18:00");
    insta::assert_snapshot!(plan(&mut world), @r"
    analyze public.events [all] scheduled: analyze_parent_every (not since 2026-03-13T18:00:00Z)
    ");
    settles(&mut world);
    world.upkeep(TABLE).analyzed_at = None;
    world.upkeep(TABLE).counted_since = None;
    insta::assert_snapshot!(plan(&mut world), @r"
    ? public.events MAINTENANCE_UNKNOWN: how old its statistics are is unknown, because the server does not say since when it counts
    ");
}

#[test]
fn an_analyze_waits_for_others_and_for_partitions_that_are_not_made_yet() {
    let (mut world, leaves) = world("analyze_parent_every: 1 day");
    world.upkeep(TABLE).analyzed = false;
    world.upkeep(TABLE).busy = Some(LockMode::ShareUpdateExclusive);
    insta::assert_snapshot!(plan(&mut world), @r"
    ? public.events MAINTENANCE_POSTPONED: its statistics are due (never before), and wait: somebody holds SHARE UPDATE EXCLUSIVE on it, such as another ANALYZE
    ");
    world.upkeep(TABLE).busy = None;
    leaf(&mut world, leaves[0]).busy = Some(LockMode::ShareUpdateExclusive);
    assert!(plan(&mut world).contains("which is analyzed along with it"));
    leaf(&mut world, leaves[0]).busy = Some(LockMode::RowExclusive);
    assert!(plan(&mut world).contains("analyze public.events [all]"));
    // April is missing: made first in a whole plan, and waited for in one of maintenance alone.
    world.root(TABLE).leaves.remove(&leaves[3]);
    insta::assert_snapshot!(plan(&mut world), @r"
    + public.events_p20260401 [2026-04-01, 2026-05-01) overdue: the next window is missing
    analyze public.events [all] scheduled: analyze_parent_every (never before) needs create public.events_p20260401
    ");
    let alone = PlanOptions { scope: Scope::Maintenance, ..world.options() };
    insta::assert_snapshot!(shown(&world.plan_with(&alone)), @r"
    ? public.events MAINTENANCE_POSTPONED: its statistics are due (never before), and wait: `create public.events_p20260401` comes first, which it would keep waiting
    ");
}

#[test]
fn closed_partitions_are_frozen_oldest_first() {
    let (mut world, leaves) = world("freeze_closed: true");
    for oid in &leaves {
        leaf(&mut world, *oid).visible = 99;
        leaf(&mut world, *oid).xid_age = 10;
    }
    leaf(&mut world, leaves[1]).rows = None;
    insta::assert_snapshot!(plan(&mut world), @r"
    vacuum public.events_20260101 [2026-01-01, 2026-02-01) scheduled: freeze_closed (not all visible)
    vacuum public.events_20260201 [2026-02-01, 2026-03-01) scheduled: freeze_closed (never vacuumed)
    ");
    assert!(world.plan().steps.iter().all(|step| step.class == Class::Scheduled));
    settles(&mut world);
}

#[test]
fn rows_may_come_late_for_a_day() {
    let (mut world, leaves) = world("freeze_closed: true");
    leaf(&mut world, leaves[1]).rows = None;
    leaf(&mut world, leaves[1]).xid_age = 10;
    world.now("2026-03-01 23:59");
    assert!(!plan(&mut world).contains("vacuum"));
    world.now("2026-03-02");
    assert!(plan(&mut world).contains("vacuum public.events_20260201"));
}

#[test]
fn what_a_vacuum_cannot_better_is_not_vacuumed() {
    let (mut world, leaves) = world("freeze_closed: true");
    leaf(&mut world, leaves[0]).visible = 99;
    leaf(&mut world, leaves[0]).xid_age = 10;
    // A snapshot as old as what is not frozen.
    world.upkeep(TABLE).horizon_age = 10;
    insta::assert_snapshot!(plan(&mut world), @"");
    // It did not help an hour ago.
    world.upkeep(TABLE).horizon_age = 1;
    leaf(&mut world, leaves[0]).vacuumed_at = Some(at("2026-03-13 23:00"));
    insta::assert_snapshot!(plan(&mut world), @"");
    leaf(&mut world, leaves[0]).vacuumed_at = Some(at("2026-03-12 23:00"));
    settles(&mut world);
}

#[test]
fn age_and_unfrozen_pages_are_due_as_well() {
    let (mut world, leaves) = world("freeze_closed: true");
    leaf(&mut world, leaves[0]).xid_age = 150_000_001;
    leaf(&mut world, leaves[1]).frozen = Some(98);
    leaf(&mut world, leaves[1]).xid_age = 10;
    insta::assert_snapshot!(plan(&mut world), @r"
    vacuum public.events_20260101 [2026-01-01, 2026-02-01) scheduled: freeze_closed (older than vacuum_freeze_table_age)
    vacuum public.events_20260201 [2026-02-01, 2026-03-01) scheduled: freeze_closed (not all frozen)
    ");
    settles(&mut world);
}

#[test]
fn a_run_has_room_for_so_many_bytes_and_always_for_one() {
    let (mut world, leaves) = world("freeze_closed: true, max_bytes_per_run: 3GB");
    world.now("2026-06-14");
    for oid in &leaves {
        leaf(&mut world, *oid).visible = 1;
        leaf(&mut world, *oid).xid_age = 10;
        world.bytes.insert(*oid, 2 << 30);
    }
    world.bytes.insert(leaves[0], 9 << 30);
    let vacuums = |world: &mut World| -> Vec<String> {
        let steps = world.plan().steps;
        steps.iter().filter(|step| step.action.word() == "vacuum").map(|step| step.id.0.clone()).collect()
    };
    assert_eq!(vacuums(&mut world), ["vacuum public.events_20260101"]);
    world.bytes.insert(leaves[0], 1 << 30);
    assert_eq!(vacuums(&mut world), ["vacuum public.events_20260101", "vacuum public.events_20260201"]);
    let findings = crate::testing::findings(&world.plan());
    insta::assert_snapshot!(findings, @r"
    ? public.events MAINTENANCE_POSTPONED public.events_20260301: due, and 1 more, and waits: a run takes 3.0 GB (max_bytes_per_run)
    ");
    world.unknown.insert(Question::Bytes { relation: leaves[0] }, "it is locked".to_owned());
    assert_eq!(vacuums(&mut world), ["vacuum public.events_20260201"]);
}

fn index(world: &mut World, of: Oid, name: &str, pages: u64, entry_bytes: Option<u64>) -> Oid {
    let oid = Oid(of.0 + 5000);
    let name = TableName::new("public", name);
    let index = IndexUpkeep { name, leaf: of, pages, entries: Some(100_000), entry_bytes, fillfactor: 90 };
    world.upkeep(TABLE).indexes.insert(oid, index);
    oid
}

#[test]
fn bloated_indexes_of_closed_partitions_are_rebuilt() {
    let (mut world, leaves) = world("reindex_above_bloat: 40%");
    let measured = index(&mut world, leaves[0], "measured_idx", 2000, None);
    world.bloat.insert(measured, Bloat { bytes: 2000 * 8192, wasted: 900 * 8192 });
    let well = index(&mut world, leaves[2], "open_idx", 2000, None);
    world.bloat.insert(well, Bloat { bytes: 2000 * 8192, wasted: 1900 * 8192 });
    insta::assert_snapshot!(plan(&mut world), @r"
    reindex public.measured_idx on public.events_20260101 scheduled: reindex_above_bloat (45% free, measured) !INDEX_BUILD
    ");
    settles(&mut world);
    world.bloat.insert(measured, Bloat { bytes: 2000 * 8192, wasted: 800 * 8192 });
    assert!(world.plan().is_empty());
}

#[test]
fn without_a_measurement_entries_of_fixed_width_are_estimated_and_others_unknown() {
    let (mut world, leaves) = world("reindex_above_bloat: 40%");
    index(&mut world, leaves[0], "fixed_idx", 2000, Some(20));
    index(&mut world, leaves[1], "text_idx", 2000, None);
    insta::assert_snapshot!(plan(&mut world), @r"
    reindex public.fixed_idx on public.events_20260101 scheduled: reindex_above_bloat (86% free, estimated) !INDEX_BUILD
    ? public.events MAINTENANCE_UNKNOWN public.text_idx: unknown, because its bloat is not known: the extension pgstattuple is not in this database, and its entries vary in width
    ");
    // What is not vacuumed since its last write is not judged by its statistics.
    leaf(&mut world, leaves[0]).visible = 1;
    insta::assert_snapshot!(plan(&mut world), @r"
    ? public.events MAINTENANCE_UNKNOWN public.fixed_idx: unknown, because its bloat is not known: the extension pgstattuple is not in this database, and its statistics are not of a vacuum after the last write
    ? public.events MAINTENANCE_UNKNOWN public.text_idx: unknown, because its bloat is not known: the extension pgstattuple is not in this database, and its entries vary in width
    ");
}

#[test]
fn who_may_maintain_and_may_not_become_the_owner_works_as_itself() {
    let (mut world, leaves) = world("freeze_closed: true");
    world.leaf_mut(leaves[0]).owner = Ident::new("somebody");
    leaf(&mut world, leaves[0]).rows = None;
    leaf(&mut world, leaves[0]).xid_age = 10;
    let plan = world.plan();
    assert!(
        lines(&plan).contains("may not SET ROLE somebody, which owns it: GRANT somebody TO app WITH SET TRUE"),
        "{}",
        lines(&plan)
    );
    leaf(&mut world, leaves[0]).may_maintain = true;
    let plan = world.plan();
    assert!(plan.findings.iter().all(|finding| finding.code == Code::PrivilegesNotInherited), "{}", lines(&plan));
    let vacuum = plan.steps.iter().find(|step| step.action.word() == "vacuum").unwrap();
    let sql = crate::sql::render(vacuum);
    let sql: Vec<&str> = sql.iter().filter_map(|statement| statement.sql()).collect();
    insta::assert_snapshot!(sql.join(";\n"), @r"
    SET lock_timeout = '200ms';
    SET statement_timeout = '10min';
    SET ROLE app;
    VACUUM (FREEZE, ANALYZE, TRUNCATE false) public.events_20260101;
    RESET ROLE;
    RESET statement_timeout;
    RESET lock_timeout
    ");
}

/// A world whose plan has a step of every kind, and that plan.
fn every_kind() -> (World, Plan) {
    let (mut world, leaves) = world("analyze_parent_every: 1 day, freeze_closed: true, reindex_above_bloat: 40%");
    world.upkeep(TABLE).analyzed = false;
    leaf(&mut world, leaves[0]).rows = None;
    leaf(&mut world, leaves[0]).xid_age = 10;
    index(&mut world, leaves[1], "fixed_idx", 2000, Some(20));
    // The next month is missing: it is made first.
    world.root(TABLE).leaves.remove(&leaves[3]);
    let plan = world.plan();
    let words: Vec<&str> = plan.steps.iter().map(|step| step.action.word()).collect();
    assert_eq!(words, ["create", "analyze", "vacuum", "reindex"]);
    (world, plan)
}

/// Breaks one thing of the plan, and expects this rule among the violations.
fn breaks(word: &str, rule: &str, tamper: impl FnOnce(&mut Step)) {
    let (world, mut plan) = every_kind();
    tamper(plan.steps.iter_mut().find(|step| step.action.word() == word).unwrap());
    let found = verify(&plan, &world.desired, &world.snapshot).unwrap_err();
    let found: Vec<String> = found.iter().map(ToString::to_string).collect();
    assert!(found.iter().any(|found| found.contains(rule)), "{word}: expected `{rule}`, found {found:#?}");
}

#[test]
fn plans_that_were_tampered_with_are_refused() {
    for word in ["analyze", "vacuum", "reindex"] {
        breaks(word, "only ever scheduled", |step| step.class = Class::Overdue);
        breaks(word, "what will hold after", |step| step.after.clear());
        breaks(word, "neither the owner nor the one that connected", |step| match &mut step.action {
            Action::Maintenance(MaintenanceAction::AnalyzeParent(analyze)) => analyze.role = Ident::new("postgres"),
            Action::Maintenance(MaintenanceAction::Vacuum(vacuum)) => vacuum.role = Ident::new("postgres"),
            Action::Maintenance(MaintenanceAction::Reindex(reindex)) => reindex.role = Ident::new("postgres"),
            other => panic!("{other:?}"),
        });
    }
    breaks("analyze", "no ANALYZE ONLY", |step| {
        let Action::Maintenance(MaintenanceAction::AnalyzeParent(analyze)) = &mut step.action else {
            panic!("{}", step.id)
        };
        analyze.only = true;
    });
    breaks("reindex", "leaves out a fact", |step| {
        let Action::Maintenance(MaintenanceAction::Reindex(reindex)) = &mut step.action else { panic!("{}", step.id) };
        reindex.partition = Relation { name: TableName::new("public", "events_20260301"), oid: Oid(1003) };
    });
    breaks("reindex", "hides a hazard", |step| step.hazards.clear());
    for word in ["vacuum", "reindex"] {
        breaks(word, "leaves out a fact", |step| step.before.retain(|fact| !matches!(fact, Fact::Attached { .. })));
    }
    let (world, mut plan) = every_kind();
    let creation = plan.steps.remove(0);
    plan.steps[0].needs.clear();
    plan.steps.push(Step { gate: Gate::Open, ..creation });
    let found = format!("{:?}", verify(&plan, &world.desired, &world.snapshot).unwrap_err());
    assert!(found.contains("partitions are made after it"), "{found}");
}

#[test]
fn what_a_command_does_not_do_it_does_not_measure() {
    let (mut world, leaves) = world("freeze_closed: true, reindex_above_bloat: 40%");
    let policy = format!(
        "tables: {{{TABLE}: {{partition: {{key: at, interval: 1 month, premake: 1}}, maintenance: {{reindex_above_bloat: 40%}}, indexes: {{by_actor: {{columns: [actor]}}}}}}}}"
    );
    world.desired = World::new("2026-03-14", &policy).desired;
    index(&mut world, leaves[0], "measured_idx", 2000, None);
    for (scope, probes, measures) in [
        (Scope::All, true, true),
        (Scope::Maintenance, false, true),
        (Scope::Creations, false, false),
        (Scope::Removals, false, false),
    ] {
        let options = PlanOptions { scope, ..world.options() };
        let asked = crate::plan::questions(&world.desired, &world.snapshot, &options);
        let any = |of: fn(&Question) -> bool| asked.iter().any(of);
        assert_eq!(any(|question| matches!(question, Question::WantedIndex { .. })), probes, "{scope:?}");
        assert_eq!(any(|question| matches!(question, Question::Bloat { .. })), measures, "{scope:?}");
    }
}
