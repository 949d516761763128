//! The shipped path from a policy's text to an outcome, for tests.

use std::collections::BTreeSet;
use std::time::Duration;

use jiff::Timestamp;
use pgstrata::apply::{ApplyOptions, Observer, Outcome, Refusal, Run};
use pgstrata::catalog::{Snapshot, take};
use pgstrata::db::{Connector, Env, Interrupt, resolve};
use pgstrata::plan::{GrantSource, Granted, HazardKind, Plan, PlanOptions, plan, verify};
use pgstrata::policy::{Desired, Grant, Source, load};

/// A policy's text as what it means.
pub(crate) fn desired(yaml: &str) -> Desired {
    let (policy, _) = load(&[Source::new("policy.yaml", yaml)], None, &|_| None).expect("the policy loads");
    policy.resolve().expect("the policy resolves")
}

pub(crate) fn connector(url: &str) -> Connector {
    let info = resolve(Some(url), &Env::from_map([("USER", "postgres")])).expect("a connection string");
    Connector::new(info, "pgstrata/test").expect("a connector")
}

/// Every gated hazard accepted, as by flags.
pub(crate) fn grant_all() -> BTreeSet<Granted> {
    let grants = HazardKind::ALL
        .into_iter()
        .map(|hazard| Granted { grant: Grant { hazard, table: None }, source: GrantSource::Flag });
    grants.collect()
}

/// Options for a clock, with these grants.
pub(crate) fn options(now: Option<Timestamp>, grants: &BTreeSet<Granted>) -> PlanOptions {
    PlanOptions { grants: grants.clone(), ..PlanOptions::at(now.unwrap_or(Timestamp::UNIX_EPOCH)) }
}

/// Inspects and plans; the plan keeps its own rules.
pub(crate) fn plan_now(
    url: &str,
    desired: &Desired,
    now: Option<Timestamp>,
    grants: &BTreeSet<Granted>,
) -> (Plan, Snapshot) {
    let mut session = connector(url).connect(Duration::from_secs(10)).expect("a session");
    let (snapshot, options) = take(&mut session, desired, &options(now, grants), now).expect("a snapshot");
    let planned = plan(desired, &snapshot, &options);
    assert_eq!(verify(&planned, desired, &snapshot), Ok(()), "a fresh plan keeps every rule");
    (planned, snapshot)
}

/// Plans and carries out, as `apply` without a saved plan does; the refusal where it may not run at all.
pub(crate) fn try_apply(
    url: &str,
    desired: &Desired,
    now: Option<Timestamp>,
    grants: &BTreeSet<Granted>,
    observer: &mut dyn Observer,
) -> Result<Outcome, Box<Refusal>> {
    let stop = Interrupt::new();
    let mut run = Run::begin(&connector(url), Duration::from_secs(10), &stop).expect("the run lock");
    let (snapshot, options) = run.inspect(desired, &options(now, grants), now).expect("a snapshot");
    let planned = plan(desired, &snapshot, &options);
    let judged = Run::accept(planned, desired, &snapshot)?;
    Ok(run.carry_out(judged, &options, &ApplyOptions::default(), observer))
}

/// The same where nothing stands in its way.
pub(crate) fn apply_now(
    url: &str,
    desired: &Desired,
    now: Option<Timestamp>,
    grants: &BTreeSet<Granted>,
    observer: &mut dyn Observer,
) -> Outcome {
    try_apply(url, desired, now, grants, observer).expect("a plan that may run")
}
