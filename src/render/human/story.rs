//! Stories for people: what it is, why it is kept, what happens to it when, what a plan of now does, and the command.

use std::fmt::{self, Write};

use super::plan::{header, labelled};
use super::timeline::{many, table_line};
use crate::grid::{Fit, Grid};
use crate::plan::{Block, Code, Gate, Level, Plan, Summary};
use crate::policy::{Keep, Position, Retention, Then, Width};
use crate::render::bounds::{bound, minute, value};
use crate::render::outline::short;
use crate::render::style::{Paint, Style, columns, wrap};
use crate::render::words;
use crate::report::explain::{Setting, Story, StoryStep};
use crate::report::find::Found;
use crate::report::timeline::{Entry, EntryKind, Event, Happens, Phase, Size, Timeline};
use crate::sql::TableName;

/// Writes the story of a table or partition. `flags` are those that name the policy, for the command at the end.
///
/// # Errors
/// What `out` refuses.
pub fn story(plan: &Plan, story: &Story<'_>, policy: &[String], style: Style, out: &mut dyn Write) -> fmt::Result {
    header("explain", plan, style, out)?;
    writeln!(out)?;
    let mut page = Page { style, out };
    match &story.found {
        Found::Table(table) => {
            table_line(plan, table, style, page.out)?;
            if let Some(timeline) = &story.timeline {
                of_table(timeline, &mut page)?;
            }
            settings(&story.settings, &mut page)?;
        }
        Found::Partition { table, name, oid: _ } => {
            let what = story.entry.as_ref().map_or("partition", |entry| kind(entry));
            page.title(name, &format!("{what} of {table}"))?;
            if let Some((entry, timeline)) = story.entry.as_ref().zip(story.timeline.as_ref()) {
                of_partition(plan, entry, timeline, &mut page)?;
            }
        }
        Found::Planned { table, name } => {
            page.title(name, &format!("a partition that {table} does not have yet"))?;
            if let Some(((from, to), timeline)) = story.planned_range().zip(story.timeline.as_ref()) {
                let to = to.value().map_or_else(|| to.to_string(), |to| value(to, &timeline.grid));
                let from = value(from, &timeline.grid);
                page.line("bounds", &format!("{from} to {to}{}", zone(&timeline.grid)))?;
            }
        }
    }
    events(story, &mut page)?;
    findings(story, &mut page)?;
    steps(story, &mut page)?;
    if let Some(command) = story.command(policy) {
        // Not wrapped: commands are copied whole.
        let whole = Style { width: None, ..style };
        labelled("  run         ", &[command], None, whole, page.out)?;
    }
    Ok(())
}

/// Labels on the left, sentences on the right.
struct Page<'a> {
    style: Style,
    out: &'a mut dyn Write,
}

impl Page<'_> {
    fn title(&mut self, name: &TableName, what: &str) -> fmt::Result {
        let name = self.style.paint(Paint::Bold, self.style.text(&name.to_string()));
        writeln!(self.out, "{name}  {}", self.style.paint(Paint::Dim, self.style.text(what)))
    }

    fn line(&mut self, label: &str, words: &str) -> fmt::Result {
        self.lines(label, &[words.to_owned()], None)
    }

    fn lines(&mut self, label: &str, words: &[String], paint: Option<Paint>) -> fmt::Result {
        labelled(&format!("  {label:<11} "), words, paint, self.style, self.out)
    }
}

fn kind(entry: &Entry) -> &'static str {
    match entry.kind {
        EntryKind::Default => "the default partition",
        EntryKind::Detached => "a detached table",
        EntryKind::Partition if entry.pending => "a partition whose detach is unfinished,",
        EntryKind::Partition | EntryKind::Gap => "a partition",
    }
}

fn zone(grid: &Grid) -> String {
    match (grid.tells_time(), grid.zone().name()) {
        (false, _) | (true, "UTC") => String::new(),
        (true, zone) => format!(" ({zone})"),
    }
}

fn of_partition(plan: &Plan, entry: &Entry, timeline: &Timeline, page: &mut Page<'_>) -> fmt::Result {
    page.line("bounds", &bounds(entry, timeline))?;
    let size = match &entry.bytes {
        Size::Exactly(bytes) => format!("{} with indexes and TOAST", words::bytes(*bytes)),
        Size::Unknown(because) => format!("size unknown: {because}"),
        Size::NotAsked => "size unknown: it was not asked".to_owned(),
    };
    page.line("size", &format!("{}, {size}", words::rows(entry.rows)))?;
    if let Some(words) = place(entry, timeline) {
        page.line("now", &words)?;
    }
    let retention = plan.policy.tables.get(&timeline.table).and_then(|table| table.retention);
    page.line("kept", &kept(entry, retention, timeline))?;
    page.lines("held by", &held(plan, entry), Some(Paint::Changed))?;
    if let Some(words) = then(entry, retention) {
        page.line("then", &words)?;
    }
    Ok(())
}

/// What holds it; a hold of the policy with the rows that it is about.
fn held(plan: &Plan, entry: &Entry) -> Vec<String> {
    let with_range = |by: &String| {
        let named = plan.policy.holds.iter().find(|(name, _)| by.starts_with(&format!("`{name}`")));
        let end = |at: Option<Position>| at.map(|at| at.to_string().replace("T00:00:00", ""));
        match named.map(|(_, hold)| (end(hold.from), end(hold.to))) {
            Some((Some(from), Some(to))) => format!("{by}: rows from {from} to before {to}"),
            Some((Some(from), None)) => format!("{by}: rows from {from} on"),
            Some((None, Some(to))) => format!("{by}: rows before {to}"),
            Some((None, None)) => format!("{by}: all rows"),
            None => by.clone(),
        }
    };
    entry.held_by.iter().map(with_range).collect()
}

/// `2026-03-01 to 2026-04-01: one whole window of 1 month`
fn bounds(entry: &Entry, timeline: &Timeline) -> String {
    let grid = &timeline.grid;
    let (Some(from), Some(to)) = (entry.from, entry.to) else {
        return match (entry.kind, &entry.bounds) {
            (_, Some(text)) => format!("{text}: not a range over one key"),
            (EntryKind::Default, None) => "DEFAULT: rows that no other partition takes".to_owned(),
            (EntryKind::Partition | EntryKind::Gap | EntryKind::Detached, None) => "unknown".to_owned(),
        };
    };
    let range = format!("{} to {}{}", bound(from, grid), bound(to, grid), zone(grid));
    let window = |index: i64| {
        grid.window(index).map_or_else(
            || "a window".to_owned(),
            |window| format!("the window {} to {}", value(window.from, grid), value(window.to, grid)),
        )
    };
    let width = grid.width();
    let fit = match entry.fit {
        Some(Fit::Exact(_)) => format!("one whole window of {width}"),
        Some(Fit::Part(index)) => format!("part of {}: a bridge between grids", window(index)),
        Some(Fit::Span { first, last }) => {
            format!(
                "{} whole windows of {width}: made with a wider interval",
                last.saturating_sub(first).saturating_add(1)
            )
        }
        Some(Fit::Straddling) => format!("it fits no window of {width}: an end lies off the grid"),
        Some(Fit::Unbounded) => "without an end: it is in no window".to_owned(),
        None => return range,
    };
    format!("{range}: {fit}")
}

fn place(entry: &Entry, timeline: &Timeline) -> Option<String> {
    let newest = if entry.newest_with_rows { ", the newest with rows" } else { "" };
    match (entry.kind, entry.phase) {
        (EntryKind::Partition, _) if entry.pending => {
            Some("its rows are invisible, and inserts into its range fail, until the detach is complete".to_owned())
        }
        (EntryKind::Partition, Phase::Current) => Some(format!("the current window: rows of now go there{newest}")),
        (EntryKind::Partition, Phase::Ahead) => {
            let from = entry.from.map_or_else(String::new, |from| bound(from, &timeline.grid));
            Some(format!("it waits for rows from {from} on{newest}"))
        }
        (EntryKind::Partition, Phase::Kept | Phase::Over | Phase::Outside) => {
            entry.newest_with_rows.then(|| "the newest partition with rows".to_owned())
        }
        (EntryKind::Detached, _) => Some(match entry.detached_at {
            Some(at) => format!("a table of its own, detached {}", words::day(at)),
            None => {
                "a table of its own; when it was detached is not recorded yet, so its grace does not run".to_owned()
            }
        }),
        (EntryKind::Default | EntryKind::Gap, _) => None,
    }
}

fn keep_words(retention: Retention) -> String {
    match retention.keep {
        Keep::Span(span) => span.to_string(),
        Keep::Keys(keys) => Width::Keys(keys).to_string(),
    }
}

/// Why it is still there, and until when.
fn kept(entry: &Entry, retention: Option<Retention>, timeline: &Timeline) -> String {
    let Some(retention) = retention else { return "for ever: the policy keeps everything".to_owned() };
    let keep = keep_words(retention);
    let end = entry.to.map_or_else(String::new, |to| bound(to, &timeline.grid));
    let since = entry.fate.leaves_at.map(words::day);
    match (&entry.fate.stays_because, entry.phase, since) {
        (Some(because), Phase::Over, Some(since)) => format!("its time is over since {since}, and it stays: {because}"),
        (Some(because), Phase::Over, None) => format!("its time is over, and it stays: {because}"),
        (Some(because), _, None) => format!("for ever: {because}"),
        (Some(because), _, Some(until)) => format!("until {until} ({end} and {keep}), and longer: {because}"),
        (None, Phase::Over, Some(since)) => format!("no longer: its time is over since {since} ({end} and {keep})"),
        (None, Phase::Over, None) => format!("no longer: the table is {keep} beyond {end}"),
        (None, _, Some(until)) => format!("until {until}: it ends {end}, and rows are kept {keep}"),
        (None, _, None) => format!("until the table is {keep} beyond {end}"),
    }
}

/// What happens once its time is over.
fn then(entry: &Entry, retention: Option<Retention>) -> Option<String> {
    let retention = retention?;
    if entry.fate.stays_because.is_some() {
        return None;
    }
    let grace = retention.grace;
    let drop = match (retention.then, entry.fate.drops_at.map(words::day)) {
        (Then::Detach, _) => "and stays as a table of its own: `then: detach`".to_owned(),
        (Then::Drop, Some(day)) if grace.is_zero() => format!("and dropped at once, from {day} on"),
        (Then::Drop, Some(day)) => format!("and dropped after {grace}, from {day} on at the earliest"),
        (Then::Drop, None) => format!("and dropped after {grace}"),
    };
    match (entry.kind, entry.phase) {
        (EntryKind::Detached, _) => {
            entry.fate.drops_at.map(|at| format!("dropped by the first run from {} on", words::day(at)))
        }
        (EntryKind::Partition, Phase::Over) => Some(format!("detached by the next run, {drop}")),
        (EntryKind::Partition, _) => Some(match entry.fate.leaves_at {
            Some(at) => format!("detached by the first run from {} on, {drop}", words::day(at)),
            None => format!("detached, {drop}"),
        }),
        (EntryKind::Default | EntryKind::Gap, _) => None,
    }
}

fn of_table(timeline: &Timeline, page: &mut Page<'_>) -> fmt::Result {
    let grid = &timeline.grid;
    let current =
        timeline.partitions.iter().find(|entry| entry.phase == Phase::Current && entry.kind != EntryKind::Detached);
    let now = match (current, timeline.current) {
        (Some(entry), _) if entry.kind == EntryKind::Gap => "no partition takes the rows of now".to_owned(),
        (Some(entry), _) => format!("rows of now go to {}", named(entry, timeline)),
        (None, Some(at)) => format!("no partition takes the rows of now ({})", minute(at, grid)),
        (None, None) => "where rows of now go is not known".to_owned(),
    };
    page.line("now", &now)?;
    if let Some(edge) = timeline.retention_edge {
        let over = timeline.attached().filter(|entry| entry.phase == Phase::Over).count();
        let over =
            if over == 0 { String::new() } else { format!("; {} lie before that", many(over, "attached partition")) };
        page.line("retention", &format!("rows before {} may leave{over}", minute(edge, grid)))?;
    }
    if let Some(horizon) = timeline.premake_horizon {
        page.line("premake", &format!("partitions are wanted up to {}", value(horizon, grid)))?;
    }
    let ranged: Vec<&Entry> = timeline.attached().filter(|entry| entry.from.is_some()).collect();
    if let (Some(oldest), Some(newest)) = (ranged.first(), ranged.last()) {
        let mut words = many(timeline.attached().count(), "partition");
        words.push_str(&match ranged.len() {
            1 => format!(": {}", named(oldest, timeline)),
            _ => format!(", from {} to {}", named(oldest, timeline), named(newest, timeline)),
        });
        page.line("partitions", &words)?;
    }
    let gaps = timeline.partitions.iter().filter(|entry| entry.kind == EntryKind::Gap);
    let gaps: Vec<String> = gaps
        .map(|gap| {
            let end = |end: Option<crate::grid::Bound>| end.map_or_else(String::new, |end| bound(end, grid));
            format!("{} to {}: {}", end(gap.from), end(gap.to), gap.gap_because.unwrap_or("gap"))
        })
        .collect();
    page.lines("gaps", &gaps, Some(Paint::Danger))?;
    let held: Vec<&Entry> = timeline.partitions.iter().filter(|entry| !entry.held_by.is_empty()).collect();
    let mut holds: Vec<(&String, usize)> = Vec::new();
    for by in held.iter().flat_map(|entry| &entry.held_by) {
        match holds.iter_mut().find(|(known, _)| *known == by) {
            Some((_, count)) => *count += 1,
            None => holds.push((by, 1)),
        }
    }
    let holds: Vec<String> =
        holds.into_iter().map(|(by, count)| format!("{}: {by}", many(count, "partition"))).collect();
    page.lines("held", &holds, Some(Paint::Changed))
}

fn named(entry: &Entry, timeline: &Timeline) -> String {
    entry.name.as_ref().map_or_else(|| "a gap".to_owned(), |name| short(name, &timeline.table))
}

/// The policy, key by key, and where each is set.
fn settings(settings: &[Setting], page: &mut Page<'_>) -> fmt::Result {
    if settings.is_empty() {
        return Ok(());
    }
    let style = page.style;
    let keys = settings.iter().map(|setting| columns(setting.key)).max().unwrap_or(0);
    let values = settings.iter().map(|setting| columns(&setting.value)).filter(|width| *width <= 40).max().unwrap_or(0);
    for (at, setting) in settings.iter().enumerate() {
        let label = if at == 0 { "policy" } else { "" };
        let origin = setting.origin.as_deref().unwrap_or("default");
        let label = style.paint(Paint::Bold, format!("  {label:<11} "));
        let line = format!("{:<keys$}  {:<values$}", setting.key, style.text(&setting.value));
        writeln!(page.out, "{label}{line}  {}", style.paint(Paint::Dim, style.text(origin)))?;
    }
    Ok(())
}

fn events(story: &Story<'_>, page: &mut Page<'_>) -> fmt::Result {
    // A partition's own are told already.
    let Found::Table(table) = &story.found else { return Ok(()) };
    let words = |Event { at, what, partition }: &Event| {
        let does = match what {
            Happens::Create => "creates",
            Happens::Detach => "detaches",
            Happens::Drop => "drops",
        };
        format!("{}  {does} {}", words::day(*at), short(partition, table))
    };
    let all: Vec<String> = story.events.iter().map(words).collect();
    page.lines("ahead", &all, None)
}

fn findings(story: &Story<'_>, page: &mut Page<'_>) -> fmt::Result {
    const MOST: usize = 10;
    let words = |finding: &&crate::plan::Finding| {
        let level = match finding.code.level() {
            Level::Error => "error: ",
            Level::Warning => "warning: ",
            Level::Note => "",
        };
        let object = match (&story.found, &finding.object) {
            (Found::Table(table), Some(object)) => format!("{}: ", crate::render::outline::short_object(object, table)),
            (Found::Table(_) | Found::Partition { .. } | Found::Planned { .. }, _) => String::new(),
        };
        let hint = finding.hint.as_ref().map_or_else(String::new, |hint| format!(" (hint: {hint})"));
        format!("{level}{object}{}{hint}", finding.message)
    };
    let untold: Vec<_> = story.findings.iter().filter(|finding| !is_told(story, finding.code)).collect();
    let mut all: Vec<String> = untold.iter().take(MOST).map(|finding| words(finding)).collect();
    let more = untold.len().saturating_sub(MOST);
    if more > 0 {
        all.push(format!("and {more} more: `plan -v` lists them"));
    }
    page.lines("found", &all, None)
}

/// Whether the story of a partition says already why it stays.
fn is_told(story: &Story<'_>, code: Code) -> bool {
    let why = matches!(
        code,
        Code::Held
            | Code::Unbounded
            | Code::NewestWithRows
            | Code::NotRemovable
            | Code::Straddling
            | Code::InGrace
            | Code::Detached
            | Code::WindowTaken
    );
    why && story.entry.is_some()
}

fn steps(story: &Story<'_>, page: &mut Page<'_>) -> fmt::Result {
    if story.timeline.is_none() {
        return Ok(());
    }
    if let Found::Table(_) = story.found {
        let steps: Vec<_> = story.steps.iter().map(|step| step.step.clone()).collect();
        let Summary { create, change, detach, drop, blocked, .. } = Summary::of(&steps);
        if steps.is_empty() {
            return page.line("plan", "nothing to do");
        }
        let blocked = if blocked == 0 { String::new() } else { format!("; {blocked} blocked") };
        return page.line(
            "plan",
            &format!("{create} to create, {change} to change, {detach} to detach, {drop} to drop{blocked}"),
        );
    }
    if story.steps.is_empty() {
        return page.line("plan", "nothing to do with it now");
    }
    let style = page.style;
    let mut label = "plan";
    // Marker, detach and stamp have one reason.
    let like = |a: &StoryStep<'_>, b: &StoryStep<'_>| (a.class, a.reason) == (b.class, b.reason);
    for run in story.steps.chunk_by(like) {
        let Some(first) = run.first() else { continue };
        let verbs: Vec<&str> = run.iter().map(|step| step.step.action.word()).collect();
        page.line(label, &format!("{}: {}, {}", verbs.join(", "), first.class.word(), first.reason))?;
        label = "";
        for because in blocked(run) {
            let room = style.width.map(|width| width.saturating_sub(16));
            for piece in wrap(&style.text(&format!("x blocked: {because}")), room) {
                writeln!(page.out, "{:16}{}", "", style.paint(Paint::Danger, piece))?;
            }
        }
    }
    Ok(())
}

/// Why a run of steps is blocked, each reason once; that one step needs another of them goes without saying.
fn blocked<'a>(run: &'a [StoryStep<'_>]) -> Vec<&'a String> {
    let mut all: Vec<&String> = Vec::new();
    for (step, because) in run.iter().flat_map(|step| step.blocked_because.iter().map(move |because| (step, because))) {
        let within = |block: &Block| match block {
            Block::Needs { step } => run.iter().any(|other| other.id == step),
            Block::Hazard { .. }
            | Block::MaxDrop { .. }
            | Block::MaxCreate { .. }
            | Block::RowsInDefault { .. }
            | Block::ClockSkew { .. }
            | Block::Unknown { .. }
            | Block::ManagedElsewhere { .. }
            | Block::InTheWay { .. }
            | Block::MissingRight { .. }
            | Block::Busy { .. } => false,
        };
        let goes_without_saying = match &step.step.gate {
            Gate::Blocked(blocks) => blocks.iter().any(|block| within(block) && block.to_string() == *because),
            Gate::Open | Gate::Granted(_) => false,
        };
        if !goes_without_saying && !all.contains(&because) {
            all.push(because);
        }
    }
    all
}
