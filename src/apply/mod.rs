//! Carrying out a plan: exactly its statements, under the run lock, each unit checked before it changes anything.
//!
//! [`Run::begin`] takes the run lock before anything is inspected; [`Run::inspect`] reads the catalog;
//! [`judge`] says which steps of a saved plan are still to run; [`Run::carry_out`] runs them and says what became of
//! each.

#![allow(clippy::disallowed_methods, reason = "applying waits, retries and keeps time")]

mod alike;
mod arrival;
mod blockers;
mod control;
mod detach;
mod executor;
mod hold;
mod journal;
mod judge;
mod observer;
mod online;
mod outcome;
mod progress;
mod reviewed;
mod room;
mod run;
mod stretch;
mod unit;

pub use control::BeginError;
pub use hold::{HoldError, Holdable, change_hold, find_holdable, hold_line};
pub use journal::Journal;
pub use judge::{Judged, Refusal, StaleFact, StaleStep, Superseded, judge};
pub use observer::{Event, Observer, Silent};
pub use outcome::{Ended, Outcome, StepResult};
pub use room::Room;
pub use run::{ApplyOptions, Run};
