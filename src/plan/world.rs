//! The world in which the rest of a plan is judged: what is blocked, or is not in the plan that is carried out, has no
//! effect on it.

use std::borrow::Cow;
use std::collections::BTreeSet;

use super::step::{Step, StepId};

/// Which steps have an effect on how those after them are planned.
#[derive(Clone, Debug)]
pub(crate) enum World<'a> {
    /// Those that may run.
    Open,
    /// Those that may run and stand in a saved plan: nothing else is carried out.
    OpenAmong(BTreeSet<&'a StepId>),
    /// Exactly these, whatever may run today: those that could run when the plan was saved.
    Only(BTreeSet<&'a StepId>),
}

impl World<'_> {
    /// Whether a step has an effect.
    pub(super) fn has(&self, step: &Step) -> bool {
        match self {
            Self::Open => !step.gate.is_blocked(),
            Self::OpenAmong(ids) => !step.gate.is_blocked() && ids.contains(&step.id),
            Self::Only(ids) => ids.contains(&step.id),
        }
    }

    /// The steps that have one.
    pub(super) fn effective<'s>(&self, steps: &'s [Step]) -> Cow<'s, [Step]> {
        if steps.iter().all(|step| self.has(step)) {
            return Cow::Borrowed(steps);
        }
        Cow::Owned(steps.iter().filter(|step| self.has(step)).cloned().collect())
    }
}
