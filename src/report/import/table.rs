//! One partitioned table of a survey as a part of a policy.

use jiff::civil::{DateTime, Time};

use super::about::{reach, remarks};
use super::draft::{Line, TableDraft};
use super::infer::{Choice, Phase, Piece};
use super::name::{Names, template};
use super::partman::Told;
use super::reading::Reading;
use super::zone::{Evidence, Placed, place};
use crate::catalog::{Leaf, LeafKind, Root, Survey};
use crate::grid::{Bound, Grid, Interval, LeafBounds, NameTemplate, Unit, Zone};
use crate::policy::{DEFAULT_PREMAKE, MAX_PREMAKE, least_premake};
use crate::sql::TableName;

/// The table as a part of a policy, and what has to be done elsewhere; or why it cannot be one.
pub(super) fn table(survey: &Survey, name: &TableName, root: &Root) -> Result<(TableDraft, Option<String>), String> {
    let told = survey.partman.get(name).map(Told::new);
    let sub_partitioned = survey.partman.get(name).is_some_and(|config| config.sub_partitioned);
    let named = pieces(root);
    let pieces: Vec<Piece> = named.iter().map(|(piece, _)| *piece).collect();
    if let Some((_, leaf)) = named.first().filter(|(_, leaf)| leaf.kind == LeafKind::Partitioned) {
        return Err(format!("its partitions, such as {}, are partitioned themselves", leaf.name));
    }
    if sub_partitioned {
        return Err("pg_partman partitions its partitions".to_owned());
    }
    let placed = by_names(name, grid(survey, root, &pieces, told.as_ref())?, &named);
    let grid = &placed.choice.grid;
    let now = survey.snapshot.taken_at;

    let mut remarks = remarks(name, root, grid, &pieces, now);
    let mut partition = vec![Line::new("key", &root.key.name), Line::new("interval", grid.interval())];
    partition.extend(timezone(survey, root, &placed));
    partition.extend(anchor(&placed));
    partition.push(premake(root, grid, now, told.as_ref()));
    partition.extend(names(name, &placed, &named));
    if let Some((_, leaf)) = root.default_leaf() {
        partition.push(Line::new("default_partition", "allow").says(leaf.name.name.to_string()));
    }
    let mut retention = Vec::new();
    let mut note = None;
    if let Some(told) = &told {
        let (lines, remark) = told.retention(grid.interval());
        retention = lines;
        remarks.extend(remark);
        if let Some(interval) = told.interval()
            && interval != super::infer::normal(grid.interval())
        {
            remarks.push(format!("pg_partman's interval is {interval}, and its newest partitions are not."));
        }
        remarks.extend(told.remarks());
        if let Some(update) = told.hand_over(name) {
            remarks.push("pg_partman still maintains it, and nothing is carried out until:".to_owned());
            remarks.push(format!("  {update}"));
            note = Some(format!("{name}: pg_partman maintains it; hand it over with: {update}"));
        }
    }
    Ok((TableDraft { name: name.clone(), remarks, partition, retention }, note))
}

/// Attached partitions with two ends, newest first.
fn pieces(root: &Root) -> Vec<(Piece, &Leaf)> {
    let attached = root.leaves.values().filter(|leaf| !leaf.pending);
    let mut found: Vec<(Piece, &Leaf)> = attached
        .filter_map(|leaf| match leaf.bounds {
            LeafBounds::Range { from: Bound::Value(from), to: Bound::Value(to) } => Some((Piece { from, to }, leaf)),
            LeafBounds::Range { .. } | LeafBounds::Default | LeafBounds::Other(_) => None,
        })
        .collect();
    found.sort_by_key(|(piece, _)| std::cmp::Reverse((piece.from, piece.to)));
    found
}

fn grid(survey: &Survey, root: &Root, pieces: &[Piece], told: Option<&Told<'_>>) -> Result<Placed, String> {
    let reading = Reading { kind: root.key.kind };
    let hint = told.and_then(Told::interval);
    let setting: Option<Zone> = survey.time_zone.parse().ok();
    if let Some(placed) = place(reading, pieces, setting.as_ref(), hint) {
        return Ok(placed);
    }
    let Some(newest) = pieces.first() else {
        let untold = || "it has no partition with two ends, which would tell its interval".to_owned();
        let grid = hint.and_then(|interval| reading.grid(interval, &Zone::utc(), None)).ok_or_else(untold)?;
        let choice = Choice { grid, seed: 0, run: 0, phase: Phase::Default };
        return Ok(Placed { choice, evidence: Evidence::Plain });
    };
    Err(format!("no number of hours, days or months leads from {} to {}", newest.from, newest.to))
}

/// Where the bounds fit UTC and a zone alike, names decide: one that tells the date tells the local one.
fn by_names(name: &TableName, placed: Placed, named: &[(Piece, &Leaf)]) -> Placed {
    let Evidence::SomewhereMidnight { zones, local } = &placed.evidence else { return placed };
    // The day that a window ends on in UTC is the day it begins on further east: no reason to name it by its end.
    let plainly = |choice: &Choice| match template(name.name.as_str(), &choice.grid, &exact(choice, named)) {
        Names::All(template) => !template.to_string().contains("{end:"),
        Names::Newest { .. } | Names::None => false,
    };
    if plainly(&placed.choice) || !plainly(local) {
        return placed;
    }
    let others = zones.iter().skip(1).cloned().collect();
    Placed { choice: local.as_ref().clone(), evidence: Evidence::Bounds { others } }
}

/// The partitions that the grid explains, by name.
fn exact<'a>(choice: &Choice, named: &[(Piece, &'a Leaf)]) -> Vec<(Piece, &'a str)> {
    let Choice { seed, run, .. } = choice;
    named.iter().skip(*seed).take(*run).map(|(piece, leaf)| (*piece, leaf.name.name.as_str())).collect()
}

fn timezone(survey: &Survey, root: &Root, placed: &Placed) -> Option<Line> {
    let setting = survey.time_zone.as_str();
    let zone = placed.choice.grid.zone();
    if !root.key.kind.is_instant() {
        let said = format!("check: the zone that the values are in; the database's TimeZone is {setting}");
        return Some(Line::new("timezone", zone).says(said));
    }
    match &placed.evidence {
        Evidence::Plain | Evidence::SomewhereMidnight { .. } => None,
        Evidence::Setting => {
            Some(Line::new("timezone", zone).says("the bounds are midnights there; the database's TimeZone".to_owned()))
        }
        Evidence::Bounds { others } => {
            let said = match others.as_slice() {
                [] => "the bounds are midnights there".to_owned(),
                others => format!("the bounds are midnights there, and in {}", some_of(others)),
            };
            Some(Line::new("timezone", zone).says(said))
        }
    }
}

fn anchor(placed: &Placed) -> Option<Line> {
    if placed.choice.phase == Phase::Default {
        return None;
    }
    let grid = &placed.choice.grid;
    let anchor = grid.anchor();
    let text = match (anchor.time() == Time::midnight(), anchor.second()) {
        (true, _) => anchor.date().to_string(),
        (false, 0) => anchor.strftime("%Y-%m-%d %H:%M").to_string(),
        (false, _) => anchor.strftime("%Y-%m-%d %H:%M:%S").to_string(),
    };
    let mut said = phase(grid.interval(), anchor);
    if let Evidence::SomewhereMidnight { zones, .. } = &placed.evidence {
        let zones = match zones.split_first() {
            Some((first, [])) => first.clone(),
            Some((first, [second])) => format!("{first} and {second}"),
            Some((first, more)) => format!("{first} and {} more zones", more.len()),
            None => String::new(),
        };
        said = Some(format!("in UTC; midnight in {zones}: if that is meant, write `timezone` instead"));
    }
    Some(Line::new("anchor", text).says(said))
}

/// What the phase of a common interval means.
fn phase(interval: Interval, anchor: DateTime) -> Option<String> {
    match interval {
        Interval { count: 1, unit: Unit::Weeks } => Some(anchor.strftime("weeks begin on %A").to_string()),
        Interval { count: 1, unit: Unit::Years } => Some(anchor.strftime("years begin in %B").to_string()),
        Interval { count: 1, unit: Unit::Days } => Some(anchor.strftime("days begin at %H:%M").to_string()),
        Interval { unit: Unit::Months, .. } if anchor.day() > 1 => {
            Some(format!("on day {} of the month", anchor.day()))
        }
        Interval {
            unit: Unit::Hours | Unit::Days | Unit::Weeks | Unit::Months | Unit::Quarters | Unit::Years, ..
        } => None,
    }
}

/// As many windows ahead as there are, and as validation accepts without a warning.
fn premake(root: &Root, grid: &Grid, now: jiff::Timestamp, told: Option<&Told<'_>>) -> Line {
    let interval = grid.interval();
    let least = least_premake(interval);
    let observed = grid.index_at(now).and_then(|current| {
        let window = grid.window(current)?;
        let reached = reach(root, Bound::Value(window.to));
        let most = i64::from(MAX_PREMAKE);
        // A partition without an upper end covers everything: that was nobody's number of partitions.
        reached.value()?;
        let ahead = grid.windows_between(current + 1, current + most);
        u32::try_from(ahead.take_while(|window| Bound::Value(window.to) <= reached).count()).ok()
    });
    match (told.and_then(Told::premake), observed) {
        (Some(said), _) if said < least => {
            Line::new("premake", least).says(format!("two days at least; pg_partman's is {said}"))
        }
        (Some(said), _) => Line::new("premake", said),
        (None, Some(observed)) if observed >= least => Line::new("premake", observed),
        (None, observed) => {
            let line = Line::new("premake", DEFAULT_PREMAKE.max(least));
            match observed {
                Some(0) => line.says("the next one is missing".to_owned()),
                Some(observed) => line.says(format!("two days at least; there are {observed}")),
                None => line,
            }
        }
    }
}

fn names(name: &TableName, placed: &Placed, named: &[(Piece, &Leaf)]) -> Option<Line> {
    let grid = &placed.choice.grid;
    let exact = exact(&placed.choice, named);
    let default = NameTemplate::default_for(grid.interval());
    match template(name.name.as_str(), grid, &exact) {
        Names::All(template) if template == default => None,
        Names::All(template) => Some(Line::quoted("name", template)),
        Names::Newest { template, explained } => {
            let said = format!("as the newest partition is called, and {explained} of {} in all", exact.len());
            Some(Line::quoted("name", template).says(said))
        }
        Names::None => {
            let (_, newest) = exact.first()?;
            let said = format!("the default: no template gives names such as {newest}");
            Some(Line::quoted("name", default).says(said))
        }
    }
}

/// A few names, or how many they are.
fn some_of(zones: &[String]) -> String {
    match zones {
        [one] => one.clone(),
        [one, two] => format!("{one} and {two}"),
        more => format!("{} more zones", more.len()),
    }
}
