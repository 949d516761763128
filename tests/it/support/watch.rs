//! Observers made of closures, and runs with an interrupt or options of their own.

use std::time::Duration;

use pgstrata::apply::{ApplyOptions, Event, Observer, Outcome, Run};
use pgstrata::db::Interrupt;
use pgstrata::plan::plan;
use pgstrata::policy::Desired;

use super::drive::{connector, grant_all, options};

/// Calls a closure at each event.
pub(crate) struct On<F>(pub(crate) F);

impl<F: FnMut(&Event<'_>) + Send> Observer for On<F> {
    fn on(&mut self, event: &Event<'_>) {
        (self.0)(event);
    }
}

/// Plans by the server's clock with every grant, and carries out.
pub(crate) fn apply_watched(
    url: &str,
    desired: &Desired,
    stop: &Interrupt,
    jobs: Option<u32>,
    watch: impl FnMut(&Event<'_>) + Send,
) -> Outcome {
    let mut run = Run::begin(&connector(url), Duration::from_secs(10), stop).expect("the run lock");
    let (snapshot, options) = run.inspect(desired, &options(None, &grant_all()), None).expect("a snapshot");
    let planned = plan(desired, &snapshot, &options);
    let judged = Run::accept(planned, desired, &snapshot).expect("a plan that may run");
    run.carry_out(judged, &options, &ApplyOptions { jobs, journal: None }, &mut On(watch))
}

/// Whether a step of this id begins.
pub(crate) fn begins(event: &Event<'_>, id: &str) -> bool {
    matches!(event, Event::Began { step } if step.id.0 == id)
}
