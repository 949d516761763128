//! Drift as SARIF 2.1.0 (OASIS, "Static Analysis Results Interchange Format"), for code scanning: the policy's file and
//! line is what a result points at, since that is what a reviewer can look at.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::json::pretty;
use super::sentences::code_word;
use crate::plan::{Class, Level};
use crate::report::drift::Drift;
use crate::report::items::{Item, items};
use crate::sql::TableName;
use crate::visible::clean;

/// A place in a policy file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Location {
    /// The file's path as the user gave it.
    pub path: String,
    /// From 1.
    pub line: usize,
    /// From 1, in characters.
    pub column: usize,
}

/// Where a policy speaks of its tables.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Locations {
    /// Of the whole database.
    pub policy: Option<Location>,
    /// By table.
    pub tables: BTreeMap<TableName, Location>,
}

impl Locations {
    fn of(&self, table: Option<&TableName>) -> Option<&Location> {
        table.and_then(|table| self.tables.get(table)).or(self.policy.as_ref())
    }
}

/// One result before its rule has a number.
struct Found<'a> {
    rule: String,
    description: &'static str,
    level: &'static str,
    table: Option<&'a TableName>,
    message: String,
    /// What makes it the same result tomorrow.
    identity: String,
}

/// What `drift` found as a SARIF log with one run: changes of the classes that count, one result for each table and
/// kind, and findings. Ends in a newline.
pub fn drift(drift: &Drift<'_>, locations: &Locations) -> String {
    let plan = drift.plan;
    let found = found(drift);
    let rules: BTreeMap<&str, &'static str> =
        found.iter().map(|found| (found.rule.as_str(), found.description)).collect();
    let numbers: BTreeMap<&str, usize> = rules.keys().enumerate().map(|(at, rule)| (*rule, at)).collect();
    let results: Vec<Value> = found
        .iter()
        .map(|found| {
            let location = locations.of(found.table);
            json!({
                "ruleId": found.rule,
                "ruleIndex": numbers.get(found.rule.as_str()),
                "level": found.level,
                "message": {"text": clean(&found.message)},
                "locations": location.map(location_document).into_iter().collect::<Vec<_>>(),
                "partialFingerprints": {"pgstrataDrift/v1": clean(&found.identity)},
            })
        })
        .collect();
    let rules: Vec<Value> = rules
        .iter()
        .map(|(id, text)| {
            json!({
                "id": id,
                "shortDescription": {"text": text},
                "help": {"text": "`pgstrata plan` shows the change with its SQL, locks and reason."},
            })
        })
        .collect();
    pretty(&json!({
        "$schema": "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {
                "name": "pgstrata",
                "semanticVersion": env!("CARGO_PKG_VERSION"),
                "rules": rules,
            }},
            // A run for each database: results of one must not close those of another.
            "automationDetails": {"id": format!("pgstrata/drift/{}/", uri_of(&plan.target.database))},
            "invocations": [{
                "executionSuccessful": drift.standing.unjudged.is_empty(),
                "endTimeUtc": plan.evaluated_at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
            }],
            "columnKind": "unicodeCodePoints",
            "results": results,
        }],
    }))
}

fn found<'a>(drift: &Drift<'a>) -> Vec<Found<'a>> {
    let mut all = Vec::new();
    // What a finding tells of is a result by itself.
    let of_steps = |item: &Item<'_>| item.changes > item.of_findings;
    for item in items(drift).into_iter().filter(|item| drift.fail_on.contains(&item.class) && of_steps(item)) {
        all.push(Found {
            rule: item.kind.code().to_owned(),
            description: item.kind.description(),
            level: match item.class {
                Class::Scheduled => "note",
                Class::Drift => "warning",
                Class::Overdue => "error",
            },
            table: item.table,
            message: match item.table {
                Some(table) => format!("{table}: {} {}", item.kind.description(), item.sentence()),
                None => format!("{} {}", item.kind.description(), item.sentence()),
            },
            identity: match item.table {
                Some(table) => format!("{} {} {table}", item.kind.code(), item.class.word()),
                None => format!("{} {}", item.kind.code(), item.class.word()),
            },
        });
    }
    // Several findings may be alike but for their words; as results they must be told apart.
    let mut seen = BTreeSet::new();
    for finding in &drift.plan.findings {
        let rule = code_word(finding);
        let names = [finding.table.as_ref().map(ToString::to_string), finding.object.as_ref().map(ToString::to_string)];
        let names: Vec<String> = names.into_iter().flatten().collect();
        let mut identity = names.iter().fold(rule.clone(), |identity, name| format!("{identity} {name}"));
        if !seen.insert(identity.clone()) {
            identity.push_str(&format!(" {}", finding.message));
        }
        let mut message = format!("{} {}", finding.code.description(), finding.message);
        for name in names.iter().rev() {
            message = format!("{name}: {message}");
        }
        if let Some(hint) = &finding.hint {
            message.push_str(&format!(" ({hint})"));
        }
        all.push(Found {
            description: finding.code.description(),
            level: match finding.code.level() {
                Level::Note => "note",
                Level::Warning => "warning",
                Level::Error => "error",
            },
            table: finding.table.as_ref(),
            rule,
            message,
            identity,
        });
    }
    all
}

fn location_document(location: &Location) -> Value {
    let Location { path, line, column } = location;
    json!({
        "physicalLocation": {
            "artifactLocation": {"uri": uri(path)},
            "region": {"startLine": line, "startColumn": column},
        },
    })
}

/// A path as a URI reference: relative paths are relative to the checkout.
fn uri(path: &str) -> String {
    let path = path.trim_start_matches("./");
    let scheme = if path.starts_with('/') { "file://" } else { "" };
    format!("{scheme}{}", uri_of(path))
}

/// RFC 3986, section 2: everything but unreserved characters and `/` by its bytes.
fn uri_of(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => char::from(byte).to_string(),
            byte => format!("%{byte:02X}"),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::Plan;
    use crate::render::testing::{all_kinds, busy, events, overdue};
    use crate::report::drift::{default_fail_on, drift as judge};

    fn log(plan: &Plan) -> Value {
        let policy = Location { path: "./my policies/a.yaml".to_owned(), line: 1, column: 1 };
        let table = Location { line: 3, column: 3, ..policy.clone() };
        let locations = Locations { policy: Some(policy), tables: BTreeMap::from([(events(), table)]) };
        serde_json::from_str(&drift(&judge(plan, &default_fail_on()), &locations)).unwrap()
    }

    /// What the standard's schema asks of the properties that we write.
    #[test]
    fn the_log_has_the_structure_of_the_standard() {
        for plan in [busy(), all_kinds()] {
            let log = log(&plan);
            assert_eq!(log["version"], "2.1.0");
            assert!(log["$schema"].as_str().unwrap().starts_with("https://"));
            let runs = log["runs"].as_array().unwrap();
            assert_eq!(runs.len(), 1);
            let driver = &runs[0]["tool"]["driver"];
            assert_eq!(driver["name"], "pgstrata");
            let rules = driver["rules"].as_array().unwrap();
            let ids: BTreeSet<&str> = rules.iter().map(|rule| rule["id"].as_str().unwrap()).collect();
            assert_eq!(ids.len(), rules.len(), "a rule is there once");
            assert!(rules.iter().all(|rule| rule["shortDescription"]["text"].as_str().unwrap().ends_with('.')));
            let results = runs[0]["results"].as_array().unwrap();
            assert!(!results.is_empty());
            let mut identities = BTreeSet::new();
            for result in results {
                let rule = result["ruleIndex"].as_u64().unwrap();
                assert_eq!(rules[usize::try_from(rule).unwrap()]["id"], result["ruleId"]);
                assert!(["note", "warning", "error"].contains(&result["level"].as_str().unwrap()));
                assert!(!result["message"]["text"].as_str().unwrap().contains(char::is_control));
                let place = &result["locations"][0]["physicalLocation"];
                assert_eq!(place["artifactLocation"]["uri"], "my%20policies/a.yaml");
                assert!(place["region"]["startLine"].as_u64().unwrap() >= 1);
                let print = result["partialFingerprints"]["pgstrataDrift/v1"].as_str().unwrap();
                assert!(identities.insert(print.to_owned()), "{print} twice");
            }
        }
    }

    #[test]
    fn results_point_at_their_table_and_scheduled_work_is_none() {
        let log = log(&overdue());
        let results = log["runs"][0]["results"].as_array().unwrap();
        assert!(results.iter().all(|result| result["locations"][0]["physicalLocation"]["region"]["startLine"] == 3));
        assert!(results.iter().all(|result| result["ruleId"] != "PARTITION_MISSING"), "premake is merely scheduled");
        let overdue = results.iter().find(|result| result["ruleId"] == "RETENTION_DUE").unwrap();
        assert_eq!(overdue["level"], "error");
        assert!(overdue["message"]["text"].as_str().unwrap().contains("overdue"));
        assert_eq!(log["runs"][0]["invocations"][0]["executionSuccessful"], true);
        assert_eq!(super::tests::log(&all_kinds())["runs"][0]["invocations"][0]["executionSuccessful"], false);
    }

    #[test]
    fn the_same_kind_is_the_same_result_the_next_night() {
        let mut plan = overdue();
        let prints = |plan: &Plan| -> BTreeSet<String> {
            let log = log(plan);
            let results = log["runs"][0]["results"].as_array().unwrap().clone();
            let changes = results.iter().filter(|result| result["ruleId"] == "RETENTION_DUE");
            changes.map(|result| result["partialFingerprints"].to_string()).collect()
        };
        let before = prints(&plan);
        assert!(!before.is_empty());
        let due = |plan: &Plan| plan.steps.iter().position(|step| step.action.word() == "detach").unwrap();
        let first = plan.steps.remove(due(&plan)).action.partition().cloned();
        plan.steps.retain(|step| step.action.partition() != first.as_ref());
        assert_eq!(prints(&plan), before);
    }

    #[test]
    fn paths_are_uri_references() {
        assert_eq!(uri("policies/a.yaml"), "policies/a.yaml");
        assert_eq!(uri("/etc/pgstrata/ä.yaml"), "file:///etc/pgstrata/%C3%A4.yaml");
        assert_eq!(uri("C:x"), "C%3Ax");
    }
}
