//! Entries of the server's lock table that a unit takes at once. A unit that finds none fails with "out of shared memory",
//! and while it lasts so does every other session: it is foreseen instead.

use super::action::{Action, IndexAction};
use super::finding::{Code, Finding};
use super::gate::Block;
use super::gating::block;
use super::step::Step;
use crate::catalog::{Catalog, LockSlots, TableState};
use crate::resource::partition::Context;
use crate::sql::locks;

/// Says which steps need more than half of what all sessions share, and blocks those that need more than all of it. None of
/// them can be split: the server drops a partitioned index with all its parts, and samples a table with all its partitions.
pub(super) fn judge(context: &Context<'_>, steps: &mut [Step], findings: &mut Vec<Finding>) {
    let catalog = &context.snapshot.catalog;
    let Some(slots) = catalog.lock_slots else { return };
    let major = context.snapshot.target.major();
    for step in steps {
        let needed = needed(&step.action, major, catalog);
        if needed <= slots.all() / 2 {
            continue;
        }
        let too_many = needed > slots.all();
        let than = if too_many { "more than" } else { "more than half of what" };
        let message =
            format!("`{}` takes {needed} locks at once, {than} the server has for all sessions: {slots}", step.id);
        if too_many {
            block(step, Block::InTheWay { because: message.clone(), until: None });
        }
        let mut finding = context.finding(Code::LockSlots, None, message);
        finding.hint = Some(format!(
            "set max_locks_per_transaction to {} or more, and restart the server",
            needed.saturating_mul(2).div_ceil(slots.sessions().max(1))
        ));
        findings.push(finding);
    }
}

/// One of each table, and of each of its partitions where they are locked too; with their indexes where those go.
fn needed(action: &Action, major: u32, catalog: &Catalog) -> u64 {
    let with_index = matches!(action, Action::Index(IndexAction::Swap(_) | IndexAction::Discard(_)));
    let each = if with_index { 2 } else { 1 };
    let all =
        locks(action, major).into_iter().map(|lock| match (lock.partitions, catalog.tables.get(&lock.relation)) {
            (Some(_), Some(TableState::Partitioned(root))) => {
                let partitions = u64::try_from(root.leaves.len()).unwrap_or(u64::MAX);
                partitions.saturating_add(1).saturating_mul(each)
            }
            // How many partitions a table has that is none of the policy's is not known.
            (Some(_), Some(TableState::Missing | TableState::Unfit(_)) | None) | (None, _) => 1,
        });
    all.fold(0, u64::saturating_add)
}

impl LockSlots {
    /// Sessions and prepared transactions that share them.
    fn sessions(self) -> u64 {
        u64::from(self.max_connections) + u64::from(self.max_prepared_transactions)
    }

    /// As the documentation of `max_locks_per_transaction` counts them. The server has some more, for its own processes.
    pub(crate) fn all(self) -> u64 {
        u64::from(self.max_locks_per_transaction).saturating_mul(self.sessions())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{World, lines};

    const TABLE: &str = "public.events";

    /// A daily table of 60 partitions, with an index that differs.
    fn world(max_locks_per_transaction: u32) -> World {
        let policy = format!(
            "apply: {{allow: [drops-index]}}\ntables: {{{TABLE}: {{partition: {{key: at, interval: 1 day, premake: 1}}, \
             indexes: {{by_actor: {{columns: [actor]}}}}}}}}"
        );
        let mut world = World::new("2026-03-01", &policy);
        let leaves = world.windows(TABLE, "2026-01-02", "2026-03-03");
        assert_eq!(leaves.len(), 60);
        let root = world.root(TABLE).oid;
        let parent = world.index(TABLE, root, "by_actor", &["other"], None);
        for (n, leaf) in leaves.into_iter().enumerate() {
            world.index(TABLE, leaf, &format!("of_{n}"), &["other"], Some(parent));
        }
        world.snapshot.catalog.lock_slots =
            Some(LockSlots { max_locks_per_transaction, max_connections: 8, max_prepared_transactions: 2 });
        world
    }

    #[test]
    fn what_the_lock_table_cannot_hold_is_blocked_with_the_figures() {
        let text = lines(&world(12).plan());
        let blocked: Vec<&str> = text.lines().filter(|line| line.contains("BLOCKED")).collect();
        assert_eq!(blocked.len(), 1, "{text}");
        assert!(
            blocked[0].contains(
                "`swap index public.by_actor` takes 122 locks at once, more than the server has for all sessions: \
                 120 = max_locks_per_transaction 12 × (8 max_connections + 2 max_prepared_transactions)"
            ),
            "{text}"
        );
    }

    #[test]
    fn what_it_holds_with_room_for_others_is_not_spoken_of() {
        let mut room = world(25);
        let text = lines(&room.plan());
        assert!(!text.contains("LOCK_SLOTS") && !text.contains("BLOCKED"), "{text}");
        room.snapshot.catalog.lock_slots = None;
        assert!(!lines(&room.plan()).contains("LOCK_SLOTS"));
    }
}
