//! Plans tampered with in memory: each rule is broken once, and named.

#![allow(clippy::wildcard_enum_match_arm, reason = "a test of one kind of step fails on every other")]

use super::verify;
use crate::catalog::{LeafKind, Oid, Question};
use crate::grid::{Bound, KeyValue};
use crate::plan::{
    Action, Block, DetachMode, Fact, Gate, GrantSource, Granted, PartitionAction, Plan, Stamp, Step, StepId, Unit,
};
use crate::sql::{Ident, TableName};
use crate::testing::World;

const POLICY: &str = "tables:
  public.events: {partition: {key: at, interval: 1 day, premake: 1}, retention: {keep: 10 days, then: drop}}
  public.other: {partition: {key: at, interval: 1 day, premake: 1, default_partition: require}, retention: {keep: 10 days, then: drop}}
holds: {m: {tables: [public.events], from: 2026-02-01, to: 2026-02-02, reason: x}}
apply: {allow: [deletes-data, attaches-data]}
";

/// A world whose plan has a step of every kind, and that plan.
fn world() -> (World, Plan) {
    let mut world = World::new("2026-03-14", POLICY);
    world.windows("public.events", "2026-03-02", "2026-03-15");
    let pending = world.leaf("public.events", "2026-02-20", "2026-02-21");
    world.mark("public.events", pending);
    world.leaf_mut(pending).pending = true;
    world.retired("public.events", "2026-02-02", "2026-02-03", Some("2026-02-15"));
    world.windows("public.other", "2026-03-05", "2026-03-16");
    world.retired("public.other", "2026-03-04", "2026-03-05", Some("2026-03-12"));
    let plan = world.plan();
    let words: std::collections::BTreeSet<_> = plan.steps.iter().map(|step| step.action.word()).collect();
    assert_eq!(words.len(), 7, "{}", crate::testing::lines(&plan));
    (world, plan)
}

fn broken(world: &World, plan: &Plan) -> String {
    let violations = verify(plan, &world.desired, &world.snapshot).err().unwrap_or_default();
    violations.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

fn step<'a>(plan: &'a mut Plan, word: &str) -> &'a mut Step {
    plan.steps.iter_mut().find(|step| step.action.word() == word).expect("a step of this kind")
}

/// Breaks one thing of the plan, and expects this rule, of this kind of step, among the violations.
fn tampered(word: &str, rule: &str, tamper: impl FnOnce(&mut Step)) {
    let (world, mut plan) = world();
    tamper(step(&mut plan, word));
    let found = broken(&world, &plan);
    assert!(found.contains(rule), "{word}: expected `{rule}`, found:\n{found}");
}

fn tampered_plan(rule: &str, tamper: impl FnOnce(&mut World, &mut Plan)) {
    let (mut world, mut plan) = world();
    tamper(&mut world, &mut plan);
    let found = broken(&world, &plan);
    assert!(found.contains(rule), "expected `{rule}`, found:\n{found}");
}

#[test]
fn what_the_planner_made_is_sound() {
    let (world, plan) = world();
    assert_eq!(broken(&world, &plan), "");
}

#[test]
fn another_policy() {
    tampered_plan("it was made from another policy", |world, _| world.desired.apply.jobs += 1);
    tampered_plan("it was made from another policy", |_, plan| plan.policy.apply.jobs += 1);
    tampered_plan("its table is not in the policy", |_, plan| {
        step(plan, "create").table = Some(TableName::new("public", "x"));
    });
}

#[test]
fn a_plan_for_reading_is_not_made_applyable() {
    tampered_plan("it says both", |_, plan| plan.applyable = false);
    tampered_plan("it says both", |_, plan| plan.not_applyable_because = Some("offline".to_owned()));
    tampered_plan("ahead of the server's clock", |world, plan| {
        plan.evaluated_at = world.snapshot.taken_at + jiff::SignedDuration::from_secs(1);
    });
}

#[test]
fn order_ids_units_and_timeouts() {
    tampered_plan("it needs a step that does not come before it", |_, plan| plan.steps.reverse());
    tampered_plan("two steps share this id", |_, plan| {
        let twice = plan.steps[0].clone();
        plan.steps.push(twice);
    });
    tampered("create", "its id does not name its action", |step| step.id = StepId("create public.x".to_owned()));
    tampered("create", "it has no statement timeout", |step| step.timeouts.statement = std::time::Duration::ZERO);
    tampered("detach", "its unit or lock timeout does not fit", |step| step.unit = Unit::Transaction);
    tampered("detach", "its unit or lock timeout does not fit", |step| {
        step.timeouts.lock = std::time::Duration::from_millis(1);
    });
    tampered("detach", "its unit or lock timeout does not fit", |step| {
        if let Action::Partition(PartitionAction::Detach(detach)) = &mut step.action {
            detach.mode = DetachMode::Blocking("so".to_owned());
        }
    });
}

#[test]
fn hidden_hazards_and_open_gates() {
    for word in ["detach", "attach", "drop"] {
        tampered(word, "it hides a hazard of its action", |step| step.hazards.clear());
    }
    for word in ["attach", "drop"] {
        tampered(word, "stands open without a grant", |step| step.gate = Gate::Open);
    }
    for (text, source) in [
        ("attaches-data", GrantSource::Policy),
        ("deletes-data:public.other", GrantSource::Policy),
        ("deletes-data:public.other", GrantSource::Flag),
    ] {
        tampered("drop", "DELETES_DATA stands open without a grant", |step| {
            step.gate = Gate::Granted(vec![Granted { grant: text.parse().unwrap(), source }]);
        });
    }
    tampered_plan("it needs a step that is blocked", |_, plan| {
        step(plan, "detach").gate = Gate::Blocked(vec![Block::Unknown { because: "so".to_owned() }]);
    });
    tampered_plan("pg_partman manages its table", |world, _| {
        world.root("public.events").partman = Some(Ident::new("partman"));
    });
    tampered_plan("it removes while the clocks disagree", |world, _| world.snapshot.clock_skew_ms = 300_001);
}

#[test]
fn every_fact_is_needed() {
    for word in ["create", "finalize", "mark", "detach", "stamp", "attach", "drop"] {
        let (world, plan) = world();
        for fact in 0..plan.steps.iter().find(|step| step.action.word() == word).unwrap().before.len() {
            let mut plan = plan.clone();
            let removed = step(&mut plan, word).before.remove(fact);
            let found = broken(&world, &plan);
            assert!(found.contains("it leaves out a fact that must hold before"), "{word} without {removed}:\n{found}");
        }
        let mut plan = plan.clone();
        step(&mut plan, word).after.clear();
        assert!(broken(&world, &plan).contains("it leaves out what will hold after"), "{word}");
    }
}

#[test]
fn another_parent_or_role() {
    let other = |root: &mut crate::plan::Relation| root.oid = Oid(7);
    for word in ["create", "finalize", "detach", "attach"] {
        tampered(word, "its parent is another table", |step| match &mut step.action {
            Action::Partition(PartitionAction::Create(create)) => other(&mut create.root),
            Action::Partition(PartitionAction::Finalize(leaving)) => other(&mut leaving.root),
            Action::Partition(PartitionAction::Detach(detach)) => other(&mut detach.leaving.root),
            Action::Partition(PartitionAction::Attach(attach)) => other(&mut attach.root),
            action => panic!("{action:?}"),
        });
    }
    for word in ["finalize", "mark", "detach", "stamp", "attach", "drop"] {
        tampered(word, "it works as a role that is not the owner", |step| {
            let owner = match &mut step.action {
                Action::Partition(PartitionAction::Finalize(leaving)) => &mut leaving.owner,
                Action::Partition(PartitionAction::Mark(retiring) | PartitionAction::Stamp(retiring)) => {
                    &mut retiring.owner
                }
                Action::Partition(PartitionAction::Detach(detach)) => &mut detach.leaving.owner,
                Action::Partition(PartitionAction::Attach(attach)) => &mut attach.owner,
                Action::Partition(PartitionAction::Drop(drop)) => &mut drop.retired.owner,
                action => panic!("{action:?}"),
            };
            *owner = Ident::new("postgres");
        });
    }
    tampered("create", "what it makes is not like its parent", |step| {
        if let Action::Partition(PartitionAction::Create(create)) = &mut step.action {
            create.attributes.owner = Ident::new("postgres");
        }
    });
    tampered("create", "its range is empty", |step| {
        if let Action::Partition(PartitionAction::Create(create)) = &mut step.action {
            create.to = create.from.into();
        }
    });
}

/// Says that a step is about another range, in action and facts alike.
fn forge(step: &mut Step, from: &str, to: &str) {
    let value = |text: &str| {
        Bound::Value(KeyValue::parse(crate::grid::KeyKind::Timestamptz, &format!("{text} 00:00:00+00")).unwrap())
    };
    let (low, high) = (value(from), value(to));
    match &mut step.action {
        Action::Partition(PartitionAction::Mark(retiring)) => (retiring.marker.from, retiring.marker.to) = (low, high),
        Action::Partition(PartitionAction::Detach(detach)) => (detach.leaving.from, detach.leaving.to) = (low, high),
        Action::Partition(PartitionAction::Drop(drop)) => {
            (drop.retired.marker.from, drop.retired.marker.to) = (low, high);
        }
        action => panic!("{action:?}"),
    }
    for fact in step.before.iter_mut().chain(&mut step.after) {
        if let Fact::Marked { marker, .. } = fact {
            (marker.from, marker.to) = (low, high);
        }
        if let Fact::Attached { bounds, .. } = fact {
            *bounds = crate::grid::LeafBounds::Range { from: low, to: high };
        }
    }
}

#[test]
fn younger_rows_and_held_ones_never_leave() {
    for word in ["mark", "detach", "drop"] {
        tampered(word, "its rows are younger than 10 days", |step| forge(step, "2026-03-04", "2026-03-05"));
        tampered(word, "hold `m` keeps it", |step| forge(step, "2026-02-01", "2026-02-02"));
    }
    tampered("drop", "a partition without an upper bound never leaves", |step| {
        if let Action::Partition(PartitionAction::Drop(drop)) = &mut step.action {
            drop.retired.marker.to = Bound::MaxValue;
        }
    });
    // Bounds that are not the partition's own, although the facts agree with them.
    tampered("detach", "its bounds are not those of the partition", |step| forge(step, "2025-01-01", "2025-01-02"));
    // The action says one range, the facts another.
    for word in ["mark", "detach", "drop"] {
        tampered(word, "it leaves out a fact", |step| {
            let before = step.before.clone();
            let after = step.after.clone();
            forge(step, "2025-01-01", "2025-01-02");
            // A detach is caught by the catalog first where the leaf is known.
            (step.before, step.after) = (before, after);
            if let Action::Partition(PartitionAction::Detach(detach)) = &mut step.action {
                detach.leaving.partition.oid = Oid(77);
            }
        });
    }
}

#[test]
fn retention_as_it_is_now() {
    let without = |world: &mut World, change: &dyn Fn(&mut crate::policy::TableDesired)| {
        world.desired.tables.values_mut().for_each(change);
    };
    tampered_plan("the policy has no retention for its table", |world, _| {
        without(world, &|table| table.retention = None);
    });
    tampered_plan("its grace is not over", |world, _| {
        without(world, &|table| {
            if let Some(retention) = &mut table.retention {
                retention.then = crate::policy::Then::Detach;
            }
        });
    });
    for stamp in [Stamp::Any, Stamp::Absent, Stamp::Present] {
        tampered("drop", "its grace is not over", |step| {
            for fact in &mut step.before {
                if let Fact::Marked { stamp: at, .. } = fact {
                    *at = stamp;
                }
            }
        });
    }
    tampered("drop", "its grace is not over", |step| {
        for fact in &mut step.before {
            if let Fact::Marked { stamp, .. } = fact {
                *stamp = Stamp::At(crate::testing::at("2026-03-07 00:01"));
            }
        }
    });
}

#[test]
fn what_the_catalog_says_against_it() {
    let leaf = |plan: &Plan| {
        let detach = plan.steps.iter().find(|step| step.action.word() == "detach").unwrap();
        match &detach.action {
            Action::Partition(PartitionAction::Detach(detach)) => detach.leaving.partition.oid,
            action => panic!("{action:?}"),
        }
    };
    tampered_plan("a comment holds it", |world, plan| world.leaf_mut(leaf(plan)).held = true);
    tampered_plan("a comment holds it", |world, _| world.root("public.events").held = true);
    tampered_plan("it is no ordinary table", |world, plan| world.leaf_mut(leaf(plan)).kind = LeafKind::Foreign);
    tampered_plan("it is the newest partition with rows", |world, plan| {
        let (oid, root) = (leaf(plan), world.root("public.events").oid);
        let answer = crate::catalog::Answer::Leaf(Some(oid));
        world.snapshot.answers.put(Question::NewestNonEmpty { root }, answer);
    });
    tampered_plan("the newest with rows is unknown", |world, _| world.snapshot.answers = Default::default());
    tampered_plan("its name is another partition's", |world, plan| {
        world.leaf_mut(leaf(plan)).name = TableName::new("public", "renamed");
    });
    tampered_plan("is no partitioned table", |world, _| {
        let tables = &mut world.snapshot.catalog.tables;
        tables.insert("public.events".parse().unwrap(), crate::catalog::TableState::Missing);
    });
    tampered("stamp", "its marker is not that of its table", |step| {
        if let Action::Partition(PartitionAction::Stamp(retiring)) = &mut step.action {
            retiring.marker.root_oid = crate::catalog::Oid(7);
        }
    });
}

#[test]
fn straddling_partitions_leave_only_if_told() {
    let policy = "tables: {public.events: {partition: {key: at, interval: 1 month, premake: 1}, retention: {keep: 1 month, straddling: remove}}}";
    let mut world = World::new("2026-03-14", policy);
    world.leaf("public.events", "2025-10-15", "2025-12-15");
    world.leaf("public.events", "2026-03-01", "2026-05-01");
    let mut plan = world.plan();
    world.policy(&policy.replace("remove", "keep"));
    (plan.policy, plan.policy_hash) = (world.desired.clone(), world.desired.hash());
    assert!(broken(&world, &plan).contains("it fits no grid, and the policy keeps such partitions"));
}
