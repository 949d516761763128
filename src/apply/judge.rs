//! A saved plan against the catalog as it is now: which of its steps are done, which are to run, and why it is stale.

use std::collections::BTreeMap;

use crate::catalog::Snapshot;
use crate::plan::{Code, Finding, Plan, PlanOptions, Step, StepId, Unit, Violation, plan, verify};
use crate::policy::Desired;
use crate::sql::render;

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
    /// Steps that became due since.
    pub due_since: Vec<StepId>,
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
    let include = saved.only.iter().cloned().collect();
    let by_flag = options.overrides;
    let at_then = PlanOptions { now: saved.evaluated_at, include, overrides: saved.overrides, ..options.clone() };
    let fresh = plan(desired, snapshot, &at_then);
    let now = plan(desired, snapshot, &PlanOptions { now: snapshot.taken_at, ..at_then });

    let satisfied = satisfied(saved, snapshot);
    let (to_run, stale) = to_run(saved, &fresh, snapshot, &satisfied);
    if !stale.is_empty() {
        return refuse(Refusal::Stale(stale));
    }
    let mut judged = Plan { steps: to_run, findings: fresh.findings, ..saved.clone() };
    // A flag on the apply itself is said by whoever runs it, and changes no more than how long a step waits.
    for step in judged.steps.iter_mut().filter(|step| step.unit == Unit::Transaction) {
        step.timeouts.lock = by_flag.lock_timeout.unwrap_or(step.timeouts.lock);
        step.timeouts.lock_retries = by_flag.lock_retries.unwrap_or(step.timeouts.lock_retries);
    }
    if let Err(violations) =
        verify(&Plan { steps: without_done_needs(&judged.steps, &satisfied), ..judged.clone() }, desired, snapshot)
    {
        return refuse(Refusal::Forged(violations));
    }
    let due_since = now.steps.iter().map(|step| &step.id).filter(|id| saved.steps.iter().all(|step| step.id != **id));
    let due_since = due_since.cloned().collect();
    missing(&judged)?;
    Ok(Judged { plan: judged, satisfied, due_since })
}

/// The rights that the steps need and the role lacks: nothing runs without them.
pub(super) fn missing(plan: &Plan) -> Result<(), Box<Refusal>> {
    let missing: Vec<_> =
        plan.findings.iter().filter(|finding| finding.code == Code::MissingPrivilege).cloned().collect();
    if missing.is_empty() { Ok(()) } else { Err(Box::new(Refusal::MissingPrivileges(missing))) }
}

/// Steps whose own facts after hold, or that were needed by one of these.
fn satisfied(saved: &Plan, snapshot: &Snapshot) -> Vec<StepId> {
    let mut done: Vec<StepId> = Vec::new();
    for step in saved.steps.iter().rev() {
        let holds = step.after.iter().all(|fact| fact.judge(snapshot).is_ok());
        let needed = saved.steps.iter().any(|later| done.contains(&later.id) && later.needs.contains(&step.id));
        if holds || needed {
            done.push(step.id.clone());
        }
    }
    done.reverse();
    done
}

/// Judges what is left: against the catalog as the steps before will leave it.
fn to_run(saved: &Plan, fresh: &Plan, snapshot: &Snapshot, satisfied: &[StepId]) -> (Vec<Step>, Vec<StaleStep>) {
    let now: BTreeMap<&StepId, &Step> = fresh.steps.iter().map(|step| (&step.id, step)).collect();
    let mut world = snapshot.clone();
    let (mut to_run, mut stale) = (Vec::new(), Vec::new());
    for step in saved.steps.iter().filter(|step| !satisfied.contains(&step.id)) {
        let facts: Vec<StaleFact> = step
            .before
            .iter()
            .filter_map(|fact| fact.judge(&world).err().map(|found| StaleFact { planned: fact.to_string(), found }))
            .collect();
        let planned = now.get(&step.id).copied();
        // The hazards are today's; everything that reaches the server must be what was reviewed.
        let same = planned.is_some_and(|now| {
            now.action == step.action
                && now.unit == step.unit
                && now.timeouts == step.timeouts
                && now.table == step.table
        });
        match planned.filter(|_| facts.is_empty() && same) {
            Some(now) => {
                step.after.iter().for_each(|fact| fact.assume(&mut world, snapshot.taken_at));
                to_run.push(now.clone());
            }
            None => {
                let sql = facts.is_empty().then(|| (text(step), planned.map(text).unwrap_or_default()));
                stale.push(StaleStep { step: step.id.clone(), facts, sql });
            }
        }
    }
    (to_run, stale)
}

fn text(step: &Step) -> String {
    let statements = render(step);
    statements.iter().filter_map(|statement| statement.sql()).map(|sql| format!("{sql};\n")).collect()
}

fn without_done_needs(steps: &[Step], done: &[StepId]) -> Vec<Step> {
    let mut steps = steps.to_vec();
    for step in &mut steps {
        step.needs.retain(|need| !done.contains(need));
    }
    steps
}
