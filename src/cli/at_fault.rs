//! Where the policy asks for what this server refuses: an excerpt with file, line and caret, as for what is invalid by
//! itself. Beside the plan, not instead of it: what is refused stops nothing else.

use pgstrata::plan::{Code, Finding, Level, Object, Plan};
use pgstrata::policy::{PolicyError, PolicyPath};
use pgstrata::sql::{Ident, TableName};

use super::diagnostics;
use super::door::Leaving;
use super::policy::Loaded;
use super::ui::Ui;

/// Says so on stderr, if there is anything.
pub(super) fn say(plan: &Plan, loaded: &Loaded, ui: &Ui) {
    let errors = plan.findings.iter().filter(|finding| finding.code.level() == Level::Error);
    let errors: Vec<PolicyError> = errors.filter_map(|finding| placed(finding, loaded)).collect();
    wrong_database(plan, loaded, ui);
    if !errors.is_empty() {
        let errors = loaded.places.locate(errors);
        let report = diagnostics::report(&errors, &loaded.sources, ui.colour.stderr, ui.width_of_notes());
        ui.say(&Leaving::text(&format!("\n{report}"), ui.colour.stderr));
    }
}

/// Where nothing of the policy is there, the database is likelier to be the wrong one than all of the policy.
pub(super) fn wrong_database(plan: &Plan, loaded: &Loaded, ui: &Ui) {
    let is_missing = |name: &TableName| {
        let of = |finding: &Finding| finding.code == Code::TableMissing && finding.table.as_ref() == Some(name);
        plan.findings.iter().any(of)
    };
    let tables = &loaded.desired.tables;
    if !tables.is_empty() && tables.keys().all(is_missing) {
        let target = &plan.target;
        ui.warn(&format!(
            "no table of the policy is in database {} at {}: it may be the wrong one; check --url",
            target.database, target.host
        ));
    }
}

fn placed(finding: &Finding, loaded: &Loaded) -> Option<PolicyError> {
    let Finding { table, code, object, message, hint: _ } = finding;
    let spec = loaded.policy.spec();
    let table = table.as_ref().and_then(|table| {
        let (key, spec) =
            spec.tables.iter().flatten().find(|(key, _)| key.parse::<TableName>().as_ref() == Ok(table))?;
        Some((PolicyPath::of(["tables"]).key(key), spec))
    });
    let is = |key: &str, name: &Ident| Ident::parse(key).as_ref() == Ok(name);
    let on_key = |path: PolicyPath| Some(PolicyError::at_key(path, message.clone()));
    match (code, table, object) {
        (Code::TableMissing | Code::TableUnfit, Some((path, _)), _) => on_key(path),
        (Code::KeyMismatch, Some((path, _)), _) => {
            Some(PolicyError::at(path.key("partition").key("key"), message.clone()))
        }
        (Code::IndexRefused, Some((path, spec)), Some(Object::Relation(index))) => {
            let key = spec.indexes.iter().flatten().map(|(key, _)| key).find(|key| is(key, &index.name))?;
            on_key(path.key("indexes").key(key))
        }
        (Code::LimitRefused, None, Some(Object::Database(_))) => {
            Some(PolicyError::at(PolicyPath::of(["limits", "database", "connection_limit"]), message.clone()))
        }
        (Code::LimitRefused, None, Some(Object::Role(role))) => {
            let limits = spec.limits.as_ref()?;
            let named = limits.roles.iter().flatten().map(|(key, _)| key).find(|key| is(key, role));
            if let Some(key) = named {
                return on_key(PolicyPath::of(["limits", "roles"]).key(key));
            }
            let mut services = limits.services.iter().flatten();
            let (service, _) = services.find(|(_, service)| service.role.as_ref().is_some_and(|key| is(key, role)))?;
            let path = PolicyPath::of(["limits", "services"]).key(service).key("role");
            Some(PolicyError::at(path, message.clone()))
        }
        (Code::SettingRefused, None, Some(Object::Setting(name))) => {
            Some(PolicyError::at(PolicyPath::of(["settings"]).key(name), message.clone()))
        }
        // Said with the plan; no one place of the policy is at fault.
        (_, _, _) => None,
    }
}
