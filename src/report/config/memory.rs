//! What takes memory.

use super::rules::{Fits, GB, Known, MB, Rule, Ruled, size, whole};
use crate::policy::Workload;

impl Known<'_> {
    pub(super) fn shared_buffers(&self) -> Result<(u64, Rule), String> {
        let memory = self.memory.clone()?;
        let buffers = whole(memory / 4);
        let rule = Rule {
            value: size(buffers),
            fits: Fits::About,
            formula: format!("a quarter of memory, {} / 4", size(memory)),
            source: "PostgreSQL, Memory; pgtune",
        };
        Ok((buffers, rule))
    }

    pub(super) fn effective_cache_size(&self) -> Ruled {
        let memory = self.memory.clone()?;
        Ok(Rule {
            value: size(whole(memory / 4 * 3)),
            fits: Fits::About,
            formula: format!("three quarters of memory, {} × 3/4", size(memory)),
            source: "PostgreSQL, Planner Cost Constants; pgtune",
        })
    }

    pub(super) fn maintenance(&self) -> Result<(u64, u32), String> {
        let part = if self.is(Workload::Warehouse) { 8 } else { 16 };
        Ok((whole(self.memory.clone()? / u64::from(part)).min(8 * GB), part))
    }

    pub(super) fn maintenance_work_mem(&self) -> Ruled {
        let (value, part) = self.maintenance()?;
        Ok(Rule {
            value: size(value),
            fits: Fits::About,
            formula: format!("memory / {part}, {} / {part}, at most 8GB", size(self.memory.clone()?)),
            source: "pgtune",
        })
    }

    pub(super) fn autovacuum_work_mem(&self) -> Ruled {
        let (maintenance, _) = self.maintenance()?;
        let memory = self.memory.clone()?;
        // Before 17 a vacuum uses no more ("Memory", maintenance_work_mem).
        let most = if self.major >= 17 { 2 * GB } else { GB };
        // All of them may take it at once; without processors at least those that there are.
        let now = self.number("autovacuum_max_workers").unwrap_or(3);
        let workers = self.workers().map_or(now, |(workers, _)| workers.max(now)).max(1);
        let share = whole(memory / 8 / u64::from(workers)).max(MB);
        let (value, formula) = match (maintenance > share && share < most, maintenance > most) {
            (true, _) => (
                size(share),
                format!("each of {workers} workers takes it: an eighth of memory, {} / 8 / {workers}", size(memory)),
            ),
            (false, true) => (
                size(most),
                format!("each worker takes it, of maintenance_work_mem, {}, at most {}", size(maintenance), size(most)),
            ),
            (false, false) => {
                ("-1".to_owned(), format!("that of maintenance_work_mem, which is not above {}", size(most)))
            }
        };
        Ok(Rule { value, fits: Fits::Exact, formula, source: "PostgreSQL, Memory; pgtune" })
    }

    pub(super) fn work_mem(&self) -> Ruled {
        let memory = self.memory.clone()?;
        let (buffers, _) = self.shared_buffers()?;
        // The server lets in as many as it has room for, whatever is declared.
        let server = self.number("max_connections");
        let connections = self.connections.max(server).ok_or("max_connections is not known")?;
        let now = self.number("max_worker_processes").unwrap_or(8);
        let workers = self.cpus.as_ref().ok().filter(|cpus| **cpus >= 4).map_or(now, |cpus| now.max(*cpus));
        let (half, why) = match self.workload {
            Workload::Warehouse | Workload::Mixed => (2, " / 2"),
            Workload::Web | Workload::Oltp => (1, ""),
        };
        let value = (memory - buffers) / ((u64::from(connections) + u64::from(workers)) * 3) / half;
        // Below PostgreSQL's own default nothing is gained.
        let value = whole(value).max(4 * MB);
        Ok(Rule {
            value: size(value),
            fits: Fits::About,
            formula: format!(
                "({} − {} shared_buffers) / (({connections} connections + {workers} max_worker_processes) × 3){why}, at \
                 least 4MB",
                size(memory),
                size(buffers)
            ),
            source: "pgtune",
        })
    }

    pub(super) fn huge_pages(&self) -> Ruled {
        let (buffers, _) = self.shared_buffers()?;
        if buffers < 2 * GB {
            return Err(format!("below 2GB of shared_buffers it makes no difference; advised are {}", size(buffers)));
        }
        Ok(Rule {
            value: "try".to_owned(),
            fits: Fits::NotOff,
            formula: format!("shared_buffers of {}: from 2GB on page tables are worth saving", size(buffers)),
            source: "PostgreSQL, Linux Huge Pages; pgtune",
        })
    }
}
