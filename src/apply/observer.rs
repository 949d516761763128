//! What a caller may watch while steps run.

use crate::plan::{Step, StepId};

use super::outcome::StepResult;

/// Something that happened.
#[derive(Debug)]
pub enum Event<'a> {
    /// A step's unit begins.
    Began {
        /// The step.
        step: &'a Step,
    },
    /// A statement is about to be sent.
    Sending {
        /// The step that it belongs to.
        step: &'a StepId,
        /// The backend that will run it.
        backend_pid: i32,
        /// The statement.
        sql: &'a str,
    },
    /// It came back without an error.
    Sent {
        /// The step that it belongs to.
        step: &'a StepId,
        /// The backend that ran it.
        backend_pid: i32,
        /// The statement.
        sql: &'a str,
    },
    /// A step waits for somebody.
    Waiting {
        /// The step.
        step: &'a StepId,
        /// For whom.
        because: &'a str,
    },
    /// An index is being built, and for long.
    Working {
        /// The step.
        step: &'a StepId,
        /// How far, in the server's words.
        how_far: &'a str,
    },
    /// A lock was not to be had in time; the unit is tried again.
    Retrying {
        /// The step.
        step: &'a StepId,
        /// How many tries there were.
        tries: u32,
        /// What the server said.
        because: &'a str,
    },
    /// A step is over.
    Finished {
        /// The step.
        step: &'a Step,
        /// What became of it.
        result: &'a StepResult,
    },
}

/// Watches a run. Calls come from several threads, one at a time.
pub trait Observer: Send {
    /// Something happened.
    fn on(&mut self, event: &Event<'_>);
}

/// Watches nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Silent;

impl Observer for Silent {
    fn on(&mut self, _: &Event<'_>) {}
}
