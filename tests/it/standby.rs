//! On a standby a plan is for reading: what needs a temporary table is unverified, nothing is guessed, nothing runs.

use std::fs;

use pgstrata::sandbox::Options;

use crate::support::place::ran;
use crate::support::{own_server, pgstrata};

const POLICY: &str = "version: 1
tables:
  app.events:
    partition: {key: at, interval: 1 month, premake: 1}
    retention: {keep: 1 month, then: drop}
    indexes: {events_body_idx: {columns: [body], where: \"body <> ''\"}, events_at_idx: {columns: [at]}}
    maintenance: {analyze_parent_every: 1 day, freeze_closed: true, reindex_above_bloat: 40%}
limits: {roles: {standby_role: {connection_limit: 3}}}
";

#[test]
fn a_standby_is_read_and_never_written() {
    let server = own_server(Options::default());
    let mut client = server.connect("postgres").unwrap();
    client
        .batch_execute(
            "CREATE ROLE standby_role; CREATE SCHEMA app;
             CREATE TABLE app.events (at timestamptz NOT NULL, body text) PARTITION BY RANGE (at);
             CREATE TABLE app.events_old PARTITION OF app.events FOR VALUES FROM ('2024-01-01 00:00+00') TO ('2024-02-01 00:00+00');
             CREATE TABLE app.events_1 PARTITION OF app.events FOR VALUES FROM ('2025-01-01 00:00+00') TO ('2025-02-01 00:00+00');
             INSERT INTO app.events VALUES ('2025-01-05 00:00+00', 'x');
             CREATE INDEX events_body_idx ON app.events (body) WHERE body <> ''",
        )
        .unwrap();
    drop(client);
    fs::write(server.data_dir().join("standby.signal"), "").unwrap();
    server.restart().unwrap();
    let recovering: bool =
        server.connect("postgres").unwrap().query_one("SELECT pg_is_in_recovery()", &[]).unwrap().get(0);
    assert!(recovering);

    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("pgstrata.yaml"), POLICY).unwrap();
    let run = |args: &[&str], code: i32| {
        let mut command = pgstrata();
        ran(command.current_dir(folder.path()).env("PGSTRATA_URL", server.url("postgres")).args(args), code)
    };
    let plan = run(&["plan", "--out", "plan.json"], 0).stdout;
    for words in [
        "this server is a standby: nothing can be carried out here",
        "events_body_idx",
        "not verified",
        "- events_old",
        "limits and settings",
        "Not applyable: this plan is for reading only: the server is a standby.",
    ] {
        assert!(plan.contains(words), "{words}\n{plan}");
    }
    assert!(
        !plan.contains("~ events_body_idx") && !plan.contains("~ events_at_idx"),
        "what is unverified has no step\n{plan}"
    );
    run(&["drift"], 1);
    let refused = run(&["apply", "--auto-approve"], 1).stderr;
    assert!(refused.contains("standby"), "{refused}");
    run(&["apply", "plan.json"], 4);
    run(&["partition", "list"], 0);
    run(&["optimize", "maintenance", "--dry-run"], 0);
    run(&["import", "--table", "app.events"], 0);
}
