//! Whether the database still agrees with its policy: a plan as a verdict.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::standing::Standing;
use crate::plan::{Class, Plan};

/// What `drift` says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Nothing that counts: exit 0.
    Agrees,
    /// Changes of a class that counts are pending: exit 2.
    Drifted,
    /// Something cannot be as the policy says: exit 1, whatever else is found.
    Impossible,
    /// Something could not be checked: exit 1, whatever else is found.
    Unjudged,
}

/// A plan seen as drift.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Drift<'a> {
    /// Pending changes of every class; a partition that leaves is one change. Differences that no step of ours can end are
    /// among the drift.
    pub by_class: BTreeMap<Class, usize>,
    /// The classes that count.
    pub fail_on: BTreeSet<Class>,
    /// What the policy wants and is not so, by kind.
    pub standing: Standing<'a>,
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
    let standing = Standing::of(plan);
    let by_class = standing.by_class();
    let mut drift = Drift { by_class, fail_on: fail_on.clone(), standing, verdict: Verdict::Agrees, plan };
    drift.verdict = if !drift.standing.unjudged.is_empty() {
        Verdict::Unjudged
    } else if !drift.standing.impossible.is_empty() {
        Verdict::Impossible
    } else if drift.counted() > 0 {
        Verdict::Drifted
    } else {
        Verdict::Agrees
    };
    drift
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::PlanOptions;
    use crate::render::testing::{EVENTS, World, all_kinds, busy, desired, events, now};
    use crate::render::{Style, human, json, markdown};

    fn shown(drift: &Drift<'_>) -> String {
        let mut text = String::new();
        human::drift(drift, Style::PLAIN, &mut text).unwrap();
        text
    }

    #[test]
    fn scheduled_work_is_no_drift_unless_asked() {
        let mut world = World::new();
        world.table(&events());
        world.days(&events(), "2026-03-01", "2026-03-21");
        let plan = world.plan(&desired(EVENTS), &PlanOptions::at(now()));
        let found = drift(&plan, &default_fail_on());
        assert_eq!((found.verdict, found.counted(), found.not_counted()), (Verdict::Agrees, 0, 1));
        let text = shown(&found);
        assert!(text.contains("\nNo drift. 1 change (1 scheduled) does not count.\n"), "{text}");
        assert!(text.contains("runway 7d → 8d") && !text.contains("events_p20260321"), "{text}");
        let strict = drift(&plan, &BTreeSet::from([Class::Scheduled]));
        assert_eq!((strict.verdict, strict.counted()), (Verdict::Drifted, 1));
        assert!(shown(&strict).contains("\n  + events_p20260321  1 partition   scheduled: premake\n"));
    }

    #[test]
    fn a_partition_that_leaves_is_one_change() {
        let plan = busy();
        let found = drift(&plan, &default_fail_on());
        assert_eq!(found.verdict, Verdict::Drifted);
        assert_eq!(found.by_class, BTreeMap::from([(Class::Scheduled, 6), (Class::Overdue, 5)]));
        assert!(shown(&found).contains("\n5 differences: 5 overdue. 6 changes (6 scheduled) do not count.\n"));
    }

    #[test]
    fn what_cannot_be_judged_is_said_in_every_format() {
        let plan = all_kinds();
        let found = drift(&plan, &default_fail_on());
        assert_eq!(found.verdict, Verdict::Unjudged);
        let text = shown(&found);
        assert!(text.contains("2 things could not be checked"), "{text}");
        assert!(text.contains("\n  ? error: there is no such table\n"));
        let document: serde_json::Value = serde_json::from_str(&json::drift(&found)).unwrap();
        assert_eq!(document["verdict"], "unjudged");
        assert_eq!(document["unjudged"][0]["code"], "TABLE_MISSING");
        assert_eq!(document["counted"], found.counted());
        assert_eq!(document["plan"]["steps"].as_array().unwrap().len(), plan.steps.len());
        let mut comment = String::new();
        markdown::drift(&found, &mut comment).unwrap();
        assert!(comment.starts_with("<!-- pgstrata:drift -->\n") && comment.contains("2 things could not be checked"));
    }
}
