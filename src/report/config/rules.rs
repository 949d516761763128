//! The formulas. Those of pgtune are its published ones (github.com/le0pard/pgtune); the titles are those of
//! sections of PostgreSQL's documentation, whose numbers change from one major to the next.

use std::collections::BTreeMap;

use super::Machine;
use crate::catalog::{SettingFacts, Tree};
use crate::policy::{Storage, Workload};
use crate::sql::TableName;

pub(super) const MB: u64 = 1 << 20;
pub(super) const GB: u64 = 1 << 30;

/// Every setting that there is a rule for, and those that rules read.
pub(super) const NAMES: [&str; 28] = [
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
    "io_workers",
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
    pub(super) memory: Result<u64, String>,
    pub(super) cpus: Result<u32, String>,
    pub(super) storage: Option<Storage>,
    pub(super) workload: Workload,
    pub(super) connections: Option<u32>,
    pub(super) settings: &'a BTreeMap<String, SettingFacts>,
    /// The table that one statement locks most of, and how much that is.
    pub(super) largest: Option<(&'a TableName, Tree)>,
    pub(super) partitions: u64,
    pub(super) major: u32,
}

pub(super) type Ruled = Result<Rule, String>;

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

    pub(super) fn number(&self, name: &str) -> Option<u32> {
        number(self.settings, name)
    }

    pub(super) fn is(&self, workload: Workload) -> bool {
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
            ("io_workers", self.io_workers()),
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

    /// Of 18 and later.
    fn io_workers(&self) -> Ruled {
        let cpus = self.cpus.clone()?;
        Ok(Rule {
            value: (cpus / 4).clamp(3, 32).to_string(),
            fits: Fits::More,
            formula: format!("a quarter of {cpus} CPUs, from 3 to 32, where io_method is worker"),
            source: "PostgreSQL, Resource Consumption; pgtune",
        })
    }

    fn storage(&self) -> Result<Storage, String> {
        self.storage
            .ok_or_else(|| "declare `hardware: {storage: ssd}` in the policy (hdd, ssd, nvme or san)".to_owned())
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
pub(super) fn whole(bytes: u64) -> u64 {
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
