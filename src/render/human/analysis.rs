//! Analyses for people: the verdict first, then what it rests on.

use std::fmt::{self, Write};

use super::plan::{header, labelled};
use super::timeline::{bar, many, table_line, unjudged};
use crate::plan::Plan;
use crate::render::outline::short;
use crate::render::style::{Paint, Style};
use crate::render::words;
use crate::report::analyze::{Analysis, Bucket, OnMost, Verdict};
use crate::sql::TableName;

/// The bar of the fullest bucket.
const BAR: usize = 24;
/// So many names of a list are shown.
const NAMES: usize = 5;

/// Writes what the partitions of each table are like, and whether the interval fits.
///
/// # Errors
/// What `out` refuses.
pub fn analyses(plan: &Plan, analyses: &[Analysis], style: Style, out: &mut dyn Write) -> fmt::Result {
    header("partition analyze", plan, style, out)?;
    let fit = analyses.iter().filter(|analysis| analysis.interval.verdict == Verdict::Fits).count();
    let unknown = analyses.iter().filter(|analysis| analysis.interval.verdict == Verdict::Unknown).count();
    let mut sum = format!("{}: the interval of {fit} fits", many(analyses.len(), "table"));
    if unknown > 0 {
        sum.push_str(&format!(", of {unknown} that is not known"));
    }
    writeln!(out, "\n{}", style.paint(Paint::Bold, format!("{sum}.")))?;
    for analysis in analyses {
        writeln!(out)?;
        table_line(plan, &analysis.table, style, out)?;
        one(analysis, style, out)?;
    }
    unjudged(plan, style, out)
}

fn one(analysis: &Analysis, style: Style, out: &mut dyn Write) -> fmt::Result {
    let mut line = |label: &str, words: String, paint: Option<Paint>| {
        labelled(&format!("  {label:<11} "), &[words], paint, style, out)
    };
    let (interval, paint) = interval(analysis);
    line("interval", interval, paint)?;
    line("partitions", counts(analysis), None)?;
    line("sizes", sizes(analysis), None)?;
    if !analysis.oversized.is_empty() {
        let names = analysis
            .oversized
            .iter()
            .map(|one| format!("{} ({})", short(&one.name, &analysis.table), words::bytes(one.bytes)));
        let limit = words::bytes(analysis.limit.bytes);
        line("oversized", format!("above {limit}: {}", some(names.collect())), Some(Paint::Changed))?;
    }
    line("growth", growth(analysis), None)?;
    line("projected", projected(analysis), None)?;
    if let Some(empty) = empty(analysis) {
        line("empty", empty, None)?;
    }
    if let Some(default) = &analysis.default {
        let size = default.bytes.map_or_else(|| "size unknown".to_owned(), words::bytes);
        let words =
            format!("{}: {}, {size}", short(&default.name, &analysis.table), words::rows(default.rows_estimate));
        line("default", words, None)?;
    }
    for OnMost { name, definition, on, of } in &analysis.unnamed_indexes {
        let words = format!(
            "{definition} on {on} of {of} partitions, such as {}, and not in the policy: new ones will not have it",
            name.name
        );
        line("index", words, Some(Paint::Changed))?;
    }
    for (label, names) in [("unbounded", &analysis.unbounded), ("straddling", &analysis.straddling)] {
        if !names.is_empty() {
            line(label, names_of(names, &analysis.table), None)?;
        }
    }
    if analysis.distribution.len() > 1 {
        writeln!(out, "  {}", style.paint(Paint::Dim, "closed partitions by size"))?;
        buckets(&analysis.distribution, style, out)?;
    }
    Ok(())
}

/// `fits: …`, or what is wrong and what would be better.
fn interval(analysis: &Analysis) -> (String, Option<Paint>) {
    let interval = &analysis.interval;
    let (word, paint) = match interval.verdict {
        Verdict::Fits => ("fits", Some(Paint::Added)),
        Verdict::TooWide => ("too wide", Some(Paint::Danger)),
        Verdict::TooMany => ("too many partitions", Some(Paint::Danger)),
        Verdict::FinerThanNeeded => ("finer than needed", Some(Paint::Changed)),
        Verdict::Unknown => ("not known", None),
    };
    let mut words = format!("{word}: {}", interval.because);
    if let Some(bytes) = interval.expected_bytes {
        let limit = words::bytes(analysis.limit.bytes);
        words.push_str(&format!("; a full one takes ~{} of {limit}", words::bytes(bytes)));
    }
    if let (Some(better), Some(bytes), Some(partitions)) =
        (interval.better, interval.better_bytes, interval.better_partitions)
    {
        words.push_str(&format!(
            ". With `interval: {better}`: ~{}, {}",
            words::bytes(bytes),
            many(usize::try_from(partitions).unwrap_or(usize::MAX), "partition")
        ));
    } else if matches!(interval.verdict, Verdict::TooWide | Verdict::TooMany) {
        words.push_str(". No usual interval fits: keep less, or raise monitoring.max_partition_size");
    }
    (words, paint)
}

fn counts(analysis: &Analysis) -> String {
    let mut words = vec![format!("{} attached", analysis.partitions)];
    for (count, what) in [(analysis.gaps, "gap"), (analysis.detached, "detached table")] {
        if count > 0 {
            words.push(many(count, what));
        }
    }
    match analysis.total_bytes {
        Some(bytes) => words.push(words::bytes(bytes)),
        None => words.push(format!("size unknown of {}", analysis.sizes_unknown)),
    }
    words.join(", ")
}

fn sizes(analysis: &Analysis) -> String {
    let Some(spread) = &analysis.sizes else {
        return "no closed partition has a known size".to_owned();
    };
    let skew = spread
        .skew
        .filter(|skew| *skew >= 1.05)
        .map_or_else(String::new, |skew| format!(", {} times the median", trimmed(skew)));
    format!(
        "median {}, 90 % up to {}, from {} to {} ({}{skew}); {} closed",
        words::bytes(spread.median),
        words::bytes(spread.p90),
        words::bytes(spread.min),
        words::bytes(spread.max),
        short(&spread.largest, &analysis.table),
        spread.partitions,
    )
}

/// `3`, `1.2`
fn trimmed(number: f64) -> String {
    let text = format!("{number:.1}");
    text.strip_suffix(".0").map(str::to_owned).unwrap_or(text)
}

fn growth(analysis: &Analysis) -> String {
    let Some(growth) = &analysis.growth else { return "not known".to_owned() };
    let rows = growth.rows_per_day.map_or_else(String::new, |rows| format!(", {}", words::rows(Some(rows))));
    format!(
        "~{}{rows} a day, by {} of {} days",
        words::bytes(growth.bytes_per_day),
        many(growth.partitions, "closed partition"),
        trimmed(growth.days)
    )
}

fn projected(analysis: &Analysis) -> String {
    let Some(projection) = &analysis.projection else { return "not known".to_owned() };
    let partitions = many(usize::try_from(projection.partitions).unwrap_or(usize::MAX), "partition");
    let when = match projection.bounded {
        true => "once retention has set in".to_owned(),
        false => "in ten years: nothing ever leaves".to_owned(),
    };
    format!("~{partitions}, ~{} {when}, at this rate", words::bytes(projection.bytes))
}

fn empty(analysis: &Analysis) -> Option<String> {
    let ahead = match analysis.empty_ahead {
        Some(0) => None,
        Some(count) => Some(format!("{count} above the newest with rows")),
        None => Some("how many are ahead is not known".to_owned()),
    };
    let by_statistics = (!analysis.empty_by_statistics.is_empty()).then(|| {
        format!("~0 rows by the server's statistics: {}", names_of(&analysis.empty_by_statistics, &analysis.table))
    });
    let words: Vec<String> = ahead.into_iter().chain(by_statistics).collect();
    (!words.is_empty()).then(|| words.join("; "))
}

fn names_of(names: &[TableName], table: &TableName) -> String {
    some(names.iter().map(|name| short(name, table)).collect())
}

/// The first few of a list, and how many more there are.
fn some(mut names: Vec<String>) -> String {
    let more = names.len().saturating_sub(NAMES);
    names.truncate(NAMES);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!("{}{more}", names.join(", "))
}

fn buckets(buckets: &[Bucket], style: Style, out: &mut dyn Write) -> fmt::Result {
    let most = buckets.iter().map(|bucket| bucket.partitions).max().unwrap_or(1);
    let width = style.width.map_or(BAR, |width| BAR.min(width.saturating_sub(40)).max(4));
    for Bucket { up_to, partitions } in buckets {
        let bar = bar(*partitions as u64, most as u64, width, style);
        writeln!(out, "    up to {:>9}  {bar}  {partitions}", words::bytes(*up_to))?;
    }
    Ok(())
}
