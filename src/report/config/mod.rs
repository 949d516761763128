//! Advice on the server's settings, from the machine that it runs on and the tables under policy. Each value has its
//! formula and where that comes from; of what is not known nothing is advised.

mod counted;
pub mod machine;
mod memory;
mod rules;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::catalog::{SettingContext, SettingFacts, Snapshot, Target, Tree};
use crate::policy::{Desired, Hardware, Storage, Workload};
use crate::resource::settings::value::{canonical, words};
use crate::sql::TableName;
use rules::Rule;
pub(crate) use rules::size;

/// What is advised.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Advice {
    /// Which server; never a URL.
    pub target: Target,
    /// What the advice is made of.
    pub machine: Machine,
    /// Settings that should change, by name.
    pub change: Vec<Advised>,
    /// Settings that are as advised, or better.
    pub keep: Vec<Advised>,
    /// Settings of which nothing is advised, with the reason.
    pub left_out: BTreeMap<String, String>,
    /// What a reader should know beside it.
    pub notes: Vec<String>,
}

/// The machine, and where each part of it is known from.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Machine {
    /// Memory in bytes.
    pub memory: Option<Part<u64>>,
    /// Processors.
    pub cpus: Option<Part<u32>>,
    /// What its data is on.
    pub storage: Option<Part<Storage>>,
    /// What it is used for.
    pub workload: Option<Part<Workload>>,
    /// Connections at once.
    pub connections: Option<Part<u32>>,
}

/// One part of a machine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Part<T> {
    /// What it is.
    pub value: T,
    /// Where that is known from.
    pub source: String,
}

impl<T> Part<T> {
    /// A part with its source.
    pub fn new(value: T, source: impl Into<String>) -> Self {
        Self { value, source: source.into() }
    }
}

impl Machine {
    /// What the policy declares.
    pub fn declared(hardware: Hardware) -> Self {
        const POLICY: &str = "the policy's `hardware`";
        let Hardware { memory, cpus, storage, workload, connections } = hardware;
        Self {
            memory: memory.map(|value| Part::new(value, POLICY)),
            cpus: cpus.map(|value| Part::new(value, POLICY)),
            storage: storage.map(|value| Part::new(value, POLICY)),
            workload: workload.map(|value| Part::new(value, POLICY)),
            connections: connections.map(|value| Part::new(value, POLICY)),
        }
    }
}

/// One setting.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Advised {
    /// Which.
    pub setting: String,
    /// What the server has, with its unit.
    pub now: String,
    /// What is advised, as a policy says it.
    pub advised: String,
    /// The formula, with its numbers.
    pub formula: String,
    /// Where the formula comes from.
    pub source: &'static str,
    /// When a change of it is in force.
    pub takes: &'static str,
    /// What the policy says, where it speaks of the setting.
    pub policy: Option<String>,
}

/// The settings that advice is given on: what [`crate::catalog::take_config`] reads.
pub fn settings() -> BTreeSet<String> {
    rules::NAMES.iter().map(|name| (*name).to_owned()).collect()
}

/// Makes the advice.
pub fn advise(desired: &Desired, snapshot: &Snapshot, trees: &BTreeMap<TableName, Tree>, machine: Machine) -> Advice {
    let mut advice = Advice {
        target: snapshot.target.clone(),
        machine,
        change: Vec::new(),
        keep: Vec::new(),
        left_out: BTreeMap::new(),
        notes: Vec::new(),
    };
    let Some(facts) = &snapshot.catalog.settings else { return advice };
    let known = rules::Known::new(&advice.machine, &facts.settings, trees, snapshot.target.major());
    advice.machine.workload.get_or_insert_with(|| Part::new(known.workload, "by default"));
    if let Some(connections) = known.connections {
        advice.machine.connections.get_or_insert_with(|| Part::new(connections, "max_connections of the server"));
    }
    advice.notes = known.notes();
    for (name, rule) in known.rules() {
        // What this server does not have, such as a setting of a later major, is nothing to speak of.
        let Some(facts) = facts.settings.get(name) else { continue };
        let rule = match rule {
            Ok(rule) => rule,
            Err(because) => {
                advice.left_out.insert(name.to_owned(), because);
                continue;
            }
        };
        match judge(desired, name, facts, rule) {
            Ok((true, advised)) => advice.keep.push(advised),
            Ok((false, advised)) => advice.change.push(advised),
            Err(because) => drop(advice.left_out.insert(name.to_owned(), because)),
        }
    }
    advice
}

/// Whether what is there will do, and the advice; or why there is none.
fn judge(desired: &Desired, name: &str, facts: &SettingFacts, rule: Rule) -> Result<(bool, Advised), String> {
    let Rule { value, fits, formula, source } = rule;
    let found = facts.of_server().ok_or("what the server has is hidden by a setting of the role or the database")?;
    let wanted = canonical(name, facts, &value)?;
    // Pending is as good as there: a restart brings it.
    let found = facts
        .configured
        .as_deref()
        .filter(|_| facts.pending_restart && facts.source != "command line")
        .unwrap_or(found);
    let found = canonical(name, facts, found).unwrap_or_else(|_| found.to_owned());
    let takes = match facts.context {
        SettingContext::Postmaster => "restart",
        SettingContext::Backend => "new sessions",
        SettingContext::Internal | SettingContext::Sighup | SettingContext::Session => "reload",
    };
    let advised = Advised {
        setting: name.to_owned(),
        now: words(facts, &found),
        advised: value,
        formula,
        source,
        takes,
        policy: desired.settings.values.get(name).cloned(),
    };
    let fits = found == wanted || fits.holds(&found, &wanted);
    Ok((fits, advised))
}

impl Advice {
    /// The advice as a section of a policy, with each formula beside its value.
    pub fn yaml(&self) -> String {
        if self.change.is_empty() {
            return "# Nothing to change: every setting is as advised.\n".to_owned();
        }
        let pairs: Vec<(String, &Advised)> = self
            .change
            .iter()
            .map(|advised| (format!("  {}: {}", advised.setting, quoted(&advised.advised)), advised))
            .collect();
        let width = pairs.iter().map(|(pair, _)| pair.chars().count()).max().unwrap_or_default();
        let lines = pairs.iter().map(|(pair, advised)| {
            format!("{pair:width$}  # {}; {}; {}\n", advised.takes, advised.formula, advised.source)
        });
        format!("settings:\n{}", lines.collect::<String>())
    }
}

/// `on` and `off` are truth values to some readers of YAML.
fn quoted(value: &str) -> String {
    match value {
        "on" | "off" => format!("\"{value}\""),
        other => other.to_owned(),
    }
}
