//! In which zone the boundaries lie: UTC where that explains them, else the zone whose midnights do.
//!
//! A zone is only taken where bounds show it, or where the database is set to it. From a set of winter days alone nobody
//! can tell whether summer's days begin an hour earlier: such a set is continued as it is.

use jiff::civil::DateTime;

use super::infer::{Choice, Phase, Piece, best};
use super::reading::Reading;
use crate::grid::{Unit, Width, Zone};

/// Bounds that are looked at; more of them say nothing new about a zone.
const MOST: usize = 2000;

/// Where several zones explain equally much, the one that most people would recognise.
const KNOWN: [&str; 24] = [
    "Europe/London",
    "Europe/Berlin",
    "Europe/Athens",
    "Europe/Istanbul",
    "Europe/Moscow",
    "America/New_York",
    "America/Chicago",
    "America/Denver",
    "America/Phoenix",
    "America/Los_Angeles",
    "America/Sao_Paulo",
    "America/Argentina/Buenos_Aires",
    "America/Mexico_City",
    "America/Bogota",
    "Africa/Johannesburg",
    "Africa/Lagos",
    "Africa/Nairobi",
    "Asia/Dubai",
    "Asia/Kolkata",
    "Asia/Singapore",
    "Asia/Shanghai",
    "Asia/Tokyo",
    "Australia/Sydney",
    "Pacific/Auckland",
];

/// Names of places; `CET`, `Etc/GMT+5` and the like are left out.
const AREAS: [&str; 9] =
    ["Africa", "America", "Antarctica", "Asia", "Atlantic", "Australia", "Europe", "Indian", "Pacific"];

/// A grid, and how its zone was found.
#[derive(Clone, Debug)]
pub(super) struct Placed {
    pub(super) choice: Choice,
    pub(super) evidence: Evidence,
}

/// How a zone was found.
#[derive(Clone, Debug)]
pub(super) enum Evidence {
    /// The bounds are UTC's, or no zone moves them.
    Plain,
    /// They are those of the zone that the database is set to.
    Setting,
    /// They are midnights of this zone; these explain them as well.
    Bounds {
        /// The others, best known first.
        others: Vec<String>,
    },
    /// They are at one time of the day in UTC, which is midnight in these zones.
    SomewhereMidnight {
        /// Best known first.
        zones: Vec<String>,
        /// The grid of the first of them, which explains as much.
        local: Box<Choice>,
    },
}

/// The grid for pieces sorted newest first.
pub(super) fn place(reading: Reading, pieces: &[Piece], setting: Option<&Zone>, hint: Option<Width>) -> Option<Placed> {
    let pieces = pieces.get(..MOST).unwrap_or(pieces);
    let utc = best(reading, &Zone::utc(), pieces, hint);
    let plain = |choice: Choice| Placed { choice, evidence: Evidence::Plain };
    if !reading.zone_moves_boundaries() {
        return utc.map(plain);
    }
    let fixed = |choice: &Choice| choice.phase < Phase::OtherTime || choice.is_sub_day();
    // What came before these partitions was odd, or of another interval: in UTC all the same.
    let seamless = |choice: &Choice| {
        let before = pieces.get(choice.seed + choice.run);
        before.is_none_or(|piece| is_midnight(reading, *piece, &Zone::utc(), Slack::None))
    };
    if let Some(choice) = utc.as_ref().filter(|choice| fixed(choice) && seamless(choice)) {
        return Some(plain(choice.clone()));
    }
    let local = |zone: &Zone| {
        best(reading, zone, pieces, hint).filter(|choice| {
            // A window of hours says nothing about a zone.
            choice.phase < Phase::OtherTime && !choice.is_sub_day()
        })
    };
    let weight = |choice: &Choice| (std::cmp::Reverse(choice.seed), choice.run);
    if let Some(set) = setting.and_then(&local) {
        let beaten = utc.as_ref().is_some_and(|utc| match fixed(utc) {
            true => weight(utc) >= weight(&set),
            false => weight(utc) > weight(&set),
        });
        if !beaten && set.seed + set.run == pieces.len() {
            return Some(Placed { choice: set, evidence: Evidence::Setting });
        }
    }
    let mut all: Vec<(String, Choice)> = zones(setting)
        .into_iter()
        .filter(|zone| midnight_somewhere(reading, pieces, zone))
        .filter_map(|zone| local(&zone).map(|choice| (zone.name().to_owned(), choice)))
        .collect();
    let most = all.iter().map(|(_, choice)| weight(choice)).max();
    all.retain(|(_, choice)| Some(weight(choice)) == most);
    let mut all = all.into_iter();
    match (utc, all.next()) {
        (Some(utc), Some((_, found))) if weight(&found) > weight(&utc) => {
            let others = all.map(|(name, _)| name).collect();
            Some(Placed { choice: found, evidence: Evidence::Bounds { others } })
        }
        (None, Some((_, found))) => {
            let others = all.map(|(name, _)| name).collect();
            Some(Placed { choice: found, evidence: Evidence::Bounds { others } })
        }
        (Some(utc), Some((first, found))) if !fixed(&utc) && weight(&found) == weight(&utc) => {
            let zones = std::iter::once(first).chain(all.map(|(name, _)| name)).collect();
            let local = Box::new(found);
            Some(Placed { choice: utc, evidence: Evidence::SomewhereMidnight { zones, local } })
        }
        (utc, _) => utc.map(plain),
    }
}

/// Every zone that is a place, the database's own first, then the best known.
fn zones(setting: Option<&Zone>) -> Vec<Zone> {
    // `Australia/LHI` is an older name of a place that has a better one.
    let is_place = |name: &&String| {
        name.split_once('/')
            .is_some_and(|(area, city)| AREAS.contains(&area) && city.contains(|c: char| c.is_lowercase()))
    };
    let names = Zone::names();
    let known = KNOWN.iter().filter_map(|name| name.parse().ok());
    let rest = names.iter().filter(is_place).filter(|name| !KNOWN.contains(&name.as_str()));
    let mut zones: Vec<Zone> = setting.cloned().into_iter().collect();
    for zone in known.chain(rest.filter_map(|name| name.parse().ok())) {
        if Some(&zone) != setting {
            zones.push(zone);
        }
    }
    zones
}

/// Whether one of the two newest partitions begins and ends at midnight there: most zones are out at once.
fn midnight_somewhere(reading: Reading, pieces: &[Piece], zone: &Zone) -> bool {
    pieces.iter().take(2).any(|piece| is_midnight(reading, *piece, zone, Slack::SkippedMidnight))
}

/// How late a day may begin.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Slack {
    None,
    /// Where the clock skips midnight.
    SkippedMidnight,
}

fn is_midnight(reading: Reading, piece: Piece, zone: &Zone, slack: Slack) -> bool {
    let latest = if slack == Slack::None { 0 } else { 1 };
    let near = |at: DateTime| at.hour() <= latest && at.minute() == 0 && at.second() == 0;
    reading.civil(piece, zone, Unit::Days).is_some_and(|(from, to)| near(from) && near(to))
}
