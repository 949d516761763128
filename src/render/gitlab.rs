//! Counts for GitLab's merge request widget: the content of an `artifacts:reports:terraform` file.

use serde::Serialize;

use super::json::pretty;
use super::outline::all_changes;
use crate::plan::{Plan, Verb};
use crate::report::standing::Standing;

/// The three counts of GitLab's report. A partition that leaves is one deletion, also where it is detached and dropped
/// by the same plan.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
struct Counts {
    create: usize,
    update: usize,
    delete: usize,
}

/// `{"create": 7, "update": 1, "delete": 4}`, ending in a newline.
pub fn plan(plan: &Plan) -> String {
    let mut counts = Counts::default();
    for change in all_changes(plan) {
        match change.lead.action.verb() {
            Verb::Create => counts.create += 1,
            Verb::Finalize | Verb::Change => counts.update += 1,
            // The stamp of a detach that was carried out before: nothing leaves by it.
            Verb::Detach if change.lead.action.word() == "stamp" => counts.update += 1,
            Verb::Detach | Verb::Drop => counts.delete += 1,
        }
    }
    // The widget knows no other word for what is not as the policy says.
    let standing = Standing::of(plan);
    counts.update += standing.beyond_steps() + standing.impossible.len();
    pretty(&counts)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::changes_by_class;
    use crate::render::testing::{all_kinds, busy};

    #[test]
    fn each_change_counts_once() {
        for made in [busy(), all_kinds()] {
            let text = plan(&made);
            assert!(text.ends_with("}\n"));
            let counts: serde_json::Value = serde_json::from_str(&text).unwrap();
            let count = |key: &str| usize::try_from(counts[key].as_u64().unwrap()).unwrap();
            assert_eq!(count("create"), made.summary.create as usize);
            let update = count("update") - Standing::of(&made).beyond_steps() - Standing::of(&made).impossible.len();
            assert_eq!(update, made.summary.change as usize);
            let all = count("create") + count("update") + count("delete");
            let standing = Standing::of(&made);
            let beside = standing.beyond_steps() + standing.impossible.len();
            assert_eq!(all, changes_by_class(&made).values().sum::<usize>() + beside);
            assert_eq!(counts.as_object().unwrap().len(), 3);
        }
    }
}
