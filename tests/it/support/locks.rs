//! Watches `pg_locks` from outside while a unit runs, and compares with what its step declares.

use std::collections::BTreeMap;

use pgstrata::apply::{Event, Observer};
use pgstrata::plan::{Plan, Step};
use pgstrata::sql::{LockMode, index_locks, locks};
use postgres::Client;

/// Looks just before each COMMIT: a transaction then holds every lock that it took.
pub(crate) struct LockWatch<'a> {
    pub(crate) client: Client,
    pub(crate) plan: &'a Plan,
    pub(crate) compared: usize,
    pub(crate) wrong: Vec<String>,
}

impl Observer for LockWatch<'_> {
    fn on(&mut self, event: &Event<'_>) {
        let Event::Sending { step, backend_pid, sql: "COMMIT" } = event else { return };
        let Some(step) = self.plan.steps.iter().find(|planned| planned.id == **step) else { return };
        let seen = held(&mut self.client, *backend_pid);
        self.compare(step, seen);
        // Of indexes only what stands for itself is declared; all others follow their table.
        let declared: BTreeMap<String, LockMode> =
            index_locks(&step.action).iter().map(|lock| (lock.relation.to_string(), lock.mode)).collect();
        if !declared.is_empty() {
            let seen = held_on(&mut self.client, *backend_pid, "'i', 'I'");
            if seen != declared {
                self.wrong.push(format!("{}: declared {declared:?}, pg_locks shows {seen:?}", step.id));
            }
        }
    }
}

impl LockWatch<'_> {
    pub(crate) fn compare(&mut self, step: &Step, mut seen: BTreeMap<String, LockMode>) {
        let major = self.plan.target.major();
        let mut declared = declared(&mut self.client, step, major);
        // On 14 a key that a detached partition took along is overlooked when its parent gets a partition.
        declared.retain(|table, mode| major > 14 || *mode != LockMode::AccessShare || seen.contains_key(table));
        // What the unit itself made is nobody else's to wait for.
        if step.action.word() == "create" {
            seen.remove(&step.action.object().to_string());
        }
        self.compared += 1;
        if seen != declared {
            self.wrong.push(format!("{}: declared {declared:?}, pg_locks shows {seen:?}", step.id));
        }
    }
}

/// What a step declares, with the partitions there are now.
pub(crate) fn declared(client: &mut Client, step: &Step, major: u32) -> BTreeMap<String, LockMode> {
    let mut declared: BTreeMap<String, LockMode> = BTreeMap::new();
    for lock in locks(&step.action, major) {
        let mut add = |relation: String, mode| {
            let strongest = declared.entry(relation).or_insert(mode);
            *strongest = (*strongest).max(mode);
        };
        add(lock.relation.to_string(), lock.mode);
        let Some(mode) = lock.partitions else { continue };
        // Not pg_partition_tree: it would wait for the locks that are looked at.
        let partitions = client
            .query(
                "WITH RECURSIVE below(oid) AS (
                     SELECT inhrelid FROM pg_inherits WHERE inhparent = to_regclass($1)
                     UNION ALL SELECT inhrelid FROM below JOIN pg_inherits ON inhparent = below.oid)
                 SELECT format('%I.%I', nspname, relname) FROM below JOIN pg_class c USING (oid)
                 JOIN pg_namespace n ON n.oid = c.relnamespace",
                &[&lock.relation.to_string()],
            )
            .unwrap();
        partitions.iter().for_each(|row| add(row.get(0), mode));
    }
    declared
}

/// The strongest lock on each table outside the system catalogs, granted or awaited.
pub(crate) fn held(client: &mut Client, pid: i32) -> BTreeMap<String, LockMode> {
    held_on(client, pid, "'r', 'p', 'f'")
}

fn held_on(client: &mut Client, pid: i32, kinds: &str) -> BTreeMap<String, LockMode> {
    let rows = client
        .query(
            &format!(
                "SELECT format('%I.%I', n.nspname, c.relname), l.mode
             FROM pg_locks l JOIN pg_class c ON c.oid = l.relation JOIN pg_namespace n ON n.oid = c.relnamespace
             WHERE l.pid = $1 AND l.locktype = 'relation' AND c.relkind IN ({kinds})
               AND n.nspname NOT IN ('pg_catalog', 'pg_toast')
               AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())"
            ),
            &[&pid],
        )
        .unwrap();
    let mut seen = BTreeMap::new();
    for row in rows {
        let mode = LockMode::from_pg_locks(row.get(1)).expect("a table-level mode");
        let strongest = seen.entry(row.get::<_, String>(0)).or_insert(mode);
        *strongest = (*strongest).max(mode);
    }
    seen
}
