//! What goes over the wire is what the plan says: the server's own log of every statement, compared with the plan's SQL.

use std::collections::BTreeMap;
use std::time::Duration;

use pgstrata::apply::{ApplyOptions, Ended, Run, Silent, judge};
use pgstrata::db::Interrupt;
use pgstrata::plan::{Plan, Step, Unit};
use pgstrata::sandbox::Options;
use pgstrata::sql::{Statement, render};

use crate::crash_world::World;
use crate::support::drive::{connector, grant_all, options, plan_now};
use crate::support::{own_server, settings};

const PREFIX: &str = "@@@";

#[test]
fn a_saved_plan_sends_its_own_sql_and_nothing_else() {
    let server = own_server(Options {
        settings: settings(&[
            ("autovacuum", "off"),
            ("log_statement", "all"),
            ("log_line_prefix", &format!("{PREFIX}%p %d ")),
        ]),
        ..Options::default()
    });
    let world = World::new(&server, "wire");
    let database = world.copy("wire_apply");
    let url = server.url(&database);
    let (made, _) = plan_now(&url, &world.policy, None, &grant_all());
    let saved: Plan = serde_json::from_str(&serde_json::to_string(&made).unwrap()).unwrap();
    let told = std::fs::read_to_string(server.log_path()).unwrap().len();

    let mut run = Run::begin(&connector(&url), Duration::ZERO, &Interrupt::new()).unwrap();
    let (snapshot, options) = run.inspect_for(&saved, &world.policy, &options(None, &grant_all())).unwrap();
    let judged = judge(&saved, &world.policy, &snapshot, &options).unwrap();
    let outcome = run.carry_out(judged, &options, &ApplyOptions::default(), &mut Silent);
    assert_eq!((outcome.ended, outcome.committed), (Ended::Complete, true));

    let log = std::fs::read_to_string(server.log_path()).unwrap();
    let sent = statements(&log[told..], &database);
    let sql = |unit: Unit| -> Vec<String> {
        let of = |step: &Step| render(step).iter().filter_map(Statement::sql).map(str::to_owned).collect::<Vec<_>>();
        saved.steps.iter().filter(|step| step.unit == unit).flat_map(of).collect()
    };
    let mut sessions: Vec<Vec<String>> = sent.into_values().filter(|sent| !sent.is_empty()).collect();
    sessions.sort();
    // One job: a session for transactions, and one for what PostgreSQL refuses in them.
    let mut planned = vec![sql(Unit::Transaction), sql(Unit::Statement)];
    planned.sort();
    assert!(planned.iter().flatten().any(|sql| sql.starts_with("DO ") && sql.contains('\n')), "blocks of many lines");
    assert!(planned.iter().flatten().any(|sql| sql.ends_with(" CONCURRENTLY")));
    assert_eq!(sessions.len(), 2, "{sessions:#?}");
    for (sent, planned) in sessions.iter().zip(&planned) {
        if sent != planned {
            let (sent, planned) = (sent.join(";\n"), planned.join(";\n"));
            let diff = similar::TextDiff::from_lines(&planned, &sent);
            panic!("{}", diff.unified_diff().header("planned", "sent"));
        }
    }
}

/// Statements by process, less those with a comment of ours in front and the driver's empty ones, which look whether a
/// session is alive.
fn statements(log: &str, database: &str) -> BTreeMap<String, Vec<String>> {
    let mut sessions: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for entry in log.split(PREFIX).skip(1) {
        // The server indents all lines but the first.
        let entry = entry.trim_end_matches('\n').replace("\n\t", "\n");
        let mut words = entry.splitn(3, ' ');
        let (Some(pid), Some(of), Some(text)) = (words.next(), words.next(), words.next()) else { continue };
        let sql = text.strip_prefix("LOG:  ").and_then(|text| text.split_once(": ")).filter(|_| of == database);
        match sql {
            Some(("statement", "")) | None => {}
            Some((kind, sql)) if kind == "statement" || kind.starts_with("execute ") => {
                let session = sessions.entry(pid.to_owned()).or_default();
                if !sql.starts_with("/* pgstrata ") {
                    session.push(sql.to_owned());
                }
            }
            Some((kind, sql)) => panic!("{kind}: {sql}"),
        }
    }
    assert!(sessions.len() >= 4, "two control sessions and two that work: {sessions:?}");
    sessions
}
