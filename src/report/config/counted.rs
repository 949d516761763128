//! What follows the partitions and indexes that are counted.

use super::rules::{Fits, Known, MB, Rule, Ruled, size, whole};
use crate::catalog::Tree;

/// What a lock of the shared table takes: 53 kB for each unit of the setting were measured at 100 connections.
const LOCK_BYTES: u64 = 480;

impl Known<'_> {
    /// Many partitions are many small jobs: one more worker for each thousand, and never more than half the processors.
    pub(super) fn workers(&self) -> Result<(u32, String), String> {
        let cpus = self.cpus.clone()?;
        let by_cpus = match cpus {
            32.. => 5,
            16.. => 4,
            _ => 3,
        };
        let more = u32::try_from(self.partitions / 1000).unwrap_or(u32::MAX);
        let most = (cpus / 2).max(by_cpus);
        // 18 and later have room for so many without a restart.
        let slots = self.number("autovacuum_worker_slots").unwrap_or(u32::MAX);
        let workers = by_cpus.saturating_add(more).min(most).min(slots);
        let formula = format!(
            "{by_cpus} for {cpus} CPUs, and 1 for each 1,000 of {} partitions, at most half the CPUs",
            self.partitions
        );
        Ok((workers, formula))
    }

    pub(super) fn autovacuum_max_workers(&self) -> Ruled {
        let (workers, formula) = self.workers()?;
        Ok(Rule { value: workers.to_string(), fits: Fits::More, formula, source: "pgtune; partitions counted" })
    }

    /// The workers share one limit ("Automatic Vacuuming"): more of them alone would only make each slower.
    pub(super) fn autovacuum_cost_limit(&self) -> Ruled {
        let workers = self.workers()?.0.max(self.number("autovacuum_max_workers").unwrap_or(3));
        if workers <= 3 {
            return Err("3 workers, which it is made for, share it".to_owned());
        }
        let base = self.number("vacuum_cost_limit").unwrap_or(200);
        let value = (u64::from(base) * u64::from(workers) / 3).min(10_000);
        Ok(Rule {
            value: value.to_string(),
            fits: Fits::More,
            formula: format!("workers share it: vacuum_cost_limit {base} × {workers} workers / 3"),
            source: "PostgreSQL, Automatic Vacuuming",
        })
    }

    pub(super) fn autovacuum_naptime(&self) -> Rule {
        let many = self.partitions >= 100;
        Rule {
            value: if many { "30s" } else { "1min" }.to_owned(),
            fits: Fits::Less,
            formula: match many {
                true => {
                    format!("{} partitions: a new one waits half as long for its first statistics", self.partitions)
                }
                false => format!("{} partitions: PostgreSQL's default will do", self.partitions),
            },
            source: "PostgreSQL, Automatic Vacuuming; partitions counted",
        }
    }

    /// A statement that cannot prune locks each partition and each of its indexes; so does a plan of one.
    pub(super) fn max_locks(&self) -> Ruled {
        let Some((table, Tree { relations, indexes })) = self.largest else {
            return Err("no table of the policy was found".to_owned());
        };
        let locks = relations + indexes;
        let connections = u64::from(self.connections.ok_or("max_connections is not known")?);
        let prepared = u64::from(self.number("max_prepared_transactions").unwrap_or(0));
        let at_once = connections.div_ceil(2);
        let needed = (locks * at_once).div_ceil((connections + prepared).max(1));
        let value = needed.max(64).next_multiple_of(64);
        // The lock table is made for all of them when the server starts: so many entries for each backend, prepared
        // transaction and worker (lock.c, `NLOCKENTS`).
        let others = u64::from(self.number("max_worker_processes").unwrap_or(8))
            + u64::from(self.number("autovacuum_max_workers").unwrap_or(3));
        let cost = value * (connections + prepared + others) * LOCK_BYTES;
        let cost_in_words = if cost < MB { "less than 1MB".to_owned() } else { size(whole(cost)) };
        if let Ok(memory) = &self.memory
            && cost > memory / 16
        {
            return Err(format!(
                "{value}, for the {locks} locks of {table}, would take about {cost_in_words} of shared memory, more than a \
                 sixteenth of {}: larger intervals, fewer indexes or fewer connections need less",
                size(*memory)
            ));
        }
        Ok(Rule {
            value: value.to_string(),
            fits: Fits::More,
            formula: format!(
                "{table} takes {locks} locks a statement that cannot prune ({relations} relations + {indexes} indexes); \
                 half of {connections} connections at once, {locks} × {at_once} / ({connections} connections + {prepared} \
                 prepared transactions); about {cost_in_words} of shared memory"
            ),
            source: "PostgreSQL, Lock Management; partitions counted",
        })
    }
}
