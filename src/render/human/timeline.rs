//! Timelines for people: a line a partition, a picture of sizes, edge and present where they lie.

use std::fmt::{self, Write};

use super::plan::header;
use crate::catalog::LeafKind;
use crate::grid::{Bound, Fit, KeyValue};
use crate::plan::{Finding, Level, Plan, TableOverview};
use crate::render::bounds::{bound, minute};
use crate::render::outline::short;
use crate::render::sentences::runway_words;
use crate::render::style::{Paint, Style, columns, wrap};
use crate::render::words;
use crate::report::timeline::{Entry, EntryKind, Line, Phase, Size, Timeline};
use crate::sql::TableName;

/// Names longer than this do not push the columns of every other line to the right.
const WIDEST_NAME: usize = 52;
/// The bar of the largest partition, where there is room for it.
const WIDEST_BAR: usize = 12;
/// A narrower one shows nothing.
const NARROWEST_BAR: usize = 4;
/// Marks go below their line rather than into less room than this.
const ROOM_FOR_MARKS: usize = 16;

/// Writes the partitions of each table, oldest first. `all` shows each one; runs of many are folded otherwise.
///
/// # Errors
/// What `out` refuses.
pub fn timelines(plan: &Plan, timelines: &[Timeline], all: bool, style: Style, out: &mut dyn Write) -> fmt::Result {
    header("partition list", plan, style, out)?;
    let attached: usize = timelines.iter().map(|timeline| timeline.attached().count()).sum();
    let sum = format!("{} in {}.", many(attached, "partition"), many(timelines.len(), "table"));
    writeln!(out, "\n{}", style.paint(Paint::Bold, sum))?;
    for timeline in timelines {
        writeln!(out)?;
        table_line(plan, &timeline.table, style, out)?;
        let room = style.width.map(|width| width.saturating_sub(2));
        wrap(&counts(timeline), room).iter().try_for_each(|piece| writeln!(out, "  {piece}"))?;
        let lines = timeline.lines(all);
        let rows: Vec<Row> = lines.iter().map(|line| row(line, timeline, style)).collect();
        let layout = Layout::of(&rows, style);
        layout.titles(style, out)?;
        rows.iter().try_for_each(|row| layout.write(row, style, out))?;
        if lines.iter().any(|line| matches!(line, Line::Folded(_))) {
            writeln!(out, "  {}", style.paint(Paint::Dim, "--all shows each one, with its size"))?;
        }
    }
    unjudged(plan, style, out)
}

/// Tables that could not be judged, and what concerns none of them, as far as they are errors.
pub(super) fn unjudged(plan: &Plan, style: Style, out: &mut dyn Write) -> fmt::Result {
    let errors = plan.findings.iter().filter(|finding| finding.code.level() == Level::Error);
    for Finding { table, object, message, hint, code: _ } in errors {
        let what = object.as_ref().map(ToString::to_string).or_else(|| table.as_ref().map(ToString::to_string));
        let what = what.map_or_else(String::new, |name| format!("{name}: "));
        let text = style.text(&format!("error: {what}{message}"));
        let room = style.width.map(|width| width.saturating_sub(2));
        writeln!(out)?;
        for (at, piece) in wrap(&text, room).into_iter().enumerate() {
            writeln!(out, "{}{}", if at == 0 { "" } else { "  " }, style.paint(Paint::Danger, piece))?;
        }
        if let Some(hint) = hint {
            writeln!(out, "  hint: {}", style.text(hint))?;
        }
    }
    Ok(())
}

/// `public.events  every day, keep 90 days  runway 6d`
pub(super) fn table_line(plan: &Plan, table: &TableName, style: Style, out: &mut dyn Write) -> fmt::Result {
    let overview = plan.tables.iter().find(|overview| overview.table == *table);
    let name = style.text(&table.to_string());
    write!(out, "{}", style.paint(Paint::Bold, &name))?;
    if let Some(overview) = overview {
        let policy = style.text(&overview.policy);
        write!(out, "  {}", style.paint(Paint::Dim, &policy))?;
        // The runway of today: a report says what is, not what a plan would make of it.
        let today = TableOverview { runway_after: None, ..overview.clone() };
        if let Some(runway) = runway_words(&today, style) {
            let used = columns(&name) + 2 + columns(&policy) + 2 + columns(&runway);
            let beside = style.width.is_none_or(|width| used <= width);
            write!(out, "{}  {runway}", if beside { "" } else { "\n" })?;
        }
    }
    writeln!(out)
}

/// `73 partitions, 1 gap, 1 detached; ~7.2e4 rows; 580 MB`
fn counts(timeline: &Timeline) -> String {
    let count = |kind| timeline.partitions.iter().filter(|entry| entry.kind == kind).count();
    let mut words = many(count(EntryKind::Partition), "partition");
    for (kind, what) in
        [(EntryKind::Gap, "gap"), (EntryKind::Default, "default partition"), (EntryKind::Detached, "detached table")]
    {
        let count = count(kind);
        if count > 0 {
            words.push_str(&format!(", {}", many(count, what)));
        }
    }
    let tables: Vec<&Entry> = timeline.partitions.iter().filter(|entry| entry.kind != EntryKind::Gap).collect();
    let sizes: Vec<u64> = tables.iter().filter_map(|entry| entry.bytes.bytes()).collect();
    if !sizes.is_empty() {
        let total = words::bytes(sizes.iter().fold(0, |sum: u64, bytes| sum.saturating_add(*bytes)));
        let of = if sizes.len() < tables.len() { format!(" in {} of them", sizes.len()) } else { String::new() };
        words.push_str(&format!("; {total}{of}"));
    }
    let zone = timeline.grid.zone().name();
    if zone != "UTC" {
        words.push_str(&format!("; times of {zone}"));
    }
    words
}

/// `1 partition`, `2 partitions`
pub(super) fn many(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

/// A line before its columns are known.
enum Row {
    Cells { cells: [String; 6], bytes: Option<u64>, marks: Vec<String>, paint: Paint },
    Mark(String),
}

fn row(line: &Line<'_>, timeline: &Timeline, style: Style) -> Row {
    let grid = &timeline.grid;
    let mark = |what: &str, at: KeyValue| Row::Mark(format!("{what} {}", minute(at, grid)));
    match line {
        Line::One(entry) => one(entry, timeline, style),
        Line::Folded(run) => folded(run, timeline, style),
        Line::RetentionEdge(at) => mark("rows before this may leave:", *at),
        Line::Now(at) => mark("now:", *at),
        Line::PremakeHorizon(at) => mark("partitions are wanted up to here:", *at),
    }
}

fn one(entry: &Entry, timeline: &Timeline, style: Style) -> Row {
    let (grid, table) = (&timeline.grid, &timeline.table);
    let name = entry.name.as_ref().map_or_else(|| "(gap)".to_owned(), |name| short(name, table));
    let end = |end: Option<Bound>| end.map_or_else(String::new, |end| bound(end, grid));
    let size = match &entry.bytes {
        Size::Exactly(bytes) => words::bytes(*bytes).replace("bytes", "B"),
        Size::Unknown(_) => "?".to_owned(),
        Size::NotAsked => String::new(),
    };
    let rows = if entry.kind == EntryKind::Gap { String::new() } else { count(entry.rows) };
    let cells = [name, end(entry.from), end(entry.to), fit_word(entry).to_owned(), rows, size];
    let cells = cells.map(|cell| style.text(&cell));
    Row::Cells { cells, bytes: entry.bytes.bytes(), marks: marks(entry), paint: paint(entry) }
}

fn folded(run: &[Entry], timeline: &Timeline, style: Style) -> Row {
    let grid = &timeline.grid;
    let end = |end: Option<Bound>| end.map_or_else(String::new, |end| bound(end, grid));
    let known: Vec<u64> = run.iter().filter_map(|entry| entry.rows).collect();
    let total = known.iter().fold(0, |sum: u64, rows| sum.saturating_add(*rows));
    let rows = count((known.len() == run.len()).then_some(total));
    let first = run.first();
    let fit = first.filter(|first| run.iter().all(|entry| fit_word(entry) == fit_word(first))).map_or("", fit_word);
    let from = end(first.and_then(|entry| entry.from));
    let to = end(run.last().and_then(|entry| entry.to));
    let name = format!("{} {} more", style.dots(), run.len());
    let cells = [name, from, to, fit.to_owned(), rows, String::new()];
    Row::Cells { cells, bytes: None, marks: Vec::new(), paint: Paint::Dim }
}

/// `~1.9e9`: an estimate, or a question mark.
fn count(rows: Option<u64>) -> String {
    let words = words::rows(rows);
    rows.map_or_else(|| "?".to_owned(), |_| words.split(' ').next().unwrap_or_default().to_owned())
}

fn fit_word(entry: &Entry) -> &'static str {
    match (entry.kind, entry.fit) {
        // Its ends say so.
        (_, None | Some(Fit::Unbounded)) | (EntryKind::Gap | EntryKind::Default, _) => "",
        (_, Some(Fit::Exact(_))) => "exact",
        (_, Some(Fit::Part(_))) => "part",
        (_, Some(Fit::Span { .. })) => "span",
        (_, Some(Fit::Straddling)) => "straddling",
    }
}

fn paint(entry: &Entry) -> Paint {
    match (entry.kind, entry.phase) {
        (EntryKind::Gap, _) => Paint::Danger,
        (EntryKind::Detached, _) => Paint::Dim,
        (_, Phase::Current) => Paint::Added,
        (_, Phase::Over) => Paint::Removed,
        _ if entry.pending || !entry.held_by.is_empty() => Paint::Changed,
        (_, Phase::Kept | Phase::Ahead | Phase::Outside) => Paint::Plain,
    }
}

/// What is to be said of a stretch beyond its numbers.
fn marks(entry: &Entry) -> Vec<String> {
    let mut marks: Vec<String> = Vec::new();
    let mut add = |is: bool, mark: &str| {
        if is {
            marks.push(mark.to_owned());
        }
    };
    add(entry.current, "current");
    add(entry.newest_with_rows && !entry.current, "newest with rows");
    add(entry.pending, "detach unfinished");
    add(entry.marked && !entry.pending && entry.kind == EntryKind::Partition, "marked for removal");
    add(entry.relation == Some(LeafKind::Foreign), "foreign table");
    add(entry.relation == Some(LeafKind::Partitioned), "partitioned itself");
    add(entry.kind == EntryKind::Default, "default");
    match entry.fit {
        Some(Fit::Part(_)) if entry.kind != EntryKind::Gap => add(true, "bridge"),
        Some(Fit::Span { first, last }) => {
            add(true, &format!("{} windows", last.saturating_sub(first).saturating_add(1)));
        }
        Some(Fit::Exact(_) | Fit::Part(_) | Fit::Straddling | Fit::Unbounded) | None => {}
    }
    if let Some(because) = entry.gap_because {
        add(true, because);
    }
    if let Some(bounds) = &entry.bounds {
        add(true, bounds);
    }
    for by in &entry.held_by {
        // In a list one word must do.
        add(true, &format!("held by {}", by.replace("a line `pgstrata: hold` in ", "")));
    }
    let due = entry.fate.drops_at.map(words::day);
    match (entry.kind, entry.phase) {
        (EntryKind::Detached, _) => {
            add(
                true,
                &entry.detached_at.map_or_else(
                    || "detached, without a stamp".to_owned(),
                    |at| format!("detached {}", words::day(at)),
                ),
            );
            match (&entry.fate.stays_because, due) {
                // Holds are said already.
                (Some(_), _) if !entry.held_by.is_empty() => {}
                (Some(because), _) => add(true, because),
                (None, Some(due)) => add(true, &format!("drop due {due}")),
                (None, None) => {}
            }
        }
        (EntryKind::Partition, Phase::Over) => match &entry.fate.stays_because {
            Some(_) if !entry.held_by.is_empty() => {}
            Some(because) => add(true, &format!("stays: {because}")),
            None => add(
                true,
                &entry
                    .fate
                    .leaves_at
                    .map_or_else(|| "its time is over".to_owned(), |at| format!("due since {}", words::day(at))),
            ),
        },
        (EntryKind::Partition, _) if entry.fit == Some(Fit::Unbounded) => add(true, "unbounded"),
        (EntryKind::Partition | EntryKind::Gap | EntryKind::Default, _) => {}
    }
    marks
}

/// Widths of the columns.
struct Layout {
    widths: [usize; 6],
    gap: usize,
    bar: usize,
    largest: u64,
}

/// Which columns are numbers, and stand to the right.
const RIGHT: [bool; 6] = [false, false, false, false, true, true];
const TITLES: [&str; 6] = ["partition", "from", "to", "fit", "rows", "size"];

impl Layout {
    fn of(rows: &[Row], style: Style) -> Self {
        let cap = style.width.map_or(WIDEST_NAME, |width| WIDEST_NAME.min(width / 2));
        let mut widths = TITLES.map(columns);
        let mut widest_mark = 0;
        let mut largest = 0;
        for row in rows {
            let Row::Cells { cells, bytes, marks, paint: _ } = row else { continue };
            for (width, (at, cell)) in widths.iter_mut().zip(cells.iter().enumerate()) {
                let cell = columns(cell);
                if at > 0 || cell <= cap {
                    *width = (*width).max(cell);
                }
            }
            widest_mark = widest_mark.max(columns(&marks.join(", ")));
            largest = largest.max(bytes.unwrap_or(0));
        }
        let columns = |gap: usize| 2 + widths.iter().sum::<usize>() + gap * (widths.len() - 1);
        let gap = if style.width.is_some_and(|width| columns(2) > width) { 1 } else { 2 };
        let used = columns(gap) + 2;
        let room = style.width.map_or(WIDEST_BAR, |width| {
            let for_marks = if widest_mark == 0 { 0 } else { 2 + widest_mark.min(ROOM_FOR_MARKS) };
            width.saturating_sub(used + for_marks)
        });
        let bar = if largest == 0 || room < NARROWEST_BAR { 0 } else { room.min(WIDEST_BAR) };
        Self { widths, gap, bar, largest }
    }

    fn titles(&self, style: Style, out: &mut dyn Write) -> fmt::Result {
        let line = self.cells(&TITLES.map(str::to_owned));
        writeln!(out, "  {}", style.paint(Paint::Dim, line.trim_end()))
    }

    fn cells(&self, cells: &[String; 6]) -> String {
        let padded = cells.iter().zip(self.widths).zip(RIGHT).map(|((cell, width), right)| {
            let pad = " ".repeat(width.saturating_sub(columns(cell)));
            if right { format!("{pad}{cell}") } else { format!("{cell}{pad}") }
        });
        padded.collect::<Vec<_>>().join(&" ".repeat(self.gap))
    }

    fn write(&self, row: &Row, style: Style, out: &mut dyn Write) -> fmt::Result {
        let Row::Cells { cells, bytes, marks, paint } = row else {
            let Row::Mark(text) = row else { return Ok(()) };
            let line = if style.unicode { "─" } else { "-" };
            return writeln!(out, "  {}", style.paint(Paint::Bold, format!("{} {text}", line.repeat(2))));
        };
        let mut line = self.cells(cells);
        if self.bar > 0 {
            line.push_str(&format!("  {}", bar(bytes.unwrap_or(0), self.largest, self.bar, style)));
        }
        let marks = style.text(&marks.join(", "));
        let used = 2 + columns(&line) + 2;
        let beside = style.width.is_none_or(|width| used + columns(&marks) <= width);
        if marks.is_empty() || !beside {
            line.truncate(line.trim_end().len());
        }
        write!(out, "  {}", style.paint(*paint, &line))?;
        if marks.is_empty() {
            return writeln!(out);
        }
        if beside {
            return writeln!(out, "  {}", style.paint(*paint, marks));
        }
        writeln!(out)?;
        let room = style.width.map(|width| width.saturating_sub(6));
        wrap(&marks, room).iter().try_for_each(|piece| writeln!(out, "      {}", style.paint(*paint, piece)))
    }
}

/// A bar as long as its share of the largest; what has rows at all shows a trace of it.
pub(super) fn bar(bytes: u64, largest: u64, width: usize, style: Style) -> String {
    let eighths = u128::from(bytes) * (width as u128 * 8) / u128::from(largest.max(1));
    let eighths = usize::try_from(eighths).unwrap_or(width * 8).min(width * 8).max(usize::from(bytes > 0));
    let text = if style.unicode {
        const PARTS: [&str; 8] = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];
        format!("{}{}", "█".repeat(eighths / 8), PARTS[eighths % 8])
    } else {
        "#".repeat(eighths.div_ceil(8))
    };
    format!("{text}{}", " ".repeat(width.saturating_sub(columns(&text))))
}
