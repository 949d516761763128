//! `tests/scenarios/*`: inspect, plan, apply with the shipped executor, replan, compare the catalog; on a real server.
//!
//! Each folder has `policy.yaml`, `before.sql`, `now` and `plan.txt`; `after.sql` makes, from `before.sql`'s state, what
//! the catalog must look like afterwards; `residual.txt` is what a replan still wants (absent: nothing); `allow` lists
//! the grants (absent: all); `majors` lists the major versions it is for (absent: all).
//! `PGSTRATA_UPDATE=1` rewrites the goldens, `PGSTRATA_SCENARIO=word` runs the folders whose name contains it.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use pgstrata::plan::{GrantSource, Granted};

use crate::support::drive::{apply_now, desired, grant_all, plan_now};
use crate::support::lines::lines;
use crate::support::locks::LockWatch;
use crate::support::{TestDb, database, server};

#[test]
fn every_scenario_ends_as_written() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/scenarios");
    let wanted = std::env::var("PGSTRATA_SCENARIO").unwrap_or_default();
    let mut scenarios: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    scenarios.retain(|path| path.is_dir() && path.to_string_lossy().contains(&wanted));
    scenarios.sort();
    assert!(!scenarios.is_empty(), "no scenario is called {wanted}");
    let mut failures = Vec::new();
    for path in &scenarios {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if let Err(panic) = std::panic::catch_unwind(|| scenario(path, &name)) {
            let text = panic.downcast_ref::<String>().cloned().unwrap_or_else(|| "panicked".to_owned());
            failures.push(format!("{name}: {text}"));
        }
    }
    assert!(failures.is_empty(), "{} of {} scenarios:\n{}", failures.len(), scenarios.len(), failures.join("\n"));
}

fn scenario(path: &Path, name: &str) {
    let read = |file: &str| std::fs::read_to_string(path.join(file)).ok();
    let need = |file: &str| read(file).unwrap_or_else(|| panic!("{name} has no {file}"));
    let major = server().version().major;
    if let Some(majors) = read("majors")
        && !majors.split_whitespace().any(|wanted| wanted == major.to_string())
    {
        return;
    }
    let db = database(&format!("scenario_{}", name.replace('-', "_")));
    db.batch(&need("before.sql"));
    let desired = desired(&need("policy.yaml"));
    let now: Timestamp = need("now").trim().parse().expect("an instant");
    let grants: BTreeSet<Granted> = match read("allow") {
        None => grant_all(),
        Some(text) => text
            .split_whitespace()
            .map(|grant| Granted { grant: grant.parse().unwrap(), source: GrantSource::Flag })
            .collect(),
    };

    let (plan, _) = plan_now(db.url(), &desired, Some(now), &grants);
    golden(path, "plan.txt", &lines(&plan));

    let mut watch = LockWatch { client: db.client(), plan: &plan, compared: 0, wrong: Vec::new() };
    let outcome = apply_now(db.url(), &desired, Some(now), &grants, &mut watch);
    assert!(watch.wrong.is_empty(), "{}", watch.wrong.join("\n"));
    let transactions =
        plan.steps.iter().filter(|step| !step.gate.is_blocked() && step.unit == pgstrata::plan::Unit::Transaction);
    assert_eq!(watch.compared, transactions.count(), "every transaction's locks are compared: {:?}", outcome.results);

    let (again, _) = plan_now(db.url(), &desired, Some(now), &grants);
    let remains = again.steps.iter().map(|step| format!("{}\n", step.id)).collect::<String>();
    golden(path, "residual.txt", &remains);
    let shown = outcome.remains.expect("the catalog was read again");
    assert_eq!(lines(&shown), lines(&again), "what the outcome says remains is what remains");

    if let Some(after) = read("after.sql") {
        let expected = database(&format!("expected_{}", name.replace('-', "_")));
        expected.batch(&need("before.sql"));
        expected.batch(&after);
        assert_same(&describe(&expected), &describe(&db));
    }
}

/// Compares with a golden file; an absent one is empty.
fn golden(path: &Path, file: &str, found: &str) {
    let path = path.join(file);
    if std::env::var_os("PGSTRATA_UPDATE").is_some() {
        if found.is_empty() {
            let _ = std::fs::remove_file(&path);
        } else {
            std::fs::write(&path, found).unwrap();
        }
        return;
    }
    let expected = std::fs::read_to_string(&path).unwrap_or_default();
    assert_same(&expected, found);
}

fn assert_same(expected: &str, found: &str) {
    if expected != found {
        let diff = similar::TextDiff::from_lines(expected, found);
        panic!("{}", diff.unified_diff().context_radius(2).header("expected", "found"));
    }
}

/// The database's tables as text: OIDs and the times of markers masked.
fn describe(db: &TestDb) -> String {
    let rows = db.client().query(include_str!("support/describe.sql"), &[]).unwrap();
    let text: String = rows.iter().map(|row| format!("{}\n", row.get::<_, String>(0))).collect();
    let mut masked = String::new();
    for line in text.lines() {
        let line = match line.split_once("pgstrata: retired ") {
            Some((before, marker)) => {
                let mut marker: serde_json::Value = serde_json::from_str(marker).expect("a marker");
                for key in ["oid", "root_oid", "detached_at"] {
                    if let Some(value) = marker.get_mut(key) {
                        *value = "masked".into();
                    }
                }
                format!("{before}pgstrata: retired {marker}")
            }
            None => line.to_owned(),
        };
        masked.push_str(&line);
        masked.push('\n');
    }
    masked
}
