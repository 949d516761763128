//! Freezing of what is over: once, by hand, instead of by an anti-wraparound vacuum at a time of its own choice.

use jiff::SignedDuration;

use super::closed::Closed;
use super::diff::{Run, Why};
use crate::catalog::Upkeep;
use crate::plan::{Action, Class, Fact, MaintenanceAction, VacuumPartition};
use crate::resource::partition::Context;

/// A vacuum that did not help (an old snapshot kept rows) is not tried again before this.
const AGAIN_AFTER: SignedDuration = SignedDuration::from_hours(24);

/// Where the server has no `vacuum_freeze_table_age`.
const TABLE_AGE: u32 = 150_000_000;

/// From this age on a vacuum reads the whole table, and autovacuum comes by itself somewhat later.
pub(super) fn table_age(upkeep: &Upkeep) -> u32 {
    let setting = |name: &str| upkeep.autovacuum.0.get(name).and_then(|value| value.parse::<u32>().ok());
    let table_age = setting("vacuum_freeze_table_age").unwrap_or(TABLE_AGE);
    // The server itself takes no more than 95% of autovacuum_freeze_max_age (section 24.1.5).
    let most = setting("autovacuum_freeze_max_age").map_or(TABLE_AGE, |age| age / 20 * 19);
    table_age.min(most)
}

/// Why a partition that is over needs a vacuum; by what the catalog keeps alone.
pub(super) fn due(context: &Context<'_>, upkeep: &Upkeep, leaf: &Closed<'_>) -> Option<&'static str> {
    let kept = leaf.kept;
    let why = if kept.rows.is_none() {
        "never vacuumed"
    } else if kept.visible < kept.pages {
        "not all visible"
    } else if kept.frozen.is_some_and(|frozen| frozen < kept.pages) {
        "not all frozen"
    } else if kept.xid_age > table_age(upkeep) {
        "older than vacuum_freeze_table_age"
    } else {
        return None;
    };
    let again = kept.vacuumed_at.and_then(|at| at.checked_add(AGAIN_AFTER).ok());
    // Nothing more can be frozen while somebody's snapshot is as old as what is not frozen yet.
    let held_back = kept.xid_age <= upkeep.horizon_age;
    (!held_back && again.is_none_or(|again| again <= context.now)).then_some(why)
}

pub(super) fn judge(run: &mut Run<'_, '_>, upkeep: &Upkeep, closed: &[Closed<'_>]) {
    for leaf in closed {
        let Some(why) = due(run.context, upkeep, leaf) else { continue };
        let name = &leaf.leaf.name;
        if let Some(mode) = leaf.kept.busy {
            run.waits(Why::Postponed(format!("somebody holds {mode} on it")), name);
            continue;
        }
        let size = match run.size_of(leaf.oid) {
            Ok(size) => size,
            Err(because) => {
                run.waits(Why::Unknown(format!("its size is not known: {because}")), name);
                continue;
            }
        };
        let action = Action::Maintenance(MaintenanceAction::Vacuum(VacuumPartition {
            partition: leaf.relation(),
            from: leaf.from,
            to: leaf.to,
            role: leaf.role(run.context),
        }));
        let mut step = run.context.step(action, Class::Scheduled, "freeze_closed");
        step.note = Some(why.to_owned());
        step.due_at = leaf.since;
        step.stake.rows = leaf.kept.rows;
        step.before.push(leaf.attached(run.context));
        step.after.push(Fact::Frozen { partition: leaf.relation(), max_age: table_age(upkeep) });
        step.hazards.extend(run.context.standby_hazard(name));
        run.add(step, size);
    }
}
