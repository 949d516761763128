//! Outputs of a GitHub Actions step: lines for the file that `GITHUB_OUTPUT` names.

use super::outline::all_changes;
use crate::plan::Plan;
use crate::report::drift::{default_fail_on, drift};

/// `changes`, `drift` and `blocked`: how many changes a plan has, how many of them are drift or overdue, how many may
/// not be carried out. Numbers, so that no value can be more than a line.
pub fn outputs(plan: &Plan) -> String {
    let found = drift(plan, &default_fail_on());
    let blocked = all_changes(plan).iter().filter(|change| change.is_blocked()).count();
    let errors = found.standing.unjudged.len() + found.standing.impossible.len();
    let (all, counted) = (found.counted() + found.not_counted(), found.counted());
    format!("changes={all}\ndrift={counted}\nblocked={blocked}\nerrors={errors}\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::testing::busy;

    #[test]
    fn outputs_are_the_counts_of_drift() {
        assert_eq!(outputs(&busy()), "changes=11\ndrift=5\nblocked=2\nerrors=0\n");
    }
}
