//! A saved plan against the catalog as it is now: which of its steps are done, which are to run, and why it is stale.

use std::collections::{BTreeMap, BTreeSet};

use crate::catalog::Snapshot;
use crate::plan::{
    Action, Code, DetachMode, Finding, PLAN_FORMAT, PartitionAction, Plan, PlanOptions, Step, StepId, Summary,
    Violation, plan, verify,
};
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
    let fresh = plan(desired, snapshot, &at_then);
    let now = plan(desired, snapshot, &PlanOptions { now: snapshot.taken_at, ..at_then });
    if let Some(because) = &fresh.not_applyable_because {
        return refuse(Refusal::NotApplyable(because.clone()));
    }

    let afresh = Afresh::new(&fresh, &now);
    let mut satisfied = satisfied(saved, &afresh, snapshot);
    let (to_run, stale) = to_run(saved, &afresh, snapshot, &mut satisfied);
    if !stale.is_empty() {
        return refuse(Refusal::Stale(stale));
    }
    // A drop without grace follows a stamp that is younger than the plan: by the plan's clock its grace is not over.
    let follows = to_run.iter().any(|step| !afresh.then.contains_key(&step.id));
    let evaluated_at = if follows { snapshot.taken_at } else { saved.evaluated_at };
    let mut judged = Plan {
        summary: Summary::of(&to_run),
        steps: to_run,
        findings: fresh.findings,
        target: snapshot.target.clone(),
        ..saved.clone()
    };
    // A flag on the apply itself is said by whoever runs it, and changes no more than how long a step waits.
    for step in judged.steps.iter_mut().filter(|step| !step.action.is_concurrent()) {
        step.timeouts.lock = by_flag.lock_timeout.unwrap_or(step.timeouts.lock);
        step.timeouts.lock_retries = by_flag.lock_retries.unwrap_or(step.timeouts.lock_retries);
    }
    let steps = without_done_needs(&judged.steps, &satisfied);
    if let Err(violations) = verify(&Plan { steps, evaluated_at, ..judged.clone() }, desired, snapshot) {
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

/// The steps that the policy plans on the catalog as it is now.
struct Afresh<'a> {
    /// By the saved plan's clock.
    then: BTreeMap<&'a StepId, &'a Step>,
    /// By the server's.
    now: BTreeMap<&'a StepId, &'a Step>,
}

impl<'a> Afresh<'a> {
    fn new(then: &'a Plan, now: &'a Plan) -> Self {
        let by_id = |plan: &'a Plan| plan.steps.iter().map(|step| (&step.id, step)).collect();
        Self { then: by_id(then), now: by_id(now) }
    }

    /// By the plan's own clock. A drop without grace follows a stamp that is younger than the plan, once that is there.
    fn get(&self, id: &StepId) -> Option<&'a Step> {
        self.then.get(id).or_else(|| self.now.get(id)).copied()
    }

    /// The end of a detach that this step began: it is never begun again, always continued.
    fn end_of(&self, step: &Step) -> Option<&'a Step> {
        let Action::Partition(PartitionAction::Detach(detach)) = &step.action else { return None };
        let id = StepId(format!("finalize {}", detach.leaving.partition.name));
        let end = self.then.get(&id).copied()?;
        let same =
            matches!(&end.action, Action::Partition(PartitionAction::Finalize(leaving)) if *leaving == detach.leaving);
        (same && detach.mode == DetachMode::Concurrently).then_some(end)
    }
}

/// Steps whose own facts after hold, or that were needed by one of these. What the policy plans afresh is still wanted.
fn satisfied(saved: &Plan, afresh: &Afresh<'_>, snapshot: &Snapshot) -> Vec<StepId> {
    let mut done: Vec<StepId> = Vec::new();
    // What a step needs stands before it, so that all that needs it has been seen.
    let mut needed: BTreeSet<&StepId> = BTreeSet::new();
    for step in saved.steps.iter().rev().filter(|step| !afresh.then.contains_key(&step.id)) {
        let holds = || !step.after.is_empty() && step.after.iter().all(|fact| fact.judge(snapshot).is_ok());
        if needed.contains(&step.id) || holds() {
            done.push(step.id.clone());
            needed.extend(&step.needs);
        }
    }
    done.reverse();
    done
}

/// Judges what is left: against the catalog as the steps before will leave it.
fn to_run(
    saved: &Plan,
    afresh: &Afresh<'_>,
    snapshot: &Snapshot,
    satisfied: &mut Vec<StepId>,
) -> (Vec<Step>, Vec<StaleStep>) {
    let mut world = snapshot.clone();
    let (mut to_run, mut stale): (Vec<Step>, Vec<StaleStep>) = (Vec::new(), Vec::new());
    let mut done: BTreeSet<StepId> = satisfied.iter().cloned().collect();
    // Done, or to be done before what follows.
    let mut over = done.clone();
    for step in &saved.steps {
        if done.contains(&step.id) {
            continue;
        }
        let planned = afresh.get(&step.id);
        if let (None, Some(end)) = (planned, afresh.end_of(step)) {
            end.after.iter().for_each(|fact| fact.assume(&mut world, snapshot.taken_at));
            to_run.push(end.clone());
            satisfied.push(step.id.clone());
            done.insert(step.id.clone());
            over.extend([step.id.clone(), end.id.clone()]);
            continue;
        }
        let mut facts: Vec<StaleFact> = step
            .before
            .iter()
            .filter_map(|fact| fact.judge(&world).err().map(|found| StaleFact { planned: fact.to_string(), found }))
            .collect();
        // A detach that somebody else left pending since must end first.
        let first = planned.iter().flat_map(|now| &now.needs);
        let first = first.filter(|need| !over.contains(*need));
        facts.extend(first.filter(|need| !step.needs.contains(need)).map(|need| StaleFact {
            planned: "nothing else has to be done first".to_owned(),
            found: format!("`{need}` is needed first"),
        }));
        // The hazards are today's; everything that reaches the server must be what was reviewed.
        let same = planned.is_some_and(|now| {
            now.action == step.action
                && now.unit == step.unit
                && now.timeouts == step.timeouts
                && now.table == step.table
        });
        match planned.filter(|_| facts.is_empty() && same) {
            Some(now) => {
                now.after.iter().for_each(|fact| fact.assume(&mut world, snapshot.taken_at));
                over.insert(now.id.clone());
                to_run.push(now.clone());
            }
            // Whoever is at the table now, or was since, has made it wait or needless: the next run's plan says which. It
            // must not keep what else was reviewed from happening.
            None if step.action.is_maintenance() => {}
            None => {
                let sql = facts.is_empty().then(|| (text(step), planned.map(text).unwrap_or_default()));
                stale.push(StaleStep { step: step.id.clone(), facts, sql });
                // What follows is judged as if this one had run: a reader wants the cause, not what comes of it.
                step.after.iter().for_each(|fact| fact.assume(&mut world, snapshot.taken_at));
            }
        }
    }
    (to_run, stale)
}

/// What comes before the dot of a format's version.
fn major(version: &str) -> &str {
    version.split_once('.').map_or(version, |(major, _)| major)
}

fn text(step: &Step) -> String {
    let statements = render(step);
    statements.iter().filter_map(|statement| statement.sql()).map(|sql| format!("{sql};\n")).collect()
}

fn without_done_needs(steps: &[Step], done: &[StepId]) -> Vec<Step> {
    let done: BTreeSet<&StepId> = done.iter().collect();
    let mut steps = steps.to_vec();
    for step in &mut steps {
        step.needs.retain(|need| !done.contains(need));
    }
    steps
}
