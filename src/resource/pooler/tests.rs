//! PgBouncer's configuration and what it opens, against facts in memory.

use std::collections::BTreeMap;

use super::fragment;
use crate::catalog::{
    Capacity, DatabaseFacts, LimitFacts, MayAlter, PoolerDatabase, PoolerFacts, PoolerState, RoleFacts,
};
use crate::plan::{Code, Finding, Plan};
use crate::report::drift::{Verdict, default_fail_on, drift};
use crate::sql::Ident;
use crate::testing::World;

const TABLE: &str = "tables: {public.events: {partition: {key: at, interval: 1 day, premake: 1}}}\n";

fn texts(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn world(limits: &str, state: Option<PoolerState>) -> World {
    let mut world = World::new("2026-03-14", &format!("{TABLE}limits:\n{limits}"));
    world.windows("public.events", "2026-03-14", "2026-03-16");
    let role = || RoleFacts {
        connection_limit: 30,
        superuser: false,
        sessions: 0,
        may_limit: true,
        may_set: true,
        settings_here: BTreeMap::new(),
        settings: BTreeMap::new(),
    };
    world.snapshot.catalog.limits = Some(LimitFacts {
        database: DatabaseFacts {
            name: Ident::new("app"),
            owner: Ident::new("owner"),
            connection_limit: -1,
            sessions: 0,
            may_alter: MayAlter::AsItself,
            settings: BTreeMap::new(),
        },
        roles: ["a", "b"].map(|name| (Ident::new(name), role())).into(),
        capacity: Capacity { max_connections: 100, superuser_reserved: 3, reserved: 0 },
    });
    world.snapshot.catalog.pooler = state;
    world
}

/// PgBouncer's defaults, and an entry for the database.
fn defaults() -> PoolerFacts {
    let settings = texts(&[
        ("default_pool_size", "20"),
        ("max_client_conn", "100"),
        ("max_db_connections", "0"),
        ("pool_mode", "session"),
        ("reserve_pool_size", "0"),
    ]);
    let entry = PoolerDatabase {
        database: "app".to_owned(),
        settings: texts(&[("pool_size", "20"), ("reserve_pool_size", "0"), ("max_db_connections", "0")]),
    };
    PoolerFacts { settings, databases: BTreeMap::from([("app".to_owned(), entry)]), users: BTreeMap::new() }
}

fn messages(plan: &Plan, code: Code) -> Vec<String> {
    let of = |finding: &&Finding| finding.code == code;
    let words = |finding: &Finding| match &finding.object {
        Some(object) => format!("{object}: {}", finding.message),
        None => finding.message.clone(),
    };
    plan.findings.iter().filter(of).map(words).collect()
}

#[test]
fn only_what_is_written_is_compared_and_counts_as_drift() {
    let limits = "  pgbouncer:\n    pool_mode: transaction\n    default_pool_size: 20\n    databases: {app: {pool_size: 25, pool_mode: session}, other: {pool_size: 1}}\n";
    let plan = world(limits, Some(PoolerState::Read(defaults()))).plan();
    assert_eq!(
        messages(&plan, Code::PoolerDiffers),
        [
            "pgbouncer database app pool_size: it is 20, and the policy says 25",
            "pgbouncer database other: it has no such entry, or only `*` stands for it and nobody has used it yet",
            "pgbouncer pool_mode: it is session, and the policy says transaction",
        ]
    );
    let found = drift(&plan, &default_fail_on());
    assert_eq!((found.verdict, found.counted()), (Verdict::Drifted, 3));
    let same =
        "  pgbouncer: {pool_mode: session, default_pool_size: 20, max_client_conn: 100, max_db_connections: 0}\n";
    let plan = world(same, Some(PoolerState::Read(defaults()))).plan();
    assert!(plan.findings.is_empty(), "{:?}", plan.findings);
    assert_eq!(drift(&plan, &default_fail_on()).verdict, Verdict::Agrees);
}

#[test]
fn who_does_not_answer_is_unknown_and_who_is_not_named_is_not_asked() {
    let limits = "  pgbouncer: {default_pool_size: 20}\n";
    let plan = world(limits, Some(PoolerState::Unreadable("no route".to_owned()))).plan();
    assert_eq!(messages(&plan, Code::PoolerUnreadable), ["PgBouncer could not be asked: no route"]);
    assert_eq!(drift(&plan, &default_fail_on()).verdict, Verdict::Unjudged);
    let plan = world(limits, None).plan();
    assert_eq!(messages(&plan, Code::PoolerNotAsked).len(), 1);
    assert_eq!(drift(&plan, &default_fail_on()).verdict, Verdict::Agrees);
}

fn budget(pgbouncer: &str, state: Option<PoolerState>) -> Vec<String> {
    let services = "  services:\n    api: {role: a, instances: 30, max_connections: 4, through: pgbouncer}\n    web: {role: a, instances: 1, max_connections: 1, through: pgbouncer}\n    job: {role: b, instances: 1, max_connections: 9, through: pgbouncer}\n    psql: {instances: 1, max_connections: 2}\n";
    let plan = world(&format!("  pgbouncer: {pgbouncer}\n{services}"), state).plan();
    let mut all = messages(&plan, Code::ConnectionBudget);
    all.extend(messages(&plan, Code::ConnectionBudgetExceeded));
    all
}

#[test]
fn services_behind_it_count_with_its_pools() {
    let read = || Some(PoolerState::Read(defaults()));
    let server = "and the server has 97 = 100 max_connections − 3 superuser_reserved_connections";
    assert_eq!(
        budget("{max_client_conn: 200}", read()),
        [format!("database app: services may open psql 1 × 2 + pgbouncer 2 roles × 20 = 42, {server}")]
    );
    // What equals its default follows it; a size of its own does not; a limit of the database caps them.
    let larger = "{max_client_conn: 200, default_pool_size: 25, reserve_pool_size: 5}";
    assert_eq!(
        budget(larger, read()),
        [format!("database app: services may open psql 1 × 2 + pgbouncer 2 roles × (25 + 5 reserve) = 62, {server}")]
    );
    let capped = "{max_client_conn: 200, databases: {app: {pool_size: 40, max_db_connections: 30}}}";
    assert_eq!(
        budget(capped, read()),
        [format!("database app: services may open psql 1 × 2 + pgbouncer 30 max_db_connections = 32, {server}")]
    );
    // Without its console, the policy's sizes are enough.
    assert_eq!(
        budget("{default_pool_size: 3, max_client_conn: 130}", None),
        [format!("database app: services may open psql 1 × 2 + pgbouncer 2 roles × 3 = 8, {server}")]
    );
    assert_eq!(
        budget("{max_client_conn: 130}", None),
        [
            "database app: what services open through PgBouncer is unknown: neither the policy nor its admin console says its pool size"
        ]
    );
}

#[test]
fn each_sum_that_is_too_large_is_named() {
    assert_eq!(
        budget("{processes: 3, default_pool_size: 18}", Some(PoolerState::Read(defaults()))),
        [
            "database app: services may open 110 connections, more than the server has for them, 97 = 100 max_connections − 3 superuser_reserved_connections: psql 1 × 2 + pgbouncer 2 roles × 18 × 3 processes = 110",
            "role a: services may open 54 connections, more than its limit of 30: pgbouncer 18 × 3 processes = 54",
            "role b: services may open 54 connections, more than its limit of 30: pgbouncer 18 × 3 processes = 54",
        ]
    );
    assert_eq!(
        budget("{default_pool_size: 1}", Some(PoolerState::Read(defaults()))),
        [
            "pgbouncer max_client_conn: services may open 130 connections, more than PgBouncer takes, 100 = max_client_conn: api 30 × 4 + job 1 × 9 + web 1 × 1 = 130"
        ]
    );
}

#[test]
fn the_fragment_is_what_the_policy_says() {
    let world = world(
        "  pgbouncer: {pool_mode: transaction, reserve_pool_size: 0, databases: {app: {pool_size: 7, pool_mode: session, reserve_pool_size: 3}}}\n",
        None,
    );
    let text = fragment(world.desired.limits.pgbouncer.as_ref().unwrap());
    let lines: Vec<&str> = text.lines().collect();
    assert!(
        lines.contains(&"; on the line of app in [databases]: pool_mode=session pool_size=7 reserve_pool=3"),
        "{text}"
    );
    assert_eq!(lines[lines.len() - 2..], ["pool_mode = transaction", "reserve_pool_size = 0"]);
    assert!(lines.iter().all(|line| !line.starts_with('[')), "{text}");
}

/// Two roles behind PgBouncer, in one pool of 20 each, unless users have limits of their own.
fn with_users(settings: &[(&str, &str)], users: &[(&str, &[(&str, &str)])]) -> Vec<String> {
    let limits = "  pgbouncer: {max_client_conn: 1000}\n  services:\n    \
        one: {role: a, instances: 4, max_connections: 10, through: pgbouncer}\n    \
        two: {role: b, instances: 2, max_connections: 10, through: pgbouncer}\n";
    let mut facts = defaults();
    facts.settings.extend(texts(settings));
    // The entry follows the defaults.
    for entry in facts.databases.values_mut() {
        entry.settings.extend(texts(settings).into_iter().filter(|(name, _)| name == "reserve_pool_size"));
    }
    facts.settings.insert("max_client_conn".to_owned(), "1000".to_owned());
    facts.users = users.iter().map(|(name, limits)| ((*name).to_owned(), texts(limits))).collect();
    let plan = world(limits, Some(PoolerState::Read(facts))).plan();
    let mut all = messages(&plan, Code::ConnectionBudget);
    all.extend(messages(&plan, Code::ConnectionBudgetExceeded));
    all
}

#[test]
fn limits_of_single_users_count_in_the_budget() {
    let one = |settings: &[(&str, &str)], users: &[(&str, &[(&str, &str)])]| {
        let all = with_users(settings, users);
        assert_eq!(all.len(), 1, "{all:?}");
        all.into_iter().next().unwrap()
    };
    assert!(one(&[], &[]).contains("services may open pgbouncer 2 roles × 20 = 40, and the server has"));
    assert!(
        one(&[("max_user_connections", "15")], &[])
            .contains("pgbouncer (a 15 max_user_connections + b 15 max_user_connections) = 30")
    );
    // A user's own limit is instead of everybody's; 0 is none.
    let own: &[(&str, &[(&str, &str)])] =
        &[("a", &[("max_user_connections", "0")]), ("b", &[("max_user_connections", "3")])];
    assert!(one(&[("max_user_connections", "15")], own).contains("pgbouncer (a 20 + b 3 max_user_connections) = 23"));
    assert!(one(&[], &[("a", &[("pool_size", "5")])]).contains("pgbouncer (5 + 20) = 25"));
    assert!(
        one(&[("reserve_pool_size", "2")], &[("a", &[("pool_size", "5")])])
            .contains("pgbouncer (5 + 20 + 2 × 2 reserve) = 29")
    );
}

#[test]
fn clients_of_a_role_are_compared_with_what_pgbouncer_takes_of_it() {
    let all = with_users(
        &[],
        &[("a", &[("max_user_client_connections", "30")]), ("b", &[("max_user_client_connections", "20")])],
    );
    assert_eq!(
        all,
        [
            "pgbouncer user a max_user_client_connections: services may open 40 connections, more than PgBouncer takes of its \
          role, 30 = max_user_client_connections: one 4 × 10 = 40"
        ]
    );
}
