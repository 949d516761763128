//! A scenario's plan through its file: `plan --out`, then `apply` of the file at once.

use std::collections::BTreeSet;
use std::time::Duration;

use jiff::Timestamp;
use pgstrata::apply::{ApplyOptions, Outcome, Refusal, Run, Silent, judge};
use pgstrata::catalog::{take, take_for_saved};
use pgstrata::db::{Interrupt, Session};
use pgstrata::plan::{Gate, Granted, Plan, PlanOptions, StepId, plan};
use pgstrata::policy::Desired;
use pgstrata::render::json;
use pgstrata::sql::TableName;

use crate::support::drive::{connector, grant_all, options};
use crate::support::server;

/// The major version on which plans are saved and judged in four ways; on the others only what is carried out is saved.
const FOUR_WAYS_ON: u32 = 17;

/// Whether this run is on that version, or `PGSTRATA_FOUR_WAYS` says so.
pub(super) fn four_ways() -> bool {
    std::env::var_os("PGSTRATA_FOUR_WAYS").is_some() || server().version().major == FOUR_WAYS_ON
}

/// A database, and what is wanted of it.
#[derive(Clone, Copy)]
pub(super) struct World<'a> {
    pub(super) url: &'a str,
    pub(super) desired: &'a Desired,
    pub(super) now: Timestamp,
    pub(super) grants: &'a BTreeSet<Granted>,
}

impl World<'_> {
    /// What `apply PLAN` does with a plan that was saved just before.
    pub(super) fn carry_out(self) -> Result<Outcome, Box<Refusal>> {
        let saved = self.save(&mut self.session(), self.grants, None);
        let mut run = Run::begin(&connector(self.url), Duration::from_secs(10), &Interrupt::new()).unwrap();
        let (snapshot, options) = run.inspect_for(&saved, self.desired, &options(None, self.grants)).unwrap();
        let judged = judge(&saved, self.desired, &snapshot, &options)?;
        assert!(judged.superseded.is_empty() && judged.satisfied.is_empty(), "{judged:?}");
        let planning = PlanOptions { now: saved.evaluated_at, ..options };
        Ok(run.carry_out(judged, &planning, &ApplyOptions::default(), &mut Silent))
    }

    /// Whatever it was saved with and is applied with, a fresh plan is not stale.
    pub(super) fn never_stale(self) {
        let (all, none) = (grant_all(), BTreeSet::new());
        let ways = [("the scenario's grants", self.grants), ("every grant", &all), ("no grant", &none)];
        let mut session = self.session();
        for (planned, grants) in ways {
            let saved = self.save(&mut session, grants, None);
            self.judge(&mut session, &saved, (planned, grants), &ways);
        }
        for table in self.desired.tables.keys() {
            let saved = self.save(&mut session, self.grants, Some(table));
            self.judge(&mut session, &saved, (&format!("--table {table}"), self.grants), &ways);
        }
    }

    fn session(&self) -> Session {
        connector(self.url).connect(Duration::from_secs(10)).expect("a session")
    }

    /// Plans, writes the file's text and reads it back.
    fn save(&self, session: &mut Session, grants: &BTreeSet<Granted>, table: Option<&TableName>) -> Plan {
        let include: BTreeSet<TableName> = table.into_iter().cloned().collect();
        let wanted = PlanOptions { tables_only: table.is_some(), include, ..options(Some(self.now), grants) };
        let (snapshot, wanted) = take(session, self.desired, &wanted, Some(self.now)).expect("a snapshot");
        let planned = plan(self.desired, &snapshot, &wanted);
        let read = json::from_json(&json::to_json(&planned)).unwrap_or_else(|error| panic!("read back: {error}"));
        assert_eq!(read, planned, "a plan reads back as itself");
        read
    }

    fn judge(
        &self,
        session: &mut Session,
        saved: &Plan,
        (planned, by): (&str, &BTreeSet<Granted>),
        ways: &[(&str, &BTreeSet<Granted>)],
    ) {
        let (snapshot, now) =
            take_for_saved(session, self.desired, &options(None, by), saved).expect("a snapshot to judge by");
        for (applied, grants) in ways {
            let judged =
                judge(saved, self.desired, &snapshot, &PlanOptions { grants: (*grants).clone(), ..now.clone() });
            let how = format!("planned with {planned}, applied with {applied}");
            let judged = match judged {
                Ok(judged) => judged,
                Err(refusal) => match *refusal {
                    Refusal::MissingPrivileges(_) => continue,
                    refusal @ (Refusal::NotApplyable(_)
                    | Refusal::OtherDatabase { .. }
                    | Refusal::OtherPolicy { .. }
                    | Refusal::Forged(_)
                    | Refusal::Stale(_)) => panic!("{how}: {refusal:?}"),
                },
            };
            assert!(judged.satisfied.is_empty(), "{how}: {:?}", judged.satisfied);
            if *grants == by {
                assert!(judged.superseded.is_empty(), "{how}: {:?}", judged.superseded);
                let blocked = |plan: &Plan| -> Vec<(StepId, bool)> {
                    plan.steps.iter().map(|step| (step.id.clone(), matches!(step.gate, Gate::Blocked(_)))).collect()
                };
                assert_eq!(blocked(&judged.plan), blocked(saved), "{how}");
            }
        }
    }
}
