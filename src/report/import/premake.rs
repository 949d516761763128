//! How many partitions are made ahead, within what a policy takes.

use super::draft::Line;
use crate::grid::Interval;
use crate::policy::{DEFAULT_PREMAKE, MAX_PREMAKE, least_premake};

/// Windows ahead, as many as were written and validation takes without a warning. Ids have no interval.
pub(super) fn told(written: Option<u64>, interval: Option<Interval>, whose: &str) -> Line {
    let least = least(interval);
    let Some(written) = written else { return Line::new("premake", DEFAULT_PREMAKE.max(least)) };
    let count = u32::try_from(written).map_or(MAX_PREMAKE, |count| count.min(MAX_PREMAKE));
    if count < least {
        Line::new("premake", least).says(format!("{} at least; {whose} is {written}", shortest(interval)))
    } else if u64::from(count) < written {
        Line::new("premake", count).says(format!("the most there can be; {whose} is {written}"))
    } else {
        Line::new("premake", count)
    }
}

/// Windows ahead, as many as there are; without any to count, the default.
pub(super) fn observed(count: Option<u32>, interval: Option<Interval>) -> Line {
    let least = least(interval);
    let otherwise = Line::new("premake", DEFAULT_PREMAKE.max(least));
    match count {
        Some(count) if count >= least => Line::new("premake", count),
        Some(0) => otherwise.says("the next one is missing".to_owned()),
        Some(count) => otherwise.says(format!("{} at least; there are {count}", shortest(interval))),
        None => otherwise,
    }
}

fn least(interval: Option<Interval>) -> u32 {
    interval.map_or(1, least_premake)
}

fn shortest(interval: Option<Interval>) -> &'static str {
    if interval.is_some() { "two days" } else { "one" }
}
