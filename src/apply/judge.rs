//! A saved plan against the catalog as it is now: which of its steps are done, which are to run, and why it is stale.

use std::collections::{BTreeMap, BTreeSet};

use super::reviewed::{Afresh, Reviewed};
use crate::catalog::Snapshot;
use crate::plan::{
    Code, Finding, Overrides, PLAN_FORMAT, Plan, PlanOptions, Step, StepId, Summary, Violation, World,
    missing_privileges, plan_in, verify,
};
use crate::policy::Desired;

/// Why a plan is not carried out. Nothing ran.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// It was made for reading: offline, or for another time.
    NotApplyable(String),
    /// It is for another database.
    OtherDatabase {
        /// As planned.
        planned: String,
        /// As found.
        found: String,
    },
    /// It was made from another policy, or from this one before it changed.
    OtherPolicy {
        /// The hash in the plan.
        planned: String,
        /// The policy's.
        found: String,
    },
    /// It breaks a rule that no plan of ours breaks.
    Forged(Vec<Violation>),
    /// The catalog has changed where it matters.
    Stale(Vec<StaleStep>),
    /// The role lacks rights that its steps need.
    MissingPrivileges(Vec<Finding>),
}

/// A step that cannot run as planned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StaleStep {
    /// The step.
    pub step: StepId,
    /// The facts that do not hold.
    pub facts: Vec<StaleFact>,
    /// Its SQL as planned, and as the policy would plan it now (empty: not at all), where the facts alone do not tell.
    pub sql: Option<(String, String)>,
}

/// A fact that does not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StaleFact {
    /// As planned.
    pub planned: String,
    /// As found.
    pub found: String,
}

/// A plan whose steps were judged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Judged {
    /// The plan, each step that is still to run as planned afresh: with its gates by today's grants.
    pub plan: Plan,
    /// Steps whose effect is there already.
    pub satisfied: Vec<StepId>,
    /// Steps that are not run, and do not make the plan stale.
    pub superseded: Vec<Superseded>,
    /// Steps that became due since, or are planned under the grants of the command that runs, and were not reviewed.
    pub due_since: Vec<StepId>,
}

/// A step of a saved plan that is planned otherwise now, or is not needed any more. It is not run; the rest is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Superseded {
    /// The step.
    pub step: StepId,
    /// Why.
    pub because: String,
    /// What it was for is still wanted: a new plan says how.
    pub wanted: bool,
}

/// Judges a saved plan with the policy it must have been made from. `options` carries the grants of the command that
/// runs; a plan file grants nothing.
///
/// # Errors
/// The plan must not run, because of this.
pub fn judge(
    saved: &Plan,
    desired: &Desired,
    snapshot: &Snapshot,
    options: &PlanOptions,
) -> Result<Judged, Box<Refusal>> {
    let refuse = |refusal| Err(Box::new(refusal));
    if major(&saved.format_version) != major(PLAN_FORMAT) {
        let because = format!("its format is {}, this version reads {PLAN_FORMAT}", saved.format_version);
        return refuse(Refusal::NotApplyable(because));
    }
    if !saved.target.same_database(&snapshot.target) {
        let (planned, found) = (saved.target.to_string(), snapshot.target.to_string());
        return refuse(Refusal::OtherDatabase { planned, found });
    }
    if saved.policy_hash != desired.hash() {
        let (planned, found) = (saved.policy_hash.to_string(), desired.hash().to_string());
        return refuse(Refusal::OtherPolicy { planned, found });
    }
    if !saved.applyable {
        let because = saved.not_applyable_because.clone().unwrap_or_else(|| "it says so".to_owned());
        return refuse(Refusal::NotApplyable(because));
    }
    if saved.evaluated_at > snapshot.taken_at {
        let because = format!("it was made for {}, ahead of the server's clock", saved.evaluated_at);
        return refuse(Refusal::NotApplyable(because));
    }
    let by_flag = options.overrides;
    let of_saved = options.of_saved(saved, desired);
    let at_then = PlanOptions { now: saved.evaluated_at, overrides: saved.overrides, ..of_saved };
    // Nothing that was not reviewed is carried out, and what is blocked has no effect.
    let world = World::OpenAmong(saved.steps.iter().map(|step| &step.id).collect());
    let fresh = plan_in(&world, desired, snapshot, &at_then);
    let now = plan_in(&world, desired, snapshot, &PlanOptions { now: snapshot.taken_at, ..at_then.clone() });
    if let Some(because) = &fresh.not_applyable_because {
        return refuse(Refusal::NotApplyable(because.clone()));
    }

    let other = other_gates(saved, &fresh).then(|| {
        let could_run = saved.steps.iter().filter(|step| !step.gate.is_blocked()).map(|step| &step.id);
        plan_in(&World::Only(could_run.collect()), desired, snapshot, &at_then)
    });

    let afresh = Afresh::new(&fresh, &now, other.as_ref());
    let satisfied = satisfied(saved, &afresh, snapshot);
    let Reviewed { to_run, satisfied, superseded, stale, .. } = Reviewed::judge(saved, &afresh, snapshot, satisfied);
    if !stale.is_empty() {
        return refuse(Refusal::Stale(stale));
    }
    // A drop without grace follows a stamp that is younger than the plan: by the plan's clock its grace is not over.
    let follows = to_run.iter().any(|step| !afresh.plans_then(&step.id));
    let evaluated_at = if follows { snapshot.taken_at } else { saved.evaluated_at };
    let mut findings = fresh.findings.clone();
    findings.retain(|finding| finding.code != Code::MissingPrivilege);
    findings.extend(missing_privileges(&to_run, snapshot));
    findings.sort();
    let mut judged = Plan {
        summary: Summary::of(&to_run),
        steps: to_run,
        findings,
        target: snapshot.target.clone(),
        ..saved.clone()
    };
    judged.overrides = saved.overrides.carried(by_flag, &desired.apply);
    for step in judged.steps.iter_mut().filter(|step| !step.action.is_concurrent()) {
        let Overrides { lock_timeout, lock_retries } = judged.overrides;
        step.timeouts.lock = lock_timeout.unwrap_or(step.timeouts.lock);
        step.timeouts.lock_retries = lock_retries.unwrap_or(step.timeouts.lock_retries);
    }
    let steps = without_done_needs(&judged.steps, &satisfied);
    if let Err(violations) = verify(&Plan { steps, evaluated_at, ..judged.clone() }, desired, snapshot) {
        return refuse(Refusal::Forged(violations));
    }
    let due_since = now.steps.iter().map(|step| &step.id).filter(|id| saved.steps.iter().all(|step| step.id != **id));
    let due_since = due_since.cloned().collect();
    missing(&judged)?;
    Ok(Judged { plan: judged, satisfied, superseded, due_since })
}

/// The rights that the steps need and the role lacks: nothing runs without them.
pub(super) fn missing(plan: &Plan) -> Result<(), Box<Refusal>> {
    let missing: Vec<_> =
        plan.findings.iter().filter(|finding| finding.code == Code::MissingPrivilege).cloned().collect();
    if missing.is_empty() { Ok(()) } else { Err(Box::new(Refusal::MissingPrivileges(missing))) }
}

/// Whether a step could run when the plan was saved and may not now, or the other way round.
fn other_gates(saved: &Plan, fresh: &Plan) -> bool {
    let gates: BTreeMap<&StepId, bool> = fresh.steps.iter().map(|step| (&step.id, step.gate.is_blocked())).collect();
    let mut steps = saved.steps.iter();
    steps.any(|step| gates.get(&step.id).is_some_and(|blocked| *blocked != step.gate.is_blocked()))
}

/// Steps whose own facts after hold, or that were needed by one of these. What the policy plans afresh is still wanted.
fn satisfied(saved: &Plan, afresh: &Afresh<'_>, snapshot: &Snapshot) -> Vec<StepId> {
    let mut done: Vec<StepId> = Vec::new();
    // What a step needs stands before it, so that all that needs it has been seen.
    let mut needed: BTreeSet<&StepId> = BTreeSet::new();
    for step in saved.steps.iter().rev().filter(|step| !afresh.plans_then(&step.id)) {
        let holds = || !step.after.is_empty() && step.after.iter().all(|fact| fact.judge(snapshot).is_ok());
        if needed.contains(&step.id) || holds() {
            done.push(step.id.clone());
            needed.extend(&step.needs);
        }
    }
    done.reverse();
    done
}

/// What comes before the dot of a format's version.
fn major(version: &str) -> &str {
    version.split_once('.').map_or(version, |(major, _)| major)
}

fn without_done_needs(steps: &[Step], done: &[StepId]) -> Vec<Step> {
    let done: BTreeSet<&StepId> = done.iter().collect();
    let mut steps = steps.to_vec();
    for step in &mut steps {
        step.needs.retain(|need| !done.contains(need));
    }
    steps
}
