//! Drift as JUnit XML, as Jenkins, GitLab and GitHub's test reporters read it: a suite for each table, a case for each
//! kind of drift, so that a case has a history.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::{self, Write};

use super::sentences::code_word;
use super::xml::escape;
use crate::plan::{Code, Finding, Level};
use crate::report::drift::Drift;
use crate::report::items::{Item, Kind, items};
use crate::sql::TableName;

/// A test case, and what became of it.
struct Case {
    name: String,
    result: Outcome,
}

enum Outcome {
    Passed,
    /// `<failure>`: its type, and what is wrong.
    Failed(&'static str, String),
    /// `<error>`: it could not be judged.
    Unjudged(String, String),
    /// `<skipped>`: somebody holds it.
    Held(String),
    /// Passed, with something to look at.
    Remarked(String),
}

/// Writes what `drift` found as JUnit XML. Changes of classes that count are failures, what could not be judged is an
/// error, and what a hold keeps is skipped.
///
/// # Errors
/// What `out` refuses.
pub fn drift(drift: &Drift<'_>, out: &mut dyn Write) -> fmt::Result {
    let suites = suites(drift);
    let count = |cases: &[Case], is: fn(&Outcome) -> bool| cases.iter().filter(|case| is(&case.result)).count();
    let failed: fn(&Outcome) -> bool = |outcome| matches!(outcome, Outcome::Failed(..));
    let unjudged: fn(&Outcome) -> bool = |outcome| matches!(outcome, Outcome::Unjudged(..));
    let held: fn(&Outcome) -> bool = |outcome| matches!(outcome, Outcome::Held(_));
    let total = |is: fn(&Outcome) -> bool| suites.iter().map(|(_, cases)| count(cases, is)).sum::<usize>();

    writeln!(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>")?;
    writeln!(
        out,
        "<testsuites name=\"pgstrata drift\" tests=\"{}\" failures=\"{}\" errors=\"{}\" time=\"0\">",
        total(|_| true),
        total(failed),
        total(unjudged),
    )?;
    // The format's own: seconds, and no offset.
    let at = drift.plan.evaluated_at.strftime("%Y-%m-%dT%H:%M:%S");
    for (suite, cases) in &suites {
        writeln!(
            out,
            "  <testsuite name=\"{}\" tests=\"{}\" failures=\"{}\" errors=\"{}\" skipped=\"{}\" time=\"0\" timestamp=\"{at}\" hostname=\"{}\">",
            escape(suite),
            cases.len(),
            count(cases, failed),
            count(cases, unjudged),
            count(cases, held),
            escape(&drift.plan.target.host),
        )?;
        for case in cases {
            write_case(suite, case, out)?;
        }
        writeln!(out, "  </testsuite>")?;
    }
    writeln!(out, "</testsuites>")
}

fn write_case(suite: &str, Case { name, result }: &Case, out: &mut dyn Write) -> fmt::Result {
    let open = format!("    <testcase name=\"{}\" classname=\"{}\" time=\"0\"", escape(name), escape(suite));
    match result {
        Outcome::Passed => writeln!(out, "{open}/>"),
        Outcome::Failed(class, message) => {
            writeln!(out, "{open}>\n      <failure type=\"{class}\" message=\"{}\"/>", escape(message))?;
            writeln!(out, "    </testcase>")
        }
        Outcome::Unjudged(code, message) => {
            writeln!(out, "{open}>\n      <error type=\"{}\" message=\"{}\"/>", escape(code), escape(message))?;
            writeln!(out, "    </testcase>")
        }
        Outcome::Held(message) => {
            writeln!(out, "{open}>\n      <skipped message=\"{}\"/>\n    </testcase>", escape(message))
        }
        Outcome::Remarked(message) => {
            writeln!(out, "{open}>\n      <system-out>{}</system-out>\n    </testcase>", escape(message))
        }
    }
}

/// By table; what concerns no single table comes first, under the database's name.
fn suites(drift: &Drift<'_>) -> Vec<(String, Vec<Case>)> {
    let plan = drift.plan;
    let items = items(drift);
    let mut findings: BTreeMap<Option<&TableName>, Vec<&Finding>> = BTreeMap::new();
    for finding in &plan.findings {
        findings.entry(finding.table.as_ref()).or_default().push(finding);
    }
    let judged: BTreeSet<&TableName> = plan.tables.iter().map(|overview| &overview.table).collect();
    let mut tables = judged.clone();
    tables.extend(findings.keys().flatten());
    let mut suites = Vec::new();
    let of_no_table = Kind::ALL.into_iter().filter(|kind| kind.is_of_no_table() && kind.is_looked_at(plan));
    let mut about_all: Vec<Case> = of_no_table.map(|kind| kind_case(drift, &items, None, kind)).collect();
    about_all.extend(cases(&findings.remove(&None).unwrap_or_default()));
    if !about_all.is_empty() {
        suites.push((format!("database {}", plan.target.database), about_all));
    }
    for table in tables {
        let mut all = Vec::new();
        if judged.contains(table) {
            let kinds = Kind::ALL.into_iter().filter(|kind| !kind.is_of_no_table());
            all.extend(kinds.map(|kind| kind_case(drift, &items, Some(table), kind)));
        }
        all.extend(cases(&findings.remove(&Some(table)).unwrap_or_default()));
        suites.push((table.to_string(), all));
    }
    suites
}

fn kind_case(drift: &Drift<'_>, items: &[Item<'_>], table: Option<&TableName>, kind: Kind) -> Case {
    let own = || items.iter().filter(|item| item.table == table && item.kind == kind);
    let counted: Vec<&Item<'_>> = own().filter(|item| drift.fail_on.contains(&item.class)).collect();
    let result = match counted.last() {
        Some(worst) => {
            let sentences: Vec<String> = counted.iter().map(|item| item.sentence()).collect();
            Outcome::Failed(worst.class.word(), format!("{} {}", kind.description(), sentences.join(". ")))
        }
        None => Outcome::Passed,
    };
    Case { name: kind.code().to_owned(), result }
}

/// Findings as cases; notes that no hold is behind are nothing to test.
fn cases(findings: &[&Finding]) -> Vec<Case> {
    let case = |finding: &&Finding| {
        let mut message = format!("{} {}", finding.code.description(), finding.message);
        if let Some(hint) = &finding.hint {
            message.push_str(&format!(" ({hint})"));
        }
        let code = code_word(finding);
        let name = match &finding.object {
            Some(object) => format!("{code} {object}"),
            None => code.clone(),
        };
        let result = match (finding.code.level(), finding.code == Code::Held) {
            (_, true) => Outcome::Held(message),
            (Level::Error, _) => Outcome::Unjudged(code, message),
            (Level::Warning, _) => Outcome::Remarked(message),
            (Level::Note, _) => return None,
        };
        Some(Case { name, result })
    };
    // What counts as drift is a case of its kind already.
    findings.iter().filter(|finding| finding.code.unmet().class().is_none()).filter_map(case).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::{Plan, PlanOptions};
    use crate::render::testing::{EVENTS, World, all_kinds, busy, desired, events, now, overdue};
    use crate::report::drift::{default_fail_on, drift as judge};

    fn text(plan: &Plan) -> String {
        let mut text = String::new();
        drift(&judge(plan, &default_fail_on()), &mut text).unwrap();
        text
    }

    /// The value of an attribute of the first element of a name from `at` on.
    fn number(text: &str, element: &str, attribute: &str) -> usize {
        let tag = text.split_once(&format!("<{element} ")).unwrap().1.split_once('>').unwrap().0;
        let value = tag.split_once(&format!(" {attribute}=\"")).unwrap().1;
        value.split_once('"').unwrap().0.parse().unwrap()
    }

    /// Every element is closed where it was opened, and text has none of what XML forbids.
    fn well_formed(text: &str) {
        let (head, mut rest) = text.split_once('\n').unwrap();
        assert_eq!(head, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>");
        let mut open = Vec::new();
        while let Some((before, after)) = rest.split_once('<') {
            assert!(!before.contains('>'), "{before}");
            let (tag, after) = after.split_once('>').unwrap();
            assert!(!tag.contains('<') && tag.matches('"').count() % 2 == 0, "{tag}");
            match tag.strip_prefix('/') {
                Some(name) => assert_eq!(open.pop(), Some(name)),
                None if tag.ends_with('/') => {}
                None => open.push(tag.split(' ').next().unwrap()),
            }
            rest = after;
        }
        assert!(open.is_empty() && rest == "\n", "{open:?} {rest}");
        for reference in text.split('&').skip(1) {
            assert!(["amp;", "lt;", "gt;", "quot;", "apos;"].iter().any(|name| reference.starts_with(name)));
        }
    }

    #[test]
    fn the_counts_are_those_of_the_cases() {
        for plan in [busy(), all_kinds()] {
            let text = text(&plan);
            for (element, attribute) in [("testcase ", "tests"), ("failure ", "failures"), ("error ", "errors")] {
                let there = text.matches(&format!("<{element}")).count();
                assert_eq!(number(&text, "testsuites", attribute), there, "{attribute}");
                let in_suites: usize = text
                    .split("<testsuite ")
                    .skip(1)
                    .map(|suite| number(&format!("<testsuite {suite}"), "testsuite", attribute))
                    .sum();
                assert_eq!(in_suites, there, "{attribute} of suites");
            }
            well_formed(&text);
        }
    }

    #[test]
    fn drift_fails_what_is_unjudged_errs_and_what_is_due_passes() {
        let text = text(&overdue());
        assert!(
            text.contains("<testcase name=\"PARTITION_MISSING\" classname=\"public.events\" time=\"0\"/>"),
            "{text}"
        );
        assert!(text.contains("<failure type=\"overdue\" message=\""), "{text}");
        let text = super::tests::text(&all_kinds());
        assert!(text.contains("<testsuite name=\"public.gone\" tests=\"1\" failures=\"0\" errors=\"1\""), "{text}");
        assert!(text.contains("<error type=\"TABLE_MISSING\" message=\""));
        assert!(text.contains("&quot;Sales `x`&quot;.&quot;Orders|*&lt;b&gt;&quot;"));
    }

    #[test]
    fn a_held_partition_is_skipped() {
        let mut world = World::new();
        world.table(&events());
        world.days(&events(), "2025-12-01", "2026-03-22");
        let holds =
            "holds:\n  matter: {tables: [public.events], from: 2025-12-01, to: 2026-01-01, reason: discovery}\n";
        let plan = world.plan(&desired(&format!("{EVENTS}{holds}")), &PlanOptions::at(now()));
        let text = text(&plan);
        let skipped = text.matches("<skipped message=\"").count();
        assert!(skipped > 0 && number(&text, "testsuite", "skipped") == skipped, "{text}");
    }
}
