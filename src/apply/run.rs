//! A run from the run lock to the last look at the catalog.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::Timestamp;

use super::control::{BeginError, Control};
use super::executor::{Executor, Reporter, lock};
use super::journal::Journal;
use super::judge::{Judged, Refusal, Superseded, missing};
use super::observer::{Event, Observer};
use super::outcome::{Ended, Outcome, StepResult};
use super::room::{Room, room};
use crate::catalog::{InspectError, Snapshot, interruptible, take, take_for_saved};
use crate::db::{Connector, Interrupt, Session};
use crate::plan::{Object, Plan, PlanOptions, Step, StepId, Summary, Violation, plan, verify};
use crate::policy::Desired;

/// How a run is carried out, beyond what the plan says.
#[derive(Clone, Debug, Default)]
pub struct ApplyOptions {
    /// Tables side by side, instead of the policy's.
    pub jobs: Option<u32>,
    /// Where each unit that rows or indexes go with is written down, before it and after.
    pub journal: Option<Arc<Journal>>,
}

/// A run that holds the run lock.
#[derive(Debug)]
pub struct Run {
    connector: Connector,
    control: Control,
    stop: Interrupt,
}

impl Run {
    /// Takes the run lock, before anything is inspected. Waits for it at most this long.
    ///
    /// # Errors
    /// [`BeginError`]: nothing has happened.
    pub fn begin(connector: &Connector, wait: Duration, stop: &Interrupt) -> Result<Self, BeginError> {
        let control = Control::begin(connector, wait, stop)?;
        // A list of hosts, or a name, must not spread one run over several servers.
        let connector = control.bind(connector);
        Ok(Self { connector, control, stop: stop.clone() })
    }

    /// Reads what a plan with these options needs, under the run lock.
    ///
    /// # Errors
    /// The catalog could not be read, or a signal came.
    pub fn inspect(
        &mut self,
        desired: &Desired,
        options: &PlanOptions,
        now: Option<Timestamp>,
    ) -> Result<(Snapshot, PlanOptions), InspectError> {
        interruptible(self.control.session(), &self.stop, |session| take(session, desired, options, now))
    }

    /// Reads what [`judge`](super::judge()) needs to judge a saved plan, under the run lock.
    ///
    /// # Errors
    /// The catalog could not be read, or a signal came.
    pub fn inspect_for(
        &mut self,
        saved: &Plan,
        desired: &Desired,
        options: &PlanOptions,
    ) -> Result<(Snapshot, PlanOptions), InspectError> {
        interruptible(self.control.session(), &self.stop, |session| take_for_saved(session, desired, options, saved))
    }

    /// A fresh plan, ready to be carried out.
    ///
    /// # Errors
    /// It may not run at all: a standby, another server than the policy expects, rights that are missing.
    pub fn accept(plan: Plan, desired: &Desired, snapshot: &Snapshot) -> Result<Judged, Box<Refusal>> {
        if let Some(because) = &plan.not_applyable_because {
            return Err(Box::new(Refusal::NotApplyable(because.clone())));
        }
        let check: Result<(), Vec<Violation>> = verify(&plan, desired, snapshot);
        check.map_err(|violations| Box::new(Refusal::Forged(violations)))?;
        missing(&plan)?;
        Ok(Judged { plan, satisfied: Vec::new(), superseded: Vec::new(), due_since: Vec::new() })
    }

    /// How many tables at once the free connections allow, of as many as the options or the policy want. A run opens up to
    /// `2 × jobs + 1`.
    pub fn room_for(&mut self, judged: &Judged, options: &ApplyOptions) -> Room {
        let wanted = options.jobs.unwrap_or(judged.plan.policy.apply.jobs).max(1);
        room(&mut self.control, &judged.plan, wanted)
    }

    /// Carries out what was judged, and reads the catalog again.
    pub fn carry_out(
        mut self,
        judged: Judged,
        planning: &PlanOptions,
        options: &ApplyOptions,
        observer: &mut dyn Observer,
    ) -> Outcome {
        let Judged { plan: judged, satisfied, superseded, due_since } = judged;
        let observer = Mutex::new(observer);
        let (done, ended, committed) = {
            let tell = |event: &Event<'_>| lock(&observer).on(event);
            let reporter = Reporter::new(&tell);
            let executor =
                Executor::new(&self.connector, &mut self.control, &judged, &satisfied, options, &self.stop, &reporter);
            executor.run()
        };
        if matches!(ended, Ended::Lost(_)) {
            self.control.lose();
        }
        let mut results: Vec<(StepId, StepResult)> =
            satisfied.into_iter().map(|id| (id, StepResult::AlreadySatisfied)).collect();
        results.extend(superseded.into_iter().map(|Superseded { step, because, wanted }| {
            let result = StepResult::Superseded { because, wanted };
            (step, result)
        }));
        results.extend(judged.steps.iter().map(|step| {
            let result = done.get(&step.id).cloned().unwrap_or(StepResult::NotReached);
            (step.id.clone(), result)
        }));
        let remains = self.look_again(&judged, &results, planning, &ended);
        let ended = match (ended, self.stop.signal()) {
            // It came during the last look.
            (Ended::Complete, Some(signal)) if remains.is_none() => Ended::Interrupted(signal),
            (ended, _) => ended,
        };
        Outcome { plan: judged, results, ended, committed, remains, due_since }
    }

    /// What the policy still wants, unless the server is gone.
    fn look_again(
        &mut self,
        done: &Plan,
        results: &[(StepId, StepResult)],
        planning: &PlanOptions,
        ended: &Ended,
    ) -> Option<Plan> {
        match ended {
            Ended::Lost(_) => return None,
            Ended::Interrupted(_) if self.stop.is_silent() => return None,
            Ended::Complete | Ended::Interrupted(_) => {}
        }
        let again = planning.of_saved(done, &done.policy);
        let saved = Plan { evaluated_at: planning.now, ..done.clone() };
        let look = |session: &mut Session| take_for_saved(session, &done.policy, &again, &saved);
        let session = self.control.session();
        // After a signal nothing is begun, and what happened is still told: a second signal ends that.
        let looked = if self.stop.is_set() { look(session) } else { interruptible(session, &self.stop, look) };
        let (snapshot, now) = looked.ok()?;
        // The same clock: what became due while we worked is the next run's.
        let mut remains = plan(&done.policy, &snapshot, &again);
        // But a drop without grace follows a stamp that is younger than that clock: it is not done, and still wanted.
        let undone = |id: &StepId| results.iter().any(|(step, result)| step == id && !result.is_done());
        let planned: BTreeSet<StepId> = remains.steps.iter().map(|step| step.id.clone()).collect();
        let later = plan(&done.policy, &snapshot, &now.of_saved(done, &done.policy));
        let left: Vec<Step> =
            later.steps.into_iter().filter(|step| undone(&step.id) && !planned.contains(&step.id)).collect();
        if !left.is_empty() {
            let concerned: BTreeSet<Object> = left.iter().map(|step| step.action.object()).collect();
            // What the other clock says of these (that their grace is not over) is not so any more.
            remains.findings.retain(|finding| finding.object.as_ref().is_none_or(|object| !concerned.contains(object)));
            remains.steps.extend(left);
            remains.summary = Summary::of(&remains.steps);
        }
        Some(remains)
    }
}
