//! Formulas against machines in memory.

use std::collections::{BTreeMap, BTreeSet};

use super::{Advice, Advised, Machine, advise, settings};
use crate::catalog::{SettingContext, SettingFacts, SettingKind, SettingsFacts, Tree};
use crate::policy::{Hardware, Storage, Workload};
use crate::render::{Style, human, json};
use crate::sql::TableName;
use crate::testing::World;

const POLICY: &str = "tables: {public.events: {partition: {key: at, interval: 1 day, premake: 1}}}\n";

/// PostgreSQL's defaults of 17, as the view shows them.
const DEFAULTS: [(&str, &str, &str, SettingKind, SettingContext); 22] = {
    use SettingContext::{Postmaster, Session, Sighup};
    use SettingKind::{Bool, Enum, Integer, Real};
    [
        ("autovacuum_max_workers", "3", "", Integer, Postmaster),
        ("autovacuum_naptime", "60", "s", Integer, Sighup),
        ("autovacuum_vacuum_cost_limit", "-1", "", Integer, Sighup),
        ("autovacuum_work_mem", "-1", "kB", Integer, Sighup),
        ("checkpoint_completion_target", "0.9", "", Real, Sighup),
        ("default_statistics_target", "100", "", Integer, Session),
        ("effective_cache_size", "524288", "8kB", Integer, Session),
        ("effective_io_concurrency", "1", "", Integer, Session),
        ("huge_pages", "try", "", Enum, Postmaster),
        ("jit", "on", "", Bool, Session),
        ("maintenance_work_mem", "65536", "kB", Integer, Session),
        ("max_connections", "100", "", Integer, Postmaster),
        ("max_locks_per_transaction", "64", "", Integer, Postmaster),
        ("max_parallel_workers", "8", "", Integer, Session),
        ("max_parallel_workers_per_gather", "2", "", Integer, Session),
        ("max_prepared_transactions", "0", "", Integer, Postmaster),
        ("max_wal_size", "1024", "MB", Integer, Sighup),
        ("max_worker_processes", "8", "", Integer, Postmaster),
        ("random_page_cost", "4", "", Real, Session),
        ("shared_buffers", "16384", "8kB", Integer, Postmaster),
        ("wal_compression", "off", "", Enum, Session),
        ("work_mem", "4096", "kB", Integer, Session),
    ]
};

fn facts() -> SettingsFacts {
    let words = |name: &str| match name {
        "huge_pages" => vec!["off", "on", "try"],
        "wal_compression" => vec!["pglz", "lz4", "on", "off"],
        _ => Vec::new(),
    };
    let settings = DEFAULTS.into_iter().map(|(name, value, unit, kind, context)| {
        let setting = SettingFacts {
            value: value.to_owned(),
            source: "default".to_owned(),
            place: None,
            configured: None,
            taken: false,
            default: None,
            unit: Some(unit.to_owned()).filter(|unit| !unit.is_empty()),
            kind,
            context,
            min: None,
            max: None,
            words: words(name).into_iter().map(str::to_owned).collect(),
            pending_restart: false,
            placeholder: false,
            may_alter: false,
        };
        (name.to_owned(), setting)
    });
    SettingsFacts {
        settings: settings.collect(),
        absent: BTreeMap::new(),
        reads_files: false,
        may_reload: false,
        errors: Vec::new(),
        alter_system_allowed: true,
    }
}

fn big() -> Hardware {
    Hardware {
        memory: Some(64 << 30),
        cpus: Some(16),
        storage: Some(Storage::Nvme),
        workload: Some(Workload::Oltp),
        connections: None,
    }
}

fn advice(facts: SettingsFacts, hardware: Hardware, tree: Tree) -> Advice {
    let mut world = World::new("2026-03-14", POLICY);
    world.snapshot.target.server_version_num = 170_010;
    world.snapshot.catalog.settings = Some(facts);
    let trees: BTreeMap<TableName, Tree> = [("public.events".parse().unwrap(), tree)].into();
    advise(&world.desired, &world.snapshot, &trees, Machine::declared(hardware))
}

fn of<'a>(advised: &'a [Advised], name: &str) -> &'a Advised {
    advised.iter().find(|advised| advised.setting == name).unwrap_or_else(|| panic!("{name}: {advised:#?}"))
}

const FEW: Tree = Tree { relations: 13, indexes: 26 };
/// Ten years of days, with five indexes.
const MANY: Tree = Tree { relations: 3651, indexes: 18_255 };

#[test]
fn each_value_is_its_formula() {
    let found = advice(facts(), big(), MANY);
    for (name, value, formula) in [
        ("shared_buffers", "16GB", "a quarter of memory, 64GB / 4"),
        ("effective_cache_size", "48GB", "three quarters of memory, 64GB × 3/4"),
        ("maintenance_work_mem", "4GB", "memory / 16, 64GB / 16, at most 8GB"),
        ("autovacuum_work_mem", "1170MB", "each of 7 workers takes it: an eighth of memory, 64GB / 8 / 7"),
        // (65536 − 16384) / (116 × 3) = 141.2
        (
            "work_mem",
            "141MB",
            "(64GB − 16GB shared_buffers) / ((100 connections + 16 max_worker_processes) × 3), at least 4MB",
        ),
        ("random_page_cost", "1.1", "for nvme: a random read costs little more than the next one"),
        (
            "autovacuum_max_workers",
            "7",
            "4 for 16 CPUs, and 1 for each 1,000 of 3650 partitions, at most half the CPUs",
        ),
        ("autovacuum_vacuum_cost_limit", "466", "workers share it: vacuum_cost_limit 200 × 7 workers / 3"),
        ("autovacuum_naptime", "30s", "3650 partitions: a new one waits half as long for its first statistics"),
        // 21906 × 50 / 100 = 10953, in steps of 64.
        (
            "max_locks_per_transaction",
            "11008",
            "public.events takes 21906 locks a statement that cannot prune (3651 relations + 18255 indexes); half of 100 \
             connections at once, 21906 × 50 / (100 connections + 0 prepared transactions); \
             about 559MB of shared memory",
        ),
    ] {
        let advised = of(&found.change, name);
        assert_eq!((advised.advised.as_str(), advised.formula.as_str()), (value, formula), "{name}");
    }
    assert_eq!((of(&found.change, "shared_buffers").takes, of(&found.change, "work_mem").takes), ("restart", "reload"));
    assert_eq!(of(&found.change, "wal_compression").advised, "lz4");
    assert_eq!(of(&found.keep, "huge_pages").now, "try");
    // Settings that rules only read, or that this server does not have, are not spoken of.
    let named: BTreeSet<&str> = found.change.iter().chain(&found.keep).map(|it| it.setting.as_str()).collect();
    assert!(!named.contains("max_prepared_transactions") && !named.contains("min_wal_size"), "{named:?}");
    assert!(named.iter().all(|name| settings().contains(*name)) && found.left_out.is_empty(), "{:?}", found.left_out);
}

#[test]
fn what_is_there_and_better_stays() {
    let mut better = facts();
    for (name, value) in [
        ("shared_buffers", "2000000"),
        ("max_wal_size", "20480"),
        ("max_locks_per_transaction", "20000"),
        ("autovacuum_naptime", "15"),
        ("wal_compression", "pglz"),
        ("checkpoint_completion_target", "0.95"),
    ] {
        better.settings.get_mut(name).unwrap().value = value.to_owned();
    }
    let found = advice(better, big(), MANY);
    let kept: Vec<(&str, &str)> =
        found.keep.iter().map(|advised| (advised.setting.as_str(), advised.now.as_str())).collect();
    for pair in [
        // Within a tenth of 16GB.
        ("shared_buffers", "15625MB"),
        ("max_wal_size", "20GB"),
        ("max_locks_per_transaction", "20000"),
        ("autovacuum_naptime", "15s"),
        ("wal_compression", "pglz"),
        ("checkpoint_completion_target", "0.95"),
    ] {
        assert!(kept.contains(&pair), "{pair:?} {kept:?}");
    }
}

#[test]
fn of_what_is_not_known_nothing_is_advised() {
    let found = advice(facts(), Hardware { memory: Some(1 << 30), ..Hardware::default() }, FEW);
    for (name, because) in [
        ("random_page_cost", "declare `hardware: {storage: ssd}` in the policy (hdd, ssd, nvme or san)"),
        ("max_parallel_workers", "declare `hardware: {cpus: 16}` in the policy"),
        ("autovacuum_max_workers", "declare `hardware: {cpus: 16}` in the policy"),
        ("huge_pages", "below 2GB of shared_buffers it makes no difference; advised are 256MB"),
    ] {
        assert_eq!(found.left_out.get(name).map(String::as_str), Some(because), "{name}");
    }
    assert_eq!(found.machine.workload.as_ref().map(|part| part.source.as_str()), Some("by default"));
    assert_eq!(of(&found.keep, "max_locks_per_transaction").now, "64");
    assert_eq!(of(&found.keep, "work_mem").advised, "4MB");
    let without = advice(facts(), Hardware { cpus: Some(2), ..Hardware::default() }, FEW);
    assert_eq!(without.left_out["shared_buffers"], "declare `hardware: {memory: 64GB}` in the policy");
    assert!(without.left_out["max_parallel_workers"].contains("2 of at least 4 CPUs"));
    let mut hidden = facts();
    hidden.settings.get_mut("work_mem").unwrap().source = "user".to_owned();
    assert!(advice(hidden, big(), FEW).left_out["work_mem"].contains("hidden by a setting of the role"));
}

#[test]
fn a_value_that_the_server_would_not_take_is_not_advised() {
    let mut without = facts();
    // As where the platform cannot prefetch.
    without.settings.get_mut("effective_io_concurrency").unwrap().max = Some("0".to_owned());
    let found = advice(without, big(), FEW);
    assert_eq!(found.left_out["effective_io_concurrency"], "`1000` is above its greatest value, 0");
}

#[test]
fn declared_connections_count() {
    let hardware = Hardware { connections: Some(400), ..big() };
    let found = advice(facts(), hardware, FEW);
    assert_eq!(of(&found.change, "max_connections").advised, "400");
    // (65536 − 16384) / (416 × 3) = 39.4
    assert_eq!(of(&found.change, "work_mem").advised, "39MB");
    let fewer = advice(facts(), Hardware { connections: Some(50), ..big() }, FEW);
    assert_eq!(of(&fewer.keep, "max_connections").now, "100");
    // The server lets in 100 all the same.
    assert_eq!(of(&fewer.change, "work_mem").advised, "141MB");
}

#[test]
fn what_would_take_too_much_memory_is_left_out_or_bounded() {
    let found = advice(facts(), Hardware { memory: Some(4 << 30), ..big() }, MANY);
    let because = &found.left_out["max_locks_per_transaction"];
    assert!(because.contains("about 559MB of shared memory, more than a sixteenth of 4GB"), "{because}");
    let memory = |gigabytes: u64, tree| {
        let found = advice(facts(), Hardware { memory: Some(gigabytes << 30), ..big() }, tree);
        let all = found.change.iter().chain(&found.keep).cloned().collect::<Vec<_>>();
        of(&all, "autovacuum_work_mem").advised.clone()
    };
    // 4 workers: 1/16 for each would be a quarter of memory.
    assert_eq!(
        (memory(16, FEW).as_str(), memory(64, FEW).as_str(), memory(256, FEW).as_str()),
        ("512MB", "2GB", "2GB")
    );
}

#[test]
fn it_is_printed_for_people_programs_and_policies() {
    let found = advice(facts(), big(), MANY);
    let mut text = String::new();
    human::config(&found, Style { width: Some(100), ..Style::PLAIN }, &mut text).unwrap();
    assert!(text.contains("\nSettings: 17 to change, 4 agree, 0 left out.\n"), "{text}");
    assert!(text.contains("  memory       64GB  the policy's `hardware`\n"), "{text}");
    let line = text.lines().find(|line| line.starts_with("  ~ shared_buffers ")).unwrap();
    assert!(line.ends_with(" 128MB → 16GB  restart"), "{text}");
    assert!(text.ends_with("  work_mem: 141MB\n") && text.lines().all(|line| line.chars().count() <= 100), "{text}");
    let yaml = found.yaml();
    assert!(yaml.starts_with("settings:\n  autovacuum_max_workers: 7 "), "{yaml}");
    assert!(
        yaml.contains("  jit: \"off\" ") && yaml.contains("# restart; a quarter of memory, 64GB / 4; PostgreSQL"),
        "{yaml}"
    );
    let json: serde_json::Value = serde_json::from_str(&json::config(&found)).unwrap();
    assert_eq!((json["format_version"].as_str(), json["change"].as_array().unwrap().len()), (Some("1.0"), 17));
    let same = advice(facts(), big(), MANY);
    assert_eq!(same.yaml(), yaml);
}
