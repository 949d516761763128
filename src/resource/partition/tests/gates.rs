//! What may run, and what would allow the rest.

use super::{daily, with};
use crate::plan::{GrantSource, Granted};
use crate::testing::{World, findings, lines};

fn flag(text: &str) -> Granted {
    Granted { grant: text.parse().unwrap(), source: GrantSource::Flag }
}

/// A daily table with all its partitions and a detached table whose grace is over.
fn to_drop(rest: &str) -> World {
    let mut world = daily("2026-03-04", "2026-03-16", rest);
    world.retired("public.events", "2026-03-01", "2026-03-02", Some("2026-03-02"));
    world
}

fn words(world: &mut World, options: &crate::plan::PlanOptions) -> String {
    world.plan_with(options).steps.iter().map(crate::testing::line).collect::<Vec<_>>().join("\n")
}

#[test]
fn a_grant_comes_from_the_policy_or_from_a_flag() {
    let mut world = to_drop("apply: {allow: ['deletes-data:public.events']}");
    insta::assert_snapshot!(lines(&world.plan()), @"
    - drop public.events_20260301 [2026-03-01, 2026-03-02) overdue: grace is over (detached 2026-03-02) | granted deletes-data:public.events by Policy
    = public.events runway 2d
    ");
    let mut world = to_drop("");
    let mut options = world.options();
    options.grants.insert(flag("deletes-data:public.events"));
    insta::assert_snapshot!(words(&mut world, &options), @"- drop public.events_20260301 [2026-03-01, 2026-03-02) overdue: grace is over (detached 2026-03-02) | granted deletes-data:public.events by Flag");
    let mut options = world.options();
    options.grants.insert(flag("deletes-data"));
    insta::assert_snapshot!(words(&mut world, &options), @"- drop public.events_20260301 [2026-03-01, 2026-03-02) overdue: grace is over (detached 2026-03-02) | granted deletes-data by Flag");
}

#[test]
fn another_tables_or_hazards_grant_is_none() {
    let mut world = to_drop("");
    let mut options = world.options();
    options.grants.insert(flag("deletes-data:public.other"));
    options.grants.insert(flag("detaches-data:public.events"));
    insta::assert_snapshot!(words(&mut world, &options), @"- drop public.events_20260301 [2026-03-01, 2026-03-02) overdue: grace is over (detached 2026-03-02) | BLOCKED DELETES_DATA needs --allow deletes-data:public.events");
}

#[test]
fn more_than_both_limits_at_once_is_blocked() {
    // Nine daily windows: more than three, and longer than eight days.
    let mut world = daily("2026-02-23", "2026-03-16", "");
    let plan = world.plan();
    assert!(plan.steps.iter().all(|step| step.gate.is_blocked()));
    insta::assert_snapshot!(crate::testing::line(&plan.steps[1]), @"- detach concurrently public.events_20260223 [2026-02-23, 2026-02-24) overdue: retention (drop due 2026-03-21) needs mark public.events_20260223 | BLOCKED 9 partitions would leave at once, more than apply.max_drop: --max-drop 9 or --allow detaches-data:public.events");
    // Eight are more than three, and not longer than eight days.
    let mut world = daily("2026-02-24", "2026-03-16", "");
    assert_eq!(world.plan().summary.blocked, 0);
    // Three long ones are no more than three.
    let policy = "{partition: {key: at, interval: 1 month, premake: 1}, retention: {keep: 1 month}}";
    let mut world = with(policy, &[]);
    world.windows("public.events", "2025-11-01", "2026-05-01");
    assert_eq!((world.plan().summary.detach, world.plan().summary.blocked), (3, 0));
    world.windows("public.events", "2025-10-01", "2025-11-01");
    assert_eq!((world.plan().summary.detach, world.plan().summary.blocked), (4, 4));
}

#[test]
fn max_drop_by_flag_counts_partitions_and_nothing_else() {
    let mut world = daily("2026-03-01", "2026-03-16", "");
    for (limit, blocked) in [(2, 3), (3, 0)] {
        let mut options = world.options();
        options.max_drop = Some(limit);
        assert_eq!(world.plan_with(&options).summary.blocked, blocked, "--max-drop {limit}");
    }
    let mut options = world.options();
    options.max_drop = Some(2);
    options.grants.insert(flag("detaches-data"));
    assert_eq!(world.plan_with(&options).summary.blocked, 0);
}

#[test]
fn zero_limits_block_every_removal() {
    let mut world = daily("2026-03-03", "2026-03-16", "apply: {max_drop: {windows: 0, span: 0 days}}");
    insta::assert_snapshot!(lines(&world.plan()), @"
    - mark public.events_20260303 [2026-03-03, 2026-03-04) scheduled: retention | BLOCKED 1 partition would leave at once, more than apply.max_drop: --max-drop 1 or --allow detaches-data:public.events
    - detach concurrently public.events_20260303 [2026-03-03, 2026-03-04) scheduled: retention (drop due 2026-03-21) needs mark public.events_20260303 | BLOCKED 1 partition would leave at once, more than apply.max_drop: --max-drop 1 or --allow detaches-data:public.events
    - stamp public.events_20260303 [2026-03-03, 2026-03-04) scheduled: retention needs detach public.events_20260303 | BLOCKED needs `detach public.events_20260303`, which is blocked
    = public.events runway 2d
    ");
}

#[test]
fn clocks_that_disagree_block_removals_and_no_creation() {
    let mut world = daily("2026-03-03", "2026-03-15", "");
    world.retired("public.events", "2026-03-01", "2026-03-02", Some("2026-03-02"));
    world.snapshot.clock_skew_ms = -300_001;
    insta::assert_snapshot!(lines(&world.plan()), @"
    + public.events_p20260315 [2026-03-15, 2026-03-16) overdue: the next window is missing
    - mark public.events_20260303 [2026-03-03, 2026-03-04) scheduled: retention | BLOCKED this machine's clock is 5 min behind the server's: no removal can be judged
    - detach concurrently public.events_20260303 [2026-03-03, 2026-03-04) scheduled: retention (drop due 2026-03-21) needs mark public.events_20260303 | BLOCKED this machine's clock is 5 min behind the server's: no removal can be judged
    - stamp public.events_20260303 [2026-03-03, 2026-03-04) scheduled: retention needs detach public.events_20260303 | BLOCKED needs `detach public.events_20260303`, which is blocked
    - drop public.events_20260301 [2026-03-01, 2026-03-02) overdue: grace is over (detached 2026-03-02) | BLOCKED this machine's clock is 5 min behind the server's: no removal can be judged; DELETES_DATA needs --allow deletes-data:public.events
    ? * CLOCK_SKEW: this machine's clock is 5 min behind the server's: every removal is blocked
    = public.events runway 24h -> 2d
    ");
    world.snapshot.clock_skew_ms = 300_000;
    assert!(!findings(&world.plan()).contains("CLOCK_SKEW"));
}

#[test]
fn pg_partman_is_asked_to_let_go_first() {
    let mut world = daily("2026-03-03", "2026-03-15", "");
    world.root("public.events").partman = Some(crate::sql::Ident::new("partman"));
    insta::assert_snapshot!(lines(&world.plan()), @"
    + public.events_p20260315 [2026-03-15, 2026-03-16) overdue: the next window is missing | BLOCKED pg_partman's automatic maintenance manages this table: every step is blocked
    - mark public.events_20260303 [2026-03-03, 2026-03-04) scheduled: retention | BLOCKED pg_partman's automatic maintenance manages this table: every step is blocked
    - detach concurrently public.events_20260303 [2026-03-03, 2026-03-04) scheduled: retention (drop due 2026-03-21) needs mark public.events_20260303 | BLOCKED pg_partman's automatic maintenance manages this table: every step is blocked
    - stamp public.events_20260303 [2026-03-03, 2026-03-04) scheduled: retention needs detach public.events_20260303 | BLOCKED pg_partman's automatic maintenance manages this table: every step is blocked
    ? public.events MANAGED_BY_PG_PARTMAN: pg_partman's automatic maintenance manages this table: every step is blocked
    = public.events runway 24h
    ");
    let hint = world.plan().findings.into_iter().find_map(|finding| finding.hint);
    insta::assert_snapshot!(hint.unwrap(), @"to hand it over: UPDATE partman.part_config SET automatic_maintenance = 'off' WHERE parent_table = 'public.events';");
}

#[test]
fn a_blocked_step_stops_what_needs_it_and_neither_a_removal_nor_a_creation() {
    let policy = "tables: {public.events: {partition: {key: at, interval: 1 day, premake: 2, default_partition: allow}, retention: {keep: 10 days, then: drop}}}\napply: {allow: [deletes-data]}";
    let mut world = World::new("2026-03-14", policy);
    world.windows("public.events", "2026-03-03", "2026-03-15");
    world.retired("public.events", "2026-03-01", "2026-03-02", Some("2026-03-02"));
    world.default_partition("public.events");
    world.row_in_default("public.events", "2026-03-15 10:00");
    insta::assert_snapshot!(lines(&world.plan()), @"
    + public.events_p20260315 [2026-03-15, 2026-03-16) overdue: the next window is missing | BLOCKED the default partition has 1 row in this window: move them first
    + public.events_p20260316 [2026-03-16, 2026-03-17) scheduled: premake
    - mark public.events_20260303 [2026-03-03, 2026-03-04) scheduled: retention
    - detach public.events_20260303 [2026-03-03, 2026-03-04) scheduled: retention (drop due 2026-03-21) needs mark public.events_20260303
    - stamp public.events_20260303 [2026-03-03, 2026-03-04) scheduled: retention needs detach public.events_20260303
    - drop public.events_20260301 [2026-03-01, 2026-03-02) overdue: grace is over (detached 2026-03-02) | granted deletes-data by Policy
    ? public.events ROWS_IN_DEFAULT public.events_default: 1 row for public.events_p20260315 lies in the default partition: move them out first
    = public.events runway 24h
    ");
}

#[test]
fn a_blocked_drop_does_not_stop_a_detach() {
    let mut world = daily("2026-03-03", "2026-03-16", "");
    world.retired("public.events", "2026-03-01", "2026-03-02", Some("2026-03-02"));
    insta::assert_snapshot!(lines(&world.plan()), @"
    - mark public.events_20260303 [2026-03-03, 2026-03-04) scheduled: retention
    - detach concurrently public.events_20260303 [2026-03-03, 2026-03-04) scheduled: retention (drop due 2026-03-21) needs mark public.events_20260303
    - stamp public.events_20260303 [2026-03-03, 2026-03-04) scheduled: retention needs detach public.events_20260303
    - drop public.events_20260301 [2026-03-01, 2026-03-02) overdue: grace is over (detached 2026-03-02) | BLOCKED DELETES_DATA needs --allow deletes-data:public.events
    = public.events runway 2d
    ");
}

#[test]
fn rights_that_are_missing_are_named() {
    let mut world = daily("2026-03-03", "2026-03-15", "");
    world.snapshot.catalog.session.name = "deploy".to_owned();
    insta::assert_snapshot!(findings(&world.plan()), @"? public.events MISSING_PRIVILEGE: deploy may not SET ROLE app, which owns it");
    let hints: Vec<String> = world.plan().findings.into_iter().filter_map(|finding| finding.hint).collect();
    assert_eq!(hints, ["GRANT app TO deploy WITH SET TRUE;"]);
    world.snapshot.catalog.session.may_become.insert(crate::sql::Ident::new("app"));
    assert!(world.plan().findings.is_empty());

    // What the owner may not do is blocked with the GRANT, and nothing else is.
    let root = world.root("public.events");
    root.owner_creates_in_schema = false;
    root.attributes.tablespace = Some(crate::sql::Ident::new("fast"));
    root.owner_creates_in_tablespace = false;
    let blocked = lines(&world.plan());
    for grant in ["GRANT CREATE ON SCHEMA public TO app", "GRANT CREATE ON TABLESPACE fast TO app"] {
        assert!(blocked.contains(grant), "{blocked}");
    }
    assert!(world.plan().steps.iter().any(|step| !step.gate.is_blocked()), "{blocked}");
    // A superuser makes the table itself, and gives it to the owner.
    let session = &mut world.snapshot.catalog.session;
    (session.superuser, session.name) = (true, "root".to_owned());
    let plan = world.plan();
    let create = plan.steps.iter().find(|step| step.action.word() == "create").unwrap();
    assert_eq!(create.acts_as, Some(crate::sql::Ident::new("root")));
    let sql = crate::sql::render(create);
    let sql: Vec<&str> = sql.iter().filter_map(|statement| statement.sql()).collect();
    assert!(sql.contains(&"SET LOCAL ROLE root") && sql.iter().any(|sql| sql.ends_with(" OWNER TO app")), "{sql:?}");
    assert!(sql.iter().all(|sql| *sql != "SET LOCAL ROLE app"), "{sql:?}");
}

#[test]
fn nobody_is_told_to_hand_out_a_superuser() {
    let mut world = daily("2026-03-03", "2026-03-15", "");
    let session = &mut world.snapshot.catalog.session;
    session.name = "deploy".to_owned();
    session.superusers.insert(crate::sql::Ident::new("app"));
    let found = |world: &mut World| -> Vec<String> {
        let found = world.plan().findings.into_iter();
        found.map(|finding| format!("{}\n  {}", finding.message, finding.hint.unwrap_or_default())).collect()
    };
    insta::assert_snapshot!(found(&mut world).join("\n"), @"
    deploy may not SET ROLE app, which owns it and is a superuser
      ALTER TABLE public.events OWNER TO deploy; ALTER TABLE public.events_20260303 OWNER TO deploy;
    ");
    // A role that it may become is better than its own.
    world.snapshot.catalog.session.may_become.insert(crate::sql::Ident::new("owners"));
    insta::assert_snapshot!(found(&mut world).join("\n"), @"
    deploy may not SET ROLE app, which owns it and is a superuser
      ALTER TABLE public.events OWNER TO owners; ALTER TABLE public.events_20260303 OWNER TO owners;
    ");
    // More than one reads are counted.
    let mut world = daily("2026-02-28", "2026-03-15", "");
    let session = &mut world.snapshot.catalog.session;
    session.name = "deploy".to_owned();
    session.superusers.insert(crate::sql::Ident::new("app"));
    insta::assert_snapshot!(found(&mut world).join("\n"), @"
    deploy may not SET ROLE app, which owns it and is a superuser
      ALTER TABLE public.events OWNER TO deploy; ALTER TABLE public.events_20260228 OWNER TO deploy; ALTER TABLE public.events_20260301 OWNER TO deploy; and so for 2 more
    ");
}

#[test]
fn the_summary_counts_what_people_count() {
    let mut world = daily("2026-02-23", "2026-03-15", "");
    world.retired("public.events", "2026-02-20", "2026-02-21", None);
    world.retired("public.events", "2026-02-21", "2026-02-22", Some("2026-03-02"));
    let summary = world.plan().summary;
    let counts = (summary.create, summary.change, summary.detach, summary.drop, summary.blocked);
    // The lone stamp is a change; nine detaches and the drop are blocked.
    assert_eq!(counts, (1, 1, 9, 1, 10));
}
