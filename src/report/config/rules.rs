//! The formulas. Those of pgtune are its published ones (github.com/le0pard/pgtune); the titles are those of
//! sections of PostgreSQL's documentation, whose numbers change from one major to the next.

use std::collections::BTreeMap;

use super::Machine;
use crate::catalog::{SettingFacts, Tree};
use crate::policy::{Storage, Workload};
use crate::sql::TableName;

const MB: u64 = 1 << 20;
const GB: u64 = 1 << 30;

/// Every setting that there is a rule for, and those that rules read.
pub(super) const NAMES: [&str; 27] = [
    "autovacuum_max_workers",
    "autovacuum_naptime",
    "autovacuum_vacuum_cost_limit",
    "autovacuum_work_mem",
    "autovacuum_worker_slots",
    "checkpoint_completion_target",
    "default_statistics_target",
    "effective_cache_size",
    "effective_io_concurrency",
    "huge_pages",
    "io_method",
    "jit",
    "maintenance_work_mem",
    "max_connections",
    "max_locks_per_transaction",
    "max_parallel_maintenance_workers",
    "max_parallel_workers",
    "max_parallel_workers_per_gather",
    "max_prepared_transactions",
    "max_wal_size",
    "max_worker_processes",
    "min_wal_size",
    "random_page_cost",
    "shared_buffers",
    "vacuum_cost_limit",
    "wal_compression",
    "work_mem",
];

/// One advised value.
pub(super) struct Rule {
    /// As a policy says it.
    pub(super) value: String,
    /// What else will do.
    pub(super) fits: Fits,
    pub(super) formula: String,
    pub(super) source: &'static str,
}

/// Which other values are as good.
#[derive(Clone, Copy)]
pub(super) enum Fits {
    /// None.
    Exact,
    /// Within a tenth of it: no formula is better than that.
    About,
    /// More.
    More,
    /// Less.
    Less,
    /// Whatever is not `off`.
    NotOff,
}

impl Fits {
    pub(super) fn holds(self, found: &str, wanted: &str) -> bool {
        let numbers = found.parse::<f64>().ok().zip(wanted.parse::<f64>().ok());
        match self {
            Self::Exact => false,
            Self::NotOff => found != "off",
            Self::About => numbers.is_some_and(|(found, wanted)| (found - wanted).abs() <= wanted.abs() / 10.0),
            Self::More => numbers.is_some_and(|(found, wanted)| found > wanted),
            Self::Less => numbers.is_some_and(|(found, wanted)| found > 0.0 && found < wanted),
        }
    }
}

/// What the rules read.
pub(super) struct Known<'a> {
    memory: Result<u64, String>,
    cpus: Result<u32, String>,
    storage: Option<Storage>,
    pub(super) workload: Workload,
    pub(super) connections: Option<u32>,
    settings: &'a BTreeMap<String, SettingFacts>,
    /// The table that one statement locks most of, and how much that is.
    largest: Option<(&'a TableName, Tree)>,
    partitions: u64,
    major: u32,
}

type Ruled = Result<Rule, String>;

impl<'a> Known<'a> {
    pub(super) fn new(
        machine: &Machine,
        settings: &'a BTreeMap<String, SettingFacts>,
        trees: &'a BTreeMap<TableName, Tree>,
        major: u32,
    ) -> Self {
        let undeclared = |what: &str| format!("declare `hardware: {{{what}}}` in the policy");
        let declared = machine.connections.as_ref().map(|part| part.value);
        let locks = |tree: &Tree| tree.relations + tree.indexes;
        Self {
            memory: machine.memory.as_ref().map(|part| part.value).ok_or_else(|| undeclared("memory: 64GB")),
            cpus: machine.cpus.as_ref().map(|part| part.value).ok_or_else(|| undeclared("cpus: 16")),
            storage: machine.storage.as_ref().map(|part| part.value),
            workload: machine.workload.as_ref().map_or(Workload::Mixed, |part| part.value),
            connections: declared.or_else(|| number(settings, "max_connections")),
            settings,
            largest: trees.iter().map(|(name, tree)| (name, *tree)).max_by_key(|(_, tree)| locks(tree)),
            partitions: trees.values().map(|tree| tree.relations.saturating_sub(1)).sum(),
            major,
        }
    }

    fn number(&self, name: &str) -> Option<u32> {
        number(self.settings, name)
    }

    fn is(&self, workload: Workload) -> bool {
        self.workload == workload
    }

    /// Every rule, by name.
    pub(super) fn rules(&self) -> Vec<(&'static str, Ruled)> {
        vec![
            ("autovacuum_max_workers", self.autovacuum_max_workers()),
            ("autovacuum_naptime", Ok(self.autovacuum_naptime())),
            ("autovacuum_vacuum_cost_limit", self.autovacuum_cost_limit()),
            ("autovacuum_work_mem", self.autovacuum_work_mem()),
            ("checkpoint_completion_target", Ok(completion_target())),
            ("default_statistics_target", Ok(self.statistics_target())),
            ("effective_cache_size", self.effective_cache_size()),
            ("effective_io_concurrency", self.io_concurrency()),
            ("huge_pages", self.huge_pages()),
            ("jit", Ok(self.jit())),
            ("maintenance_work_mem", self.maintenance_work_mem()),
            ("max_connections", self.max_connections()),
            ("max_locks_per_transaction", self.max_locks()),
            ("max_parallel_maintenance_workers", self.parallel("max_parallel_maintenance_workers")),
            ("max_parallel_workers", self.parallel("max_parallel_workers")),
            ("max_parallel_workers_per_gather", self.parallel("max_parallel_workers_per_gather")),
            ("max_wal_size", Ok(self.wal_size(false))),
            ("max_worker_processes", self.parallel("max_worker_processes")),
            ("min_wal_size", Ok(self.wal_size(true))),
            ("random_page_cost", self.random_page_cost()),
            ("shared_buffers", self.shared_buffers().map(|(_, rule)| rule)),
            ("wal_compression", Ok(self.wal_compression())),
            ("work_mem", self.work_mem()),
        ]
    }

    /// What no rule says.
    pub(super) fn notes(&self) -> Vec<String> {
        let mut notes = Vec::new();
        let words = self.settings.get("io_method").map(|facts| &facts.words);
        if words.is_some_and(|words| words.iter().any(|word| word == "io_uring")) {
            notes.push(
                "io_method: this server was built with io_uring, which may be faster than worker; whether its kernel and \
                 container allow it is not seen from here"
                    .to_owned(),
            );
        }
        notes.push("work_mem is for each sort or hash of each query: a query may use it several times".to_owned());
        notes
    }

    fn shared_buffers(&self) -> Result<(u64, Rule), String> {
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

    fn effective_cache_size(&self) -> Ruled {
        let memory = self.memory.clone()?;
        Ok(Rule {
            value: size(whole(memory / 4 * 3)),
            fits: Fits::About,
            formula: format!("three quarters of memory, {} × 3/4", size(memory)),
            source: "PostgreSQL, Planner Cost Constants; pgtune",
        })
    }

    fn maintenance(&self) -> Result<(u64, u32), String> {
        let part = if self.is(Workload::Warehouse) { 8 } else { 16 };
        Ok((whole(self.memory.clone()? / u64::from(part)).min(8 * GB), part))
    }

    fn maintenance_work_mem(&self) -> Ruled {
        let (value, part) = self.maintenance()?;
        Ok(Rule {
            value: size(value),
            fits: Fits::About,
            formula: format!("memory / {part}, {} / {part}, at most 8GB", size(self.memory.clone()?)),
            source: "pgtune",
        })
    }

    fn autovacuum_work_mem(&self) -> Ruled {
        let (maintenance, _) = self.maintenance()?;
        // Before 17 a vacuum uses no more ("Memory", maintenance_work_mem).
        let most = if self.major >= 17 { 2 * GB } else { GB };
        let formula = match maintenance > most {
            true => {
                format!("each worker takes it, of maintenance_work_mem, {}, at most {}", size(maintenance), size(most))
            }
            false => format!("that of maintenance_work_mem, which is not above {}", size(most)),
        };
        let value = if maintenance > most { size(most) } else { "-1".to_owned() };
        Ok(Rule { value, fits: Fits::Exact, formula, source: "PostgreSQL, Memory; pgtune" })
    }

    fn work_mem(&self) -> Ruled {
        let memory = self.memory.clone()?;
        let (buffers, _) = self.shared_buffers()?;
        let connections = self.connections.ok_or("max_connections is not known")?;
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

    fn wal_size(&self, least: bool) -> Rule {
        let (min, max) = match self.workload {
            Workload::Web | Workload::Mixed => (1, 4),
            Workload::Oltp => (2, 8),
            Workload::Warehouse => (4, 16),
        };
        Rule {
            value: format!("{}GB", if least { min } else { max }),
            fits: Fits::More,
            formula: format!("for a workload of {}: fewer checkpoints; the disk must have room for it", self.workload),
            source: "pgtune",
        }
    }

    fn statistics_target(&self) -> Rule {
        let warehouse = self.is(Workload::Warehouse);
        Rule {
            value: if warehouse { "500" } else { "100" }.to_owned(),
            fits: Fits::More,
            formula: match warehouse {
                true => "long queries repay better plans".to_owned(),
                false => "PostgreSQL's default".to_owned(),
            },
            source: "pgtune",
        }
    }

    fn random_page_cost(&self) -> Ruled {
        let storage = self.storage()?;
        let (value, why) = match storage {
            Storage::Hdd => ("4", "a disk that turns has to seek"),
            Storage::Ssd | Storage::Nvme | Storage::San => ("1.1", "a random read costs little more than the next one"),
        };
        Ok(Rule {
            value: value.to_owned(),
            fits: Fits::About,
            formula: format!("for {storage}: {why}"),
            source: "PostgreSQL, Planner Cost Constants; pgtune",
        })
    }

    fn io_concurrency(&self) -> Ruled {
        let storage = self.storage()?;
        let value = match storage {
            Storage::Hdd => 2,
            Storage::Ssd => 200,
            Storage::San => 300,
            Storage::Nvme => 1000,
        };
        Ok(Rule {
            value: value.to_string(),
            fits: Fits::Exact,
            formula: format!("reads that {storage} takes at once"),
            source: "PostgreSQL, Resource Consumption; pgtune",
        })
    }

    fn storage(&self) -> Result<Storage, String> {
        self.storage
            .ok_or_else(|| "declare `hardware: {storage: ssd}` in the policy (hdd, ssd, nvme or san)".to_owned())
    }

    fn huge_pages(&self) -> Ruled {
        let (buffers, _) = self.shared_buffers()?;
        Ok(Rule {
            value: "try".to_owned(),
            fits: Fits::NotOff,
            formula: format!("shared_buffers of {}: from 2GB on page tables are worth saving", size(buffers)),
            source: "PostgreSQL, Linux Huge Pages; pgtune",
        })
        .and_then(|rule| match buffers >= 2 * GB {
            true => Ok(rule),
            false => Err(format!("below 2GB of shared_buffers it makes no difference; advised are {}", size(buffers))),
        })
    }

    fn jit(&self) -> Rule {
        let warehouse = self.is(Workload::Warehouse);
        Rule {
            value: if warehouse { "on" } else { "off" }.to_owned(),
            fits: Fits::Exact,
            formula: match warehouse {
                true => "long queries repay compilation".to_owned(),
                false => "each partition of a plan is compiled by itself, which short queries do not repay".to_owned(),
            },
            source: "PostgreSQL, When to JIT; pgtune",
        }
    }

    fn wal_compression(&self) -> Rule {
        let words = self.settings.get("wal_compression").map(|facts| facts.words.as_slice()).unwrap_or_default();
        let lz4 = words.iter().any(|word| word == "lz4");
        Rule {
            value: if lz4 { "lz4" } else { "on" }.to_owned(),
            fits: Fits::NotOff,
            formula: match lz4 {
                true => "less WAL for little time; this server has lz4".to_owned(),
                false => "less WAL, for some time".to_owned(),
            },
            source: "PostgreSQL, Write Ahead Log; pgtune",
        }
    }

    fn max_connections(&self) -> Ruled {
        let now = self.number("max_connections").ok_or("it is not known")?;
        let connections = self.connections.unwrap_or(now);
        Ok(Rule {
            value: connections.to_string(),
            fits: Fits::More,
            formula: format!("connections at once: {connections}"),
            source: "the policy, or what there is",
        })
    }

    fn parallel(&self, name: &str) -> Ruled {
        let cpus = self.cpus.clone()?;
        if cpus < 4 {
            return Err(format!("with {cpus} of at least 4 CPUs the defaults will do"));
        }
        let half = cpus.div_ceil(2);
        let (value, formula) = match name {
            "max_worker_processes" | "max_parallel_workers" => (cpus, format!("one for each of {cpus} CPUs")),
            "max_parallel_workers_per_gather" if self.is(Workload::Warehouse) => (half, format!("half of {cpus} CPUs")),
            _ => (half.min(4), format!("half of {cpus} CPUs, at most 4")),
        };
        let fits = if name == "max_worker_processes" { Fits::More } else { Fits::Exact };
        Ok(Rule { value: value.to_string(), fits, formula, source: "PostgreSQL, Resource Consumption; pgtune" })
    }

    /// Many partitions are many small jobs: one more worker for each thousand, and never more than half the processors.
    fn workers(&self) -> Result<(u32, String), String> {
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

    fn autovacuum_max_workers(&self) -> Ruled {
        let (workers, formula) = self.workers()?;
        Ok(Rule { value: workers.to_string(), fits: Fits::More, formula, source: "pgtune; partitions counted" })
    }

    /// The workers share one limit ("Automatic Vacuuming"): more of them alone would only make each slower.
    fn autovacuum_cost_limit(&self) -> Ruled {
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

    fn autovacuum_naptime(&self) -> Rule {
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
    fn max_locks(&self) -> Ruled {
        let Some((table, Tree { relations, indexes })) = self.largest else {
            return Err("no table of the policy was found".to_owned());
        };
        let locks = relations + indexes;
        let connections = u64::from(self.connections.ok_or("max_connections is not known")?);
        let prepared = u64::from(self.number("max_prepared_transactions").unwrap_or(0));
        let at_once = connections.div_ceil(2);
        let needed = (locks * at_once).div_ceil((connections + prepared).max(1));
        let value = needed.max(64).next_multiple_of(64);
        Ok(Rule {
            value: value.to_string(),
            fits: Fits::More,
            formula: format!(
                "{table} takes {locks} locks a statement that cannot prune ({relations} relations + {indexes} indexes); \
                 half of {connections} connections at once, {locks} × {at_once} / ({connections} connections + {prepared} \
                 prepared transactions)"
            ),
            source: "PostgreSQL, Lock Management; partitions counted",
        })
    }
}

fn completion_target() -> Rule {
    Rule {
        value: "0.9".to_owned(),
        fits: Fits::More,
        formula: "checkpoints spread over nine tenths of the time between them".to_owned(),
        source: "PostgreSQL, Checkpoints; pgtune",
    }
}

/// What a setting is in plain numbers.
fn number(settings: &BTreeMap<String, SettingFacts>, name: &str) -> Option<u32> {
    settings.get(name)?.of_server()?.parse().ok()
}

/// Whole megabytes: nobody reads the rest.
fn whole(bytes: u64) -> u64 {
    bytes / MB * MB
}

/// A size as a policy says it.
pub(crate) fn size(bytes: u64) -> String {
    match bytes {
        0 => "0".to_owned(),
        bytes if bytes.is_multiple_of(GB) => format!("{}GB", bytes / GB),
        bytes => format!("{}MB", bytes / MB),
    }
}
