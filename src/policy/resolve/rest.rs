//! What is validated now and carried out by later versions, and small sections: expectations, storage parameters,
//! maintenance, settings, thresholds.

use std::collections::BTreeMap;

use super::super::spec::{ExpectSpec, Maintenance, Monitoring, Scalar, SettingsMode as SettingsModeSpec, Timeout};
use super::super::units::{percent, size, timeout};
use super::super::{
    Expect, MaintenanceDesired, PolicyError, PolicyPath, SettingsDesired, SettingsMode, Share, parameter, setting_unit,
    suggest,
};
use super::Checks;
use crate::grid::CalendarSpan;

/// What a nightly window of half an hour takes on an ordinary disk.
const MAX_BYTES_PER_RUN: u64 = 20 << 30;

pub(super) fn expect(checks: &mut Checks, spec: &ExpectSpec) -> Expect {
    let ExpectSpec { database, cluster_name, system_identifier } = spec;
    if let Some(identifier) = system_identifier
        && identifier.parse::<u64>().is_err()
    {
        let path = PolicyPath::of(["connection", "expect", "system_identifier"]);
        checks.at(&path, "a system identifier is a whole number; quote it, for YAML tools may round it");
    }
    Expect {
        database: database.clone(),
        cluster_name: cluster_name.clone(),
        system_identifier: system_identifier.clone(),
    }
}

pub(super) fn storage_parameters(
    checks: &mut Checks,
    path: &PolicyPath,
    specs: Option<&BTreeMap<String, Scalar>>,
) -> BTreeMap<String, String> {
    names(checks, path, "storage parameter", specs);
    let mut parameters = BTreeMap::new();
    for (name, value) in specs.into_iter().flatten() {
        let bare = name.strip_prefix("toast.").unwrap_or(name);
        // Tables take no others, whatever their access method, also where an extension has registered one
        // (reloptions.c, heap_reloptions and fillRelOptions): the statement that makes a partition would fail.
        if !parameter::names().any(|known| known == bare) {
            let error = PolicyError::at_key(path.key(name), format!("unknown storage parameter `{name}`"));
            checks.push(error.help(suggest::nearest(bare, parameter::names()).map_or_else(
                || "PostgreSQL 14 to 18 have no such parameter of tables".to_owned(),
                |meant| format!("did you mean `{meant}`?"),
            )));
        }
        if value.as_ref().trim().is_empty() {
            checks.at(&path.key(name), "an empty value");
        } else if let Some(refusal) = parameter::refusal(name, value.as_ref().trim()) {
            checks.at(&path.key(name), refusal);
        }
        parameters.insert(name.clone(), value.as_ref().trim().to_owned());
    }
    parameters
}

/// Below this share a rebuilt index may look bloated again: its pages are never quite full.
const LEAST_BLOAT: f64 = 0.2;

pub(super) fn maintenance(
    checks: &mut Checks,
    path: &PolicyPath,
    spec: Option<&Maintenance>,
) -> Option<MaintenanceDesired> {
    let Maintenance { analyze_parent_every, freeze_closed, reindex_above_bloat, max_bytes_per_run } = spec?;
    let every = |text: &str| text.parse::<CalendarSpan>().map(Some);
    let analyze_parent_every =
        checks.or(&path.key("analyze_parent_every"), analyze_parent_every.as_ref(), None, every)?;
    let above = |text: &str| match percent(text) {
        Ok(share) if share < LEAST_BLOAT => {
            Err(format!("`{}` is less than 20%, which no rebuild can promise", text.trim()))
        }
        Ok(share) => Ok(Some(Share::of(share))),
        Err(error) => Err(error.to_string()),
    };
    let reindex_above_bloat = checks.or(&path.key("reindex_above_bloat"), reindex_above_bloat.as_ref(), None, above)?;
    let max_bytes_per_run =
        checks.or(&path.key("max_bytes_per_run"), max_bytes_per_run.as_ref(), MAX_BYTES_PER_RUN, size)?;
    let freeze_closed = freeze_closed.unwrap_or_default();
    // It may say that nothing is to be done.
    let wanted = freeze_closed || analyze_parent_every.is_some() || reindex_above_bloat.is_some();
    wanted.then_some(MaintenanceDesired { analyze_parent_every, freeze_closed, reindex_above_bloat, max_bytes_per_run })
}

/// Settings with passwords in their text.
const SECRETS: [&str; 2] = ["primary_conninfo", "ssl_passphrase_command"];

/// Which settings there are, and what they take, only the server knows.
pub(super) fn settings(
    checks: &mut Checks,
    mode: Option<SettingsModeSpec>,
    specs: Option<&BTreeMap<String, Scalar>>,
) -> SettingsDesired {
    let path = PolicyPath::of(["settings"]);
    names(checks, &path, "setting", specs);
    for name in SECRETS.into_iter().filter(|name| specs.is_some_and(|specs| specs.contains_key(*name))) {
        let error = PolicyError::at_key(path.key(name), format!("`{name}` may hold a password"));
        checks.push(error.help("plans, reports and snapshots would show it: set it on the server itself"));
    }
    // A configuration file has a line for each setting, and no way to write the end of one; the protocol ends texts at a NUL.
    for (name, value) in specs.into_iter().flatten() {
        if value.as_ref().contains(['\0', '\n', '\r']) {
            checks.at(&path.key(name), "a value has one line, and no NUL character");
        }
    }
    for (name, value) in specs.into_iter().flatten() {
        if let Some((message, help)) = setting_unit::refusal(name, value.as_ref()) {
            checks.push(PolicyError::at(path.key(name), message).help(help));
        }
    }
    let values = specs.into_iter().flatten().map(|(name, value)| (name.clone(), value.as_ref().to_owned()));
    // Blanks at an end may matter: of `log_line_prefix`, for one.
    let values: BTreeMap<String, String> = values.collect();
    let mode = match mode {
        // Without settings it says nothing.
        Some(SettingsModeSpec::AlterSystem) if values.is_empty() => SettingsMode::Report,
        Some(SettingsModeSpec::AlterSystem) => SettingsMode::AlterSystem,
        Some(SettingsModeSpec::Report) | None => SettingsMode::Report,
    };
    SettingsDesired { mode, values }
}

pub(super) fn monitoring(checks: &mut Checks, spec: Option<&Monitoring>) {
    let Some(spec) = spec else { return };
    let Monitoring { slow_query, min_cache_hit_ratio, max_pool_usage, max_partition_size, unused_index_after } = spec;
    let path = PolicyPath::of(["monitoring"]);
    timeouts(checks, &path, &[("slow_query", slow_query.as_ref())]);
    if let Some(ratio) = min_cache_hit_ratio
        && !(0.0..=1.0).contains(ratio)
    {
        checks.at(&path.key("min_cache_hit_ratio"), format!("`{ratio}` is not from 0 to 1"));
    }
    checks.check(&path.key("max_pool_usage"), max_pool_usage.as_ref(), percent);
    checks.check(&path.key("max_partition_size"), max_partition_size.as_ref(), size);
    checks.check(&path.key("unused_index_after"), unused_index_after.as_ref(), str::parse::<CalendarSpan>);
    checks.not_enforced(&path, "");
}

fn timeouts(checks: &mut Checks, path: &PolicyPath, all: &[(&str, Option<&Timeout>)]) {
    for (key, text) in all {
        checks.check(&path.key(*key), *text, timeout);
    }
}

pub(super) fn positive(checks: &mut Checks, path: &PolicyPath, value: Option<u32>) {
    if value == Some(0) {
        checks.at(path, "at least 1");
    }
}

/// Names of parameters as PostgreSQL takes them without quotes: anything else would have to be quoted, and is a slip.
pub(super) fn names(checks: &mut Checks, path: &PolicyPath, what: &str, specs: Option<&BTreeMap<String, Scalar>>) {
    for name in specs.into_iter().flatten().map(|(name, _)| name) {
        if !is_plain(name) {
            let error = PolicyError::at_key(path.key(name), format!("`{name}` is no {what}'s name"));
            let lower = name.to_ascii_lowercase();
            checks.push(match is_plain(&lower) {
                true => error.help(format!("write it in lower case: `{lower}`")),
                false => error,
            });
        }
    }
}

fn is_plain(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_lowercase() || c == '_')
        && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_' || c == '.')
}
