//! Drift → document.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::write::{FindingDocument, PlanDocument, document, pretty};
use crate::plan::{Class, Finding, PLAN_FORMAT};
use crate::render::sentences::drift_headline;
use crate::report::drift::{Drift, Verdict};

/// What `drift` found, as a document, the plan inside: pretty, ending in a newline.
pub fn drift(drift: &Drift<'_>) -> String {
    let Drift { by_class, fail_on, standing, verdict, plan } = drift;
    pretty(&DriftDocument {
        format_version: PLAN_FORMAT,
        message: drift_headline(drift),
        verdict: *verdict,
        fail_on,
        changes_by_class: by_class,
        counted: drift.counted(),
        unjudged: documents(&standing.unjudged),
        impossible: documents(&standing.impossible),
        unverified: standing.unverified.len(),
        plan: document(plan),
    })
}

fn documents<'a>(findings: &[&'a Finding]) -> Vec<FindingDocument<'a>> {
    findings.iter().map(|finding| FindingDocument::of(finding)).collect()
}

#[derive(Serialize)]
struct DriftDocument<'a> {
    format_version: &'a str,
    message: String,
    verdict: Verdict,
    fail_on: &'a BTreeSet<Class>,
    changes_by_class: &'a BTreeMap<Class, usize>,
    counted: usize,
    unjudged: Vec<FindingDocument<'a>>,
    impossible: Vec<FindingDocument<'a>>,
    unverified: usize,
    plan: PlanDocument<'a>,
}
