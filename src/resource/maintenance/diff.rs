//! What is due, within the bytes of one run: statistics first, then freezing, then indexes.

use std::collections::{BTreeMap, BTreeSet};

use super::closed::closed;
use super::{freeze, reindex, statistics};
use crate::catalog::{Answer, Oid, Question};
use crate::plan::{Code, Object, Step};
use crate::render::bytes;
use crate::resource::partition::{Context, Diff};
use crate::sql::TableName;

/// The table's other steps that have an effect: what may not leave is kept like what stays.
#[derive(Clone, Copy)]
pub(crate) struct Around<'a> {
    /// All that the policy wants of its partitions.
    pub(crate) whole: &'a [Step],
    /// Those of them that this plan has.
    pub(crate) planned: &'a [Step],
}

/// What must be asked of the server before [`diff`] can judge; `others` are the steps of the table's partitions.
pub(crate) fn questions(context: &Context<'_>, others: &[Step]) -> BTreeSet<Question> {
    let mut questions = BTreeSet::new();
    let (Some(wanted), Some(upkeep)) = (context.table.maintenance, context.root.upkeep.as_deref()) else {
        return questions;
    };
    // Whether what leaves may leave is decided by answers and grants: both are asked for.
    for closed in [closed(context, others), closed(context, &[])] {
        if wanted.freeze_closed {
            let due = closed.iter().filter(|leaf| freeze::due(context, upkeep, leaf).is_some());
            questions.extend(due.map(|leaf| Question::Bytes { relation: leaf.oid }));
        }
        if wanted.reindex_above_bloat.is_some() {
            questions.extend(reindex::questions(upkeep, &closed, wanted.max_bytes_per_run));
        }
    }
    questions
}

/// Steps that keep the table, and what is due and waits.
pub(crate) fn diff(context: &Context<'_>, around: &Around<'_>) -> Diff {
    let mut result = Diff::default();
    let Some(wanted) = context.table.maintenance else { return result };
    let Some(upkeep) = context.root.upkeep.as_deref() else {
        let message = "how it is kept was not read: nothing is known of its maintenance".to_owned();
        result.findings.push(context.finding(Code::MaintenanceUnknown, None, message));
        return result;
    };
    let mut run = Run { context, budget: Budget::new(wanted.max_bytes_per_run), waiting: BTreeMap::new(), result };
    if let Some(every) = wanted.analyze_parent_every {
        statistics::judge(context, upkeep, every, around, &mut run.result);
    }
    let closed = closed(context, around.whole);
    if wanted.freeze_closed {
        freeze::judge(&mut run, upkeep, &closed);
    }
    if let Some(above) = wanted.reindex_above_bloat {
        reindex::judge(&mut run, upkeep, &closed, (above, wanted.max_bytes_per_run), around.planned);
    }
    run.finish()
}

/// Why something has no step.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Why {
    /// It is due, and this is in its way.
    Postponed(String),
    /// Whether it is due is not known, because of this.
    Unknown(String),
}

/// Steps under collection.
pub(super) struct Run<'s, 'a> {
    pub(super) context: &'s Context<'a>,
    budget: Budget,
    /// Why something waits or is unknown, and what.
    waiting: BTreeMap<Why, Vec<TableName>>,
    result: Diff,
}

impl Run<'_, '_> {
    /// Adds a step, if the run still has room for so many bytes.
    pub(super) fn add(&mut self, mut step: Step, size: u64) {
        step.stake.bytes = Some(size);
        if self.budget.takes(size) {
            self.result.steps.push(step);
        } else if let Object::Relation(relation) = step.action.object() {
            let because = format!("a run takes {} (max_bytes_per_run)", bytes(self.budget.most));
            self.waits(Why::Postponed(because), &relation);
        }
    }

    /// Adds what has to go first, whatever it is that follows.
    pub(super) fn clean(&mut self, steps: Vec<Step>) {
        self.result.steps.extend(steps);
    }

    /// Notes that something waits, or is unknown, because of this.
    pub(super) fn waits(&mut self, why: Why, object: &TableName) {
        self.waiting.entry(why).or_default().push(object.clone());
    }

    /// Whether this plan has a step for it.
    pub(super) fn plans(&self, word: &str, object: &TableName) -> bool {
        self.result.steps.iter().any(|step| step.action.word() == word && step.action.object().is(object))
    }

    pub(super) fn size_of(&self, relation: Oid) -> Result<u64, String> {
        match self.context.snapshot.answers.get(&Question::Bytes { relation }) {
            Answer::Bytes(size) => Ok(size),
            Answer::Unknown(because) => Err(because),
            Answer::Leaf(_)
            | Answer::Keys(_)
            | Answer::Rows(_)
            | Answer::DefaultKeys(_)
            | Answer::Shape(_)
            | Answer::Withheld(_)
            | Answer::Refused(_)
            | Answer::Bloat(_)
            | Answer::Spelling(_)
            | Answer::Found(_)
            | Answer::Taken(_) => Err("an answer of another kind".to_owned()),
        }
    }

    fn finish(mut self) -> Diff {
        for (why, objects) in self.waiting {
            let Some(first) = objects.first() else { continue };
            let more = match objects.len() {
                1 => String::new(),
                count => format!(", and {} more", count - 1),
            };
            let (code, message) = match why {
                Why::Postponed(because) => (Code::MaintenancePostponed, format!("due{more}, and waits: {because}")),
                Why::Unknown(because) => (Code::MaintenanceUnknown, format!("unknown{more}, because {because}")),
            };
            let found = self.context.finding(code, Some(first), message);
            self.result.findings.push(found);
        }
        self.result
    }
}

/// Bytes of one run. What comes first is always done: else a partition larger than the budget never would be.
struct Budget {
    most: u64,
    used: u64,
}

impl Budget {
    fn new(most: u64) -> Self {
        Self { most, used: 0 }
    }

    fn takes(&mut self, size: u64) -> bool {
        let sum = self.used.saturating_add(size);
        let fits = self.used == 0 || sum <= self.most;
        if fits {
            // An empty one counts too, or there would always be room for one more.
            self.used = sum.max(1);
        }
        fits
    }
}
