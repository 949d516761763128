//! `tests/scenarios/*`: inspect, plan, apply with the shipped executor, replan, compare the catalog; on a real server.
//!
//! Each folder has `policy.yaml`, `before.sql` and `now`, and these where they say something:
//!
//! | file | is |
//! | --- | --- |
//! | `plan.txt` | what is planned, and found; absent: nothing |
//! | `after.sql` | makes, from `before.sql`'s state and with plain DDL, what the catalog must look like afterwards; absent: nothing changes |
//! | `outcome.txt` | what became of each step that was neither done nor blocked, or why nothing may run; absent: everything was done |
//! | `residual.txt` | what a replan still wants; absent: nothing |
//! | `allow` | the grants; absent: all |
//! | `role` | who connects and applies; absent: the superuser |
//! | `cluster.sql` | roles and tablespaces, which all databases share: a statement a line, run once. They are named after the scenario |
//! | `pending` | `parent leaf` a line: detaches that are interrupted half-way, after `before.sql` |
//! | `vacuum` | tables that are vacuumed after `before.sql`, a line each |
//! | `majors` | the major versions it is for; absent: all |
//!
//! Each plan is saved as well, read back and applied to a copy: it is never stale, and ends as it does without the file.
//! On one major (17, or what `PGSTRATA_FOUR_WAYS` names) that is done four ways: with the scenario's grants, with every
//! grant, with none, and with `--table` of each table; and each file is judged under the others' grants.
//!
//! `PGSTRATA_UPDATE=1` rewrites the goldens, `PGSTRATA_SCENARIO=word` runs the folders whose name contains it.

mod golden;
mod outcome;
mod saved;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use jiff::Timestamp;
use pgstrata::plan::{GrantSource, Granted, Unit};

use self::golden::{assert_same, describe, golden};
use self::outcome::{left_over, never_green_beside_an_unmet_want, same_plan};
use crate::support::drive::{desired, grant_all, plan_now, try_apply};
use crate::support::lines::lines;
use crate::support::locks::LockWatch;
use crate::support::{TestDb, database, explain, server};

/// A scenario mostly waits for the server.
const SIDE_BY_SIDE: usize = 4;

#[test]
fn every_scenario_ends_as_written() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/scenarios");
    let wanted = std::env::var("PGSTRATA_SCENARIO").unwrap_or_default();
    let mut scenarios: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    scenarios.retain(|path| path.is_dir() && path.to_string_lossy().contains(&wanted));
    scenarios.sort();
    assert!(!scenarios.is_empty(), "no scenario is called {wanted}");
    let (next, failures) = (Mutex::new(scenarios.iter()), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..SIDE_BY_SIDE {
            scope.spawn(|| {
                loop {
                    let Some(path) = next.lock().unwrap().next() else { return };
                    let name = path.file_name().unwrap().to_string_lossy().into_owned();
                    if let Err(panic) = std::panic::catch_unwind(|| scenario(path, &name)) {
                        let text = panic.downcast_ref::<String>().cloned().unwrap_or_else(|| "panicked".to_owned());
                        failures.lock().unwrap().push(format!("{name}: {text}"));
                    }
                }
            });
        }
    });
    let mut failures = failures.into_inner().unwrap();
    failures.sort();
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
    for statement in read("cluster.sql").iter().flat_map(|sql| sql.lines()).filter(|line| !line.is_empty()) {
        let done = server().connect("postgres").unwrap().batch_execute(statement);
        done.unwrap_or_else(|error| panic!("{statement}: {}", explain(&error)));
    }
    let before = |kind: &str| {
        let db = database(&format!("{kind}_{}", name.replace('-', "_")));
        db.batch(&need("before.sql"));
        for table in read("vacuum").iter().flat_map(|tables| tables.lines()) {
            db.vacuum(true, table);
        }
        for line in read("pending").iter().flat_map(|lines| lines.lines()) {
            interrupt_detach(&db, line);
        }
        db
    };
    let db = before("scenario");
    let url_of = |db: &TestDb| match read("role") {
        Some(role) => db.url().replace(&format!("user={}", server().superuser()), &format!("user={}", role.trim())),
        None => db.url().to_owned(),
    };
    let url = url_of(&db);
    let desired = desired(&need("policy.yaml"));
    let now: Timestamp = need("now").trim().parse().expect("an instant");
    let grants: BTreeSet<Granted> = match read("allow") {
        None => grant_all(),
        Some(text) => text
            .split_whitespace()
            .map(|grant| Granted { grant: grant.parse().unwrap(), source: GrantSource::Flag })
            .collect(),
    };

    let (plan, _) = plan_now(&url, &desired, Some(now), &grants);
    golden(path, "plan.txt", &lines(&plan));
    let world = saved::World { url: &url, desired: &desired, now, grants: &grants };
    if saved::four_ways() {
        world.never_stale();
    }

    let mut watch = LockWatch { client: db.client(), plan: &plan, compared: 0, wrong: Vec::new() };
    let outcome = try_apply(&url, &desired, Some(now), &grants, &mut watch);
    assert!(watch.wrong.is_empty(), "{}", watch.wrong.join("\n"));
    golden(path, "outcome.txt", &left_over(&outcome));
    let (again, _) = plan_now(&url, &desired, Some(now), &grants);
    if let Ok(outcome) = &outcome {
        let done = |id| outcome.results.iter().any(|(step, result)| step == id && result.is_done());
        let transactions = plan.steps.iter().filter(|step| step.unit == Unit::Transaction && done(&step.id)).count();
        assert!(watch.compared >= transactions, "every transaction's locks are compared: {:?}", outcome.results);
        let remains = again.steps.iter().map(|step| format!("{}\n", step.id)).collect::<String>();
        golden(path, "residual.txt", &remains);
        same_plan(outcome, &again);
        never_green_beside_an_unmet_want(outcome);
    }

    let expected = before("expected");
    expected.batch(&read("after.sql").unwrap_or_default());
    let after = describe(&expected);
    assert_same(&after, &describe(&db));

    let copy = before("saved");
    let from_file = saved::World { url: &url_of(&copy), ..world }.carry_out();
    assert_same(&left_over(&outcome), &left_over(&from_file));
    assert_same(&after, &describe(&copy));
}

/// `parent leaf`: a concurrent detach that a reader of the parent keeps waiting until its time is over stays pending.
fn interrupt_detach(db: &TestDb, line: &str) {
    let (parent, leaf) = line.split_once(' ').expect("parent leaf");
    let (mut reader, mut detacher) = (db.client(), db.client());
    reader.batch_execute(&format!("BEGIN; SELECT FROM {parent} LIMIT 0")).unwrap();
    detacher.batch_execute("SET statement_timeout = '100ms'").unwrap();
    let cut = detacher.batch_execute(&format!("ALTER TABLE {parent} DETACH PARTITION {leaf} CONCURRENTLY"));
    let error = explain(&cut.expect_err("the reader is in its way"));
    assert!(error.starts_with("57014"), "{line}: {error}");
}
