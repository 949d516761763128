//! What keeps a partition from leaving or coming back although its time says so.

use super::{daily, with};
use crate::catalog::{Found, IncomingKey, Oid, Question};
use crate::grid::KeyValue;
use crate::plan::{Class, Gate};
use crate::sql::{Ident, TableName};
use crate::testing::{World, findings, line, lines};

const ALL: &str = "apply: {allow: [deletes-data, blocks-writes, attaches-data]}";

/// Three daily tables on 2026-03-14, each referencing the one before it by name: `z` → `m` → `a`. Each keeps ten days, and
/// has a partition of 2026-03-03, whose time is just over.
fn chain(grace: &str) -> World {
    let table = |name: &str| {
        format!(
            "public.{name}: {{partition: {{key: at, interval: 1 day, premake: 1}}, retention: {{keep: 10 days, then: drop, grace: {grace}}}}}"
        )
    };
    let policy = format!("tables: {{{}, {}, {}}}\n{ALL}", table("a"), table("m"), table("z"));
    let mut world = World::new("2026-03-14", &policy);
    for name in ["public.a", "public.m", "public.z"] {
        world.windows(name, "2026-03-03", "2026-03-16");
    }
    reference(&mut world, "public.m", "public.a");
    reference(&mut world, "public.z", "public.m");
    world
}

/// A foreign key, and rows in the oldest partition of the one that reference the oldest of the other.
fn reference(world: &mut World, from: &str, to: &str) {
    let relation = world.root(from).oid;
    let (name, other): (TableName, TableName) = (from.parse().unwrap(), to.parse().unwrap());
    world.root(from).references.insert(other);
    world.root(to).referenced_by.insert(name.clone());
    let key = Oid(relation.0 + 50_000);
    let incoming = IncomingKey {
        name: Ident::new("fk"),
        table: name,
        relation,
        owner: Ident::new("app"),
        partitioned: true,
        columns: vec![Ident::new("at")],
        key: Some(Ident::new("at")),
    };
    world.root(to).keys_in.insert(key, incoming);
    let (rows, of) = world.root(from).leaves.first_key_value().map(|(oid, leaf)| (*oid, leaf.name.clone())).unwrap();
    referenced(world, to, key, vec![Found { relation: Some(rows), what: of.to_string() }]);
}

/// What is found when it is asked who references the oldest partition.
fn referenced(world: &mut World, root: &str, key: Oid, found: Vec<Found>) {
    let root = world.root(root);
    let (from, to) = root.leaves.first_key_value().unwrap().1.bounds.coverage().unwrap();
    let (from, to): (KeyValue, KeyValue) = (from.value().unwrap(), to.value().unwrap());
    let question = Question::References { root: root.oid, key, from, to };
    world.in_the_way.insert(question, found);
}

fn removals(world: &mut World) -> String {
    let plan = world.plan();
    plan.steps
        .iter()
        .filter(|step| ["detach", "drop"].contains(&step.action.word()))
        .map(line)
        .collect::<Vec<_>>()
        .join("\n")
}

#[test]
fn each_waits_for_the_grace_of_the_next_and_for_no_more() {
    insta::assert_snapshot!(removals(&mut chain("7 days")), @"
    - detach concurrently public.z_20260303 [2026-03-03, 2026-03-04) scheduled: retention (drop due 2026-03-21) needs mark public.z_20260303
    - detach concurrently public.m_20260303 [2026-03-03, 2026-03-04) scheduled: retention (drop due 2026-03-28) !BLOCKS_WRITES needs mark public.m_20260303 | BLOCKED waits for public.z_20260303, droppable 2026-03-21 (its rows reference this one's)
    - detach concurrently public.a_20260303 [2026-03-03, 2026-03-04) scheduled: retention (drop due 2026-04-04) !BLOCKS_WRITES needs mark public.a_20260303 | BLOCKED waits for public.m_20260303, droppable 2026-03-28 (its rows reference this one's)
    ");
}

#[test]
fn without_grace_the_one_that_references_goes_first() {
    insta::assert_snapshot!(removals(&mut chain("0 days")), @"
    - detach concurrently public.z_20260303 [2026-03-03, 2026-03-04) scheduled: retention needs mark public.z_20260303
    - drop public.z_20260303 [2026-03-03, 2026-03-04) scheduled: retention, without grace needs stamp public.z_20260303 | granted deletes-data by Policy
    - detach concurrently public.m_20260303 [2026-03-03, 2026-03-04) scheduled: retention !BLOCKS_WRITES needs mark public.m_20260303, drop public.z_20260303 | granted blocks-writes by Policy
    - drop public.m_20260303 [2026-03-03, 2026-03-04) scheduled: retention, without grace needs stamp public.m_20260303 | granted deletes-data by Policy
    - detach concurrently public.a_20260303 [2026-03-03, 2026-03-04) scheduled: retention !BLOCKS_WRITES needs mark public.a_20260303, drop public.m_20260303 | granted blocks-writes by Policy
    - drop public.a_20260303 [2026-03-03, 2026-03-04) scheduled: retention, without grace needs stamp public.a_20260303 | granted deletes-data by Policy
    ");
}

/// What waits is late when it could have gone and did not, not before.
#[test]
fn nobody_is_woken_up_for_what_waits() {
    let mut world = chain("30 days");
    world.now("2026-03-25");
    let plan = world.plan();
    let class = |id: &str| plan.steps.iter().find(|step| step.id.0 == id).unwrap().class;
    assert_eq!(class("detach public.z_20260303"), Class::Overdue);
    assert_eq!(class("detach public.m_20260303"), Class::Scheduled);
    assert_eq!(class("stamp public.m_20260303"), Class::Scheduled);
}

#[test]
fn rows_of_itself_or_of_a_table_of_nobodys_have_no_date() {
    let mut world = daily("2026-03-03", "2026-03-16", ALL);
    let (root, leaf) =
        (world.root("public.events").oid, *world.root("public.events").leaves.first_key_value().unwrap().0);
    reference(&mut world, "public.events", "public.events");
    let key = Oid(root.0 + 50_000);
    let found = |relation, what: &str| Found { relation: Some(relation), what: what.to_owned() };
    referenced(
        &mut world,
        "public.events",
        key,
        vec![found(leaf, "public.events_20260303"), found(Oid(7), "public.notes")],
    );
    insta::assert_snapshot!(removals(&mut world), @"- detach concurrently public.events_20260303 [2026-03-03, 2026-03-04) scheduled: retention !BLOCKS_WRITES needs mark public.events_20260303 | BLOCKED its own rows reference each other, and PostgreSQL detaches no such partition: set their references to NULL first; rows of public.notes reference it: they must be deleted first");
}

/// What could not be asked is not foreseen: the server decides, as before.
#[test]
fn what_is_not_known_is_tried() {
    let mut world = chain("7 days");
    let asked: Vec<Question> = world.in_the_way.keys().cloned().collect();
    world.unknown.extend(asked.into_iter().map(|question| (question, "canceling statement".to_owned())));
    assert_eq!(world.plan().summary.blocked, 0);
}

#[test]
fn what_depends_on_one_table_keeps_that_from_being_dropped_and_no_other() {
    let mut world = daily("2026-03-04", "2026-03-16", ALL);
    let first = world.retired("public.events", "2026-03-01", "2026-03-02", Some("2026-03-02"));
    world.retired("public.events", "2026-03-02", "2026-03-03", Some("2026-03-02"));
    let what = "view public.v depends on it".to_owned();
    world.in_the_way.insert(Question::Dependants { relation: first }, vec![Found { relation: Some(Oid(7)), what }]);
    insta::assert_snapshot!(removals(&mut world), @"
    - drop public.events_20260301 [2026-03-01, 2026-03-02) overdue: grace is over (detached 2026-03-02) | BLOCKED view public.v depends on it
    - drop public.events_20260302 [2026-03-02, 2026-03-03) overdue: grace is over (detached 2026-03-02) | granted deletes-data by Policy
    ");
    // It is said before the grace is over.
    world.retired_mut(first).marker.detached_at = Some(crate::testing::at("2026-03-13"));
    let found = findings(&world.plan());
    assert!(found.contains("drop due 2026-03-20, and not possible then: view public.v depends on it"), "{found}");
}

#[test]
fn what_no_longer_fits_is_not_attached() {
    let policy = "{partition: {key: at, interval: 1 day, premake: 1}, retention: {keep: 20 days}}";
    let mut world = with(policy, &[("2026-03-14", "2026-03-16")]);
    let table = world.retired("public.events", "2026-03-01", "2026-03-02", Some("2026-03-12"));
    world.desired.apply.allow.insert("attaches-data".parse().unwrap());
    let root = world.root("public.events").oid;
    let what = "it lacks column source text NOT NULL".to_owned();
    world.in_the_way.insert(Question::Fits { relation: table, root }, vec![Found { relation: None, what }]);
    insta::assert_snapshot!(lines(&world.plan()), @"
    ~ attach public.events_20260301 [2026-03-01, 2026-03-02) drift: retention keeps this window again | BLOCKED no longer fits public.events: it lacks column source text NOT NULL
    = public.events runway 2d
    ");
}

#[test]
fn a_strangers_marker_is_none_and_no_table_takes_the_place_of_a_creation() {
    let policy =
        "{partition: {key: at, interval: 1 day, premake: 2}, retention: {keep: 20 days, then: drop, grace: 0 days}}";
    let mut world = with(policy, &[("2026-03-10", "2026-03-15")]);
    world.desired.apply.allow.extend(["attaches-data".parse().unwrap(), "deletes-data".parse().unwrap()]);
    let old = world.retired("public.events", "2026-01-01", "2026-01-02", Some("2026-01-12"));
    let next = world.retired("public.events", "2026-03-15", "2026-03-16", Some("2026-03-12"));
    // Its window has ended since, and had not when it left.
    let early = world.retired("public.events", "2026-03-09", "2026-03-10", Some("2026-03-09"));
    for oid in [old, next, early] {
        world.retired_mut(oid).owner = Ident::new("stranger");
    }
    insta::assert_snapshot!(lines(&world.plan()), @"
    + public.events_p20260315 [2026-03-15, 2026-03-16) overdue: the next window is missing
    + public.events_p20260316 [2026-03-16, 2026-03-17) scheduled: premake
    ? public.events FOREIGN_MARKER public.events_20260101: its marker names public.events as its table, of which its owner stranger owns nothing: never attached or dropped
    ? public.events FOREIGN_MARKER public.events_20260309: its marker names public.events as its table, of which its owner stranger owns nothing: never attached or dropped
    ? public.events FOREIGN_MARKER public.events_20260315: its marker names public.events as its table, of which its owner stranger owns nothing: never attached or dropped
    = public.events runway 24h -> 3d
    ");
    // The owner of one of its partitions is believed, and so is a superuser.
    world.root("public.events").leaves.first_entry().unwrap().get_mut().owner = Ident::new("stranger");
    insta::assert_snapshot!(lines(&world.plan()), @"
    + public.events_p20260315 [2026-03-15, 2026-03-16) overdue: the next window is missing
    + public.events_p20260316 [2026-03-16, 2026-03-17) scheduled: premake
    - drop public.events_20260101 [2026-01-01, 2026-01-02) overdue: grace is over (detached 2026-01-12) | BLOCKED app may not SET ROLE stranger, which owns it: GRANT stranger TO app WITH SET TRUE
    ? public.events FOREIGN_MARKER public.events_20260309: detached 2026-03-09, before its window was over: pgstrata never attaches it again
    ? public.events FOREIGN_MARKER public.events_20260315: detached 2026-03-12, before its window was over: pgstrata never attaches it again
    ? public.events PRIVILEGES_NOT_INHERITED public.events_20260310: not inherited from its parent: owner app (was stranger, who keeps only what it is granted); access through the parent does not need it, `inherit_privileges: true` sets it
    = public.events runway 24h -> 3d
    ");
    world.root("public.events").leaves.first_entry().unwrap().get_mut().owner = Ident::new("app");
    world.snapshot.catalog.session.superusers.insert(Ident::new("stranger"));
    assert!(lines(&world.plan()).contains("\n- drop public.events_20260101 "), "{}", lines(&world.plan()));
}

#[test]
fn a_root_that_was_renamed_is_found_and_one_that_is_gone_is_told() {
    let mut world = daily("2026-03-04", "2026-03-16", ALL);
    let renamed = world.retired("public.events", "2026-03-01", "2026-03-02", Some("2026-03-02"));
    world.retired_mut(renamed).marker.root = TableName::new("public", "journal");
    let lost = world.retired("public.events", "2026-03-02", "2026-03-03", Some("2026-03-02"));
    world.retired_mut(lost).marker.root = TableName::new("public", "other");
    world.retired_mut(lost).marker.root_oid = Oid(7);
    let plan = world.plan();
    insta::assert_snapshot!(lines(&plan), @"
    - drop public.events_20260301 [2026-03-01, 2026-03-02) overdue: grace is over (detached 2026-03-02) | granted deletes-data by Policy
    ? * FORGOTTEN public.events_20260302: detached 2026-03-02; its table public.other is gone, so nothing drops it
    = public.events runway 2d
    ");
    assert!(plan.steps.iter().all(|step| !matches!(step.gate, Gate::Blocked(_))));
    // A marked partition, still attached when the table was renamed, gets a marker by its present name.
    let mut world = daily("2026-03-03", "2026-03-16", ALL);
    let leaf = *world.root("public.events").leaves.first_key_value().unwrap().0;
    world.mark("public.events", leaf);
    if let Some(marker) = &mut world.leaf_mut(leaf).marker {
        marker.root = TableName::new("public", "journal");
    }
    assert!(world.plan().steps.iter().any(|step| step.id.0 == "mark public.events_20260303"));
}
