//! What became of a run, counted as people count: a partition's marker, detach and stamp are one thing.

use std::collections::BTreeMap;

use super::outline::{Change, all_changes};
use super::sentences::{impossible, unjudged, unverified};
use crate::apply::{Ended, Outcome, StepResult};
use crate::db::Signal;
use crate::plan::{Action, PartitionAction, StepId};
use crate::report::standing::Standing;

/// Counts over a run.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub(crate) struct Tally {
    pub(crate) created: usize,
    pub(crate) changed: usize,
    pub(crate) detached: usize,
    pub(crate) dropped: usize,
    /// Steps of the plan.
    pub(crate) steps: usize,
    pub(crate) applied: usize,
    pub(crate) already_satisfied: usize,
    pub(crate) blocked: usize,
    pub(crate) postponed: usize,
    pub(crate) skipped: usize,
    /// Steps of a saved plan that are planned otherwise now, or are not needed any more.
    pub(crate) superseded: usize,
    pub(crate) failed: usize,
    pub(crate) not_reached: usize,
    /// How often a lock was not to be had.
    pub(crate) lock_retries: u64,
    /// Superseded steps that need a new plan.
    #[serde(skip)]
    to_plan: usize,
}

/// Counts an outcome.
pub(crate) fn tally(outcome: &Outcome) -> Tally {
    let mut tally = Tally { steps: outcome.results.len(), ..Tally::default() };
    for (_, result) in &outcome.results {
        match result {
            StepResult::Applied { retries } => {
                tally.applied += 1;
                tally.lock_retries += u64::from(*retries);
            }
            StepResult::AlreadySatisfied => tally.already_satisfied += 1,
            StepResult::Blocked(_) => tally.blocked += 1,
            StepResult::Postponed(_) => tally.postponed += 1,
            StepResult::Skipped(_) => tally.skipped += 1,
            StepResult::Superseded { because: _, wanted } => {
                tally.superseded += 1;
                tally.to_plan += usize::from(*wanted);
            }
            StepResult::Failed { .. } => tally.failed += 1,
            StepResult::NotReached => tally.not_reached += 1,
        }
    }
    let results = by_step(outcome);
    let applied = |id: &StepId| matches!(results.get(id), Some(StepResult::Applied { .. }));
    for change in all_changes(&outcome.plan) {
        // The steps of one index count as one change.
        let mut index_changed = false;
        for step in change.steps.iter().filter(|step| applied(&step.id)) {
            match &step.action {
                Action::Partition(PartitionAction::Create(_) | PartitionAction::CreateDefault(_)) => tally.created += 1,
                Action::Partition(PartitionAction::Finalize(_) | PartitionAction::Attach(_))
                | Action::Storage(_)
                | Action::Maintenance(_)
                | Action::Limit(_)
                | Action::Setting(_) => tally.changed += 1,
                // Beside its detach it counts with it.
                Action::Partition(PartitionAction::Stamp(_)) if change.steps.len() == 1 => tally.changed += 1,
                Action::Partition(PartitionAction::Stamp(_) | PartitionAction::Mark(_)) => {}
                Action::Partition(PartitionAction::Detach(_)) => tally.detached += 1,
                Action::Partition(PartitionAction::Drop(_)) => tally.dropped += 1,
                Action::Index(_) => {
                    index_changed = true;
                }
            }
        }
        tally.changed += usize::from(index_changed);
    }
    tally
}

pub(crate) fn by_step(outcome: &Outcome) -> BTreeMap<&StepId, &StepResult> {
    outcome.results.iter().map(|(id, result)| (id, result)).collect()
}

impl Tally {
    /// `7 created, 2 detached, 1 dropped`; empty when nothing was done.
    pub(crate) fn words(&self) -> String {
        let counts = [
            (self.created, "created"),
            (self.changed, "changed"),
            (self.detached, "detached"),
            (self.dropped, "dropped"),
        ];
        let words: Vec<String> =
            counts.into_iter().filter(|(count, _)| *count > 0).map(|(count, word)| format!("{count} {word}")).collect();
        words.join(", ")
    }

    fn held_back(&self) -> usize {
        self.blocked + self.postponed + self.to_plan
    }
}

/// The sentence that says it all.
pub(crate) fn headline(outcome: &Outcome) -> String {
    let tally = tally(outcome);
    let done = tally.words();
    let complete = outcome.ended == Ended::Complete && tally.failed == 0 && tally.not_reached == 0;
    if complete && outcome.remains.is_none() {
        // The exit code says that the run is not over: so does the first word.
        let done = if done.is_empty() { String::new() } else { format!(": {done}") };
        return format!("Every step that may run was reached{done}. {} Run apply again.", agreement(outcome));
    }
    if complete {
        // What could not be checked may still be undone: that run is not complete.
        let unchecked = outcome.remains.as_ref().is_some_and(|remains| !Standing::of(remains).unjudged.is_empty());
        let begin = match (done.is_empty(), tally.held_back()) {
            (false, 0) if unchecked => format!("Apply did what it could: {done}."),
            (true, 0) if unchecked => "Apply changed nothing.".to_owned(),
            (false, 0) => format!("Apply complete: {done}."),
            (false, _) => format!("Apply did what it may: {done}."),
            (true, 0) if tally.already_satisfied > 0 => "Apply complete: all of it was there already.".to_owned(),
            (true, 0) if tally.applied > 0 => "Apply complete.".to_owned(),
            (true, 0) => "Apply complete: there was nothing to do.".to_owned(),
            // A marker alone is no change that anybody counts.
            (true, _) if tally.applied > 0 => "Apply did what it may.".to_owned(),
            (true, _) if tally.already_satisfied > 0 => "Apply did nothing: what is left is held back.".to_owned(),
            (true, _) => "Apply did nothing: every step is held back.".to_owned(),
        };
        return format!("{begin} {}", agreement(outcome));
    }
    let committed = match tally.applied {
        // What was written and is not seen, such as a setting of files that the server does not read.
        0 if outcome.committed => "no step is done, and something is committed".to_owned(),
        0 => "nothing was committed".to_owned(),
        count => format!("{count} committed"),
    };
    let safe = match outcome.lock_spent() > 0 && outcome.lock_spent() == tally.failed && !outcome.committed {
        true => "Only locks were in the way: it is safe to run apply again.",
        // What a statement was refused for is refused again until somebody has mended it.
        false if outcome.ended == Ended::Complete && outcome.lock_spent() < tally.failed => {
            "Once what failed is mended, run apply again."
        }
        false => "Run apply again to continue.",
    };
    let stopped = match (&outcome.ended, tally.not_reached) {
        (Ended::Complete, 0) => format!("{} of {} steps failed", tally.failed, tally.steps),
        (Ended::Complete | Ended::Interrupted(_) | Ended::Lost(_), _) => {
            let stop = outcome.results.iter().position(|(_, result)| match result {
                StepResult::Failed { .. } | StepResult::NotReached => true,
                StepResult::Applied { .. }
                | StepResult::AlreadySatisfied
                | StepResult::Blocked(_)
                | StepResult::Postponed(_)
                | StepResult::Superseded { .. }
                | StepResult::Skipped(_) => false,
            });
            match stop {
                Some(at) => format!("Stopped at step {} of {}", at + 1, tally.steps),
                None => format!("Stopped after {} steps", tally.steps),
            }
        }
    };
    format!("{stopped}; {committed}. {safe}")
}

/// Why a run ended before its end.
pub(crate) fn ended_words(ended: &Ended) -> Option<String> {
    match ended {
        Ended::Complete => None,
        Ended::Interrupted(signal) => Some(format!(
            "Interrupted by {}: the statement in flight was cancelled on the server.",
            signal_name(*signal)
        )),
        Ended::Lost(because) => Some(format!("Lost: {because}")),
    }
}

pub(crate) fn signal_name(signal: Signal) -> &'static str {
    match signal {
        Signal::Int => "SIGINT",
        Signal::Term => "SIGTERM",
    }
}

/// Whether catalog and policy agree now; `None` is unknown.
pub(crate) fn matches_policy(outcome: &Outcome) -> Option<bool> {
    let standing = Standing::of(outcome.remains.as_ref()?);
    let met = standing.is_met() && outcome.due_since.is_empty();
    if met && !standing.unverified.is_empty() { None } else { Some(met) }
}

/// `The catalog matches the policy.`: only where everything wanted is so, or is named as unverified.
pub(crate) fn agreement(outcome: &Outcome) -> String {
    let Some(remains) = &outcome.remains else {
        return "The catalog could not be read again: whether it matches the policy is unknown.".to_owned();
    };
    let standing = Standing::of(remains);
    if !remains.is_empty() {
        return "The catalog does not match the policy yet.".to_owned();
    }
    if standing.is_met() {
        return match (outcome.due_since.is_empty(), unverified(&standing)) {
            (false, _) => "The catalog is as the plan wants it.".to_owned(),
            (true, None) => "The catalog matches the policy.".to_owned(),
            (true, Some(words)) => format!("The catalog matches the policy, as far as it can be compared: {words}."),
        };
    }
    let mut sentences = Vec::new();
    match standing.beyond_steps() {
        0 => {}
        1 => sentences
            .push("All is done that apply can do; 1 difference from the policy is not for it to end.".to_owned()),
        count => sentences
            .push(format!("All is done that apply can do; {count} differences from the policy are not for it to end.")),
    }
    sentences.extend(impossible(&standing).map(|words| format!("{words}.")));
    let tables = unjudged(remains).len();
    let others = standing.unjudged.iter().filter(|finding| match &finding.table {
        Some(table) => !unjudged(remains).contains(table),
        None => true,
    });
    match (tables, tables + others.count()) {
        (_, 0) => {}
        (1, 1) => sentences.push("1 table could not be checked; nothing else remains of the plan.".to_owned()),
        (tables, all) if tables == all => {
            sentences.push(format!("{tables} tables could not be checked; nothing else remains of the plan."));
        }
        (_, 1) => sentences.push("1 thing could not be checked; nothing else remains of the plan.".to_owned()),
        (_, all) => sentences.push(format!("{all} things could not be checked; nothing else remains of the plan.")),
    }
    sentences.join(" ")
}

/// A change, or a run of like ones, that was not done: which, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Undone {
    pub(crate) first: StepId,
    pub(crate) last: StepId,
    pub(crate) count: usize,
    /// `failed`, `blocked`, …
    pub(crate) word: &'static str,
    pub(crate) because: Option<String>,
}

/// What was not done, in the plan's order. Of each change only the step that it stopped at.
pub(crate) fn undone(outcome: &Outcome) -> Vec<Undone> {
    let results = by_step(outcome);
    let mut all: Vec<Undone> = Vec::new();
    let stopped: Vec<_> = all_changes(&outcome.plan).iter().filter_map(|change| stopped_at(change, &results)).collect();
    // They are no steps of what is carried out.
    let superseded = outcome.results.iter().filter_map(|(id, result)| match result {
        StepResult::Superseded { because, wanted: _ } => Some((id.clone(), "superseded", Some(because.clone()))),
        StepResult::Applied { .. }
        | StepResult::AlreadySatisfied
        | StepResult::Blocked(_)
        | StepResult::Postponed(_)
        | StepResult::Skipped(_)
        | StepResult::Failed { .. }
        | StepResult::NotReached => None,
    });
    for (id, word, because) in stopped.into_iter().chain(superseded) {
        match all.last_mut() {
            Some(last) if last.word == word && last.because == because && word != "failed" => {
                last.last = id;
                last.count += 1;
            }
            Some(_) | None => all.push(Undone { first: id.clone(), last: id, count: 1, word, because }),
        }
    }
    all
}

fn stopped_at(
    change: &Change<'_>,
    results: &BTreeMap<&StepId, &StepResult>,
) -> Option<(StepId, &'static str, Option<String>)> {
    let undone = |result: &StepResult| match result {
        StepResult::Applied { .. } | StepResult::AlreadySatisfied => None,
        StepResult::Blocked(because) => Some(("blocked", Some(because.join("; ")))),
        StepResult::Postponed(because) => Some(("postponed", Some(because.clone()))),
        StepResult::Skipped(because) => Some(("skipped", Some(because.clone()))),
        StepResult::Superseded { because, wanted: _ } => Some(("superseded", Some(because.clone()))),
        StepResult::Failed { error, lock_spent: _ } => Some(("failed", Some(error.clone()))),
        StepResult::NotReached => Some(("not reached", None)),
    };
    change.steps.iter().find_map(|step| {
        let (word, because) = undone(results.get(&step.id)?)?;
        Some((step.id.clone(), word, because))
    })
}

/// `Already there: 3 steps.`, `Lock retries: 4.`, steps that became due.
pub(crate) fn remarks(outcome: &Outcome) -> Vec<String> {
    let tally = tally(outcome);
    let steps = |count: usize| if count == 1 { "1 step".to_owned() } else { format!("{count} steps") };
    let mut remarks = Vec::new();
    if tally.already_satisfied > 0 && tally.applied > 0 {
        remarks.push(format!("Already there: {}.", steps(tally.already_satisfied)));
    }
    if tally.lock_retries > 0 {
        remarks.push(format!("Lock retries: {}.", tally.lock_retries));
    }
    if !outcome.due_since.is_empty() {
        let ids: Vec<String> = outcome.due_since.iter().map(|id| format!("`{id}`")).collect();
        remarks.push(format!(
            "Due since the plan was made, and not run: {}.",
            if ids.len() > 5 { steps(ids.len()) } else { ids.join(", ") }
        ));
    }
    remarks
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::{Plan, PlanOptions};
    use crate::render::testing::{EVENTS, World, busy, desired, events, now};
    use crate::render::{Style, human, json, markdown};

    fn matching() -> Plan {
        let mut world = World::new();
        world.table(&events());
        world.days(&events(), "2026-03-01", "2026-03-22");
        world.plan(&desired(EVENTS), &PlanOptions::at(now()))
    }

    fn outcome(remains: Option<Plan>, result: impl Fn(usize, &StepId) -> StepResult) -> Outcome {
        let plan = busy();
        let results: Vec<_> =
            plan.steps.iter().enumerate().map(|(at, step)| (step.id.clone(), result(at, &step.id))).collect();
        let committed = results.iter().any(|(_, result)| matches!(result, StepResult::Applied { .. }));
        Outcome { plan, results, ended: Ended::Complete, committed, remains, due_since: Vec::new() }
    }

    fn shown(outcome: &Outcome) -> String {
        let mut text = String::new();
        human::outcome(outcome, Style::PLAIN, &mut text).unwrap();
        text
    }

    fn applied() -> StepResult {
        StepResult::Applied { retries: 0 }
    }

    #[test]
    fn all_done_is_one_sentence() {
        let done = outcome(Some(matching()), |_, _| applied());
        assert_eq!(shown(&done), "Apply complete: 7 created, 2 detached, 2 dropped. The catalog matches the policy.\n");
        let unread = outcome(None, |_, _| StepResult::AlreadySatisfied);
        assert_eq!(
            shown(&unread),
            "Every step that may run was reached. The catalog could not be read again: whether it matches the policy is \
             unknown. Run apply again.\n"
        );
    }

    #[test]
    fn only_what_leaves_nothing_to_do_matches() {
        let blocked = |plan: Plan| outcome(Some(plan), |_, _| StepResult::Blocked(vec!["no grant".to_owned()]));
        let held = shown(&blocked(busy()));
        assert!(held.starts_with("Apply did nothing: every step is held back. The catalog does not match"), "{held}");
        assert!(held.contains("\nWhat remains:\n") && held.contains("\nBlocked: "), "{held}");

        let mut due = outcome(Some(matching()), |_, _| applied());
        due.due_since = vec![StepId("create public.events_p20260322".to_owned())];
        assert_eq!(matches_policy(&due), Some(false));
        let text = shown(&due);
        assert!(
            text.contains("The catalog is as the plan wants it.\n\nDue since the plan was made, and not run"),
            "{text}"
        );
        assert!(!text.contains("What remains:") && !json::outcome(&due).contains("\"matches_policy\": true"), "{text}");

        let mut world = World::new();
        let mut broken = outcome(Some(world.plan(&desired(EVENTS), &PlanOptions::at(now()))), |_, _| applied());
        broken.plan = matching();
        broken.results.clear();
        assert_eq!(
            shown(&broken),
            "Apply changed nothing. 1 table could not be checked; nothing else remains of the plan.\n\n\
             What remains:\n\npublic.events\n  ? error: there is no such table\n      hint: create it with PARTITION BY \
             RANGE, or take it out of the policy\n"
        );
        let mut comment = String::new();
        markdown::outcome(&broken, &mut comment).unwrap();
        assert!(comment.contains("**What remains:**") && !comment.contains("matches the policy"), "{comment}");
    }

    #[test]
    fn a_stop_says_where_why_and_what_remains() {
        let mut stopped = outcome(Some(busy()), |at, _| match at {
            0 => StepResult::AlreadySatisfied,
            1..=4 => StepResult::Applied { retries: 1 },
            5 => StepResult::Failed { error: "canceling statement due to lock timeout".to_owned(), lock_spent: true },
            _ => StepResult::NotReached,
        });
        stopped.ended = Ended::Interrupted(Signal::Term);
        stopped.due_since = vec![StepId("create public.events_p20260322".to_owned())];
        insta::assert_snapshot!(shown(&stopped));

        let mut comment = String::new();
        markdown::outcome(&stopped, &mut comment).unwrap();
        for part in [
            "<!-- pgstrata:apply -->\n### pgstrata apply: `app@db1`",
            "**Stopped at step 6 of 15; 4 committed. Run apply again to continue.**",
            "| `create public.events_p20260320` | failed | canceling statement due to lock timeout |",
            "**What remains:**",
            "| `DELETES_DATA` |",
        ] {
            assert!(comment.contains(part), "{part} is not in\n{comment}");
        }

        let document: serde_json::Value = serde_json::from_str(&json::outcome(&stopped)).unwrap();
        assert_eq!(document["ended"], serde_json::json!({"how": "interrupted", "because": "SIGTERM"}));
        assert_eq!(document["matches_policy"], false);
        assert_eq!(document["summary"]["created"], 4);
        assert_eq!(document["summary"]["lock_retries"], 4);
        assert_eq!(document["results"][5]["result"], "failed");
        assert_eq!(document["results"][5]["lock_spent"], true);
        assert_eq!(document["remains"]["summary"]["create"], 7);
    }

    #[test]
    fn locks_alone_before_any_commit_are_safe_to_repeat() {
        let spent = outcome(Some(busy()), |_, _| StepResult::Failed { error: "locked".to_owned(), lock_spent: true });
        assert_eq!(
            headline(&spent),
            "15 of 15 steps failed; nothing was committed. Only locks were in the way: it is safe to run apply again."
        );
    }

    #[test]
    fn what_a_failed_step_left_behind_is_not_nothing() {
        let mut failed =
            outcome(Some(busy()), |_, _| StepResult::Failed { error: "not seen".to_owned(), lock_spent: false });
        failed.committed = true;
        assert!(headline(&failed).contains("no step is done, and something is committed"), "{}", headline(&failed));
    }

    #[test]
    fn what_is_held_back_is_told_once_a_partition() {
        let held = outcome(Some(busy()), |_, id| match id.0.split(' ').next() {
            Some("create") => applied(),
            Some("mark") => applied(),
            Some("detach") => StepResult::Postponed("backend 7 is idle in transaction".to_owned()),
            Some("stamp") => StepResult::Skipped("its detach was not done".to_owned()),
            _ => StepResult::Blocked(vec!["DELETES_DATA needs --allow deletes-data:public.events".to_owned()]),
        });
        let undone = undone(&held);
        let words: Vec<_> = undone.iter().map(|undone| (undone.word, undone.count)).collect();
        assert_eq!(words, [("postponed", 2), ("blocked", 2)]);
        assert!(
            shown(&held).starts_with("Apply did what it may: 7 created. The catalog does not match the policy yet.\n")
        );
    }
}
