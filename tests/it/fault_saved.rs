//! Saved plans against a database that moved on, and against forgers: a plan file grants nothing and makes nothing
//! happen that the policy does not plan by itself.

use std::collections::BTreeSet;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use pgstrata::apply::{ApplyOptions, Ended, Judged, Outcome, Refusal, Run, Silent, StepResult, judge};
use pgstrata::db::Interrupt;
use pgstrata::plan::{Action, Gate, GrantSource, Granted, PartitionAction, Plan};
use pgstrata::policy::Desired;
use serde_json::{Value, json};

use crate::crash_world::{POLICY, Strike, World, batch, connect};
use crate::support::drive::{connector, desired, grant_all, options, plan_now};
use crate::support::server;
use crate::support::watch::{On, apply_watched};

fn no_grants() -> BTreeSet<Granted> {
    BTreeSet::new()
}

/// What `apply PLAN` does: judges under the run lock, and carries out.
fn apply_saved(url: &str, policy: &Desired, saved: &Plan, grants: &BTreeSet<Granted>) -> Result<Outcome, Box<Refusal>> {
    let mut run = Run::begin(&connector(url), Duration::from_secs(10), &Interrupt::new()).unwrap();
    let (snapshot, options) = run.inspect_for(saved, policy, &options(None, grants)).unwrap();
    let judged = judge(saved, policy, &snapshot, &options)?;
    Ok(run.carry_out(judged, &options, &ApplyOptions::default(), &mut Silent))
}

fn judge_saved(url: &str, policy: &Desired, saved: &Plan) -> Result<Judged, Box<Refusal>> {
    let mut run = Run::begin(&connector(url), Duration::from_secs(10), &Interrupt::new()).unwrap();
    let (snapshot, options) = run.inspect_for(saved, policy, &options(None, &grant_all())).unwrap();
    judge(saved, policy, &snapshot, &options)
}

/// Through a file and back, changed on the way.
fn forged(plan: &Plan, change: impl FnOnce(&mut Value)) -> Plan {
    let mut value = serde_json::to_value(plan).unwrap();
    change(&mut value);
    serde_json::from_value(value).unwrap()
}

fn step<'a>(plan: &'a mut Value, id: &str) -> &'a mut Value {
    let steps = plan["steps"].as_array_mut().unwrap();
    steps.iter_mut().find(|step| step["id"] == id).unwrap_or_else(|| panic!("no step {id}"))
}

fn refused(result: Result<Judged, Box<Refusal>>) -> Refusal {
    *result.expect_err("refused")
}

#[test]
fn a_plan_applied_twice_is_satisfied_and_a_half_applied_one_continues() {
    let world = World::new(server(), "saved");
    let database = world.copy("saved_twice");
    let url = server().url(&database);
    let (saved, _) = plan_now(&url, &world.policy, None, &grant_all());
    let first = apply_saved(&url, &world.policy, &saved, &grant_all()).unwrap();
    assert!(
        first.results.iter().all(|(_, result)| matches!(result, StepResult::Applied { .. })),
        "{:?}",
        first.results
    );
    let second = apply_saved(&url, &world.policy, &saved, &grant_all()).unwrap();
    assert_eq!(second.results.len(), saved.steps.len());
    assert!(second.results.iter().all(|(_, result)| *result == StepResult::AlreadySatisfied), "{:?}", second.results);
    assert_eq!((second.ended, second.committed), (Ended::Complete, false));
    world.converge(&database);
    world.drop(&database);

    // Stopped at each boundary by the loss of its session, the same file continues.
    for n in 0..world.points.len() {
        // Before a COMMIT nothing has changed since the one before.
        if matches!(world.points[n].what.as_str(), "after BEGIN" | "before COMMIT") {
            continue;
        }
        let database = world.copy(&format!("saved_half_{n}"));
        let url = server().url(&database);
        let (saved, _) = plan_now(&url, &world.policy, None, &grant_all());
        let stop = Interrupt::new();
        let mut strike = Strike {
            left: n,
            act: |pid| {
                batch(server(), "postgres", &format!("SELECT pg_terminate_backend({pid}), pg_sleep(0.05)"));
                stop.trip(pgstrata::db::Signal::Term);
            },
        };
        let half = apply_watched(&url, &world.policy, &stop, None, |event| {
            pgstrata::apply::Observer::on(&mut strike, event);
        });
        let outcome = apply_saved(&url, &world.policy, &saved, &grant_all());
        let outcome = outcome.unwrap_or_else(|refusal| panic!("{:?}: {refusal:?}", world.points[n]));
        assert!(outcome.results.iter().all(|(_, result)| result.is_done()), "{:?} {:?}", half.results, outcome.results);
        assert!(outcome.remains.is_some_and(|plan| plan.is_empty()), "{:?}", world.points[n]);
        world.converge(&database);
        world.drop(&database);
    }
}

#[test]
fn a_detach_left_pending_is_continued_by_the_same_plan() {
    let world = World::new(server(), "pending");
    let database = world.copy("pending_saved");
    let url = server().url(&database);
    let (saved, _) = plan_now(&url, &world.policy, None, &grant_all());
    let stop = Interrupt::new();
    // Cancelled while it waits for a reader of the leaf, which keeps FINALIZE out as well.
    let mut reader = None;
    let mut other = None;
    apply_watched(&url, &world.policy, &stop, None, |event| {
        if let pgstrata::apply::Event::Sending { sql, .. } = event
            && sql.ends_with(" CONCURRENTLY")
        {
            let mut client = connect(server(), &database);
            client.batch_execute("BEGIN; SELECT FROM app.events").unwrap();
            reader = Some(client);
            let stop = stop.clone();
            other = Some(std::thread::spawn(move || {
                std::thread::sleep(Duration::from_millis(500));
                stop.trip(pgstrata::db::Signal::Int);
            }));
        }
    });
    other.unwrap().join().unwrap();
    drop(reader);
    let left: bool = connect(server(), &database)
        .query_one("SELECT inhdetachpending FROM pg_inherits WHERE inhrelid = 'app.events_7'::regclass", &[])
        .unwrap()
        .get(0);
    assert!(left, "it is pending");
    let judged = judge_saved(&url, &world.policy, &saved).unwrap();
    assert!(judged.plan.steps.iter().any(|step| step.id.0 == "finalize app.events_7"), "{:?}", judged.satisfied);
    let outcome = apply_saved(&url, &world.policy, &saved, &grant_all()).unwrap();
    assert!(outcome.results.iter().all(|(_, result)| result.is_done()), "{:?}", outcome.results);
    world.converge(&database);
    world.drop(&database);
}

#[test]
fn what_changed_in_the_way_is_stale_fact_by_fact() {
    let world = World::new(server(), "stale");
    let cases = [
        (
            "CREATE VIEW app.events_p_other AS SELECT 1; ALTER TABLE app.events_7 RENAME TO other",
            "mark app.events_7",
            "it is called app.other now",
        ),
        ("ALTER TABLE app.events DETACH PARTITION app.events_7", "stamp app.events_7", "its comment has no marker"),
        ("COMMENT ON TABLE app.events_9 IS NULL", "drop app.events_9", "its comment has no marker"),
        ("COMMENT ON TABLE app.events_2 IS NULL", "attach app.events_2", "its comment has no marker"),
        ("ALTER TABLE app.events_9 RENAME TO other", "drop app.events_9", "it is called app.other now"),
        ("ALTER TABLE app.strict RENAME TO other", "mark app.strict_7", "app.strict is not there"),
    ];
    for (n, (sql, id, found)) in cases.into_iter().enumerate() {
        let database = world.copy(&format!("stale_{n}"));
        let url = server().url(&database);
        let (saved, _) = plan_now(&url, &world.policy, None, &grant_all());
        batch(server(), &database, sql);
        let refusal = refused(judge_saved(&url, &world.policy, &saved));
        let Refusal::Stale(stale) = refusal else { panic!("{sql}: {refusal:?}") };
        let step = stale.iter().find(|stale| stale.step.0 == id).unwrap_or_else(|| panic!("{sql}: {stale:?}"));
        assert!(step.facts.iter().any(|fact| fact.found.contains(found)), "{sql}: {:?}", step.facts);
        assert!(step.facts.iter().all(|fact| !fact.planned.is_empty()), "{:?}", step.facts);
        world.drop(&database);
    }
    // What changed elsewhere does not matter.
    let database = world.copy("stale_not");
    let url = server().url(&database);
    let (saved, _) = plan_now(&url, &world.policy, None, &grant_all());
    batch(
        server(),
        &database,
        "CREATE TABLE app.elsewhere (); COMMENT ON TABLE app.events_3 IS 'pgstrata: hold'; INSERT INTO app.events_3 SELECT 1, at, NULL, body FROM app.events_3 LIMIT 1",
    );
    assert!(judge_saved(&url, &world.policy, &saved).is_ok());
    world.drop(&database);
}

#[test]
fn a_forged_plan_is_refused_or_changes_nothing() {
    let world = World::new(server(), "forged");
    let database = world.copy("forged_plan");
    let url = server().url(&database);
    let policy = &world.policy;
    let (granted, _) = plan_now(&url, policy, None, &grant_all());
    let (honest, snapshot) = plan_now(&url, policy, None, &no_grants());
    let other = |name: &str| {
        connect(server(), &database).query_one("SELECT $1::text::regclass::oid", &[&name]).unwrap().get::<_, u32>(0)
    };
    let stale =
        |change: &dyn Fn(&mut Value)| refused(judge_saved(&url, policy, &forged(&granted, |plan| change(plan))));

    // Another action under a name that was reviewed.
    for (partition, id) in [
        ("app.events_3", "drop app.events_9"),
        ("app.events_0", "mark app.events_7"),
        ("app.places", "drop app.events_9"),
    ] {
        let oid = other(partition);
        let text = |plan: &mut Value| {
            let was = step(plan, id).clone();
            let (old_name, old_oid) =
                (was["id"].as_str().unwrap().split(' ').nth(1).unwrap().to_owned(), was["object"].clone());
            let old_oid = old_oid["existing"]["oid"].to_string();
            let changed = was.to_string().replace(&old_name, partition).replace(&old_oid, &oid.to_string());
            *step(plan, id) = serde_json::from_str(&changed).unwrap();
        };
        assert!(matches!(stale(&text), Refusal::Stale(_) | Refusal::Forged(_)), "{partition}: {:?}", stale(&text));
    }
    // Another table's parent, another time to wait, another lane of work.
    assert!(matches!(
        stale(&|plan| step(plan, "drop app.events_9")["timeouts"]["statement"] = json!(1)),
        Refusal::Stale(_)
    ));
    assert!(matches!(stale(&|plan| step(plan, "drop app.events_9")["table"] = json!("app.strict")), Refusal::Stale(_)));
    assert!(matches!(
        stale(&|plan| step(plan, "detach app.events_7")["unit"] = json!("transaction")),
        Refusal::Stale(_)
    ));
    // The policy inside the file, its hash, the server, the clock.
    let long: Value = serde_json::to_value(desired(&POLICY.replace("3 months", "2 months"))).unwrap();
    assert!(matches!(stale(&|plan| plan["policy"] = long.clone()), Refusal::Forged(_)));
    assert!(
        matches!(stale(&|plan| plan["policy_hash"] = json!("0".repeat(64))), Refusal::OtherPolicy { .. }),
        "{:?}",
        stale(&|plan| plan["policy_hash"] = json!("0".repeat(64)))
    );
    assert!(matches!(stale(&|plan| plan["target"]["system_identifier"] = json!("1")), Refusal::OtherDatabase { .. }));
    assert!(matches!(stale(&|plan| plan["target"]["database_oid"] = json!(1)), Refusal::OtherDatabase { .. }));
    assert!(matches!(stale(&|plan| plan["format_version"] = json!("2.0")), Refusal::NotApplyable(_)));
    let ahead = snapshot.taken_at + SignedDuration::from_hours(24);
    assert!(matches!(stale(&|plan| plan["evaluated_at"] = json!(ahead)), Refusal::NotApplyable(_)));
    assert!(matches!(stale(&|plan| plan["applyable"] = json!(false)), Refusal::NotApplyable(_)));
    // A step that is left out leaves those that need it without ground.
    let without =
        |plan: &mut Value| plan["steps"].as_array_mut().unwrap().retain(|step| step["id"] != "mark app.events_7");
    assert!(matches!(stale(&without), Refusal::Stale(_) | Refusal::Forged(_)), "{:?}", stale(&without));
    let twice = |plan: &mut Value| {
        let again = step(plan, "drop app.events_9").clone();
        plan["steps"].as_array_mut().unwrap().push(again);
    };
    assert!(matches!(stale(&twice), Refusal::Stale(_) | Refusal::Forged(_)));

    // Hazards, needs, facts and gates in the file are not believed: the step is planned afresh.
    let opened = forged(&honest, |plan| {
        for step in plan["steps"].as_array_mut().unwrap() {
            step["hazards"] = json!([]);
            step["needs"] = json!([]);
            step["before"] = json!([]);
            step["gate"] = serde_json::to_value(Gate::Open).unwrap();
        }
    });
    let outcome = apply_saved(&url, policy, &opened, &no_grants()).unwrap();
    for (id, result) in &outcome.results {
        let gated = id.0.starts_with("drop") || id.0.starts_with("attach");
        match result {
            StepResult::Blocked(why) if gated => assert!(why[0].contains("--allow "), "{id}: {why:?}"),
            StepResult::Blocked(why) => assert!(why[0].starts_with("needs `"), "{id}: {why:?}"),
            StepResult::Applied { .. } => assert!(!gated, "{id} ran without a grant"),
            StepResult::AlreadySatisfied
            | StepResult::Postponed(_)
            | StepResult::Skipped(_)
            | StepResult::Superseded { .. }
            | StepResult::Failed { .. }
            | StepResult::NotReached => assert!(id.0.contains("app.events"), "{id}: {result:?}"),
        }
    }
    world.check(&database);
    let kept: i64 = connect(server(), &database).query_one("SELECT count(*) FROM app.events_9", &[]).unwrap().get(0);
    assert_eq!(kept, 50);
    world.drop(&database);
}

#[test]
fn grants_are_those_of_the_command_that_runs() {
    let world = World::new(server(), "grants");
    let database = world.copy("grants_saved");
    let url = server().url(&database);
    // Planned with every grant, applied with none; planned with none, applied with one.
    let (granted, _) = plan_now(&url, &world.policy, None, &grant_all());
    let (honest, _) = plan_now(&url, &world.policy, None, &no_grants());
    let mut run = Run::begin(&connector(&url), Duration::from_secs(10), &Interrupt::new()).unwrap();
    let gates = |judged: &Judged, blocked: bool| -> Vec<String> {
        let steps = judged.plan.steps.iter().filter(|step| step.gate.is_blocked() == blocked);
        steps
            .filter(|step| matches!(step.action, Action::Partition(PartitionAction::Drop(_))))
            .map(|step| step.id.to_string())
            .collect()
    };
    let (snapshot, with_none) = run.inspect_for(&granted, &world.policy, &options(None, &no_grants())).unwrap();
    let judged = judge(&granted, &world.policy, &snapshot, &with_none).unwrap();
    assert_eq!(gates(&judged, true).len(), 3, "{:?}", judged.plan.steps);
    let one =
        BTreeSet::from([Granted { grant: "deletes-data:app.strict".parse().unwrap(), source: GrantSource::Flag }]);
    let (snapshot, with_one) = run.inspect_for(&honest, &world.policy, &options(None, &one)).unwrap();
    let judged = judge(&honest, &world.policy, &snapshot, &with_one).unwrap();
    assert_eq!(gates(&judged, false), ["drop app.strict_7"]);
    let outcome =
        run.carry_out(judged, &with_one, &ApplyOptions::default(), &mut On(|_: &pgstrata::apply::Event<'_>| ()));
    let dropped = outcome.results.iter().filter(|(id, result)| id.0.starts_with("drop") && result.is_done());
    assert_eq!(dropped.map(|(id, _)| id.0.as_str()).collect::<Vec<_>>(), ["drop app.strict_7"]);
    world.check(&database);
    world.drop(&database);
}

#[test]
fn what_became_due_since_is_listed_and_not_run() {
    let world = World::new(server(), "since");
    let database = world.copy("since_saved");
    let url = server().url(&database);
    let then: Timestamp = connect(server(), &database)
        .query_one(
            "SELECT to_char((now() - interval '45 days') AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"')",
            &[],
        )
        .unwrap()
        .get::<_, String>(0)
        .parse()
        .unwrap();
    let (saved, _) = plan_now(&url, &world.policy, Some(then), &grant_all());
    let judged = judge_saved(&url, &world.policy, &saved).unwrap();
    assert!(!judged.due_since.is_empty());
    let planned: BTreeSet<_> = judged.plan.steps.iter().map(|step| &step.id).collect();
    assert!(judged.due_since.iter().all(|id| !planned.contains(id)));
    let since = judged.due_since.clone();
    let outcome = apply_saved(&url, &world.policy, &saved, &grant_all()).unwrap();
    assert_eq!(outcome.due_since, since);
    let ran: BTreeSet<_> = outcome.results.iter().map(|(id, _)| id.clone()).collect();
    assert!(since.iter().all(|id| !ran.contains(id)), "{since:?} {ran:?}");
    world.check(&database);
    world.drop(&database);
}
