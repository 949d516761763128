//! Wanted configuration × what the admin console says → findings.

use std::collections::BTreeMap;

use super::super::of_no_table::finding;
use crate::catalog::{PoolerState, Snapshot};
use crate::plan::{Code, Finding, Object};
use crate::policy::Desired;

/// Each setting that differs, and why PgBouncer was not asked, if it was not.
pub(crate) fn findings(desired: &Desired, snapshot: &Snapshot) -> Vec<Finding> {
    let Some(wanted) = &desired.limits.pgbouncer else { return Vec::new() };
    let about_all = |code, message: String, hint: &str| {
        vec![Finding { table: None, code, object: None, message, hint: Some(hint.to_owned()) }]
    };
    let facts = match &snapshot.catalog.pooler {
        Some(PoolerState::Read(facts)) => facts,
        Some(PoolerState::Unreadable(because)) => {
            let message = format!("PgBouncer could not be asked: {because}");
            return about_all(
                Code::PoolerUnreadable,
                message,
                "`limits.pgbouncer.admin_url` names its database `pgbouncer`, and one of its admin_users or stats_users",
            );
        }
        None => {
            let message = "PgBouncer was not asked: there is no URL of its admin console".to_owned();
            return about_all(Code::PoolerNotAsked, message, "set what `limits.pgbouncer.admin_url` refers to");
        }
    };
    let mut findings = Vec::new();
    compare(&wanted.settings, &facts.settings, "", &mut findings);
    for (name, settings) in &wanted.databases {
        match facts.databases.get(name) {
            Some(found) => {
                let mut found = found.settings.clone();
                // It is not shown where the entry has none of its own.
                let of_all = facts.settings.get("pool_mode");
                of_all.map(|mode| found.entry("pool_mode".to_owned()).or_insert_with(|| mode.clone()));
                compare(settings, &found, &format!("database {name} "), &mut findings);
            }
            None => {
                let message = "it has no such entry, or only `*` stands for it and nobody has used it yet".to_owned();
                let mut found = finding(Code::PoolerDiffers, Object::Pooler(format!("database {name}")), message);
                found.hint = Some("give it a line of its own in [databases]".to_owned());
                findings.push(found);
            }
        }
    }
    findings
}

/// What differs, each as a finding; `of` is what its names begin with.
fn compare(wanted: &BTreeMap<String, String>, found: &BTreeMap<String, String>, of: &str, findings: &mut Vec<Finding>) {
    for (name, wanted) in wanted {
        let found = found.get(name).map(String::as_str);
        if found == Some(wanted) {
            continue;
        }
        let message = match found {
            Some(found) => format!("it is {found}, and the policy says {wanted}"),
            None => format!("it is not set, and the policy says {wanted}"),
        };
        let mut differs = finding(Code::PoolerDiffers, Object::Pooler(format!("{of}{name}")), message);
        differs.hint = Some(match of.is_empty() {
            true => "include what `pgstrata optimize pgbouncer` prints, and RELOAD".to_owned(),
            false => "write it on the entry's line in [databases], and RELOAD".to_owned(),
        });
        findings.push(differs);
    }
}
