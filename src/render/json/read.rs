//! Document → plan: what the file derives is derived again and compared, so that no reviewer reads other SQL than runs.

use std::collections::BTreeSet;

use serde::Deserialize;
use serde_json::error::Category;

use super::write::{Derived, derived};
use crate::plan::{Level, PLAN_FORMAT, Plan, StepId, Summary};

/// Files larger than this are no plan that this program wrote.
pub const MAX_PLAN_BYTES: usize = 256 * 1024 * 1024;

/// Why a file is not a plan that may be shown or applied.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PlanFileError {
    /// More than [`MAX_PLAN_BYTES`].
    #[error("the file has {0} bytes, more than any plan")]
    TooLarge(usize),
    /// It ends early.
    #[error("the file ends in the middle, at line {line}: was it copied whole?")]
    Truncated {
        /// Where it ends.
        line: usize,
    },
    /// Not JSON.
    #[error("the file is not JSON: {0}")]
    NotJson(String),
    /// JSON, and not a plan.
    #[error("the file is not a plan: {0}")]
    NotAPlan(String),
    /// Written by a version whose plans this one cannot read.
    #[error("the plan has format {found}, this pgstrata reads {PLAN_FORMAT}: {because}")]
    Newer {
        /// The file's format.
        found: String,
        /// What cannot be read.
        because: String,
    },
    /// What a reader sees is not what would run.
    #[error("the plan was changed after it was made: {what}{of} is `{found}`, where its data say `{expected}`", of = of(step.as_ref()))]
    Forged {
        /// The step, if it is about one.
        step: Option<StepId>,
        /// Which part of it.
        what: String,
        /// What the file says.
        found: String,
        /// What follows from the file's typed data.
        expected: String,
    },
}

fn of(step: Option<&StepId>) -> String {
    step.map_or_else(String::new, |step| format!(" of step `{step}`"))
}

#[derive(Deserialize)]
struct Head {
    format_version: String,
}

#[derive(Deserialize)]
struct Claims {
    steps: Vec<Derived>,
    findings: Vec<Claim>,
}

#[derive(Deserialize)]
struct Claim {
    level: Level,
}

/// Reads a plan document. Keys that are not known are tolerated, as a newer minor format may add some; whatever follows
/// from the typed data (SQL, locks, blocks, levels, counts) is compared with it, and a difference refuses the file.
///
/// Whether the plan still fits the database and the policy is the business of [`verify`](crate::plan::verify) and of
/// the facts that each step carries.
///
/// # Errors
/// [`PlanFileError`] says what is wrong with the file.
pub fn from_json(text: &str) -> Result<Plan, PlanFileError> {
    read(text, MAX_PLAN_BYTES)
}

fn read(text: &str, limit: usize) -> Result<Plan, PlanFileError> {
    if text.len() > limit {
        return Err(PlanFileError::TooLarge(text.len()));
    }
    let Head { format_version } = serde_json::from_str(text).map_err(|error| classify(&error))?;
    let minor = readable(&format_version)?;
    let unread = |error: serde_json::Error| match (error.classify(), minor) {
        (Category::Data, Minor::Newer) => {
            PlanFileError::Newer { found: format_version.clone(), because: error.to_string() }
        }
        (
            Category::Data | Category::Io | Category::Syntax | Category::Eof,
            Minor::Known | Minor::Newer | Minor::OtherMajor,
        ) => classify(&error),
    };
    let plan: Plan = serde_json::from_str(text).map_err(unread)?;
    let claims: Claims = serde_json::from_str(text).map_err(unread)?;
    compare(&plan, &claims)?;
    Ok(plan)
}

fn classify(error: &serde_json::Error) -> PlanFileError {
    match error.classify() {
        Category::Eof => PlanFileError::Truncated { line: error.line() },
        Category::Syntax | Category::Io => PlanFileError::NotJson(error.to_string()),
        Category::Data => PlanFileError::NotAPlan(error.to_string()),
    }
}

/// How a document's format compares with ours.
#[derive(Clone, Copy)]
pub(super) enum Minor {
    Known,
    Newer,
    OtherMajor,
}

/// Another major is another language; a newer minor may say something that is not known here.
fn readable(found: &str) -> Result<Minor, PlanFileError> {
    match minor_of(found, PLAN_FORMAT) {
        None => Err(PlanFileError::NotAPlan("its format_version is no version".to_owned())),
        Some(Minor::OtherMajor) => {
            let because = "make the plan again with this version".to_owned();
            Err(PlanFileError::Newer { found: found.to_owned(), because })
        }
        Some(minor @ (Minor::Known | Minor::Newer)) => Ok(minor),
    }
}

/// `None` where there is no `major.minor`.
pub(super) fn minor_of(found: &str, ours: &str) -> Option<Minor> {
    let parts = |text: &str| {
        let (major, minor) = text.split_once('.')?;
        Some((major.parse::<u32>().ok()?, minor.parse::<u32>().ok()?))
    };
    let (major, minor) = parts(found)?;
    let (our_major, our_minor) = parts(ours)?;
    Some(match (major == our_major, minor > our_minor) {
        (false, _) => Minor::OtherMajor,
        (true, true) => Minor::Newer,
        (true, false) => Minor::Known,
    })
}

fn compare(plan: &Plan, claims: &Claims) -> Result<(), PlanFileError> {
    let mut ids = BTreeSet::new();
    for (step, claim) in plan.steps.iter().zip(&claims.steps) {
        let forged = |what: String, found: String, expected: String| {
            Err(PlanFileError::Forged { step: Some(step.id.clone()), what, found, expected })
        };
        if !ids.insert(&step.id) {
            return forged("the id".to_owned(), "used twice".to_owned(), "one step".to_owned());
        }
        let own = derived(step, plan.target.major());
        if let Some((at, found, expected)) = first_difference(&claim.sql, &own.sql) {
            return forged(format!("statement {at}"), found, expected);
        }
        let as_words = |derived: &Derived| derived.locks.iter().map(|lock| format!("{lock:?}")).collect::<Vec<_>>();
        if let Some((at, found, expected)) = first_difference(&as_words(claim), &as_words(&own)) {
            return forged(format!("lock {at}"), found, expected);
        }
        if claim.blocked != own.blocked {
            return forged("blocked".to_owned(), claim.blocked.to_string(), own.blocked.to_string());
        }
        if let Some((at, found, expected)) = first_difference(&claim.blocked_because, &own.blocked_because) {
            return forged(format!("reason {at} to be blocked"), found, expected);
        }
    }
    let forged = |what: &str, found: String, expected: String| {
        Err(PlanFileError::Forged { step: None, what: what.to_owned(), found, expected })
    };
    for (finding, claim) in plan.findings.iter().zip(&claims.findings) {
        let level = finding.code.level();
        if claim.level != level {
            return forged("a finding's level", format!("{:?}", claim.level), format!("{level:?}"));
        }
    }
    let summary = Summary::of(&plan.steps);
    if plan.summary != summary {
        return forged("the summary", format!("{:?}", plan.summary), format!("{summary:?}"));
    }
    let hash = plan.policy.hash();
    if plan.policy_hash != hash {
        return forged("the policy's hash", plan.policy_hash.to_string(), hash.to_string());
    }
    if plan.applyable != plan.not_applyable_because.is_none() {
        let expected = plan.not_applyable_because.is_none();
        return forged("applyable", plan.applyable.to_string(), expected.to_string());
    }
    Ok(())
}

/// The first place, counted from 1, where two lists differ.
fn first_difference(found: &[String], expected: &[String]) -> Option<(usize, String, String)> {
    let longest = found.len().max(expected.len());
    (0..longest).find(|at| found.get(*at) != expected.get(*at)).map(|at| {
        let say = |list: &[String]| list.get(at).cloned().unwrap_or_else(|| "nothing".to_owned());
        (at + 1, say(found), say(expected))
    })
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::render::json::to_json;
    use crate::render::testing::{all_kinds, busy};

    fn changed(change: impl FnOnce(&mut Value)) -> Result<Plan, PlanFileError> {
        let mut document: Value = serde_json::from_str(&to_json(&all_kinds())).unwrap();
        change(&mut document);
        from_json(&document.to_string())
    }

    fn step<'a>(document: &'a mut Value, id: &str) -> &'a mut Value {
        let steps = document["steps"].as_array_mut().unwrap();
        steps.iter_mut().find(|step| step["id"] == id).unwrap()
    }

    const DROP: &str = "drop public.events_p20251205";

    #[test]
    fn a_plan_survives_its_file() {
        for plan in [busy(), all_kinds()] {
            let text = to_json(&plan);
            let read = from_json(&text).unwrap();
            assert_eq!(read, plan);
            assert_eq!(to_json(&read), text);
            assert!(text.ends_with("}\n"));
        }
    }

    #[test]
    fn what_a_newer_minor_adds_is_tolerated() {
        let read = changed(|document| {
            document["format_version"] = json!("1.7");
            document["mood"] = json!("good");
            step(document, DROP)["colour"] = json!(["red"]);
        });
        assert_eq!(read.unwrap().steps, all_kinds().steps);
    }

    #[test]
    fn files_that_are_no_plans_are_told_apart() {
        let text = to_json(&busy());
        assert_eq!(
            from_json(&text[..text.len() / 2]),
            Err(PlanFileError::Truncated { line: text[..text.len() / 2].lines().count() })
        );
        assert_eq!(from_json(""), Err(PlanFileError::Truncated { line: 1 }));
        assert!(matches!(from_json("version: 1\n"), Err(PlanFileError::NotJson(_))));
        assert!(matches!(from_json(&format!("{text}x")), Err(PlanFileError::NotJson(_))));
        for other in ["[]", "{}", "3", r#"{"format_version": "1.0"}"#, r#"{"format_version": "one"}"#] {
            assert!(matches!(from_json(other), Err(PlanFileError::NotAPlan(_))), "{other}");
        }
        let major = changed(|document| document["format_version"] = json!("2.0"));
        assert!(matches!(major, Err(PlanFileError::Newer { found, .. }) if found == "2.0"));
        let minor = changed(|document| {
            document["format_version"] = json!("1.1");
            step(document, DROP)["action"]["kind"] = json!("rename_partition");
        });
        assert!(matches!(minor, Err(PlanFileError::Newer { found, .. }) if found == "1.1"));
        let deep = "[".repeat(100_000);
        assert!(matches!(from_json(&deep), Err(PlanFileError::NotJson(_) | PlanFileError::NotAPlan(_))));
        assert_eq!(read(&text, text.len() - 1), Err(PlanFileError::TooLarge(text.len())));
        assert!(read(&text, text.len()).is_ok());
        let twice = text.replacen("\"steps\": [", "\"steps\": [], \"steps\": [", 1);
        assert!(matches!(from_json(&twice), Err(PlanFileError::NotAPlan(error)) if error.contains("duplicate")));
    }

    #[test]
    fn nothing_that_is_derived_may_say_something_else() {
        let plain = changed(|_| {});
        assert_eq!(plain, Ok(all_kinds()));
        type Change = fn(&mut Value);
        let changes: [(&str, Change); 12] = [
            ("statement 9", |document| step(document, DROP)["sql"][8] = json!("DROP TABLE public.other")),
            ("statement 11", |document| {
                step(document, DROP)["sql"].as_array_mut().unwrap().push(json!("DROP TABLE public.other"));
            }),
            // The action too: the SQL that reviewers saw is then another's.
            ("statement 8", |document| {
                step(document, DROP)["action"]["retired"]["partition"]["name"] = json!("public.other");
            }),
            ("lock 1", |document| step(document, DROP)["locks"][0]["mode"] = json!("SHARE")),
            ("lock 1", |document| step(document, DROP)["locks"] = json!([])),
            ("blocked", |document| step(document, DROP)["blocked"] = json!(false)),
            ("reason 1 to be blocked", |document| step(document, DROP)["blocked_because"][0] = json!("no reason")),
            ("blocked", |document| step(document, DROP)["gate"] = json!({"state": "open"})),
            ("the id", |document| {
                let first = document["steps"][0].clone();
                document["steps"].as_array_mut().unwrap().push(first);
            }),
            ("a finding's level", |document| {
                let findings = document["findings"].as_array_mut().unwrap();
                findings.iter_mut().find(|finding| finding["level"] != "error").unwrap()["level"] = json!("error");
            }),
            ("the summary", |document| document["summary"]["drop"] = json!(0)),
            ("the policy's hash", |document| document["policy"]["apply"]["max_create"] = json!(1)),
        ];
        for (part, change) in changes {
            match changed(change) {
                Err(PlanFileError::Forged { what, .. }) => assert_eq!(what, part),
                other => panic!("{part}: {:?}", other.map(|_| "a plan")),
            }
        }
        let error = changed(|document| step(document, DROP)["sql"][8] = json!("SELECT 1")).unwrap_err();
        assert_eq!(
            error.to_string(),
            "the plan was changed after it was made: statement 9 of step `drop public.events_p20251205` is `SELECT 1`, \
             where its data say `DROP TABLE public.events_p20251205 RESTRICT`"
        );
        let error = changed(|document| document["applyable"] = json!(false)).unwrap_err();
        assert!(matches!(error, PlanFileError::Forged { step: None, .. }));
    }
}
