//! How the program ends: what can happen, and the one code that says it.

use std::collections::BTreeSet;

use pgstrata::db::Signal;

/// Done; nothing to change.
pub(super) const DONE: u8 = 0;
/// Something failed, and nothing was changed; in `drift` and `apply` also: something could not be checked, or cannot be as
/// the policy says.
pub(super) const ERROR: u8 = 1;
/// Changes are pending (`plan --detailed-exitcode`), or drift was found (`drift`).
pub(super) const PENDING: u8 = 2;
/// Everything allowed was done, and some steps stay blocked; or privileges are missing and nothing ran.
pub(super) const BLOCKED: u8 = 3;
/// The saved plan or snapshot is stale, unreadable, or for another database or policy; nothing ran.
pub(super) const STALE: u8 = 4;
/// The run lock is held, or lock retries were spent before anything was committed: safe to retry.
pub(super) const BUSY: u8 = 5;
/// Stopped part-way: something is committed, something failed or was not reached, or the journal cannot be written; a rerun
/// continues.
pub(super) const PART_WAY: u8 = 6;
/// Wrong usage; clap's own 2 would read as drift.
pub(super) const USAGE: u8 = 64;
/// No session could be opened.
pub(super) const UNAVAILABLE: u8 = 69;
/// The policy is invalid or missing.
pub(super) const CONFIG: u8 = 78;
/// Interrupted by SIGINT; the statement in flight was cancelled on the server.
pub(super) const INTERRUPTED: u8 = 130;
/// The same by SIGTERM, or by SIGHUP: its terminal was closed.
pub(super) const TERMINATED: u8 = 143;

/// Something that happened and has a code of its own. The order is the precedence: of several the first one counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Event {
    /// See [`USAGE`].
    Usage,
    /// See [`CONFIG`].
    Config,
    /// See [`UNAVAILABLE`].
    Unavailable,
    /// See [`INTERRUPTED`] and [`TERMINATED`].
    Interrupted(Signal),
    /// See [`PART_WAY`].
    PartWay,
    /// See [`STALE`].
    Stale,
    /// See [`BUSY`].
    Busy,
    /// See [`ERROR`].
    Error,
    /// See [`BLOCKED`].
    Blocked,
    /// See [`PENDING`].
    Pending,
}

impl Event {
    const fn code(self) -> u8 {
        match self {
            Self::Usage => USAGE,
            Self::Config => CONFIG,
            Self::Unavailable => UNAVAILABLE,
            Self::Interrupted(Signal::Int) => INTERRUPTED,
            Self::Interrupted(Signal::Term) => TERMINATED,
            Self::PartWay => PART_WAY,
            Self::Stale => STALE,
            Self::Busy => BUSY,
            Self::Error => ERROR,
            Self::Blocked => BLOCKED,
            Self::Pending => PENDING,
        }
    }
}

/// What happened in a run of a command.
pub(super) type Events = BTreeSet<Event>;

/// The exit code for everything that happened.
pub(super) fn code(events: &Events) -> u8 {
    events.first().map_or(DONE, |first| first.code())
}

/// The table of codes as the help shows it.
pub(super) const HELP: &str = "\
Exit codes, the first that fits of 64, 78, 69, 130, 143, 6, 4, 5, 1, 3, 2, 0:
    0  done; nothing to change
    1  error; also: something could not be checked, or cannot be as the
       policy says
    2  changes pending (`plan --detailed-exitcode`), drift found (`drift`)
    3  everything allowed was done, some steps stay blocked or something wanted is
       still not so; or privileges are missing and nothing ran
    4  the saved plan is stale, unreadable, or for another database or policy,
       or the snapshot is unreadable; nothing ran
    5  the run lock is held, or lock retries are spent before anything was
       committed: safe to retry
    6  stopped part-way: something is committed, something failed or was not
       reached, or the journal cannot be written; a rerun continues
   64  wrong usage
   69  no session could be opened
   78  the policy is invalid or missing
  130  interrupted (143: by SIGTERM, or the terminal was closed); the statement
       in flight was cancelled";

#[cfg(test)]
mod tests {
    use super::*;

    /// The contract's order, and each code's place in it.
    const ORDER: [(Event, u8); 11] = [
        (Event::Usage, 64),
        (Event::Config, 78),
        (Event::Unavailable, 69),
        (Event::Interrupted(Signal::Int), 130),
        (Event::Interrupted(Signal::Term), 143),
        (Event::PartWay, 6),
        (Event::Stale, 4),
        (Event::Busy, 5),
        (Event::Error, 1),
        (Event::Blocked, 3),
        (Event::Pending, 2),
    ];

    #[test]
    fn the_first_in_order_counts() {
        assert_eq!(code(&Events::new()), 0);
        for (at, (first, expected)) in ORDER.iter().enumerate() {
            for (second, _) in &ORDER[at..] {
                assert_eq!(code(&Events::from([*first, *second])), *expected, "{first:?} and {second:?}");
            }
        }
        assert_eq!(code(&ORDER.iter().map(|(event, _)| *event).collect()), 64);
    }

    #[test]
    fn the_help_has_the_order_and_every_code() {
        let order: Vec<String> = ORDER.iter().map(|(_, code)| code.to_string()).collect();
        assert!(HELP.contains(&format!("{}, 0", order.join(", "))));
        for (_, code) in ORDER.iter().filter(|(_, code)| *code != TERMINATED) {
            assert!(HELP.lines().any(|line| line.trim_start().starts_with(&format!("{code}  "))), "{code}");
        }
    }
}
