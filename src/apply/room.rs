//! Connections: a run takes one for its lock, and for each job one for transactions and one for what stands outside them.

use super::control::{Control, ask};
use crate::plan::{Plan, Unit};

/// How many jobs have room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Room {
    /// How many were wanted.
    pub wanted: u32,
    /// How many there are connections for; one at least, which may then fail.
    pub jobs: u32,
    /// What that many would open, beside the connection with the run lock.
    pub needed: u32,
    /// How many connections are free.
    pub free: u32,
}

/// Compares what the jobs may open with what is free now. Where the server does not say, nothing is taken back.
pub(super) fn room(control: &mut Control, plan: &Plan, wanted: u32) -> Room {
    let outside = plan.steps.iter().any(|step| match step.unit {
        Unit::Statement => true,
        Unit::Transaction => false,
    });
    let each = if outside { 2 } else { 1 };
    let free = ask(control.session(), include_str!("room.sql")).ok().and_then(|free| free.parse::<i64>().ok());
    let free = free.map_or(u32::MAX, |free| u32::try_from(free.max(0)).unwrap_or(u32::MAX));
    fitting(wanted, each, free)
}

fn fitting(wanted: u32, each: u32, free: u32) -> Room {
    Room { wanted, jobs: wanted.min(free / each).max(1), needed: wanted.saturating_mul(each), free }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_many_jobs_as_there_are_connections_for() {
        for (wanted, each, free, jobs) in
            [(2, 2, 9, 2), (4, 2, 7, 3), (4, 1, 4, 4), (4, 2, 1, 1), (1, 2, 0, 1), (64, 2, u32::MAX, 64)]
        {
            assert_eq!(fitting(wanted, each, free).jobs, jobs, "{wanted} of {each} with {free}");
        }
    }
}
