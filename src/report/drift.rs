//! Whether the database still agrees with its policy: a plan as a verdict.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::plan::{Class, Finding, Level, Plan};
use crate::render::changes_by_class;

/// What `drift` says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Nothing that counts: exit 0.
    Agrees,
    /// Changes of a class that counts are pending: exit 2.
    Drifted,
    /// Something could not be judged: exit 1, whatever else is found.
    Unjudged,
}

/// A plan seen as drift.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Drift<'a> {
    /// Pending changes of every class; a partition that leaves is one change.
    pub by_class: BTreeMap<Class, usize>,
    /// The classes that count.
    pub fail_on: BTreeSet<Class>,
    /// What could not be judged.
    pub unjudged: Vec<&'a Finding>,
    /// The verdict.
    pub verdict: Verdict,
    /// The plan.
    pub plan: &'a Plan,
}

impl Drift<'_> {
    /// Changes of a class that counts.
    pub fn counted(&self) -> usize {
        self.by_class.iter().filter(|(class, _)| self.fail_on.contains(class)).map(|(_, count)| count).sum()
    }

    /// Pending changes that do not count: scheduled work, by default.
    pub fn not_counted(&self) -> usize {
        self.by_class.values().sum::<usize>() - self.counted()
    }
}

/// The classes that count where nobody says otherwise: a daily job does not alert on a moving horizon.
pub fn default_fail_on() -> BTreeSet<Class> {
    BTreeSet::from([Class::Drift, Class::Overdue])
}

/// Judges a plan.
///
/// ```
/// use pgstrata::{plan::Plan, report::drift::{Verdict, default_fail_on, drift}};
///
/// fn alert(plan: &Plan) -> bool {
///     drift(plan, &default_fail_on()).verdict != Verdict::Agrees
/// }
/// ```
pub fn drift<'a>(plan: &'a Plan, fail_on: &BTreeSet<Class>) -> Drift<'a> {
    let by_class = changes_by_class(plan);
    let unjudged: Vec<&Finding> = plan.findings.iter().filter(|finding| finding.code.level() == Level::Error).collect();
    let mut drift = Drift { by_class, fail_on: fail_on.clone(), unjudged, verdict: Verdict::Agrees, plan };
    drift.verdict = match (drift.unjudged.is_empty(), drift.counted()) {
        (false, _) => Verdict::Unjudged,
        (true, 0) => Verdict::Agrees,
        (true, _) => Verdict::Drifted,
    };
    drift
}
