//! Each table's partitions in time, for people to look at: runs of many folded.

use std::collections::BTreeSet;

use crate::catalog::{Question, Snapshot, TableState};
use crate::grid::{Bound, Fit, KeyValue};
use crate::plan::{PlanOptions, judged};
use crate::policy::Desired;
use crate::resource::partition::survey;

pub use crate::resource::partition::{Entry, EntryKind, Event, Fate, Happens, Phase, Size, Timeline};

/// Up to so many stretches each has a line of its own.
pub const UNFOLDED: usize = 40;
/// Runs of like stretches longer than this are folded, where there are more than [`UNFOLDED`].
const SHORT_RUN: usize = 6;
/// Of a folded run these are shown at each end.
const ENDS: usize = 2;
/// More lines than this nobody reads, whatever they say: the middle is folded.
const MOST_LINES: usize = 200;

/// One line of a timeline.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Line<'a> {
    /// A stretch.
    One(&'a Entry),
    /// Several that follow each other; never empty.
    Folded(&'a [Entry]),
    /// Rows before this may leave.
    RetentionEdge(KeyValue),
    /// The present.
    Now(KeyValue),
    /// Partitions are wanted up to here.
    PremakeHorizon(KeyValue),
}

/// The timelines of the tables that can be judged, in the order of their names.
///
/// ```
/// use pgstrata::{catalog::Snapshot, plan::PlanOptions, policy::Desired, report::timeline::timelines};
///
/// fn partitions(desired: &Desired, snapshot: &Snapshot) -> usize {
///     let all = timelines(desired, snapshot, &PlanOptions::at(snapshot.taken_at));
///     all.iter().map(|timeline| timeline.partitions.len()).sum()
/// }
/// ```
pub fn timelines(desired: &Desired, snapshot: &Snapshot, options: &PlanOptions) -> Vec<Timeline> {
    let mut all = Vec::new();
    for (name, table) in options.selected(desired) {
        if let Some(state) = snapshot.catalog.tables.get(name) {
            // Why a table cannot be judged is the plan's to say.
            let _ = judged(desired, snapshot, options, (name, table, state), 0, &mut |context| {
                all.push(survey(context));
            });
        }
    }
    all
}

/// What to ask for timelines beyond what planning asks: the newest partition with rows, and sizes of what has a line of
/// its own; with `all` every size.
pub fn timeline_questions(
    desired: &Desired,
    snapshot: &Snapshot,
    options: &PlanOptions,
    all: bool,
) -> BTreeSet<Question> {
    let mut questions = BTreeSet::new();
    for timeline in timelines(desired, snapshot, options) {
        if let Some(TableState::Partitioned(root)) = snapshot.catalog.tables.get(&timeline.table) {
            questions.insert(Question::NewestNonEmpty { root: root.oid });
        }
        let shown = timeline.lines(all).into_iter().filter_map(|line| match line {
            Line::One(entry) => entry.oid,
            Line::Folded(_) | Line::RetentionEdge(_) | Line::Now(_) | Line::PremakeHorizon(_) => None,
        });
        questions.extend(shown.map(|relation| Question::Bytes { relation }));
    }
    questions
}

impl Timeline {
    /// Attached partitions, without the default one.
    pub fn attached(&self) -> impl Iterator<Item = &Entry> {
        self.partitions.iter().filter(|entry| entry.kind == EntryKind::Partition)
    }

    /// The lines of its picture, oldest first; unless `all` are wanted, runs of many like ones are folded.
    pub fn lines(&self, all: bool) -> Vec<Line<'_>> {
        let mut lines = Vec::new();
        let entries = self.partitions.as_slice();
        let mut marks = self.marks().into_iter().peekable();
        let mut at = 0;
        let fold = !all && entries.len() > UNFOLDED;
        while let Some(entry) = entries.get(at) {
            while let Some((_, mark)) =
                marks.next_if(|(mark, _)| entry.from.is_none_or(|from| Bound::Value(*mark) <= from))
            {
                lines.push(mark);
            }
            let run = entries[at..]
                .iter()
                .take_while(|other| {
                    likeness(other) == likeness(entry) && !crosses(&marks.peek().copied(), entry, other)
                })
                .count()
                .max(1);
            if fold && run > SHORT_RUN {
                lines.extend(entries[at..at + ENDS].iter().map(Line::One));
                lines.push(Line::Folded(&entries[at + ENDS..at + run - ENDS]));
                lines.extend(entries[at + run - ENDS..at + run].iter().map(Line::One));
            } else {
                lines.extend(entries[at..at + run].iter().map(Line::One));
            }
            at += run;
        }
        lines.extend(marks.map(|(_, mark)| mark));
        if fold { cut(lines, entries) } else { lines }
    }

    /// Edge, present and horizon, in the order of time.
    fn marks(&self) -> Vec<(KeyValue, Line<'_>)> {
        let edge = self.retention_edge.map(|at| (at, Line::RetentionEdge(at)));
        let now = self.current.map(|at| (at, Line::Now(at)));
        let horizon = self.premake_horizon.map(|at| (at, Line::PremakeHorizon(at)));
        let mut marks: Vec<_> = edge.into_iter().chain(now).chain(horizon).collect();
        marks.sort_by_key(|(at, _)| *at);
        marks
    }
}

/// Whether a mark stands between the first of a run and another one after it.
fn crosses(mark: &Option<(KeyValue, Line<'_>)>, first: &Entry, other: &Entry) -> bool {
    mark.is_some_and(|(mark, _)| first.name != other.name && other.from.is_none_or(|from| Bound::Value(mark) <= from))
}

/// What of a stretch a reader looks for: like ones may be folded.
fn likeness(entry: &Entry) -> (EntryKind, Phase, u8, bool, bool, &[String], Option<&str>) {
    let fit = match entry.fit {
        None => 0,
        Some(Fit::Exact(_)) => 1,
        Some(Fit::Part(_)) => 2,
        Some(Fit::Span { .. }) => 3,
        Some(Fit::Straddling) => 4,
        Some(Fit::Unbounded) => 5,
    };
    let Fate { leaves_at: _, drops_at: _, stays_because } = &entry.fate;
    (entry.kind, entry.phase, fit, entry.pending, entry.marked, &entry.held_by, stays_because.as_deref())
}

/// Leaves the ends of a list that is too long by far.
fn cut<'a>(mut lines: Vec<Line<'a>>, entries: &'a [Entry]) -> Vec<Line<'a>> {
    if lines.len() <= MOST_LINES {
        return lines;
    }
    let tail = lines.split_off(lines.len() - MOST_LINES / 2);
    let middle = lines.split_off(MOST_LINES / 2);
    let position = |line: &Line<'a>| match line {
        Line::One(entry) => entries.iter().position(|other| std::ptr::eq(other, *entry)).map(|at| (at, at + 1)),
        Line::Folded(run) => {
            let first = run.first()?;
            entries.iter().position(|other| std::ptr::eq(other, first)).map(|at| (at, at + run.len()))
        }
        Line::RetentionEdge(_) | Line::Now(_) | Line::PremakeHorizon(_) => None,
    };
    let mut covered = middle.iter().filter_map(position);
    let first = covered.next();
    let last = covered.next_back().or(first);
    lines.extend(first.zip(last).map(|((from, _), (_, to))| Line::Folded(&entries[from..to])));
    lines.extend(middle.iter().filter(|line| position(line).is_none()));
    lines.extend(tail);
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::World;

    fn words(timeline: &Timeline, all: bool) -> String {
        let mut text = String::new();
        for line in timeline.lines(all) {
            let name =
                |entry: &Entry| entry.name.as_ref().map_or_else(|| "(gap)".to_owned(), |name| name.name.to_string());
            text.push_str(&match line {
                Line::One(entry) => {
                    let marks = [
                        (entry.current, " current"),
                        (entry.pending, " pending"),
                        (entry.newest_with_rows, " newest"),
                        (!entry.held_by.is_empty(), " held"),
                        (entry.fate.stays_because.is_some(), " stays"),
                    ];
                    let marks: String = marks.iter().filter(|(is, _)| *is).map(|(_, word)| *word).collect();
                    format!("{} {:?}{marks}\n", name(entry), entry.phase)
                }
                Line::Folded(run) => format!("... {} {:?}\n", run.len(), run[0].phase),
                Line::RetentionEdge(at) => format!("--- edge {at}\n"),
                Line::Now(at) => format!("--- now {at}\n"),
                Line::PremakeHorizon(at) => format!("--- horizon {at}\n"),
            });
        }
        text
    }

    const POLICY: &str = "tables:
  public.events: {partition: {key: at, interval: 1 day, premake: 3, default_partition: allow}, retention: {keep: 60 days, then: drop}}
holds: {m: {tables: [public.events], from: 2026-02-01, to: 2026-02-02, reason: x}}
";

    #[test]
    fn runs_of_many_are_folded_and_what_stands_out_is_not() {
        let mut world = World::new("2026-03-14 07:00", POLICY);
        world.windows("public.events", "2026-01-02", "2026-03-16");
        world.retired("public.events", "2025-12-30", "2025-12-31", Some("2026-03-10"));
        world.default_partition("public.events");
        world.leaf("public.events", "MINVALUE", "2025-12-01");
        let options = world.options();
        world.ask(&options);
        world.ask_also(&timeline_questions(&world.desired, &world.snapshot, &options, false));
        let all = timelines(&world.desired, &world.snapshot, &options);
        insta::assert_snapshot!(words(&all[0], false), @"
        events_minvalue Over
        events_20251230 Over
        events_20260102 Over
        events_20260103 Over
        ... 7 Over
        events_20260111 Over
        events_20260112 Over
        events_20260113 Kept
        --- edge 2026-01-13 07:00:00+00
        events_20260114 Kept
        events_20260115 Kept
        ... 14 Kept
        events_20260130 Kept
        events_20260131 Kept
        events_20260201 Kept held stays
        events_20260202 Kept
        events_20260203 Kept
        ... 36 Kept
        events_20260312 Kept
        events_20260313 Kept
        events_20260314 Current current
        --- now 2026-03-14 07:00:00+00
        events_20260315 Ahead newest
        (gap) Ahead
        --- horizon 2026-03-18 00:00:00+00
        events_default Outside held stays
        ");
        assert_eq!(all[0].lines(true).len(), 73 + 3 + 4);
        // Sizes are asked of what is shown.
        let asked = timeline_questions(&world.desired, &world.snapshot, &options, false);
        assert!(asked.len() < 30 && asked.len() > 10, "{}", asked.len());
        let unasked = all[0].partitions.iter().filter(|entry| entry.bytes == Size::NotAsked).count();
        assert!(unasked > 40, "{unasked}");
    }

    #[test]
    fn ten_thousand_stretches_of_every_kind_fit_on_a_few_screens() {
        let mut world =
            World::new("2026-03-14", "tables: {public.events: {partition: {key: at, interval: 1 hour, premake: 3}}}");
        for (at, oid) in world.windows("public.events", "2025-01-01T00:00", "2026-03-14T03:00").into_iter().enumerate()
        {
            world.leaf_mut(oid).held = at % 3 == 0;
        }
        let timelines = timelines(&world.desired, &world.snapshot, &world.options());
        let lines = timelines[0].lines(false);
        assert!(timelines[0].partitions.len() > 10_000 && lines.len() <= MOST_LINES + 5, "{}", lines.len());
        let shown: usize = lines
            .iter()
            .map(|line| match line {
                Line::One(_) => 1,
                Line::Folded(run) => run.len(),
                Line::RetentionEdge(_) | Line::Now(_) | Line::PremakeHorizon(_) => 0,
            })
            .sum();
        assert_eq!(shown, timelines[0].partitions.len(), "nothing is lost");
    }

    /// What is foreseen is what the planner does then, and not a second before.
    #[test]
    fn events_are_what_plans_of_their_time_do() {
        for (interval, keep, premake, zone, days, stride) in [
            ("1 day", "1 month", "3", "UTC", 32, 1),
            ("1 day", "1 month", "10 days", "Europe/Berlin", 32, 2),
            ("1 month", "7 months", "2", "America/New_York", 230, 1),
            ("1 month", "6 weeks", "45 days", "Pacific/Apia", 60, 1),
            ("1 week", "3 months", "2", "Asia/Kolkata", 95, 1),
            ("6 hours", "40 days", "8", "Europe/London", 42, 19),
        ] {
            let policy = format!(
                "tables: {{public.events: {{partition: {{key: at, interval: {interval}, premake: {premake}, timezone: {zone}}}, \
                 retention: {{keep: {keep}, then: drop, grace: 5 days}}}}}}"
            );
            // The end of January makes months lack days.
            let mut world = World::new("2026-02-28 22:30", &policy);
            let grid = world.grid("public.events");
            let now = world.snapshot.taken_at;
            let index = |days: i64| grid.index_at(now + jiff::SignedDuration::from_hours(24 * days)).unwrap();
            let ends: Vec<_> = grid.windows_between(index(-days), index(12)).collect();
            for window in ends {
                world.leaf("public.events", &window.from.to_string(), &window.to.to_string());
            }
            world.retired("public.events", "2025-01-01", "2025-01-02", Some("2026-02-27 01:02"));
            let options = world.options();
            world.ask(&options);
            world.ask_also(&timeline_questions(&world.desired, &world.snapshot, &options, true));
            let timeline = timelines(&world.desired, &world.snapshot, &options).remove(0);
            // The newest with rows stays the newest in this world, in which nobody writes any more.
            let of_entries = timeline.partitions.iter().filter(|entry| !entry.newest_with_rows).flat_map(Entry::events);
            let of_entries = of_entries.filter(|event| event.at > now).step_by(stride);
            let mut events: Vec<Event> = of_entries.filter(|event| event.what != Happens::Drop).collect();
            events.extend(timeline.events.iter().filter(|event| event.what == Happens::Create).cloned());
            events.extend(
                timeline.events.iter().filter(|event| event.partition.name.as_str().contains("20250101")).cloned(),
            );
            let kinds: BTreeSet<Happens> = events.iter().map(|event| event.what).collect();
            assert_eq!(kinds.len(), 3, "{interval} {keep}: {events:?}");
            for Event { at, what, partition } in &events {
                let word = match what {
                    Happens::Create => "create",
                    Happens::Detach => "detach",
                    Happens::Drop => "drop",
                };
                let mut is_due = |at| {
                    let options = PlanOptions { now: at, ..world.options() };
                    let plan = world.plan_with(&options);
                    plan.steps.iter().any(|step| step.id.0 == format!("{word} {partition}"))
                };
                let before = *at - jiff::SignedDuration::from_secs(1);
                assert!(is_due(*at) && !is_due(before), "{interval}, keep {keep}, {zone}: {word} {partition} at {at}");
            }
        }
    }
}
