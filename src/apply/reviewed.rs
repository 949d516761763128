//! The steps of a saved plan that are not done yet, one after the other: to run, blocked, superseded or stale.
//!
//! A plan is saved under some grants and applied under others. So each step is judged in two worlds: the one that this
//! run makes, in which what is blocked has no effect, and the one that the plan was made for. A step that is right in the
//! second alone runs where it still fits the first, and is superseded where it does not; it never makes the plan stale.

use std::collections::{BTreeMap, BTreeSet};

use super::alike::{alike, moved, same_sql, text};
use super::judge::{StaleFact, StaleStep, Superseded};
use crate::catalog::Snapshot;
use crate::plan::{Action, Block, DetachMode, Fact, Gate, PartitionAction, Plan, Step, StepId};

/// The steps that the policy plans on the catalog as it is now.
pub(super) struct Afresh<'a> {
    /// By the saved plan's clock, in the world of this run.
    then: BTreeMap<&'a StepId, &'a Step>,
    /// By the server's.
    now: BTreeMap<&'a StepId, &'a Step>,
    /// By the saved plan's clock, in its own world; `None` where that is the same.
    as_saved: Option<BTreeMap<&'a StepId, &'a Step>>,
}

impl<'a> Afresh<'a> {
    pub(super) fn new(then: &'a Plan, now: &'a Plan, as_saved: Option<&'a Plan>) -> Self {
        let by_id = |plan: &'a Plan| plan.steps.iter().map(|step| (&step.id, step)).collect();
        Self { then: by_id(then), now: by_id(now), as_saved: as_saved.map(by_id) }
    }

    /// By the plan's own clock. A drop without grace follows a stamp that is younger than the plan, once that is there.
    fn get(&self, id: &StepId) -> Option<&'a Step> {
        self.then.get(id).or_else(|| self.now.get(id)).copied()
    }

    pub(super) fn plans_then(&self, id: &StepId) -> bool {
        self.then.contains_key(id)
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

/// What becomes of the steps.
pub(super) struct Reviewed<'a> {
    afresh: &'a Afresh<'a>,
    snapshot: &'a Snapshot,
    /// As the steps that run will leave it.
    world: Snapshot,
    /// As those would that could run when the plan was saved; `None` where that is the same.
    as_saved: Option<Snapshot>,
    /// Done, or to be done before what follows.
    over: BTreeSet<StepId>,
    blocked: BTreeSet<StepId>,
    pub(super) to_run: Vec<Step>,
    pub(super) satisfied: Vec<StepId>,
    pub(super) superseded: Vec<Superseded>,
    pub(super) stale: Vec<StaleStep>,
}

/// What becomes of one.
enum Verdict {
    /// As planned afresh, with today's gate.
    Planned(Box<Step>),
    Superseded(Superseded),
    Stale(StaleStep),
    /// Whoever is at the table now, or was since, has made it needless.
    NotDue,
}

impl<'a> Reviewed<'a> {
    pub(super) fn judge(saved: &Plan, afresh: &'a Afresh<'a>, snapshot: &'a Snapshot, satisfied: Vec<StepId>) -> Self {
        let mut own = Self {
            afresh,
            snapshot,
            world: snapshot.clone(),
            as_saved: afresh.as_saved.is_some().then(|| snapshot.clone()),
            over: satisfied.iter().cloned().collect(),
            blocked: BTreeSet::new(),
            to_run: Vec::new(),
            satisfied,
            superseded: Vec::new(),
            stale: Vec::new(),
        };
        let done: BTreeSet<StepId> = own.satisfied.iter().cloned().collect();
        saved.steps.iter().filter(|step| !done.contains(&step.id)).for_each(|step| own.add(step));
        own
    }

    fn add(&mut self, step: &Step) {
        if let (None, Some(end)) = (self.afresh.get(&step.id), self.afresh.end_of(step)) {
            assume(&end.after, [Some(&mut self.world), self.as_saved.as_mut()], self.snapshot);
            self.over.extend([step.id.clone(), end.id.clone()]);
            self.satisfied.push(step.id.clone());
            self.to_run.push(end.clone());
            return;
        }
        let verdict = self.verdict(step);
        let (runs, stale) = match &verdict {
            Verdict::Planned(planned) => (!planned.gate.is_blocked(), false),
            // What follows is judged as if this one had run: a reader wants the cause, not what comes of it.
            Verdict::Stale(_) => (true, true),
            Verdict::Superseded(_) | Verdict::NotDue => (false, false),
        };
        let ran = stale || !step.gate.is_blocked();
        let worlds = [Some(&mut self.world).filter(|_| runs), self.as_saved.as_mut().filter(|_| ran)];
        match verdict {
            Verdict::Planned(planned) => {
                assume(&planned.after, worlds, self.snapshot);
                let those = if runs { &mut self.over } else { &mut self.blocked };
                those.insert(planned.id.clone());
                self.to_run.push(*planned);
            }
            Verdict::Superseded(superseded) => {
                assume(&step.after, worlds, self.snapshot);
                self.superseded.push(superseded);
            }
            Verdict::Stale(stale) => {
                assume(&step.after, worlds, self.snapshot);
                self.stale.push(stale);
            }
            Verdict::NotDue => {}
        }
    }

    fn verdict(&self, step: &Step) -> Verdict {
        let today = self.afresh.get(&step.id);
        let as_saved = self.afresh.as_saved.as_ref().and_then(|steps| steps.get(&step.id).copied());
        let superseded =
            |because: String, wanted: bool| Verdict::Superseded(Superseded { step: step.id.clone(), because, wanted });
        let needs = step.needs.iter().chain(today.iter().flat_map(|today| &today.needs));
        let lost = |need: &StepId| self.superseded.iter().find(|superseded| superseded.step == *need);
        if let Some(lost) = needs.into_iter().find_map(lost) {
            return superseded(format!("it needs `{}`, which is superseded", lost.step), lost.wanted);
        }
        let facts = wrong(step, &self.world);
        let same = today.filter(|today| alike(step, today));
        let same_then = as_saved.filter(|planned| alike(step, planned));
        // What sends the same statements is today's: its locks may be others.
        let right = same.into_iter().chain(same_then.map(|then| match today {
            Some(today) if same_sql(step, today) => today,
            Some(_) | None => then,
        }));
        for planned in right {
            let mut planned = planned.clone();
            if let Some(need) = planned.needs.iter().find(|need| self.blocked.contains(*need)).cloned()
                && !planned.gate.is_blocked()
            {
                planned.gate = Gate::Blocked(vec![Block::Needs { step: need }]);
            }
            if planned.gate.is_blocked() || (facts.is_empty() && self.first(step, &planned).is_none()) {
                return Verdict::Planned(Box::new(planned));
            }
        }
        let in_its_world = self.as_saved.as_ref().is_some_and(|world| wrong(step, world).is_empty());
        if let Some(planned) = same_then.filter(|_| in_its_world)
            && self.first(step, planned).is_none()
        {
            let because = match (facts.first(), today.and_then(|today| self.first(step, today))) {
                (Some(fact), _) => format!("after this run's other steps {}", fact.found),
                (None, Some(need)) => format!("it needs `{need}` first, which is not in the plan"),
                (None, None) => "this run's grants make it needless".to_owned(),
            };
            return superseded(because, today.is_some());
        }
        if let Some(because) = today.or(as_saved).and_then(|today| moved(step, today))
            && facts.is_empty()
        {
            return superseded(because, true);
        }
        // The next run's plan says which. It must not keep what else was reviewed from happening.
        if step.action.is_maintenance() {
            return Verdict::NotDue;
        }
        if today.is_none() && step.gate.is_blocked() {
            let found = facts.first().map_or_else(String::new, |fact| format!(": {}", fact.found));
            return superseded(format!("it was blocked, and is not planned any more{found}"), false);
        }
        // What is held stays, and all else that was reviewed goes on.
        let is_hold = |fact: &&Fact| matches!(fact, Fact::NotHeld { .. });
        let others_hold =
            || step.before.iter().filter(|fact| !is_hold(fact)).all(|fact| fact.judge(&self.world).is_ok());
        if let Some(fact) = facts.first()
            && others_hold()
        {
            return superseded(format!("held since the plan was made: {}", fact.found), false);
        }
        let mut facts = facts;
        // A detach that somebody else left pending since must end first.
        facts.extend(today.and_then(|today| self.first(step, today)).map(|need| StaleFact {
            planned: "nothing else has to be done first".to_owned(),
            found: format!("`{need}` is needed first"),
        }));
        let sql = facts.is_empty().then(|| (text(step), today.map(text).unwrap_or_default()));
        Verdict::Stale(StaleStep { step: step.id.clone(), facts, sql })
    }

    /// What has to be done first, and was not known to be when the plan was made.
    fn first<'s>(&self, step: &Step, planned: &'s Step) -> Option<&'s StepId> {
        planned.needs.iter().find(|need| !self.over.contains(*need) && !step.needs.contains(need))
    }
}

fn wrong(step: &Step, world: &Snapshot) -> Vec<StaleFact> {
    let judged = step.before.iter().map(|fact| (fact, fact.judge(world)));
    judged.filter_map(|(fact, found)| Some(StaleFact { planned: fact.to_string(), found: found.err()? })).collect()
}

fn assume(facts: &[Fact], worlds: [Option<&mut Snapshot>; 2], snapshot: &Snapshot) {
    for world in worlds.into_iter().flatten() {
        facts.iter().for_each(|fact| fact.assume(world, snapshot.taken_at));
    }
}
