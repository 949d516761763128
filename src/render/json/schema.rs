//! The JSON Schemas (draft-07) of documents, written by hand: they promise less than the types do, so that those may
//! grow.

use serde_json::Value;

use super::write::pretty;

/// What a reader may rely on in plans of this major format; a minor version only adds.
pub fn plan_schema() -> &'static str {
    include_str!("../plan.schema.json")
}

/// The same of what [`drift`](super::drift()) writes.
pub fn drift_schema() -> String {
    with_plan(include_str!("../drift.schema.json"))
}

/// The same of a line of a [`Journal`](crate::apply::Journal).
pub fn journal_schema() -> &'static str {
    include_str!("../journal.schema.json")
}

/// The same of what [`outcome`](super::outcome()) writes.
pub fn outcome_schema() -> String {
    with_plan(include_str!("../outcome.schema.json"))
}

/// A schema that refers to `#/definitions/plan`, with all that this needs: a schema is one file.
fn with_plan(schema: &str) -> String {
    // Both are files of this crate, and the tests read them.
    let mut schema: Value = serde_json::from_str(schema).unwrap_or_default();
    let mut plan: Value = serde_json::from_str(plan_schema()).unwrap_or_default();
    let mut definitions = plan["definitions"].take();
    if let Value::Object(keywords) = &mut plan {
        keywords.retain(|keyword, _| !["$schema", "title", "definitions"].contains(&keyword.as_str()));
    }
    definitions["plan"] = plan;
    schema["definitions"] = definitions;
    pretty(&schema)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::apply::{Ended, Outcome, StepResult};
    use crate::db::Signal;
    use crate::plan::Plan;
    use crate::render::json::{drift, outcome, to_json};
    use crate::render::testing::{all_kinds, busy};
    use crate::report::drift::{default_fail_on, drift as judge};

    /// As much of draft-07 as the schema uses; a keyword that is not known fails.
    fn check(schema: &Value, root: &Value, value: &Value, at: &str, problems: &mut Vec<String>) {
        let Value::Object(keywords) = schema else { panic!("{at}: a schema is an object") };
        for (keyword, rule) in keywords {
            match keyword.as_str() {
                "$schema" | "$id" | "title" | "description" | "definitions" => {}
                "$ref" => {
                    let pointer = rule.as_str().unwrap().trim_start_matches('#');
                    check(root.pointer(pointer).unwrap(), root, value, at, problems);
                }
                "anyOf" => {
                    let fits = |rule: &Value| {
                        let mut problems = Vec::new();
                        check(rule, root, value, at, &mut problems);
                        problems
                    };
                    let tried: Vec<_> = rule.as_array().unwrap().iter().map(fits).collect();
                    if tried.iter().all(|problems| !problems.is_empty()) {
                        problems.extend(tried.into_iter().flatten());
                    }
                }
                "type" => {
                    let several = rule.as_array().cloned().unwrap_or_else(|| vec![rule.clone()]);
                    let kinds: Vec<&str> = several.iter().map(|kind| kind.as_str().unwrap()).collect();
                    let is = |kind: &str| match kind {
                        "object" => value.is_object(),
                        "array" => value.is_array(),
                        "string" => value.is_string(),
                        "integer" => value.is_i64() || value.is_u64(),
                        "boolean" => value.is_boolean(),
                        "null" => value.is_null(),
                        other => panic!("type {other}"),
                    };
                    if !kinds.iter().any(|kind| is(kind)) {
                        problems.push(format!("{at}: {value} is no {rule}"));
                    }
                }
                "required" => {
                    for key in rule.as_array().unwrap() {
                        if value.get(key.as_str().unwrap()).is_none() {
                            problems.push(format!("{at}: {key} is missing"));
                        }
                    }
                }
                "properties" => {
                    for (key, rule) in rule.as_object().unwrap() {
                        if let Some(value) = value.get(key) {
                            check(rule, root, value, &format!("{at}.{key}"), problems);
                        }
                    }
                    // The schema tolerates more; this version writes nothing that it leaves out.
                    for key in value.as_object().into_iter().flatten().map(|(key, _)| key) {
                        if rule.get(key).is_none() {
                            problems.push(format!("{at}.{key} is not in the schema"));
                        }
                    }
                }
                "items" => {
                    for (index, value) in value.as_array().into_iter().flatten().enumerate() {
                        check(rule, root, value, &format!("{at}[{index}]"), problems);
                    }
                }
                "additionalProperties" => {
                    for (key, value) in value.as_object().into_iter().flatten() {
                        check(rule, root, value, &format!("{at}.{key}"), problems);
                    }
                }
                "pattern" => assert_eq!(rule, "^1\\.[0-9]+$", "the only pattern that this check knows"),
                other => panic!("{at}: keyword {other}"),
            }
        }
    }

    fn problems(schema: &str, document: &str) -> Vec<String> {
        let (schema, document): (Value, Value) =
            (serde_json::from_str(schema).unwrap(), serde_json::from_str(document).unwrap());
        let mut problems = Vec::new();
        check(&schema, &schema, &document, "document", &mut problems);
        problems
    }

    /// A plan carried out with every kind of result.
    fn carried_out(plan: Plan, ended: Ended) -> Outcome {
        let kinds = [
            StepResult::Applied { retries: 3 },
            StepResult::AlreadySatisfied,
            StepResult::Blocked(vec!["because".to_owned()]),
            StepResult::Postponed("because".to_owned()),
            StepResult::Skipped("because".to_owned()),
            StepResult::Superseded { because: "because".to_owned(), wanted: true },
            StepResult::Failed { error: "because".to_owned(), lock_spent: true },
            StepResult::NotReached,
        ];
        let results: Vec<_> = plan.steps.iter().map(|step| step.id.clone()).zip(kinds.into_iter().cycle()).collect();
        assert!(results.len() >= 7);
        let due_since = vec![plan.steps[0].id.clone()];
        let remains = (ended == Ended::Complete).then(|| plan.clone());
        Outcome { plan, results, ended, committed: true, remains, due_since }
    }

    #[test]
    fn documents_are_what_their_schemas_say() {
        for plan in [busy(), all_kinds()] {
            assert_eq!(problems(plan_schema(), &to_json(&plan)), Vec::<String>::new());
            assert_eq!(problems(&drift_schema(), &drift(&judge(&plan, &default_fail_on()))), Vec::<String>::new());
            for ended in [Ended::Complete, Ended::Interrupted(Signal::Int), Ended::Lost("because".to_owned())] {
                let document = outcome(&carried_out(plan.clone(), ended));
                assert_eq!(problems(&outcome_schema(), &document), Vec::<String>::new());
            }
        }
    }

    #[test]
    fn the_schemas_miss_what_is_missing() {
        let mut plan: Value = serde_json::from_str(&to_json(&busy())).unwrap();
        plan["steps"][0].as_object_mut().unwrap().remove("locks");
        plan["summary"]["create"] = Value::from("7");
        assert_eq!(problems(plan_schema(), &plan.to_string()).len(), 2);
        let mut document: Value = serde_json::from_str(&drift(&judge(&busy(), &default_fail_on()))).unwrap();
        document["plan"] = plan.clone();
        assert_eq!(problems(&drift_schema(), &document.to_string()).len(), 2);
        let mut document: Value = serde_json::from_str(&outcome(&carried_out(busy(), Ended::Complete))).unwrap();
        document["remains"] = plan;
        assert_eq!(problems(&outcome_schema(), &document.to_string()).len(), 3, "nor is it null");
    }
}
