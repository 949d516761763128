//! Indexes over databases in memory, in a one-line-a-step form.

use crate::catalog::{Oid, Question};
use crate::grid::LeafBounds;
use crate::plan::{Code, PlanOptions};
use crate::testing::{World, at, lines, run};

const TABLE: &str = "public.events";

/// A monthly table of 2026 with its partitions of January to April, on 2026-03-14.
fn world(indexes: &str) -> (World, Vec<Oid>) {
    let policy = format!(
        "tables: {{{TABLE}: {{partition: {{key: at, interval: 1 month, premake: 1}}, indexes: {{{indexes}}}}}}}\napply: {{allow: [drops-index]}}"
    );
    let mut world = World::new("2026-03-14", &policy);
    let leaves = world.windows(TABLE, "2026-01-01", "2026-05-01");
    (world, leaves)
}

fn plan(world: &mut World) -> String {
    let text = lines(&world.plan());
    text.lines().filter(|line| !line.starts_with("= ")).map(|line| format!("{line}\n")).collect()
}

/// Carries out what is planned; nothing more is wanted then.
fn settles(world: &mut World) {
    let options = PlanOptions::at(at("2026-03-14"));
    run(world, &options);
    let again = world.plan();
    assert!(again.is_empty(), "{}", lines(&again));
}

#[test]
fn what_is_missing_is_built_on_each_partition_and_attached() {
    let (mut world, leaves) = world("events_actor_idx: {columns: [actor, at desc]}");
    world.bytes.insert(leaves[0], 20 << 30);
    insta::assert_snapshot!(plan(&mut world), @r"
    create index public.events_actor_idx on public.events drift: missing
    build index public.events_20260101_actor_idx on public.events_20260101 drift: missing !INDEX_BUILD
    attach index public.events_20260101_actor_idx on public.events_20260101 drift: missing needs build index public.events_20260101_actor_idx, create index public.events_actor_idx
    build index public.events_20260201_actor_idx on public.events_20260201 drift: missing !INDEX_BUILD
    attach index public.events_20260201_actor_idx on public.events_20260201 drift: missing needs build index public.events_20260201_actor_idx, create index public.events_actor_idx
    build index public.events_20260301_actor_idx on public.events_20260301 drift: missing !INDEX_BUILD
    attach index public.events_20260301_actor_idx on public.events_20260301 drift: missing needs build index public.events_20260301_actor_idx, create index public.events_actor_idx
    build index public.events_20260401_actor_idx on public.events_20260401 drift: missing !INDEX_BUILD
    attach index public.events_20260401_actor_idx on public.events_20260401 drift: missing needs build index public.events_20260401_actor_idx, create index public.events_actor_idx
    ");
    let plan = world.plan();
    let concurrent: Vec<bool> = plan
        .steps
        .iter()
        .filter(|step| step.action.word() == "build index")
        .map(|step| step.action.is_concurrent())
        .collect();
    assert_eq!(concurrent, [true, false, false, false], "small partitions are built plainly");
    assert_eq!(plan.summary.change, 1);
    settles(&mut world);
}

#[test]
fn what_an_interruption_left_is_continued() {
    let (mut world, leaves) = world("events_actor_idx: {columns: [actor]}");
    let root = world.root(TABLE).oid;
    let parent = world.index(TABLE, root, "events_actor_idx", &["actor"], None);
    world.index(TABLE, leaves[0], "one", &["actor"], Some(parent));
    world.index(TABLE, leaves[1], "two", &["actor"], None);
    let invalid = world.index(TABLE, leaves[2], "events_20260301_actor_idx", &["actor"], None);
    let reindexed = world.index(TABLE, leaves[2], "events_20260301_actor_idx_ccnew", &["actor"], None);
    let building = world.index(TABLE, leaves[3], "four", &["actor"], None);
    for oid in [parent, invalid, reindexed, building] {
        world.root(TABLE).indexes.get_mut(&oid).unwrap().valid = false;
    }
    world.root(TABLE).indexes.get_mut(&building).unwrap().building = true;
    insta::assert_snapshot!(plan(&mut world), @r"
    attach index public.two on public.events_20260201 drift: missing on 3 of 4 partitions
    drop index public.events_20260301_actor_idx on public.events_20260301 drift: missing on 3 of 4 partitions
    drop index public.events_20260301_actor_idx_ccnew on public.events_20260301 drift: missing on 3 of 4 partitions
    build index public.events_20260301_actor_idx on public.events_20260301 drift: missing on 3 of 4 partitions !INDEX_BUILD needs drop index public.events_20260301_actor_idx, drop index public.events_20260301_actor_idx_ccnew
    attach index public.events_20260301_actor_idx on public.events_20260301 drift: missing on 3 of 4 partitions needs build index public.events_20260301_actor_idx
    attach index public.four on public.events_20260401 drift: missing on 3 of 4 partitions | BLOCKED another session is building it on public.events_20260401
    ");
    let facts = world.root(TABLE).indexes.get_mut(&building).unwrap();
    (facts.building, facts.valid) = (false, true);
    settles(&mut world);
}

#[test]
fn an_equal_index_of_another_name_will_do() {
    let (mut world, leaves) = world("events_actor_idx: {columns: [actor]}");
    let root = world.root(TABLE).oid;
    let parent = world.index(TABLE, root, "by_actor", &["actor"], None);
    for leaf in leaves {
        world.index(TABLE, leaf, &format!("x{leaf}"), &["actor"], Some(parent));
    }
    insta::assert_snapshot!(plan(&mut world), @"? public.events INDEX_OTHER_NAME public.events_actor_idx: met by public.by_actor, which is equal");
}

#[test]
fn a_changed_definition_is_built_beside_the_old_one_and_takes_its_name() {
    let (mut world, leaves) = world("events_actor_idx: {columns: [actor, at desc]}");
    let root = world.root(TABLE).oid;
    let parent = world.index(TABLE, root, "events_actor_idx", &["actor", "at"], None);
    for leaf in &leaves {
        world.index(TABLE, *leaf, &format!("x{leaf}"), &["actor", "at"], Some(parent));
    }
    let text = plan(&mut world);
    assert!(
        text.starts_with("create index public.events_actor_idx_new on public.events drift: differs: at ascending instead of descending"),
        "{text}"
    );
    let last = text.lines().last().unwrap();
    assert!(last.starts_with("swap index public.events_actor_idx on public.events drift: differs"), "{text}");
    assert!(last.contains("granted drops-index by Policy"), "{text}");
    settles(&mut world);
    // Without a grant both stay, and the new one serves.
    let (mut world, _) = self::world("events_actor_idx: {columns: [actor, at desc]}");
    world.desired.apply.allow.clear();
    let root = world.root(TABLE).oid;
    let old = world.index(TABLE, root, "events_actor_idx", &["actor", "at"], None);
    let options = world.options();
    run(&mut world, &options);
    let again = world.plan();
    assert_eq!(again.steps.len(), 1, "{}", lines(&again));
    assert!(again.steps[0].gate.is_blocked() && world.root(TABLE).indexes.contains_key(&old));
    // A constraint's index is not replaced.
    world.root(TABLE).indexes.get_mut(&old).unwrap().constraint = true;
    let again = world.plan();
    assert!(again.is_empty() && again.findings.iter().any(|finding| finding.code == Code::IndexDiffers));
}

#[test]
fn partitions_that_leave_need_none_and_new_ones_get_theirs() {
    let (mut world, _) = world("events_actor_idx: {columns: [actor]}");
    let policy = format!(
        "tables: {{{TABLE}: {{partition: {{key: at, interval: 1 month, premake: 2}}, retention: {{keep: 1 month}}, indexes: {{events_actor_idx: {{columns: [actor]}}}}}}}}"
    );
    world.policy(&policy);
    let text = plan(&mut world);
    assert!(text.contains("detach concurrently public.events_20260101"), "{text}");
    assert!(!text.contains("on public.events_20260101 "), "{text}");
    assert!(text.contains("build index public.events_p20260501_actor_idx on public.events_p20260501"), "{text}");
    settles(&mut world);
}

#[test]
fn what_cannot_be_compared_is_said_and_left() {
    let (mut world, _) = world("events_actor_idx: {columns: [actor]}");
    let root = world.root(TABLE).oid;
    let definition = world.desired.tables.values().next().unwrap().indexes.values().next().unwrap().clone();
    let question = Question::WantedIndex { root, definition };
    world.unknown.insert(question, "permission denied to create temporary tables".to_owned());
    insta::assert_snapshot!(plan(&mut world), @r"
    ? public.events INDEX_UNVERIFIED public.events_actor_idx: not verified: permission denied to create temporary tables
    ");
}

#[test]
fn others_are_reported_and_never_dropped() {
    let (mut world, leaves) = world("events_actor_idx: {columns: [actor, at]}");
    let root = world.root(TABLE).oid;
    for (name, columns) in [
        ("events_actor_idx", vec!["actor", "at"]),
        ("prefix", vec!["actor"]),
        ("same", vec!["x"]),
        ("same2", vec!["x"]),
        ("own", vec!["y"]),
    ] {
        let parent = world.index(TABLE, root, name, &columns, None);
        for leaf in &leaves {
            world.index(TABLE, *leaf, &format!("{name}{leaf}"), &columns, Some(parent));
        }
    }
    world.index(TABLE, leaves[0], "stray", &["z"], None);
    insta::assert_snapshot!(plan(&mut world), @r"
    ? public.events INDEX_UNLISTED public.own: it is not in the policy: left alone
    ? public.events INDEX_REDUNDANT public.prefix: it is not in the policy, and public.events_actor_idx covers it
    ? public.events INDEX_REDUNDANT public.same: it is not in the policy, and public.same2 is its equal
    ? public.events INDEX_REDUNDANT public.same2: it is not in the policy, and public.same is its equal
    ? public.events INDEX_STRAY public.stray: one partition alone has it: left alone
    ");
    world.desired.tables.values_mut().next().unwrap().other_indexes = crate::policy::OtherIndexes::Ignore;
    assert_eq!(plan(&mut world), "");
}

#[test]
fn foreign_and_sub_partitioned_partitions_are_nobodys_build() {
    use crate::catalog::LeafKind;
    for kind in [LeafKind::Foreign, LeafKind::Partitioned] {
        let (mut world, leaves) = world("events_actor_idx: {columns: [actor]}");
        world.leaf_mut(leaves[0]).kind = kind;
        let plan = world.plan();
        assert!(plan.is_empty());
        assert!(plan.findings.iter().any(|finding| finding.code == Code::IndexNotPossible), "{}", lines(&plan));
    }
}

#[test]
fn a_default_partition_has_its_own_too() {
    let (mut world, _) = world("events_actor_idx: {columns: [actor]}");
    let default = world.default_partition(TABLE);
    assert!(matches!(world.leaf_mut(default).bounds, LeafBounds::Default));
    assert!(plan(&mut world).contains("build index public.events_default_actor_idx"));
    settles(&mut world);
}
