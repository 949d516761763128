//! The JSON Schema (draft-07) of a plan document.

/// What a reader may rely on in documents of this major format; a minor version only adds.
///
/// Written by hand: it promises less than the types do, so that they may grow.
pub fn plan_schema() -> &'static str {
    include_str!("../plan.schema.json")
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::plan_schema;
    use crate::render::json::to_json;
    use crate::render::testing::{all_kinds, busy};

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

    fn problems(document: &Value) -> Vec<String> {
        let schema: Value = serde_json::from_str(plan_schema()).unwrap();
        let mut problems = Vec::new();
        check(&schema, &schema, document, "plan", &mut problems);
        problems
    }

    #[test]
    fn documents_are_what_the_schema_says() {
        for plan in [busy(), all_kinds()] {
            let document: Value = serde_json::from_str(&to_json(&plan)).unwrap();
            assert_eq!(problems(&document), Vec::<String>::new());
        }
    }

    #[test]
    fn the_schema_misses_what_is_missing() {
        let mut document: Value = serde_json::from_str(&to_json(&busy())).unwrap();
        document["steps"][0].as_object_mut().unwrap().remove("locks");
        document["summary"]["create"] = Value::from("7");
        assert_eq!(problems(&document).len(), 2);
    }
}
