//! Inference on databases in memory.

mod dates;
mod numbers;
mod properties;
mod told;

use std::collections::BTreeMap;

use super::from_database;
use crate::catalog::{PartConfig, Survey};
use crate::grid::KeyKind;
use crate::policy::{Source, load, warnings};
use crate::sql::Ident;
use crate::testing::World;

const T: &str = "public.events";

/// A database with one table, whose policy nobody knows.
struct Found {
    world: World,
    zone: &'static str,
    told: BTreeMap<String, String>,
}

impl Found {
    fn new(kind: KeyKind, now: &str) -> Self {
        let policy = "tables: {public.events: {partition: {key: at, interval: 1 day, timezone: UTC}}}";
        Self { world: World::with_key(now, kind, policy), zone: "Etc/UTC", told: BTreeMap::new() }
    }

    fn tz(now: &str) -> Self {
        Self::new(KeyKind::Timestamptz, now)
    }

    fn leaf(mut self, from: &str, to: &str) -> Self {
        self.world.leaf(T, from, to);
        self
    }

    /// Partitions for the windows that this policy would have between two civil times.
    fn windows(mut self, partition: &str, from: &str, to: &str) -> Self {
        self.world.policy(&format!("tables: {{public.events: {{partition: {{key: at, {partition}}}}}}}"));
        self.world.windows(T, from, to);
        self
    }

    fn zone(self, zone: &'static str) -> Self {
        Self { zone, ..self }
    }

    fn told(mut self, column: &str, value: &str) -> Self {
        self.told.insert(column.to_owned(), value.to_owned());
        self
    }

    fn yaml(&self) -> String {
        let mut world = self.world.clone();
        let options = world.options();
        world.ask(&options);
        let table = T.parse().unwrap();
        let config = PartConfig { schema: Ident::new("partman"), columns: self.told.clone(), sub_partitioned: false };
        let partman = if self.told.is_empty() { BTreeMap::new() } else { BTreeMap::from([(table, config)]) };
        let survey = Survey {
            snapshot: world.snapshot,
            time_zone: self.zone.to_owned(),
            partman,
            told_by: Vec::new(),
            not_believed: Vec::new(),
        };
        let yaml = from_database(&survey).to_yaml("pgstrata.yaml");
        let loaded = load(&[Source::new("pgstrata.yaml", yaml.clone())], None, &|_| None);
        let desired = loaded.and_then(|(policy, _)| policy.resolve());
        let desired = desired.unwrap_or_else(|errors| panic!("{errors:?}\n{yaml}"));
        assert_eq!(warnings(&desired), [], "{yaml}");
        yaml
    }

    /// Key and value of each line below `partition`, without the key column.
    fn says(&self, expected: &[&str]) {
        let yaml = self.yaml();
        let lines = yaml.lines().filter(|line| line.starts_with("      ") && !line.trim_start().starts_with('#'));
        let lines: Vec<&str> = lines.map(|line| line.split("   #").next().unwrap().trim()).collect();
        assert_eq!(lines.split_first().map(|(_, rest)| rest), Some(expected), "{yaml}");
    }

    /// The imported policy plans nothing.
    fn wants_nothing(mut self) {
        let yaml = self.yaml();
        self.world.policy(yaml.strip_prefix("version: 1").unwrap_or(&yaml.replace("version: 1\n", "")));
        let plan = self.world.plan();
        assert!(plan.steps.is_empty(), "{}\n{yaml}", crate::testing::lines(&plan));
    }
}
