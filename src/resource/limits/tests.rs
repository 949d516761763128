//! Limits against facts in memory.

use std::collections::BTreeMap;

use crate::catalog::{Capacity, DatabaseFacts, LimitFacts, MayAlter, RoleFacts};
use crate::plan::{Code, Finding, Gate, GrantSource, Granted, Plan, PlanOptions, verify};
use crate::sql::{Ident, render};
use crate::testing::{World, lines};

const TABLE: &str = "tables: {public.events: {partition: {key: at, interval: 1 day, premake: 1}}}\n";

fn role() -> RoleFacts {
    RoleFacts {
        connection_limit: -1,
        superuser: false,
        sessions: 3,
        may_limit: true,
        may_set: true,
        settings_here: BTreeMap::new(),
        settings: BTreeMap::new(),
    }
}

/// A server of a hundred connections, three of them reserved, with the role `app_rw`.
fn world(limits: &str) -> World {
    let mut world = World::new("2026-03-14", &format!("{TABLE}limits:\n{limits}"));
    world.windows("public.events", "2026-03-14", "2026-03-16");
    world.snapshot.catalog.limits = Some(LimitFacts {
        database: DatabaseFacts {
            name: Ident::new("app"),
            owner: Ident::new("owner"),
            connection_limit: -1,
            sessions: 7,
            may_alter: MayAlter::AsItself,
            settings: BTreeMap::new(),
        },
        roles: BTreeMap::from([(Ident::new("app_rw"), role())]),
        capacity: Capacity { max_connections: 100, superuser_reserved: 3, reserved: 0 },
    });
    world
}

fn facts(world: &mut World) -> &mut LimitFacts {
    world.snapshot.catalog.limits.as_mut().unwrap()
}

fn app_rw(world: &mut World) -> &mut RoleFacts {
    facts(world).roles.get_mut(&Ident::new("app_rw")).unwrap()
}

fn ids(plan: &Plan) -> Vec<&str> {
    plan.steps.iter().map(|step| step.id.0.as_str()).collect()
}

fn of(plan: &Plan, code: Code) -> Vec<&Finding> {
    plan.findings.iter().filter(|finding| finding.code == code).collect()
}

/// Carries out what may run, and plans again.
fn carried_out(world: &mut World, plan: &Plan) -> Plan {
    let now = world.snapshot.taken_at;
    for step in plan.steps.iter().filter(|step| !step.gate.is_blocked()) {
        step.before.iter().for_each(|fact| fact.judge(&world.snapshot).unwrap());
        step.after.iter().for_each(|fact| fact.assume(&mut world.snapshot, now));
        step.after.iter().for_each(|fact| fact.judge(&world.snapshot).unwrap());
    }
    world.plan()
}

#[test]
fn a_lowered_limit_needs_a_grant_and_a_raised_one_does_not() {
    let mut world = world("  database: {connection_limit: 90}\n  roles: {app_rw: {connection_limit: 40}}\n");
    let plan = world.plan();
    assert_eq!(ids(&plan), ["limit database app", "limit role app_rw"]);
    assert!(plan.steps.iter().all(|step| step.gate.is_blocked() && step.table.is_none()), "{}", lines(&plan));
    let detail = |plan: &Plan| plan.steps.last().unwrap().hazards[0].detail.clone();
    assert_eq!(detail(&plan), "beyond 40 sessions new ones are refused; 3 sessions are open now");
    app_rw(&mut world).sessions = 50;
    assert!(
        detail(&world.plan()).ends_with("50 sessions are open now, which is more: they stay, and none can join them")
    );
    facts(&mut world).database.connection_limit = 80;
    app_rw(&mut world).connection_limit = 0;
    let plan = world.plan();
    assert!(plan.steps.iter().all(|step| step.gate == Gate::Open && step.hazards.is_empty()), "{}", lines(&plan));
    assert!(carried_out(&mut world, &plan).steps.is_empty());
}

#[test]
fn a_grant_of_a_table_is_none_for_a_role() {
    let world = world("  roles: {app_rw: {connection_limit: 40}}\n");
    let gate = |grant: &str| {
        let grants = [Granted { grant: grant.parse().unwrap(), source: GrantSource::Flag }].into();
        let options = PlanOptions { grants, ..PlanOptions::at(world.snapshot.taken_at) };
        let plan = crate::plan::plan(&world.desired, &world.snapshot, &options);
        verify(&plan, &world.desired, &world.snapshot).unwrap();
        plan.steps[0].gate.is_blocked()
    };
    assert!(gate("limits-sessions:public.events") && !gate("limits-sessions"));
}

#[test]
fn timeouts_are_set_for_this_database_where_they_differ_in_meaning() {
    let limits = "  roles: {app_rw: {statement_timeout: 30s, lock_timeout: 2s, idle_session_timeout: 0}}\n";
    let mut world = world(limits);
    app_rw(&mut world).settings.insert("statement_timeout".to_owned(), "0.5min".to_owned());
    app_rw(&mut world).settings.insert("lock_timeout".to_owned(), "2s".to_owned());
    app_rw(&mut world).settings_here.insert("lock_timeout".to_owned(), "3000".to_owned());
    let plan = world.plan();
    assert_eq!(ids(&plan), ["set role app_rw"]);
    let sql: Vec<String> = render(&plan.steps[0]).iter().filter_map(|one| one.sql().map(str::to_owned)).collect();
    assert_eq!(
        // Behind what every transaction sets.
        sql[6..sql.len() - 1],
        [
            "ALTER ROLE app_rw IN DATABASE app SET idle_session_timeout = '0ms'",
            "ALTER ROLE app_rw IN DATABASE app SET lock_timeout = '2s'"
        ]
    );
    assert!(carried_out(&mut world, &plan).steps.is_empty());
}

#[test]
fn what_the_session_may_not_do_is_blocked_with_its_sql_for_who_may() {
    let mut world =
        world("  database: {connection_limit: -1}\n  roles: {app_rw: {connection_limit: 40, lock_timeout: 1s}}\n");
    facts(&mut world).database.connection_limit = 10;
    facts(&mut world).database.may_alter = MayAlter::No;
    (app_rw(&mut world).may_limit, app_rw(&mut world).may_set) = (false, false);
    let options = PlanOptions {
        grants: [Granted { grant: "limits-sessions".parse().unwrap(), source: GrantSource::Flag }].into(),
        ..PlanOptions::at(world.snapshot.taken_at)
    };
    let plan = crate::plan::plan(&world.desired, &world.snapshot, &options);
    assert_eq!(plan.steps.len(), 3);
    assert!(plan.steps.iter().all(|step| step.gate.is_blocked()), "{}", lines(&plan));
    let hints: Vec<&str> =
        of(&plan, Code::LimitNotPermitted).iter().map(|finding| finding.hint.as_deref().unwrap()).collect();
    assert_eq!(
        hints,
        [
            "have an administrator run: ALTER DATABASE app CONNECTION LIMIT -1",
            "have an administrator run: ALTER ROLE app_rw CONNECTION LIMIT 40",
            "have an administrator run: ALTER ROLE app_rw IN DATABASE app SET lock_timeout = '1s'",
        ]
    );
}

#[test]
fn what_no_server_can_do_is_refused_with_its_place() {
    let mut world = world(
        "  database: {connection_limit: 101}\n  roles: {gone: {connection_limit: 1}, app_rw: {transaction_timeout: 1min}}\n  services: {api: {role: absent, instances: 1, max_connections: 1}}\n",
    );
    world.snapshot.target.server_version_num = 160_004;
    let plan = world.plan();
    assert!(plan.steps.is_empty(), "{}", lines(&plan));
    let refused: Vec<String> = of(&plan, Code::LimitRefused)
        .iter()
        .map(|finding| {
            format!("{}: {}; {}", finding.object.as_ref().unwrap(), finding.message, finding.hint.as_ref().unwrap())
        })
        .collect();
    assert_eq!(
        refused,
        [
            "database app: a connection limit of 101 is above the server's max_connections, which is 100; correct `limits.database.connection_limit` in the policy",
            "role absent: there is no such role; correct `limits.services.api.role` in the policy",
            "role app_rw: transaction_timeout needs PostgreSQL 17 or later; correct `limits.roles.app_rw.transaction_timeout` in the policy",
            "role gone: there is no such role; correct `limits.roles.gone` in the policy",
        ]
    );
}

#[test]
fn the_budget_is_arithmetic() {
    let services = "  services:\n    api: {role: app_rw, instances: 4, max_connections: 8}\n    job: {instances: 2, max_connections: 5}\n";
    let budget = |world: &mut World| -> Vec<String> {
        let plan = world.plan();
        let of_budget =
            |finding: &&Finding| matches!(finding.code, Code::ConnectionBudget | Code::ConnectionBudgetExceeded);
        plan.findings.iter().filter(of_budget).map(|finding| finding.message.clone()).collect()
    };
    let mut world = world(services);
    assert_eq!(
        budget(&mut world),
        [
            "services may open api 4 × 8 + job 2 × 5 = 42, and the server has 97 = 100 max_connections − 3 superuser_reserved_connections"
        ]
    );
    app_rw(&mut world).connection_limit = 31;
    facts(&mut world).database.connection_limit = 41;
    facts(&mut world).capacity = Capacity { max_connections: 50, superuser_reserved: 3, reserved: 6 };
    assert_eq!(
        budget(&mut world),
        [
            "services may open 42 connections, more than the database's limit of 41: api 4 × 8 + job 2 × 5 = 42",
            "services may open 42 connections, more than the server has for them, 41 = 50 max_connections − 3 superuser_reserved_connections − 6 reserved_connections: api 4 × 8 + job 2 × 5 = 42",
            "services may open 32 connections, more than its limit of 31: api 4 × 8 = 32",
        ]
    );
    // A superuser has no limit; the database's and the server's sums stay.
    app_rw(&mut world).superuser = true;
    assert_eq!(budget(&mut world).len(), 2);
}

#[test]
fn a_declared_limit_above_what_is_left_is_said() {
    let mut world = world("  roles: {app_rw: {connection_limit: 98}}\n");
    let plan = world.plan();
    assert_eq!(of(&plan, Code::ConnectionBudgetExceeded).len(), 1, "{}", lines(&plan));
    assert_eq!(plan.steps.len(), 1);
}

#[test]
fn a_limit_of_a_superuser_is_named_as_none() {
    let mut world = world("  roles: {app_rw: {connection_limit: 40}}\n");
    app_rw(&mut world).superuser = true;
    assert_eq!(of(&world.plan(), Code::LimitExempt).len(), 1);
}

#[test]
fn a_plan_of_some_tables_says_nothing_of_limits() {
    let mut world = world("  database: {connection_limit: 101}\n");
    let options = PlanOptions { tables_only: true, ..PlanOptions::at(world.snapshot.taken_at) };
    let plan = crate::plan::plan(&world.desired, &world.snapshot, &options);
    assert!(plan.findings.is_empty() && plan.tables_only);
    world.snapshot.catalog.limits = None;
    assert_eq!(of(&world.plan(), Code::NotInSnapshot).len(), 1);
}

#[test]
fn a_forged_step_breaks_a_rule() {
    let mut world =
        world("  database: {connection_limit: 110}\n  roles: {app_rw: {connection_limit: 40, lock_timeout: 1s}}\n");
    let honest = world.plan();
    assert_eq!(honest.steps.len(), 2);
    verify(&honest, &world.desired, &world.snapshot).unwrap();
    let forged = |text: &str, by: &str| {
        let document = serde_json::to_string(&honest).unwrap();
        assert!(document.contains(text), "{text}");
        let plan: Plan = serde_json::from_str(&document.replace(text, by)).unwrap();
        verify(&plan, &world.desired, &world.snapshot).unwrap_err()
    };
    forged(
        "\"kind\":\"limit_role\",\"role\":\"app_rw\",\"from\":-1,\"to\":40",
        "\"kind\":\"limit_role\",\"role\":\"app_rw\",\"from\":-1,\"to\":0",
    );
    forged("\"to\":\"1s\"", "\"to\":\"1h\"");
    forged("\"database\":\"app\",\"settings\"", "\"database\":\"postgres\",\"settings\"");
    let mut hidden = honest.clone();
    hidden.steps[0].hazards.clear();
    hidden.steps[0].gate = Gate::Open;
    assert!(verify(&hidden, &world.desired, &world.snapshot).unwrap_err()[0].rule.contains("hides a hazard"));
}
