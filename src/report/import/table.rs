//! One partitioned table of a survey as a part of a policy.

use jiff::civil::{DateTime, Time};

use super::about::{reach, remarks};
use super::draft::{Line, TableDraft};
use super::infer::{Choice, Phase, Piece};
use super::name::{Names, template};
use super::partman::{Epoch, Told};
use super::premake;
use super::reading::Reading;
use super::siblings::{Shared, shared};
use super::zone::{Evidence, Placed, place};
use crate::catalog::{Answer, Leaf, LeafKey, LeafKind, Question, Root, Survey};
use crate::grid::{Bound, Encoding, Grid, Interval, KeyKind, LeafBounds, NameTemplate, Position, Unit, Width, Zone};
use crate::policy::MAX_PREMAKE;
use crate::resource::index::{OnMost, on_most_not_newest};
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
    let (reading, placed) = grid(survey, root, &pieces, told.as_ref())?;
    let placed = by_names(name, placed, &named);
    let grid = &placed.choice.grid;

    let schema = named.first().map_or(&name.schema, |(_, leaf)| &leaf.name.schema);
    let mut remarks = remarks(schema, root, grid, &pieces, survey.snapshot.taken_at);
    remarks.extend(on_most_not_newest(root).into_iter().map(|OnMost { name, definition, on, of }| {
        format!(
            "An index {definition} is on {on} of {of} partitions, such as {}, and not on the table: new ones will not have \
             it. Name it under `indexes` to have it everywhere.",
            name.name
        )
    }));
    let mut partition = vec![Line::new("key", &root.key.name), Line::new("interval", interval(grid.width()))];
    if let Some(encoding) = reading.encoding() {
        let guessed = root.key.kind != KeyKind::Uuid && !matches!(told.as_ref().map(Told::epoch), Some(Epoch::Of(_)));
        let said = guessed.then(|| "so read, the bounds are dates".to_owned());
        partition.push(Line::new("encoding", encoding.as_str()).says(said));
    }
    partition.extend(timezone(survey, reading, &placed));
    partition.extend(anchor(&placed));
    partition.push(ahead(survey, root, grid, told.as_ref()));
    if *schema != name.schema {
        partition.push(Line::new("schema", schema));
    }
    partition.extend(names(name, &placed, &named, told.as_ref()));
    if let Some((_, leaf)) = root.default_leaf() {
        partition.push(Line::new("default_partition", "allow").says(leaf.name.name.to_string()));
    }
    let mut retention = Vec::new();
    let mut note = None;
    if let Some(told) = &told {
        let (lines, remark) = told.retention(grid.width());
        retention = lines;
        remarks.extend(remark);
        if let Some(width) = told.width()
            && width != grid.width()
        {
            remarks.push(format!("pg_partman's interval is {width}, and its newest partitions are not."));
        }
        remarks.extend(told.remarks());
        if let Some(update) = told.hand_over(name) {
            remarks.push("pg_partman still maintains it. Hand it over before anything is carried out:".to_owned());
            remarks.push(format!("  {update}"));
            note = Some(format!("{name}: pg_partman maintains it; hand it over with: {update}"));
        }
    }
    let inherit_privileges = told.as_ref().is_some_and(Told::inherits_privileges);
    let Shared { partition: lines, storage_parameters, indexes, remarks: more } = shared(name, root);
    partition.extend(lines);
    remarks.extend(more);
    Ok((
        TableDraft {
            name: name.clone(),
            remarks,
            partition,
            retention,
            storage_parameters,
            indexes,
            inherit_privileges,
        },
        note,
    ))
}

/// As the policy writes it.
fn interval(width: Width) -> String {
    match width {
        Width::Calendar(interval) => interval.to_string(),
        Width::Keys(step) => step.to_string(),
    }
}

/// Attached partitions with two ends, newest first.
fn pieces(root: &Root) -> Vec<(Piece, &Leaf)> {
    // A UUID's bound may be written in two ways that no row tells apart.
    let day = Interval { count: 1, unit: Unit::Days };
    let uuids = Reading::Times(root.key.kind, Some(Encoding::Uuidv7)).grid(day, &Zone::utc(), None);
    let canonical = |value| uuids.as_ref().map_or(value, |grid| grid.canonical(value));
    let attached = root.leaves.values().filter(|leaf| !leaf.pending);
    let mut found: Vec<(Piece, &Leaf)> = attached
        .filter_map(|leaf| match leaf.bounds {
            LeafBounds::Range { from: Bound::Value(from), to: Bound::Value(to) } => {
                Some((Piece { from: canonical(from), to: canonical(to) }, leaf))
            }
            LeafBounds::Range { .. } | LeafBounds::Default | LeafBounds::Other(_) => None,
        })
        .collect();
    found.sort_by_key(|(piece, _)| std::cmp::Reverse((piece.from, piece.to)));
    found
}

fn grid(survey: &Survey, root: &Root, pieces: &[Piece], told: Option<&Told<'_>>) -> Result<(Reading, Placed), String> {
    let hint = told.and_then(Told::width);
    let setting: Option<Zone> = survey.time_zone.parse().ok();
    let readings = readings(root, told);
    let Some(newest) = pieces.first() else {
        let untold = || "it has no partition with two ends, which would tell its interval".to_owned();
        return readings.into_iter().find_map(|reading| Some((reading, by_hint(reading, hint?)?))).ok_or_else(untold);
    };
    for reading in readings {
        if !reading.is_plausible(pieces) {
            continue;
        }
        match place(reading, pieces, setting.as_ref(), hint) {
            Some(placed) if !may_be_ids(reading) || is_calendar(&placed) => return Ok((reading, placed)),
            Some(_) | None => {}
        }
    }
    Err(match root.key.kind {
        KeyKind::Uuid => {
            format!("{} to {} are no hours, days or months of our days, as UUIDs of version 7", newest.from, newest.to)
        }
        KeyKind::Timestamptz
        | KeyKind::Timestamp
        | KeyKind::Date
        | KeyKind::SmallInt
        | KeyKind::Integer
        | KeyKind::BigInt => format!("no number of hours, days or months leads from {} to {}", newest.from, newest.to),
    })
}

/// What the key may be; pg_partman knows whether integers are ids.
fn readings(root: &Root, told: Option<&Told<'_>>) -> Vec<Reading> {
    let kind = root.key.kind;
    let mut readings = Reading::all(kind);
    match told.map_or(Epoch::Untold, Told::epoch) {
        Epoch::Of(encoding) if encoding.fits(kind) => vec![Reading::Times(kind, Some(encoding))],
        Epoch::None if readings.contains(&Reading::Ids(kind)) => vec![Reading::Ids(kind)],
        Epoch::Of(_) | Epoch::None | Epoch::Untold => {
            readings.retain(|reading| *reading != Reading::Ids(kind) || !told_time(told));
            readings
        }
    }
}

/// Whether pg_partman's interval is one of time.
fn told_time(told: Option<&Told<'_>>) -> bool {
    matches!(told.and_then(Told::width), Some(Width::Calendar(_)))
}

/// Whether these times may be ids as well: then bounds have to prove them.
fn may_be_ids(reading: Reading) -> bool {
    match reading {
        Reading::Times(kind, encoding) => encoding.is_some() && kind != KeyKind::Uuid,
        Reading::Ids(_) => false,
    }
}

/// Whether numbers read as times lie on boundaries that people choose.
fn is_calendar(placed: &Placed) -> bool {
    match placed.evidence {
        Evidence::Setting | Evidence::Bounds { .. } | Evidence::SomewhereMidnight { .. } => true,
        Evidence::Plain => match placed.choice.phase {
            Phase::Default => true,
            Phase::OtherDay => !placed.choice.is_sub_day(),
            Phase::OtherTime => false,
        },
    }
}

/// A set without partitions, as somebody wrote it down.
fn by_hint(reading: Reading, hint: Width) -> Option<Placed> {
    let grid = match (reading, hint) {
        (Reading::Times(..), Width::Calendar(interval)) => reading.grid(interval, &Zone::utc(), None),
        (Reading::Ids(kind), Width::Keys(step)) => Grid::keys(kind, step, 0).ok(),
        (Reading::Times(..), Width::Keys(_)) | (Reading::Ids(_), Width::Calendar(_)) => None,
    };
    let choice = Choice { grid: grid?, seed: 0, run: 0, phase: Phase::Default };
    Some(Placed { choice, evidence: Evidence::Plain })
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

fn timezone(survey: &Survey, reading: Reading, placed: &Placed) -> Option<Line> {
    let setting = survey.time_zone.as_str();
    let zone = placed.choice.grid.zone();
    if !reading.zone_moves_boundaries() {
        if !placed.choice.grid.tells_time() {
            return None;
        }
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
    let (anchor, interval) = match (grid.anchor(), grid.width()) {
        (Position::Civil(anchor), Width::Calendar(interval)) => (anchor, interval),
        (Position::Key(anchor), _) => return Some(Line::new("anchor", anchor)),
        (Position::Civil(_), Width::Keys(_)) => return None,
    };
    let text = match (anchor.time() == Time::midnight(), anchor.second()) {
        (true, _) => anchor.date().to_string(),
        (false, 0) => anchor.strftime("%Y-%m-%d %H:%M").to_string(),
        (false, _) => anchor.strftime("%Y-%m-%d %H:%M:%S").to_string(),
    };
    let mut said = phase(interval, anchor);
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
fn ahead(survey: &Survey, root: &Root, grid: &Grid, told: Option<&Told<'_>>) -> Line {
    let interval = match grid.width() {
        Width::Calendar(interval) => Some(interval),
        Width::Keys(_) => None,
    };
    if let Some(said) = told.and_then(Told::premake) {
        return premake::told(Some(said), interval, "pg_partman's");
    }
    let observed = current(survey, root, grid).and_then(|current| {
        let window = grid.window(current)?;
        let reached = reach(root, grid, window.to);
        // A partition without an upper end covers everything: that was nobody's number of partitions.
        reached.value()?;
        let windows = grid.windows_between(current + 1, current + i64::from(MAX_PREMAKE));
        u32::try_from(windows.take_while(|window| Bound::Value(window.to) <= reached).count()).ok()
    });
    premake::observed(observed, interval)
}

/// The window that rows are written to: by the clock, or among ids by the highest key.
fn current(survey: &Survey, root: &Root, grid: &Grid) -> Option<i64> {
    if grid.tells_time() {
        return grid.index_at(survey.snapshot.taken_at);
    }
    let highest = match survey.snapshot.answers.get(&Question::HighestKeys { root: root.oid }) {
        Answer::Keys(keys) => match keys.first() {
            Some(LeafKey { leaf, key }) => key.or_else(|| {
                let (_, to) = root.leaves.get(leaf)?.bounds.coverage()?;
                to.value()?.predecessor()
            }),
            // Without any row the first partition is the one that is written to next.
            None => pieces(root).last().map(|(piece, _)| piece.from),
        },
        Answer::Unknown(_)
        | Answer::Leaf(_)
        | Answer::Rows(_)
        | Answer::Bytes(_)
        | Answer::DefaultKeys(_)
        | Answer::Shape(_)
        | Answer::Withheld(_)
        | Answer::Refused(_)
        | Answer::Spelling(_)
        | Answer::Bloat(_)
        | Answer::Found(_)
        | Answer::Taken(_) => None,
    };
    grid.index_of(highest?)
}

fn names(name: &TableName, placed: &Placed, named: &[(Piece, &Leaf)], told: Option<&Told<'_>>) -> Option<Line> {
    let grid = &placed.choice.grid;
    let exact = exact(&placed.choice, named);
    let default = NameTemplate::default_for(grid.width());
    match template(name.name.as_str(), grid, &exact) {
        Names::All(template) if template == default => None,
        Names::All(template) => Some(Line::quoted("name", template)),
        Names::Newest { template, explained } => {
            let said = format!("as the newest partition is called, and {explained} of {} in all", exact.len());
            Some(Line::quoted("name", template).says(said))
        }
        Names::None => {
            let Some((_, newest)) = exact.first() else {
                let told = told.and_then(Told::name).filter(|told| *told != default && told.is_injective(grid).is_ok());
                return told.map(|told| Line::quoted("name", told));
            };
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
